//! The well-known development accounts.

use crate::{DevnetConfig, DevnetError};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use mezz_primitives::{Address, B256};

/// Most accounts: deriving one takes milliseconds.
const MAX_ACCOUNTS: u32 = 1_000;

/// A funded account. Its key is known to everyone: worth nothing outside a development chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevAccount {
    /// Address.
    pub address: Address,
    /// Private key.
    pub private_key: B256,
}

/// Derives the signers at `m/44'/60'/0'/0/i`.
pub(crate) fn derive(config: &DevnetConfig) -> Result<Vec<PrivateKeySigner>, DevnetError> {
    if config.account_count > MAX_ACCOUNTS {
        let count = config.account_count;
        return Err(DevnetError::Config(format!(
            "{count} accounts are too many: at most {MAX_ACCOUNTS}"
        )));
    }
    (0..config.account_count)
        .map(|index| {
            MnemonicBuilder::<English>::default()
                .phrase(config.mnemonic.as_str())
                .index(index)
                .and_then(|builder| builder.build())
                .map_err(|error| DevnetError::Mnemonic(error.to_string()))
        })
        .collect()
}
