//! Every answer has the fields of the public specification and no others.

use super::{
    LOGGER, REVERTER, STORE, deposits,
    node::{CHAIN_ID, GAS_LIMIT, GWEI, Node, dev_signer, node, word},
    shapes::Shapes,
};
use crate::{
    Hooks as _, OpHooks,
    json::{BlockView, RpcReceipt},
};
use alloy_consensus::{
    EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Bytes, Signature, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use mezz_chain::BuildOptions;
use mezz_evm::BlockAttributes;
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction, TxKind};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

const GAS: u64 = 200_000;
const FEE: u128 = 10 * GWEI;

fn signed<T>(tx: T) -> RecoveredTransaction
where
    T: SignableTransaction<Signature>,
    EthereumTxEnvelope<TxEip4844>: From<alloy_consensus::Signed<T>>,
{
    let dev = dev_signer();
    let signature = dev.sign_hash_sync(&tx.signature_hash()).unwrap();
    let tx = Transaction::Ethereum(tx.into_signed(signature).into());
    RecoveredTransaction::new(tx, dev.address())
}

/// One transaction of each type, one that creates a contract, and one that reverts.
fn transactions() -> Vec<RecoveredTransaction> {
    let access_list = AccessList(vec![AccessListItem {
        address: STORE,
        storage_keys: vec![word(1), B256::repeat_byte(0xab)],
    }]);
    let chain_id = CHAIN_ID;
    let authorization = Authorization { chain_id: U256::from(chain_id), address: LOGGER, nonce: 0 };
    let authority = PrivateKeySigner::from_bytes(&word(5)).unwrap();
    let signature = authority.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let input = Bytes::from(word(7));
    let to = TxKind::Call(LOGGER);
    let (value, gas_limit, max_priority_fee_per_gas) = (U256::ZERO, GAS, GWEI);
    let max_fee_per_gas = FEE;
    vec![
        signed(TxLegacy {
            chain_id: Some(chain_id),
            gas_price: FEE,
            gas_limit,
            to,
            input: input.clone(),
            ..Default::default()
        }),
        signed(TxEip2930 {
            chain_id,
            nonce: 1,
            gas_price: FEE,
            gas_limit,
            to,
            value,
            access_list: access_list.clone(),
            input: input.clone(),
        }),
        signed(TxEip1559 {
            chain_id,
            nonce: 2,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: TxKind::Create,
            // Stops at once.
            input: Bytes::from_static(&[0]),
            ..Default::default()
        }),
        signed(TxEip4844 {
            chain_id,
            nonce: 3,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: LOGGER,
            value,
            access_list,
            blob_versioned_hashes: vec![B256::with_last_byte(9) | B256::right_padding_from(&[1])],
            max_fee_per_blob_gas: FEE,
            input: input.clone(),
        }),
        signed(TxEip7702 {
            chain_id,
            nonce: 4,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: LOGGER,
            value,
            access_list: AccessList::default(),
            authorization_list: vec![authorization.into_signed(signature)],
            input: input.clone(),
        }),
        signed(TxEip1559 {
            chain_id,
            nonce: 5,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: TxKind::Call(REVERTER),
            input,
            ..Default::default()
        }),
    ]
}

fn mine(node: &Node) {
    let attributes = BlockAttributes {
        timestamp: node.chain.head().header.timestamp + 1,
        gas_limit: GAS_LIMIT,
        ..Default::default()
    };
    let built = node
        .chain
        .build(&attributes, &transactions(), &mut |_| None, &BuildOptions::default())
        .unwrap();
    let outcomes: Vec<bool> = built.outcomes().iter().map(|outcome| outcome.success).collect();
    assert_eq!(outcomes, [true, true, true, true, true, false]);
    node.chain.commit(built).unwrap();
}

/// Asks, and checks what comes.
struct Client<'a> {
    node: &'a Node,
    shapes: Shapes,
    asked: BTreeSet<String>,
}

impl Client<'_> {
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.node.ask(method, params).await;
        self.shapes.result(method, &answer).unwrap();
        self.asked.insert(method.to_owned());
        answer
    }
}

#[tokio::test]
async fn answers_have_the_shapes_of_the_specification() {
    let node = node().await;
    mine(&node);
    node.mine();
    let mut client = Client { node: &node, shapes: Shapes::load(), asked: BTreeSet::new() };
    let dev = node.dev.address();
    let absent = B256::repeat_byte(0xee);

    for method in [
        "eth_blockNumber",
        "eth_chainId",
        "eth_syncing",
        "eth_coinbase",
        "eth_accounts",
        "eth_config",
        "eth_gasPrice",
        "eth_baseFee",
        "eth_blobBaseFee",
        "eth_maxPriorityFeePerGas",
        "txpool_status",
    ] {
        client.ask(method, json!([])).await;
    }
    client.ask("eth_feeHistory", json!(["0x5", "latest", [10, 90]])).await;
    client.ask("eth_feeHistory", json!(["0x1", "0x1", []])).await;

    let block = client.ask("eth_getBlockByNumber", json!(["0x1", true])).await;
    let types: Vec<&str> = block["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tx| tx["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["0x0", "0x1", "0x2", "0x3", "0x4", "0x2"]);
    for full in [true, false] {
        for tag in ["0x0", "latest", "safe", "finalized", "earliest"] {
            client.ask("eth_getBlockByNumber", json!([tag, full])).await;
        }
        client.ask("eth_getBlockByHash", json!([block["hash"], full])).await;
        client.ask("eth_getBlockByHash", json!([absent, full])).await;
    }
    for (by_number, by_hash) in [
        ("eth_getBlockTransactionCountByNumber", "eth_getBlockTransactionCountByHash"),
        ("eth_getUncleCountByBlockNumber", "eth_getUncleCountByBlockHash"),
    ] {
        client.ask(by_number, json!(["0x1"])).await;
        client.ask(by_number, json!(["0x99"])).await;
        client.ask(by_hash, json!([block["hash"]])).await;
        client.ask(by_hash, json!([absent])).await;
    }
    client.ask("eth_getBlockReceipts", json!(["0x1"])).await;
    client.ask("eth_getBlockReceipts", json!([block["hash"]])).await;
    client.ask("eth_getBlockReceipts", json!(["0x99"])).await;
    for index in 0..types.len() {
        let at = format!("{index:#x}");
        let tx = client.ask("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", at])).await;
        client.ask("eth_getTransactionByBlockHashAndIndex", json!([block["hash"], at])).await;
        client.ask("eth_getTransactionByHash", json!([tx["hash"]])).await;
        client.ask("eth_getTransactionReceipt", json!([tx["hash"]])).await;
        client.ask("debug_getRawTransaction", json!([tx["hash"]])).await;
        client
            .ask(
                "debug_traceTransaction",
                json!([tx["hash"], {"enableMemory": true, "enableReturnData": true}]),
            )
            .await;
    }
    client.ask("eth_getTransactionByHash", json!([absent])).await;
    client.ask("eth_getTransactionReceipt", json!([absent])).await;
    client.ask("debug_traceBlockByNumber", json!(["0x1"])).await;
    client.ask("debug_traceBlockByHash", json!([block["hash"]])).await;
    for method in ["debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts"] {
        client.ask(method, json!(["0x1"])).await;
    }

    client.ask("eth_getBalance", json!([dev, "latest"])).await;
    client.ask("eth_getStorageAt", json!([STORE, word(1), "latest"])).await;
    client.ask("eth_getTransactionCount", json!([dev, "0x1"])).await;
    client.ask("eth_getCode", json!([STORE, "latest"])).await;
    client.ask("eth_getCode", json!([Address::ZERO, "latest"])).await;
    client.ask("eth_getProof", json!([STORE, [word(1)], "latest"])).await;
    client.ask("eth_getProof", json!([Address::ZERO, [], "latest"])).await;

    client.ask("eth_getLogs", json!([{"fromBlock": "0x0", "toBlock": "latest"}])).await;
    let logs = client.ask("eth_newFilter", json!([{"fromBlock": "0x1", "address": LOGGER}])).await;
    let blocks = client.ask("eth_newBlockFilter", json!([])).await;
    let pending = client.ask("eth_newPendingTransactionFilter", json!([])).await;
    client.ask("eth_getFilterLogs", json!([logs])).await;

    let call = json!({"from": dev, "to": LOGGER, "data": word(1)});
    client.ask("eth_call", json!([call, "latest"])).await;
    client.ask("eth_estimateGas", json!([call])).await;
    client.ask("eth_createAccessList", json!([{"to": STORE, "data": Bytes::from([0; 64])}])).await;
    client.ask("eth_createAccessList", json!([{"to": REVERTER}])).await;
    simulate(&mut client, dev).await;

    client.ask("eth_sign", json!([dev, "0x01"])).await;
    client.ask("eth_sendTransaction", json!([{"from": dev, "to": LOGGER, "data": word(1)}])).await;
    let raw = node.sign(node.tx(7, LOGGER, 0, Bytes::from(word(2))));
    client.ask("eth_sendRawTransaction", json!([raw])).await;
    node.mine();
    for filter in [&logs, &blocks, &pending] {
        client.ask("eth_getFilterChanges", json!([filter])).await;
        client.ask("eth_uninstallFilter", json!([filter])).await;
    }

    let unasked: Vec<_> =
        client.shapes.methods().filter(|name| !client.asked.contains(*name)).collect();
    assert!(unasked.is_empty(), "not checked: {unasked:?}");
}

async fn simulate(client: &mut Client<'_>, dev: Address) {
    let blob = B256::right_padding_from(&[1]);
    let calls = json!([
        {"from": dev, "to": LOGGER, "data": word(1), "value": "0x1"},
        {"from": dev, "to": REVERTER},
        {"from": dev, "data": "0xfe", "gas": "0x186a0"},
        {"from": dev, "to": LOGGER, "gasPrice": "0x1"},
        {"from": dev, "to": LOGGER, "gasPrice": "0x1", "accessList": [{"address": STORE, "storageKeys": [word(1)]}]},
        {"from": dev, "to": LOGGER, "blobVersionedHashes": [blob], "maxFeePerBlobGas": "0x1"},
    ]);
    for full in [true, false] {
        let payload = json!({
            "blockStateCalls": [{"calls": calls}, {"blockOverrides": {"number": "0x9"}}],
            "traceTransfers": true,
            "returnFullTransactions": full,
        });
        let blocks = client.ask("eth_simulateV1", json!([payload, "latest"])).await;
        let statuses: Vec<_> = blocks[0]["calls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| call["status"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(statuses, ["0x1", "0x0", "0x0", "0x1", "0x1", "0x1"]);
    }
}

#[tokio::test]
async fn errors_have_code_and_message() {
    let node = node().await;
    for (method, params) in [
        ("eth_call", json!([{"to": REVERTER, "data": word(1)}])),
        ("eth_call", json!([])),
        ("eth_getBlockByNumber", json!(["x", false])),
        ("eth_sendRawTransaction", json!(["0x02"])),
        ("eth_absent", json!([])),
        ("eth_getBalance", json!([LOGGER, "0x99"])),
        ("eth_simulateV1", json!([{"blockStateCalls": []}])),
    ] {
        let body = json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params});
        let (_, text) = node.post(body.to_string()).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!("a")), "{text}");
        assert!(answer.get("result").is_none(), "{text}");
        let error = answer["error"].as_object().unwrap();
        assert!(error["code"].is_i64() && error["message"].is_string(), "{text}");
        let known = ["code", "message", "data"];
        assert!(error.keys().all(|key| known.contains(&key.as_str())), "{text}");
    }
}

/// What a Layer 2 adds to the specification: fields of a receipt, and deposits.
#[test]
fn layer_two_answers_deviate_in_known_fields_only() {
    const FEES: [&str; 6] = [
        "l1Fee",
        "l1GasUsed",
        "l1GasPrice",
        "l1BlobBaseFee",
        "l1BaseFeeScalar",
        "l1BlobBaseFeeScalar",
    ];
    let shapes = Shapes::load();
    let block = deposits::block();
    for index in 0..3 {
        let extra = OpHooks::default().receipt_fields(&block, index);
        let receipt = RpcReceipt::new(&block, index, Some(1), extra).unwrap();
        let mut receipt = serde_json::to_value(receipt).unwrap();
        let fields = receipt.as_object_mut().unwrap();
        let added: &[&str] =
            if index < 2 { &["depositNonce", "depositReceiptVersion"] } else { &FEES };
        for field in added {
            let value = fields.remove(*field).unwrap_or_else(|| panic!("{field} is missing"));
            shapes.is("uint", &value).unwrap();
        }
        shapes.is("ReceiptInfo", &receipt).unwrap();
    }
    let json = serde_json::to_value(BlockView { block: Arc::new(block), full: true }).unwrap();
    shapes.is("TransactionInfo", &json["transactions"][2]).unwrap();
    for deposit in json["transactions"].as_array().unwrap().iter().take(2) {
        shapes.is("Context", deposit).unwrap();
        for (field, kind) in [
            ("type", "=0x7e"),
            ("sourceHash", "hash32"),
            ("to", "address?"),
            ("mint", "uint?"),
            ("value", "uint"),
            ("gas", "uint"),
            ("input", "bytes"),
            ("nonce", "uint"),
            ("gasPrice", "uint"),
        ] {
            shapes.is(kind, &deposit[field]).unwrap_or_else(|wrong| panic!("{field}: {wrong}"));
        }
    }
}
