//! The pool without its lock: senders, and the indexes over them.

use crate::{
    AccountState, PoolConfig, PoolError, PooledTransaction, Subpool,
    error::AddResult,
    sender::{EvictKey, HeadKey, Keys, Sender},
};
use mezz_primitives::map::HashMap;
use mezz_primitives::{Address, B256, U256};
use std::{collections::BTreeSet, sync::Arc, time::Instant};

/// Everything behind the pool's lock.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) base_fee: u64,
    pub(crate) block_gas_limit: u64,
    by_hash: HashMap<B256, Arc<PooledTransaction>>,
    senders: HashMap<Address, Sender>,
    /// First pending transaction of each sender, best first.
    heads: BTreeSet<HeadKey>,
    /// Senders with queued transactions, worst first.
    queued: BTreeSet<EvictKey>,
    /// Senders without queued transactions, worst first.
    pending: BTreeSet<EvictKey>,
    /// The same by the lowest fee cap, to find those that the base fee has priced out.
    fee_caps: BTreeSet<(u128, Address)>,
    ages: BTreeSet<(Instant, Address)>,
    queued_txs: usize,
    slots: usize,
    bytes: usize,
    next_arrival: u64,
}

/// What an insertion did.
#[derive(Debug)]
pub(crate) struct Inserted {
    pub(crate) subpool: Subpool,
    pub(crate) replaced: Option<Arc<PooledTransaction>>,
    pub(crate) evicted: Vec<Arc<PooledTransaction>>,
    pub(crate) promoted: Vec<B256>,
}

/// How much a transaction is worth to the pool: whether it is executable, whether it pays the
/// base fee, tip cap, fee cap.
type Worth = (bool, bool, u128, u128);

impl Inner {
    pub(crate) fn new(config: &PoolConfig) -> Self {
        Self {
            base_fee: config.base_fee,
            block_gas_limit: config.block_gas_limit,
            by_hash: HashMap::default(),
            senders: HashMap::default(),
            heads: BTreeSet::new(),
            queued: BTreeSet::new(),
            pending: BTreeSet::new(),
            fee_caps: BTreeSet::new(),
            ages: BTreeSet::new(),
            queued_txs: 0,
            slots: 0,
            bytes: 0,
            next_arrival: 0,
        }
    }

    pub(crate) fn get(&self, hash: &B256) -> Option<&Arc<PooledTransaction>> {
        self.by_hash.get(hash)
    }

    pub(crate) fn sender(&self, address: &Address) -> Option<&Sender> {
        self.senders.get(address)
    }

    pub(crate) fn senders(&self) -> impl Iterator<Item = (&Address, &Sender)> {
        self.senders.iter()
    }

    pub(crate) fn heads(&self) -> &BTreeSet<HeadKey> {
        &self.heads
    }

    pub(crate) fn len(&self) -> usize {
        self.by_hash.len()
    }

    pub(crate) const fn queued_len(&self) -> usize {
        self.queued_txs
    }

    pub(crate) const fn slots(&self) -> usize {
        self.slots
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn transactions(&self) -> impl Iterator<Item = &Arc<PooledTransaction>> {
        self.by_hash.values()
    }

    /// Checks `tx` against its sender's account and transactions, makes room, and inserts it.
    pub(crate) fn add(
        &mut self,
        config: &PoolConfig,
        state: AccountState,
        mut tx: PooledTransaction,
        now: Instant,
    ) -> AddResult<Inserted> {
        if self.by_hash.contains_key(&tx.hash) {
            return Err(PoolError::AlreadyKnown);
        }
        if tx.gas_limit() > self.block_gas_limit {
            return Err(PoolError::ExceedsBlockGasLimit);
        }
        let fresh = Sender::new(state);
        let sender = self.senders.get(&tx.sender()).unwrap_or(&fresh);
        check_nonce(config, sender.state(), tx.nonce())?;
        let old = sender.get(tx.nonce()).cloned();
        if let Some(old) = &old {
            check_bump(config, old, &tx)?;
        }
        check_funds(sender, &tx, old.as_deref())?;
        let executable = tx.nonce() <= sender.next_nonce();
        if old.is_none() {
            check_counts(config, sender, executable)?;
        }

        let freed = old.as_ref().map_or((0, 0), |old| (old.slots(), old.bytes));
        let evicted = self.make_room(config, &tx, executable, old.is_some(), freed, now)?;

        tx.arrival = self.next_arrival;
        self.next_arrival += 1;
        let tx = Arc::new(tx);
        let (replaced, promoted) = self.put(state, tx.clone(), now);
        let subpool = match self.senders.get(&tx.sender()) {
            Some(sender) if sender.is_pending(tx.nonce()) => Subpool::Pending,
            _ => Subpool::Queued,
        };
        Ok(Inserted { subpool, replaced, evicted, promoted })
    }

    /// Takes out one transaction; the sender's later ones become queued.
    pub(crate) fn remove(&mut self, hash: &B256, now: Instant) -> Option<Arc<PooledTransaction>> {
        let tx = self.by_hash.get(hash).cloned()?;
        self.take(tx.sender(), tx.nonce(), now)
    }

    /// Takes over a new state of an account. Gives what became pending.
    pub(crate) fn set_state(
        &mut self,
        config: &PoolConfig,
        address: Address,
        state: AccountState,
        now: Instant,
    ) -> Vec<B256> {
        let Some((stale, promoted)) = self.update(address, |sender| {
            let stale = sender.set_state(state);
            (stale, sender.settle(now))
        }) else {
            return Vec::new();
        };
        for tx in &stale {
            self.forget(tx);
        }
        while let Some(sender) = self.senders.get(&address)
            && sender.queued() > config.max_sender_queued
            && let Some(last) = sender.last_nonce()
        {
            self.take(address, last, now);
        }
        promoted
    }

    /// Brings the pool back under the limit of queued transactions, which an account that can
    /// pay no more may have broken.
    pub(crate) fn trim_queued(&mut self, config: &PoolConfig, now: Instant) {
        while self.queued_txs > config.max_queued
            && let Some((.., address)) = self.queued.first().copied()
            && self.take_last(address, now).is_some()
        {}
    }

    /// Drops the queued transactions of senders for whom nothing has moved since `deadline`.
    pub(crate) fn expire(&mut self, deadline: Instant, now: Instant) -> usize {
        let mut dropped = 0;
        while let Some((since, address)) = self.ages.first().copied()
            && since <= deadline
        {
            while self.senders.get(&address).is_some_and(|sender| sender.queued() > 0)
                && self.take_last(address, now).is_some()
            {
                dropped += 1;
            }
        }
        dropped
    }

    /// Drops the transactions that no block can hold any more.
    pub(crate) fn set_block_gas_limit(&mut self, limit: u64, now: Instant) {
        if limit < self.block_gas_limit {
            let over: Vec<B256> = self
                .by_hash
                .values()
                .filter(|tx| tx.gas_limit() > limit)
                .map(|tx| tx.hash)
                .collect();
            for hash in over {
                self.remove(&hash, now);
            }
        }
        self.block_gas_limit = limit;
    }

    fn make_room(
        &mut self,
        config: &PoolConfig,
        tx: &PooledTransaction,
        executable: bool,
        replaces: bool,
        (freed_slots, freed_bytes): (usize, usize),
        now: Instant,
    ) -> AddResult<Vec<Arc<PooledTransaction>>> {
        if tx.slots() > config.max_slots || tx.bytes > config.max_bytes {
            return Err(PoolError::Underpriced);
        }
        let mut worth = self.worth(executable, tx.tip_cap, tx.fee_cap);
        if let Some((tip, fee_cap)) = self.senders.get(&tx.sender()).and_then(Sender::lowest_fees)
            && !replaces
        {
            worth = worth.min(self.worth(executable, tx.tip_cap.min(tip), tx.fee_cap.min(fee_cap)));
        }
        let mut evicted: Vec<(AccountState, Arc<PooledTransaction>)> = Vec::new();
        loop {
            let full = self.slots - freed_slots + tx.slots() > config.max_slots
                || self.bytes - freed_bytes + tx.bytes > config.max_bytes;
            let queue_full = !executable && !replaces && self.queued_txs >= config.max_queued;
            if !full && !queue_full {
                return Ok(evicted.into_iter().map(|(_, tx)| tx).collect());
            }
            let victim = self
                .victim()
                .filter(|(victim, _)| *victim < worth)
                .filter(|(_, address)| {
                    // Of its own sender only what comes later can make room.
                    *address != tx.sender()
                        || self
                            .senders
                            .get(address)
                            .and_then(Sender::last_nonce)
                            .is_some_and(|last| last > tx.nonce())
                })
                .and_then(|(_, address)| {
                    let state = *self.senders.get(&address)?.state();
                    Some((state, self.take_last(address, now)?))
                });
            match victim {
                Some(victim) => evicted.push(victim),
                None => {
                    // Refused: what had to leave for it comes back.
                    for (state, tx) in evicted.into_iter().rev() {
                        self.put(state, tx, now);
                    }
                    return Err(PoolError::Underpriced);
                }
            }
        }
    }

    const fn worth(&self, executable: bool, tip: u128, fee_cap: u128) -> Worth {
        (executable, fee_cap >= self.base_fee as u128, tip, fee_cap)
    }

    /// The sender whose last transaction the pool misses least, and its worth.
    fn victim(&self) -> Option<(Worth, Address)> {
        if let Some((tip, fee_cap, _, address)) = self.queued.first() {
            return Some((self.worth(false, *tip, *fee_cap), *address));
        }
        if let Some((fee_cap, address)) = self.fee_caps.first()
            && *fee_cap < u128::from(self.base_fee)
        {
            let tip = self.senders.get(address).and_then(Sender::lowest_fees).map_or(0, |f| f.0);
            return Some((self.worth(true, tip, *fee_cap), *address));
        }
        let (tip, fee_cap, _, address) = self.pending.first()?;
        Some((self.worth(true, *tip, *fee_cap), *address))
    }

    fn put(
        &mut self,
        state: AccountState,
        tx: Arc<PooledTransaction>,
        now: Instant,
    ) -> (Option<Arc<PooledTransaction>>, Vec<B256>) {
        let address = tx.sender();
        self.senders.entry(address).or_insert_with(|| Sender::new(state));
        self.slots += tx.slots();
        self.bytes += tx.bytes;
        self.by_hash.insert(tx.hash, tx.clone());
        let (replaced, promoted) = self
            .update(address, |sender| {
                let replaced = sender.insert(tx.clone());
                let mut promoted = sender.settle(now);
                sender.touch(now);
                if replaced.is_some() && sender.is_pending(tx.nonce()) {
                    promoted.push(tx.hash);
                }
                (replaced, promoted)
            })
            .unwrap_or_default();
        if let Some(old) = &replaced {
            self.forget(old);
        }
        (replaced, promoted)
    }

    fn take_last(&mut self, address: Address, now: Instant) -> Option<Arc<PooledTransaction>> {
        let last = self.senders.get(&address)?.last_nonce()?;
        self.take(address, last, now)
    }

    fn take(
        &mut self,
        address: Address,
        nonce: u64,
        now: Instant,
    ) -> Option<Arc<PooledTransaction>> {
        let tx = self.update(address, |sender| {
            let tx = sender.remove(nonce);
            sender.settle(now);
            tx
        })??;
        self.forget(&tx);
        Some(tx)
    }

    /// Strikes a transaction, which has left its sender's list, from the totals.
    fn forget(&mut self, tx: &PooledTransaction) {
        self.by_hash.remove(&tx.hash);
        self.slots -= tx.slots();
        self.bytes -= tx.bytes;
    }

    /// Changes a sender and keeps the indexes in step. A sender without transactions goes.
    fn update<R>(&mut self, address: Address, change: impl FnOnce(&mut Sender) -> R) -> Option<R> {
        let sender = self.senders.get_mut(&address)?;
        let before = sender.keys(address);
        let result = change(sender);
        let after = sender.keys(address);
        if sender.is_empty() {
            self.senders.remove(&address);
        }
        if before != after {
            self.reindex(&before, &after);
        }
        Some(result)
    }

    fn reindex(&mut self, before: &Keys, after: &Keys) {
        exchange(&mut self.heads, before.head, after.head);
        exchange(&mut self.fee_caps, before.lowest_fee_cap, after.lowest_fee_cap);
        exchange(&mut self.ages, before.queued_since, after.queued_since);
        let in_queue = |keys: &Keys| keys.evict.filter(|_| keys.queued > 0);
        let in_pending = |keys: &Keys| keys.evict.filter(|_| keys.queued == 0);
        exchange(&mut self.queued, in_queue(before), in_queue(after));
        exchange(&mut self.pending, in_pending(before), in_pending(after));
        self.queued_txs = self.queued_txs - before.queued + after.queued;
    }

    /// Recomputes every index and total, and panics if one is not what it should be.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        let mut fresh = Self::new(&PoolConfig::default());
        for (address, sender) in &self.senders {
            assert!(!sender.is_empty());
            let keys = sender.keys(*address);
            let none = Keys {
                head: None,
                evict: None,
                lowest_fee_cap: None,
                queued_since: None,
                queued: 0,
            };
            fresh.reindex(&none, &keys);
            let mut spent = U256::ZERO;
            for (at, tx) in sender.pending().enumerate() {
                assert_eq!(tx.nonce(), sender.state().nonce + at as u64, "gap among pending");
                spent += tx.cost;
            }
            assert_eq!(spent, sender.spent());
            assert!(spent <= sender.state().balance, "pending beyond the balance");
            for tx in sender.all() {
                assert!(tx.nonce() >= sender.state().nonce);
                assert!(self.by_hash.contains_key(&tx.hash));
                fresh.slots += tx.slots();
                fresh.bytes += tx.bytes;
            }
            assert_eq!(keys.queued > 0, keys.queued_since.is_some());
        }
        let count: usize = self.senders.values().map(Sender::len).sum();
        assert_eq!(count, self.by_hash.len());
        assert_eq!(fresh.heads, self.heads);
        assert_eq!(fresh.queued, self.queued);
        assert_eq!(fresh.pending, self.pending);
        assert_eq!(fresh.fee_caps, self.fee_caps);
        assert_eq!(fresh.ages, self.ages);
        assert_eq!(
            (fresh.queued_txs, fresh.slots, fresh.bytes),
            (self.queued_txs, self.slots, self.bytes)
        );
    }
}

fn exchange<K: Ord>(set: &mut BTreeSet<K>, before: Option<K>, after: Option<K>) {
    if before == after {
        return;
    }
    if let Some(key) = before {
        set.remove(&key);
    }
    if let Some(key) = after {
        set.insert(key);
    }
}

fn check_nonce(config: &PoolConfig, state: &AccountState, nonce: u64) -> AddResult<()> {
    let next = state.nonce;
    if nonce < next {
        return Err(PoolError::NonceTooLow { next, nonce });
    }
    if nonce - next >= config.max_sender_txs as u64 && nonce != next {
        return Err(PoolError::NonceGapTooLarge { next, nonce, limit: config.max_sender_txs });
    }
    Ok(())
}

fn check_bump(
    config: &PoolConfig,
    old: &PooledTransaction,
    new: &PooledTransaction,
) -> AddResult<()> {
    let blobs = old.blob_fee_cap.is_some() || new.blob_fee_cap.is_some();
    let bump = if blobs { config.blob_price_bump } else { config.price_bump };
    // Strictly more, so that a fee of nothing is not replaced by nothing.
    let enough = |old: u128, new: u128| {
        new > old && U256::from(new) * U256::from(100) >= U256::from(old) * U256::from(100 + bump)
    };
    let blob_enough = match (old.blob_fee_cap, new.blob_fee_cap) {
        (Some(old), Some(new)) => enough(old, new),
        _ => true,
    };
    if enough(old.fee_cap, new.fee_cap) && enough(old.tip_cap, new.tip_cap) && blob_enough {
        Ok(())
    } else {
        Err(PoolError::ReplacementUnderpriced)
    }
}

fn check_funds(
    sender: &Sender,
    tx: &PooledTransaction,
    old: Option<&PooledTransaction>,
) -> AddResult<()> {
    let balance = sender.state().balance;
    let (cost, queued) = (tx.cost, sender.spent());
    if cost > balance {
        return Err(PoolError::InsufficientFunds { balance, cost });
    }
    match old.filter(|old| sender.is_pending(old.nonce())) {
        Some(old) => {
            let bump = cost.saturating_sub(old.cost);
            if queued.saturating_add(bump) > balance {
                return Err(PoolError::InsufficientFundsBump { balance, queued, bump });
            }
        }
        None if queued.saturating_add(cost) > balance => {
            return Err(PoolError::InsufficientFundsQueued { balance, queued, cost });
        }
        None => {}
    }
    Ok(())
}

fn check_counts(config: &PoolConfig, sender: &Sender, executable: bool) -> AddResult<()> {
    if sender.state().has_code && sender.len() >= config.max_delegated_txs {
        return Err(PoolError::DelegatedLimit);
    }
    if sender.len() >= config.max_sender_txs
        || (!executable && sender.queued() >= config.max_sender_queued)
    {
        return Err(PoolError::AccountLimitExceeded);
    }
    Ok(())
}
