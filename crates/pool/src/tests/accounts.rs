//! Blocks, unwinding and changed accounts.

use super::*;
use crate::{BlockUpdate, Subpool};
use std::time::{Duration, Instant};

fn update<'a>(included: &'a [B256], changed: &'a [(Address, AccountState)]) -> BlockUpdate<'a> {
    BlockUpdate { included, changed, next_base_fee: 0, block_gas_limit: 60_000_000 }
}

#[test]
fn block_prunes_what_it_included_and_what_it_made_stale() {
    let (accounts, pool, a) = rich();
    let txs: Vec<_> = (0..4).map(|n| transfer(a, n, GWEI, 1)).collect();
    for tx in &txs {
        pool.add(tx.clone()).unwrap();
    }
    // Nonce 1 was used by a transaction that the pool never saw.
    let state = accounts.set(a, 2, u128::MAX);
    pool.on_block(&update(&[hash(&txs[0])], &[(a, state)]));
    assert_eq!(pool.status().pending, 2);
    assert!(!pool.contains(&hash(&txs[1])));
    assert_eq!(pool.best(0).map(|tx| tx.nonce()).collect::<Vec<_>>(), [2, 3]);
    pool.check();
}

#[test]
fn included_transaction_goes_even_if_its_account_is_not_listed() {
    let (accounts, pool, a) = rich();
    let txs: Vec<_> = (0..2).map(|n| transfer(a, n, GWEI, 1)).collect();
    for tx in &txs {
        pool.add(tx.clone()).unwrap();
    }
    accounts.set(a, 1, u128::MAX);
    pool.on_block(&update(&[hash(&txs[0])], &[]));
    assert_eq!(pool.best(0).map(|tx| tx.hash).collect::<Vec<_>>(), [hash(&txs[1])]);
    assert_eq!(pool.status().queued, 0);
    pool.check();
}

#[test]
fn block_that_jumps_over_a_gap_promotes() {
    let (accounts, pool, a) = rich();
    let tx = transfer(a, 5, GWEI, 1);
    assert_eq!(pool.add(tx.clone()).unwrap().subpool, Subpool::Queued);
    let mut listener = pool.subscribe();
    let state = accounts.set(a, 5, u128::MAX);
    pool.on_block(&update(&[], &[(a, state)]));
    assert_eq!(pool.status().pending, 1);
    assert_eq!(listener.try_recv().unwrap(), hash(&tx));
    pool.check();
}

#[test]
fn lost_balance_queues_the_tail_and_new_balance_brings_it_back() {
    let (accounts, pool, a) = rich();
    for n in 0..4 {
        pool.add(transfer(a, n, 1, 1)).unwrap();
    }
    let state = accounts.set(a, 0, 2 * 21_000 + 20_999);
    pool.on_block(&update(&[], &[(a, state)]));
    assert_eq!((pool.status().pending, pool.status().queued), (2, 2));
    assert_eq!(pool.nonce(&a).unwrap(), 2);
    pool.check();
    let state = accounts.set(a, 0, 3 * 21_000);
    pool.on_accounts(&[(a, state)]);
    assert_eq!((pool.status().pending, pool.status().queued), (3, 1));
    pool.check();
}

#[test]
fn unwound_transactions_come_back_before_those_that_follow() {
    let (accounts, pool, a) = rich();
    let b = sender(1);
    accounts.set(b, 0, u128::MAX);
    let txs: Vec<_> = (0..3).map(|n| transfer(a, n, GWEI, 1)).collect();
    let other = transfer(b, 0, GWEI, 1);
    for tx in &txs {
        pool.add(tx.clone()).unwrap();
    }
    let state = accounts.set(a, 2, u128::MAX);
    pool.on_block(&update(&[hash(&txs[0]), hash(&txs[1])], &[(a, state)]));
    assert_eq!(pool.status().pending, 1);

    accounts.set(a, 0, u128::MAX);
    // The sender of `other` has lost its money in the reorganisation.
    accounts.set(b, 0, 5);
    pool.on_unwind([txs[0].clone(), other, txs[1].clone()]);
    assert_eq!(
        pool.best(0).map(|tx| tx.hash).collect::<Vec<_>>(),
        txs.iter().map(hash).collect::<Vec<_>>()
    );
    assert_eq!(pool.status().queued, 0);
    pool.check();
}

#[test]
fn removal_queues_the_descendants() {
    let (_, pool, a) = rich();
    let txs: Vec<_> = (0..5).map(|n| transfer(a, n, GWEI, 1)).collect();
    for tx in &txs {
        pool.add(tx.clone()).unwrap();
    }
    pool.remove(&hash(&txs[2])).unwrap();
    assert_eq!((pool.status().pending, pool.status().queued), (2, 2));
    assert!(pool.contains(&hash(&txs[3])));
    assert_eq!(pool.nonce(&a).unwrap(), 2);
    pool.check();
    pool.add(txs[2].clone()).unwrap();
    assert_eq!(pool.status().pending, 5);
    pool.clear();
    assert_eq!(pool.status(), Default::default());
    pool.check();
}

#[test]
fn queued_transactions_expire_and_pending_ones_do_not() {
    let (accounts, pool, a) = rich();
    let b = sender(1);
    accounts.set(b, 0, u128::MAX);
    let start = Instant::now();
    let lifetime = pool.config().queued_lifetime;
    pool.add_at(transfer(a, 0, GWEI, 1), start).unwrap();
    pool.add_at(transfer(a, 2, GWEI, 1), start).unwrap();
    pool.add_at(transfer(b, 3, GWEI, 1), start + Duration::from_secs(60)).unwrap();
    pool.on_block_at(&update(&[], &[]), start + lifetime - Duration::from_secs(1));
    assert_eq!((pool.status().pending, pool.status().queued), (1, 2));
    pool.on_block_at(&update(&[], &[]), start + lifetime);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 1));
    // A new one starts the time of its sender anew.
    pool.add_at(transfer(b, 4, GWEI, 1), start + lifetime).unwrap();
    pool.on_block_at(&update(&[], &[]), start + lifetime + Duration::from_secs(61));
    assert_eq!((pool.status().pending, pool.status().queued), (1, 2));
    pool.check();
}

#[test]
fn smaller_blocks_drop_what_no_longer_fits() {
    let (_, pool, a) = rich();
    let big = signed(
        a,
        TxEip1559 {
            chain_id: CHAIN_ID,
            gas_limit: 2_000_000,
            to: TxKind::Call(a),
            ..Default::default()
        },
    );
    pool.add(big).unwrap();
    pool.add(transfer(a, 1, 0, 0)).unwrap();
    pool.on_block(&BlockUpdate { block_gas_limit: 1_999_999, ..update(&[], &[]) });
    assert_eq!((pool.status().pending, pool.status().queued), (0, 1));
    pool.check();
}

#[test]
fn content_is_by_sender_and_nonce() {
    let (accounts, pool, a) = rich();
    let b = sender(1);
    accounts.set(b, 0, u128::MAX);
    for (from, nonce) in [(a, 1), (a, 0), (a, 7), (b, 3)] {
        pool.add(transfer(from, nonce, GWEI, 1)).unwrap();
    }
    let content = pool.content();
    let nonces = |list: &[Arc<crate::PooledTransaction>]| -> Vec<u64> {
        list.iter().map(|tx| tx.nonce()).collect()
    };
    assert_eq!(content.pending.len(), 1);
    assert_eq!(nonces(&content.pending[&a]), [0, 1]);
    assert_eq!(nonces(&content.queued[&a]), [7]);
    assert_eq!(nonces(&content.queued[&b]), [3]);
    let (pending, queued) = pool.content_from(&a);
    assert_eq!((nonces(&pending), nonces(&queued)), (vec![0, 1], vec![7]));
    assert_eq!(pool.get_by_nonce(&a, 7).unwrap().nonce(), 7);
}
