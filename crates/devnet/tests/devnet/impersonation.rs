//! Sending without a key.

use crate::support::{config, start};
use alloy::{
    primitives::{Address, B256, U256},
    providers::Provider,
};
use mezz_devnet::Mining;
use serde_json::{Value, json};

async fn mined(net: &crate::support::Net, hash: &Value) -> alloy::rpc::types::TransactionReceipt {
    let hash: B256 = serde_json::from_value(hash.clone()).unwrap();
    for _ in 0..500 {
        if let Some(receipt) = net.provider.get_transaction_receipt(hash).await.unwrap() {
            return receipt;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("not mined")
}

#[tokio::test(flavor = "multi_thread")]
async fn impersonated_account_sends_until_it_is_stopped() {
    let net = start(config(Mining::OnDemand)).await;
    let whale = Address::repeat_byte(0xbb);
    let to = Address::repeat_byte(0xaa);
    let request = json!([{ "from": whale, "to": to, "value": "0x5" }]);
    net.verb("anvil_setBalance", json!([whale, "0xde0b6b3a7640000"])).await;
    let error = net.try_verb("eth_sendTransaction", request.clone()).await.unwrap_err();
    assert!(error.contains("unknown account"), "{error}");

    net.verb("anvil_impersonateAccount", json!([whale])).await;
    let hash = net.verb("eth_sendTransaction", request.clone()).await;
    let receipt = mined(&net, &hash).await;
    assert!(receipt.status());
    assert_eq!(receipt.from, whale);
    assert_eq!(net.balance(to).await, U256::from(5));
    let tx = net.verb("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(tx["from"], json!(whale));

    net.verb("anvil_stopImpersonatingAccount", json!([whale])).await;
    assert!(net.try_verb("eth_sendTransaction", request.clone()).await.is_err());
    net.verb("anvil_autoImpersonateAccount", json!([true])).await;
    let hash = net.verb("eth_sendTransaction", request.clone()).await;
    mined(&net, &hash).await;
    net.verb("anvil_autoImpersonateAccount", json!([false])).await;
    assert!(net.try_verb("eth_sendTransaction", request).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_transactions_of_two_impersonated_senders_are_two() {
    let net = start(config(Mining::Manual)).await;
    net.verb("anvil_autoImpersonateAccount", json!([true])).await;
    let mut hashes = Vec::new();
    for byte in [1, 2] {
        let from = Address::repeat_byte(byte);
        net.verb("anvil_setBalance", json!([from, "0xde0b6b3a7640000"])).await;
        hashes.push(
            net.verb(
                "eth_sendTransaction",
                json!([{ "from": from, "to": Address::ZERO, "gas": "0x5208",
                    "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1" }]),
            )
            .await,
        );
    }
    assert_ne!(hashes[0], hashes[1]);
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.head().await.transactions.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn impersonated_contract_sends_and_keeps_its_code() {
    let net = start(config(Mining::OnDemand)).await;
    let contract = Address::repeat_byte(0xcc);
    let to = Address::repeat_byte(0xaa);
    net.verb("anvil_setBalance", json!([contract, "0xde0b6b3a7640000"])).await;
    net.verb("anvil_setCode", json!([contract, "0x00"])).await;
    let request = json!([{ "from": contract, "to": to, "value": "0x5" }]);
    let error = net.try_verb("eth_sendTransaction", request.clone()).await.unwrap_err();
    assert!(error.contains("unknown account"), "{error}");

    net.verb("anvil_impersonateAccount", json!([contract])).await;
    let hash = net.verb("eth_sendTransaction", request.clone()).await;
    let receipt = mined(&net, &hash).await;
    assert!(receipt.status());
    assert_eq!(receipt.from, contract);
    assert_eq!(net.balance(to).await, U256::from(5));
    assert_eq!(net.provider.get_code_at(contract).await.unwrap().as_ref(), [0]);
    let trace = net.verb("debug_traceTransaction", json!([hash, { "tracer": "callTracer" }])).await;
    assert_eq!(trace["from"], json!(contract));

    net.verb("anvil_stopImpersonatingAccount", json!([contract])).await;
    assert!(net.try_verb("eth_sendTransaction", request).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_cannot_send_what_it_has_signed() {
    let net = start(config(Mining::Manual)).await;
    let sender = net.account(0);
    let other = json!([{ "from": net.account(1), "to": Address::ZERO, "value": "0x1" }]);
    let (raw, hash) = net.raw(0, Address::ZERO, 1, 0).await;
    net.verb("anvil_setCode", json!([sender, "0x00"])).await;
    // That somebody else is impersonated changes nothing.
    net.verb("anvil_autoImpersonateAccount", json!([true])).await;
    net.verb("eth_sendRawTransaction", json!([raw])).await;
    net.verb("eth_sendTransaction", other.clone()).await;
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.head().await.transactions.len(), 1);
    assert!(net.provider.get_transaction_receipt(hash).await.unwrap().is_none());
    assert_eq!(net.verb("txpool_status", json!([])).await["pending"], "0x0", "dropped");
    // Nor in a block that a reorganisation brings.
    net.verb("anvil_reorg", json!([1, [[raw, 0]]])).await;
    assert!(net.head().await.transactions.is_empty());

    // A delegated account is no contract (EIP-7702).
    let delegated = format!("0xef0100{}", "11".repeat(20));
    net.verb("anvil_setCode", json!([sender, delegated])).await;
    net.verb("eth_sendRawTransaction", json!([raw])).await;
    net.verb("evm_mine", json!([])).await;
    assert!(mined(&net, &json!(hash)).await.status());
}
