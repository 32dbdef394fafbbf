//! What a method answers when it cannot answer: code, message and data as geth gives them, because
//! wallets and libraries recognise errors by these.

use crate::revert;
use alloy_primitives::Bytes;
use jsonrpsee::types::ErrorObjectOwned;
use std::{borrow::Cow, fmt};

/// A call reverted; `data` holds the bytes of the revert.
pub const EXECUTION_REVERTED: i32 = 3;
/// Anything that a correct request may meet: unknown block, refused transaction, failed execution.
pub const SERVER_ERROR: i32 = -32000;
/// The request took too long, or waited too long for what it asked for.
pub const TIMEOUT: i32 = -32002;
/// A limit of this node stands against it.
pub const LIMIT_EXCEEDED: i32 = -32005;
/// There is no such method, or not here.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// The request does not fit the method.
pub const INVALID_PARAMS: i32 = -32602;
/// A fault of the node.
pub const INTERNAL_ERROR: i32 = -32603;
/// The answer is larger than the node sends.
pub const RESPONSE_TOO_BIG: i32 = -32008;

/// A JSON-RPC error.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The error code.
    pub code: i32,
    /// One line for people; its start is also read by libraries.
    pub message: Cow<'static, str>,
    /// Machine-readable detail, for example the bytes of a revert.
    pub data: Option<serde_json::Value>,
}

impl Failure {
    /// An error with this code.
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The request does not fit the method: -32602.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    /// A correct request that cannot be answered: -32000.
    pub fn server(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(SERVER_ERROR, message)
    }

    /// A limit of this node: -32005. The message says which, and what to do.
    pub fn limit(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(LIMIT_EXCEEDED, message)
    }

    /// A fault of the node: -32603. The cause goes to the log; the client learns its words only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "request failed for a reason of the node's own");
        Self::new(INTERNAL_ERROR, format!("internal error: {cause}"))
    }

    /// A reverted execution: code 3, the revert's bytes as data, its reason decoded if it is a
    /// Solidity `Error(string)` or `Panic(uint256)`.
    pub fn reverted(output: &Bytes) -> Self {
        let message = match revert::reason(output) {
            Some(reason) => format!("execution reverted: {reason}").into(),
            None => Cow::Borrowed("execution reverted"),
        };
        let data = Some(serde_json::Value::String(output.to_string()));
        Self { code: EXECUTION_REVERTED, message, data }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for ErrorObjectOwned {
    fn from(failure: Failure) -> Self {
        Self::owned(failure.code, failure.message, failure.data)
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// Somebody listens there already.
    #[error(
        "cannot listen on {addr}: the port is in use; stop what uses it or choose another port"
    )]
    AddressInUse {
        /// The address asked for.
        addr: std::net::SocketAddr,
    },
    /// The system refused to listen there.
    #[error("cannot listen on {addr}: {source}")]
    Bind {
        /// The address asked for.
        addr: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two modules define the same method.
    #[error("method defined twice: {0}")]
    Methods(#[from] jsonrpsee::core::RegisterMethodError),
}
