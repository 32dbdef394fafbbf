//! The beginning of a chain: its contracts on L1, announced with everything that a verifier needs.

use crate::genesis::{self, GenesisError};
use alloy::sol_types::SolCall;
use alloy::{
    eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718},
    network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use mezz_contracts::{DeployParams, DeployPlan, DeployTx, L1Addresses, bindings::IPortal};
use mezz_derivation::{
    L1Ref, RollupConfig,
    config::{CONFIG_VERSION, ConfigError, Eip1559Config, FeeScalars, GenesisConfig, L1Contracts},
};
use mezz_l1::{L1Client, L1Error};
use mezz_primitives::addresses::MULTICALL3;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// What is chosen when a chain is made.
#[derive(Clone, Debug)]
pub struct DeployConfig {
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// Pause between L2 blocks.
    pub block_time: Duration,
    /// Gas of an L2 block.
    pub gas_limit: u64,
    /// How long a proposal can be disputed.
    pub challenge_window: Duration,
    /// How old a withdrawal's proof must be.
    pub proof_maturity_delay: Duration,
    /// How long a decided game waits before it counts.
    pub finality_delay: Duration,
    /// In L1 blocks.
    pub sequencing_window: u64,
    /// How far an L2 block's time may run ahead of its origin's.
    pub max_sequencer_drift: Duration,
    /// L1 blocks that the first origin lies below the newest one: it must never be reorganised.
    pub origin_depth: u64,
    /// Owns the contracts.
    pub owner: Address,
    /// May stop payouts and discard proposals.
    pub guardian: Address,
    /// May post batches.
    pub batcher: Address,
    /// May propose.
    pub proposer: Address,
    /// Gets the fees.
    pub fee_recipient: Address,
    /// Balances at the start, wei. The deployer pays as much to the portal, so that all of it can
    /// be withdrawn.
    pub alloc: BTreeMap<Address, U256>,
}

/// Why a chain could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// L1 does not do what is asked.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// The choices contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no plan for them.
    #[error(transparent)]
    Plan(#[from] mezz_contracts::DeployError),
    /// No first block.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A signature failed.
    #[error("signing failed: {0}")]
    Sign(String),
    /// The deployer cannot pay.
    #[error("the deployer {address} has {has} wei on L1 and needs up to {needs} wei")]
    Funds {
        /// The deployer.
        address: Address,
        /// What it has, wei.
        has: U256,
        /// What it needs at most, wei.
        needs: U256,
    },
    /// A contract was not created.
    #[error("creating {name} failed on L1 (transaction {hash})")]
    Failed {
        /// The contract.
        name: &'static str,
        /// The transaction.
        hash: B256,
    },
    /// A contract was not created in time.
    #[error("the transaction {hash} that creates {name} was not mined within {seconds} s")]
    NotMined {
        /// The contract.
        name: &'static str,
        /// The transaction.
        hash: B256,
        /// How long was waited.
        seconds: u64,
    },
}

/// Of the blob schedule that came with Osaka (EIP-7691).
const OSAKA_BLOB_BASE_FEE_UPDATE_FRACTION: u64 = 5_007_716;
/// How long a transaction is waited for, seconds.
const MINE_TIMEOUT: u64 = 300;

/// What making a chain takes from the deployer at the most, wei.
///
/// # Errors
/// Any [`DeployError`]; nothing is sent.
pub async fn cost(
    l1: &L1Client,
    deployer: Address,
    choices: &DeployConfig,
) -> Result<U256, DeployError> {
    let prepared = prepare(l1, deployer, choices).await?;
    Ok(Offer::of_now(l1).await?.cost(&prepared.txs))
}

/// Makes a chain: sends the transactions with `key`, calls `sent` once all of them are on their
/// way, and waits for them.
///
/// # Errors
/// Any [`DeployError`]. Contracts that were created until then stay on L1, unused.
pub async fn deploy(
    l1: &L1Client,
    key: PrivateKeySigner,
    choices: &DeployConfig,
    sent: impl AsyncFnOnce() -> Result<(), L1Error>,
) -> Result<(RollupConfig, L1Addresses), DeployError> {
    let Prepared { config, addresses, txs } = prepare(l1, key.address(), choices).await?;
    let hashes = send_all(l1, key, config.l1_chain_id, &txs).await?;
    sent().await?;
    wait_all(l1, hashes).await?;
    Ok((config, addresses))
}

/// A chain that is not made yet.
struct Prepared {
    config: RollupConfig,
    addresses: L1Addresses,
    txs: Vec<Outgoing>,
}

async fn prepare(
    l1: &L1Client,
    deployer: Address,
    choices: &DeployConfig,
) -> Result<Prepared, DeployError> {
    let l1_chain_id = l1.chain_id().await?;
    let newest = l1.latest().await?.number;
    let origin = newest.saturating_sub(choices.origin_depth);
    let origin = l1.header(BlockNumberOrTag::Number(origin)).await?;
    let first_nonce = l1.nonce(deployer, BlockId::latest()).await?;
    let deploy_multicall3 = l1.code(MULTICALL3, BlockId::latest()).await?.is_empty();
    let addresses = L1Addresses::predict(deployer, first_nonce, deploy_multicall3);
    let config = RollupConfig {
        version: CONFIG_VERSION,
        l1_chain_id,
        l2_chain_id: choices.l2_chain_id,
        contracts: L1Contracts {
            portal: addresses.portal,
            inbox: addresses.inbox,
            dispute_game_factory: addresses.dispute_game_factory,
            anchor_state_registry: addresses.anchor_state_registry,
            l1_cross_domain_messenger: addresses.l1_cross_domain_messenger,
            l1_standard_bridge: addresses.l1_standard_bridge,
            l1_erc721_bridge: addresses.l1_erc721_bridge,
        },
        genesis: GenesisConfig {
            l1: L1Ref { number: origin.number, hash: origin.hash() },
            timestamp: origin.timestamp,
            fee_recipient: choices.fee_recipient,
            alloc: choices.alloc.clone(),
        },
        gas_limit: choices.gas_limit,
        eip1559: Eip1559Config::default(),
        fee_scalars: FeeScalars::default(),
        l1_blob_base_fee_update_fraction: blob_base_fee_update_fraction(l1).await?,
        block_time_ms: u64::try_from(choices.block_time.as_millis()).unwrap_or(u64::MAX),
        sequencing_window: choices.sequencing_window,
        max_sequencer_drift: choices.max_sequencer_drift.as_secs(),
        batcher: choices.batcher,
        proposer: choices.proposer,
    };
    let json = config.to_json()?;
    let plan = DeployPlan::new(&DeployParams {
        deployer,
        first_nonce,
        owner: choices.owner,
        guardian: choices.guardian,
        batcher: choices.batcher,
        proposer: choices.proposer,
        l2_chain_id: choices.l2_chain_id,
        genesis_output_root: genesis::output_root(&genesis::genesis_header(&config)?),
        genesis_l2_block: 0,
        max_clock_duration: choices.challenge_window.as_secs(),
        proof_maturity_delay: choices.proof_maturity_delay.as_secs(),
        finality_delay: choices.finality_delay.as_secs(),
        config: Bytes::from(json),
        deploy_multicall3,
    })?;
    let mut txs: Vec<_> =
        plan.txs.into_iter().map(|tx| Outgoing { tx, value: U256::ZERO }).collect();
    let backing = choices.alloc.values().fold(U256::ZERO, |sum, wei| sum.saturating_add(*wei));
    if !backing.is_zero() {
        let portal = plan.addresses.portal;
        let tx = DeployTx {
            name: "the portal's backing",
            address: portal,
            nonce: first_nonce + txs.len() as u64,
            to: Some(portal),
            input: IPortal::donateETHCall {}.abi_encode().into(),
            gas_limit: 100_000,
        };
        txs.push(Outgoing { tx, value: backing });
    }
    Ok(Prepared { config, addresses: plan.addresses, txs })
}

/// How L1 prices its blobs (EIP-7910); where it does not say, as Osaka does.
async fn blob_base_fee_update_fraction(l1: &L1Client) -> Result<u64, L1Error> {
    let told = match l1.request::<_, Value>("eth_config", ()).await {
        Ok(config) => {
            config.pointer("/current/blobSchedule/baseFeeUpdateFraction").and_then(Value::as_u64)
        }
        Err(error) if error.is_retryable() => return Err(error),
        Err(_) => None,
    };
    Ok(told.unwrap_or(OSAKA_BLOB_BASE_FEE_UPDATE_FRACTION))
}

/// A transaction of the deployment, and the wei that it carries.
struct Outgoing {
    tx: DeployTx,
    value: U256,
}

/// What the transactions offer, wei for a gas.
struct Offer {
    max_fee: u128,
    priority: u128,
}

impl Offer {
    /// An offer that holds for a doubling of the base fee.
    async fn of_now(l1: &L1Client) -> Result<Self, L1Error> {
        let fees = l1.fee_info().await?;
        let priority = fees.priority_fee.max(1);
        Ok(Self { max_fee: fees.base_fee.saturating_mul(2).saturating_add(priority), priority })
    }

    /// The most that `txs` can take, wei.
    fn cost(&self, txs: &[Outgoing]) -> U256 {
        let gas: u64 = txs.iter().map(|out| out.tx.gas_limit).sum();
        let value = txs.iter().fold(U256::ZERO, |sum, out| sum.saturating_add(out.value));
        (U256::from(gas) * U256::from(self.max_fee)).saturating_add(value)
    }
}

/// Sends the transactions one after the other without waiting; answers their names and hashes.
async fn send_all(
    l1: &L1Client,
    key: PrivateKeySigner,
    chain_id: u64,
    txs: &[Outgoing],
) -> Result<Vec<(&'static str, B256)>, DeployError> {
    let deployer = key.address();
    let wallet = EthereumWallet::from(key);
    let offer = Offer::of_now(l1).await?;
    let needs = offer.cost(txs);
    let has = l1.balance(deployer, BlockId::latest()).await?;
    if has < needs {
        return Err(DeployError::Funds { address: deployer, has, needs });
    }
    let mut sent = Vec::with_capacity(txs.len());
    for Outgoing { tx, value } in txs {
        let request = TransactionRequest::default()
            .with_chain_id(chain_id)
            .with_value(*value)
            .with_nonce(tx.nonce)
            .with_gas_limit(tx.gas_limit)
            .with_max_fee_per_gas(offer.max_fee)
            .with_max_priority_fee_per_gas(offer.priority)
            .with_input(tx.input.clone());
        let request = match tx.to {
            Some(to) => request.with_to(to),
            None => request.into_create(),
        };
        let signed =
            request.build(&wallet).await.map_err(|error| DeployError::Sign(error.to_string()))?;
        let hash = l1.send_raw(signed.encoded_2718().into()).await?;
        sent.push((tx.name, hash));
    }
    Ok(sent)
}

/// Waits until all of them are mined and have succeeded.
async fn wait_all(l1: &L1Client, sent: Vec<(&'static str, B256)>) -> Result<(), DeployError> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(MINE_TIMEOUT);
    for (name, hash) in sent {
        loop {
            if let Some(receipt) = l1.receipt(hash).await? {
                if !receipt.status() {
                    return Err(DeployError::Failed { name, hash });
                }
                break;
            }
            if tokio::time::Instant::now() > deadline {
                return Err(DeployError::NotMined { name, hash, seconds: MINE_TIMEOUT });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
