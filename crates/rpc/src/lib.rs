//! JSON-RPC over HTTP and WebSocket for an EVM chain: the `eth_`, `net_`, `web3_`, `txpool_` and
//! `debug_` methods that wallets, libraries and tools use, and plain GET routes beside them.
//!
//! [`RpcServer::start`] serves one chain. What differs between chains (who may submit what, which
//! accounts the node signs for, which fields a receipt has besides Ethereum's) is in [`Hooks`].
//! Answers and errors are go-ethereum's in shape, code and wording.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod config;
mod context;
mod cores;
mod debug;
mod dev;
mod error;
mod eth;
mod expected;
mod feed;
mod hooks;
mod ingest;
mod json;
mod meters;
mod methods;
mod net;
mod op;
mod queue;
mod revert;
mod server;
mod txpool;
mod web3;
mod workers;

#[cfg(test)]
mod tests;

pub use args::Args;
pub use config::{Cors, Limits, RpcConfig};
pub use context::RpcContext;
pub use cores::{Core, Cores};
pub use dev::DevAccounts;
pub use error::{
    EXECUTION_REVERTED, Failure, INTERNAL_ERROR, INVALID_PARAMS, LIMIT_EXCEEDED, METHOD_NOT_FOUND,
    RESPONSE_TOO_BIG, RpcError, SERVER_ERROR, TIMEOUT,
};
pub use hooks::{Hooks, L1Hooks, UnsignedTransaction};
pub use json::block_json;
pub use methods::register;
pub use op::OpHooks;
pub use server::{GetHandle, GetRequest, GetResponse, GetRoute, GetServer, RpcHandle, RpcServer};
