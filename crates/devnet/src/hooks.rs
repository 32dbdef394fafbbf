//! Whom the node signs for: the development accounts, and whoever is impersonated.

use alloy_consensus::SignableTransaction as _;
use alloy_primitives::Signature;
use mezz_chain::Chain;
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction, U256};
use mezz_rpc::{DevAccounts, Failure, Hooks, UnsignedTransaction};
use parking_lot::RwLock;
use std::collections::BTreeSet;

/// What the code of a delegated account begins with (EIP-7702).
const EIP7702_DESIGNATOR: [u8; 3] = [0xef, 0x01, 0x00];
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
    chain: Chain,
    keys: DevAccounts,
    addresses: Vec<Address>,
    impersonated: RwLock<Impersonated>,
}

impl DevnetHooks {
    pub(crate) fn new(chain: Chain, keys: DevAccounts) -> Self {
        let addresses = keys.addresses();
        Self { chain, keys, addresses, impersonated: RwLock::default() }
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

    /// A contract cannot send: blocks here follow EIP-3607.
    fn check_sender(&self, from: &Address) -> Result<(), Failure> {
        let state = self.chain.state().map_err(Failure::internal)?;
        let code = state.account_code(from).map_err(Failure::internal)?;
        if code.is_empty() || code.starts_with(&EIP7702_DESIGNATOR) {
            return Ok(());
        }
        Err(Failure::server(format!(
            "sender not an eoa: {from} is a contract and cannot send (EIP-3607); call it from an account, or set its code aside with anvil_setCode"
        )))
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
            self.check_sender(&from)?;
            return Ok(unsigned(from, tx));
        }
        self.keys.sign_transaction(from, tx)
    }

    fn sign_digest(&self, from: Address, digest: B256) -> Result<[u8; 65], Failure> {
        self.keys.sign_digest(from, digest)
    }
}

/// A transaction of `from` that nobody has signed. Its signature is the sender's address, so that
/// equal transactions of two senders have two hashes.
pub(crate) fn unsigned(from: Address, tx: UnsignedTransaction) -> RecoveredTransaction {
    let signature = Signature::new(U256::from_be_slice(from.as_slice()), U256::ONE, false);
    RecoveredTransaction {
        tx: Transaction::Ethereum(tx.into_signed(signature).into()),
        sender: from,
    }
}
