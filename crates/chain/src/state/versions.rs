//! Tries of blocks: of the newest ones always, of older ones when someone asked.

use mezz_primitives::B256;
use mezz_trie::StateTrie;
use std::collections::{BTreeMap, VecDeque};

/// The trie of a block.
#[derive(Clone, Debug)]
struct Version {
    hash: B256,
    trie: StateTrie,
}

/// The tries that are in memory.
#[derive(Debug)]
pub(crate) struct Versions {
    kept: BTreeMap<u64, Version>,
    keep: usize,
    /// Least recently used first.
    cached: VecDeque<(u64, Version)>,
    cache: usize,
}

impl Versions {
    pub(crate) const fn new(keep: usize, cache: usize) -> Self {
        Self { kept: BTreeMap::new(), keep, cached: VecDeque::new(), cache }
    }

    /// Adds the trie of the new head and drops what is over the bound; the head before it stays, since it is the one
    /// that is shown for a moment more.
    pub(crate) fn push(&mut self, number: u64, hash: B256, trie: StateTrie) {
        self.kept.insert(number, Version { hash, trie });
        while self.kept.len() > self.keep.max(2) {
            self.kept.pop_first();
        }
    }

    /// Removes the tries of all blocks after `to`.
    pub(crate) fn unwind(&mut self, to: u64) {
        self.kept.split_off(&to.saturating_add(1));
        self.cached.retain(|(number, _)| *number <= to);
    }

    /// The trie of the block, if it is in memory.
    pub(crate) fn get(&mut self, number: u64, hash: &B256) -> Option<StateTrie> {
        if let Some(version) = self.kept.get(&number) {
            return (version.hash == *hash).then(|| version.trie.clone());
        }
        let at =
            self.cached.iter().position(|(n, version)| *n == number && version.hash == *hash)?;
        let entry = self.cached.remove(at)?;
        let trie = entry.1.trie.clone();
        self.cached.push_back(entry);
        Some(trie)
    }

    /// The trie in memory of the block that is fewest blocks away from `number`, with its number.
    pub(crate) fn nearest(&self, number: u64) -> Option<(u64, StateTrie)> {
        let kept = self
            .kept
            .range(..=number)
            .next_back()
            .into_iter()
            .chain(self.kept.range(number..).next())
            .map(|(n, version)| (*n, version));
        let cached = self.cached.iter().map(|(n, version)| (*n, version));
        kept.chain(cached)
            .min_by_key(|(n, _)| n.abs_diff(number))
            .map(|(n, version)| (n, version.trie.clone()))
    }

    /// Keeps the trie of an old block for the next who asks.
    pub(crate) fn cache(&mut self, number: u64, hash: B256, trie: StateTrie) {
        if self.cache == 0 || self.kept.contains_key(&number) {
            return;
        }
        self.cached.retain(|(n, _)| *n != number);
        while self.cached.len() >= self.cache {
            self.cached.pop_front();
        }
        self.cached.push_back((number, Version { hash, trie }));
    }
}
