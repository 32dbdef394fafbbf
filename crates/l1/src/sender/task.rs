//! The task of one key: takes requests, looks at the chain, and does for each transaction in
//! flight what it needs.

use super::{
    FeeLimits, Job, Published, SendError, SenderConfig, SenderStatus, TxSender,
    flight::Flight,
    journal::{Entry, Journal, Settled},
    launch::{Launch, Queued},
    meters::Meters,
};
use crate::client::{L1Client, L1Error};
use alloy::{
    consensus::{Header, Sealed},
    eips::{BlockId, BlockNumberOrTag},
    primitives::Address,
    signers::local::PrivateKeySigner,
};
use core::fmt;
use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// Requests that may wait in the task, and as many more in the channel.
const QUEUE: usize = 16;
/// The first look after a broadcast: devnets mine at once.
const FIRST_LOOK: Duration = Duration::from_millis(30);
/// A task with nothing in flight looks at nothing.
const IDLE: Duration = Duration::from_secs(3600);
/// The working half of a [`TxSender`]. Spawn [`Self::run`].
pub struct TxSenderTask {
    pub(super) client: L1Client,
    pub(super) signer: PrivateKeySigner,
    pub(super) address: Address,
    pub(super) chain_id: u64,
    pub(super) config: SenderConfig,
    pub(super) journal: Journal,
    pub(super) flights: BTreeMap<u64, Flight>,
    pub(super) next_nonce: u64,
    pub(super) head: Option<Sealed<Header>>,
    queue: VecDeque<Queued>,
    pub(super) jobs: mpsc::Receiver<Job>,
    status: watch::Sender<Published>,
    /// Requests taken so far.
    taken: u64,
    /// The highest row of which a request was not carried out.
    torn: Option<u64>,
    limits: watch::Receiver<FeeLimits>,
    /// What the journal held, until the chain has been asked about it.
    resumed: Option<Vec<Entry>>,
    hold: Option<String>,
    failures: u32,
    pub(super) meters: Meters,
    /// Since when something waits and nothing was mined.
    stalled_since: Option<Instant>,
}

impl fmt::Debug for TxSenderTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxSenderTask")
            .field("address", &self.address)
            .field("next_nonce", &self.next_nonce)
            .finish_non_exhaustive()
    }
}

impl TxSender {
    /// A sender for the key of `signer`, and the task that does its work. `journal` is a folder of
    /// its own for this account on this chain; without it nothing survives a restart.
    ///
    /// # Errors
    /// [`SendError::Journal`] if the folder cannot be used or belongs to another account or chain.
    pub fn new(
        client: L1Client,
        signer: PrivateKeySigner,
        chain_id: u64,
        journal: Option<PathBuf>,
        config: SenderConfig,
    ) -> Result<(Self, TxSenderTask), SendError> {
        let address = signer.address();
        let (journal, entries) = Journal::open(journal, chain_id, address)?;
        let (jobs, receiver) = mpsc::channel(QUEUE);
        // What became of these is not known yet.
        let status = SenderStatus { waiting: entries.len(), ..SenderStatus::default() };
        let (status, published) = watch::channel(Published { status, taken: 0 });
        let meters = Meters::new(config.duty);
        let (limits, limited) = watch::channel(config.fees);
        let task = TxSenderTask {
            client,
            signer,
            address,
            chain_id,
            config,
            journal,
            flights: BTreeMap::new(),
            next_nonce: 0,
            head: None,
            queue: VecDeque::new(),
            jobs: receiver,
            status,
            taken: 0,
            torn: None,
            limits: limited,
            resumed: Some(entries),
            hold: None,
            failures: 0,
            meters,
            stalled_since: None,
        };
        let submitted = Arc::default();
        Ok((Self { address, jobs, submitted, published, limits }, task))
    }
}

impl TxSenderTask {
    /// Works until the last [`TxSender`] is gone.
    pub async fn run(mut self) {
        let mut due = Instant::now();
        loop {
            tokio::select! {
                job = self.jobs.recv(), if self.queue.len() < QUEUE => match job {
                    Some(job) => self.enqueue(job),
                    None => return,
                },
                () = sleep_until(due) => {}
            }
            while self.queue.len() < QUEUE
                && let Ok(job) = self.jobs.try_recv()
            {
                self.enqueue(job);
            }
            self.publish();
            let look = Instant::now() >= due;
            if !look && self.failures > 0 {
                continue;
            }
            let sent_before = self.next_nonce;
            due = match self.round(look).await {
                Ok(()) => {
                    if self.failures > 0 {
                        tracing::info!(url = self.client.url(), "sending to L1 works again");
                        self.failures = 0;
                    }
                    let pause = if self.next_nonce != sent_before {
                        FIRST_LOOK.min(self.config.poll_interval)
                    } else if self.flights.is_empty() && self.queue.is_empty() {
                        IDLE
                    } else {
                        self.config.poll_interval
                    };
                    Instant::now() + pause
                }
                Err(error) => Instant::now() + self.failed(&error),
            };
            self.publish();
        }
    }

    pub(super) fn enqueue(&mut self, job: Job) {
        self.taken = self.taken.saturating_add(1);
        self.queue.push_back(Queued {
            request: Arc::new(job.request),
            reply: Some(job.reply),
            sidecar: None,
        });
    }

    /// Whether a request before this one in its row was not carried out.
    pub(super) fn is_torn(&self, row: Option<u64>) -> bool {
        row.is_some() && row <= self.torn
    }

    fn failed(&mut self, error: &SendError) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let failures = self.failures;
        if failures == 1 || (failures >= 8 && failures.is_power_of_two()) {
            tracing::warn!(account = %self.address, failures, "{error}; will keep trying");
        }
        self.hold = Some(error.to_string());
        let doublings = failures.saturating_sub(1).min(16);
        self.config.poll_interval.saturating_mul(1 << doublings).min(self.config.max_backoff)
    }

    pub(super) fn publish(&mut self) {
        let waiting = self.waiting();
        let mined = self.flights.values().filter_map(|flight| flight.mined.as_ref());
        let newest = mined.map(|mined| mined.block).max_by_key(|block| block.number);
        let waiting_all = waiting + self.resumed.as_ref().map_or(0, Vec::len);
        self.stalled_since = match waiting_all + self.queue.len() {
            0 => None,
            _ => self.stalled_since.or_else(|| Some(Instant::now())),
        };
        let status = SenderStatus {
            next_nonce: self.next_nonce,
            queued: self.queue.len(),
            waiting: waiting_all,
            stalled_since: self.stalled_since,
            watched: self.flights.len() - waiting,
            newest_mined: newest,
            trouble: self.hold.clone(),
        };
        self.meters.status(&status);
        self.status.send_replace(Published { status, taken: self.taken });
    }

    fn waiting(&self) -> usize {
        self.flights.values().filter(|flight| flight.mined.is_none()).count()
    }

    async fn round(&mut self, look: bool) -> Result<(), SendError> {
        self.config.fees = *self.limits.borrow();
        self.resume().await?;
        if look && !self.flights.is_empty() {
            self.look().await?;
        }
        self.hold = None;
        if !self.queue.is_empty() {
            self.check_anchor().await?;
        }
        while self.waiting() < self.config.max_in_flight.max(1)
            && let Some(mut queued) = self.queue.pop_front()
        {
            match self.launch(&mut queued).await {
                Ok(Launch::Done) => {}
                Ok(Launch::Hold(reason)) => {
                    self.queue.push_front(queued);
                    self.hold = Some(reason);
                    break;
                }
                Err(SendError::L1(error)) if error.is_retryable() => {
                    self.queue.push_front(queued);
                    return Err(error.into());
                }
                Err(error) => {
                    // What another chain says of it, answering in the meantime, does not count: to
                    // refuse this request and send those after it would tear a row of them.
                    if let Err(elsewhere) = self.check_anchor().await {
                        self.queue.push_front(queued);
                        return Err(elsewhere);
                    }
                    self.meters.refused.increment(1);
                    self.torn = self.torn.max(queued.request.row);
                    // Whoever waits for it says so in the log, as often as is of use.
                    tracing::debug!(account = %self.address, "L1 transaction not sent: {error}");
                    if let Some(reply) = queued.reply.take() {
                        // Nobody waits any more: that is the waiter's choice.
                        let _ = reply.send(Err(error));
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes up what the journal held. The first looks find out what became of it.
    async fn resume(&mut self) -> Result<(), SendError> {
        if self.resumed.is_none() {
            return Ok(());
        }
        self.check_anchor().await?;
        let latest = self.client.nonce(self.address, BlockId::latest()).await?;
        let pending = self.client.nonce(self.address, BlockId::pending()).await?;
        self.next_nonce = latest.max(pending);
        for entry in self.resumed.take().unwrap_or_default() {
            tracing::info!(nonce = entry.nonce, account = %self.address, "resuming an L1 transaction");
            self.next_nonce = self.next_nonce.max(entry.nonce.saturating_add(1));
            self.flights.insert(entry.nonce, Flight::unoffered(entry, Instant::now()));
        }
        if !self.flights.is_empty() {
            self.look().await?;
        }
        Ok(())
    }

    /// One look at the chain.
    async fn look(&mut self) -> Result<(), SendError> {
        let head = self.client.header(BlockNumberOrTag::Latest).await?;
        let number = head.number;
        let next = self.client.nonce(self.address, BlockId::number(number)).await?;
        let extends = self
            .head
            .as_ref()
            .is_none_or(|old| old.hash() == head.hash() || old.hash() == head.parent_hash);
        if !extends {
            self.check_anchor().await?;
            self.recheck().await?;
        }
        self.collect(next).await?;
        // Before anyone has a receipt, so that the status is never behind what was handed out.
        self.publish();
        self.settle(number).await?;
        for flight in self.flights.values_mut().filter(|flight| flight.sent_head == 0) {
            flight.sent_head = number;
        }
        if self.waiting() > 0 {
            let market = self.client.fee_info().await?;
            self.give_up_orphans(next, number, &market).await?;
            self.keep_up(next, number, &market).await?;
            self.fill_gap(next, &market).await?;
        } else {
            self.take_back(next).await?;
        }
        // Only now: if anything above failed, the next look checks for a reorganisation again.
        self.head = Some(head);
        Ok(())
    }

    /// After a possible reorganisation: is what was mined still mined?
    async fn recheck(&mut self) -> Result<(), SendError> {
        // If the newest of their blocks is canonical, so are the others below it.
        let newest = self
            .flights
            .values()
            .filter_map(|flight| flight.mined.as_ref())
            .map(|mined| mined.block)
            .max_by_key(|block| block.number);
        let Some(newest) = newest else { return Ok(()) };
        match self.client.header(newest.number.into()).await {
            Ok(header) if header.hash() == newest.hash => return Ok(()),
            Ok(_) | Err(L1Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let nonces: Vec<u64> = self
            .flights
            .values()
            .filter(|flight| flight.mined.is_some())
            .map(|flight| flight.nonce)
            .collect();
        for nonce in nonces {
            let Some(flight) = self.flights.get(&nonce) else { continue };
            let hashes: Vec<_> = flight.hashes().collect();
            let mined = self.find_mined(&hashes).await?;
            let Some(flight) = self.flights.get_mut(&nonce) else { continue };
            if mined.is_none() {
                self.meters.reorganised.increment(1);
                tracing::warn!(
                    nonce,
                    hash = %flight.last().hash,
                    "an L1 reorganisation dropped a transaction"
                );
                let now = Instant::now();
                flight.accepted = false;
                flight.sent_at = now;
                flight.checked_at = now.checked_sub(self.config.rebroadcast_after).unwrap_or(now);
            }
            flight.mined = mined;
        }
        Ok(())
    }

    /// Finds the receipts of transactions that the account's nonce is past.
    async fn collect(&mut self, next: u64) -> Result<(), SendError> {
        let passed: Vec<u64> = self
            .flights
            .range(..next)
            .filter(|(_, flight)| flight.mined.is_none())
            .map(|(nonce, _)| *nonce)
            .collect();
        for nonce in passed {
            let Some(flight) = self.flights.get(&nonce) else { continue };
            let hashes: Vec<_> = flight.hashes().collect();
            let mined = self.find_mined(&hashes).await?;
            let Some(flight) = self.flights.get_mut(&nonce) else { continue };
            if let Some(mined) = mined {
                self.meters.mined.increment(1);
                self.stalled_since = None;
                tracing::debug!(nonce, l1 = %mined.block, "an L1 transaction was mined");
                flight.mined = Some(mined);
                flight.accepted = true;
                flight.sidecar = None;
                flight.lost_since = None;
                continue;
            }
            // Receipts may lag a little behind the nonce.
            let now = Instant::now();
            let since = *flight.lost_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= self.config.rebroadcast_after {
                let error = SendError::NonceTaken { address: self.address, nonce };
                tracing::error!("{error}");
                self.torn = self.torn.max(flight.request.row);
                flight.reply(&Err(error));
                self.flights.remove(&nonce);
                self.journal.remove(nonce).await?;
            }
        }
        Ok(())
    }

    /// Hands out receipts, and lets go of what can no longer disappear.
    async fn settle(&mut self, head: u64) -> Result<(), SendError> {
        let mut done = Vec::new();
        for flight in self.flights.values_mut() {
            let Some(mined) = &flight.mined else { continue };
            let depth = (head + 1).saturating_sub(mined.block.number);
            let outcome = Flight::outcome(mined);
            if depth >= self.config.watch_blocks {
                let hash = mined.receipt.transaction_hash;
                done.push((flight.nonce, flight.request.key.map(|key| Settled { key, hash })));
            }
            if depth >= self.config.confirmations.max(1) {
                if outcome.is_err() {
                    self.torn = self.torn.max(flight.request.row);
                }
                flight.reply(&outcome);
            }
        }
        for (nonce, settled) in done {
            if let Some(settled) = settled {
                self.journal.settle(settled).await?;
            }
            self.journal.remove(nonce).await?;
            self.flights.remove(&nonce);
        }
        Ok(())
    }
}
