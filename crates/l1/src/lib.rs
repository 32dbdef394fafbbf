//! The Layer 1 as a Layer 2 sees it: a client that says clearly what went wrong, a follower that
//! yields blocks and reorganisations in order, a source of verified blobs, and a sender of
//! transactions that survives reorganisations and restarts.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod blobs;
pub mod client;
pub mod follower;
pub mod sender;

mod http;
mod kzg;
#[cfg(test)]
mod test_http;
mod types;

pub use blobs::{BlobError, BlobSource, BlobSourceConfig, SourceInfo};
pub use client::{Contact, FeeInfo, L1Client, L1ClientConfig, L1Error};
pub use follower::{
    FollowError, Follower, FollowerConfig, FollowerState, L1BlockData, L1Event, LogCheck, LogFilter,
};
pub use http::shown_url;
pub use kzg::{KzgError, blob_commitment, blob_versioned_hash};
pub use sender::{
    FeeLimits, SendError, SenderConfig, SenderStatus, TX_GAS_CAP, TxRequest, TxSender,
    TxSenderTask, TxTicket,
};
pub use types::{BlockRef, L1Log};
