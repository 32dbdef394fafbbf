//! What the verbs have set and a restart must not forget.

use crate::{DevnetError, clock::Clock};
use mezz_chain::Chain;
use mezz_primitives::Address;
use serde::{Deserialize, Serialize};

/// The key of the settings among the chain's small values.
pub(crate) const KEY: &[u8] = b"devnet/settings";

/// What the verbs have set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    /// Who gets the priority fees.
    pub(crate) coinbase: Address,
    /// Gas of the next block.
    pub(crate) gas_limit: u64,
    /// How often blocks were taken off: part of what makes a block's randomness, so that a block
    /// which replaces another has another hash.
    pub(crate) fork: u64,
    /// Base fee of the next block that takes transactions from the pool, wei for a gas, if it is
    /// not to follow from its parent.
    #[serde(default)]
    pub(crate) next_base_fee: Option<u64>,
}

impl Settings {
    /// Those of the last run, or the first ones.
    pub(crate) fn load(chain: &Chain, gas_limit: u64) -> Self {
        let first = Self {
            clock: Clock::default(),
            coinbase: Address::ZERO,
            gas_limit,
            fork: 0,
            next_base_fee: None,
        };
        let Some(stored) = chain.get_meta(KEY) else { return first };
        serde_json::from_slice(&stored).unwrap_or_else(|error| {
            tracing::warn!(%error, "what the verbs have set is not readable: starting without it");
            first
        })
    }

    /// The form in which they are kept.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        // Numbers and an address: nothing that JSON could refuse.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Keeps them.
    pub(crate) fn store(&self, chain: &Chain) -> Result<(), DevnetError> {
        Ok(chain.put_meta(KEY, &self.encoded())?)
    }
}
