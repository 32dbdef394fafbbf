//! Clients that ask and do not read.

use super::{
    node::{Node, Setup},
    raw::{connect, exchange},
    ws::Ws,
};
use crate::{Limits, register};
use jsonrpsee::RpcModule;
use serde_json::json;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
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
    for _ in 0..200 {
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
async fn unread_answers_are_bounded_over_all_clients() {
    let node = node(|l| l.max_unread_bytes = BIG + (BIG / 2)).await;
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
