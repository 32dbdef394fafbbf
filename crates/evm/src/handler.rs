//! Where a layer's transactions differ from revm's: deposits, the L1 data fee, the fee vaults.
//!
//! A deposit (OP Stack specification, "Deposits", with the rules since Regolith) pays no fee and
//! has no nonce of its own. It is always included: what it mints and the sender's next nonce stay
//! whatever happens, and one that cannot even start uses all of its gas.

use crate::{
    evm::{LayerContext, LayerEvm, credit},
    spec::Layer,
    state::{ReadError, StateReader},
};
use alloc::{boxed::Box, vec::Vec};
use core::marker::PhantomData;
use mezz_primitives::{
    U256,
    addresses::{BASE_FEE_VAULT, L1_FEE_VAULT},
};
use revm::{
    Inspector,
    context::{
        Cfg, ContextTr, JournalTr, LocalContextTr, Transaction,
        journaled_state::account::JournaledAccountTr,
        result::{
            EVMError, ExecutionResult, HaltReason, InvalidTransaction, OutOfGasError, ResultGas,
        },
        transaction::{AuthorizationTr, TransactionType},
    },
    handler::{EthFrame, EvmTr, FrameResult, Handler, post_execution, pre_execution, validation},
    inspector::InspectorHandler,
    interpreter::{GasTracker, InitialAndFloorGas, interpreter::EthInterpreter},
};

/// The handler of both layers; the layer and the kind of transaction are in the context.
pub(crate) struct LayerHandler<'a, S, I>(PhantomData<fn(&'a S, I)>);

impl<S, I> Default for LayerHandler<'_, S, I> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

type Error<S> = EVMError<ReadError<<S as StateReader>::Error>>;

impl<'a, S: StateReader, I> Handler for LayerHandler<'a, S, I> {
    type Evm = LayerEvm<'a, S, I>;
    type Error = Error<S>;
    type HaltReason = HaltReason;

    fn tx_gas(&self, evm: &mut Self::Evm, gas: &InitialAndFloorGas) -> GasTracker {
        // The cap of EIP-7825 was enforced before where it holds. Here it would keep a deposit
        // above it from using its gas.
        let limit = evm.ctx.tx.gas_limit;
        let (remaining, reservoir) = gas.initial_gas_and_reservoir(limit, u64::MAX);
        GasTracker::new(limit, remaining, reservoir)
    }

    fn validate_env(&self, evm: &mut Self::Evm) -> Result<(), Self::Error> {
        if evm.ctx.chain.mint.is_none() {
            return validation::validate_env(&mut evm.ctx);
        }
        // EIP-3860 holds for deposits too. Chain id, fees and the cap of EIP-7825 do not.
        let tx = &evm.ctx.tx;
        if tx.kind.is_create() && tx.data.len() > evm.ctx.cfg.max_initcode_size() {
            return Err(InvalidTransaction::CreateInitCodeSizeLimit.into());
        }
        Ok(())
    }

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut Self::Evm,
        _: &mut InitialAndFloorGas,
    ) -> Result<(), Self::Error> {
        match (evm.ctx.chain.mint, evm.ctx.chain.layer) {
            (Some(mint), _) => start_deposit(&mut evm.ctx, mint),
            (None, layer) => charge_caller(&mut evm.ctx, layer),
        }
    }

    fn apply_eip7702_auth_list(
        &self,
        evm: &mut Self::Evm,
        _: &mut GasTracker,
    ) -> Result<Option<u64>, Self::Error> {
        apply_authorizations(&mut evm.ctx).map(Some)
    }

    fn reimburse_caller(
        &self,
        evm: &mut Self::Evm,
        result: &mut FrameResult,
    ) -> Result<(), Self::Error> {
        if evm.ctx.chain.mint.is_some() {
            return Ok(());
        }
        post_execution::reimburse_caller(&mut evm.ctx, result.gas(), U256::ZERO).map_err(From::from)
    }

    fn reward_beneficiary(
        &self,
        evm: &mut Self::Evm,
        result: &mut FrameResult,
    ) -> Result<(), Self::Error> {
        let context = &mut evm.ctx;
        if context.chain.mint.is_some() || context.cfg.is_fee_charge_disabled() {
            return Ok(());
        }
        let gas = U256::from(result.gas().used());
        let base_fee = u128::from(context.block.basefee);
        // The price was checked to be no lower than the base fee, but for simulated calls.
        let tip = context.tx.effective_gas_price(base_fee).saturating_sub(base_fee);
        credit(context, context.block.beneficiary, U256::from(tip).saturating_mul(gas))?;
        if context.chain.layer == Layer::L2 {
            credit(context, BASE_FEE_VAULT, U256::from(base_fee).saturating_mul(gas))?;
            credit(context, L1_FEE_VAULT, context.chain.l1_fee)?;
        }
        Ok(())
    }

    fn catch_error(
        &self,
        evm: &mut Self::Evm,
        error: Self::Error,
    ) -> Result<ExecutionResult<Self::HaltReason>, Self::Error> {
        evm.ctx.local.clear();
        evm.ctx.journaled_state.discard_tx();
        evm.frame_stack().clear();
        // A call that failed on a read leaves its error here, where the next would find it.
        evm.ctx.error = Ok(());
        match (error, evm.ctx.chain.mint) {
            (EVMError::Transaction(reason), Some(mint)) => {
                fail_deposit(&mut evm.ctx, mint, &reason)
            }
            (error, _) => Err(error),
        }
    }
}

impl<'a, S, I> InspectorHandler for LayerHandler<'a, S, I>
where
    S: StateReader,
    I: Inspector<LayerContext<'a, S>, EthInterpreter>,
{
    type IT = EthInterpreter;
}

/// Mints and raises the nonce. The sender may have code and pays for no gas.
fn start_deposit<S: StateReader>(
    context: &mut LayerContext<'_, S>,
    mint: u128,
) -> Result<(), Error<S>> {
    let (_, tx, _, journal, _, _) = context.all_mut();
    let mut caller = journal.load_account_with_code_mut(tx.caller())?.data;
    let balance = minted(*caller.balance(), mint);
    if tx.value() > balance {
        return Err(lack_of_funds(tx.value(), balance).into());
    }
    caller.set_balance(balance);
    if tx.kind().is_call() {
        caller.bump_nonce();
    }
    Ok(())
}

/// Includes a deposit that could not start: it mints, raises the nonce and uses all of its gas.
fn fail_deposit<S: StateReader>(
    context: &mut LayerContext<'_, S>,
    mint: u128,
    reason: &InvalidTransaction,
) -> Result<ExecutionResult, Error<S>> {
    let (_, tx, _, journal, _, _) = context.all_mut();
    let gas_limit = tx.gas_limit();
    let mut caller = journal.load_account_mut(tx.caller())?.data;
    let balance = minted(*caller.balance(), mint);
    caller.set_balance(balance);
    caller.bump_nonce();
    journal.commit_tx();
    Ok(ExecutionResult::Halt {
        reason: match reason {
            InvalidTransaction::LackOfFundForMaxFee { .. } => HaltReason::OutOfFunds,
            InvalidTransaction::CreateInitCodeSizeLimit => HaltReason::CreateInitCodeSizeLimit,
            _ => HaltReason::OutOfGas(OutOfGasError::Basic),
        },
        gas: ResultGas::default().with_total_gas_spent(gas_limit),
        logs: Vec::new(),
    })
}

fn minted(balance: U256, mint: u128) -> U256 {
    // Minted ether was locked on L1, which has less than 2^128 wei.
    balance.saturating_add(U256::from(mint))
}

fn lack_of_funds(cost: U256, balance: U256) -> InvalidTransaction {
    InvalidTransaction::LackOfFundForMaxFee { fee: Box::new(cost), balance: Box::new(balance) }
}

/// Checks nonce, code and balance of the sender, takes the highest fee and raises the nonce.
fn charge_caller<S: StateReader>(
    context: &mut LayerContext<'_, S>,
    layer: Layer,
) -> Result<(), Error<S>> {
    let (block, tx, cfg, journal, chain, _) = context.all_mut();
    let mut caller = journal.load_account_with_code_mut(tx.caller())?.data;
    pre_execution::validate_account_nonce_and_code_with_components(
        &caller.account().info,
        tx,
        cfg,
    )?;
    let mut balance = *caller.balance();
    if cfg.is_fee_charge_disabled() {
        // A simulated call pays no fee, but what it sends it must have.
        if tx.value() > balance {
            return Err(lack_of_funds(tx.value(), balance).into());
        }
    } else if layer == Layer::L2 {
        let cost = tx
            .max_balance_spending()?
            .checked_add(chain.l1_fee)
            .ok_or(InvalidTransaction::OverflowPaymentInTransaction)?;
        if cost > balance {
            return Err(lack_of_funds(cost, balance).into());
        }
        balance -= chain.l1_fee;
    }
    let balance = pre_execution::calculate_caller_fee(balance, tx, block, cfg)?;
    caller.set_balance(balance);
    if tx.kind().is_call() {
        caller.bump_nonce();
    }
    Ok(())
}

/// Applies the authorizations of a set-code transaction (EIP-7702) and yields the gas refund.
///
/// Differs from revm's in one point: an authority exists if it is not empty. revm takes an empty
/// account that an earlier transaction of the same journal has touched for an existing one, and
/// here a journal spans a block.
fn apply_authorizations<S: StateReader>(
    context: &mut LayerContext<'_, S>,
) -> Result<u64, Error<S>> {
    if context.tx.tx_type() != TransactionType::Eip7702 {
        return Ok(0);
    }
    let refund = context.cfg.gas_params().tx_eip7702_auth_refund_regular();
    let chain_id = U256::from(context.cfg.chain_id());
    let (tx, journal) = context.tx_journal_mut();
    let mut refunded = 0u64;
    for authorization in tx.authorization_list() {
        let for_chain = AuthorizationTr::chain_id(authorization);
        if (!for_chain.is_zero() && for_chain != chain_id)
            || AuthorizationTr::nonce(authorization) == u64::MAX
        {
            continue;
        }
        let Some(authority) = authorization.authority() else { continue };
        let mut account = journal.load_account_with_code_mut(authority)?.data;
        let info = &account.account().info;
        let has_own_code =
            info.code.as_ref().is_some_and(|code| !code.is_empty() && !code.is_eip7702());
        if has_own_code || info.nonce != AuthorizationTr::nonce(authorization) {
            continue;
        }
        if !info.is_empty() {
            refunded += 1;
        }
        account.delegate(AuthorizationTr::address(authorization));
    }
    Ok(refund.saturating_mul(refunded))
}

// The frame type is fixed by `LayerEvm`; this keeps the alias honest.
const _: fn() = || {
    fn frame<T: EvmTr<Frame = EthFrame<EthInterpreter>>>() {}
    let _ = frame::<LayerEvm<'static, crate::memory::MemoryState>>;
};
