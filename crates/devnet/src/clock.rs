//! The chain's time: the machine's clock, shifted by the verbs.

use serde::{Deserialize, Serialize};

/// No timestamp is later; far beyond any use, and far from overflow.
pub(crate) const MAX_TIMESTAMP: u64 = 1 << 53;

/// How the next timestamp is found. All in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clock {
    /// What is added to the machine's clock.
    offset: i64,
    /// The next block's timestamp, if a verb has set it.
    exact: Option<u64>,
    /// Distance between blocks, if a verb has set it.
    interval: Option<u64>,
}

impl Clock {
    /// The chain's time when the machine's clock says `now`.
    pub(crate) fn time(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.offset).min(MAX_TIMESTAMP)
    }

    /// Seconds by which the chain's time is ahead of the machine's clock.
    pub(crate) const fn offset(&self) -> i64 {
        self.offset
    }

    /// The timestamp of the block after one of `parent`. Strictly greater.
    pub(crate) fn next(&self, now: u64, parent: u64) -> u64 {
        let wanted = match (self.exact, self.interval) {
            (Some(exact), _) => exact,
            (None, Some(interval)) => parent.saturating_add(interval),
            (None, None) => self.time(now),
        };
        wanted.max(parent.saturating_add(1))
    }

    /// The timestamp of a block after one of `parent` that nobody asked for: it leaves what a verb
    /// has set to the next one, if there is a second in between. Strictly greater.
    pub(crate) fn between(&self, now: u64, parent: u64) -> u64 {
        let wanted = match (self.exact, self.interval) {
            (Some(exact), _) => self.time(now).min(exact.saturating_sub(1)),
            (None, Some(_)) => 0,
            (None, None) => self.time(now),
        };
        wanted.max(parent.saturating_add(1))
    }

    /// After a block of `timestamp`: a time that a verb has set goes on from there.
    pub(crate) fn advance(&mut self, now: u64, timestamp: u64) {
        if self.exact.take().is_some() {
            self.set(now, timestamp);
        }
    }

    /// Moves the time on; false if that leaves its range.
    pub(crate) fn increase(&mut self, now: u64, seconds: u64) -> bool {
        match self.time(now).checked_add(seconds).filter(|time| *time <= MAX_TIMESTAMP) {
            Some(time) => {
                self.set(now, time);
                true
            }
            None => false,
        }
    }

    /// Makes it `time` now.
    pub(crate) fn set(&mut self, now: u64, time: u64) {
        // Both are far below 2^63.
        let (time, now) = (time.min(MAX_TIMESTAMP), now.min(MAX_TIMESTAMP));
        self.offset = time.cast_signed() - now.cast_signed();
    }

    /// Sets the next block's timestamp.
    pub(crate) fn set_next(&mut self, timestamp: u64) {
        self.exact = Some(timestamp.min(MAX_TIMESTAMP));
    }

    /// Sets or removes the distance between blocks; tells whether there was one.
    pub(crate) fn set_interval(&mut self, interval: Option<u64>) -> bool {
        std::mem::replace(&mut self.interval, interval).is_some()
    }
}

/// Unix seconds of the machine's clock.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_always_rise() {
        let clock = Clock::default();
        assert_eq!(clock.next(100, 50), 100);
        assert_eq!(clock.next(100, 100), 101);
        assert_eq!(clock.next(100, 500), 501);
    }

    #[test]
    fn time_goes_on_from_what_was_set() {
        let mut clock = Clock::default();
        clock.set_next(1_000);
        assert_eq!(clock.next(100, 50), 1_000);
        clock.advance(100, 1_000);
        assert_eq!(clock.next(105, 1_000), 1_005);
        assert!(clock.increase(105, 60));
        assert_eq!(clock.next(106, 1_005), 1_066);
        assert_eq!(clock.offset(), 960);
        clock.set(200, 50);
        assert_eq!(clock.time(210), 60);
    }

    #[test]
    fn interval_counts_from_the_parent() {
        let mut clock = Clock::default();
        assert!(!clock.set_interval(Some(12)));
        assert_eq!(clock.next(5_000, 100), 112);
        assert!(clock.set_interval(None));
        assert_eq!(clock.next(5_000, 100), 5_000);
    }

    #[test]
    fn blocks_in_between_leave_what_was_set() {
        let mut clock = Clock::default();
        assert_eq!(clock.between(100, 50), 100);
        clock.set_interval(Some(12));
        assert_eq!(clock.between(100, 50), 51);
        clock.set_next(70);
        assert_eq!(clock.between(100, 50), 69);
        assert_eq!(clock.next(100, 69), 70);
        assert_eq!(clock.between(100, 70), 71);
    }

    #[test]
    fn time_stays_in_its_range() {
        let mut clock = Clock::default();
        assert!(!clock.increase(100, u64::MAX));
        assert!(!clock.increase(100, MAX_TIMESTAMP));
        assert!(clock.increase(100, MAX_TIMESTAMP - 100));
        assert_eq!(clock.time(u64::MAX), MAX_TIMESTAMP);
        clock.set_next(u64::MAX);
        assert_eq!(clock.next(1, 1), MAX_TIMESTAMP);
    }
}
