//! The first L2 block: everything in it follows from the chain's configuration.

use alloy::primitives::{B256, U256};
use mezz_chain::{Chain, ChainConfig, ChainLimits, Genesis, GenesisAccount, OpenError};
use mezz_contracts::{ArtifactError, FeeVaultNetwork, L2GenesisParams, l2_genesis_alloc};
use mezz_derivation::RollupConfig;
use mezz_evm::{BaseFeeParams, ChainSpec, Layer};
use mezz_primitives::{Header, Sealed, addresses::SEQUENCER_FEE_VAULT, output::output_root_v0};

/// Base fee of the first block, wei for a gas.
const GENESIS_BASE_FEE: u64 = 1_000_000_000;

/// Why there is no first block.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// A predeploy's artifact does not fit.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The state cannot be laid out.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// The execution rules of the chain.
pub const fn chain_spec(config: &RollupConfig) -> ChainSpec {
    let mut spec = ChainSpec::l2(config.l2_chain_id);
    spec.layer = Layer::L2;
    spec.gas_limit = config.gas_limit;
    spec.base_fee = BaseFeeParams {
        elasticity: config.eip1559.elasticity,
        denominator: config.eip1559.denominator,
        minimum: config.eip1559.minimum_base_fee,
    };
    spec
}

/// The first block: predeploys, and the balances that the configuration lists.
///
/// # Errors
/// If an artifact does not fit its use.
pub fn l2_genesis(config: &RollupConfig) -> Result<Genesis, GenesisError> {
    let predeploys = l2_genesis_alloc(&L2GenesisParams {
        l1_chain_id: config.l1_chain_id,
        l1_cross_domain_messenger: config.contracts.l1_cross_domain_messenger,
        l1_standard_bridge: config.contracts.l1_standard_bridge,
        l1_erc721_bridge: config.contracts.l1_erc721_bridge,
        fee_vault_recipient: config.genesis.fee_recipient,
        fee_vault_min_withdrawal: U256::ZERO,
        fee_vault_network: FeeVaultNetwork::L2,
    })?;
    let mut genesis = Genesis {
        timestamp: config.genesis.timestamp,
        gas_limit: config.gas_limit,
        base_fee: GENESIS_BASE_FEE,
        beneficiary: SEQUENCER_FEE_VAULT,
        ..Genesis::default()
    };
    for (address, account) in predeploys {
        let storage = account.storage.unwrap_or_default();
        let account = GenesisAccount {
            nonce: account.nonce.unwrap_or_default(),
            balance: account.balance,
            code: account.code.unwrap_or_default(),
            storage: storage.into_iter().map(|(slot, value)| (slot.into(), value.into())).collect(),
        };
        genesis.alloc.insert(address, account);
    }
    for (address, balance) in &config.genesis.alloc {
        genesis.alloc.entry(*address).or_default().balance += *balance;
    }
    Ok(genesis)
}

/// The header of the first block.
///
/// # Errors
/// As [`l2_genesis`].
pub fn genesis_header(config: &RollupConfig) -> Result<Sealed<Header>, GenesisError> {
    let chain = Chain::open(ChainConfig {
        spec: chain_spec(config),
        genesis: l2_genesis(config)?,
        data_dir: None,
        limits: ChainLimits::default(),
    })?;
    Ok(chain.head().header.clone())
}

/// The output root of a block. Its header says it all: an L2 header's withdrawals root is the
/// storage root of the message passer.
pub fn output_root(header: &Sealed<Header>) -> B256 {
    output_root_v0(header.state_root, withdrawal_storage_root(header), header.hash())
}

/// Storage root of the message passer after the block.
pub fn withdrawal_storage_root(header: &Header) -> B256 {
    header.withdrawals_root.unwrap_or_default()
}
