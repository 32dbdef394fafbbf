//! Each rule of deposit transactions.

use super::*;
use mezz_primitives::addresses::{BASE_FEE_VAULT, L1_FEE_VAULT};
use revm::context::result::HaltReason;

const CAROL: Address = Address::repeat_byte(0xca);

fn base() -> TxDeposit {
    TxDeposit {
        source_hash: B256::repeat_byte(1),
        from: CAROL,
        to: TxKind::Call(BOB),
        mint: ETHER,
        value: U256::ZERO,
        gas_limit: 100_000,
        is_system_transaction: false,
        input: Bytes::new(),
    }
}

fn run(state: &mut MemoryState, tx: TxDeposit) -> (TxOutcome, BlockOutcome) {
    run_one(&ChainSpec::l2(CHAIN), state, deposit(tx))
}

/// What a deposit that failed leaves: the mint, the nonce, and nothing else.
fn assert_only_mint_and_nonce(outcome: &BlockOutcome, state: &MemoryState) {
    assert!(!outcome.receipts[0].success);
    assert_eq!(outcome.diff.accounts.len(), 1, "{:?}", outcome.diff);
    assert_eq!(balance(state, CAROL), U256::from(ETHER));
    assert_eq!(nonce(state, CAROL), 1);
}

#[test]
fn mints_moves_value_and_pays_no_fee() {
    let mut state = genesis();
    let (ran, outcome) = run(&mut state, TxDeposit { value: U256::from(ETHER / 4), ..base() });
    assert!(ran.success);
    assert_eq!(ran.gas_used, 21_000);
    assert_eq!((ran.l1_fee, ran.l1_gas_used), (U256::ZERO, 0));
    assert_eq!(balance(&state, CAROL), U256::from(ETHER / 4 * 3));
    assert_eq!(balance(&state, BOB), U256::from(ETHER / 4));
    assert_eq!(nonce(&state, CAROL), 1);
    for vault in [SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT] {
        assert!(!state.accounts().contains_key(&vault));
    }
    assert_eq!(outcome.receipts[0].tx_type, 0x7e);
    assert_eq!(outcome.receipts[0].deposit_nonce, Some(0));
    assert_eq!(outcome.receipts[0].cumulative_gas_used, 21_000);
}

#[test]
fn receipt_has_the_nonce_before_even_within_a_block() {
    let mut state = genesis();
    state.set_nonce(CAROL, 7);
    let (_, outcome) =
        run_block(&ChainSpec::l2(CHAIN), &mut state, &[deposit(base()), deposit(base())]);
    let nonces: Vec<_> = outcome.receipts.iter().map(|r| r.deposit_nonce).collect();
    assert_eq!(nonces, [Some(7), Some(8)]);
    assert_eq!(balance(&state, CAROL), U256::from(2 * ETHER));
}

#[test]
fn revert_keeps_mint_and_nonce_and_uses_real_gas() {
    let mut state = genesis();
    let tx = TxDeposit { to: TxKind::Call(REVERTER.0), value: U256::from(5), ..base() };
    let (ran, outcome) = run(&mut state, tx);
    assert_only_mint_and_nonce(&outcome, &state);
    assert!(ran.halt.is_none());
    assert!(ran.gas_used > 21_000 && ran.gas_used < 100_000);
}

#[test]
fn halt_keeps_mint_and_nonce_and_uses_all_gas() {
    let mut state = genesis();
    let (ran, outcome) = run(&mut state, TxDeposit { to: TxKind::Call(HALTER.0), ..base() });
    assert_only_mint_and_nonce(&outcome, &state);
    assert_eq!(ran.halt, Some(HaltReason::InvalidFEOpcode));
    assert_eq!(ran.gas_used, 100_000);
}

#[test]
fn value_above_balance_is_included_as_failed() {
    let mut state = genesis();
    let (ran, outcome) = run(&mut state, TxDeposit { value: U256::from(ETHER + 1), ..base() });
    assert_only_mint_and_nonce(&outcome, &state);
    assert_eq!(ran.halt, Some(HaltReason::OutOfFunds));
    assert_eq!(ran.gas_used, 100_000);
    assert_eq!(ran.deposit_nonce, Some(0));
}

#[test]
fn creation_that_cannot_start_raises_the_nonce_once() {
    let mut state = genesis();
    let tx = TxDeposit { to: TxKind::Create, value: U256::from(ETHER + 1), ..base() };
    let (ran, outcome) = run(&mut state, tx);
    assert_only_mint_and_nonce(&outcome, &state);
    assert_eq!(ran.gas_used, 100_000);
}

#[test]
fn gas_below_the_intrinsic_is_included_as_failed() {
    let mut state = genesis();
    let (ran, outcome) = run(&mut state, TxDeposit { gas_limit: 20_999, ..base() });
    assert_only_mint_and_nonce(&outcome, &state);
    assert_eq!(ran.gas_used, 20_999);
}

#[test]
fn gas_below_the_calldata_floor_is_included_as_failed() {
    // 1,000 non-zero bytes: intrinsic 37,000, floor 61,000 (EIP-7623).
    let input = Bytes::from(alloc::vec![1u8; 1000]);
    let mut state = genesis();
    let (ran, outcome) =
        run(&mut state, TxDeposit { gas_limit: 60_999, input: input.clone(), ..base() });
    assert_only_mint_and_nonce(&outcome, &state);
    assert_eq!(ran.gas_used, 60_999);
    let (ran, _) = run(&mut state, TxDeposit { gas_limit: 61_000, input, ..base() });
    assert!(ran.success);
    assert_eq!(ran.gas_used, 61_000);
}

#[test]
fn create_collision_is_included_as_failed() {
    let mut state = genesis();
    state.set_nonce(CAROL.create(0), 1);
    let tx = TxDeposit { to: TxKind::Create, input: INIT_STOP.into(), ..base() };
    let (ran, outcome) = run(&mut state, tx);
    assert_only_mint_and_nonce(&outcome, &state);
    assert_eq!(ran.gas_used, 100_000);
}

#[test]
fn creates_a_contract() {
    let mut state = genesis();
    state.set_nonce(CAROL, 3);
    let tx =
        TxDeposit { to: TxKind::Create, value: U256::from(9), input: INIT_STOP.into(), ..base() };
    let (ran, outcome) = run(&mut state, tx);
    let created = CAROL.create(3);
    assert_eq!(ran.created, Some(created));
    assert_eq!(nonce(&state, CAROL), 4);
    assert_eq!(balance(&state, created), U256::from(9));
    assert_eq!(outcome.diff.codes.len(), 1);
    assert_eq!(outcome.diff.codes[0].bytes.as_ref(), [0]);
}

#[test]
fn creation_that_reverts_raises_the_nonce_once() {
    let mut state = genesis();
    let tx = TxDeposit { to: TxKind::Create, input: Bytes::from_static(REVERTER.1), ..base() };
    let (_, outcome) = run(&mut state, tx);
    assert_only_mint_and_nonce(&outcome, &state);
}

#[test]
fn init_code_over_the_limit_is_included_as_failed() {
    let mut state = genesis();
    let tx = TxDeposit {
        to: TxKind::Create,
        gas_limit: 10_000_000,
        input: Bytes::from(alloc::vec![0u8; 49_153]),
        ..base()
    };
    let (ran, outcome) = run(&mut state, tx);
    assert_only_mint_and_nonce(&outcome, &state);
    assert_eq!(ran.halt, Some(HaltReason::CreateInitCodeSizeLimit));
    assert_eq!(ran.gas_used, 10_000_000);
}

#[test]
fn sender_may_have_code() {
    let mut state = genesis();
    let (ran, _) = run(&mut state, TxDeposit { from: COUNTER.0, ..base() });
    assert!(ran.success);
    assert_eq!(balance(&state, COUNTER.0), U256::from(ETHER));
}

#[test]
fn gas_above_the_transaction_cap_is_usable() {
    let mut state = genesis();
    let gas_limit = 20_000_000;
    let (ran, _) = run(&mut state, TxDeposit { to: TxKind::Call(GAS.0), gas_limit, ..base() });
    assert!(ran.success);
    assert!(U256::from_be_slice(&ran.output) > U256::from(gas_limit - 30_000), "{}", ran.output);
}

#[test]
fn a_failed_deposit_does_not_disturb_the_block() {
    let mut state = genesis();
    let (ran, outcome) = run_block(
        &ChainSpec::l2(CHAIN),
        &mut state,
        &[
            deposit(TxDeposit { from: ALICE, value: U256::MAX, ..base() }),
            signed(ALICE, eip1559(1, TxKind::Call(COUNTER.0), 0)),
            deposit(TxDeposit { to: TxKind::Call(COUNTER.0), ..base() }),
        ],
    );
    assert!(ran.iter().all(Result::is_ok));
    assert_eq!(slot(&state, COUNTER.0, 0), U256::from(2));
    let success: Vec<_> = outcome.receipts.iter().map(|r| r.success).collect();
    assert_eq!(success, [false, true, true]);
}

#[test]
fn refused_where_they_cannot_be() {
    let mut state = genesis();
    let (ran, outcome) = run_block(&ChainSpec::l1(CHAIN), &mut state, &[deposit(base())]);
    assert_eq!(ran, [Err(InvalidTx::DepositNotSupported)]);
    assert_eq!(outcome.diff, Default::default());

    let spec = ChainSpec::l2(CHAIN);
    let (ran, outcome) = run_block(
        &spec,
        &mut state,
        &[
            deposit(TxDeposit { is_system_transaction: true, ..base() }),
            deposit(TxDeposit { gas_limit: GAS_LIMIT + 1, ..base() }),
            blob(0, 1, GWEI),
        ],
    );
    assert_eq!(
        ran,
        [
            Err(InvalidTx::SystemTransaction),
            Err(InvalidTx::BlockGasExceeded { gas_limit: GAS_LIMIT + 1, available: GAS_LIMIT }),
            Err(InvalidTx::BlobsNotSupported),
        ]
    );
    assert_eq!(outcome.diff, Default::default());
}
