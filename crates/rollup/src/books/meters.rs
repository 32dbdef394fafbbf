//! The totals of the books as gauges: they go back with an L1 reorganisation, and on after a restart.

use super::Totals;
use alloy::primitives::U256;
use mezz_metrics::{Gauge, Labels, gauge, number};

/// The handles of the books.
#[derive(Debug)]
pub(super) struct Meters {
    batches: Gauge,
    in_vain: Gauge,
    in_calldata: Gauge,
    unpriced: Gauge,
    bytes: Gauge,
    blocks: Gauge,
    transactions: Gauge,
    /// Base, priority and L1 data fees.
    collected: [Gauge; 3],
    /// Gas and blob gas.
    spent: [Gauge; 2],
}

impl Meters {
    pub(super) fn new() -> Self {
        let collected = |labels: Labels<'_>| {
            let help = "Fees that blocks in batches collected on L2, by kind.";
            gauge("mezz_books_collected_wei", help, labels)
        };
        let spent = |labels: Labels<'_>| {
            let help = "What the transactions of batches cost on L1, by kind.";
            gauge("mezz_books_spent_wei", help, labels)
        };
        Self {
            batches: gauge("mezz_books_batches", "Batches on L1, those in vain included.", &[]),
            in_vain: gauge(
                "mezz_books_batches_in_vain",
                "Batches on L1 of which no block counts.",
                &[],
            ),
            in_calldata: gauge(
                "mezz_books_batches_in_calldata",
                "Batches on L1 in calldata; the others are in blobs.",
                &[],
            ),
            unpriced: gauge(
                "mezz_books_batches_unpriced",
                "Batches whose cost L1 did not say; what is spent is without them.",
                &[],
            ),
            bytes: gauge("mezz_books_bytes", "Bytes of the batches on L1.", &[]),
            blocks: gauge("mezz_books_blocks", "L2 blocks that batches brought.", &[]),
            transactions: gauge(
                "mezz_books_transactions",
                "Sequenced transactions that batches brought.",
                &[],
            ),
            collected: [
                collected(&[("kind", "base")]),
                collected(&[("kind", "priority")]),
                collected(&[("kind", "l1_data")]),
            ],
            spent: [spent(&[("kind", "gas")]), spent(&[("kind", "blob_gas")])],
        }
    }

    pub(super) fn tell(&self, totals: &Totals) {
        self.batches.set(number(totals.batches));
        self.in_vain.set(number(totals.in_vain));
        self.in_calldata.set(number(totals.in_calldata));
        self.unpriced.set(number(totals.unpriced));
        self.bytes.set(number(totals.bytes));
        self.blocks.set(number(totals.contents.blocks));
        self.transactions.set(number(totals.contents.transactions));
        let fees = &totals.contents.collected;
        let wei = |gauges: &[Gauge], amounts: &[U256]| {
            for (gauge, amount) in gauges.iter().zip(amounts) {
                gauge.set(f64::from(*amount));
            }
        };
        wei(&self.collected, &[fees.base, fees.priority, fees.l1_data]);
        wei(&self.spent, &[totals.spent.gas, totals.spent.blob_gas]);
    }
}
