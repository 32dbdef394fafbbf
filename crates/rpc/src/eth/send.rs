//! Transactions on their way in.

use super::fill::unsigned;
use crate::{
    Args, Failure,
    context::Context,
    ingest,
    json::RpcReceipt,
    methods::{Table, raw},
};
use alloy_primitives::U64;
use alloy_rpc_types_eth::TransactionRequest;
use jsonrpsee::{
    core::RegisterMethodError,
    types::{ErrorObjectOwned, Params},
};
use mezz_chain::ChainEvent;
use mezz_pool::{DecodeError, NewTransaction};
use mezz_primitives::{B256, Bytes, RecoveredTransaction};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// The transaction is in the pool but not yet in a block (EIP-7966).
const NOT_YET_MINED: i32 = 4;
/// EIP-2718 type of transactions whose proofs take milliseconds to check.
const BLOB_TX_TYPE: u8 = 3;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.execute("eth_sendTransaction", send_transaction)?;
    table.execute("eth_signTransaction", sign_transaction)?;
    table.execute("eth_fillTransaction", fill_transaction)?;
    let module = table.module();
    module.register_async_method(
        ingest::METHOD,
        |params: Params<'static>, context, _| async move {
            // A batch runs in one task: between two of its calls others get their turn.
            tokio::task::yield_now().await;
            send_raw(&params, &context).await.map_err(ErrorObjectOwned::from)
        },
    )?;
    module.register_async_method(
        "eth_sendRawTransactionSync",
        |params: Params<'static>, context, _| async move {
            send_raw_sync(&params, &context).await.map_err(ErrorObjectOwned::from)
        },
    )?;
    Ok(())
}

impl Context {
    /// Reads a signed transaction from its network encoding: all that needs no other transaction.
    /// What can be refused without its sender is.
    pub(crate) fn read_transaction(&self, bytes: &[u8]) -> Result<NewTransaction, Failure> {
        let failure = |error: DecodeError| Failure::server(error.to_string());
        let (tx, sidecar) = NewTransaction::decode_unrecovered(bytes).map_err(failure)?;
        self.hooks.screen(&self.pool, &tx)?;
        let tx = RecoveredTransaction::recover(tx).map_err(|error| failure(error.into()))?;
        Ok(NewTransaction { tx, sidecar })
    }

    /// Puts a transaction that was screened into the pool, and returns its hash.
    pub(crate) fn add_transaction(&self, tx: NewTransaction) -> Result<B256, Failure> {
        let added = self.pool.add(tx).map_err(|error| Failure::server(error.to_string()))?;
        Ok(added.hash)
    }

    fn submit(&self, bytes: &[u8]) -> Result<B256, Failure> {
        self.add_transaction(self.read_transaction(bytes)?)
    }
}

async fn send_raw(params: &Params<'static>, context: &Arc<Context>) -> Result<B256, Failure> {
    let mut args = Args::new(params)?;
    let bytes: Bytes = args.required()?;
    args.end()?;
    submit(bytes, context).await
}

async fn submit(bytes: Bytes, context: &Arc<Context>) -> Result<B256, Failure> {
    if bytes.first() == Some(&BLOB_TX_TYPE) {
        let owned = context.clone();
        return context.calls.run(move || owned.submit(&bytes)).await;
    }
    context.submit(&bytes)
}

async fn send_raw_sync(
    params: &Params<'static>,
    context: &Arc<Context>,
) -> Result<Box<serde_json::value::RawValue>, Failure> {
    let (bytes, patience) = {
        let mut args = Args::new(params)?;
        let bytes: Bytes = args.required()?;
        let patience: Option<U64> = args.optional()?;
        args.end()?;
        (bytes, patience.map(|ms| Duration::from_millis(ms.to())))
    };
    let longest = context.limits.max_sync_wait;
    let patience = patience.map_or(longest, |patience| patience.min(longest));
    // Before it can be mined: no block may be missed.
    let mut events = context.chain.subscribe();
    let hash = submit(bytes, context).await?;
    match tokio::time::timeout(patience, mined(context, hash, &mut events)).await {
        Ok(receipt) => raw(&receipt?, context.max_response),
        Err(_) => Err(Failure {
            data: serde_json::to_value(hash).ok(),
            ..Failure::new(
                NOT_YET_MINED,
                "The transaction was added to the mempool but wasn't processed within \
                 the designated timeout interval",
            )
        }),
    }
}

async fn mined(
    context: &Context,
    hash: B256,
    events: &mut Receiver<ChainEvent>,
) -> Result<RpcReceipt, Failure> {
    loop {
        if let Some((block, index)) = context.mined(hash)?
            && let Some(receipt) = context.receipt(&block, index)
        {
            return Ok(receipt);
        }
        if let Err(RecvError::Closed) = events.recv().await {
            return Err(Failure::server("the node is stopping"));
        }
    }
}

fn send_transaction(context: &Context, mut args: Args<'_>) -> Result<B256, Failure> {
    let request = args.required()?;
    args.end()?;
    let (from, mut request) = context.complete(request)?;
    let one_at_a_time = context.sending.lock();
    if request.nonce.is_none() {
        request.nonce = Some(context.next_nonce(from)?);
    }
    let signed = context.hooks.sign_transaction(from, unsigned(request)?)?;
    context.hooks.screen(&context.pool, &signed.tx)?;
    let hash = context.add_transaction(signed.into())?;
    drop(one_at_a_time);
    Ok(hash)
}

/// A transaction as it is sent, and its fields.
#[derive(Serialize)]
struct Filled<T> {
    raw: Bytes,
    tx: T,
}

fn sign_transaction(
    context: &Context,
    mut args: Args<'_>,
) -> Result<Filled<mezz_primitives::Transaction>, Failure> {
    let request = args.required()?;
    args.end()?;
    let (from, mut request) = context.complete(request)?;
    if request.nonce.is_none() {
        request.nonce = Some(context.next_nonce(from)?);
    }
    let signed = context.hooks.sign_transaction(from, unsigned(request)?)?;
    Ok(Filled { raw: signed.tx.encoded().into(), tx: signed.tx.clone() })
}

fn fill_transaction(
    context: &Context,
    mut args: Args<'_>,
) -> Result<Filled<TransactionRequest>, Failure> {
    use alloy_consensus::SignableTransaction as _;
    let request = args.required()?;
    args.end()?;
    let (from, mut request) = context.complete(request)?;
    if request.nonce.is_none() {
        request.nonce = Some(context.next_nonce(from)?);
    }
    let raw = unsigned(request.clone())?.encoded_for_signing();
    Ok(Filled { raw: raw.into(), tx: request })
}
