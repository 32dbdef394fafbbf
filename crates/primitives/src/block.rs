//! Blocks and the roots in their headers.

use crate::{ListRoot, Receipt, Transaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bloom, Log};

/// A block of any chain in Mezzanine.
pub type Block = alloy_consensus::Block<Transaction>;

/// Root of the trie of canonical transaction bytes.
pub fn transactions_root<'a>(transactions: impl IntoIterator<Item = &'a Transaction>) -> B256 {
    let mut root = ListRoot::default();
    for tx in transactions {
        root.push(|out| tx.encode_2718(out));
    }
    root.root()
}

/// Root of the trie of canonical receipt bytes.
pub fn receipts_root<'a>(receipts: impl IntoIterator<Item = &'a Receipt>) -> B256 {
    let mut root = ListRoot::default();
    for receipt in receipts {
        root.push(|out| receipt.encode_2718(out));
    }
    root.root()
}

/// The bloom of `logs`: three bits for each address and each topic (Yellow Paper, 4.3.1).
pub fn logs_bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue_log(log);
    }
    bloom
}
