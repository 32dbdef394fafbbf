//! Changes that no transaction makes.

use crate::support::{config, start};
use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use mezz_devnet::Mining;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_seen_at_once_and_proven() {
    let net = start(config(Mining::OnDemand)).await;
    let address = Address::repeat_byte(0xcc);
    let slot = U256::from(3);
    // PUSH1 3 SLOAD PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    let code = Bytes::from_static(&[0x60, 3, 0x54, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3]);
    assert!(net.verb("anvil_setBalance", json!([address, "0x64"])).await.is_null());
    assert_eq!(net.balance(address).await, U256::from(100));
    net.verb("anvil_setCode", json!([address, code])).await;
    assert_eq!(net.provider.get_code_at(address).await.unwrap(), code);
    net.verb("anvil_setNonce", json!([address, "0x7"])).await;
    assert_eq!(net.provider.get_transaction_count(address).await.unwrap(), 7);
    let value = B256::with_last_byte(0x2a);
    assert_eq!(net.verb("anvil_setStorageAt", json!([address, "0x3", value])).await, json!(true));
    assert_eq!(net.provider.get_storage_at(address, slot).await.unwrap(), U256::from(42));
    let call = TransactionRequest::default().to(address);
    assert_eq!(net.provider.call(call).await.unwrap(), Bytes::from(value.0));
    net.verb("hardhat_setBalance", json!([address, 99])).await;
    net.verb("anvil_addBalance", json!([address, "0x1"])).await;

    let proof = net.provider.get_proof(address, vec![value]).await.unwrap();
    assert_eq!(proof.balance, U256::from(100));
    assert_eq!(proof.nonce, 7);
    assert_eq!(proof.code_hash, keccak256(&code));
    assert_eq!(keccak256(&proof.account_proof[0]), net.head().await.header.state_root);
    // Each change is a block of its own.
    assert_eq!(net.number().await, 6);
    assert!(net.head().await.transactions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn raised_nonce_counts_for_transactions() {
    let net = start(config(Mining::OnDemand)).await;
    net.verb("anvil_setNonce", json!([net.account(3), 50])).await;
    let hash = net
        .verb(
            "eth_sendTransaction",
            json!([{ "from": net.account(3), "to": net.account(4), "value": "0x1" }]),
        )
        .await;
    let tx = net.verb("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(tx["nonce"], "0x32");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_change_nothing() {
    let net = start(config(Mining::OnDemand)).await;
    let address = Address::repeat_byte(0xcc);
    for (verb, params) in [
        ("anvil_setBalance", json!([address])),
        ("anvil_setBalance", json!(["0xaa", "0x1"])),
        ("anvil_setBalance", json!([address, "0x1", 1])),
        ("anvil_setBalance", json!([address, format!("0x1{}", "0".repeat(64))])),
        ("anvil_setCode", json!([address, "zz"])),
        ("anvil_setCode", json!([address, format!("0x{}", "00".repeat(100_000))])),
        // An account with storage alone does not exist in Ethereum.
        ("anvil_setStorageAt", json!([address, "0x0", "0x1"])),
    ] {
        let error = net.try_verb(verb, params.clone()).await.unwrap_err();
        assert!(error.starts_with("-32602"), "{verb}: {error}");
    }
    assert_eq!(net.number().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn block_settings_can_be_changed() {
    let net = start(config(Mining::OnDemand)).await;
    let coinbase = Address::repeat_byte(0x11);
    net.verb("anvil_setCoinbase", json!([coinbase])).await;
    assert_eq!(net.verb("evm_setBlockGasLimit", json!(["0x1c9c380"])).await, json!(true));
    net.send(net.transfer(0, Address::ZERO, 1)).await;
    let header = net.head().await.header;
    assert_eq!((header.beneficiary, header.gas_limit), (coinbase, 30_000_000));
    assert!(net.balance(coinbase).await > U256::ZERO);
    assert!(net.try_verb("evm_setBlockGasLimit", json!([1])).await.is_err());
}
