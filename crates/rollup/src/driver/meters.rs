//! What a driver counts.

use mezz_chain::BlockRecord;
use mezz_metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use std::time::Instant;

/// The handles of a driver.
#[derive(Debug)]
pub(super) struct Meters {
    sequenced: Blocks,
    derived: Blocks,
    pub(super) dropped: Counter,
    pub(super) recovering: Gauge,
    pub(super) idle: Counter,
    pub(super) applied: Counter,
    pub(super) refused: Counter,
    pub(super) unwinds: Counter,
}

/// Blocks of one origin.
#[derive(Debug)]
struct Blocks {
    blocks: Counter,
    transactions: Counter,
    gas: Counter,
    duration: Histogram,
}

impl Blocks {
    fn count(&self, block: &BlockRecord, started: Instant) {
        self.blocks.increment(1);
        self.transactions.increment(block.transactions.len() as u64);
        self.gas.increment(block.header.gas_used);
        self.duration.record(started.elapsed());
    }
}

impl Meters {
    pub(super) fn new() -> Self {
        let batches = |outcome| {
            let help = "Batches that L1 brought: applied, or dropped as a whole or in part because they break a rule.";
            counter("mezz_node_batches_total", help, &[("outcome", outcome)])
        };
        Self {
            sequenced: Blocks {
                blocks: counter(
                    "mezz_sequencer_blocks_total",
                    "Blocks made by this sequencer.",
                    &[],
                ),
                transactions: counter(
                    "mezz_sequencer_transactions_total",
                    "Transactions in blocks made by this sequencer, deposits included.",
                    &[],
                ),
                gas: counter(
                    "mezz_sequencer_gas_total",
                    "Gas used by blocks made by this sequencer.",
                    &[],
                ),
                duration: histogram(
                    "mezz_sequencer_block_duration_seconds",
                    "Time to make a block, from choosing its origin until it is on disk.",
                    &[],
                ),
            },
            derived: Blocks {
                blocks: counter(
                    "mezz_verifier_blocks_total",
                    "Blocks executed because L1 has them; a sequencer's own are not executed twice.",
                    &[],
                ),
                transactions: counter(
                    "mezz_verifier_transactions_total",
                    "Transactions in blocks executed because L1 has them, deposits included.",
                    &[],
                ),
                gas: counter(
                    "mezz_verifier_gas_total",
                    "Gas used by blocks executed because L1 has them.",
                    &[],
                ),
                duration: histogram(
                    "mezz_verifier_block_duration_seconds",
                    "Time to execute a block of L1, from its transactions until it is on disk.",
                    &[],
                ),
            },
            dropped: counter(
                "mezz_sequencer_dropped_transactions_total",
                "Transactions dropped from the pool because no block can hold them.",
                &[],
            ),
            recovering: gauge(
                "mezz_sequencer_recovering",
                "1 while the safe head is so far behind that only blocks of deposits are made.",
                &[],
            ),
            idle: counter(
                "mezz_sequencer_idle_total",
                "Ticks at which no block could be made until L1 goes on.",
                &[],
            ),
            applied: batches("applied"),
            refused: batches("dropped"),
            unwinds: counter(
                "mezz_node_unwinds_total",
                "Times that blocks of the L2 were taken off, because L1 was reorganised or has other blocks.",
                &[],
            ),
        }
    }

    pub(super) fn sequenced(&self, block: &BlockRecord, started: Instant) {
        self.sequenced.count(block, started);
    }

    pub(super) fn derived(&self, block: &BlockRecord, started: Instant) {
        self.derived.count(block, started);
    }
}
