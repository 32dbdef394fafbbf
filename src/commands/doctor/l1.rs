//! The L1 node: does it answer, follow, have the rules and the limits that a rollup needs?

use super::report::Report;
use crate::units::{show_amount, show_duration};
use alloy::{
    consensus::Header,
    eips::BlockNumberOrTag,
    primitives::{B256, Bytes, U256},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use mezz_contracts::bindings::IInbox;
use mezz_l1::{BlobSource, BlockRef, FeeInfo, L1Client, L1ClientConfig, L1Error, TX_GAS_CAP};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far a clock may be off: less than a slot.
const CLOCK: u64 = 15;
/// How old a head may be; an L1 makes a block every 12 s.
const OLD: u64 = 60;
const VERY_OLD: u64 = 300;
/// L1 blocks in one question for logs that finding a chain asks for at first.
const LOG_RANGE: u64 = 50_000;
/// Blocks below the head in which one with blobs is looked for.
const BLOB_SEARCH: u64 = 16;

/// What the other checks need of a node that answers.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) client: L1Client,
    pub(super) head: Header,
    pub(super) hash: B256,
    pub(super) fees: Option<FeeInfo>,
    pub(super) finalized: Option<BlockRef>,
}

/// Seconds since the epoch.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs())
}

/// A client that gives up soon: nobody waits long for a check.
pub(super) fn client(url: &str) -> Result<L1Client, L1Error> {
    let config = L1ClientConfig {
        attempts: 2,
        request_timeout: Duration::from_secs(8),
        ..L1ClientConfig::default()
    };
    L1Client::with_config(url, config)
}

/// Looks at the node at `url`. On one that is `dev`, time may have been moved.
pub(super) async fn node(report: &mut Report, url: &str, dev: bool) -> Option<Facts> {
    let mend = "name the JSON-RPC URL of a running L1 node with --l1";
    let client = match client(url) {
        Ok(client) => client,
        Err(error) => {
            report.fail("answers", error.to_string(), mend);
            return None;
        }
    };
    let chain_id = match client.chain_id().await {
        Ok(id) => id,
        Err(error) => {
            report.fail("answers", error.to_string(), mend);
            return None;
        }
    };
    let version: Result<String, _> = client.request("web3_clientVersion", ()).await;
    let version = version.unwrap_or_else(|_| "a node that does not say which".to_owned());
    report.ok("answers", format!("{version}, chain id {chain_id}"));
    let head = match client.header(BlockNumberOrTag::Latest).await {
        Ok(head) => head,
        Err(error) => {
            report.fail("head", error.to_string(), "use a node that has the newest block");
            return None;
        }
    };
    syncing(report, &client).await;
    age(report, "head", &format!("block {}", head.number), head.timestamp, dev);
    let fees = rules(report, &client, &head).await;
    gas(report, &client, &head).await;
    let finalized = tags(report, &client, &head).await;
    logs(report, &client, &head).await;
    let (head, hash) = head.into_parts();
    Some(Facts { client, head, hash, fees, finalized })
}

async fn syncing(report: &mut Report, client: &L1Client) {
    match client.request::<_, Value>("eth_syncing", ()).await {
        Ok(Value::Bool(false)) => report.ok("synced", "has caught up with its chain"),
        Ok(_) => report.fail(
            "synced",
            "the node is still catching up with its chain",
            "wait until eth_syncing is false",
        ),
        Err(error) => report.warn("synced", error.to_string(), "see that the node follows L1"),
    }
}

/// The time of a block against this machine's.
pub(super) fn age(
    report: &mut Report,
    check: &'static str,
    block: &str,
    timestamp: u64,
    dev: bool,
) {
    let now = now();
    let (old, ahead) = (now.saturating_sub(timestamp), timestamp.saturating_sub(now));
    let shown = |seconds| show_duration(Duration::from_secs(seconds));
    if ahead > CLOCK {
        let found = format!("{block} is {} ahead of this machine's clock", shown(ahead));
        let mend =
            "set the clock by NTP; of a development chain, its time was moved and that is all";
        return report.fail_unless(dev, check, found, mend);
    }
    let found = format!("{block}, {} old", shown(old));
    if old > VERY_OLD {
        let mend = "see that the node follows its chain, and that the clock here is right (NTP)";
        return report.fail_unless(dev, check, found, mend);
    }
    if old > OLD {
        return report.warn(check, found, "look again: blocks should not be so old");
    }
    report.ok(check, found);
}

/// Whether Osaka's rules hold: tried out with an instruction that is new in it (EIP-7939), so that
/// no node has to be believed about its configuration.
async fn rules(report: &mut Report, client: &L1Client, head: &Header) -> Option<FeeInfo> {
    // Leading zeros of 1, returned: PUSH1 1, CLZ, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN.
    let leading_zeros = run(client, &[0x60, 1, 0x1e, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3]).await;
    let mend =
        "the rollup needs an L1 with the rules of Osaka or newer; of Anvil: --hardfork osaka";
    match leading_zeros {
        Ok(answer) if answer == U256::from(255) => report.ok("rules", "Osaka's hold"),
        Ok(_) => report.fail("rules", "Osaka's instruction CLZ answers something else", mend),
        Err(error @ L1Error::Rpc { .. }) => {
            let fork = match (head.requests_hash, head.blob_gas_used) {
                (Some(_), _) => "Prague",
                (None, Some(_)) => "Cancun",
                (None, None) => "older than Cancun",
            };
            let found = format!("Osaka's do not hold (blocks look like {fork}): {error}");
            report.fail("rules", found, mend);
        }
        Err(error) => report.fail("rules", error.to_string(), mend),
    }
    match client.fee_info().await {
        Ok(fees) => {
            match fees.blob_base_fee {
                Some(fee) => report.ok(
                    "prices",
                    format!("base fee {}, blob base fee {}", gwei(fees.base_fee), gwei(fee)),
                ),
                None => report.fail("prices", "the chain has no blobs (EIP-4844)", mend),
            }
            Some(fees)
        }
        Err(error) => {
            report.fail("prices", error.to_string(), "use a node that answers eth_feeHistory");
            None
        }
    }
}

fn gwei(wei: u128) -> String {
    format!("{} gwei", show_amount(U256::from(wei), 9))
}

/// Runs code as a call would create it; what it returns.
async fn run(client: &L1Client, code: &[u8]) -> Result<U256, L1Error> {
    let call = json!({ "input": Bytes::copy_from_slice(code), "gas": format!("{TX_GAS_CAP:#x}") });
    let answer: Bytes = client.request("eth_call", (call, "latest")).await?;
    Ok(U256::try_from_be_slice(&answer).unwrap_or_default())
}

/// How much gas the node lets a call have, and a block.
async fn gas(report: &mut Report, client: &L1Client, head: &Header) {
    if head.gas_limit < TX_GAS_CAP {
        let found = format!("a block has {} gas", head.gas_limit);
        let mend =
            format!("use an L1 whose blocks have {TX_GAS_CAP} gas, as much as a transaction may");
        return report.fail("gas", found, mend);
    }
    // The gas that is left: GAS, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN.
    let left = run(client, &[0x5a, 0x5f, 0x52, 0x60, 32, 0x5f, 0xf3]).await;
    // A little goes for the call itself.
    let enough = U256::from(TX_GAS_CAP - 200_000);
    match left {
        Ok(left) if left >= enough => report.ok(
            "gas",
            format!(
                "a block has {}, a call gets the {TX_GAS_CAP} of a transaction",
                head.gas_limit
            ),
        ),
        Ok(left) => report.warn(
            "gas",
            format!("a call gets only {left} gas"),
            format!("raise the node's limit (of geth: --rpc.gascap) to {TX_GAS_CAP} or more"),
        ),
        Err(error) => {
            report.warn("gas", error.to_string(), "see that the node answers eth_call");
        }
    }
}

async fn tags(report: &mut Report, client: &L1Client, head: &Header) -> Option<BlockRef> {
    let finalized = client.finalized().await;
    let safe = client.safe().await;
    match (safe, finalized) {
        (Ok(_), Ok(Some(block))) => {
            let behind = head.number.saturating_sub(block.number);
            report.ok("finality", format!("block {} is final, {behind} behind", block.number));
            Some(block)
        }
        (Err(error), _) | (_, Err(error)) => {
            let mend = "use a node with the tags safe and finalized: behind it runs a beacon node";
            report.fail("finality", error.to_string(), mend);
            None
        }
        (Ok(_), Ok(None)) => {
            let mend = "nothing becomes final on L2 until then, and nothing final is proposed";
            report.warn("finality", "no block is final yet", mend);
            None
        }
    }
}

/// How wide a question for logs may be, and whether receipts can be had.
async fn logs(report: &mut Report, client: &L1Client, head: &Header) {
    let mut range = LOG_RANGE.min(head.number.saturating_add(1));
    let widest = range;
    let granted = loop {
        let filter = Filter::new()
            .from_block((head.number + 1).saturating_sub(range))
            .to_block(head.number)
            .event_signature(IInbox::RollupCreated::SIGNATURE_HASH);
        match client.request::<_, Vec<Value>>("eth_getLogs", (filter,)).await {
            Ok(_) => break Ok(range),
            Err(L1Error::Rpc { .. } | L1Error::Timeout { .. }) if range > 10 => range /= 4,
            Err(error) => break Err(error),
        }
    };
    match granted {
        Ok(range) if range < 1_000.min(widest) => report.warn(
            "logs",
            format!("eth_getLogs answers for {range} blocks at once"),
            "finding the chain takes long: use a node that takes 1000 or more",
        ),
        Ok(range) => report.ok("logs", format!("eth_getLogs answers for {range} blocks at once")),
        Err(error) => {
            report.fail("logs", error.to_string(), "use a node that answers eth_getLogs");
        }
    }
    let receipts: Result<Value, _> =
        client.request("eth_getBlockReceipts", (BlockNumberOrTag::Number(head.number),)).await;
    match receipts {
        Ok(_) => report.ok("receipts", "what a block logs is checked against its header"),
        Err(error) if error.is_method_missing() => report.warn(
            "receipts",
            "the node has no eth_getBlockReceipts",
            "its word is taken for which logs a block has: use a node of your own, or one that has it",
        ),
        Err(error) => report.warn("receipts", error.to_string(), "see that the node answers it"),
    }
}

/// The endpoint that serves blobs.
pub(super) async fn blobs(report: &mut Report, url: &str, l1: &Facts) {
    let mend = "name the URL of a beacon node of this L1 with --beacon";
    let source = match BlobSource::new(url) {
        Ok(source) => source,
        Err(error) => return report.fail("blobs", error.to_string(), mend),
    };
    // A beacon node may be a slot behind.
    let parent = l1.client.header_by_hash(l1.head.parent_hash).await;
    let (block, timestamp) = parent.map_or_else(
        |_| (BlockRef { number: l1.head.number, hash: l1.hash }, l1.head.timestamp),
        |parent| (BlockRef::from(&parent), parent.timestamp),
    );
    for info in source.describe(block, timestamp).await {
        let name = match (&info.version, info.beacon) {
            (Some(version), _) => format!("{version} at {}", info.url),
            (None, true) => format!("a beacon node at {}", info.url),
            (None, false) => format!("a development node at {}", info.url),
        };
        match info.blobs {
            Err(reason) => return report.fail("blobs", format!("{name}: {reason}"), mend),
            Ok(_) if info.syncing => {
                let found = format!("{name} is still catching up with its chain");
                return report.fail("blobs", found, "wait until it has");
            }
            Ok(_) => report.ok("blobs", format!("{name} answers")),
        }
    }
    fetch_one(report, &source, l1).await;
}

/// Fetches the blobs of the newest block that has some, and checks them against its hashes.
async fn fetch_one(report: &mut Report, source: &BlobSource, l1: &Facts) {
    let newest = l1.head.number;
    for number in (newest.saturating_sub(BLOB_SEARCH)..=newest).rev() {
        let Ok(header) = l1.client.header(number.into()).await else { break };
        if header.blob_gas_used.unwrap_or_default() == 0 {
            continue;
        }
        let block: Result<Value, _> =
            l1.client.request("eth_getBlockByHash", (header.hash(), true)).await;
        let hashes: Vec<B256> = block
            .ok()
            .and_then(|block| block["transactions"].as_array().cloned())
            .unwrap_or_default()
            .iter()
            .filter_map(|tx| {
                serde_json::from_value::<Vec<B256>>(tx["blobVersionedHashes"].clone()).ok()
            })
            .flatten()
            .collect();
        match source.blobs(BlockRef::from(&header), header.timestamp, &hashes, &[]).await {
            Ok(blobs) => {
                let found = format!("{} of block {number}, as their hashes say", blobs.len());
                report.ok("blobs fetched", found);
            }
            Err(error) => report.fail(
                "blobs fetched",
                error.to_string(),
                "name a beacon node that keeps all blobs (of this L1) with --beacon",
            ),
        }
        return;
    }
    report.ok("blobs fetched", format!("none to try: the newest {BLOB_SEARCH} blocks have none"));
}

/// Whether the node at `url` lets its user set balances, as a development node does.
pub(super) async fn is_dev(client: &L1Client) -> bool {
    client.request::<_, Value>("anvil_nodeInfo", ()).await.is_ok()
}
