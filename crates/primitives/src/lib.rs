//! The vocabulary of every layer: transactions, receipts, state differences, deposits,
//! withdrawals, output roots and the L1 data fee.
//!
//! The crate is `no_std`, so that the code which executes a block in a node is the code which a
//! dispute runs. Feature `std` brings libsecp256k1 and assembly keccak; feature `k256` recovers
//! senders in pure Rust instead.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod addresses;
pub mod block;
pub mod deposit;
pub mod fee;
pub mod l1_info;
mod list_root;
pub mod output;
pub mod receipt;
pub mod state;
pub mod transaction;

pub use alloy_consensus::{Header, Sealable, Sealed};
pub use alloy_primitives::{
    Address, B256, Bloom, Bytes, Log, TxKind, U256, address, b256, keccak256, map,
};
pub use block::{Block, logs_bloom, receipts_root, transactions_root};
pub use list_root::{LIST_SEGMENT, ListRoot, ListSegment};
pub use receipt::Receipt;
pub use state::{Account, AccountDiff, Code, SlotDiff, StateDiff};
pub use transaction::{
    Learnt, RecoverError, Recovered, RecoveredTransaction, Transaction, TxDeposit, TxType,
};
