//! A sequencer that is gone: the chain goes on without it, and it comes back.

use crate::support::{
    Anvil, L1, L1_CHAIN_ID, Mezz, Rpc, Signal, assert_same_chain, devnet, ether, fresh_address,
    key, portal, small, text, turn, wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chain_goes_on_alone_on_embedded_l1() {
    let _turn = turn().await;
    let devnet = devnet(L1_CHAIN_ID).await;
    scenario(&devnet.url.clone()).await;
    devnet.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chain_goes_on_alone_on_anvil() {
    let _turn = turn().await;
    if let Some(anvil) = Anvil::start(&[]).await {
        scenario(&anvil.url).await;
    }
}

async fn scenario(l1_url: &str) {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let l1 = Rpc::new(l1_url);
    let outside = L1::Outside(l1_url.to_owned());
    // Calldata: commitments to blobs take seconds on a busy machine.
    let args = ["--sequencing-window", "40", "--batch-data", "calldata"];
    let mut mezz = Mezz::up(dir.path(), &outside, &args).await;
    let deployment = mezz.deployment();
    let (node, verifier) = Mezz::verifier(other.path(), l1_url, &[]).await;
    let safe = mezz.l2().tag("safe").await + 1;
    verifier.wait_tag("safe", safe).await;
    let safe_hash = verifier.hash(safe).await;
    mezz.stop(Signal::Kill).await;

    // From here on L1 has a block when it is told to, and the verifier has derived it before the next step.
    l1.call("evm_setIntervalMining", (0,)).await;
    let receiver = fresh_address();
    let deposit = l1.send_deposit(portal(&deployment), key(3), receiver, ether(1)).await;
    l1.call("evm_mine", ()).await;
    let origin = small(&l1.wait_receipt(&deposit).await["blockNumber"]);
    let mine_to = async |number: u64| {
        let blocks = number.saturating_sub(l1.head().await);
        l1.call("anvil_mine", (format!("{blocks:#x}"),)).await;
        wait_until("the verifier has derived what L1 has", || async {
            let status = verifier.call("optimism_syncStatus", ()).await;
            small(&status["current_l1"]["number"]) == l1.head().await
        })
        .await;
    };
    mine_to(origin + 1).await;
    let end = verifier.origin(verifier.tag("safe").await).await + 40;
    mine_to(end).await;
    assert_eq!(verifier.balance(receiver).await, ether(0), "the sequencer may still come");
    mine_to(origin + 41).await;
    assert_eq!(verifier.balance(receiver).await, ether(1));

    // The newest blocks are the deposits of their origins and nothing else.
    let head = verifier.head().await;
    for number in head - 3..=head {
        let block = verifier.call("eth_getBlockByNumber", (format!("{number:#x}"), true)).await;
        for tx in block["transactions"].as_array().unwrap() {
            assert_eq!(text(tx, "/type"), "0x7e", "{tx}");
        }
        let parent = verifier.block(number - 1).await;
        assert!(small(&block["timestamp"]) >= small(&parent["timestamp"]));
    }
    assert_eq!(verifier.tag("safe").await, verifier.tag("latest").await);
    assert_eq!(verifier.hash(safe).await, safe_hash);

    // The sequencer gives up what nobody has seen on L1, and goes on from there.
    l1.call("evm_setIntervalMining", (1,)).await;
    let mezz = Mezz::up(dir.path(), &outside, &args).await;
    let l2 = mezz.l2();
    l2.wait_balance(receiver, ether(1)).await;
    let paid = fresh_address();
    let sent = mezz.client(&["send", &paid.to_string(), "1"]).await;
    // In another block than the first if its batch came too late.
    verifier.wait_balance(paid, ether(1)).await;
    let receipt = l2.wait_receipt(text(&sent, "/transaction")).await;
    let block = small(&receipt["blockNumber"]);
    assert_same_chain(&l2, &verifier, block).await;
    drop(node);
}
