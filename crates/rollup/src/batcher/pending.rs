//! The blocks that wait to be posted, and the batch that is made of them.

use super::BatcherError;
use crate::l2_client::{L2Client, SourceBlock};
use alloy::primitives::B256;
use mezz_derivation::batch::{
    BatchBlock, Compression, EncodeError, MAX_BATCH_BYTES, encode_prefix, hash_check,
};
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// Blocks that are held and posted at most in one batch.
const MAX_BLOCKS: usize = 20_000;
/// Bytes of raw transactions that are held; compression makes them fit.
const MAX_RAW_BYTES: usize = 2_500_000;
/// What is expected to be left of a raw byte, until a batch tells.
const FIRST_RATIO: f64 = 0.5;

/// A batch that has not been posted.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    /// Its bytes.
    pub(super) data: Vec<u8>,
    /// Number of its first block.
    pub(super) first: u64,
    /// Number of its last block.
    pub(super) last: u64,
    /// Hash of its last block.
    pub(super) last_hash: B256,
    /// Sequenced transactions in it.
    pub(super) transactions: usize,
}

/// Consecutive blocks, the oldest first.
#[derive(Debug)]
pub(super) struct Pending {
    /// Each with the moment it was read.
    blocks: VecDeque<(SourceBlock, Instant)>,
    /// Number of the first block, and the hash of the one before it.
    start: (u64, B256),
    raw_bytes: usize,
    ratio: f64,
    /// Made of the first of them.
    pub(super) ready: Option<Ready>,
}

impl Default for Pending {
    fn default() -> Self {
        Self {
            blocks: VecDeque::new(),
            start: (0, B256::ZERO),
            raw_bytes: 0,
            ratio: FIRST_RATIO,
            ready: None,
        }
    }
}

impl Pending {
    /// The first block is `next`, on the block `parent`; others are forgotten.
    pub(super) fn begin_at(&mut self, next: u64, parent: B256) {
        if self.start != (next, parent) {
            *self = Self { start: (next, parent), ratio: self.ratio, ..Self::default() };
        }
    }

    /// Number of the block after the last one.
    pub(super) fn next(&self) -> u64 {
        self.start.0.saturating_add(self.blocks.len() as u64)
    }

    /// Reads blocks up to `to`, as long as there is room.
    pub(super) async fn read(&mut self, l2: &L2Client, to: u64) -> Result<(), BatcherError> {
        while self.next() <= to && !self.is_full() {
            self.push(l2.block(self.next()).await?)?;
        }
        Ok(())
    }

    fn push(&mut self, block: SourceBlock) -> Result<(), BatcherError> {
        let parent = self.blocks.back().map_or(self.start.1, |(last, _)| last.hash);
        if block.parent_hash != parent {
            return Err(BatcherError::Gap { number: block.number });
        }
        self.raw_bytes += raw_bytes(&block);
        self.blocks.push_back((block, Instant::now()));
        Ok(())
    }

    /// Whether more blocks have to wait for these.
    pub(super) fn is_full(&self) -> bool {
        self.raw_bytes >= MAX_RAW_BYTES || self.blocks.len() >= MAX_BLOCKS
    }

    /// How long the oldest block has waited here.
    pub(super) fn age(&self, now: Instant) -> Duration {
        let oldest = self.blocks.front();
        oldest.map_or(Duration::ZERO, |(_, since)| now.saturating_duration_since(*since))
    }

    /// Whether a batch of them is expected to have `bytes` or more.
    pub(super) fn fills(&self, bytes: usize) -> bool {
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let expected = self.raw_bytes as f64 * self.ratio;
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let wanted = bytes as f64;
        self.is_full() || expected >= wanted
    }

    /// Makes a batch of at most `max_bytes`, if there is none; `quickly`, if the chain makes more
    /// than the best compression can follow.
    pub(super) async fn encode(
        &mut self,
        chain_id: u64,
        max_bytes: usize,
        quickly: bool,
    ) -> Result<(), BatcherError> {
        if self.ready.is_some() || self.blocks.is_empty() {
            return Ok(());
        }
        let (first, parent) = self.start;
        let compression = if quickly { Compression::FAST } else { Compression::default() };
        let origins: Vec<_> = self.blocks.iter().map(|(block, _)| block.l1.hash).collect();
        let blocks: Vec<BatchBlock> =
            self.blocks.iter().map(|(block, _)| to_batch(block)).collect();
        let (data, count) = tokio::task::spawn_blocking(move || {
            let origin_check = |index: usize| hash_check(&origins[index]);
            let parent = hash_check(&parent);
            let encode = |blocks: &[BatchBlock], compression, max_bytes| {
                encode_prefix(parent, first, blocks, origin_check, chain_id, compression, max_bytes)
            };
            match encode(&blocks, compression, max_bytes) {
                // A block that is larger than what the operator wants to fill goes alone. A
                // sequencer makes none that would not fit then.
                Err(EncodeError::Compressed(..)) => {
                    encode(&blocks[..1], Compression::default(), MAX_BATCH_BYTES)
                }
                done => done,
            }
        })
        .await
        .map_err(|_| BatcherError::Interrupted)??;
        let taken = || self.blocks.iter().take(count).map(|(block, _)| block);
        let raw: usize = taken().map(raw_bytes).sum();
        if raw > 0 {
            #[allow(clippy::cast_precision_loss, reason = "an estimate")]
            let ratio = data.len() as f64 / raw as f64;
            self.ratio = ratio.clamp(0.05, 1.0);
        }
        // A batch has at least one block.
        let Some(last) = taken().next_back() else { return Ok(()) };
        let transactions = taken().map(|block| block.transactions.len()).sum();
        let ready = Ready { data, first, last: last.number, last_hash: last.hash, transactions };
        self.ready = Some(ready);
        Ok(())
    }

    /// The batch is on its way: its blocks wait no more.
    pub(super) fn posted(&mut self) {
        let Some(ready) = self.ready.take() else { return };
        while self.blocks.front().is_some_and(|(block, _)| block.number <= ready.last) {
            if let Some((block, _)) = self.blocks.pop_front() {
                self.raw_bytes = self.raw_bytes.saturating_sub(raw_bytes(&block));
            }
        }
        self.start = (ready.last + 1, ready.last_hash);
    }
}

fn raw_bytes(block: &SourceBlock) -> usize {
    block.transactions.iter().map(|tx| tx.len()).sum()
}

fn to_batch(block: &SourceBlock) -> BatchBlock {
    BatchBlock {
        timestamp: block.timestamp,
        advances_origin: block.l1.sequence_number == 0,
        transactions: block.transactions.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::Bytes;
    use mezz_derivation::Batch;
    use mezz_primitives::l1_info::L1Attributes;

    fn block(number: u64, bytes: usize) -> SourceBlock {
        // Bytes that no compressor makes fewer.
        let noise = (0..bytes.div_ceil(32) as u64).flat_map(|index| {
            alloy::primitives::keccak256([number.to_be_bytes(), index.to_be_bytes()].concat()).0
        });
        SourceBlock {
            number,
            hash: hash(number),
            parent_hash: hash(number - 1),
            timestamp: number,
            l1: L1Attributes { number, hash: B256::repeat_byte(7), ..Default::default() },
            transactions: vec![Bytes::from_iter(noise)],
        }
    }

    fn hash(number: u64) -> B256 {
        B256::with_last_byte(u8::try_from(number).unwrap())
    }

    #[tokio::test]
    async fn batch_takes_what_fits_and_leaves_the_rest() {
        let mut pending = Pending::default();
        pending.begin_at(5, hash(4));
        for number in 5..15 {
            pending.push(block(number, 10_000)).unwrap();
        }
        assert_eq!(pending.next(), 15);
        pending.encode(901, 50_000, false).await.unwrap();
        let ready = pending.ready.clone().unwrap();
        assert!(ready.data.len() <= 50_000);
        assert_eq!((ready.first, ready.last, ready.transactions), (5, 8, 4));
        let batch = Batch::decode(&ready.data, 901).unwrap();
        assert_eq!((batch.first_number, batch.blocks.len()), (5, 4));
        assert_eq!(batch.parent_check, hash_check(&hash(4)));
        pending.posted();
        assert_eq!((pending.start, pending.next()), ((9, hash(8)), 15));
        pending.encode(901, 50_000, true).await.unwrap();
        assert_eq!(pending.ready.as_ref().unwrap().first, 9);
    }

    #[tokio::test]
    async fn block_that_is_larger_than_what_is_to_be_filled_goes_alone() {
        let mut pending = Pending::default();
        pending.begin_at(5, hash(4));
        pending.push(block(5, 131_000)).unwrap();
        pending.push(block(6, 10)).unwrap();
        pending.encode(901, 130_000, true).await.unwrap();
        let ready = pending.ready.clone().unwrap();
        assert_eq!((ready.first, ready.last), (5, 5));
        assert_eq!(Batch::decode(&ready.data, 901).unwrap().blocks.len(), 1);
    }

    #[tokio::test]
    async fn size_makes_a_batch_due() {
        let mut pending = Pending::default();
        pending.begin_at(5, hash(4));
        pending.push(block(5, 100_000)).unwrap();
        assert!(pending.fills(49_000) && !pending.fills(51_000), "half is expected to be left");
        pending.encode(901, 200_000, false).await.unwrap();
        // Nothing could be saved, and that is expected of the next one.
        pending.posted();
        pending.push(block(6, 100_000)).unwrap();
        assert!(pending.fills(99_000));
    }

    #[tokio::test]
    async fn another_parent_begins_anew() {
        let mut pending = Pending::default();
        pending.begin_at(5, hash(4));
        pending.push(block(5, 10)).unwrap();
        pending.encode(901, 200_000, false).await.unwrap();
        pending.begin_at(5, hash(4));
        assert!(pending.ready.is_some());
        assert!(matches!(pending.push(block(7, 10)), Err(BatcherError::Gap { number: 7 })));
        pending.begin_at(5, hash(99));
        assert!(pending.ready.is_none() && pending.next() == 5);
    }
}
