//! Accounts that a development node signs for.

use crate::{
    Failure,
    hooks::{UnsignedTransaction, unknown_account},
};
use alloy_consensus::{EthereumTxEnvelope, SignableTransaction as _};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction};
use std::fmt;

/// A list of keys. Only for keys that are worth nothing: every client of the node may use them.
#[derive(Clone, Default)]
pub struct DevAccounts {
    signers: Vec<PrivateKeySigner>,
}

impl DevAccounts {
    /// Signs with these keys.
    pub const fn new(signers: Vec<PrivateKeySigner>) -> Self {
        Self { signers }
    }

    /// Their addresses, in order.
    pub fn addresses(&self) -> Vec<Address> {
        self.signers.iter().map(PrivateKeySigner::address).collect()
    }

    /// Signs `tx` for `from`. Error: no key of this list.
    pub fn sign_transaction(
        &self,
        from: Address,
        tx: UnsignedTransaction,
    ) -> Result<RecoveredTransaction, Failure> {
        let signer = self.signer(from)?;
        let signature = signer.sign_hash_sync(&tx.signature_hash()).map_err(Failure::internal)?;
        let signed: EthereumTxEnvelope<_> = tx.into_signed(signature).into();
        Ok(RecoveredTransaction::new(Transaction::Ethereum(signed), from))
    }

    /// Signs `digest` for `from`: 65 bytes r, s, v. Error: no key of this list.
    pub fn sign_digest(&self, from: Address, digest: B256) -> Result<[u8; 65], Failure> {
        let signature = self.signer(from)?.sign_hash_sync(&digest).map_err(Failure::internal)?;
        Ok(signature.as_bytes())
    }

    fn signer(&self, from: Address) -> Result<&PrivateKeySigner, Failure> {
        self.signers.iter().find(|s| s.address() == from).ok_or_else(unknown_account)
    }
}

impl fmt::Debug for DevAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DevAccounts").field(&self.addresses()).finish()
    }
}
