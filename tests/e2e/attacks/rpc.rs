//! Attacks on the JSON-RPC of a running node: what is too large, too deep, too slow or too dear is
//! refused, and everybody else is answered all the while.

use crate::{
    on_both,
    support::{L1, Mezz, PATIENCE, Rpc, ether, fresh_address, key, wait_until},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

on_both!(attack_oversized_request);
async fn attack_oversized_request(l1: &L1) {
    const MOST: usize = 2 << 20;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &["--rpc-max-request", "2MiB"]).await;
    for url in served(&mezz, l1) {
        // Announced: refused before any of it has come.
        let mut announced = connect(&url).await;
        let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", MOST + 1);
        announced.write_all(head.as_bytes()).await.unwrap();
        assert_status(&answer(&mut announced).await, 413, -32007);

        // Without an end: refused as soon as too much has come, and cut.
        let (mut reading, mut writing) = connect(&url).await.into_split();
        let flood = tokio::spawn(async move {
            let head = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
            writing.write_all(head.as_bytes()).await.unwrap();
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            while writing.write_all(chunk.as_bytes()).await.is_ok() {}
        });
        assert_status(&answer(&mut reading).await, 413, -32007);
        tokio::time::timeout(PATIENCE, flood).await.expect("its connection is closed").unwrap();

        // As much as a request may have is answered.
        let mut whole = request("web3_clientVersion", "[]");
        whole.push_str(&" ".repeat(MOST - whole.len()));
        let version = post(&url, whole).await;
        assert!(version["result"].is_string(), "{version}");
        Rpc::new(&url).head().await;
    }
}

on_both!(attack_deeply_nested_request);
async fn attack_deeply_nested_request(l1: &L1) {
    const DEPTH: usize = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    let open = "[".repeat(DEPTH);
    let arrays = format!("{open}{}", "]".repeat(DEPTH));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(DEPTH), "}".repeat(DEPTH));
    for url in served(&mezz, l1) {
        // As a whole request.
        let unclosed = post(&url, open.clone()).await;
        assert_eq!(unclosed["error"]["code"], -32700, "{unclosed}");
        let batch = post(&url, arrays.clone()).await;
        assert_eq!(batch[0]["error"]["code"], -32600, "{batch}");
        let single = post(&url, objects.clone()).await;
        assert_eq!(single["error"]["code"], -32600, "{single}");
        // As arguments.
        let object = format!("[{objects},\"latest\"]");
        for (method, params) in [("eth_call", &arrays), ("eth_getBalance", &object)] {
            let refused = post(&url, request(method, params)).await;
            assert_eq!(refused["error"]["code"], -32602, "{method}: {refused}");
            assert_eq!(refused["id"], 7, "{method}: {refused}");
            let words = refused["error"]["message"].as_str().unwrap();
            assert!(words.starts_with("invalid argument 0: "), "{method}: {words}");
        }
        Rpc::new(&url).head().await;
    }
    assert!(!mezz.stderr().contains("panicked"), "{}", mezz.stderr());
}

on_both!(attack_slow_request);
async fn attack_slow_request(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &["--rpc-timeout", "3s"]).await;
    for url in served(&mezz, l1) {
        let (mut reading, mut writing) = connect(&url).await.into_split();
        // At this pace the request takes a day.
        let drip = tokio::spawn(async move {
            let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n";
            writing.write_all(head.as_bytes()).await.unwrap();
            while writing.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let slow = tokio::spawn(async move { answer(&mut reading).await });
        let (other, mut answered) = (Rpc::new(&url), 0);
        while !slow.is_finished() {
            other.head().await;
            answered += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(answered > 0, "nobody else was answered");
        assert_status(&slow.await.unwrap(), 504, -32002);
        tokio::time::timeout(PATIENCE, drip).await.expect("its connection is closed").unwrap();
        other.head().await;
    }
}

on_both!(attack_calls_that_burn_gas);
async fn attack_calls_that_burn_gas(l1: &L1) {
    const ATTACKERS: usize = 16;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &["--rpc-gas-cap", "40000000"]).await;
    let l2 = mezz.l2();
    let (burnt, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let attack = |_| {
        let (l2, burnt, over) = (l2.clone(), burnt.clone(), over.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                // Creation code that jumps to itself, JUMPDEST PUSH1 0 JUMP: with all the gas that
                // it asks for, it runs for days.
                let endless = json!({ "input": "0x5b600056", "gas": "0xffffffffffff" });
                let refused = l2.try_call("eth_call", (endless, "latest")).await;
                let refused = refused.expect_err("it has no end");
                let out_of_gas = refused.contains("-32000") && refused.contains("out of gas");
                assert!(out_of_gas, "{refused}");
                burnt.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let attackers: Vec<_> = (0..ATTACKERS).map(attack).collect();
    let ended = || burnt.load(Ordering::Relaxed);
    wait_until("gas is being burnt", || async { ended() >= ATTACKERS }).await;

    let (before, head) = (ended(), l2.head().await);
    l2.wait_tag("latest", head + 4).await;
    let receiver = fresh_address();
    let hash = l2.send_raw(&key(0), 0, receiver, ether(1)).await.unwrap();
    l2.wait_receipt(&hash).await;
    assert_eq!(l2.balance(receiver).await, ether(1));
    wait_until("gas is still being burnt", || async { ended() > before }).await;

    over.store(true, Ordering::Relaxed);
    for attacker in attackers {
        attacker.await.unwrap();
    }
}

on_both!(attack_range_of_logs_and_batch_beyond_the_limits);
async fn attack_range_of_logs_and_batch_beyond_the_limits(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let limits = ["--rpc-max-log-range", "20", "--rpc-max-batch", "3"];
    let mezz = Mezz::up(dir.path(), l1, &[&limits[..], &["--block-time", "250ms"]].concat()).await;
    for url in served(&mezz, l1) {
        let rpc = Rpc::new(&url);
        rpc.wait_tag("latest", 20).await;
        let range = |to: &str| json!([{ "fromBlock": "0x0", "toBlock": to }]).to_string();
        // Block 0 is one too, so these are 21.
        let refused = post(&url, request("eth_getLogs", &range("0x14"))).await;
        assert_eq!(refused["error"]["code"], -32005, "{refused}");
        let words = refused["error"]["message"].as_str().unwrap();
        assert!(words.starts_with("query spans 21 blocks, more than 20"), "{words}");
        assert!(words.ends_with("Try with this block range [0x0, 0x13]."), "{words}");
        let found = post(&url, request("eth_getLogs", &range("0x13"))).await;
        assert!(found["result"].is_array(), "{found}");

        let batch = |calls| format!("[{}]", vec![request("eth_chainId", "[]"); calls].join(","));
        for calls in [4, 100_000] {
            let refused = post(&url, batch(calls)).await;
            assert_eq!(refused["error"]["code"], -32010, "{calls} calls: {refused}");
        }
        let answers = post(&url, batch(3)).await;
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), 3);
        assert!(answers.iter().all(|answer| answer["result"].is_string()), "{answers:?}");
        rpc.head().await;
    }
}

/// Where the process answers: the Layer 2, and the L1 if it is its own.
fn served(mezz: &Mezz, l1: &L1) -> Vec<String> {
    let mut urls = vec![mezz.l2().url().to_owned()];
    if matches!(l1, L1::Embedded) {
        urls.push(mezz.l1_url());
    }
    urls
}

/// A call as JSON.
fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#)
}

/// What any body is answered with.
async fn post(url: &str, body: String) -> Value {
    let response = reqwest::Client::new().post(url).body(body).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// A connection for what a well-behaved client does not send.
async fn connect(url: &str) -> TcpStream {
    let addr = url.strip_prefix("http://").expect("plain HTTP").trim_end_matches('/');
    TcpStream::connect(addr).await.unwrap()
}

/// Head and body of an error, or what came of it before the connection was closed.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes: Vec<u8> = Vec::new();
    let whole = async {
        let mut part = [0; 1_024];
        while !bytes.ends_with(b"}}") {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(count) => bytes.extend_from_slice(&part[..count]),
            }
        }
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("an answer in time");
    String::from_utf8(bytes).unwrap()
}

/// The answer has this status, and this code in its error.
fn assert_status(answer: &str, status: u16, code: i32) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:?}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], code, "{body}");
}
