//! The one task that changes the chain.
//!
//! It takes L1 blocks from the feed and derives the chain from them; where a sequenced block is
//! already there and is the same, it is only marked safe. If it may sequence, it also makes a
//! block at each tick. As everything that changes the chain happens here, one thing after the
//! other, nothing can interleave.

mod cursors;
mod derive;
mod meters;
mod origins;
mod reorg;
mod sequence;
mod status;
#[cfg(test)]
mod tests;

pub use cursors::CursorError;
pub(crate) use cursors::RING as KEPT_L1_BLOCKS;
pub use status::StatusHandle;

use crate::{
    books::{Books, BooksError, Contents, Posting},
    feed::{FeedError, FeedItem},
    senders::Ahead,
};
use alloy::primitives::B256;
use cursors::Cursors;
use meters::Meters;
use mezz_chain::{
    BlockRecord, BuildError, Chain, ChainError, CommitError, HeadError, StorageError, UnwindError,
};
use mezz_derivation::{
    Deriver, L1Ref, L2BlockRef, RollupConfig,
    derive::{DriverError as DeriveError, InputError, L1Block},
};
use mezz_l1::BlockRef;
use mezz_pool::Pool;
use mezz_primitives::l1_info::L1Attributes;
use mezz_rpc::Cores;
use origins::Origins;
use std::{collections::BTreeMap, time::Duration};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// What is taken from the feed after a block was made, at most.
const ITEMS_PER_TICK: usize = 64;
/// How often a driver with nothing to do shows that it is alive.
const BEAT: Duration = Duration::from_secs(10);

/// How the sequencer works.
#[derive(Clone, Copy, Debug)]
pub struct SequencerConfig {
    /// Pause between blocks.
    pub block_time: Duration,
    /// L1 blocks that an origin must lie below the newest one.
    pub l1_confirmations: u64,
}

/// Why the chain cannot go on. All of these need a person.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// L1 cannot be followed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The feed's task ended.
    #[error("the task that follows L1 has ended")]
    FeedEnded,
    /// A block cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A block cannot be executed for another reason than a transaction.
    #[error("block {number} cannot be executed: {source}")]
    Build {
        /// Its number.
        number: u64,
        /// Why.
        source: Box<BuildError>,
    },
    /// A block cannot be stored.
    #[error("a block cannot be stored: {0}")]
    Commit(#[from] CommitError),
    /// The store failed, whatever was being stored.
    #[error(
        "the disk cannot be written: {0}; all that was shown is stored: make room or mend it, and start again"
    )]
    Disk(StorageError),
    /// The chain cannot go back.
    #[error("{0}: L1 has changed blocks that it called final")]
    Unwind(#[from] UnwindError),
    /// A head cannot be moved.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The rules and this driver disagree.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// The rules and the sequencer disagree.
    #[error("the sequencer's inputs break a rule: {0}")]
    Input(#[from] InputError),
    /// The cursors cannot be read or written.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The books cannot be read or written.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// A block does not begin as every L2 block does.
    #[error("L2 block {0} has no L1 attributes: the data directory holds another kind of chain")]
    NoAttributes(u64),
    /// A reorganisation deeper than what is kept.
    #[error(
        "L1 was reorganised to block {0}, below everything that is kept to go back; a development chain begins anew with `mezz up --reset`"
    )]
    ReorgTooDeep(u64),
    /// L1 is not the chain that was there when this driver began. A new one goes on from what is
    /// stored.
    #[error("L1 is another chain than at the start")]
    L1Changed,
}

/// What came with the batches of an L1 block.
#[derive(Debug)]
struct Arrived {
    /// How each was posted.
    postings: Vec<Posting>,
    /// The senders of their transactions.
    ahead: Ahead,
}

/// The state of the driver's task.
#[derive(Debug)]
pub struct Driver {
    config: RollupConfig,
    chain: Chain,
    pool: Pool,
    deriver: Deriver,
    origins: Origins,
    cursors: Cursors,
    books: Books,
    /// What came with the batches of L1 blocks that are not derived yet, by the block's number.
    arrived: BTreeMap<u64, Arrived>,
    /// What the blocks had that were derived from the batch in work.
    contents: Contents,
    sequencer: Option<SequencerConfig>,
    status: StatusHandle,
    /// The newest block.
    head: L2BlockRef,
    safe_l1: BlockRef,
    finalized_l1: BlockRef,
    /// As in [`DriverParts`].
    l1_reverts: bool,
    /// The L1 block that must have been derived before the first block is sequenced: what other
    /// runs of this sequencer have posted is then known.
    sequence_after: u64,
    meters: Meters,
    /// Ticks in a row at which no block could be made.
    idle: u32,
}

/// What a driver is made of.
#[derive(Debug)]
pub struct DriverParts {
    /// The chain's parameters.
    pub config: RollupConfig,
    /// The chain.
    pub chain: Chain,
    /// Its pool.
    pub pool: Pool,
    /// How it sequences, if it does.
    pub sequencer: Option<SequencerConfig>,
    /// Number of the newest L1 block at the start.
    pub l1_head: u64,
    /// Whether L1 is a development node, whose user may take back even what was final.
    pub l1_reverts: bool,
    /// Where the status is told.
    pub status: StatusHandle,
}

impl Driver {
    /// A driver that goes on from what `chain` has stored. Also answers the L1 block from which
    /// the feed must begin.
    ///
    /// `is_canonical` tells whether L1 has a block. It must be sure: what was derived from a block
    /// that L1 does not have is taken off.
    ///
    /// # Errors
    /// If what is stored cannot be read, or L1 has none of the blocks that it was derived from.
    pub async fn new<F, E>(
        parts: DriverParts,
        is_canonical: impl Fn(L1Ref) -> F,
    ) -> Result<(Self, L1Ref), E>
    where
        F: Future<Output = Result<bool, E>>,
        E: From<DriverError>,
    {
        let chain = &parts.chain;
        let mut cursors =
            Cursors::load(chain, &parts.config, parts.l1_reverts).map_err(DriverError::from)?;
        let mut lost = false;
        while !holds(chain, &cursors.newest().safe)? || !is_canonical(cursors.newest().l1).await? {
            lost = true;
            let gone = cursors.newest().l1.number;
            if !cursors.pop() {
                return Err(DriverError::ReorgTooDeep(gone).into());
            }
        }
        Ok(Self::on(parts, cursors, lost)?)
    }

    /// A driver that goes on from the newest cursor; some were dropped if `lost`.
    fn on(parts: DriverParts, cursors: Cursors, lost: bool) -> Result<(Self, L1Ref), DriverError> {
        let DriverParts { config, chain, pool, sequencer, l1_head, l1_reverts, status } = parts;
        if lost {
            cursors.store_newest(&chain)?;
        }
        let deriver = Deriver::new(config.clone(), cursors.newest());
        let head = block_ref(&config, &chain.head())?;
        let start = cursors.oldest().safe.origin;
        let newest = cursors.newest();
        let books = Books::load(&chain, newest.l1.number)?;
        let mut driver = Self {
            origins: Origins::default(),
            safe_l1: BlockRef { number: start.number, hash: start.hash },
            finalized_l1: BlockRef { number: start.number, hash: start.hash },
            l1_reverts,
            sequence_after: l1_head,
            config,
            chain,
            pool,
            deriver,
            cursors,
            books,
            arrived: BTreeMap::new(),
            contents: Contents::default(),
            sequencer,
            status,
            head,
            meters: Meters::new(),
            idle: 0,
        };
        if lost {
            driver.unwind_to_origin(newest.l1.number)?;
        }
        driver.restore_safe_head()?;
        driver.publish()?;
        Ok((driver, start))
    }

    /// Number of the newest L1 block that has been derived as a whole.
    pub fn derived_to(&self) -> u64 {
        self.cursors.newest().l1.number
    }

    /// Gives it L1's own first block, which nobody can follow to.
    ///
    /// # Errors
    /// As a block of the feed.
    pub fn seed(&mut self, block: L1Block) -> Result<(), DriverError> {
        self.on_feed(FeedItem::Block { block: Box::new(block), batches: false })
    }

    /// Runs until `stop`, making blocks on one of `cores`. The chain is consistent on disk at every
    /// moment.
    ///
    /// # Errors
    /// Any [`DriverError`]; the chain is then as it was before the step that failed.
    pub async fn run(
        mut self,
        mut feed: mpsc::Receiver<FeedItem>,
        cores: Cores,
        stop: CancellationToken,
    ) -> Result<(), DriverError> {
        let pause = self.sequencer.map_or(Duration::from_secs(3600), |s| s.block_time);
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beats = interval(BEAT);
        loop {
            self.status.pulse().beat();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                _ = beats.tick() => {}
                _ = ticks.tick(), if self.may_sequence() => {
                    let core = || Some(Handle::current().block_on(cores.one()));
                    tokio::task::block_in_place(|| self.sequence(core))?;
                    // Blocks that take as long as the pause between them must not keep L1 out.
                    for _ in 0..ITEMS_PER_TICK {
                        let Ok(item) = feed.try_recv() else { break };
                        tokio::task::block_in_place(|| self.on_feed(item))?;
                    }
                }
                item = feed.recv() => {
                    let item = item.ok_or(DriverError::FeedEnded)?;
                    tokio::task::block_in_place(|| self.on_feed(item))?;
                }
            }
        }
    }

    fn on_feed(&mut self, item: FeedItem) -> Result<(), DriverError> {
        match item {
            FeedItem::Block { block, batches } => {
                tracing::debug!(l1 = %block.reference(), deposits = block.deposits.len(), batches, "L1 block");
                self.origins.push(*block, batches);
                self.leave_other_origins()?;
                self.derive()?;
                self.finalize()?;
            }
            FeedItem::Batches { block, batches, postings, ahead } => {
                self.arrived.insert(block.number, Arrived { postings, ahead });
                self.origins.set_batches(block, batches);
                self.derive()?;
                self.finalize()?;
            }
            FeedItem::Reorg { ancestor } => self.on_reorg(ancestor)?,
            FeedItem::Safe(block) => self.safe_l1 = block,
            FeedItem::Finalized(block) => {
                self.finalized_l1 = block;
                self.finalize()?;
            }
            FeedItem::Failed(FeedError::Follow(error)) => {
                tracing::warn!("{error}");
                return Err(DriverError::L1Changed);
            }
            FeedItem::Failed(error) => return Err(error.into()),
        }
        self.publish()
    }

    /// Moves the finalized head to what was derived when L1 was at its finalized block.
    fn finalize(&mut self) -> Result<(), DriverError> {
        let Some(cursor) = self.cursors.at_or_before(self.finalized_l1.number) else {
            return Ok(());
        };
        if cursor.safe.number > self.chain.heads().finalized.number {
            self.chain.set_finalized(cursor.safe.number)?;
            tracing::debug!(number = cursor.safe.number, "finalized");
        }
        if !self.l1_reverts {
            self.cursors.forget_before(cursor.l1.number);
        }
        self.origins.forget_before(self.cursors.oldest().safe.origin.number);
        Ok(())
    }
}

/// Whether the chain has this block.
fn holds(chain: &Chain, block: &L2BlockRef) -> Result<bool, DriverError> {
    Ok(chain.block_by_number(block.number)?.is_some_and(|found| found.hash() == block.hash))
}

/// The block and its place in its epoch, read from its first transaction.
///
/// # Errors
/// [`DriverError::NoAttributes`] if it does not begin with the L1 attributes.
pub fn block_ref(config: &RollupConfig, block: &BlockRecord) -> Result<L2BlockRef, DriverError> {
    let (number, hash) = (block.number(), block.hash());
    if number == 0 {
        return Ok(Deriver::genesis_cursor(config, hash).safe);
    }
    let l1 = attributes(block).ok_or(DriverError::NoAttributes(number))?;
    Ok(L2BlockRef {
        number,
        hash,
        timestamp: block.header.timestamp,
        origin: L1Ref { number: l1.number, hash: l1.hash },
        sequence_number: l1.sequence_number,
    })
}

/// The L1 attributes of a block.
pub fn attributes(block: &BlockRecord) -> Option<L1Attributes> {
    let first = block.transactions.first()?;
    L1Attributes::from_transaction(first.tx.as_deposit()?)
}

/// What the RPC and the duties need of a block, with its parent's hash.
pub(crate) fn status_ref(block: L2BlockRef, parent_hash: B256) -> crate::rpc::types::L2BlockRef {
    crate::rpc::types::L2BlockRef {
        hash: block.hash,
        number: block.number,
        parent_hash,
        timestamp: block.timestamp,
        l1_origin: BlockRef { number: block.origin.number, hash: block.origin.hash },
        sequence_number: block.sequence_number,
    }
}
