//! What differs from chain to chain.

use crate::{DevAccounts, Failure};
use alloy_consensus::{EthereumTypedTransaction, TxEip4844};
use mezz_chain::BlockRecord;
use mezz_pool::Pool;
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction};
use serde_json::{Map, Value};

/// A transaction that has not been signed.
pub type UnsignedTransaction = EthereumTypedTransaction<TxEip4844>;

/// The parts of the methods that a chain decides. Every method may be called from several threads
/// at a time and must not block for long.
pub trait Hooks: Send + Sync + 'static {
    /// Refuses a transaction that a client sent, before its sender is recovered, which costs many
    /// times as much. The default refuses what `pool` would refuse whoever the sender is.
    fn screen(&self, pool: &Pool, tx: &Transaction) -> Result<(), Failure> {
        pool.screen(tx).map_err(|error| Failure::server(error.to_string()))
    }

    /// The accounts that the node signs for.
    fn accounts(&self) -> Vec<Address> {
        Vec::new()
    }

    /// Signs `tx` for `from`. Error: the node does not sign for it.
    fn sign_transaction(
        &self,
        from: Address,
        tx: UnsignedTransaction,
    ) -> Result<RecoveredTransaction, Failure> {
        let _ = (from, tx);
        Err(unknown_account())
    }

    /// Signs the 32-byte `digest` for `from`: 65 bytes r, s, v. Error: the node does not sign for it.
    fn sign_digest(&self, from: Address, digest: B256) -> Result<[u8; 65], Failure> {
        let _ = (from, digest);
        Err(unknown_account())
    }

    /// Base fee of the next block in wei for a gas, if it is set and does not follow from the
    /// newest block (EIP-1559).
    fn next_base_fee(&self) -> Option<u64> {
        None
    }

    /// Timestamp of the next block in Unix seconds, if the chain's time is not the machine's;
    /// `parent` is that of the newest block.
    fn next_timestamp(&self, parent: u64) -> Option<u64> {
        let _ = parent;
        None
    }

    /// Fields that the receipt at `index` of `block` has besides Ethereum's and a deposit's.
    fn receipt_fields(&self, block: &BlockRecord, index: usize) -> Map<String, Value> {
        let _ = (block, index);
        Map::new()
    }
}

/// An L1, or any chain with Ethereum's own receipts: signs for development accounts, if any.
#[derive(Clone, Debug, Default)]
pub struct L1Hooks {
    /// The accounts to sign for.
    pub accounts: DevAccounts,
}

impl Hooks for L1Hooks {
    fn accounts(&self) -> Vec<Address> {
        self.accounts.addresses()
    }

    fn sign_transaction(
        &self,
        from: Address,
        tx: UnsignedTransaction,
    ) -> Result<RecoveredTransaction, Failure> {
        self.accounts.sign_transaction(from, tx)
    }

    fn sign_digest(&self, from: Address, digest: B256) -> Result<[u8; 65], Failure> {
        self.accounts.sign_digest(from, digest)
    }
}

/// Geth's words for an account whose key the node does not hold.
pub(crate) fn unknown_account() -> Failure {
    Failure::server("unknown account")
}
