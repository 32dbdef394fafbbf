//! Whom the node signs for: the development accounts, and whoever is impersonated.

use crate::{
    clock::{self, Clock},
    settings::Settings,
};
use alloy_consensus::SignableTransaction as _;
use alloy_primitives::Signature;
use mezz_evm::StateReader;
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction, U256};
use mezz_rpc::{DevAccounts, Failure, Hooks, UnsignedTransaction};
use parking_lot::RwLock;
use std::collections::BTreeSet;

/// Most accounts that are impersonated at a time.
const MAX_IMPERSONATED: usize = 10_000;

/// The accounts that may be sent from without a key.
#[derive(Debug, Default)]
struct Impersonated {
    accounts: BTreeSet<Address>,
    all: bool,
}

/// The hooks of the embedded Layer 1.
#[derive(Debug)]
pub(crate) struct DevnetHooks {
    keys: DevAccounts,
    addresses: Vec<Address>,
    impersonated: RwLock<Impersonated>,
    next: RwLock<NextBlock>,
}

/// What the verbs have set for the next block.
#[derive(Clone, Copy, Debug, Default)]
struct NextBlock {
    base_fee: Option<u64>,
    clock: Clock,
}

impl DevnetHooks {
    pub(crate) fn new(keys: DevAccounts) -> Self {
        let addresses = keys.addresses();
        Self { keys, addresses, impersonated: RwLock::default(), next: RwLock::default() }
    }

    /// Tells the server what verbs have set for the next block.
    pub(crate) fn set_next(&self, settings: &Settings) {
        *self.next.write() = NextBlock { base_fee: settings.next_base_fee, clock: settings.clock };
    }

    /// Allows `address` as a sender. False if too many are allowed already.
    pub(crate) fn impersonate(&self, address: Address) -> bool {
        let mut impersonated = self.impersonated.write();
        impersonated.accounts.len() < MAX_IMPERSONATED && {
            impersonated.accounts.insert(address);
            true
        }
    }

    pub(crate) fn stop_impersonating(&self, address: &Address) {
        self.impersonated.write().accounts.remove(address);
    }

    /// Allows every address as a sender, or only those that were allowed by name.
    pub(crate) fn impersonate_all(&self, all: bool) {
        self.impersonated.write().all = all;
    }

    fn is_impersonated(&self, address: &Address) -> bool {
        let impersonated = self.impersonated.read();
        impersonated.all || impersonated.accounts.contains(address)
    }
}

impl Hooks for DevnetHooks {
    fn accounts(&self) -> Vec<Address> {
        let impersonated = self.impersonated.read();
        self.addresses.iter().chain(&impersonated.accounts).copied().collect()
    }

    fn sign_transaction(
        &self,
        from: Address,
        tx: UnsignedTransaction,
    ) -> Result<RecoveredTransaction, Failure> {
        if !self.addresses.contains(&from) && self.is_impersonated(&from) {
            return Ok(unsigned(from, tx));
        }
        self.keys.sign_transaction(from, tx)
    }

    fn sign_digest(&self, from: Address, digest: B256) -> Result<[u8; 65], Failure> {
        self.keys.sign_digest(from, digest)
    }

    fn next_base_fee(&self) -> Option<u64> {
        self.next.read().base_fee
    }

    fn next_timestamp(&self, parent: u64) -> Option<u64> {
        Some(self.next.read().clock.next(clock::now(), parent))
    }
}

/// A transaction of `from` that nobody has signed. Its signature is the sender's address, so that
/// equal transactions of two senders have two hashes.
pub(crate) fn unsigned(from: Address, tx: UnsignedTransaction) -> RecoveredTransaction {
    RecoveredTransaction::new(
        Transaction::Ethereum(tx.into_signed(no_signature(&from)).into()),
        from,
    )
}

fn no_signature(from: &Address) -> Signature {
    Signature::new(U256::from_be_slice(from.as_slice()), U256::ONE, false)
}

/// Whether the sender may send what it has signed: a contract may not (EIP-3607). What nobody has
/// signed is of an impersonated account, which may be a contract.
pub(crate) fn may_send<S: StateReader>(
    state: &S,
    tx: &RecoveredTransaction,
) -> Result<bool, S::Error> {
    // To sign like this with a key is as hard as to find a preimage of the address.
    if let Transaction::Ethereum(signed) = &tx.tx
        && *signed.signature() == no_signature(&tx.sender)
    {
        return Ok(true);
    }
    match state.account(&tx.sender)? {
        Some(account) if account.has_code() => Ok(state.code(&account.code_hash)?.is_eip7702()),
        _ => Ok(true),
    }
}
