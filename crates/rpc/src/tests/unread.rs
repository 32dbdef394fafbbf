//! Clients that ask and do not read.

use super::{
    node::{Node, Setup},
    raw::{connect, exchange},
    ws::Ws,
};
use crate::{Limits, register};
use jsonrpsee::RpcModule;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
};

/// Far more than the system buffers for a connection.
const BIG: usize = 60 << 20;

async fn node(change: impl FnOnce(&mut Limits)) -> Node {
    let mut module = RpcModule::new(());
    register(&mut module, "mezz_big", |(), _| Ok("x".repeat(BIG))).unwrap();
    Setup { extra: vec![module.into()], ..Setup::limits(change) }.start().await
}

/// Asks for the big answer, and reads nothing but how it begins.
async fn ask_only(node: &Node) -> TcpStream {
    let mut stream = connect(node).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"mezz_big"}"#;
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    stream
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..2_400 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_does_not_read_is_disconnected() {
    let node = node(|l| {
        l.max_connections = 1;
        l.write_timeout = Duration::from_millis(200);
    })
    .await;
    let _silent = ask_only(&node).await;
    let get = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    until("its place is free again", async || {
        exchange(&mut connect(&node).await, get, "}").await.starts_with("HTTP/1.1 200")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_answers_are_bounded_over_all_connections() {
    // Half of all is one address's, and there is one here.
    let node = node(|l| {
        l.max_unread_bytes = 3 * BIG;
        l.max_unread_client_bytes = BIG;
    })
    .await;
    let big = json!({"jsonrpc": "2.0", "id": 1, "method": "mezz_big"}).to_string();
    let silent = ask_only(&node).await;
    until("the second answer has no room", async || node.post(big.clone()).await.0 == 503).await;
    // Small ones do.
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x0");
    drop(silent);
    until("there is room again", async || node.post(big.clone()).await.0 == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websocket_client_that_does_not_read_is_disconnected() {
    let node = node(|l| l.max_unread_client_bytes = 2 * BIG).await;
    let mut ws = Ws::open(&node).await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "mezz_big"}).to_string();
    until("the connection is closed", async || !ws.try_send(&call).await).await;
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x0");
}

/// Calls of `mezz_wait` that have begun; they end when `gate` is open.
struct Waiters {
    begun: AtomicUsize,
    gate: Semaphore,
}

impl Waiters {
    fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether so many begin before long.
    async fn reach(&self, count: usize) -> bool {
        for _ in 0..100 {
            if self.begun() >= count {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        false
    }

    /// How many have begun when no more do.
    async fn settled(&self) -> usize {
        let mut before = self.begun();
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let now = self.begun();
            if now == before && now > 0 {
                return now;
            }
            before = now;
        }
    }
}

/// A node with a method that waits for a gate and then answers `bytes`.
async fn waiting(bytes: usize, change: impl FnOnce(&mut Limits)) -> (Node, Arc<Waiters>) {
    let waiters = Arc::new(Waiters { begun: AtomicUsize::new(0), gate: Semaphore::new(0) });
    let mut module = RpcModule::from_arc(waiters.clone());
    module
        .register_async_method("mezz_wait", move |_, waiters, _| async move {
            waiters.begun.fetch_add(1, Ordering::Relaxed);
            drop(waiters.gate.acquire().await.unwrap());
            "x".repeat(bytes)
        })
        .unwrap();
    let node = Setup { extra: vec![module.into()], ..Setup::limits(change) }.start().await;
    (node, waiters)
}

fn wait_call(id: usize) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": "mezz_wait"}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn websocket_requests_behind_those_that_are_answered_are_not_read() {
    let (node, waiters) = waiting(1, |l| l.max_connection_calls = 4).await;
    let mut ws = Ws::open(&node).await;
    for id in 0..4 {
        ws.send(&wait_call(id)).await;
    }
    until("all are answered at a time", async || waiters.begun() == 4).await;
    // A client whose requests all have their places is heard.
    ws.ping().await;
    for id in 4..100 {
        ws.send(&wait_call(id)).await;
    }
    assert_eq!(waiters.settled().await, 4);
    // Others are not concerned.
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x0");
    waiters.gate.add_permits(1);
    let mut answered = Vec::new();
    for _ in 0..100 {
        answered.push(ws.message().await["id"].as_u64().unwrap());
    }
    answered.sort_unstable();
    assert_eq!(answered, (0..100).collect::<Vec<_>>());
    ws.ping().await;
}

/// Attack: small answers that nobody reads.
#[tokio::test(flavor = "multi_thread")]
async fn attack_client_that_asks_and_does_not_read_is_not_read_either() {
    const ANSWER: usize = 64 << 10;
    const ASKED: usize = 1_000;
    // By the number of requests, and by the room that they take.
    for (calls, room) in [(4, usize::MAX), (u32::MAX, 1)] {
        let change = |l: &mut Limits| {
            l.max_connection_calls = calls;
            l.max_requests_bytes = room;
            l.max_buffered_messages = 4;
        };
        let (node, waiters) = waiting(ANSWER, change).await;
        waiters.gate.add_permits(1);
        let mut ws = Ws::open(&node).await;
        let mut one_by_one = true;
        for id in 0..ASKED {
            ws.send(&wait_call(id)).await;
            // All at once would have no room, read or not.
            one_by_one = one_by_one && waiters.reach(id + 1).await;
        }
        let begun = waiters.settled().await;
        // What the system buffers for a connection is not the node's, and less than half of all.
        assert!(begun < ASKED / 2, "{begun} answers of {ANSWER} bytes were made");
        // A client that reads after all gets an answer to each.
        let mut answered = 0;
        for _ in 0..ASKED {
            let message = ws.message().await;
            match message["result"].as_str() {
                Some(answer) => {
                    assert_eq!(answer.len(), ANSWER);
                    answered += 1;
                }
                None => assert_eq!(message["error"]["code"], -32005, "{message}"),
            }
        }
        assert_eq!(answered, waiters.begun());
        assert!(room == 1 || answered == ASKED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_goes_while_it_is_not_read_gives_its_place_back() {
    let change = |l: &mut Limits| {
        l.max_connections = 1;
        l.max_connection_calls = 1;
        l.request_timeout = Duration::from_millis(200);
    };
    let (node, waiters) = waiting(1, change).await;
    let mut ws = Ws::open(&node).await;
    for id in 0..3 {
        ws.send(&wait_call(id)).await;
    }
    until("one is answered", async || waiters.begun() > 0).await;
    drop(ws);
    let get = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    until("its place is free again", async || {
        exchange(&mut connect(&node).await, get, "}").await.starts_with("HTTP/1.1 200")
    })
    .await;
}
