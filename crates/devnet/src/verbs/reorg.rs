//! Replacing the newest blocks, and taking them off.

use super::{args::Number, verb};
use crate::node::{Node, Plan};
use alloy_consensus::EthereumTypedTransaction;
use alloy_rpc_types_eth::TransactionRequest;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_evm::StateReader;
use mezz_pool::NewTransaction;
use mezz_primitives::{Address, Bytes, TxKind};
use mezz_rpc::{Args, Failure, Hooks};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Transactions in one request.
const MAX_TRANSACTIONS: usize = 10_000;
/// Wei per gas for the miner, if a request leaves it open.
const TIP: u128 = 1_000_000_000;

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(module, &["anvil_reorg"], reorg)?;
    verb(module, &["anvil_rollback"], rollback)
}

/// A signed transaction, or what one of the node's accounts is to sign.
#[derive(Deserialize)]
#[serde(untagged)]
enum TransactionData {
    Raw(Bytes),
    Request(Box<TransactionRequest>),
}

/// Replaces the last `depth` blocks by as many others. They hold only the given transactions, each
/// in the block at its offset from the first replaced one; one that is not valid there is left
/// out. Transactions of the old blocks are gone, unless given.
fn reorg(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let Number(depth) = args.required()?;
    let pairs: Vec<(TransactionData, Number)> = args.optional()?.unwrap_or_default();
    args.end()?;
    if pairs.len() > MAX_TRANSACTIONS {
        return Err(Failure::invalid_params("too many transactions"));
    }
    let mut writer = node.writer();
    let head = node.chain.head();
    let common = common_height(head.number(), depth)?;
    let mut blocks = collect(node, common, depth, pairs)?;
    let old = node.unwind(&mut writer, common)?;
    for (offset, replaced) in old.iter().rev().enumerate() {
        let plan = Plan {
            first: blocks.remove(&(offset as u64)).unwrap_or_default(),
            timestamp: Some(replaced.header.timestamp),
            ..Plan::default()
        };
        node.mine(&mut writer, plan)?;
    }
    Ok(())
}

/// Takes off the last `depth` blocks, one if absent.
fn rollback(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let depth = args.optional()?.map_or(1, |Number(depth)| depth);
    args.end()?;
    let mut writer = node.writer();
    let to = common_height(node.chain.head().number(), depth)?;
    node.unwind(&mut writer, to)?;
    Ok(())
}

fn common_height(height: u64, depth: u64) -> Result<u64, Failure> {
    height.checked_sub(depth).ok_or_else(|| {
        Failure::invalid_params(format!(
            "Reorg depth must not exceed current chain height: current height {height}, depth {depth}"
        ))
    })
}

/// The transactions by the offset of their block, all signed.
fn collect(
    node: &Node,
    common: u64,
    depth: u64,
    pairs: Vec<(TransactionData, Number)>,
) -> Result<BTreeMap<u64, Vec<NewTransaction>>, Failure> {
    let mut counts: HashMap<u64, u64> = HashMap::new();
    for (_, Number(offset)) in &pairs {
        if *offset >= depth {
            return Err(Failure::invalid_params(format!(
                "Block number for reorg tx will exceed the reorged chain height. Block number {} must not exceed {}",
                common.saturating_add(*offset).saturating_add(1),
                common.saturating_add(depth)
            )));
        }
        *counts.entry(*offset).or_default() += 1;
    }
    let mut signer = Signer { node, common, nonces: HashMap::new() };
    let mut blocks: BTreeMap<u64, Vec<NewTransaction>> = BTreeMap::new();
    for (data, Number(offset)) in pairs {
        let tx = match data {
            TransactionData::Raw(raw) => NewTransaction::decode(&raw).map_err(|error| {
                Failure::invalid_params(format!("Failed to decode transaction: {error}"))
            })?,
            TransactionData::Request(request) => {
                signer.sign(*request, counts.get(&offset).copied().unwrap_or(1))?
            }
        };
        if let Some(sidecar) = &tx.sidecar {
            let hashes: Vec<_> = sidecar.versioned_hashes().collect();
            crate::kzg::check(&hashes, sidecar).map_err(Failure::invalid_params)?;
        }
        blocks.entry(offset).or_default().push(tx);
    }
    Ok(blocks)
}

/// Completes and signs requests on the state after the common block.
struct Signer<'a> {
    node: &'a Node,
    common: u64,
    nonces: HashMap<Address, u64>,
}

impl Signer<'_> {
    /// `share` is how many transactions share the block.
    fn sign(
        &mut self,
        mut request: TransactionRequest,
        share: u64,
    ) -> Result<NewTransaction, Failure> {
        let chain = &self.node.chain;
        let from = request.from.ok_or_else(|| {
            Failure::invalid_params("the transaction has no sender: field `from` is missing")
        })?;
        if request.sidecar.is_some() || request.blob_versioned_hashes.is_some() {
            return Err(Failure::invalid_params("give a blob transaction as raw bytes"));
        }
        let next = match self.nonces.get(&from) {
            Some(next) => *next,
            None => {
                let state = chain.state_at(self.common).map_err(Failure::internal)?;
                state.account(&from).map_err(Failure::internal)?.unwrap_or_default().nonce
            }
        };
        let nonce = *request.nonce.get_or_insert(next);
        self.nonces.insert(from, nonce.saturating_add(1));
        request.chain_id = Some(chain.spec().chain_id);
        request.to.get_or_insert(TxKind::Create);
        let limit = self.node.chain.head().header.gas_limit / share.max(1);
        request.gas.get_or_insert(limit.min(alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA));
        if request.gas_price.is_none() {
            let base_fee = chain.head().header.base_fee_per_gas.unwrap_or_default();
            let tip = *request.max_priority_fee_per_gas.get_or_insert(TIP);
            // Enough through a dozen full blocks.
            let cap = u128::from(base_fee).saturating_mul(4).saturating_add(tip);
            request.max_fee_per_gas.get_or_insert(cap);
        }
        let typed = request.build_consensus_tx().map_err(|error| {
            Failure::invalid_params(format!("the transaction is not complete: {}", error.error))
        })?;
        let typed = match typed {
            EthereumTypedTransaction::Legacy(tx) => tx.into(),
            EthereumTypedTransaction::Eip2930(tx) => tx.into(),
            EthereumTypedTransaction::Eip1559(tx) => tx.into(),
            EthereumTypedTransaction::Eip7702(tx) => tx.into(),
            EthereumTypedTransaction::Eip4844(_) => {
                return Err(Failure::invalid_params("give a blob transaction as raw bytes"));
            }
        };
        Ok(self.node.hooks.sign_transaction(from, typed)?.into())
    }
}
