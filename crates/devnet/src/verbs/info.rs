//! What the node is and how it stands.

use super::verb;
use crate::node::Node;
use alloy_primitives::{U64, U128};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_primitives::B256;
use mezz_rpc::{Args, Failure};
use serde::Serialize;

/// Wei per gas above the base fee in the proposed gas price.
const TIP: u128 = 1_000_000_000;

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(module, &["anvil_nodeInfo"], node_info)?;
    verb(module, &["anvil_metadata", "hardhat_metadata"], metadata)
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeInfo {
    current_block_number: U64,
    current_block_timestamp: u64,
    current_block_hash: B256,
    hard_fork: &'static str,
    transaction_order: &'static str,
    environment: Environment,
    fork_config: ForkConfig,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    base_fee: U128,
    chain_id: u64,
    gas_limit: U64,
    gas_price: U128,
}

/// There is no forked network here.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ForkConfig {
    fork_url: Option<String>,
    fork_block_number: Option<u64>,
    fork_retry_backoff: Option<u64>,
}

fn node_info(node: &Node, args: Args<'_>) -> Result<NodeInfo, Failure> {
    args.end()?;
    let head = node.chain.head();
    let settings = node.settings();
    let base_fee = u128::from(node.next_base_fee(&settings, &head.header));
    Ok(NodeInfo {
        current_block_number: U64::from(head.number()),
        current_block_timestamp: head.header.timestamp,
        current_block_hash: head.hash(),
        hard_fork: "Osaka",
        transaction_order: "fees",
        environment: Environment {
            base_fee: U128::from(base_fee),
            chain_id: node.chain.spec().chain_id,
            gas_limit: U64::from(settings.gas_limit),
            gas_price: U128::from(base_fee.saturating_add(TIP)),
        },
        fork_config: ForkConfig::default(),
    })
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    client_version: &'static str,
    client_semver: &'static str,
    chain_id: u64,
    instance_id: B256,
    latest_block_number: u64,
    latest_block_hash: B256,
    forked_network: Option<()>,
    snapshots: std::collections::BTreeMap<U64, (u64, B256)>,
}

fn metadata(node: &Node, args: Args<'_>) -> Result<Metadata, Failure> {
    args.end()?;
    let head = node.chain.head();
    let writer = node.writer();
    Ok(Metadata {
        client_version: concat!("mezz/v", env!("CARGO_PKG_VERSION")),
        client_semver: env!("CARGO_PKG_VERSION"),
        chain_id: node.chain.spec().chain_id,
        instance_id: node.chain.genesis_hash(),
        latest_block_number: head.number(),
        latest_block_hash: head.hash(),
        forked_network: None,
        snapshots: writer
            .snapshots
            .iter()
            .map(|(id, snapshot)| (U64::from(*id), (snapshot.number, snapshot.hash)))
            .collect(),
    })
}
