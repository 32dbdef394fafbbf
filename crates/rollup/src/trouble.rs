//! What a duty says while it cannot go on, and how long it waits: at once at first, then ever more
//! rarely, so that an account without ether does not fill the log.

use crate::health::Pulse;
use mezz_metrics::{Counter, counter};
use std::time::Duration;
use tokio::time::Instant;

/// The first pause; it doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);
/// How long nothing must fail before the trouble is called over.
const QUIET: Duration = Duration::from_secs(5);

/// The trouble of one duty.
#[derive(Debug)]
pub(crate) struct Trouble {
    duty: &'static str,
    failures: u32,
    /// When the last pause ends.
    until: Option<Instant>,
    /// Where it is told.
    pulse: Pulse,
    count: Counter,
}

impl Trouble {
    pub(crate) fn new(duty: &'static str, pulse: Pulse) -> Self {
        let count = counter(
            "mezz_duty_failures_total",
            "Attempts of a duty that failed and are made again.",
            &[("duty", duty)],
        );
        Self { duty, failures: 0, until: None, pulse, count }
    }

    /// A failure; how long to wait before the next attempt. It is in the log as the first, second,
    /// fourth, eighth and so on in a row.
    pub(crate) fn failed(&mut self, error: &impl std::fmt::Display, now: Instant) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.count.increment(1);
        self.pulse.beat();
        self.pulse.trouble(Some(error.to_string()));
        let failures = self.failures;
        if failures.is_power_of_two() {
            tracing::warn!(failures, "{error}; will keep trying");
        }
        let pause = PAUSE.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST);
        self.until = now.checked_add(pause);
        pause
    }

    /// Nothing failed this time.
    pub(crate) fn went_well(&mut self, now: Instant) {
        self.pulse.beat();
        self.pulse.trouble(None);
        if self.until.is_some_and(|until| now >= until + QUIET) {
            tracing::info!(failures = self.failures, "the {} goes on", self.duty);
            self.failures = 0;
            self.until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pauses_grow_until_it_is_quiet() {
        let mut trouble = Trouble::new("batcher", Pulse::default());
        let start = Instant::now();
        let pauses: Vec<u64> = (0..6).map(|_| trouble.failed(&"no", start).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 15, 15]);
        // A round without failure between two that fail is no end of it.
        trouble.went_well(start + LONGEST);
        assert_eq!(trouble.failed(&"no", start), LONGEST);
        trouble.went_well(start + LONGEST + QUIET);
        assert_eq!(trouble.failed(&"no", start), PAUSE);
    }
}
