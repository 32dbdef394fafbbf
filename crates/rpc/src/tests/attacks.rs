//! Attacks on the server, each a test named after it. More are in `limits`, `unread`, `simulate`
//! and `garbage`.

use super::{
    LOGGER, LOOP,
    node::{Node, Setup, word},
    raw::connect,
    ws::Ws,
};
use mezz_primitives::Address;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Sends the head of a request and a part of its body.
async fn begin(node: &Node, length: usize, part: usize) -> TcpStream {
    let mut stream = connect(node).await;
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; part]).await.unwrap();
    stream
}

async fn status(stream: &mut TcpStream) -> String {
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await.unwrap();
    String::from_utf8_lossy(&begin).into_owned()
}

#[tokio::test]
async fn attack_request_that_is_sent_byte_by_byte() {
    let node = Setup::limits(|l| l.request_timeout = Duration::from_millis(300)).start().await;
    let stream = begin(&node, 1_000_000, 1).await;
    let (mut reading, mut writing) = stream.into_split();
    let drip = tokio::spawn(async move {
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut answer = [0; 12];
    let cut = tokio::time::timeout(Duration::from_secs(10), reading.read_exact(&mut answer)).await;
    cut.expect("an answer while bytes still come").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 504");
    drip.abort();
}

#[tokio::test]
async fn attack_many_requests_that_are_half_sent() {
    let node = Setup::limits(|l| l.max_requests_bytes = 100 << 10).start().await;
    let half = begin(&node, 100 << 10, 70 << 10).await;
    // Until what was sent has been read.
    let until = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        let mut second = begin(&node, 80 << 10, 80 << 10).await;
        if status(&mut second).await == "HTTP/1.1 503" {
            break;
        }
        assert!(std::time::Instant::now() < until, "the second request always has room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x0", "small ones have room");
    drop(half);
    loop {
        let mut again = begin(&node, 80 << 10, 80 << 10).await;
        if status(&mut again).await != "HTTP/1.1 503" {
            break;
        }
        assert!(std::time::Instant::now() < until, "the room is not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn attack_trace_bomb() {
    let node = Setup::limits(|l| l.max_trace_bytes = 1 << 20).start().await;
    let call = json!({"to": LOOP, "gas": "0x1c9c380"});
    let error = node.fail("debug_traceCall", json!([call, "latest"])).await;
    assert_eq!(error.code, -32005);
    assert!(error.message.starts_with("the trace is too large: more than 1048576"), "{error:?}");
    let few = json!([call, "latest", {"limit": 10}]);
    let steps = node.ask("debug_traceCall", few).await["structLogs"].clone();
    assert_eq!(steps.as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn attack_trace_that_runs_for_ever() {
    let node = Setup::limits(|l| l.call_gas = u64::MAX).start().await;
    let call = json!({"to": LOOP, "gas": "0xffffffffffff"});
    let options = json!({"tracer": "noopTracer", "timeout": "50ms"});
    let error = node.fail("debug_traceCall", json!([call, "latest", options])).await;
    assert_eq!((error.code, error.message.as_str()), (-32002, "execution timeout"));
}

#[tokio::test]
async fn attack_log_query_over_everything() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::limits(|l| l.max_log_results = 3);
    let chain = mezz_chain::ChainLimits {
        recent_blocks: 2,
        flush_interval: Duration::ZERO,
        ..Default::default()
    };
    let node = Setup { data_dir: Some(dir.path().to_owned()), chain, ..setup }.start().await;
    for nonce in 0..8 {
        node.send(nonce, LOGGER, 0, word(7).as_slice()).await;
        node.mine();
    }
    let error = node.fail("eth_getLogs", json!([{"fromBlock": "0x0"}])).await;
    assert_eq!(error.code, -32005);
    assert!(error.message.ends_with("Try with this block range [0x0, 0x3]."), "{error:?}");
    // Every alternative that a filter may have, in every place.
    let topics: Vec<_> = (0..=255).map(word).collect();
    let addresses: Vec<_> = (0..=255).map(Address::with_last_byte).collect();
    let wide = json!([{
        "fromBlock": "0x0", "toBlock": "0x3", "address": addresses,
        "topics": [topics],
    }]);
    assert_eq!(node.ask("eth_getLogs", wide).await.as_array().unwrap().len(), 3);
    let nothing = json!([{"fromBlock": "0x0", "topics": [topics, topics, topics, topics]}]);
    assert_eq!(node.ask("eth_getLogs", nothing).await, json!([]));
}

#[tokio::test]
async fn attack_client_that_takes_all_filters() {
    let node = Setup::limits(|l| l.max_client_filters = 2).start().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(node.ask("eth_newBlockFilter", json!([])).await);
    }
    let error = node.fail("eth_newBlockFilter", json!([])).await;
    assert_eq!(error.code, -32005, "{}", error.message);
    let mut ws = Ws::open(&node).await;
    let answer = ws.ask("eth_newBlockFilter", json!([])).await;
    assert_eq!(answer["error"]["code"], -32005, "{answer}");
    // Another host has its own.
    let other = reqwest::Client::builder()
        .local_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)))
        .build()
        .unwrap();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_newBlockFilter"}).to_string();
    let answer = other.post(node.url()).body(body).send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["result"].is_string(), "{answer}");
    node.ask("eth_uninstallFilter", json!([ids[0]])).await;
    node.ask("eth_newBlockFilter", json!([])).await;
}

#[tokio::test]
async fn attack_filters_with_large_definitions() {
    let node = Setup::limits(|l| l.max_filter_bytes = 50_000).start().await;
    let addresses: Vec<_> = (0..=255).map(Address::with_last_byte).collect();
    let filter = json!([{"address": addresses}]);
    node.ask("eth_newFilter", filter.clone()).await;
    let error = node.fail("eth_newFilter", filter).await;
    assert_eq!(error.code, -32005, "{}", error.message);
}

#[tokio::test]
async fn attack_typed_data_that_has_no_end() {
    let node = Setup::default().start().await;
    let dev = node.dev.address();
    let doubling: serde_json::Map<String, Value> = (0..31)
        .map(|i| {
            let next = format!("T{}", i + 1);
            let fields = json!([{"name": "a", "type": next}, {"name": "b", "type": next}]);
            (format!("T{i}"), fields)
        })
        .chain([("T31".to_owned(), json!([{"name": "a", "type": "uint8"}]))])
        .collect();
    let chain: serde_json::Map<String, Value> = (0..10_000)
        .map(|i| (format!("T{i}"), json!([{"name": "a", "type": format!("T{}", i + 1)}])))
        .collect();
    let brackets = format!("uint8{}", "[]".repeat(500_000));
    for types in [
        Value::from(doubling),
        Value::from(chain),
        json!({"T0": [{"name": "a", "type": brackets}]}),
        json!({"T0": [{"name": "a", "type": "T0"}]}),
        json!({"T0": [{"name": "a", "type": "T1[]"}], "T1": [{"name": "a", "type": "T0[2]"}]}),
    ] {
        let data = json!({"types": types, "primaryType": "T0", "domain": {}, "message": {}});
        let error = node.fail("eth_signTypedData_v4", json!([dev, data])).await;
        assert_eq!(error.code, -32602);
        assert!(error.message.contains("circular"), "{}", error.message);
    }
}
