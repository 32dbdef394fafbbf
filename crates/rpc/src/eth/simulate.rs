//! `eth_simulateV1`: blocks of calls, each on the state that the one before left.
//!
//! Source: execution-apis, `eth_simulateV1` and its notes. A simulated block is sealed as a real
//! one: its roots and its hash are those that it would have in the chain, were its transactions
//! signed. What the notes leave open is as in geth: without validation the base fee is zero, and
//! the fee recipient is that of the block that the simulation begins after.

use super::{
    call::{call_request, halt_words},
    overrides::{block_override, state_override},
};
use crate::{
    Args, Failure, context::Context, error::EXECUTION_REVERTED, json::RpcBlock, methods::Table,
};
use alloy_consensus::{
    SignableTransaction as _, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
};
use alloy_eips::BlockId;
use alloy_primitives::{Signature, U256};
use alloy_rpc_types_eth::{
    Log, TransactionRequest,
    simulate::{SimBlock, SimCallResult, SimulateError, SimulatePayload},
};
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::{BlockRecord, StateFork, StateView};
use mezz_evm::{
    BlockAttributes, BlockContext, ChainSpec, ExecuteError, InvalidTx, ListRoots, StateOverlay,
    StateReader as _,
    simulate::{
        BlockOptions, BlockSimulator, CallOutcome, CallRequest, Overrides, SimulatedCall,
        StateOverride,
    },
};
use mezz_primitives::{Address, Header, RecoveredTransaction, Sealable as _, Sealed, Transaction};
use serde::Serialize;
use std::{fmt::Display, time::Instant};

// Error codes of execution-apis for `eth_simulateV1`.
const VM_ERROR: i32 = SimulateError::VM_EXECUTION_ERROR_CODE;
const TIMED_OUT: i32 = -32_016;
const NONCE_TOO_LOW: i32 = -38_010;
const NONCE_TOO_HIGH: i32 = -38_011;
const FEE_TOO_LOW: i32 = -38_012;
const INTRINSIC_GAS: i32 = -38_013;
const INSUFFICIENT_FUNDS: i32 = -38_014;
const BLOCK_GAS: i32 = -38_015;
const BLOCK_NUMBER: i32 = -38_020;
const TIMESTAMP: i32 = -38_021;
const SENDER_HAS_CODE: i32 = -38_024;
const INIT_CODE_TOO_LONG: i32 = -38_025;
const LIMIT: i32 = -38_026;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.execute("eth_simulateV1", simulate)
}

/// A simulated block and what its calls did.
#[derive(Debug)]
struct Simulated {
    record: BlockRecord,
    calls: Vec<SimCallResult>,
    full: bool,
}

impl Serialize for Simulated {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct WithCalls<'a> {
            #[serde(flatten)]
            block: RpcBlock<'a>,
            calls: &'a [SimCallResult],
        }
        let block = RpcBlock::new(&self.record, self.full);
        WithCalls { block, calls: &self.calls }.serialize(serializer)
    }
}

fn simulate(context: &Context, mut args: Args<'_>) -> Result<Vec<Simulated>, Failure> {
    let payload: SimulatePayload = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let limits = &context.limits;
    let asked = payload.block_state_calls;
    if asked.is_empty() {
        return Err(Failure::invalid_params("blockStateCalls is empty: expected a block at least"));
    }
    let calls: usize = asked.iter().map(|block| block.calls.len()).sum();
    if calls > limits.max_simulated_calls {
        let most = limits.max_simulated_calls;
        return Err(limit(format!(
            "too many calls: {calls}, at most {most}; ask in several requests"
        )));
    }
    let record = context.block(id)?;
    let state = context.state_of(&record)?;
    let mut simulation = Simulation {
        context,
        spec: *context.chain.spec(),
        options: BlockOptions {
            validation: payload.validation,
            trace_transfers: payload.trace_transfers,
        },
        full: payload.return_full_transactions,
        first: record.header.number,
        parent: record.header.clone(),
        fork: state.fork(),
        state: StateOverlay::new(state),
        gas: limits.call_gas,
        begun: Instant::now(),
        blocks: Vec::new(),
    };
    for block in asked {
        simulation.fill_up_to(&block)?;
        simulation.block(block)?;
    }
    Ok(simulation.blocks)
}

fn limit(message: String) -> Failure {
    Failure::new(LIMIT, message)
}

/// A simulation up to its next block.
struct Simulation<'a> {
    context: &'a Context,
    spec: ChainSpec,
    options: BlockOptions,
    full: bool,
    /// Number of the block that it begins after.
    first: u64,
    parent: Sealed<Header>,
    state: StateOverlay<StateView>,
    fork: StateFork,
    /// What the calls of all blocks may still use.
    gas: u64,
    begun: Instant,
    blocks: Vec<Simulated>,
}

impl Simulation<'_> {
    /// Adds the empty blocks that lie before `block`.
    fn fill_up_to(&mut self, block: &SimBlock) -> Result<(), Failure> {
        let Some(number) = block.block_number_override() else { return Ok(()) };
        let parent = self.parent.number;
        if number <= U256::from(parent) {
            let message = format!("block numbers must be in order: {number} <= {parent}");
            return Err(Failure::new(BLOCK_NUMBER, message));
        }
        let most = self.context.limits.max_simulated_blocks;
        if number - U256::from(self.first) > U256::from(most) {
            return Err(limit(format!("too many blocks: at most {most}, those between counted")));
        }
        while U256::from(self.parent.number) + U256::from(1) < number {
            self.block(SimBlock::default())?;
        }
        Ok(())
    }

    fn block(&mut self, block: SimBlock) -> Result<(), Failure> {
        let most = self.context.limits.max_simulated_blocks;
        if self.blocks.len() as u64 >= most {
            return Err(limit(format!("too many blocks: at most {most}")));
        }
        let overrides = Overrides {
            state: state_override(block.state_overrides.unwrap_or_default())?,
            block: block_override(block.block_overrides.unwrap_or_default())?,
        };
        let mut at = self.next_block();
        overrides.apply_to(&mut at, &mut self.state).map_err(Failure::internal)?;
        let (time, before) = (at.attributes.timestamp, self.parent.timestamp);
        if time <= before {
            let message = format!("block timestamps must be in order: {time} <= {before}");
            return Err(Failure::new(TIMESTAMP, message));
        }
        fork_overrides(&mut self.fork, &self.state, &overrides.state)?;

        let mut simulator =
            BlockSimulator::new(&self.spec, at, &self.state, self.options).map_err(refused)?;
        let mut transactions = Vec::with_capacity(block.calls.len());
        let mut calls = Vec::with_capacity(block.calls.len());
        for request in block.calls {
            if self.begun.elapsed() > self.context.limits.request_timeout {
                return Err(Failure::new(TIMED_OUT, "execution timeout: simulate fewer calls"));
            }
            let (tx, call) = run(self.context, &mut simulator, request, &mut self.gas)?;
            transactions.push(tx);
            calls.push(call);
        }
        let outcome = simulator.finish().map_err(refused)?;
        self.state.apply(&outcome.diff);
        self.fork.apply(&outcome.diff);
        let (state_root, withdrawals_root) = self.fork.roots(&self.spec);
        let ran = transactions.iter().map(|tx| &tx.tx).zip(&outcome.receipts);
        let lists = ListRoots::of(ran);
        let header = outcome.seal_header(&lists, state_root, withdrawals_root).seal_slow();
        self.state.set_block_hash(header.number, header.seal());
        self.parent = header.clone();
        let record = BlockRecord::new(header, transactions, outcome.receipts);
        let calls = results(&record, calls);
        self.blocks.push(Simulated { record, calls, full: self.full });
        Ok(())
    }

    /// The next block as it is if nothing is overridden.
    fn next_block(&self) -> BlockContext {
        let attributes = BlockAttributes {
            timestamp: self.parent.timestamp.saturating_add(1),
            beneficiary: self.parent.beneficiary,
            gas_limit: self.parent.gas_limit,
            ..BlockAttributes::default()
        };
        let mut next = BlockContext::next(&self.spec, &self.parent, attributes);
        if !self.options.validation {
            next.base_fee = 0;
        }
        next
    }
}

/// Lays the overrides, which `state` has already, over the trie.
fn fork_overrides(
    fork: &mut StateFork,
    state: &StateOverlay<StateView>,
    overrides: &StateOverride,
) -> Result<(), Failure> {
    for (address, account) in overrides {
        let after = state.account(address).map_err(Failure::internal)?;
        let slots = account.state.iter().flatten().chain(&account.state_diff);
        let slots = slots.map(|(slot, value)| ((*slot).into(), (*value).into()));
        fork.set(address, after.as_ref(), account.state.is_some(), slots);
    }
    Ok(())
}

/// Runs a call, with what the client left open chosen: the sender's nonce, and all the gas that
/// is left.
fn run(
    context: &Context,
    simulator: &mut BlockSimulator<'_, StateOverlay<StateView>>,
    request: TransactionRequest,
    budget: &mut u64,
) -> Result<(RecoveredTransaction, SimulatedCall), Failure> {
    let nonce = request.nonce;
    let request = call_request(context, request)?;
    let nonce = match nonce {
        Some(nonce) => nonce,
        None => simulator.nonce(&request.from).map_err(Failure::internal)?,
    };
    if *budget == 0 {
        let cap = context.limits.call_gas;
        return Err(limit(format!("the calls use more than {cap} gas, the most for a request")));
    }
    // What a client asks for must fit into the block, whatever of it the node is ready to spend.
    let available = simulator.gas_left();
    let gas_limit = request.gas.unwrap_or(available);
    if gas_limit > available {
        return Err(invalid(&InvalidTx::BlockGasExceeded { gas_limit, available }));
    }
    let gas = gas_limit.min(*budget);
    let call = simulator.call(&request, nonce, gas).map_err(refused)?;
    *budget = budget.saturating_sub(call.outcome.gas_used());
    let chain_id = context.chain.spec().chain_id;
    let sender = request.from;
    Ok((RecoveredTransaction::new(unsigned(request, chain_id, nonce, gas), sender), call))
}

/// The transaction that a call would be, with a signature of zeros.
fn unsigned(request: CallRequest, chain_id: u64, nonce: u64, gas_limit: u64) -> Transaction {
    let tx_type = request.tx_type();
    let max_fee_per_gas = request.fee_cap();
    let max_priority_fee_per_gas = request.max_priority_fee_per_gas.unwrap_or_default();
    let CallRequest { to, value, input, access_list, .. } = request;
    let signature = Signature::new(U256::ZERO, U256::ZERO, false);
    // Blobs and authorizations come with a receiver only.
    let callee = || to.to().copied().unwrap_or(Address::ZERO);
    let gas_price = max_fee_per_gas;
    Transaction::Ethereum(match tx_type {
        0 => {
            let chain_id = Some(chain_id);
            let tx = TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input };
            tx.into_signed(signature).into()
        }
        1 => {
            let tx =
                TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input };
            tx.into_signed(signature).into()
        }
        3 => TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: callee(),
            value,
            access_list,
            blob_versioned_hashes: request.blob_hashes,
            max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
            input,
        }
        .into_signed(signature)
        .into(),
        4 => TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: callee(),
            value,
            access_list,
            authorization_list: request.authorization_list,
            input,
        }
        .into_signed(signature)
        .into(),
        _ => TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            input,
        }
        .into_signed(signature)
        .into(),
    })
}

/// What the calls of a block did, as the client reads it.
fn results(block: &BlockRecord, calls: Vec<SimulatedCall>) -> Vec<SimCallResult> {
    let mut log_index = 0;
    let calls = block.transactions.iter().enumerate().zip(calls);
    let results = calls.map(|((index, tx), call)| {
        let logs = call.logs.into_iter().map(|inner| {
            let log = Log {
                inner,
                block_hash: Some(block.hash()),
                block_number: Some(block.number()),
                block_timestamp: Some(block.header.timestamp),
                transaction_hash: Some(tx.hash()),
                transaction_index: Some(index as u64),
                log_index: Some(log_index),
                removed: false,
            };
            log_index += 1;
            log
        });
        let logs = logs.collect();
        let (gas_used, status) = (call.outcome.gas_used(), call.outcome.is_success());
        let (return_data, error) = match call.outcome {
            CallOutcome::Success { output, .. } => (output, None),
            CallOutcome::Revert { output, .. } => {
                let message = Failure::reverted(&output).message.into_owned();
                let data = Some(output.clone());
                (output, Some(SimulateError { code: EXECUTION_REVERTED, message, data }))
            }
            CallOutcome::Halt { reason, .. } => {
                let message = halt_words(&reason);
                (Default::default(), Some(SimulateError { code: VM_ERROR, message, data: None }))
            }
        };
        let max_used_gas = Some(call.max_used_gas);
        SimCallResult { return_data, logs, gas_used, max_used_gas, status, error }
    });
    results.collect()
}

/// A call that cannot be in its block: with it the simulation ends.
fn refused<E: Display>(error: ExecuteError<E>) -> Failure {
    match error {
        ExecuteError::Invalid(reason) => invalid(&reason),
        error => super::call::failed(error),
    }
}

fn invalid(reason: &InvalidTx) -> Failure {
    let code = match reason {
        InvalidTx::NonceTooLow { .. } => NONCE_TOO_LOW,
        InvalidTx::NonceTooHigh { .. } | InvalidTx::NonceMax => NONCE_TOO_HIGH,
        InvalidTx::FeeBelowBaseFee { .. } => FEE_TOO_LOW,
        InvalidTx::IntrinsicGas { .. } | InvalidTx::FloorGas { .. } => INTRINSIC_GAS,
        InvalidTx::InsufficientFunds { .. } => INSUFFICIENT_FUNDS,
        InvalidTx::BlockGasExceeded { .. } => BLOCK_GAS,
        InvalidTx::SenderHasCode => SENDER_HAS_CODE,
        InvalidTx::InitCodeTooLong => INIT_CODE_TOO_LONG,
        _ => return Failure::invalid_params(reason.to_string()),
    };
    Failure::new(code, reason.to_string())
}
