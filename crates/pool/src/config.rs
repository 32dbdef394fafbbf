//! Limits of the pool.

use std::time::Duration;

/// What the pool accepts and how much of it.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Chain id that a transaction must be signed for; a legacy one without replay protection
    /// passes.
    pub chain_id: u64,
    /// Slots of 32 KiB in all. A transaction takes one slot for each 32 KiB begun.
    pub max_slots: usize,
    /// Bytes in all, blobs included.
    pub max_bytes: usize,
    /// Queued transactions in all.
    pub max_queued: usize,
    /// Transactions of one sender, and the largest distance from its account's nonce.
    pub max_sender_txs: usize,
    /// Queued transactions of one sender.
    pub max_sender_queued: usize,
    /// Transactions of a sender that has code (EIP-7702): its code can make all of them
    /// unpayable at no cost, so it gets few.
    pub max_delegated_txs: usize,
    /// Bytes of one transaction without its blobs.
    pub max_tx_bytes: usize,
    /// How long the queued transactions of a sender stay without one being promoted or added.
    pub queued_lifetime: Duration,
    /// By how many percent a replacement raises both fee caps.
    pub price_bump: u128,
    /// The same if the old or the new transaction carries blobs; the blob fee cap counts too.
    pub blob_price_bump: u128,
    /// Least priority fee, wei per gas.
    pub min_tip: u128,
    /// Least fee cap, wei per gas.
    pub min_fee_cap: u128,
    /// Most gas of one transaction (EIP-7825).
    pub tx_gas_cap: Option<u64>,
    /// Most blobs of one transaction (EIP-7594); none: blob transactions are not taken.
    pub max_blobs_per_tx: Option<usize>,
    /// Gas limit of the block being built, until the first [`crate::Pool::on_block`].
    pub block_gas_limit: u64,
    /// Base fee of the block being built, wei per gas, until the first
    /// [`crate::Pool::on_block`].
    pub base_fee: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            chain_id: 1,
            max_slots: 262_144,
            max_bytes: 512 << 20,
            max_queued: 32_768,
            max_sender_txs: 16_384,
            max_sender_queued: 1_024,
            max_delegated_txs: 1,
            max_tx_bytes: 128 << 10,
            queued_lifetime: Duration::from_secs(3 * 3600),
            price_bump: 10,
            blob_price_bump: 100,
            min_tip: 0,
            min_fee_cap: 0,
            tx_gas_cap: Some(alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA),
            max_blobs_per_tx: None,
            block_gas_limit: 60_000_000,
            base_fee: 0,
        }
    }
}
