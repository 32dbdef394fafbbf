//! The world state: accounts by the hash of their address, each with its storage by the hash of the slot.

use crate::{EMPTY_ROOT, Trie, TrieValue};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Encodable, Header};
use mezz_primitives::{Account, StateDiff};

/// What an account leaf holds.
#[derive(Clone, Debug)]
struct AccountEntry {
    account: Account,
    storage: Trie<U256>,
}

impl TrieValue for AccountEntry {
    fn encode_value(&self, out: &mut Vec<u8>) {
        let Account { nonce, balance, code_hash } = &self.account;
        let storage_root = self.storage.peek_root();
        let payload_length =
            nonce.length() + balance.length() + storage_root.length() + code_hash.length();
        Header { list: true, payload_length }.encode(out);
        nonce.encode(out);
        balance.encode(out);
        storage_root.encode(out);
        code_hash.encode(out);
    }

    fn is_stale(&self) -> bool {
        self.storage.is_stale()
    }

    fn refresh_value(&mut self) {
        self.storage.root();
    }
}

/// The trie of all accounts and their storage. A clone costs one pointer and is a version of its own.
#[derive(Clone, Debug, Default)]
pub struct StateTrie {
    accounts: Trie<AccountEntry>,
}

impl StateTrie {
    /// The state without accounts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies the `after` side of a difference. The `before` side is not looked at.
    pub fn apply(&mut self, diff: &StateDiff) {
        for account in &diff.accounts {
            self.set(
                &account.address,
                account.after.as_ref(),
                account.storage.iter().map(|slot| (slot.slot, slot.after)),
            );
        }
    }

    /// Sets an account and the given slots of its storage (zero clears a slot); `None` removes the account with all of
    /// its storage.
    pub fn set(
        &mut self,
        address: &Address,
        account: Option<&Account>,
        slots: impl IntoIterator<Item = (U256, U256)>,
    ) {
        let key = keccak256(address);
        let Some(account) = account else {
            self.accounts.remove(&key);
            return;
        };
        match self.accounts.get_mut(&key) {
            Some(entry) => {
                entry.account = *account;
                set_slots(&mut entry.storage, slots);
            }
            None => {
                let mut entry = AccountEntry { account: *account, storage: Trie::default() };
                set_slots(&mut entry.storage, slots);
                self.accounts.insert(key, entry);
            }
        }
    }

    /// The state root. Recomputes what has changed since the last call.
    pub fn root(&mut self) -> B256 {
        self.accounts.root()
    }

    /// The account at `address`.
    pub fn account(&self, address: &Address) -> Option<Account> {
        self.entry(address).map(|entry| entry.account)
    }

    /// The value of a storage slot; zero when the slot or the account is not there.
    pub fn storage(&self, address: &Address, slot: &U256) -> U256 {
        self.entry(address)
            .filter(|entry| !entry.storage.is_empty())
            .and_then(|entry| entry.storage.get(&slot_key(slot)).copied())
            .unwrap_or_default()
    }

    /// The root of the storage of `address`; [`EMPTY_ROOT`] when there is none.
    pub fn storage_root(&self, address: &Address) -> B256 {
        self.entry(address).map_or(EMPTY_ROOT, |entry| entry.storage.peek_root())
    }

    /// Proof of the account at `address`, or that there is none, against the state root (`accountProof` of
    /// `eth_getProof`).
    pub fn account_proof(&self, address: &Address) -> Vec<Bytes> {
        self.accounts.proof(&keccak256(address))
    }

    /// Proof of a storage slot, or that it is zero, against the storage root of `address` (`storageProof` of
    /// `eth_getProof`). Empty when the account has no storage.
    pub fn storage_proof(&self, address: &Address, slot: &U256) -> Vec<Bytes> {
        self.entry(address).map(|entry| entry.storage.proof(&slot_key(slot))).unwrap_or_default()
    }

    fn entry(&self, address: &Address) -> Option<&AccountEntry> {
        self.accounts.get(&keccak256(address))
    }
}

fn slot_key(slot: &U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

fn set_slots(storage: &mut Trie<U256>, slots: impl IntoIterator<Item = (U256, U256)>) {
    for (slot, value) in slots {
        let key = slot_key(&slot);
        if value.is_zero() {
            storage.remove(&key);
        } else {
            storage.insert(key, value);
        }
    }
}
