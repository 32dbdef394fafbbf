//! A transaction on its way into the pool, and in it.

use crate::DecodeError;
use alloy_consensus::{EthereumTxEnvelope, Transaction as _, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{
    eip2718::{Decodable2718, Eip2718Error},
    eip7594::BlobTransactionSidecarVariant,
};
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction, U256};
use std::sync::Arc;

/// Bytes of a slot, the unit of the pool's size.
pub(crate) const SLOT_BYTES: usize = 32 << 10;
const BLOB_TX_TYPE: u8 = 3;

/// A transaction offered to the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTransaction {
    /// The transaction and its sender.
    pub tx: RecoveredTransaction,
    /// Its blobs, if it is of type 3.
    pub sidecar: Option<Arc<BlobTransactionSidecarVariant>>,
}

impl NewTransaction {
    /// Decodes what `eth_sendRawTransaction` takes, and recovers the sender.
    ///
    /// A blob transaction is in its network form, `tx || blobs, commitments, proofs`, with cell
    /// proofs (EIP-7594) or with blob proofs (EIP-4844).
    pub fn decode(raw: &[u8]) -> Result<Self, DecodeError> {
        let (tx, sidecar) = Self::decode_unrecovered(raw)?;
        Ok(Self { tx: RecoveredTransaction::recover(tx)?, sidecar })
    }

    /// As [`Self::decode`], without the costly recovery of the sender.
    pub fn decode_unrecovered(
        raw: &[u8],
    ) -> Result<(Transaction, Option<Arc<BlobTransactionSidecarVariant>>), DecodeError> {
        match raw.first() {
            None => Err(DecodeError::Empty),
            Some(&BLOB_TX_TYPE) => decode_blob(raw),
            // Below 0xc0, the start of a legacy transaction's list, the first byte is the type.
            Some(0xc0.. | 1 | 2 | 4) => {
                let tx = EthereumTxEnvelope::<TxEip4844>::decode_2718_exact(raw)
                    .map_err(decode_error)?;
                Ok((Transaction::Ethereum(tx), None))
            }
            Some(_) => Err(DecodeError::UnsupportedType),
        }
    }
}

impl From<RecoveredTransaction> for NewTransaction {
    fn from(tx: RecoveredTransaction) -> Self {
        Self { tx, sidecar: None }
    }
}

fn decode_blob(
    raw: &[u8],
) -> Result<(Transaction, Option<Arc<BlobTransactionSidecarVariant>>), DecodeError> {
    type Pooled = EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarVariant>>;
    match Pooled::decode_2718_exact(raw) {
        Ok(EthereumTxEnvelope::Eip4844(signed)) => {
            let (tx, signature, hash) = signed.into_parts();
            let (tx, sidecar) = tx.into_parts();
            let signed = alloy_consensus::Signed::new_unchecked(tx, signature, hash);
            Ok((
                Transaction::Ethereum(EthereumTxEnvelope::Eip4844(signed)),
                Some(Arc::new(sidecar)),
            ))
        }
        Ok(_) => Err(DecodeError::UnsupportedType),
        Err(error) => match Transaction::decode(raw) {
            Ok(_) => Err(DecodeError::MissingSidecar),
            Err(_) => Err(decode_error(error)),
        },
    }
}

fn decode_error(error: Eip2718Error) -> DecodeError {
    DecodeError::Encoding(match error {
        Eip2718Error::RlpError(error) => error.to_string(),
        error => error.to_string(),
    })
}

/// A transaction in the pool, with what the pool has computed of it.
#[derive(Debug)]
pub struct PooledTransaction {
    /// The transaction and its sender.
    pub tx: RecoveredTransaction,
    /// Its hash.
    pub hash: B256,
    /// Its blobs, if it is of type 3.
    pub sidecar: Option<Arc<BlobTransactionSidecarVariant>>,
    /// Most wei per gas that it pays.
    pub fee_cap: u128,
    /// Most wei per gas that the block's beneficiary gets.
    pub tip_cap: u128,
    /// Most wei per blob gas that it pays.
    pub blob_fee_cap: Option<u128>,
    /// Most wei that it can take from its sender: gas, blob gas, L1 data and value.
    pub cost: U256,
    /// Bytes of its canonical form and of its blobs.
    pub bytes: usize,
    /// The place in the order in which the pool took its transactions.
    pub arrival: u64,
}

impl PooledTransaction {
    pub(crate) fn new(new: NewTransaction, data_fee: U256) -> Self {
        let NewTransaction { tx, sidecar } = new;
        let fee_cap = tx.tx.max_fee_per_gas();
        let blob_fee_cap = tx.tx.max_fee_per_blob_gas();
        let bytes = tx.encoded_len() + sidecar.as_ref().map_or(0, |sidecar| sidecar.size());
        Self {
            hash: tx.hash(),
            fee_cap,
            tip_cap: tx.tx.priority_fee_or_price(),
            blob_fee_cap,
            cost: max_cost(&tx.tx).saturating_add(data_fee),
            bytes,
            arrival: 0,
            tx,
            sidecar,
        }
    }

    /// The nonce.
    pub fn nonce(&self) -> u64 {
        self.tx.tx.nonce()
    }

    /// Most gas that it takes.
    pub fn gas_limit(&self) -> u64 {
        self.tx.tx.gas_limit()
    }

    /// The sender.
    pub fn sender(&self) -> Address {
        self.tx.sender
    }

    /// Wei per gas for the beneficiary in a block of this base fee; none if the fee cap does not
    /// reach it.
    pub fn effective_tip(&self, base_fee: u64) -> Option<u128> {
        self.fee_cap.checked_sub(u128::from(base_fee)).map(|rest| rest.min(self.tip_cap))
    }

    /// Slots that it takes in the pool.
    pub const fn slots(&self) -> usize {
        self.bytes.div_ceil(SLOT_BYTES)
    }
}

/// Most wei that gas, blob gas and value can take from the sender. Beyond 2^256 it saturates:
/// nobody owns that much.
fn max_cost(tx: &Transaction) -> U256 {
    // 128 + 64 bits cannot overflow 256.
    let gas = U256::from(tx.max_fee_per_gas()) * U256::from(tx.gas_limit());
    let blobs = U256::from(tx.max_fee_per_blob_gas().unwrap_or_default())
        * U256::from(tx.blob_gas_used().unwrap_or_default());
    gas.saturating_add(blobs).saturating_add(tx.value())
}
