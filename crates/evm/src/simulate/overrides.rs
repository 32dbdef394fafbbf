//! What a simulated call may find different from the chain.

use crate::{
    context::BlockContext, overlay::StateOverlay, precompiles::is_precompile, state::StateReader,
};
use alloc::collections::BTreeMap;
use mezz_primitives::{Address, B256, Bytes, U256};

/// An account that is different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountOverride {
    /// Wei.
    pub balance: Option<U256>,
    /// Nonce.
    pub nonce: Option<u64>,
    /// Code.
    pub code: Option<Bytes>,
    /// The whole storage: every other slot is zero.
    pub state: Option<BTreeMap<B256, B256>>,
    /// Slots that are different; the others stay. Counts after `state`.
    pub state_diff: BTreeMap<B256, B256>,
    /// Where the precompiled contract of this address is to be instead.
    pub move_precompile_to: Option<Address>,
}

/// Accounts that are different.
pub type StateOverride = BTreeMap<Address, AccountOverride>;

/// Block fields that are different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockOverride {
    /// Height.
    pub number: Option<u64>,
    /// Unix seconds.
    pub timestamp: Option<u64>,
    /// Gas limit of the block.
    pub gas_limit: Option<u64>,
    /// Who gets the priority fees.
    pub beneficiary: Option<Address>,
    /// What `PREVRANDAO` yields.
    pub prev_randao: Option<B256>,
    /// Root of the parent beacon block (EIP-4788).
    pub beacon_root: Option<B256>,
    /// Wei for a gas.
    pub base_fee: Option<u64>,
    /// Wei for a blob gas.
    pub blob_base_fee: Option<u128>,
    /// What `BLOCKHASH` yields, by height.
    pub block_hashes: BTreeMap<u64, B256>,
}

/// All that is different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// In the state.
    pub state: StateOverride,
    /// In the block.
    pub block: BlockOverride,
}

impl Overrides {
    /// Lays the overrides over a block and its state.
    pub fn apply<S: StateReader>(
        &self,
        mut block: BlockContext,
        state: S,
    ) -> Result<(BlockContext, StateOverlay<S>), S::Error> {
        let mut overlay = StateOverlay::new(state);
        self.apply_to(&mut block, &mut overlay)?;
        Ok((block, overlay))
    }

    /// As [`Self::apply`], on an overlay that there is already.
    pub fn apply_to<S: StateReader>(
        &self,
        block: &mut BlockContext,
        overlay: &mut StateOverlay<S>,
    ) -> Result<(), S::Error> {
        self.block.apply(block);
        for (number, hash) in &self.block.block_hashes {
            overlay.set_block_hash(*number, *hash);
        }
        for (address, account) in &self.state {
            account.apply(*address, overlay)?;
            if let Some(to) = account.move_precompile_to {
                block.precompiles.relocate(*address, to);
            } else if account.code.is_some() && is_precompile(address) {
                block.precompiles.remove(*address);
            }
        }
        Ok(())
    }
}

impl AccountOverride {
    fn apply<S: StateReader>(
        &self,
        address: Address,
        overlay: &mut StateOverlay<S>,
    ) -> Result<(), S::Error> {
        if let Some(code) = &self.code {
            overlay.set_code(address, code.clone())?;
        }
        if self.balance.is_some() || self.nonce.is_some() {
            overlay.update_account(address, |account| {
                account.balance = self.balance.unwrap_or(account.balance);
                account.nonce = self.nonce.unwrap_or(account.nonce);
            })?;
        }
        if let Some(storage) = &self.state {
            overlay.clear_storage(address);
            set_slots(overlay, address, storage);
        }
        set_slots(overlay, address, &self.state_diff);
        Ok(())
    }
}

fn set_slots<S: StateReader>(
    overlay: &mut StateOverlay<S>,
    address: Address,
    slots: &BTreeMap<B256, B256>,
) {
    for (slot, value) in slots {
        overlay.set_storage(address, (*slot).into(), (*value).into());
    }
}

impl BlockOverride {
    fn apply(&self, block: &mut BlockContext) {
        let attributes = &mut block.attributes;
        attributes.timestamp = self.timestamp.unwrap_or(attributes.timestamp);
        attributes.gas_limit = self.gas_limit.unwrap_or(attributes.gas_limit);
        attributes.beneficiary = self.beneficiary.unwrap_or(attributes.beneficiary);
        attributes.prev_randao = self.prev_randao.unwrap_or(attributes.prev_randao);
        attributes.parent_beacon_block_root =
            self.beacon_root.unwrap_or(attributes.parent_beacon_block_root);
        block.number = self.number.unwrap_or(block.number);
        block.base_fee = self.base_fee.unwrap_or(block.base_fee);
        block.blob_base_fee = self.blob_base_fee.unwrap_or(block.blob_base_fee);
    }
}
