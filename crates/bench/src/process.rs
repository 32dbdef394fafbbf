//! The processes that are measured: `mezz up` and Anvil, each begun anew, their CPU time and memory.

use crate::{Failure, accounts::CHAIN_ID, rpc::Rpc};
use serde_json::{Value, json};
use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a node may take to answer.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How long a process must be quiet before it is measured.
const SETTLED: Duration = Duration::from_millis(500);
/// Ticks of the kernel's CPU accounting in a second, the same on every Linux.
const TICKS: u64 = 100;

/// Which node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Mezz,
    Anvil,
}

impl Node {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mezz => "mezz",
            Self::Anvil => "anvil",
        }
    }
}

/// How the nodes are started.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct NodeArgs {
    /// Pause between Mezzanine's blocks
    #[arg(long, default_value = "100ms")]
    pub(crate) mezz_block_time: String,
    /// Seconds between Anvil's blocks
    #[arg(long, default_value = "1")]
    pub(crate) anvil_block_time: String,
    /// Let Mezzanine's batcher post every 4 s meanwhile; it compresses on the same cores
    #[arg(long)]
    pub(crate) batcher: bool,
}

impl Default for NodeArgs {
    fn default() -> Self {
        Self {
            mezz_block_time: "100ms".to_owned(),
            anvil_block_time: "1".to_owned(),
            batcher: false,
        }
    }
}

/// A running node. It is killed, and its files removed, when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// URL of the L1 on which it is.
    l1: Option<String>,
    dir: TempDir,
}

impl Server {
    pub(crate) fn start(node: Node, args: &NodeArgs) -> Result<Self, Failure> {
        match node {
            Node::Mezz => Self::mezz(args),
            Node::Anvil => Self::anvil(args),
        }
    }

    /// The embedded L1 and the sequencer in one process, its chain on disk.
    fn mezz(args: &NodeArgs) -> Result<Self, Failure> {
        let dir = tempfile::tempdir_in(own_dir()?)?;
        let child = up(dir.path(), args)?;
        let mut server = Self { child, addr: ([127, 0, 0, 1], 0).into(), l1: None, dir };
        server.wait_for_deployment()?;
        Ok(server)
    }

    /// Ends a node in the middle of what it does.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts [`Node::Mezz`], which was killed, on the data that it has left. It answers when this returns.
    pub(crate) fn start_again(&mut self, args: &NodeArgs) -> Result<(), Failure> {
        // It is there while the chain answers.
        fs::remove_file(deployment(self.dir.path()))?;
        self.child = up(self.dir.path(), args)?;
        self.wait_for_deployment()
    }

    fn wait_for_deployment(&mut self) -> Result<(), Failure> {
        let path = deployment(self.dir.path());
        let bytes = self.wait("mezz", || fs::read(&path).ok())?;
        let deployment: Value = serde_json::from_slice(&bytes)?;
        let url = deployment["l2"]["rpc"].as_str().unwrap_or_default();
        self.addr = url.trim_start_matches("http://").parse()?;
        self.l1 = deployment["l1"]["rpc"].as_str().map(str::to_owned);
        Ok(())
    }

    /// Sets the price of gas on its L1, wei: a batcher posts below 1,000.
    pub(crate) fn set_l1_price(&self, price: u64) -> Result<(), Failure> {
        let url = self.l1.as_deref().ok_or("this node has no L1")?;
        let mut l1 = Rpc::connect(url.trim_start_matches("http://").parse()?)?;
        l1.call("anvil_setNextBlockBaseFeePerGas", &json!([format!("{price:#x}")])).map(drop)
    }

    /// The directory of its files.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn anvil(args: &NodeArgs) -> Result<Self, Failure> {
        let binary = env::var_os("MEZZ_ANVIL").ok_or(
            "MEZZ_ANVIL does not name the binary of Anvil; `npm install @foundry-rs/anvil` brings one in node_modules/@foundry-rs/anvil-*/bin",
        )?;
        let port = free_port()?;
        let dir = tempfile::tempdir_in(own_dir()?)?;
        let child = Command::new(&binary)
            .args(["--port", &port.to_string(), "--chain-id", &CHAIN_ID.to_string()])
            .args(["--hardfork", "osaka", "--gas-limit", "1000000000", "--silent"])
            .args(["--block-time", &args.anvil_block_time])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", PathBuf::from(&binary).display()))?;
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Self { child, addr, l1: None, dir };
        server.wait_for_rpc("anvil")?;
        Ok(server)
    }

    /// A verifier that has nothing but the L1 of `sequencer`. It answers when this returns.
    pub(crate) fn verifier(sequencer: &Self) -> Result<Self, Failure> {
        let l1 = sequencer.l1.clone().ok_or("this node has no L1")?;
        let port = free_port()?;
        let dir = tempfile::tempdir_in(own_dir()?)?;
        let child = Command::new(mezz_binary()?)
            .arg("--data-dir")
            .arg(dir.path().join("chain"))
            .args(["verifier", "--l1", &l1, "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Self { child, addr, l1: Some(l1), dir };
        server.wait_for_rpc("mezz verifier")?;
        Ok(server)
    }

    fn wait_for_rpc(&mut self, name: &str) -> Result<(), Failure> {
        let addr = self.addr;
        let ask = || Rpc::connect(addr).ok()?.call("eth_chainId", &json!([])).ok();
        self.wait(name, ask).map(drop)
    }

    fn wait<T>(&mut self, name: &str, mut ready: impl FnMut() -> Option<T>) -> Result<T, Failure> {
        let until = Instant::now() + START_PATIENCE;
        loop {
            if let Some(answer) = ready() {
                return Ok(answer);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{name} ended at its start: {status}").into());
            }
            if Instant::now() > until {
                return Err(format!("{name} did not answer within {START_PATIENCE:?}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// CPU time that the process has taken so far, in user and in system mode.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The second field, the name in parentheses, may have spaces.
        let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).flat_map(str::parse::<u64>).sum();
        Ok(Duration::from_millis(ticks * 1000 / TICKS))
    }

    /// Waits until the process has done what it does after its start, such as loading a trusted setup: until it takes
    /// less than a tenth of a core for half a second.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        let until = Instant::now() + START_PATIENCE;
        loop {
            let before = self.cpu()?;
            thread::sleep(SETTLED);
            if self.cpu()? - before < SETTLED / 10 || Instant::now() > until {
                return Ok(());
            }
        }
    }

    /// Most memory that the process has had, in MiB.
    pub(crate) fn peak_memory(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `mezz up`. Batcher and proposer are there and wait, unless the batcher is asked for: it does not post at L1's
/// price.
fn up(dir: &Path, args: &NodeArgs) -> Result<Child, Failure> {
    let chain_id = CHAIN_ID.to_string();
    let price: &[&str] = if args.batcher { &[] } else { &["--max-l1-fee", "1000wei"] };
    let child = Command::new(mezz_binary()?)
        .arg("--data-dir")
        .arg(dir.join("chain"))
        .args(["up", "--l1-port", "0", "--l2-port", "0", "--l2-chain-id", &chain_id])
        .args(["--gas-limit", "1000000000", "--block-time", &args.mezz_block_time])
        .args(["--batch-interval", "4s", "--proposal-interval", "10h"])
        .args(price)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    Ok(child)
}

/// The file that says where the chain below a directory answers.
fn deployment(dir: &Path) -> PathBuf {
    dir.join("chain/deployment.json")
}

fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The directory of this program: on a real disk, where a sync costs what it costs.
pub(crate) fn own_dir() -> Result<PathBuf, Failure> {
    let own = env::current_exe()?;
    own.parent().map(Path::to_path_buf).ok_or_else(|| "this program has no directory".into())
}

fn mezz_binary() -> Result<PathBuf, Failure> {
    let path = match env::var_os("MEZZ_BIN") {
        Some(path) => path.into(),
        None => own_dir()?.join("mezz"),
    };
    if !path.exists() {
        return Err(format!("{} is missing: cargo build --release", path.display()).into());
    }
    Ok(path)
}
