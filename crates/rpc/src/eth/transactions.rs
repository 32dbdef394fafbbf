//! Transactions and their receipts.

use super::blocks::PendingBlock;
use crate::{
    Args, Failure,
    context::Context,
    json::{RpcReceipt, TransactionView},
    methods::Table,
};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::U64;
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::BlockRecord;
use mezz_primitives::{B256, Bytes};
use std::sync::Arc;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getTransactionByHash", by_hash)?;
    table.read("eth_getTransactionByBlockNumberAndIndex", by_number_and_index)?;
    table.read("eth_getTransactionByBlockHashAndIndex", by_hash_and_index)?;
    table.read("eth_getRawTransactionByHash", raw_by_hash)?;
    table.read("eth_getRawTransactionByBlockNumberAndIndex", raw_by_number_and_index)?;
    table.read("eth_getRawTransactionByBlockHashAndIndex", raw_by_hash_and_index)?;
    table.read("eth_getTransactionReceipt", receipt)
}

impl Context {
    /// The block and index of a mined transaction.
    pub(crate) fn mined(&self, hash: B256) -> Result<Option<(Arc<BlockRecord>, usize)>, Failure> {
        self.chain.transaction(hash).map_err(Failure::internal)
    }

    /// The canonical bytes of a transaction, mined or pending.
    pub(crate) fn raw_transaction(&self, hash: B256) -> Result<Option<Bytes>, Failure> {
        if let Some((block, index)) = self.mined(hash)? {
            return Ok(raw(Some(block), index));
        }
        Ok(self.pool.get(&hash).map(|tx| tx.tx.tx.encoded().into()))
    }
}

fn by_hash(context: &Context, mut args: Args<'_>) -> Result<Option<TransactionView>, Failure> {
    let hash = args.required()?;
    args.end()?;
    // The pool first: a transaction that is mined between the two looks is found by the second.
    let pending = context.pool.get(&hash).map(TransactionView::Pending);
    let mined = context.mined(hash)?;
    Ok(mined.map(|(block, index)| TransactionView::Mined(block, index)).or(pending))
}

fn at(block: Option<Arc<BlockRecord>>, index: usize) -> Option<TransactionView> {
    let block = block.filter(|block| index < block.transactions.len())?;
    Some(TransactionView::Mined(block, index))
}

fn raw(block: Option<Arc<BlockRecord>>, index: usize) -> Option<Bytes> {
    Some(block?.transactions.get(index)?.tx.encoded().into())
}

/// An index that no block reaches is as good as any other of its kind.
fn index(args: &mut Args<'_>) -> Result<usize, Failure> {
    let index: U64 = args.required()?;
    Ok(usize::try_from(index).unwrap_or(usize::MAX))
}

fn by_number_and_index(
    context: &Context,
    mut args: Args<'_>,
) -> Result<Option<TransactionView>, Failure> {
    let tag: BlockNumberOrTag = args.required()?;
    let index = index(&mut args)?;
    args.end()?;
    if tag.is_pending() {
        let next = PendingBlock::new(context, true).transactions;
        return Ok(next.into_iter().nth(index).map(TransactionView::Pending));
    }
    Ok(at(context.by_tag(tag)?, index))
}

fn by_hash_and_index(
    context: &Context,
    mut args: Args<'_>,
) -> Result<Option<TransactionView>, Failure> {
    let hash = args.required()?;
    let index = index(&mut args)?;
    args.end()?;
    Ok(at(context.by_hash(hash)?, index))
}

fn raw_by_hash(context: &Context, mut args: Args<'_>) -> Result<Option<Bytes>, Failure> {
    let hash = args.required()?;
    args.end()?;
    context.raw_transaction(hash)
}

fn raw_by_number_and_index(
    context: &Context,
    mut args: Args<'_>,
) -> Result<Option<Bytes>, Failure> {
    let tag: BlockNumberOrTag = args.required()?;
    let index = index(&mut args)?;
    args.end()?;
    if tag.is_pending() {
        let next = PendingBlock::new(context, true).transactions;
        return Ok(next.get(index).map(|tx| tx.tx.tx.encoded().into()));
    }
    Ok(raw(context.by_tag(tag)?, index))
}

fn raw_by_hash_and_index(context: &Context, mut args: Args<'_>) -> Result<Option<Bytes>, Failure> {
    let hash = args.required()?;
    let index = index(&mut args)?;
    args.end()?;
    Ok(raw(context.by_hash(hash)?, index))
}

fn receipt(context: &Context, mut args: Args<'_>) -> Result<Option<RpcReceipt>, Failure> {
    let hash = args.required()?;
    args.end()?;
    Ok(context.mined(hash)?.and_then(|(block, index)| context.receipt(&block, index)))
}
