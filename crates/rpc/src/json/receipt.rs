//! A receipt.

use super::log_json;
use alloy_consensus::Transaction as _;
use alloy_primitives::{U8, U64};
use alloy_rpc_types_eth::Log;
use mezz_chain::BlockRecord;
use mezz_primitives::{Address, B256, Bloom, receipt::DEPOSIT_RECEIPT_VERSION};
use serde::Serialize;
use serde_json::{Map, Value};

/// `eth_getTransactionReceipt` and its kin.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RpcReceipt {
    r#type: U8,
    status: U8,
    cumulative_gas_used: U64,
    logs_bloom: Bloom,
    logs: Vec<Log>,
    transaction_hash: B256,
    transaction_index: U64,
    block_hash: B256,
    block_number: U64,
    gas_used: U64,
    #[serde(with = "alloy_serde::quantity")]
    effective_gas_price: u128,
    from: Address,
    to: Option<Address>,
    contract_address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_used: Option<U64>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    blob_gas_price: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_nonce: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_receipt_version: Option<U64>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl RpcReceipt {
    /// The receipt at `index` of `block`; `None` if there is none. `blob_base_fee` is the block's,
    /// wei per blob gas. `extra` are the chain's own fields.
    pub(crate) fn new(
        block: &BlockRecord,
        index: usize,
        blob_base_fee: Option<u128>,
        extra: Map<String, Value>,
    ) -> Option<Self> {
        let tx = block.transactions.get(index)?;
        let receipt = block.receipts.get(index)?;
        let mut log_index: u64 = block.receipts[..index].iter().map(|r| r.logs.len() as u64).sum();
        let logs = receipt.logs.iter().map(|log| {
            let json = log_json(block, index, log_index, log, false);
            log_index += 1;
            json
        });
        let logs = logs.collect();
        let nonce = receipt.deposit_nonce.unwrap_or_else(|| tx.tx.nonce());
        let blob_gas_used = tx.tx.blob_gas_used();
        Some(Self {
            r#type: U8::from(receipt.tx_type),
            status: U8::from(receipt.success),
            cumulative_gas_used: U64::from(receipt.cumulative_gas_used),
            logs_bloom: receipt.bloom(),
            logs,
            transaction_hash: tx.hash(),
            transaction_index: U64::from(index),
            block_hash: block.header.seal(),
            block_number: U64::from(block.header.number),
            gas_used: U64::from(gas_used_of(block, index)),
            effective_gas_price: tx.tx.effective_gas_price(block.header.base_fee_per_gas),
            from: tx.sender,
            to: tx.tx.to(),
            contract_address: tx.tx.is_create().then(|| tx.sender.create(nonce)),
            blob_gas_used: blob_gas_used.map(U64::from),
            blob_gas_price: blob_gas_used.and(blob_base_fee),
            deposit_nonce: receipt.deposit_nonce.map(U64::from),
            deposit_receipt_version: receipt
                .deposit_nonce
                .map(|_| U64::from(DEPOSIT_RECEIPT_VERSION)),
            extra,
        })
    }
}

/// Gas used by the transaction at `index` of `block` alone.
pub(crate) fn gas_used_of(block: &BlockRecord, index: usize) -> u64 {
    let cumulative = |i: usize| block.receipts.get(i).map_or(0, |r| r.cumulative_gas_used);
    let before = index.checked_sub(1).map_or(0, cumulative);
    cumulative(index).saturating_sub(before)
}
