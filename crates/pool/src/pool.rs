//! The pool as the rest of the node sees it.

use crate::{
    AccountLookup, AccountState, BestTransactions, BlobCheck, DataFee, LookupError, NewTransaction,
    PoolConfig, PoolError, PooledTransaction,
    inner::Inner,
    validate::{check_blobs, screen},
};
use alloy_eips::eip2718::Encodable2718;
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction, U256};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
    time::Instant,
};
use tokio::sync::broadcast;

/// Hashes that a slow listener may lag behind before it loses some.
const LISTENER_CAPACITY: usize = 16_384;

/// Where a transaction is in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subpool {
    /// Could be in the next block.
    Pending,
    /// Waits for a nonce before it, or for money.
    Queued,
}

/// What became of an accepted transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddOutcome {
    /// Its hash.
    pub hash: B256,
    /// Where it is.
    pub subpool: Subpool,
    /// The transaction of the same sender and nonce that had to go.
    pub replaced: Option<B256>,
    /// Transactions that had to make room.
    pub evicted: Vec<B256>,
}

/// Number of transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Those that could be in the next block.
    pub pending: usize,
    /// The others.
    pub queued: usize,
    /// Slots of 32 KiB that all take together.
    pub slots: usize,
    /// Bytes that all take together.
    pub bytes: usize,
}

/// The transactions by sender, each sender's in order of nonce.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Those that could be in the next block.
    pub pending: BTreeMap<Address, Vec<Arc<PooledTransaction>>>,
    /// The others.
    pub queued: BTreeMap<Address, Vec<Arc<PooledTransaction>>>,
}

/// A new block, as far as the pool is concerned.
#[derive(Clone, Copy, Debug)]
pub struct BlockUpdate<'a> {
    /// Hashes of its transactions.
    pub included: &'a [B256],
    /// Accounts that it changed, as they are after it.
    pub changed: &'a [(Address, AccountState)],
    /// Base fee of the next block, wei per gas.
    pub next_base_fee: u64,
    /// Gas limit of the next block.
    pub block_gas_limit: u64,
}

/// A pool of transactions. Clones are handles to the same pool; all methods may be called from
/// any thread, and none of them waits for anything but the lock and the account lookup.
#[derive(Clone)]
pub struct Pool {
    config: Arc<PoolConfig>,
    inner: Arc<Mutex<Inner>>,
    accounts: Arc<dyn AccountLookup>,
    data_fee: Option<Arc<DataFee>>,
    blob_check: Option<Arc<BlobCheck>>,
    listeners: broadcast::Sender<B256>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Pool {
    /// An empty pool over the accounts of a chain.
    pub fn new(config: PoolConfig, accounts: impl AccountLookup) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner::new(&config))),
            config: Arc::new(config),
            accounts: Arc::new(accounts),
            data_fee: None,
            blob_check: None,
            listeners: broadcast::channel(LISTENER_CAPACITY).0,
        }
    }

    /// Counts an L1 data fee, in wei, as part of what a transaction can cost. It is computed when
    /// the transaction comes in.
    #[must_use]
    pub fn with_data_fee(
        mut self,
        fee: impl Fn(&RecoveredTransaction) -> U256 + Send + Sync + 'static,
    ) -> Self {
        self.data_fee = Some(Arc::new(fee));
        self
    }

    /// Checks the proofs of blobs with `check`.
    #[must_use]
    pub fn with_blob_check(mut self, check: Arc<BlobCheck>) -> Self {
        self.blob_check = Some(check);
        self
    }

    /// The limits.
    pub fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// Adds a transaction, or says why not.
    pub fn add(&self, tx: impl Into<NewTransaction>) -> Result<AddOutcome, PoolError> {
        self.add_at(tx.into(), Instant::now())
    }

    /// [`Self::add`] for many; the results are in the order of the transactions.
    pub fn add_all(
        &self,
        txs: impl IntoIterator<Item = NewTransaction>,
    ) -> Vec<Result<AddOutcome, PoolError>> {
        let now = Instant::now();
        txs.into_iter().map(|tx| self.add_at(tx, now)).collect()
    }

    /// Says why [`Self::add`] would refuse a transaction whoever its sender is and whatever its
    /// blobs are: to recover the one and to check the others costs many times as much.
    pub fn screen(&self, tx: &Transaction) -> Result<(), PoolError> {
        if self.contains(&tx.tx_hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        screen(&self.config, tx, tx.encode_2718_len())
    }

    pub(crate) fn add_at(
        &self,
        new: NewTransaction,
        now: Instant,
    ) -> Result<AddOutcome, PoolError> {
        screen(&self.config, &new.tx.tx, new.tx.encoded_len())?;
        // Those that are known are found below, before that only where much is to be checked.
        if new.sidecar.is_some() && self.contains(&new.tx.hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        check_blobs(&self.config, self.blob_check.as_deref(), &new)?;
        let data_fee = self.data_fee.as_ref().map_or(U256::ZERO, |fee| fee(&new.tx));
        let tx = PooledTransaction::new(new, data_fee);
        let (hash, sender) = (tx.hash, tx.sender());

        let mut inner = self.inner.lock();
        let state = match inner.sender(&sender) {
            Some(sender) => *sender.state(),
            None => self.accounts.account(&sender)?,
        };
        let inserted = inner.add(&self.config, state, tx, now)?;
        self.announce(&inserted.promoted);
        Ok(AddOutcome {
            hash,
            subpool: inserted.subpool,
            replaced: inserted.replaced.map(|tx| tx.hash),
            evicted: inserted.evicted.iter().map(|tx| tx.hash).collect(),
        })
    }

    /// Takes out a transaction that cannot be executed, or that its owner gives up. The sender's
    /// later ones become queued.
    pub fn remove(&self, hash: &B256) -> Option<Arc<PooledTransaction>> {
        self.inner.lock().remove(hash, Instant::now())
    }

    /// Takes out everything.
    pub fn clear(&self) {
        let mut inner = self.inner.lock();
        let hashes: Vec<B256> = inner.transactions().map(|tx| tx.hash).collect();
        let now = Instant::now();
        for hash in hashes {
            inner.remove(&hash, now);
        }
    }

    /// Pending transactions for a block of this base fee (wei per gas), best first.
    pub fn best(&self, base_fee: u64) -> BestTransactions {
        self.best_with_blobs(base_fee, 0)
    }

    /// As [`Self::best`], without the blob transactions that do not pay `blob_base_fee` (wei per
    /// blob gas).
    pub fn best_with_blobs(&self, base_fee: u64, blob_base_fee: u128) -> BestTransactions {
        BestTransactions::new(self.inner.clone(), base_fee, blob_base_fee)
    }

    /// Takes a new block into account: what it includes or makes impossible goes, what it makes
    /// possible becomes pending. Call it after the chain shows the block.
    pub fn on_block(&self, block: &BlockUpdate<'_>) {
        self.on_block_at(block, Instant::now());
    }

    pub(crate) fn on_block_at(&self, block: &BlockUpdate<'_>, now: Instant) {
        let mut inner = self.inner.lock();
        inner.base_fee = block.next_base_fee;
        inner.set_block_gas_limit(block.block_gas_limit, now);
        let mut promoted = Vec::new();
        for (address, state) in block.changed {
            promoted.extend(inner.set_state(&self.config, *address, *state, now));
        }
        for hash in block.included {
            // Only if the sender was not among the changed accounts.
            let Some(sender) = inner.get(hash).map(|tx| tx.sender()) else { continue };
            match self.accounts.account(&sender) {
                Ok(state) => promoted.extend(inner.set_state(&self.config, sender, state, now)),
                Err(error) => tracing::warn!(%sender, %error, "account of a sender not readable"),
            }
            inner.remove(hash, now);
        }
        inner.trim_queued(&self.config, now);
        if let Some(deadline) = now.checked_sub(self.config.queued_lifetime) {
            let dropped = inner.expire(deadline, now);
            if dropped > 0 {
                tracing::debug!(dropped, "queued transactions expired");
            }
        }
        self.announce(&promoted);
    }

    /// Takes a new state of some accounts into account, outside a block.
    pub fn on_accounts(&self, changed: &[(Address, AccountState)]) {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        for (address, state) in changed {
            let promoted = inner.set_state(&self.config, *address, *state, now);
            self.announce(&promoted);
        }
        inner.trim_queued(&self.config, now);
    }

    /// Takes an unwinding of the chain into account. `removed` are the transactions of the blocks
    /// that have gone, oldest first; those still valid come back. Deposits are left out. Call it
    /// when the chain shows the state to which it went back. Costs O(n): every sender is read
    /// anew.
    pub fn on_unwind(&self, removed: impl IntoIterator<Item = NewTransaction>) {
        let now = Instant::now();
        {
            let mut inner = self.inner.lock();
            let senders: Vec<Address> = inner.senders().map(|(address, _)| *address).collect();
            for address in senders {
                match self.accounts.account(&address) {
                    Ok(state) => {
                        let promoted = inner.set_state(&self.config, address, state, now);
                        self.announce(&promoted);
                    }
                    Err(error) => {
                        tracing::warn!(%address, %error, "account of a sender not readable");
                    }
                }
            }
        }
        for tx in removed.into_iter().filter(|new| !new.tx.tx.is_deposit()) {
            let hash = tx.tx.hash();
            if let Err(error) = self.add_at(tx, now) {
                tracing::debug!(%hash, %error, "unwound transaction not taken back");
            }
        }
    }

    /// The transaction of this hash.
    pub fn get(&self, hash: &B256) -> Option<Arc<PooledTransaction>> {
        self.inner.lock().get(hash).cloned()
    }

    /// The transaction of this sender and nonce.
    pub fn get_by_nonce(&self, sender: &Address, nonce: u64) -> Option<Arc<PooledTransaction>> {
        self.inner.lock().sender(sender)?.get(nonce).cloned()
    }

    /// Whether the transaction is here.
    pub fn contains(&self, hash: &B256) -> bool {
        self.inner.lock().get(hash).is_some()
    }

    /// The nonce that the account's next transaction should have: after its pending ones.
    pub fn nonce(&self, address: &Address) -> Result<u64, LookupError> {
        let inner = self.inner.lock();
        match inner.sender(address) {
            Some(sender) => Ok(sender.next_nonce()),
            None => Ok(self.accounts.account(address)?.nonce),
        }
    }

    /// How many transactions there are.
    pub fn status(&self) -> Status {
        let inner = self.inner.lock();
        Status {
            pending: inner.len() - inner.queued_len(),
            queued: inner.queued_len(),
            slots: inner.slots(),
            bytes: inner.bytes(),
        }
    }

    /// All transactions.
    pub fn content(&self) -> Content {
        let inner = self.inner.lock();
        let mut content = Content::default();
        for (address, sender) in inner.senders() {
            let pending: Vec<_> = sender.pending().cloned().collect();
            let queued: Vec<_> = sender.all().skip(pending.len()).cloned().collect();
            if !pending.is_empty() {
                content.pending.insert(*address, pending);
            }
            if !queued.is_empty() {
                content.queued.insert(*address, queued);
            }
        }
        content
    }

    /// The transactions of one sender: pending, queued.
    pub fn content_from(
        &self,
        address: &Address,
    ) -> (Vec<Arc<PooledTransaction>>, Vec<Arc<PooledTransaction>>) {
        let inner = self.inner.lock();
        let Some(sender) = inner.sender(address) else { return Default::default() };
        let pending: Vec<_> = sender.pending().cloned().collect();
        let queued = sender.all().skip(pending.len()).cloned().collect();
        (pending, queued)
    }

    /// Number of pending transactions of each sender.
    pub fn pending_counts(&self) -> HashMap<Address, usize> {
        let inner = self.inner.lock();
        inner.senders().map(|(address, sender)| (*address, sender.pending().count())).collect()
    }

    /// Hashes of transactions as they become pending. A listener that lags loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<B256> {
        self.listeners.subscribe()
    }

    fn announce(&self, hashes: &[B256]) {
        if self.listeners.receiver_count() > 0 {
            for hash in hashes {
                // Fails only if the last listener has just gone.
                let _ = self.listeners.send(*hash);
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn check(&self) {
        self.inner.lock().check();
    }
}
