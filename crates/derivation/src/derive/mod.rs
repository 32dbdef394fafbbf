//! From L1 blocks to L2 blocks: the rules of derivation as a state machine.
//!
//! [`Deriver`] is fed with L1 blocks in order and asked for the next step. A step may be an L2
//! block to execute; its hash comes back through [`Deriver::accepted`], since the next block
//! names it. The same functions make the first transactions of a block for the sequencer
//! ([`block_inputs`]) and tell it which timestamps are valid ([`next_timestamp`]).
//!
//! The rules are numbered in `docs/rollup.md`.

mod inputs;
mod machine;
#[cfg(test)]
mod tests;
mod types;

pub use inputs::{
    BlockInputs, InputError, L2Attributes, TimestampError, block_inputs, check_timestamp,
    next_timestamp,
};
pub use machine::{Deriver, DriverError, FeedError, Step};
pub use types::{
    BatchData, BatchOutcome, BlockSource, Cursor, DecodedBatch, DerivedBlock, DropReason, L1Block,
    L1Ref, L2BlockRef,
};
