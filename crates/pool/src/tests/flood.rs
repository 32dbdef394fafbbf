//! Attempts to fill the pool.

use super::*;
use crate::{PoolError, Subpool};
use std::time::{Duration, Instant};

fn small(max_slots: usize) -> (Accounts, Pool) {
    let accounts = Accounts::default();
    let config = PoolConfig {
        max_slots,
        max_queued: 8,
        max_sender_txs: 16,
        max_sender_queued: 4,
        base_fee: 10,
        ..Default::default()
    };
    let pool = accounts.pool(config);
    (accounts, pool)
}

#[test]
fn full_pool_lets_the_worst_tail_go() {
    let (accounts, pool) = small(4);
    for n in 0..4 {
        accounts.set(sender(n), 0, u128::MAX);
    }
    let cheap = [transfer(sender(0), 0, 100, 5), transfer(sender(0), 1, 100, 50)];
    for tx in &cheap {
        pool.add(tx.clone()).unwrap();
    }
    pool.add(transfer(sender(1), 0, 100, 20)).unwrap();
    pool.add(transfer(sender(1), 1, 100, 20)).unwrap();
    // Not better than the worst: its tail cannot come before its cheap first.
    assert_eq!(pool.add(transfer(sender(2), 0, 100, 5)).unwrap_err(), PoolError::Underpriced);
    assert_eq!(pool.status().pending, 4);
    let outcome = pool.add(transfer(sender(2), 0, 100, 6)).unwrap();
    assert_eq!(outcome.evicted, [hash(&cheap[1])]);
    // A chain of a sender is as good as its worst, so it cannot push itself out.
    assert_eq!(pool.add(transfer(sender(0), 1, 100, 50)).unwrap_err(), PoolError::Underpriced);
    assert_eq!(pool.add(transfer(sender(3), 0, 100, 30)).unwrap().evicted, [hash(&cheap[0])]);
    assert_eq!((pool.status().pending, pool.status().queued), (4, 0));
    pool.check();
}

#[test]
fn priced_out_go_first_whatever_their_tip() {
    let (accounts, pool) = small(2);
    for n in 0..3 {
        accounts.set(sender(n), 0, u128::MAX);
    }
    let priced_out = transfer(sender(0), 0, 9, 9);
    pool.add(priced_out.clone()).unwrap();
    pool.add(transfer(sender(1), 0, 12, 1)).unwrap();
    let outcome = pool.add(transfer(sender(2), 0, 11, 1)).unwrap();
    assert_eq!(outcome.evicted, [hash(&priced_out)]);
    assert_eq!(pool.add(priced_out).unwrap_err(), PoolError::Underpriced);
    pool.check();
}

#[test]
fn queued_go_before_pending() {
    let (accounts, pool) = small(3);
    for n in 0..4 {
        accounts.set(sender(n), 0, u128::MAX);
    }
    pool.add(transfer(sender(0), 0, 100, 1)).unwrap();
    let queued = transfer(sender(3), 2, 5_000, 5_000);
    pool.add(queued.clone()).unwrap();
    pool.add(transfer(sender(1), 0, 100, 2)).unwrap();
    assert_eq!(pool.add(transfer(sender(2), 3, 100, 100)).unwrap_err(), PoolError::Underpriced);
    let outcome = pool.add(transfer(sender(2), 0, 100, 1)).unwrap();
    assert_eq!(outcome.evicted, [hash(&queued)]);
    pool.check();
}

#[test]
fn gap_filler_may_push_out_what_waits_behind_it() {
    let (accounts, pool) = small(3);
    accounts.set(sender(0), 0, u128::MAX);
    for nonce in [0, 2, 3] {
        pool.add(transfer(sender(0), nonce, 100, 5)).unwrap();
    }
    let outcome = pool.add(transfer(sender(0), 1, 100, 5)).unwrap();
    assert_eq!((outcome.subpool, outcome.evicted.len()), (Subpool::Pending, 1));
    assert_eq!((pool.status().pending, pool.status().queued), (3, 0));
    pool.check();
}

#[test]
fn refused_transaction_costs_nobody_his_place() {
    let (accounts, pool) = small(4);
    for n in 0..5 {
        accounts.set(sender(n), 0, u128::MAX);
    }
    // The tips rise: a transaction of four slots that beats only the first two must not
    // push out anyone.
    for n in 0..4u64 {
        pool.add(transfer(sender(n), 0, 1_000, u128::from(n) * 10 + 1)).unwrap();
    }
    let before = pool.content();
    let big = signed(
        sender(4),
        TxEip1559 {
            chain_id: CHAIN_ID,
            gas_limit: 5_000_000,
            max_fee_per_gas: 1_000,
            max_priority_fee_per_gas: 15,
            to: TxKind::Call(Address::ZERO),
            input: vec![0; 100 << 10].into(),
            ..Default::default()
        },
    );
    assert_eq!(pool.add(big).unwrap_err(), PoolError::Underpriced);
    let after = pool.content();
    assert_eq!(before.pending.len(), 4);
    assert!(before.pending.keys().eq(after.pending.keys()));
    pool.check();
}

#[test]
fn one_account_gets_its_share_only() {
    let (accounts, pool) = small(1_000);
    accounts.set(sender(0), 0, u128::MAX);
    for nonce in 0..16 {
        pool.add(transfer(sender(0), nonce, 100, 1)).unwrap();
    }
    assert!(pool.add(transfer(sender(0), 16, 100, 1)).is_err());
    accounts.set(sender(1), 0, u128::MAX);
    for nonce in 1..5 {
        pool.add(transfer(sender(1), nonce, 100, 1)).unwrap();
    }
    assert_eq!(
        pool.add(transfer(sender(1), 5, 100, 1)).unwrap_err().to_string(),
        "account limit exceeded"
    );
    pool.check();
}

#[test]
fn queue_of_many_accounts_is_bounded() {
    let (accounts, pool) = small(1_000);
    let mut taken = 0;
    for n in 0..100 {
        accounts.set(sender(n), 0, u128::MAX);
        taken += usize::from(pool.add(transfer(sender(n), 3, 100, u128::from(n % 10))).is_ok());
        assert!(pool.status().queued <= 8);
    }
    assert!(taken >= 8);
    let worst = pool.content().queued.values().map(|list| list[0].tip_cap).min();
    assert_eq!(worst, Some(9), "the best-priced stay");
    pool.check();
}

#[test]
fn swept_accounts_do_not_keep_their_place() {
    let (accounts, pool) = small(1_000);
    let mut changed = Vec::new();
    for n in 0..5 {
        accounts.set(sender(n), 0, u128::MAX);
        for nonce in 0..16 {
            pool.add(transfer(sender(n), nonce, 100, 1)).unwrap();
        }
        changed.push((sender(n), accounts.set(sender(n), 0, 0)));
    }
    pool.on_accounts(&changed);
    assert_eq!((pool.status().pending, pool.status().queued), (0, 8));
    pool.check();
}

#[test]
fn unfunded_accounts_leave_nothing_behind() {
    let (_, pool) = small(1_000);
    for n in 0..1_000 {
        assert!(matches!(
            pool.add(transfer(sender(n), 0, 100, 1)),
            Err(PoolError::InsufficientFunds { .. })
        ));
    }
    assert_eq!(pool.status(), Default::default());
    assert!(pool.pending_counts().is_empty());
}

#[test]
fn bytes_are_bounded() {
    let accounts = Accounts::default();
    let pool = accounts.pool(PoolConfig { max_bytes: 1_000, ..Default::default() });
    for n in 0..100 {
        accounts.set(sender(n), 0, u128::MAX);
        let _ = pool.add(transfer(sender(n), 0, 1_000, u128::from(n)));
        assert!(pool.status().bytes <= 1_000);
    }
    assert!(pool.status().pending >= 5);
    pool.check();
}

/// A hundred thousand transactions, from many senders and from few, in time that a quadratic
/// step anywhere would exceed by far.
#[test]
fn hundred_thousand_transactions_are_cheap() {
    let started = Instant::now();
    for senders in [100_000u64, 10] {
        let accounts = Accounts::default();
        let pool = accounts.pool(PoolConfig { max_slots: 90_000, ..Default::default() });
        for n in 0..senders {
            accounts.set(sender(n), 0, u128::MAX);
        }
        for n in 0..100_000u64 {
            let from = sender(n % senders);
            let _ = pool.add(transfer(from, n / senders, 1_000, u128::from(n % 97)));
        }
        let total = pool.status().pending;
        assert_eq!(total, 90_000);
        let mut best = pool.best(0);
        let taken: Vec<_> = best.by_ref().take(5_000).collect();
        let mut changed = HashMap::new();
        for tx in &taken {
            changed.insert(tx.sender(), accounts.set(tx.sender(), tx.nonce() + 1, u128::MAX));
        }
        let changed: Vec<_> = changed.into_iter().collect();
        let hashes: Vec<_> = taken.iter().map(|tx| tx.hash).collect();
        pool.on_block(&crate::BlockUpdate {
            included: &hashes,
            changed: &changed,
            next_base_fee: 7,
            block_gas_limit: 60_000_000,
        });
        assert_eq!(pool.status().pending, total - 5_000);
        pool.check();
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
