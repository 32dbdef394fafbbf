//! The whole state of Anvil, and its root by alloy's functions.
//!
//! Anvil's own state roots are no Ethereum state roots: they contain each account and each slot
//! that was ever looked at, also empty ones (EIP-161), so that they hang on what was read.

use crate::nodes::Remote;
use alloy::{
    primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256},
    rpc::types::EIP1186AccountProofResponse,
};
use alloy_trie::{
    Nibbles, TrieAccount,
    proof::verify_proof,
    root::{state_root_unhashed, storage_root_unhashed},
};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// An account of Anvil's.
#[derive(Debug, Deserialize)]
pub(crate) struct Dumped {
    nonce: u64,
    balance: U256,
    code: Bytes,
    pub(crate) storage: BTreeMap<B256, U256>,
}

impl Dumped {
    /// Whether a proof of all slots says the same.
    pub(crate) fn is(&self, proof: &EIP1186AccountProofResponse) -> bool {
        let slots = self.storage.iter().map(|(key, value)| (*key, *value));
        self.nonce == proof.nonce
            && self.balance == proof.balance
            && keccak256(&self.code) == proof.code_hash
            && storage_root_unhashed(slots) == proof.storage_hash
    }
}

/// All accounts of Anvil that are not empty, with the slots that are not zero.
pub(crate) async fn dump(anvil: &Remote) -> BTreeMap<Address, Dumped> {
    #[derive(Deserialize)]
    struct Dump {
        accounts: BTreeMap<Address, Dumped>,
    }
    let dump = anvil.verb("anvil_dumpState", json!([])).await;
    let bytes: Bytes = serde_json::from_value(dump).unwrap();
    // Ten bytes of a gzip header without options, and eight of sums behind.
    let inner = &bytes[10..bytes.len() - 8];
    let json = miniz_oxide::inflate::decompress_to_vec(inner).unwrap();
    let Dump { mut accounts } = serde_json::from_slice(&json).unwrap();
    accounts.retain(|_, account| {
        account.storage.retain(|_, value| !value.is_zero());
        account.nonce > 0 || !account.balance.is_zero() || !account.code.is_empty()
    });
    accounts
}

/// The state root of these accounts.
pub(crate) fn root(accounts: &BTreeMap<Address, Dumped>) -> B256 {
    let account = |account: &Dumped| TrieAccount {
        nonce: account.nonce,
        balance: account.balance,
        storage_root: storage_root_unhashed(account.storage.iter().map(|(k, v)| (*k, *v))),
        code_hash: keccak256(&account.code),
    };
    state_root_unhashed(accounts.iter().map(|(address, dumped)| (*address, account(dumped))))
}

/// Checks a proof against the state root of its block.
pub(crate) fn assert_proves(root: B256, proof: &EIP1186AccountProofResponse) {
    let account = TrieAccount {
        nonce: proof.nonce,
        balance: proof.balance,
        storage_root: proof.storage_hash,
        code_hash: proof.code_hash,
    };
    let empty =
        account.nonce == 0 && account.balance.is_zero() && account.code_hash == KECCAK256_EMPTY;
    let leaf = (!empty).then(|| alloy_rlp::encode(account));
    let path = |key: &[u8]| Nibbles::unpack(keccak256(key));
    verify_proof(root, path(proof.address.as_slice()), leaf, &proof.account_proof).unwrap();
    for slot in &proof.storage_proof {
        let leaf = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        let path = path(slot.key.as_b256().as_slice());
        verify_proof(proof.storage_hash, path, leaf, &slot.proof).unwrap();
    }
}
