//! Calls, their failures, estimates and fees.

use super::{
    LOGGER, NUMBER, REVERTER, STORE,
    node::{GWEI, node, word},
};
use alloy_primitives::{Bytes, U256};
use alloy_sol_types::{Panic, Revert, SolError as _};
use mezz_primitives::Address;
use serde_json::json;

#[tokio::test]
async fn reverts_carry_code_three_reason_and_data() {
    let node = node().await;
    let error = Bytes::from(Revert { reason: "no funds".into() }.abi_encode());
    let panic = Bytes::from(Panic { code: U256::from(0x12) }.abi_encode());
    let custom = Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef, 1]);
    for (data, message) in [
        (error, "execution reverted: no funds"),
        (panic, "execution reverted: division or modulo by zero"),
        (custom, "execution reverted"),
        (Bytes::new(), "execution reverted"),
    ] {
        for method in ["eth_call", "eth_estimateGas"] {
            let failed = node.fail(method, json!([{"to": REVERTER, "data": data}])).await;
            assert_eq!(failed.code, 3, "{method}");
            assert_eq!(failed.message, message);
            assert_eq!(failed.data, Some(json!(data)));
        }
    }
}

#[tokio::test]
async fn calls_see_the_block_and_the_overrides() {
    let node = node().await;
    node.mine();
    node.mine();
    let call = json!({"to": NUMBER});
    assert_eq!(node.ask("eth_call", json!([call, "latest"])).await, json!(word(2)));
    assert_eq!(node.ask("eth_call", json!([call, "0x1"])).await, json!(word(1)));
    let block = json!([call, "latest", null, {"number": "0x9"}]);
    assert_eq!(node.ask("eth_call", block).await, json!(word(9)));
    // PUSH1 7 PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    let code = json!({NUMBER.to_string(): {"code": "0x60075f5260205ff3"}});
    assert_eq!(node.ask("eth_call", json!([call, "latest", code])).await, json!(word(7)));
    let wrong = json!({NUMBER.to_string(): {"state": {}, "stateDiff": {}}});
    assert_eq!(node.fail("eth_call", json!([call, "latest", wrong])).await.code, -32602);
}

#[tokio::test]
async fn contradictory_calls_are_refused() {
    let node = node().await;
    for call in [
        json!({"to": NUMBER, "data": "0x01", "input": "0x02"}),
        json!({"to": NUMBER, "gasPrice": "0x1", "maxFeePerGas": "0x1"}),
        json!({"to": NUMBER, "chainId": "0x1"}),
    ] {
        assert_eq!(node.fail("eth_call", json!([call])).await.code, -32602, "{call}");
    }
    let poor = json!({"from": Address::repeat_byte(3), "to": NUMBER, "value": "0x1"});
    let error = node.fail("eth_call", json!([poor])).await;
    assert_eq!(error.code, -32000);
    assert!(error.message.contains("insufficient funds"), "{}", error.message);
}

#[tokio::test]
async fn estimates_suffice_and_are_close() {
    let node = node().await;
    let dev = node.dev.address();
    let transfer = json!({"from": dev, "to": Address::repeat_byte(8), "value": "0x1"});
    assert_eq!(node.ask("eth_estimateGas", json!([transfer])).await, "0x5208");
    let data = Bytes::from([word(1).0, word(1).0].concat());
    let store = json!({"from": dev, "to": STORE, "data": data});
    let estimate = node.ask("eth_estimateGas", json!([store, "latest"])).await;
    let gas: U256 = serde_json::from_value(estimate).unwrap();
    let mut tx = node.tx(0, STORE, 0, data);
    tx.gas_limit = gas.to();
    let hash = node.ask("eth_sendRawTransaction", json!([node.sign(tx)])).await;
    node.mine();
    let receipt = node.ask("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    let used: U256 = serde_json::from_value(receipt["gasUsed"].clone()).unwrap();
    assert!(gas <= used + used / U256::from(20), "{gas} for {used}");
}

#[tokio::test]
async fn access_lists_name_the_slots() {
    let node = node().await;
    let data = Bytes::from([word(4).0, word(1).0].concat());
    let answer =
        node.ask("eth_createAccessList", json!([{"to": STORE, "data": data}, "latest"])).await;
    assert_eq!(answer["accessList"][0]["storageKeys"], json!([word(4)]));
    assert!(answer["gasUsed"].as_str().unwrap().starts_with("0x"));
    let failing = node.ask("eth_createAccessList", json!([{"to": REVERTER}])).await;
    assert_eq!(failing["error"], "execution reverted");
}

#[tokio::test]
async fn fees_follow_the_blocks() {
    let node = node().await;
    // With no history the node proposes its default.
    assert_eq!(node.ask("eth_maxPriorityFeePerGas", json!([])).await, "0xf4240");
    node.send(0, LOGGER, 0, &[]).await;
    node.mine();
    let tip = 2 * GWEI;
    assert_eq!(node.ask("eth_maxPriorityFeePerGas", json!([])).await, format!("{tip:#x}"));
    let head = node.chain.head();
    let base_fee = u128::from(node.chain.spec().next_base_fee(&head.header));
    // The base fee falls: the price must still do where it is checked against the newest block.
    let current = u128::from(head.header.base_fee_per_gas.unwrap());
    assert!(base_fee < current);
    assert_eq!(node.ask("eth_gasPrice", json!([])).await, format!("{:#x}", current + tip));
    assert_eq!(node.ask("eth_blobBaseFee", json!([])).await, "0x1");

    let history = node.ask("eth_feeHistory", json!(["0x5", "latest", [0, 50, 100]])).await;
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    assert_eq!(history["baseFeePerGas"][2], format!("{base_fee:#x}"));
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 2);
    assert_eq!(history["baseFeePerBlobGas"].as_array().unwrap().len(), 3);
    let tips = json!([format!("{tip:#x}"), format!("{tip:#x}"), format!("{tip:#x}")]);
    assert_eq!(history["reward"], json!([["0x0", "0x0", "0x0"], tips]));
    let without = node.ask("eth_feeHistory", json!([1, "latest"])).await;
    assert!(without.get("reward").is_none());
    assert_eq!(node.fail("eth_feeHistory", json!(["0x1", "0x99"])).await.code, -32000);
    let wrong = json!(["0x1", "latest", [60, 50]]);
    assert_eq!(node.fail("eth_feeHistory", wrong).await.code, -32602);
}

#[tokio::test]
async fn the_rules_are_told() {
    let node = node().await;
    let config = node.ask("eth_config", json!([])).await;
    let blobs = json!({ "target": 14, "max": 21, "baseFeeUpdateFraction": 11_684_671 });
    assert_eq!(config["current"]["blobSchedule"], blobs);
    assert_eq!(config["current"]["chainId"], "0x7a69");
    assert_eq!(config["next"], serde_json::Value::Null);
    let p256 = "0x0000000000000000000000000000000000000100";
    assert_eq!(config["current"]["precompiles"]["P256VERIFY"], p256);
}

#[tokio::test]
async fn what_could_not_be_sent_is_refused() {
    let node = node().await;
    let authorization = json!({
        "chainId": "0x1", "address": STORE, "nonce": "0x0", "yParity": "0x0", "r": "0x1", "s": "0x1",
    });
    for (call, words) in [
        (
            json!({"to": STORE, "authorizationList": []}),
            "EIP-7702 transaction with empty auth list",
        ),
        (
            json!({"data": "0x00", "authorizationList": [authorization]}),
            "EIP-7702 transaction cannot be used to create contract",
        ),
        (json!({"to": STORE, "blobVersionedHashes": []}), "blob transaction missing blob hashes"),
        (json!({"blobVersionedHashes": [word(1)]}), "missing \"to\" in blob transaction"),
    ] {
        for method in ["eth_call", "eth_estimateGas"] {
            assert_eq!(node.fail(method, json!([call])).await.message, words, "{method} {call}");
        }
    }
}
