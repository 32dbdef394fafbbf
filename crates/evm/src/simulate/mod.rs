//! Calls that leave no trace: `eth_call`, `eth_estimateGas`, `eth_createAccessList`,
//! `eth_simulateV1`.
//!
//! A simulated call needs no signature. It has no nonce to match, may come from a contract, may
//! exceed the block's gas limit and EIP-7825's cap, and pays only if it names a fee. The gas cap
//! that every function takes bounds its work.

mod access_list;
mod block;
mod estimate;
mod overrides;
mod transfers;

pub use access_list::{AccessListOutcome, create_access_list};
pub use block::{BlockOptions, BlockSimulator, SimulatedCall};
pub use estimate::{EstimateError, estimate_gas};
pub use overrides::{AccountOverride, BlockOverride, Overrides, StateOverride};

use crate::{
    context::BlockContext,
    diff::state_diff,
    error::{ExecuteError, from_evm},
    evm::{LayerEvm, layer_evm, transact},
    spec::ChainSpec,
    state::StateReader,
    transaction::empty,
};
use alloc::vec::Vec;
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use core::fmt;
use mezz_primitives::{Address, B256, Bytes, Log, StateDiff, TxKind, U256};
use revm::{
    context::{
        TxEnv,
        result::{ExecutionResult, HaltReason, Output},
    },
    context_interface::either::Either,
    state::EvmState,
};

/// A call to simulate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// The sender; the zero address if nobody.
    pub from: Address,
    /// The callee, or creation of a contract.
    pub to: TxKind,
    /// Gas limit; the gas cap if absent.
    pub gas: Option<u64>,
    /// Wei for a gas, in the form of a legacy transaction.
    pub gas_price: Option<u128>,
    /// Wei for a gas at most.
    pub max_fee_per_gas: Option<u128>,
    /// Wei for a gas to the beneficiary at most.
    pub max_priority_fee_per_gas: Option<u128>,
    /// Wei for a blob gas at most; the blob base fee if absent.
    pub max_fee_per_blob_gas: Option<u128>,
    /// Wei sent along.
    pub value: U256,
    /// Calldata or creation code.
    pub input: Bytes,
    /// What is accessed at the warm price (EIP-2930).
    pub access_list: AccessList,
    /// Delegations to set first (EIP-7702).
    pub authorization_list: Vec<SignedAuthorization>,
    /// Versioned hashes of blobs (EIP-4844).
    pub blob_hashes: Vec<B256>,
}

impl CallRequest {
    /// The most that it pays for a gas, in wei; zero if it names no fee.
    pub fn fee_cap(&self) -> u128 {
        self.max_fee_per_gas.or(self.gas_price).unwrap_or_default()
    }

    /// The EIP-2718 type of the transaction that it would be: that with dynamic fees if nothing
    /// asks for another.
    pub fn tx_type(&self) -> u8 {
        if !self.authorization_list.is_empty() {
            4
        } else if !self.blob_hashes.is_empty() {
            3
        } else if self.gas_price.is_none() {
            2
        } else {
            u8::from(!self.access_list.0.is_empty())
        }
    }

    pub(crate) fn tx_env(&self, spec: &ChainSpec, block: &BlockContext, gas_cap: u64) -> TxEnv {
        let tx_type = self.tx_type();
        TxEnv {
            tx_type,
            caller: self.from,
            gas_limit: self.gas.unwrap_or(gas_cap).min(gas_cap),
            gas_price: self.fee_cap(),
            kind: self.to,
            value: self.value,
            data: self.input.clone(),
            chain_id: Some(spec.chain_id),
            access_list: self.access_list.clone(),
            gas_priority_fee: (tx_type >= 2)
                .then(|| self.max_priority_fee_per_gas.or(self.gas_price).unwrap_or_default()),
            blob_hashes: self.blob_hashes.clone(),
            max_fee_per_blob_gas: self.max_fee_per_blob_gas.unwrap_or(block.blob_base_fee),
            authorization_list: self.authorization_list.iter().cloned().map(Either::Left).collect(),
            ..empty()
        }
    }
}

/// What a simulated call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It succeeded.
    Success {
        /// What it returned; the code of a created contract.
        output: Bytes,
        /// Gas used after refunds.
        gas_used: u64,
        /// Gas used before refunds: what its limit must cover.
        gas_spent: u64,
        /// Its logs.
        logs: Vec<Log>,
        /// The contract that it created.
        created: Option<Address>,
    },
    /// It reverted.
    Revert {
        /// What it reverted with.
        output: Bytes,
        /// Gas used.
        gas_used: u64,
    },
    /// It stopped for another reason and used all of its gas.
    Halt {
        /// The reason.
        reason: HaltReason,
        /// Gas used.
        gas_used: u64,
    },
}

impl CallOutcome {
    /// Gas used after refunds.
    pub const fn gas_used(&self) -> u64 {
        match self {
            Self::Success { gas_used, .. }
            | Self::Revert { gas_used, .. }
            | Self::Halt { gas_used, .. } => *gas_used,
        }
    }

    /// Whether it succeeded.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success { .. })
    }
}

impl From<ExecutionResult> for CallOutcome {
    fn from(result: ExecutionResult) -> Self {
        let gas_used = result.tx_gas_used();
        match result {
            ExecutionResult::Success { output, logs, gas, .. } => {
                let gas_spent = gas.total_gas_spent().max(gas.floor_gas());
                let (output, created) = match output {
                    Output::Call(data) => (data, None),
                    Output::Create(data, created) => (data, created),
                };
                Self::Success { output, gas_used, gas_spent, logs, created }
            }
            ExecutionResult::Revert { output, .. } => Self::Revert { output, gas_used },
            ExecutionResult::Halt { reason, .. } => Self::Halt { reason, gas_used },
        }
    }
}

/// Simulates `request` in the block `block` on `state`, with at most `gas_cap` gas.
pub fn call<S: StateReader>(
    spec: &ChainSpec,
    block: &BlockContext,
    state: &S,
    request: &CallRequest,
    gas_cap: u64,
) -> Result<CallOutcome, ExecuteError<S::Error>> {
    Simulator::new(spec, block, state).call(request, gas_cap)
}

/// Simulates calls one after another in one block, each on what the one before left.
pub struct Simulator<'a, S: StateReader> {
    spec: ChainSpec,
    block: BlockContext,
    state: &'a S,
    evm: LayerEvm<'a, S>,
}

impl<S: StateReader> fmt::Debug for Simulator<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("block", &self.block).finish_non_exhaustive()
    }
}

impl<'a, S: StateReader> Simulator<'a, S> {
    /// Begins in the block `block` on `state`.
    pub fn new(spec: &ChainSpec, block: &BlockContext, state: &'a S) -> Self {
        let mut evm = layer_evm(spec, block, state, ());
        relax(&mut evm, false);
        Self { spec: *spec, block: block.clone(), state, evm }
    }

    /// Simulates the next call, with at most `gas_cap` gas.
    pub fn call(
        &mut self,
        request: &CallRequest,
        gas_cap: u64,
    ) -> Result<CallOutcome, ExecuteError<S::Error>> {
        relax(&mut self.evm, request.fee_cap() > 0);
        let tx = request.tx_env(&self.spec, &self.block, gas_cap);
        transact(&mut self.evm, tx, None, U256::ZERO)
            .map(CallOutcome::from)
            .map_err(|error| from_evm(error, self.block.base_fee, self.spec.chain_id))
    }

    /// What the calls changed in the state.
    pub fn finish(self) -> Result<StateDiff, S::Error> {
        let state = self.state;
        state_diff(&self.into_evm_state(), state)
    }

    fn into_evm_state(mut self) -> EvmState {
        self.evm.ctx.journaled_state.inner.finalize()
    }
}

/// Suspends the rules that a simulated call need not keep.
pub(crate) fn relax<S: StateReader, I>(evm: &mut LayerEvm<'_, S, I>, pays: bool) {
    suspend(evm, pays);
    evm.ctx.cfg.disable_nonce_check = true;
}

/// Suspends the rules that hold for signed transactions and for the rest of a block only.
fn suspend<S: StateReader, I>(evm: &mut LayerEvm<'_, S, I>, pays: bool) {
    let cfg = &mut evm.ctx.cfg;
    cfg.disable_eip3607 = true;
    cfg.disable_block_gas_limit = true;
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    cfg.disable_base_fee = !pays;
    cfg.disable_fee_charge = !pays;
}
