//! What a chain tells those who listen.

use crate::block::{BlockRecord, BlockRef};
use std::sync::Arc;

/// The heads of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The newest block; on an L2 the unsafe head.
    pub latest: BlockRef,
    /// On an L2 the newest block that follows from L1.
    pub safe: BlockRef,
    /// The newest block that will not be unwound.
    pub finalized: BlockRef,
}

/// A change of the chain, told after it is on disk and visible.
#[derive(Clone, Debug)]
pub enum ChainEvent {
    /// A block was appended.
    NewHead(Arc<BlockRecord>),
    /// Blocks were taken off.
    Unwound {
        /// Newest first; never empty.
        removed: Vec<Arc<BlockRecord>>,
    },
    /// The safe or the finalized head moved.
    Heads(Heads),
}
