//! Simulated calls.

use super::*;
use crate::{
    BlockContext, HaltReason,
    simulate::{
        AccountOverride, BlockOptions, BlockOverride, BlockSimulator, CallOutcome, CallRequest,
        EstimateError, Overrides, Simulator, call, create_access_list, estimate_gas,
    },
};
use alloy_eips::eip2930::AccessListItem;

const CAP: u64 = 50_000_000;
const SPEC: ChainSpec = ChainSpec::l2(CHAIN);

fn block() -> BlockContext {
    BlockContext::next(&SPEC, &parent(&SPEC), attributes(&SPEC))
}

fn to(address: Address) -> CallRequest {
    CallRequest { from: BOB, to: TxKind::Call(address), ..Default::default() }
}

fn word(outcome: &CallOutcome) -> U256 {
    match outcome {
        CallOutcome::Success { output, .. } => U256::from_be_slice(output),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_without_a_fee_needs_no_balance_and_gets_the_cap() {
    let state = genesis();
    let outcome = call(&SPEC, &block(), &state, &to(GAS.0), CAP).expect("runs");
    assert!(word(&outcome) > U256::from(CAP - 30_000), "neither block limit nor EIP-7825 holds");
    let request = CallRequest { gas: Some(CAP * 2), ..to(GAS.0) };
    let outcome = call(&SPEC, &block(), &state, &request, CAP).expect("runs");
    assert!(word(&outcome) < U256::from(CAP));
}

#[test]
fn outcomes_are_told_apart() {
    let state = genesis();
    let run =
        |request: &CallRequest| call(&SPEC, &block(), &state, request, 100_000).expect("runs");
    assert!(matches!(run(&to(REVERTER.0)), CallOutcome::Revert { .. }));
    assert!(matches!(
        run(&to(HALTER.0)),
        CallOutcome::Halt { reason: HaltReason::InvalidFEOpcode, gas_used: 100_000 }
    ));
    let from_contract = CallRequest { from: COUNTER.0, ..to(TOGGLE.0) };
    assert!(run(&from_contract).is_success());
}

#[test]
fn value_and_named_fees_must_be_there() {
    let state = genesis();
    let request = CallRequest { value: U256::from(1), ..to(BOB) };
    let error = call(&SPEC, &block(), &state, &request, CAP).expect_err("nothing to send");
    assert!(matches!(error, ExecuteError::Invalid(InvalidTx::InsufficientFunds { .. })), "{error}");
    let request = CallRequest { max_fee_per_gas: Some(GWEI), gas: Some(21_000), ..to(ALICE) };
    let error = call(&SPEC, &block(), &state, &request, CAP).expect_err("cannot pay");
    assert!(matches!(error, ExecuteError::Invalid(InvalidTx::InsufficientFunds { .. })), "{error}");
    let request = CallRequest { from: ALICE, max_fee_per_gas: Some(GWEI / 2), ..to(BOB) };
    let error = call(&SPEC, &block(), &state, &request, 21_000).expect_err("below base fee");
    assert!(matches!(error, ExecuteError::Invalid(InvalidTx::FeeBelowBaseFee { .. })), "{error}");
}

#[test]
fn overrides_are_seen_and_leave_the_state_alone() {
    let state = genesis();
    // Returns slot 1 + balance of self + timestamp.
    let code = Bytes::from_static(&hex!("60015447014201" "5f5260205ff3"));
    let account = AccountOverride {
        balance: Some(U256::from(100)),
        code: Some(code),
        state: Some([(B256::with_last_byte(1), B256::with_last_byte(7))].into()),
        ..Default::default()
    };
    let overrides = Overrides {
        state: [(BOB, account)].into(),
        block: BlockOverride { timestamp: Some(1_000), ..Default::default() },
    };
    let (block, overlay) = overrides.apply(block(), &state).expect("memory never fails");
    let outcome = call(&SPEC, &block, &overlay, &to(BOB), CAP).expect("runs");
    assert_eq!(word(&outcome), U256::from(1_107));
    assert!(!state.accounts().contains_key(&BOB));
}

#[test]
fn replaced_storage_hides_what_was_there() {
    let mut state = genesis();
    state.set_storage(COUNTER.0, U256::ZERO, U256::from(41));
    let count = |account: AccountOverride| {
        let overrides = Overrides { state: [(COUNTER.0, account)].into(), ..Default::default() };
        let (block, overlay) = overrides.apply(block(), &state).expect("memory never fails");
        let mut simulator = Simulator::new(&SPEC, &block, &overlay);
        simulator.call(&to(COUNTER.0), CAP).expect("runs");
        let diff = simulator.finish().expect("memory never fails");
        let counter = diff.accounts.iter().find(|a| a.address == COUNTER.0).expect("changed");
        counter.storage[0].after
    };
    assert_eq!(count(AccountOverride::default()), U256::from(42));
    let empty = AccountOverride { state: Some(Default::default()), ..Default::default() };
    assert_eq!(count(empty), U256::from(1));
}

#[test]
fn calls_follow_one_another() {
    let state = genesis();
    let block = block();
    let mut simulator = Simulator::new(&SPEC, &block, &state);
    for _ in 0..3 {
        assert!(simulator.call(&to(COUNTER.0), CAP).expect("runs").is_success());
    }
    let diff = simulator.finish().expect("memory never fails");
    let counter = diff.accounts.iter().find(|a| a.address == COUNTER.0).expect("changed");
    assert_eq!(counter.storage[0].after, U256::from(3));
}

#[test]
fn estimates_suffice_and_are_close() {
    let mut state = genesis();
    state.set_storage(TOGGLE.0, U256::ZERO, U256::from(1));
    // Clears a slot (refund), sets a slot, forwards value with the 63/64 rule, creates.
    let requests = [
        CallRequest { from: ALICE, value: U256::from(1), ..to(BOB) },
        CallRequest { from: ALICE, ..to(TOGGLE.0) },
        CallRequest { from: ALICE, ..to(COUNTER.0) },
        CallRequest {
            from: ALICE,
            value: U256::from(1),
            input: address_word(COUNTER.0),
            ..to(FORWARDER.0)
        },
        CallRequest {
            from: ALICE,
            input: INIT_STOP.into(),
            to: TxKind::Create,
            ..Default::default()
        },
        CallRequest { from: ALICE, input: Bytes::from(alloc::vec![1u8; 500]), ..to(BOB) },
    ];
    for request in requests {
        let gas = estimate_gas(&SPEC, &block(), &state, &request, CAP).expect("estimates");
        let with = |gas| {
            let request = CallRequest { gas: Some(gas), ..request.clone() };
            call(&SPEC, &block(), &state, &request, gas).is_ok_and(|o| o.is_success())
        };
        let used = call(&SPEC, &block(), &state, &request, CAP).expect("runs").gas_used();
        assert!(with(gas), "{request:?} {gas}");
        // The forwarder succeeds with less, though its callee then fails: never below what was used.
        let less = gas - gas / 50;
        assert!(less < used || !with(less), "{request:?} {gas}");
    }
    assert_eq!(estimate_gas(&SPEC, &block(), &state, &to(BOB), CAP).expect("estimates"), 21_000);
}

#[test]
fn estimates_fail_with_the_reason() {
    let state = genesis();
    let estimate = |request: CallRequest| estimate_gas(&SPEC, &block(), &state, &request, CAP);
    assert!(matches!(estimate(to(REVERTER.0)), Err(EstimateError::Reverted(_))));
    assert!(matches!(
        estimate(to(HALTER.0)),
        Err(EstimateError::Halted(HaltReason::InvalidFEOpcode))
    ));
    let request = CallRequest { gas: Some(22_000), ..to(COUNTER.0) };
    assert!(matches!(estimate(request), Err(EstimateError::Allowance { allowance: 22_000 })));
    // No transaction may have more than EIP-7825 allows, whatever the gas cap.
    let mut endless = genesis();
    endless.set_code(BOB, Bytes::from_static(&hex!("5b5f56")));
    let error = estimate_gas(&SPEC, &block(), &endless, &to(BOB), CAP).expect_err("endless");
    assert!(matches!(error, EstimateError::Allowance { allowance: 16_777_216 }), "{error}");
    // ALICE can pay 25,000 gas at 4,000,000 gwei.
    let request =
        CallRequest { from: ALICE, max_fee_per_gas: Some(100 * ETHER / 25_000), ..to(COUNTER.0) };
    assert!(matches!(estimate(request), Err(EstimateError::Allowance { allowance: 25_000 })));
}

#[test]
fn access_list_holds_what_was_cold() {
    let state = genesis();
    let request = CallRequest { from: ALICE, input: address_word(COUNTER.0), ..to(FORWARDER.0) };
    let found = create_access_list(&SPEC, &block(), &state, &request, CAP).expect("runs");
    assert_eq!(
        found.access_list.0,
        [AccessListItem { address: COUNTER.0, storage_keys: alloc::vec![B256::ZERO] }]
    );
    assert!(found.outcome.is_success());
    // The callee is warm anyway, but its slots are not.
    let found = create_access_list(&SPEC, &block(), &state, &to(TOGGLE.0), CAP).expect("runs");
    assert_eq!(
        found.access_list.0,
        [AccessListItem { address: TOGGLE.0, storage_keys: alloc::vec![B256::ZERO] }]
    );
    let found = create_access_list(&SPEC, &block(), &state, &to(BOB), CAP).expect("runs");
    assert!(found.access_list.0.is_empty());
}

#[test]
fn simulated_block_of_layer_two_is_a_block_without_the_l1_fee() {
    let state = genesis();
    let options = BlockOptions { validation: true, trace_transfers: false };
    let mut simulator = BlockSimulator::new(&SPEC, block(), &state, options).expect("begins");
    let nonce = simulator.nonce(&ALICE).expect("read");
    let request = CallRequest {
        from: ALICE,
        value: U256::from(7),
        max_fee_per_gas: Some(u128::from(block().base_fee) * 2),
        ..to(BOB)
    };
    let call = simulator.call(&request, nonce, 21_000).expect("runs");
    assert_eq!((call.outcome.gas_used(), call.max_used_gas), (21_000, 21_000));
    let wrong = simulator.call(&request, nonce, 21_000).expect_err("the nonce is used");
    assert!(matches!(wrong, ExecuteError::Invalid(InvalidTx::NonceTooLow { .. })), "{wrong}");
    let outcome = simulator.finish().expect("ends");
    assert_eq!((outcome.gas_used, outcome.receipts.len()), (21_000, 1));
    let gained = |address: Address| {
        let account = outcome.diff.accounts.iter().find(|account| account.address == address);
        account.map(|account| {
            let balance = |of: Option<mezz_primitives::Account>| of.unwrap_or_default().balance;
            balance(account.after).wrapping_sub(balance(account.before))
        })
    };
    let base_fee = U256::from(block().base_fee) * U256::from(21_000);
    assert_eq!(gained(mezz_primitives::addresses::BASE_FEE_VAULT), Some(base_fee));
    assert_eq!(gained(mezz_primitives::addresses::L1_FEE_VAULT), None);
    assert_eq!(gained(BOB), Some(U256::from(7)));
    assert_eq!(gained(ALICE), Some(U256::ZERO.wrapping_sub(base_fee + U256::from(7))));
}
