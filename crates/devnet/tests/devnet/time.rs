//! The clock.

use crate::support::{config, start};
use mezz_devnet::Mining;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test(flavor = "multi_thread")]
async fn time_moves_on_and_stays_ahead() {
    let net = start(config(Mining::Manual)).await;
    assert_eq!(net.verb("evm_increaseTime", json!([100])).await, json!(100));
    assert_eq!(net.verb("evm_increaseTime", json!(["0x64"])).await, json!(200));
    assert_eq!(net.verb("evm_mine", json!([])).await, json!("0x0"));
    let ahead = net.head().await.header.timestamp - now();
    assert!((199..=201).contains(&ahead), "{ahead}");
    net.verb("evm_mine", json!([])).await;
    let ahead = net.head().await.header.timestamp - now();
    assert!((199..=202).contains(&ahead), "{ahead}");
}

#[tokio::test(flavor = "multi_thread")]
async fn next_timestamp_is_exact_and_time_goes_on_from_it() {
    let net = start(config(Mining::Manual)).await;
    let later = now() + 1_000_000;
    assert!(net.verb("evm_setNextBlockTimestamp", json!([later])).await.is_null());
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.head().await.header.timestamp, later);
    net.verb("evm_mine", json!([])).await;
    assert!((1..=3).contains(&(net.head().await.header.timestamp - later)));
    let error = net.try_verb("evm_setNextBlockTimestamp", json!([5])).await.unwrap_err();
    assert!(error.starts_with("-32602: Timestamp error: 5 is lower than"), "{error}");
    net.verb("evm_mine", json!([{ "timestamp": later + 500 }])).await;
    assert_eq!(net.head().await.header.timestamp, later + 500);
    net.verb("evm_mine", json!([later + 600])).await;
    assert_eq!(net.head().await.header.timestamp, later + 600);
    net.verb("evm_mine", json!([{ "blocks": 2 }])).await;
    assert_eq!(net.number().await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_can_be_spaced() {
    let net = start(config(Mining::Manual)).await;
    net.verb("anvil_mine", json!(["0x1"])).await;
    net.verb("anvil_mine", json!(["0x3", "0x3c"])).await;
    let times = [
        net.block(2).await.header.timestamp,
        net.block(3).await.header.timestamp,
        net.block(4).await.header.timestamp,
    ];
    assert!((60..=61).contains(&(times[1] - times[0])), "{times:?}");
    assert!((60..=61).contains(&(times[2] - times[1])), "{times:?}");

    net.verb("anvil_setBlockTimestampInterval", json!([12])).await;
    net.verb("anvil_mine", json!([2])).await;
    assert_eq!(net.head().await.header.timestamp, times[2] + 24);
    assert_eq!(net.verb("anvil_removeBlockTimestampInterval", json!([])).await, json!(true));
    assert_eq!(net.verb("anvil_removeBlockTimestampInterval", json!([])).await, json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn time_can_be_set_but_blocks_never_go_back() {
    let net = start(config(Mining::Manual)).await;
    let moved = net.verb("evm_setTime", json!([now() + 5_000])).await.as_u64().unwrap();
    assert!((4_998..=5_000).contains(&moved));
    net.verb("evm_mine", json!([])).await;
    let first = net.head().await.header.timestamp;
    assert!(first >= now() + 4_998);
    assert_eq!(net.verb("evm_setTime", json!([1_000])).await, json!(0));
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.head().await.header.timestamp, first + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_out_of_range_are_refused() {
    let net = start(config(Mining::Manual)).await;
    for verb in ["evm_increaseTime", "evm_setTime", "evm_setNextBlockTimestamp"] {
        for time in [json!(u64::MAX), json!("0xffffffffffffffffff"), json!(-1), json!("x")] {
            let error = net.try_verb(verb, json!([time])).await.unwrap_err();
            assert!(error.starts_with("-32602"), "{verb} {time}: {error}");
        }
    }
    net.verb("evm_mine", json!([])).await;
    assert!(net.head().await.header.timestamp <= now() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshot_brings_back_state_and_time() {
    let net = start(config(Mining::OnDemand)).await;
    let to = alloy::primitives::Address::repeat_byte(0xaa);
    net.send(net.transfer(0, to, 1)).await;
    let before = net.hashes().await;
    assert_eq!(net.verb("evm_snapshot", json!([])).await, json!("0x0"));
    net.verb("evm_increaseTime", json!([31_536_000])).await;
    net.send(net.transfer(0, to, 1)).await;
    assert_eq!(net.verb("evm_snapshot", json!([])).await, json!("0x1"));
    net.verb("anvil_mine", json!([100])).await;
    assert_eq!(net.verb("evm_revert", json!(["0x0"])).await, json!(true));
    assert_eq!(net.hashes().await, before);
    assert_eq!(net.balance(to).await, alloy::primitives::U256::from(1));
    for used in ["0x0", "0x1", "0x77"] {
        assert_eq!(net.verb("evm_revert", json!([used])).await, json!(false));
    }
    let receipt = net.send(net.transfer(0, to, 1)).await;
    assert_eq!(receipt.block_number, Some(2));
    assert!(net.head().await.header.timestamp < now() + 100, "the time is back too");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_estimates_see_the_chains_time() {
    let net = start(config(Mining::Manual)).await;
    let head = net.head().await.header.timestamp;
    net.verb("evm_increaseTime", json!([10_000])).await;
    // Returns the timestamp.
    let code = "0x425f5260205ff3";
    let call = json!([{ "data": code }, "pending"]);
    let seen = async || {
        let word = net.verb("eth_call", call.clone()).await;
        u64::from_str_radix(&word.as_str().unwrap()[50..], 16).unwrap()
    };
    assert!((head + 10_000..head + 10_010).contains(&seen().await));
    let pending = net.verb("eth_getBlockByNumber", json!(["pending", false])).await;
    let time = u64::from_str_radix(&pending["timestamp"].as_str().unwrap()[2..], 16).unwrap();
    assert!((head + 10_000..head + 10_010).contains(&time));
    // Reverts before 9,000 seconds have passed.
    let code = format!("0x63{:08x}4211600d575f5ffd5b00", head + 9_000);
    net.verb("eth_estimateGas", json!([{ "data": code }])).await;
    net.verb("evm_setNextBlockTimestamp", json!([head + 20_000])).await;
    assert_eq!(seen().await, head + 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_the_state_leave_the_next_timestamp() {
    let net = start(config(Mining::Manual)).await;
    let later = now() + 1_000_000;
    net.verb("evm_setNextBlockTimestamp", json!([later])).await;
    let address = "0x00000000000000000000000000000000000000aa";
    net.verb("anvil_setBalance", json!([address, "0x1"])).await;
    net.verb("anvil_setNonce", json!([address, "0x1"])).await;
    assert!(net.head().await.header.timestamp < later);
    net.verb("evm_mine", json!([])).await;
    assert_eq!(net.head().await.header.timestamp, later);
}
