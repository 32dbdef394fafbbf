//! A block and a header.

use super::RpcTransaction;
use alloy_primitives::U64;
use mezz_chain::BlockRecord;
use mezz_primitives::{B256, Header};
use serde::Serialize;

/// A header, as `eth_subscribe("newHeads")` sends it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RpcHeader<'a> {
    /// `None` of a block that does not exist yet.
    pub(crate) hash: Option<B256>,
    #[serde(flatten)]
    pub(crate) header: &'a Header,
}

impl<'a> RpcHeader<'a> {
    pub(crate) fn new(block: &'a BlockRecord) -> Self {
        Self { hash: Some(block.header.seal()), header: &block.header }
    }
}

/// A block with its transactions or their hashes.
#[derive(Debug, Serialize)]
pub(crate) struct RpcBlock<'a> {
    #[serde(flatten)]
    pub(crate) header: RpcHeader<'a>,
    pub(crate) size: U64,
    pub(crate) uncles: [B256; 0],
    pub(crate) transactions: Transactions<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawals: Option<[(); 0]>,
}

/// The transactions of a block, as asked for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Transactions<'a> {
    Hashes(Vec<B256>),
    Full(Vec<RpcTransaction<'a>>),
}

impl<'a> RpcBlock<'a> {
    pub(crate) fn new(block: &'a BlockRecord, full: bool) -> Self {
        let transactions = if full {
            let all = 0..block.transactions.len();
            Transactions::Full(all.filter_map(|i| RpcTransaction::mined(block, i)).collect())
        } else {
            Transactions::Hashes(block.transactions.iter().map(|tx| tx.hash()).collect())
        };
        Self {
            header: RpcHeader::new(block),
            size: U64::from(block.size),
            uncles: [],
            transactions,
            withdrawals: block.header.withdrawals_root.map(|_| []),
        }
    }
}
