//! Filters and subscriptions, also through a reorganisation.

use super::{
    LOGGER,
    node::{node, word},
    ws::Ws,
};
use mezz_primitives::Address;
use serde_json::{Value, json};

fn flags(logs: &Value) -> Vec<(Value, bool)> {
    let logs = logs.as_array().unwrap().iter();
    logs.map(|log| (log["topics"][0].clone(), log["removed"].as_bool().unwrap())).collect()
}

#[tokio::test]
async fn filters_give_what_is_new_once() {
    let node = node().await;
    let blocks = node.ask("eth_newBlockFilter", json!([])).await;
    let logs = node.ask("eth_newFilter", json!([{"address": LOGGER}])).await;
    let other = node.ask("eth_newFilter", json!([{"address": Address::ZERO}])).await;
    let pending = node.ask("eth_newPendingTransactionFilter", json!([])).await;
    let hash = node.send(0, LOGGER, 0, word(1).as_slice()).await;
    assert_eq!(node.ask("eth_getFilterChanges", json!([pending])).await, json!([hash]));
    assert_eq!(node.ask("eth_getFilterChanges", json!([pending])).await, json!([]));
    let block = node.mine();
    assert_eq!(node.ask("eth_getFilterChanges", json!([blocks])).await, json!([block.hash()]));
    assert_eq!(node.ask("eth_getFilterChanges", json!([blocks])).await, json!([]));
    let changes = node.ask("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(flags(&changes), [(json!(word(1)), false)]);
    assert_eq!(node.ask("eth_getFilterChanges", json!([logs])).await, json!([]));
    assert_eq!(node.ask("eth_getFilterLogs", json!([logs])).await.as_array().unwrap().len(), 1);
    assert_eq!(node.ask("eth_getFilterChanges", json!([other])).await, json!([]));
    assert_eq!(node.fail("eth_getFilterLogs", json!([blocks])).await.message, "filter not found");
    assert_eq!(node.ask("eth_uninstallFilter", json!([blocks])).await, true);
    assert_eq!(node.ask("eth_uninstallFilter", json!([blocks])).await, false);
    let gone = node.fail("eth_getFilterChanges", json!([blocks])).await;
    assert_eq!((gone.code, gone.message.as_str()), (-32000, "filter not found"));
}

#[tokio::test]
async fn a_filter_takes_back_what_a_reorganisation_removes() {
    let node = node().await;
    node.mine();
    let logs = node.ask("eth_newFilter", json!([{"address": LOGGER}])).await;
    node.send(0, LOGGER, 0, word(1).as_slice()).await;
    node.mine();
    node.chain.unwind(1).unwrap();
    node.pool.on_unwind([]);
    node.send(0, LOGGER, 0, word(2).as_slice()).await;
    node.mine();
    let changes = node.ask("eth_getFilterChanges", json!([logs])).await;
    let (one, two) = (json!(word(1)), json!(word(2)));
    assert_eq!(flags(&changes), [(one.clone(), false), (one, true), (two, false)]);
}

#[tokio::test]
async fn subscriptions_tell_heads_logs_and_pending_transactions() {
    let node = node().await;
    let (mut heads, mut logs, mut pending) =
        (Ws::open(&node).await, Ws::open(&node).await, Ws::open(&node).await);
    let on_heads = heads.subscribe(json!(["newHeads"])).await;
    let on_logs = logs.subscribe(json!(["logs", {"topics": [word(1)]}])).await;
    let on_pending = pending.subscribe(json!(["newPendingTransactions"])).await;
    assert!(on_heads.starts_with("0x") && on_heads != on_logs);

    let first = node.send(0, LOGGER, 0, word(1).as_slice()).await;
    assert_eq!(pending.next(&on_pending).await, first);
    node.send(1, LOGGER, 0, word(2).as_slice()).await;
    let block = node.mine();
    let head = heads.next(&on_heads).await;
    assert_eq!(head["hash"], json!(block.hash()));
    assert_eq!(head["number"], "0x1");
    assert!(head.get("transactions").is_none());
    let log = logs.next(&on_logs).await;
    assert_eq!((&log["transactionHash"], &log["removed"]), (&first, &json!(false)));

    node.chain.unwind(0).unwrap();
    let removed = logs.next(&on_logs).await;
    assert_eq!((&removed["transactionHash"], &removed["removed"]), (&first, &json!(true)));
}

#[tokio::test]
async fn subscriptions_end_when_asked_and_are_refused_when_unknown() {
    let node = node().await;
    let mut ws = Ws::open(&node).await;
    let id = ws.subscribe(json!(["newHeads"])).await;
    assert_eq!(ws.ask("eth_unsubscribe", json!([id])).await["result"], true);
    assert_eq!(ws.ask("eth_unsubscribe", json!([id])).await["result"], false);
    node.mine();
    // Nothing came in between: the next message is the answer.
    assert_eq!(ws.ask("eth_blockNumber", json!([])).await["result"], "0x1");
    let refused = ws.ask("eth_subscribe", json!(["everything"])).await;
    assert_eq!(refused["error"]["code"], -32602);
    // Over HTTP there is nobody to notify.
    assert_eq!(node.fail("eth_subscribe", json!(["newHeads"])).await.code, -32601);
}

#[tokio::test]
async fn a_subscription_keeps_to_its_range_and_has_no_past() {
    let node = node().await;
    node.mine();
    node.mine();
    let mut ws = Ws::open(&node).await;
    for refused in [json!(["logs", {"fromBlock": "0x1"}]), json!(["logs", {"blockHash": word(1)}])]
    {
        let answer = ws.ask("eth_subscribe", refused.clone()).await;
        assert_eq!(answer["error"]["code"], -32602, "{refused}: {answer}");
    }
    // As Go's client asks for what is new.
    let all = ws.subscribe(json!(["logs", {"fromBlock": "0x0", "toBlock": "latest"}])).await;
    let later = ws.subscribe(json!(["logs", {"fromBlock": "0x4"}])).await;
    for nonce in 0..2 {
        node.send(nonce, LOGGER, 0, word(1).as_slice()).await;
        node.mine();
    }
    assert_eq!(ws.next(&all).await["blockNumber"], "0x3");
    let mut rest = Vec::new();
    for _ in 0..2 {
        let message = ws.message().await;
        assert_eq!(message["params"]["result"]["blockNumber"], "0x4");
        rest.push(message["params"]["subscription"].as_str().unwrap().to_owned());
    }
    rest.sort();
    let mut both = [all, later];
    both.sort();
    assert_eq!(rest, both);
}
