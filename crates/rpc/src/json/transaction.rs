//! A transaction, mined or pending.

use alloy_consensus::Transaction as _;
use mezz_chain::BlockRecord;
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction};
use serde::Serialize;

/// `eth_getTransactionByHash` and its kin.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RpcTransaction<'a> {
    block_hash: Option<B256>,
    #[serde(with = "alloy_serde::quantity::opt")]
    block_number: Option<u64>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    block_timestamp: Option<u64>,
    #[serde(with = "alloy_serde::quantity::opt")]
    transaction_index: Option<u64>,
    /// A deposit brings its own `from`, which is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Address>,
    #[serde(flatten)]
    tx: &'a Transaction,
    /// What a transaction with dynamic fees pays, or at most pays while it is pending; the others
    /// bring the price they name.
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    gas_price: Option<u128>,
    /// Of a deposit: the nonce that its sender had. The others bring theirs.
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    nonce: Option<u64>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    deposit_receipt_version: Option<u64>,
}

impl<'a> RpcTransaction<'a> {
    /// The transaction at `index` of `block`; `None` if the block has fewer.
    pub(crate) fn mined(block: &'a BlockRecord, index: usize) -> Option<Self> {
        let tx = block.transactions.get(index)?;
        let nonce = block.receipts.get(index).and_then(|receipt| receipt.deposit_nonce);
        let base_fee = block.header.base_fee_per_gas;
        Some(Self {
            block_hash: Some(block.header.seal()),
            block_number: Some(block.header.number),
            block_timestamp: Some(block.header.timestamp),
            transaction_index: Some(index as u64),
            gas_price: tx.tx.is_dynamic_fee().then(|| tx.tx.effective_gas_price(base_fee)),
            nonce: tx.tx.is_deposit().then(|| nonce.unwrap_or_default()),
            ..Self::pending(tx)
        })
    }

    /// A transaction that is in no block.
    pub(crate) fn pending(tx: &'a RecoveredTransaction) -> Self {
        let deposit = tx.tx.is_deposit();
        Self {
            block_hash: None,
            block_number: None,
            block_timestamp: None,
            transaction_index: None,
            from: (!deposit).then_some(tx.sender),
            tx: &tx.tx,
            gas_price: tx.tx.is_dynamic_fee().then(|| tx.tx.max_fee_per_gas()),
            nonce: deposit.then_some(0),
            deposit_receipt_version: deposit
                .then_some(mezz_primitives::receipt::DEPOSIT_RECEIPT_VERSION),
        }
    }
}
