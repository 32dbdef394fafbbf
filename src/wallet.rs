//! Keys: the well-known dev accounts, and encrypted key files.

use crate::{cli::From, deployment::DevAccount};
use alloy::{
    primitives::{Address, B256},
    signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
};
use std::{
    env,
    path::{Path, PathBuf},
};

/// The mnemonic that every development chain of Ethereum funds.
pub(crate) const DEV_MNEMONIC: &str = "test test test test test test test test test test test junk";
/// How many dev accounts are for the user.
pub(crate) const DEV_ACCOUNTS: u32 = 10;
/// Index of the key that deploys a devnet's contracts, owns them and is their guardian.
pub(crate) const DEPLOYER_INDEX: u32 = DEV_ACCOUNTS;
/// Index of a devnet's batcher.
pub(crate) const BATCHER_INDEX: u32 = DEV_ACCOUNTS + 1;
/// Index of a devnet's proposer.
pub(crate) const PROPOSER_INDEX: u32 = DEV_ACCOUNTS + 2;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WalletError {
    /// Deriving a key failed.
    #[error("cannot derive dev account {0}: {1}")]
    Derive(u32, String),
    /// The chain has no dev accounts.
    #[error("this chain has no dev accounts: name a key file with --keystore")]
    NotADevnet,
    /// No dev account is meant.
    #[error(
        "`{0}` is not a dev account: give an index from 0 to {last} or one of their addresses",
        last = DEV_ACCOUNTS - 1
    )]
    NoSuchAccount(String),
    /// No account is meant.
    #[error(
        "`{0}` is no account: give an address, or the index of a dev account from 0 to {last}",
        last = DEV_ACCOUNTS - 1
    )]
    NoAddress(String),
    /// The key file could not be opened.
    #[error("cannot open the key file {0}: {1}")]
    Keystore(PathBuf, String),
    /// No password.
    #[error(
        "the key file {0} needs a password: set MEZZ_PASSWORD, or run where it can be asked for"
    )]
    NoPassword(PathBuf),
}

/// The dev key at `index`, of the path that wallets use: m/44'/60'/0'/0/index.
pub(crate) fn dev_key(index: u32) -> Result<PrivateKeySigner, WalletError> {
    let failed = |error: &dyn std::fmt::Display| WalletError::Derive(index, error.to_string());
    MnemonicBuilder::<English>::default()
        .phrase(DEV_MNEMONIC)
        .index(index)
        .map_err(|error| failed(&error))?
        .build()
        .map_err(|error| failed(&error))
}

/// The dev accounts that are for the user.
pub(crate) fn dev_accounts() -> Result<Vec<DevAccount>, WalletError> {
    (0..DEV_ACCOUNTS)
        .map(|index| {
            let key = dev_key(index)?;
            Ok(DevAccount { address: key.address(), private_key: key.to_bytes() })
        })
        .collect()
}

/// The key that `--from` or `--keystore` names.
pub(crate) fn sender(
    from: &From,
    accounts: &[DevAccount],
) -> Result<PrivateKeySigner, WalletError> {
    if let Some(path) = &from.keystore {
        return open_keystore(path);
    }
    if accounts.is_empty() {
        return Err(WalletError::NotADevnet);
    }
    let account =
        find(&from.from, accounts).ok_or_else(|| WalletError::NoSuchAccount(from.from.clone()))?;
    key_from_bytes(&account.private_key)
        .ok_or_else(|| WalletError::NoSuchAccount(from.from.clone()))
}

fn key_from_bytes(key: &B256) -> Option<PrivateKeySigner> {
    PrivateKeySigner::from_bytes(key).ok()
}

fn find<'a>(text: &str, accounts: &'a [DevAccount]) -> Option<&'a DevAccount> {
    if let Ok(index) = text.parse::<usize>() {
        return accounts.get(index);
    }
    let address: Address = text.parse().ok()?;
    accounts.iter().find(|account| account.address == address)
}

/// Reads an address, or the index of a dev account.
pub(crate) fn address(text: &str, accounts: &[DevAccount]) -> Result<Address, WalletError> {
    text.parse::<Address>()
        .ok()
        .or_else(|| find(text, accounts).map(|account| account.address))
        .ok_or_else(|| WalletError::NoAddress(text.to_owned()))
}

/// Opens an encrypted key file (Web3 Secret Storage, as `cast wallet` and geth write it).
///
/// The password comes from the environment or from the terminal, never from the command line,
/// which every process on the machine can read.
pub(crate) fn open_keystore(path: &Path) -> Result<PrivateKeySigner, WalletError> {
    let password = match env::var("MEZZ_PASSWORD") {
        Ok(password) => password,
        Err(_) => rpassword::prompt_password(format!("Password of {}: ", path.display()))
            .map_err(|_| WalletError::NoPassword(path.to_owned()))?,
    };
    PrivateKeySigner::decrypt_keystore(path, password)
        .map_err(|error| WalletError::Keystore(path.to_owned(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::address;

    #[test]
    fn dev_accounts_are_the_well_known_ones() {
        let accounts = dev_accounts().unwrap();
        assert_eq!(accounts.len(), 10);
        assert_eq!(accounts[0].address, address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
        assert_eq!(accounts[9].address, address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"));
    }

    #[test]
    fn accounts_are_found_by_index_and_address() {
        let accounts = dev_accounts().unwrap();
        assert_eq!(address("3", &accounts).unwrap(), accounts[3].address);
        assert_eq!(
            address(&accounts[4].address.to_string(), &accounts).unwrap(),
            accounts[4].address
        );
        for bad in ["10", "x", "0x12"] {
            assert!(address(bad, &accounts).is_err(), "{bad}");
        }
        let from = From { from: "10".into(), keystore: None };
        assert!(matches!(sender(&from, &accounts), Err(WalletError::NoSuchAccount(_))));
        assert!(matches!(sender(&from, &[]), Err(WalletError::NotADevnet)));
    }
}
