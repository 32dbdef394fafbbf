//! The totals of the books and their newest batch as gauges: they go back with an L1 reorganisation,
//! and on after a restart.

use super::{Collected, Entry, Spent, Totals};
use alloy::primitives::U256;
use mezz_metrics::{Gauge, gauge, number};

/// The handles of the books.
#[derive(Debug)]
pub(super) struct Meters {
    batches: Gauge,
    in_vain: Gauge,
    in_calldata: Gauge,
    unpriced: Gauge,
    blocks: Gauge,
    all: Sums,
    newest: Sums,
}

/// What one batch has, or all of them together.
#[derive(Debug)]
struct Sums {
    bytes: Gauge,
    transactions: Gauge,
    /// Base, priority and L1 data fees.
    collected: [Gauge; 3],
    /// Gas and blob gas.
    spent: [Gauge; 2],
}

impl Sums {
    fn tell(&self, bytes: u64, transactions: u64, collected: &Collected, spent: &Spent) {
        self.bytes.set(number(bytes));
        self.transactions.set(number(transactions));
        let wei = |gauges: &[Gauge], amounts: &[U256]| {
            for (gauge, amount) in gauges.iter().zip(amounts) {
                gauge.set(f64::from(*amount));
            }
        };
        wei(&self.collected, &[collected.base, collected.priority, collected.l1_data]);
        wei(&self.spent, &[spent.gas, spent.blob_gas]);
    }
}

/// A gauge for each kind of fee.
fn collected(name: &'static str, help: &'static str) -> [Gauge; 3] {
    ["base", "priority", "l1_data"].map(|kind| gauge(name, help, &[("kind", kind)]))
}

/// A gauge for each kind of gas.
fn spent(name: &'static str, help: &'static str) -> [Gauge; 2] {
    ["gas", "blob_gas"].map(|kind| gauge(name, help, &[("kind", kind)]))
}

impl Meters {
    pub(super) fn new() -> Self {
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
            blocks: gauge("mezz_books_blocks", "L2 blocks that batches brought.", &[]),
            all: Sums {
                bytes: gauge("mezz_books_bytes", "Bytes of the batches on L1.", &[]),
                transactions: gauge(
                    "mezz_books_transactions",
                    "Sequenced transactions that batches brought.",
                    &[],
                ),
                collected: collected(
                    "mezz_books_collected_wei",
                    "Fees that blocks in batches collected on L2, by kind.",
                ),
                spent: spent(
                    "mezz_books_spent_wei",
                    "What the transactions of batches cost on L1, by kind.",
                ),
            },
            newest: Sums {
                bytes: gauge("mezz_books_newest_bytes", "Bytes of the newest batch on L1.", &[]),
                transactions: gauge(
                    "mezz_books_newest_transactions",
                    "Sequenced transactions that the newest batch on L1 brought.",
                    &[],
                ),
                collected: collected(
                    "mezz_books_newest_collected_wei",
                    "Fees that the blocks in the newest batch on L1 collected on L2, by kind.",
                ),
                spent: spent(
                    "mezz_books_newest_spent_wei",
                    "What the transaction of the newest batch cost on L1, by kind; 0 if L1 did not say.",
                ),
            },
        }
    }

    /// The books up to `newest`, or none.
    pub(super) fn tell(&self, newest: Option<&Entry>) {
        let totals = newest.map_or_else(Totals::default, |entry| entry.totals);
        let Totals { bytes, contents, spent, .. } = totals;
        self.batches.set(number(totals.batches));
        self.in_vain.set(number(totals.in_vain));
        self.in_calldata.set(number(totals.in_calldata));
        self.unpriced.set(number(totals.unpriced));
        self.blocks.set(number(contents.blocks));
        self.all.tell(bytes, contents.transactions, &contents.collected, &spent);
        let contents = newest.map(|entry| entry.contents).unwrap_or_default();
        let spent = newest.and_then(|entry| entry.spent).unwrap_or_default();
        let bytes = newest.map_or(0, |entry| entry.bytes);
        self.newest.tell(bytes, contents.transactions, &contents.collected, &spent);
    }
}
