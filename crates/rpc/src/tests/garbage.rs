//! Arguments of the wrong kind, number and size, for every method.

use super::node::node;
use crate::{Cores, L1Hooks, RpcConfig, RpcContext, methods};
use serde_json::{Value, json};
use std::sync::Arc;

const ROUNDS: usize = 40;

/// A small generator (Knuth's MMIX): the same garbage every time.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

fn garbage(dev: &Value) -> Vec<Value> {
    let word = format!("0x{}", "ab".repeat(32));
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5e300),
        json!(u64::MAX),
        json!(""),
        json!("0x"),
        json!("0x0"),
        json!("0x01"),
        json!("0xzz"),
        json!("0xffffffffffffffff"),
        json!(format!("0x{}", "f".repeat(64))),
        json!(format!("0x{}", "f".repeat(65))),
        json!(word),
        json!("latest"),
        json!("pending"),
        json!("earliest"),
        json!("\u{0}\u{ffff}"),
        dev.clone(),
        json!([]),
        json!([[[[]]]]),
        json!([null, word, 7]),
        json!({}),
        json!({"blockHash": word, "requireCanonical": "yes"}),
        json!({"blockNumber": "0xffffffffffffffff"}),
        json!({"fromBlock": "0xffffffffffffffff", "toBlock": "0x0"}),
        json!({"fromBlock": "0x0", "toBlock": "0xffffffffffffffff", "topics": [null, [], [null]]}),
        json!({"from": dev, "to": dev, "value": format!("0x{}", "f".repeat(64))}),
        json!({"from": dev, "gas": "0xffffffffffffffff", "gasPrice": format!("0x{}", "f".repeat(32))}),
        json!({"from": dev, "data": "0xfe", "accessList": [{"address": dev, "storageKeys": [word]}]}),
        json!({"to": dev, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2", "type": "0x63"}),
        json!({"to": dev, "blobVersionedHashes": [word], "maxFeePerBlobGas": "0x0"}),
        json!({"to": dev, "authorizationList": [{}]}),
        json!({"tracer": "callTracer", "tracerConfig": []}),
        json!({"tracer": {}, "limit": -1}),
        json!({"tracer": "foo"}),
        json!({"address": "0x12"}),
        json!({"topics": [word, "0x12"]}),
        json!(["0xzz"]),
    ]
}

#[tokio::test]
async fn no_argument_brings_a_method_to_an_internal_error() {
    let node = node().await;
    node.mine();
    let context = RpcContext {
        chain: node.chain.clone(),
        pool: node.pool.clone(),
        hooks: Arc::new(L1Hooks::default()),
        cores: Cores::of_runtime(),
    };
    let service = methods::build(&RpcConfig::new(node.server.local_addr()), context).unwrap();
    let names: Vec<&str> = service.names().collect();
    assert!(names.len() > 70, "{names:?}");

    let values = garbage(&json!(node.dev.address()));
    let mut random = Lcg(7);
    for name in names {
        let calls: Vec<Value> = (0..ROUNDS)
            .map(|id| {
                let count = random.next(5);
                let params: Vec<_> =
                    (0..count).map(|_| values[random.next(values.len())].clone()).collect();
                json!({"jsonrpc": "2.0", "id": id, "method": name, "params": params})
            })
            .collect();
        let (status, text) = node.post(Value::from(calls.clone()).to_string()).await;
        assert_eq!(status, 200, "{name}: {text}");
        let answers: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(answers.len(), ROUNDS, "{name}");
        for (answer, call) in answers.iter().zip(&calls) {
            let code = answer["error"]["code"].as_i64();
            assert!(answer.get("result").is_some() || code.is_some(), "{call}: {answer}");
            assert_ne!(code, Some(-32603), "{call}: {answer}");
            // Words of the parser about itself help nobody.
            let message = answer["error"]["message"].as_str().unwrap_or_default();
            assert!(!["enum", "variant"].iter().any(|word| message.contains(word)), "{answer}");
        }
    }
    assert_eq!(node.ask("eth_blockNumber", json!([])).await, "0x1");
}
