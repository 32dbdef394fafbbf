//! The batcher: posts the sequencer's blocks to the inbox on L1.
//!
//! It keeps no state of its own that matters. What is safe on the L2 node has arrived; after a
//! restart, or whenever something is amiss, it begins again after the safe head, once the node has
//! derived all that was posted before. A batch that arrives twice costs its sender money and
//! changes nothing.

mod ledger;
#[cfg(test)]
mod tests;

use self::ledger::{Footing, Ledger, Posted};
use crate::{
    l2_client::{L2Client, L2Error, SourceBlock},
    trouble::Trouble,
};
use alloy::{
    primitives::{Address, B256, TxKind, U256},
    sol_types::SolCall,
};
use mezz_contracts::bindings::IInbox;
use mezz_derivation::{
    batch::{self, Batch, BatchBlock, Compression, EncodeError, hash_check},
    blob,
};
use mezz_l1::{BlockRef, L1Client, L1Error, SendError, TxRequest, TxSender};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Pause between two looks at the L2 node.
const POLL: Duration = Duration::from_millis(250);
/// Blocks that are read and posted at most in one batch.
const MAX_BATCH_BLOCKS: usize = 20_000;
/// Bytes of raw transactions that are read for one batch; compression makes them fit.
const MAX_RAW_BYTES: usize = 1_500_000;
/// Batches that may be on their way to L1 at the same time.
const MAX_IN_FLIGHT: usize = 4;

/// How the batcher works.
#[derive(Clone, Debug)]
pub struct BatcherConfig {
    /// The inbox on L1.
    pub inbox: Address,
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// How old the oldest unposted block may get.
    pub max_age: Duration,
    /// Compression: better costs time.
    pub compression: Compression,
    /// L1 blocks after which a batch that did not become safe is given up and posted again.
    pub patience: u64,
}

/// Why a batch could not be posted.
#[derive(Debug, thiserror::Error)]
enum BatcherError {
    #[error(transparent)]
    L2(#[from] L2Error),
    #[error(transparent)]
    L1(#[from] L1Error),
    #[error("a batch cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
    #[error("a batch does not fit into blobs: {0}")]
    Blob(#[from] blob::BlobError),
    #[error("{0}")]
    Send(#[from] SendError),
    #[error("block {number} of the L2 node does not build on block {}", number - 1)]
    Gap { number: u64 },
    #[error("encoding was interrupted")]
    Interrupted,
}

/// The batcher's task.
#[derive(Debug)]
pub struct Batcher {
    config: BatcherConfig,
    l2: L2Client,
    l1: L1Client,
    sender: TxSender,
}

impl Batcher {
    /// A batcher that reads from `l2` and posts with `sender`.
    pub const fn new(config: BatcherConfig, l2: L2Client, l1: L1Client, sender: TxSender) -> Self {
        Self { config, l2, l1, sender }
    }

    /// Runs until `stop`. Trouble is logged and waited out.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work() => {}
        }
    }

    async fn work(&self) {
        let mut ledger = Ledger::default();
        let mut trouble = Trouble::new("batcher");
        let mut waiting_since: Option<Instant> = None;
        loop {
            let pause = match self.round(&mut ledger, &mut waiting_since).await {
                Ok(()) => {
                    trouble.went_well(Instant::now());
                    POLL
                }
                Err(error) => {
                    // Whatever it was, the safe head says what has arrived.
                    ledger.posted.clear();
                    trouble.failed(&error, Instant::now())
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks once, and posts what is due.
    async fn round(
        &self,
        ledger: &mut Ledger,
        waiting_since: &mut Option<Instant>,
    ) -> Result<(), BatcherError> {
        let status = self.l2.sync_status().await?;
        for batch in &mut ledger.posted {
            if let Some(receipt) = batch.receipt.take_if(|receipt| receipt.is_finished()) {
                batch.l1 = Some(receipt.await.map_err(|_| BatcherError::Interrupted)??);
            }
        }
        let safe = status.safe_l2;
        ledger.settle(safe.number, status.current_l1.number, self.config.patience);
        if ledger.posted.is_empty() && !self.may_begin(status.current_l1.block_ref()).await? {
            return Ok(());
        }
        let (next, parent) = match ledger.posted.back() {
            Some(last) => (last.last + 1, last.last_hash),
            None => (safe.number + 1, safe.hash),
        };
        if status.unsafe_l2.number < next {
            *waiting_since = None;
            return Ok(());
        }
        let since = *waiting_since.get_or_insert_with(Instant::now);
        let backlog = status.unsafe_l2.number - next + 1;
        let due = since.elapsed() >= self.config.max_age || backlog >= MAX_BATCH_BLOCKS as u64;
        if !due || ledger.posted.len() >= MAX_IN_FLIGHT {
            return Ok(());
        }
        let blocks = self.read(next, status.unsafe_l2.number, parent).await?;
        let post = self.post(blocks).await?;
        let left = post.last < status.unsafe_l2.number;
        ledger.posted.push_back(post);
        // What was left out is as old as what went.
        *waiting_since = left.then_some(since);
        Ok(())
    }

    /// Whether the safe head of a node that has derived L1 up to `derived` is the place to go on
    /// from.
    async fn may_begin(&self, derived: BlockRef) -> Result<bool, BatcherError> {
        // In this order: what is mined after the node's answer must not look derived.
        let sending = self.sender.status();
        let head = self.l1.latest().await?.number;
        let Some(footing) = Footing::find(derived, head, &sending) else { return Ok(false) };
        for block in footing.blocks() {
            match self.l1.header(block.number.into()).await {
                Ok(header) if header.hash() == block.hash => {}
                Ok(_) | Err(L1Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Reads consecutive blocks, as many as a batch may have.
    async fn read(
        &self,
        first: u64,
        last: u64,
        mut parent: B256,
    ) -> Result<Vec<SourceBlock>, BatcherError> {
        let mut blocks = Vec::new();
        let mut bytes = 0usize;
        for number in first..=last {
            let block = self.l2.block(number).await?;
            if block.parent_hash != parent {
                return Err(BatcherError::Gap { number });
            }
            parent = block.hash;
            let size: usize = block.transactions.iter().map(|tx| tx.len()).sum();
            if !blocks.is_empty()
                && (bytes + size > MAX_RAW_BYTES || blocks.len() >= MAX_BATCH_BLOCKS)
            {
                break;
            }
            bytes += size;
            blocks.push(block);
        }
        Ok(blocks)
    }

    /// Encodes the blocks, fewer of them if they do not fit, and hands the batch to the sender.
    async fn post(&self, mut blocks: Vec<SourceBlock>) -> Result<Posted, BatcherError> {
        let (data, kept) = loop {
            let batch = to_batch(&blocks);
            let (chain_id, compression) = (self.config.l2_chain_id, self.config.compression);
            let encoded =
                tokio::task::spawn_blocking(move || batch::encode(&batch, chain_id, compression))
                    .await
                    .map_err(|_| BatcherError::Interrupted)?;
            match encoded {
                Ok(data) => break (data, blocks),
                Err(error) if blocks.len() == 1 => return Err(error.into()),
                // Too long: half of it is not.
                Err(_) => blocks.truncate(blocks.len() / 2),
            }
        };
        // A batch has at least one block: reading begins at a block that exists.
        let (Some(first), Some(last)) = (kept.first(), kept.last()) else {
            return Err(BatcherError::Interrupted);
        };
        let blobs = blob::to_blobs(&data)?;
        tracing::info!(
            from = first.number,
            to = last.number,
            bytes = data.len(),
            blobs = blobs.len(),
            txs = kept.iter().map(|block| block.transactions.len()).sum::<usize>(),
            "posting a batch"
        );
        let request = TxRequest {
            to: TxKind::Call(self.config.inbox),
            input: IInbox::submitBatchCall {}.abi_encode().into(),
            value: U256::ZERO,
            gas_limit: None,
            blobs: Some(blobs),
            // The same bytes may have to be posted twice, if they came too early the first time.
            key: None,
            // It counts on the right parent only, so that it does no harm anywhere else.
            rests_on: None,
        };
        let ticket = self.sender.submit(request).await?;
        let receipt = tokio::spawn(async move {
            let receipt = ticket.receipt().await?;
            Ok(receipt.block_number.unwrap_or_default())
        });
        Ok(Posted {
            first: first.number,
            last: last.number,
            last_hash: last.hash,
            receipt: Some(receipt),
            l1: None,
        })
    }
}

fn to_batch(blocks: &[SourceBlock]) -> Batch {
    let (first, last) = (&blocks[0], &blocks[blocks.len() - 1]);
    Batch {
        parent_check: hash_check(&first.parent_hash),
        origin_check: hash_check(&last.l1.hash),
        first_number: first.number,
        blocks: blocks
            .iter()
            .map(|block| BatchBlock {
                timestamp: block.timestamp,
                advances_origin: block.l1.sequence_number == 0,
                transactions: block.transactions.clone(),
            })
            .collect(),
    }
}
