//! Whether a duty works (`/health`) and does what it is there for (`/ready`), with reasons.
//!
//! Health is about the process: one that is unhealthy should be started anew. Readiness is about
//! the world around it as well: who is not ready should get no requests, and be left alone.

use mezz_l1::{Contact, L1Client, TxSender};
use mezz_metrics::{Gauge, gauge};
use mezz_rpc::{GetResponse, GetRoute};
use serde::Serialize;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// How long another node may be silent before who needs it is not ready.
pub const SILENCE: Duration = Duration::from_secs(30);
/// How long a task may show no sign of life before it counts as hung.
pub const HUNG: Duration = Duration::from_secs(120);

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Whose: `sequencer`, `verifier`, `batcher`, `proposer`, `l1`.
    pub duty: &'static str,
    /// What was looked at.
    pub check: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

/// Looks at one duty.
pub trait Probe: fmt::Debug + Send + Sync {
    /// Whether the process works.
    fn health(&self) -> Vec<Check>;
    /// Whether it does what it is there for, beyond [`Probe::health`].
    fn readiness(&self) -> Vec<Check>;
    /// Sets the gauges that are looked up rather than counted.
    fn sample(&self) {}
}

/// All duties of a process; none while it is being started. Clones are the same.
#[derive(Clone, Default)]
pub struct Probes(Arc<RwLock<Vec<Arc<dyn Probe>>>>);

impl fmt::Debug for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probes").field(&self.all().len()).finish()
    }
}

impl Probes {
    /// The duties have been started.
    pub fn set(&self, probes: Vec<Arc<dyn Probe>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = probes;
    }

    fn all(&self) -> Vec<Arc<dyn Probe>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the gauges of all.
    pub fn sample(&self) {
        for probe in self.all() {
            probe.sample();
            let checks = [probe.health(), probe.readiness()].concat();
            let Some(duty) = checks.first().map(|check| check.duty) else { continue };
            let ready = checks.iter().all(|check| check.ok);
            gauge("mezz_duty_ready", "1 if the duty is ready, as /ready says.", &[("duty", duty)])
                .set(f64::from(u8::from(ready)));
        }
    }

    /// The routes `/health` and `/ready`: status 200, or 503 if a check fails; the body is an
    /// object with `ok` and `checks`.
    pub fn routes(&self) -> Vec<GetRoute> {
        let (healthy, ready) = (self.clone(), self.clone());
        vec![
            GetRoute::quick("/health", move |_| respond(healthy.health())),
            GetRoute::quick("/ready", move |_| respond(ready.readiness())),
        ]
    }

    fn health(&self) -> Vec<Check> {
        self.all().iter().flat_map(|probe| probe.health()).collect()
    }

    fn readiness(&self) -> Vec<Check> {
        let all = self.all();
        if all.is_empty() {
            let detail = "the duties are being started".to_owned();
            return vec![Check { duty: "mezz", check: "start", ok: false, detail }];
        }
        all.iter().flat_map(|probe| [probe.health(), probe.readiness()].concat()).collect()
    }
}

fn respond(checks: Vec<Check>) -> GetResponse {
    #[derive(Serialize)]
    struct Answer {
        ok: bool,
        checks: Vec<Check>,
    }
    let ok = checks.iter().all(|check| check.ok);
    let status = if ok { 200 } else { 503 };
    match serde_json::to_string(&Answer { ok, checks }) {
        Ok(body) => GetResponse::json(status, body + "\n"),
        Err(error) => GetResponse::text(500, format!("{error}\n")),
    }
}

/// Whether another node answers: within `patience`, or, for a duty that does not ask all the time,
/// the last time.
pub(crate) fn contact(
    duty: &'static str,
    check: &'static str,
    url: &str,
    contact: &Contact,
    patience: Option<Duration>,
) -> Check {
    let Contact { failure, .. } = contact;
    let silence = contact.silence();
    let ok = match patience {
        Some(patience) => silence.is_some_and(|silence| silence <= patience),
        None => silence.is_some() && failure.is_none(),
    };
    let detail = match (silence, failure) {
        (_, Some(reason)) => reason.clone(),
        (Some(silence), None) => format!("{url} answered {}", ago(silence)),
        (None, None) => format!("{url} has not answered yet"),
    };
    Check { duty, check, ok, detail }
}

/// `3 s ago`.
pub(crate) fn ago(time: Duration) -> String {
    format!("{} s ago", time.as_secs())
}

/// How a task fares that looks at the world again and again: it tells, others look.
#[derive(Clone, Debug)]
pub struct Pulse {
    state: Arc<Mutex<Beat>>,
}

#[derive(Debug)]
struct Beat {
    at: Instant,
    ended: bool,
    trouble: Option<String>,
    /// When it last got something done.
    done: Instant,
}

impl Default for Pulse {
    fn default() -> Self {
        let now = Instant::now();
        let beat = Beat { at: now, ended: false, trouble: None, done: now };
        Self { state: Arc::new(Mutex::new(beat)) }
    }
}

/// Says that the task has ended when it is dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct Life(Pulse);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.lock().ended = true;
    }
}

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, Beat> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be held by the task as long as it lives.
    pub(crate) fn begin(&self) -> Life {
        self.beat();
        Life(self.clone())
    }

    /// The task is alive.
    pub(crate) fn beat(&self) {
        self.lock().at = Instant::now();
    }

    /// What keeps the task from doing its duty, if anything.
    pub(crate) fn trouble(&self, trouble: Option<String>) {
        self.lock().trouble = trouble;
    }

    /// The task has got something done.
    pub(crate) fn done(&self) {
        self.lock().done = Instant::now();
    }

    /// How long ago the task last got something done, or began.
    pub(crate) fn idle(&self) -> Duration {
        self.lock().done.elapsed()
    }

    /// Whether the task runs and has moved within `patience`; without one, whether it runs.
    pub(crate) fn alive(&self, duty: &'static str, patience: Option<Duration>) -> Check {
        let beat = self.lock();
        let silence = beat.at.elapsed();
        let hung = patience.is_some_and(|patience| silence > patience);
        let detail = match (beat.ended, hung) {
            (true, _) => "its task has ended".to_owned(),
            (false, true) => format!("its task hangs: last seen {}", ago(silence)),
            (false, false) => "at work".to_owned(),
        };
        Check { duty, check: "task", ok: !beat.ended && !hung, detail }
    }

    /// Whether it met no trouble the last time.
    pub(crate) fn untroubled(&self, duty: &'static str) -> Check {
        let trouble = self.lock().trouble.clone();
        let ok = trouble.is_none();
        let detail = trouble.unwrap_or_else(|| "nothing failed the last time".to_owned());
        Check { duty, check: "work", ok, detail }
    }
}

/// A duty that posts to L1, looked at.
#[derive(Debug)]
pub struct DutyProbe {
    duty: &'static str,
    pulse: Pulse,
    /// How long it may show no sign of life.
    patience: Option<Duration>,
    l1: L1Client,
    l2: L1Client,
    sender: TxSender,
    idle: Gauge,
    stalled: Gauge,
}

impl DutyProbe {
    pub(crate) fn new(
        duty: &'static str,
        pulse: Pulse,
        patience: Option<Duration>,
        l1: L1Client,
        l2: L1Client,
        sender: TxSender,
    ) -> Self {
        let help = "Time since the duty last had something of its own on L1, or since its start.";
        let idle = gauge("mezz_duty_idle_seconds", help, &[("duty", duty)]);
        let help =
            "How long transactions to L1 have waited without one being mined; 0 if none waits.";
        let stalled = gauge("mezz_sender_stalled_seconds", help, &[("duty", duty)]);
        Self { duty, pulse, patience, l1, l2, sender, idle, stalled }
    }
}

impl Probe for DutyProbe {
    fn health(&self) -> Vec<Check> {
        vec![self.pulse.alive(self.duty, self.patience)]
    }

    fn readiness(&self) -> Vec<Check> {
        let trouble = self.sender.status().trouble;
        let sending = Check {
            duty: self.duty,
            check: "sender",
            ok: trouble.is_none(),
            detail: trouble.unwrap_or_else(|| "nothing holds transactions up".to_owned()),
        };
        vec![
            contact(self.duty, "l1", self.l1.url(), &self.l1.contact(), None),
            contact(self.duty, "l2", self.l2.url(), &self.l2.contact(), None),
            self.pulse.untroubled(self.duty),
            sending,
        ]
    }

    fn sample(&self) {
        self.idle.set(self.pulse.idle().as_secs_f64());
        let since = self.sender.status().stalled_since;
        self.stalled.set(since.map_or(0.0, |since| since.elapsed().as_secs_f64()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(bool, bool);

    impl Probe for Fixed {
        fn health(&self) -> Vec<Check> {
            vec![Check { duty: "batcher", check: "task", ok: self.0, detail: "a".to_owned() }]
        }

        fn readiness(&self) -> Vec<Check> {
            vec![Check { duty: "batcher", check: "l1", ok: self.1, detail: "b".to_owned() }]
        }
    }

    #[test]
    fn one_failed_check_of_any_duty_fails_the_answer() {
        for (health, ready, expected) in
            [(true, true, [200, 200]), (true, false, [200, 503]), (false, true, [503, 503])]
        {
            let probes = Probes::default();
            assert_eq!(respond(probes.health()).status, 200);
            assert_eq!(respond(probes.readiness()).status, 503, "nothing is started yet");
            probes.set(vec![Arc::new(Fixed(true, true)), Arc::new(Fixed(health, ready))]);
            let answers = [respond(probes.health()), respond(probes.readiness())];
            assert_eq!(answers.each_ref().map(|answer| answer.status), expected);
            let body: serde_json::Value = serde_json::from_slice(&answers[1].body).unwrap();
            assert_eq!(body["ok"], expected[1] == 200);
            assert_eq!(body["checks"].as_array().unwrap().len(), 4);
            assert_eq!(body["checks"][3]["detail"], "b");
        }
    }

    #[test]
    fn task_that_ends_or_hangs_is_not_alive() {
        let pulse = Pulse::default();
        let life = pulse.begin();
        assert!(pulse.alive("batcher", Some(HUNG)).ok);
        assert!(!pulse.alive("batcher", Some(Duration::ZERO)).ok);
        assert!(pulse.alive("batcher", None).ok);
        pulse.trouble(Some("no ether".to_owned()));
        assert_eq!(pulse.untroubled("batcher").detail, "no ether");
        pulse.trouble(None);
        assert!(pulse.untroubled("batcher").ok);
        let panicked = std::thread::spawn(move || {
            let _life = life;
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(pulse.alive("batcher", None).detail, "its task has ended");
    }

    #[test]
    fn node_is_missed_after_a_while_or_at_once() {
        let look = |answered: Option<u64>, failure: Option<&str>, patience| {
            let answered =
                answered.and_then(|ago| Instant::now().checked_sub(Duration::from_secs(ago)));
            let seen = Contact { answered, failure: failure.map(str::to_owned), head: None };
            contact("batcher", "l1", "http://l1", &seen, patience)
        };
        assert!(!look(None, None, None).ok && !look(None, None, Some(SILENCE)).ok);
        assert!(look(Some(1), None, Some(SILENCE)).ok);
        assert!(look(Some(1), Some("refused"), Some(SILENCE)).ok, "one failure is no silence");
        assert!(!look(Some(31), Some("refused"), Some(SILENCE)).ok);
        assert!(look(Some(3_000), None, None).ok, "nobody has asked it since");
        let failed = look(Some(1), Some("refused"), None);
        assert_eq!((failed.ok, failed.detail.as_str()), (false, "refused"));
    }
}
