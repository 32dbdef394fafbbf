//! Reading blocks: the new ones from memory, the others from the history.

use super::{
    history::{History, appended},
    log_index::BloomQuery,
    op::Appended,
};
use crate::{block::BlockRecord, config::ChainLimits, error::ChainError, log_query::LogQuery};
use alloy_primitives::map::HashMap;
use mezz_primitives::{B256, Header, Sealed, StateDiff};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Blocks from the history that stay in memory; `BLOCKHASH` reaches back as far.
const CACHED_BLOCKS: usize = 256;
/// Blocks in memory that are searched while no other can be added.
const SEARCHED_AT_ONCE: u64 = 1_024;

/// A block in memory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) appended: Appended,
    /// Its place in the log.
    pub(crate) lsn: u64,
}

#[derive(Debug, Default)]
struct Recent {
    by_number: BTreeMap<u64, Entry>,
    by_hash: HashMap<B256, u64>,
    txs: HashMap<B256, (u64, usize)>,
    bytes: u64,
    head: u64,
}

#[derive(Debug, Default)]
struct Cache {
    /// Least recently used first.
    blocks: VecDeque<Arc<BlockRecord>>,
    /// Counts unwinds: what was read before one must not be kept after it.
    epoch: u64,
}

/// The blocks of the chain.
#[derive(Debug)]
pub(crate) struct Blocks {
    recent: RwLock<Recent>,
    cache: Mutex<Cache>,
    history: Option<History>,
    flushed: Arc<AtomicU64>,
    keep: usize,
    keep_bytes: u64,
}

impl Recent {
    fn insert(&mut self, entry: Entry) {
        let record = &entry.appended.record;
        self.head = record.number();
        self.bytes += record.size;
        self.by_hash.insert(record.hash(), record.number());
        for (index, tx) in record.transactions.iter().enumerate() {
            self.txs.insert(tx.hash(), (record.number(), index));
        }
        self.by_number.insert(record.number(), entry);
    }

    fn remove(&mut self, number: u64) {
        let Some(entry) = self.by_number.remove(&number) else { return };
        let record = entry.appended.record;
        self.bytes -= record.size;
        self.by_hash.remove(&record.hash());
        for tx in &record.transactions {
            self.txs.remove(&tx.hash());
        }
    }
}

impl Blocks {
    pub(crate) fn new(
        limits: &ChainLimits,
        history: Option<History>,
        flushed: Arc<AtomicU64>,
    ) -> Self {
        Self {
            recent: RwLock::default(),
            cache: Mutex::default(),
            history,
            flushed,
            keep: limits.recent_blocks,
            keep_bytes: limits.recent_bytes,
        }
    }

    /// Adds the new head.
    pub(crate) fn push(&self, entry: Entry) {
        let mut recent = self.recent.write();
        recent.insert(entry);
        if self.history.is_none() {
            return;
        }
        let flushed = self.flushed.load(Ordering::Acquire);
        while recent.by_number.len() > self.keep.max(1)
            || (recent.bytes > self.keep_bytes && recent.by_number.len() > 1)
        {
            match recent.by_number.first_key_value() {
                Some((number, entry)) if entry.lsn <= flushed => {
                    let number = *number;
                    recent.remove(number);
                }
                _ => break,
            }
        }
    }

    /// Makes block `head`, which is in the history, the head.
    pub(crate) fn set_head(&self, head: u64) {
        self.recent.write().head = head;
    }

    /// Forgets the blocks after `to`.
    pub(crate) fn unwind(&self, to: u64) {
        let mut recent = self.recent.write();
        let gone: Vec<u64> =
            recent.by_number.range(to.saturating_add(1)..).map(|(n, _)| *n).collect();
        for number in gone {
            recent.remove(number);
        }
        recent.head = to;
        let mut cache = self.cache.lock();
        cache.epoch += 1;
        cache.blocks.retain(|record| record.number() <= to);
    }

    /// The block at a height.
    pub(crate) fn by_number(&self, number: u64) -> Result<Option<Arc<BlockRecord>>, ChainError> {
        // Taken first: what is read from here on is kept only if no unwind came in between.
        let epoch = self.cache.lock().epoch;
        {
            let recent = self.recent.read();
            if number > recent.head {
                return Ok(None);
            }
            if let Some(entry) = recent.by_number.get(&number) {
                return Ok(Some(Arc::clone(&entry.appended.record)));
            }
        }
        let Some(history) = &self.history else { return Ok(None) };
        {
            let mut cache = self.cache.lock();
            if let Some(at) = cache.blocks.iter().position(|record| record.number() == number)
                && let Some(record) = cache.blocks.remove(at)
            {
                cache.blocks.push_back(Arc::clone(&record));
                return Ok(Some(record));
            }
        }
        let Some(record) = history.block(number)?.map(Arc::new) else { return Ok(None) };
        let mut cache = self.cache.lock();
        if cache.epoch == epoch && cache.blocks.iter().all(|record| record.number() != number) {
            while cache.blocks.len() >= CACHED_BLOCKS {
                cache.blocks.pop_front();
            }
            cache.blocks.push_back(Arc::clone(&record));
        }
        Ok(Some(record))
    }

    /// The header of the block at a height, without reading the rest of it.
    pub(crate) fn header(&self, number: u64) -> Result<Option<Sealed<Header>>, ChainError> {
        {
            let recent = self.recent.read();
            if number > recent.head {
                return Ok(None);
            }
            if let Some(entry) = recent.by_number.get(&number) {
                return Ok(Some(entry.appended.record.header.clone()));
            }
        }
        match &self.history {
            Some(history) => Ok(history.header(number)?),
            None => Ok(None),
        }
    }

    /// The block with a hash.
    pub(crate) fn by_hash(&self, hash: &B256) -> Result<Option<Arc<BlockRecord>>, ChainError> {
        let known = self.recent.read().by_hash.get(hash).copied();
        let number = match (known, &self.history) {
            (Some(number), _) => Some(number),
            (None, Some(history)) => history.number_of(hash)?,
            (None, None) => None,
        };
        let Some(number) = number else { return Ok(None) };
        // The history may still have a block that was unwound, at a height where there is another now.
        Ok(self.by_number(number)?.filter(|record| record.hash() == *hash))
    }

    /// The block and the index of a transaction.
    pub(crate) fn transaction(
        &self,
        hash: &B256,
    ) -> Result<Option<(Arc<BlockRecord>, usize)>, ChainError> {
        let known = self.recent.read().txs.get(hash).copied();
        let place = match (known, &self.history) {
            (Some(place), _) => Some(place),
            (None, Some(history)) => history.transaction(hash)?.map(|(n, i)| (n, i as usize)),
            (None, None) => None,
        };
        let Some((number, index)) = place else { return Ok(None) };
        Ok(self
            .by_number(number)?
            .filter(|record| record.transactions.get(index).is_some_and(|tx| tx.hash() == *hash))
            .map(|record| (record, index)))
    }

    /// The blocks from `from` to `to`, or to the head, that may have a log for `query`, in order: by the index those
    /// in the history, by their blooms those in memory.
    pub(crate) fn with_logs(
        &self,
        query: &LogQuery,
        from: u64,
        to: u64,
    ) -> Result<Vec<u64>, ChainError> {
        loop {
            let epoch = self.cache.lock().epoch;
            let (in_memory, to) = {
                let recent = self.recent.read();
                // Those in memory are the newest, without a gap.
                let first = recent.by_number.first_key_value().map(|(number, _)| *number);
                (first.unwrap_or(recent.head.saturating_add(1)), to.min(recent.head))
            };
            let mut found = match &self.history {
                Some(history) if from < in_memory && from <= to => {
                    history.blocks_with_logs(query, from, to.min(in_memory - 1))?
                }
                _ => Vec::new(),
            };
            let blooms = BloomQuery::new(query);
            let mut next = from.max(in_memory);
            while next <= to {
                let recent = self.recent.read();
                let end = to.min(next.saturating_add(SEARCHED_AT_ONCE - 1));
                let first =
                    recent.by_number.first_key_value().map_or(u64::MAX, |(first, _)| *first);
                // Those that have left memory since are looked at as if they matched.
                found.extend(next..first.min(end.saturating_add(1)));
                for (number, entry) in recent.by_number.range(next..=end) {
                    if blooms.may_match(&entry.appended.record.header.logs_bloom) {
                        found.push(*number);
                    }
                }
                next = end.saturating_add(1);
            }
            // After an unwind the history may not have the blocks of all these heights.
            if self.cache.lock().epoch == epoch {
                return Ok(found);
            }
        }
    }

    /// The hash of the block at a height.
    pub(crate) fn hash_of(&self, number: u64) -> Result<Option<B256>, ChainError> {
        Ok(self.by_number(number)?.map(|record| record.hash()))
    }

    /// What the block at a height changed.
    pub(crate) fn diff(&self, number: u64) -> Result<Option<Arc<StateDiff>>, ChainError> {
        {
            let recent = self.recent.read();
            if number > recent.head {
                return Ok(None);
            }
            if let Some(entry) = recent.by_number.get(&number) {
                return Ok(Some(Arc::clone(&entry.appended.diff)));
            }
        }
        match &self.history {
            Some(history) => Ok(history.diff(number)?.map(Arc::new)),
            None => Ok(None),
        }
    }

    /// The block at a height with its difference; it must exist.
    pub(crate) fn appended(&self, number: u64) -> Result<Appended, ChainError> {
        if let Some(entry) = self.recent.read().by_number.get(&number) {
            return Ok(entry.appended.clone());
        }
        match &self.history {
            Some(history) => Ok(appended(history, number)?),
            None => {
                Err(crate::error::StorageError::new(format_args!("block {number} is missing"))
                    .into())
            }
        }
    }
}
