//! The order of the best transactions.

use super::*;
use crate::PooledTransaction;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The definition: of all first transactions of the senders left, take the one of the highest
/// effective tip, the earliest of equals; leave out a sender that cannot pay or is declined.
fn reference(
    pool: &Pool,
    base_fee: u64,
    declined: impl Fn(&PooledTransaction) -> bool,
) -> Vec<B256> {
    let mut lists: BTreeMap<_, std::collections::VecDeque<_>> =
        pool.content().pending.into_iter().map(|(a, list)| (a, list.into())).collect();
    let mut order = Vec::new();
    loop {
        lists.retain(|_, list| list.front().is_some_and(|tx| tx.effective_tip(base_fee).is_some()));
        let best = lists
            .iter()
            .max_by_key(|(_, list)| {
                (list[0].effective_tip(base_fee), std::cmp::Reverse(list[0].arrival))
            })
            .map(|(address, _)| *address);
        let Some(address) = best else { return order };
        let tx = lists.get_mut(&address).unwrap().pop_front().unwrap();
        order.push(tx.hash);
        if declined(&tx) {
            lists.remove(&address);
        }
    }
}

fn actual(pool: &Pool, base_fee: u64, declined: impl Fn(&PooledTransaction) -> bool) -> Vec<B256> {
    let mut best = pool.best(base_fee);
    let mut order = Vec::new();
    while let Some(tx) = best.next() {
        order.push(tx.hash);
        if declined(&tx) {
            best.decline();
        }
    }
    order
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn order_is_by_effective_tip_then_arrival(
        txs in prop::collection::vec((0u64..100, 0u64..4, 0u128..12, 0u128..12), 1..300),
        base_fee in 0u64..8,
    ) {
        let accounts = Accounts::default();
        let pool = accounts.pool(PoolConfig::default());
        for (n, nonce, fee, tip) in txs {
            accounts.set(sender(n), 0, u128::MAX);
            let _ = pool.add(transfer(sender(n), nonce, fee + tip, tip));
        }
        let none = |_: &PooledTransaction| false;
        prop_assert_eq!(actual(&pool, base_fee, none), reference(&pool, base_fee, none));
        let some = |tx: &PooledTransaction| tx.hash[0].is_multiple_of(5);
        prop_assert_eq!(actual(&pool, base_fee, some), reference(&pool, base_fee, some));
    }
}

#[test]
fn declined_sender_does_not_come_again() {
    let (accounts, pool, a) = rich();
    let b = sender(1);
    accounts.set(b, 0, u128::MAX);
    for n in 0..3 {
        pool.add(transfer(a, n, 100, 50)).unwrap();
        pool.add(transfer(b, n, 100, 10)).unwrap();
    }
    let mut best = pool.best(0);
    assert_eq!(best.next().unwrap().sender(), a);
    best.decline();
    assert!(best.all(|tx| tx.sender() == b));
}

#[test]
fn sender_comes_once_even_if_replaced_meanwhile() {
    let accounts = Accounts::default();
    let pool = accounts.pool(PoolConfig::default());
    for n in 0..200 {
        accounts.set(sender(n), 0, u128::MAX);
        pool.add(transfer(sender(n), 0, 10_000, 1_000 - u128::from(n))).unwrap();
    }
    let mut best = pool.best(0);
    let mut seen = std::collections::HashSet::new();
    for at in 0.. {
        let Some(tx) = best.next() else { break };
        assert!(seen.insert((tx.sender(), tx.nonce())), "twice");
        if at == 5 {
            // Senders already fetched and not yet fetched move in the index.
            for n in [0, 2, 30, 150] {
                pool.add(transfer(sender(n), 0, 20_000, 2_000)).unwrap();
            }
        }
    }
    assert!(seen.len() >= 198);
}

#[test]
fn transactions_that_come_in_meanwhile_follow_their_sender() {
    let (_, pool, a) = rich();
    pool.add(transfer(a, 0, 100, 1)).unwrap();
    let mut best = pool.best(0);
    assert_eq!(best.next().unwrap().nonce(), 0);
    pool.add(transfer(a, 1, 100, 1)).unwrap();
    assert_eq!(best.next().unwrap().nonce(), 1);
    assert!(best.next().is_none());
}
