//! A node: the chain, its pool, the driver and the RPC, wired.

use crate::{
    driver::{self, DriverError, SequencerConfig, StatusHandle},
    feed::FeedError,
    games::Games,
    genesis::{self, GenesisError},
    health::{Probe, Probes},
    rpc,
    session::Session,
    vitals::{Gauges, Vitals},
    watch::Watch,
};
use mezz_chain::{Chain, ChainConfig, ChainLimits, OpenError};
use mezz_derivation::{L1Ref, RollupConfig};
use mezz_evm::StateReader;
use mezz_l1::{BlobError, L1Client, L1Error};
use mezz_pool::{LookupError, Pool, PoolConfig};
use mezz_primitives::{
    RecoveredTransaction, U256,
    fee::{BatchSize, BatchSizer},
};
use mezz_rpc::{
    Cores, DevAccounts, OpHooks, RpcConfig, RpcContext, RpcError, RpcHandle, RpcServer,
};
use std::{cell::RefCell, path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// What a node does.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// Makes blocks, and derives the chain.
    Sequencer(SequencerConfig),
    /// Derives the chain.
    Verifier,
}

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The chain.
    pub rollup: RollupConfig,
    /// JSON-RPC of L1.
    pub l1_url: String,
    /// Where blobs are read.
    pub beacon_url: String,
    /// Where the chain is kept; `None` keeps it in memory.
    pub data_dir: Option<PathBuf>,
    /// Its JSON-RPC.
    pub rpc: RpcConfig,
    /// What it does.
    pub role: Role,
    /// Pause between two looks at L1.
    pub l1_poll: Duration,
    /// How long an L1 without a block that it had is taken for one that lags behind.
    pub l1_patience: Duration,
    /// Whether L1 is a development node, whose user may take back even what was final.
    pub l1_reverts: bool,
    /// How old L1's newest block may be in a node that is ready; `None` if L1 makes blocks on
    /// demand.
    pub l1_max_age: Option<Duration>,
    /// Accounts that the RPC signs for, on a devnet.
    pub dev_accounts: DevAccounts,
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// No first block.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The chain cannot be opened.
    #[error("L2 chain: {0}")]
    Open(#[from] OpenError),
    /// L1 does not answer.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// L1 is another chain.
    #[error(
        "the L1 at {url} has chain id {found}; this chain is on the L1 with chain id {expected}"
    )]
    OtherL1 {
        /// The L1.
        url: String,
        /// Its chain id.
        found: u64,
        /// The one that the configuration names.
        expected: u64,
    },
    /// L1 does not have the block where the chain begins.
    #[error(
        "the L1 at {url} does not have block {block} where this chain begins: was it reset? `mezz up --reset` begins a new chain"
    )]
    NoOrigin {
        /// The L1.
        url: String,
        /// The origin of the first block.
        block: L1Ref,
    },
    /// The source of blobs cannot be used.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// L1's first block cannot be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The driver cannot start.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The RPC cannot start.
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    chain: Chain,
    status: StatusHandle,
    rpc: RpcHandle,
    driver: JoinHandle<Result<(), DriverError>>,
    probe: Arc<dyn Probe>,
    stop: CancellationToken,
}

impl Node {
    /// Starts a node. It answers on its JSON-RPC when this returns, and derives in the background.
    ///
    /// # Errors
    /// Any [`NodeError`].
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let duty = match config.role {
            Role::Sequencer(_) => "sequencer",
            Role::Verifier => "verifier",
        };
        Self::wire(config).instrument(tracing::info_span!("duty", duty)).await
    }

    async fn wire(config: NodeConfig) -> Result<Self, NodeError> {
        let NodeConfig {
            rollup,
            l1_url,
            beacon_url,
            data_dir,
            rpc,
            role,
            l1_poll,
            l1_patience,
            l1_reverts,
            l1_max_age,
            dev_accounts,
        } = config;
        let l1 = L1Client::new(&l1_url)?;
        let chain = Chain::open(ChainConfig {
            spec: genesis::chain_spec(&rollup),
            genesis: genesis::l2_genesis(&rollup)?,
            data_dir: data_dir.map(|dir| dir.join("chain")),
            limits: ChainLimits::default(),
        })?;
        let pool = pool(&chain, &rollup);
        let status = StatusHandle::default();
        let sequencer = match role {
            Role::Sequencer(config) => Some(config),
            Role::Verifier => None,
        };
        let stop = CancellationToken::new();
        let cores = Cores::of_runtime();
        let session = Session {
            rollup: rollup.clone(),
            chain: chain.clone(),
            pool: pool.clone(),
            sequencer,
            status: status.clone(),
            l1: l1.clone(),
            beacon_url,
            l1_poll,
            l1_patience,
            l1_reverts,
            stop: stop.clone(),
        };
        let run = session.begin().await?;
        let games = Games {
            l1: l1.clone(),
            factory: rollup.contracts.dispute_game_factory,
            registry: rollup.contracts.anchor_state_registry,
        };
        let watch = Watch::new(games, chain.clone(), status.clone());
        let hooks = rpc::NodeHooks::new(OpHooks::new(dev_accounts), sequencer.is_some());
        let pool_seen = pool.clone();
        let context =
            RpcContext { chain: chain.clone(), pool, hooks: Arc::new(hooks), cores: cores.clone() };
        let methods = rpc::methods(rollup, chain.clone(), status.clone(), sequencer.is_some());
        let gauges = Gauges::new(&chain);
        tokio::spawn(watch.run(stop.clone()).in_current_span());
        let (chain_seen, status_seen) = (chain.clone(), status.clone());
        let probe: Arc<dyn Probe> = Arc::new(Vitals {
            sequencer,
            chain: chain_seen,
            pool: pool_seen,
            status: status_seen,
            l1,
            l1_max_age,
            gauges,
        });
        let probes = Probes::default();
        probes.set(vec![probe.clone()]);
        let rpc = RpcServer::start(rpc, context, vec![methods], probes.routes()).await?;
        let driver = tokio::spawn(session.drive(run, cores).in_current_span());
        Ok(Self { chain, status, rpc, driver, probe, stop })
    }

    /// URL of its JSON-RPC.
    pub fn url(&self) -> String {
        format!("http://{}", self.rpc.local_addr())
    }

    /// The chain.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Its status.
    pub const fn status(&self) -> &StatusHandle {
        &self.status
    }

    /// What tells how it fares.
    pub fn probe(&self) -> Arc<dyn Probe> {
        self.probe.clone()
    }

    /// Waits until the driver ends by itself, which it only does when it cannot go on.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn failure(&mut self) -> DriverError {
        let ended = (&mut self.driver).await;
        match (ended, self.chain.storage_failure()) {
            (_, Some(error)) => DriverError::Disk(error),
            (Ok(Err(error)), None) => error,
            (Ok(Ok(())) | Err(_), None) => DriverError::FeedEnded,
        }
    }

    /// Stops: no block is begun any more, requests are ended, everything is on disk.
    ///
    /// # Errors
    /// What the driver met at the end.
    pub async fn stop(self) -> Result<(), DriverError> {
        self.stop.cancel();
        self.rpc.stop().await;
        if self.driver.is_finished() {
            return Ok(());
        }
        match self.driver.await {
            Ok(result) => result,
            Err(_) => Err(DriverError::FeedEnded),
        }
    }
}

fn pool(chain: &Chain, rollup: &RollupConfig) -> Pool {
    let config = PoolConfig {
        chain_id: rollup.l2_chain_id,
        block_gas_limit: rollup.gas_limit,
        base_fee: chain.spec().next_base_fee(&chain.head().header),
        ..PoolConfig::default()
    };
    let accounts = chain.clone();
    let lookup = move |address: &mezz_primitives::Address| {
        accounts
            .state()
            .and_then(|state| state.account(address))
            .map(Into::into)
            .map_err(|error| LookupError(error.to_string()))
    };
    let prices = chain.clone();
    Pool::new(config, lookup).with_data_fee(move |tx| {
        driver::attributes(&prices.head())
            .map_or(U256::ZERO, |attributes| attributes.fee_params().l1_fee(size_in_batch(tx)))
    })
}

/// What the L1 data fee of a transaction counts, with memory that each thread keeps.
fn size_in_batch(tx: &RecoveredTransaction) -> BatchSize {
    thread_local! {
        static SIZER: RefCell<BatchSizer> = RefCell::default();
    }
    SIZER.with_borrow_mut(|sizer| tx.batch_size(sizer))
}
