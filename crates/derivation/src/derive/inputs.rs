//! What the rules fix in a block, shared by the sequencer and by derivation: attributes, first
//! transactions, timestamps.

use super::{L1Block, L1Ref, L2BlockRef};
use crate::config::RollupConfig;
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use mezz_primitives::{Transaction, addresses::SEQUENCER_FEE_VAULT, l1_info::L1Attributes};

/// The fields of an L2 block that the rules choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L2Attributes {
    /// Number of the block.
    pub number: u64,
    /// Timestamp in seconds.
    pub timestamp: u64,
    /// The L1 origin.
    pub origin: L1Ref,
    /// Blocks with the same origin before this one.
    pub sequence_number: u64,
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Who gets the priority fees: the SequencerFeeVault.
    pub beneficiary: Address,
    /// That of the origin.
    pub prev_randao: B256,
    /// That of the origin.
    pub parent_beacon_block_root: B256,
}

impl L2Attributes {
    /// The block's reference once its hash is known.
    pub const fn reference(&self, hash: B256) -> L2BlockRef {
        L2BlockRef {
            number: self.number,
            hash,
            timestamp: self.timestamp,
            origin: self.origin,
            sequence_number: self.sequence_number,
        }
    }
}

/// Attributes and first transactions of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInputs {
    /// The attributes.
    pub attributes: L2Attributes,
    /// L1 attributes, then the user deposits if the block is the first of its epoch.
    pub transactions: Vec<Transaction>,
}

/// Why a block cannot build on a parent with an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The origin is neither the parent's nor the one after it.
    #[error("origin {origin} does not follow the parent's origin {parent}")]
    Origin {
        /// The origin.
        origin: L1Ref,
        /// The parent's.
        parent: L1Ref,
    },
    /// The timestamp breaks a rule.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    /// A number that would leave 64 bits.
    #[error("block number overflows")]
    Overflow,
}

/// Why a timestamp is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Before the parent or before the origin.
    #[error("timestamp {timestamp} is before {earliest}")]
    TooEarly {
        /// The timestamp in seconds.
        timestamp: u64,
        /// The first valid one.
        earliest: u64,
    },
    /// Too long after the origin.
    #[error("timestamp {timestamp} is after {latest}: too far ahead of the L1 origin")]
    TooLate {
        /// The timestamp in seconds.
        timestamp: u64,
        /// The last valid one.
        latest: u64,
    },
}

/// The timestamps that a block on `parent` may have, in seconds: first and last. There is none if
/// the first is greater: the chain waits for the next L1 block.
const fn valid_timestamps(max_drift: u64, parent: u64, origin: u64) -> (u64, u64) {
    let earliest = if parent > origin { parent } else { origin };
    (earliest, origin.saturating_add(max_drift))
}

/// Checks the timestamp of a block on a parent of timestamp `parent` with an origin of timestamp
/// `origin`: `max(parent, origin) <= timestamp <= origin + max_sequencer_drift`, in seconds.
pub const fn check_timestamp(
    config: &RollupConfig,
    parent: u64,
    origin: u64,
    timestamp: u64,
) -> Result<(), TimestampError> {
    let (earliest, latest) = valid_timestamps(config.max_sequencer_drift, parent, origin);
    if timestamp < earliest {
        return Err(TimestampError::TooEarly { timestamp, earliest });
    }
    if timestamp > latest {
        return Err(TimestampError::TooLate { timestamp, latest });
    }
    Ok(())
}

/// The valid timestamp next to the wall clock `now`, in seconds. If there is none, the chain must
/// wait until L1 goes on.
pub fn next_timestamp(
    config: &RollupConfig,
    parent: u64,
    origin: u64,
    now: u64,
) -> Result<u64, TimestampError> {
    let (earliest, latest) = valid_timestamps(config.max_sequencer_drift, parent, origin);
    if earliest > latest {
        return Err(TimestampError::TooLate { timestamp: earliest, latest });
    }
    Ok(now.clamp(earliest, latest))
}

/// Attributes and first transactions of the block on `parent` with this origin and timestamp.
/// `origin` is the parent's origin or the L1 block after it.
pub fn block_inputs(
    config: &RollupConfig,
    parent: &L2BlockRef,
    origin: &L1Block,
    timestamp: u64,
) -> Result<BlockInputs, InputError> {
    let same_epoch = origin.reference() == parent.origin;
    let next_epoch = parent.origin.number.checked_add(1) == Some(origin.number)
        && origin.parent_hash == parent.origin.hash;
    if !same_epoch && !next_epoch {
        return Err(InputError::Origin { origin: origin.reference(), parent: parent.origin });
    }
    check_timestamp(config, parent.timestamp, origin.timestamp, timestamp)?;
    derive_inputs(config, parent, origin, timestamp)
}

/// [`block_inputs`] without the checks.
pub(super) fn derive_inputs(
    config: &RollupConfig,
    parent: &L2BlockRef,
    origin: &L1Block,
    timestamp: u64,
) -> Result<BlockInputs, InputError> {
    let number = parent.number.checked_add(1).ok_or(InputError::Overflow)?;
    let same_epoch = origin.reference() == parent.origin;
    let sequence_number = if same_epoch {
        parent.sequence_number.checked_add(1).ok_or(InputError::Overflow)?
    } else {
        0
    };
    let l1_attributes = L1Attributes {
        number: origin.number,
        timestamp: origin.timestamp,
        base_fee: U256::from(origin.base_fee),
        blob_base_fee: U256::from(origin.blob_base_fee),
        hash: origin.hash,
        sequence_number,
        batcher: config.batcher,
        base_fee_scalar: config.fee_scalars.base_fee,
        blob_base_fee_scalar: config.fee_scalars.blob_base_fee,
    };
    let deposits: &[_] = if same_epoch { &[] } else { &origin.deposits };
    let mut transactions = Vec::with_capacity(1 + deposits.len());
    transactions.push(Transaction::from(l1_attributes.to_transaction()));
    for deposit in deposits {
        transactions.push(Transaction::from(deposit.to_transaction(origin.hash)));
    }
    Ok(BlockInputs {
        attributes: L2Attributes {
            number,
            timestamp,
            origin: origin.reference(),
            sequence_number,
            gas_limit: config.gas_limit,
            beneficiary: SEQUENCER_FEE_VAULT,
            prev_randao: origin.prev_randao,
            parent_beacon_block_root: origin.parent_beacon_block_root,
        },
        transactions,
    })
}
