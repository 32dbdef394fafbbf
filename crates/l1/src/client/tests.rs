//! The client against small HTTP servers that misbehave in one way each.

use super::*;
use crate::test_http::{http, serve};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

/// Serves every connection with the n-th of `answers` (the last one for ever); counts them.
async fn server(answers: Vec<String>) -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = count.clone();
    let url = serve(move |_| {
        let index = seen.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        answers[index].clone()
    })
    .await;
    (url, count)
}

fn ok(body: &str) -> String {
    http("200 OK", body)
}

fn client(url: &str) -> L1Client {
    let config = L1ClientConfig {
        request_timeout: Duration::from_millis(500),
        backoff: Duration::from_millis(1),
        max_response_bytes: 4096,
        ..Default::default()
    };
    L1Client::with_config(url, config).unwrap()
}

const CHAIN_ID: &str = r#"{"jsonrpc":"2.0","id":0,"result":"0x7a69"}"#;

#[tokio::test]
async fn broken_answers_are_asked_again() {
    // A client numbers its requests from zero, and asking again is a new request.
    let second = CHAIN_ID.replace("\"id\":0", "\"id\":1");
    let (url, count) = server(vec![http("503 Service Unavailable", "later"), ok(&second)]).await;
    assert_eq!(client(&url).chain_id().await, Ok(31337));
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn silence_is_a_timeout_that_is_said_at_once() {
    let (url, count) = server(vec![String::new()]).await;
    let error = client(&url).chain_id().await.unwrap_err();
    assert!(matches!(error, L1Error::Timeout { .. }), "{error}");
    assert!(error.is_retryable());
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nobody_there_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url).chain_id().await.unwrap_err();
    assert!(error.to_string().contains("does not answer"), "{error}");
    assert!(error.to_string().contains("is it running?"), "{error}");
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
}

#[tokio::test]
async fn refusals_are_not_asked_again() {
    let body = r#"{"jsonrpc":"2.0","id":0,"error":{"code":3,"message":"execution reverted","data":"0x08c379a0"}}"#;
    let (url, count) = server(vec![ok(body)]).await;
    let error = client(&url).chain_id().await.unwrap_err();
    let L1Error::Rpc { code: 3, data: Some(data), .. } = error else { panic!("{error}") };
    assert_eq!(data.as_ref(), [0x08, 0xc3, 0x79, 0xa0]);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn endless_answers_are_cut_off() {
    let (url, _) = server(vec![ok(&" ".repeat(5000))]).await;
    let error = client(&url).chain_id().await.unwrap_err();
    assert!(error.to_string().contains("larger than 4096 bytes"), "{error}");
}

#[tokio::test]
async fn header_that_does_not_hash_to_its_hash_is_wrong() {
    let header = Header { number: 5, ..Default::default() };
    let answer = |hash: B256| {
        let mut block = serde_json::to_value(&header).unwrap();
        block["hash"] = serde_json::to_value(hash).unwrap();
        ok(&format!(r#"{{"jsonrpc":"2.0","id":0,"result":{block}}}"#))
    };
    let good = header.hash_slow();
    let (url, _) = server(vec![answer(good)]).await;
    assert_eq!(client(&url).header(5.into()).await.unwrap().hash(), good);
    assert!(matches!(client(&url).header(6.into()).await, Err(L1Error::WrongAnswer { .. })));
    let other = B256::with_last_byte(1);
    assert!(matches!(client(&url).header_by_hash(other).await, Err(L1Error::WrongAnswer { .. })));
    let (url, _) = server(vec![answer(other)]).await;
    assert!(matches!(client(&url).header(5.into()).await, Err(L1Error::WrongAnswer { .. })));
}

#[test]
fn unusable_urls_are_refused_with_a_hint() {
    let error = L1Client::new("127.0.0.1:8545").unwrap_err();
    assert!(error.to_string().contains("expected something like"), "{error}");
    assert!(!error.is_retryable());
}
