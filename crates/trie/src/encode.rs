//! RLP of nodes and the recomputation of changed references.

use crate::{
    nibbles::{KEY_NIBBLES, encode_path},
    node::{Branch, Child, Leaf, Node, NodeRef},
};
use alloy_primitives::{B256, U256};
use alloy_rlp::{Encodable, Header};
use std::sync::Arc;

/// A value that a trie can hold.
pub trait TrieValue: Clone {
    /// Appends the bytes that the leaf commits to.
    fn encode_value(&self, out: &mut Vec<u8>);

    /// Whether [`refresh_value`](Self::refresh_value) has something to do.
    fn is_stale(&self) -> bool {
        false
    }

    /// Recomputes whatever the value caches for its encoding, for instance the root of a nested trie.
    fn refresh_value(&mut self) {}
}

impl TrieValue for U256 {
    fn encode_value(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }
}

/// Buffers that one recomputation reuses for all of its nodes.
#[derive(Default)]
pub(crate) struct Scratch {
    node: Vec<u8>,
    value: Vec<u8>,
}

/// Makes the cached reference of `child`, whose path starts at nibble `from`, and of everything below it current.
pub(crate) fn refresh<V: TrieValue>(child: &mut Child<V>, from: usize, scratch: &mut Scratch) {
    if child.cached.is_stale() {
        refresh_below(&mut child.node, scratch);
        child.cached = node_ref(&child.node, from, scratch);
    }
}

/// Makes everything below `node` current, so that its own encoding needs no recursion.
pub(crate) fn refresh_below<V: TrieValue>(node: &mut Node<V>, scratch: &mut Scratch) {
    match node {
        Node::Leaf(leaf) => {
            if leaf.value.is_stale() {
                Arc::make_mut(leaf).value.refresh_value();
            }
        }
        Node::Branch(branch) => {
            if branch.children.iter().any(|child| child.cached.is_stale()) {
                let branch = Arc::make_mut(branch);
                let from = branch.depth() + 1;
                for child in &mut branch.children {
                    refresh(child, from, scratch);
                }
            }
        }
    }
}

/// The reference of a node whose path starts at nibble `from`.
pub(crate) fn node_ref<V: TrieValue>(
    node: &Node<V>,
    from: usize,
    scratch: &mut Scratch,
) -> NodeRef {
    match node {
        Node::Leaf(leaf) => {
            scratch.node.clear();
            encode_leaf(leaf, from, &mut scratch.value, &mut scratch.node);
            NodeRef::of(&scratch.node)
        }
        Node::Branch(branch) => {
            scratch.node.clear();
            encode_branch(branch, &mut scratch.node);
            let below = NodeRef::of(&scratch.node);
            if branch.depth() == from {
                return below;
            }
            scratch.node.clear();
            encode_extension(&branch.prefix, from, branch.depth(), &below, &mut scratch.node);
            NodeRef::of(&scratch.node)
        }
    }
}

/// Appends the RLP of a leaf whose path starts at nibble `from`; `value` is a buffer.
pub(crate) fn encode_leaf<V: TrieValue>(
    leaf: &Leaf<V>,
    from: usize,
    value: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    value.clear();
    leaf.value.encode_value(value);
    let path_nibbles = KEY_NIBBLES - from;
    let path_len = 1 + path_nibbles / 2 + usize::from(path_nibbles >= 2);
    Header { list: true, payload_length: path_len + value.as_slice().length() }.encode(out);
    encode_path(&leaf.key, from, KEY_NIBBLES, true, out);
    value.as_slice().encode(out);
}

/// Appends the RLP of the branch itself, without the extension above it.
pub(crate) fn encode_branch<V: TrieValue>(branch: &Branch<V>, out: &mut Vec<u8>) {
    let from = branch.depth() + 1;
    // Only a trie that was changed and not yet refreshed has stale children here.
    let refs: [NodeRef; 16] = {
        let mut refs = [NodeRef::STALE; 16];
        let mut mask = branch.mask;
        for child in &branch.children {
            let n = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            refs[n] = if child.cached.is_stale() {
                node_ref(&child.node, from, &mut Scratch::default())
            } else {
                child.cached
            };
        }
        refs
    };
    let payload_length = 1 + refs.iter().map(|r| r.put_len().max(1)).sum::<usize>();
    Header { list: true, payload_length }.encode(out);
    for r in &refs {
        if r.is_stale() {
            out.push(0x80);
        } else {
            r.put(out);
        }
    }
    // The value of a branch: keys all have one length, so no key ends inside the trie.
    out.push(0x80);
}

/// Appends the RLP of the extension over the nibbles `from..to` of `prefix` to the node `below`.
pub(crate) fn encode_extension(
    prefix: &B256,
    from: usize,
    to: usize,
    below: &NodeRef,
    out: &mut Vec<u8>,
) {
    let nibbles = to - from;
    let path_len = 1 + nibbles / 2 + usize::from(nibbles >= 2);
    Header { list: true, payload_length: path_len + below.put_len() }.encode(out);
    encode_path(prefix, from, to, false, out);
    below.put(out);
}
