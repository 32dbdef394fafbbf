//! Replacing blocks.

use crate::support::{config, start};
use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};
use mezz_devnet::Mining;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn reorg_replaces_exactly_the_last_blocks() {
    let net = start(config(Mining::Manual)).await;
    net.verb("anvil_mine", json!([50])).await;
    let mut before = net.hashes().await;
    for depth in [1usize, 5, 40] {
        let times: Vec<_> = [50, 49].map(|n| n as u64).into();
        let old = [net.block(times[0]).await, net.block(times[1]).await];
        assert!(net.verb("anvil_reorg", json!([depth, []])).await.is_null());
        let after = net.hashes().await;
        assert_eq!(after.len(), 51);
        let common = 51 - depth;
        assert_eq!(after[..common], before[..common]);
        for number in common..51 {
            assert_ne!(after[number], before[number], "block {number} is the same");
        }
        let new = [net.block(times[0]).await, net.block(times[1]).await];
        assert_eq!(new[0].header.timestamp, old[0].header.timestamp);
        assert_eq!(new[1].header.timestamp, old[1].header.timestamp);
        assert!(net.provider.get_block_by_hash(before[50]).await.unwrap().is_none());
        before = after;
    }
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.number().await, 51);
}

#[tokio::test(flavor = "multi_thread")]
async fn reorg_takes_given_transactions_only() {
    let net = start(config(Mining::OnDemand)).await;
    let (a, b, c) = (Address::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3));
    let old = net.send(net.transfer(0, a, 7)).await;
    net.send(net.transfer(1, a, 7)).await;
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.number().await, 3);

    let (raw, hash) = net.raw(0, b, 9, 0).await;
    let (bad, _) = net.raw(0, b, 9, 5).await;
    let requests = json!([
        [raw, 0],
        [bad, 1],
        [{ "from": net.account(2), "to": c, "value": "0x4" }, 2],
        [{ "from": net.account(2), "to": c, "value": "0x5" }, 2],
    ]);
    net.verb("anvil_reorg", json!([3, requests])).await;
    assert_eq!(net.number().await, 3);
    assert_eq!(net.balance(a).await, U256::ZERO);
    assert_eq!(net.balance(b).await, U256::from(9));
    assert_eq!(net.balance(c).await, U256::from(9));
    let counts = [net.block(1).await, net.block(2).await, net.block(3).await]
        .map(|block| block.transactions.len());
    assert_eq!(counts, [1, 0, 2], "the one with the wrong nonce is left out");
    let tx = net.provider.get_transaction_receipt(hash).await.unwrap().unwrap();
    assert_eq!(tx.block_number, Some(1));
    let gone = net.provider.get_transaction_receipt(old.transaction_hash).await.unwrap();
    assert!(gone.is_none(), "an old transaction is still there");
    assert_eq!(net.handle.pool.status().pending, 0);
    // The chain goes on as it should.
    let receipt = net.send(net.transfer(0, a, 1)).await;
    assert_eq!(receipt.block_number, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn rollback_takes_blocks_off() {
    let net = start(config(Mining::Manual)).await;
    net.verb("anvil_mine", json!([10])).await;
    let before = net.hashes().await;
    net.verb("anvil_rollback", json!([4])).await;
    assert_eq!(net.hashes().await, before[..7]);
    net.verb("anvil_rollback", json!([null])).await;
    assert_eq!(net.number().await, 5);
    net.verb("evm_mine", json!([])).await;
    assert_ne!(net.head().await.header.hash, before[6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_reorgs_change_nothing() {
    let net = start(config(Mining::Manual)).await;
    net.verb("anvil_mine", json!([6])).await;
    let before = net.hashes().await;
    let error = net.try_verb("anvil_reorg", json!([500, []])).await.unwrap_err();
    assert_eq!(
        error,
        "-32602: Reorg depth must not exceed current chain height: current height 6, depth 500"
    );
    for params in [
        json!([1, [["0x01", 0]]]),
        json!([1, [["0x", 0]]]),
        json!([2, [[{ "from": net.account(0), "to": net.account(1) }, 2]]]),
        json!([1, [[{ "from": Address::repeat_byte(9), "to": net.account(1) }, 0]]]),
        json!([1, [[{ "to": net.account(1) }, 0]]]),
    ] {
        assert!(net.try_verb("anvil_reorg", params.clone()).await.is_err(), "{params}");
    }
    assert!(net.try_verb("anvil_rollback", json!([7])).await.is_err());
    assert_eq!(net.hashes().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_the_pool_survive_a_reorg() {
    let net = start(config(Mining::Manual)).await;
    net.verb("anvil_mine", json!([3])).await;
    let (raw, hash) = net.raw(0, Address::ZERO, 1, 0).await;
    net.verb("eth_sendRawTransaction", json!([raw])).await;
    net.verb("anvil_reorg", json!([2, []])).await;
    assert_eq!(net.handle.pool.status().pending, 1);
    net.verb("evm_mine", json!([])).await;
    assert!(net.provider.get_transaction_receipt(hash).await.unwrap().is_some());
}
