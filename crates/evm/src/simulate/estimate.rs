//! The least gas limit with which a call succeeds.

use super::{CallOutcome, CallRequest, call};
use crate::{
    context::BlockContext,
    error::{ExecuteError, InvalidTx},
    spec::ChainSpec,
    state::StateReader,
};
use alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA;
use mezz_primitives::{Bytes, U256};
use revm::context::result::HaltReason;

/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;
/// Gas that a call with value hands to its callee for nothing; the callee may need it to be there.
const CALL_STIPEND: u64 = 2_300;
/// The search ends when the bounds are closer than this, in thousandths of the upper one.
const TOLERANCE: u64 = 15;

/// There is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError<E> {
    /// The call cannot be simulated.
    #[error(transparent)]
    Execute(#[from] ExecuteError<E>),
    /// The call reverts with any gas.
    #[error("execution reverted")]
    Reverted(Bytes),
    /// The call halts with any gas for a reason other than gas.
    #[error("execution failed: {0}")]
    Halted(HaltReason),
    /// The call needs more gas than it may have.
    #[error("gas required exceeds allowance ({allowance})")]
    Allowance {
        /// The least of the request's limit, the gas cap, the block's limit, EIP-7825's cap and
        /// what the sender can pay for.
        allowance: u64,
    },
}

/// The least gas limit with which `request` succeeds in `block`, up to 1.5 % more, found by
/// bisection as geth does it. On L2 the fee for L1 data is not part of it.
pub fn estimate_gas<S: StateReader>(
    spec: &ChainSpec,
    block: &BlockContext,
    state: &S,
    request: &CallRequest,
    gas_cap: u64,
) -> Result<u64, EstimateError<S::Error>> {
    let allowance = allowance(block, state, request, gas_cap)?;
    let attempt = |gas: u64| -> Result<Option<CallOutcome>, ExecuteError<S::Error>> {
        let request = CallRequest { gas: Some(gas), ..request.clone() };
        match call(spec, block, state, &request, gas) {
            Ok(outcome) => Ok(Some(outcome)),
            Err(ExecuteError::Invalid(
                InvalidTx::IntrinsicGas { .. } | InvalidTx::FloorGas { .. },
            )) => Ok(None),
            Err(error) => Err(error),
        }
    };
    let succeeds = |gas| Ok::<_, ExecuteError<_>>(attempt(gas)?.is_some_and(|o| o.is_success()));

    if is_plain_transfer(state, request)? && allowance >= TRANSFER_GAS && succeeds(TRANSFER_GAS)? {
        return Ok(TRANSFER_GAS);
    }

    let (used, spent) = match attempt(allowance)? {
        Some(CallOutcome::Success { gas_used, gas_spent, .. }) => (gas_used, gas_spent),
        Some(CallOutcome::Revert { output, .. }) => return Err(EstimateError::Reverted(output)),
        Some(CallOutcome::Halt { reason: HaltReason::OutOfGas(_), .. }) | None => {
            return Err(EstimateError::Allowance { allowance });
        }
        Some(CallOutcome::Halt { reason, .. }) => return Err(EstimateError::Halted(reason)),
    };

    let (mut low, mut high) = (used.saturating_sub(1), allowance);
    // Mostly the call needs what it spent and the 64th part that EIP-150 keeps from its callees.
    let likely = spent.saturating_add(CALL_STIPEND).saturating_mul(64) / 63;
    if likely < high {
        if succeeds(likely)? {
            high = likely;
        } else {
            low = likely;
        }
    }
    while low + 1 < high
        && u128::from(high - low) * 1000 >= u128::from(high) * u128::from(TOLERANCE)
    {
        // Most calls need little more than the lower bound.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2).max(low + 1));
        if succeeds(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

fn allowance<S: StateReader>(
    block: &BlockContext,
    state: &S,
    request: &CallRequest,
    gas_cap: u64,
) -> Result<u64, EstimateError<S::Error>> {
    let limit = request
        .gas
        .filter(|gas| *gas >= TRANSFER_GAS)
        .unwrap_or(block.attributes.gas_limit)
        .min(gas_cap)
        .min(MAX_TX_GAS_LIMIT_OSAKA);
    let fee_cap = request.fee_cap();
    if fee_cap == 0 {
        return Ok(limit);
    }
    let balance =
        state.account(&request.from).map_err(ExecuteError::State)?.unwrap_or_default().balance;
    let Some(for_gas) = balance.checked_sub(request.value) else {
        return Err(ExecuteError::from(InvalidTx::InsufficientFunds {
            cost: request.value,
            balance,
        })
        .into());
    };
    Ok(limit.min((for_gas / U256::from(fee_cap)).saturating_to::<u64>()))
}

fn is_plain_transfer<S: StateReader>(
    state: &S,
    request: &CallRequest,
) -> Result<bool, ExecuteError<S::Error>> {
    let Some(to) = request.to.to() else { return Ok(false) };
    if !request.input.is_empty()
        || !request.access_list.0.is_empty()
        || !request.authorization_list.is_empty()
    {
        return Ok(false);
    }
    let callee = state.account(to).map_err(ExecuteError::State)?;
    Ok(callee.is_none_or(|account| !account.has_code()))
}
