//! Making blocks.

use super::{Driver, DriverError, SequencerConfig, derive::attributes_of};
use mezz_chain::{BuildOptions, Refused};
use mezz_derivation::{
    batch::{MAX_BLOCK_TX_BYTES, counted_bytes},
    derive::{L1Block, block_inputs, next_timestamp},
};
use mezz_evm::InvalidTx;
use mezz_primitives::RecoveredTransaction;
use mezz_rpc::Core;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Unused L1 blocks above which blocks are made without a pause, until the origin has caught up.
const LAG: u64 = 2;

impl Driver {
    /// Whether blocks are made here, and all that is on L1 has been taken in.
    pub(super) fn may_sequence(&self) -> bool {
        self.sequencer.is_some()
            && self.deriver.cursor().l1.number >= self.sequence_after
            && self.origins.get(self.head.origin.number).is_some()
    }

    /// Makes the block of a tick, and as many more as it takes to keep up with L1. Each is made on a core of its own, which
    /// others have again as soon as all that is left is to store the block: that waits for the disk.
    pub(super) fn sequence(&mut self, core: impl Fn() -> Option<Core>) -> Result<(), DriverError> {
        let Some(sequencer) = self.sequencer else { return Ok(()) };
        let started = Instant::now();
        while self.sequence_one(sequencer, core())? {
            let newest = self.origins.newest().map_or(0, |block| block.number);
            let behind = newest.saturating_sub(sequencer.l1_confirmations);
            if behind <= self.head.origin.number + LAG || started.elapsed() >= sequencer.block_time
            {
                break;
            }
        }
        self.publish()
    }

    /// Makes one block; `false` if there is no valid one now.
    fn sequence_one(
        &mut self,
        sequencer: SequencerConfig,
        core: Option<Core>,
    ) -> Result<bool, DriverError> {
        let Some(origin) = self.next_origin(sequencer.l1_confirmations) else { return Ok(false) };
        let recovers = self.recovers();
        self.meters.recovering.set(f64::from(u8::from(recovers)));
        if recovers && origin.number == self.head.origin.number {
            return Ok(false);
        }
        // Clamped to the earliest valid one: that of a block which follows without a sequencer.
        let now = if recovers { 0 } else { unix_now() };
        let parent = self.head;
        let timestamp = match next_timestamp(&self.config, parent.timestamp, origin.timestamp, now)
        {
            Ok(timestamp) => timestamp,
            Err(error) => {
                self.meters.idle.increment(1);
                self.idle = self.idle.saturating_add(1);
                if self.idle.is_power_of_two() {
                    tracing::warn!(
                        ticks = self.idle,
                        "no block can be made until L1 goes on: {error}"
                    );
                }
                return Ok(false);
            }
        };
        let started = Instant::now();
        let inputs = block_inputs(&self.config, &parent, origin, timestamp)?;
        let number = inputs.attributes.number;
        let attributes = attributes_of(&inputs.attributes);
        let mut forced = Vec::with_capacity(inputs.transactions.len());
        for tx in inputs.transactions {
            // A deposit names its sender; nothing is recovered that could fail.
            let sender = tx.recover_sender().unwrap_or_default();
            forced.push(RecoveredTransaction::new(tx, sender));
        }

        let mut bytes_left = MAX_BLOCK_TX_BYTES;
        let mut best = None;
        let pool = &self.pool;
        let mut offered = None;
        let mut invalid = Vec::new();
        let mut next = |step: &mezz_chain::BuildStep<'_>| {
            if recovers {
                return None;
            }
            let best = best.get_or_insert_with(|| pool.best(step.base_fee));
            if let (Some(refused), Some(hash)) = (step.refused, offered.take()) {
                best.decline();
                if never_valid(refused) {
                    invalid.push((hash, refused.to_string()));
                }
            }
            loop {
                let candidate = best.next()?;
                let bytes = counted_bytes(&candidate.tx.tx, candidate.bytes);
                if candidate.gas_limit() > step.gas_left || bytes > bytes_left {
                    best.decline();
                    continue;
                }
                bytes_left -= bytes;
                offered = Some(candidate.hash);
                return Some(candidate.tx.clone());
            }
        };
        let options = BuildOptions {
            // The rest is for storing the block and for taking L1 in.
            deadline: Some(started + sequencer.block_time.mul_f32(0.9)),
            ..BuildOptions::default()
        };
        let built = self
            .chain
            .build(&attributes, &forced, &mut next, &options)
            .map_err(|error| DriverError::Build { number, source: error.into() })?;
        self.meters.dropped.increment(invalid.len() as u64);
        for (hash, reason) in invalid {
            tracing::debug!(%hash, reason, "dropped from the pool");
            self.pool.remove(&hash);
        }
        drop(core);
        let block = self.commit(built)?;
        self.idle = 0;
        self.meters.sequenced(&block, started);
        tracing::debug!(
            number,
            txs = block.transactions.len(),
            gas = block.header.gas_used,
            origin = self.head.origin.number,
            elapsed = ?started.elapsed(),
            "sequenced"
        );
        Ok(true)
    }

    /// Whether the safe head is so far behind that blocks made here might miss the sequencing
    /// window. Then only such blocks are made that follow without a sequencer as well, so that no
    /// transaction is shown in a block that L1 might never see.
    fn recovers(&self) -> bool {
        let window = self.config.sequencing_window;
        let margin = (window / 4).max(4).min(window / 2);
        let newest = self.origins.newest().map_or(0, |block| block.number);
        newest > self.deriver.cursor().safe.origin.number + (window - margin)
    }

    /// The L1 block of the next block: the one after the head's origin as soon as it is deep
    /// enough, so that deposits are included with the first origin that has them.
    fn next_origin(&self, confirmations: u64) -> Option<&L1Block> {
        let newest = self.origins.newest()?.number;
        let current = self.head.origin.number;
        self.origins
            .get(current + 1)
            .filter(|next| next.number + confirmations <= newest)
            .or_else(|| self.origins.get(current))
    }
}

/// Seconds since the epoch.
fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

/// Whether a transaction that was refused can be forgotten: neither more room nor another
/// transaction of its sender will make it valid.
const fn never_valid(refused: &Refused) -> bool {
    !matches!(
        refused,
        Refused::NoRoom { .. }
            | Refused::Invalid(
                InvalidTx::BlockGasExceeded { .. }
                    | InvalidTx::NonceTooHigh { .. }
                    | InvalidTx::FeeBelowBaseFee { .. }
            )
    )
}
