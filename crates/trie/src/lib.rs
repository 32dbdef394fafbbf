//! The Merkle Patricia trie of Ethereum state, held in memory, with versions that cost nothing to keep.
//!
//! [`Trie`] maps 32-byte keys to values. Nodes are reference counted: cloning a trie copies one pointer, changing a
//! trie copies only the nodes on the changed paths, and only where a kept version still shares them. Hashes are
//! computed lazily: a change marks its path, [`Trie::root`] recomputes the marked nodes and no others.
//! [`StateTrie`] builds on it the trie of accounts with one storage trie in each account, and speaks in addresses,
//! slots and [`StateDiff`](mezz_primitives::StateDiff)s.
//!
//! Encoding: Yellow Paper, appendix D; account leaves as in Ethereum's world state (nonce, balance, storage root, code
//! hash); storage leaves are the RLP of the value. Proofs are the node lists of `eth_getProof` (EIP-1186).

mod encode;
mod nibbles;
mod node;
mod proof;
mod state;
mod trie;

pub use encode::TrieValue;
pub use state::StateTrie;
pub use trie::Trie;

/// Root of a trie without entries: keccak256 of the RLP of the empty string.
pub const EMPTY_ROOT: alloy_primitives::B256 =
    alloy_primitives::b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

#[cfg(test)]
mod tests;
