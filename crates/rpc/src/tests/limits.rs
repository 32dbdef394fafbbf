//! What one client may ask for, and what it cannot do to others.

use super::{
    LOGGER, LOOP, STORE,
    node::{Setup, node},
    raw::{connect, exchange},
    ws::Ws,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test]
async fn oversized_requests_are_refused_in_both_transports() {
    let node = Setup::limits(|l| l.max_request_bytes = 1_000).start().await;
    let big = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x{}"]}}"#,
        "00".repeat(1_000)
    );
    let (status, text) = node.post(big.clone()).await;
    assert_eq!(status, 413);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["error"]["code"], -32007);
    let mut ws = Ws::open(&node).await;
    ws.send(&big).await;
    assert_eq!(ws.message().await["error"]["code"], -32007);
}

#[tokio::test]
async fn large_batches_are_refused() {
    let node = Setup::limits(|l| l.max_batch = 2).start().await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"});
    let (_, text) = node.post(json!([call, call, call]).to_string()).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["error"]["code"], -32010);
    let (_, text) = node.post(json!([call, call]).to_string()).await;
    assert!(serde_json::from_str::<Value>(&text).unwrap().is_array());
}

#[tokio::test]
async fn oversized_responses_are_errors() {
    let node = Setup::limits(|l| l.max_response_bytes = 700).start().await;
    assert_eq!(node.ask("eth_chainId", json!([])).await, "0x7a69");
    let error = node.fail("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(error.code, -32008);
}

#[tokio::test]
async fn deep_nesting_is_an_error_and_not_the_end() {
    let node = node().await;
    let deep = "[".repeat(500_000);
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":{deep}"#);
    let (_, text) = node.post(body).await;
    assert!(text.contains("error"), "{text}");
    let closed = format!("{deep}{}", "]".repeat(500_000));
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":{closed}}}"#);
    let (_, text) = node.post(body).await;
    assert!(text.contains("error"), "{text}");
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x0");
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so() {
    let node = Setup::limits(|l| l.max_connections = 2).start().await;
    let _first = connect(&node).await;
    let _second = connect(&node).await;
    let get = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = exchange(&mut connect(&node).await, get, "later\n").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    drop(_first);
    // The place is free as soon as the server has noticed.
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let answer = exchange(&mut connect(&node).await, get, "}").await;
        if answer.starts_with("HTTP/1.1 200") {
            break;
        }
        assert!(Instant::now() < until, "{answer}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn quick_route_needs_no_worker() {
    let none = |l: &mut crate::Limits| (l.read_workers, l.max_waiting) = (0, 0);
    let node = Setup::limits(none).start().await;
    for (path, expected) in [("health", 503), ("quick", 200)] {
        let response = node.http.get(format!("{}{path}", node.url())).send().await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_is_cut() {
    let short = |l: &mut crate::Limits| {
        l.request_timeout = Duration::from_millis(200);
        l.idle_timeout = Duration::from_millis(200);
    };
    let node = Setup::limits(short).start().await;
    let body = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    let answer = exchange(&mut connect(&node).await, body, "timed out").await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    let header = "POST / HTTP/1.1\r\nhost: ";
    let begun = Instant::now();
    exchange(&mut connect(&node).await, header, "never").await;
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_burn_gas_do_not_keep_others_from_reading() {
    let limits = |l: &mut crate::Limits| {
        l.call_workers = 1;
        l.call_gas = 300_000_000;
    };
    let node = Setup::limits(limits).start().await;
    let burn = json!([{"to": LOOP}, "latest"]);
    let burning = async { node.rpc("eth_call", burn.clone()).await };
    let second = async { node.rpc("eth_call", burn.clone()).await };
    let reading = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let begun = Instant::now();
        for _ in 0..20 {
            node.ask("eth_getBalance", json!([STORE, "latest"])).await;
            node.ask("eth_blockNumber", json!([])).await;
        }
        begun.elapsed()
    };
    let begun = Instant::now();
    let (first, second, reading) = tokio::join!(burning, second, reading);
    let burnt = begun.elapsed();
    assert!(first.is_err() && second.is_err());
    assert!(reading < burnt / 2, "reading took {reading:?} of {burnt:?}");
}

#[tokio::test]
async fn gas_of_a_call_is_capped() {
    let node = Setup::limits(|l| l.call_gas = 100_000).start().await;
    let error = node.fail("eth_call", json!([{"to": LOOP, "gas": "0xffffffffff"}])).await;
    assert_eq!((error.code, error.message.as_str()), (-32000, "out of gas"));
    let error = node.fail("eth_estimateGas", json!([{"to": LOOP}])).await;
    assert_eq!(error.message, "gas required exceeds allowance (100000)");
}

#[tokio::test]
async fn filters_are_limited_and_expire() {
    let node = Setup::limits(|l| l.max_filters = 2).start().await;
    node.ask("eth_newBlockFilter", json!([])).await;
    node.ask("eth_newBlockFilter", json!([])).await;
    assert_eq!(node.fail("eth_newBlockFilter", json!([])).await.code, -32005);

    let limits = |l: &mut crate::Limits| {
        l.max_filters = 1;
        l.filter_timeout = Duration::from_millis(300);
    };
    let node = Setup::limits(limits).start().await;
    let id = node.ask("eth_newBlockFilter", json!([])).await;
    tokio::time::sleep(Duration::from_millis(350)).await;
    node.ask("eth_newBlockFilter", json!([])).await;
    let error = node.fail("eth_getFilterChanges", json!([id])).await;
    assert_eq!((error.code, error.message.as_str()), (-32000, "filter not found"));
}

#[tokio::test]
async fn a_filter_that_overflows_is_removed() {
    let node = Setup::limits(|l| l.max_filter_entries = 3).start().await;
    let id = node.ask("eth_newBlockFilter", json!([])).await;
    for _ in 0..3 {
        node.mine();
    }
    assert_eq!(node.ask("eth_getFilterChanges", json!([id])).await.as_array().unwrap().len(), 3);
    for _ in 0..4 {
        node.mine();
    }
    assert_eq!(node.fail("eth_getFilterChanges", json!([id])).await.message, "filter not found");
}

#[tokio::test]
async fn filters_share_a_bound_on_memory() {
    let node = Setup::limits(|l| l.max_filter_bytes = 3_000).start().await;
    let id = node.ask("eth_newFilter", json!([{"address": LOGGER}])).await;
    for nonce in 0..2 {
        node.send(nonce, LOGGER, 0, &[]).await;
    }
    node.mine();
    assert_eq!(node.ask("eth_getFilterChanges", json!([id])).await.as_array().unwrap().len(), 2);
    for nonce in 2..5 {
        node.send(nonce, LOGGER, 0, &[]).await;
    }
    node.mine();
    assert_eq!(node.fail("eth_getFilterChanges", json!([id])).await.message, "filter not found");
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_is_dropped_and_holds_nobody_up() {
    let limits = |l: &mut crate::Limits| {
        l.max_buffered_messages = 2;
        l.slow_client = Duration::from_millis(50);
    };
    let node = Setup::limits(limits).start().await;
    let mut slow = Ws::open(&node).await;
    let id = slow.subscribe(json!(["newHeads"])).await;
    let mut quick = Ws::open(&node).await;
    let on_quick = quick.subscribe(json!(["newHeads"])).await;
    // More than the sockets' own buffers hold.
    let total = 8_000;
    for n in 1..=total {
        node.mine();
        assert_eq!(quick.next(&on_quick).await["number"], format!("{n:#x}"));
    }
    let mut received = 0;
    while let Ok(message) = tokio::time::timeout(Duration::from_millis(300), slow.message()).await {
        assert_eq!(message["params"]["subscription"], id);
        received += 1;
    }
    assert!(received < total, "all {received} heads were buffered");
}
