//! Going back in time.

use super::{args::Number, verb};
use crate::node::{Node, Snapshot};
use alloy_primitives::U64;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_rpc::{Args, Failure};

/// Snapshots at a time; the oldest go.
const MAX_SNAPSHOTS: usize = 10_000;

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(module, &["evm_snapshot", "anvil_snapshot"], snapshot)?;
    verb(module, &["evm_revert", "anvil_revert"], revert)
}

/// Remembers the chain and the clock as they are. Snapshots do not outlive the process.
fn snapshot(node: &Node, args: Args<'_>) -> Result<U64, Failure> {
    args.end()?;
    let mut writer = node.writer();
    let head = node.chain.head();
    let id = writer.next_snapshot;
    writer.next_snapshot += 1;
    let settings = writer.settings;
    writer.snapshots.insert(id, Snapshot { number: head.number(), hash: head.hash(), settings });
    if writer.snapshots.len() > MAX_SNAPSHOTS {
        writer.snapshots.pop_first();
    }
    Ok(U64::from(id))
}

/// Goes back to a snapshot, past the finalized head too; it and later ones are used up, and the
/// pool is emptied. False if there is no such snapshot, or its block is gone.
fn revert(node: &Node, mut args: Args<'_>) -> Result<bool, Failure> {
    let Number(id) = args.required()?;
    args.end()?;
    let mut writer = node.writer();
    let Some(snapshot) = writer.snapshots.get(&id).copied() else { return Ok(false) };
    writer.snapshots.split_off(&id);
    let block = node.chain.block_by_number(snapshot.number).map_err(Failure::internal)?;
    if block.is_none_or(|block| block.hash() != snapshot.hash) {
        return Ok(false);
    }
    node.unwind(&mut writer, snapshot.number)?;
    let fork = writer.settings.fork;
    writer.settings = crate::settings::Settings { fork, ..snapshot.settings };
    writer.settings.store(&node.chain)?;
    node.pool.clear();
    node.tell_pool(&[], &[], &writer.settings);
    Ok(true)
}
