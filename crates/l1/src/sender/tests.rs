//! Requests on their way through the queue, with an L1 that answers a few questions and remembers
//! what it was sent.

use super::{SendError, SenderConfig, TX_GAS_CAP, TxRequest, TxSender, TxSenderTask};
use crate::{
    client::L1Client,
    test_http::{body, http, serve},
};
use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// An L1 that takes every transaction and mines none; how many it has taken.
async fn l1() -> (L1Client, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let url = serve(move |request| {
        let question: Value = serde_json::from_str(body(request)).unwrap();
        let result = match question["method"].as_str().unwrap() {
            "eth_getTransactionCount" | "eth_maxPriorityFeePerGas" => json!("0x0"),
            "eth_blobBaseFee" => json!("0x1"),
            "eth_getBalance" => json!("0xffffffffffffffff"),
            "eth_feeHistory" => json!({
                "oldestBlock": "0x1", "baseFeePerGas": ["0x1", "0x1"], "gasUsedRatio": [0.5],
            }),
            "eth_sendRawTransaction" => {
                count.fetch_add(1, Ordering::SeqCst);
                json!(format!("0x{:064x}", 1))
            }
            _ => Value::Null,
        };
        let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": result });
        http("200 OK", &answer.to_string())
    })
    .await;
    (L1Client::new(&url).unwrap(), taken)
}

fn sender(client: L1Client) -> (TxSender, TxSenderTask) {
    TxSender::new(client, PrivateKeySigner::random(), 1, None, SenderConfig::default()).unwrap()
}

/// A transfer that is part of a row, or of none.
fn request(row: Option<u64>) -> TxRequest {
    let (to, gas_limit) = (Address::with_last_byte(1).into(), Some(21_000));
    TxRequest { to, gas_limit, row, ..TxRequest::default() }
}

#[tokio::test]
async fn what_waits_behind_a_refused_request_of_its_row_is_refused_too() {
    let (client, taken) = l1().await;
    let (sender, task) = sender(client);
    let refused = TxRequest { gas_limit: Some(TX_GAS_CAP + 1), ..request(Some(3)) };
    let refused = sender.submit(refused).await.unwrap();
    let behind = sender.submit(request(Some(3))).await.unwrap();
    let _alone = sender.submit(request(None)).await.unwrap();
    let _next_row = sender.submit(request(Some(4))).await.unwrap();
    tokio::spawn(task.run());
    assert!(matches!(refused.receipt().await, Err(SendError::GasCap { .. })));
    assert!(matches!(behind.receipt().await, Err(SendError::Torn)));
    // Whoever asks has not yet heard of it.
    let late = sender.submit(request(Some(3))).await.unwrap();
    assert!(matches!(late.receipt().await, Err(SendError::Torn)));
    while taken.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let _row = sender.submit(request(Some(4))).await.unwrap();
    while taken.load(Ordering::SeqCst) < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(sender.status().queued, 0);
}

#[tokio::test]
async fn request_counts_from_the_moment_it_is_handed_over() {
    let (client, _) = l1().await;
    let (sender, mut task) = sender(client);
    assert_eq!(sender.status().queued, 0);
    let _ticket = sender.submit(request(None)).await.unwrap();
    assert_eq!(sender.status().queued, 1);
    // Taken by the task, which has not yet said so.
    let job = task.jobs.try_recv().unwrap();
    assert_eq!(sender.status().queued, 1);
    task.enqueue(job);
    assert_eq!(sender.status().queued, 1);
    task.publish();
    assert_eq!(sender.status().queued, 1);
}
