//! Blob transactions, and their blobs over both ways.

use crate::support::{Net, config, start};
use alloy::{
    consensus::{
        BlobTransactionSidecar, BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant,
        SidecarBuilder, SimpleCoder,
    },
    eips::eip4844::{Blob, Bytes48},
    network::{TransactionBuilder, TransactionBuilder4844},
    primitives::{Address, hex},
    rpc::types::{TransactionReceipt, TransactionRequest},
};
use mezz_devnet::{BlobRetention, DevnetConfig, Mining};
use serde_json::{Value, json};

fn cell_proofs(data: &[u8]) -> BlobTransactionSidecarEip7594 {
    SidecarBuilder::<SimpleCoder>::from_slice(data).build_7594().unwrap()
}

fn blob_proofs(data: &[u8]) -> BlobTransactionSidecar {
    SidecarBuilder::<SimpleCoder>::from_slice(data).build_4844().unwrap()
}

fn request(net: &Net, sidecar: impl Into<BlobTransactionSidecarVariant>) -> TransactionRequest {
    let mut request = net
        .transfer(0, Address::repeat_byte(0xaa), 0)
        .with_max_fee_per_blob_gas(1_000_000_000)
        .with_gas_limit(21_000);
    request.set_blob_sidecar(sidecar.into());
    request
}

async fn get(net: &Net, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("{}{path}", net.handle.url)).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn blob_text(blob: &Blob) -> Value {
    json!(hex::encode_prefixed(blob.as_slice()))
}

async fn send(net: &Net, sidecar: impl Into<BlobTransactionSidecarVariant>) -> TransactionReceipt {
    let receipt = net.send(request(net, sidecar)).await;
    assert!(receipt.status());
    assert!(receipt.blob_gas_used.unwrap() > 0);
    receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_read_back_byte_by_byte() {
    let net = start(config(Mining::OnDemand)).await;
    // More than one blob.
    let sidecar = cell_proofs(&vec![0x5a; 200_000]);
    assert_eq!(sidecar.blobs.len(), 2);
    let receipt = send(&net, sidecar.clone()).await;
    let number = receipt.block_number.unwrap();
    let hash = receipt.block_hash.unwrap();
    let all = json!([blob_text(&sidecar.blobs[0]), blob_text(&sidecar.blobs[1])]);
    for id in [number.to_string(), format!("{number:#x}"), hash.to_string(), "head".into()] {
        let (status, body) = get(&net, &format!("/eth/v1/beacon/blobs/{id}")).await;
        assert_eq!(status, 200);
        assert!(body["data"] == all, "{id}: other blobs");
        assert_eq!(body["finalized"], json!(false));
        assert_eq!(body["execution_optimistic"], json!(false));
    }
    let hashes: Vec<_> = sidecar.versioned_hashes().collect();
    for query in [
        format!("versioned_hashes={}", hashes[1]),
        format!("versioned_hashes={},{}", hashes[1], Address::ZERO.into_word()),
        format!("versioned_hashes={}&versioned_hashes={}", Address::ZERO.into_word(), hashes[1]),
    ] {
        let (_, body) = get(&net, &format!("/eth/v1/beacon/blobs/{number}?{query}")).await;
        assert!(body["data"] == json!([blob_text(&sidecar.blobs[1])]), "{query}");
    }
    let ssz = reqwest::Client::new()
        .get(format!("{}/eth/v1/beacon/blobs/{number}", net.handle.url))
        .header("accept", "application/octet-stream")
        .send()
        .await
        .unwrap();
    assert!(ssz.bytes().await.unwrap() == sidecar.blobs.concat_bytes());

    let by_hash = net.verb("anvil_getBlobByHash", json!([hashes[0]])).await;
    assert!(by_hash == blob_text(&sidecar.blobs[0]));
    let by_tx =
        net.verb("anvil_getBlobsByTransactionHash", json!([receipt.transaction_hash])).await;
    assert!(by_tx == all);
    assert!(net.verb("anvil_getBlobByHash", json!([hash])).await.is_null());
    assert!(net.verb("anvil_getBlobsByTransactionHash", json!([hash])).await.is_null());
}

trait Concat {
    fn concat_bytes(&self) -> Vec<u8>;
}

impl Concat for Vec<Blob> {
    fn concat_bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|blob| blob.as_slice()).copied().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blob_proofs_are_taken_too_and_false_proofs_are_not() {
    let net = start(config(Mining::OnDemand)).await;
    let old = blob_proofs(b"legacy");
    let receipt = send(&net, old.clone()).await;
    let path = format!("/eth/v1/beacon/blobs/{}", receipt.block_number.unwrap());
    assert!(get(&net, &path).await.1["data"] == json!([blob_text(&old.blobs[0])]));

    let good = cell_proofs(b"good");
    let mut proof = good.clone();
    proof.cell_proofs[5] = proof.cell_proofs[6];
    let mut blob = good.clone();
    blob.blobs[0].0[40] ^= 1;
    let mut garbage = good.clone();
    garbage.cell_proofs[0] = Bytes48::repeat_byte(0xff);
    let mut short = good.clone();
    short.cell_proofs.pop();
    for bad in [proof, blob, garbage, short] {
        use alloy::providers::Provider;
        let error =
            net.provider.send_transaction(request(&net, bad).with_nonce(1)).await.unwrap_err();
        let error = error.to_string();
        assert!(error.contains("invalid blob sidecar"), "{error}");
    }
    send(&net, good).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_hold_21_blobs_and_transactions_six() {
    use alloy::providers::Provider;
    let net = start(config(Mining::Manual)).await;
    let one = cell_proofs(b"x");
    let times = |n: usize| {
        BlobTransactionSidecarEip7594::new(
            vec![one.blobs[0]; n],
            vec![one.commitments[0]; n],
            one.cell_proofs.repeat(n),
        )
    };
    let error = net.provider.send_transaction(request(&net, times(7))).await.unwrap_err();
    assert!(
        error.to_string().contains("too many blobs in one transaction, have: 7, max: 6"),
        "{error}"
    );
    for (from, blobs) in [(1, 6), (2, 6), (3, 6), (4, 4), (5, 3)] {
        let request = request(&net, times(blobs)).with_from(net.account(from));
        let _ = net.provider.send_transaction(request).await.unwrap();
    }
    net.verb("evm_mine", json!([])).await;
    let header = net.head().await.header;
    assert_eq!(header.blob_gas_used, Some(21 * 131_072));
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.head().await.header.blob_gas_used, Some(4 * 131_072));
    assert_eq!(net.handle.pool.status().pending, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoint_answers_as_anvil_does() {
    let net = start(config(Mining::Manual)).await;
    let (status, body) = get(&net, "/eth/v1/beacon/genesis").await;
    assert_eq!(status, 200);
    let time = net.block(0).await.header.timestamp;
    assert_eq!(body["data"]["genesis_time"], json!(time.to_string()));
    let blobs = "/eth/v1/beacon/blobs";
    assert_eq!(get(&net, &format!("{blobs}/0")).await.1["data"], json!([]));
    assert_eq!(get(&net, &format!("{blobs}/finalized")).await.0, 200);
    let missing = json!({ "code": 404, "message": "Block not found" });
    assert_eq!(get(&net, &format!("{blobs}/999")).await, (404, missing.clone()));
    let hash = format!("0x{}", "1".repeat(64));
    assert_eq!(get(&net, &format!("{blobs}/{hash}")).await, (404, missing));
    let invalid = json!({ "code": 400, "message": "Invalid block ID: zzz" });
    assert_eq!(get(&net, &format!("{blobs}/zzz")).await, (400, invalid));
    let filter = json!({ "code": 400, "message": "Invalid versioned hash: zz" });
    assert_eq!(get(&net, &format!("{blobs}/0?versioned_hashes=zz")).await, (400, filter));
    assert_eq!(get(&net, "/eth/v1/beacon/blob_sidecars/0").await.0, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_blobs_go_and_unwound_ones_too() {
    let retention = BlobRetention { blocks: 3, ..Default::default() };
    let dir = tempfile::tempdir().unwrap();
    let net = start(DevnetConfig {
        blobs: retention,
        data_dir: Some(dir.path().to_owned()),
        ..config(Mining::OnDemand)
    })
    .await;
    let sidecar = cell_proofs(b"first");
    let path = |number: u64| format!("/eth/v1/beacon/blobs/{number}");
    let files = || std::fs::read_dir(dir.path().join("blobs")).unwrap().count();
    send(&net, sidecar.clone()).await;
    net.verb("anvil_mine", json!([2])).await;
    assert_eq!(get(&net, &path(1)).await.0, 200);
    send(&net, sidecar).await;
    let (status, body) = get(&net, &path(1)).await;
    assert_eq!(status, 404, "{body}");
    assert_eq!(get(&net, &path(4)).await.0, 200);
    assert_eq!(files(), 1);
    net.verb("anvil_reorg", json!([1, []])).await;
    assert_eq!(get(&net, &path(4)).await.1["data"], json!([]));
    assert_eq!(files(), 0);
}
