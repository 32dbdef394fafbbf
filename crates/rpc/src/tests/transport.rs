//! The port, the protocol and the browsers.

use super::{
    node::{CHAIN_ID, Setup, node},
    raw::{connect, exchange},
    ws::Ws,
};
use crate::{Cores, Cors, L1Hooks, RpcConfig, RpcContext, RpcError, RpcServer, register};
use jsonrpsee::RpcModule;
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn a_port_in_use_is_named() {
    let node = node().await;
    let context = RpcContext {
        chain: node.chain.clone(),
        pool: node.pool.clone(),
        hooks: Arc::new(L1Hooks::default()),
        cores: Cores::of_runtime(),
    };
    let config = RpcConfig::new(node.server.local_addr());
    let error = RpcServer::start(config, context, vec![], vec![]).await.unwrap_err();
    assert!(matches!(error, RpcError::AddressInUse { .. }), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn requests_that_are_none_get_the_codes_of_the_specification() {
    let node = node().await;
    for (body, code) in [
        ("{", -32700),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_nothing"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance"}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"a":1}}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x12"]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}"#, -32602),
    ] {
        let (_, text) = node.post(body).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["error"]["code"], code, "{body}: {text}");
    }
    let missing = node.fail("eth_getBalance", json!([])).await;
    assert_eq!(missing.message, "missing value for required argument 0");
}

#[tokio::test]
async fn a_batch_is_answered_in_order_with_an_error_in_its_place() {
    let node = node().await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": "a", "method": "eth_chainId", "params": []},
        {"jsonrpc": "2.0", "id": 2, "method": "eth_nothing"},
        {"jsonrpc": "2.0", "id": 3, "method": "net_version"},
    ]);
    let (status, text) = node.post(batch.to_string()).await;
    assert_eq!(status, 200);
    let answers: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["id"], "a");
    assert_eq!(answers[0]["result"], format!("{CHAIN_ID:#x}"));
    assert_eq!(answers[1]["error"]["code"], -32601);
    assert_eq!(answers[2]["result"], CHAIN_ID.to_string());
}

#[tokio::test]
async fn notifications_have_no_answer_and_every_id_has_one() {
    let node = node().await;
    let notification = r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#;
    for body in [notification.to_owned(), format!("[{notification},{notification}]")] {
        assert_eq!(node.post(body.clone()).await, (204, String::new()), "{body}");
    }
    for id in ["true", "[1]", "{}"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_chainId"}}"#);
        let (status, text) = node.post(body.clone()).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32600)), "{id}");
        assert_eq!(answer["id"], Value::Null);
        let known = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
        let (_, text) = node.post(format!("[{body},{known}]")).await;
        let answers: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(answers[0]["error"]["code"], -32600, "{text}");
        assert_eq!(answers[1]["result"], format!("{CHAIN_ID:#x}"));
    }
}

#[tokio::test]
async fn ids_are_answered_as_they_were_given() {
    let node = node().await;
    let mut ws = Ws::open(&node).await;
    let ids = ["-1", "1.5", "1.0", "-0", "1e3", "18446744073709551616", "0", "null"];
    let texts = [r#""""#, r#""a""#, r#""\u0061\"\\""#, r#""\u00fc/ü""#];
    for id in ids.into_iter().chain(texts) {
        let chain_id = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"{CHAIN_ID:#x}"}}"#);
        let good = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_chainId"}}"#);
        let bad = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_nothing"}}"#);
        let none = format!(r#"{{"jsonrpc":"2.0","id":{id}}}"#);
        assert_eq!(node.post(good.clone()).await.1, chain_id);
        ws.send(&good).await;
        assert_eq!(ws.text().await, chain_id);
        for body in [bad, none] {
            let begin = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":"#);
            let (_, text) = node.post(body.clone()).await;
            assert!(text.starts_with(&begin), "{body}: {text}");
            ws.send(&body).await;
            assert_eq!(ws.text().await, text);
        }
        let batch = format!("[{good},{good}]");
        assert_eq!(node.post(batch.clone()).await.1, format!("[{chain_id},{chain_id}]"));
        ws.send(&batch).await;
        assert_eq!(ws.text().await, format!("[{chain_id},{chain_id}]"));
        let subscribe = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_subscribe","params":["newHeads"]}}"#
        );
        ws.send(&subscribe).await;
        let text = ws.text().await;
        assert!(
            text.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"0x"#)),
            "{text}"
        );
    }
    // What has begun tells of blocks.
    node.mine();
    assert_eq!(ws.message().await["method"], "eth_subscription");
}

#[tokio::test]
async fn other_verbs_are_refused() {
    let node = node().await;
    for method in [reqwest::Method::PUT, reqwest::Method::DELETE] {
        let answer = node.http.request(method, node.url()).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 405);
    }
}

#[tokio::test]
async fn content_type_may_be_missing() {
    let node = node().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["0x"]}"#;
    let response = node.http.post(node.url()).body(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert_eq!(answer["result"], empty);
}

#[tokio::test]
async fn the_same_port_answers_over_websocket() {
    let node = node().await;
    let mut ws = Ws::open(&node).await;
    assert_eq!(ws.ask("eth_blockNumber", json!([])).await["result"], "0x0");
    ws.send("{").await;
    assert_eq!(ws.message().await["error"]["code"], -32700);
}

#[tokio::test]
async fn browsers_may_call_from_every_page() {
    let node = node().await;
    let preflight = "OPTIONS / HTTP/1.1\r\nhost: x\r\norigin: https://app.example\r\n\
        access-control-request-method: POST\r\n\
        access-control-request-headers: content-type,x-trace\r\n\
        access-control-request-private-network: true\r\n\r\n";
    let answer = exchange(&mut connect(&node).await, preflight, "\r\n\r\n").await.to_lowercase();
    assert!(answer.starts_with("http/1.1 204"), "{answer}");
    for header in [
        "access-control-allow-origin: *",
        "access-control-allow-headers: content-type,x-trace",
        "access-control-allow-private-network: true",
    ] {
        assert!(answer.contains(header), "{header} in {answer}");
    }
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let post = node.http.post(node.url()).header("origin", "https://app.example").body(body);
    let response = post.send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn pages_that_are_not_listed_are_refused_in_both_transports() {
    let cors = Cors::Only(vec!["https://app.example".into()]);
    let node = Setup { cors, ..Default::default() }.start().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    for (origin, status) in [("https://app.example", 200), ("https://evil.example", 403)] {
        let post = node.http.post(node.url()).header("origin", origin).body(body);
        assert_eq!(post.send().await.unwrap().status(), status, "{origin}");
    }
    let upgrade = "GET / HTTP/1.1\r\nhost: x\r\norigin: https://evil.example\r\n\
        connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    let answer = exchange(&mut connect(&node).await, upgrade, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    // Without an origin it is no browser.
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x0");
}

#[tokio::test]
async fn routes_answer_get_and_nothing_else_is_there() {
    let node = node().await;
    let get = async |path: &str| {
        let response = node.http.get(format!("{}{path}", node.url())).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(get("health").await, (200, r#"{"path":"/health"}"#.to_owned()));
    assert_eq!(get("").await.0, 404);
    assert_eq!(get("other").await.0, 404);
}

#[tokio::test]
async fn methods_of_other_modules_are_added_and_come_first() {
    let mut module = RpcModule::new(());
    register(&mut module, "mezz_one", |(), args| args.end().map(|()| 1)).unwrap();
    register(&mut module, "eth_coinbase", |(), _| Ok("ours")).unwrap();
    let setup = Setup { extra: vec![module.into()], ..Default::default() };
    let node = setup.start().await;
    assert_eq!(node.ask("mezz_one", json!([])).await, 1);
    assert_eq!(node.ask("eth_coinbase", json!([])).await, "ours");
    assert_eq!(node.ask("eth_syncing", json!([])).await, false);
}

#[tokio::test]
async fn stop_ends_listening_and_idle_connections() {
    let node = node().await;
    let addr = node.server.local_addr();
    let mut idle = connect(&node).await;
    let mut ws = Ws::open(&node).await;
    ws.subscribe(json!(["newHeads"])).await;
    let begun = std::time::Instant::now();
    node.server.stop().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    assert_eq!(exchange(&mut idle, "", "never").await, "");
}

#[tokio::test]
async fn modules_are_those_of_the_methods_that_are_served() {
    let mut module = jsonrpsee::RpcModule::new(());
    crate::register(&mut module, "mezz_word", |(), _| Ok(1)).unwrap();
    let setup = super::node::Setup { extra: vec![module.into()], ..Default::default() };
    let node = setup.start().await;
    let modules = node.ask("rpc_modules", json!([])).await;
    let expected = json!({"debug": "1.0", "eth": "1.0", "mezz": "1.0", "net": "1.0", "personal": "1.0",
               "txpool": "1.0", "web3": "1.0"});
    assert_eq!(modules, expected);
    let accounts = node.ask("eth_requestAccounts", json!([])).await;
    assert_eq!(accounts, json!([node.dev.address()]));
}
