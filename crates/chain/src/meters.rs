//! What a chain counts.

use crate::builder::BuiltBlock;
use mezz_evm::ChainSpec;
use mezz_metrics::{Counter, Gauge, Histogram, counter, gauge, histogram, number};
use std::time::Instant;

/// The handles of one chain: `l1` for the embedded L1, `l2` for a rollup's.
#[derive(Debug)]
pub(crate) struct Meters {
    blocks: Counter,
    transactions: Counter,
    gas: Counter,
    unwound: Counter,
    log: Histogram,
    root: Histogram,
    head: Gauge,
}

impl Meters {
    pub(crate) fn new(spec: &ChainSpec) -> Self {
        let of = [("chain", name(spec))];
        Self {
            blocks: counter("mezz_chain_blocks_total", "Blocks appended to the chain.", &of),
            transactions: counter(
                "mezz_chain_transactions_total",
                "Transactions in appended blocks, deposits included.",
                &of,
            ),
            gas: counter("mezz_chain_gas_total", "Gas used by appended blocks.", &of),
            unwound: counter("mezz_chain_unwound_blocks_total", "Blocks taken off again.", &of),
            log: histogram(
                "mezz_chain_log_duration_seconds",
                "Time to write a change to the log and sync it to the disk, waiting included.",
                &of,
            ),
            root: histogram(
                "mezz_chain_state_root_duration_seconds",
                "Time to compute the state root of an appended block.",
                &of,
            ),
            head: gauge("mezz_chain_head_number", "Number of the newest block.", &of),
        }
    }

    pub(crate) fn committed(&self, block: &BuiltBlock) {
        let record = block.record();
        self.blocks.increment(1);
        self.transactions.increment(record.transactions.len() as u64);
        self.gas.increment(record.header.gas_used);
        self.root.record(block.root_time);
        self.head.set(number(record.number()));
    }

    pub(crate) fn unwound(&self, blocks: usize, to: u64) {
        self.unwound.increment(blocks as u64);
        self.head.set(number(to));
    }

    pub(crate) fn opened(&self, head: u64) {
        self.head.set(number(head));
    }

    pub(crate) fn logged(&self, since: Instant) {
        self.log.record(since.elapsed());
    }
}

/// What metrics call a chain.
pub(crate) const fn name(spec: &ChainSpec) -> &'static str {
    if spec.is_l2() { "l2" } else { "l1" }
}
