//! What a batcher counts.

use super::pending::Ready;
use mezz_metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, number};
use std::time::Duration;

/// The handles of a batcher.
#[derive(Debug)]
pub(super) struct Meters {
    backlog: Gauge,
    age: Gauge,
    in_flight: Gauge,
    pub(super) waiting_for_fees: Gauge,
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
            waiting_for_fees: gauge(
                "mezz_batcher_waiting_for_fees",
                "1 while L1 costs more than the operator pays and a batch waits for that.",
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

    pub(super) fn posted(&self, batch: &Ready, blobs: usize) {
        self.batches.increment(1);
        self.blocks.increment(batch.last - batch.first + 1);
        self.transactions.increment(batch.transactions as u64);
        self.blobs.increment(blobs as u64);
        self.bytes.record(number(batch.data.len() as u64));
    }
}
