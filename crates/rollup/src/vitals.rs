//! What a node tells of itself: health, readiness, and the gauges that are looked up.

use crate::{
    driver::{SequencerConfig, StatusHandle},
    health::{Check, HUNG, Probe, SILENCE, ago, contact},
    rpc::types::{L1BlockRef, L2BlockRef, SyncStatus},
};
use mezz_chain::Chain;
use mezz_l1::{Contact, L1Client};
use mezz_metrics::{Gauge, gauge, number};
use mezz_pool::{Pool, PoolMeters};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// L1 blocks that a ready node may be behind in following L1, and as many again in deriving.
const MAX_LAG: u64 = 32;
/// Pauses between blocks without a block after which a sequencer is not ready, and the least time
/// for it.
const MISSED_BLOCKS: u32 = 20;
const NO_BLOCK: Duration = Duration::from_secs(30);

/// One node, looked at.
#[derive(Debug)]
pub(crate) struct Vitals {
    pub(crate) sequencer: Option<SequencerConfig>,
    pub(crate) chain: Chain,
    pub(crate) pool: Pool,
    pub(crate) status: StatusHandle,
    pub(crate) l1: L1Client,
    /// How old the newest block of L1 may be; `None` for an L1 that makes blocks on demand.
    pub(crate) l1_max_age: Option<Duration>,
    pub(crate) gauges: Gauges,
}

impl Vitals {
    const fn duty(&self) -> &'static str {
        if self.sequencer.is_some() { "sequencer" } else { "verifier" }
    }

    fn view(&self) -> View {
        View {
            duty: self.duty(),
            sequencer: self.sequencer,
            url: self.l1.url().to_owned(),
            contact: self.l1.contact(),
            l1_max_age: self.l1_max_age,
            status: self.status.get(),
            unchanged: self.status.unchanged_for(),
            now: unix_now(),
        }
    }
}

/// What readiness is judged by.
#[derive(Clone, Debug)]
struct View {
    duty: &'static str,
    sequencer: Option<SequencerConfig>,
    url: String,
    contact: Contact,
    l1_max_age: Option<Duration>,
    status: SyncStatus,
    /// How long the unsafe head has been the same.
    unchanged: Duration,
    /// Seconds since the epoch.
    now: u64,
}

impl View {
    fn check(&self, check: &'static str, ok: bool, detail: String) -> Check {
        Check { duty: self.duty, check, ok, detail }
    }

    fn l1_head(&self) -> Check {
        let Some((number, timestamp)) = self.contact.head else {
            return self.check("l1_head", false, "no block of L1 is known yet".to_owned());
        };
        let age = Duration::from_secs(self.now.saturating_sub(timestamp));
        let ok = self.l1_max_age.is_none_or(|most| age <= most);
        let detail = format!("block {number} of L1 was made {}", ago(age));
        self.check("l1_head", ok, detail)
    }

    fn following(&self) -> Check {
        let followed = self.status.head_l1;
        let newest = self.contact.head.map_or(followed.number, |(number, _)| number);
        let lag = newest.saturating_sub(followed.number);
        let ok = lag <= MAX_LAG && followed != L1BlockRef::default();
        let detail = format!("follows L1 up to block {} of {newest}", followed.number);
        self.check("following", ok, detail)
    }

    fn derivation(&self) -> Check {
        let (derived, followed) = (self.status.current_l1.number, self.status.head_l1.number);
        let ok = followed.saturating_sub(derived) <= MAX_LAG;
        let detail = format!(
            "L1 is derived up to block {derived} of {followed}; the safe head is {}",
            self.status.safe_l2.number
        );
        self.check("derivation", ok, detail)
    }

    fn blocks(&self, sequencer: SequencerConfig) -> Check {
        let most = NO_BLOCK.max(sequencer.block_time.saturating_mul(MISSED_BLOCKS));
        let detail =
            format!("block {} was made {}", self.status.unsafe_l2.number, ago(self.unchanged));
        self.check("blocks", self.unchanged <= most, detail)
    }

    fn checks(&self) -> Vec<Check> {
        let mut checks = vec![
            contact(self.duty, "l1", &self.url, &self.contact, Some(SILENCE)),
            self.l1_head(),
            self.following(),
            self.derivation(),
        ];
        checks.extend(self.sequencer.map(|sequencer| self.blocks(sequencer)));
        checks
    }
}

impl Probe for Vitals {
    fn health(&self) -> Vec<Check> {
        let failure = self.chain.storage_failure();
        let ok = failure.is_none();
        let detail = failure.map_or_else(|| "takes changes".to_owned(), |error| error.to_string());
        let task = self.status.pulse().alive(self.duty(), Some(HUNG));
        vec![Check { duty: self.duty(), check: "storage", ok, detail }, task]
    }

    fn readiness(&self) -> Vec<Check> {
        self.view().checks()
    }

    fn sample(&self) {
        let (status, gauges, now) = (self.status.get(), &self.gauges, unix_now());
        gauges.pool.sample(&self.pool);
        let heads = [status.unsafe_l2, status.safe_l2, status.finalized_l2];
        for (head, block) in gauges.heads.iter().zip(heads) {
            head.set(&block, now);
        }
        let contact = self.l1.contact();
        let head = contact.head.unwrap_or_default();
        let numbers = [
            head.0,
            status.head_l1.number,
            status.current_l1.number,
            status.safe_l1.number,
            status.finalized_l1.number,
        ];
        for (gauge, value) in gauges.l1.iter().zip(numbers) {
            gauge.set(number(value));
        }
        gauges.l1_age.set(number(contact.head.map_or(0, |(_, time)| now.saturating_sub(time))));
        gauges.l1_silence.set(contact.silence().unwrap_or_default().as_secs_f64());
        gauges.unchanged.set(self.status.unchanged_for().as_secs_f64());
        gauges.storage_failed.set(f64::from(u8::from(self.chain.storage_failure().is_some())));
    }
}

/// Seconds since the epoch.
fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

#[derive(Debug)]
struct Head {
    number: Gauge,
    age: Gauge,
}

impl Head {
    fn new(head: &'static str) -> Self {
        let of = [("head", head)];
        Self {
            number: gauge("mezz_node_head_number", "Number of a head of the L2.", &of),
            age: gauge(
                "mezz_node_head_age_seconds",
                "This machine's time less the timestamp of a head of the L2.",
                &of,
            ),
        }
    }

    fn set(&self, block: &L2BlockRef, now: u64) {
        self.number.set(number(block.number));
        self.age.set(number(now.saturating_sub(block.timestamp)));
    }
}

/// The gauges of a node.
#[derive(Debug)]
pub(crate) struct Gauges {
    heads: [Head; 3],
    l1: [Gauge; 5],
    l1_age: Gauge,
    l1_silence: Gauge,
    unchanged: Gauge,
    storage_failed: Gauge,
    pool: PoolMeters,
}

impl Gauges {
    pub(crate) fn new(chain: &Chain) -> Self {
        let l1 = |block| {
            let help = "L1 blocks: the newest that L1 has shown (head), and up to which it is followed, derived, safe and finalized.";
            gauge("mezz_node_l1_number", help, &[("block", block)])
        };
        Self {
            heads: ["unsafe", "safe", "finalized"].map(Head::new),
            l1: ["head", "followed", "derived", "safe", "finalized"].map(l1),
            l1_age: gauge(
                "mezz_node_l1_head_age_seconds",
                "This machine's time less the timestamp of L1's newest block.",
                &[],
            ),
            l1_silence: gauge(
                "mezz_node_l1_silence_seconds",
                "How long ago the L1 node last answered.",
                &[],
            ),
            unchanged: gauge(
                "mezz_node_unchanged_seconds",
                "How long the unsafe head has been the same block.",
                &[],
            ),
            storage_failed: gauge(
                "mezz_node_storage_failed",
                "1 after a write to the disk has failed: nothing more is taken until a restart.",
                &[],
            ),
            pool: PoolMeters::new(chain.layer()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const MINUTES: Duration = Duration::from_secs(300);

    /// A sequencer that is ready.
    fn ready() -> View {
        let l1 = |number| L1BlockRef { number, timestamp: 1, ..L1BlockRef::default() };
        let status =
            SyncStatus { head_l1: l1(1_000), current_l1: l1(990), ..SyncStatus::default() };
        View {
            duty: "sequencer",
            sequencer: Some(SequencerConfig {
                block_time: Duration::from_secs(1),
                l1_confirmations: 0,
            }),
            url: "http://l1".to_owned(),
            contact: Contact {
                answered: Some(Instant::now()),
                failure: None,
                head: Some((1_001, 50_000)),
            },
            l1_max_age: Some(MINUTES),
            status,
            unchanged: Duration::from_secs(2),
            now: 50_010,
        }
    }

    fn failed(view: &View) -> Vec<&'static str> {
        view.checks().iter().filter(|check| !check.ok).map(|check| check.check).collect()
    }

    #[test]
    fn each_thing_that_is_amiss_fails_its_own_check() {
        assert!(failed(&ready()).is_empty());
        let silent = Contact { answered: None, ..ready().contact };
        assert_eq!(failed(&View { contact: silent, ..ready() }), ["l1"]);
        assert_eq!(failed(&View { now: 50_301, ..ready() }), ["l1_head"]);
        let on_demand = View { now: 90_000, l1_max_age: None, ..ready() };
        assert!(failed(&on_demand).is_empty());
        let ahead = Contact { head: Some((1_033, 50_000)), ..ready().contact };
        assert_eq!(failed(&View { contact: ahead, ..ready() }), ["following"]);
        let behind = L1BlockRef { number: 967, ..L1BlockRef::default() };
        let status = SyncStatus { current_l1: behind, ..ready().status };
        assert_eq!(failed(&View { status, ..ready() }), ["derivation"]);
        let unchanged = Duration::from_secs(31);
        assert_eq!(failed(&View { unchanged, ..ready() }), ["blocks"]);
        assert!(failed(&View { unchanged, sequencer: None, ..ready() }).is_empty());
        let nothing = View { status: SyncStatus::default(), ..ready() };
        assert_eq!(failed(&nothing), ["following"], "it has only just begun");
    }
}
