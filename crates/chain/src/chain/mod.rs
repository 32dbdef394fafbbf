//! The handle on a chain.

mod build;
mod read;
mod write;

use crate::{
    block::BlockRecord,
    config::{ChainConfig, ChainLimits},
    error::{OpenError, StorageError},
    event::{ChainEvent, Heads},
    meters::{self, Meters},
    state::{Shared, Versions},
    store::{Appended, DirLock, Recovered, Start, Store, recover},
};
use mezz_evm::ChainSpec;
use mezz_primitives::{B256, Bytes};
use parking_lot::{Mutex, RwLock};
use std::{collections::BTreeMap, fmt, fs, sync::Arc};
use tokio::sync::broadcast;

/// One canonical chain. A clone is the same chain; all methods may be called from any thread, and may block on the disk.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    spec: ChainSpec,
    limits: ChainLimits,
    genesis_hash: B256,
    shared: Arc<Shared>,
    versions: Mutex<Versions>,
    visible: RwLock<Visible>,
    metas: Mutex<BTreeMap<Bytes, Bytes>>,
    /// Held by whoever changes small values, so that the log and the memory have them in one order.
    meta_writer: Mutex<()>,
    /// Held by whoever changes the chain; taken before `meta_writer`.
    writer: Mutex<()>,
    events: broadcast::Sender<ChainEvent>,
    store: Option<Store>,
    meters: Meters,
}

/// What is on disk and may be shown.
struct Visible {
    head: Arc<BlockRecord>,
    heads: Heads,
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("chain_id", &self.inner.spec.chain_id)
            .field("head", &self.head().block_ref())
            .finish_non_exhaustive()
    }
}

impl Chain {
    /// Opens a chain, or creates it.
    ///
    /// With a data directory this reads the whole state into memory and replays the log, and requires the state roots
    /// to be those of the headers. About two seconds for a million accounts.
    pub fn open(config: ChainConfig) -> Result<Self, OpenError> {
        let ChainConfig { spec, genesis, data_dir, limits } = config;
        if limits.segment_bytes == 0 || limits.max_block_bytes == 0 || limits.event_capacity == 0 {
            return Err(OpenError::Limits(
                "segment_bytes, max_block_bytes and event_capacity must not be zero",
            ));
        }
        if limits.event_capacity > 1 << 20 {
            return Err(OpenError::Limits("event_capacity is over 1,048,576"));
        }
        let (record, diff, trie) = genesis.block(&spec)?;
        let start =
            Start { genesis: Appended { record: Arc::new(record), diff: Arc::new(diff) }, trie };
        let genesis_hash = start.genesis.record.hash();
        let (lock, recovered) = match &data_dir {
            None => (None, Recovered::in_memory(&limits, &start)),
            Some(dir) => {
                fs::create_dir_all(dir)
                    .map_err(|source| OpenError::Io { path: dir.clone(), source })?;
                let lock = DirLock::acquire(dir)?;
                (Some(lock), recover(dir, &limits, &start)?)
            }
        };
        let Recovered { head, flat, codes, versions, blocks, heads, metas, store } = recovered;
        let heads =
            Heads { latest: head.block_ref(), safe: heads.safe, finalized: heads.finalized };
        let meters = Meters::new(&spec);
        meters.opened(head.number());
        let shared = Shared { flat: RwLock::new(flat), codes, blocks, _lock: lock };
        Ok(Self {
            inner: Arc::new(Inner {
                spec,
                genesis_hash,
                shared: Arc::new(shared),
                versions: Mutex::new(versions),
                visible: RwLock::new(Visible { head, heads }),
                metas: Mutex::new(metas),
                writer: Mutex::new(()),
                meta_writer: Mutex::new(()),
                events: broadcast::Sender::new(limits.event_capacity),
                limits,
                store,
                meters,
            }),
        })
    }

    /// The rules.
    pub fn spec(&self) -> &ChainSpec {
        &self.inner.spec
    }

    /// What metrics call the chain: `l1` or `l2`.
    pub fn layer(&self) -> &'static str {
        meters::name(&self.inner.spec)
    }

    /// The bounds it was opened with.
    pub fn limits(&self) -> &ChainLimits {
        &self.inner.limits
    }

    /// Hash of the first block.
    pub fn genesis_hash(&self) -> B256 {
        self.inner.genesis_hash
    }

    /// The newest block.
    pub fn head(&self) -> Arc<BlockRecord> {
        Arc::clone(&self.inner.visible.read().head)
    }

    /// The newest, the safe and the finalized block.
    pub fn heads(&self) -> Heads {
        self.inner.visible.read().heads
    }

    /// What happens from now on. A listener that falls too far behind loses events and is told so by the channel.
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.inner.events.subscribe()
    }

    /// The error after which the store takes no more changes, if there was one: every change fails with it until the
    /// chain is opened anew.
    pub fn storage_failure(&self) -> Option<StorageError> {
        self.inner.store.as_ref().and_then(Store::failure)
    }
}
