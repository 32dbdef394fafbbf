//! Taking transactions out of the pool.

use super::verb;
use crate::node::Node;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_primitives::{Address, B256};
use mezz_rpc::{Args, Failure};

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(module, &["anvil_dropTransaction", "hardhat_dropTransaction"], drop_transaction)?;
    verb(module, &["anvil_dropAllTransactions", "hardhat_dropAllTransactions"], drop_all)?;
    verb(module, &["anvil_removePoolTransactions"], drop_of_sender)
}

/// Answers the hash, or null if it is not in the pool.
fn drop_transaction(node: &Node, mut args: Args<'_>) -> Result<Option<B256>, Failure> {
    let hash = args.required()?;
    args.end()?;
    Ok(node.pool.remove(&hash).map(|tx| tx.hash))
}

fn drop_all(node: &Node, args: Args<'_>) -> Result<(), Failure> {
    args.end()?;
    node.pool.clear();
    Ok(())
}

fn drop_of_sender(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let address: Address = args.required()?;
    args.end()?;
    let (pending, queued) = node.pool.content_from(&address);
    // The last first: each removal then is that of a tail.
    for tx in pending.iter().chain(&queued).rev() {
        node.pool.remove(&tx.hash);
    }
    Ok(())
}
