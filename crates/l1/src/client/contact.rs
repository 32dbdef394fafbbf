//! Whether the node answers, and how much was asked of it.

use alloy::consensus::Header;
use mezz_metrics::{Labels, counter, histogram};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What is known of a node from what was asked of it.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// When it last answered.
    pub answered: Option<Instant>,
    /// Why it did not, if the last question got no answer.
    pub failure: Option<String>,
    /// Number and timestamp (seconds) of the newest block that it has shown as its head.
    pub head: Option<(u64, u64)>,
}

impl Contact {
    /// How long ago it last answered.
    pub fn silence(&self) -> Option<Duration> {
        self.answered.map(|at| at.elapsed())
    }
}

/// The [`Contact`] that all clones of a client share.
#[derive(Debug, Default)]
pub(super) struct Line(Mutex<Contact>);

impl Line {
    fn lock(&self) -> MutexGuard<'_, Contact> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self) -> Contact {
        self.lock().clone()
    }

    pub(super) fn answered(&self) {
        let mut contact = self.lock();
        contact.answered = Some(Instant::now());
        contact.failure = None;
    }

    pub(super) fn failed(&self, reason: String) {
        self.lock().failure = Some(reason);
    }

    pub(super) fn head(&self, header: &Header) {
        self.lock().head = Some((header.number, header.timestamp));
    }
}

/// One exchange, for the record.
pub(super) fn count(node: &'static str, method: &'static str, took: Duration, failed: bool) {
    let labels: Labels<'_> = &[("node", node), ("method", method)];
    counter("mezz_client_requests_total", "Requests to other nodes.", labels).increment(1);
    let failures = counter(
        "mezz_client_failures_total",
        "Requests to other nodes that got no usable answer in time.",
        labels,
    );
    failures.increment(u64::from(failed));
    let duration =
        histogram("mezz_client_duration_seconds", "Time until a request was answered.", labels);
    duration.record(took);
}
