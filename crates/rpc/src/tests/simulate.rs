//! `eth_simulateV1`.

use super::{
    LOGGER, LOOP, NUMBER, REVERTER, STORE,
    node::{GAS_LIMIT, GWEI, Setup, node, word},
};
use alloy_primitives::{Bytes, U256, keccak256};
use mezz_primitives::{Address, B256};
use serde_json::{Value, json};

const PARAMS: [&str; 6] =
    ["stateRoot", "receiptsRoot", "gasUsed", "logsBloom", "parentHash", "baseFeePerGas"];

fn at(byte: u8) -> Address {
    Address::with_last_byte(byte)
}

fn calls(list: Value) -> Value {
    json!({ "blockStateCalls": [{ "calls": list }] })
}

#[tokio::test]
async fn simulated_block_has_the_roots_of_the_real_one() {
    let node = node().await;
    node.send(0, LOGGER, 0, word(1).as_slice()).await;
    node.mine();
    let dev = node.dev.address();
    let data = Bytes::from([word(4).0, word(5).0].concat());
    let tx = |to: Address, data: &Bytes, value: u64| {
        json!({
            "from": dev, "to": to, "data": data, "value": format!("{value:#x}"), "gas": "0x186a0",
            "maxFeePerGas": format!("{:#x}", 10 * GWEI),
            "maxPriorityFeePerGas": format!("{:#x}", 2 * GWEI),
        })
    };
    let topic = Bytes::from(word(7));
    let payload = json!({
        "blockStateCalls": [
            {
                "blockOverrides": {
                    "feeRecipient": Address::repeat_byte(0xfe), "prevRandao": B256::repeat_byte(1),
                },
                "calls": [tx(STORE, &data, 0), tx(LOGGER, &topic, 0), tx(at(0x77), &Bytes::new(), 9)],
            },
            {
                "blockOverrides": {
                    "feeRecipient": Address::repeat_byte(0xfe), "prevRandao": B256::repeat_byte(1),
                },
                "calls": [tx(LOGGER, &topic, 0)],
            },
        ],
        "validation": true,
    });
    let simulated = node.ask("eth_simulateV1", json!([payload, "latest"])).await;

    node.send(1, STORE, 0, &data).await;
    node.send(2, LOGGER, 0, &topic).await;
    node.send(3, at(0x77), 9, &[]).await;
    node.mine();
    let real = node.ask("eth_getBlockByNumber", json!(["0x2", false])).await;
    for field in PARAMS.iter().chain(&["number", "timestamp", "gasLimit", "miner", "mixHash"]) {
        assert_eq!(simulated[0][field], real[field], "{field}");
    }
    node.send(4, LOGGER, 0, &topic).await;
    node.mine();
    let real = node.ask("eth_getBlockByNumber", json!(["0x3", false])).await;
    for field in ["stateRoot", "receiptsRoot", "gasUsed", "logsBloom", "baseFeePerGas"] {
        assert_eq!(simulated[1][field], real[field], "{field}");
    }
    assert_eq!(simulated[1]["parentHash"], simulated[0]["hash"]);
}

#[tokio::test]
async fn hash_is_that_of_the_header() {
    let node = node().await;
    let blocks = node.ask("eth_simulateV1", json!([calls(json!([{"to": LOGGER}]))])).await;
    let header: mezz_primitives::Header = serde_json::from_value(blocks[0].clone()).unwrap();
    assert_eq!(blocks[0]["hash"], json!(keccak256(alloy_rlp::encode(&header))));
    let log = &blocks[0]["calls"][0]["logs"][0];
    assert_eq!(log["blockHash"], blocks[0]["hash"]);
    assert_eq!(log["transactionHash"], blocks[0]["transactions"][0]);
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x0");
}

#[tokio::test]
async fn calls_build_on_each_other_and_blocks_between_are_filled() {
    let node = node().await;
    let store =
        |value: u8| json!({"to": STORE, "data": Bytes::from([word(1).0, word(value).0].concat())});
    // SLOAD slot 1, return it.
    let reader = json!({ STORE.to_string(): { "code": "0x60015460005260206000f3" } });
    let payload = json!({ "blockStateCalls": [
        { "calls": [store(5), {"to": NUMBER}] },
        { "blockOverrides": {"number": "0x5", "time": "0x70000000"}, "stateOverrides": reader,
          "calls": [{"to": STORE}, {"to": NUMBER}] },
    ]});
    let blocks = node.ask("eth_simulateV1", json!([payload, "latest"])).await;
    let numbers: Vec<_> = blocks.as_array().unwrap().iter().map(|b| b["number"].clone()).collect();
    assert_eq!(numbers, ["0x1", "0x2", "0x3", "0x4", "0x5"]);
    assert_eq!(blocks[0]["calls"][1]["returnData"], json!(word(1)));
    assert_eq!(blocks[4]["calls"][0]["returnData"], json!(word(5)));
    assert_eq!(blocks[4]["calls"][1]["returnData"], json!(word(5)));
    assert_eq!(blocks[4]["timestamp"], "0x70000000");
    for i in 1..5 {
        assert_eq!(blocks[i]["parentHash"], blocks[i - 1]["hash"]);
    }
    assert_eq!(blocks[0]["baseFeePerGas"], "0x0", "without validation");
}

#[tokio::test]
async fn overrides_are_in_the_state_root() {
    let node = node().await;
    let root =
        node.ask("eth_getBlockByNumber", json!(["latest", false])).await["stateRoot"].clone();
    let slot = json!({ word(1).to_string(): word(9) });
    let payload = json!({ "blockStateCalls": [
        {},
        { "stateOverrides": { STORE.to_string(): { "stateDiff": slot } } },
        { "stateOverrides": { STORE.to_string(): { "state": {} } } },
        { "stateOverrides": { at(0x55).to_string(): { "balance": "0x1" } } },
        { "stateOverrides": { at(0x55).to_string(): { "balance": "0x0" } } },
    ]});
    let blocks = node.ask("eth_simulateV1", json!([payload])).await;
    let roots: Vec<_> = blocks.as_array().unwrap().iter().map(|b| b["stateRoot"].clone()).collect();
    assert_eq!(roots[0], root);
    assert_ne!(roots[1], root);
    assert_eq!(roots[2], root);
    assert_ne!(roots[3], root);
    assert_eq!(roots[4], root);
}

/// (from, to, value) of the transfers among logs, and how many logs there are.
fn transfers(call: &Value) -> (Vec<(String, String, U256)>, usize) {
    let logs = call["logs"].as_array().unwrap();
    let ether = json!(Address::repeat_byte(0xee));
    let party = |topic: &Value| format!("0x{}", &topic.as_str().unwrap()[26..]);
    let found = logs.iter().filter(|log| log["address"] == ether).map(|log| {
        let value: U256 = serde_json::from_value(log["data"].clone()).unwrap();
        (party(&log["topics"][1]), party(&log["topics"][2]), value)
    });
    (found.collect(), logs.len())
}

fn lower(address: Address) -> String {
    format!("{address:#x}")
}

#[tokio::test]
async fn transfers_of_ether_are_traced_and_not_in_the_bloom() {
    let node = node().await;
    let dev = node.dev.address();
    let forwarder = at(0x61);
    let bomb = at(0x62);
    let maker = at(0x63);
    let overrides = json!({
        // CALL(gas, 0x77, callvalue)
        forwarder.to_string(): { "code": "0x5f5f5f5f3460775af100" },
        // SELFDESTRUCT(0x77)
        bomb.to_string(): { "code": "0x6077ff", "balance": "0x5" },
        // CREATE(callvalue, nothing)
        maker.to_string(): { "code": "0x5f5f34f000" },
    });
    let payload = |trace: bool| {
        json!({
            "blockStateCalls": [{ "stateOverrides": overrides, "calls": [
                {"from": dev, "to": forwarder, "value": "0x3"},
                {"from": dev, "to": bomb},
                {"from": dev, "to": maker, "value": "0x4"},
                {"from": dev, "to": REVERTER, "value": "0x2"},
                {"from": dev, "to": LOGGER, "value": "0x6", "data": word(1)},
            ]}],
            "traceTransfers": trace,
        })
    };
    let traced = node.ask("eth_simulateV1", json!([payload(true)])).await;
    let of = |index: usize| transfers(&traced[0]["calls"][index]);
    let (sender, f, m) = (lower(dev), lower(forwarder), lower(maker));
    let wei = |n: u64| U256::from(n);
    let expected = vec![(sender.clone(), f.clone(), wei(3)), (f, lower(at(0x77)), wei(3))];
    assert_eq!(of(0), (expected, 2));
    assert_eq!(of(1), (vec![(lower(bomb), lower(at(0x77)), wei(5))], 1));
    let created = maker.create(0);
    let expected = vec![(sender.clone(), m.clone(), wei(4)), (m, lower(created), wei(4))];
    assert_eq!(of(2), (expected, 2));
    assert_eq!(of(3), (vec![], 0), "what reverts transfers nothing");
    assert_eq!(of(4), (vec![(sender, lower(LOGGER), wei(6))], 2));
    let indices: Vec<_> = traced[0]["calls"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|call| call["logs"].as_array().unwrap())
        .map(|log| log["logIndex"].clone())
        .collect();
    assert_eq!(indices, ["0x0", "0x1", "0x2", "0x3", "0x4", "0x5", "0x6"]);

    let plain = node.ask("eth_simulateV1", json!([payload(false)])).await;
    assert_eq!(transfers(&plain[0]["calls"][4]), (vec![], 1));
    for field in ["hash", "logsBloom", "receiptsRoot", "stateRoot"] {
        assert_eq!(plain[0][field], traced[0][field], "{field}");
    }
}

#[tokio::test]
async fn precompiles_can_be_moved_and_replaced() {
    let node = node().await;
    let (identity, elsewhere) = (at(4), at(0x99));
    let call = |to: Address| json!({"to": to, "data": "0x1234"});
    // PUSH1 7 PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    let seven = "0x60075f5260205ff3";
    let moved = json!({ identity.to_string(): {
        "movePrecompileToAddress": elsewhere, "code": seven,
    }});
    let payload = json!({ "blockStateCalls": [
        { "stateOverrides": moved, "calls": [call(elsewhere), call(identity)] },
        { "calls": [call(elsewhere)] },
    ]});
    let blocks = node.ask("eth_simulateV1", json!([payload])).await;
    assert_eq!(blocks[0]["calls"][0]["returnData"], "0x1234");
    assert_eq!(blocks[0]["calls"][1]["returnData"], json!(word(7)));
    assert_eq!(blocks[1]["calls"][0]["returnData"], "0x", "a move is for its block");

    assert_eq!(node.ask("eth_call", json!([call(elsewhere), "latest", moved])).await, "0x1234");
    let replaced = json!({ identity.to_string(): { "code": seven } });
    let answer = node.ask("eth_call", json!([call(identity), "latest", replaced])).await;
    assert_eq!(answer, json!(word(7)));
    assert_eq!(node.ask("eth_call", json!([call(identity)])).await, "0x1234");
}

#[tokio::test]
async fn blob_base_fee_can_be_overridden() {
    let node = node().await;
    // BLOBBASEFEE PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    let code = json!({ at(0x60).to_string(): { "code": "0x4a5f5260205ff3" } });
    let block = json!({ "blobBaseFee": "0x7" });
    let call = json!({ "to": at(0x60) });
    assert_eq!(node.ask("eth_call", json!([call, "latest", code, block])).await, json!(word(7)));
    let payload = json!({ "blockStateCalls": [
        { "blockOverrides": block, "stateOverrides": code, "calls": [call] },
    ]});
    let blocks = node.ask("eth_simulateV1", json!([payload])).await;
    assert_eq!(blocks[0]["calls"][0]["returnData"], json!(word(7)));
}

#[tokio::test]
async fn what_cannot_be_in_a_block_has_the_code_of_the_specification() {
    let node = node().await;
    let dev = node.dev.address();
    let poor = at(0x88);
    let block = |block: Value| json!({ "blockStateCalls": [{}, block] });
    let strict =
        |call: Value| json!({ "blockStateCalls": [{"calls": [call]}], "validation": true });
    let fee = format!("{:#x}", 10 * GWEI);
    let long = format!("0x{}", "00".repeat(49_153));
    let move_to =
        |from: u8, to: u8| (at(from).to_string(), json!({"movePrecompileToAddress": at(to)}));
    let moves = |list: &[(u8, u8)]| {
        let overrides: serde_json::Map<_, _> = list.iter().map(|(a, b)| move_to(*a, *b)).collect();
        json!({ "blockStateCalls": [{ "stateOverrides": overrides }] })
    };
    for (payload, code) in [
        (json!({ "blockStateCalls": [] }), -32602),
        (strict(json!({"from": dev, "to": dev, "nonce": "0x5", "maxFeePerGas": fee})), -38011),
        (strict(json!({"from": dev, "to": dev})), -38012),
        (calls(json!([{"to": dev, "gas": "0x10"}])), -38013),
        (calls(json!([{"from": poor, "to": dev, "value": "0x1"}])), -38014),
        (strict(json!({"from": poor, "to": dev, "maxFeePerGas": fee})), -38014),
        (calls(json!([{"to": dev, "gas": "0x1c9c381"}])), -38015),
        (block(json!({"blockOverrides": {"number": "0x1"}})), -38020),
        (block(json!({"blockOverrides": {"time": "0x6553f101"}})), -38021),
        (moves(&[(1, 1)]), -38022),
        (moves(&[(1, 0xf1), (2, 0xf1)]), -38023),
        (calls(json!([{"data": long}])), -38025),
        (block(json!({"blockOverrides": {"number": "0x101"}})), -38026),
        (json!({ "blockStateCalls": vec![json!({}); 257] }), -38026),
    ] {
        let error = node.fail("eth_simulateV1", json!([payload])).await;
        assert_eq!(i64::from(code), error.code, "{payload}: {}", error.message);
    }
    node.send(0, dev, 0, &[]).await;
    node.mine();
    let used = strict(json!({"from": dev, "to": dev, "nonce": "0x0", "maxFeePerGas": fee}));
    assert_eq!(node.fail("eth_simulateV1", json!([used])).await.code, -38010);
    let lax = calls(json!([{"from": dev, "to": dev, "nonce": "0x0"}]));
    assert_eq!(node.ask("eth_simulateV1", json!([lax])).await[0]["calls"][0]["status"], "0x1");
}

#[tokio::test]
async fn gas_that_a_block_does_not_have_is_refused_however_little_the_node_would_spend() {
    let node = Setup::limits(|l| l.call_gas = 1_000_000).start().await;
    let asks = |gas: u64| json!({"to": LOGGER, "gas": format!("{gas:#x}")});
    for (list, fits) in [
        (json!([asks(GAS_LIMIT)]), true),
        (json!([asks(GAS_LIMIT + 1)]), false),
        (json!([asks(u64::MAX)]), false),
        // The first leaves less than all.
        (json!([{"to": LOGGER}, asks(GAS_LIMIT)]), false),
        (json!([{"to": LOGGER}, {"to": LOGGER}]), true),
    ] {
        let answer = node.rpc("eth_simulateV1", json!([calls(list)])).await;
        assert_eq!(answer.as_ref().err().map(|error| error.code), (!fits).then_some(-38015));
    }
}

/// Attack: many calls that each burn a block's gas.
#[tokio::test]
async fn attack_simulation_that_burns_gas_is_bounded_as_a_whole() {
    let limits = |l: &mut crate::Limits| {
        l.call_gas = 5_000_000;
        l.max_simulated_calls = 10;
    };
    let node = Setup::limits(limits).start().await;
    let burn = json!({"to": LOOP});
    let payload = json!({ "blockStateCalls": vec![json!({ "calls": [burn, burn] }); 3] });
    let error = node.fail("eth_simulateV1", json!([payload])).await;
    assert_eq!(error.code, -38026, "{}", error.message);
    let many = json!({ "blockStateCalls": [{ "calls": vec![json!({"to": NUMBER}); 11] }] });
    let error = node.fail("eth_simulateV1", json!([many])).await;
    assert_eq!(error.code, -38026, "{}", error.message);
}

#[tokio::test]
async fn call_can_be_traced_within_a_block() {
    let node = node().await;
    // Slot 1 becomes 5, then 6.
    for (nonce, value) in [(0, 5), (1, 6)] {
        let data = [word(1).0, word(value).0].concat();
        node.send(nonce, STORE, 0, &data).await;
    }
    node.mine();
    // SLOAD slot 1, return it.
    let reader = json!({ STORE.to_string(): { "code": "0x60015460005260206000f3" } });
    let read = async |index: Option<u64>| {
        let options = json!({
            "tracer": "callTracer", "stateOverrides": reader,
            "txIndex": index.map(|index| format!("{index:#x}")),
        });
        node.rpc("debug_traceCall", json!([{"to": STORE}, "latest", options])).await
    };
    for (index, value) in [(Some(0), 0), (Some(1), 5), (Some(2), 6), (None, 6)] {
        assert_eq!(read(index).await.unwrap()["output"], json!(word(value)), "{index:?}");
    }
    assert_eq!(read(Some(3)).await.unwrap_err().code, -32602);
}

#[tokio::test]
async fn struct_log_and_prestate_options_are_kept() {
    let node = node().await;
    let data = Bytes::from([word(1).0, word(5).0].concat());
    let call = json!({"to": STORE, "data": data});
    let trace =
        async |options: Value| node.ask("debug_traceCall", json!([call, "latest", options])).await;
    let steps = trace(json!({})).await["structLogs"].clone();
    let last = |steps: &Value| steps.as_array().unwrap().len() - 1;
    assert!(steps[1]["stack"].is_array() && steps[1].get("memory").is_none());
    // SSTORE is the last but one.
    let storage = &steps[last(&steps) - 1]["storage"];
    assert!(storage.as_object().is_some_and(|slots| slots.len() == 1), "{storage}");
    let bare = json!({"disableStack": true, "disableStorage": true, "enableMemory": true});
    let steps = trace(bare).await["structLogs"].clone();
    assert!(steps[1].get("stack").is_none() && steps[1]["memory"].is_array(), "{}", steps[1]);
    assert!(steps.as_array().unwrap().iter().all(|step| step.get("storage").is_none()));

    let tracer =
        |diff: bool| json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": diff}});
    let key = format!("{STORE:#x}");
    let before = trace(tracer(false)).await;
    assert!(before[&key]["code"].is_string(), "{before}");
    let diff = trace(tracer(true)).await;
    assert_eq!(diff["post"][&key]["storage"], json!({ word(1).to_string(): word(5) }), "{diff}");
}
