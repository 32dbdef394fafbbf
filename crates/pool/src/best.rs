//! The transactions for a block, best first.

use crate::{PooledTransaction, inner::Inner, sender::HeadKey};
use mezz_primitives::{Address, map::HashSet};
use parking_lot::Mutex;
use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, VecDeque},
    ops::Bound,
    sync::Arc,
};

/// Senders fetched under one lock.
const CHUNK: usize = 64;

/// Pending transactions by effective tip, then by arrival; those of one sender by nonce.
///
/// The pool is locked for moments only: transactions keep coming in while a block is built, and
/// those that come too late to be seen are in the next iteration. What the base fee has priced
/// out is left out, together with all that follows it from the same sender.
#[derive(Debug)]
pub struct BestTransactions {
    pool: Arc<Mutex<Inner>>,
    base_fee: u64,
    blob_base_fee: u128,
    /// Heads of senders that come next, in index order.
    fetched: VecDeque<(HeadKey, Arc<PooledTransaction>)>,
    cursor: Option<HeadKey>,
    exhausted: bool,
    /// Senders seen: a replacement can move a head, which must not bring its sender back.
    seen: HashSet<Address>,
    ready: BinaryHeap<Candidate>,
    last: Option<(Address, u64)>,
}

#[derive(Debug)]
struct Candidate {
    tip: u128,
    arrival: Reverse<u64>,
    tx: Arc<PooledTransaction>,
}

impl Candidate {
    const fn key(&self) -> (u128, Reverse<u64>) {
        (self.tip, self.arrival)
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl BestTransactions {
    pub(crate) fn new(pool: Arc<Mutex<Inner>>, base_fee: u64, blob_base_fee: u128) -> Self {
        Self {
            pool,
            base_fee,
            blob_base_fee,
            fetched: VecDeque::new(),
            cursor: None,
            exhausted: false,
            seen: HashSet::default(),
            ready: BinaryHeap::new(),
            last: None,
        }
    }

    /// Leaves out the sender of the last transaction for the rest of the iteration: its next
    /// nonces cannot follow one that was not executed.
    pub fn decline(&mut self) {
        self.last = None;
    }

    fn push(&mut self, tx: Arc<PooledTransaction>) {
        let pays_blobs = tx.blob_fee_cap.is_none_or(|cap| cap >= self.blob_base_fee);
        if let Some(tip) = tx.effective_tip(self.base_fee).filter(|_| pays_blobs) {
            self.ready.push(Candidate { tip, arrival: Reverse(tx.arrival), tx });
        }
    }

    fn fetch(&mut self) {
        if !self.fetched.is_empty() || self.exhausted {
            return;
        }
        let inner = self.pool.lock();
        let from = self.cursor.map_or(Bound::Unbounded, Bound::Excluded);
        for key in inner.heads().range((from, Bound::Unbounded)).take(CHUNK) {
            self.cursor = Some(*key);
            if let Some(tx) = inner.sender(&key.2).and_then(|sender| sender.pending().next()) {
                self.fetched.push_back((*key, tx.clone()));
            }
        }
        self.exhausted = self.fetched.is_empty();
    }

    /// Whether a head that has not been looked at may be better than all that are ready. Its tip
    /// cap bounds its effective tip, and among equal tip caps the index is in order of arrival.
    fn must_pull(&self, (Reverse(tip_cap), arrival, _): &HeadKey) -> bool {
        self.ready.peek().is_none_or(|best| (*tip_cap, Reverse(*arrival)) > best.key())
    }
}

impl Iterator for BestTransactions {
    type Item = Arc<PooledTransaction>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((sender, nonce)) = self.last.take() {
            let next = {
                let inner = self.pool.lock();
                inner.sender(&sender).and_then(|sender| {
                    let nonce = nonce.checked_add(1)?;
                    sender.get(nonce).filter(|_| sender.is_pending(nonce)).cloned()
                })
            };
            if let Some(tx) = next {
                self.push(tx);
            }
        }
        loop {
            self.fetch();
            match self.fetched.front() {
                Some((key, _)) if self.must_pull(key) => {}
                _ => break,
            }
            if let Some((_, tx)) = self.fetched.pop_front()
                && self.seen.insert(tx.sender())
            {
                self.push(tx);
            }
        }
        let best = self.ready.pop()?.tx;
        self.last = Some((best.sender(), best.nonce()));
        Some(best)
    }
}
