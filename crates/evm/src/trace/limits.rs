//! Bounds on what tracers keep in memory, and on how long they run.

use super::TraceError;
use crate::{evm::LayerContext, state::StateReader};
use alloc::collections::{BTreeMap, BTreeSet};
use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use core::fmt;
use mezz_primitives::{Address, Log, U256};
use revm::{
    Inspector,
    bytecode::opcode::{SLOAD, SSTORE},
    context::ContextError,
    handler::FrameResult,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, FrameInput, Interpreter,
        interpreter_types::{InputsTr as _, Jumps as _, MemoryTr as _},
    },
    state::EvmState,
};
use revm_inspectors::tracing::{DebugInspector, DebugInspectorError};

/// What the traces of one answer may take.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// Bytes while they are made, about.
    pub max_bytes: usize,
    /// Asked now and then whether to give up.
    pub expired: &'a dyn Fn() -> bool,
}

impl fmt::Debug for Bounds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounds").field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

// About what a part of a trace takes, as the tracer records it and in the answer made from that.
/// A step without its stack and memory.
const STEP: usize = 512;
/// A stack word of a step.
const WORD: usize = 64;
/// A byte of memory of a step: the answer has it as words in hexadecimal.
const MEMORY: usize = 4;
/// A slot of a step that reads or writes one: the answer lists all that were met before.
const SLOT: usize = 96;
/// A call or creation without its data.
const CALL: usize = 2_048;
/// A log without its data.
const LOG: usize = 512;
/// An account in a list of what was touched.
const ACCOUNT: usize = 512;

/// Steps between two looks at the clock.
const STEPS_BETWEEN_LOOKS: u32 = 4_096;

/// Why a trace is given up.
#[derive(Clone, Copy, Debug)]
enum Stop {
    TooLarge,
    Expired,
}

/// What the traces of one answer may still take together.
pub(super) struct Budget<'a> {
    bytes: usize,
    bounds: Bounds<'a>,
    steps: u32,
    stop: Option<Stop>,
}

impl fmt::Debug for Budget<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl<'a> Budget<'a> {
    pub(super) const fn new(bounds: Bounds<'a>) -> Self {
        Self { bytes: bounds.max_bytes, bounds, steps: 0, stop: None }
    }

    fn charge(&mut self, bytes: usize) {
        match self.bytes.checked_sub(bytes) {
            Some(left) => self.bytes = left,
            None => self.stop = Some(Stop::TooLarge),
        }
    }

    /// Looks at the clock from time to time.
    fn look(&mut self, steps: u32) {
        self.steps += steps;
        if self.steps >= STEPS_BETWEEN_LOOKS {
            self.steps = 0;
            if (self.bounds.expired)() {
                self.stop = Some(Stop::Expired);
            }
        }
    }

    /// Error: the budget was exceeded, and there is no trace.
    pub(super) const fn check<E>(&self) -> Result<(), TraceError<E>> {
        match self.stop {
            None => Ok(()),
            Some(Stop::TooLarge) => Err(TraceError::TooLarge { max: self.bounds.max_bytes }),
            Some(Stop::Expired) => Err(TraceError::Expired),
        }
    }
}

/// What a tracer records of each step.
#[derive(Clone, Copy, Debug, Default)]
struct Steps {
    /// So many of them.
    left: u64,
    stack: bool,
    memory: bool,
    storage: bool,
}

/// A tracer whose records are paid for from a budget before they are made.
#[derive(Debug)]
pub(super) struct Metered<'b, 'a> {
    pub(super) inspector: DebugInspector,
    budget: &'b mut Budget<'a>,
    steps: Steps,
    /// Slots met so far, by account.
    slots: BTreeMap<Address, BTreeSet<U256>>,
}

impl<'b, 'a> Metered<'b, 'a> {
    pub(super) fn new(
        options: GethDebugTracingOptions,
        budget: &'b mut Budget<'a>,
    ) -> Result<Self, DebugInspectorError> {
        let inspector = DebugInspector::new(options)?;
        let steps = match &inspector {
            DebugInspector::Default(_, options) => Steps {
                left: options.limit.filter(|limit| *limit != 0).unwrap_or(u64::MAX),
                stack: options.is_stack_enabled(),
                memory: options.is_memory_enabled(),
                storage: options.is_storage_enabled(),
            },
            DebugInspector::Erc7562Tracer(..) => {
                Steps { left: u64::MAX, stack: true, memory: true, storage: false }
            }
            _ => Steps::default(),
        };
        Ok(Self { inspector, budget, steps, slots: BTreeMap::new() })
    }

    /// Pays for what is made from the accounts that were touched, before it is made.
    pub(super) fn charge_accounts(&mut self, state: &EvmState) {
        if !matches!(self.inspector, DebugInspector::PreStateTracer(..) | DebugInspector::Mux(..)) {
            return;
        }
        for account in state.values() {
            let code = account.info.code.as_ref().map_or(0, |code| code.len());
            self.budget.charge(ACCOUNT + 2 * SLOT * account.storage.len() + code);
        }
    }

    /// Error: the budget was exceeded, and there is no trace.
    pub(super) const fn check<E>(&self) -> Result<(), TraceError<E>> {
        self.budget.check()
    }

    fn charge_step(&mut self, interp: &Interpreter) {
        if self.steps.left == 0 {
            return;
        }
        self.steps.left -= 1;
        let mut bytes = STEP;
        if self.steps.stack {
            bytes += WORD * interp.stack.len();
        }
        if self.steps.memory {
            bytes += MEMORY * interp.memory.size();
        }
        if self.steps.storage
            && matches!(interp.bytecode.opcode(), SLOAD | SSTORE)
            && let Some(slot) = interp.stack.data().last()
        {
            let slots = self.slots.entry(interp.input.target_address()).or_default();
            slots.insert(*slot);
            bytes += SLOT * (slots.len() + 1);
        }
        self.budget.charge(bytes);
    }

    /// Whether the tracer goes on; if not, so does the EVM not.
    fn goes_on<S: StateReader>(&self, context: &mut LayerContext<'_, S>) -> bool {
        if self.budget.stop.is_some() && context.error.is_ok() {
            context.error = Err(ContextError::Custom("the trace is given up".into()));
        }
        self.budget.stop.is_none()
    }
}

impl<'s, S: StateReader> Inspector<LayerContext<'s, S>> for Metered<'_, '_> {
    fn initialize_interp(&mut self, interp: &mut Interpreter, context: &mut LayerContext<'s, S>) {
        if self.goes_on(context) {
            self.inspector.initialize_interp(interp, context);
        }
    }

    fn step(&mut self, interp: &mut Interpreter, context: &mut LayerContext<'s, S>) {
        self.budget.look(1);
        self.charge_step(interp);
        if self.goes_on(context) {
            self.inspector.step(interp, context);
        } else {
            interp.halt_fatal();
        }
    }

    fn step_end(&mut self, interp: &mut Interpreter, context: &mut LayerContext<'s, S>) {
        if self.goes_on(context) {
            self.inspector.step_end(interp, context);
        }
    }

    fn log(&mut self, context: &mut LayerContext<'s, S>, log: Log) {
        self.budget.charge(LOG + log.data.data.len());
        if self.goes_on(context) {
            self.inspector.log(context, log);
        }
    }

    fn log_full(&mut self, interp: &mut Interpreter, context: &mut LayerContext<'s, S>, log: Log) {
        self.budget.charge(LOG + log.data.data.len());
        if self.goes_on(context) {
            self.inspector.log_full(interp, context, log);
        }
    }

    fn frame_start(
        &mut self,
        context: &mut LayerContext<'s, S>,
        frame_input: &mut FrameInput,
    ) -> Option<FrameResult> {
        if self.goes_on(context) { self.inspector.frame_start(context, frame_input) } else { None }
    }

    fn frame_end(
        &mut self,
        context: &mut LayerContext<'s, S>,
        frame_input: &FrameInput,
        frame_result: &mut FrameResult,
    ) {
        if self.goes_on(context) {
            self.inspector.frame_end(context, frame_input, frame_result);
        }
    }

    fn call(
        &mut self,
        context: &mut LayerContext<'s, S>,
        inputs: &mut CallInputs,
    ) -> Option<CallOutcome> {
        self.budget.charge(CALL + inputs.input.len());
        if self.goes_on(context) { self.inspector.call(context, inputs) } else { None }
    }

    fn call_end(
        &mut self,
        context: &mut LayerContext<'s, S>,
        inputs: &CallInputs,
        outcome: &mut CallOutcome,
    ) {
        self.budget.charge(outcome.result.output.len());
        if self.goes_on(context) {
            self.inspector.call_end(context, inputs, outcome);
        }
    }

    fn create(
        &mut self,
        context: &mut LayerContext<'s, S>,
        inputs: &mut CreateInputs,
    ) -> Option<CreateOutcome> {
        self.budget.charge(CALL + inputs.init_code().len());
        if self.goes_on(context) { self.inspector.create(context, inputs) } else { None }
    }

    fn create_end(
        &mut self,
        context: &mut LayerContext<'s, S>,
        inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        self.budget.charge(outcome.result.output.len());
        if self.goes_on(context) {
            self.inspector.create_end(context, inputs, outcome);
        }
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        if self.budget.stop.is_none() {
            Inspector::<LayerContext<'s, S>>::selfdestruct(
                &mut self.inspector,
                contract,
                target,
                value,
            );
        }
    }
}
