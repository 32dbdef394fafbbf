//! The parameters of one chain. They are announced as JSON by the event that the Inbox contract
//! emits at its creation, so that a verifier needs an L1 and nothing else.

use crate::derive::L1Ref;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

/// The version of the protocol that this code follows.
pub const CONFIG_VERSION: u32 = 1;
/// Bytes of an announced configuration at most.
pub const MAX_CONFIG_BYTES: usize = 128 << 10;
/// L2 gas that the portal sells to the deposits of one L1 block at most.
pub const MAX_DEPOSIT_GAS_PER_L1_BLOCK: u64 = 20_000_000;
/// Smallest gas limit of an L2 block: the deposits of one L1 block, the L1 attributes
/// transaction and some room for the sequencer.
pub const MIN_GAS_LIMIT: u64 = MAX_DEPOSIT_GAS_PER_L1_BLOCK + 1_000_000 + 4_000_000;
/// Largest chain id: what JavaScript clients hold exactly, 2^53 - 1.
pub const MAX_CHAIN_ID: u64 = (1 << 53) - 1;
/// Largest sequencing window in L1 blocks; bounds what a verifier keeps in memory.
pub const MAX_SEQUENCING_WINDOW: u64 = 50_400;

/// The parameters of one chain. Unknown fields are refused: they may be rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollupConfig {
    /// [`CONFIG_VERSION`].
    pub version: u32,
    /// EIP-155 chain id of the L1.
    pub l1_chain_id: u64,
    /// EIP-155 chain id of the L2.
    pub l2_chain_id: u64,
    /// The contracts on L1.
    pub contracts: L1Contracts,
    /// Where the chain begins.
    pub genesis: GenesisConfig,
    /// Gas limit of every L2 block.
    pub gas_limit: u64,
    /// The rule of the L2 base fee.
    pub eip1559: Eip1559Config,
    /// Weights of the L1 data fee.
    pub fee_scalars: FeeScalars,
    /// How L1 prices its blobs: `baseFeeUpdateFraction` of its blob schedule (EIP-7840).
    pub l1_blob_base_fee_update_fraction: u64,
    /// Milliseconds between blocks that the sequencer aims at. A hint, not a rule.
    pub block_time_ms: u64,
    /// A batch counts if it is in L1 block `N <= origin + sequencing_window` of each of its
    /// blocks; later the chain goes on with deposits alone. In L1 blocks.
    pub sequencing_window: u64,
    /// How far the timestamp of a block may lie after that of its origin, in seconds.
    pub max_sequencer_drift: u64,
    /// The account that posts batches at the start; the Inbox decides who may.
    pub batcher: Address,
    /// The account that proposes output roots.
    pub proposer: Address,
}

/// Addresses of the rollup's contracts on L1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct L1Contracts {
    /// Deposits and withdrawals.
    pub portal: Address,
    /// Batches.
    pub inbox: Address,
    /// Proposals.
    pub dispute_game_factory: Address,
    /// The last output root that stands.
    pub anchor_state_registry: Address,
    /// Messages between the layers.
    pub l1_cross_domain_messenger: Address,
    /// ETH and ERC-20 bridge.
    pub l1_standard_bridge: Address,
    /// ERC-721 bridge.
    #[serde(rename = "l1Erc721Bridge")]
    pub l1_erc721_bridge: Address,
}

/// The first block of L2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisConfig {
    /// The L1 origin of L2 block 0. Deposits of later L1 blocks count.
    pub l1: L1Ref,
    /// Timestamp of L2 block 0, in seconds; that of its origin or later.
    pub timestamp: u64,
    /// Receives on L2 what the fee vaults collect.
    pub fee_recipient: Address,
    /// Balances in wei at the start, besides the predeploys.
    #[serde(default)]
    pub alloc: BTreeMap<Address, U256>,
}

/// The rule of the base fee (EIP-1559) with the chain's own parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Eip1559Config {
    /// The target is the gas limit divided by this.
    pub elasticity: u64,
    /// The base fee changes by at most one part in this many (times elasticity less one, upwards).
    pub denominator: u64,
    /// The base fee never falls below this, in wei for a gas.
    pub minimum_base_fee: u64,
}

impl Default for Eip1559Config {
    fn default() -> Self {
        Self { elasticity: 6, denominator: 250, minimum_base_fee: 1_000_000 }
    }
}

/// Weights of the L1 data fee, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FeeScalars {
    /// Of the L1 base fee; 16 gas for a byte.
    pub base_fee: u32,
    /// Of the L1 blob base fee; one blob gas for a byte.
    pub blob_base_fee: u32,
}

impl Default for FeeScalars {
    /// Data in blobs: 131,072 blob gas carry 130,048 bytes, and the batch transaction takes about
    /// 60,000 gas for each of its blobs.
    fn default() -> Self {
        Self { base_fee: 30_000, blob_base_fee: 1_010_000 }
    }
}

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Longer than [`MAX_CONFIG_BYTES`].
    #[error("configuration of {0} bytes, at most {MAX_CONFIG_BYTES} are allowed")]
    TooLong(usize),
    /// Not the JSON of a configuration.
    #[error("malformed configuration: {0}")]
    Json(String),
    /// Another version of the protocol.
    #[error("configuration of version {0}, this program knows version {CONFIG_VERSION}")]
    Version(u32),
    /// A field outside its range.
    #[error("{field}: {rule}")]
    Field {
        /// The field, as in the JSON.
        field: &'static str,
        /// What must be true.
        rule: &'static str,
    },
}

impl RollupConfig {
    /// Reads and validates the JSON that the Inbox announced.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        if json.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLong(json.len()));
        }
        let config: Self = serde_json::from_slice(json)
            .map_err(|error| ConfigError::Json(alloc::format!("{error}")))?;
        config.validate()?;
        Ok(config)
    }

    /// The JSON to announce. The same configuration always yields the same bytes.
    pub fn to_json(&self) -> Result<Vec<u8>, ConfigError> {
        self.validate()?;
        let json = serde_json::to_vec(self)
            .map_err(|error| ConfigError::Json(alloc::format!("{error}")))?;
        if json.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLong(json.len()));
        }
        Ok(json)
    }

    /// Checks each field.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.version != CONFIG_VERSION {
            return Err(ConfigError::Version(self.version));
        }
        let chain_id = 1..=MAX_CHAIN_ID;
        check("l1ChainId", "between 1 and 2^53 - 1", chain_id.contains(&self.l1_chain_id))?;
        check("l2ChainId", "between 1 and 2^53 - 1", chain_id.contains(&self.l2_chain_id))?;
        check("l2ChainId", "another than l1ChainId", self.l1_chain_id != self.l2_chain_id)?;
        let (portal, inbox) = (self.contracts.portal, self.contracts.inbox);
        check("contracts.portal", "not the zero address", !portal.is_zero())?;
        check("contracts.inbox", "not the zero address", !inbox.is_zero())?;
        check("contracts.inbox", "another than contracts.portal", portal != inbox)?;
        check("genesis.l1.hash", "not zero", !self.genesis.l1.hash.is_zero())?;
        let supply = self
            .genesis
            .alloc
            .values()
            .try_fold(U256::ZERO, |sum, balance| sum.checked_add(*balance))
            .is_some_and(|sum| sum <= U256::from(u128::MAX));
        check("genesis.alloc", "at most 2^128 - 1 wei together", supply)?;
        let gas_limit = MIN_GAS_LIMIT..=1_000_000_000;
        check(
            "gasLimit",
            "between 25,000,000 and 1,000,000,000",
            gas_limit.contains(&self.gas_limit),
        )?;
        let Eip1559Config { elasticity, denominator, minimum_base_fee } = self.eip1559;
        check("eip1559.elasticity", "between 1 and 100", (1..=100).contains(&elasticity))?;
        check("eip1559.denominator", "between 1 and 10,000", (1..=10_000).contains(&denominator))?;
        check(
            "eip1559.minimumBaseFee",
            "at most 10^18 wei",
            minimum_base_fee <= 1_000_000_000_000_000_000,
        )?;
        check(
            "l1BlobBaseFeeUpdateFraction",
            "between 1,000,000 and 1,000,000,000,000",
            (1_000_000..=1_000_000_000_000).contains(&self.l1_blob_base_fee_update_fraction),
        )?;
        check("blockTimeMs", "between 10 and 60,000", (10..=60_000).contains(&self.block_time_ms))?;
        check(
            "sequencingWindow",
            "between 2 and 50,400 L1 blocks",
            (2..=MAX_SEQUENCING_WINDOW).contains(&self.sequencing_window),
        )?;
        check(
            "maxSequencerDrift",
            "between 1 and 86,400 seconds",
            (1..=86_400).contains(&self.max_sequencer_drift),
        )?;
        check("batcher", "not the zero address", !self.batcher.is_zero())?;
        check("proposer", "not the zero address", !self.proposer.is_zero())
    }
}

const fn check(field: &'static str, rule: &'static str, holds: bool) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Field { field, rule }) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use alloc::vec;
    use alloy_primitives::B256;

    /// A configuration with a short window, for tests.
    pub(crate) fn config() -> RollupConfig {
        RollupConfig {
            version: CONFIG_VERSION,
            l1_chain_id: 900,
            l2_chain_id: 901,
            contracts: L1Contracts {
                portal: Address::repeat_byte(0xa1),
                inbox: Address::repeat_byte(0xa2),
                ..Default::default()
            },
            genesis: GenesisConfig {
                l1: L1Ref { number: 100, hash: B256::repeat_byte(100) },
                timestamp: 1_000,
                fee_recipient: Address::repeat_byte(0xb3),
                alloc: BTreeMap::from([(Address::repeat_byte(1), U256::from(5))]),
            },
            gas_limit: 60_000_000,
            eip1559: Eip1559Config::default(),
            fee_scalars: FeeScalars::default(),
            l1_blob_base_fee_update_fraction: 5_007_716,
            block_time_ms: 1_000,
            sequencing_window: 5,
            max_sequencer_drift: 30,
            batcher: Address::repeat_byte(0xb1),
            proposer: Address::repeat_byte(0xb2),
        }
    }

    #[test]
    fn config_is_read_back_from_its_json() {
        let config = config();
        let json = config.to_json().unwrap();
        assert_eq!(RollupConfig::from_json(&json).unwrap(), config);
        assert_eq!(json, config.to_json().unwrap());
    }

    #[test]
    fn unknown_fields_are_refused() {
        let json = alloc::string::String::from_utf8(config().to_json().unwrap()).unwrap();
        for place in ["{\"version\"", "\"portal\"", "\"timestamp\"", "\"elasticity\""] {
            assert!(json.contains(place), "{place}");
            let replacement = if let Some(rest) = place.strip_prefix('{') {
                alloc::format!("{{\"extra\":1,{rest}")
            } else {
                alloc::format!("\"extra\":1,{place}")
            };
            let json = json.replacen(place, &replacement, 1);
            assert!(
                matches!(RollupConfig::from_json(json.as_bytes()), Err(ConfigError::Json(_))),
                "{json}"
            );
        }
    }

    #[test]
    fn fields_out_of_range_are_refused() {
        type Change = fn(&mut RollupConfig);
        let changes: Vec<(&str, Change)> = vec![
            ("l1ChainId", |c| c.l1_chain_id = 0),
            ("l2ChainId", |c| c.l2_chain_id = 1 << 53),
            ("l2ChainId", |c| c.l2_chain_id = c.l1_chain_id),
            ("contracts.portal", |c| c.contracts.portal = Address::ZERO),
            ("contracts.inbox", |c| c.contracts.inbox = Address::ZERO),
            ("contracts.inbox", |c| c.contracts.inbox = c.contracts.portal),
            ("genesis.l1.hash", |c| c.genesis.l1.hash = B256::ZERO),
            ("genesis.alloc", |c| {
                c.genesis.alloc.insert(Address::ZERO, U256::MAX);
            }),
            ("gasLimit", |c| c.gas_limit = MIN_GAS_LIMIT - 1),
            ("eip1559.elasticity", |c| c.eip1559.elasticity = 0),
            ("eip1559.denominator", |c| c.eip1559.denominator = 0),
            ("eip1559.minimumBaseFee", |c| c.eip1559.minimum_base_fee = u64::MAX),
            ("l1BlobBaseFeeUpdateFraction", |c| c.l1_blob_base_fee_update_fraction = 1),
            ("blockTimeMs", |c| c.block_time_ms = 0),
            ("sequencingWindow", |c| c.sequencing_window = 1),
            ("sequencingWindow", |c| c.sequencing_window = MAX_SEQUENCING_WINDOW + 1),
            ("maxSequencerDrift", |c| c.max_sequencer_drift = 0),
            ("batcher", |c| c.batcher = Address::ZERO),
            ("proposer", |c| c.proposer = Address::ZERO),
        ];
        for (name, change) in changes {
            let mut config = config();
            change(&mut config);
            match config.validate() {
                Err(ConfigError::Field { field, .. }) => assert_eq!(field, name),
                other => panic!("{name}: {other:?}"),
            }
            assert!(config.to_json().is_err());
        }
        let mut config = config();
        config.version = 2;
        assert_eq!(config.validate(), Err(ConfigError::Version(2)));
    }

    #[test]
    fn oversized_config_is_refused_before_it_is_parsed() {
        let json = vec![b' '; MAX_CONFIG_BYTES + 1];
        assert_eq!(RollupConfig::from_json(&json), Err(ConfigError::TooLong(json.len())));
    }
}
