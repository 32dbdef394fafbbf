//! The roots of a block's transactions and receipts, which need nothing of the state: they can be computed beside
//! execution.

use alloy_eips::eip2718::Encodable2718;
use mezz_primitives::{B256, Bloom, ListRoot, ListSegment, Receipt, Transaction};

/// The header fields that follow from a block's transactions and receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRoots {
    /// Root of the transactions.
    pub transactions: B256,
    /// Root of the receipts.
    pub receipts: B256,
    /// Bloom of all logs.
    pub logs_bloom: Bloom,
}

impl ListRoots {
    /// Of the transactions that ran, in order, with their receipts.
    pub fn of<'t, 'r>(list: impl IntoIterator<Item = (&'t Transaction, &'r Receipt)>) -> Self {
        let mut hasher = ListHasher::default();
        for (tx, receipt) in list {
            hasher.push(tx, receipt);
        }
        hasher.finish()
    }
}

/// Computes [`ListRoots`] as the transactions run. Takes about a microsecond for each.
#[derive(Debug, Default)]
pub struct ListHasher {
    transactions: ListRoot,
    receipts: ListRoot,
    logs_bloom: Bloom,
}

impl ListHasher {
    /// Adds the next transaction and its receipt.
    pub fn push(&mut self, tx: &Transaction, receipt: &Receipt) {
        self.transactions.push(|out| tx.encode_2718(out));
        let bloom = receipt.bloom();
        self.logs_bloom |= bloom;
        self.receipts.push(|out| receipt.encode_with_bloom(&bloom, out));
    }

    /// Adds the next [`LIST_SEGMENT`](mezz_primitives::LIST_SEGMENT) transactions and receipts, after one or more
    /// times as many.
    pub fn push_segment(&mut self, segment: &SegmentHashes) {
        self.transactions.push_segment(segment.transactions);
        self.receipts.push_segment(segment.receipts);
        self.logs_bloom |= segment.logs_bloom;
    }

    /// The roots of all.
    pub fn finish(self) -> ListRoots {
        ListRoots {
            transactions: self.transactions.root(),
            receipts: self.receipts.root(),
            logs_bloom: self.logs_bloom,
        }
    }
}

/// What a [`ListHasher`] needs of [`LIST_SEGMENT`](mezz_primitives::LIST_SEGMENT) transactions and receipts in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHashes {
    transactions: B256,
    receipts: B256,
    logs_bloom: Bloom,
}

impl SegmentHashes {
    /// Of that many transactions, in order, with their receipts.
    pub fn of<'t, 'r>(list: impl IntoIterator<Item = (&'t Transaction, &'r Receipt)>) -> Self {
        let mut transactions = ListSegment::default();
        let mut receipts = ListSegment::default();
        let mut logs_bloom = Bloom::ZERO;
        for (tx, receipt) in list {
            transactions.push(|out| tx.encode_2718(out));
            let bloom = receipt.bloom();
            logs_bloom |= bloom;
            receipts.push(|out| receipt.encode_with_bloom(&bloom, out));
        }
        Self { transactions: transactions.hash(), receipts: receipts.hash(), logs_bloom }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use mezz_primitives::{
        Address, Bytes, Log, keccak256, logs_bloom, receipts_root, transactions_root,
    };

    #[test]
    fn roots_are_those_of_the_bytes_and_the_bloom_that_of_all_logs() {
        let list: Vec<(Transaction, Receipt)> = (0..300u64)
            .map(|i| {
                let address = Address::with_last_byte(i.to_be_bytes()[7]);
                let topics = vec![keccak256(i.to_be_bytes())];
                let log = Log::new_unchecked(address, topics, Bytes::new());
                let logs = if i % 3 == 0 { Vec::new() } else { vec![log; 2] };
                let receipt = Receipt {
                    tx_type: 2,
                    success: true,
                    cumulative_gas_used: i,
                    logs,
                    ..Receipt::default()
                };
                let tx = mezz_primitives::TxDeposit { gas_limit: i, ..Default::default() };
                (tx.into(), receipt)
            })
            .collect();
        let roots = ListRoots::of(list.iter().map(|(tx, receipt)| (tx, receipt)));
        assert_eq!(roots.transactions, transactions_root(list.iter().map(|(tx, _)| tx)));
        assert_eq!(roots.receipts, receipts_root(list.iter().map(|(_, receipt)| receipt)));
        let logs = list.iter().flat_map(|(_, receipt)| &receipt.logs);
        assert_eq!(roots.logs_bloom, logs_bloom(logs));
    }
}
