//! The chain with everything that changes it: one lock, one block after the other.

use crate::{
    BlobRetention, DevnetError, Mining,
    blobs::{BlobStore, TxBlobs},
    clock,
    hooks::{self, DevnetHooks},
    settings::{self, Settings},
};
use mezz_chain::{
    AccountPatch, BlockRecord, BuildOptions, BuildStep, BuiltBlock, Chain, Refused, StateView,
};
use mezz_evm::{BlockAttributes, InvalidTx};
use mezz_pool::{AccountState, BestTransactions, BlockUpdate, NewTransaction, Pool};
use mezz_primitives::{Address, B256, Bytes, Header, RecoveredTransaction, keccak256};
use parking_lot::{Mutex, MutexGuard};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::Path,
    sync::Arc,
};
use tokio::sync::watch;

/// The gas of the cheapest transaction: with less left, a block is full.
const LEAST_GAS: u64 = 21_000;
/// Transactions that do not fit into what is left of a block, after which it counts as full.
const MAX_MISFITS: usize = 200;

/// What a block is made of.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Transactions that come first, if they are valid.
    pub(crate) first: Vec<NewTransaction>,
    /// Whether those of the pool follow.
    pub(crate) from_pool: bool,
    /// Changes of the state that no transaction makes.
    pub(crate) patch: BTreeMap<Address, AccountPatch>,
    /// The timestamp, if the clock is not to be asked; raised to the parent's and one.
    pub(crate) timestamp: Option<u64>,
    /// Whether a block without transactions is not worth mining.
    pub(crate) skip_empty: bool,
}

/// A point to which the chain can go back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    pub(crate) settings: Settings,
}

/// What is behind the node's lock. Whoever holds it is the only one who changes the chain.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) settings: Settings,
    pub(crate) snapshots: BTreeMap<u64, Snapshot>,
    pub(crate) next_snapshot: u64,
}

/// The embedded Layer 1 without its server.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) chain: Chain,
    pub(crate) pool: Pool,
    pub(crate) blobs: Arc<BlobStore>,
    pub(crate) hooks: Arc<DevnetHooks>,
    pub(crate) mining: watch::Sender<Mining>,
    pub(crate) genesis_time: u64,
    finality_depth: u64,
    writer: Mutex<Writer>,
}

impl Node {
    pub(crate) fn new(
        chain: Chain,
        pool: Pool,
        hooks: Arc<DevnetHooks>,
        config: &crate::DevnetConfig,
        genesis_time: u64,
    ) -> Result<Self, DevnetError> {
        let settings = Settings::load(&chain, config.gas_limit);
        let retention: BlobRetention = config.blobs;
        let dir = config.data_dir.as_deref().map(|dir: &Path| dir.join("blobs"));
        let blobs = Arc::new(BlobStore::open(dir.as_deref(), retention, &chain)?);
        let node = Self {
            chain,
            pool,
            blobs,
            hooks,
            mining: watch::Sender::new(config.mining),
            genesis_time,
            finality_depth: config.finality_depth,
            writer: Mutex::new(Writer { settings, snapshots: BTreeMap::new(), next_snapshot: 0 }),
        };
        node.tell_pool(&[], &[], &settings);
        Ok(node)
    }

    /// The right to change the chain.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// The settings as they are.
    pub(crate) fn settings(&self) -> Settings {
        self.writer.lock().settings
    }

    /// Changes the settings, durably.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Settings)) -> Result<(), DevnetError> {
        let mut writer = self.writer();
        let mut settings = writer.settings;
        change(&mut settings);
        if settings != writer.settings {
            settings.store(&self.chain)?;
            writer.settings = settings;
            self.tell_pool(&[], &[], &settings);
        }
        Ok(())
    }

    /// Base fee of the next block that takes transactions from the pool, wei for a gas.
    pub(crate) fn next_base_fee(&self, settings: &Settings, head: &Header) -> u64 {
        settings.next_base_fee.unwrap_or_else(|| self.chain.spec().next_base_fee(head))
    }

    /// Mines a block on the head. None: it would have been empty, and that was not wanted.
    pub(crate) fn mine(
        &self,
        writer: &mut Writer,
        plan: Plan,
    ) -> Result<Option<Arc<BlockRecord>>, DevnetError> {
        let head = self.chain.head();
        let now = clock::now();
        let parent_time = head.header.timestamp;
        let mut settings = writer.settings;
        let timestamp = match plan.timestamp {
            Some(timestamp) => timestamp.max(parent_time.saturating_add(1)),
            // What a verb has set is meant for the next block that takes transactions.
            None if !plan.patch.is_empty() => settings.clock.between(now, parent_time),
            None => {
                let timestamp = settings.clock.next(now, parent_time);
                settings.clock.advance(now, timestamp);
                timestamp
            }
        };
        let attributes = attributes(&settings, &head, timestamp);
        let mut source = Source::new(self, &head, plan.first, plan.from_pool, &settings)?;
        let options = BuildOptions {
            deadline: None,
            patch: plan.patch,
            base_fee: if plan.from_pool { settings.next_base_fee.take() } else { None },
            // The source holds back what a contract has signed itself.
            allow_contract_senders: true,
        };
        let built = self.chain.build(&attributes, &[], &mut |step| source.next(step), &options)?;
        self.drop_unusable(&built);
        for hash in source.held_back.drain(..) {
            tracing::warn!(%hash, "dropped a transaction that a contract has signed (EIP-3607)");
            self.pool.remove(&hash);
        }
        if plan.skip_empty && built.record().transactions.is_empty() {
            return Ok(None);
        }

        let sidecars = source.sidecars_of(self, &built);
        self.blobs.put(built.record().number(), built.hash(), sidecars)?;
        let changed: Vec<_> = built
            .diff()
            .accounts
            .iter()
            .map(|account| (account.address, AccountState::from(account.after)))
            .collect();
        let encoded = settings.encoded();
        let metas: &[(&[u8], &[u8])] =
            if settings == writer.settings { &[] } else { &[(settings::KEY, &encoded)] };
        let record = self.chain.commit_with(built, metas)?;
        writer.settings = settings;
        self.move_heads(record.number())?;
        let included: Vec<_> = record.transactions.iter().map(|tx| tx.hash()).collect();
        self.tell_pool(&included, &changed, &settings);
        tracing::debug!(
            number = record.number(),
            hash = %record.hash(),
            transactions = included.len(),
            timestamp,
            "mined a block"
        );
        Ok(Some(record))
    }

    /// Takes off all blocks after `to`. Their transactions do not come back into the pool, and
    /// those of the pool stay as far as they are still valid.
    pub(crate) fn unwind(
        &self,
        writer: &mut Writer,
        to: u64,
    ) -> Result<Vec<Arc<BlockRecord>>, DevnetError> {
        let mut settings = writer.settings;
        settings.fork = settings.fork.wrapping_add(1);
        settings.store(&self.chain)?;
        writer.settings = settings;
        let removed = self.chain.unwind_past_finalized(to)?;
        self.blobs.remove_from(to.saturating_add(1));
        self.pool.on_unwind([]);
        self.tell_pool(&[], &[], &settings);
        Ok(removed)
    }

    /// The safe and the finalized head follow the newest block.
    fn move_heads(&self, latest: u64) -> Result<(), DevnetError> {
        let heads = self.chain.heads();
        let finalized = latest.saturating_sub(self.finality_depth).max(heads.finalized.number);
        let safe = latest.saturating_sub(self.finality_depth / 2).max(finalized);
        if safe > heads.safe.number || finalized > heads.finalized.number {
            self.chain.set_heads(Some(safe.max(heads.safe.number)), Some(finalized))?;
        }
        Ok(())
    }

    /// Tells the pool and the server how the chain stands.
    pub(crate) fn tell_pool(
        &self,
        included: &[B256],
        changed: &[(Address, AccountState)],
        settings: &Settings,
    ) {
        self.hooks.set_next(settings);
        self.pool.on_block(&BlockUpdate {
            included,
            changed,
            next_base_fee: self.next_base_fee(settings, &self.chain.head().header),
            block_gas_limit: settings.gas_limit,
        });
    }

    /// Takes from the pool what no later block can hold either.
    fn drop_unusable(&self, built: &BuiltBlock) {
        for skipped in built.skipped() {
            if !fits_later(&skipped.reason) {
                let hash = skipped.tx.hash();
                tracing::warn!(%hash, reason = %skipped.reason, "dropped a transaction");
                self.pool.remove(&hash);
            }
        }
    }
}

const fn fits_later(reason: &Refused) -> bool {
    matches!(
        reason,
        Refused::NoRoom { .. }
            | Refused::Invalid(
                InvalidTx::BlockGasExceeded { .. } | InvalidTx::BlockBlobGasExceeded { .. }
            )
    )
}

/// The choices of the miner. The randomness and the beacon root have no beacon chain to come
/// from: they follow from the parent, and from how often the chain was unwound, so that a block
/// that replaces another is another block.
fn attributes(settings: &Settings, head: &BlockRecord, timestamp: u64) -> BlockAttributes {
    let derive = |label: &[u8]| {
        keccak256([label, head.hash().as_slice(), &settings.fork.to_be_bytes()].concat())
    };
    BlockAttributes {
        timestamp,
        beneficiary: settings.coinbase,
        gas_limit: settings.gas_limit,
        prev_randao: derive(b"randao"),
        parent_beacon_block_root: derive(b"beacon root"),
        extra_data: Bytes::new(),
    }
}

/// The transactions of a block in the order in which they are tried.
struct Source {
    state: StateView,
    first: VecDeque<NewTransaction>,
    best: Option<BestTransactions>,
    last_from_pool: bool,
    misfits: usize,
    sidecars: HashMap<B256, TxBlobs>,
    /// Transactions that no block can hold, whatever it allows.
    held_back: Vec<B256>,
}

impl Source {
    fn new(
        node: &Node,
        head: &BlockRecord,
        first: Vec<NewTransaction>,
        from_pool: bool,
        settings: &Settings,
    ) -> Result<Self, DevnetError> {
        Ok(Self {
            state: node.chain.state()?,
            first: first.into(),
            best: from_pool.then(|| {
                node.pool.best_with_blobs(
                    node.next_base_fee(settings, &head.header),
                    node.chain.spec().next_blob_base_fee(&head.header),
                )
            }),
            last_from_pool: false,
            misfits: 0,
            sidecars: HashMap::new(),
            held_back: Vec::new(),
        })
    }

    fn next(&mut self, step: &BuildStep<'_>) -> Option<RecoveredTransaction> {
        if let Some(reason) = step.refused {
            self.decline();
            self.misfits += usize::from(fits_later(reason));
        }
        if step.gas_left < LEAST_GAS || self.misfits > MAX_MISFITS {
            return None;
        }
        loop {
            let tx = self.candidate()?;
            // A state that cannot be read fails the block where it is executed.
            if hooks::may_send(&self.state, &tx).unwrap_or(true) {
                return Some(tx);
            }
            self.held_back.push(tx.hash());
            self.decline();
        }
    }

    fn decline(&mut self) {
        if self.last_from_pool
            && let Some(best) = &mut self.best
        {
            best.decline();
        }
    }

    fn candidate(&mut self) -> Option<RecoveredTransaction> {
        if let Some(NewTransaction { tx, sidecar }) = self.first.pop_front() {
            if let Some(sidecar) = sidecar {
                self.sidecars.insert(tx.hash(), (tx.hash(), sidecar));
            }
            return Some(tx);
        }
        let tx = self.best.as_mut()?.next()?;
        self.last_from_pool = true;
        if let Some(sidecar) = &tx.sidecar {
            self.sidecars.insert(tx.hash, (tx.hash, sidecar.clone()));
        }
        Some(tx.tx.clone())
    }

    /// The sidecars of the transactions that got into the block, in order.
    fn sidecars_of(mut self, node: &Node, built: &BuiltBlock) -> Vec<TxBlobs> {
        let blob_txs = built.record().transactions.iter().filter(|tx| tx.tx.is_blob());
        blob_txs
            .filter_map(|tx| {
                let hash = tx.hash();
                self.sidecars.remove(&hash).or_else(|| {
                    let pooled = node.pool.get(&hash)?;
                    Some((hash, pooled.sidecar.clone()?))
                })
            })
            .collect()
    }
}
