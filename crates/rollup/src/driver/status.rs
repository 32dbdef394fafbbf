//! What the driver tells of itself.

use super::{Driver, DriverError, block_ref, status_ref};
use crate::{
    health::Pulse,
    rpc::types::{L1BlockRef, L2BlockRef, SyncStatus},
};
use mezz_derivation::derive::L1Block;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Where the newest status is.
#[derive(Clone, Debug)]
pub struct StatusHandle {
    status: watch::Sender<SyncStatus>,
    /// When the unsafe head became the block that it is.
    moved: watch::Sender<Instant>,
    pulse: Pulse,
}

impl Default for StatusHandle {
    fn default() -> Self {
        Self {
            status: watch::Sender::new(SyncStatus::default()),
            moved: watch::Sender::new(Instant::now()),
            pulse: Pulse::default(),
        }
    }
}

impl StatusHandle {
    /// The newest status.
    pub fn get(&self) -> SyncStatus {
        *self.status.borrow()
    }

    /// How long the unsafe head has been the same block.
    pub fn unchanged_for(&self) -> Duration {
        self.moved.borrow().elapsed()
    }

    /// Whether whoever tells it is alive.
    pub(crate) const fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    fn tell(&self, status: SyncStatus) {
        let before = self.status.send_replace(status);
        if before.unsafe_l2.hash != status.unsafe_l2.hash {
            self.moved.send_replace(Instant::now());
        }
    }

    /// Follows it.
    pub fn subscribe(&self) -> watch::Receiver<SyncStatus> {
        self.status.subscribe()
    }
}

impl Driver {
    /// Tells the status.
    pub(super) fn publish(&mut self) -> Result<(), DriverError> {
        let heads = self.chain.heads();
        let cursor = self.deriver.cursor();
        let l1 = |number: u64| self.origins.get(number).map(l1_ref).unwrap_or_default();
        let status = SyncStatus {
            current_l1: l1(cursor.l1.number),
            current_l1_finalized: l1(self.finalized_l1.number.min(cursor.l1.number)),
            head_l1: self.origins.newest().map(l1_ref).unwrap_or_default(),
            safe_l1: l1(self.safe_l1.number),
            finalized_l1: l1(self.finalized_l1.number),
            unsafe_l2: self.l2_ref(heads.latest.number)?,
            safe_l2: self.l2_ref(heads.safe.number)?,
            finalized_l2: self.l2_ref(heads.finalized.number)?,
        };
        self.status.tell(status);
        Ok(())
    }

    fn l2_ref(&self, number: u64) -> Result<L2BlockRef, DriverError> {
        let Some(block) = self.chain.block_by_number(number)? else {
            return Ok(L2BlockRef::default());
        };
        Ok(status_ref(block_ref(&self.config, &block)?, block.header.parent_hash))
    }
}

fn l1_ref(block: &L1Block) -> L1BlockRef {
    L1BlockRef {
        hash: block.hash,
        number: block.number,
        parent_hash: block.parent_hash,
        timestamp: block.timestamp,
    }
}
