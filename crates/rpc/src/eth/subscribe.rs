//! Subscriptions over WebSocket.
//!
//! A subscription has its own place in the chain's events. It ends when its client goes, reads too
//! slowly, or when it falls behind the events: a client that misses nothing but the end can ask
//! for what it has missed, one that misses a block in the middle cannot know.

use super::{filters::in_range, logs};
use crate::{
    Args, Failure,
    context::Context,
    expected,
    json::{RpcHeader, TransactionView, block_logs},
    methods::{Table, raw},
    server::Outbox,
};
use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Filter, FilterBlockOption};
use jsonrpsee::{
    Extensions, PendingSubscriptionSink, SubscriptionSink,
    core::RegisterMethodError,
    types::{ErrorObjectOwned, Params},
};
use mezz_chain::ChainEvent;
use mezz_primitives::B256;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    let subscribe = |params: Params<'static>,
                     pending,
                     context: Arc<Context>,
                     extensions: Extensions| async move {
        let wanted = Kind::parse(&params, context.head().number());
        let outbox = extensions.get::<Arc<Outbox>>().cloned();
        run(wanted, pending, context, outbox).await;
    };
    table.module().register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        subscribe,
    )?;
    Ok(())
}

enum Kind {
    NewHeads,
    Logs(Box<Filter>),
    Pending {
        full: bool,
    },
    /// Never says anything: the node is never syncing in Ethereum's sense.
    Syncing,
}

impl Kind {
    fn parse(params: &Params<'_>, head: u64) -> Result<Self, Failure> {
        let mut args = Args::new(params)?;
        let name: String = args.required()?;
        let kind = match name.as_str() {
            "newHeads" => Self::NewHeads,
            "logs" => {
                let filter: Box<Filter> = args.optional_as(expected::filter)?.unwrap_or_default();
                logs::check(&filter)?;
                check_range(&filter, head)?;
                Self::Logs(filter)
            }
            "newPendingTransactions" => {
                Self::Pending { full: args.optional()?.unwrap_or_default() }
            }
            "syncing" => Self::Syncing,
            _ => {
                let message = format!("no \"{name}\" subscription in eth namespace");
                return Err(Failure::invalid_params(message));
            }
        };
        args.end()?;
        Ok(kind)
    }
}

/// Requires that a range has nothing of the past but its whole, which is what Go's client asks for
/// when it wants what is new.
fn check_range(filter: &Filter, head: u64) -> Result<(), Failure> {
    let past = |number: u64| number > 0 && number <= head;
    let from = match filter.block_option {
        FilterBlockOption::AtBlockHash(_) => {
            let message = "a subscription tells of new logs: expected no blockHash";
            return Err(Failure::invalid_params(message));
        }
        FilterBlockOption::Range { from_block, .. } => from_block,
    };
    if from.and_then(|tag| BlockNumberOrTag::as_number(&tag)).is_some_and(past) {
        return Err(Failure::invalid_params(
            "a subscription tells of new logs: expected no fromBlock in the past; \
             ask eth_getLogs for what has been",
        ));
    }
    Ok(())
}

async fn run(
    wanted: Result<Kind, Failure>,
    pending: PendingSubscriptionSink,
    context: Arc<Context>,
    outbox: Option<Arc<Outbox>>,
) {
    let kind = match wanted {
        Ok(kind) => kind,
        Err(failure) => return pending.reject(ErrorObjectOwned::from(failure)).await,
    };
    // Before the client learns that it is subscribed: nothing after that may be missing.
    let events = context.chain.subscribe();
    let hashes = context.pool.subscribe();
    let Ok(sink) = pending.accept().await else { return };
    let client = Client { sink, patience: context.limits.slow_client, context, outbox };
    match kind {
        Kind::NewHeads => client.heads(events).await,
        Kind::Logs(filter) => client.logs(events, &filter).await,
        Kind::Pending { full } => client.pending(hashes, full).await,
        Kind::Syncing => {
            if client.send(&false).await.is_some() {
                client.sink.closed().await;
            }
        }
    }
}

struct Client {
    sink: SubscriptionSink,
    patience: Duration,
    context: Arc<Context>,
    outbox: Option<Arc<Outbox>>,
}

impl Client {
    /// The next event; `None` ends the subscription.
    async fn next<T: Clone>(&self, events: &mut Receiver<T>) -> Option<T> {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => Some(event),
                Err(RecvError::Closed) => None,
                Err(RecvError::Lagged(missed)) => {
                    tracing::debug!(missed, "a subscription fell behind and was closed");
                    None
                }
            },
            () = self.sink.closed() => None,
        }
    }

    /// Sends one notification; `None` if the client is gone or too slow.
    async fn send<T: Serialize>(&self, value: &T) -> Option<()> {
        let json = raw(value, self.context.max_response).ok()?;
        let bytes = json.get().len();
        if self.outbox.as_ref().is_some_and(|outbox| !outbox.put(bytes)) {
            tracing::debug!("a subscription was closed: its client does not read");
            return None;
        }
        if let Err(error) = self.sink.send_timeout(json, self.patience).await {
            tracing::debug!(%error, "a subscription was closed");
            if let Some(outbox) = &self.outbox {
                outbox.taken(bytes);
            }
            return None;
        }
        Some(())
    }

    async fn heads(&self, mut events: Receiver<ChainEvent>) {
        while let Some(event) = self.next(&mut events).await {
            if let ChainEvent::NewHead(block) = event
                && self.send(&RpcHeader::new(&block)).await.is_none()
            {
                return;
            }
        }
    }

    async fn logs(&self, mut events: Receiver<ChainEvent>, filter: &Filter) {
        while let Some(event) = self.next(&mut events).await {
            let (blocks, removed) = match event {
                ChainEvent::NewHead(block) => (vec![block], false),
                ChainEvent::Unwound { removed } => (removed, true),
                ChainEvent::Heads(_) => continue,
            };
            let mut logs = Vec::new();
            for block in blocks.iter().filter(|block| in_range(filter, block.number())) {
                block_logs(block, filter, removed, usize::MAX, &mut logs);
            }
            for log in logs {
                if self.send(&log).await.is_none() {
                    return;
                }
            }
        }
    }

    async fn pending(&self, mut hashes: Receiver<B256>, full: bool) {
        while let Some(hash) = self.next(&mut hashes).await {
            let sent = if full {
                match self.context.pool.get(&hash) {
                    Some(tx) => self.send(&TransactionView::Pending(tx)).await,
                    None => Some(()),
                }
            } else {
                self.send(&hash).await
            };
            if sent.is_none() {
                return;
            }
        }
    }
}
