//! What goes into derivation and what comes out of it.

use super::{L2Attributes, TimestampError};
use crate::{
    batch::{Batch, DecodeError},
    blob::{self, BlobError},
};
use alloc::{string::String, sync::Arc, vec::Vec};
use alloy_primitives::{B256, Bytes};
use core::fmt;
use mezz_primitives::{Transaction, deposit::UserDeposit};
use serde::{Deserialize, Serialize};

/// An L1 block by number and hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct L1Ref {
    /// Number of the block.
    pub number: u64,
    /// Hash of the block.
    pub hash: B256,
}

impl fmt::Display for L1Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

/// An L2 block and its place in its epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct L2BlockRef {
    /// Number of the block.
    pub number: u64,
    /// Hash of the block.
    pub hash: B256,
    /// Timestamp in seconds.
    pub timestamp: u64,
    /// Its L1 origin.
    pub origin: L1Ref,
    /// Blocks with the same origin before it.
    pub sequence_number: u64,
}

/// Where derivation stands between two L1 blocks. Kept by the shell; enough to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cursor {
    /// The last L1 block that has been processed as a whole.
    pub l1: L1Ref,
    /// The safe head when it had been.
    pub safe: L2BlockRef,
}

/// What derivation needs of an L1 block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct L1Block {
    /// Number of the block.
    pub number: u64,
    /// Hash of the block.
    pub hash: B256,
    /// Hash of its parent.
    pub parent_hash: B256,
    /// Timestamp in seconds.
    pub timestamp: u64,
    /// Base fee in wei for a gas.
    pub base_fee: u64,
    /// Blob base fee in wei for a blob gas.
    pub blob_base_fee: u128,
    /// The header's `mixHash`.
    pub prev_randao: B256,
    /// The header's `parentBeaconBlockRoot`; zero if the L1 has none.
    pub parent_beacon_block_root: B256,
    /// Deposits of the portal's logs, in the order of the logs.
    pub deposits: Vec<UserDeposit>,
    /// Batches of the Inbox's logs, in the order of the logs.
    pub batches: Vec<BatchData>,
}

impl L1Block {
    /// Number and hash.
    pub const fn reference(&self) -> L1Ref {
        L1Ref { number: self.number, hash: self.hash }
    }
}

/// The data of one batch transaction, checked by the shell against the hashes in the Inbox's log.
///
/// There is no case of data that cannot be found: a shell that misses a blob waits, since another
/// verifier may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchData {
    /// The argument of `submitBatchCalldata`.
    Calldata(Bytes),
    /// The blobs of the transaction, 131,072 bytes each, in order.
    Blobs(Vec<Bytes>),
    /// What one of the others holds, decoded before it is its turn.
    Decoded(Arc<DecodedBatch>),
}

impl BatchData {
    /// The bytes of the batch.
    ///
    /// # Errors
    /// If the blobs do not hold a batch.
    pub fn bytes(&self) -> Result<Bytes, BlobError> {
        match self {
            Self::Calldata(data) => Ok(data.clone()),
            Self::Blobs(blobs) => blob::from_blobs(blobs).map(Bytes::from),
            Self::Decoded(decoded) => Ok(decoded.data.clone()),
        }
    }

    /// The batch, whose bytes are `data`.
    pub(super) fn into_batch(self, data: &[u8], chain_id: u64) -> Result<Batch, DecodeError> {
        match self {
            Self::Decoded(decoded) if decoded.chain_id == chain_id => {
                Ok(Arc::unwrap_or_clone(decoded).batch)
            }
            _ => Batch::decode(data, chain_id),
        }
    }
}

/// A batch that was decoded while it waited: that takes as long as to execute its blocks, and can be
/// done on another core. Derivation comes to the same with it and without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedBatch {
    data: Bytes,
    chain_id: u64,
    batch: Batch,
}

impl DecodedBatch {
    /// Decodes the bytes of a batch for the L2 of this chain id.
    ///
    /// # Errors
    /// If they are none.
    pub fn decode(data: Bytes, chain_id: u64) -> Result<Self, DecodeError> {
        let batch = Batch::decode(&data, chain_id)?;
        Ok(Self { data, chain_id, batch })
    }

    /// What they say.
    pub const fn batch(&self) -> &Batch {
        &self.batch
    }
}

/// An L2 block that follows from L1, to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedBlock {
    /// The block that it builds on.
    pub parent: L2BlockRef,
    /// The fields of the block that are chosen by the rules.
    pub attributes: L2Attributes,
    /// All its transactions: L1 attributes, user deposits, sequenced transactions.
    pub transactions: Vec<Transaction>,
    /// How many of the transactions come from L1, before the sequenced ones.
    pub forced: usize,
    /// Why it exists.
    pub source: BlockSource,
}

/// Why a block was derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockSource {
    /// It is a block of a batch.
    Batch {
        /// The L1 block of the batch.
        l1: L1Ref,
        /// Index of the batch in its L1 block.
        batch: usize,
        /// Index of the block in its batch.
        block: usize,
    },
    /// The sequencing window of its origin's predecessor ended with this L1 block.
    WindowExpired {
        /// The L1 block.
        l1: L1Ref,
    },
}

/// How a batch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOutcome {
    /// The L1 block of the batch.
    pub l1: L1Ref,
    /// Index of the batch in its L1 block.
    pub batch: usize,
    /// Blocks that were applied, from the first on.
    pub applied: usize,
    /// Why the rest was not; `None` if the whole batch was applied.
    pub dropped: Option<DropReason>,
}

/// Why a batch, or the rest of it, does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DropReason {
    /// Its blobs hold no byte stream.
    #[error("malformed blobs: {0}")]
    Blobs(#[from] BlobError),
    /// The byte stream is no batch.
    #[error("malformed batch: {0}")]
    Malformed(#[from] DecodeError),
    /// It starts at or below the safe head: it was posted twice or too late.
    #[error("batch starts at block {first}, the safe head is {safe} already")]
    Behind {
        /// Number of its first block.
        first: u64,
        /// Number of the safe head.
        safe: u64,
    },
    /// It starts beyond the block after the safe head: a batch before it is missing.
    #[error("batch starts at block {first}, the safe head is only {safe}")]
    Ahead {
        /// Number of its first block.
        first: u64,
        /// Number of the safe head.
        safe: u64,
    },
    /// It builds on another block than the safe head.
    #[error("batch builds on another block than the safe head {safe}")]
    UnknownParent {
        /// Hash of the safe head.
        safe: B256,
    },
    /// Its last origin is the L1 block that it was posted in, or later.
    #[error("origin {origin} is not before the batch's own L1 block {l1}")]
    OriginAhead {
        /// Number of the origin.
        origin: u64,
        /// Number of the batch's L1 block.
        l1: u64,
    },
    /// Its last origin is a block that is not on this L1 chain.
    #[error("origin {origin} has another hash on this L1")]
    OriginReorged {
        /// Number of the origin.
        origin: u64,
    },
    /// It came after the end of the sequencing window.
    #[error("L1 block {l1} is outside the sequencing window of origin {origin}")]
    OutsideWindow {
        /// Number of the origin.
        origin: u64,
        /// Number of the batch's L1 block.
        l1: u64,
    },
    /// The timestamp of a block breaks a rule.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    /// A transaction that is none.
    #[error("transaction {index} is malformed: {error}")]
    BadTransaction {
        /// Index in the block's sequenced transactions.
        index: usize,
        /// Why.
        error: String,
    },
    /// A deposit, which only L1 can make.
    #[error("transaction {index} is a deposit")]
    Deposit {
        /// Index in the block's sequenced transactions.
        index: usize,
    },
    /// A blob transaction, which L2 does not have.
    #[error("transaction {index} is a blob transaction")]
    Blob {
        /// Index in the block's sequenced transactions.
        index: usize,
    },
    /// The driver could not execute a block.
    #[error("block cannot be executed: {0}")]
    NotExecutable(String),
    /// A number that would leave 64 bits.
    #[error("block or origin number overflows")]
    Overflow,
}
