//! Replay of transactions and calls under the tracers of `debug_traceTransaction` and
//! `debug_traceCall`.
//!
//! The tracers are geth's, as revm-inspectors builds them: struct logs, and the [`TRACERS`] by name.
//! Tracers written in JavaScript are refused. A traced transaction runs under the same handler as in
//! its block, so that a deposit is traced as a deposit.
//!
//! The traces of one call of these functions take the memory that their [`Bounds`] give at most,
//! about; then, and when the time that the caller measures is up, there is an error and no trace.

mod limits;

use crate::{
    block::BlockExecutor,
    context::BlockContext,
    diff::state_diff,
    error::{ExecuteError, from_evm},
    evm::layer_evm,
    handler::LayerHandler,
    l1_fee::read_l1_fee_params,
    overlay::StateOverlay,
    simulate::{CallRequest, relax},
    spec::ChainSpec,
    state::{ReadError, StateDb, StateReader},
    transaction::tx_env,
};
use alloc::{string::String, vec::Vec};
use alloy_rpc_types_trace::geth::{GethDebugTracerType, GethDebugTracingOptions, GethTrace};
pub use limits::Bounds;
use limits::{Budget, Metered};
use mezz_primitives::{Header, RecoveredTransaction, U256, fee::BatchSizer};
use revm::{
    context::{TxEnv, result::ResultAndState},
    inspector::InspectorHandler,
    state::EvmState,
};
use revm_inspectors::tracing::{DebugInspectorError, MuxError, TransactionContext};

/// The tracers that have names. Without a name it is struct logs.
pub const TRACERS: [&str; 8] = [
    "callTracer",
    "prestateTracer",
    "flatCallTracer",
    "4byteTracer",
    "muxTracer",
    "noopTracer",
    "stateGasTracer",
    "erc7562Tracer",
];

/// Characters of the name of a tracer that an error repeats: it may be a program.
const MAX_NAME: usize = 64;

/// There is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError<E> {
    /// There is no tracer of this name, of which there is no more than the beginning here.
    #[error(
        "unknown tracer {name:?}; there are {}, but none in JavaScript",
        TRACERS.join(", ")
    )]
    UnknownTracer {
        /// The name.
        name: String,
    },
    /// The configuration of the tracer is not one.
    #[error("{0}")]
    Tracer(#[source] DebugInspectorError),
    /// The transaction did not run. In a block of the chain that is a defect.
    #[error(transparent)]
    Execute(#[from] ExecuteError<E>),
    /// The block has no transaction with this index.
    #[error("the block has {transactions} transactions, none with index {index}")]
    NoSuchTransaction {
        /// The index asked for.
        index: usize,
        /// What there are.
        transactions: usize,
    },
    /// The trace would be larger than a node holds in memory.
    #[error(
        "the trace is too large: more than {max} bytes; ask for less with `limit`, switch memory, stack and storage off, or trace transactions one by one"
    )]
    TooLarge {
        /// The bytes that it may take.
        max: usize,
    },
    /// The caller's time is up.
    #[error("execution timeout")]
    Expired,
}

/// Traces transaction `index` of the block with `header`, whose transactions are `transactions`;
/// `state` is the state after its parent.
pub fn trace_transaction<S: StateReader>(
    spec: &ChainSpec,
    header: &Header,
    state: &S,
    transactions: &[RecoveredTransaction],
    index: usize,
    options: &GethDebugTracingOptions,
    bounds: Bounds<'_>,
) -> Result<GethTrace, TraceError<S::Error>> {
    let Some(traced) = transactions.get(index) else {
        return Err(TraceError::NoSuchTransaction { index, transactions: transactions.len() });
    };
    let replay = Replay::new(spec, header, state, &transactions[..index])?;
    Ok(replay.trace(traced, index, options, &mut Budget::new(bounds))?.0)
}

/// Traces every transaction of a block, in order. Arguments as of [`trace_transaction`].
pub fn trace_block<S: StateReader>(
    spec: &ChainSpec,
    header: &Header,
    state: &S,
    transactions: &[RecoveredTransaction],
    options: &GethDebugTracingOptions,
    bounds: Bounds<'_>,
) -> Result<Vec<GethTrace>, TraceError<S::Error>> {
    let mut replay = Replay::new(spec, header, state, &[])?;
    let mut budget = Budget::new(bounds);
    let mut traces = Vec::with_capacity(transactions.len());
    for (index, tx) in transactions.iter().enumerate() {
        let (trace, after) = replay.trace(tx, index, options, &mut budget)?;
        let diff = state_diff(&after, &replay.state).map_err(ExecuteError::State)?;
        replay.state.apply(&diff);
        traces.push(trace);
    }
    Ok(traces)
}

/// Traces a simulated call in `block` on `state`, with at most `gas_cap` gas.
pub fn trace_call<S: StateReader>(
    spec: &ChainSpec,
    block: &BlockContext,
    state: &S,
    request: &CallRequest,
    gas_cap: u64,
    options: &GethDebugTracingOptions,
    bounds: Bounds<'_>,
) -> Result<GethTrace, TraceError<S::Error>> {
    let run = Run {
        tx: request.tx_env(spec, block, gas_cap),
        mint: None,
        l1_fee: U256::ZERO,
        simulated: Some(request.fee_cap() > 0),
    };
    let budget = &mut Budget::new(bounds);
    Ok(run.trace(spec, block, state, TransactionContext::default(), options, budget)?.0)
}

/// A block up to the transaction that is traced next.
struct Replay<'a, S> {
    spec: &'a ChainSpec,
    block: BlockContext,
    block_hash: mezz_primitives::B256,
    state: StateOverlay<&'a S>,
}

impl<'a, S: StateReader> Replay<'a, S> {
    fn new(
        spec: &'a ChainSpec,
        header: &Header,
        state: &'a S,
        before: &[RecoveredTransaction],
    ) -> Result<Self, ExecuteError<S::Error>> {
        // The block is in the chain: who may send was decided when it was made.
        let block =
            BlockContext { allow_contract_senders: true, ..BlockContext::of_header(spec, header) };
        let mut executor = BlockExecutor::with_context(spec, block.clone(), state)?;
        for tx in before {
            executor.execute(tx)?;
        }
        let diff = executor.finish()?.diff;
        let mut state = StateOverlay::new(state);
        state.apply(&diff);
        Ok(Self { spec, block, block_hash: header.hash_slow(), state })
    }

    fn trace(
        &self,
        tx: &RecoveredTransaction,
        index: usize,
        options: &GethDebugTracingOptions,
        budget: &mut Budget<'_>,
    ) -> Result<(GethTrace, EvmState), TraceError<S::Error>> {
        let l1_fee = if self.spec.is_l2() && !tx.tx.is_deposit() {
            let params = read_l1_fee_params(&self.state).map_err(ExecuteError::State)?;
            params.l1_fee(tx.batch_size(&mut BatchSizer::default()))
        } else {
            U256::ZERO
        };
        let run = Run {
            tx: tx_env(&tx.tx, tx.sender),
            mint: tx.tx.as_deposit().map(|deposit| deposit.mint),
            l1_fee,
            simulated: None,
        };
        let context = TransactionContext {
            block_hash: Some(self.block_hash),
            tx_index: Some(index),
            tx_hash: Some(tx.hash()),
        };
        run.trace(self.spec, &self.block, &self.state, context, options, budget)
    }
}

/// One execution under a tracer.
struct Run {
    tx: TxEnv,
    mint: Option<u128>,
    l1_fee: U256,
    /// Of a simulated call: whether it pays.
    simulated: Option<bool>,
}

impl Run {
    fn trace<S: StateReader>(
        self,
        spec: &ChainSpec,
        block: &BlockContext,
        state: &S,
        context: TransactionContext,
        options: &GethDebugTracingOptions,
        budget: &mut Budget<'_>,
    ) -> Result<(GethTrace, EvmState), TraceError<S::Error>> {
        let inspector = Metered::new(options.clone(), budget)
            .map_err(|error| no_tracer(error, options.tracer.as_ref()))?;
        let mut evm = layer_evm(spec, block, state, inspector);
        if let Some(pays) = self.simulated {
            relax(&mut evm, pays);
        }
        evm.ctx.tx = self.tx;
        evm.ctx.chain.mint = self.mint;
        evm.ctx.chain.l1_fee = self.l1_fee;
        let result = LayerHandler::default().inspect_run(&mut evm);
        evm.inspector.check()?;
        let result = result.map_err(|error| from_evm(error, block.base_fee, spec.chain_id))?;
        let after = evm.ctx.journaled_state.inner.finalize();
        evm.inspector.charge_accounts(&after);
        evm.inspector.check()?;
        let outcome = ResultAndState::new(result, after);
        let trace = evm
            .inspector
            .inspector
            .get_result(
                Some(context),
                &evm.ctx.tx,
                &evm.ctx.block,
                &outcome,
                &mut StateDb::new(state),
            )
            .map_err(|error| match error {
                DebugInspectorError::Database(ReadError(error)) => ExecuteError::State(error),
                other => ExecuteError::Internal(alloc::string::ToString::to_string(&other)),
            })?;
        Ok((trace, outcome.state))
    }
}

/// Why there is no tracer as it was `asked` for.
fn no_tracer<E>(error: DebugInspectorError, asked: Option<&GethDebugTracerType>) -> TraceError<E> {
    use DebugInspectorError::{JsTracerNotEnabled, MuxInspector, UnsupportedTracer};
    let unknown = match (&error, asked) {
        (JsTracerNotEnabled | UnsupportedTracer, Some(asked))
        | (MuxInspector(MuxError::UnsupportedTracerType(asked)), _) => asked,
        _ => return TraceError::Tracer(error),
    };
    TraceError::UnknownTracer { name: unknown.as_str().chars().take(MAX_NAME).collect() }
}
