//! The batcher: posts the sequencer's blocks to the inbox on L1.
//!
//! It reads blocks as they come and posts them when the oldest is old enough, or when they fill as
//! many blobs as the operator wants to fill; in blobs or in calldata, whichever costs less. While
//! L1 costs more than the operator pays it waits, but not beyond the sequencing window.
//!
//! It keeps no state of its own that matters. What is safe on the L2 node has arrived; after a
//! restart, or whenever something is amiss, it begins again after the safe head, once the node has
//! derived all that was posted before. A batch that arrives twice costs its sender money and
//! changes nothing.

mod ledger;
mod meters;
mod pending;
mod price;
#[cfg(test)]
mod tests;

pub use self::price::Carriers;

use self::{
    ledger::{Footing, Ledger, Posted},
    meters::Meters,
    pending::{Pending, Ready},
    price::{blocks_to_urgency, choose, too_dear},
};
use crate::{
    books::Carrier,
    health::{DutyProbe, Pulse},
    inbox,
    l2_client::{L2Client, L2Error},
    trouble::Trouble,
};
use alloy::{
    eips::eip4844::{Blob, Bytes48},
    primitives::{Address, TxKind, U256},
};
use mezz_derivation::{batch::EncodeError, blob};
use mezz_l1::{
    BlockRef, FeeInfo, FeeLimits, KzgError, L1Client, L1Error, SendError, TxRequest, TxSender,
    blob_commitment,
};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Pause between two looks at the L2 node.
const POLL: Duration = Duration::from_millis(250);
/// Pause between two looks at prices that were too high.
const PRICE_POLL: Duration = Duration::from_secs(2);
/// Batches that may be on their way to L1 at the same time.
const MAX_IN_FLIGHT: usize = 4;
/// How long a round may take before the task counts as hung.
const ROUND: Duration = Duration::from_secs(600);
/// What is paid when the sequencing window is about to end: ten times the sender's own limits.
const ANY_PRICE: u128 = 10_000_000_000_000;

/// How the batcher works.
#[derive(Clone, Debug)]
pub struct BatcherConfig {
    /// The inbox on L1.
    pub inbox: Address,
    /// Chain id of L2.
    pub l2_chain_id: u64,
    /// L1 blocks within which a batch must follow its origin.
    pub sequencing_window: u64,
    /// How old the oldest unposted block may get.
    pub max_age: Duration,
    /// Blobs that a batch fills before it is posted without waiting for its age: 1 to 6. Of a
    /// batch in calldata, the same bytes, as far as calldata takes them.
    pub target_blobs: usize,
    /// What carries batches.
    pub carriers: Carriers,
    /// What the operator pays. Near the end of the sequencing window it is exceeded.
    pub fees: FeeLimits,
    /// L1 blocks after which a batch that did not become safe is given up and posted again.
    pub patience: u64,
}

/// Why a batch could not be posted.
#[derive(Debug, thiserror::Error)]
enum BatcherError {
    #[error(transparent)]
    L2(#[from] L2Error),
    #[error(transparent)]
    L1(#[from] L1Error),
    #[error("a batch cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
    #[error("a batch does not fit into blobs: {0}")]
    Blob(#[from] blob::BlobError),
    #[error("the blobs of a batch cannot be committed to: {0}")]
    Kzg(#[from] KzgError),
    #[error("this L1 takes no batch of this size the way that --batch-data says")]
    NoCarrier,
    #[error("{0}")]
    Send(#[from] SendError),
    #[error("block {number} of the L2 node does not build on block {}", number - 1)]
    Gap { number: u64 },
    #[error("encoding was interrupted")]
    Interrupted,
}

/// The batcher's task.
#[derive(Debug)]
pub struct Batcher {
    config: BatcherConfig,
    l2: L2Client,
    l1: L1Client,
    sender: TxSender,
    pulse: Pulse,
    meters: Meters,
}

/// What the batcher knows between two rounds.
#[derive(Debug, Default)]
struct Work {
    ledger: Ledger,
    pending: Pending,
    hold: Option<Hold>,
    /// Batches that build on each other, as the sender is told. What is begun again is a new row.
    row: u64,
}

/// A wait for lower prices.
#[derive(Clone, Copy, Debug)]
struct Hold {
    /// When they are looked at again.
    until: Instant,
    /// How often they were too high in a row.
    looks: u32,
}

impl Hold {
    /// The wait after `looks` looks before this one.
    fn after(looks: u32) -> Self {
        Self { until: Instant::now() + PRICE_POLL, looks: looks.saturating_add(1) }
    }
}

impl Batcher {
    /// A batcher that reads from `l2` and posts with `sender`.
    pub fn new(config: BatcherConfig, l2: L2Client, l1: L1Client, sender: TxSender) -> Self {
        Self { config, l2, l1, sender, pulse: Pulse::default(), meters: Meters::new() }
    }

    /// What tells how it fares.
    pub fn probe(&self) -> DutyProbe {
        let (l1, l2) = (self.l1.clone(), self.l2.rpc().clone());
        DutyProbe::new("batcher", self.pulse.clone(), Some(ROUND), l1, l2, self.sender.clone())
    }

    /// Runs until `stop`. Trouble is logged and waited out.
    pub async fn run(self, stop: CancellationToken) {
        let _life = self.pulse.begin();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work() => {}
        }
    }

    async fn work(&self) {
        let mut work = Work::default();
        let mut trouble = Trouble::new("batcher", self.pulse.clone());
        loop {
            let pause = match self.round(&mut work).await {
                Ok(()) => {
                    trouble.went_well(Instant::now());
                    POLL
                }
                Err(error) => {
                    // Whatever it was, the safe head says what has arrived. What waits in the sender
                    // is waited for.
                    work = Work { row: work.row.saturating_add(1), ..Work::default() };
                    trouble.failed(&error, Instant::now())
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Looks once, and posts what is due.
    async fn round(&self, work: &mut Work) -> Result<(), BatcherError> {
        let status = self.l2.sync_status().await?;
        let Work { ledger, pending, hold, row } = work;
        for batch in &mut ledger.posted {
            if let Some(receipt) = batch.receipt.take_if(|receipt| receipt.is_finished()) {
                batch.l1 = Some(receipt.await.map_err(|_| BatcherError::Interrupted)??);
            }
        }
        let (safe, head) = (status.safe_l2, status.head_l1.number);
        let window = self.config.sequencing_window;
        let left = blocks_to_urgency(safe.l1_origin.number, head, window);
        self.sender.set_fee_limits(self.limits(left == 0));
        if ledger.settle(safe.number, status.current_l1.number, self.config.patience) {
            self.meters.given_up.increment(1);
            *row = row.saturating_add(1);
        }
        self.meters.in_flight(ledger.posted.len());
        if ledger.posted.is_empty() && !self.may_begin(status.current_l1.block_ref()).await? {
            return Ok(());
        }
        let (next, parent) = match ledger.posted.back() {
            Some(last) => (last.last + 1, last.last_hash),
            None => (safe.number + 1, safe.hash),
        };
        pending.begin_at(next, parent);
        pending.read(&self.l2, status.unsafe_l2.number).await?;
        let age = pending.age(Instant::now());
        self.meters.backlog((status.unsafe_l2.number + 1).saturating_sub(next), age);
        let due = age >= self.config.max_age || pending.fills(self.target_bytes(true));
        let held = hold.is_some_and(|hold| left > 0 && Instant::now() < hold.until);
        if !due || held || ledger.posted.len() >= MAX_IN_FLIGHT {
            return Ok(());
        }
        let market = self.l1.fee_info().await?;
        // A batch is made only when it is likely to be posted: one that waits tells by what. Gas is
        // what every carrier costs, and all that calldata does.
        let carrier = match &pending.ready {
            Some(ready) => self.carrier(ready, &market)?,
            None => Carrier::Calldata,
        };
        let looks = hold.map_or(0, |hold| hold.looks);
        if self.waits(carrier, &market, left, looks) {
            *hold = Some(Hold::after(looks));
            return Ok(());
        }
        if hold.is_some() {
            // More blocks have come meanwhile.
            pending.ready = None;
        }
        let behind = pending.is_full() && pending.next() <= status.unsafe_l2.number;
        let target = self.target_bytes(market.blob_base_fee.is_some());
        pending.encode(self.config.l2_chain_id, target, behind).await?;
        let Some(ready) = &pending.ready else { return Ok(()) };
        let carrier = self.carrier(ready, &market)?;
        if self.waits(carrier, &market, left, 0) {
            *hold = Some(Hold::after(0));
            return Ok(());
        }
        if hold.take().is_some() {
            let why =
                if left == 0 { "the sequencing window is about to end" } else { "L1 costs less" };
            tracing::info!("{why}: posting again");
        }
        self.meters.waiting_for_fees.set(0.0);
        // Blocks that were read earlier may have gone with an L1 reorganisation.
        if self.l2.block(ready.last).await?.hash != ready.last_hash {
            *pending = Pending::default();
            return Ok(());
        }
        let post = self.post(ready, carrier, *row).await?;
        ledger.posted.push_back(post);
        pending.posted();
        Ok(())
    }

    /// Whether L1 is too dear today, as at `looks` looks before, with `left` L1 blocks until any
    /// price is paid. The first, second, fourth, eighth look and so on are in the log.
    fn waits(&self, carrier: Carrier, market: &FeeInfo, left: u64, looks: u32) -> bool {
        let reason = too_dear(carrier, market, &self.config.fees).filter(|_| left > 0);
        let Some(reason) = reason else { return false };
        if looks.saturating_add(1).is_power_of_two() {
            tracing::warn!(
                "{reason}: waiting; posting at any price in {left} L1 blocks, before the sequencing window ends"
            );
        }
        self.meters.waiting_for_fees.set(1.0);
        true
    }

    /// What carries the batch today.
    fn carrier(&self, batch: &Ready, market: &FeeInfo) -> Result<Carrier, BatcherError> {
        choose(&batch.data, market, self.config.carriers).ok_or(BatcherError::NoCarrier)
    }

    /// What the sender may offer.
    const fn limits(&self, urgent: bool) -> FeeLimits {
        if urgent {
            FeeLimits {
                max_fee_per_gas: ANY_PRICE,
                max_fee_per_blob_gas: ANY_PRICE,
                priority_fee: (self.config.fees.priority_fee.0, ANY_PRICE / 10),
            }
        } else {
            self.config.fees
        }
    }

    /// Bytes of a batch at most, on an L1 that has blobs or has none.
    fn target_bytes(&self, blobs: bool) -> usize {
        let bytes = blob::capacity(self.config.target_blobs.clamp(1, blob::MAX_BLOBS));
        if !blobs || matches!(self.config.carriers, Carriers::Only(Carrier::Calldata)) {
            return bytes.min(price::MAX_CALLDATA);
        }
        bytes
    }

    /// Whether the safe head of a node that has derived L1 up to `derived` is the place to go on
    /// from.
    async fn may_begin(&self, derived: BlockRef) -> Result<bool, BatcherError> {
        // In this order: what is mined after the node's answer must not look derived.
        let sending = self.sender.status();
        let head = self.l1.latest().await?.number;
        let Some(footing) = Footing::find(derived, head, &sending) else { return Ok(false) };
        for block in footing.blocks() {
            match self.l1.header(block.number.into()).await {
                Ok(header) if header.hash() == block.hash => {}
                Ok(_) | Err(L1Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Hands a batch to the sender.
    async fn post(
        &self,
        batch: &Ready,
        carrier: Carrier,
        row: u64,
    ) -> Result<Posted, BatcherError> {
        let (input, blobs) = match carrier {
            Carrier::Blobs => {
                let blobs = blob::to_blobs(&batch.data)?;
                (inbox::post_blobs(&commitments(blobs.clone()).await?), Some(blobs))
            }
            Carrier::Calldata => (inbox::post_calldata(batch.data.clone().into()), None),
        };
        tracing::info!(
            from = batch.first,
            to = batch.last,
            bytes = batch.data.len(),
            blobs = blobs.as_ref().map_or(0, Vec::len),
            txs = batch.transactions,
            "posting a batch"
        );
        self.meters.posted(batch, blobs.as_ref().map_or(0, Vec::len));
        let request = TxRequest {
            to: TxKind::Call(self.config.inbox),
            input,
            value: U256::ZERO,
            gas_limit: None,
            blobs,
            // The same bytes may have to be posted twice, if they came too early the first time.
            key: None,
            // It counts on the right parent only, so that it does no harm anywhere else.
            rests_on: None,
            // After one that does not arrive, the next ones would arrive in vain.
            row: Some(row),
        };
        let ticket = self.sender.submit(request).await?;
        let pulse = self.pulse.clone();
        let receipt = tokio::spawn(async move {
            let receipt = ticket.receipt().await?;
            pulse.done();
            Ok(receipt.block_number.unwrap_or_default())
        });
        Ok(Posted {
            first: batch.first,
            last: batch.last,
            last_hash: batch.last_hash,
            receipt: Some(receipt),
            l1: None,
        })
    }
}

/// The commitments of blobs, tens of milliseconds for each, where they spare verifiers work: a blob
/// alone is checked as fast without.
async fn commitments(blobs: Vec<Blob>) -> Result<Vec<Bytes48>, BatcherError> {
    if blobs.len() < 2 {
        return Ok(Vec::new());
    }
    let work = move || blobs.iter().map(blob_commitment).collect::<Result<_, _>>();
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_| BatcherError::Interrupted)??)
}
