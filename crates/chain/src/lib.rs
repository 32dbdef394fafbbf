//! An EVM chain: its state, its blocks on disk, the building of blocks and the way back.
//!
//! [`Chain`] is one canonical chain. A block is [built](Chain::build) or [executed](Chain::execute_block) on the state
//! of its parent and then [committed](Chain::commit); a committed block is on disk before anyone can see it. The chain
//! can be [unwound](Chain::unwind), and [the state of every block](Chain::state_at) can be read and proven.
//!
//! - `state`: the newest state in flat maps, and versions of the trie for older blocks.
//! - `store`: the write-ahead log, which makes a block durable, and behind it the history, from which old blocks are
//!   read and a start begins.
//! - `builder`: from attributes and transactions to a block.
//! - `chain`: the handle that ties them together, and what may be done through it.
//!
//! Nothing here knows a layer 1 or a network. Without a data directory all is kept in memory, with the same meaning.

mod block;
mod builder;
mod chain;
mod config;
mod error;
mod event;
pub mod fault;
mod genesis;
mod lists;
mod log_query;
mod meters;
mod patch;
mod state;
mod store;

#[cfg(test)]
mod tests;

pub use block::{BlockRecord, BlockRef};
pub use builder::{BuildOptions, BuildStep, BuiltBlock, Refused, Skipped};
pub use chain::Chain;
pub use config::{ChainConfig, ChainLimits};
pub use error::{
    BuildError, ChainError, CommitError, HeadError, OpenError, StateError, StorageError,
    UnwindError,
};
pub use event::{ChainEvent, Heads};
pub use genesis::{Genesis, GenesisAccount};
pub use log_query::LogQuery;
pub use patch::AccountPatch;
pub use state::{StateFork, StateView};
