//! Sending transactions, and looking at those that wait.

use super::{
    STORE,
    node::{CHAIN_ID, GWEI, Setup, node, word},
    ws::Ws,
};
use alloy_primitives::{Bytes, U256};
use mezz_primitives::Address;
use serde_json::{Value, json};

const FRIEND: Address = Address::repeat_byte(0x77);

#[tokio::test]
async fn refusals_have_geths_words() {
    let node = node().await;
    node.send(0, FRIEND, 1, &[]).await;
    node.mine();
    let good = node.tx(1, FRIEND, 1, Bytes::new());
    let mut low = good.clone();
    low.nonce = 0;
    let mut rich = good.clone();
    rich.value = U256::MAX / U256::from(2);
    let mut weak = good.clone();
    weak.gas_limit = 20_999;
    let mut wide = good.clone();
    wide.gas_limit = 17_000_000;
    let mut greedy = good.clone();
    greedy.max_priority_fee_per_gas = 100 * GWEI;
    let mut foreign = good.clone();
    foreign.chain_id = CHAIN_ID + 1;
    for (tx, words) in [
        (low, "nonce too low: next nonce 1, tx nonce 0"),
        (rich, "insufficient funds for gas * price + value: "),
        (weak, "intrinsic gas too low"),
        (wide, "transaction gas limit too high"),
        (greedy, "max priority fee per gas higher than max fee per gas"),
        (foreign, "invalid chain id for signer"),
    ] {
        let error = node.fail("eth_sendRawTransaction", json!([node.sign(tx)])).await;
        assert_eq!(error.code, -32000);
        assert!(error.message.starts_with(words), "{} for {words}", error.message);
    }
    let raw = node.sign(good.clone());
    node.ask("eth_sendRawTransaction", json!([raw])).await;
    let again = node.fail("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(again.message, "already known");
    let mut cheap = good.clone();
    cheap.max_fee_per_gas += 1;
    let cheap = node.fail("eth_sendRawTransaction", json!([node.sign(cheap)])).await;
    assert_eq!(cheap.message, "replacement transaction underpriced");
    for bytes in ["0x", "0x7e01", "0x02c0", "0xff"] {
        let error = node.fail("eth_sendRawTransaction", json!([bytes])).await;
        assert_eq!(error.code, -32000, "{bytes}: {}", error.message);
    }
}

#[tokio::test]
async fn pending_transactions_are_shown_until_they_are_mined() {
    let node = node().await;
    let first = node.send(0, FRIEND, 1, &[]).await;
    let queued = node.send(5, FRIEND, 1, &[]).await;
    let shown = node.ask("eth_getTransactionByHash", json!([first])).await;
    assert_eq!(shown["blockHash"], Value::Null);
    assert_eq!(shown["blockNumber"], Value::Null);
    assert_eq!(shown["gasPrice"], shown["maxFeePerGas"]);
    assert_eq!(node.ask("eth_getTransactionReceipt", json!([first])).await, Value::Null);

    let status = node.ask("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x1", "queued": "0x1"}));
    let dev = node.dev.address();
    let content = node.ask("txpool_content", json!([])).await;
    assert_eq!(content["pending"][dev.to_string()]["0"], shown);
    assert_eq!(content["queued"][dev.to_string()]["5"]["hash"], queued);
    let own = node.ask("txpool_contentFrom", json!([dev])).await;
    assert_eq!(own["pending"]["0"], shown);
    let inspect = node.ask("txpool_inspect", json!([])).await;
    let summary = format!("{FRIEND}: 1 wei + 100000 gas × 10000000000 wei");
    assert_eq!(inspect["pending"][dev.to_string()]["0"], summary);

    node.mine();
    let status = node.ask("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x0", "queued": "0x1"}));
    assert_eq!(node.ask("eth_getTransactionByHash", json!([first])).await["blockNumber"], "0x1");
}

#[tokio::test]
async fn the_node_completes_and_signs_for_its_accounts() {
    let node = node().await;
    let dev = node.dev.address();
    let data = Bytes::from([word(1).0, word(3).0].concat());
    for request in [
        json!({"from": dev, "to": STORE, "data": data}),
        json!({"from": dev, "to": FRIEND, "value": "0x7", "gasPrice": "0x12a05f200"}),
        json!({"from": dev, "to": FRIEND, "accessList": [], "gasPrice": "0x12a05f200"}),
    ] {
        let hash = node.ask("eth_sendTransaction", json!([request])).await;
        node.mine();
        let receipt = node.ask("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{request}");
    }
    assert_eq!(node.ask("eth_getBalance", json!([FRIEND])).await, "0x7");
    assert_eq!(node.ask("eth_getStorageAt", json!([STORE, "0x1"])).await, json!(word(3)));

    let signed = node.ask("eth_signTransaction", json!([{"from": dev, "to": FRIEND}])).await;
    assert_eq!(
        node.ask("eth_sendRawTransaction", json!([signed["raw"]])).await,
        signed["tx"]["hash"]
    );

    let stranger = node.fail("eth_sendTransaction", json!([{"from": FRIEND, "to": dev}])).await;
    assert_eq!(stranger.message, "unknown account");
    assert_eq!(node.fail("eth_sendTransaction", json!([{"to": dev}])).await.code, -32602);
    assert_eq!(node.fail("eth_sendTransaction", json!([{"from": dev}])).await.code, -32602);
}

#[tokio::test]
async fn transactions_of_one_account_sent_at_once_get_different_nonces() {
    let node = node().await;
    let request = json!([{"from": node.dev.address(), "to": FRIEND, "value": "0x1"}]);
    let all = (0..8).map(|_| node.ask("eth_sendTransaction", request.clone()));
    futures::future::join_all(all).await;
    node.mine();
    assert_eq!(node.ask("eth_getBalance", json!([FRIEND])).await, "0x8");
}

#[tokio::test]
async fn sending_can_wait_for_the_receipt() {
    let node = node().await;
    let raw = node.sign(node.tx(0, FRIEND, 1, Bytes::new()));
    let sent = async { node.ask("eth_sendRawTransactionSync", json!([raw])).await };
    let mined = async {
        while node.pool.status().pending == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        node.mine();
    };
    let (receipt, ()) = tokio::join!(sent, mined);
    assert_eq!(receipt["status"], "0x1");

    let late = node.sign(node.tx(1, FRIEND, 1, Bytes::new()));
    let error = node.fail("eth_sendRawTransactionSync", json!([late, "0x14"])).await;
    assert_eq!(error.code, 4);
    assert_eq!(error.data, Some(json!(alloy_primitives::keccak256(&late))));
}

/// A JSON-RPC call of the method for raw transactions.
fn raw_call(id: Value, raw: &Bytes) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw]})
}

/// Raw transactions over HTTP have a way of their own; those over WebSocket take the method's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_transactions_are_answered_alike_over_http_and_websocket() {
    let (http, other) = (node().await, node().await);
    let mut ws = Ws::open(&other).await;
    let tx = |nonce: u64| http.sign(http.tx(nonce, FRIEND, 1, Bytes::new()));
    let mut foreign = http.tx(40, FRIEND, 1, Bytes::new());
    foreign.chain_id += 1;
    let foreign = http.sign(foreign);
    let mut broken = tx(41).to_vec();
    let length = broken.len();
    // The highest byte of `s`.
    broken[length - 32] = 0xff;
    let long: Vec<Bytes> = (1..30).map(tx).collect();
    let mixed = [
        tx(30),
        tx(30),
        foreign,
        broken.into(),
        Bytes::from_static(&[0x7e, 1]),
        Bytes::new(),
        tx(31),
        tx(0),
        tx(90),
    ];
    let batch = |txs: &[Bytes]| -> Value {
        txs.iter().enumerate().map(|(id, raw)| raw_call(json!(id.to_string()), raw)).collect()
    };
    for body in [
        raw_call(json!(7), &tx(0)),
        raw_call(json!("again"), &tx(0)),
        batch(&long),
        batch(&mixed),
        batch(&mixed[..2]),
        json!([raw_call(json!(1), &tx(32)), {"jsonrpc": "2.0", "id": 2, "method": "eth_chainId"}]),
    ] {
        let (status, text) = http.post(body.to_string()).await;
        assert_eq!(status, 200);
        let over_http: Value = serde_json::from_str(&text).unwrap();
        ws.send(&body.to_string()).await;
        assert_eq!(over_http, ws.message().await, "{body}");
    }
    assert_eq!(http.pool.status(), other.pool.status());
    assert_eq!((http.pool.status().pending, http.pool.status().queued), (33, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batch_of_raw_transactions_holds_to_the_limits() {
    let node = Setup::limits(|limits| limits.max_batch = 20).start().await;
    let txs: Vec<_> =
        (0..21).map(|nonce| node.sign(node.tx(nonce, FRIEND, 1, Bytes::new()))).collect();
    let body = |txs: &[Bytes]| txs.iter().map(|raw| raw_call(json!(1), raw)).collect::<Value>();
    let (_, text) = node.post(body(&txs).to_string()).await;
    assert!(text.contains("The batch request was too large"), "{text}");
    assert_eq!(node.pool.status().pending, 0);
    let (_, text) = node.post(body(&txs[..20]).to_string()).await;
    assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap().len(), 20);
    assert_eq!(node.pool.status().pending, 20);
}
