//! `kill -9` at any moment: what was shown stays, and no ether is made or lost.

use crate::{
    on_both,
    support::{L1, Mezz, Rpc, Signal, assert_same_chain, ether, fresh_address, key, number, text},
};
use alloy::primitives::{Address, U256};
use std::time::Duration;
use tokio::task::JoinHandle;

on_both!(nothing_shown_is_lost_by_kill_9);
async fn nothing_shown_is_lost_by_kill_9(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    // In the middle of the deployment of the contracts.
    let mut mezz = Mezz::spawn_up(dir.path(), l1, &[]);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    mezz.stop(Signal::Kill).await;

    let args = ["--block-time", "200ms"];
    let mut mezz = Mezz::up(dir.path(), l1, &args).await;
    let (deposited, paid) = (fresh_address(), fresh_address());
    let mut wei = U256::ZERO;
    for (round, pause) in [0u64, 250, 700, 1_600].into_iter().enumerate() {
        let l2 = mezz.l2();
        let trickle = trickle(l2.clone(), paid);
        mezz.l1().deposit_ether(&mezz.deployment(), 5, deposited).await;
        wei += ether(1);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let seen = l2.head().await;
        let mut hashes = Vec::new();
        for number in seen.saturating_sub(10)..=seen {
            hashes.push((number, l2.hash(number).await));
        }
        let safe = l2.tag("safe").await;
        let safe_hash = l2.hash(safe).await;
        mezz.stop(Signal::Kill).await;
        let sent = trickle.await.unwrap();
        assert!(sent > 0, "there was something to lose in round {round}");

        mezz = Mezz::up(dir.path(), l1, &args).await;
        let l2 = mezz.l2();
        assert_eq!(l2.hash(safe).await, safe_hash, "a safe block is lost in round {round}");
        for (number, hash) in hashes {
            assert_eq!(l2.hash(number).await, hash, "block {number} is lost in round {round}");
        }
        l2.wait_balance(deposited, wei).await;
    }

    let l2 = mezz.l2();
    l2.wait_tag("safe", l2.head().await).await;
    let safe = l2.tag("safe").await;
    // What the payer's nonce says was sent has arrived, once.
    let payer = key(6).address();
    let at = format!("{safe:#x}");
    let count = number(&l2.call("eth_getTransactionCount", (payer, &at)).await);
    assert_eq!(number(&l2.call("eth_getBalance", (paid, &at)).await), count);
    assert!(count > U256::ZERO);
    assert_eq!(number(&l2.call("eth_getBalance", (deposited, &at)).await), wei);

    let other = tempfile::tempdir().unwrap();
    let inbox = text(&mezz.deployment(), "/l1/contracts/inbox").to_owned();
    let (_node, verifier) =
        Mezz::verifier(other.path(), &mezz.l1_url(), &["--inbox", &inbox]).await;
    verifier.wait_tag("safe", safe).await;
    assert_same_chain(&l2, &verifier, safe).await;
}

/// Pays a wei again and again until the node is gone; how many were taken.
fn trickle(l2: Rpc, to: Address) -> JoinHandle<u64> {
    tokio::spawn(async move {
        let payer = key(6);
        let mut nonce = l2.nonce(payer.address()).await;
        let mut taken = 0;
        while l2.send_raw(&payer, nonce, to, U256::ONE).await.is_ok() {
            (nonce, taken) = (nonce + 1, taken + 1);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        taken
    })
}
