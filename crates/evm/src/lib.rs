//! Block execution: a pure function from state, header and transactions to receipts and a state
//! difference.
//!
//! The EVM is revm; this crate adds what a chain needs around it: the rules of a block, the fees
//! and the deposit transactions of an L2, simulated calls, and (feature `trace`) tracers. The
//! state comes through [`StateReader`]. Nothing here does I/O, reads a clock or randomness, and
//! no map order reaches a result, so that two machines agree on every bit.
//!
//! Both layers follow the rules of Ethereum's Osaka fork; [`Layer::L2`] adds those of the OP Stack.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod block;
mod context;
mod diff;
mod error;
mod evm;
mod handler;
mod l1_fee;
mod lists;
mod memory;
mod overlay;
mod owed;
mod precompiles;
pub mod simulate;
mod spec;
mod state;
#[cfg(feature = "trace")]
pub mod trace;
mod transaction;

#[cfg(test)]
mod tests;

pub use block::{BlockExecutor, BlockOutcome, TxOutcome};
pub use context::{BlockAttributes, BlockContext};
pub use error::{ExecuteError, InvalidTx};
pub use l1_fee::read_l1_fee_params;
pub use lists::{ListHasher, ListRoots, SegmentHashes};
pub use memory::MemoryState;
pub use overlay::StateOverlay;
pub use precompiles::{PrecompileMoves, is_precompile};
pub use revm::{bytecode::Bytecode, context::result::HaltReason};
pub use spec::{BaseFeeParams, ChainSpec, Layer};
pub use state::{StateReader, analysed};
