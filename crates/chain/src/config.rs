//! What a chain is opened with.

use crate::{fault, genesis::Genesis};
use mezz_evm::ChainSpec;
use std::{path::PathBuf, time::Duration};

/// What a chain is opened with.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// The rules.
    pub spec: ChainSpec,
    /// The first block.
    pub genesis: Genesis,
    /// Where the chain is kept; `None` keeps it in memory only.
    pub data_dir: Option<PathBuf>,
    /// Bounds on memory and sizes.
    pub limits: ChainLimits,
}

/// Bounds on memory and sizes.
#[derive(Clone, Debug)]
pub struct ChainLimits {
    /// Newest blocks of which the trie is kept in memory; at least 2. A version costs what changed since: about 3 MB
    /// for 5,000 accounts. Default 256.
    pub kept_versions: usize,
    /// Tries of older blocks that are kept after someone asked for them. Default 16.
    pub cached_versions: usize,
    /// Newest blocks that are kept in memory, beside those that are not yet in the history. Default 512.
    pub recent_blocks: usize,
    /// Bytes of those blocks (their RLP) above which fewer are kept. Default 256 MiB.
    pub recent_bytes: u64,
    /// Size in bytes at which a segment of the log is closed and the next begins. Default 64 MiB.
    pub segment_bytes: u64,
    /// How long the history waits for more blocks before it writes. Default 500 ms.
    pub flush_interval: Duration,
    /// Bytes of the RLP of a block. Default 8,388,608 (EIP-7934).
    pub max_block_bytes: u64,
    /// Events that a slow listener may lie behind before it loses some. Default 1,024.
    pub event_capacity: usize,
}

impl Default for ChainLimits {
    fn default() -> Self {
        Self {
            kept_versions: 256,
            cached_versions: 16,
            recent_blocks: 512,
            recent_bytes: 256 << 20,
            segment_bytes: fault::limit("wal.segment_bytes", 64 << 20),
            flush_interval: Duration::from_millis(500),
            max_block_bytes: 8 << 20,
            event_capacity: 1024,
        }
    }
}
