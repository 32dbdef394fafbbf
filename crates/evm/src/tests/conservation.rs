//! Ether is neither made nor lost but by mint and burn.

use super::differential::{Step, funded, sender, steps, transaction};
use super::*;
use mezz_primitives::addresses::L1_BLOCK;
use proptest::prelude::*;

fn total(state: &MemoryState) -> U256 {
    state.accounts().values().map(|account| account.balance).sum()
}

fn random_deposit(step: Step, index: usize) -> RecoveredTransaction {
    let to = match step.target {
        target @ 0..=6 => TxKind::Call(contracts()[usize::from(target)].0),
        7..=9 => TxKind::Create,
        _ => TxKind::Call(BOB),
    };
    deposit(TxDeposit {
        source_hash: B256::from(U256::from(index)),
        from: sender(step.sender),
        to,
        mint: u128::from(step.gas),
        // Often more than there is.
        value: if step.value == 2 { U256::from(2 * ETHER) } else { U256::from(step.value) },
        gas_limit: step.gas - 15_000,
        is_system_transaction: false,
        input: if to.is_create() { INIT_STOP.into() } else { address_word(BOB) },
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn l1_loses_what_it_burns(steps in steps(), blobs in 0usize..3) {
        let spec = ChainSpec::l1(CHAIN);
        let mut state = funded();
        let before = total(&state);
        let mut nonces = [0u64; 4];
        let mut block: Vec<_> = steps.into_iter().map(|s| transaction(s, &mut nonces)).collect();
        block.extend((0..blobs).map(|i| blob(i as u64, 1, GWEI)));
        let (_, outcome) = run_block(&spec, &mut state, &block);
        let burnt = u128::from(outcome.gas_used) * u128::from(BASE_FEE)
            + u128::from(outcome.blob_gas_used) * outcome.context.blob_base_fee;
        prop_assert_eq!(before, total(&state) + U256::from(burnt));
    }

    #[test]
    fn l2_gains_what_it_mints(steps in steps(), deposits in steps()) {
        let spec = ChainSpec::l2(CHAIN);
        let mut state = funded();
        state.set_storage(L1_BLOCK, U256::from(1), U256::from(GWEI));
        state.set_storage(L1_BLOCK, U256::from(3), U256::from(1_000_000) << 96);
        let before = total(&state);
        let deposits: Vec<_> =
            deposits.into_iter().enumerate().map(|(i, s)| random_deposit(s, i)).collect();
        let mut nonces = [0u64; 4];
        for tx in &deposits {
            let index = usize::from(tx.sender[0] - 0xd0);
            nonces[index] += 1;
        }
        let minted: u128 =
            deposits.iter().map(|tx| tx.tx.as_deposit().expect("deposit").mint).sum();
        let mut block = deposits;
        let count = block.len();
        block.extend(steps.into_iter().map(|s| transaction(s, &mut nonces)));
        let (ran, _) = run_block(&spec, &mut state, &block);
        prop_assert!(ran[..count].iter().all(Result::is_ok), "a deposit is always included");
        prop_assert_eq!(before + U256::from(minted), total(&state));
    }
}
