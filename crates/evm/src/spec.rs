//! The rules of a chain that are parameters.

use alloy_consensus::BlockHeader;
use alloy_eips::{
    eip1559::{self, calc_next_block_base_fee},
    eip7840::BlobParams,
};
use mezz_primitives::Header;

/// Which layer's rules a chain follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Ethereum: base fees and blob fees are burnt, type 3 is accepted, deposits are not.
    L1,
    /// OP Stack: deposits are accepted, type 3 is not, fees go to the vaults, and a signed
    /// transaction pays for its place in a batch.
    L2,
}

/// How the base fee follows demand (EIP-1559).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseFeeParams {
    /// Gas limit of a block over its gas target. Ethereum: 2.
    pub elasticity: u64,
    /// The base fee changes by at most one part in this. Ethereum: 8.
    pub denominator: u64,
    /// The base fee never falls below, wei for a gas. Ethereum: 0.
    pub minimum: u64,
}

/// The parameters of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainSpec {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The layer.
    pub layer: Layer,
    /// Rule of the base fee.
    pub base_fee: BaseFeeParams,
    /// Gas limit of a block, unless its attributes say otherwise.
    pub gas_limit: u64,
    /// Blob schedule (EIP-7840); not used on L2.
    pub blobs: BlobParams,
}

impl ChainSpec {
    /// An L1 as Ethereum since the second change of blob parameters after Osaka (EIP-7892): blob
    /// target 14, maximum 21, at most 6 in a transaction.
    pub const fn l1(chain_id: u64) -> Self {
        Self {
            chain_id,
            layer: Layer::L1,
            base_fee: BaseFeeParams { elasticity: 2, denominator: 8, minimum: 0 },
            gas_limit: 60_000_000,
            blobs: BlobParams::bpo2(),
        }
    }

    /// An L2 with the base fee rule of OP Mainnet since Canyon, and a floor of 1,000,000 wei, so
    /// that an idle chain's fee stays payable and rises from somewhere.
    pub const fn l2(chain_id: u64) -> Self {
        Self {
            chain_id,
            layer: Layer::L2,
            base_fee: BaseFeeParams { elasticity: 6, denominator: 250, minimum: 1_000_000 },
            gas_limit: 60_000_000,
            blobs: BlobParams::osaka(),
        }
    }

    /// Whether it is an L2.
    pub const fn is_l2(&self) -> bool {
        matches!(self.layer, Layer::L2)
    }

    /// Base fee of the block after `parent`, wei for a gas.
    pub fn next_base_fee(&self, parent: &Header) -> u64 {
        let params = eip1559::BaseFeeParams::new(
            u128::from(self.base_fee.denominator),
            u128::from(self.base_fee.elasticity),
        );
        // No rise can carry the fee over half of its range: a gas at 2^63 wei is unpayable.
        let current = parent.base_fee_per_gas.unwrap_or_default().min(u64::MAX / 2);
        calc_next_block_base_fee(
            parent.gas_used.min(parent.gas_limit),
            parent.gas_limit,
            current,
            params,
        )
        .max(self.base_fee.minimum)
    }

    /// Excess blob gas of the block after `parent` (EIP-4844, EIP-7918); zero on L2.
    pub fn next_excess_blob_gas(&self, parent: &Header) -> u64 {
        match self.layer {
            Layer::L1 => self.blobs.next_block_excess_blob_gas_osaka(
                parent.excess_blob_gas.unwrap_or_default(),
                parent.blob_gas_used.unwrap_or_default(),
                parent.base_fee_per_gas().unwrap_or_default(),
            ),
            Layer::L2 => 0,
        }
    }

    /// Blob base fee at an excess, wei for a blob gas; 1 on L2.
    pub fn blob_base_fee(&self, excess_blob_gas: u64) -> u128 {
        match self.layer {
            Layer::L1 => self.blobs.calc_blob_fee(excess_blob_gas),
            Layer::L2 => 1,
        }
    }

    /// Blob base fee of the block after `parent`, wei for a blob gas.
    pub fn next_blob_base_fee(&self, parent: &Header) -> u128 {
        self.blob_base_fee(self.next_excess_blob_gas(parent))
    }
}
