//! The shapes of our answers and Anvil's, side by side. Runs if `MEZZ_ANVIL` names its binary.

use crate::support::{config, start};
use alloy::providers::{Provider, ProviderBuilder};
use mezz_devnet::Mining;
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Fields in which we follow Geth where Anvil does not: gone since the merge, only for blob
/// transactions, only in blocks, and the contracts that a chain without a beacon chain lacks.
const IGNORED: [&str; 4] = ["totalDifficulty", "blobGasPrice", "blockTimestamp", "systemContracts"];

struct Anvil(Child);

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The types of a value: of an object by key, of a list of its first item; of text, whether it is
/// hexadecimal.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        Value::String(text) if text.starts_with("0x") => json!("hex"),
        Value::String(_) => json!("text"),
        Value::Array(items) => Value::Array(items.first().map(shape).into_iter().collect()),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(key, _)| !IGNORED.contains(&key.as_str()))
                .map(|(key, value)| {
                    // Addresses as keys: with Geth's checksum here, without on Anvil.
                    let address = key.starts_with("0x");
                    (if address { key.to_lowercase() } else { key.clone() }, shape(value))
                })
                .collect(),
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_shapes_of_anvils() {
    let Ok(binary) = std::env::var("MEZZ_ANVIL") else { return };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _anvil = Anvil(
        Command::new(binary)
            .args(["--hardfork", "osaka", "--enable-tx-gas-limit", "--no-mining", "--port"])
            .arg(port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let url: String = format!("http://127.0.0.1:{port}");
    let anvil = ProviderBuilder::new().connect_http(url.parse().unwrap());
    for _ in 0..200 {
        if anvil.get_block_number().await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let net = start(config(Mining::Manual)).await;

    let a = "0x00000000000000000000000000000000000000aa";
    let dev = net.account(0);
    let word = format!("0x{}", "00".repeat(31) + "01");
    let calls: Vec<(&'static str, Value)> = vec![
        ("anvil_nodeInfo", json!([])),
        ("evm_increaseTime", json!([100])),
        ("evm_increaseTime", json!(["0x64"])),
        ("evm_setNextBlockTimestamp", json!([9_999_999_999u64])),
        ("evm_setNextBlockTimestamp", json!([5])),
        ("evm_mine", json!([])),
        ("anvil_mine", json!(["0x3", "0x3c"])),
        ("anvil_mine", json!([])),
        ("evm_snapshot", json!([])),
        ("evm_revert", json!(["0x0"])),
        ("evm_revert", json!(["0x0"])),
        ("evm_setAutomine", json!([false])),
        ("anvil_getAutomine", json!([])),
        ("evm_setIntervalMining", json!([0])),
        ("anvil_getIntervalMining", json!([])),
        ("evm_setBlockGasLimit", json!(["0x1c9c380"])),
        ("anvil_setBalance", json!([a, "0x64"])),
        ("hardhat_setBalance", json!([a, "0x64"])),
        ("anvil_setBalance", json!(["0xaa"])),
        ("eth_getBalance", json!([a, "latest"])),
        ("anvil_setCode", json!([a, "0x6001"])),
        ("anvil_setNonce", json!([a, "0x5"])),
        ("anvil_setStorageAt", json!([a, "0x0", word])),
        ("anvil_impersonateAccount", json!([a])),
        ("anvil_stopImpersonatingAccount", json!([a])),
        ("anvil_autoImpersonateAccount", json!([true])),
        ("anvil_autoImpersonateAccount", json!([false])),
        ("anvil_dropTransaction", json!([word])),
        ("anvil_dropAllTransactions", json!([])),
        ("eth_sendTransaction", json!([{ "from": dev, "to": a, "gas": "0x186a0" }])),
        ("txpool_status", json!([])),
        ("txpool_inspect", json!([])),
        ("evm_mine", json!([])),
        ("eth_getBlockByNumber", json!(["latest", true])),
        ("eth_getBlockReceipts", json!(["latest"])),
        ("anvil_setBlockTimestampInterval", json!([1])),
        ("anvil_removeBlockTimestampInterval", json!([])),
        ("anvil_setCoinbase", json!([a])),
        ("anvil_setNextBlockBaseFeePerGas", json!(["0x10"])),
        ("anvil_rollback", json!([1])),
        ("anvil_reorg", json!([1, []])),
        ("anvil_reorg", json!([500, []])),
        ("anvil_reorg", json!([1, [["0x01", 0]]])),
        ("anvil_getGenesisTime", json!([])),
        ("anvil_getBlobByHash", json!([word])),
        ("anvil_getBlobsByTransactionHash", json!([word])),
        ("eth_config", json!([])),
        ("evm_nosuch", json!([])),
    ];
    let mut different = Vec::new();
    for (method, params) in calls {
        let mut shapes = Vec::new();
        for provider in [anvil.clone().erased(), net.provider.clone()] {
            let answer: Result<Value, _> =
                provider.raw_request(method.into(), params.clone()).await;
            shapes.push(match answer {
                Ok(answer) => shape(&answer),
                Err(error) => match error.as_error_resp() {
                    Some(error) => json!({ "error": error.code }),
                    None => panic!("{method}: {error}"),
                },
            });
        }
        if shapes[0] != shapes[1] {
            different
                .push(format!("{method}{params}\n  anvil {}\n  ours  {}", shapes[0], shapes[1]));
        }
    }
    for path in ["genesis", "blobs/0", "blobs/999", "blobs/zzz", "blobs/0?versioned_hashes=zz"] {
        let mut shapes = Vec::new();
        for base in [&url, &net.handle.url] {
            let response = reqwest::get(format!("{base}/eth/v1/beacon/{path}")).await.unwrap();
            let status = response.status().as_u16();
            let body: Value = response.json().await.unwrap();
            shapes.push((status, shape(&body)));
        }
        if shapes[0] != shapes[1] {
            different.push(format!("{path}\n  anvil {:?}\n  ours  {:?}", shapes[0], shapes[1]));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
