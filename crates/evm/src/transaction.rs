//! From a transaction to what the EVM takes.

use alloc::vec::Vec;
use alloy_consensus::{Transaction as _, Typed2718};
use mezz_primitives::{Address, Transaction, transaction::DEPOSIT_TX_TYPE};
use revm::{context::TxEnv, context_interface::either::Either};

/// The EVM's form of `tx`, which `sender` sent.
pub(crate) fn tx_env(tx: &Transaction, sender: Address) -> TxEnv {
    if let Some(deposit) = tx.as_deposit() {
        return TxEnv {
            tx_type: DEPOSIT_TX_TYPE,
            caller: sender,
            gas_limit: deposit.gas_limit,
            kind: deposit.to,
            value: deposit.value,
            data: deposit.input.clone(),
            ..empty()
        };
    }
    TxEnv {
        tx_type: tx.ty(),
        caller: sender,
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        blob_hashes: tx.blob_versioned_hashes().map(<[_]>::to_vec).unwrap_or_default(),
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas().unwrap_or_default(),
        authorization_list: tx
            .authorization_list()
            .map(|list| list.iter().cloned().map(Either::Left).collect())
            .unwrap_or_default(),
    }
}

/// A transaction with nothing in it and no fee.
pub(crate) fn empty() -> TxEnv {
    TxEnv {
        tx_type: 0,
        caller: Address::ZERO,
        gas_limit: 0,
        gas_price: 0,
        kind: mezz_primitives::TxKind::Create,
        value: mezz_primitives::U256::ZERO,
        data: Default::default(),
        nonce: 0,
        chain_id: None,
        access_list: Default::default(),
        gas_priority_fee: None,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}
