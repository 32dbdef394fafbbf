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
    let transactions: alloc::vec::Vec<&Transaction> = transactions.into_iter().collect();
    ordered_trie_root_with_encoder(&transactions, |tx, out| tx.encode_2718(out))
}

/// Root of the trie of canonical receipt bytes, keyed by RLP of the index.
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    receipts_root_and_bloom(receipts).0
}

/// [`receipts_root`] and the bloom of all logs, for which each receipt's bloom is computed once.
pub fn receipts_root_and_bloom(receipts: &[Receipt]) -> (B256, Bloom) {
    let mut all = Bloom::ZERO;
    let root = ordered_trie_root_with_encoder(receipts, |receipt, out| {
        let bloom = receipt.bloom();
        all |= bloom;
        receipt.encode_with_bloom(&bloom, out);
    });
    (root, all)
}

/// The bloom of `logs`: three bits for each address and each topic (Yellow Paper, 4.3.1).
pub fn logs_bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue_log(log);
    }
    bloom
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use alloy_primitives::{Address, Bytes};

    #[test]
    fn receipts_root_is_that_of_their_bytes_and_the_bloom_that_of_all_logs() {
        let receipts: Vec<Receipt> = (0..300u64)
            .map(|i| {
                let address = Address::with_last_byte(i.to_be_bytes()[7]);
                let topics = alloc::vec![alloy_primitives::keccak256(i.to_be_bytes())];
                let log = Log::new_unchecked(address, topics, Bytes::new());
                let logs = if i % 3 == 0 { Vec::new() } else { alloc::vec![log; 2] };
                Receipt {
                    tx_type: 2,
                    success: true,
                    cumulative_gas_used: i,
                    logs,
                    ..Receipt::default()
                }
            })
            .collect();
        let (root, bloom) = receipts_root_and_bloom(&receipts);
        let encoded = ordered_trie_root_with_encoder(&receipts, |item, out| item.encode_2718(out));
        assert_eq!(root, encoded);
        assert_eq!(bloom, logs_bloom(receipts.iter().flat_map(|receipt| &receipt.logs)));
    }
}
