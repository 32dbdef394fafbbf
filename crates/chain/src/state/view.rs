//! The state after one block, as others read it.

use super::{Codes, Flat, StateFork};
use crate::{
    block::{BlockRecord, BlockRef},
    error::StateError,
    store::{Blocks, DirLock},
};
use mezz_evm::{Bytecode, StateReader};
use mezz_primitives::{Account, Address, B256, Bytes, Header, Sealed, U256};
use mezz_trie::StateTrie;
use parking_lot::RwLock;
use std::{fmt, sync::Arc};

/// What all views of a chain read from.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) flat: RwLock<Flat>,
    pub(crate) codes: Codes,
    pub(crate) blocks: Blocks,
    /// Let go of when the last view is: until then the files are open.
    pub(crate) _lock: Option<DirLock>,
}

/// The state after one block. It stays as it is while the chain goes on or is unwound.
///
/// Reads are answered from flat maps while the block is the head, and from its trie after that.
#[derive(Clone)]
pub struct StateView {
    shared: Arc<Shared>,
    record: Arc<BlockRecord>,
    trie: StateTrie,
}

impl fmt::Debug for StateView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateView").field("block", &self.block()).finish_non_exhaustive()
    }
}

impl StateView {
    pub(crate) const fn new(
        shared: Arc<Shared>,
        record: Arc<BlockRecord>,
        trie: StateTrie,
    ) -> Self {
        Self { shared, record, trie }
    }

    /// The block.
    pub fn block(&self) -> BlockRef {
        self.record.block_ref()
    }

    /// The block's header.
    pub fn header(&self) -> &Sealed<Header> {
        &self.record.header
    }

    /// How many transactions the block has.
    pub(crate) fn transaction_count(&self) -> usize {
        self.record.transactions.len()
    }

    /// The state root.
    pub fn state_root(&self) -> B256 {
        self.record.header.state_root
    }

    /// The root of an account's storage; that of the empty trie if there is none.
    pub fn storage_root(&self, address: &Address) -> B256 {
        self.trie.storage_root(address)
    }

    /// `accountProof` of `eth_getProof`: RLP of the nodes from the root down.
    pub fn account_proof(&self, address: &Address) -> Vec<Bytes> {
        self.trie.account_proof(address)
    }

    /// `storageProof` of `eth_getProof` for one slot: RLP of the nodes from the storage root down. Empty if the account
    /// has no storage.
    pub fn storage_proof(&self, address: &Address, slot: &U256) -> Vec<Bytes> {
        self.trie.storage_proof(address, slot)
    }

    /// The code of an account; empty if it has none.
    pub fn account_code(&self, address: &Address) -> Result<Bytes, StateError> {
        match self.account(address)? {
            Some(account) if account.has_code() => {
                Ok(self.code(&account.code_hash)?.original_bytes())
            }
            _ => Ok(Bytes::new()),
        }
    }

    /// The trie of this state, to lay changes over.
    pub fn fork(&self) -> StateFork {
        StateFork::new(self.trie.clone())
    }

    pub(crate) const fn record(&self) -> &Arc<BlockRecord> {
        &self.record
    }

    pub(crate) const fn trie(&self) -> &StateTrie {
        &self.trie
    }
}

impl StateReader for StateView {
    type Error = StateError;

    fn account(&self, address: &Address) -> Result<Option<Account>, StateError> {
        let flat = self.shared.flat.read();
        if flat.hash == self.record.header.seal() {
            return Ok(flat.account(address));
        }
        drop(flat);
        Ok(self.trie.account(address))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        let flat = self.shared.flat.read();
        if flat.hash == self.record.header.seal() {
            return Ok(flat.storage(address, slot));
        }
        drop(flat);
        Ok(self.trie.storage(address, slot))
    }

    fn code(&self, hash: &B256) -> Result<Bytecode, StateError> {
        self.shared.codes.get(hash).ok_or(StateError::MissingCode { hash: *hash })
    }

    fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        if number == self.record.header.number {
            return Ok(self.record.header.seal());
        }
        if number > self.record.header.number {
            return Ok(B256::ZERO);
        }
        if number + 1 == self.record.header.number {
            return Ok(self.record.header.parent_hash);
        }
        Ok(self.shared.blocks.hash_of(number)?.unwrap_or_default())
    }
}
