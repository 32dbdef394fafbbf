//! Starting and stopping.

use crate::{
    DevAccount, DevnetConfig, DevnetError, Mining, accounts, blobs, genesis, hooks::DevnetHooks,
    kzg, miner, node::Node, verbs,
};
use mezz_chain::{Chain, ChainConfig, ChainLimits};
use mezz_evm::{ChainSpec, StateReader};
use mezz_pool::{AccountState, LookupError, Pool, PoolConfig};
use mezz_primitives::Address;
use mezz_rpc::{Cores, DevAccounts, Hooks, RpcConfig, RpcContext, RpcHandle, RpcServer};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const LEAST_BLOCK_TIME: Duration = Duration::from_secs(1);
const LEAST_GAS_LIMIT: u64 = 5_000;

/// Starts embedded Layer 1 chains.
#[derive(Debug)]
pub struct Devnet;

impl Devnet {
    /// Opens or creates the chain, starts mining, and serves it. The chain answers when this
    /// returns. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If a setting is out of range, the port or the data directory is in use, or the directory
    /// holds another chain or is damaged.
    pub async fn start(config: DevnetConfig) -> Result<DevnetHandle, DevnetError> {
        check(&config)?;
        kzg::warm_up();
        let opened = tokio::task::spawn_blocking({
            let config = config.clone();
            move || open(&config)
        });
        let (node, accounts) = opened
            .await
            .map_err(|error| DevnetError::Config(format!("the start was cut off: {error}")))??;
        let node = Arc::new(node);

        let context = RpcContext {
            chain: node.chain.clone(),
            pool: node.pool.clone(),
            hooks: node.hooks.clone() as Arc<dyn Hooks>,
            cores: Cores::of_runtime(),
        };
        let routes = blobs::routes(node.chain.clone(), node.blobs.clone(), node.genesis_time);
        let verbs = verbs::module(node.clone())?;
        let rpc = RpcConfig {
            limits: config.limits.clone(),
            cors: config.cors.clone(),
            ..RpcConfig::new(config.addr)
        };
        let rpc = RpcServer::start(rpc, context, vec![verbs.into()], routes).await?;
        let stop = CancellationToken::new();
        let mining = tokio::spawn(miner::run(node.clone(), stop.clone()));
        let addr = rpc.local_addr();
        tracing::info!(
            %addr,
            chain_id = config.chain_id,
            head = node.chain.head().number(),
            "the embedded Layer 1 is ready"
        );
        Ok(DevnetHandle {
            url: format!("http://{addr}"),
            ws_url: format!("ws://{addr}"),
            addr,
            chain: node.chain.clone(),
            pool: node.pool.clone(),
            accounts,
            rpc,
            mining,
            stop,
        })
    }
}

/// A running embedded Layer 1. Dropping it lets it run on; [`DevnetHandle::stop`] ends it.
#[derive(Debug)]
pub struct DevnetHandle {
    /// Where JSON-RPC and the beacon endpoint are reached over HTTP.
    pub url: String,
    /// Where JSON-RPC is reached over WebSocket.
    pub ws_url: String,
    /// The same as an address; the port is the real one.
    pub addr: SocketAddr,
    /// The chain. While it or a clone lives, the data directory stays in use.
    pub chain: Chain,
    /// Its pool.
    pub pool: Pool,
    /// The funded accounts.
    pub accounts: Vec<DevAccount>,
    rpc: RpcHandle,
    mining: JoinHandle<Result<(), DevnetError>>,
    stop: CancellationToken,
}

impl DevnetHandle {
    /// Waits until mining ends by itself, which it only does when nothing can be stored any more.
    pub async fn failure(&mut self) -> DevnetError {
        match (&mut self.mining).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) => DevnetError::Config("the miner was stopped".to_owned()),
            Err(error) => DevnetError::Config(format!("the miner stopped: {error}")),
        }
    }

    /// Stops listening and mining. What was answered is on disk; nothing needs to be flushed.
    pub async fn stop(self) {
        self.stop.cancel();
        self.rpc.stop().await;
        // One that has ended by itself has told why.
        if !self.mining.is_finished()
            && let Err(error) = self.mining.await
        {
            tracing::error!(%error, "the miner ended badly");
        }
    }
}

fn check(config: &DevnetConfig) -> Result<(), DevnetError> {
    if let Mining::Interval(period) = config.mining
        && period < LEAST_BLOCK_TIME
    {
        return Err(DevnetError::BlockTime(period));
    }
    if config.gas_limit < LEAST_GAS_LIMIT {
        return Err(DevnetError::Config(format!(
            "a gas limit of {} is too low: at least {LEAST_GAS_LIMIT}",
            config.gas_limit
        )));
    }
    Ok(())
}

fn open(config: &DevnetConfig) -> Result<(Node, Vec<DevAccount>), DevnetError> {
    let signers = accounts::derive(config)?;
    let accounts: Vec<_> = signers
        .iter()
        .map(|signer| DevAccount { address: signer.address(), private_key: signer.to_bytes() })
        .collect();
    let addresses: Vec<_> = accounts.iter().map(|account| account.address).collect();
    let genesis = genesis::genesis(config, &addresses)?;
    let genesis_time = genesis.timestamp;
    let spec = ChainSpec { gas_limit: config.gas_limit, ..ChainSpec::l1(config.chain_id) };
    let chain = Chain::open(ChainConfig {
        spec,
        genesis,
        data_dir: config.data_dir.as_deref().map(|dir| dir.join("chain")),
        limits: ChainLimits::default(),
    })?;
    let pool = pool(&chain, config);
    let hooks = Arc::new(DevnetHooks::new(DevAccounts::new(signers)));
    let node = Node::new(chain, pool, hooks, config, genesis_time)?;
    Ok((node, accounts))
}

fn pool(chain: &Chain, config: &DevnetConfig) -> Pool {
    let spec = *chain.spec();
    let pool_config = PoolConfig {
        chain_id: config.chain_id,
        max_blobs_per_tx: Some(usize::try_from(spec.blobs.max_blobs_per_tx).unwrap_or(usize::MAX)),
        block_gas_limit: config.gas_limit,
        base_fee: spec.next_base_fee(&chain.head().header),
        // Impersonated contracts send as often as they like.
        max_delegated_txs: usize::MAX,
        ..PoolConfig::default()
    };
    let chain = chain.clone();
    Pool::new(pool_config, move |address: &Address| {
        let state = chain.state().map_err(|error| LookupError(error.to_string()))?;
        let account = state.account(address).map_err(|error| LookupError(error.to_string()))?;
        Ok(AccountState::from(account))
    })
    .with_blob_check(Arc::new(kzg::check))
}
