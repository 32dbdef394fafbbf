//! What is told of a pool when somebody looks. Nothing is counted for each transaction.

use crate::Pool;
use mezz_metrics::{Gauge, gauge, number};

/// The gauges of one pool.
#[derive(Clone, Debug)]
pub struct PoolMeters {
    pending: Gauge,
    queued: Gauge,
    bytes: Gauge,
    slots: Gauge,
}

impl PoolMeters {
    /// The gauges of the pool of `chain`, `l1` or `l2`.
    pub fn new(chain: &'static str) -> Self {
        let of = [("chain", chain)];
        let transactions = |state| {
            let help = "Transactions in the pool: pending ones could be in the next block, queued ones wait for a nonce or money.";
            gauge("mezz_pool_transactions", help, &[("chain", chain), ("state", state)])
        };
        Self {
            pending: transactions("pending"),
            queued: transactions("queued"),
            bytes: gauge("mezz_pool_bytes", "Bytes of all transactions in the pool.", &of),
            slots: gauge(
                "mezz_pool_slots",
                "Slots of 32 KiB that all transactions in the pool take; the pool has a limit of them.",
                &of,
            ),
        }
    }

    /// Sets them.
    pub fn sample(&self, pool: &Pool) {
        let status = pool.status();
        let set = |gauge: &Gauge, count: usize| {
            gauge.set(number(u64::try_from(count).unwrap_or(u64::MAX)));
        };
        set(&self.pending, status.pending);
        set(&self.queued, status.queued);
        set(&self.bytes, status.bytes);
        set(&self.slots, status.slots);
    }
}
