//! A verifier: the same chain from L1 alone.

use crate::{
    on_both,
    support::{
        L1, Mezz, Signal, assert_same_chain, ether, fresh_address, key, run, text, wait_until,
    },
};
use rand::RngCore;

on_both!(verifier_has_the_same_chain);
async fn verifier_has_the_same_chain(l1: &L1) {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mezz = Mezz::up(dir.path(), l1, &["--block-time", "500ms"]).await;
    let l2 = mezz.l2();
    let alice = key(0);
    for nonce in 0..5 {
        l2.send_raw(&alice, nonce, fresh_address(), ether(1)).await.unwrap();
    }
    let receiver = fresh_address();
    mezz.client(&["deposit", "2", "--to", &receiver.to_string()]).await;
    l2.wait_tag("safe", l2.head().await).await;
    let safe = l2.tag("safe").await;

    let (mut node, verifier) = Mezz::verifier(other.path(), &mezz.l1_url(), &[]).await;
    verifier.wait_tag("safe", safe).await;
    assert_same_chain(&l2, &verifier, safe).await;
    assert_eq!(verifier.balance(receiver).await, ether(2));
    let refusal = verifier.send_raw(&alice, 5, receiver, ether(1)).await.unwrap_err();
    assert!(refusal.contains("verifier") && refusal.contains("sequencer"), "{refusal}");
    assert_eq!(
        text(
            &verifier.call("optimism_outputAtBlock", (format!("{safe:#x}"),)).await,
            "/outputRoot"
        ),
        text(&l2.call("optimism_outputAtBlock", (format!("{safe:#x}"),)).await, "/outputRoot"),
    );

    for _ in 0..2 {
        node.stop(Signal::Kill).await;
        let before = l2.head().await;
        l2.wait_tag("safe", before).await;
        let (again, verifier) = Mezz::verifier(other.path(), &mezz.l1_url(), &[]).await;
        node = again;
        verifier.wait_tag("safe", before).await;
        assert_same_chain(&l2, &verifier, before).await;
    }
    assert_eq!(node.stop(Signal::Interrupt).await.code(), Some(0), "{}", node.stderr());
}

on_both!(several_blobs_are_checked_by_their_commitments);
async fn several_blobs_are_checked_by_their_commitments(l1: &L1) {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mezz = Mezz::up(dir.path(), l1, &["--batch-data", "blobs"]).await;
    let (l2, alice) = (mezz.l2(), key(0));
    // The first comes last, so that one block has them all however slow the machine is.
    for nonce in (0..4).rev() {
        // Nothing compresses it: together they fill two blobs and more.
        let mut data = vec![0; 70_000];
        rand::rng().fill_bytes(&mut data);
        let sent = l2.send_call(&alice, nonce, fresh_address(), ether(1), 4_000_000, data.into());
        sent.await.unwrap();
    }
    wait_until("all are in blocks", || async { l2.nonce(alice.address()).await == 4 }).await;
    let last = l2.head().await;
    l2.wait_tag("safe", last).await;

    let args = ["--log", "mezz_l1=debug"];
    let (mut node, verifier) = Mezz::verifier(other.path(), &mezz.l1_url(), &args).await;
    verifier.wait_tag("safe", last).await;
    assert_same_chain(&l2, &verifier, last).await;
    assert!(node.stop(Signal::Interrupt).await.success());
    let log = node.stderr();
    assert!(log.contains("blobs checked together"), "{log}");
}

#[tokio::test]
async fn verifier_without_a_chain_says_so() {
    let refused = run(&["verifier", "--l1", "http://127.0.0.1:1", "--port", "0"]).await;
    refused.assert_error("http://127.0.0.1:1");
    run(&["verifier", "--l1", "nowhere", "--port", "0"]).await.assert_error("nowhere");
}
