//! Where execution reads the state from, and the adapter to revm.

use crate::owed::Owed;
use alloc::sync::Arc;
use core::fmt;
use mezz_primitives::{Account, Address, B256, Bytes, U256};
use revm::{
    Database, DatabaseRef, bytecode::Bytecode, database_interface::DBErrorMarker,
    state::AccountInfo,
};

/// The state of one block, as it is after it.
///
/// Answers must not change while an executor borrows the reader.
pub trait StateReader {
    /// Why a read failed. It ends the execution: a block cannot be built on missing state.
    type Error: core::error::Error + Send + Sync + 'static;

    /// The account, or `None` if there is none (EIP-161: an empty one counts as none).
    fn account(&self, address: &Address) -> Result<Option<Account>, Self::Error>;

    /// The value of a slot; zero if the slot or the account does not exist.
    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, Self::Error>;

    /// The code with this hash, of which [`analysed`] makes the form that runs. Keeping the
    /// analysed form saves a pass over the code for each call. Asked only for hashes that an
    /// account has, never for the hash of no code.
    fn code(&self, hash: &B256) -> Result<Bytecode, Self::Error>;

    /// The hash of an ancestor, for `BLOCKHASH`. Asked only for the 256 blocks before the one
    /// that runs; zero if the chain has no such block.
    fn block_hash(&self, number: u64) -> Result<B256, Self::Error>;
}

macro_rules! forward_reader {
    ($($reader:ty),*) => {$(
        impl<S: StateReader + ?Sized> StateReader for $reader {
            type Error = S::Error;

            fn account(&self, address: &Address) -> Result<Option<Account>, Self::Error> {
                (**self).account(address)
            }

            fn storage(&self, address: &Address, slot: &U256) -> Result<U256, Self::Error> {
                (**self).storage(address, slot)
            }

            fn code(&self, hash: &B256) -> Result<Bytecode, Self::Error> {
                (**self).code(hash)
            }

            fn block_hash(&self, number: u64) -> Result<B256, Self::Error> {
                (**self).block_hash(number)
            }
        }
    )*};
}

forward_reader!(&S, Arc<S>);

/// Prepares code for execution: finds its jump destinations, or the target of an EIP-7702
/// delegation. Linear in its length.
pub fn analysed(code: Bytes) -> Bytecode {
    // Bytes that begin like a delegation but are not one cannot be deployed; as genesis code they
    // are plain code.
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

/// A reader's error in the form that revm carries.
#[derive(Debug)]
pub(crate) struct ReadError<E>(pub(crate) E);

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: core::error::Error> core::error::Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source()
    }
}

impl<E: core::error::Error + Send + Sync + 'static> DBErrorMarker for ReadError<E> {}

/// A reader as revm's database, with the fees that its accounts have not been credited with yet.
#[derive(Debug)]
pub(crate) struct StateDb<'a, S: ?Sized> {
    pub(crate) reader: &'a S,
    /// `None` where each fee is credited at once: a tracer shows what each transaction changed.
    pub(crate) owed: Option<Owed>,
}

impl<'a, S: ?Sized> StateDb<'a, S> {
    pub(crate) const fn new(reader: &'a S) -> Self {
        Self { reader, owed: None }
    }
}

impl<S: StateReader + ?Sized> DatabaseRef for StateDb<'_, S> {
    type Error = ReadError<S::Error>;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        let account = self.reader.account(&address).map_err(ReadError)?;
        Ok(account.map(|account| AccountInfo {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
            code: (!account.has_code()).then(Bytecode::default),
            account_id: None,
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        if code_hash == revm::primitives::KECCAK_EMPTY {
            return Ok(Bytecode::default());
        }
        self.reader.code(&code_hash).map_err(ReadError)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        self.reader.storage(&address, &slot).map_err(ReadError)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        self.reader.block_hash(number).map_err(ReadError)
    }
}

impl<S: StateReader + ?Sized> Database for StateDb<'_, S> {
    type Error = ReadError<S::Error>;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        let mut account = self.basic_ref(address)?;
        if let Some(owed) = self.owed.as_mut().and_then(|owed| owed.take(&address)) {
            let account = account.get_or_insert_default();
            account.balance = account.balance.saturating_add(owed);
        }
        Ok(account)
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        self.code_by_hash_ref(code_hash)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        self.storage_ref(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Self::Error> {
        self.block_hash_ref(number)
    }
}
