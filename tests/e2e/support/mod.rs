//! What the scenarios share: processes that end with the test, JSON-RPC, and waiting with a bound.

mod batches;
mod games;
mod hostile;
mod load;
mod process;
mod proxy;
mod rpc;
mod sender;
// A release build has no points to stop at.
#[cfg(debug_assertions)]
mod stops;
mod witness;

pub(crate) use games::games;
pub(crate) use hostile::{
    ICaller, ICallingToken, IOddToken, IReentrantToken, ISending, IToken, init_code,
};
pub(crate) use load::Load;
pub(crate) use process::{
    Anvil, L1, L1_CHAIN_ID, Mezz, Output, PASSWORD, Signal, devnet, free_port, keystore, result,
    run, run_in,
};
pub(crate) use proxy::{Fault, Proxy};
pub(crate) use rpc::{
    Rpc, address, assert_same_chain, deposit_call, events, fresh_address, get, key, logs, portal,
    wait_until, wait_within,
};
pub(crate) use sender::tx_sender;
#[cfg(debug_assertions)]
pub(crate) use stops::{At, BLOBS, SETTLED, SHORT, Stop, Stops, follows_burial, of_chain};
pub(crate) use witness::{Witness, supply};

use alloy::primitives::U256;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long anything is waited for before it counts as not happening.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Scenarios that run at the same time. Each is several nodes, most of the time idle.
static TURNS: Semaphore = Semaphore::const_new(3);

/// Waits until there is room for one more scenario.
pub(crate) async fn turn() -> SemaphorePermit<'static> {
    TURNS.acquire().await.expect("never closed")
}

/// `amount` ether in wei.
pub(crate) fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10u64).pow(U256::from(18))
}

/// The number in a JSON quantity: `"0x1f"`, `"31"` or `31`.
pub(crate) fn number(value: &Value) -> U256 {
    match value {
        Value::String(text) => text.parse().unwrap_or_else(|_| panic!("no number: {text}")),
        Value::Number(number) => U256::from(number.as_u64().expect("a natural number")),
        other => panic!("no number: {other}"),
    }
}

/// The number in a JSON quantity, as a block number.
pub(crate) fn small(value: &Value) -> u64 {
    number(value).to()
}

/// A string inside a JSON object.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {pointer} of {value}"))
}
