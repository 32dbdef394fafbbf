//! Processes of the program and of Anvil. Every one is killed when its handle goes.

use super::{PATIENCE, Rpc, key, text, wait_until};
use alloy::signers::{k256::elliptic_curve::rand_core::OsRng, local::PrivateKeySigner};
use mezz_devnet::{Devnet, DevnetConfig, DevnetHandle, Mining};
use serde_json::Value;
use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Which L1 a scenario is on.
pub(crate) enum L1 {
    /// The one inside `mezz up`.
    Embedded,
    /// The one inside `mezz up`, at a port that stays the same over restarts.
    EmbeddedAt(u16),
    /// An Anvil.
    Anvil(Anvil),
    /// A node that somebody else runs.
    Outside(String),
}

impl L1 {
    /// Options of `mezz up` for it.
    pub(crate) fn options(&self) -> Vec<String> {
        match self {
            Self::Embedded => vec!["--l1-port".into(), "0".into()],
            Self::EmbeddedAt(port) => vec!["--l1-port".into(), port.to_string()],
            Self::Anvil(Anvil { url, .. }) | Self::Outside(url) => {
                vec!["--l1".into(), url.clone()]
            }
        }
    }
}

/// A running Anvil.
pub(crate) struct Anvil {
    /// Its JSON-RPC.
    pub(crate) url: String,
    _child: Child,
}

impl Anvil {
    /// Starts one with the rules of the newest fork unless `args` name another, a block a second and `args`; `None` if there
    /// is no Anvil here.
    pub(crate) async fn start(args: &[&str]) -> Option<Self> {
        let Ok(binary) = env::var("MEZZ_ANVIL") else {
            eprintln!("skipped: MEZZ_ANVIL does not name the binary of Anvil");
            return None;
        };
        let port = free_port();
        let fork: &[&str] =
            if args.contains(&"--hardfork") { &[] } else { &["--hardfork", "osaka"] };
        let child = Command::new(&binary)
            .args(fork)
            .args(["--enable-tx-gas-limit", "--block-time", "1", "--silent"])
            .args(["--port", &port.to_string()])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{binary}: {error}"));
        let anvil = Self { url: format!("http://127.0.0.1:{port}"), _child: child };
        let rpc = Rpc::new(&anvil.url);
        wait_until("Anvil answers", || async { rpc.try_call("eth_chainId", ()).await.is_ok() })
            .await;
        Some(anvil)
    }
}

pub(crate) use mezz_devnet::DEFAULT_CHAIN_ID as L1_CHAIN_ID;

/// An embedded L1 that belongs to no chain, with a block a second.
pub(crate) async fn devnet(chain_id: u64) -> DevnetHandle {
    Devnet::start(DevnetConfig {
        addr: (Ipv4Addr::LOCALHOST, 0).into(),
        chain_id,
        mining: Mining::Interval(Duration::from_secs(1)),
        ..DevnetConfig::default()
    })
    .await
    .expect("an L1 of its own")
}

/// Of the key files of tests.
pub(crate) const PASSWORD: &str = "of no value";

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// What is sent to a process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What a supervisor sends.
    Terminate,
    /// The end, at once.
    Kill,
}

/// A long-running `mezz`.
pub(crate) struct Mezz {
    child: Child,
    dir: PathBuf,
    logs: TempDir,
}

impl Mezz {
    /// `mezz up` on `l1` with short pauses, ready to use.
    pub(crate) async fn up(dir: &Path, l1: &L1, args: &[&str]) -> Self {
        let mut mezz = Self::spawn_up(dir, l1, args);
        mezz.wait_ready().await;
        mezz
    }

    /// `mezz up` on `l1`, only just started.
    pub(crate) fn spawn_up(dir: &Path, l1: &L1, args: &[&str]) -> Self {
        Self::spawn_up_with(dir, l1, args, &[])
    }

    /// [`Self::spawn_up`] with environment variables.
    pub(crate) fn spawn_up_with(dir: &Path, l1: &L1, args: &[&str], env: &[(&str, &str)]) -> Self {
        // After `kill -9` the old one is still there; the new one is waited for.
        match fs::remove_file(dir.join("deployment.json")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
        let own = ["up", "--l2-port", "0", "--batch-interval", "1s", "--proposal-interval", "2s"];
        let options = l1.options();
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        Self::spawn_with(dir, &[&own, options.as_slice(), args].concat(), env)
    }

    /// `mezz verifier` of the chain on `l1_url`, answering.
    pub(crate) async fn verifier(dir: &Path, l1_url: &str, args: &[&str]) -> (Self, Rpc) {
        Self::node("verifier", dir, l1_url, args).await
    }

    /// `mezz verifier` or `mezz sequencer` of the chain on `l1_url`, answering.
    pub(crate) async fn node(role: &str, dir: &Path, l1_url: &str, args: &[&str]) -> (Self, Rpc) {
        Self::node_with(role, dir, l1_url, args, &[]).await
    }

    /// [`Self::node`] with environment variables.
    pub(crate) async fn node_with(
        role: &str,
        dir: &Path,
        l1_url: &str,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> (Self, Rpc) {
        let own = [role, "--l1", l1_url, "--json"];
        let port: &[&str] = if args.contains(&"--port") { &[] } else { &["--port", "0"] };
        let mut mezz = Self::spawn_with(dir, &[&own, port, args].concat(), env);
        let rpc = Rpc::new(text(&mezz.announced().await, "/rpc"));
        (mezz, rpc)
    }

    /// What a command with `--json` says when it is at work.
    pub(crate) async fn announced(&mut self) -> Value {
        let start = Instant::now();
        loop {
            if let Ok(answer) = serde_json::from_str::<Value>(&self.stdout()) {
                return answer;
            }
            self.check(start, "it says that it is at work");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Any command that does not end by itself.
    pub(crate) fn spawn(dir: &Path, args: &[&str]) -> Self {
        Self::spawn_with(dir, args, &[])
    }

    fn spawn_with(dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let env = env.iter().copied();
        Self::spawn_command(dir, command(dir).env("MEZZ_LOG", "info").args(args).envs(env))
    }

    /// As [`Mezz::spawn`], with no password in the environment and nothing said about logs.
    pub(crate) fn spawn_bare(dir: &Path, args: &[&str]) -> Self {
        Self::spawn_command(dir, command(dir).env_remove("MEZZ_PASSWORD").args(args))
    }

    fn spawn_command(dir: &Path, command: &mut Command) -> Self {
        let logs = tempfile::tempdir().expect("a directory");
        let file = |name| File::create(logs.path().join(name)).expect("a file");
        let child = command
            .stdout(file("out"))
            .stderr(file("err"))
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        Self { child, dir: dir.to_owned(), logs }
    }

    /// Waits until deployment.json is there.
    pub(crate) async fn wait_ready(&mut self) {
        let start = Instant::now();
        while !self.dir.join("deployment.json").exists() {
            self.check(start, "deployment.json appears");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn check(&mut self, start: Instant, what: &str) {
        if let Some(status) = self.child.try_wait().expect("a child") {
            panic!("{what}: it ended with {status}\n{}", self.stderr());
        }
        assert!(start.elapsed() < PATIENCE, "{what}: not in time\n{}", self.stderr());
    }

    /// Whether it has ended, by itself or by a signal.
    pub(crate) fn ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// What deployment.json says.
    pub(crate) fn deployment(&self) -> Value {
        let path = self.dir.join("deployment.json");
        let json = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_slice(&json).expect("whole JSON: the file appears at once")
    }

    /// URL of L1.
    pub(crate) fn l1_url(&self) -> String {
        text(&self.deployment(), "/l1/rpc").to_owned()
    }

    /// JSON-RPC of L1.
    pub(crate) fn l1(&self) -> Rpc {
        Rpc::new(&self.l1_url())
    }

    /// JSON-RPC of L2.
    pub(crate) fn l2(&self) -> Rpc {
        Rpc::new(text(&self.deployment(), "/l2/rpc"))
    }

    /// What it has written to stdout.
    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.logs.path().join("out")).unwrap_or_default()
    }

    /// What it has written to stderr.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.logs.path().join("err")).unwrap_or_default()
    }

    /// Sends it a signal and waits until it has ended.
    pub(crate) async fn stop(&mut self, signal: Signal) -> ExitStatus {
        let pid = self.child.id().expect("it runs").to_string();
        let name = match signal {
            Signal::Interrupt => "-INT",
            Signal::Terminate => "-TERM",
            Signal::Kill => "-KILL",
        };
        let sent = Command::new("kill").args([name, &pid]).status().await.expect("kill");
        assert!(sent.success(), "kill {name} {pid}");
        self.wait().await
    }

    /// Waits until it has ended.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.expect("a child"),
            Err(_) => panic!("it does not end\n{}", self.stderr()),
        }
    }

    /// Runs a client command on this chain; its result.
    pub(crate) async fn client(&self, args: &[&str]) -> Value {
        let output = run_in(&self.dir, &[&["--json"], args].concat()).await;
        assert!(output.success, "mezz {}: {}\n{}", args.join(" "), output.stderr, self.stderr());
        serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("mezz {}: {error}: {}", args.join(" "), output.stdout))
    }
}

/// What a command that ended left behind.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whether the exit code was 0.
    pub(crate) success: bool,
    /// What it wrote.
    pub(crate) stdout: String,
    /// What it complained of.
    pub(crate) stderr: String,
}

impl Output {
    /// The line of an error that is one line, and names `part`.
    pub(crate) fn assert_error(&self, part: &str) {
        assert!(!self.success, "{self:?}");
        let lines: Vec<_> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "one line: {self:?}");
        assert!(lines[0].starts_with("error: "), "{self:?}");
        assert!(lines[0].contains(part), "`{part}` in {self:?}");
    }
}

/// Writes the key of the dev account `index` to an encrypted key file.
pub(crate) fn keystore(dir: &Path, index: u32) -> String {
    let name = format!("key-{index}");
    let bytes = key(index).to_bytes();
    PrivateKeySigner::encrypt_keystore(dir, &mut OsRng, bytes, PASSWORD, Some(&name))
        .expect("a key file");
    dir.join(name).to_str().expect("a name in UTF-8").to_owned()
}

/// What a command that succeeds prints with `--json`.
pub(crate) async fn result(dir: &Path, args: &[&str]) -> Value {
    let output = run_in(dir, &[&["--json"], args].concat()).await;
    assert!(output.success, "mezz {}: {}", args.join(" "), output.stderr);
    serde_json::from_str(&output.stdout)
        .unwrap_or_else(|error| panic!("mezz {}: {error}: {}", args.join(" "), output.stdout))
}

/// Runs `mezz` to its end in a directory of its own.
pub(crate) async fn run(args: &[&str]) -> Output {
    let dir = tempfile::tempdir().expect("a directory");
    run_in(dir.path(), args).await
}

/// Runs `mezz` to its end with a data directory.
pub(crate) async fn run_in(dir: &Path, args: &[&str]) -> Output {
    let ended = command(dir).args(args).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, ended)
        .await
        .unwrap_or_else(|_| panic!("mezz {} does not end", args.join(" ")))
        .expect("the program starts");
    Output {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The program, away from every mezz.toml and variable of whoever runs the tests.
fn command(dir: &Path) -> Command {
    fs::create_dir_all(dir).expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mezz"));
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("MEZZ_")) {
        command.env_remove(name);
    }
    command.current_dir(dir).env("MEZZ_DATA_DIR", dir).env("MEZZ_PASSWORD", PASSWORD);
    command.stdin(Stdio::null());
    command
}
