//! What can go wrong when asking a Layer 1 node, and whether asking again may help.

use crate::http::{root_cause, shorten};
use alloy::{
    primitives::Bytes,
    transports::{RpcError, TransportError, TransportErrorKind},
};

/// A question to the Layer 1 node that got no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum L1Error {
    /// The URL cannot be used.
    #[error(
        "L1 URL {url:?} cannot be used: {reason}; expected something like http://127.0.0.1:8545"
    )]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection, a broken one, or an HTTP error.
    #[error("L1 at {url} does not answer: {reason}; is it running?")]
    Unreachable {
        /// The node, without path and secrets.
        url: String,
        /// The innermost cause.
        reason: String,
    },
    /// The node took longer than allowed.
    #[error("L1 at {url} did not answer {method} within {seconds} s")]
    Timeout {
        /// The node, without path and secrets.
        url: String,
        /// The JSON-RPC method.
        method: &'static str,
        /// The time allowed, seconds.
        seconds: u64,
    },
    /// The node answered with a JSON-RPC error.
    #[error("L1 at {url} refused {method}: {message} (code {code})")]
    Rpc {
        /// The node, without path and secrets.
        url: String,
        /// The JSON-RPC method.
        method: &'static str,
        /// The JSON-RPC error code.
        code: i64,
        /// The node's message.
        message: String,
        /// Revert data, if the node gave some.
        data: Option<Bytes>,
    },
    /// The node does not know the block, state or transaction asked for.
    #[error("L1 at {url} does not have {what}")]
    NotFound {
        /// The node, without path and secrets.
        url: String,
        /// What was asked for.
        what: String,
    },
    /// The answer contradicts itself, the question, or an authenticated header.
    #[error("L1 at {url} gave a wrong answer to {method}: {reason}")]
    WrongAnswer {
        /// The node, without path and secrets.
        url: String,
        /// The JSON-RPC method.
        method: &'static str,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl L1Error {
    /// Whether the same question may get an answer later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Url { .. } => false,
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::NotFound { .. }
            | Self::WrongAnswer { .. } => true,
            Self::Rpc { code, message, .. } => is_busy(*code, message),
        }
    }

    /// Whether the client asks again at once by itself: nothing came back, or "too busy". Not
    /// after a timeout: whoever asked has waited long enough to be told.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Rpc { code, message, .. } => is_busy(*code, message),
            _ => false,
        }
    }

    /// Whether the node does not offer the method.
    pub fn is_method_missing(&self) -> bool {
        match self {
            Self::Rpc { code, message, .. } => {
                *code == -32601 || message.to_ascii_lowercase().contains("method not found")
            }
            _ => false,
        }
    }
}

/// Rate limits and momentary trouble, by the codes and words that nodes and gateways use.
fn is_busy(code: i64, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    matches!(code, -32005 | -32097 | -32016 | 429)
        || [
            "rate limit",
            "too many requests",
            "timeout",
            "timed out",
            "try again",
            "busy",
            "header not found",
        ]
        .iter()
        .any(|word| message.contains(word))
}

/// Turns a transport error into one that says what happened.
pub(crate) fn from_transport(
    error: TransportError,
    url: &str,
    method: &'static str,
    seconds: u64,
) -> L1Error {
    let url = url.to_owned();
    match error {
        RpcError::ErrorResp(payload) => L1Error::Rpc {
            url,
            method,
            code: payload.code,
            message: shorten(&payload.message),
            data: payload.as_revert_data(),
        },
        RpcError::NullResp => {
            L1Error::WrongAnswer { url, method, reason: "null where a value is due".to_owned() }
        }
        RpcError::DeserError { err, text } => {
            L1Error::WrongAnswer { url, method, reason: format!("{err} in {:?}", shorten(&text)) }
        }
        RpcError::SerError(error) => {
            L1Error::WrongAnswer { url, method, reason: error.to_string() }
        }
        RpcError::UnsupportedFeature(what) => {
            L1Error::WrongAnswer { url, method, reason: format!("unsupported: {what}") }
        }
        RpcError::LocalUsageError(error) => {
            L1Error::WrongAnswer { url, method, reason: shorten(&error.to_string()) }
        }
        RpcError::Transport(TransportErrorKind::NonRetryable(error)) => {
            L1Error::WrongAnswer { url, method, reason: shorten(&error.to_string()) }
        }
        RpcError::Transport(TransportErrorKind::Custom(error)) => {
            if error
                .downcast_ref::<reqwest::Error>()
                .is_some_and(|e| e.is_timeout() && !e.is_connect())
            {
                return L1Error::Timeout { url, method, seconds };
            }
            L1Error::Unreachable { url, reason: root_cause(error.as_ref()) }
        }
        RpcError::Transport(kind) => {
            L1Error::Unreachable { url, reason: shorten(&kind.to_string()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpc(code: i64, message: &str) -> L1Error {
        L1Error::Rpc {
            url: String::new(),
            method: "eth_call",
            code,
            message: message.to_owned(),
            data: None,
        }
    }

    #[test]
    fn only_what_may_pass_is_retryable() {
        assert!(rpc(-32005, "").is_retryable());
        assert!(rpc(-32000, "Too Many Requests").is_retryable());
        assert!(!rpc(3, "execution reverted").is_retryable());
        assert!(!rpc(-32601, "Method not found").is_retryable());
        assert!(rpc(-32601, "").is_method_missing());
    }
}
