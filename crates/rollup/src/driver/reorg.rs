//! The way back when L1 is reorganised.

use super::{Driver, DriverError, block_ref};
use crate::books::Contents;
use mezz_derivation::Deriver;
use mezz_l1::BlockRef;
use mezz_pool::NewTransaction;

impl Driver {
    /// L1 blocks above `ancestor` are gone.
    pub(super) fn on_reorg(&mut self, ancestor: BlockRef) -> Result<(), DriverError> {
        self.origins.rewind(ancestor.number);
        self.sequence_after = self.sequence_after.min(ancestor.number);
        if self.finalized_l1.number > ancestor.number {
            self.finalized_l1 = ancestor;
        }
        self.go_back(ancestor.number)?;
        // Nobody is told of blocks that are gone while others are derived.
        self.publish()?;
        self.derive()
    }

    /// Goes back to what was derived at L1 block `number` or before, and takes every L2 block off
    /// whose origin lies above.
    fn go_back(&mut self, number: u64) -> Result<(), DriverError> {
        let before = self.cursors.newest();
        while self.cursors.newest().l1.number > number {
            if !self.cursors.pop() {
                return Err(DriverError::ReorgTooDeep(number));
            }
        }
        if self.cursors.newest() != before {
            self.cursors.store_newest(&self.chain)?;
        }
        self.books.rewind(&self.chain, self.cursors.newest().l1.number)?;
        self.arrived.retain(|l1, _| *l1 <= number);
        self.contents = Contents::default();
        self.unwind_to_origin(number)?;
        self.deriver = Deriver::new(self.config.clone(), self.cursors.newest());
        self.restore_safe_head()
    }

    /// Makes the newest cursor's block the safe head.
    pub(super) fn restore_safe_head(&mut self) -> Result<(), DriverError> {
        let safe = self.cursors.newest().safe.number;
        if self.l1_reverts && safe < self.chain.heads().finalized.number {
            self.unwind(safe)?;
        }
        if safe != self.chain.heads().safe.number {
            self.chain.set_safe(safe)?;
        }
        Ok(())
    }

    /// Takes off every block whose origin lies above the L1 block `number`.
    pub(super) fn unwind_to_origin(&mut self, number: u64) -> Result<(), DriverError> {
        let mut keep = self.head.number;
        loop {
            let Some(block) = self.chain.block_by_number(keep)? else { break };
            if keep == 0 || block_ref(&self.config, &block)?.origin.number <= number {
                break;
            }
            keep -= 1;
        }
        if keep < self.head.number {
            tracing::warn!(from = self.head.number, to = keep, l1 = number, "going back with L1");
            self.unwind(keep)?;
        }
        Ok(())
    }

    /// Takes off every block that stands on an L1 block which is not the one at hand. After a
    /// restart, nobody tells of a reorganisation above the newest cursor.
    pub(super) fn leave_other_origins(&mut self) -> Result<(), DriverError> {
        loop {
            let origin = self.head.origin;
            if self.origins.get(origin.number).is_none_or(|block| block.hash == origin.hash) {
                return Ok(());
            }
            if self.head.number <= self.cursors.newest().safe.number {
                return Err(DriverError::L1Changed);
            }
            let below = origin.number.saturating_sub(1);
            self.unwind_to_origin(below)?;
        }
    }

    /// Takes off every block above `number`; what users sent goes back to the pool.
    pub(super) fn unwind(&mut self, number: u64) -> Result<(), DriverError> {
        let removed = if self.l1_reverts {
            self.chain.unwind_past_finalized(number)?
        } else {
            self.chain.unwind(number)?
        };
        self.meters.unwinds.increment(u64::from(!removed.is_empty()));
        self.head = block_ref(&self.config, &self.chain.head())?;
        let again = removed
            .iter()
            .rev()
            .flat_map(|block| &block.transactions)
            .filter(|tx| !tx.tx.is_deposit())
            .map(|tx| NewTransaction::from(tx.clone()))
            .collect::<Vec<_>>();
        self.pool.on_unwind(again);
        Ok(())
    }
}
