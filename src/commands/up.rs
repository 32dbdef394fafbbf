//! `mezz up`: an L1, the contracts on it, and the L2 with all its duties, in one process.

use super::{
    Context,
    intent::{self, Intent},
    node::{self, Duty, Roles},
};
use crate::{
    Failure,
    cli::{L1BlockTime, UpArgs},
    client::Client,
    deployment::{Deployment, Layer},
    ops::{EmbeddedL1, Ops},
    units::{show_duration, show_ether},
    wallet,
};
use alloy::primitives::{Address, U256};
use mezz_chain::GenesisAccount;
use mezz_contracts::L1Addresses;
use mezz_devnet::{Devnet, DevnetConfig, DevnetHandle, Mining};
use mezz_l1::L1Client;
use mezz_rollup::{
    Node, NodeConfig, Role, RollupConfig,
    deploy::deploy,
    driver::{SequencerConfig, StatusHandle},
    health::Probe,
    rpc::TrustProfile,
};
use mezz_rpc::DevAccounts;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

/// Wei of each dev account on L1 and on L2: 10,000 ETH.
const DEV_BALANCE: U256 = U256::from_limbs([0x19e0_c9ba_b240_0000, 0x21e, 0, 0]);
/// Wei of the account that deploys, of an embedded L1: 1,000,000 ETH. It backs the ether of L2.
const DEPLOYER_BALANCE: U256 = U256::from_limbs([0x1bce_cced_a100_0000, 0xd3c2, 0, 0]);
/// The chain of a data directory.
pub(super) const CHAIN_FILE: &str = "chain.json";
/// Locked while a chain runs from a data directory.
pub(super) const LOCK_FILE: &str = "lock";
/// What `--reset` removes.
const OWN_FILES: [&str; 7] =
    ["l1", "l2", "batcher", "proposer", CHAIN_FILE, intent::FILE_NAME, "deployment.json"];
/// How long the first L2 block is waited for.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// What is kept of a chain between runs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedChain {
    pub(super) rollup: RollupConfig,
    pub(super) contracts: L1Addresses,
}

/// Starts everything, and stops it when told.
pub(crate) async fn run(context: &Context, args: UpArgs) -> Result<(), Failure> {
    let started = Instant::now();
    // From the first moment, so that nothing is left half-done by an early Ctrl-C.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let dir = context.global.data_dir.clone();
    let _lock = prepare(&dir, args.reset)?;
    let ops = Ops::begin(&args.metrics, "up", &dir).await?;

    let mut devnet = match &args.l1 {
        Some(_) => None,
        None => Some(start_l1(&dir, &args).await?),
    };
    let l1_url = match (&args.l1, &devnet) {
        (Some(url), _) => url.clone(),
        (None, Some(devnet)) => devnet.url.clone(),
        (None, None) => return Err("there is no L1".into()),
    };
    let beacon_url = args.beacon.clone().unwrap_or_else(|| l1_url.clone());
    let (chain, new) = load_or_deploy(&dir, &l1_url, &args).await?;

    let keys: Vec<_> = (0..wallet::DEV_ACCOUNTS).map(wallet::dev_key).collect::<Result<_, _>>()?;
    let mut node = Node::start(NodeConfig {
        rollup: chain.rollup.clone(),
        l1_url: l1_url.clone(),
        beacon_url: beacon_url.clone(),
        data_dir: Some(dir.join("l2")),
        rpc: args.rpc.config(SocketAddr::new(args.host, args.l2_port)),
        role: Role::Sequencer(SequencerConfig {
            block_time: Duration::from_millis(chain.rollup.block_time_ms),
            l1_confirmations: args.duties.l1_confirmations,
        }),
        l1_poll: node::l1_poll(args.l1.is_none()),
        l1_patience: node::DEV_L1_PATIENCE,
        l1_reverts: true,
        l1_max_age: None,
        dev_accounts: DevAccounts::new(keys),
    })
    .await?;
    let resumed = node.chain().head().number();

    let duty = |name: &'static str, index: u32| -> Result<Duty, Failure> {
        Ok(Duty {
            l1_url: l1_url.clone(),
            l2_url: node.url(),
            key: wallet::dev_key(index)?,
            journal: dir.join(name),
            rollup: chain.rollup.clone(),
        })
    };
    let batcher = duty("batcher", wallet::BATCHER_INDEX)?
        .start_batcher(args.duties.batch_interval, &args.duties.batches)?;
    let proposer = duty("proposer", wallet::PROPOSER_INDEX)?
        .start_proposer(args.duties.proposal_interval, args.duties.propose_finalized)?;

    let embedded = devnet.as_ref().map(|l1| Arc::new(EmbeddedL1::new(l1)) as Arc<dyn Probe>);
    let duties = [node.probe(), batcher.probe(), proposer.probe()];
    ops.started(embedded.into_iter().chain(duties).collect());

    let deployment =
        Deployment { metrics: ops.url(), ..describe(&chain, &l1_url, &beacon_url, &node.url())? };
    let status = node.status().clone();
    let stop = tokio::select! {
        ready = wait_ready(resumed, status) => ready.map(|()| None),
        error = node.failure() => Err(error.into()),
        error = l1_failure(&mut devnet) => Err(error),
        _ = interrupt.recv() => Ok(Some("interrupted")),
        _ = terminate.recv() => Ok(Some("terminated")),
    };
    let outcome = match stop {
        Ok(None) => {
            let block_time = Duration::from_millis(chain.rollup.block_time_ms);
            let resumed = (!new).then_some(resumed);
            announce(context, &args, &node, &deployment, block_time, resumed).await?;
            let path = deployment.save(&dir)?;
            context.out.line(format!(
                "\nReady in {}. Clients find all of this in {}.\nCtrl-C stops; the next `mezz up` goes on from here, `mezz up --reset` begins anew.",
                show_duration(started.elapsed()),
                path.display()
            ));
            context.out.result(&deployment);
            tokio::select! {
                error = node.failure() => Err(error.into()),
                error = l1_failure(&mut devnet) => Err(error),
                _ = interrupt.recv() => Ok(()),
                _ = terminate.recv() => Ok(()),
            }
        }
        Ok(Some(_)) => Ok(()),
        Err(error) => Err(error),
    };
    context.out.line("Stopping.");
    Deployment::remove(&dir)?;
    batcher.stop().await;
    proposer.stop().await;
    let head = node.chain().head().number();
    let stopped = node.stop().await;
    if let Some(devnet) = devnet {
        devnet.stop().await;
    }
    context.out.line(format!("Stopped at L2 block {head}."));
    outcome.and(stopped.map_err(Failure::from))
}

/// Makes the data directory usable and takes it: before anything in it is touched, and until the
/// answer is dropped, so that a second start does no harm to a running chain.
fn prepare(dir: &Path, reset: bool) -> Result<File, Failure> {
    let failed = |what: &str, error: std::io::Error| {
        format!("cannot {what} the data directory {}: {error}", dir.display())
    };
    fs::create_dir_all(dir).map_err(|error| failed("create", error))?;
    let lock = File::create(dir.join(LOCK_FILE)).map_err(|error| failed("write to", error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(format!(
                "a chain is running from {}; stop it, or choose another directory with --data-dir and other ports",
                dir.display()
            )
            .into());
        }
        Err(TryLockError::Error(error)) => return Err(failed("lock", error).into()),
    }
    if reset {
        for name in OWN_FILES {
            let path = dir.join(name);
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failed("reset", error).into());
                }
                _ => {}
            }
        }
    }
    Deployment::remove(dir)?;
    Ok(lock)
}

async fn start_l1(dir: &Path, args: &UpArgs) -> Result<DevnetHandle, Failure> {
    let mining = match args.l1_block_time {
        _ if !dir.join(CHAIN_FILE).exists() => Mining::Manual,
        L1BlockTime::Interval(pause) => Mining::Interval(pause),
        L1BlockTime::OnDemand => Mining::OnDemand,
    };
    let mut alloc = BTreeMap::new();
    for (index, balance) in [
        (wallet::DEPLOYER_INDEX, DEPLOYER_BALANCE),
        (wallet::BATCHER_INDEX, DEV_BALANCE),
        (wallet::PROPOSER_INDEX, DEV_BALANCE),
    ] {
        let account = GenesisAccount { balance, ..GenesisAccount::default() };
        alloc.insert(wallet::dev_key(index)?.address(), account);
    }
    Ok(Devnet::start(DevnetConfig {
        addr: SocketAddr::new(args.host, args.l1_port),
        limits: args.rpc.limits(),
        cors: args.rpc.cors(),
        chain_id: args.l1_chain_id,
        data_dir: Some(dir.join("l1")),
        mining,
        finality_depth: args.l1_finality,
        mnemonic: wallet::DEV_MNEMONIC.to_owned(),
        account_count: wallet::DEV_ACCOUNTS,
        balance: DEV_BALANCE,
        alloc,
        ..DevnetConfig::default()
    })
    .await?)
}

/// Waits until the embedded L1, if there is one, cannot go on.
async fn l1_failure(devnet: &mut Option<DevnetHandle>) -> Failure {
    match devnet {
        Some(devnet) => devnet.failure().await.into(),
        None => std::future::pending().await,
    }
}

/// The chain of the data directory; made, if there is none.
async fn load_or_deploy(
    dir: &Path,
    l1_url: &str,
    args: &UpArgs,
) -> Result<(SavedChain, bool), Failure> {
    let path = dir.join(CHAIN_FILE);
    match fs::read(&path) {
        Ok(json) => {
            let chain: SavedChain = serde_json::from_slice(&json)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
            // A start that died here has kept its chain and not yet forgotten how it made it.
            Intent::remove(dir)?;
            return Ok((chain, false));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display()).into()),
    }
    let l1 = L1Client::new(l1_url)?;
    let chain = match adopt(dir, &l1).await? {
        Some(chain) => chain,
        None => make_chain(dir, l1_url, &l1, args).await?,
    };
    let json = serde_json::to_vec_pretty(&chain)?;
    mezz_fault::replace_file(&path, &json, "file")
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Intent::remove(dir)?;
    if args.l1.is_none() {
        start_mining(&l1, args.l1_block_time).await?;
    }
    Ok((chain, true))
}

/// The chain that an earlier start made and could not keep.
async fn adopt(dir: &Path, l1: &L1Client) -> Result<Option<SavedChain>, Failure> {
    let Some(intent) = Intent::load(dir) else { return Ok(None) };
    let found = intent.adopt(l1).await?;
    match &found {
        Some(chain) => tracing::warn!(
            inbox = %chain.contracts.inbox,
            "an earlier start was stopped while it made its chain: going on with that one"
        ),
        None => tracing::warn!(
            "an earlier start was stopped while it made its chain, which is not whole on this L1: making another one"
        ),
    }
    Ok(found)
}

async fn make_chain(
    dir: &Path,
    l1_url: &str,
    l1: &L1Client,
    args: &UpArgs,
) -> Result<SavedChain, Failure> {
    let deployer = wallet::dev_key(wallet::DEPLOYER_INDEX)?;
    let batcher = wallet::dev_key(wallet::BATCHER_INDEX)?.address();
    let proposer = wallet::dev_key(wallet::PROPOSER_INDEX)?.address();
    let alloc: BTreeMap<Address, U256> =
        wallet::dev_accounts()?.iter().map(|account| (account.address, DEV_BALANCE)).collect();
    let backing = alloc.values().fold(U256::ZERO, |sum, wei| sum + *wei);
    fund(l1_url, deployer.address(), backing + DEV_BALANCE).await?;
    for duty in [batcher, proposer] {
        fund(l1_url, duty, DEV_BALANCE).await?;
    }
    let owner = deployer.address();
    let roles = Roles { owner, guardian: owner, batcher, proposer, fee_recipient: owner };
    let choices = node::deploy_config(&args.chain, args.challenge_window, roles, alloc);
    Intent::new(l1, owner, backing).await?.save(dir)?;
    let embedded = args.l1.is_none();
    // The embedded L1 makes no block by itself yet: all contracts go into one.
    let mine = async || match embedded {
        true => l1.request::<_, serde_json::Value>("evm_mine", ()).await.map(|_| ()),
        false => Ok(()),
    };
    let (rollup, contracts) = deploy(l1, deployer, &choices, mine).await?;
    Ok(SavedChain { rollup, contracts })
}

/// Sees to it that an account of a development L1 has at least `wei`.
async fn fund(l1_url: &str, address: Address, wei: U256) -> Result<(), Failure> {
    let l1 = Client::new("L1", l1_url)?;
    if l1.balance(address).await? >= wei {
        return Ok(());
    }
    let set: Result<serde_json::Value, _> = l1.request("anvil_setBalance", (address, wei)).await;
    set.map_err(|error| {
        format!(
            "{address} needs {} on this L1, and the L1 is not a development node that gives it ({error}); for a real L1 use `mezz deploy` and one process for each duty",
            show_ether(wei)
        )
    })?;
    Ok(())
}

/// Lets the embedded L1 make blocks as the options say.
async fn start_mining(l1: &L1Client, pace: L1BlockTime) -> Result<(), Failure> {
    let _: serde_json::Value = match pace {
        L1BlockTime::Interval(pause) => {
            l1.request("evm_setIntervalMining", (pause.as_secs(),)).await?
        }
        L1BlockTime::OnDemand => l1.request("evm_setAutomine", (true,)).await?,
    };
    Ok(())
}

fn describe(
    chain: &SavedChain,
    l1_url: &str,
    beacon_url: &str,
    l2_url: &str,
) -> Result<Deployment, Failure> {
    let contracts = serde_json::from_value(serde_json::to_value(&chain.contracts)?)?;
    Ok(Deployment {
        kind: "optimistic".to_owned(),
        l1: Layer {
            rpc: l1_url.to_owned(),
            beacon: Some(beacon_url.to_owned()),
            chain_id: chain.rollup.l1_chain_id,
            contracts,
        },
        l2: Layer::l2(l2_url, chain.rollup.l2_chain_id),
        accounts: wallet::dev_accounts()?,
        metrics: None,
    })
}

/// Waits until the sequencer has made a block in this run.
async fn wait_ready(before: u64, status: StatusHandle) -> Result<(), Failure> {
    let mut status = status.subscribe();
    let first = async {
        loop {
            if status.borrow_and_update().unsafe_l2.number > before {
                return;
            }
            if status.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::time::timeout(READY_TIMEOUT, first).await.map_err(|_| {
        format!(
            "the sequencer made no block within {} s; --log info says why",
            READY_TIMEOUT.as_secs()
        )
        .into()
    })
}

async fn announce(
    context: &Context,
    args: &UpArgs,
    node: &Node,
    deployment: &Deployment,
    block_time: Duration,
    resumed: Option<u64>,
) -> Result<(), Failure> {
    let out = context.out;
    let rollup = &deployment;
    out.line(format!("Mezzanine {}: optimistic rollup\n", env!("CARGO_PKG_VERSION")));
    let l1 = match (&args.l1, args.l1_block_time) {
        (Some(_), _) => "outside node".to_owned(),
        (None, L1BlockTime::OnDemand) => "embedded, a block for each transaction".to_owned(),
        (None, L1BlockTime::Interval(pause)) => {
            format!("embedded, a block every {}", show_duration(pause))
        }
    };
    let pause = show_duration(block_time);
    out.line(format!("  L1   {}   chain {}   {l1}", rollup.l1.rpc, rollup.l1.chain_id));
    out.line(format!(
        "  L2   {}   chain {}   a block every {pause}",
        rollup.l2.rpc, rollup.l2.chain_id
    ));
    if let Some(url) = &deployment.metrics {
        out.line(format!("  metrics   {url}"));
    }
    if let Some(resumed) = resumed {
        out.line(format!(
            "\nGoing on from L2 block {resumed}, with the parameters that the chain was made with."
        ));
    }
    let held = if resumed.is_none() && args.l1.is_none() {
        format!(", each with {} on both layers", show_ether(DEV_BALANCE))
    } else {
        String::new()
    };
    out.line(format!("\nAccounts{held}. Everybody knows these keys."));
    for (index, account) in deployment.accounts.iter().enumerate() {
        out.line(format!("  ({index}) {}  {}", account.address, account.private_key));
    }
    let l2 = Client::new("L2", &node.url())?;
    let trust: TrustProfile = l2.request("mezz_trustProfile", ()).await?;
    out.line("\nWho is believed");
    node::show_trust(out, &trust);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_start_is_refused_before_anything_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let lock = prepare(dir.path(), false).unwrap();
        for name in [CHAIN_FILE, crate::deployment::FILE_NAME] {
            fs::write(dir.path().join(name), "{}").unwrap();
        }
        let error = prepare(dir.path(), true).unwrap_err().to_string();
        assert!(error.contains("a chain is running from"), "{error}");
        assert!(dir.path().join(CHAIN_FILE).exists());
        assert!(dir.path().join(crate::deployment::FILE_NAME).exists());
        drop(lock);
        let _lock = prepare(dir.path(), true).unwrap();
        assert!(!dir.path().join(CHAIN_FILE).exists());
    }
}
