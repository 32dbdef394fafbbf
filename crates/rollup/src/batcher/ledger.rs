//! What is on its way to L1, and when it is right to begin again after the safe head. No I/O.

use alloy::primitives::B256;
use mezz_l1::{BlockRef, SendError, SenderStatus};
use std::collections::VecDeque;
use tokio::task::JoinHandle;

/// A batch on its way.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) last_hash: B256,
    /// The number of the L1 block that has it, to come.
    pub(super) receipt: Option<JoinHandle<Result<u64, SendError>>>,
    /// The L1 block that has it, once known.
    pub(super) l1: Option<u64>,
}

/// The batches on their way, in order.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) posted: VecDeque<Posted>,
}

impl Ledger {
    /// Forgets batches that have become safe, and all of them if one did not count: then it is
    /// begun again after the safe head, and the answer is true. `patience` is in L1 blocks.
    pub(super) fn settle(&mut self, safe: u64, current_l1: u64, patience: u64) -> bool {
        while self.posted.front().is_some_and(|first| first.last <= safe) {
            self.posted.pop_front();
        }
        let Some(first) = self.posted.front() else { return false };
        let (from, to) = (first.first, first.last);
        if from <= safe {
            tracing::warn!(
                from,
                to,
                safe,
                "the chain went on without a batch; posting again from the safe head"
            );
        } else if first.l1.is_some_and(|l1| l1.saturating_add(patience) < current_l1) {
            tracing::warn!(
                from,
                to,
                safe,
                "a batch is on L1 but did not become safe; posting again from the safe head"
            );
        } else {
            return false;
        }
        self.posted.clear();
        true
    }
}

/// The L1 blocks that an answer of the L2 node must agree with before its safe head is the place
/// to go on from: until then a batch posted earlier may still make more of the chain safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footing {
    /// Up to where the node has derived.
    pub(super) derived: BlockRef,
    /// The newest block that has a transaction of ours.
    pub(super) mined: Option<BlockRef>,
}

impl Footing {
    /// `None` while transactions of ours are on their way, or in blocks that the node has not
    /// derived, or while it lags behind L1's `head`. Else both blocks must be found on L1.
    pub(super) fn find(derived: BlockRef, head: u64, sending: &SenderStatus) -> Option<Self> {
        let mined = sending.newest_mined;
        let idle = sending.queued + sending.waiting == 0;
        let seen = mined.is_none_or(|mined| mined.number <= derived.number);
        // One block may have come between the two questions.
        let current = derived.number.saturating_add(1) >= head;
        (idle && seen && current).then_some(Self { derived, mined })
    }

    /// The blocks that must be on L1 now.
    pub(super) fn blocks(self) -> impl Iterator<Item = BlockRef> {
        [Some(self.derived), self.mined].into_iter().flatten()
    }
}
