//! What a sender counts.

use super::SenderStatus;
use mezz_metrics::{Counter, Gauge, counter, gauge, number};

/// The handles of one sender; `duty` tells two of a process apart.
#[derive(Debug)]
pub(super) struct Meters {
    queued: Gauge,
    waiting: Gauge,
    watched: Gauge,
    nonce: Gauge,
    trouble: Gauge,
    pub(super) sent: Counter,
    pub(super) mined: Counter,
    pub(super) replaced: Counter,
    pub(super) reorganised: Counter,
    pub(super) refused: Counter,
}

impl Meters {
    pub(super) fn new(duty: &'static str) -> Self {
        const TRANSACTIONS: &str = "mezz_sender_transactions";
        const HELP: &str = "Transactions to L1 that wait to be sent (queued), wait to be mined (waiting), or are mined and still watched (watched).";
        let of = [("duty", duty)];
        let state = |state| gauge(TRANSACTIONS, HELP, &[("duty", duty), ("state", state)]);
        Self {
            queued: state("queued"),
            waiting: state("waiting"),
            watched: state("watched"),
            nonce: gauge("mezz_sender_next_nonce", "Nonce of the next transaction.", &of),
            trouble: gauge(
                "mezz_sender_held_up",
                "1 while something keeps transactions from being sent: the log says what.",
                &of,
            ),
            sent: counter("mezz_sender_sent_total", "Transactions sent for the first time.", &of),
            mined: counter("mezz_sender_mined_total", "Transactions found in an L1 block.", &of),
            replaced: counter(
                "mezz_sender_replaced_total",
                "Transactions sent again with higher fees.",
                &of,
            ),
            reorganised: counter(
                "mezz_sender_reorganised_total",
                "Mined transactions that an L1 reorganisation took back.",
                &of,
            ),
            refused: counter(
                "mezz_sender_refused_total",
                "Transactions that were not sent for good: they would revert, or L1 refused them.",
                &of,
            ),
        }
    }

    pub(super) fn status(&self, status: &SenderStatus) {
        let count = |gauge: &Gauge, count: usize| {
            gauge.set(number(u64::try_from(count).unwrap_or(u64::MAX)));
        };
        count(&self.queued, status.queued);
        count(&self.waiting, status.waiting);
        count(&self.watched, status.watched);
        self.nonce.set(number(status.next_nonce));
        self.trouble.set(f64::from(u8::from(status.trouble.is_some())));
    }
}
