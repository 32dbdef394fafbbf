//! From L1 to safe blocks.

use super::{Driver, DriverError, block_ref};
use crate::senders::recover;
use mezz_chain::{BlockRecord, BuildError, BuiltBlock};
use mezz_derivation::{
    DerivedBlock,
    derive::{BatchOutcome, BlockSource, FeedError, Step},
};
use mezz_evm::BlockAttributes;
use mezz_pool::BlockUpdate;
use mezz_primitives::RecoveredTransaction;
use std::{sync::Arc, time::Instant};

/// What became of a derived block.
enum Executed {
    Block(Arc<BlockRecord>),
    Refused(String),
}

impl Driver {
    /// Derives as far as the L1 blocks at hand go.
    pub(super) fn derive(&mut self) -> Result<(), DriverError> {
        loop {
            match self.deriver.step() {
                Step::NeedL1(number) => {
                    let Some(block) = self.origins.take(number) else { return Ok(()) };
                    match self.deriver.push_l1(block) {
                        Ok(()) => {}
                        // What was derived stands on another L1 chain than the one that is
                        // followed: it was reorganised before following began.
                        Err(FeedError::Reorged { .. }) => return Err(DriverError::L1Changed),
                        Err(error @ (FeedError::Busy | FeedError::NotNext { .. })) => {
                            // The loop feeds what is asked for, when it is asked for.
                            unreachable!("{error}");
                        }
                    }
                }
                Step::Block(block) => match self.execute(&block)? {
                    Executed::Block(executed) => {
                        self.deriver.accepted(executed.hash())?;
                        if matches!(block.source, BlockSource::Batch { .. }) {
                            self.contents.add_block(&executed);
                        }
                    }
                    Executed::Refused(reason) => {
                        let outcome = self.deriver.refused(reason)?;
                        self.end_of_batch(&outcome)?;
                    }
                },
                Step::Batch(outcome) => self.end_of_batch(&outcome)?,
                Step::L1Done(cursor) => {
                    if cursor.safe.number != self.chain.heads().safe.number {
                        self.chain.set_safe(cursor.safe.number)?;
                    }
                    self.arrived.remove(&cursor.l1.number);
                    self.cursors.push(&self.chain, cursor)?;
                    self.origins.forget_before(self.cursors.oldest().safe.origin.number);
                }
            }
        }
    }

    /// Finds the block in the chain, or puts it there.
    fn execute(&mut self, derived: &DerivedBlock) -> Result<Executed, DriverError> {
        let number = derived.attributes.number;
        let local = self.chain.block_by_number(number)?;
        if let Some(block) = local.as_ref().filter(|block| is_same(block, derived)) {
            return Ok(Executed::Block(block.clone()));
        }
        let started = Instant::now();
        // Before anything is taken off for it.
        let transactions = match self.recover(derived) {
            Ok(transactions) => transactions,
            Err(reason) => return Ok(Executed::Refused(reason)),
        };
        if let Some(block) = local {
            tracing::warn!(
                number,
                local = %block.hash(),
                "L1 has another block than the one sequenced here; going back"
            );
            self.unwind(number - 1)?;
        }
        let attributes = execution_attributes(derived);
        let built = match self.chain.execute_block(&attributes, &transactions) {
            Ok(built) => built,
            Err(error @ (BuildError::InvalidTransaction { .. } | BuildError::TooLarge { .. })) => {
                return Ok(Executed::Refused(error.to_string()));
            }
            Err(error) => return Err(DriverError::Build { number, source: error.into() }),
        };
        let block = self.commit(built)?;
        self.meters.derived(&block, started);
        Ok(Executed::Block(block))
    }

    /// The transactions of a block with their senders, or why one has none.
    fn recover(&self, derived: &DerivedBlock) -> Result<Vec<RecoveredTransaction>, String> {
        let (forced, sequenced) = derived.transactions.split_at(derived.forced);
        let (BlockSource::Batch { l1, .. } | BlockSource::WindowExpired { l1 }) = derived.source;
        self.arrived
            .get(&l1.number)
            .and_then(|arrived| arrived.ahead.of_block(&derived.source, forced, sequenced))
            .map_or_else(|| recover(&derived.transactions, self.config.gas_limit), Ok)
    }

    /// Enters a batch in the books; its blocks are on the chain.
    fn end_of_batch(&mut self, outcome: &BatchOutcome) -> Result<(), DriverError> {
        self.on_batch(outcome);
        let contents = std::mem::take(&mut self.contents);
        let arrived = self.arrived.get(&outcome.l1.number);
        let posting = arrived.and_then(|arrived| arrived.postings.get(outcome.batch));
        let Some(posting) = posting else { return Ok(()) };
        let last = self.deriver.safe().number;
        self.books.enter(&self.chain, outcome.l1, posting, last, contents)?;
        Ok(())
    }

    /// Makes a block the head, and tells the pool.
    pub(super) fn commit(&mut self, built: BuiltBlock) -> Result<Arc<BlockRecord>, DriverError> {
        let changed: Vec<_> = built
            .diff()
            .accounts
            .iter()
            .map(|account| (account.address, account.after.into()))
            .collect();
        let block = self.chain.commit(built)?;
        // Much can be done between two looks at what comes in.
        self.status.pulse().beat();
        self.head = block_ref(&self.config, &block)?;
        let included: Vec<_> = block.transactions.iter().map(|tx| tx.hash()).collect();
        self.pool.on_block(&BlockUpdate {
            included: &included,
            changed: &changed,
            next_base_fee: self.chain.spec().next_base_fee(&block.header),
            block_gas_limit: self.config.gas_limit,
        });
        Ok(block)
    }

    fn on_batch(&self, outcome: &BatchOutcome) {
        let BatchOutcome { l1, batch, applied, dropped } = outcome;
        match dropped {
            None => {
                self.meters.applied.increment(1);
                tracing::debug!(%l1, batch, blocks = applied, "batch applied");
            }
            Some(reason) => {
                self.meters.refused.increment(1);
                tracing::warn!(%l1, batch, applied, %reason, "batch dropped");
            }
        }
    }
}

fn is_same(block: &BlockRecord, derived: &DerivedBlock) -> bool {
    let (header, wanted) = (&block.header, &derived.attributes);
    header.parent_hash == derived.parent.hash
        && header.timestamp == wanted.timestamp
        && header.gas_limit == wanted.gas_limit
        && header.beneficiary == wanted.beneficiary
        && header.mix_hash == wanted.prev_randao
        && header.parent_beacon_block_root == Some(wanted.parent_beacon_block_root)
        && header.extra_data.is_empty()
        && block.transactions.len() == derived.transactions.len()
        && block
            .transactions
            .iter()
            .zip(&derived.transactions)
            .all(|(ours, theirs)| ours.hash() == theirs.tx_hash())
}

fn execution_attributes(derived: &DerivedBlock) -> BlockAttributes {
    attributes_of(&derived.attributes)
}

/// The attributes as the EVM takes them.
pub(super) fn attributes_of(attributes: &mezz_derivation::derive::L2Attributes) -> BlockAttributes {
    BlockAttributes {
        timestamp: attributes.timestamp,
        beneficiary: attributes.beneficiary,
        gas_limit: attributes.gas_limit,
        prev_randao: attributes.prev_randao,
        parent_beacon_block_root: attributes.parent_beacon_block_root,
        extra_data: Default::default(),
    }
}
