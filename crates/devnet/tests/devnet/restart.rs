//! What a restart must not lose.

use crate::support::{Net, config, start};
use alloy::{
    consensus::{SidecarBuilder, SimpleCoder},
    eips::BlockNumberOrTag,
    network::{TransactionBuilder, TransactionBuilder4844},
    primitives::{Address, U256},
    providers::Provider,
};
use mezz_devnet::{Devnet, DevnetConfig, DevnetError, Mining};
use serde_json::json;
use std::path::Path;

fn kept(dir: &Path) -> DevnetConfig {
    DevnetConfig { data_dir: Some(dir.to_owned()), finality_depth: 4, ..config(Mining::OnDemand) }
}

/// Stops, and lets go of everything that keeps the directory.
async fn stop(net: Net) {
    let Net { handle, provider } = net;
    drop(provider);
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_blobs_time_and_finality_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let net = start(kept(dir.path())).await;
    let whale = Address::repeat_byte(0xbb);
    net.verb("anvil_setBalance", json!([whale, "0xde0b6b3a7640000"])).await;
    net.verb("anvil_impersonateAccount", json!([whale])).await;
    net.verb(
        "eth_sendTransaction",
        json!([{ "from": whale, "to": Address::ZERO, "value": "0x1" }]),
    )
    .await;
    let sidecar = SidecarBuilder::<SimpleCoder>::from_slice(b"kept on disk").build_7594().unwrap();
    let mut request = net
        .transfer(0, Address::ZERO, 0)
        .with_max_fee_per_blob_gas(1_000_000_000)
        .with_gas_limit(21_000);
    request.set_blob_sidecar_7594(sidecar.clone());
    let receipt = net.send(request).await;
    net.verb("anvil_setCoinbase", json!([whale])).await;
    net.verb("anvil_mine", json!([4])).await;
    net.verb("anvil_reorg", json!([2, []])).await;
    net.verb("evm_increaseTime", json!([1_000_000])).await;
    let hashes = net.hashes().await;
    let finalized = net.block(BlockNumberOrTag::Finalized).await.header.number;
    assert!(finalized > 0);
    let balance = net.balance(whale).await;
    stop(net).await;

    let net = start(kept(dir.path())).await;
    assert_eq!(net.hashes().await, hashes);
    assert_eq!(net.block(BlockNumberOrTag::Finalized).await.header.number, finalized);
    assert_eq!(net.balance(whale).await, balance);
    let tx = net.block(BlockNumberOrTag::Number(2)).await.transactions.hashes().next().unwrap();
    let tx = net.provider.get_transaction_receipt(tx).await.unwrap().unwrap();
    assert_eq!(tx.from, whale, "the sender of an impersonated transaction is kept");
    let url = format!("{}/eth/v1/beacon/blobs/{}", net.handle.url, receipt.block_number.unwrap());
    let body: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let blob = alloy::primitives::hex::encode_prefixed(sidecar.blobs[0].as_slice());
    assert!(body["data"] == json!([blob]));
    net.verb("evm_mine", json!([])).await;
    let header = net.head().await.header;
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(header.timestamp >= wall.as_secs() + 999_990, "the time is kept");
    assert_eq!(header.beneficiary, whale);
    let receipt = net.send(net.transfer(0, whale, 1)).await;
    assert!(receipt.status());
    stop(net).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_without_a_block_are_swept() {
    let dir = tempfile::tempdir().unwrap();
    stop(start(kept(dir.path())).await).await;
    let net = start(kept(dir.path())).await;
    let sidecar = SidecarBuilder::<SimpleCoder>::from_slice(b"x").build_7594().unwrap();
    let mut request = net
        .transfer(0, Address::ZERO, 0)
        .with_max_fee_per_blob_gas(1_000_000_000)
        .with_gas_limit(21_000);
    request.set_blob_sidecar_7594(sidecar);
    net.send(request).await;
    stop(net).await;
    let blobs = dir.path().join("blobs");
    let file = std::fs::read_dir(&blobs).unwrap().next().unwrap().unwrap();
    // As a crash between the blobs and their block would leave it.
    let orphan = blobs.join(format!("000000000009-0x{}.blobs", "12".repeat(32)));
    std::fs::copy(file.path(), &orphan).unwrap();
    let damaged = blobs.join(format!("000000000008-0x{}.blobs", "13".repeat(32)));
    std::fs::write(&damaged, b"mezzblb1").unwrap();
    let net = start(kept(dir.path())).await;
    assert!(!orphan.exists());
    assert!(file.path().exists());
    assert_eq!(net.number().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_belongs_to_one_chain_and_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let net = start(kept(dir.path())).await;
    let error = Devnet::start(kept(dir.path())).await.unwrap_err().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    stop(net).await;
    let other = DevnetConfig { balance: U256::from(1), ..kept(dir.path()) };
    let error = Devnet::start(other).await.unwrap_err();
    assert!(matches!(error, DevnetError::Open(_)), "{error}");
    std::fs::write(dir.path().join("devnet.json"), b"{").unwrap();
    let error = Devnet::start(kept(dir.path())).await.unwrap_err();
    assert!(matches!(error, DevnetError::Damaged { .. }), "{error}");
}
