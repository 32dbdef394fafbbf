//! A block as the chain keeps it.

use alloy_rlp::{Encodable, Header as RlpHeader, RlpDecodable, RlpEncodable};
use mezz_primitives::{B256, Header, Receipt, RecoveredTransaction, Sealed};

/// The number and hash of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, RlpEncodable, RlpDecodable)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// Hash of the header.
    pub hash: B256,
}

/// A block with all that was learnt from executing it, except the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    /// The header and its hash.
    pub header: Sealed<Header>,
    /// The transactions with their senders, in order.
    pub transactions: Vec<RecoveredTransaction>,
    /// One receipt for each transaction, in order.
    pub receipts: Vec<Receipt>,
    /// Bytes of the block's RLP: header, transactions, no ommers, no withdrawals.
    pub size: u64,
}

impl BlockRecord {
    /// A record of these parts.
    pub fn new(
        header: Sealed<Header>,
        transactions: Vec<RecoveredTransaction>,
        receipts: Vec<Receipt>,
    ) -> Self {
        let payload = transactions.iter().map(|tx| tx.network_len()).sum();
        Self::of_payload(header, transactions, receipts, payload)
    }

    /// A record of these parts, of which the transactions have so many bytes.
    pub(crate) fn of_payload(
        header: Sealed<Header>,
        transactions: Vec<RecoveredTransaction>,
        receipts: Vec<Receipt>,
        payload: usize,
    ) -> Self {
        let size = block_size(&header, payload);
        Self { header, transactions, receipts, size }
    }

    /// Height.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// Hash of the header.
    pub const fn hash(&self) -> B256 {
        self.header.seal()
    }

    /// Number and hash.
    pub fn block_ref(&self) -> BlockRef {
        BlockRef { number: self.number(), hash: self.hash() }
    }
}

/// Bytes of a list with this payload.
pub(crate) fn list_length(payload_length: usize) -> usize {
    RlpHeader { list: true, payload_length }.length() + payload_length
}

/// Bytes of the RLP of a block without ommers and withdrawals whose transactions have so many bytes.
pub(crate) fn block_size(header: &Header, transactions: usize) -> u64 {
    // The lists of ommers and of withdrawals, both empty.
    list_length(header.length() + list_length(transactions) + 2) as u64
}
