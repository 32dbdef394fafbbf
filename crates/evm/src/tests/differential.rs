//! A block in one journal against plain revm, which commits each transaction to a database.

use super::*;
use crate::context::{BlockContext, cfg_env};
use crate::transaction::tx_env;
use proptest::prelude::*;
use revm::{
    Context, ExecuteCommitEvm, MainBuilder, MainContext,
    database::{CacheDB, EmptyDB, State},
    primitives::KECCAK_EMPTY,
    state::AccountInfo,
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) sender: u8,
    pub(super) target: u8,
    pub(super) value: u64,
    pub(super) gas: u64,
    pub(super) bad_nonce: bool,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..4, 0u8..14, 0u64..3, 21_000u64..150_000, prop::bool::weighted(0.1)).prop_map(
        |(sender, target, value, gas, bad_nonce)| Step { sender, target, value, gas, bad_nonce },
    );
    prop::collection::vec(step, 1..24)
}

pub(super) fn sender(index: u8) -> Address {
    Address::repeat_byte(0xd0 + index)
}

pub(super) fn ghost(index: u8) -> Address {
    Address::repeat_byte(0xe0 + index)
}

/// Signed transactions from random steps; `nonces` are those of the senders.
pub(super) fn transaction(step: Step, nonces: &mut [u64; 4]) -> RecoveredTransaction {
    let nonce = &mut nonces[usize::from(step.sender)];
    let mut input = Bytes::new();
    let to = match step.target {
        0..=6 => {
            input = address_word(ghost(step.sender));
            TxKind::Call(contracts()[usize::from(step.target)].0)
        }
        7 => TxKind::Call(ghost(0)),
        8 => TxKind::Call(sender(3 - step.sender)),
        // The child of the phoenix, alive or not.
        9 => TxKind::Call(PHOENIX.0.create2(B256::ZERO, mezz_primitives::keccak256(hex!("33ff")))),
        10 => {
            input = INIT_STOP.into();
            TxKind::Create
        }
        11 => {
            let seed = 1 + step.sender;
            let list = alloc::vec![set_code::authorize(seed, COUNTER.0, step.value % 2)];
            let tx = set_code::set_code(*nonce, set_code::authority(seed).1, list);
            *nonce += 1;
            return RecoveredTransaction::new(tx.tx.clone(), sender(step.sender));
        }
        12 => TxKind::Call(set_code::authority(1 + step.sender).1),
        _ => TxKind::Call(MINER),
    };
    let tx = TxEip1559 {
        gas_limit: step.gas,
        input,
        ..eip1559(*nonce + u64::from(step.bad_nonce), to, u128::from(step.value))
    };
    *nonce += u64::from(!step.bad_nonce);
    signed(sender(step.sender), tx)
}

pub(super) fn funded() -> MemoryState {
    let mut state = genesis();
    for index in 0..4 {
        state.set_balance(sender(index), U256::from(ETHER));
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn one_journal_equals_commit_by_transaction(steps in steps()) {
        let spec = ChainSpec::l1(CHAIN);
        let mut state = funded();
        let mut db = CacheDB::new(EmptyDB::new());
        for (address, account) in state.accounts() {
            let code = contracts().into_iter().find(|(a, _)| a == address).map(|(_, code)| code);
            db.insert_account_info(*address, AccountInfo {
                balance: account.balance,
                nonce: account.nonce,
                code_hash: account.code_hash,
                code: code.map(|code| crate::analysed(code.into())),
                account_id: None,
            });
        }
        let block = BlockContext::next(&spec, &parent(&spec), attributes(&spec));
        let mut plain = Context::mainnet()
            .with_cfg(cfg_env(&spec, &block))
            .with_block(block.block_env())
            // `State` deletes empty accounts as EIP-161 has it; `CacheDB` alone keeps them.
            .with_db(State::builder().with_database(db).build())
            .build_mainnet();

        let mut nonces = [0u64; 4];
        let transactions: Vec<_> =
            steps.into_iter().map(|step| transaction(step, &mut nonces)).collect();
        let (ran, outcome) = run_block(&spec, &mut state, &transactions);
        let mut receipts = outcome.receipts.iter();
        for (tx, ran) in transactions.iter().zip(&ran) {
            match (plain.transact_commit(tx_env(&tx.tx, tx.sender)), ran) {
                (Ok(expected), Ok(got)) => {
                    prop_assert_eq!(expected.tx_gas_used(), got.gas_used);
                    prop_assert_eq!(expected.is_success(), got.success);
                    prop_assert_eq!(expected.created_address(), got.created);
                    let receipt = receipts.next().expect("one each");
                    prop_assert_eq!(expected.logs(), &receipt.logs[..]);
                }
                (Err(_), Err(_)) => {}
                (expected, got) => prop_assert!(false, "{:?} but {:?}", expected, got),
            }
        }
        let accounts = &plain.ctx.journaled_state.database.cache.accounts;
        for (address, account) in accounts {
            let expected = account.account.as_ref().filter(|account| !account.info.is_empty());
            let got = state.accounts().get(address);
            prop_assert_eq!(
                expected.map(|a| (a.info.nonce, a.info.balance, a.info.code_hash)),
                got.map(|a| (a.nonce, a.balance, a.code_hash)),
                "{}", address
            );
            for (key, value) in expected.iter().flat_map(|account| &account.storage) {
                let got = state.slots().get(&(*address, *key)).copied().unwrap_or_default();
                prop_assert_eq!(*value, got);
            }
        }
        for diff in &outcome.diff.accounts {
            prop_assert!(accounts.contains_key(&diff.address), "{}", diff.address);
        }
        for diff in &outcome.diff.accounts {
            if let Some(after) = diff.after && after.code_hash != KECCAK_EMPTY {
                prop_assert!(diff.before.is_some_and(|b| b.code_hash == after.code_hash)
                    || outcome.diff.codes.iter().any(|c| c.hash == after.code_hash));
            }
        }
    }
}
