//! Changing the chain: blocks, the way back, heads and small values.
//!
//! Every change is durable before it is visible. The order of the steps is the same everywhere: the log, the state, the
//! tables, the head, the event.

use super::Chain;
use crate::{
    block::{BlockRecord, BlockRef},
    builder::BuiltBlock,
    error::{ChainError, CommitError, HeadError, StorageError, UnwindError},
    event::{ChainEvent, Heads},
    store::{Appended, Entry, Op},
};
use mezz_primitives::Bytes;
use std::{sync::Arc, time::Instant};

/// Bytes of a key of the meta store.
const MAX_META_KEY: usize = 256;
/// Bytes of a value of the meta store.
const MAX_META_VALUE: usize = 1 << 20;

impl Chain {
    /// Appends a block that was built on the head. It is on disk when this returns, and nobody sees it before.
    pub fn commit(&self, block: BuiltBlock) -> Result<Arc<BlockRecord>, CommitError> {
        self.commit_with(block, &[])
    }

    /// [`Self::commit`] together with small values: after a crash either all are there or none.
    pub fn commit_with(
        &self,
        block: BuiltBlock,
        metas: &[(&[u8], &[u8])],
    ) -> Result<Arc<BlockRecord>, CommitError> {
        let metas = checked_metas(metas).map_err(CommitError::Meta)?;
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        let head = self.head();
        let record = Arc::clone(&block.record);
        if record.header.parent_hash != head.hash() {
            return Err(CommitError::NotOnHead {
                parent: record.header.parent_hash,
                head: head.block_ref(),
            });
        }
        let appended = Appended { record: Arc::clone(&record), diff: Arc::clone(&block.diff) };
        let _metas = (!metas.is_empty()).then(|| inner.meta_writer.lock());
        let mut ops = vec![Op::Block(appended.clone())];
        ops.extend(meta_ops(&metas));
        let lsn = self.submit(ops)?;
        inner.metas.lock().extend(metas);
        inner.meters.committed(&block);

        // The trie first: a view of the old head turns to its own as soon as the flat state moves on.
        inner.versions.lock().push(record.number(), record.hash(), block.trie);
        inner.shared.codes.add(&appended.diff);
        inner.shared.flat.write().apply(&appended.diff, record.hash());
        inner.shared.blocks.push(Entry { appended, lsn });
        {
            let mut visible = inner.visible.write();
            visible.heads.latest = record.block_ref();
            visible.head = Arc::clone(&record);
        }
        // Fails when nobody listens.
        let _ = inner.events.send(ChainEvent::NewHead(Arc::clone(&record)));
        Ok(record)
    }

    /// Takes off all blocks after `to` and returns them, newest first. The safe head goes back with them.
    ///
    /// Error: `to` is before the finalized block.
    pub fn unwind(&self, to: u64) -> Result<Vec<Arc<BlockRecord>>, UnwindError> {
        self.unwind_blocks(to, false)
    }

    /// [`Self::unwind`] past the finalized block too, which goes back with it. For the developer verbs of a devnet.
    pub fn unwind_past_finalized(&self, to: u64) -> Result<Vec<Arc<BlockRecord>>, UnwindError> {
        self.unwind_blocks(to, true)
    }

    fn unwind_blocks(
        &self,
        to: u64,
        past_finalized: bool,
    ) -> Result<Vec<Arc<BlockRecord>>, UnwindError> {
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        let (head, before) = (self.head(), self.heads());
        if to > head.number() {
            return Err(UnwindError::AboveHead { to, head: head.number() });
        }
        if to == head.number() {
            return Ok(Vec::new());
        }
        if to < before.finalized.number && !past_finalized {
            return Err(UnwindError::Finalized { to, finalized: before.finalized.number });
        }
        let target = self.state_at(to)?;
        let removed = (to + 1..=head.number())
            .rev()
            .map(|number| inner.shared.blocks.appended(number))
            .collect::<Result<Vec<Appended>, _>>()?;

        let latest = target.block();
        let back = |head: BlockRef| if head.number > to { latest } else { head };
        let heads = Heads { latest, safe: back(before.safe), finalized: back(before.finalized) };
        let records: Vec<_> = removed.iter().map(|appended| Arc::clone(&appended.record)).collect();
        let mut ops = vec![Op::Unwind { to: latest, removed: removed.clone() }];
        if (heads.safe, heads.finalized) != (before.safe, before.finalized) {
            ops.push(Op::Heads { safe: heads.safe, finalized: heads.finalized });
        }
        self.submit(ops)?;
        inner.meters.unwound(removed.len(), to);

        {
            let mut flat = inner.shared.flat.write();
            for appended in &removed {
                flat.apply(&appended.diff.inverted(), appended.record.header.parent_hash);
            }
        }
        {
            // Both at once: a reader must not find the head in place and the block of a height gone.
            let mut visible = inner.visible.write();
            inner.shared.blocks.unwind(to);
            visible.heads = heads;
            visible.head = Arc::clone(target.record());
        }
        {
            // After the tables: whoever adds a trie asks them first whether its block is still there.
            let mut versions = inner.versions.lock();
            versions.unwind(to);
            versions.push(to, latest.hash, target.trie().clone());
        }
        let _ = inner.events.send(ChainEvent::Unwound { removed: records.clone() });
        if (heads.safe, heads.finalized) != (before.safe, before.finalized) {
            let _ = inner.events.send(ChainEvent::Heads(heads));
        }
        Ok(records)
    }

    /// Makes the block at a height the safe head. It may move back, but not behind the finalized block.
    pub fn set_safe(&self, number: u64) -> Result<Heads, HeadError> {
        self.set_heads(Some(number), None)
    }

    /// Makes the block at a height the finalized head. It never moves back. A safe head that is behind moves with it.
    pub fn set_finalized(&self, number: u64) -> Result<Heads, HeadError> {
        self.set_heads(None, Some(number))
    }

    /// [`Self::set_safe`] and [`Self::set_finalized`] at once, each if given.
    pub fn set_heads(&self, safe: Option<u64>, finalized: Option<u64>) -> Result<Heads, HeadError> {
        let inner = &*self.inner;
        let _writer = inner.writer.lock();
        let before = self.heads();
        let find = |number: u64| -> Result<BlockRef, HeadError> {
            let record = self.block_by_number(number)?;
            let head = before.latest.number;
            Ok(record.ok_or(HeadError::UnknownBlock { number, head })?.block_ref())
        };
        let mut heads = before;
        if let Some(number) = finalized {
            if number < before.finalized.number {
                return Err(HeadError::Finalized { number, finalized: before.finalized.number });
            }
            heads.finalized = find(number)?;
        }
        if let Some(number) = safe {
            if number < heads.finalized.number {
                return Err(HeadError::Finalized { number, finalized: heads.finalized.number });
            }
            heads.safe = find(number)?;
        }
        if heads.safe.number < heads.finalized.number {
            heads.safe = heads.finalized;
        }
        if heads == before {
            return Ok(heads);
        }
        self.submit(vec![Op::Heads { safe: heads.safe, finalized: heads.finalized }])?;
        inner.visible.write().heads = heads;
        let _ = inner.events.send(ChainEvent::Heads(heads));
        Ok(heads)
    }

    /// Stores a small value, such as a cursor. It is on disk when this returns. Keys up to 256 bytes,
    /// values up to 1 MiB.
    pub fn put_meta(&self, key: &[u8], value: &[u8]) -> Result<(), ChainError> {
        self.put_metas(&[(key, value)])
    }

    /// Stores several small values: after a crash either all are there or none.
    pub fn put_metas(&self, metas: &[(&[u8], &[u8])]) -> Result<(), ChainError> {
        let metas = checked_metas(metas)?;
        if metas.is_empty() {
            return Ok(());
        }
        let _metas = self.inner.meta_writer.lock();
        self.submit(meta_ops(&metas).collect())?;
        self.inner.metas.lock().extend(metas);
        Ok(())
    }

    fn submit(&self, ops: Vec<Op>) -> Result<u64, StorageError> {
        let Some(store) = &self.inner.store else { return Ok(0) };
        let started = Instant::now();
        let lsn = store.submit(ops)?;
        self.inner.meters.logged(started);
        Ok(lsn)
    }
}

fn meta(key: &[u8], value: &[u8]) -> Result<(Bytes, Bytes), ChainError> {
    for (what, bytes, max) in
        [("key", key.len(), MAX_META_KEY), ("value", value.len(), MAX_META_VALUE)]
    {
        if bytes > max {
            return Err(ChainError::MetaTooLarge { what, bytes, max });
        }
    }
    Ok((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)))
}

fn checked_metas(metas: &[(&[u8], &[u8])]) -> Result<Vec<(Bytes, Bytes)>, ChainError> {
    metas.iter().map(|(key, value)| meta(key, value)).collect()
}

fn meta_ops(metas: &[(Bytes, Bytes)]) -> impl Iterator<Item = Op> {
    metas.iter().map(|(key, value)| Op::Meta { key: key.clone(), value: value.clone() })
}
