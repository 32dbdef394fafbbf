//! What the pool asks of the chain.

use crate::PoolError;
use alloy_eips::eip7594::BlobTransactionSidecarVariant;
use mezz_primitives::{Account, Address, B256, RecoveredTransaction, U256};

/// What the pool knows of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountState {
    /// Nonce of its next transaction.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// Whether it has code; a sender with code is delegated (EIP-7702).
    pub has_code: bool,
}

impl From<Account> for AccountState {
    fn from(account: Account) -> Self {
        Self { nonce: account.nonce, balance: account.balance, has_code: account.has_code() }
    }
}

impl From<Option<Account>> for AccountState {
    fn from(account: Option<Account>) -> Self {
        account.map(Self::from).unwrap_or_default()
    }
}

/// An account could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LookupError(pub String);

impl From<LookupError> for PoolError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error.0)
    }
}

/// Reads accounts at the head of the chain.
///
/// Called while the pool is locked, so that no answer is older than the last block which the
/// pool was told of. It must not call the pool.
pub trait AccountLookup: Send + Sync + 'static {
    /// The account; of an absent one the empty state.
    fn account(&self, address: &Address) -> Result<AccountState, LookupError>;
}

impl<F> AccountLookup for F
where
    F: Fn(&Address) -> Result<AccountState, LookupError> + Send + Sync + 'static,
{
    fn account(&self, address: &Address) -> Result<AccountState, LookupError> {
        self(address)
    }
}

/// The L1 data fee in wei of a transaction.
pub type DataFee = dyn Fn(&RecoveredTransaction) -> U256 + Send + Sync;

/// Whether a sidecar belongs to the versioned hashes and its proofs hold. The error says what is
/// wrong with it.
pub type BlobCheck =
    dyn Fn(&[B256], &BlobTransactionSidecarVariant) -> Result<(), String> + Send + Sync;
