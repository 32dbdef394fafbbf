//! Proofs that a key has a value or has none (EIP-1186).

use crate::{
    Trie, TrieValue,
    encode::{encode_branch, encode_extension, encode_leaf},
    nibbles::{first_difference, nibble},
    node::{Node, NodeRef},
};
use alloy_primitives::{B256, Bytes};

impl<V: TrieValue> Trie<V> {
    /// The RLP of the nodes on the path of `key`, from the root down: a proof of the value under `key`, or that there
    /// is none. Nodes inlined in their parent are not repeated. Empty for an empty trie.
    pub fn proof(&self, key: &B256) -> Vec<Bytes> {
        let mut nodes = Vec::new();
        // Appends a node unless it stands inside the one before it.
        let mut push = |rlp: Vec<u8>| {
            if nodes.is_empty() || rlp.len() >= 32 {
                nodes.push(Bytes::from(rlp));
            }
        };
        let mut from = 0;
        let mut next = self.root.as_ref();
        while let Some(node) = next {
            match node {
                Node::Leaf(leaf) => {
                    let mut rlp = Vec::new();
                    encode_leaf(leaf, from, &mut Vec::new(), &mut rlp);
                    push(rlp);
                    break;
                }
                Node::Branch(branch) => {
                    let mut rlp = Vec::new();
                    encode_branch(branch, &mut rlp);
                    if branch.depth() > from {
                        let mut extension = Vec::new();
                        encode_extension(
                            &branch.prefix,
                            from,
                            branch.depth(),
                            &NodeRef::of(&rlp),
                            &mut extension,
                        );
                        push(extension);
                        if first_difference(&branch.prefix, key, from) < branch.depth() {
                            break;
                        }
                    }
                    push(rlp);
                    from = branch.depth() + 1;
                    next = branch.child(nibble(key, branch.depth())).map(|child| &child.node);
                }
            }
        }
        nodes
    }
}
