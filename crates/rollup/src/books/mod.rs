//! The books: for each batch on L1, what its blocks collected on L2 and what posting it cost.
//!
//! Everything follows from L1 and the blocks, so that any node keeps the same books, whoever
//! posted the batches. They are kept beside the chain, in a ring of the newest batches, each entry
//! with the totals up to it, and in a ring of the L1 blocks that may still be reorganised, so that
//! the totals go back with L1 however many batches those blocks had.

mod meters;
mod ring;

pub(crate) use ring::Books;
pub use ring::{BooksError, newest};

use alloy::{
    consensus::Transaction as _,
    primitives::{B256, U256},
    rpc::types::TransactionReceipt,
};
use mezz_chain::BlockRecord;
use mezz_derivation::L1Ref;
use mezz_primitives::fee::BatchSizer;
use serde::{Deserialize, Serialize};

/// What carried a batch to L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// The blobs of its transaction.
    Blobs,
    /// The calldata of its transaction.
    Calldata,
}

/// What the transaction of a batch cost on L1, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    /// For gas.
    pub gas: U256,
    /// For blob gas.
    pub blob_gas: U256,
}

impl Spent {
    /// What a receipt says.
    pub fn of(receipt: &TransactionReceipt) -> Self {
        let product = |gas: u64, price: u128| U256::from(gas).saturating_mul(U256::from(price));
        Self {
            gas: product(receipt.gas_used, receipt.effective_gas_price),
            blob_gas: product(
                receipt.blob_gas_used.unwrap_or_default(),
                receipt.blob_gas_price.unwrap_or_default(),
            ),
        }
    }

    /// Both together, wei.
    pub const fn total(&self) -> U256 {
        self.gas.saturating_add(self.blob_gas)
    }

    fn add(&mut self, other: &Self) {
        self.gas = self.gas.saturating_add(other.gas);
        self.blob_gas = self.blob_gas.saturating_add(other.blob_gas);
    }
}

/// What users paid on L2, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// Base fees.
    pub base: U256,
    /// Priority fees.
    pub priority: U256,
    /// L1 data fees.
    pub l1_data: U256,
}

impl Collected {
    /// All together, wei.
    pub const fn total(&self) -> U256 {
        self.base.saturating_add(self.priority).saturating_add(self.l1_data)
    }

    fn add(&mut self, other: &Self) {
        self.base = self.base.saturating_add(other.base);
        self.priority = self.priority.saturating_add(other.priority);
        self.l1_data = self.l1_data.saturating_add(other.l1_data);
    }
}

/// A batch as L1 has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its transaction.
    pub transaction: B256,
    /// What carried it.
    pub carrier: Carrier,
    /// Bytes of the batch; of what was posted, if that is no batch.
    pub bytes: u64,
    /// What it cost; `None` if L1 did not say.
    pub spent: Option<Spent>,
}

/// What the blocks of a batch had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Blocks that count.
    pub blocks: u64,
    /// Sequenced transactions in them.
    pub transactions: u64,
    /// What they paid, wei.
    pub collected: Collected,
}

impl Contents {
    /// Adds a block.
    pub fn add_block(&mut self, block: &BlockRecord) {
        self.blocks = self.blocks.saturating_add(1);
        let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
        let prices = crate::driver::attributes(block).map(|attributes| attributes.fee_params());
        let mut sizer = BatchSizer::default();
        let mut before = 0;
        for (tx, receipt) in block.transactions.iter().zip(&block.receipts) {
            let gas = receipt.cumulative_gas_used.saturating_sub(before);
            before = receipt.cumulative_gas_used;
            if tx.tx.is_deposit() {
                continue;
            }
            let paid = |price: u128| U256::from(gas).saturating_mul(U256::from(price));
            let tip = tx.tx.effective_tip_per_gas(base_fee).unwrap_or_default();
            self.transactions = self.transactions.saturating_add(1);
            self.collected.add(&Collected {
                base: paid(base_fee.into()),
                priority: paid(tip),
                l1_data: prices
                    .map_or(U256::ZERO, |prices| prices.l1_fee(tx.batch_size(&mut sizer))),
            });
        }
    }
}

/// The sums over all batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Batches on L1, those in vain included.
    pub batches: u64,
    /// Those of which no block counts.
    pub in_vain: u64,
    /// Those in calldata; the others are in blobs.
    pub in_calldata: u64,
    /// Those whose cost L1 did not say; [`Self::spent`] is without them.
    pub unpriced: u64,
    /// Bytes of the batches.
    pub bytes: u64,
    /// What their blocks had.
    #[serde(flatten)]
    pub contents: Contents,
    /// What they cost on L1, wei.
    pub spent: Spent,
}

impl Totals {
    /// The totals with one batch more.
    #[must_use]
    pub fn with(mut self, posting: &Posting, contents: &Contents) -> Self {
        self.batches += 1;
        self.in_vain += u64::from(contents.blocks == 0);
        self.in_calldata += u64::from(posting.carrier == Carrier::Calldata);
        self.unpriced += u64::from(posting.spent.is_none());
        self.bytes = self.bytes.saturating_add(posting.bytes);
        self.contents.blocks = self.contents.blocks.saturating_add(contents.blocks);
        self.contents.transactions =
            self.contents.transactions.saturating_add(contents.transactions);
        self.contents.collected.add(&contents.collected);
        self.spent.add(&posting.spent.unwrap_or_default());
        self
    }
}

/// A batch in the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its place among all batches, from 0.
    pub index: u64,
    /// The L1 block that has it.
    pub l1: L1Ref,
    /// Its L1 transaction.
    pub transaction: B256,
    /// What carried it.
    pub carrier: Carrier,
    /// Its bytes.
    pub bytes: u64,
    /// Number of its last block that counts; of the safe head, if none does.
    pub last_block: u64,
    /// What its blocks had.
    #[serde(flatten)]
    pub contents: Contents,
    /// What it cost on L1, wei; `null` if L1 did not say.
    pub spent: Option<Spent>,
    /// The sums up to it, itself included.
    pub totals: Totals,
}

/// Answer of `mezz_batches`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BooksReport {
    /// The sums over all batches.
    pub totals: Totals,
    /// The newest batches, the newest first.
    pub newest: Vec<Entry>,
}
