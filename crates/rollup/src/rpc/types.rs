//! What the `optimism_` methods answer, in the shapes of OP's rollup node.

use alloy::primitives::{B256, U64};
use mezz_l1::BlockRef;
use serde::{Deserialize, Serialize};

/// An L1 block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1BlockRef {
    /// Block hash.
    pub hash: B256,
    /// Height.
    pub number: u64,
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Seconds since the epoch.
    pub timestamp: u64,
}

impl L1BlockRef {
    /// Number and hash only.
    pub const fn block_ref(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash }
    }
}

/// An L2 block and where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct L2BlockRef {
    /// Block hash.
    pub hash: B256,
    /// Height.
    pub number: u64,
    /// Hash of the parent.
    #[serde(rename = "parentHash")]
    pub parent_hash: B256,
    /// Seconds since the epoch.
    pub timestamp: u64,
    /// L1 origin.
    #[serde(rename = "l1origin")]
    pub l1_origin: BlockRef,
    /// Index in the epoch of the origin.
    #[serde(rename = "sequenceNumber")]
    pub sequence_number: u64,
}

/// Answer of `optimism_syncStatus`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// L1 block up to which the chain is derived.
    pub current_l1: L1BlockRef,
    /// Newest finalized L1 block that is derived.
    pub current_l1_finalized: L1BlockRef,
    /// Newest L1 block.
    pub head_l1: L1BlockRef,
    /// Newest safe L1 block.
    pub safe_l1: L1BlockRef,
    /// Newest finalized L1 block.
    pub finalized_l1: L1BlockRef,
    /// Newest sequenced L2 block.
    pub unsafe_l2: L2BlockRef,
    /// Newest L2 block derived from L1.
    pub safe_l2: L2BlockRef,
    /// Newest L2 block derived from finalized L1.
    pub finalized_l2: L2BlockRef,
}

/// Answer of `optimism_outputAtBlock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputAtBlock {
    /// Version of the output root: zero.
    pub version: B256,
    /// The output root.
    pub output_root: B256,
    /// The block.
    pub block_ref: L2BlockRef,
    /// Storage root of the message passer.
    pub withdrawal_storage_root: B256,
    /// State root.
    pub state_root: B256,
    /// The node's status when it answered.
    pub sync_status: SyncStatus,
}

/// A block number as `optimism_outputAtBlock` takes it.
pub type HexNumber = U64;
