//! Tracers over replayed blocks.

use super::*;
use crate::{
    BlockContext,
    simulate::CallRequest,
    trace::{Bounds, TRACERS, TraceError, trace_block, trace_call, trace_transaction},
};
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType, GethDebugTracerConfig, GethDebugTracerType,
    GethDebugTracingOptions, GethTrace, PreStateFrame,
};
use serde_json::{Value, json};

/// 64 MiB, and a clock that stands still.
const BOUNDS: Bounds<'static> = Bounds { max_bytes: 64 << 20, expired: &|| false };

fn options(tracer: GethDebugBuiltInTracerType, diff: bool) -> GethDebugTracingOptions {
    let mut options = GethDebugTracingOptions {
        tracer: Some(GethDebugTracerType::BuiltInTracer(tracer)),
        ..Default::default()
    };
    if diff {
        options.tracer_config = GethDebugTracerConfig(serde_json::json!({ "diffMode": true }));
    }
    options
}

/// A block whose last transaction finds the counter at 2.
fn chain(spec: &ChainSpec) -> (MemoryState, Header, Vec<RecoveredTransaction>, Vec<u64>) {
    let before = genesis();
    let call = |nonce, to| signed(ALICE, eip1559(nonce, TxKind::Call(to), 0));
    let transactions =
        alloc::vec![call(0, COUNTER.0), call(1, COUNTER.0), transfer(2, 1), call(3, COUNTER.0)];
    let mut state = before.clone();
    let (ran, outcome) = run_block(spec, &mut state, &transactions);
    let header = outcome.seal_l1_header(transactions.iter().map(|tx| &tx.tx), B256::ZERO);
    let gas = ran.iter().map(|r| r.as_ref().expect("valid").gas_used).collect();
    (before, header, transactions, gas)
}

#[test]
fn call_tracer_sees_the_transaction_as_it_ran() {
    for spec in [ChainSpec::l1(CHAIN), ChainSpec::l2(CHAIN)] {
        let (state, header, transactions, gas) = chain(&spec);
        let options = options(GethDebugBuiltInTracerType::CallTracer, false);
        let traces =
            trace_block(&spec, &header, &state, &transactions, &options, BOUNDS).expect("traces");
        for (index, trace) in traces.iter().enumerate() {
            let GethTrace::CallTracer(frame) = trace else { panic!("{trace:?}") };
            assert_eq!(frame.from, ALICE);
            assert_eq!(frame.gas_used, U256::from(gas[index]));
            let alone =
                trace_transaction(&spec, &header, &state, &transactions, index, &options, BOUNDS);
            assert_eq!(&alone.expect("traces"), trace);
        }
    }
}

#[test]
fn prestate_tracer_sees_the_state_in_the_middle_of_the_block() {
    let spec = ChainSpec::l2(CHAIN);
    let (state, header, transactions, _) = chain(&spec);
    let options = options(GethDebugBuiltInTracerType::PreStateTracer, true);
    let trace = trace_transaction(&spec, &header, &state, &transactions, 3, &options, BOUNDS);
    let GethTrace::PreStateTracer(PreStateFrame::Diff(diff)) = trace.expect("traces") else {
        panic!("another tracer's")
    };
    let at = |mode: &alloc::collections::BTreeMap<Address, _>| {
        let account: &alloy_rpc_types_trace::geth::AccountState = &mode[&COUNTER.0];
        account.storage[&B256::ZERO]
    };
    assert_eq!(at(&diff.pre), B256::with_last_byte(2));
    assert_eq!(at(&diff.post), B256::with_last_byte(3));
}

#[test]
fn struct_logs_list_the_steps() {
    let spec = ChainSpec::l1(CHAIN);
    let (state, header, transactions, _) = chain(&spec);
    let trace =
        trace_transaction(&spec, &header, &state, &transactions, 0, &Default::default(), BOUNDS);
    let GethTrace::Default(frame) = trace.expect("traces") else { panic!("another tracer's") };
    let ops: Vec<_> = frame.struct_logs.iter().map(|log| log.op.as_ref()).collect();
    assert_eq!(ops, ["PUSH0", "SLOAD", "PUSH1", "ADD", "PUSH0", "SSTORE", "STOP"]);
}

#[test]
fn a_deposit_is_traced_as_a_deposit() {
    let spec = ChainSpec::l2(CHAIN);
    let mut state = genesis();
    let tx = deposit(TxDeposit {
        from: Address::repeat_byte(0xca),
        to: TxKind::Call(FORWARDER.0),
        mint: 10,
        value: U256::from(10),
        gas_limit: 100_000,
        input: address_word(BOB),
        ..Default::default()
    });
    let before = state.clone();
    let (_, outcome) = run_one(&spec, &mut state, tx.clone());
    let header = outcome.seal_l1_header([&tx.tx], B256::ZERO);
    let options = options(GethDebugBuiltInTracerType::CallTracer, false);
    let trace = trace_transaction(&spec, &header, &before, &[tx], 0, &options, BOUNDS);
    let GethTrace::CallTracer(frame) = trace.expect("traces") else { panic!("another tracer's") };
    assert_eq!(frame.value, Some(U256::from(10)));
    assert_eq!(frame.calls[0].to, Some(BOB));
}

#[test]
fn calls_are_traced_and_endless_logs_refused() {
    let spec = ChainSpec::l1(CHAIN);
    let mut state = genesis();
    // An endless loop.
    state.set_code(BOB, Bytes::from_static(&hex!("5b5f56")));
    let block = BlockContext::next(&spec, &parent(&spec), attributes(&spec));
    let request = CallRequest { to: TxKind::Call(BOB), ..Default::default() };
    let run = |gas, options: &_| trace_call(&spec, &block, &state, &request, gas, options, BOUNDS);
    let error = run(30_000_000, &GethDebugTracingOptions::default()).expect_err("too large");
    assert!(matches!(error, TraceError::TooLarge { .. }));
    let mut limited = GethDebugTracingOptions::default();
    limited.config.limit = Some(10);
    let GethTrace::Default(frame) = run(30_000_000, &limited).expect("traces") else {
        panic!("another tracer's")
    };
    assert_eq!(frame.struct_logs.len(), 10);
    assert!(frame.failed);
}

#[test]
fn stack_memory_and_storage_of_steps_are_counted() {
    let spec = ChainSpec::l1(CHAIN);
    let block = BlockContext::next(&spec, &parent(&spec), attributes(&spec));
    let request = CallRequest { to: TxKind::Call(BOB), ..Default::default() };
    let run = |code: Bytes, options: &GethDebugTracingOptions| {
        let mut state = genesis();
        state.set_code(BOB, code);
        trace_call(&spec, &block, &state, &request, 30_000_000, options, BOUNDS)
    };
    let steps = |limit| {
        let mut options = GethDebugTracingOptions::default();
        options.config.limit = Some(limit);
        options
    };
    // A thousand words on the stack, then an endless loop.
    let deep = || Bytes::from([&[0x5f; 1_000][..], &hex!("5b6103e856")].concat());
    assert!(matches!(run(deep(), &steps(5_000)), Err(TraceError::TooLarge { .. })));
    assert!(run(deep(), &steps(1_500)).is_ok());
    let mut shallow = steps(5_000);
    shallow.config.disable_stack = Some(true);
    assert!(run(deep(), &shallow).is_ok());

    // A hundred kilobytes of memory.
    let large = || Bytes::from_static(&hex!("5f620186a0525b600656"));
    let mut memory = steps(2_000);
    assert!(run(large(), &memory).is_ok());
    memory.config.enable_memory = Some(true);
    assert!(matches!(run(large(), &memory), Err(TraceError::TooLarge { .. })));

    // Reads slot after slot: each step lists all before it.
    let slots = || Bytes::from_static(&hex!("5f5b80545060010160015600"));
    let mut storage = steps(20_000);
    assert!(matches!(run(slots(), &storage), Err(TraceError::TooLarge { .. })));
    storage.config.disable_storage = Some(true);
    assert!(run(slots(), &storage).is_ok());
}

#[test]
fn traces_of_a_block_are_counted_together() {
    let spec = ChainSpec::l1(CHAIN);
    let mut before = genesis();
    // Calls the contract that copies, again and again, until its gas is used.
    before.set_code(BOB, Bytes::from_static(&hex!("5b5f5f5f5f5f60045af1505f56")));
    let call = |nonce| {
        let tx = TxEip1559 { gas_limit: 2_500_000, ..eip1559(nonce, TxKind::Call(BOB), 0) };
        signed(ALICE, tx)
    };
    let transactions = [call(0), call(1), call(2), call(3)];
    let mut state = before.clone();
    let (_, outcome) = run_block(&spec, &mut state, &transactions);
    let header = outcome.seal_l1_header(transactions.iter().map(|tx| &tx.tx), B256::ZERO);
    let options = options(GethDebugBuiltInTracerType::CallTracer, false);
    let alone = trace_transaction(&spec, &header, &before, &transactions, 3, &options, BOUNDS);
    assert!(alone.is_ok());
    let all = trace_block(&spec, &header, &before, &transactions, &options, BOUNDS);
    assert!(matches!(all, Err(TraceError::TooLarge { .. })));
}

#[test]
fn a_trace_ends_with_its_time() {
    let spec = ChainSpec::l1(CHAIN);
    let mut state = genesis();
    state.set_code(BOB, Bytes::from_static(&hex!("5b5f56")));
    let block = BlockContext::next(&spec, &parent(&spec), attributes(&spec));
    let request = CallRequest { to: TxKind::Call(BOB), ..Default::default() };
    let options = options(GethDebugBuiltInTracerType::NoopTracer, false);
    let ended = Bounds { expired: &|| true, ..BOUNDS };
    let trace = trace_call(&spec, &block, &state, &request, 30_000_000, &options, ended);
    assert!(matches!(trace, Err(TraceError::Expired)));
}

#[test]
fn what_is_not_there_is_an_error() {
    let spec = ChainSpec::l1(CHAIN);
    let (state, header, transactions, _) = chain(&spec);
    let error =
        trace_transaction(&spec, &header, &state, &transactions, 4, &Default::default(), BOUNDS);
    assert!(matches!(
        error.expect_err("no such transaction"),
        TraceError::NoSuchTransaction { index: 4, transactions: 4 }
    ));
}

#[test]
fn tracers_are_those_that_are_named_and_others_are_refused_by_their_names() {
    let spec = ChainSpec::l1(CHAIN);
    let (state, header, transactions, _) = chain(&spec);
    let trace = |tracer: Value, config: Value| {
        let options = json!({ "tracer": tracer, "tracerConfig": config });
        let options: GethDebugTracingOptions = serde_json::from_value(options).expect("options");
        trace_transaction(&spec, &header, &state, &transactions, 0, &options, BOUNDS)
    };
    for name in TRACERS {
        assert!(trace(json!(name), json!({})).is_ok(), "{name}");
    }
    let program = format!("{{ step: {} }}", "x".repeat(1_000));
    let (foo, none) = (json!("foo"), Value::Null);
    for (tracer, config, name) in [
        (foo, none.clone(), "foo"),
        (json!("keccak256PreimageTracer"), none.clone(), "keccak256PreimageTracer"),
        (json!("muxTracer"), json!({ "foo": null }), "foo"),
        (json!(program), none, &program[..64]),
    ] {
        let error = trace(tracer, config).expect_err(name).to_string();
        let words = format!("unknown tracer {name:?}; there are callTracer, prestateTracer, ");
        assert!(error.starts_with(&words) && error.ends_with("none in JavaScript"), "{error}");
    }
}

#[test]
fn what_an_impersonated_contract_sent_is_traced() {
    let spec = ChainSpec::l1(CHAIN);
    let mut state = genesis();
    state.set_balance(COUNTER.0, U256::from(ETHER));
    let context = BlockContext {
        allow_contract_senders: true,
        ..BlockContext::next(&spec, &parent(&spec), attributes(&spec))
    };
    let txs = [0, 1].map(|nonce| signed(COUNTER.0, eip1559(nonce, TxKind::Call(BOB), 5)));
    let mut block = BlockExecutor::with_context(&spec, context, &state).expect("begins");
    for tx in &txs {
        block.execute(tx).expect("allowed");
    }
    let outcome = block.finish().expect("ends");
    let header = outcome.seal_l1_header(txs.iter().map(|tx| &tx.tx), B256::ZERO);
    let options = options(GethDebugBuiltInTracerType::CallTracer, false);
    let trace =
        trace_transaction(&spec, &header, &state, &txs, 1, &options, BOUNDS).expect("traces");
    let GethTrace::CallTracer(frame) = trace else { panic!("another tracer's") };
    assert_eq!((frame.from, frame.error), (COUNTER.0, None));
}
