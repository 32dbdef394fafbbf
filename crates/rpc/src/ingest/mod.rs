//! The way in for signed transactions that come over HTTP: a body that asks for nothing but
//! `eth_sendRawTransaction` is read once, its transactions are decoded and their senders recovered on
//! all cores, and then the pool gets them in the order of the body.
//!
//! Every other body, and what comes over WebSocket, is answered by the method of that name. Both ways
//! give the same answers.

mod body;
mod share;

use crate::{Failure, context::Context, meters::Calls};
use body::RawCall;
use bytes::Bytes;
use jsonrpsee::types::ErrorObjectOwned;
use mezz_primitives::B256;
use std::{fmt, io::Write as _, sync::Arc};

/// The method that is answered here.
pub(crate) const METHOD: &str = "eth_sendRawTransaction";
/// Transactions that the pool gets before others have their turn.
const ADDED_AT_ONCE: usize = 16;
/// Bytes that an answer takes at most, about.
const ANSWER_BYTES: usize = 1_024;

/// Answers bodies of raw transactions.
pub(crate) struct Ingest {
    pub(crate) context: Arc<Context>,
    /// Calls in one batch.
    pub(crate) max_batch: usize,
    pub(crate) calls: Calls,
}

impl fmt::Debug for Ingest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingest").field("max_batch", &self.max_batch).finish_non_exhaustive()
    }
}

/// A body of raw transactions.
#[derive(Debug)]
pub(crate) struct RawBody {
    body: Bytes,
    calls: Vec<RawCall>,
    /// Whether it is an array.
    pub(crate) is_batch: bool,
}

impl Ingest {
    /// The calls in `body`, if all of them are to be answered here.
    pub(crate) fn read(&self, body: &Bytes) -> Option<RawBody> {
        let (calls, is_batch) = body::read(body)?;
        let fits = calls.len() <= self.max_batch
            && calls.len().saturating_mul(ANSWER_BYTES) <= self.context.max_response;
        fits.then(|| RawBody { body: body.clone(), calls, is_batch })
    }

    /// The answers to `asked`, as JSON.
    pub(crate) async fn answer(&self, asked: RawBody) -> Vec<u8> {
        let RawBody { body, calls, is_batch } = asked;
        let calls: Arc<[RawCall]> = calls.into();
        let (context, own) = (self.context.clone(), (body.clone(), calls.clone()));
        let work = move |at: usize| {
            let (body, calls) = &own;
            context.read_transaction(&calls[at].bytes(body)?)
        };
        let read = share::on_all_cores(self.context.cores.clone(), calls.len(), work).await;

        let mut out = Vec::with_capacity(calls.len() * 128);
        for (at, (call, tx)) in calls.iter().zip(read).enumerate() {
            if at > 0 && at % ADDED_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
            let tx = tx.unwrap_or_else(|| Err(Failure::internal("a worker has panicked")));
            let answer = tx.and_then(|tx| self.context.add_transaction(tx));
            self.calls.count(answer.is_err());
            out.push(if at == 0 { b'[' } else { b',' });
            write(&mut out, call.id(&body), answer);
        }
        out.push(b']');
        if !is_batch {
            out.pop();
            out.remove(0);
        }
        out
    }
}

fn write(out: &mut Vec<u8>, id: &[u8], answer: Result<B256, Failure>) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id);
    // Writing to memory does not fail, and neither do these values as JSON.
    let _ = match answer {
        Ok(hash) => write!(out, r#","result":"{hash:#x}"}}"#),
        Err(failure) => {
            out.extend_from_slice(br#","error":"#);
            let written = serde_json::to_writer(&mut *out, &ErrorObjectOwned::from(failure));
            out.push(b'}');
            written.map_err(Into::into)
        }
    };
}
