//! Calls that leave no trace.

use super::overrides::{block_override, state_override};
use crate::{Args, Failure, context::Context, methods::Table};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{U64, U256};
use alloy_rpc_types_eth::{
    AccessListResult, BlockOverrides, TransactionRequest, state::StateOverride as RpcStateOverride,
};
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::{BlockRecord, StateView};
use mezz_evm::{
    BlockAttributes, BlockContext, BlockExecutor, ChainSpec, ExecuteError, HaltReason,
    StateOverlay,
    simulate::{self, CallOutcome, CallRequest, EstimateError, Overrides},
};
use mezz_primitives::{Address, Bytes, TxKind};
use std::fmt::Display;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.execute("eth_call", call)?;
    table.execute("eth_estimateGas", estimate_gas)?;
    table.execute("eth_createAccessList", create_access_list)
}

/// Where a call runs: in a block, on the state after it, with what the client wants different.
pub(crate) struct Environment {
    pub(crate) spec: ChainSpec,
    pub(crate) block: BlockContext,
    pub(crate) state: StateOverlay<StateView>,
}

impl Environment {
    pub(crate) fn new(
        context: &Context,
        id: Option<BlockId>,
        state: Option<RpcStateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<Self, Failure> {
        let overrides = overrides(state, block)?;
        let spec = *context.chain.spec();
        let record = context.block(id)?;
        let at = match id {
            Some(BlockId::Number(BlockNumberOrTag::Pending)) => next_block(context, &record),
            _ => BlockContext::of_header(&spec, &record.header),
        };
        let state = context.state_of(&record)?;
        let (block, state) = overrides.apply(at, state).map_err(Failure::internal)?;
        Ok(Self { spec, block, state })
    }

    /// As [`Self::new`], before the transaction at `index` of the block.
    pub(crate) fn within(
        context: &Context,
        id: Option<BlockId>,
        index: u64,
        state: Option<RpcStateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<Self, Failure> {
        let overrides = overrides(state, block)?;
        let spec = *context.chain.spec();
        let record = context.block(id)?;
        let before = usize::try_from(index).ok().and_then(|index| record.transactions.get(..index));
        let before = before.ok_or_else(|| {
            let count = record.transactions.len();
            let message = format!("txIndex {index} is not in the block, which has {count}");
            Failure::invalid_params(message)
        })?;
        let parent = BlockId::hash(record.header.parent_hash);
        let parent = context.find(parent)?.ok_or_else(|| Failure::server("header not found"))?;
        let mut state = StateOverlay::new(context.state_of(&parent)?);
        let mut at = BlockContext::of_header(&spec, &record.header);
        // Who may send was decided when the block was made.
        let replayed = BlockContext { allow_contract_senders: true, ..at.clone() };
        let mut executor = BlockExecutor::with_context(&spec, replayed, &state).map_err(failed)?;
        for tx in before {
            executor.execute(tx).map_err(failed)?;
        }
        let diff = executor.finish().map_err(failed)?.diff;
        state.apply(&diff);
        overrides.apply_to(&mut at, &mut state).map_err(Failure::internal)?;
        Ok(Self { spec, block: at, state })
    }

    /// Where a transaction that is yet to be sent would run. Without a block of the client's
    /// choice that is the next one, since an estimate at the head's own time misses what depends
    /// on time passing: a portal that wants a proof to be younger than its game, or the slots that
    /// an exchange writes once in a block.
    pub(crate) fn for_estimate(
        context: &Context,
        id: Option<BlockId>,
        from: Option<Address>,
        state: Option<RpcStateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<Self, Failure> {
        let id = match id {
            None | Some(BlockId::Number(BlockNumberOrTag::Latest)) => BlockId::pending(),
            Some(id) => id,
        };
        let mut state = state.unwrap_or_default();
        if from.is_none() {
            // Nobody in particular asks: what it costs must not depend on what nobody owns.
            let nobody = state.entry(Address::ZERO).or_default();
            nobody.balance.get_or_insert(U256::from(u128::MAX));
        }
        Self::new(context, Some(id), Some(state), block)
    }

    pub(crate) fn estimate(&self, request: &CallRequest, cap: u64) -> Result<u64, Failure> {
        simulate::estimate_gas(&self.spec, &self.block, &self.state, request, cap).map_err(
            |error| match error {
                EstimateError::Execute(error) => failed(error),
                EstimateError::Reverted(output) => Failure::reverted(&output),
                EstimateError::Halted(reason) => Failure::server(halt_words(&reason)),
                error @ EstimateError::Allowance { .. } => Failure::server(error.to_string()),
            },
        )
    }
}

fn overrides(
    state: Option<RpcStateOverride>,
    block: Option<BlockOverrides>,
) -> Result<Overrides, Failure> {
    Ok(Overrides {
        state: state_override(state.unwrap_or_default())?,
        block: block_override(block.unwrap_or_default())?,
    })
}

/// The block after `head`, a second later or when the chain says, at a base fee that is not above the head's: clients
/// derive their fee caps from either.
fn next_block(context: &Context, head: &BlockRecord) -> BlockContext {
    let mut attributes = BlockAttributes::of_header(&head.header);
    let parent = head.header.timestamp;
    attributes.timestamp =
        context.hooks.next_timestamp(parent).unwrap_or_else(|| parent.saturating_add(1));
    let mut next = BlockContext::next(context.chain.spec(), &head.header, attributes);
    let current = head.header.base_fee_per_gas.unwrap_or(u64::MAX);
    next.base_fee = context.next_base_fee(&head.header).min(current);
    next
}

/// An execution that did not take place.
pub(crate) fn failed<E: Display>(error: ExecuteError<E>) -> Failure {
    match error {
        ExecuteError::Invalid(reason) => Failure::server(reason.to_string()),
        ExecuteError::State(error) => Failure::internal(error),
        ExecuteError::Internal(error) => Failure::internal(error),
    }
}

/// Geth's words for why an execution stopped.
pub(crate) fn halt_words(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode => {
            "invalid opcode: INVALID".into()
        }
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackUnderflow => "stack underflow".into(),
        HaltReason::StackOverflow => "stack limit reached".into(),
        HaltReason::CreateCollision => "contract address collision".into(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".into(),
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef".into(),
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded".into(),
        HaltReason::CallTooDeep => "max call depth exceeded".into(),
        HaltReason::OutOfFunds => "insufficient balance for transfer".into(),
        HaltReason::NonceOverflow => "nonce uint64 overflow".into(),
        other => format!("execution failed: {other:?}"),
    }
}

/// The output of a call, or its failure.
pub(crate) fn output(outcome: CallOutcome) -> Result<Bytes, Failure> {
    match outcome {
        CallOutcome::Success { output, .. } => Ok(output),
        CallOutcome::Revert { output, .. } => Err(Failure::reverted(&output)),
        CallOutcome::Halt { reason, .. } => Err(Failure::server(halt_words(&reason))),
    }
}

/// Refuses what could not be a transaction of this chain, whatever it pays.
fn check_sendable(context: &Context, request: &TransactionRequest) -> Result<(), Failure> {
    let creates = request.to.unwrap_or(TxKind::Create).is_create();
    let refused = |words: &'static str| Err(Failure::server(words));
    match &request.authorization_list {
        Some(list) if list.is_empty() => {
            return refused("EIP-7702 transaction with empty auth list");
        }
        Some(_) if creates => {
            return refused("EIP-7702 transaction cannot be used to create contract");
        }
        _ => {}
    }
    match &request.blob_versioned_hashes {
        Some(_) if context.chain.spec().is_l2() => {
            refused("transaction type not supported: blob transactions are not accepted on L2")
        }
        Some(hashes) if hashes.is_empty() => refused("blob transaction missing blob hashes"),
        Some(_) if creates => refused("missing \"to\" in blob transaction"),
        _ => Ok(()),
    }
}

/// A client's request as the EVM takes it.
pub(crate) fn call_request(
    context: &Context,
    request: TransactionRequest,
) -> Result<CallRequest, Failure> {
    let expected = context.chain.spec().chain_id;
    if let Some(have) = request.chain_id
        && have != expected
    {
        let message = format!("chainId does not match node's (have={have}, want={expected})");
        return Err(Failure::invalid_params(message));
    }
    let dynamic = request.max_fee_per_gas.or(request.max_priority_fee_per_gas);
    if request.gas_price.is_some() && dynamic.is_some() {
        return Err(Failure::invalid_params(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ));
    }
    check_sendable(context, &request)?;
    let input = request.input.try_into_unique_input().map_err(|_| {
        Failure::invalid_params(
            "both \"data\" and \"input\" are set and not equal. \
             Please use \"input\" to pass transaction call data",
        )
    })?;
    Ok(CallRequest {
        from: request.from.unwrap_or_default(),
        to: request.to.unwrap_or(TxKind::Create),
        gas: request.gas,
        gas_price: request.gas_price,
        max_fee_per_gas: request.max_fee_per_gas,
        max_priority_fee_per_gas: request.max_priority_fee_per_gas,
        max_fee_per_blob_gas: request.max_fee_per_blob_gas,
        value: request.value.unwrap_or_default(),
        input: input.unwrap_or_default(),
        access_list: request.access_list.unwrap_or_default(),
        authorization_list: request.authorization_list.unwrap_or_default(),
        blob_hashes: request.blob_versioned_hashes.unwrap_or_default(),
    })
}

fn call(context: &Context, mut args: Args<'_>) -> Result<Bytes, Failure> {
    let request = args.required()?;
    let id = args.optional()?;
    let state = args.optional()?;
    let block = args.optional()?;
    args.end()?;
    let request = call_request(context, request)?;
    let at = Environment::new(context, id, state, block)?;
    let cap = context.limits.call_gas;
    output(simulate::call(&at.spec, &at.block, &at.state, &request, cap).map_err(failed)?)
}

fn estimate_gas(context: &Context, mut args: Args<'_>) -> Result<U64, Failure> {
    let request: TransactionRequest = args.required()?;
    let id = args.optional()?;
    let state = args.optional()?;
    let block = args.optional()?;
    args.end()?;
    let from = request.from;
    let request = call_request(context, request)?;
    let at = Environment::for_estimate(context, id, from, state, block)?;
    Ok(U64::from(at.estimate(&request, context.limits.call_gas)?))
}

fn create_access_list(context: &Context, mut args: Args<'_>) -> Result<AccessListResult, Failure> {
    let request: TransactionRequest = args.required()?;
    let id = args.optional()?;
    let state = args.optional()?;
    args.end()?;
    let from = request.from;
    let request = call_request(context, request)?;
    let at = Environment::for_estimate(context, id, from, state, None)?;
    let cap = context.limits.call_gas;
    let found = simulate::create_access_list(&at.spec, &at.block, &at.state, &request, cap)
        .map_err(failed)?;
    let gas_used = U256::from(found.outcome.gas_used());
    let error = output(found.outcome).err().map(|failure| failure.message.into_owned());
    Ok(AccessListResult { access_list: found.access_list, gas_used, error })
}
