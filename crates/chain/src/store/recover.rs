//! Opening a data directory: the state from the history, the log over it.

use super::{
    Store,
    blocks::{Blocks, Entry},
    flush::Flusher,
    history::{Flushed, History, StoredHeads},
    op::{Appended, Op, Submission},
    segment::{self, SegmentFile},
    wal::{Wal, WalState, WalWriter},
};
use crate::{
    block::{BlockRecord, BlockRef},
    config::ChainLimits,
    error::OpenError,
    state::{Codes, Flat, Versions},
};
use mezz_primitives::{B256, Bytes};
use mezz_trie::StateTrie;
use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{Arc, atomic::AtomicU64, mpsc::sync_channel},
};

/// Submissions that may wait for the history; a log that is further ahead makes committers wait.
const QUEUE: usize = 1024;

/// All that a chain is made of when it opens.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) head: Arc<BlockRecord>,
    pub(crate) flat: Flat,
    pub(crate) codes: Codes,
    pub(crate) versions: Versions,
    pub(crate) blocks: Blocks,
    pub(crate) heads: StoredHeads,
    pub(crate) metas: BTreeMap<Bytes, Bytes>,
    pub(crate) store: Option<Store>,
}

/// The first block and its state.
pub(crate) struct Start {
    pub(crate) genesis: Appended,
    pub(crate) trie: StateTrie,
}

impl Recovered {
    /// A chain that is kept in memory only.
    pub(crate) fn in_memory(limits: &ChainLimits, start: &Start) -> Self {
        let head = Arc::clone(&start.genesis.record);
        let blocks = Blocks::new(limits, None, Arc::default());
        let mut flat = Flat::default();
        flat.apply(&start.genesis.diff, head.hash());
        let codes = Codes::default();
        codes.add(&start.genesis.diff);
        let mut versions = Versions::new(limits.kept_versions, limits.cached_versions);
        versions.push(head.number(), head.hash(), start.trie.clone());
        blocks.push(Entry { appended: start.genesis.clone(), lsn: 0 });
        let heads = StoredHeads { safe: head.block_ref(), finalized: head.block_ref() };
        Self { head, flat, codes, versions, blocks, heads, metas: BTreeMap::new(), store: None }
    }
}

/// Opens `root`, whose lock is held, and brings the chain to where the log ends.
pub(crate) fn recover(
    root: &Path,
    limits: &ChainLimits,
    start: &Start,
) -> Result<Recovered, OpenError> {
    let log_dir = root.join("log");
    let io_error = |source: io::Error| OpenError::Io { path: log_dir.clone(), source };
    fs::create_dir_all(&log_dir).map_err(io_error)?;
    let genesis = start.genesis.record.hash();

    let history = History::open(root)?;
    if let Some((found, format)) = history.identity()? {
        let expected = u64::from(segment::FORMAT);
        if format != expected {
            return Err(OpenError::Format { path: root.to_owned(), expected, found: format });
        }
        if found != genesis {
            return Err(OpenError::OtherChain { path: root.to_owned(), expected: genesis, found });
        }
    } else {
        history.create(&start.genesis)?;
    }
    let flushed =
        history.flushed()?.ok_or_else(|| inconsistent(0, "the history has no progress"))?;
    history.index_logs(flushed.head.number)?;

    let log = read_log(root, &log_dir, genesis, flushed)?;
    let mut replay = Replay::begin(&history, limits, flushed)?;
    let mut submissions = Vec::with_capacity(log.submissions.len());
    for (lsn, bytes) in &log.submissions {
        submissions.push(replay.apply(*lsn, bytes)?);
    }
    let Replay { head, flat, codes, versions, entries, heads, metas, .. } = replay;
    if !submissions.is_empty() {
        tracing::info!(head = head.number(), records = submissions.len(), "replayed the log");
    }

    let state = Arc::new(WalState::default());
    *state.segments.lock() = log.segments;
    let (queue, receiver) = sync_channel(QUEUE);
    let flushed_lsn = Arc::new(AtomicU64::new(flushed.lsn));
    let blocks = Blocks::new(limits, Some(history.clone()), Arc::clone(&flushed_lsn));
    blocks.set_head(flushed.head.number);
    for entry in entries.into_values() {
        blocks.push(entry);
    }
    blocks.set_head(head.number());
    let flusher = Flusher {
        root: root.to_owned(),
        history,
        at: flushed,
        interval: limits.flush_interval,
        log: Arc::clone(&state),
        flushed: flushed_lsn,
    };
    let flusher = flusher.start(receiver).map_err(io_error)?;
    for submission in submissions {
        // The thread ends early only when it has failed, and has then said so to the log.
        if queue.send(submission).is_err() {
            break;
        }
    }
    let writer = WalWriter {
        root: root.to_owned(),
        dir: log_dir.clone(),
        genesis,
        segment: log.segment,
        segment_bytes: limits.segment_bytes,
        flusher: queue,
    };
    let wal = Wal::start(state, writer, log.next_lsn).map_err(io_error)?;
    let store = Some(Store { wal, flusher: Some(flusher) });
    Ok(Recovered { head, flat, codes, versions, blocks, heads, metas, store })
}

fn inconsistent(number: u64, reason: impl Into<String>) -> OpenError {
    OpenError::Inconsistent { number, reason: reason.into() }
}

/// What the log holds beyond the history.
struct Log {
    segments: Vec<SegmentFile>,
    /// The newest, open.
    segment: segment::Segment,
    submissions: Vec<(u64, Vec<u8>)>,
    next_lsn: u64,
}

fn read_log(root: &Path, dir: &Path, genesis: B256, flushed: Flushed) -> Result<Log, OpenError> {
    let io_error = |source: io::Error| OpenError::Io { path: dir.to_owned(), source };
    let mut segments = segment::list(dir)?;
    let mut submissions = Vec::new();
    let mut newest = None;
    let mut expected: Option<u64> = None;
    let count = segments.len();
    for (i, file) in segments.iter().enumerate() {
        let Some(mut contents) = segment::read(root, file, genesis, i + 1 == count)? else {
            continue;
        };
        let gap = match expected {
            Some(lsn) => file.first_lsn != lsn,
            // What the history holds may be gone from the log.
            None => file.first_lsn > flushed.lsn + 1,
        };
        if gap {
            let first = expected.unwrap_or(flushed.lsn + 1);
            let reason =
                format!("records {first} to {} are missing", file.first_lsn.saturating_sub(1));
            return Err(OpenError::Corrupt { path: file.path.clone(), offset: 0, reason });
        }
        if contents.torn > 0 {
            tracing::warn!(
                path = %file.path.display(), bytes = contents.torn,
                "dropped a record that was being written when the process ended"
            );
        }
        let list = std::mem::take(&mut contents.submissions);
        expected = Some(file.first_lsn + list.len() as u64);
        submissions.extend((file.first_lsn..).zip(list).filter(|(lsn, _)| *lsn > flushed.lsn));
        newest = Some((file.clone(), contents));
    }
    // A segment without a whole header holds nothing; it is replaced.
    if segments.last().map(|file| &file.path) != newest.as_ref().map(|(file, _)| &file.path)
        && let Some(empty) = segments.pop()
    {
        fs::remove_file(&empty.path).map_err(io_error)?;
    }
    // A log that ends before the history does was lost after it had been taken in; its numbers are not given again.
    let next_lsn = expected.unwrap_or_default().max(flushed.lsn + 1);
    let segment = match newest {
        Some((file, contents)) if expected == Some(next_lsn) => {
            segment::reopen(&file.path, &contents).map_err(io_error)?
        }
        _ => {
            for stale in segments.drain(..) {
                fs::remove_file(&stale.path).map_err(io_error)?;
            }
            let segment = segment::create(root, dir, genesis, next_lsn).map_err(io_error)?;
            segments.push(SegmentFile { first_lsn: next_lsn, path: segment.path.clone() });
            segment
        }
    };
    Ok(Log { segments, segment, submissions, next_lsn })
}

/// The chain while the log is replayed.
struct Replay<'a> {
    history: &'a History,
    head: Arc<BlockRecord>,
    trie: StateTrie,
    flat: Flat,
    codes: Codes,
    versions: Versions,
    /// Blocks from the log.
    entries: BTreeMap<u64, Entry>,
    heads: StoredHeads,
    metas: BTreeMap<Bytes, Bytes>,
}

impl<'a> Replay<'a> {
    /// Loads what the history has.
    fn begin(
        history: &'a History,
        limits: &ChainLimits,
        flushed: Flushed,
    ) -> Result<Self, OpenError> {
        let BlockRef { number, hash } = flushed.head;
        let head =
            history.block(number)?.ok_or_else(|| inconsistent(number, "the head is missing"))?;
        if head.hash() != hash {
            return Err(inconsistent(number, format!("the head is {}, not {hash}", head.hash())));
        }
        let heads =
            history.heads()?.ok_or_else(|| inconsistent(number, "the heads are missing"))?;
        let mut flat = Flat::default();
        flat.hash = hash;
        let codes = Codes::default();
        let mut trie = StateTrie::new();
        history.load_state(&mut flat, &codes, |address, account, slots| {
            trie.set(address, Some(account), slots);
        })?;
        let mut replay = Self {
            history,
            head: Arc::new(head),
            trie,
            flat,
            codes,
            versions: Versions::new(limits.kept_versions, limits.cached_versions),
            entries: BTreeMap::new(),
            heads,
            metas: history.metas()?,
        };
        replay.check_root()?;
        replay.versions.push(number, hash, replay.trie.clone());
        Ok(replay)
    }

    /// The state must be the one that the head's header names.
    fn check_root(&mut self) -> Result<(), OpenError> {
        let (found, expected) = (self.trie.root(), self.head.header.state_root);
        if found != expected {
            let reason = format!("its state root is {expected}, the stored state has {found}");
            return Err(inconsistent(self.head.number(), reason));
        }
        Ok(())
    }

    fn apply(&mut self, lsn: u64, bytes: &[u8]) -> Result<Submission, OpenError> {
        let mut ops: Vec<Op> = alloy_rlp::decode_exact(bytes).map_err(|error| {
            inconsistent(
                self.head.number(),
                format!("record {lsn} of the log cannot be decoded: {error}"),
            )
        })?;
        for op in &mut ops {
            match op {
                Op::Block(appended) => self.append(appended.clone(), lsn)?,
                Op::Unwind { to, removed } => *removed = self.unwind(*to)?,
                Op::Heads { safe, finalized } => {
                    self.heads = StoredHeads { safe: *safe, finalized: *finalized };
                }
                Op::Meta { key, value } => {
                    self.metas.insert(key.clone(), value.clone());
                }
            }
        }
        Ok(Submission { lsn, ops, size: bytes.len() })
    }

    fn append(&mut self, appended: Appended, lsn: u64) -> Result<(), OpenError> {
        let record = &appended.record;
        if record.header.parent_hash != self.head.hash()
            || record.number() != self.head.number() + 1
        {
            return Err(inconsistent(record.number(), "it does not follow the block before it"));
        }
        self.trie.apply(&appended.diff);
        self.flat.apply(&appended.diff, record.hash());
        self.codes.add(&appended.diff);
        self.head = Arc::clone(record);
        self.check_root()?;
        self.versions.push(record.number(), record.hash(), self.trie.clone());
        self.entries.insert(record.number(), Entry { appended, lsn });
        Ok(())
    }

    fn unwind(&mut self, to: BlockRef) -> Result<Vec<Appended>, OpenError> {
        let mut removed = Vec::new();
        while self.head.number() > to.number {
            let number = self.head.number();
            let appended = self.block(number)?;
            self.entries.remove(&number);
            let inverted = appended.diff.inverted();
            self.trie.apply(&inverted);
            self.flat.apply(&inverted, appended.record.header.parent_hash);
            removed.push(appended);
            self.head = self.block(number - 1)?.record;
        }
        if self.head.block_ref() != to {
            return Err(inconsistent(
                to.number,
                "the log goes back to a block that is not in the chain",
            ));
        }
        self.check_root()?;
        self.versions.unwind(to.number);
        if self.versions.nearest(to.number).is_none_or(|(number, _)| number != to.number) {
            self.versions.push(to.number, to.hash, self.trie.clone());
        }
        Ok(removed)
    }

    fn block(&self, number: u64) -> Result<Appended, OpenError> {
        match self.entries.get(&number) {
            Some(entry) => Ok(entry.appended.clone()),
            None => Ok(super::history::appended(self.history, number)?),
        }
    }
}
