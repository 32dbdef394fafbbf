//! What a signed transaction pays on L2, and to whom.

use super::*;
use mezz_primitives::{
    addresses::{BASE_FEE_VAULT, L1_BLOCK, L1_FEE_VAULT},
    fee::{BatchSize, L1FeeParams},
    l1_info::L1Attributes,
};

/// Stores the packed attributes as the L1Block predeploy does.
const L1_BLOCK_CODE: &[u8] = &hex!("60243560015560443560075560043560801c60035500");

const PARAMS: L1FeeParams = L1FeeParams {
    l1_base_fee: U256::from_limbs([20_000_000_000, 0, 0, 0]),
    blob_base_fee: U256::from_limbs([3_000_000_000, 0, 0, 0]),
    base_fee_scalar: 5_227,
    blob_base_fee_scalar: 1_014_213,
};

fn with_params(mut state: MemoryState) -> MemoryState {
    let scalars = (U256::from(PARAMS.base_fee_scalar) << 96)
        | (U256::from(PARAMS.blob_base_fee_scalar) << 64)
        | U256::from(5);
    state.set_storage(L1_BLOCK, U256::from(1), PARAMS.l1_base_fee);
    state.set_storage(L1_BLOCK, U256::from(3), scalars);
    state.set_storage(L1_BLOCK, U256::from(7), PARAMS.blob_base_fee);
    state
}

#[test]
fn every_wei_goes_where_it_belongs() {
    let spec = ChainSpec::l2(CHAIN);
    let mut state = with_params(genesis());
    let tx = transfer(0, 12_345);
    let l1_fee = PARAMS.l1_fee(BatchSize::of_bytes(&tx.tx.encoded()));
    assert!(l1_fee > U256::ZERO);
    let (ran, _) = run_one(&spec, &mut state, tx.clone());
    assert_eq!(ran.l1_fee, l1_fee);
    assert_eq!(ran.l1_gas_used, BatchSize::of_bytes(&tx.tx.encoded()).l1_gas_used());
    let base = U256::from(21_000u64 * BASE_FEE);
    let tip = U256::from(21_000 * GWEI);
    assert_eq!(balance(&state, L1_FEE_VAULT), l1_fee);
    assert_eq!(balance(&state, BASE_FEE_VAULT), base);
    assert_eq!(balance(&state, SEQUENCER_FEE_VAULT), tip);
    assert_eq!(balance(&state, BOB), U256::from(12_345));
    assert_eq!(
        balance(&state, ALICE),
        U256::from(100 * ETHER) - U256::from(12_345) - base - tip - l1_fee
    );
}

#[test]
fn a_reverted_transaction_pays_the_l1_fee_too() {
    let mut state = with_params(genesis());
    let tx = signed(ALICE, eip1559(0, TxKind::Call(REVERTER.0), 0));
    let (ran, _) = run_one(&ChainSpec::l2(CHAIN), &mut state, tx);
    assert!(!ran.success);
    assert_eq!(balance(&state, L1_FEE_VAULT), ran.l1_fee);
    assert!(ran.l1_fee > U256::ZERO);
}

#[test]
fn the_sender_must_afford_gas_value_and_l1_fee_together() {
    let spec = ChainSpec::l2(CHAIN);
    let mut state = with_params(genesis());
    let tx = transfer(0, 1);
    let cost =
        U256::from(200_000 * 3 * GWEI + 1) + PARAMS.l1_fee(BatchSize::of_bytes(&tx.tx.encoded()));
    let balance = cost - U256::from(1);
    state.set_balance(ALICE, balance);
    let (ran, outcome) = run_block(&spec, &mut state, core::slice::from_ref(&tx));
    assert_eq!(ran, [Err(InvalidTx::InsufficientFunds { cost, balance })]);
    assert_eq!(outcome.diff, Default::default());
    state.set_balance(ALICE, cost);
    assert!(run_block(&spec, &mut state, &[tx]).0[0].is_ok());
}

#[test]
fn prices_are_those_that_the_block_itself_sets() {
    let spec = ChainSpec::l2(CHAIN);
    let mut state = with_params(genesis());
    state.set_code(L1_BLOCK, Bytes::from_static(L1_BLOCK_CODE));
    let attributes = L1Attributes {
        base_fee: U256::from(77 * GWEI),
        blob_base_fee: U256::from(11 * GWEI),
        base_fee_scalar: 1_000,
        blob_base_fee_scalar: 2_000_000,
        sequence_number: 9,
        ..Default::default()
    };
    let tx = transfer(0, 1);
    let block = [deposit(attributes.to_transaction()), tx.clone()];
    let (ran, _) = run_block(&spec, &mut state, &block);
    let expected = attributes.fee_params().l1_fee(BatchSize::of_bytes(&tx.tx.encoded()));
    assert_ne!(expected, PARAMS.l1_fee(BatchSize::of_bytes(&tx.tx.encoded())));
    assert_eq!(ran[1].as_ref().expect("valid").l1_fee, expected);
    assert_eq!(crate::read_l1_fee_params(&state), Ok(attributes.fee_params()));
}

#[test]
fn reading_the_prices_warms_nothing() {
    // A contract that loads slot 1 of itself, placed at the predeploy: a cold load costs 2,100.
    let mut state = with_params(genesis());
    state.set_code(L1_BLOCK, Bytes::from_static(&hex!("600154")));
    let tx = signed(ALICE, eip1559(0, TxKind::Call(L1_BLOCK), 0));
    let (ran, _) = run_one(&ChainSpec::l2(CHAIN), &mut state, tx);
    assert_eq!(ran.gas_used, 21_000 + 3 + 2_100);
}

/// Stores what each vault holds in a slot of its own, and reverts if the call has data.
fn watcher() -> Bytes {
    let mut code = Vec::new();
    for (slot, vault) in (0u8..).zip(VAULTS) {
        // PUSH20 vault, BALANCE, PUSH1 slot, SSTORE.
        code.push(0x73);
        code.extend_from_slice(vault.as_slice());
        code.extend_from_slice(&[0x31, 0x60, slot, 0x55]);
    }
    // CALLDATASIZE, PUSH1 end, JUMPI, STOP; end: PUSH0, PUSH0, REVERT.
    let end = u8::try_from(code.len()).expect("short") + 5;
    code.extend_from_slice(&[0x36, 0x60, end, 0x57, 0x00, 0x5b, 0x5f, 0x5f, 0xfd]);
    code.into()
}

const VAULTS: [Address; 3] = [SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT];

#[test]
fn contracts_see_the_fees_of_all_transactions_before_theirs() {
    let at = Address::repeat_byte(0x77);
    let call = |nonce, data: &'static [u8]| {
        let call = TxEip1559 { input: data.into(), ..eip1559(nonce, TxKind::Call(at), 0) };
        signed(ALICE, call)
    };
    // Whether the first one that looks keeps what it saw, and whether one is refused between.
    for first in [&b""[..], b"x"] {
        let mut state = with_params(genesis());
        state.set_code(at, watcher());
        let too_early = transfer(9, 1);
        let block = [
            transfer(0, 1),
            call(1, first),
            too_early,
            transfer(2, 1),
            call(3, b""),
            transfer(4, 1),
        ];
        let (ran, _) = run_block(&ChainSpec::l2(CHAIN), &mut state, &block);
        let paid = |until: usize| {
            ran[..until].iter().flatten().fold([U256::ZERO; 3], |sum, ran| {
                let of_gas = |price: u128| U256::from(u128::from(ran.gas_used) * price);
                let fees = [of_gas(GWEI), of_gas(BASE_FEE.into()), ran.l1_fee];
                core::array::from_fn(|vault| sum[vault] + fees[vault])
            })
        };
        assert_eq!(ran.iter().filter(|ran| ran.is_ok()).count(), 5);
        assert_eq!([0, 1, 2].map(|vault| slot(&state, at, vault)), paid(4), "{first:?}");
        assert_eq!(VAULTS.map(|vault| balance(&state, vault)), paid(6), "{first:?}");
    }
}
