//! Why the embedded Layer 1 does not start, or cannot do what a verb asks.

use mezz_chain::{
    BuildError, ChainError, CommitError, HeadError, OpenError, StateError, UnwindError,
};
use mezz_rpc::{Failure, RpcError};
use std::{io, path::PathBuf, time::Duration};

/// Why the embedded Layer 1 does not start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// The mnemonic is no BIP-39 phrase.
    #[error("the mnemonic is not valid: {0}")]
    Mnemonic(String),
    /// A setting is out of its range.
    #[error("{0}")]
    Config(String),
    /// Blocks cannot follow that fast.
    #[error(
        "a block time of {0:?} is too short: timestamps of a Layer 1 rise by at least a second; choose 1s or more, or mine on demand"
    )]
    BlockTime(Duration),
    /// A file of the data directory cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing can be stored any more.
    #[error(
        "the disk of the embedded L1 cannot be written: {0}; all that was shown is stored: make room or mend it, and start again"
    )]
    Disk(String),
    /// A file of the data directory does not hold what it should.
    #[error("{path} is damaged: {reason}; remove it to start without it", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The chain cannot be opened.
    #[error("{0}")]
    Open(Box<OpenError>),
    /// The server cannot be started.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A method is defined twice.
    #[error("method defined twice: {0}")]
    Methods(#[from] jsonrpsee::core::RegisterMethodError),
    /// A block cannot be built.
    #[error("{0}")]
    Build(Box<BuildError>),
    /// A block cannot be committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The chain cannot be unwound.
    #[error(transparent)]
    Unwind(#[from] UnwindError),
    /// The safe or finalized head cannot be moved.
    #[error(transparent)]
    Heads(#[from] HeadError),
    /// A block cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<OpenError> for DevnetError {
    fn from(error: OpenError) -> Self {
        Self::Open(Box::new(error))
    }
}

impl From<BuildError> for DevnetError {
    fn from(error: BuildError) -> Self {
        Self::Build(Box::new(error))
    }
}

impl From<DevnetError> for Failure {
    fn from(error: DevnetError) -> Self {
        match error {
            DevnetError::Build(error) if matches!(*error, BuildError::EmptyAccount(_)) => {
                Self::invalid_params(error.to_string())
            }
            DevnetError::Config(text) => Self::invalid_params(text),
            error => Self::internal(error),
        }
    }
}
