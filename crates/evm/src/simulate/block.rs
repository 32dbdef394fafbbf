//! Calls as the transactions of a block: `eth_simulateV1`.
//!
//! The block begins as a real one does, with the system calls of EIP-4788 and EIP-2935. No call
//! has a signature, and therefore none pays the L2's fee for L1 data, which is a price for the
//! bytes of a signed transaction.

use super::{CallOutcome, CallRequest, suspend, transfers::Transfers};
use crate::{
    block::{BlockOutcome, begin_block},
    context::BlockContext,
    diff::state_diff,
    error::{ExecuteError, InvalidTx, from_evm},
    evm::{LayerEvm, layer_evm, nonce},
    handler::LayerHandler,
    spec::ChainSpec,
    state::StateReader,
};
use alloc::vec::Vec;
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use core::fmt;
use mezz_primitives::{Address, Log, Receipt};
use revm::{
    context::result::ExecutionResult, handler::Handler as _, inspector::InspectorHandler as _,
};

/// How strict a simulated block is, and what it tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockOptions {
    /// Whether nonces and fees must be those of a real transaction. Senders may have code either
    /// way.
    pub validation: bool,
    /// Whether transfers of ether are among the logs of a call, as those of a token at
    /// 0xeeee…eeee (ERC-7528).
    pub trace_transfers: bool,
}

/// What a call in a simulated block did.
#[derive(Clone, Debug)]
pub struct SimulatedCall {
    /// What came of it.
    pub outcome: CallOutcome,
    /// Its logs and, if asked for, its transfers. The receipt has the logs alone.
    pub logs: Vec<Log>,
    /// Gas used before refunds.
    pub max_used_gas: u64,
}

/// Simulates the calls of one block.
pub struct BlockSimulator<'a, S: StateReader> {
    spec: ChainSpec,
    context: BlockContext,
    options: BlockOptions,
    state: &'a S,
    evm: LayerEvm<'a, S, Transfers>,
    receipts: Vec<Receipt>,
    gas_used: u64,
    blob_gas_used: u64,
}

impl<S: StateReader> fmt::Debug for BlockSimulator<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockSimulator").field("context", &self.context).finish_non_exhaustive()
    }
}

impl<'a, S: StateReader> BlockSimulator<'a, S> {
    /// Begins the block of `context` on `state`.
    pub fn new(
        spec: &ChainSpec,
        context: BlockContext,
        state: &'a S,
        options: BlockOptions,
    ) -> Result<Self, ExecuteError<S::Error>> {
        let mut evm = layer_evm(spec, &context, state, Transfers::default());
        begin_block(&mut evm, spec, &context)?;
        Ok(Self {
            spec: *spec,
            context,
            options,
            state,
            evm,
            receipts: Vec::new(),
            gas_used: 0,
            blob_gas_used: 0,
        })
    }

    /// Gas that the block has left.
    pub const fn gas_left(&self) -> u64 {
        self.context.attributes.gas_limit.saturating_sub(self.gas_used)
    }

    /// Nonce of an account at this point of the block.
    pub fn nonce(&self, address: &Address) -> Result<u64, S::Error> {
        nonce(&self.evm, address)
    }

    /// Runs the next call, with this nonce and `gas` as its limit.
    pub fn call(
        &mut self,
        request: &CallRequest,
        nonce: u64,
        gas: u64,
    ) -> Result<SimulatedCall, ExecuteError<S::Error>> {
        let available = self.gas_left();
        if gas > available {
            return Err(InvalidTx::BlockGasExceeded { gas_limit: gas, available }.into());
        }
        suspend(&mut self.evm, request.fee_cap() > 0 || self.options.validation);
        self.evm.ctx.cfg.disable_nonce_check = !self.options.validation;
        self.evm.ctx.tx = request.tx_env(&self.spec, &self.context, gas);
        self.evm.ctx.tx.nonce = nonce;
        self.evm.ctx.chain.mint = None;
        let mut handler = LayerHandler::default();
        let result = if self.options.trace_transfers {
            handler.inspect_run(&mut self.evm)
        } else {
            handler.run(&mut self.evm)
        };
        let traced = self.evm.inspector.take();
        let result: ExecutionResult =
            result.map_err(|error| from_evm(error, self.context.base_fee, self.spec.chain_id))?;

        let gas_result = result.gas();
        let max_used_gas = gas_result.total_gas_spent().max(gas_result.floor_gas());
        let outcome = CallOutcome::from(result);
        let own_logs = match &outcome {
            CallOutcome::Success { logs, .. } => logs.clone(),
            CallOutcome::Revert { .. } | CallOutcome::Halt { .. } => Vec::new(),
        };
        self.gas_used = self.gas_used.saturating_add(outcome.gas_used());
        let blob_gas = DATA_GAS_PER_BLOB.saturating_mul(request.blob_hashes.len() as u64);
        self.blob_gas_used = self.blob_gas_used.saturating_add(blob_gas);
        self.receipts.push(Receipt {
            tx_type: request.tx_type(),
            success: outcome.is_success(),
            cumulative_gas_used: self.gas_used,
            logs: own_logs.clone(),
            deposit_nonce: None,
        });
        let logs = if self.options.trace_transfers { traced } else { own_logs };
        Ok(SimulatedCall { outcome, logs, max_used_gas })
    }

    /// Ends the block.
    pub fn finish(mut self) -> Result<BlockOutcome, ExecuteError<S::Error>> {
        let state = self.evm.ctx.journaled_state.inner.finalize();
        let diff = state_diff(&state, self.state).map_err(ExecuteError::State)?;
        Ok(BlockOutcome {
            context: self.context,
            receipts: self.receipts,
            gas_used: self.gas_used,
            blob_gas_used: self.blob_gas_used,
            diff,
        })
    }
}
