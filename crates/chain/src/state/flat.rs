//! The state of the newest block in hash maps: the fast way for execution and calls.

use mezz_evm::{Bytecode, analysed};
use mezz_primitives::{Account, Address, B256, StateDiff, U256};
use parking_lot::RwLock;
use std::collections::{HashMap, hash_map::Entry};

/// The state of one block.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    /// The block.
    pub(crate) hash: B256,
    accounts: HashMap<Address, Account, alloy_primitives::map::DefaultHashBuilder>,
    storage: HashMap<(Address, U256), U256, alloy_primitives::map::DefaultHashBuilder>,
}

impl Flat {
    pub(crate) fn account(&self, address: &Address) -> Option<Account> {
        self.accounts.get(address).copied()
    }

    pub(crate) fn storage(&self, address: &Address, slot: &U256) -> U256 {
        self.storage.get(&(*address, *slot)).copied().unwrap_or_default()
    }

    /// Applies the `after` side of a difference that leads to the block `hash`.
    pub(crate) fn apply(&mut self, diff: &StateDiff, hash: B256) {
        for account in &diff.accounts {
            match account.after {
                Some(after) => self.accounts.insert(account.address, after),
                None => self.accounts.remove(&account.address),
            };
            for slot in &account.storage {
                self.set_slot(account.address, slot.slot, slot.after);
            }
        }
        self.hash = hash;
    }

    pub(crate) fn set_account(&mut self, address: Address, account: Account) {
        self.accounts.insert(address, account);
    }

    pub(crate) fn set_slot(&mut self, address: Address, slot: U256, value: U256) {
        match self.storage.entry((address, slot)) {
            Entry::Occupied(entry) if value.is_zero() => {
                entry.remove();
            }
            Entry::Occupied(mut entry) => {
                entry.insert(value);
            }
            Entry::Vacant(entry) => {
                if !value.is_zero() {
                    entry.insert(value);
                }
            }
        }
    }
}

/// All code that any block of the chain brought, ready to run. Code is addressed by its content and never removed.
#[derive(Debug, Default)]
pub(crate) struct Codes(RwLock<HashMap<B256, Bytecode, alloy_primitives::map::DefaultHashBuilder>>);

impl Codes {
    pub(crate) fn get(&self, hash: &B256) -> Option<Bytecode> {
        self.0.read().get(hash).cloned()
    }

    pub(crate) fn add(&self, diff: &StateDiff) {
        if diff.codes.is_empty() {
            return;
        }
        let mut codes = self.0.write();
        for code in &diff.codes {
            codes.entry(code.hash).or_insert_with(|| analysed(code.bytes.clone()));
        }
    }

    pub(crate) fn insert(&self, hash: B256, bytes: mezz_primitives::Bytes) {
        self.0.write().entry(hash).or_insert_with(|| analysed(bytes));
    }
}
