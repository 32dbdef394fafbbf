//! The receipt of a transaction.

use crate::{block::logs_bloom, transaction::DEPOSIT_TX_TYPE};
use alloc::vec::Vec;
use alloy_eips::eip2718::{Encodable2718, Typed2718};
use alloy_primitives::{Bloom, Log};
use alloy_rlp::{BufMut, Encodable, Header, RlpDecodable, RlpEncodable};

/// Version of a deposit's receipt: 1 since Canyon, where the nonce entered the receipts root.
pub const DEPOSIT_RECEIPT_VERSION: u64 = 1;

/// What a transaction did. The bloom is derived, not stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
pub struct Receipt {
    /// EIP-2718 type of the transaction.
    pub tx_type: u8,
    /// Whether its state changes were kept.
    pub success: bool,
    /// Gas used in the block up to and including this transaction.
    pub cumulative_gas_used: u64,
    /// Its logs, in order.
    pub logs: Vec<Log>,
    /// Of a deposit: the sender's nonce before it ran.
    pub deposit_nonce: Option<u64>,
}

impl Receipt {
    /// The bloom of its logs.
    pub fn bloom(&self) -> Bloom {
        logs_bloom(&self.logs)
    }

    /// [`Encodable2718::encode_2718`] with its bloom, which has been computed.
    pub fn encode_with_bloom(&self, bloom: &Bloom, out: &mut dyn BufMut) {
        if !self.is_legacy() {
            out.put_u8(self.tx_type);
        }
        self.encode_fields(bloom, out);
    }

    fn payload_length(&self, bloom: &Bloom) -> usize {
        let deposit =
            self.deposit_nonce.map_or(0, |nonce| nonce.length() + DEPOSIT_RECEIPT_VERSION.length());
        self.success.length()
            + self.cumulative_gas_used.length()
            + bloom.length()
            + self.logs.length()
            + deposit
    }

    fn encode_fields(&self, bloom: &Bloom, out: &mut dyn BufMut) {
        Header { list: true, payload_length: self.payload_length(bloom) }.encode(out);
        self.success.encode(out);
        self.cumulative_gas_used.encode(out);
        bloom.encode(out);
        self.logs.encode(out);
        if let Some(nonce) = self.deposit_nonce {
            nonce.encode(out);
            DEPOSIT_RECEIPT_VERSION.encode(out);
        }
    }

    /// Whether it is the receipt of a deposit.
    pub const fn is_deposit(&self) -> bool {
        self.tx_type == DEPOSIT_TX_TYPE
    }
}

impl Typed2718 for Receipt {
    fn ty(&self) -> u8 {
        self.tx_type
    }
}

impl Encodable2718 for Receipt {
    fn encode_2718_len(&self) -> usize {
        let payload = Header { list: true, payload_length: self.payload_length(&Bloom::ZERO) };
        usize::from(!self.is_legacy()) + payload.length() + payload.payload_length
    }

    fn encode_2718(&self, out: &mut dyn BufMut) {
        self.encode_with_bloom(&self.bloom(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{Eip658Value, ReceiptEnvelope, ReceiptWithBloom};
    use alloy_primitives::{Address, B256, Bytes};

    fn logs() -> Vec<Log> {
        let topics = alloc::vec![B256::repeat_byte(2)];
        alloc::vec![Log::new_unchecked(
            Address::repeat_byte(1),
            topics,
            Bytes::from_static(b"data")
        )]
    }

    #[test]
    fn ethereum_receipts_have_alloys_bytes() {
        for tx_type in 0..=4u8 {
            let ours = Receipt {
                tx_type,
                success: tx_type != 1,
                cumulative_gas_used: 21_000,
                logs: logs(),
                deposit_nonce: None,
            };
            let theirs = alloy_consensus::Receipt {
                status: Eip658Value::Eip658(tx_type != 1),
                cumulative_gas_used: 21_000,
                logs: logs(),
            };
            let theirs = ReceiptWithBloom { logs_bloom: ours.bloom(), receipt: theirs };
            let theirs = match tx_type {
                0 => ReceiptEnvelope::Legacy(theirs),
                1 => ReceiptEnvelope::Eip2930(theirs),
                2 => ReceiptEnvelope::Eip1559(theirs),
                3 => ReceiptEnvelope::Eip4844(theirs),
                _ => ReceiptEnvelope::Eip7702(theirs),
            };
            assert_eq!(ours.encoded_2718(), theirs.encoded_2718());
            assert_eq!(ours.encode_2718_len(), ours.encoded_2718().len());
        }
    }

    #[test]
    fn deposit_receipt_commits_to_nonce_and_version() {
        let receipt = Receipt {
            tx_type: DEPOSIT_TX_TYPE,
            success: true,
            cumulative_gas_used: 1,
            logs: Vec::new(),
            deposit_nonce: Some(5),
        };
        let bytes = receipt.encoded_2718();
        assert_eq!(bytes[0], DEPOSIT_TX_TYPE);
        assert_eq!(&bytes[bytes.len() - 2..], &[5, 1]);
        assert_eq!(bytes.len(), receipt.encode_2718_len());
    }
}
