//! A state in ordered maps: for tests, genesis and small chains.

use crate::state::{StateReader, analysed};
use alloc::collections::BTreeMap;
use core::convert::Infallible;
use mezz_primitives::{Account, Address, B256, Bytes, StateDiff, U256, keccak256};
use revm::bytecode::Bytecode;

/// A state in ordered maps.
#[derive(Clone, Debug, Default)]
pub struct MemoryState {
    accounts: BTreeMap<Address, Account>,
    storage: BTreeMap<(Address, U256), U256>,
    codes: BTreeMap<B256, Bytecode>,
    block_hashes: BTreeMap<u64, B256>,
}

impl MemoryState {
    /// Sets the balance in wei.
    pub fn set_balance(&mut self, address: Address, balance: U256) {
        self.accounts.entry(address).or_default().balance = balance;
    }

    /// Sets the nonce.
    pub fn set_nonce(&mut self, address: Address, nonce: u64) {
        self.accounts.entry(address).or_default().nonce = nonce;
    }

    /// Sets the code.
    pub fn set_code(&mut self, address: Address, code: Bytes) {
        let hash = keccak256(&code);
        self.accounts.entry(address).or_default().code_hash = hash;
        self.codes.insert(hash, analysed(code));
    }

    /// Sets a slot; zero removes it.
    pub fn set_storage(&mut self, address: Address, slot: U256, value: U256) {
        if value.is_zero() {
            self.storage.remove(&(address, slot));
        } else {
            self.storage.insert((address, slot), value);
        }
    }

    /// Sets the hash of a block, for `BLOCKHASH`.
    pub fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.block_hashes.insert(number, hash);
    }

    /// Every account, by address.
    pub const fn accounts(&self) -> &BTreeMap<Address, Account> {
        &self.accounts
    }

    /// Every slot that is not zero.
    pub const fn slots(&self) -> &BTreeMap<(Address, U256), U256> {
        &self.storage
    }

    /// Takes the state forward by `diff`.
    pub fn apply(&mut self, diff: &StateDiff) {
        for code in &diff.codes {
            self.codes.insert(code.hash, analysed(code.bytes.clone()));
        }
        for account in &diff.accounts {
            match account.after {
                Some(after) => self.accounts.insert(account.address, after),
                None => self.accounts.remove(&account.address),
            };
            for slot in &account.storage {
                self.set_storage(account.address, slot.slot, slot.after);
            }
        }
    }
}

impl StateReader for MemoryState {
    type Error = Infallible;

    fn account(&self, address: &Address) -> Result<Option<Account>, Infallible> {
        Ok(self.accounts.get(address).copied())
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, Infallible> {
        Ok(self.storage.get(&(*address, *slot)).copied().unwrap_or_default())
    }

    fn code(&self, hash: &B256) -> Result<Bytecode, Infallible> {
        Ok(self.codes.get(hash).cloned().unwrap_or_default())
    }

    fn block_hash(&self, number: u64) -> Result<B256, Infallible> {
        Ok(self.block_hashes.get(&number).copied().unwrap_or_default())
    }
}
