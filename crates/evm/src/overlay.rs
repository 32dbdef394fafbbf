//! A state with changes laid over it: overrides of a simulated call, or the blocks so far of a
//! simulation or a replay.

use crate::state::{StateReader, analysed};
use alloc::collections::{BTreeMap, BTreeSet};
use mezz_primitives::{Account, Address, B256, Bytes, StateDiff, U256, keccak256};
use revm::bytecode::Bytecode;

/// A reader that answers from its changes first and from `base` else.
#[derive(Clone, Debug)]
pub struct StateOverlay<S> {
    base: S,
    accounts: BTreeMap<Address, Option<Account>>,
    /// Accounts of which no slot of `base` counts.
    replaced_storage: BTreeSet<Address>,
    storage: BTreeMap<(Address, U256), U256>,
    codes: BTreeMap<B256, Bytecode>,
    block_hashes: BTreeMap<u64, B256>,
}

impl<S: StateReader> StateOverlay<S> {
    /// An overlay without changes.
    pub const fn new(base: S) -> Self {
        Self {
            base,
            accounts: BTreeMap::new(),
            replaced_storage: BTreeSet::new(),
            storage: BTreeMap::new(),
            codes: BTreeMap::new(),
            block_hashes: BTreeMap::new(),
        }
    }

    /// Changes an account in place; one that does not exist comes into being.
    pub fn update_account(
        &mut self,
        address: Address,
        update: impl FnOnce(&mut Account),
    ) -> Result<(), S::Error> {
        let mut account = self.account(&address)?.unwrap_or_default();
        update(&mut account);
        self.accounts.insert(address, Some(account));
        Ok(())
    }

    /// Gives an account other code.
    pub fn set_code(&mut self, address: Address, code: Bytes) -> Result<(), S::Error> {
        let hash = keccak256(&code);
        self.codes.insert(hash, analysed(code));
        self.update_account(address, |account| account.code_hash = hash)
    }

    /// Sets one slot.
    pub fn set_storage(&mut self, address: Address, slot: U256, value: U256) {
        self.storage.insert((address, slot), value);
    }

    /// Empties the storage of an account.
    pub fn clear_storage(&mut self, address: Address) {
        let whole = (address, U256::ZERO)..=(address, U256::MAX);
        let slots: alloc::vec::Vec<_> = self.storage.range(whole).map(|(key, _)| *key).collect();
        for slot in slots {
            self.storage.remove(&slot);
        }
        self.replaced_storage.insert(address);
    }

    /// Sets the hash of a block, for `BLOCKHASH`.
    pub fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.block_hashes.insert(number, hash);
    }

    /// Takes the state forward by `diff`.
    pub fn apply(&mut self, diff: &StateDiff) {
        for code in &diff.codes {
            self.codes.insert(code.hash, analysed(code.bytes.clone()));
        }
        for account in &diff.accounts {
            self.accounts.insert(account.address, account.after);
            for slot in &account.storage {
                self.storage.insert((account.address, slot.slot), slot.after);
            }
        }
    }
}

impl<S: StateReader> StateReader for StateOverlay<S> {
    type Error = S::Error;

    fn account(&self, address: &Address) -> Result<Option<Account>, S::Error> {
        match self.accounts.get(address) {
            Some(account) => Ok(*account),
            None => self.base.account(address),
        }
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, S::Error> {
        match self.storage.get(&(*address, *slot)) {
            Some(value) => Ok(*value),
            None if self.replaced_storage.contains(address) => Ok(U256::ZERO),
            None => self.base.storage(address, slot),
        }
    }

    fn code(&self, hash: &B256) -> Result<Bytecode, S::Error> {
        match self.codes.get(hash) {
            Some(code) => Ok(code.clone()),
            None => self.base.code(hash),
        }
    }

    fn block_hash(&self, number: u64) -> Result<B256, S::Error> {
        match self.block_hashes.get(&number) {
            Some(hash) => Ok(*hash),
            None => self.base.block_hash(number),
        }
    }
}
