//! The pure core of the rollup: what a batch is, and which L2 blocks follow from L1.
//!
//! Nothing here does I/O or reads a clock: the same code runs in the sequencer, in the batcher,
//! in a verifier, in a seeded simulator and, later, in a dispute. The rules are written down in
//! `docs/rollup.md`.
//!
//! - [`batch`]: the batch format, columns of transactions behind a general compressor.
//! - [`blob`]: how the bytes of a batch lie in EIP-4844 blobs.
//! - [`config`]: the parameters of one chain, as announced on L1.
//! - [`derive`]: the state machine from L1 blocks to L2 blocks.
//!
//! Feature `std` adds the encoder.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::cast_possible_truncation))]

extern crate alloc;

pub mod batch;
pub mod blob;
pub mod config;
pub mod derive;

pub use batch::{Batch, BatchBlock, BatchHeader, DecodeError};
pub use config::{ConfigError, RollupConfig};
pub use derive::{DerivedBlock, Deriver, L1Block, L1Ref, L2BlockRef};
