//! What can go wrong, by what was asked for.

use crate::block::BlockRef;
use mezz_evm::{ExecuteError, InvalidTx};
use mezz_primitives::{Address, B256};
use std::{io, path::PathBuf, sync::Arc};

/// The store cannot be written or read. After a failed write the chain takes no more changes until it is opened anew;
/// what was visible stays readable.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(Arc<str>);

impl StorageError {
    pub(crate) fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string().into())
    }
}

/// A chain cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process, or another chain of this process, has the directory.
    #[error("{path} is in use by another process; stop it or choose another data directory", path = path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds a chain with another first block.
    #[error(
        "{path} holds another chain: its genesis is {found}, expected {expected}; choose another data directory",
        path = path.display()
    )]
    OtherChain {
        /// The directory.
        path: PathBuf,
        /// The genesis hash that the configuration gives.
        expected: B256,
        /// The genesis hash in the directory.
        found: B256,
    },
    /// The directory was written in a format that this version does not know.
    #[error("{path} has storage format {found}, this version reads {expected}", path = path.display())]
    Format {
        /// The directory.
        path: PathBuf,
        /// The format that this version reads and writes.
        expected: u64,
        /// The format in the directory.
        found: u64,
    },
    /// The log is damaged where no crash can have damaged it: good records follow, or records are missing.
    #[error("{path}: damaged at byte {offset}: {reason}", path = path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The place in it.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// What the store holds does not fit together.
    #[error("the stored chain is inconsistent at block {number}: {reason}")]
    Inconsistent {
        /// The block.
        number: u64,
        /// What is wrong.
        reason: String,
    },
    /// The history cannot be opened or read.
    #[error("history: {0}")]
    Storage(#[from] StorageError),
    /// The genesis allocation has an account that the protocol would delete together with its storage (EIP-161).
    #[error("genesis account {0} has storage, but neither code, nonce nor balance")]
    EmptyGenesisAccount(Address),
    /// A limit is zero or too large to be meant.
    #[error("{0}")]
    Limits(&'static str),
}

/// A block cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChainError {
    /// The store failed.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
    /// A value for the meta store is too large.
    #[error("{what} of {bytes} bytes is over the limit of {max}")]
    MetaTooLarge {
        /// Key or value.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The most it may have.
        max: usize,
    },
}

/// A state cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// The chain has no such block.
    #[error("no block {number}: the head is {head}")]
    UnknownBlock {
        /// The number asked for.
        number: u64,
        /// The newest block.
        head: u64,
    },
    /// The chain was unwound while the state was read.
    #[error("block {number} was removed while its state was read")]
    Removed {
        /// The block.
        number: u64,
    },
    /// An account names code that the chain does not have.
    #[error("code {hash} is missing")]
    MissingCode {
        /// Its hash.
        hash: B256,
    },
    /// The store failed.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
}

/// A block cannot be built or executed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A transaction that must be in the block cannot be.
    #[error("transaction {index} ({hash}) is invalid: {source}")]
    InvalidTransaction {
        /// Its place in the block, from 0.
        index: usize,
        /// Its hash.
        hash: B256,
        /// Why.
        source: InvalidTx,
    },
    /// The block would be larger than the limit.
    #[error("the block has {size} bytes, the limit is {max}")]
    TooLarge {
        /// Bytes of its RLP.
        size: u64,
        /// The most it may have.
        max: u64,
    },
    /// The timestamp is before the parent's. Seconds.
    #[error("timestamp {timestamp} is before the parent's, {parent}")]
    Timestamp {
        /// The block's.
        timestamp: u64,
        /// The parent's.
        parent: u64,
    },
    /// The extra data is longer than 32 bytes.
    #[error("extra data of {0} bytes is over the limit of 32")]
    ExtraData(usize),
    /// A patch would leave an account that the protocol deletes together with its storage (EIP-161).
    #[error("account {0} would have storage, but neither code, nonce nor balance")]
    EmptyAccount(Address),
    /// A base fee was set or contracts were allowed to send, on an L2: nobody could derive the block.
    #[error("the base fee and the senders of an L2 block follow its rules: they cannot be set")]
    DeveloperOption,
    /// The state of the parent cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The EVM failed: a defect, not a bad transaction.
    #[error("execution failed: {0}")]
    Internal(String),
}

impl BuildError {
    /// An error of the executor that is not the fault of a transaction.
    pub(crate) fn of_execution(error: ExecuteError<StateError>) -> Self {
        match error {
            ExecuteError::State(error) => Self::State(error),
            error => Self::Internal(error.to_string()),
        }
    }
}

/// A block cannot be committed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// The block was built on another block than the head: another was committed meanwhile, or the chain was unwound.
    #[error("the block was built on {parent}, the head is {head:?}")]
    NotOnHead {
        /// The block's parent.
        parent: B256,
        /// The head.
        head: BlockRef,
    },
    /// A value that was to be stored with it is too large.
    #[error(transparent)]
    Meta(ChainError),
    /// The store failed. The block is not visible; whether it is there after a restart is open.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
}

/// The chain cannot be unwound.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UnwindError {
    /// The finalized block would be removed.
    #[error("cannot unwind to {to}: block {finalized} is finalized")]
    Finalized {
        /// The block to unwind to.
        to: u64,
        /// The finalized block.
        finalized: u64,
    },
    /// The block does not exist.
    #[error("cannot unwind to {to}: the head is {head}")]
    AboveHead {
        /// The block to unwind to.
        to: u64,
        /// The head.
        head: u64,
    },
    /// The state of the block cannot be reached.
    #[error(transparent)]
    State(#[from] StateError),
    /// The store failed; the chain is as it was.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
}

/// A head cannot be moved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HeadError {
    /// The block does not exist.
    #[error("no block {number}: the head is {head}")]
    UnknownBlock {
        /// The number asked for.
        number: u64,
        /// The newest block.
        head: u64,
    },
    /// Finality would be taken back.
    #[error("block {finalized} is finalized already; {number} is older")]
    Finalized {
        /// The number asked for.
        number: u64,
        /// The finalized block.
        finalized: u64,
    },
    /// The store failed; the heads are as they were.
    #[error("storage: {0}")]
    Storage(#[from] StorageError),
}

impl From<ChainError> for StateError {
    fn from(error: ChainError) -> Self {
        Self::Storage(storage(error))
    }
}

impl From<ChainError> for UnwindError {
    fn from(error: ChainError) -> Self {
        Self::Storage(storage(error))
    }
}

impl From<ChainError> for HeadError {
    fn from(error: ChainError) -> Self {
        Self::Storage(storage(error))
    }
}

fn storage(error: ChainError) -> StorageError {
    match error {
        ChainError::Storage(error) => error,
        error @ ChainError::MetaTooLarge { .. } => StorageError::new(error),
    }
}
