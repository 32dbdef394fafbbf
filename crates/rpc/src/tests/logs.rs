//! Searching logs.

use super::{
    LOGGER,
    node::{Node, Setup, node, word},
    ws::Ws,
};
use mezz_chain::{ChainLimits, LogQuery};
use mezz_primitives::Address;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// Block n has a log with topic n, up to block 5; block 6 has none.
async fn logged(setup: Setup) -> Node {
    let node = setup.start().await;
    for n in 0..5u8 {
        node.send(n.into(), LOGGER, 0, word(n + 1).as_slice()).await;
        node.mine();
    }
    node.mine();
    node
}

fn topics(logs: &Value) -> Vec<Value> {
    logs.as_array().unwrap().iter().map(|log| log["topics"][0].clone()).collect()
}

#[tokio::test]
async fn logs_are_found_by_range_address_topic_and_hash() {
    let node = logged(Setup::default()).await;
    let hash = node.ask("eth_getBlockByNumber", json!(["0x4", false])).await["hash"].clone();
    for (filter, found) in [
        (json!({"fromBlock": "0x0", "toBlock": "latest"}), vec![1, 2, 3, 4, 5]),
        (json!({"fromBlock": "earliest", "toBlock": "0x99"}), vec![1, 2, 3, 4, 5]),
        (json!({"fromBlock": "0x2", "toBlock": "0x3", "address": LOGGER}), vec![2, 3]),
        (json!({"fromBlock": "0x0", "topics": [word(3)]}), vec![3]),
        (json!({"fromBlock": "0x0", "topics": [[word(3), word(5)]]}), vec![3, 5]),
        (json!({"fromBlock": "0x0", "topics": [null]}), vec![1, 2, 3, 4, 5]),
        (json!({"fromBlock": "0x0", "topics": [null, word(1)]}), vec![]),
        (json!({"fromBlock": "0x0", "address": [Address::ZERO]}), vec![]),
        (json!({"blockHash": hash}), vec![4]),
        (json!({}), vec![]),
        (json!({"fromBlock": "0x50"}), vec![]),
    ] {
        let logs = node.ask("eth_getLogs", json!([filter])).await;
        let expected: Vec<Value> = found.iter().map(|n| json!(word(*n))).collect();
        assert_eq!(topics(&logs), expected, "{filter}");
    }
    let log = &node.ask("eth_getLogs", json!([{"blockHash": hash}])).await[0];
    assert_eq!(log["blockNumber"], "0x4");
    assert_eq!(log["blockHash"], hash);
    assert_eq!(log["address"], json!(LOGGER));
    assert_eq!(log["data"], "0x");
    assert_eq!(log["removed"], false);
}

#[tokio::test]
async fn impossible_queries_are_refused() {
    let node = node().await;
    let backwards = json!([{"fromBlock": "0x2", "toBlock": "0x1"}]);
    let error = node.fail("eth_getLogs", backwards).await;
    assert_eq!((error.code, error.message.as_str()), (-32602, "invalid block range params"));
    let unknown = node.fail("eth_getLogs", json!([{"blockHash": word(1)}])).await;
    assert_eq!((unknown.code, unknown.message.as_str()), (-32000, "unknown block"));
    let both = json!([{"blockHash": word(1), "fromBlock": "0x1"}]);
    assert_eq!(node.fail("eth_getLogs", both).await.code, -32602);
    let many: Vec<_> =
        (0..1_001u16).map(|i| json!(Address::left_padding_from(&i.to_be_bytes()))).collect();
    assert_eq!(node.fail("eth_getLogs", json!([{"address": many}])).await.code, -32005);
}

#[tokio::test]
async fn fields_of_a_filter_that_are_wrong_are_named() {
    let node = node().await;
    let mut ws = Ws::open(&node).await;
    for (filter, words) in [
        (json!({"topics": [null, ["0x12"]]}), "topics[1][0]: expected a topic ("),
        (json!({"address": [LOGGER, "0x12"]}), "address[1]: expected an address ("),
    ] {
        for method in ["eth_getLogs", "eth_newFilter"] {
            let error = node.fail(method, json!([filter])).await;
            let expected = format!("invalid argument 0: {words}");
            assert!(error.code == -32602 && error.message.starts_with(&expected), "{error:?}");
            assert!(error.message.ends_with("got \"0x12\""), "{error:?}");
        }
        let answer = ws.ask("eth_subscribe", json!(["logs", filter])).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("invalid argument 1: {words}")), "{message}");
    }
}

#[tokio::test]
async fn refusals_for_size_say_what_to_ask_instead() {
    let limits = |l: &mut crate::Limits| {
        l.max_log_range = 4;
        l.max_log_results = 2;
    };
    let node = logged(Setup::limits(limits)).await;
    let error = node.fail("eth_getLogs", json!([{"fromBlock": "0x0", "toBlock": "0x6"}])).await;
    assert_eq!(error.code, -32005);
    assert!(error.message.ends_with("Try with this block range [0x0, 0x3]."), "{}", error.message);
    let error = node.fail("eth_getLogs", json!([{"fromBlock": "0x1", "toBlock": "0x4"}])).await;
    assert_eq!(error.code, -32005);
    assert!(error.message.ends_with("Try with this block range [0x1, 0x2]."), "{}", error.message);
    let logs = node.ask("eth_getLogs", json!([{"fromBlock": "0x1", "toBlock": "0x2"}])).await;
    assert_eq!(topics(&logs).len(), 2);
}

#[tokio::test]
async fn logs_are_bounded_in_bytes_too() {
    let node = logged(Setup::limits(|l| l.max_response_bytes = 3_500)).await;
    let error = node.fail("eth_getLogs", json!([{"fromBlock": "0x0"}])).await;
    assert_eq!(error.code, -32005);
    assert!(error.message.contains("more than 3500 bytes"), "{}", error.message);
    assert!(error.message.ends_with("[0x0, 0x3]."), "{}", error.message);
}

/// `blocks` blocks of which each 50th has a log with topic 7. With a directory, nearly all of them
/// have left memory.
async fn sparse(blocks: u64, data_dir: Option<PathBuf>) -> Node {
    let chain =
        ChainLimits { recent_blocks: 2, flush_interval: Duration::ZERO, ..ChainLimits::default() };
    let node = Setup { data_dir, chain, ..Setup::default() }.start().await;
    for n in 0..blocks {
        if n % 50 == 0 {
            node.send(n / 50, LOGGER, 0, word(7).as_slice()).await;
        }
        node.mine();
    }
    node
}

fn all_with(topic: u8) -> Value {
    json!([{ "fromBlock": "0x0", "topics": [word(topic)] }])
}

#[tokio::test]
async fn sparse_logs_are_found_in_memory_and_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    for data_dir in [None, Some(dir.path().to_owned())] {
        let node = sparse(200, data_dir).await;
        let logs = node.ask("eth_getLogs", all_with(7)).await;
        let numbers: Vec<_> =
            logs.as_array().unwrap().iter().map(|log| log["blockNumber"].clone()).collect();
        assert_eq!(numbers, ["0x1", "0x33", "0x65", "0x97"]);
        assert_eq!(node.ask("eth_getLogs", all_with(8)).await, json!([]));
        // No other blocks are read for it.
        for (topic, blocks) in [(7, vec![1, 51, 101, 151]), (8, vec![])] {
            let topics = [vec![word(topic)], Vec::new(), Vec::new(), Vec::new()];
            let query = LogQuery { addresses: Vec::new(), topics };
            let found = || node.chain.blocks_with_logs(&query, 0, 200).unwrap();
            // Those that leave memory during a search are looked at too.
            for _ in 0..1_000 {
                if found() == blocks {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(found(), blocks);
        }
    }
}
