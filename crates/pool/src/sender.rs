//! The transactions of one sender.

use crate::{AccountState, PooledTransaction};
use mezz_primitives::{Address, B256, U256};
use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, time::Instant};

/// The order in which the pool's best transactions start: by tip cap, then arrival.
pub(crate) type HeadKey = (Reverse<u128>, u64, Address);
/// Worth of a sender's last transaction: the lowest tip cap and the lowest fee cap of all the
/// sender's transactions, since the last cannot come before the others. Among equals whoever has
/// had transactions here for longer is worth more.
pub(crate) type EvictKey = (u128, u128, Reverse<u64>, Address);

/// Fees in ascending order, for their minimum under insertion and removal.
#[derive(Debug, Default)]
struct Fees(Vec<u128>);

impl Fees {
    fn insert(&mut self, fee: u128) {
        let at = self.0.partition_point(|other| *other <= fee);
        self.0.insert(at, fee);
    }

    fn remove(&mut self, fee: u128) {
        // The last of equals, so that nothing moves in the usual case of equal fees.
        let end = self.0.partition_point(|other| *other <= fee);
        if end > 0 && self.0[end - 1] == fee {
            self.0.remove(end - 1);
        }
    }

    fn min(&self) -> Option<u128> {
        self.0.first().copied()
    }
}

/// The transactions of one sender by nonce. The first `pending` of them are executable.
#[derive(Debug)]
pub(crate) struct Sender {
    state: AccountState,
    txs: BTreeMap<u64, Arc<PooledTransaction>>,
    pending: usize,
    /// Cost of the pending ones; never more than the balance.
    spent: U256,
    tips: Fees,
    fee_caps: Fees,
    /// Arrival of the transaction before which there were none.
    here_since: u64,
    queued_since: Option<Instant>,
}

/// What the pool's indexes hold of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) head: Option<HeadKey>,
    pub(crate) evict: Option<EvictKey>,
    pub(crate) lowest_fee_cap: Option<(u128, Address)>,
    pub(crate) queued_since: Option<(Instant, Address)>,
    pub(crate) queued: usize,
}

impl Sender {
    pub(crate) const fn new(state: AccountState) -> Self {
        Self {
            state,
            txs: BTreeMap::new(),
            pending: 0,
            spent: U256::ZERO,
            tips: Fees(Vec::new()),
            fee_caps: Fees(Vec::new()),
            here_since: 0,
            queued_since: None,
        }
    }

    pub(crate) const fn state(&self) -> &AccountState {
        &self.state
    }

    pub(crate) const fn spent(&self) -> U256 {
        self.spent
    }

    pub(crate) fn len(&self) -> usize {
        self.txs.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.txs.is_empty()
    }

    pub(crate) fn queued(&self) -> usize {
        self.txs.len() - self.pending
    }

    pub(crate) fn get(&self, nonce: u64) -> Option<&Arc<PooledTransaction>> {
        self.txs.get(&nonce)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<PooledTransaction>> {
        self.txs.values()
    }

    pub(crate) fn pending(&self) -> impl Iterator<Item = &Arc<PooledTransaction>> {
        self.txs.values().take(self.pending)
    }

    pub(crate) fn last_nonce(&self) -> Option<u64> {
        self.txs.last_key_value().map(|(nonce, _)| *nonce)
    }

    /// The first nonce that no pending transaction uses.
    pub(crate) const fn next_nonce(&self) -> u64 {
        self.state.nonce.saturating_add(self.pending as u64)
    }

    pub(crate) const fn is_pending(&self, nonce: u64) -> bool {
        nonce >= self.state.nonce && nonce < self.next_nonce()
    }

    /// Lowest tip cap and fee cap of all transactions.
    pub(crate) fn lowest_fees(&self) -> Option<(u128, u128)> {
        self.tips.min().zip(self.fee_caps.min())
    }

    pub(crate) fn keys(&self, address: Address) -> Keys {
        let head = self.txs.first_key_value().filter(|_| self.pending > 0);
        let evict = self.lowest_fees();
        let queued = self.queued();
        Keys {
            head: head.map(|(_, tx)| (Reverse(tx.tip_cap), tx.arrival, address)),
            evict: evict.map(|(tip, fee_cap)| (tip, fee_cap, Reverse(self.here_since), address)),
            lowest_fee_cap: self.fee_caps.min().filter(|_| queued == 0).map(|fee| (fee, address)),
            queued_since: self.queued_since.map(|since| (since, address)),
            queued,
        }
    }

    /// Puts `tx` in its place, and gives back the one that it replaces.
    pub(crate) fn insert(&mut self, tx: Arc<PooledTransaction>) -> Option<Arc<PooledTransaction>> {
        let nonce = tx.nonce();
        if self.txs.is_empty() {
            self.here_since = tx.arrival;
        }
        self.tips.insert(tx.tip_cap);
        self.fee_caps.insert(tx.fee_cap);
        let cost = tx.cost;
        let old = self.txs.insert(nonce, tx);
        if let Some(old) = &old {
            self.forget_fees(old);
            if self.is_pending(nonce) {
                self.spent = self.spent.saturating_sub(old.cost).saturating_add(cost);
            }
        }
        old
    }

    /// Takes out the transaction of `nonce`; the pending ones after it become queued.
    pub(crate) fn remove(&mut self, nonce: u64) -> Option<Arc<PooledTransaction>> {
        if self.is_pending(nonce) {
            for (_, tx) in self.txs.range(nonce..self.next_nonce()) {
                self.spent = self.spent.saturating_sub(tx.cost);
                self.pending -= 1;
            }
        }
        let tx = self.txs.remove(&nonce)?;
        self.forget_fees(&tx);
        Some(tx)
    }

    fn forget_fees(&mut self, tx: &PooledTransaction) {
        self.tips.remove(tx.tip_cap);
        self.fee_caps.remove(tx.fee_cap);
    }

    /// Takes over a new state of the account; gives back the transactions whose nonce is used.
    pub(crate) fn set_state(&mut self, state: AccountState) -> Vec<Arc<PooledTransaction>> {
        let mut stale = Vec::new();
        if state.nonce < self.state.nonce || state.nonce > self.next_nonce() {
            self.pending = 0;
            self.spent = U256::ZERO;
        }
        while let Some(entry) = self.txs.first_entry().filter(|e| *e.key() < state.nonce) {
            let tx = entry.remove();
            if self.pending > 0 {
                self.pending -= 1;
                self.spent = self.spent.saturating_sub(tx.cost);
            }
            self.forget_fees(&tx);
            stale.push(tx);
        }
        self.state = state;
        stale
    }

    /// Queues the last pending transactions that the balance does not pay for, then makes
    /// pending what can be; gives the hashes of these.
    pub(crate) fn settle(&mut self, now: Instant) -> Vec<B256> {
        while self.spent > self.state.balance && self.pending > 0 {
            let last = self.next_nonce() - 1;
            let cost = self.txs.get(&last).map_or(U256::ZERO, |tx| tx.cost);
            self.pending -= 1;
            self.spent = self.spent.saturating_sub(cost);
        }
        let mut promoted = Vec::new();
        while let Some(tx) = self.txs.get(&self.next_nonce()) {
            let Some(spent) = self.spent.checked_add(tx.cost) else { break };
            if spent > self.state.balance {
                break;
            }
            self.spent = spent;
            self.pending += 1;
            promoted.push(tx.hash);
        }
        if self.queued() == 0 {
            self.queued_since = None;
        } else if self.queued_since.is_none() || !promoted.is_empty() {
            self.queued_since = Some(now);
        }
        promoted
    }

    /// Starts the lifetime of the queued transactions anew.
    pub(crate) fn touch(&mut self, now: Instant) {
        if self.queued() > 0 {
            self.queued_since = Some(now);
        }
    }
}
