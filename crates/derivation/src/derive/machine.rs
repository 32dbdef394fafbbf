//! The state machine. It holds the L1 blocks from the safe head's origin on, at most a sequencing
//! window of them, and the batch that is being applied.

use super::{
    BatchData, BatchOutcome, BlockSource, Cursor, DerivedBlock, DropReason, L1Block, L1Ref,
    L2BlockRef,
    inputs::{self, BlockInputs, check_timestamp},
};
use crate::{
    batch::{self, BatchBlock, BatchHeader},
    config::RollupConfig,
};
use alloc::{
    collections::VecDeque,
    string::{String, ToString},
    sync::Arc,
    vec,
    vec::Vec,
};
use alloy_primitives::{B256, Bytes};
use mezz_primitives::Transaction;

/// Derives the L2 blocks of one chain.
///
/// The driver's loop: ask [`Self::step`]; on [`Step::NeedL1`] feed the block of that number with
/// [`Self::push_l1`]; on [`Step::Block`] execute and answer with [`Self::accepted`] or
/// [`Self::refused`]; on [`Step::L1Done`] store the cursor. After an L1 reorg the driver goes
/// back to a cursor whose L1 block is still canonical and makes a new deriver from it.
#[derive(Clone, Debug)]
pub struct Deriver {
    config: RollupConfig,
    /// The last L1 block processed as a whole, and the safe head then.
    cursor: Cursor,
    safe: L2BlockRef,
    /// L1 blocks without batches: consecutive, from the safe head's origin on.
    origins: VecDeque<L1Block>,
    /// The L1 block in work.
    current: Option<Current>,
}

/// The L1 block in work; it is also the last of the origins.
#[derive(Clone, Debug)]
struct Current {
    l1: L1Ref,
    /// The next batch and its index.
    batches: VecDeque<(usize, BatchData)>,
    active: Option<ActiveBatch>,
    pending: Option<Arc<DerivedBlock>>,
    /// The window has ended: blocks follow without a batch.
    forcing: bool,
}

/// A batch whose parent and last origin are right, while its blocks are applied.
#[derive(Clone, Debug)]
struct ActiveBatch {
    index: usize,
    applied: usize,
    blocks: vec::IntoIter<BatchBlock>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The L1 block of this number is needed.
    NeedL1(u64),
    /// This block is to be executed, and its fate told. Asked again, the answer is the same.
    Block(Arc<DerivedBlock>),
    /// A batch is done with, as a whole or dropped at some point. To be logged.
    Batch(BatchOutcome),
    /// An L1 block has been processed as a whole. The cursor is to be stored, once the blocks
    /// before it are.
    L1Done(Cursor),
}

/// Why an L1 block cannot be fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The L1 block before it is still in work.
    #[error("the L1 block before it has not been processed")]
    Busy,
    /// Its number is not the next.
    #[error("L1 block {got} does not follow, {expected} is next")]
    NotNext {
        /// The number that is needed.
        expected: u64,
        /// The block's number.
        got: u64,
    },
    /// L1 was reorganised: it does not build on the block before it, or it is another block than
    /// the one that the safe head or the cursor names.
    #[error("L1 was reorganised below block {number}")]
    Reorged {
        /// The block's number.
        number: u64,
    },
}

/// Why the driver's answer is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// No block was given out.
    #[error("no derived block waits for an answer")]
    NothingPending,
    /// A block of deposits alone cannot fail: the driver and the rules disagree, and going on
    /// would lose deposits.
    #[error("a block without sequenced transactions cannot be executed: {0}")]
    DepositsFailed(String),
}

impl Deriver {
    /// A deriver that goes on from `cursor`. It first asks for the L1 blocks from the safe head's
    /// origin to the cursor's: their deposits and prices are needed, their batches are ignored.
    pub const fn new(config: RollupConfig, cursor: Cursor) -> Self {
        let safe = cursor.safe;
        Self { config, cursor, safe, origins: VecDeque::new(), current: None }
    }

    /// A deriver at the beginning of the chain, whose block 0 has the hash `genesis`.
    pub const fn at_genesis(config: RollupConfig, genesis: B256) -> Self {
        let cursor = Self::genesis_cursor(&config, genesis);
        Self::new(config, cursor)
    }

    /// The cursor at the beginning of the chain.
    pub const fn genesis_cursor(config: &RollupConfig, genesis: B256) -> Cursor {
        let origin = config.genesis.l1;
        Cursor {
            l1: origin,
            safe: L2BlockRef {
                number: 0,
                hash: genesis,
                timestamp: config.genesis.timestamp,
                origin,
                sequence_number: 0,
            },
        }
    }

    /// The chain's parameters.
    pub const fn config(&self) -> &RollupConfig {
        &self.config
    }

    /// The last cursor at the border of two L1 blocks.
    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The safe head, blocks of the L1 block in work included.
    pub const fn safe(&self) -> L2BlockRef {
        self.safe
    }

    /// Number of the L1 block that is needed next.
    fn next_l1(&self) -> u64 {
        self.origins.back().map_or(self.safe.origin.number, |last| last.number.saturating_add(1))
    }

    /// Feeds the L1 block that [`Step::NeedL1`] asked for.
    pub fn push_l1(&mut self, mut block: L1Block) -> Result<(), FeedError> {
        if self.current.is_some() {
            return Err(FeedError::Busy);
        }
        let expected = self.next_l1();
        if block.number != expected {
            return Err(FeedError::NotNext { expected, got: block.number });
        }
        let follows = match self.origins.back() {
            Some(last) => block.parent_hash == last.hash,
            None => block.hash == self.safe.origin.hash,
        };
        let cursor = self.cursor.l1;
        if !follows || (block.number == cursor.number && block.hash != cursor.hash) {
            return Err(FeedError::Reorged { number: block.number });
        }
        let batches = core::mem::take(&mut block.batches);
        let l1 = block.reference();
        self.origins.push_back(block);
        if l1.number > cursor.number {
            self.current = Some(Current {
                l1,
                batches: batches.into_iter().enumerate().collect(),
                active: None,
                pending: None,
                forcing: false,
            });
        }
        Ok(())
    }

    /// What is to be done next.
    pub fn step(&mut self) -> Step {
        let next_l1 = self.next_l1();
        let Some(mut current) = self.current.take() else {
            return Step::NeedL1(next_l1);
        };
        let step = self.step_in(&mut current);
        if !matches!(step, Step::L1Done(_)) {
            self.current = Some(current);
        }
        step
    }

    fn step_in(&mut self, current: &mut Current) -> Step {
        if let Some(block) = &current.pending {
            return Step::Block(block.clone());
        }
        if current.active.is_none()
            && let Some((index, data)) = current.batches.pop_front()
        {
            match self.open(current.l1, data) {
                Ok(blocks) => {
                    let blocks = blocks.into_iter();
                    current.active = Some(ActiveBatch { index, applied: 0, blocks });
                }
                Err(reason) => {
                    let dropped = Some(reason);
                    return Step::Batch(BatchOutcome {
                        l1: current.l1,
                        batch: index,
                        applied: 0,
                        dropped,
                    });
                }
            }
        }
        if let Some(mut active) = current.active.take() {
            let (l1, batch, applied) = (current.l1, active.index, active.applied);
            let Some(block) = active.blocks.next() else {
                return Step::Batch(BatchOutcome { l1, batch, applied, dropped: None });
            };
            let source = BlockSource::Batch { l1, batch, block: applied };
            return match self.sequenced(l1, source, block) {
                Ok(block) => {
                    let block = Arc::new(block);
                    current.active = Some(active);
                    current.pending = Some(block.clone());
                    Step::Block(block)
                }
                Err(reason) => {
                    Step::Batch(BatchOutcome { l1, batch, applied, dropped: Some(reason) })
                }
            };
        }
        current.forcing |= self.expired(self.safe.origin.number, current.l1);
        if current.forcing
            && let Some(block) = self.forced(current.l1)
        {
            let block = Arc::new(block);
            current.pending = Some(block.clone());
            return Step::Block(block);
        }
        self.cursor = Cursor { l1: current.l1, safe: self.safe };
        Step::L1Done(self.cursor)
    }

    /// The block given out by [`Self::step`] has been executed and has this hash.
    pub fn accepted(&mut self, hash: B256) -> Result<L2BlockRef, DriverError> {
        let current = self.current.as_mut().ok_or(DriverError::NothingPending)?;
        let block = current.pending.take().ok_or(DriverError::NothingPending)?;
        if let Some(active) = &mut current.active {
            active.applied += 1;
        }
        self.safe = block.attributes.reference(hash);
        while self.origins.front().is_some_and(|first| first.number < self.safe.origin.number) {
            self.origins.pop_front();
        }
        Ok(self.safe)
    }

    /// The block given out by [`Self::step`] cannot be executed: the rest of its batch is
    /// dropped, and the reason comes back in the outcome.
    pub fn refused(&mut self, reason: impl Into<String>) -> Result<BatchOutcome, DriverError> {
        let current = self.current.as_mut().ok_or(DriverError::NothingPending)?;
        let block = current.pending.as_ref().ok_or(DriverError::NothingPending)?;
        if block.forced == block.transactions.len() {
            return Err(DriverError::DepositsFailed(reason.into()));
        }
        current.pending = None;
        // A block with sequenced transactions comes from a batch.
        let active = current.active.take().ok_or(DriverError::NothingPending)?;
        Ok(BatchOutcome {
            l1: current.l1,
            batch: active.index,
            applied: active.applied,
            dropped: Some(DropReason::NotExecutable(reason.into())),
        })
    }

    /// Checks what concerns a batch as a whole; answers its blocks. The parent is checked before
    /// anything is decompressed.
    fn open(&self, l1: L1Ref, posted: BatchData) -> Result<Vec<BatchBlock>, DropReason> {
        let data = posted.bytes()?;
        let header = BatchHeader::decode(&data)?;
        let (first, safe) = (header.first_number, self.safe.number);
        if first <= safe {
            return Err(DropReason::Behind { first, safe });
        }
        if first - safe > 1 {
            return Err(DropReason::Ahead { first, safe });
        }
        if header.parent_check != batch::hash_check(&self.safe.hash) {
            return Err(DropReason::UnknownParent { safe: self.safe.hash });
        }
        let batch = posted.into_batch(&data, self.config.l2_chain_id)?;
        let advances = batch.blocks.iter().filter(|block| block.advances_origin).count();
        let origin = u64::try_from(advances)
            .ok()
            .and_then(|advances| self.safe.origin.number.checked_add(advances))
            .ok_or(DropReason::Overflow)?;
        if origin >= l1.number {
            return Err(DropReason::OriginAhead { origin, l1: l1.number });
        }
        let known = self.origin(origin).ok_or(DropReason::OriginReorged { origin })?;
        if batch.origin_check != batch::hash_check(&known.hash) {
            return Err(DropReason::OriginReorged { origin });
        }
        Ok(batch.blocks)
    }

    /// The next block of a batch, if it keeps the rules.
    fn sequenced(
        &self,
        l1: L1Ref,
        source: BlockSource,
        block: BatchBlock,
    ) -> Result<DerivedBlock, DropReason> {
        let number = self.safe.origin.number.checked_add(u64::from(block.advances_origin));
        let number = number.ok_or(DropReason::Overflow)?;
        let origin = self.origin(number).ok_or(DropReason::OriginReorged { origin: number })?;
        if self.expired(number, l1) {
            return Err(DropReason::OutsideWindow { origin: number, l1: l1.number });
        }
        check_timestamp(&self.config, self.safe.timestamp, origin.timestamp, block.timestamp)?;
        let mut sequenced = Vec::with_capacity(block.transactions.len());
        for (index, raw) in block.transactions.iter().enumerate() {
            sequenced.push(transaction(index, raw)?);
        }
        let BlockInputs { attributes, mut transactions } =
            inputs::derive_inputs(&self.config, &self.safe, origin, block.timestamp)
                .map_err(|_| DropReason::Overflow)?;
        let forced = transactions.len();
        transactions.append(&mut sequenced);
        Ok(DerivedBlock { parent: self.safe, attributes, transactions, forced, source })
    }

    /// The next block of deposits alone, when the sequencing window has ended. They follow until
    /// half a window is free: a batch that is on its way then is not overtaken by the next one.
    fn forced(&self, l1: L1Ref) -> Option<DerivedBlock> {
        let free = self.config.sequencing_window / 2;
        if self.safe.origin.number.saturating_add(free) >= l1.number {
            return None;
        }
        // The next origin is at most `l1`, since a window is at least two blocks.
        let origin = self.origin(self.safe.origin.number.checked_add(1)?)?;
        let timestamp = self.safe.timestamp.max(origin.timestamp);
        let BlockInputs { attributes, transactions } =
            inputs::derive_inputs(&self.config, &self.safe, origin, timestamp).ok()?;
        Some(DerivedBlock {
            parent: self.safe,
            attributes,
            forced: transactions.len(),
            transactions,
            source: BlockSource::WindowExpired { l1 },
        })
    }

    /// Whether a batch in `l1` is too late for blocks of `origin`.
    const fn expired(&self, origin: u64, l1: L1Ref) -> bool {
        origin.saturating_add(self.config.sequencing_window) < l1.number
    }

    /// L1 blocks held in memory.
    #[cfg(test)]
    pub(super) fn origins(&self) -> usize {
        self.origins.len()
    }

    fn origin(&self, number: u64) -> Option<&L1Block> {
        let index = number.checked_sub(self.origins.front()?.number)?;
        self.origins.get(usize::try_from(index).ok()?)
    }
}

/// A sequenced transaction: of a type that L2 has, in its only encoding.
fn transaction(index: usize, raw: &Bytes) -> Result<Transaction, DropReason> {
    let bad = |error: String| DropReason::BadTransaction { index, error };
    let tx = Transaction::decode(raw).map_err(|error| bad(error.to_string()))?;
    if tx.is_deposit() {
        return Err(DropReason::Deposit { index });
    }
    if tx.is_blob() {
        return Err(DropReason::Blob { index });
    }
    if tx.encoded() != **raw {
        return Err(bad("not the canonical encoding".into()));
    }
    Ok(tx)
}
