//! Nodes of the trie and the references by which a parent names its children.

use crate::nibbles::nibble;
use alloy_primitives::{B256, keccak256_uncached};
use std::sync::Arc;

/// How a parent names a child: the child's RLP when that is shorter than 32 bytes, otherwise its keccak256.
#[derive(Clone, Copy)]
pub(crate) struct NodeRef {
    /// 0: not known (the child has changed); 1 to 31: inlined RLP; 32: hash.
    len: u8,
    bytes: [u8; 32],
}

impl NodeRef {
    /// The reference of a node that has changed since it was last encoded.
    pub(crate) const STALE: Self = Self { len: 0, bytes: [0; 32] };

    /// The reference of a node with this RLP.
    pub(crate) fn of(rlp: &[u8]) -> Self {
        let mut bytes = [0; 32];
        if rlp.len() < 32 {
            bytes[..rlp.len()].copy_from_slice(rlp);
            #[expect(clippy::cast_possible_truncation, reason = "below 32")]
            Self { len: rlp.len() as u8, bytes }
        } else {
            // A node that has changed is hashed once: in the cache it would only take another's place.
            Self { len: 32, bytes: keccak256_uncached(rlp).0 }
        }
    }

    pub(crate) const fn is_stale(&self) -> bool {
        self.len == 0
    }

    /// Appends the reference as it stands in the parent's RLP.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        debug_assert!(!self.is_stale());
        if self.len == 32 {
            out.push(0xa0);
        }
        out.extend_from_slice(&self.bytes[..usize::from(self.len)]);
    }

    /// Bytes that [`put`](Self::put) appends.
    pub(crate) fn put_len(&self) -> usize {
        usize::from(self.len) + usize::from(self.len == 32)
    }
}

/// A value under its whole key. Holding the whole key lets a leaf move up and down without being rewritten.
#[derive(Clone)]
pub(crate) struct Leaf<V> {
    pub(crate) key: B256,
    pub(crate) value: V,
}

/// A branch together with the extension above it, if there is one. All keys below agree in the first `depth` nibbles
/// with `prefix` and part at nibble `depth`; where the extension starts follows from where the parent branches.
#[derive(Clone)]
pub(crate) struct Branch<V> {
    pub(crate) prefix: B256,
    pub(crate) depth: u8,
    /// Bit n is set when there is a child at nibble n.
    pub(crate) mask: u16,
    /// The children in the order of their nibbles; never fewer than two.
    pub(crate) children: Vec<Child<V>>,
}

/// A subtrie.
pub(crate) enum Node<V> {
    Leaf(Arc<Leaf<V>>),
    Branch(Arc<Branch<V>>),
}

impl<V> Clone for Node<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(leaf) => Self::Leaf(Arc::clone(leaf)),
            Self::Branch(branch) => Self::Branch(Arc::clone(branch)),
        }
    }
}

/// A subtrie and its reference, kept beside the pointer so that encoding a branch touches no child that is unchanged.
pub(crate) struct Child<V> {
    pub(crate) node: Node<V>,
    pub(crate) cached: NodeRef,
}

impl<V> Clone for Child<V> {
    fn clone(&self) -> Self {
        Self { node: self.node.clone(), cached: self.cached }
    }
}

impl<V> Child<V> {
    pub(crate) const fn stale(node: Node<V>) -> Self {
        Self { node, cached: NodeRef::STALE }
    }
}

impl<V> Branch<V> {
    /// A branch at `depth` over two subtries, `a` at the nibble of `a_key` and `b` at that of `b_key`.
    pub(crate) fn over(depth: usize, a_key: &B256, a: Node<V>, b_key: &B256, b: Node<V>) -> Self {
        let (an, bn) = (nibble(a_key, depth), nibble(b_key, depth));
        debug_assert_ne!(an, bn);
        let (a, b) = (Child::stale(a), Child::stale(b));
        let children = if an < bn { vec![a, b] } else { vec![b, a] };
        #[expect(clippy::cast_possible_truncation, reason = "below 64")]
        let depth = depth as u8;
        Self { prefix: *a_key, depth, mask: (1 << an) | (1 << bn), children }
    }

    pub(crate) fn depth(&self) -> usize {
        usize::from(self.depth)
    }

    /// Where the child at nibble `n` stands among the children, or where it would be inserted.
    pub(crate) fn slot(&self, n: u8) -> Result<usize, usize> {
        let below = (self.mask & ((1u16 << n) - 1)).count_ones() as usize;
        if self.mask & (1 << n) != 0 { Ok(below) } else { Err(below) }
    }

    pub(crate) fn child(&self, n: u8) -> Option<&Child<V>> {
        self.slot(n).ok().map(|i| &self.children[i])
    }
}
