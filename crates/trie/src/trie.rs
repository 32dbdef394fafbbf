//! Reading and changing a trie of 32-byte keys.

use crate::{
    EMPTY_ROOT,
    encode::{Scratch, TrieValue, encode_branch, encode_extension, encode_leaf, refresh_below},
    nibbles::{first_difference, nibble},
    node::{Branch, Child, Leaf, Node, NodeRef},
};
use alloy_primitives::{B256, keccak256_uncached};
use std::{fmt, sync::Arc};

/// A Merkle Patricia trie from 32-byte keys to values of one type.
///
/// A clone costs one pointer and is a version of its own: neither sees later changes of the other.
pub struct Trie<V> {
    pub(crate) root: Option<Node<V>>,
    /// The root hash, unless something has changed since it was computed.
    hash: Option<B256>,
}

impl<V> Clone for Trie<V> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone(), hash: self.hash }
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: None, hash: Some(EMPTY_ROOT) }
    }
}

impl<V> fmt::Debug for Trie<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trie").field("hash", &self.hash).field("empty", &self.is_empty()).finish()
    }
}

impl<V> Trie<V> {
    /// Whether the trie has no entry.
    pub const fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Whether something has changed since the root was last computed.
    pub const fn is_stale(&self) -> bool {
        self.hash.is_none()
    }

    /// The value under `key`.
    pub fn get(&self, key: &B256) -> Option<&V> {
        let mut node = self.root.as_ref()?;
        loop {
            match node {
                Node::Leaf(leaf) => return (leaf.key == *key).then_some(&leaf.value),
                // Whether the nibbles between two branches agree is not looked at on the way: the leaf at the end
                // holds the whole key.
                Node::Branch(branch) => node = &branch.child(nibble(key, branch.depth()))?.node,
            }
        }
    }
}

impl<V: TrieValue> Trie<V> {
    /// The value under `key`, to be changed in place.
    pub fn get_mut(&mut self, key: &B256) -> Option<&mut V> {
        // A path is copied and marked only for an entry that is there.
        self.get(key)?;
        self.hash = None;
        get_mut_below(self.root.as_mut()?, key)
    }

    /// Sets the value under `key`.
    pub fn insert(&mut self, key: B256, value: V) {
        self.hash = None;
        match &mut self.root {
            Some(root) => insert_below(root, 0, key, value),
            None => self.root = Some(Node::Leaf(Arc::new(Leaf { key, value }))),
        }
    }

    /// Removes the entry under `key`; says whether there was one.
    pub fn remove(&mut self, key: &B256) -> bool {
        if self.get(key).is_none() {
            return false;
        }
        self.hash = None;
        if let Some(root) = &mut self.root
            && remove_below(root, key)
        {
            *self = Self::default();
        }
        true
    }

    /// The root hash. Recomputes the nodes that have changed since the last call.
    pub fn root(&mut self) -> B256 {
        if let Some(hash) = self.hash {
            return hash;
        }
        if let Some(root) = &mut self.root {
            refresh_below(root, &mut Scratch::default());
        }
        let hash = self.peek_root();
        self.hash = Some(hash);
        hash
    }

    /// The root hash, without keeping what was recomputed. Slow on a trie that [is stale](Self::is_stale).
    pub fn peek_root(&self) -> B256 {
        match (self.hash, &self.root) {
            (Some(hash), _) => hash,
            (None, None) => EMPTY_ROOT,
            (None, Some(root)) => {
                let mut rlp = Vec::new();
                match root {
                    Node::Leaf(leaf) => encode_leaf(leaf, 0, &mut Vec::new(), &mut rlp),
                    Node::Branch(branch) => {
                        encode_branch(branch, &mut rlp);
                        if branch.depth() > 0 {
                            let below = NodeRef::of(&rlp);
                            rlp.clear();
                            encode_extension(&branch.prefix, 0, branch.depth(), &below, &mut rlp);
                        }
                    }
                }
                keccak256_uncached(&rlp)
            }
        }
    }

    /// Calls `f` for every entry in the order of the keys.
    pub fn for_each(&self, mut f: impl FnMut(&B256, &V)) {
        fn walk<V>(node: &Node<V>, f: &mut impl FnMut(&B256, &V)) {
            match node {
                Node::Leaf(leaf) => f(&leaf.key, &leaf.value),
                Node::Branch(branch) => {
                    branch.children.iter().for_each(|child| walk(&child.node, f))
                }
            }
        }
        if let Some(root) = &self.root {
            walk(root, &mut f);
        }
    }
}

fn get_mut_below<'a, V: TrieValue>(node: &'a mut Node<V>, key: &B256) -> Option<&'a mut V> {
    match node {
        Node::Leaf(leaf) => Some(&mut Arc::make_mut(leaf).value),
        Node::Branch(branch) => {
            let branch = Arc::make_mut(branch);
            let slot = branch.slot(nibble(key, branch.depth())).ok()?;
            let child = &mut branch.children[slot];
            child.cached = NodeRef::STALE;
            get_mut_below(&mut child.node, key)
        }
    }
}

/// Inserts below `node`, whose path starts at nibble `from`. The caller marks its reference to `node`.
fn insert_below<V: TrieValue>(node: &mut Node<V>, from: usize, key: B256, value: V) {
    let (other, depth) = match node {
        Node::Leaf(leaf) => {
            let at = first_difference(&leaf.key, &key, from);
            if leaf.key == key {
                Arc::make_mut(leaf).value = value;
                return;
            }
            (leaf.key, at)
        }
        Node::Branch(branch) => {
            let at = first_difference(&branch.prefix, &key, from);
            if at >= branch.depth() {
                let branch = Arc::make_mut(branch);
                let n = nibble(&key, branch.depth());
                match branch.slot(n) {
                    Ok(slot) => {
                        let below = branch.depth() + 1;
                        let child = &mut branch.children[slot];
                        child.cached = NodeRef::STALE;
                        insert_below(&mut child.node, below, key, value);
                    }
                    Err(slot) => {
                        // Exact growth: most branches of a large trie have two or three children for good.
                        branch.children.reserve_exact(1);
                        branch
                            .children
                            .insert(slot, Child::stale(Node::Leaf(Arc::new(Leaf { key, value }))));
                        branch.mask |= 1 << n;
                    }
                }
                return;
            }
            (branch.prefix, at)
        }
    };
    let leaf = Node::Leaf(Arc::new(Leaf { key, value }));
    *node = Node::Branch(Arc::new(Branch::over(depth, &other, node.clone(), &key, leaf)));
}

/// Removes the entry under `key`, which must be there, below `node`. Returns true when `node` itself was that entry and
/// is for the caller to drop.
fn remove_below<V: TrieValue>(node: &mut Node<V>, key: &B256) -> bool {
    let last = match node {
        Node::Leaf(_) => return true,
        Node::Branch(branch) => {
            let branch = Arc::make_mut(branch);
            let n = nibble(key, branch.depth());
            let Ok(slot) = branch.slot(n) else { return false };
            let child = &mut branch.children[slot];
            child.cached = NodeRef::STALE;
            if remove_below(&mut child.node, key) {
                branch.children.remove(slot);
                branch.mask &= !(1 << n);
            }
            // A branch over a single subtrie is that subtrie; keys and prefixes are whole, so nothing is rewritten.
            match branch.children.as_slice() {
                [single] => single.node.clone(),
                _ => return false,
            }
        }
    };
    *node = last;
    false
}
