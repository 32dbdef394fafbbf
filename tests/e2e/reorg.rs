//! L1 takes blocks back under a running sequencer and a verifier.

use crate::{
    on_both,
    support::{L1, Mezz, assert_same_chain, ether, fresh_address, key, portal, text, wait_until},
};

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

    // Both are in blocks that L1 is about to take back.
    let (deposited, paid) = (fresh_address(), fresh_address());
    let hash = l1.send_deposit(portal(&deployment), key(3), deposited, ether(1)).await;
    let transfer = l2.send_raw(&key(4), 0, paid, ether(1)).await.unwrap();
    let receipt = l1.wait_receipt(&hash).await;
    l2.wait_balance(deposited, ether(1)).await;
    l2.wait_balance(paid, ether(1)).await;
    let origin = l1.head().await;
    let old = l1.hash(origin).await;
    let (was, was_hash) =
        (text(&receipt, "/blockNumber").to_owned(), text(&receipt, "/blockHash").to_owned());
    mezz.client(&["l1", "reorg", &depth.to_string()]).await;
    // A block may have come between the question and the reorganisation.
    wait_until("L1 goes on", || async { l1.head().await > origin + 3 }).await;
    if depth > 1 {
        assert_ne!(l1.hash(origin).await, old, "L1 was reorganised");
        let now = l1.call("eth_getBlockByNumber", (was, false)).await;
        assert_ne!(text(&now, "/hash"), was_hash, "the deposit's block was taken back");
    }

    // The transfer was the sequencer's promise: it is there again.
    wait_until("the transfer is in again", || async { l2.receipt(&transfer).await.is_some() })
        .await;
    assert_eq!(l2.balance(paid).await, ether(1));
    let head = l2.head().await;
    l2.wait_tag("safe", head + 4).await;
    verifier.wait_tag("safe", head + 4).await;
    assert_same_chain(&l2, &verifier, head + 4).await;

    // The deposit is on L2 as often as on L1: once, or not at all.
    let minted = if l1.receipt(&hash).await.is_some() { ether(1) } else { ether(0) };
    assert_eq!(l2.balance(deposited).await, minted);
    assert_eq!(verifier.balance(deposited).await, minted);
    assert_eq!(verifier.balance(paid).await, ether(1));

    // And another one comes in as ever.
    l1.deposit_ether(&deployment, 3, deposited).await;
    l2.wait_balance(deposited, minted + ether(1)).await;
    verifier.wait_balance(deposited, minted + ether(1)).await;
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
