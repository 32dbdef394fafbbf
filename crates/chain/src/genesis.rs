//! The first block.

use crate::{block::BlockRecord, error::OpenError};
use alloy_consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use mezz_evm::{ChainSpec, Layer};
use mezz_primitives::{
    Account, AccountDiff, Address, B256, Bytes, Code, Header, Sealable, SlotDiff, StateDiff, U256,
    addresses, keccak256,
};
use mezz_trie::StateTrie;
use std::collections::BTreeMap;

/// An account of the first state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenesisAccount {
    /// Nonce.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// Code; empty for none.
    pub code: Bytes,
    /// Slots; a zero value is as good as no entry.
    pub storage: BTreeMap<U256, U256>,
}

/// The first block: the free fields of its header, and its state. Everything else follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Genesis {
    /// Unix seconds.
    pub timestamp: u64,
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Wei for a gas.
    pub base_fee: u64,
    /// Excess blob gas (EIP-4844), of an L1.
    pub excess_blob_gas: u64,
    /// Coinbase.
    pub beneficiary: Address,
    /// The header's mix hash.
    pub prev_randao: B256,
    /// At most 32 bytes are meant; not checked, since a genesis is trusted.
    pub extra_data: Bytes,
    /// The accounts.
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

impl Genesis {
    /// The difference from nothing to the first state.
    pub(crate) fn diff(&self) -> Result<StateDiff, OpenError> {
        let mut codes = BTreeMap::new();
        let mut accounts = Vec::with_capacity(self.alloc.len());
        for (address, alloc) in &self.alloc {
            let code_hash = keccak256(&alloc.code);
            if !alloc.code.is_empty() {
                codes.insert(code_hash, alloc.code.clone());
            }
            let account = Account { nonce: alloc.nonce, balance: alloc.balance, code_hash };
            let storage: Vec<_> = alloc
                .storage
                .iter()
                .filter(|(_, value)| !value.is_zero())
                .map(|(slot, value)| SlotDiff { slot: *slot, before: U256::ZERO, after: *value })
                .collect();
            if account.is_empty() {
                if !storage.is_empty() {
                    return Err(OpenError::EmptyGenesisAccount(*address));
                }
                continue;
            }
            accounts.push(AccountDiff {
                address: *address,
                before: None,
                after: Some(account),
                storage,
            });
        }
        let codes = codes.into_iter().map(|(hash, bytes)| Code { hash, bytes }).collect();
        Ok(StateDiff { accounts, codes })
    }

    /// The block, the difference from nothing to its state, and the trie of its state.
    pub(crate) fn block(
        &self,
        spec: &ChainSpec,
    ) -> Result<(BlockRecord, StateDiff, StateTrie), OpenError> {
        let diff = self.diff()?;
        let mut trie = StateTrie::new();
        trie.apply(&diff);
        let header = Header {
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: self.beneficiary,
            state_root: trie.root(),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            gas_limit: self.gas_limit,
            timestamp: self.timestamp,
            extra_data: self.extra_data.clone(),
            mix_hash: self.prev_randao,
            base_fee_per_gas: Some(self.base_fee),
            withdrawals_root: Some(withdrawals_root(spec, &trie)),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(self.excess_blob_gas),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: Some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        };
        Ok((BlockRecord::new(header.seal_slow(), Vec::new(), Vec::new()), diff, trie))
    }
}

/// The withdrawals root of a header: of the empty list on L1, where no block has withdrawals; on L2 the storage root of
/// the L2ToL1MessagePasser (OP Stack, Isthmus).
pub(crate) fn withdrawals_root(spec: &ChainSpec, trie: &StateTrie) -> B256 {
    match spec.layer {
        Layer::L1 => EMPTY_ROOT_HASH,
        Layer::L2 => trie.storage_root(&addresses::L2_TO_L1_MESSAGE_PASSER),
    }
}
