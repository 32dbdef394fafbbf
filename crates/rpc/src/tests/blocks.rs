//! Blocks, transactions and receipts.

use super::{
    LOGGER,
    node::{Node, node, word},
};
use mezz_primitives::Address;
use serde_json::{Value, json};

/// Every quantity of Ethereum's: `0x`, no leading zeros.
fn assert_quantity(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no string"));
    let digits = text.strip_prefix("0x").unwrap_or_else(|| panic!("{text} has no prefix"));
    assert!(digits == "0" || !digits.starts_with('0'), "{text} has leading zeros");
    assert!(u128::from_str_radix(digits, 16).is_ok(), "{text} is no number");
}

async fn two_blocks() -> (Node, Value) {
    let node = node().await;
    let hash = node.send(0, LOGGER, 0, word(9).as_slice()).await;
    node.mine();
    node.mine();
    (node, hash)
}

#[tokio::test]
async fn a_block_has_the_fields_of_the_specification() {
    let (node, hash) = two_blocks().await;
    let block = node.ask("eth_getBlockByNumber", json!(["0x1", false])).await;
    for field in [
        "number",
        "timestamp",
        "gasLimit",
        "gasUsed",
        "baseFeePerGas",
        "size",
        "difficulty",
        "blobGasUsed",
        "excessBlobGas",
    ] {
        assert_quantity(&block[field]);
    }
    for (field, length) in [
        ("hash", 66),
        ("parentHash", 66),
        ("stateRoot", 66),
        ("transactionsRoot", 66),
        ("receiptsRoot", 66),
        ("sha3Uncles", 66),
        ("mixHash", 66),
        ("logsBloom", 514),
        ("miner", 42),
        ("nonce", 18),
        ("withdrawalsRoot", 66),
        ("parentBeaconBlockRoot", 66),
        ("requestsHash", 66),
    ] {
        assert_eq!(block[field].as_str().map(str::len), Some(length), "{field} of {block}");
    }
    assert_eq!(block["extraData"], "0x");
    assert_eq!(block["uncles"], json!([]));
    assert_eq!(block["withdrawals"], json!([]));
    assert_eq!(block["transactions"], json!([hash]));

    let full = node.ask("eth_getBlockByHash", json!([block["hash"], true])).await;
    assert_eq!(full["hash"], block["hash"]);
    assert_eq!(full["transactions"][0]["hash"], hash);
    assert_eq!(full["transactions"][0], node.ask("eth_getTransactionByHash", json!([hash])).await);
    let header = node.ask("eth_getHeaderByNumber", json!(["0x1"])).await;
    assert_eq!(header["hash"], block["hash"]);
}

#[tokio::test]
async fn tags_name_their_heads() {
    let (node, _) = two_blocks().await;
    let number = async |tag: &str| {
        node.ask("eth_getBlockByNumber", json!([tag, false])).await["number"].clone()
    };
    assert_eq!(number("latest").await, "0x2");
    assert_eq!(number("earliest").await, "0x0");
    assert_eq!(number("safe").await, "0x0");
    node.chain.set_safe(2).unwrap();
    node.chain.set_finalized(1).unwrap();
    assert_eq!(number("safe").await, "0x2");
    assert_eq!(number("finalized").await, "0x1");
}

#[tokio::test]
async fn the_pending_block_holds_what_the_pool_would_give() {
    let (node, _) = two_blocks().await;
    let waiting = node.send(1, Address::ZERO, 1, &[]).await;
    let block = node.ask("eth_getBlockByNumber", json!(["pending", false])).await;
    assert_eq!(block["number"], "0x3");
    assert_eq!(block["hash"], Value::Null);
    assert_eq!(block["transactions"], json!([waiting]));
    let latest = node.ask("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(block["parentHash"], latest["hash"]);
    let count = node.ask("eth_getBlockTransactionCountByNumber", json!(["pending"])).await;
    assert_eq!(count, "0x1");
}

#[tokio::test]
async fn blocks_that_are_not_there_are_null_where_geth_has_null() {
    let (node, _) = two_blocks().await;
    let nobody = word(1);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x99", true])),
        ("eth_getBlockByHash", json!([nobody, true])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x99"])),
        ("eth_getBlockTransactionCountByHash", json!([nobody])),
        ("eth_getUncleCountByBlockNumber", json!(["0x99"])),
        ("eth_getUncleByBlockNumberAndIndex", json!(["0x1", "0x0"])),
        ("eth_getTransactionByHash", json!([nobody])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x7"])),
        ("eth_getTransactionByBlockHashAndIndex", json!([nobody, "0x0"])),
        ("eth_getTransactionReceipt", json!([nobody])),
        ("eth_getBlockReceipts", json!(["0x99"])),
        ("eth_getRawTransactionByHash", json!([nobody])),
    ] {
        assert_eq!(node.ask(method, params).await, Value::Null, "{method}");
    }
    assert_eq!(node.ask("eth_getUncleCountByBlockNumber", json!(["0x1"])).await, "0x0");
}

#[tokio::test]
async fn a_mined_transaction_and_its_receipt_agree() {
    let (node, hash) = two_blocks().await;
    let tx = node.ask("eth_getTransactionByHash", json!([hash])).await;
    let by_index = node.ask("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])).await;
    assert_eq!(tx, by_index);
    assert_eq!(tx["type"], "0x2");
    assert_eq!(tx["chainId"], "0x7a69");
    assert_eq!(tx["blockNumber"], "0x1");
    assert_eq!(tx["transactionIndex"], "0x0");
    assert_eq!(tx["from"], json!(node.dev.address()));
    let block = node.ask("eth_getBlockByNumber", json!(["0x1", false])).await;
    for field in ["gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "nonce", "value"] {
        assert_quantity(&tx[field]);
    }
    for field in ["r", "s", "yParity"] {
        assert_quantity_wide(&tx[field]);
    }

    let receipt = node.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["type"], "0x2");
    assert_eq!(receipt["blockHash"], block["hash"]);
    assert_eq!(receipt["effectiveGasPrice"], tx["gasPrice"]);
    assert_eq!(receipt["gasUsed"], block["gasUsed"]);
    assert_eq!(receipt["contractAddress"], Value::Null);
    assert_eq!(receipt["to"], json!(LOGGER));
    assert!(receipt.get("l1Fee").is_none());
    let log = &receipt["logs"][0];
    assert_eq!(log["topics"], json!([word(9)]));
    assert_eq!(log["logIndex"], "0x0");
    assert_eq!(log["removed"], false);
    assert_eq!(log["transactionHash"], hash);
    let receipts = node.ask("eth_getBlockReceipts", json!([block["hash"]])).await;
    assert_eq!(receipts, json!([receipt]));
}

fn assert_quantity_wide(value: &Value) {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).unwrap();
    assert!(digits == "0" || !digits.starts_with('0'), "{value} has leading zeros");
}

#[tokio::test]
async fn raw_transactions_and_blocks_hash_to_their_names() {
    use alloy_primitives::{Bytes, keccak256};
    let (node, hash) = two_blocks().await;
    for (method, params) in [
        ("eth_getRawTransactionByHash", json!([hash])),
        ("debug_getRawTransaction", json!([hash])),
        ("eth_getRawTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])),
    ] {
        let raw: Bytes = serde_json::from_value(node.ask(method, params).await).unwrap();
        assert_eq!(json!(keccak256(raw)), hash, "{method}");
    }
    let block = node.ask("eth_getBlockByNumber", json!(["0x1", false])).await;
    let header = node.ask("debug_getRawHeader", json!(["0x1"])).await;
    let header: Bytes = serde_json::from_value(header).unwrap();
    assert_eq!(json!(keccak256(header)), block["hash"]);
    let raw = node.ask("debug_getRawBlock", json!(["0x1"])).await;
    let size = (raw.as_str().unwrap().len() - 2) / 2;
    assert_eq!(block["size"], format!("{size:#x}"));
    let receipts = node.ask("debug_getRawReceipts", json!(["0x1"])).await;
    assert!(receipts[0].as_str().unwrap().starts_with("0x02f9"));
    assert_eq!(node.fail("debug_getRawBlock", json!(["0x99"])).await.code, -32000);
}

#[tokio::test]
async fn traces_follow_the_calls() {
    let (node, hash) = two_blocks().await;
    let tracer = json!({"tracer": "callTracer", "tracerConfig": {"withLog": true}});
    let trace = node.ask("debug_traceTransaction", json!([hash, tracer])).await;
    assert_eq!(trace["type"], "CALL");
    assert_eq!(trace["to"], json!(LOGGER));
    assert_eq!(trace["logs"][0]["topics"], json!([word(9)]));
    let receipt = node.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(trace["gasUsed"], receipt["gasUsed"]);

    let block = node.ask("debug_traceBlockByNumber", json!(["0x1", tracer])).await;
    assert_eq!(block, json!([{"txHash": hash, "result": trace}]));

    let steps = node.ask("debug_traceTransaction", json!([hash])).await;
    let ops: Vec<_> = steps["structLogs"].as_array().unwrap().iter().map(|s| &s["op"]).collect();
    assert_eq!(ops.first(), Some(&&json!("PUSH1")));
    assert!(ops.contains(&&json!("LOG1")));

    let prestate = json!({"tracer": "prestateTracer"});
    let before = node.ask("debug_traceTransaction", json!([hash, prestate])).await;
    let dev = node.dev.address().to_string().to_lowercase();
    assert!(before.get(&dev).is_some(), "{before}");

    let call = node.ask("debug_traceCall", json!([{"to": LOGGER}, "latest", tracer])).await;
    assert_eq!(call["to"], json!(LOGGER));
    let unknown = node.fail("debug_traceTransaction", json!([word(1)])).await;
    assert_eq!((unknown.code, unknown.message.as_str()), (-32000, "transaction not found"));
    let genesis = node.fail("debug_traceBlockByNumber", json!(["0x0"])).await;
    assert_eq!(genesis.message, "genesis is not traceable");
    let script = json!({"tracer": "{ result: function() {} }"});
    assert!(node.rpc("debug_traceTransaction", json!([hash, script])).await.is_err());
}

#[tokio::test]
async fn pending_is_what_the_pool_would_give_the_next_block() {
    let (node, _) = two_blocks().await;
    let hash = node.send(1, LOGGER, 0, word(1).as_slice()).await;
    let tx = node.ask("eth_getTransactionByBlockNumberAndIndex", json!(["pending", "0x0"])).await;
    assert_eq!((&tx["hash"], &tx["blockHash"]), (&hash, &Value::Null));
    let raw =
        node.ask("eth_getRawTransactionByBlockNumberAndIndex", json!(["pending", "0x0"])).await;
    assert_eq!(raw, node.ask("eth_getRawTransactionByHash", json!([hash])).await);
    let second = json!(["pending", "0x1"]);
    assert_eq!(node.ask("eth_getTransactionByBlockNumberAndIndex", second).await, Value::Null);
    assert_eq!(node.ask("eth_getBlockReceipts", json!(["pending"])).await, Value::Null);
    let header = node.ask("eth_getHeaderByNumber", json!(["pending"])).await;
    assert_eq!((&header["number"], &header["hash"]), (&json!("0x3"), &Value::Null));
}
