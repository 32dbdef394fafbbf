//! The embedded Layer 1: an EVM chain in L1 configuration, with blobs and developer verbs.
//!
//! [`Devnet::start`] opens the chain, mines, and serves JSON-RPC (HTTP and WebSocket) and the
//! beacon endpoint for blobs on one port. Clients reach it as they reach any Ethereum node; what
//! they may do beyond that are the verbs known from Anvil and Hardhat, with Anvil's answers.
//!
//! What differs from Anvil, because a chain here is a real one, with state roots and on disk:
//! - A verb that changes the state (`anvil_setBalance`, `anvil_setCode`, …) mines a block at once,
//!   without transactions, whose state carries the change. So every read sees it, its block hash
//!   and proofs commit to it, and it survives a restart.
//! - Timestamps rise by at least a second from block to block, as Ethereum demands.
//! - Blocks that replace others in `anvil_reorg` keep the timestamps of those they replace.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accounts;
mod blobs;
mod clock;
mod config;
mod error;
mod genesis;
mod hooks;
mod kzg;
mod miner;
mod node;
mod settings;
mod start;
mod verbs;

pub use accounts::DevAccount;
pub use config::{BlobRetention, DEFAULT_CHAIN_ID, DEFAULT_MNEMONIC, DevnetConfig, Mining};
pub use error::DevnetError;
pub use start::{Devnet, DevnetHandle};
