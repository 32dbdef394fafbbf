//! L1 blocks as derivation takes them: deposits read from the logs, batches fetched and checked.
//!
//! A batch whose data is not to be had yet holds back derivation, but neither the following of L1
//! nor the sequencer: a block is passed on at once, its batches when they are there.

mod fetch;

use self::fetch::fetch_all;
pub use crate::senders::L2Bounds;
use crate::{books::Posting, senders::Ahead};
use alloy::{
    eips::eip7840::BlobParams,
    primitives::{B256, Log},
    sol_types::SolEvent,
};
use futures::{
    FutureExt as _,
    future::{BoxFuture, MaybeDone, maybe_done},
};
use mezz_contracts::bindings::IInbox;
use mezz_derivation::{
    L1Ref,
    derive::{BatchData, L1Block},
};
use mezz_l1::{BlobSource, BlockRef, FollowError, Follower, L1BlockData, L1Client, L1Event, L1Log};
use mezz_primitives::{
    Address,
    deposit::{DepositError, UserDeposit},
};
use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// L1 blocks whose batches may be outstanding before following pauses.
const MAX_PENDING: usize = 256;
/// Of those so many are fetched at a time: who catches up waits for answers of L1 more than for
/// anything else.
const FETCHED_AT_ONCE: usize = 4;
/// Items that may wait for the driver.
const FEED_CAPACITY: usize = 256;
/// The longest pause before L1 is asked again for what it did not give.
pub(crate) const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// What the driver is told of L1.
#[derive(Debug)]
pub enum FeedItem {
    /// The next block. Its batches follow if `batches` says so.
    Block {
        /// The block, without batches.
        block: Box<L1Block>,
        /// Whether batches were posted in it.
        batches: bool,
    },
    /// The batches of a block, in order.
    Batches {
        /// The block.
        block: L1Ref,
        /// Its batches, in order.
        batches: Vec<BatchData>,
        /// How each was posted.
        postings: Vec<Posting>,
        /// The senders of their transactions.
        ahead: Ahead,
    },
    /// Blocks above are gone.
    Reorg {
        /// The newest block that is left.
        ancestor: BlockRef,
    },
    /// Up to this block L1 is safe.
    Safe(BlockRef),
    /// Up to this block L1 is final.
    Finalized(BlockRef),
    /// L1 cannot be followed any more.
    Failed(FeedError),
}

/// Why L1 cannot be followed any more.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A reorganisation deeper than what is kept.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The portal wrote a log that is no deposit. Skipping it could lose somebody's ether.
    #[error("log {index} of the portal in L1 block {block} cannot be read: {source}")]
    Deposit {
        /// The block.
        block: BlockRef,
        /// Index of the log in the block.
        index: u64,
        /// Why.
        source: DepositError,
    },
    /// The inbox wrote a log that is no batch.
    #[error("log {index} of the inbox in L1 block {block} cannot be read")]
    Inbox {
        /// The block.
        block: BlockRef,
        /// Index of the log in the block.
        index: u64,
    },
}

/// Where the parts of an L1 block come from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The L1 node.
    pub l1: L1Client,
    /// Its blobs.
    pub blobs: BlobSource,
    /// The portal.
    pub portal: Address,
    /// The inbox.
    pub inbox: Address,
    /// How L1 prices its blobs.
    pub blob_params: BlobParams,
    /// The chain whose senders are recovered ahead; `None` for whoever has its blocks before they
    /// are on L1.
    pub recover: Option<L2Bounds>,
}

/// A batch as the inbox logged it, its data not yet at hand.
#[derive(Clone, Debug)]
pub(crate) struct BatchLog {
    transaction: B256,
    pub(crate) data: LoggedData,
}

impl BatchLog {
    fn blob_hashes(&self) -> &[B256] {
        match &self.data {
            LoggedData::Blobs(hashes) => hashes,
            LoggedData::Calldata(_) => &[],
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum LoggedData {
    /// In blobs with these hashes.
    Blobs(Vec<B256>),
    /// In calldata with this hash.
    Calldata(B256),
}

/// The batches of a block, and what came with them.
#[derive(Debug, Default)]
struct Fetched {
    batches: Vec<BatchData>,
    postings: Vec<Posting>,
    ahead: Ahead,
}

struct Pending {
    block: L1Ref,
    /// Whether derivation waits for it: only then a failure is told.
    wanted: Arc<AtomicBool>,
    fetch: MaybeDone<BoxFuture<'static, Fetched>>,
}

/// Starts to follow L1; the items arrive until `stop`, or until the receiver is dropped.
///
/// Batches up to the L1 block `derived_to` have been derived. They are not fetched again: their
/// blobs may be gone.
pub fn start(
    sources: Sources,
    follower: Follower,
    derived_to: u64,
    stop: CancellationToken,
) -> mpsc::Receiver<FeedItem> {
    let (items, receiver) = mpsc::channel(FEED_CAPACITY);
    let work = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = items.closed() => {}
            () = run(sources, follower, derived_to, items.clone()) => {}
        }
    };
    tokio::spawn(work.in_current_span());
    receiver
}

/// Runs until the receiver is gone or L1 cannot be followed any more.
async fn run(
    sources: Sources,
    mut follower: Follower,
    mut derived_to: u64,
    items: mpsc::Sender<FeedItem>,
) {
    let mut pending: VecDeque<Pending> = VecDeque::new();
    loop {
        let item = tokio::select! {
            fetched = front(&mut pending) => {
                let Some(done) = pending.pop_front() else { continue };
                let Fetched { batches, postings, ahead } = fetched;
                FeedItem::Batches { block: done.block, batches, postings, ahead }
            }
            event = follower.next(), if pending.len() < MAX_PENDING => {
                match on_event(&sources, event, &mut derived_to, &mut pending) {
                    Ok(item) => item,
                    Err(error) => FeedItem::Failed(error),
                }
            }
        };
        let last = matches!(item, FeedItem::Failed(_));
        if items.send(item).await.is_err() || last {
            return;
        }
    }
}

/// The batches of the oldest block that waits for some; never, if none does. Those of the next
/// blocks are fetched meanwhile.
async fn front(pending: &mut VecDeque<Pending>) -> Fetched {
    poll_fn(|cx| {
        if let Some(first) = pending.front() {
            first.wanted.store(true, Ordering::Relaxed);
        }
        for next in pending.iter_mut().take(FETCHED_AT_ONCE) {
            let _ = next.fetch.poll_unpin(cx);
        }
        let first = pending.front_mut().and_then(|first| Pin::new(&mut first.fetch).take_output());
        first.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

fn on_event(
    sources: &Sources,
    event: Result<L1Event, FollowError>,
    derived_to: &mut u64,
    pending: &mut VecDeque<Pending>,
) -> Result<FeedItem, FeedError> {
    Ok(match event? {
        L1Event::Block(data) => {
            let (block, logs) = read_block(sources, &data)?;
            let batches = !logs.is_empty() && block.number > *derived_to;
            if batches {
                let reference = block.reference();
                let wanted = Arc::new(AtomicBool::new(false));
                let fetch =
                    fetch_all(sources.clone(), reference, block.timestamp, logs, wanted.clone());
                let fetch = maybe_done(fetch.boxed());
                pending.push_back(Pending { block: reference, wanted, fetch });
            }
            FeedItem::Block { block: Box::new(block), batches }
        }
        L1Event::Reorg { common_ancestor, .. } => {
            pending.retain(|p| p.block.number <= common_ancestor.number);
            *derived_to = common_ancestor.number.min(*derived_to);
            FeedItem::Reorg { ancestor: common_ancestor }
        }
        L1Event::Safe(block) => FeedItem::Safe(block),
        L1Event::Finalized(block) => FeedItem::Finalized(block),
    })
}

/// The block without its batches, and what the inbox logged of them.
pub(crate) fn read_block(
    sources: &Sources,
    data: &L1BlockData,
) -> Result<(L1Block, Vec<BatchLog>), FeedError> {
    let header = &data.header;
    let reference = data.block_ref();
    let mut deposits = Vec::new();
    let mut batches = Vec::new();
    for log in &data.logs {
        if log.address == sources.portal {
            match UserDeposit::from_log(&to_log(log), log.log_index) {
                Ok(deposit) => deposits.push(deposit),
                Err(DepositError::NotADeposit) => {}
                Err(source) => {
                    let index = log.log_index;
                    return Err(FeedError::Deposit { block: reference, index, source });
                }
            }
        } else if log.address == sources.inbox
            && let Some(batch) = batch_log(log)
                .map_err(|_| FeedError::Inbox { block: reference, index: log.log_index })?
        {
            batches.push(batch);
        }
    }
    let block = L1Block {
        number: header.number,
        hash: header.hash(),
        parent_hash: header.parent_hash,
        timestamp: header.timestamp,
        base_fee: header.base_fee_per_gas.unwrap_or_default(),
        blob_base_fee: header.blob_fee(sources.blob_params).unwrap_or(1),
        prev_randao: header.mix_hash,
        parent_beacon_block_root: header.parent_beacon_block_root.unwrap_or_default(),
        deposits,
        batches: Vec::new(),
    };
    Ok((block, batches))
}

/// L1's own first block, which has no logs that matter.
///
/// # Errors
/// As following would.
pub fn read_first_block(sources: &Sources, data: &L1BlockData) -> Result<L1Block, FeedError> {
    Ok(read_block(sources, data)?.0)
}

fn to_log(log: &L1Log) -> Log {
    Log::new_unchecked(log.address, log.topics.clone(), log.data.clone())
}

fn batch_log(log: &L1Log) -> Result<Option<BatchLog>, alloy::sol_types::Error> {
    let raw = to_log(log);
    let data = match log.topics.first() {
        Some(topic) if *topic == IInbox::BatchSubmitted::SIGNATURE_HASH => {
            let event = IInbox::BatchSubmitted::decode_log(&raw)?;
            LoggedData::Blobs(event.data.blobHashes)
        }
        Some(topic) if *topic == IInbox::BatchSubmittedCalldata::SIGNATURE_HASH => {
            let event = IInbox::BatchSubmittedCalldata::decode_log(&raw)?;
            LoggedData::Calldata(event.data.dataHash)
        }
        _ => return Ok(None),
    };
    Ok(Some(BatchLog { transaction: log.transaction_hash, data }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Carrier;
    use alloy::{
        consensus::{Header, Sealable},
        primitives::Bytes,
    };
    use futures::future::ready;
    use std::sync::atomic::AtomicUsize;

    #[tokio::test]
    async fn some_batches_are_fetched_while_one_is_waited_for_and_all_come_in_order() {
        let begun = Arc::new(AtomicUsize::new(0));
        let (answer, answered) = tokio::sync::oneshot::channel::<()>();
        let mut answered = Some(answered);
        let mut pending: VecDeque<_> = (0..10)
            .map(|number| {
                let (begun, first) = (begun.clone(), answered.take());
                let fetch = async move {
                    begun.fetch_add(1, Ordering::Relaxed);
                    if let Some(first) = first {
                        first.await.unwrap();
                    }
                    let posting = Posting {
                        transaction: B256::ZERO,
                        carrier: Carrier::Calldata,
                        bytes: number,
                        spent: None,
                    };
                    Fetched {
                        batches: vec![BatchData::Calldata(Bytes::new())],
                        postings: vec![posting],
                        ..Fetched::default()
                    }
                };
                let block = L1Ref { number, hash: B256::ZERO };
                Pending { block, wanted: Arc::default(), fetch: maybe_done(fetch.boxed()) }
            })
            .collect();
        let waited = futures::future::select(Box::pin(front(&mut pending)), ready(())).await;
        assert!(matches!(waited, futures::future::Either::Right(_)), "the first has not come");
        drop(waited);
        assert_eq!(begun.load(Ordering::Relaxed), FETCHED_AT_ONCE);
        answer.send(()).unwrap();
        for number in 0..10 {
            let batches = front(&mut pending).await;
            assert_eq!(batches.postings[0].bytes, number);
            assert_eq!(pending.pop_front().map(|done| done.block.number), Some(number));
        }
    }

    #[test]
    fn blob_base_fee_follows_the_update_fraction_of_the_configuration() {
        let fee = |update_fraction: u128| {
            let sources = Sources {
                l1: L1Client::new("http://127.0.0.1:1").unwrap(),
                blobs: BlobSource::new("http://127.0.0.1:1").unwrap(),
                portal: Address::repeat_byte(1),
                inbox: Address::repeat_byte(2),
                blob_params: BlobParams { update_fraction, ..BlobParams::osaka() },
                recover: None,
            };
            let header = Header { excess_blob_gas: Some(100_000_000), ..Header::default() };
            let data = L1BlockData { header: header.seal_slow(), logs: Vec::new() };
            read_first_block(&sources, &data).unwrap().blob_base_fee
        };
        // e^(100,000,000 / 5,007,716) and e^(100,000,000 / 11,684,671), rounded down.
        assert_eq!(fee(5_007_716), 470_442_149);
        assert_eq!(fee(11_684_671), 5_209);
    }
}
