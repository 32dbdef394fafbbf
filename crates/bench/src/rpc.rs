//! JSON-RPC calls outside the measured interval.

use crate::{
    Failure,
    http::{Connection, post},
};
use alloy_primitives::{Address, B256};
use serde_json::{Value, json};
use std::{net::SocketAddr, thread, time::Duration};

/// Times that a receipt is asked for.
const RECEIPT_TRIES: usize = 100;
/// Pause between them.
const RECEIPT_PAUSE: Duration = Duration::from_millis(50);

/// A client of one node.
#[derive(Debug)]
pub(crate) struct Rpc {
    connection: Connection,
}

impl Rpc {
    pub(crate) fn connect(addr: SocketAddr) -> Result<Self, Failure> {
        Ok(Self { connection: Connection::open(addr)? })
    }

    /// One call.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = self.connection.exchange(&post(&request.to_string()))?;
        result(method, serde_json::from_slice(body)?)
    }

    /// Many calls of one method; the results are in their order.
    pub(crate) fn batch(&mut self, method: &str, params: &[Value]) -> Result<Vec<Value>, Failure> {
        let calls: Vec<_> = params
            .iter()
            .enumerate()
            .map(|(id, params)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .collect();
        let body = self.connection.exchange(&post(&Value::from(calls).to_string()))?;
        let mut answers: Vec<Value> = serde_json::from_slice(body)?;
        answers.sort_by_key(|answer| answer["id"].as_u64());
        answers.into_iter().map(|answer| result(method, answer)).collect()
    }

    /// Nonces of accounts after the newest block.
    pub(crate) fn nonces(&mut self, accounts: &[Address]) -> Result<Vec<u64>, Failure> {
        let params: Vec<_> = accounts.iter().map(|account| json!([account, "latest"])).collect();
        self.batch("eth_getTransactionCount", &params)?.iter().map(quantity).collect()
    }

    /// The gas that a transaction used. Error: it is not mined, or it failed.
    pub(crate) fn gas_used(&mut self, hash: B256) -> Result<u64, Failure> {
        // Anvil tells the nonces after a block a moment before it has the receipts.
        for _ in 0..RECEIPT_TRIES {
            let receipt = self.call("eth_getTransactionReceipt", &json!([hash]))?;
            if receipt["status"] == "0x1" {
                return quantity(&receipt["gasUsed"]);
            }
            if !receipt.is_null() {
                return Err(format!("transaction {hash} failed: {receipt}").into());
            }
            thread::sleep(RECEIPT_PAUSE);
        }
        Err(format!("transaction {hash} is in no block").into())
    }
}

fn result(method: &str, mut answer: Value) -> Result<Value, Failure> {
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(format!("{method}: {}", answer["error"]).into()),
    }
}

/// A number as JSON-RPC writes it.
pub(crate) fn quantity(value: &Value) -> Result<u64, Failure> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| format!("{value} is not a quantity").into())
}
