//! Traces of transactions, blocks and calls. The tracers are in `mezz_evm::trace`.

use crate::{
    Args, Failure,
    context::Context,
    error::TIMEOUT,
    eth::{Environment, call_request, failed},
    expected,
    methods::Table,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace,
};
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::{BlockRecord, StateView};
use mezz_evm::{
    ChainSpec,
    trace::{self, Bounds, TraceError},
};
use mezz_primitives::B256;
use serde::Serialize;
use std::{
    fmt::Display,
    time::{Duration, Instant},
};

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.execute("debug_traceTransaction", transaction)?;
    table.execute("debug_traceBlockByNumber", block_by_number)?;
    table.execute("debug_traceBlockByHash", block_by_hash)?;
    table.execute("debug_traceCall", call)
}

fn untraced<E: Display>(error: TraceError<E>) -> Failure {
    match error {
        TraceError::Execute(error) => failed(error),
        error @ TraceError::TooLarge { .. } => Failure::limit(error.to_string()),
        error @ TraceError::Expired => Failure::new(TIMEOUT, error.to_string()),
        error @ (TraceError::UnknownTracer { .. } | TraceError::Tracer(_)) => {
            Failure::invalid_params(error.to_string())
        }
        TraceError::NoSuchTransaction { .. } => Failure::server("transaction not found"),
    }
}

/// Tells when the time is up that the options ask for, at most that of a request.
fn deadline(
    context: &Context,
    options: &GethDebugTracingOptions,
) -> Result<impl Fn() -> bool + use<>, Failure> {
    let most = context.limits.request_timeout;
    let patience = match options.timeout.as_deref() {
        None => most,
        Some(text) => {
            let asked = duration(text).ok_or_else(|| {
                Failure::invalid_params("timeout: expected a duration, for example 5s or 500ms")
            })?;
            asked.min(most)
        }
    };
    let begin = Instant::now();
    Ok(move || begin.elapsed() >= patience)
}

fn bounds<'a>(context: &Context, expired: &'a dyn Fn() -> bool) -> Bounds<'a> {
    Bounds { max_bytes: context.limits.max_trace_bytes, expired }
}

/// A duration in Go's words: numbers with units, `1m30s`, `2.5s`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

/// The rules, and the state that the transactions of `block` found.
fn before(context: &Context, block: &BlockRecord) -> Result<(ChainSpec, StateView), Failure> {
    let number = block.header.number;
    let parent =
        number.checked_sub(1).ok_or_else(|| Failure::server("genesis is not traceable"))?;
    let id = BlockId::hash(block.header.parent_hash);
    let parent = context
        .find(id)?
        .ok_or_else(|| Failure::server(format!("parent block {parent} is not available")))?;
    Ok((*context.chain.spec(), context.state_of(&parent)?))
}

fn transaction(context: &Context, mut args: Args<'_>) -> Result<GethTrace, Failure> {
    let hash: B256 = args.required()?;
    let options: GethDebugTracingOptions =
        args.optional_as(expected::trace_options)?.unwrap_or_default();
    args.end()?;
    let (block, index) =
        context.mined(hash)?.ok_or_else(|| Failure::server("transaction not found"))?;
    let (spec, state) = before(context, &block)?;
    let all = &block.transactions;
    let expired = deadline(context, &options)?;
    trace::trace_transaction(
        &spec,
        &block.header,
        &state,
        all,
        index,
        &options,
        bounds(context, &expired),
    )
    .map_err(untraced)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Traced {
    tx_hash: B256,
    result: GethTrace,
}

fn block_by_number(context: &Context, mut args: Args<'_>) -> Result<Vec<Traced>, Failure> {
    let tag: BlockNumberOrTag = args.required()?;
    let options = args.optional_as(expected::trace_options)?;
    args.end()?;
    block(context, tag.into(), options)
}

fn block_by_hash(context: &Context, mut args: Args<'_>) -> Result<Vec<Traced>, Failure> {
    let hash: B256 = args.required()?;
    let options = args.optional_as(expected::trace_options)?;
    args.end()?;
    block(context, hash.into(), options)
}

fn block(
    context: &Context,
    id: BlockId,
    options: Option<GethDebugTracingOptions>,
) -> Result<Vec<Traced>, Failure> {
    let options = options.unwrap_or_default();
    let block = context.block(Some(id))?;
    let (spec, state) = before(context, &block)?;
    let all = &block.transactions;
    let expired = deadline(context, &options)?;
    let traces =
        trace::trace_block(&spec, &block.header, &state, all, &options, bounds(context, &expired))
            .map_err(untraced)?;
    let hashes = block.transactions.iter().map(|tx| tx.hash());
    Ok(hashes.zip(traces).map(|(tx_hash, result)| Traced { tx_hash, result }).collect())
}

fn call(context: &Context, mut args: Args<'_>) -> Result<GethTrace, Failure> {
    let request = args.required()?;
    let id = args.optional()?;
    let options: GethDebugTracingCallOptions =
        args.optional_as(expected::trace_options)?.unwrap_or_default();
    args.end()?;
    let request = call_request(context, request)?;
    let (state, block) = (options.state_overrides, options.block_overrides);
    let at = match options.tx_index {
        None => Environment::new(context, id, state, block)?,
        Some(index) => Environment::within(context, id, index, state, block)?,
    };
    let cap = context.limits.call_gas;
    let options = options.tracing_options;
    let expired = deadline(context, &options)?;
    trace::trace_call(
        &at.spec,
        &at.block,
        &at.state,
        &request,
        cap,
        &options,
        bounds(context, &expired),
    )
    .map_err(untraced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (text, millis) in [("5s", 5_000), ("500ms", 500), ("1m30s", 90_000), ("2.5s", 2_500)] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "5 s", "-5s", "5x", "1.2.3s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
