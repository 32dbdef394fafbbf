//! The batcher: posts the sequencer's blocks to the inbox on L1.
//!
//! It keeps no state of its own that matters. What is safe on the L2 node has arrived; after a
//! restart, or whenever something is amiss, it begins again after the safe head. A batch that
//! arrives twice costs its sender money and changes nothing.

use crate::l2_client::{L2Client, L2Error, SourceBlock};
use alloy::{
    primitives::{Address, B256, TxKind, U256},
    sol_types::SolCall,
};
use mezz_contracts::bindings::IInbox;
use mezz_derivation::{
    batch::{self, Batch, BatchBlock, EncodeError, Quality, hash_check},
    blob,
};
use mezz_l1::{L1Client, L1Error, SendError, TxRequest, TxSender};
use std::{collections::VecDeque, time::Duration};
use tokio::{task::JoinHandle, time::Instant};
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
    pub quality: Quality,
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

/// A batch on its way.
struct Posted {
    first: u64,
    last: u64,
    last_hash: B256,
    receipt: JoinHandle<Result<u64, SendError>>,
    /// The L1 block that has it, once known.
    l1: Option<u64>,
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
        let mut posted: VecDeque<Posted> = VecDeque::new();
        let mut trouble: Option<String> = None;
        let mut waiting_since: Option<Instant> = None;
        loop {
            match self.round(&mut posted, &mut waiting_since).await {
                Ok(()) => {
                    if trouble.take().is_some() {
                        tracing::info!("the batcher goes on");
                    }
                }
                Err(error) => {
                    posted.clear();
                    let text = error.to_string();
                    if trouble.as_ref() != Some(&text) {
                        tracing::warn!("batcher: {text}; trying again after the safe head");
                        trouble = Some(text);
                    }
                    tokio::time::sleep(POLL * 4).await;
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Looks once, and posts what is due.
    async fn round(
        &self,
        posted: &mut VecDeque<Posted>,
        waiting_since: &mut Option<Instant>,
    ) -> Result<(), BatcherError> {
        let status = self.l2.sync_status().await?;
        self.settle(posted, status.safe_l2.number, status.current_l1.number).await?;
        // Before derivation has seen what an earlier run posted, the safe head is not the place
        // to go on from.
        if posted.is_empty() && !self.caught_up(status.current_l1.number).await? {
            return Ok(());
        }
        let (next, parent) = match posted.back() {
            Some(last) => (last.last + 1, last.last_hash),
            None => (status.safe_l2.number + 1, status.safe_l2.hash),
        };
        if status.unsafe_l2.number < next {
            *waiting_since = None;
            return Ok(());
        }
        let since = *waiting_since.get_or_insert_with(Instant::now);
        let backlog = status.unsafe_l2.number - next + 1;
        let due = since.elapsed() >= self.config.max_age || backlog >= MAX_BATCH_BLOCKS as u64;
        if !due || posted.len() >= MAX_IN_FLIGHT {
            return Ok(());
        }
        let blocks = self.read(next, status.unsafe_l2.number, parent).await?;
        let post = self.post(blocks).await?;
        let left = post.last < status.unsafe_l2.number;
        posted.push_back(post);
        // What was left out is as old as what went.
        *waiting_since = left.then_some(since);
        Ok(())
    }

    /// Whether the L2 node has derived all of L1, and none of our transactions is on its way.
    async fn caught_up(&self, current_l1: u64) -> Result<bool, BatcherError> {
        let sending = self.sender.status();
        if sending.queued + sending.waiting > 0 {
            return Ok(false);
        }
        let head = self.l1.latest().await?.number;
        // One block may have come between the two questions.
        Ok(current_l1 + 1 >= head)
    }

    /// Forgets batches that have become safe; an error if one did not arrive or did not count.
    async fn settle(
        &self,
        posted: &mut VecDeque<Posted>,
        safe: u64,
        current_l1: u64,
    ) -> Result<(), BatcherError> {
        while posted.front().is_some_and(|first| first.last <= safe) {
            posted.pop_front();
        }
        if let Some(first) = posted.front()
            && first.first <= safe
        {
            tracing::warn!(
                first = first.first,
                last = first.last,
                safe,
                "the chain went on without a batch; posting again from the safe head"
            );
            posted.clear();
        }
        for batch in posted.iter_mut() {
            if batch.l1.is_none() && batch.receipt.is_finished() {
                let block = (&mut batch.receipt).await.map_err(|_| BatcherError::Interrupted)??;
                batch.l1 = Some(block);
            }
        }
        if let Some(first) = posted.front()
            && first.l1.is_some_and(|l1| l1 + self.config.patience < current_l1)
        {
            tracing::warn!(
                last = first.last,
                safe,
                "a batch is on L1 but did not become safe; posting again from the safe head"
            );
            posted.clear();
        }
        Ok(())
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
            let (chain_id, quality) = (self.config.l2_chain_id, self.config.quality);
            let encoded =
                tokio::task::spawn_blocking(move || batch::encode(&batch, chain_id, quality))
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
            receipt,
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
