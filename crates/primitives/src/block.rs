//! Blocks and the roots in their headers.

use crate::{Receipt, Transaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bloom, Log};
use alloy_trie::root::ordered_trie_root_with_encoder;

/// A block of any chain in Mezzanine.
pub type Block = alloy_consensus::Block<Transaction>;

/// Root of the trie of canonical transaction bytes, keyed by RLP of the index.
pub fn transactions_root<'a>(
    transactions: impl IntoIterator<Item = &'a Transaction, IntoIter: ExactSizeIterator>,
) -> B256 {
    encoded_root(transactions)
}

/// Root of the trie of canonical receipt bytes, keyed by RLP of the index.
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    encoded_root(receipts)
}

fn encoded_root<'a, T: Encodable2718 + 'a>(
    items: impl IntoIterator<Item = &'a T, IntoIter: ExactSizeIterator>,
) -> B256 {
    let items: alloc::vec::Vec<&T> = items.into_iter().collect();
    ordered_trie_root_with_encoder(&items, |item, out| item.encode_2718(out))
}

/// The bloom of `logs`: three bits for each address and each topic (Yellow Paper, 4.3.1).
pub fn logs_bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue_log(log);
    }
    bloom
}
