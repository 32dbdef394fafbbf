//! Roots of lists: of the tries of transactions and receipts, keyed by RLP of the index (Yellow Paper, 4.4.3).

use alloc::vec::Vec;
use alloy_primitives::B256;
use alloy_trie::{HashBuilder, Nibbles};

/// Items of a segment: those whose keys differ in the last byte alone.
pub const LIST_SEGMENT: usize = 256;
/// The last index whose RLP is a single byte. Zero is not among these: its RLP, 0x80, comes after all of them.
const LAST_SHORT_INDEX: usize = 0x7f;

/// The root of a list, computed as its items come.
#[derive(Debug, Default)]
pub struct ListRoot {
    trie: HashBuilder,
    len: usize,
    /// Encoding of item 0, until its place in the order of the keys has come.
    first: Option<Vec<u8>>,
    item: Vec<u8>,
}

impl ListRoot {
    /// Adds the next item, which `encode` writes.
    pub fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let index = self.len;
        self.len += 1;
        self.item.clear();
        encode(&mut self.item);
        if index == 0 {
            self.first = Some(self.item.clone());
            return;
        }
        if index > LAST_SHORT_INDEX {
            self.add_first();
        }
        self.trie.add_leaf(key(index), &self.item);
    }

    /// Adds the next [`LIST_SEGMENT`] items by the hash of their [`ListSegment`].
    ///
    /// # Panics
    /// Unless the items so far are one or more whole segments: the keys of the first have no place of their own.
    pub fn push_segment(&mut self, hash: B256) {
        assert!(self.len > 0 && self.len.is_multiple_of(LIST_SEGMENT), "not at a segment");
        let key = key(self.len);
        self.len += LIST_SEGMENT;
        self.trie.add_branch(key.slice(..key.len() - 2), hash, false);
    }

    /// The root.
    pub fn root(mut self) -> B256 {
        self.add_first();
        self.trie.root()
    }

    fn add_first(&mut self) {
        if let Some(first) = self.first.take() {
            self.trie.add_leaf(key(0), &first);
        }
    }
}

fn key(index: usize) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode_fixed_size(&index))
}

/// The part of a list's trie that has one whole segment, which can be computed beside the others.
#[derive(Debug, Default)]
pub struct ListSegment {
    trie: HashBuilder,
    len: usize,
    item: Vec<u8>,
}

impl ListSegment {
    /// Adds the next item, which `encode` writes.
    ///
    /// # Panics
    /// If the segment is full.
    pub fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let last = u8::try_from(self.len).expect("a segment has 256 items");
        self.len += 1;
        self.item.clear();
        encode(&mut self.item);
        self.trie.add_leaf(Nibbles::unpack([last]), &self.item);
    }

    /// Hash of the node that is above all items.
    ///
    /// # Panics
    /// Unless the segment is full: above fewer items there may be no such node.
    pub fn hash(mut self) -> B256 {
        assert_eq!(self.len, LIST_SEGMENT, "items of a segment");
        self.trie.root()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_trie::root::ordered_trie_root_with_encoder;

    /// Of all lengths up to that of a hash and beyond, so that some nodes stand in their parents.
    fn items(length: usize) -> Vec<Vec<u8>> {
        let item = |i: usize| alloy_primitives::keccak256(i.to_be_bytes()).repeat(3);
        (0..length).map(|i| item(i)[..1 + i * 7 % 90].to_vec()).collect()
    }

    fn expected(items: &[Vec<u8>]) -> B256 {
        ordered_trie_root_with_encoder(items, |item, out| out.extend_from_slice(item))
    }

    /// The lengths at which RLP of an index grows, and zero changes its place.
    #[test]
    fn root_of_items_as_they_come_is_that_of_the_list() {
        for length in [0, 1, 2, 126, 127, 128, 129, 130, 255, 256, 257, 300, 65_537] {
            let items = items(length);
            let mut root = ListRoot::default();
            for item in &items {
                root.push(|out| out.extend_from_slice(item));
            }
            assert_eq!(root.root(), expected(&items), "{length} items");
        }
    }

    #[test]
    fn root_of_segments_is_that_of_their_items() {
        // The first segment alone, with one more, with those that fill a node, and where RLP of the index grows.
        for length in
            [256, 257, 512, 513, 768, 16 * 256, 17 * 256 + 9, 255 * 256, 256 * 256, 259 * 256 + 1]
        {
            let items = items(length);
            let mut root = ListRoot::default();
            let mut segments = items.chunks(LIST_SEGMENT).enumerate();
            for (number, segment) in &mut segments {
                if number == 0 || segment.len() < LIST_SEGMENT {
                    for item in segment {
                        root.push(|out| out.extend_from_slice(item));
                    }
                } else {
                    let mut beside = ListSegment::default();
                    for item in segment {
                        beside.push(|out| out.extend_from_slice(item));
                    }
                    root.push_segment(beside.hash());
                }
            }
            assert_eq!(root.root(), expected(&items), "{length} items");
        }
    }

    #[test]
    #[should_panic(expected = "not at a segment")]
    fn first_segment_has_no_hash() {
        ListRoot::default().push_segment(B256::ZERO);
    }

    #[test]
    #[should_panic(expected = "items of a segment")]
    fn segment_that_is_not_full_has_no_hash() {
        let mut segment = ListSegment::default();
        segment.push(|out| out.push(1));
        segment.hash();
    }
}
