//! `mezz verifier` and `mezz sequencer`, and the pieces that `mezz up` shares with the single
//! duties.

use super::Context;
use crate::{
    Failure,
    cli::{BatchArgs, BatchData, ChainArgs, ChainSource, MetricsArgs, SequencerArgs, VerifierArgs},
    ops::Ops,
    output::Output,
};
use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use mezz_l1::{BlockRef, FeeLimits, L1Client, SenderConfig, TxSender};
use mezz_rollup::{
    L2Client, Node, NodeConfig, Role, RollupConfig, balance,
    batcher::{Batcher, BatcherConfig, Carriers},
    books::Carrier,
    deploy::DeployConfig,
    discover::discover,
    driver::SequencerConfig,
    health::{DutyProbe, Probe},
    proposer::{Proposer, ProposerConfig},
    rpc::TrustProfile,
};
use mezz_rpc::{DevAccounts, RpcConfig};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Pause between two looks at L1: short where asking costs nothing.
pub(crate) const fn l1_poll(embedded: bool) -> Duration {
    Duration::from_millis(if embedded { 100 } else { 500 })
}

/// How long an L1 on which `mezz up` runs may lack a block: one of many nodes may lag behind, but a
/// development node that lacks a block was cut by its user.
pub(crate) const DEV_L1_PATIENCE: Duration = Duration::from_secs(1);

/// How old L1's newest block may be in a node that is ready: an outside L1 that stands still, or a
/// node of it that does not follow, shows an old chain.
const L1_MAX_AGE: Duration = Duration::from_secs(300);

/// Who does what on a new chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roles {
    /// Owns the contracts.
    pub(crate) owner: Address,
    /// May discard proposals and pause withdrawals.
    pub(crate) guardian: Address,
    /// May post batches.
    pub(crate) batcher: Address,
    /// May propose output roots.
    pub(crate) proposer: Address,
    /// Receives the fees of the L2.
    pub(crate) fee_recipient: Address,
}

/// The parameters of a new chain as the command line gives them.
pub(crate) fn deploy_config(
    chain: &ChainArgs,
    challenge_window: Duration,
    roles: Roles,
    alloc: BTreeMap<Address, U256>,
) -> DeployConfig {
    let Roles { owner, guardian, batcher, proposer, fee_recipient } = roles;
    DeployConfig {
        l2_chain_id: chain.l2_chain_id,
        block_time: chain.block_time,
        gas_limit: chain.gas_limit,
        challenge_window,
        proof_maturity_delay: challenge_window,
        finality_delay: Duration::ZERO,
        sequencing_window: chain.sequencing_window,
        max_sequencer_drift: chain.max_drift,
        origin_depth: 0,
        owner,
        guardian,
        batcher,
        proposer,
        fee_recipient,
        alloc,
    }
}

/// A duty that posts to L1, and what it needs.
#[derive(Debug)]
pub(crate) struct Duty {
    /// JSON-RPC of L1.
    pub(crate) l1_url: String,
    /// JSON-RPC of the L2 node.
    pub(crate) l2_url: String,
    /// Its key.
    pub(crate) key: PrivateKeySigner,
    /// Where its transactions are remembered, each chain's in a folder of its own.
    pub(crate) journal: PathBuf,
    /// The chain.
    pub(crate) rollup: RollupConfig,
}

/// A duty at work.
#[derive(Debug)]
pub(crate) struct RunningDuty {
    stop: CancellationToken,
    task: JoinHandle<()>,
    probe: Arc<DutyProbe>,
    account: Address,
}

impl RunningDuty {
    /// What tells how it fares.
    pub(crate) fn probe(&self) -> Arc<dyn Probe> {
        self.probe.clone()
    }

    /// Who posts.
    pub(crate) const fn account(&self) -> Address {
        self.account
    }

    /// Stops it. Its transactions that are on their way stand in its journal.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        // A task that panicked has said so.
        let _ = self.task.await;
    }
}

/// The folder of one chain below `journal`. A chain is its inbox on the L1 that has its origin: an
/// L1 that begins anew has the same addresses and chain id, and must not get old transactions.
fn journal_dir(journal: &Path, inbox: Address, origin: B256) -> PathBuf {
    journal.join(format!("{inbox:#x}-{origin:#x}"))
}

impl Duty {
    fn sender(&self, duty: &'static str) -> Result<TxSender, Failure> {
        let origin = self.rollup.genesis.l1;
        let (sender, task) = TxSender::new(
            L1Client::new(&self.l1_url)?,
            self.key.clone(),
            self.rollup.l1_chain_id,
            Some(journal_dir(&self.journal, self.rollup.contracts.inbox, origin.hash)),
            SenderConfig {
                poll_interval: Duration::from_millis(300),
                anchor: Some(BlockRef { number: origin.number, hash: origin.hash }),
                duty,
                ..SenderConfig::default()
            },
        )?;
        tokio::spawn(task.run().instrument(tracing::info_span!("duty", duty)));
        Ok(sender)
    }

    /// Does `work` until it ends, with an eye on what the account has.
    fn start(
        &self,
        duty: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
        stop: CancellationToken,
        probe: DutyProbe,
    ) -> Result<RunningDuty, Failure> {
        let account = self.key.address();
        let balance = balance::watch(L1Client::new(&self.l1_url)?, account, duty);
        let work = async move {
            tokio::select! {
                () = work => {}
                () = balance => {}
            }
        };
        let task = tokio::spawn(work.instrument(tracing::info_span!("duty", duty)));
        Ok(RunningDuty { stop, task, probe: Arc::new(probe), account })
    }

    /// Starts to post batches.
    pub(crate) fn start_batcher(
        self,
        max_age: Duration,
        batches: &BatchArgs,
    ) -> Result<RunningDuty, Failure> {
        let config = BatcherConfig {
            inbox: self.rollup.contracts.inbox,
            l2_chain_id: self.rollup.l2_chain_id,
            sequencing_window: self.rollup.sequencing_window,
            max_age,
            target_blobs: usize::from(batches.batch_blobs),
            carriers: match batches.batch_data {
                BatchData::Cheapest => Carriers::Cheapest,
                BatchData::Blobs => Carriers::Only(Carrier::Blobs),
                BatchData::Calldata => Carriers::Only(Carrier::Calldata),
            },
            fees: FeeLimits {
                max_fee_per_gas: batches.max_l1_fee.0,
                max_fee_per_blob_gas: batches.max_blob_fee.0,
                ..FeeLimits::default()
            },
            patience: 20,
        };
        let batcher = Batcher::new(
            config,
            L2Client::new(&self.l2_url)?,
            L1Client::new(&self.l1_url)?,
            self.sender("batcher")?,
        );
        let (stop, probe) = (CancellationToken::new(), batcher.probe());
        self.start("batcher", batcher.run(stop.clone()), stop, probe)
    }

    /// Starts to propose.
    pub(crate) fn start_proposer(
        self,
        interval: Duration,
        finalized_only: bool,
    ) -> Result<RunningDuty, Failure> {
        let config = ProposerConfig {
            factory: self.rollup.contracts.dispute_game_factory,
            registry: self.rollup.contracts.anchor_state_registry,
            interval,
            finalized_only,
        };
        let proposer = Proposer::new(
            config,
            L2Client::new(&self.l2_url)?,
            L1Client::new(&self.l1_url)?,
            self.sender("proposer")?,
        );
        let (stop, probe) = (CancellationToken::new(), proposer.probe());
        self.start("proposer", proposer.run(stop.clone()), stop, probe)
    }
}

/// `mezz verifier`.
pub(crate) async fn verifier(context: &Context, args: VerifierArgs) -> Result<(), Failure> {
    let rpc = args.rpc.config(SocketAddr::new(args.host, args.port));
    serve(context, &args.source, &args.metrics, rpc, "verifier", |_| Role::Verifier).await
}

/// `mezz sequencer`.
pub(crate) async fn sequencer(context: &Context, args: SequencerArgs) -> Result<(), Failure> {
    let rpc = args.rpc.config(SocketAddr::new(args.host, args.port));
    serve(context, &args.source, &args.metrics, rpc, "sequencer", |rollup| {
        Role::Sequencer(SequencerConfig {
            block_time: Duration::from_millis(rollup.block_time_ms),
            l1_confirmations: args.l1_confirmations,
        })
    })
    .await
}

async fn serve(
    context: &Context,
    source: &ChainSource,
    metrics: &MetricsArgs,
    rpc: RpcConfig,
    name: &'static str,
    role: impl FnOnce(&RollupConfig) -> Role,
) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let ops = Ops::begin(metrics, name, &context.global.data_dir).await?;
    let l1 = L1Client::new(&source.l1)?;
    let rollup = discover(&l1, source.inbox).await?;
    let role = role(&rollup);
    let mut node = Node::start(NodeConfig {
        role,
        l1_url: source.l1.clone(),
        beacon_url: source.beacon.clone().unwrap_or_else(|| source.l1.clone()),
        data_dir: Some(context.global.data_dir.join(name)),
        rpc,
        l1_poll: l1_poll(false),
        l1_patience: source.l1_patience,
        l1_reverts: false,
        l1_max_age: Some(L1_MAX_AGE),
        dev_accounts: DevAccounts::default(),
        rollup: rollup.clone(),
    })
    .await?;
    ops.started(vec![node.probe()]);
    let out = context.out;
    out.line(format!(
        "Mezzanine {}: {name} of chain {}\n",
        env!("CARGO_PKG_VERSION"),
        rollup.l2_chain_id
    ));
    out.field("JSON-RPC", node.url());
    out.field("L1", l1.url());
    out.field("inbox", rollup.contracts.inbox.to_string());
    out.field("head", node.chain().head().number().to_string());
    ops.announce(out);
    out.line("\nCtrl-C stops; the next start goes on from here.");
    out.result(&serde_json::json!({
        "role": name,
        "rpc": node.url(),
        "l1": l1.url(),
        "metrics": ops.url(),
        "inbox": rollup.contracts.inbox,
        "chainId": rollup.l2_chain_id,
    }));
    let outcome = tokio::select! {
        error = node.failure() => Err(error.into()),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    let head = node.chain().head().number();
    let stopped = node.stop().await;
    out.line(format!("Stopped at L2 block {head}."));
    outcome.and(stopped.map_err(Failure::from))
}

/// Says who is believed.
pub(crate) fn show_trust(out: Output, trust: &TrustProfile) {
    out.field("data", &trust.data);
    out.field("state", &trust.state);
    out.field("censorship", &trust.censorship);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journal_is_of_one_chain_on_one_l1() {
        let folder = |inbox, origin| {
            let inbox = Address::repeat_byte(inbox);
            journal_dir(Path::new("batcher"), inbox, B256::repeat_byte(origin))
        };
        assert_ne!(folder(1, 1), folder(1, 2), "L1 began anew");
        assert_ne!(folder(1, 1), folder(2, 1));
        assert!(folder(1, 1).starts_with("batcher"));
    }
}
