//! Small values that every part of this crate speaks.

use alloy::{
    consensus::{Header, Sealed},
    primitives::{Address, B256, Bytes},
};
use core::fmt;
use serde::{Deserialize, Serialize};

/// A block named by number and hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height of the block.
    pub number: u64,
    /// Keccak hash of its header.
    pub hash: B256,
}

impl From<&Sealed<Header>> for BlockRef {
    fn from(header: &Sealed<Header>) -> Self {
        Self { number: header.number, hash: header.hash() }
    }
}

impl fmt::Display for BlockRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.number, self.hash)
    }
}

/// A log with its place in its block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct L1Log {
    /// The contract that emitted it.
    pub address: Address,
    /// Zero to four topics.
    pub topics: Vec<B256>,
    /// The unindexed part.
    pub data: Bytes,
    /// Hash of the transaction that caused it.
    pub transaction_hash: B256,
    /// Index of that transaction in the block.
    pub transaction_index: u64,
    /// Index of the log in the block.
    pub log_index: u64,
}
