//! Transfers, ways of mining, heads, and the start.

use crate::support::{config, start};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, U256, address},
    providers::Provider,
};
use mezz_devnet::{Devnet, DevnetConfig, DevnetError, Mining};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn transfer_is_mined_on_demand() {
    let net = start(config(Mining::OnDemand)).await;
    assert_eq!(net.account(0), address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
    assert_eq!(net.provider.get_chain_id().await.unwrap(), 31_337);
    let to = Address::repeat_byte(0xaa);
    for n in 1..=3u64 {
        let receipt = net.send(net.transfer(0, to, 5)).await;
        assert!(receipt.status());
        assert_eq!(receipt.block_number, Some(n));
    }
    assert_eq!(net.balance(to).await, U256::from(15));
    let times: Vec<_> = [net.block(1).await, net.block(2).await, net.block(3).await]
        .iter()
        .map(|block| block.header.timestamp)
        .collect();
    assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_transactions_share_blocks() {
    let net = start(config(Mining::Manual)).await;
    let to = Address::repeat_byte(0xaa);
    for nonce in 0..50 {
        let (raw, _) = net.raw(0, to, 1, nonce).await;
        net.verb("eth_sendRawTransaction", json!([raw])).await;
    }
    assert_eq!(net.number().await, 0);
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.number().await, 1);
    assert_eq!(net.head().await.transactions.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn mined_blocks_are_told_in_detail() {
    let net = start(config(Mining::Manual)).await;
    let (raw, _) = net.raw(0, Address::repeat_byte(0xaa), 1, 0).await;
    let hash = net.verb("eth_sendRawTransaction", json!([raw])).await;
    let blocks = net.verb("evm_mine_detailed", json!([{"blocks": 2}])).await;
    assert_eq!((&blocks[0]["number"], &blocks[1]["number"]), (&json!("0x1"), &json!("0x2")));
    assert_eq!(blocks[0]["transactions"][0]["hash"], hash);
    let asked = net.verb("eth_getBlockByNumber", json!(["0x1", true])).await;
    assert_eq!(blocks[0], asked);
    assert_eq!(net.verb("anvil_mine_detailed", json!([])).await[0]["number"], "0x3");
}

#[tokio::test(flavor = "multi_thread")]
async fn interval_mines_empty_blocks_too() {
    let net = start(config(Mining::Interval(Duration::from_secs(1)))).await;
    let started = Instant::now();
    while net.number().await < 3 {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(started.elapsed() > Duration::from_millis(1_500), "faster than once a second");
    let times = [net.block(1).await.header.timestamp, net.block(2).await.header.timestamp];
    assert!(times[0] < times[1]);
    net.handle.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn way_of_mining_changes_at_once() {
    let net = start(config(Mining::Manual)).await;
    let (raw, hash) = net.raw(0, Address::ZERO, 1, 0).await;
    net.verb("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(net.verb("anvil_getAutomine", json!([])).await, json!(false));
    net.verb("evm_setAutomine", json!([true])).await;
    assert_eq!(net.verb("anvil_getAutomine", json!([])).await, json!(true));
    let started = Instant::now();
    while net.provider.get_transaction_receipt(hash).await.unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(10), "what was waiting is not mined");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    net.verb("evm_setIntervalMining", json!([1])).await;
    assert_eq!(net.verb("anvil_getIntervalMining", json!([])).await, json!(1));
    let (before, started) = (net.number().await, Instant::now());
    tokio::time::sleep(Duration::from_millis(2_300)).await;
    let (mined, most) = (net.number().await - before, started.elapsed().as_secs() + 1);
    assert!((1..=most).contains(&mined), "{mined} blocks");
    net.verb("evm_setIntervalMining", json!([0])).await;
    let before = net.number().await;
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    assert_eq!(net.number().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_follow_by_depth() {
    let net = start(DevnetConfig { finality_depth: 4, ..config(Mining::Manual) }).await;
    net.verb("anvil_mine", json!(["0x3"])).await;
    assert_eq!(net.block(BlockNumberOrTag::Finalized).await.header.number, 0);
    assert_eq!(net.block(BlockNumberOrTag::Safe).await.header.number, 1);
    net.verb("anvil_mine", json!([7])).await;
    assert_eq!(net.block(BlockNumberOrTag::Finalized).await.header.number, 6);
    assert_eq!(net.block(BlockNumberOrTag::Safe).await.header.number, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn usual_contracts_are_there_and_record_their_blocks() {
    let net = start(config(Mining::Manual)).await;
    for contract in [
        address!("cA11bde05977b3631167028862bE2a173976CA11"),
        address!("4e59b44847b379578588920cA78FbF26c0B4956C"),
        address!("0000F90827F1C53a10cb7A02335B175320002935"),
        address!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02"),
    ] {
        assert!(!net.provider.get_code_at(contract).await.unwrap().is_empty(), "{contract}");
    }
    net.verb("anvil_mine", json!([2])).await;
    let history = address!("0000F90827F1C53a10cb7A02335B175320002935");
    let stored = net.provider.get_storage_at(history, U256::from(1)).await.unwrap();
    assert_eq!(stored, U256::from_be_bytes(net.block(1).await.header.hash.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_named() {
    let net = start(config(Mining::OnDemand)).await;
    let taken = DevnetConfig { addr: net.handle.addr, ..Default::default() };
    let error = Devnet::start(taken).await.unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
    let fast = config(Mining::Interval(Duration::from_millis(100)));
    assert!(matches!(Devnet::start(fast).await, Err(DevnetError::BlockTime(_))));
    let nonsense = DevnetConfig { mnemonic: "test test".into(), ..config(Mining::Manual) };
    assert!(matches!(Devnet::start(nonsense).await, Err(DevnetError::Mnemonic(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_requests_of_blocks_are_refused() {
    let net = start(config(Mining::Manual)).await;
    let error = net.try_verb("anvil_mine", json!(["0xffffffffffff"])).await.unwrap_err();
    assert!(error.starts_with("-32602"), "{error}");
    assert_eq!(net.number().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_transactions_are_not_mined() {
    let net = start(config(Mining::Manual)).await;
    let mut hashes = Vec::new();
    for nonce in 0..3 {
        let (raw, hash) = net.raw(0, Address::ZERO, 1, nonce).await;
        net.verb("eth_sendRawTransaction", json!([raw])).await;
        hashes.push(hash);
    }
    assert_eq!(net.verb("anvil_dropTransaction", json!([hashes[1]])).await, json!(hashes[1]));
    assert!(net.verb("anvil_dropTransaction", json!([hashes[1]])).await.is_null());
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.head().await.transactions.len(), 1, "what followed waits for its nonce");
    net.verb("anvil_dropAllTransactions", json!([])).await;
    assert_eq!(net.handle.pool.status().queued, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn base_fee_is_set_for_one_block() {
    let net = start(config(Mining::Manual)).await;
    let verb = "anvil_setNextBlockBaseFeePerGas";
    let set = 50_000_000_000u64;
    net.verb(verb, json!(["0xba43b7400"])).await;
    // A change of an account is a block here but not on other nodes: it is not the next one.
    net.verb("anvil_setBalance", json!([Address::repeat_byte(1), "0x1"])).await;
    assert_eq!(net.verb("eth_baseFee", json!([])).await, json!("0xba43b7400"));
    let price: U256 = serde_json::from_value(net.verb("eth_gasPrice", json!([])).await).unwrap();
    assert!(price >= U256::from(set), "{price}");
    let info = net.verb("anvil_nodeInfo", json!([])).await;
    assert_eq!(info["environment"]["baseFee"], "0xba43b7400");

    // What the node fills in pays it; what pays less waits.
    let (from, to) = (net.account(0), Address::ZERO);
    net.verb("eth_sendTransaction", json!([{ "from": from, "to": to, "value": "0x1" }])).await;
    let cheap = json!([{ "from": net.account(1), "to": to, "gasPrice": "0xba43b73ff" }]);
    let cheap = net.verb("eth_sendTransaction", cheap).await;
    net.verb("evm_mine", json!([])).await;
    let head = net.head().await;
    assert_eq!(head.header.base_fee_per_gas, Some(set));
    assert_eq!(head.transactions.len(), 1);
    net.verb("evm_mine", json!([])).await;
    let head = net.head().await;
    assert!(head.header.base_fee_per_gas < Some(set), "it follows demand again");
    assert_eq!(json!(head.transactions.hashes().next().unwrap()), cheap);

    // Down to nothing, which estimates and fees follow.
    net.verb("hardhat_setNextBlockBaseFeePerGas", json!([0])).await;
    let free = json!([{ "from": from, "to": to, "gasPrice": "0x0" }]);
    net.verb("eth_sendTransaction", free).await;
    let filled = json!([{ "from": net.account(2), "to": to }]);
    net.verb("eth_sendTransaction", filled).await;
    net.verb("evm_mine", json!([])).await;
    let head = net.head().await;
    assert_eq!((head.header.base_fee_per_gas, head.transactions.len()), (Some(0), 2));

    // Going back forgets what was set after the snapshot.
    let snapshot = net.verb("evm_snapshot", json!([])).await;
    net.verb(verb, json!(["0x10"])).await;
    net.verb("evm_revert", json!([snapshot])).await;
    assert_ne!(net.verb("eth_baseFee", json!([])).await, json!("0x10"));
    let error = net.try_verb(verb, json!(["0x10000000000000000"])).await.unwrap_err();
    assert!(error.starts_with("-32602"), "{error}");
}

/// What is stopped leaves nothing behind that still mines or holds the directory.
#[tokio::test(flavor = "multi_thread")]
async fn stop_waits_for_the_block_in_the_making() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let config =
            DevnetConfig { data_dir: Some(dir.path().to_owned()), ..config(Mining::OnDemand) };
        let net = start(config).await;
        let nonce = net.provider.get_transaction_count(net.account(0)).await.unwrap();
        for nonce in nonce..nonce + 20 {
            let (raw, _) = net.raw(0, Address::ZERO, 1, nonce).await;
            net.verb("eth_sendRawTransaction", json!([raw])).await;
        }
        let crate::support::Net { handle, provider } = net;
        drop(provider);
        handle.stop().await;
    }
}
