//! Rules of the pool, one test each.

mod accounts;
mod best;
mod blobs;
mod flood;
mod random;
mod rules;

use crate::{AccountState, LookupError, NewTransaction, Pool, PoolConfig};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Signature, TxKind};
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction, U256};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

pub(super) const CHAIN_ID: u64 = 1;
pub(super) const GWEI: u128 = 1_000_000_000;

/// Accounts that a test can change.
#[derive(Clone, Default)]
pub(super) struct Accounts(Arc<Mutex<HashMap<Address, AccountState>>>);

impl Accounts {
    pub(super) fn set(&self, address: Address, nonce: u64, balance: u128) -> AccountState {
        let state = AccountState { nonce, balance: U256::from(balance), has_code: false };
        self.0.lock().insert(address, state);
        state
    }

    pub(super) fn pool(&self, config: PoolConfig) -> Pool {
        let accounts = self.clone();
        Pool::new(config, move |address: &Address| -> Result<AccountState, LookupError> {
            Ok(accounts.0.lock().get(address).copied().unwrap_or_default())
        })
    }
}

pub(super) fn sender(n: u64) -> Address {
    Address::left_padding_from(&(n + 1).to_be_bytes())
}

/// A plain transfer whose cost is `21_000 * fee_cap`. Its signature only makes the hash unique.
pub(super) fn transfer(from: Address, nonce: u64, fee_cap: u128, tip: u128) -> NewTransaction {
    signed(
        from,
        TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: fee_cap,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(Address::ZERO),
            ..Default::default()
        },
    )
}

pub(super) fn signed(from: Address, tx: TxEip1559) -> NewTransaction {
    let signature = Signature::new(U256::from_be_slice(from.as_slice()), U256::ONE, false);
    NewTransaction::from(RecoveredTransaction::new(
        Transaction::Ethereum(tx.into_signed(signature).into()),
        from,
    ))
}

pub(super) fn hash(tx: &NewTransaction) -> B256 {
    tx.tx.hash()
}

/// A pool of default limits, and one rich sender.
pub(super) fn rich() -> (Accounts, Pool, Address) {
    let accounts = Accounts::default();
    accounts.set(sender(0), 0, u128::MAX);
    let pool = accounts.pool(PoolConfig::default());
    (accounts, pool, sender(0))
}
