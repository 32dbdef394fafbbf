//! Sends transactions from one key and sees them through: nonces in order, fees that follow the
//! market within limits, replacement of what is stuck, blobs with cell proofs, and a journal that
//! lets the next start go on. What was accepted ends on the Layer 1 once, also when a
//! reorganisation drops it; only a request that names a block it rests on goes with that block.

mod build;
mod fees;
mod flight;
mod fork;
mod journal;
mod launch;
mod meters;
mod refusal;
mod task;
#[cfg(test)]
mod tests;
mod upkeep;

pub use fees::FeeLimits;
pub use task::TxSenderTask;

use crate::{client::L1Error, types::BlockRef};
use alloy::{
    eips::eip4844::Blob,
    primitives::{Address, B256, Bytes, TxKind, U256},
    rpc::types::TransactionReceipt,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

/// The most gas one transaction may have since Osaka (EIP-7825).
pub const TX_GAS_CAP: u64 = 16_777_216;

/// A transaction to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxRequest {
    /// The receiver, or the creation of a contract. Blobs need a receiver.
    pub to: TxKind,
    /// Calldata or init code.
    pub input: Bytes,
    /// Wei to send along.
    pub value: U256,
    /// Gas units; estimated if not given.
    pub gas_limit: Option<u64>,
    /// Makes it a blob transaction (EIP-4844).
    pub blobs: Option<Vec<Blob>>,
    /// Names the request: a second one with the same key, also after a restart, does not send
    /// again but waits for the first. The last 512 keys are remembered.
    pub key: Option<B256>,
    /// A block without which the request is wrong. It is sent, and sent again, only while the
    /// chain has that block and a contract can still see its hash; then its nonce goes to an empty
    /// transaction. Between the last look and mining only a contract can compare. Not with blobs.
    #[serde(default)]
    pub rests_on: Option<BlockRef>,
    /// The row that it is part of, whose requests are of no use without those before them: once one
    /// of a row is refused or fails, all that still wait for their turn in this row or one with a
    /// lower number are refused with [`SendError::Torn`]. Rows are of one run.
    #[serde(skip)]
    pub row: Option<u64>,
}

/// How a [`TxSender`] works.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// The operator's limits.
    pub fees: FeeLimits,
    /// Pause between two looks at the chain while something is in flight.
    pub poll_interval: Duration,
    /// The longest pause while the Layer 1 is away.
    pub max_backoff: Duration,
    /// A transaction that waits longer, with blocks passing by, is replaced at a higher fee.
    pub replace_after: Duration,
    /// How often the node is asked whether it still has a waiting transaction.
    pub rebroadcast_after: Duration,
    /// Blocks, the transaction's own included, after which its receipt is handed out; at least 1.
    pub confirmations: u64,
    /// Blocks for which a mined transaction is watched and sent again if it disappears.
    pub watch_blocks: u64,
    /// How many transactions may wait on the chain at the same time.
    pub max_in_flight: usize,
    /// A block that the chain must have; on another one nothing is sent, and nothing given up.
    pub anchor: Option<BlockRef>,
    /// What it sends for, as metrics call it.
    pub duty: &'static str,
}

impl Default for SenderConfig {
    fn default() -> Self {
        Self {
            fees: FeeLimits::default(),
            poll_interval: Duration::from_secs(1),
            max_backoff: Duration::from_secs(10),
            replace_after: Duration::from_secs(48),
            rebroadcast_after: Duration::from_secs(12),
            confirmations: 1,
            watch_blocks: 64,
            max_in_flight: 8,
            anchor: None,
            duty: "other",
        }
    }
}

/// Why a transaction was not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// The account cannot pay for it and for what it has in flight.
    #[error("account {address} has {has} wei on L1 but needs {needs} wei: send it at least {} wei", needs.saturating_sub(*has))]
    InsufficientFunds {
        /// The sender's account.
        address: Address,
        /// Its balance, wei.
        has: U256,
        /// The most this transaction and those in flight can cost, wei.
        needs: U256,
    },
    /// It needs more gas than any transaction may have.
    #[error("the transaction needs {gas} gas, and EIP-7825 allows {TX_GAS_CAP}")]
    GasCap {
        /// Gas units asked for or estimated.
        gas: u64,
    },
    /// It was mined and reverted.
    #[error("transaction {hash} reverted in L1 block {block}")]
    Reverted {
        /// The transaction.
        hash: B256,
        /// Its block.
        block: BlockRef,
        /// Its receipt.
        receipt: Box<TransactionReceipt>,
    },
    /// It would revert, so it was not sent.
    #[error("the transaction would revert: {message}")]
    WouldRevert {
        /// The node's words.
        message: String,
        /// Revert data, if the node gave some.
        data: Option<Bytes>,
    },
    /// The node will never take it.
    #[error("L1 refused the transaction: {message}")]
    Rejected {
        /// The node's words.
        message: String,
    },
    /// Another transaction of the account has its nonce: the key is in use elsewhere.
    #[error(
        "nonce {nonce} of account {address} was used by another transaction: is the key in use elsewhere?"
    )]
    NonceTaken {
        /// The sender's account.
        address: Address,
        /// The nonce.
        nonce: u64,
    },
    /// The blobs are not blobs.
    #[error("the blobs cannot be committed to: {0}")]
    Blobs(String),
    /// A blob transaction cannot create a contract (EIP-4844).
    #[error("a blob transaction needs a receiver")]
    BlobsNeedReceiver,
    /// An empty list of blobs, or a chain without blobs.
    #[error("blobs cannot be sent: {0}")]
    NoBlobs(&'static str),
    /// The block that the request rests on is gone, or too old to be seen by a contract.
    #[error(
        "the transaction rests on L1 block {block}, which L1 no longer has or which is too old"
    )]
    Orphaned {
        /// The block.
        block: BlockRef,
    },
    /// A request before it in its row was not carried out.
    #[error("a transaction that this one builds on was not carried out")]
    Torn,
    /// The Layer 1 is not the chain that the sender works for.
    #[error(
        "the L1 at {url} does not have block {block}, where this chain begins: nothing is sent until it has it again; if L1 was reset for good, `mezz up --reset` begins a new chain"
    )]
    OtherChain {
        /// The node.
        url: String,
        /// The block that it lacks.
        block: BlockRef,
    },
    /// The journal cannot be read or written. Nothing is sent without it.
    #[error("sender journal {path}: {reason}")]
    Journal {
        /// The file or folder.
        path: String,
        /// What went wrong.
        reason: String,
    },
    /// The key did not sign.
    #[error("signing failed: {0}")]
    Signer(String),
    /// The Layer 1 gave no usable answer, and asking again does not help.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// The sender was stopped. What it had in flight stands in its journal.
    #[error("the transaction sender was stopped")]
    Stopped,
}

/// What a sender is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SenderStatus {
    /// The nonce of the next transaction.
    pub next_nonce: u64,
    /// Requests that wait to be sent.
    pub queued: usize,
    /// Transactions that wait to be mined.
    pub waiting: usize,
    /// Mined transactions that are still watched.
    pub watched: usize,
    /// The newest block known to have one of them. What is no longer watched does not count: if an
    /// L1 takes that back, nobody would ever see the block again.
    pub newest_mined: Option<BlockRef>,
    /// Since when something waits and nothing was mined; `None` if nothing waits.
    pub stalled_since: Option<Instant>,
    /// What keeps it from going on, if anything.
    pub trouble: Option<String>,
}

/// What the task says of itself.
#[derive(Clone, Debug, Default)]
struct Published {
    status: SenderStatus,
    /// How many requests it had taken by then.
    taken: u64,
}

#[derive(Debug)]
struct Job {
    request: TxRequest,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<TransactionReceipt, SendError>>;

/// Hands requests to the [`TxSenderTask`] of one key. The task ends when all clones are gone.
#[derive(Clone, Debug)]
pub struct TxSender {
    address: Address,
    jobs: mpsc::Sender<Job>,
    /// How many requests were handed over; counted before the task can take them.
    submitted: Arc<AtomicU64>,
    published: watch::Receiver<Published>,
    limits: watch::Sender<FeeLimits>,
}

/// The receipt of a request, to come.
#[derive(Debug)]
pub struct TxTicket {
    receipt: oneshot::Receiver<Result<TransactionReceipt, SendError>>,
}

impl TxTicket {
    /// Waits until the transaction is mined and confirmed.
    ///
    /// # Errors
    /// Any [`SendError`]; [`SendError::Reverted`] if it was mined in vain.
    pub async fn receipt(self) -> Result<TransactionReceipt, SendError> {
        self.receipt.await.unwrap_or(Err(SendError::Stopped))
    }
}

impl TxSender {
    /// The account that sends.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Puts a request at the end of the queue; waits while the queue is full.
    ///
    /// # Errors
    /// [`SendError::Stopped`] if the task has ended.
    pub async fn submit(&self, request: TxRequest) -> Result<TxTicket, SendError> {
        let (reply, receipt) = oneshot::channel();
        let place = self.jobs.reserve().await.map_err(|_| SendError::Stopped)?;
        self.submitted.fetch_add(1, Ordering::SeqCst);
        place.send(Job { request, reply });
        Ok(TxTicket { receipt })
    }

    /// Submits a request and waits for its receipt.
    ///
    /// # Errors
    /// As [`TxTicket::receipt`].
    pub async fn send(&self, request: TxRequest) -> Result<TransactionReceipt, SendError> {
        self.submit(request).await?.receipt().await
    }

    /// Changes the operator's limits, also for what is in flight.
    pub fn set_fee_limits(&self, limits: FeeLimits) {
        self.limits.send_replace(limits);
    }

    /// What the task is doing. A request counts from the moment when it is handed over until it is
    /// carried out or refused, without a gap.
    pub fn status(&self) -> SenderStatus {
        let Published { mut status, taken } = self.published.borrow().clone();
        let submitted = self.submitted.load(Ordering::SeqCst);
        let not_taken = submitted.saturating_sub(taken);
        status.queued =
            status.queued.saturating_add(usize::try_from(not_taken).unwrap_or(usize::MAX));
        status
    }
}
