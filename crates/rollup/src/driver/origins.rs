//! The L1 blocks that the chain may still need: as origins, or to go back to.

use mezz_derivation::{
    L1Ref,
    derive::{BatchData, L1Block},
};
use std::collections::VecDeque;

/// Consecutive L1 blocks, the newest last.
#[derive(Debug, Default)]
pub(super) struct Origins {
    blocks: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Without batches, once they have been taken.
    block: L1Block,
    /// Whether its batches are still to come.
    waits: bool,
}

impl Origins {
    /// Appends the next block.
    pub(super) fn push(&mut self, block: L1Block, waits: bool) {
        self.blocks.push_back(Entry { block, waits });
    }

    /// The batches of a block have come.
    pub(super) fn set_batches(&mut self, at: L1Ref, batches: Vec<BatchData>) {
        if let Some(entry) = self.entry_mut(at.number)
            && entry.block.hash == at.hash
        {
            entry.block.batches = batches;
            entry.waits = false;
        }
    }

    /// The block at `number`.
    pub(super) fn get(&self, number: u64) -> Option<&L1Block> {
        let first = self.blocks.front()?.block.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.blocks.get(index).map(|entry| &entry.block)
    }

    /// The newest block.
    pub(super) fn newest(&self) -> Option<&L1Block> {
        self.blocks.back().map(|entry| &entry.block)
    }

    /// The block at `number` with its batches, which are then gone from here; `None` while it or
    /// its batches are to come.
    pub(super) fn take(&mut self, number: u64) -> Option<L1Block> {
        let entry = self.entry_mut(number)?;
        if entry.waits {
            return None;
        }
        let batches = std::mem::take(&mut entry.block.batches);
        Some(L1Block { batches, ..entry.block.clone() })
    }

    /// Blocks above `number` are gone.
    pub(super) fn rewind(&mut self, number: u64) {
        while self.newest().is_some_and(|block| block.number > number) {
            self.blocks.pop_back();
        }
    }

    /// Blocks below `number` are not needed any more.
    pub(super) fn forget_before(&mut self, number: u64) {
        while self.blocks.front().is_some_and(|entry| entry.block.number < number) {
            self.blocks.pop_front();
        }
    }

    fn entry_mut(&mut self, number: u64) -> Option<&mut Entry> {
        let first = self.blocks.front()?.block.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.blocks.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u64) -> L1Block {
        L1Block { number, ..L1Block::default() }
    }

    #[test]
    fn batches_hold_their_block_back_and_are_taken_once() {
        let mut origins = Origins::default();
        origins.push(block(5), false);
        origins.push(block(6), true);
        assert!(origins.take(5).is_some());
        assert!(origins.take(6).is_none());
        assert!(origins.get(6).is_some());
        let batch = BatchData::Calldata(vec![1].into());
        let other = L1Ref { number: 6, hash: alloy::primitives::B256::repeat_byte(1) };
        origins.set_batches(other, vec![batch.clone()]);
        assert!(origins.take(6).is_none());
        origins.set_batches(block(6).reference(), vec![batch]);
        assert_eq!(origins.take(6).unwrap().batches.len(), 1);
        assert_eq!(origins.take(6).unwrap().batches.len(), 0);
    }

    #[test]
    fn window_moves_at_both_ends() {
        let mut origins = Origins::default();
        for number in 5..10 {
            origins.push(block(number), false);
        }
        origins.rewind(7);
        origins.forget_before(6);
        assert_eq!(origins.newest().unwrap().number, 7);
        assert!(origins.get(5).is_none() && origins.get(6).is_some() && origins.get(8).is_none());
    }
}
