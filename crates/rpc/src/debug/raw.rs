//! Blocks, headers, receipts and transactions in their consensus encoding.

use crate::{Args, Failure, context::Context, methods::Table};
use alloy_consensus::BlockBody;
use alloy_eips::{eip2718::Encodable2718 as _, eip4895::Withdrawals};
use alloy_rlp::Encodable as _;
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::BlockRecord;
use mezz_primitives::{Block, Bytes};
use std::sync::Arc;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("debug_getRawHeader", header)?;
    table.read("debug_getRawBlock", block)?;
    table.read("debug_getRawReceipts", receipts)?;
    table.read("debug_getRawTransaction", transaction)
}

fn named(context: &Context, mut args: Args<'_>) -> Result<Arc<BlockRecord>, Failure> {
    let id = args.required()?;
    args.end()?;
    context.block(Some(id))
}

fn header(context: &Context, args: Args<'_>) -> Result<Bytes, Failure> {
    let block = named(context, args)?;
    Ok(alloy_rlp::encode(block.header.inner()).into())
}

fn block(context: &Context, args: Args<'_>) -> Result<Bytes, Failure> {
    let record = named(context, args)?;
    let header = record.header.inner().clone();
    let body = BlockBody {
        transactions: record.transactions.iter().map(|tx| tx.tx.clone()).collect(),
        ommers: Vec::new(),
        withdrawals: header.withdrawals_root.map(|_| Withdrawals::default()),
    };
    let block = Block { header, body };
    let mut bytes = Vec::with_capacity(block.length());
    block.encode(&mut bytes);
    Ok(bytes.into())
}

fn receipts(context: &Context, args: Args<'_>) -> Result<Vec<Bytes>, Failure> {
    let block = named(context, args)?;
    Ok(block.receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect())
}

fn transaction(context: &Context, mut args: Args<'_>) -> Result<Option<Bytes>, Failure> {
    let hash = args.required()?;
    args.end()?;
    context.raw_transaction(hash)
}
