//! `txpool_`: what waits to be mined.

use crate::{Args, Failure, context::Context, json::TransactionView, methods::Table};
use alloy_consensus::Transaction as _;
use alloy_primitives::U64;
use jsonrpsee::core::RegisterMethodError;
use mezz_pool::PooledTransaction;
use mezz_primitives::Address;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("txpool_status", status)?;
    table.read("txpool_content", content)?;
    table.read("txpool_contentFrom", content_from)?;
    table.read("txpool_inspect", inspect)
}

/// Something of the pending and of the queued transactions.
#[derive(Serialize)]
struct Both<T> {
    pending: T,
    queued: T,
}

/// By nonce, in decimal.
type ByNonce<T> = BTreeMap<u64, T>;
type BySender<T> = BTreeMap<String, ByNonce<T>>;

fn status(context: &Context, args: Args<'_>) -> Result<Both<U64>, Failure> {
    args.end()?;
    let status = context.pool.status();
    Ok(Both { pending: U64::from(status.pending), queued: U64::from(status.queued) })
}

fn by_nonce<T>(
    txs: Vec<Arc<PooledTransaction>>,
    form: fn(Arc<PooledTransaction>) -> T,
) -> ByNonce<T> {
    txs.into_iter().map(|tx| (tx.nonce(), form(tx))).collect()
}

fn by_sender<T>(
    senders: BTreeMap<Address, Vec<Arc<PooledTransaction>>>,
    form: fn(Arc<PooledTransaction>) -> T,
) -> BySender<T> {
    let entries = senders.into_iter();
    entries.map(|(sender, txs)| (sender.to_string(), by_nonce(txs, form))).collect()
}

fn content(context: &Context, args: Args<'_>) -> Result<Both<BySender<TransactionView>>, Failure> {
    args.end()?;
    let content = context.pool.content();
    Ok(Both {
        pending: by_sender(content.pending, TransactionView::Pending),
        queued: by_sender(content.queued, TransactionView::Pending),
    })
}

fn content_from(
    context: &Context,
    mut args: Args<'_>,
) -> Result<Both<ByNonce<TransactionView>>, Failure> {
    let sender = args.required()?;
    args.end()?;
    let (pending, queued) = context.pool.content_from(&sender);
    Ok(Both {
        pending: by_nonce(pending, TransactionView::Pending),
        queued: by_nonce(queued, TransactionView::Pending),
    })
}

fn inspect(context: &Context, args: Args<'_>) -> Result<Both<BySender<String>>, Failure> {
    args.end()?;
    let content = context.pool.content();
    Ok(Both {
        pending: by_sender(content.pending, |tx| summary(&tx)),
        queued: by_sender(content.queued, |tx| summary(&tx)),
    })
}

fn summary(pooled: &PooledTransaction) -> String {
    let tx = &pooled.tx.tx;
    let to = tx.to().map_or_else(|| "contract creation".to_owned(), |to| to.to_string());
    format!("{to}: {} wei + {} gas × {} wei", tx.value(), tx.gas_limit(), tx.max_fee_per_gas())
}
