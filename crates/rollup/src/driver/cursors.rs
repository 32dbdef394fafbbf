//! What derivation had reached at each L1 block that may still be reorganised.
//!
//! Kept in a ring in the chain's store, one entry for an L1 block, so that a restart finds them.

use mezz_chain::{Chain, ChainError};
use mezz_derivation::{Deriver, RollupConfig, derive::Cursor};
use std::collections::VecDeque;

/// L1 blocks that are kept while nothing is final; a reorganisation beyond needs a person.
pub(crate) const RING: u64 = 1_024;

/// Why cursors cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The store failed.
    #[error("derivation cursor: {0}")]
    Chain(#[from] ChainError),
    /// The store holds something else.
    #[error("derivation cursor {number}: {source}")]
    Json {
        /// Number of its L1 block.
        number: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Cursors of consecutive L1 blocks, the newest last; never empty.
#[derive(Debug)]
pub(super) struct Cursors {
    kept: VecDeque<Cursor>,
    first: Cursor,
}

impl Cursors {
    /// What `chain` has stored; the beginning of the chain, if nothing. Without those behind the
    /// finalized block, unless L1 may take that back as well.
    pub(super) fn load(
        chain: &Chain,
        config: &RollupConfig,
        l1_reverts: bool,
    ) -> Result<Self, CursorError> {
        let first = Deriver::genesis_cursor(config, chain.genesis_hash());
        let mut kept = VecDeque::new();
        if let Some(newest) = read(chain, "cursor/newest", 0)? {
            let mut number = newest.l1.number;
            let mut cursor = Some(newest);
            while let Some(found) = cursor {
                kept.push_front(found);
                if number == first.l1.number || kept.len() as u64 == RING {
                    break;
                }
                number -= 1;
                cursor = read(chain, &key(number), number)?.filter(|c| c.l1.number == number);
            }
        }
        // The first one is nowhere stored.
        if kept.front().is_none_or(|oldest| oldest.l1.number == first.l1.number + 1) {
            kept.push_front(first);
        }
        let mut cursors = Self { kept, first };
        // A block was final when the first cursor came to it.
        let finalized = chain.heads().finalized.number;
        while !l1_reverts
            && cursors.oldest().safe.number < finalized
            && cursors.kept.get(1).is_some_and(|second| second.safe.number <= finalized)
        {
            cursors.kept.pop_front();
        }
        Ok(cursors)
    }

    /// The newest.
    pub(super) fn newest(&self) -> Cursor {
        self.kept.back().copied().unwrap_or(self.first)
    }

    /// The oldest.
    pub(super) fn oldest(&self) -> Cursor {
        self.kept.front().copied().unwrap_or(self.first)
    }

    /// The newest at or below an L1 block.
    pub(super) fn at_or_before(&self, l1: u64) -> Option<Cursor> {
        self.kept.iter().rev().find(|cursor| cursor.l1.number <= l1).copied()
    }

    /// Appends the next one, in the store first.
    pub(super) fn push(&mut self, chain: &Chain, cursor: Cursor) -> Result<(), CursorError> {
        let json = json(&cursor)?;
        let key = key(cursor.l1.number);
        chain.put_metas(&[(key.as_bytes(), &json), (b"cursor/newest", &json)])?;
        self.kept.push_back(cursor);
        while self.kept.len() as u64 > RING {
            self.kept.pop_front();
        }
        Ok(())
    }

    /// Drops the newest; `false` if it is the only one. To be followed by [`Self::store_newest`].
    pub(super) fn pop(&mut self) -> bool {
        if self.kept.len() < 2 {
            return false;
        }
        self.kept.pop_back();
        true
    }

    /// Stores which one is the newest, after some were dropped and before blocks are taken off:
    /// should their L1 blocks come back, what was dropped must not be taken for reached.
    pub(super) fn store_newest(&self, chain: &Chain) -> Result<(), CursorError> {
        let json = json(&self.newest())?;
        Ok(chain.put_metas(&[(b"cursor/newest", &json)])?)
    }

    /// Cursors below an L1 block are not needed any more.
    pub(super) fn forget_before(&mut self, l1: u64) {
        while self.kept.len() > 1 && self.oldest().l1.number < l1 {
            self.kept.pop_front();
        }
    }
}

fn json(cursor: &Cursor) -> Result<Vec<u8>, CursorError> {
    serde_json::to_vec(cursor)
        .map_err(|source| CursorError::Json { number: cursor.l1.number, source })
}

fn key(number: u64) -> String {
    format!("cursor/{}", number % RING)
}

fn read(chain: &Chain, key: &str, number: u64) -> Result<Option<Cursor>, CursorError> {
    chain
        .get_meta(key.as_bytes())
        .map(|json| serde_json::from_slice(&json))
        .transpose()
        .map_err(|source| CursorError::Json { number, source })
}
