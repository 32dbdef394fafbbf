//! Blocks under Ethereum's rules.

use super::*;
use crate::BlockContext;
use alloy_consensus::constants::EMPTY_ROOT_HASH;
use alloy_eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS};
use mezz_primitives::{Account, receipts_root, transactions_root};

const SPEC: ChainSpec = ChainSpec::l1(CHAIN);

#[test]
fn base_fee_is_burnt_and_tip_is_paid() {
    let mut state = genesis();
    let (ran, outcome) = run_one(&SPEC, &mut state, transfer(0, 5));
    assert_eq!(ran.gas_used, 21_000);
    assert_eq!(ran.l1_fee, U256::ZERO);
    assert_eq!(balance(&state, MINER), U256::from(21_000 * GWEI));
    assert_eq!(balance(&state, BOB), U256::from(5));
    assert_eq!(balance(&state, ALICE), U256::from(100 * ETHER - 5 - 21_000 * 2 * GWEI));
    assert_eq!(nonce(&state, ALICE), 1);
    let addresses: Vec<_> = outcome.diff.accounts.iter().map(|a| a.address).collect();
    assert_eq!(addresses, [MINER, ALICE, BOB], "sorted, and nobody else");
    assert_eq!(outcome.diff.accounts[2].before, None);
}

#[test]
fn diff_takes_the_state_there_and_back() {
    let before = genesis();
    let mut state = before.clone();
    let (_, outcome) = run_block(
        &SPEC,
        &mut state,
        &[
            transfer(0, 5),
            signed(ALICE, eip1559(1, TxKind::Call(COUNTER.0), 0)),
            signed(ALICE, TxEip1559 { input: INIT_STOP.into(), ..eip1559(2, TxKind::Create, 3) }),
        ],
    );
    assert_ne!(before.accounts(), state.accounts());
    state.apply(&outcome.diff.inverted());
    assert_eq!(before.accounts(), state.accounts());
    assert_eq!(before.slots(), state.slots());
}

#[test]
fn creates_and_calls() {
    let mut state = genesis();
    // Returns COUNTER's code, which follows the copy loop's own 10 bytes.
    let mut init = hex!("600880600a5f395ff300").to_vec();
    init.extend_from_slice(COUNTER.1);
    let created = ALICE.create(0);
    let (ran, outcome) = run_block(
        &SPEC,
        &mut state,
        &[
            signed(ALICE, TxEip1559 { input: init.into(), ..eip1559(0, TxKind::Create, 0) }),
            signed(ALICE, eip1559(1, TxKind::Call(created), 0)),
            signed(ALICE, eip1559(2, TxKind::Call(created), 0)),
        ],
    );
    assert_eq!(ran[0].as_ref().expect("valid").created, Some(created));
    assert_eq!(slot(&state, created, 0), U256::from(2));
    let gas: Vec<u64> = ran.iter().map(|r| r.as_ref().expect("valid").gas_used).collect();
    let cumulative: Vec<u64> = outcome.receipts.iter().map(|r| r.cumulative_gas_used).collect();
    assert_eq!(cumulative, [gas[0], gas[0] + gas[1], gas[0] + gas[1] + gas[2]]);
    assert!(gas[1] > gas[2], "the first write to a slot costs more: {gas:?}");
}

#[test]
fn invalid_transactions_leave_no_trace() {
    let mut state = genesis();
    state.set_balance(COUNTER.0, U256::from(ETHER));
    state.set_nonce(BOB, u64::MAX);
    let valid = transfer(0, 5);
    let long_init = Bytes::from(alloc::vec![0u8; 49_153]);
    let zeros = Bytes::from(alloc::vec![1u8; 1000]);
    let call = |nonce| eip1559(nonce, TxKind::Call(BOB), 0);
    let cases = [
        (transfer(0, 5), InvalidTx::NonceTooLow { tx: 0, state: 1 }),
        (transfer(2, 5), InvalidTx::NonceTooHigh { tx: 2, state: 1 }),
        (signed(BOB, call(u64::MAX)), InvalidTx::NonceMax),
        (
            signed(MINER, TxEip1559 { value: U256::from(ETHER), ..call(0) }),
            InvalidTx::InsufficientFunds {
                cost: U256::from(ETHER + 200_000 * 3 * GWEI),
                balance: U256::from(21_000 * GWEI),
            },
        ),
        (signed(ALICE, TxEip1559 { value: U256::MAX, ..call(1) }), InvalidTx::CostOverflow),
        (
            signed(ALICE, TxEip1559 { gas_limit: GAS_LIMIT, ..call(1) }),
            InvalidTx::BlockGasExceeded { gas_limit: GAS_LIMIT, available: GAS_LIMIT - 21_000 },
        ),
        (
            signed(ALICE, TxEip1559 { gas_limit: 16_777_217, ..call(1) }),
            InvalidTx::GasLimitOverCap { gas_limit: 16_777_217, cap: 16_777_216 },
        ),
        (
            signed(ALICE, TxEip1559 { gas_limit: 20_999, ..call(1) }),
            InvalidTx::IntrinsicGas { gas_limit: 20_999, intrinsic: 21_000 },
        ),
        (
            signed(ALICE, TxEip1559 { gas_limit: 60_999, input: zeros, ..call(1) }),
            InvalidTx::FloorGas { gas_limit: 60_999, floor: 61_000 },
        ),
        (
            signed(
                ALICE,
                TxEip1559 { max_fee_per_gas: GWEI - 1, max_priority_fee_per_gas: 0, ..call(1) },
            ),
            InvalidTx::FeeBelowBaseFee { base_fee: BASE_FEE },
        ),
        (
            signed(ALICE, TxEip1559 { max_priority_fee_per_gas: 4 * GWEI, ..call(1) }),
            InvalidTx::PriorityFeeOverCap,
        ),
        (
            signed(ALICE, TxEip1559 { chain_id: CHAIN + 1, ..call(1) }),
            InvalidTx::WrongChain { expected: CHAIN },
        ),
        (signed(COUNTER.0, call(0)), InvalidTx::SenderHasCode),
        (
            signed(
                ALICE,
                TxEip1559 { gas_limit: 5_000_000, input: long_init, to: TxKind::Create, ..call(1) },
            ),
            InvalidTx::InitCodeTooLong,
        ),
        (blob(1, 0, GWEI), InvalidTx::NoBlobs),
        (blob(1, 7, GWEI), InvalidTx::TooManyBlobs { have: 7, max: 6 }),
        (blob(1, 1, 0), InvalidTx::BlobFeeTooLow { base_fee: 1, cap: 0 }),
        (
            blob(1, 22, GWEI),
            InvalidTx::BlockBlobGasExceeded { blob_gas: 22 << 17, available: 21 << 17 },
        ),
    ];
    let clean = {
        let mut state = state.clone();
        run_block(&SPEC, &mut state, &[valid.clone(), transfer(1, 6)]).1
    };
    let mut block = alloc::vec![valid];
    block.extend(cases.iter().map(|(tx, _)| tx.clone()));
    block.push(transfer(1, 6));
    let (ran, outcome) = run_block(&SPEC, &mut state, &block);
    for ((_, expected), got) in cases.iter().zip(&ran[1..]) {
        assert_eq!(got.as_ref().expect_err("invalid"), expected);
    }
    assert_eq!(outcome.diff, clean.diff);
    assert_eq!(outcome.receipts, clean.receipts);
    assert_eq!(outcome.gas_used, 42_000);
}

#[test]
fn legacy_transactions_without_a_chain_id_are_valid() {
    let mut state = genesis();
    let tx = TxLegacy {
        chain_id: None,
        nonce: 0,
        gas_price: 2 * GWEI,
        gas_limit: 21_000,
        to: TxKind::Call(BOB),
        value: U256::from(1),
        input: Bytes::new(),
    };
    assert!(run_one(&SPEC, &mut state, legacy(ALICE, tx)).0.success);
}

#[test]
fn blob_fee_is_burnt_and_blob_gas_is_counted() {
    let mut state = genesis();
    let blocks: Vec<_> = [(0, 6), (1, 6), (2, 6), (3, 4), (3, 3)]
        .map(|(nonce, blobs)| blob(nonce, blobs, GWEI))
        .into();
    let (ran, outcome) = run_block(&SPEC, &mut state, &blocks);
    assert_eq!(
        ran[3],
        Err(InvalidTx::BlockBlobGasExceeded { blob_gas: 4 << 17, available: 3 << 17 })
    );
    assert_eq!(outcome.blob_gas_used, 21 << 17);
    let spent = 4 * 21_000 * 2 * GWEI + (21 << 17);
    assert_eq!(balance(&state, ALICE), U256::from(100 * ETHER - spent));
    assert_eq!(balance(&state, MINER), U256::from(4 * 21_000 * GWEI));
}

#[test]
fn fees_of_the_next_block_follow_the_parent() {
    let mut header = parent(&SPEC);
    assert_eq!(SPEC.next_base_fee(&header), BASE_FEE);
    header.gas_used = GAS_LIMIT;
    assert_eq!(SPEC.next_base_fee(&header), BASE_FEE / 8 * 9);
    header.gas_used = 0;
    assert_eq!(SPEC.next_base_fee(&header), BASE_FEE / 8 * 7);
    let l2 = ChainSpec::l2(CHAIN);
    header.base_fee_per_gas = Some(l2.base_fee.minimum);
    assert_eq!(l2.next_base_fee(&header), l2.base_fee.minimum);
    header.base_fee_per_gas = Some(u64::MAX);
    header.gas_used = u64::MAX;
    assert!(SPEC.next_base_fee(&header) > u64::MAX / 2);

    // EIP-7918: at 1 gwei the blob fee is far below its reserve price, so the excess grows by
    // (21 - 14) / 21 of what was used and does not fall by the target.
    header.base_fee_per_gas = Some(BASE_FEE);
    header.blob_gas_used = Some(21 << 17);
    assert_eq!(SPEC.next_excess_blob_gas(&header), 7 << 17);
    header.excess_blob_gas = Some(28 << 17);
    header.blob_gas_used = Some(3 << 17);
    assert_eq!(SPEC.next_excess_blob_gas(&header), (28 << 17) + (1 << 17));
    // Below the reserve's reach the old rule holds.
    header.base_fee_per_gas = Some(7);
    assert_eq!(SPEC.next_excess_blob_gas(&header), 17 << 17);
    assert_eq!(l2.next_excess_blob_gas(&header), 0);
    assert_eq!(SPEC.blob_base_fee(0), 1);
    assert!(SPEC.blob_base_fee(100 << 20) > 1);
}

#[test]
fn parent_hash_and_beacon_root_are_stored_where_the_contracts_are() {
    // SSTORE(0, calldataload(0)), for the system only.
    let code = hex!("3373fffffffffffffffffffffffffffffffffffffffe14601957fe5b5f355f5500");
    let code = {
        // CALLER PUSH20 system EQ PUSH1 dest JUMPI INVALID JUMPDEST PUSH0 CALLDATALOAD PUSH0 SSTORE STOP
        let mut code = code.to_vec();
        let dest = code.iter().position(|byte| *byte == 0x5b).expect("has one");
        code[24] = u8::try_from(dest).expect("short");
        Bytes::from(code)
    };
    for spec in [SPEC, ChainSpec::l2(CHAIN)] {
        let mut state = genesis();
        state.set_code(HISTORY_STORAGE_ADDRESS, code.clone());
        state.set_code(BEACON_ROOTS_ADDRESS, code.clone());
        let root = B256::repeat_byte(0xbe);
        let attributes = BlockAttributes { parent_beacon_block_root: root, ..attributes(&spec) };
        let block = BlockExecutor::new(&spec, &parent(&spec), &attributes, &state).expect("begins");
        let outcome = block.finish().expect("ends");
        state.apply(&outcome.diff);
        assert_eq!(
            slot(&state, HISTORY_STORAGE_ADDRESS, 0),
            U256::from_be_bytes(parent(&spec).hash_slow().0)
        );
        assert_eq!(slot(&state, BEACON_ROOTS_ADDRESS, 0), U256::from_be_bytes(root.0));
        assert_eq!(outcome.diff.accounts.len(), 2, "the system account is not touched");
    }
    let mut state = genesis();
    assert_eq!(run_block(&SPEC, &mut state, &[]).1.diff, Default::default());
}

#[test]
fn an_account_left_empty_disappears() {
    let mut state = genesis();
    state.set_balance(BOB, U256::from(21_000 * 2 * GWEI));
    // Bob has no nonce before a deposit gives him one; a transaction would, so he is emptied by a
    // transfer to an empty account and back through the forwarder instead.
    let ghost = Address::repeat_byte(0x99);
    let touch = signed(ALICE, eip1559(0, TxKind::Call(ghost), 0));
    let (_, outcome) = run_one(&SPEC, &mut state, touch);
    assert!(!outcome.diff.accounts.iter().any(|a| a.address == ghost));
    // An empty account in the state (from a genesis) goes when it is touched (EIP-161).
    state.set_balance(ghost, U256::ZERO);
    let touch = signed(ALICE, eip1559(1, TxKind::Call(ghost), 0));
    let (_, outcome) = run_one(&SPEC, &mut state, touch);
    let diff = outcome.diff.accounts.iter().find(|a| a.address == ghost).expect("changed");
    assert_eq!((diff.before, diff.after), (Some(Account::default()), None));
}

#[test]
fn a_contract_destroyed_in_its_creation_leaves_nothing_and_can_come_again() {
    let mut state = genesis();
    let call = |nonce| signed(ALICE, eip1559(nonce, TxKind::Call(PHOENIX.0), 1));
    let child = PHOENIX.0.create2(B256::ZERO, mezz_primitives::keccak256(hex!("33ff")));
    let (ran, outcome) = run_block(&SPEC, &mut state, &[call(0), call(1), transfer(2, 1)]);
    assert!(ran.iter().all(|r| r.as_ref().expect("valid").success));
    assert!(!outcome.diff.accounts.iter().any(|a| a.address == child));
    assert_eq!(balance(&state, PHOENIX.0), U256::from(2));

    // Funded after its destruction, in the same block, it is a plain account.
    let fund = signed(ALICE, eip1559(4, TxKind::Call(child), 7));
    run_block(&SPEC, &mut state, &[call(3), fund]);
    assert_eq!(state.accounts()[&child], Account { balance: U256::from(7), ..Default::default() });
}

#[test]
fn the_header_commits_to_what_happened() {
    let state = genesis();
    let txs = [transfer(0, 5), transfer(1, 6)];
    let mut block = executor(&SPEC, &state);
    for tx in &txs {
        block.execute(tx).expect("valid");
    }
    assert_eq!(block.gas_left(), GAS_LIMIT - 42_000);
    let outcome = block.finish().expect("ends");
    let root = B256::repeat_byte(9);
    let header = outcome.seal_l1_header(txs.iter().map(|tx| &tx.tx), root);
    let list: Vec<Transaction> = txs.iter().map(|tx| tx.tx.clone()).collect();
    assert_eq!(header.transactions_root, transactions_root(&list));
    assert_eq!(header.receipts_root, receipts_root(&outcome.receipts));
    assert_eq!(header.parent_hash, parent(&SPEC).hash_slow());
    assert_eq!((header.number, header.gas_used, header.state_root), (42, 42_000, root));
    assert_eq!(header.withdrawals_root, Some(EMPTY_ROOT_HASH));
    assert_eq!(header.base_fee_per_gas, Some(BASE_FEE));
    // The same block from its header is the same block.
    let context = BlockContext::of_header(&SPEC, &header);
    assert_eq!(context, outcome.context);
}

#[test]
fn contracts_send_only_where_the_block_allows_it() {
    let sent = |spec: &ChainSpec, allow_contract_senders| {
        let mut state = genesis();
        state.set_balance(COUNTER.0, U256::from(ETHER));
        let next = BlockContext::next(spec, &parent(spec), attributes(spec));
        let context = BlockContext { allow_contract_senders, ..next };
        let mut block = BlockExecutor::with_context(spec, context, &state).expect("begins");
        let tx = signed(COUNTER.0, eip1559(0, TxKind::Call(BOB), 5));
        match block.execute(&tx) {
            Ok(outcome) => Ok(outcome.success),
            Err(ExecuteError::Invalid(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(sent(&SPEC, true), Ok(true));
    assert_eq!(sent(&SPEC, false), Err(InvalidTx::SenderHasCode));
    assert_eq!(sent(&ChainSpec::l2(CHAIN), true), Err(InvalidTx::SenderHasCode));
}
