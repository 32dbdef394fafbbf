//! The optimistic rollup: an EVM chain whose every block follows from the logs of two contracts
//! on L1.
//!
//! The rules are in `docs/rollup.md` and, as pure code, in `mezz-derivation`. This crate is the
//! shell around them: it follows L1, executes, stores, and acts.
//!
//! - [`feed`]: L1 blocks with their deposits and batches, in order.
//! - [`driver`]: the one task that changes the chain: derives it, and sequences it if it may.
//! - [`batcher`], [`proposer`]: duties that post to L1. They see the chain over JSON-RPC only, so
//!   that they run in the sequencer's process or anywhere else.
//! - [`deploy`], [`discover`], [`genesis`]: the beginning of a chain, and finding one.
//! - [`books`]: what each batch collected and cost.
//! - [`games`]: what is proposed on L1, and what of it still counts.
//! - [`withdrawal`]: what a withdrawal needs at each of its steps.
//! - [`health`]: whether a duty works and does what it is there for.
//! - [`node`]: the parts of a sequencer or a verifier, wired.

pub mod balance;
pub mod batcher;
pub mod books;
pub mod deploy;
pub mod discover;
pub mod driver;
pub mod feed;
pub mod games;
pub mod genesis;
pub mod health;
mod inbox;
pub mod l2_client;
pub mod node;
pub mod proposer;
pub mod rpc;
mod senders;
mod session;
mod trouble;
mod vitals;
mod watch;
pub mod withdrawal;

pub use l2_client::{L2Client, L2Error};
pub use mezz_derivation::RollupConfig;
pub use node::{Node, NodeConfig, NodeError, Role};
