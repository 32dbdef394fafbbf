//! The L1 attributes: what the first transaction of each L2 block tells it of L1.
//!
//! The calldata is that of `setL1BlockValuesIsthmus()` of the OP Stack: packed, not ABI-encoded.

use crate::{
    TxDeposit,
    addresses::{DEPOSITOR_ACCOUNT, L1_BLOCK},
    deposit::l1_info_source_hash,
    fee::L1FeeParams,
};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, TxKind, U256};

/// Selector of `setL1BlockValuesIsthmus()`.
pub const SET_L1_BLOCK_VALUES_SELECTOR: [u8; 4] = [0x09, 0x89, 0x99, 0xbe];

/// Length of the calldata, selector included.
const CALLDATA_LEN: usize = 176;

/// Gas limit of the L1 attributes transaction.
const L1_INFO_GAS_LIMIT: u64 = 1_000_000;

/// What an L2 block knows of its L1 origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L1Attributes {
    /// Number of the origin.
    pub number: u64,
    /// Timestamp of the origin, seconds.
    pub timestamp: u64,
    /// Base fee of the origin, wei for a gas.
    pub base_fee: U256,
    /// Blob base fee of the origin, wei for a blob gas.
    pub blob_base_fee: U256,
    /// Hash of the origin.
    pub hash: B256,
    /// Index of the L2 block in its epoch: 0 for the first block with this origin.
    pub sequence_number: u64,
    /// Who may post batches.
    pub batcher: Address,
    /// Weight of the L1 base fee in the data fee, in millionths.
    pub base_fee_scalar: u32,
    /// Weight of the L1 blob base fee in the data fee, in millionths.
    pub blob_base_fee_scalar: u32,
}

impl L1Attributes {
    /// The calldata of the L1 attributes transaction.
    pub fn calldata(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(CALLDATA_LEN);
        out.extend_from_slice(&SET_L1_BLOCK_VALUES_SELECTOR);
        out.extend_from_slice(&self.base_fee_scalar.to_be_bytes());
        out.extend_from_slice(&self.blob_base_fee_scalar.to_be_bytes());
        out.extend_from_slice(&self.sequence_number.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.base_fee.to_be_bytes::<32>());
        out.extend_from_slice(&self.blob_base_fee.to_be_bytes::<32>());
        out.extend_from_slice(self.hash.as_slice());
        out.extend_from_slice(self.batcher.into_word().as_slice());
        // Operator fee: scalar and constant, both zero.
        out.extend_from_slice(&[0u8; 12]);
        out
    }

    /// Reads the calldata back; `None` if it is not of this form.
    pub fn from_calldata(data: &[u8]) -> Option<Self> {
        if data.len() != CALLDATA_LEN || data[..4] != SET_L1_BLOCK_VALUES_SELECTOR {
            return None;
        }
        let batcher = B256::from_slice(&data[132..164]);
        if batcher[..12].iter().any(|byte| *byte != 0) || data[164..].iter().any(|b| *b != 0) {
            return None;
        }
        Some(Self {
            base_fee_scalar: u32::from_be_bytes(array(&data[4..8])),
            blob_base_fee_scalar: u32::from_be_bytes(array(&data[8..12])),
            sequence_number: u64::from_be_bytes(array(&data[12..20])),
            timestamp: u64::from_be_bytes(array(&data[20..28])),
            number: u64::from_be_bytes(array(&data[28..36])),
            base_fee: U256::from_be_slice(&data[36..68]),
            blob_base_fee: U256::from_be_slice(&data[68..100]),
            hash: B256::from_slice(&data[100..132]),
            batcher: Address::from_word(batcher),
        })
    }

    /// The first transaction of the L2 block.
    pub fn to_transaction(&self) -> TxDeposit {
        TxDeposit {
            source_hash: l1_info_source_hash(self.hash, self.sequence_number),
            from: DEPOSITOR_ACCOUNT,
            to: TxKind::Call(L1_BLOCK),
            mint: 0,
            value: U256::ZERO,
            gas_limit: L1_INFO_GAS_LIMIT,
            is_system_transaction: false,
            input: self.calldata().into(),
        }
    }

    /// The attributes in an L1 attributes transaction.
    pub fn from_transaction(tx: &TxDeposit) -> Option<Self> {
        (tx.from == DEPOSITOR_ACCOUNT && tx.to == TxKind::Call(L1_BLOCK))
            .then(|| Self::from_calldata(&tx.input))
            .flatten()
    }

    /// The prices of L1 data under these attributes.
    pub const fn fee_params(&self) -> L1FeeParams {
        L1FeeParams {
            l1_base_fee: self.base_fee,
            blob_base_fee: self.blob_base_fee,
            base_fee_scalar: self.base_fee_scalar,
            blob_base_fee_scalar: self.blob_base_fee_scalar,
        }
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0u8; N];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;

    fn attributes() -> L1Attributes {
        L1Attributes {
            number: 1,
            timestamp: 2,
            base_fee: U256::from(3),
            blob_base_fee: U256::from(4),
            hash: B256::repeat_byte(5),
            sequence_number: 6,
            batcher: Address::repeat_byte(7),
            base_fee_scalar: 8,
            blob_base_fee_scalar: 9,
        }
    }

    #[test]
    fn selector_is_the_functions() {
        assert_eq!(keccak256("setL1BlockValuesIsthmus()")[..4], SET_L1_BLOCK_VALUES_SELECTOR);
    }

    #[test]
    fn calldata_is_read_back() {
        let data = attributes().calldata();
        assert_eq!(L1Attributes::from_calldata(&data), Some(attributes()));
        assert_eq!(L1Attributes::from_calldata(&data[1..]), None);
        let tx = attributes().to_transaction();
        assert_eq!(L1Attributes::from_transaction(&tx), Some(attributes()));
    }

    #[test]
    fn attributes_from_anyone_else_are_not_attributes() {
        let mut tx = attributes().to_transaction();
        tx.from = Address::ZERO;
        assert_eq!(L1Attributes::from_transaction(&tx), None);
    }
}
