//! What a batcher counts.

use crate::l2_client::SourceBlock;
use mezz_metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, number};
use std::time::Duration;

/// The handles of a batcher.
#[derive(Debug)]
pub(super) struct Meters {
    backlog: Gauge,
    age: Gauge,
    in_flight: Gauge,
    pub(super) given_up: Counter,
    batches: Counter,
    blocks: Counter,
    transactions: Counter,
    blobs: Counter,
    bytes: Histogram,
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            backlog: gauge(
                "mezz_batcher_backlog_blocks",
                "Blocks of the sequencer that are in no batch yet.",
                &[],
            ),
            age: gauge(
                "mezz_batcher_backlog_age_seconds",
                "How long the oldest block that is in no batch yet has waited.",
                &[],
            ),
            in_flight: gauge(
                "mezz_batcher_batches_in_flight",
                "Batches posted that are not safe yet.",
                &[],
            ),
            given_up: counter(
                "mezz_batcher_given_up_total",
                "Times that posted batches did not count, and all after the safe head was posted again.",
                &[],
            ),
            batches: counter("mezz_batcher_batches_total", "Batches posted.", &[]),
            blocks: counter("mezz_batcher_blocks_total", "Blocks in posted batches.", &[]),
            transactions: counter(
                "mezz_batcher_transactions_total",
                "Sequenced transactions in posted batches.",
                &[],
            ),
            blobs: counter("mezz_batcher_blobs_total", "Blobs of posted batches.", &[]),
            bytes: histogram("mezz_batcher_batch_bytes", "Sizes of posted batches.", &[]),
        }
    }

    pub(super) fn backlog(&self, blocks: u64, age: Duration) {
        self.backlog.set(number(blocks));
        self.age.set(age.as_secs_f64());
    }

    pub(super) fn in_flight(&self, batches: usize) {
        self.in_flight.set(number(batches as u64));
    }

    pub(super) fn posted(&self, blocks: &[SourceBlock], bytes: usize, blobs: usize) {
        self.batches.increment(1);
        self.blocks.increment(blocks.len() as u64);
        let transactions: usize = blocks.iter().map(|block| block.transactions.len()).sum();
        self.transactions.increment(transactions as u64);
        self.blobs.increment(blobs as u64);
        self.bytes.record(number(bytes as u64));
    }
}
