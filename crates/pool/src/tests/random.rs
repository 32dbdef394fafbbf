//! Random histories: after every step all indexes and totals agree with the transactions.

use super::*;
use crate::BlockUpdate;
use proptest::prelude::*;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
enum Step {
    Add { from: u64, nonce: u64, fee: u128, tip: u128 },
    Remove { at: usize },
    Account { from: u64, nonce: u64, balance: u128 },
    Block { take: usize, base_fee: u64, later: u64 },
    Unwind { from: u64, nonce: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u64..8, 0u64..12, 0u128..30, 0u128..30).prop_map(|(from, nonce, fee, tip)| {
            Step::Add { from, nonce, fee: fee + tip, tip }
        }),
        1 => (0usize..50).prop_map(|at| Step::Remove { at }),
        2 => (0u64..8, 0u64..8, 0u128..4_000_000).prop_map(|(from, nonce, balance)| {
            Step::Account { from, nonce, balance }
        }),
        1 => (0usize..6, 0u64..20, 0u64..9_000).prop_map(|(take, base_fee, later)| {
            Step::Block { take, base_fee, later }
        }),
        1 => (0u64..8, 0u64..6).prop_map(|(from, nonce)| Step::Unwind { from, nonce }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..Default::default() })]

    #[test]
    fn indexes_follow_every_history(steps in prop::collection::vec(step(), 1..150)) {
        let accounts = Accounts::default();
        let pool = accounts.pool(PoolConfig {
            max_slots: 24,
            max_queued: 9,
            max_sender_txs: 10,
            max_sender_queued: 4,
            base_fee: 3,
            ..Default::default()
        });
        for n in 0..8 {
            accounts.set(sender(n), 0, 3_000_000);
        }
        let mut now = Instant::now();
        for step in steps {
            match step {
                Step::Add { from, nonce, fee, tip } => {
                    let before = pool.status();
                    let refused = pool.add_at(transfer(sender(from), nonce, fee, tip), now).is_err();
                    if refused {
                        prop_assert_eq!(before, pool.status(), "a refusal leaves no trace");
                    }
                }
                Step::Remove { at } => {
                    let all = pool.content();
                    let hash = all.pending.values().chain(all.queued.values()).flatten().nth(at);
                    if let Some(tx) = hash {
                        prop_assert!(pool.remove(&tx.hash).is_some());
                    }
                }
                Step::Account { from, nonce, balance } => {
                    let state = accounts.set(sender(from), nonce, balance);
                    pool.on_accounts(&[(sender(from), state)]);
                }
                Step::Block { take, base_fee, later } => {
                    now += Duration::from_secs(later);
                    let taken: Vec<_> = pool.best(base_fee).take(take).collect();
                    let changed: Vec<_> = taken
                        .iter()
                        .map(|tx| {
                            let balance = 2_000_000 - 10_000 * u128::from(tx.nonce());
                            (tx.sender(), accounts.set(tx.sender(), tx.nonce() + 1, balance))
                        })
                        .collect();
                    let included: Vec<_> = taken.iter().map(|tx| tx.hash).collect();
                    pool.on_block_at(
                        &BlockUpdate {
                            included: &included,
                            changed: &changed,
                            next_base_fee: base_fee,
                            block_gas_limit: 60_000_000,
                        },
                        now,
                    );
                    for hash in included {
                        prop_assert!(!pool.contains(&hash));
                    }
                }
                Step::Unwind { from, nonce } => {
                    accounts.set(sender(from), nonce, 3_000_000);
                    pool.on_unwind([transfer(sender(from), nonce, 20, 10)]);
                }
            }
            pool.check();
            let status = pool.status();
            prop_assert!(status.slots <= 24);
            prop_assert!(status.queued <= 9 + 10, "only a removal may exceed the queue's limit");
        }
    }
}
