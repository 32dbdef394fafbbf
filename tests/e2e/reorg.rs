//! L1 takes blocks back under a running sequencer and a verifier.

use crate::{
    on_both,
    support::{
        L1, Mezz, assert_same_chain, deposit_call, ether, fresh_address, games, key, portal, text,
        wait_until,
    },
};
use alloy::primitives::U256;
use std::time::Duration;

on_both!(one_block_is_taken_back);
async fn one_block_is_taken_back(l1: &L1) {
    take_back(l1, 1).await;
}

on_both!(five_blocks_are_taken_back);
async fn five_blocks_are_taken_back(l1: &L1) {
    take_back(l1, 5).await;
}

on_both!(forty_blocks_are_taken_back);
async fn forty_blocks_are_taken_back(l1: &L1) {
    take_back(l1, 40).await;
}

async fn take_back(l1: &L1, depth: u64) {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mezz = Mezz::up(dir.path(), l1, &["--block-time", "500ms"]).await;
    let (l1, l2, deployment) = (mezz.l1(), mezz.l2(), mezz.deployment());
    l1.call("anvil_mine", (format!("{depth:#x}"),)).await;
    wait_until("L1 is long enough", || async { l1.head().await > depth + 3 }).await;
    let (node, verifier) = Mezz::verifier(other.path(), &mezz.l1_url(), &[]).await;
    verifier.wait_tag("safe", 1).await;

    // L1 holds still, and then makes one block with both deposits: the newest, which is taken back
    // at any depth.
    l1.call("evm_setIntervalMining", (0,)).await;
    wait_until("no block is on its way", || async {
        let before = l1.head().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        l1.head().await == before
    })
    .await;
    let (paid, spent, kept) = (fresh_address(), fresh_address(), fresh_address());
    // Has nothing but what is deposited for it.
    let funded = key(77);
    let deposited = funded.address();
    let hash = l1.send_deposit(portal(&deployment), key(3), deposited, ether(1)).await;
    let lasting = async || {
        let input = deposit_call(kept, ether(1));
        l1.send_call(&key(8), 0, portal(&deployment), ether(1), 500_000, input).await
    };
    let lasting_hash = lasting().await.unwrap();
    l1.call("evm_mine", ()).await;
    let origin = l1.head().await;
    let old = l1.hash(origin).await;
    for deposit in [&hash, &lasting_hash] {
        let receipt = l1.wait_receipt(deposit).await;
        assert_eq!(text(&receipt, "/blockHash"), old, "in the newest block");
    }
    let transfer = l2.send_raw(&key(4), 0, paid, ether(1)).await.unwrap();
    l2.wait_balance(deposited, ether(1)).await;
    l2.wait_balance(paid, ether(1)).await;
    l2.wait_balance(kept, ether(1)).await;
    let spending = l2.send_raw(&funded, 0, spent, U256::from(9)).await.unwrap();
    l2.wait_receipt(&spending).await;
    mezz.client(&["l1", "reorg", &depth.to_string()]).await;
    assert_ne!(l1.hash(origin).await, old, "L1 was reorganised");
    for deposit in [&hash, &lasting_hash] {
        assert!(l1.receipt(deposit).await.is_none(), "L1 has dropped it");
    }
    l1.call("evm_setIntervalMining", (1,)).await;
    wait_until("L1 goes on", || async { l1.head().await > origin + 3 }).await;

    // The user sends the deposit that must last again: in another block.
    assert_eq!(lasting().await.as_ref(), Ok(&lasting_hash), "L1 takes it again");
    l1.wait_receipt(&lasting_hash).await;

    // The transfer was the sequencer's promise: it is there again.
    wait_until("the transfer is in again", || async { l2.receipt(&transfer).await.is_some() })
        .await;
    assert_eq!(l2.balance(paid).await, ether(1));
    let head = l2.head().await;
    l2.wait_tag("safe", head + 4).await;
    verifier.wait_tag("safe", head + 4).await;
    assert_same_chain(&l2, &verifier, head + 4).await;

    // A deposit that is gone from L1 is gone from L2, and what was paid out of it with it.
    assert!(l1.receipt(&hash).await.is_none(), "L1 has it again");
    for node in [&l2, &verifier] {
        assert_eq!(node.balance(deposited).await, ether(0));
        assert_eq!(node.balance(spent).await, ether(0));
        assert!(node.receipt(&spending).await.is_none());
        node.wait_balance(kept, ether(1)).await;
        assert_eq!(node.balance(paid).await, ether(1));
        assert_eq!(node.nonce(key(4).address()).await, 1, "paid once");
    }

    // And others come in as ever.
    let later = fresh_address();
    l1.deposit_ether(&deployment, 3, later).await;
    for node in [&l2, &verifier] {
        node.wait_balance(later, ether(1)).await;
        assert_eq!(node.balance(kept).await, ether(1), "minted once");
    }
    drop(node);
}

on_both!(what_was_final_is_taken_back_by_a_revert);
async fn what_was_final_is_taken_back_by_a_revert(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mut mezz = Mezz::up(dir.path(), l1, &[]).await;
    let (l1, l2, deployment) = (mezz.l1(), mezz.l2(), mezz.deployment());
    let receiver = fresh_address();
    l2.wait_tag("safe", 1).await;
    let id = mezz.client(&["l1", "snapshot"]).await;
    let id = text(&id, "/id").to_owned();
    l1.deposit_ether(&deployment, 3, receiver).await;
    l2.wait_balance(receiver, ether(1)).await;
    let arrived = l2.head().await;
    l2.wait_tag("safe", arrived).await;
    l1.call("anvil_mine", ("0x80",)).await;
    l2.wait_tag("finalized", arrived).await;

    mezz.client(&["l1", "revert", &id]).await;
    wait_until("the deposit is gone", || async { l2.balance(receiver).await.is_zero() }).await;
    l1.deposit_ether(&deployment, 3, receiver).await;
    l2.wait_balance(receiver, ether(1)).await;
    let head = l2.head().await;
    l2.wait_tag("safe", head).await;
    assert!(mezz.stop(crate::support::Signal::Terminate).await.success());
}

on_both!(no_false_root_stands_after_l1_took_blocks_back);
async fn no_false_root_stands_after_l1_took_blocks_back(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--block-time", "250ms"];
    let mezz = Mezz::up(dir.path(), l1, &args).await;
    let (l1, l2, deployment) = (mezz.l1(), mezz.l2(), mezz.deployment());
    let factory = text(&deployment, "/l1/contracts/disputeGameFactory").parse().unwrap();
    wait_until("some proposals", || async { games(&l1, factory).await.len() >= 4 }).await;
    let before = l1.head().await;
    // Enough to take batches back together with the proposals that rest on them.
    mezz.client(&["l1", "reorg", "8"]).await;
    wait_until("L1 goes on", || async { l1.head().await > before + 8 }).await;
    let left = games(&l1, factory).await.len();
    wait_until("more proposals", || async { games(&l1, factory).await.len() >= left + 2 }).await;
    for game in games(&l1, factory).await {
        let (number, root) = (game.number, game.root);
        let output = l2.call("optimism_outputAtBlock", (format!("{number:#x}"),)).await;
        assert_eq!(text(&output, "/outputRoot"), root.to_string(), "of L2 block {number}");
    }
}
