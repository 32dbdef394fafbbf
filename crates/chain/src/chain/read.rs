//! Reading blocks, states and small values.

use super::Chain;
use crate::{
    block::BlockRecord,
    error::{ChainError, StateError},
    log_query::LogQuery,
    patch::MergedDiff,
    state::StateView,
};
use mezz_primitives::{B256, Bytes, Header, Sealed, StateDiff};
use mezz_trie::StateTrie;
use std::{sync::Arc, thread, time::Duration};

impl Chain {
    /// The block at a height; `None` above the head.
    pub fn block_by_number(&self, number: u64) -> Result<Option<Arc<BlockRecord>>, ChainError> {
        let head = self.head();
        if number >= head.number() {
            return Ok((number == head.number()).then_some(head));
        }
        self.inner.shared.blocks.by_number(number)
    }

    /// The header of the block at a height; `None` above the head. Cheaper than the block, for those who scan headers.
    pub fn header_by_number(&self, number: u64) -> Result<Option<Sealed<Header>>, ChainError> {
        if number > self.head().number() {
            return Ok(None);
        }
        self.inner.shared.blocks.header(number)
    }

    /// The canonical block with this hash.
    pub fn block_by_hash(&self, hash: B256) -> Result<Option<Arc<BlockRecord>>, ChainError> {
        let head = self.head();
        if head.hash() == hash {
            return Ok(Some(head));
        }
        // What is being committed is in the tables a moment before it is visible.
        let found = self.inner.shared.blocks.by_hash(&hash)?;
        Ok(found.filter(|record| record.number() < head.number()))
    }

    /// The canonical block that has the transaction, and the transaction's index in it.
    pub fn transaction(&self, hash: B256) -> Result<Option<(Arc<BlockRecord>, usize)>, ChainError> {
        let found = self.inner.shared.blocks.transaction(&hash)?;
        let head = self.head().number();
        Ok(found.filter(|(record, _)| record.number() <= head))
    }

    /// The heights from `from` to `to`, or to the head, of the blocks that may have a log for `query`, in order.
    ///
    /// None that has one is left out. Few that have none are among them: the index and the blooms of headers, from
    /// which this is answered, know what a block's logs have, not which of them has what. A bound on the range bounds
    /// the work: up to a million keys of the index are read, and then the other conditions are not looked at.
    pub fn blocks_with_logs(
        &self,
        query: &LogQuery,
        from: u64,
        to: u64,
    ) -> Result<Vec<u64>, ChainError> {
        self.inner.shared.blocks.with_logs(query, from, to.min(self.head().number()))
    }

    /// What the block at a height changed in the state; `None` above the head.
    pub fn state_diff(&self, number: u64) -> Result<Option<Arc<StateDiff>>, ChainError> {
        if number > self.head().number() {
            return Ok(None);
        }
        self.inner.shared.blocks.diff(number)
    }

    /// The state after the newest block.
    pub fn state(&self) -> Result<StateView, StateError> {
        settled(|| self.state_of(self.head()))
    }

    /// The state after the block at a height, of which the chain keeps every one.
    ///
    /// At the head and in the newest blocks this costs nothing. Further back the trie is brought there by the
    /// differences between, from the nearest block whose trie is in memory: some microseconds for each changed account.
    pub fn state_at(&self, number: u64) -> Result<StateView, StateError> {
        settled(|| self.state_once(number))
    }

    fn state_once(&self, number: u64) -> Result<StateView, StateError> {
        let head = self.head();
        if number == head.number() {
            return self.state_of(head);
        }
        if number > head.number() {
            return Err(StateError::UnknownBlock { number, head: head.number() });
        }
        let record =
            self.inner.shared.blocks.by_number(number)?.ok_or(StateError::Removed { number })?;
        self.state_of(record)
    }

    pub(super) fn state_of(&self, record: Arc<BlockRecord>) -> Result<StateView, StateError> {
        let trie = self.trie_of(&record)?;
        Ok(StateView::new(Arc::clone(&self.inner.shared), record, trie))
    }

    fn trie_of(&self, record: &BlockRecord) -> Result<StateTrie, StateError> {
        let (number, hash) = (record.number(), record.hash());
        let removed = StateError::Removed { number };
        let (from, mut trie) = {
            let mut versions = self.inner.versions.lock();
            if let Some(trie) = versions.get(number, &hash) {
                return Ok(trie);
            }
            versions.nearest(number).ok_or(removed.clone())?
        };
        // The blocks between, as one difference, forwards or back.
        let mut between = MergedDiff::default();
        for block in from.min(number) + 1..=from.max(number) {
            match self.inner.shared.blocks.diff(block)? {
                Some(diff) => between.push(&diff),
                None => return Err(removed),
            }
        }
        let diff = between.finish();
        trie.apply(&if from > number { diff.inverted() } else { diff });
        // If the chain was unwound meanwhile, the differences did not fit together.
        if trie.root() != record.header.state_root {
            return Err(removed);
        }
        let mut versions = self.inner.versions.lock();
        // A block that was unwound meanwhile must not be where the next search starts from.
        if self.inner.shared.blocks.hash_of(number)? == Some(hash) {
            versions.cache(number, hash, trie.clone());
        }
        Ok(trie)
    }

    /// A small durable value that was [put](Self::put_meta).
    pub fn get_meta(&self, key: &[u8]) -> Option<Bytes> {
        self.inner.metas.lock().get(key).cloned()
    }
}

/// Asks again when the chain moved under the question.
fn settled(
    mut ask: impl FnMut() -> Result<StateView, StateError>,
) -> Result<StateView, StateError> {
    for _ in 0..100 {
        match ask() {
            Err(StateError::Removed { .. }) => thread::sleep(Duration::from_millis(1)),
            answer => return answer,
        }
    }
    ask()
}
