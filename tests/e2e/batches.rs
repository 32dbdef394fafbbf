//! What the batcher posts, what it pays, and the books of it.

use crate::{
    on_both,
    support::{L1, Mezz, Signal, ether, key, number, run_in, small, text, wait_until},
};
use serde_json::Value;

/// Index of the batcher's key on a development chain.
const BATCHER: u32 = 11;

async fn books(mezz: &Mezz) -> Value {
    mezz.client(&["status"]).await["books"].clone()
}

on_both!(books_have_what_was_collected_and_spent);
async fn books_have_what_was_collected_and_spent(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mut mezz = Mezz::up(dir.path(), l1, &["--batch-data", "blobs"]).await;
    let (batcher, l1_rpc) = (key(BATCHER).address(), mezz.l1());
    let sent = mezz.client(&["send", "1", "0.5"]).await;
    let block =
        small(&mezz.l2().receipt(text(&sent, "/transaction")).await.unwrap()["blockNumber"]);
    mezz.l2().wait_tag("safe", block).await;

    let before = books(&mezz).await;
    let newest = &before["newest"][0];
    assert_eq!(text(newest, "/carrier"), "blobs");
    assert_eq!(small(&before["totals"]["unpriced"]), 0);
    assert_eq!(small(&before["totals"]["inVain"]), 0);
    assert_eq!(small(&before["totals"]["transactions"]), 1);
    let collected = &before["totals"]["collected"];
    let sum = |part: &Value, names: &[&str]| {
        names.iter().map(|name| number(&part[*name])).sum::<alloy::primitives::U256>()
    };
    assert_eq!(sum(collected, &["base", "priority", "l1Data"]), number(&sent["fee"]));
    // Nothing but batches is paid from the batcher's account.
    let receipt = l1_rpc.receipt(text(newest, "/transaction")).await.unwrap();
    let gas = number(&receipt["gasUsed"]) * number(&receipt["effectiveGasPrice"]);
    assert_eq!(number(&newest["spent"]["gas"]), gas);
    let blob_gas = number(&receipt["blobGasUsed"]) * number(&receipt["blobGasPrice"]);
    assert_eq!(number(&newest["spent"]["blobGas"]), blob_gas);
    assert_eq!(text(&receipt, "/from").to_lowercase(), format!("{batcher:#x}"));

    let shown = run_in(dir.path(), &["status"]).await.stdout;
    let row = format!("\n{:>10}  ", small(&newest["l1"]["number"]));
    assert!(shown.contains("\nNewest batches, ETH\n") && shown.contains(&row), "{shown}");

    // They go on after a restart, and a verifier keeps the same.
    assert!(mezz.stop(Signal::Terminate).await.success());
    let mezz = Mezz::up(dir.path(), l1, &["--batch-data", "calldata"]).await;
    let count = small(&before["totals"]["batches"]);
    let other = tempfile::tempdir().unwrap();
    let (_verifier, rpc) = Mezz::verifier(other.path(), &mezz.l1_url(), &[]).await;
    wait_until("a batch in calldata", || async {
        small(&books(&mezz).await["totals"]["inCalldata"]) > 0
    })
    .await;
    let after = books(&mezz).await;
    assert!(small(&after["totals"]["batches"]) > count);
    let entry = after["newest"][0].clone();
    wait_until("the verifier's books have the batch", || async {
        let theirs = rpc.call("mezz_batches", ("0x400",)).await;
        theirs["newest"].as_array().unwrap().contains(&entry)
    })
    .await;
}

on_both!(dear_l1_is_waited_out_but_not_beyond_the_window);
async fn dear_l1_is_waited_out_but_not_beyond_the_window(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    // Calldata: commitments to blobs take seconds on a busy machine.
    let options =
        ["--max-l1-fee", "1wei", "--sequencing-window", "200", "--batch-data", "calldata"];
    let mezz = Mezz::up(dir.path(), l1, &options).await;
    let sent = mezz.client(&["send", "1", "0.5"]).await;
    let receipt = mezz.l2().receipt(text(&sent, "/transaction")).await.unwrap();
    wait_until("it says that it waits", || async {
        mezz.stderr().contains("--max-l1-fee: waiting; posting at any price in")
    })
    .await;
    assert_eq!(small(&books(&mezz).await["totals"]["batches"]), 0);
    // A quarter of the window is left after 150.
    mezz.l1().call("anvil_mine", ("0x91",)).await;
    let block = small(&receipt["blockNumber"]);
    mezz.l2().wait_tag("safe", block).await;
    // In time: the block is still the one that the user was told.
    assert_eq!(mezz.l2().hash(block).await, text(&receipt, "/blockHash"));
    assert_eq!(small(&books(&mezz).await["totals"]["inVain"]), 0);
    assert!(mezz.stderr().contains("the sequencing window is about to end: posting again"));
}

on_both!(batcher_without_ether_goes_on_when_it_has_some);
async fn batcher_without_ether_goes_on_when_it_has_some(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    let batcher = key(BATCHER).address().to_string();
    mezz.client(&["l1", "set-balance", &batcher, "0"]).await;
    wait_until("it says what it needs", || async {
        let log = mezz.stderr();
        log.contains(&batcher) && log.contains("send it at least")
    })
    .await;
    let block = mezz.l2().head().await;
    mezz.client(&["l1", "set-balance", &batcher, "10"]).await;
    mezz.l2().wait_tag("safe", block).await;
    assert!(mezz.l1().balance(key(BATCHER).address()).await < ether(10));
}
