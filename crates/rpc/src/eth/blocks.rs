//! Blocks.

use crate::{
    Args, Failure,
    context::Context,
    json::{BlockView, RpcBlock, RpcHeader, RpcReceipt, RpcTransaction, Transactions},
    methods::Table,
};
use alloy_consensus::Transaction as _;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::U64;
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::BlockRecord;
use mezz_pool::PooledTransaction;
use mezz_primitives::{B256, Header};
use serde::{Serialize, Serializer};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getBlockByNumber", by_number)?;
    table.read("eth_getBlockByHash", by_hash)?;
    table.read("eth_getBlockTransactionCountByNumber", count_by_number)?;
    table.read("eth_getBlockTransactionCountByHash", count_by_hash)?;
    table.read("eth_getUncleCountByBlockNumber", uncles_by_number)?;
    table.read("eth_getUncleCountByBlockHash", uncles_by_hash)?;
    table.quick("eth_getUncleByBlockNumberAndIndex", no_uncle)?;
    table.quick("eth_getUncleByBlockHashAndIndex", no_uncle)?;
    table.read("eth_getBlockReceipts", receipts)?;
    table.read("eth_getHeaderByNumber", header_by_number)?;
    table.read("eth_getHeaderByHash", header_by_hash)
}

/// A block that exists, or the one that could come next.
enum Answer {
    Mined(BlockView),
    Pending(Box<PendingBlock>),
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Mined(block) => block.serialize(serializer),
            Self::Pending(block) => block.serialize(serializer),
        }
    }
}

fn by_number(context: &Context, mut args: Args<'_>) -> Result<Option<Answer>, Failure> {
    let tag: BlockNumberOrTag = args.required()?;
    let full = args.optional()?.unwrap_or_default();
    args.end()?;
    if tag.is_pending() {
        return Ok(Some(Answer::Pending(Box::new(PendingBlock::new(context, full)))));
    }
    let block = context.by_tag(tag)?;
    Ok(block.map(|block| Answer::Mined(BlockView { block, full })))
}

fn by_hash(context: &Context, mut args: Args<'_>) -> Result<Option<BlockView>, Failure> {
    let hash = args.required()?;
    let full = args.optional()?.unwrap_or_default();
    args.end()?;
    Ok(context.by_hash(hash)?.map(|block| BlockView { block, full }))
}

/// The next block as far as it is known: its transactions are those that the pool would give it,
/// and nothing has been executed.
pub(super) struct PendingBlock {
    header: Header,
    pub(super) transactions: Vec<Arc<PooledTransaction>>,
    full: bool,
}

impl PendingBlock {
    pub(super) fn new(context: &Context, full: bool) -> Self {
        let head = context.head();
        let parent = &head.header;
        let base_fee = context.next_base_fee(parent);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs());
        let header = Header {
            parent_hash: parent.seal(),
            number: parent.number + 1,
            timestamp: context
                .hooks
                .next_timestamp(parent.timestamp)
                .unwrap_or_else(|| parent.timestamp.max(now)),
            gas_limit: parent.gas_limit,
            base_fee_per_gas: Some(base_fee),
            beneficiary: parent.beneficiary,
            withdrawals_root: parent.withdrawals_root,
            blob_gas_used: Some(0),
            excess_blob_gas: Some(context.chain.spec().next_excess_blob_gas(parent)),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: parent.requests_hash,
            ..Header::default()
        };
        let mut gas = 0u64;
        let transactions = context.pool.best(base_fee).take_while(|tx| {
            gas = gas.saturating_add(tx.tx.tx.gas_limit());
            gas <= header.gas_limit
        });
        Self { transactions: transactions.collect(), header, full }
    }
}

impl Serialize for PendingBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let transactions = if self.full {
            let all = self.transactions.iter().map(|tx| RpcTransaction::pending(&tx.tx));
            Transactions::Full(all.collect())
        } else {
            Transactions::Hashes(self.transactions.iter().map(|tx| tx.hash).collect())
        };
        let block = RpcBlock {
            header: RpcHeader { hash: None, header: &self.header },
            size: U64::ZERO,
            uncles: [],
            transactions,
            withdrawals: self.header.withdrawals_root.map(|_| []),
        };
        block.serialize(serializer)
    }
}

fn count(block: Option<Arc<BlockRecord>>) -> Option<U64> {
    block.map(|block| U64::from(block.transactions.len()))
}

fn count_by_number(context: &Context, mut args: Args<'_>) -> Result<Option<U64>, Failure> {
    let tag: BlockNumberOrTag = args.required()?;
    args.end()?;
    if tag.is_pending() {
        return Ok(Some(U64::from(PendingBlock::new(context, false).transactions.len())));
    }
    Ok(count(context.by_tag(tag)?))
}

fn count_by_hash(context: &Context, mut args: Args<'_>) -> Result<Option<U64>, Failure> {
    let hash = args.required()?;
    args.end()?;
    Ok(count(context.by_hash(hash)?))
}

fn uncles_by_number(context: &Context, mut args: Args<'_>) -> Result<Option<U64>, Failure> {
    let tag = args.required()?;
    args.end()?;
    Ok(context.by_tag(tag)?.map(|_| U64::ZERO))
}

fn uncles_by_hash(context: &Context, mut args: Args<'_>) -> Result<Option<U64>, Failure> {
    let hash = args.required()?;
    args.end()?;
    Ok(context.by_hash(hash)?.map(|_| U64::ZERO))
}

/// There have been no uncles since the Merge.
fn no_uncle(_: &Context, _: Args<'_>) -> Result<(), Failure> {
    Ok(())
}

fn receipts(context: &Context, mut args: Args<'_>) -> Result<Option<Vec<RpcReceipt>>, Failure> {
    let id: BlockId = args.required()?;
    args.end()?;
    // What has not run has no receipts.
    if matches!(id, BlockId::Number(BlockNumberOrTag::Pending)) {
        return Ok(None);
    }
    let Some(block) = context.find(id)? else { return Ok(None) };
    let all = 0..block.transactions.len();
    Ok(Some(all.filter_map(|index| context.receipt(&block, index)).collect()))
}

enum HeaderView {
    Mined(Arc<BlockRecord>),
    Pending(Box<Header>),
}

impl Serialize for HeaderView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Mined(block) => RpcHeader::new(block).serialize(serializer),
            Self::Pending(header) => RpcHeader { hash: None, header }.serialize(serializer),
        }
    }
}

fn header_by_number(context: &Context, mut args: Args<'_>) -> Result<Option<HeaderView>, Failure> {
    let tag: BlockNumberOrTag = args.required()?;
    args.end()?;
    if tag.is_pending() {
        let header = PendingBlock::new(context, false).header;
        return Ok(Some(HeaderView::Pending(Box::new(header))));
    }
    Ok(context.by_tag(tag)?.map(HeaderView::Mined))
}

fn header_by_hash(context: &Context, mut args: Args<'_>) -> Result<Option<HeaderView>, Failure> {
    let hash: B256 = args.required()?;
    args.end()?;
    Ok(context.by_hash(hash)?.map(HeaderView::Mined))
}
