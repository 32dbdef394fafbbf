//! The L2 node as the batcher and the proposer see it: over JSON-RPC, whether it runs in the same
//! process or elsewhere.

use crate::rpc::types::{HexNumber, OutputAtBlock, SyncStatus};
use alloy::{
    primitives::{Address, B256, Bytes, U64},
    rlp::Decodable,
};
use mezz_derivation::RollupConfig;
use mezz_l1::{L1Client, L1ClientConfig, L1Error};
use mezz_primitives::{Transaction, block::Block, l1_info::L1Attributes};

/// A client of one L2 node.
#[derive(Clone, Debug)]
pub struct L2Client {
    rpc: L1Client,
}

/// Why the L2 node's answer could not be used.
#[derive(Debug, thiserror::Error)]
pub enum L2Error {
    /// The request failed.
    #[error("L2 node: {0}")]
    Rpc(#[from] L1Error),
    /// The answer makes no sense.
    #[error("the L2 node at {url} answered {what}")]
    Malformed {
        /// Which node.
        url: String,
        /// What is wrong with the answer.
        what: String,
    },
}

/// An L2 block as far as a batch needs it.
#[derive(Clone, Debug)]
pub struct SourceBlock {
    /// Height.
    pub number: u64,
    /// Block hash.
    pub hash: B256,
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Seconds since the epoch.
    pub timestamp: u64,
    /// Its L1 attributes.
    pub l1: L1Attributes,
    /// EIP-2718 bytes of the sequenced transactions.
    pub transactions: Vec<Bytes>,
}

impl L2Client {
    /// A client of the node at `url`.
    ///
    /// # Errors
    /// The URL is not one.
    pub fn new(url: &str) -> Result<Self, L2Error> {
        let config = L1ClientConfig { node: "l2", ..L1ClientConfig::default() };
        Ok(Self { rpc: L1Client::with_config(url, config)? })
    }

    /// The client underneath.
    pub(crate) const fn rpc(&self) -> &L1Client {
        &self.rpc
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        self.rpc.url()
    }

    fn malformed(&self, what: impl Into<String>) -> L2Error {
        L2Error::Malformed { url: self.url().to_owned(), what: what.into() }
    }

    /// `optimism_syncStatus`.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn sync_status(&self) -> Result<SyncStatus, L2Error> {
        Ok(self.rpc.request("optimism_syncStatus", ()).await?)
    }

    /// `optimism_outputAtBlock`.
    ///
    /// # Errors
    /// The node does not answer, or does not have the block's state.
    pub async fn output_at(&self, number: u64) -> Result<OutputAtBlock, L2Error> {
        Ok(self.rpc.request("optimism_outputAtBlock", (HexNumber::from(number),)).await?)
    }

    /// `mezz_rollupConfig`.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn rollup_config(&self) -> Result<RollupConfig, L2Error> {
        Ok(self.rpc.request("mezz_rollupConfig", ()).await?)
    }

    /// The block at `number`, checked to hash to what its header says.
    ///
    /// # Errors
    /// The node does not answer, has no such block, or what it answers is not an L2 block.
    pub async fn block(&self, number: u64) -> Result<SourceBlock, L2Error> {
        let raw: Bytes = self.rpc.request("debug_getRawBlock", (U64::from(number),)).await?;
        let block = Block::decode(&mut raw.as_ref()).map_err(|error| {
            self.malformed(format!("a block {number} that does not decode: {error}"))
        })?;
        if block.header.number != number {
            return Err(self.malformed(format!("block {} for block {number}", block.header.number)));
        }
        let l1 = block
            .body
            .transactions
            .first()
            .and_then(Transaction::as_deposit)
            .and_then(L1Attributes::from_transaction)
            .ok_or_else(|| self.malformed(format!("block {number} without L1 attributes")))?;
        let transactions = block
            .body
            .transactions
            .iter()
            .filter(|tx| !tx.is_deposit())
            .map(|tx| tx.encoded().into())
            .collect();
        Ok(SourceBlock {
            number,
            hash: block.header.hash_slow(),
            parent_hash: block.header.parent_hash,
            timestamp: block.header.timestamp,
            l1,
            transactions,
        })
    }

    /// The chain id.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn chain_id(&self) -> Result<u64, L2Error> {
        Ok(self.rpc.chain_id().await?)
    }

    /// Wei of `address` in the newest block.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn balance(&self, address: Address) -> Result<alloy::primitives::U256, L2Error> {
        Ok(self.rpc.balance(address, alloy::eips::BlockId::latest()).await?)
    }
}
