//! Traces of transactions, blocks and calls. The tracers are in `mezz_evm::trace`.

use crate::{
    Args, Failure,
    context::Context,
    eth::{Environment, call_request, failed},
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
    trace::{self, TraceError},
};
use mezz_primitives::B256;
use serde::Serialize;
use std::fmt::Display;

/// Most gas of a block whose struct logs are given in one answer: each few gas are a step, and each
/// step is some hundred bytes.
const MAX_STRUCT_LOG_GAS: u64 = 3_000_000;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.execute("debug_traceTransaction", transaction)?;
    table.execute("debug_traceBlockByNumber", block_by_number)?;
    table.execute("debug_traceBlockByHash", block_by_hash)?;
    table.execute("debug_traceCall", call)
}

fn untraced<E: Display>(error: TraceError<E>) -> Failure {
    match error {
        TraceError::Execute(error) => failed(error),
        error @ TraceError::TooLarge => Failure::limit(error.to_string()),
        TraceError::Tracer(error) => Failure::invalid_params(error.to_string()),
        TraceError::NoSuchTransaction { .. } => Failure::server("transaction not found"),
    }
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
    let options: GethDebugTracingOptions = args.optional()?.unwrap_or_default();
    args.end()?;
    let (block, index) =
        context.mined(hash)?.ok_or_else(|| Failure::server("transaction not found"))?;
    let (spec, state) = before(context, &block)?;
    let all = &block.transactions;
    trace::trace_transaction(&spec, &block.header, &state, all, index, &options).map_err(untraced)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Traced {
    tx_hash: B256,
    result: GethTrace,
}

fn block_by_number(context: &Context, mut args: Args<'_>) -> Result<Vec<Traced>, Failure> {
    let tag: BlockNumberOrTag = args.required()?;
    let options = args.optional()?;
    args.end()?;
    block(context, tag.into(), options)
}

fn block_by_hash(context: &Context, mut args: Args<'_>) -> Result<Vec<Traced>, Failure> {
    let hash: B256 = args.required()?;
    let options = args.optional()?;
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
    if options.tracer.is_none() && block.header.gas_used > MAX_STRUCT_LOG_GAS {
        return Err(Failure::limit(format!(
            "the struct logs of a block with more than {MAX_STRUCT_LOG_GAS} gas are too many for \
             one answer; trace its transactions one by one, or name a tracer"
        )));
    }
    let (spec, state) = before(context, &block)?;
    let traces = trace::trace_block(&spec, &block.header, &state, &block.transactions, &options)
        .map_err(untraced)?;
    let hashes = block.transactions.iter().map(|tx| tx.hash());
    Ok(hashes.zip(traces).map(|(tx_hash, result)| Traced { tx_hash, result }).collect())
}

fn call(context: &Context, mut args: Args<'_>) -> Result<GethTrace, Failure> {
    let request = args.required()?;
    let id = args.optional()?;
    let options: GethDebugTracingCallOptions = args.optional()?.unwrap_or_default();
    args.end()?;
    if options.tx_index.is_some() {
        return Err(Failure::invalid_params(
            "txIndex is not supported: a call is traced after its block",
        ));
    }
    let request = call_request(context, request)?;
    let at = Environment::new(context, id, options.state_overrides, options.block_overrides)?;
    let cap = context.limits.call_gas;
    let options = options.tracing_options;
    trace::trace_call(&at.spec, &at.block, &at.state, &request, cap, &options).map_err(untraced)
}
