//! Keys: the well-known dev accounts, and encrypted key files.

use crate::{
    cli::{From, PasswordArgs},
    deployment::DevAccount,
};
use alloy::{
    primitives::{Address, B256},
    signers::{
        k256::elliptic_curve::rand_core::OsRng,
        local::{LocalSignerError, MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
    },
};
use eth_keystore::KeystoreError;
use std::{
    env, fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt,
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
        "the key file {0} needs a password: name a file that has it with --password-file, set MEZZ_PASSWORD, or run where it can be asked for"
    )]
    NoPassword(PathBuf),
    /// The file of the password is not readable.
    #[error("cannot read the password file {0}: {1}")]
    PasswordFile(PathBuf, io::Error),
    /// The key file is there already.
    #[error("{0} exists already: a key is not overwritten; name another file")]
    Exists(PathBuf),
    /// The key file could not be written.
    #[error("cannot write the key file {0}: {1}")]
    Write(PathBuf, String),
    /// The password of a new key file has no characters.
    #[error(
        "the password of {0} is empty, so that anybody could open it: choose one for --password-file, MEZZ_PASSWORD or where it is asked for"
    )]
    EmptyPassword(PathBuf),
    /// The two passwords differ.
    #[error("the passwords are not the same")]
    Mistyped,
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
        return open_keystore(path, &from.password);
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
/// The password comes from a file, from the environment or from the terminal, never from the
/// command line, which every process on the machine can read.
pub(crate) fn open_keystore(
    path: &Path,
    password: &PasswordArgs,
) -> Result<PrivateKeySigner, WalletError> {
    let failed = |reason: String| WalletError::Keystore(path.to_owned(), reason);
    // Before a password is asked for that nothing would be opened with.
    fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let password = match given_password(password)? {
        Some(password) => password,
        None => ask(path, "Password")?,
    };
    PrivateKeySigner::decrypt_keystore(path, password).map_err(|error| {
        failed(match error {
            LocalSignerError::EthKeystoreError(KeystoreError::MacMismatch) => {
                "the password is wrong".to_owned()
            }
            LocalSignerError::EthKeystoreError(KeystoreError::SerdeJson(error)) => {
                format!("it is no encrypted key file ({error})")
            }
            error => error.to_string(),
        })
    })
}

/// Makes a key and writes it to an encrypted key file that only its owner can read; the answer is
/// its address.
pub(crate) fn new_keystore(path: &Path, password: &PasswordArgs) -> Result<Address, WalletError> {
    let failed =
        |error: &dyn std::fmt::Display| WalletError::Write(path.to_owned(), error.to_string());
    if path.exists() {
        return Err(WalletError::Exists(path.to_owned()));
    }
    let given = given_password(password)?;
    let is_asked = given.is_none();
    let password = given.map_or_else(|| ask(path, "New password"), Ok)?;
    if password.is_empty() {
        return Err(WalletError::EmptyPassword(path.to_owned()));
    }
    if is_asked && ask(path, "The same again")? != password {
        return Err(WalletError::Mistyped);
    }
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    fs::create_dir_all(dir).map_err(|error| failed(&error))?;
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| failed(&"no name"))?;
    // Whoever writes it lets everybody read it: first where nobody looks, then with its rights.
    let private = tempdir(dir).map_err(|error| failed(&error))?;
    let key = PrivateKeySigner::random();
    let written = PrivateKeySigner::encrypt_keystore(
        &private,
        &mut OsRng,
        key.to_bytes(),
        password,
        Some(name),
    );
    let moved = written.map_err(|error| error.to_string()).and_then(|_| {
        let text = fs::read(private.join(name)).map_err(|error| error.to_string())?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| error.to_string())?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(|error| error.to_string())
    });
    let removed = fs::remove_dir_all(&private);
    moved.map_err(|error| failed(&error))?;
    removed.map_err(|error| failed(&error))?;
    Ok(key.address())
}

/// A new folder in `dir` that only its owner can enter.
fn tempdir(dir: &Path) -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let path = dir.join(format!(".mezz-key-{}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&path)?;
    Ok(path)
}

/// The password of a file or the environment, if one is given there.
fn given_password(password: &PasswordArgs) -> Result<Option<String>, WalletError> {
    let Some(path) = &password.password_file else { return Ok(env::var("MEZZ_PASSWORD").ok()) };
    let text =
        fs::read_to_string(path).map_err(|error| WalletError::PasswordFile(path.clone(), error))?;
    // Editors end a line; the password does not.
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Some(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn ask(path: &Path, what: &str) -> Result<String, WalletError> {
    rpassword::prompt_password(format!("{what} of {}: ", path.display()))
        .map_err(|_| WalletError::NoPassword(path.to_owned()))
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
        let password = PasswordArgs::default();
        let from = From { from: "10".into(), keystore: None, password };
        assert!(matches!(sender(&from, &accounts), Err(WalletError::NoSuchAccount(_))));
        assert!(matches!(sender(&from, &[]), Err(WalletError::NotADevnet)));
    }

    #[test]
    fn new_key_file_is_private_and_opens_with_its_password() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("password");
        let args = PasswordArgs { password_file: Some(secret.clone()) };
        let path = dir.path().join("keys/batcher");
        assert!(matches!(new_keystore(&path, &args), Err(WalletError::PasswordFile(..))));
        fs::write(&secret, "correct horse\n").unwrap();
        let address = new_keystore(&path, &args).unwrap();
        assert_eq!(open_keystore(&path, &args).unwrap().address(), address);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path().join("keys")).unwrap().count(), 1);
        assert!(matches!(new_keystore(&path, &args), Err(WalletError::Exists(_))));
        assert_eq!(open_keystore(&path, &args).unwrap().address(), address);
        for (text, file, reason) in [
            ("wrong", &path, "the password is wrong"),
            ("correct horse", &secret, "it is no encrypted key file"),
            ("correct horse", &dir.path().join("absent"), "No such file"),
        ] {
            fs::write(&secret, text).unwrap();
            let error = open_keystore(file, &args).unwrap_err().to_string();
            let start = format!("cannot open the key file {}: {reason}", file.display());
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn key_file_without_a_password_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("password");
        let args = PasswordArgs { password_file: Some(secret.clone()) };
        let path = dir.path().join("key");
        for empty in ["", "\n", "\r\n"] {
            fs::write(&secret, empty).unwrap();
            let error = new_keystore(&path, &args).unwrap_err();
            assert!(matches!(&error, WalletError::EmptyPassword(of) if *of == path), "{error}");
            assert!(!path.exists());
        }
        // One that another program made is opened all the same.
        let key = PrivateKeySigner::random();
        PrivateKeySigner::encrypt_keystore(dir.path(), &mut OsRng, key.to_bytes(), "", Some("key"))
            .unwrap();
        assert_eq!(open_keystore(&path, &args).unwrap().address(), key.address());
    }
}
