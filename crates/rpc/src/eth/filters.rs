//! Filters: what has happened since the client last asked.

use super::logs;
use crate::{
    Args, Failure, Limits,
    context::Context,
    expected,
    json::{TransactionView, block_logs, logs_bytes},
    methods::Table,
    server::Peer,
};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::{BlockRecord, ChainEvent};
use mezz_primitives::B256;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::broadcast::{Receiver, error::TryRecvError};

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.of_client("eth_newFilter", new_logs)?;
    table.of_client("eth_newBlockFilter", new_blocks)?;
    table.of_client("eth_newPendingTransactionFilter", new_pending)?;
    table.read("eth_getFilterChanges", changes)?;
    table.read("eth_getFilterLogs", all_logs)?;
    table.quick("eth_uninstallFilter", uninstall)
}

/// Bytes that an address or topic of a filter takes, in its set and as it is looked up.
const VALUE_BYTES: usize = 128;

/// The installed filters. They follow the chain by its events: whoever looks at a filter first
/// takes in all events up to then, so that a block which the chain shows is never missing.
pub(crate) struct Filters {
    inner: Mutex<Inner>,
    max: usize,
    max_client: usize,
    timeout: Duration,
}

struct Inner {
    events: Receiver<ChainEvent>,
    filters: HashMap<FilterId, Installed>,
    max_entries: usize,
    max_bytes: usize,
}

/// The name of a filter: 128 random bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct FilterId(String);

impl FilterId {
    fn random() -> Self {
        Self(format!("{:#x}", rand::random::<u128>()))
    }
}

struct Installed {
    kind: Kind,
    owner: Option<Peer>,
    asked: Instant,
    /// The head when the filter was installed; only what lies above it is news.
    since: u64,
}

enum Kind {
    Blocks(Vec<B256>),
    Logs {
        filter: Arc<Filter>,
        /// Of the filter itself.
        own_bytes: usize,
        found: Vec<Log>,
        bytes: usize,
    },
    Pending {
        hashes: Receiver<B256>,
        full: bool,
    },
}

/// What has changed, as the kind of the filter has it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Changes {
    Hashes(Vec<B256>),
    Logs(Vec<Log>),
    Transactions(Vec<TransactionView>),
}

fn not_found() -> Failure {
    Failure::server("filter not found")
}

impl Filters {
    pub(crate) fn new(limits: &Limits, events: Receiver<ChainEvent>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                events,
                filters: HashMap::new(),
                max_entries: limits.max_filter_entries,
                max_bytes: limits.max_filter_bytes,
            }),
            max: limits.max_filters,
            max_client: limits.max_client_filters,
            timeout: limits.filter_timeout,
        }
    }

    /// Takes in what the chain has done, and removes filters that nobody asks for.
    pub(crate) fn catch_up(&self) {
        let mut inner = self.inner.lock();
        inner.catch_up();
        inner.filters.retain(|_, filter| filter.asked.elapsed() < self.timeout);
    }

    fn install(&self, kind: Kind, head: u64, owner: Option<Peer>) -> Result<FilterId, Failure> {
        let mut inner = self.inner.lock();
        inner.catch_up();
        inner.filters.retain(|_, filter| filter.asked.elapsed() < self.timeout);
        if inner.filters.len() >= self.max {
            let message = format!("too many filters: {} are installed, try later", self.max);
            return Err(Failure::limit(message));
        }
        let own = inner.filters.values().filter(|filter| filter.owner == owner).count();
        if own >= self.max_client {
            let message = format!("too many filters: you have {own}; uninstall some, or wait");
            return Err(Failure::limit(message));
        }
        let held: usize = inner.filters.values().map(|filter| filter.kind.bytes()).sum();
        if held.saturating_add(kind.bytes()) > inner.max_bytes {
            let message = format!("too many filters: they take {held} bytes, try later");
            return Err(Failure::limit(message));
        }
        let id = FilterId::random();
        let installed = Installed { kind, owner, asked: Instant::now(), since: head };
        inner.filters.insert(id.clone(), installed);
        Ok(id)
    }
}

impl Inner {
    fn catch_up(&mut self) {
        loop {
            match self.events.try_recv() {
                Ok(ChainEvent::NewHead(block)) => self.each(&block, false),
                Ok(ChainEvent::Unwound { removed }) => {
                    for block in removed {
                        self.each(&block, true);
                    }
                }
                Ok(ChainEvent::Heads(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
                Err(TryRecvError::Lagged(events)) => {
                    // A filter with a gap would be believed; a filter that is gone is made anew.
                    tracing::warn!(events, "filters fell behind the chain and were removed");
                    self.filters.clear();
                }
            }
        }
    }

    /// Tells every filter of a block; those that would take too much memory are removed.
    fn each(&mut self, block: &BlockRecord, removed: bool) {
        let number = block.header.number;
        let mut bytes: usize = self.filters.values().map(|filter| filter.kind.bytes()).sum();
        self.filters.retain(|_, filter| {
            if removed {
                filter.since = filter.since.min(number.saturating_sub(1));
            } else if number <= filter.since {
                return true;
            }
            let before = filter.kind.bytes();
            let fits = filter.kind.add(block, removed, self.max_entries);
            bytes = bytes - before + filter.kind.bytes();
            if fits && bytes <= self.max_bytes {
                return true;
            }
            bytes -= filter.kind.bytes();
            false
        });
    }
}

impl Kind {
    /// About the memory of the filter and of what waits to be fetched.
    fn bytes(&self) -> usize {
        match self {
            Self::Blocks(hashes) => hashes.len() * size_of::<B256>(),
            Self::Logs { own_bytes, bytes, .. } => own_bytes + bytes,
            Self::Pending { .. } => 0,
        }
    }

    /// Adds what it wants of a block; `false` if that makes more than `max` entries.
    fn add(&mut self, block: &BlockRecord, removed: bool, max: usize) -> bool {
        match self {
            Self::Blocks(hashes) if !removed => {
                hashes.push(block.header.seal());
                hashes.len() <= max
            }
            Self::Logs { filter, found, bytes, .. } if in_range(filter, block.header.number) => {
                let before = found.len();
                let fits = block_logs(block, filter, removed, max, found);
                *bytes += logs_bytes(&found[before..]);
                fits
            }
            _ => true,
        }
    }
}

/// Whether a filter's range has a block of this height.
pub(super) fn in_range(filter: &Filter, number: u64) -> bool {
    let FilterBlockOption::Range { from_block, to_block } = filter.block_option else {
        return false;
    };
    let from = from_block.and_then(|tag| tag.as_number()).unwrap_or(0);
    let to = to_block.and_then(|tag| tag.as_number()).unwrap_or(u64::MAX);
    (from..=to).contains(&number)
}

fn new_logs(
    context: &Context,
    mut args: Args<'_>,
    owner: Option<Peer>,
) -> Result<FilterId, Failure> {
    let filter: Filter = args.optional_as(expected::filter)?.unwrap_or_default();
    args.end()?;
    logs::check(&filter)?;
    let head = context.head().header.number;
    let values =
        filter.topics.iter().map(|topic| topic.len()).sum::<usize>() + filter.address.len();
    let kind = Kind::Logs {
        filter: Arc::new(filter),
        own_bytes: size_of::<Filter>() + VALUE_BYTES * values,
        found: Vec::new(),
        bytes: 0,
    };
    context.filters.install(kind, head, owner)
}

fn new_blocks(context: &Context, args: Args<'_>, owner: Option<Peer>) -> Result<FilterId, Failure> {
    args.end()?;
    let head = context.head().header.number;
    context.filters.install(Kind::Blocks(Vec::new()), head, owner)
}

fn new_pending(
    context: &Context,
    mut args: Args<'_>,
    owner: Option<Peer>,
) -> Result<FilterId, Failure> {
    let full = args.optional()?.unwrap_or_default();
    args.end()?;
    let hashes = context.pool.subscribe();
    let head = context.head().header.number;
    context.filters.install(Kind::Pending { hashes, full }, head, owner)
}

fn changes(context: &Context, mut args: Args<'_>) -> Result<Changes, Failure> {
    let id: FilterId = args.required()?;
    args.end()?;
    let filters = &context.filters;
    let mut inner = filters.inner.lock();
    inner.catch_up();
    let max_entries = inner.max_entries;
    let filter = inner.filters.get_mut(&id).ok_or_else(not_found)?;
    filter.asked = Instant::now();
    Ok(match &mut filter.kind {
        Kind::Blocks(hashes) => Changes::Hashes(std::mem::take(hashes)),
        Kind::Logs { found, bytes, .. } => {
            *bytes = 0;
            Changes::Logs(std::mem::take(found))
        }
        Kind::Pending { hashes, full } => {
            let full = *full;
            let hashes = drain(hashes, max_entries);
            drop(inner);
            if !full {
                return Ok(Changes::Hashes(hashes));
            }
            let pending = hashes.iter().filter_map(|hash| context.pool.get(hash));
            Changes::Transactions(pending.map(TransactionView::Pending).collect())
        }
    })
}

/// The hashes that have come in; of more than `max` the newest wait for the next time.
fn drain(hashes: &mut Receiver<B256>, max: usize) -> Vec<B256> {
    let mut drained = Vec::new();
    while drained.len() < max {
        match hashes.try_recv() {
            Ok(hash) => drained.push(hash),
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    drained
}

/// All logs that the filter matches, also those before it was installed.
fn all_logs(context: &Context, mut args: Args<'_>) -> Result<Vec<Log>, Failure> {
    let id: FilterId = args.required()?;
    args.end()?;
    let filter = {
        let mut inner = context.filters.inner.lock();
        let installed = inner.filters.get_mut(&id).ok_or_else(not_found)?;
        installed.asked = Instant::now();
        match &installed.kind {
            Kind::Logs { filter, .. } => filter.clone(),
            Kind::Blocks(_) | Kind::Pending { .. } => return Err(not_found()),
        }
    };
    context.logs(&filter)
}

fn uninstall(context: &Context, mut args: Args<'_>) -> Result<bool, Failure> {
    let id: FilterId = args.required()?;
    args.end()?;
    Ok(context.filters.inner.lock().filters.remove(&id).is_some())
}
