//! The rules of building.

use super::harness::*;
use crate::{
    AccountPatch, BuildError, BuildOptions, Chain, ChainConfig, ChainLimits, CommitError, Refused,
};
use alloy_primitives::TxKind;
use mezz_evm::{ChainSpec, InvalidTx, StateReader};
use mezz_primitives::{
    Address, Bytes, U256, keccak256, logs_bloom, receipts_root, transactions_root,
};
use std::{collections::BTreeMap, time::Instant};

fn chain() -> Chain {
    Chain::open(config(None, ChainLimits::default())).expect("opens")
}

#[test]
fn an_offered_transaction_that_is_invalid_leaves_no_trace() {
    let chain = chain();
    let offered =
        [set_slot(user(0), 0, 5, 5), set_slot(user(0), 7, 6, 6), set_slot(user(0), 1, 7, 7)];
    let mut refusals = Vec::new();
    let mut next = offered.clone().into_iter();
    let built = chain
        .build(
            &attributes(&chain, 0),
            &[],
            &mut |step| {
                refusals.push(step.refused.cloned());
                next.next()
            },
            &BuildOptions::default(),
        )
        .expect("builds");
    let taken: Vec<_> = built.record().transactions.iter().map(|tx| tx.hash()).collect();
    assert_eq!(taken, [offered[0].hash(), offered[2].hash()]);
    assert_eq!(built.skipped().len(), 1);
    let reason = Refused::Invalid(InvalidTx::NonceTooHigh { tx: 7, state: 1 });
    assert_eq!(built.skipped()[0].reason, reason);
    assert_eq!(refusals, [None, None, Some(reason), None]);
    // The same block, executed as given, has the same hash.
    let again =
        chain.execute_block(&attributes(&chain, 0), &built.record().transactions).expect("valid");
    assert_eq!(again.hash(), built.hash());
    assert_eq!(again.outcomes(), built.outcomes());
}

/// Around the numbers from which the roots are computed on a thread of their own, segment by segment.
#[test]
fn header_of_a_block_commits_to_its_lists_and_its_state() {
    for count in [0, 1, 255, 256, 257, 511, 512, 513, 600] {
        let chain = chain();
        let txs: Vec<_> = (0..count)
            .map(|i| set_slot(user(u8::try_from(i % 8).expect("below 8")), i / 8, i, i + 1))
            .collect();
        let built = chain.execute_block(&attributes(&chain, 0), &txs).expect("valid");
        let (record, header) = (built.record(), built.header());
        assert_eq!(record.receipts.len(), txs.len());
        let list = record.transactions.iter().map(|tx| &tx.tx);
        assert_eq!(header.transactions_root, transactions_root(list), "{count}");
        assert_eq!(header.receipts_root, receipts_root(&record.receipts), "{count}");
        let logs = record.receipts.iter().flat_map(|receipt| &receipt.logs);
        assert_eq!(header.logs_bloom, logs_bloom(logs), "{count}");
        let mut trie = chain.state().expect("state").trie().clone();
        trie.apply(built.diff());
        assert_eq!(header.state_root, trie.root(), "{count}");
    }
}

#[test]
fn a_given_block_must_be_valid_throughout() {
    let chain = chain();
    let txs = [set_slot(user(0), 0, 5, 5), set_slot(user(0), 0, 6, 6)];
    let error = chain.execute_block(&attributes(&chain, 0), &txs).expect_err("nonce used twice");
    match error {
        BuildError::InvalidTransaction {
            index: 1,
            hash,
            source: InvalidTx::NonceTooLow { .. },
        } => {
            assert_eq!(hash, txs[1].hash());
        }
        other => panic!("{other:?}"),
    }
    // While the roots of those before are being computed.
    let mut txs: Vec<_> = (0..300).map(|nonce| set_slot(user(0), nonce, 5, nonce)).collect();
    txs.push(set_slot(user(0), 0, 6, 6));
    let error = chain.execute_block(&attributes(&chain, 0), &txs).expect_err("nonce used twice");
    assert!(matches!(error, BuildError::InvalidTransaction { index: 300, .. }), "{error:?}");
}

#[test]
fn attributes_are_checked() {
    let chain = chain();
    let mut early = attributes(&chain, 0);
    early.timestamp -= 2;
    assert!(matches!(chain.execute_block(&early, &[]), Err(BuildError::Timestamp { .. })));
    early.timestamp += 1;
    chain.execute_block(&early, &[]).expect("equal timestamps are allowed");
    let mut long = attributes(&chain, 0);
    long.extra_data = Bytes::from(vec![0; 33]);
    assert!(matches!(chain.execute_block(&long, &[]), Err(BuildError::ExtraData(33))));
}

#[test]
fn gas_limit_holds() {
    let chain = chain();
    let mut attributes = attributes(&chain, 0);
    attributes.gas_limit = 400_000;
    let mut nonce = 0;
    let mut next = || {
        nonce += 1;
        (nonce < 20).then(|| set_slot(user(0), nonce - 1, nonce, 1))
    };
    let built =
        chain.build(&attributes, &[], &mut |_| next(), &BuildOptions::default()).expect("builds");
    assert!(!built.record().transactions.is_empty());
    assert!(built.header().gas_used <= 400_000);
    assert!(matches!(
        built.skipped()[0].reason,
        Refused::Invalid(InvalidTx::BlockGasExceeded { gas_limit: 300_000, .. })
    ));
}

#[test]
fn size_limit_holds() {
    let limits = ChainLimits { max_block_bytes: 3_000, ..ChainLimits::default() };
    let chain = Chain::open(config(None, limits)).expect("opens");
    let big = |nonce| tx(user(0), nonce, TxKind::Call(user(1)), 1, vec![0; 700]);
    let mut offered = (0..10).map(big);
    let built = chain
        .build(&attributes(&chain, 0), &[], &mut |_| offered.next(), &BuildOptions::default())
        .expect("builds");
    assert_eq!(built.record().transactions.len(), 2);
    assert!(built.record().size <= 3_000);
    assert!(matches!(built.skipped()[0].reason, Refused::NoRoom { .. }));
    let forced: Vec<_> = (0..4).map(big).collect();
    let error = chain.execute_block(&attributes(&chain, 0), &forced).expect_err("too large");
    assert!(matches!(error, BuildError::TooLarge { max: 3_000, .. }));
}

#[test]
fn deadline_ends_the_block() {
    let chain = chain();
    let options = BuildOptions { deadline: Some(Instant::now()), ..BuildOptions::default() };
    let forced = [set_slot(user(0), 0, 1, 1)];
    let built = chain
        .build(&attributes(&chain, 0), &forced, &mut |_| panic!("asked too late"), &options)
        .expect("builds");
    assert_eq!(built.record().transactions.len(), 1);
}

#[test]
fn only_a_block_on_the_head_can_be_committed() {
    let chain = chain();
    let first = chain.execute_block(&attributes(&chain, 1), &[]).expect("valid");
    let second = chain.execute_block(&attributes(&chain, 2), &[]).expect("valid");
    chain.commit(first).expect("commits");
    assert!(matches!(chain.commit(second), Err(CommitError::NotOnHead { .. })));
    assert_eq!(chain.head().number(), 1);
}

#[test]
fn a_patch_is_part_of_the_block() {
    let chain = chain();
    let (rich, coded) = (Address::repeat_byte(0x51), Address::repeat_byte(0x52));
    let mut patch = BTreeMap::new();
    patch.insert(rich, AccountPatch { balance: Some(U256::from(7)), ..AccountPatch::default() });
    let code = Bytes::from_static(STORE_CODE);
    patch.insert(
        coded,
        AccountPatch {
            code: Some(code.clone()),
            nonce: Some(1),
            storage: BTreeMap::from([
                (U256::from(9), U256::from(90)),
                (U256::from(3), U256::from(30)),
            ]),
            ..AccountPatch::default()
        },
    );
    // The block's own transaction writes over one of the patched slots.
    let forced = [set_slot_of(coded, user(0), 0, 3, 31)];
    let options = BuildOptions { patch, ..BuildOptions::default() };
    let built =
        chain.build(&attributes(&chain, 0), &forced, &mut |_| None, &options).expect("builds");
    chain.commit(built).expect("commits");
    let mut model = Model::genesis();
    model.apply(&chain.state_diff(1).expect("read").expect("there"));
    let state = chain.state().expect("state");
    model.check(&state);
    assert_eq!(state.account(&rich).expect("read").expect("there").balance, U256::from(7));
    assert_eq!(state.account_code(&coded).expect("read"), code);
    assert_eq!(state.account(&coded).expect("read").expect("there").code_hash, keccak256(&code));
    assert_eq!(state.storage(&coded, &U256::from(9)).expect("read"), U256::from(90));
    assert_eq!(state.storage(&coded, &U256::from(3)).expect("read"), U256::from(31));
    chain.unwind(0).expect("unwinds");
    Model::genesis().check(&chain.state().expect("state"));

    let storage = BTreeMap::from([(U256::from(1), U256::from(1))]);
    let patch = BTreeMap::from([(
        Address::repeat_byte(0x53),
        AccountPatch { storage, ..AccountPatch::default() },
    )]);
    let options = BuildOptions { patch, ..BuildOptions::default() };
    let error = chain
        .build(&attributes(&chain, 0), &[], &mut |_| None, &options)
        .expect_err("empty account");
    assert!(matches!(error, BuildError::EmptyAccount(_)));
}

#[test]
fn base_fee_can_be_set_for_one_block() {
    let chain = chain();
    let options = BuildOptions { base_fee: Some(77), ..BuildOptions::default() };
    let forced = [set_slot(user(0), 0, 1, 1)];
    let built =
        chain.build(&attributes(&chain, 0), &forced, &mut |_| None, &options).expect("builds");
    assert_eq!(built.header().base_fee_per_gas, Some(77));
    let record = chain.commit(built).expect("commits");
    let next = chain.execute_block(&attributes(&chain, 0), &[]).expect("builds");
    assert_eq!(
        next.header().base_fee_per_gas,
        Some(chain.spec().next_base_fee(&record.header)),
        "then it follows from the parent"
    );
}

#[test]
fn contracts_send_only_if_asked_for() {
    let chain = chain();
    let code = AccountPatch {
        code: Some(Bytes::from_static(STORE_CODE)),
        nonce: Some(0),
        ..AccountPatch::default()
    };
    let patch = BTreeMap::from([(user(0), code)]);
    let forced = [set_slot(user(0), 0, 1, 1)];
    let mut options = BuildOptions { patch, ..BuildOptions::default() };
    let build = |options: &BuildOptions| {
        chain.build(&attributes(&chain, 0), &forced, &mut |_| None, options)
    };
    assert!(matches!(
        build(&options),
        Err(BuildError::InvalidTransaction { source: InvalidTx::SenderHasCode, .. })
    ));
    options.allow_contract_senders = true;
    assert!(build(&options).expect("builds").outcomes()[0].success);
}

#[test]
fn an_l2_block_takes_no_developer_options() {
    let config = ChainConfig { spec: ChainSpec::l2(1337), ..config(None, ChainLimits::default()) };
    let chain = Chain::open(config).expect("opens");
    for options in [
        BuildOptions { base_fee: Some(77), ..BuildOptions::default() },
        BuildOptions { allow_contract_senders: true, ..BuildOptions::default() },
    ] {
        let refused = chain.build(&attributes(&chain, 0), &[], &mut |_| None, &options);
        assert!(matches!(refused, Err(BuildError::DeveloperOption)));
    }
}
