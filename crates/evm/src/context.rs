//! What a block's transactions see of the block: the header fields that precede execution.

use crate::{
    precompiles::PrecompileMoves,
    spec::{ChainSpec, Layer},
};
use mezz_primitives::{Address, B256, Bytes, Header, U256};
use revm::{
    context::{BlockEnv, CfgEnv},
    context_interface::block::BlobExcessGasAndPrice,
    primitives::hardfork::SpecId,
};

/// What the maker of a block chooses. Everything else follows from the parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockAttributes {
    /// Unix seconds.
    pub timestamp: u64,
    /// Who gets the priority fees. On L2 the SequencerFeeVault.
    pub beneficiary: Address,
    /// Gas that the block's transactions may use together.
    pub gas_limit: u64,
    /// What `PREVRANDAO` yields.
    pub prev_randao: B256,
    /// Root of the parent beacon block (EIP-4788). On L2 that of the L1 origin.
    pub parent_beacon_block_root: B256,
    /// Free bytes, at most 32 on Ethereum.
    pub extra_data: Bytes,
}

impl BlockAttributes {
    /// The choices that led to `header`.
    pub fn of_header(header: &Header) -> Self {
        Self {
            timestamp: header.timestamp,
            beneficiary: header.beneficiary,
            gas_limit: header.gas_limit,
            prev_randao: header.mix_hash,
            parent_beacon_block_root: header.parent_beacon_block_root.unwrap_or_default(),
            extra_data: header.extra_data.clone(),
        }
    }
}

/// The header of a block before its transactions have run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Height.
    pub number: u64,
    /// Wei for a gas.
    pub base_fee: u64,
    /// EIP-4844; zero on L2.
    pub excess_blob_gas: u64,
    /// Wei for a blob gas; 1 on L2.
    pub blob_base_fee: u128,
    /// The rest.
    pub attributes: BlockAttributes,
    /// Whether an account with code may send transactions, against EIP-3607: for a development
    /// chain whose accounts can be impersonated. Nothing but the maker of the block sets it, and
    /// it has no effect on L2, where whoever derives the chain would refuse the block.
    pub allow_contract_senders: bool,
    /// Precompiled contracts that are not in their places. Only simulated calls ask for that.
    pub precompiles: PrecompileMoves,
}

impl BlockContext {
    /// The block after `parent`.
    pub fn next(spec: &ChainSpec, parent: &Header, attributes: BlockAttributes) -> Self {
        let excess_blob_gas = spec.next_excess_blob_gas(parent);
        Self {
            parent_hash: parent.hash_slow(),
            number: parent.number.saturating_add(1),
            base_fee: spec.next_base_fee(parent),
            excess_blob_gas,
            blob_base_fee: spec.blob_base_fee(excess_blob_gas),
            attributes,
            allow_contract_senders: false,
            precompiles: PrecompileMoves::default(),
        }
    }

    /// The block that has `header`: to run a call in it, or its transactions once more.
    pub fn of_header(spec: &ChainSpec, header: &Header) -> Self {
        let excess_blob_gas = header.excess_blob_gas.unwrap_or_default();
        Self {
            parent_hash: header.parent_hash,
            number: header.number,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            excess_blob_gas,
            blob_base_fee: spec.blob_base_fee(excess_blob_gas),
            attributes: BlockAttributes::of_header(header),
            allow_contract_senders: false,
            precompiles: PrecompileMoves::default(),
        }
    }

    pub(crate) fn block_env(&self) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.attributes.beneficiary,
            timestamp: U256::from(self.attributes.timestamp),
            gas_limit: self.attributes.gas_limit,
            basefee: self.base_fee,
            difficulty: U256::ZERO,
            prevrandao: Some(self.attributes.prev_randao),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
                excess_blob_gas: self.excess_blob_gas,
                blob_gasprice: self.blob_base_fee,
            }),
            slot_num: 0,
        }
    }
}

pub(crate) fn cfg_env(spec: &ChainSpec, block: &BlockContext) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(SpecId::OSAKA).with_chain_id(spec.chain_id);
    if spec.layer == Layer::L1 {
        cfg.set_max_blobs_per_tx(spec.blobs.max_blobs_per_tx);
        cfg.disable_eip3607 = block.allow_contract_senders;
    }
    cfg
}
