//! The transaction pool of every chain in Mezzanine: replacement, nonce gaps, limits, eviction.
//!
//! A transaction is *pending* if it could be in the next block: its nonce follows without a gap
//! on its sender's account, and the account pays for it and for all before it. All others are
//! *queued*. The pool is a data structure behind one lock; it does no I/O besides the account
//! lookup that it is given, and every operation costs O(log n) of the pool's size.
//!
//! Error texts are those of go-ethereum, since clients and tools match on them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod best;
mod config;
mod error;
mod inner;
mod lookup;
mod meters;
mod pool;
mod sender;
mod transaction;
mod validate;

#[cfg(test)]
mod tests;

pub use best::BestTransactions;
pub use config::PoolConfig;
pub use error::{DecodeError, PoolError};
pub use lookup::{AccountLookup, AccountState, BlobCheck, DataFee, LookupError};
pub use meters::PoolMeters;
pub use pool::{AddOutcome, BlockUpdate, Content, Pool, Status, Subpool};
pub use transaction::{NewTransaction, PooledTransaction};
pub use validate::{floor_gas, intrinsic_gas};
