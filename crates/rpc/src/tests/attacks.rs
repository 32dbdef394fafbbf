//! Attacks on the server, each a test named after it. More are in `limits`, `unread`, `simulate`
//! and `garbage`.

use super::{
    LOGGER, LOOP,
    node::{Node, Setup, word},
    raw::{connect, exchange},
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

/// A WebSocket connection in bytes.
struct RawWs(TcpStream);

impl RawWs {
    /// `None`: the node has no place for it.
    async fn open(node: &Node) -> Option<Self> {
        let mut stream = connect(node).await;
        let upgrade = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        let answer = exchange(&mut stream, upgrade, "\r\n\r\n").await;
        answer.starts_with("HTTP/1.1 101").then_some(Self(stream))
    }

    /// A frame that announces `length` bytes and has `part`.
    async fn frame(&mut self, first: u8, length: usize, part: &[u8]) {
        let mut bytes = vec![first, 0x80 | 127];
        bytes.extend_from_slice(&(length as u64).to_be_bytes());
        // Nothing changes by this mask.
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(part);
        self.0.write_all(&bytes).await.unwrap();
    }

    /// The next text; it has less than 126 bytes.
    async fn text(&mut self) -> Value {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).await.unwrap();
        assert!(head[0] == 0x81 && head[1] < 126, "{head:?}");
        let mut text = vec![0; usize::from(head[1])];
        self.0.read_exact(&mut text).await.unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

const TEXT: u8 = 0x81;
const BEGIN: u8 = 0x01;
const CONTINUE: u8 = 0x00;
const END: u8 = 0x80;

#[tokio::test]
async fn attack_many_websocket_messages_that_are_half_sent() {
    let node = Setup::limits(|l| l.max_requests_bytes = 100 << 10).start().await;
    // In one frame, and in frames of which the last never comes.
    let mut one = RawWs::open(&node).await.unwrap();
    one.frame(TEXT, 100 << 10, &[b' '; 40 << 10]).await;
    let mut other = RawWs::open(&node).await.unwrap();
    other.frame(BEGIN, 20 << 10, &[b' '; 20 << 10]).await;
    other.frame(CONTINUE, 20 << 10, &[b' '; 20 << 10]).await;
    let mut third = RawWs::open(&node).await.unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        // Until what was sent has been read.
        third.frame(TEXT, 30 << 10, &[b' '; 30 << 10]).await;
        let answer = third.text().await;
        if answer["error"]["code"] == -32005 {
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.starts_with("too many requests are being received"), "{message}");
            break;
        }
        assert_eq!(answer["error"]["code"], -32700);
        assert!(std::time::Instant::now() < until, "the third message always has room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Over HTTP it is the same room.
    let mut post = begin(&node, 80 << 10, 80 << 10).await;
    assert_eq!(status(&mut post).await, "HTTP/1.1 503");
    // Small ones have some, on the connection that was refused too.
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x0");
    let small = br#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}"#;
    third.frame(TEXT, small.len(), small).await;
    assert_eq!(third.text().await["result"], "0x0");
    drop(one);
    other.frame(END, 0, b"").await;
    assert_eq!(other.text().await["error"]["code"], -32700);
    loop {
        third.frame(TEXT, 80 << 10, &[b' '; 80 << 10]).await;
        if third.text().await["error"]["code"] == -32700 {
            break;
        }
        assert!(std::time::Instant::now() < until, "the room is not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn attack_websocket_message_that_is_announced_and_never_ends() {
    let limits = |l: &mut crate::Limits| {
        l.max_request_bytes = 10_000;
        l.request_timeout = Duration::from_millis(300);
    };
    let node = Setup::limits(limits).start().await;
    let mut announced = RawWs::open(&node).await.unwrap();
    announced.frame(TEXT, usize::MAX >> 1, b"").await;
    assert_eq!(announced.text().await["error"]["code"], -32007);
    let mut split = RawWs::open(&node).await.unwrap();
    split.frame(BEGIN, 6_000, &[b' '; 6_000]).await;
    split.frame(CONTINUE, 6_000, &[b' '; 6_000]).await;
    assert_eq!(split.text().await["error"]["code"], -32007);
    let mut slow = RawWs::open(&node).await.unwrap();
    slow.frame(TEXT, 100, b"[").await;
    for mut late in [announced, split, slow] {
        assert_eq!(late.text().await["error"]["code"], -32002);
        let mut rest = Vec::new();
        late.0.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, [0x88, 0], "it is closed");
    }
}

#[tokio::test]
async fn attack_client_that_takes_all_connections_by_websocket() {
    let node = Setup::limits(|l| l.max_client_connections = 2).start().await;
    let held = [RawWs::open(&node).await.unwrap(), RawWs::open(&node).await.unwrap()];
    assert!(RawWs::open(&node).await.is_none(), "a third connection of one client");
    drop(held);
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while RawWs::open(&node).await.is_none() {
        assert!(std::time::Instant::now() < until, "the places are not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Another host than that of the tests' other clients.
fn other_host() -> reqwest::Client {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    reqwest::Client::builder().local_address(address).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_client_that_takes_all_batch_places() {
    let limits = |l: &mut crate::Limits| {
        l.max_batches = 2;
        l.call_workers = 1;
        l.call_gas = 100_000_000;
        l.request_timeout = Duration::from_secs(6);
    };
    let node = Setup::limits(limits).start().await;
    let burn = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": LOOP}]});
    let batch = Value::from(vec![burn; 1_000]).to_string();
    let mut greedy = RawWs::open(&node).await.unwrap();
    for _ in 0..4 {
        greedy.frame(TEXT, batch.len(), batch.as_bytes()).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let body = r#"[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}]"#;
    let other = other_host();
    let answer = tokio::select! {
        biased;
        _ = greedy.text() => panic!("another client had to wait for it"),
        answer = other.post(node.url()).body(body).send() => answer.unwrap(),
    };
    assert_eq!(answer.status().as_u16(), 200);
    // Its own end with their time.
    for _ in 0..4 {
        assert_eq!(greedy.text().await["error"]["code"], -32002);
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
    let other = other_host();
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
        // A text in a text is not looked into.
        let twice = Value::from(data.to_string()).to_string();
        let error = node.fail("eth_signTypedData_v4", json!([dev, twice])).await;
        assert!(error.message.contains("expected an object"), "{}", error.message);
    }
    let error = node.fail("eth_signTypedData_v4", json!([dev, {"types": {}}])).await;
    assert!(error.message.contains("missing field `primaryType`"), "{}", error.message);
}
