//! Reading blobs over JSON-RPC.

use super::verb;
use crate::node::Node;
use alloy_eips::eip4844::Blob;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_primitives::{B256, Bytes};
use mezz_rpc::{Args, Failure};

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(module, &["anvil_getBlobByHash"], by_hash)?;
    verb(module, &["anvil_getBlobsByTransactionHash"], by_transaction)
}

/// The blob with a versioned hash, or null.
fn by_hash(node: &Node, mut args: Args<'_>) -> Result<Option<Bytes>, Failure> {
    let hash: B256 = args.required()?;
    args.end()?;
    let blob = node.blobs.by_versioned_hash(&hash)?;
    Ok(blob.map(|blob| bytes(&blob)))
}

/// The blobs of a mined transaction in order, or null.
fn by_transaction(node: &Node, mut args: Args<'_>) -> Result<Option<Vec<Bytes>>, Failure> {
    let hash: B256 = args.required()?;
    args.end()?;
    let Some((block, _)) = node.chain.transaction(hash).map_err(Failure::internal)? else {
        return Ok(None);
    };
    let txs = node.blobs.of_block(block.number(), block.hash())?.unwrap_or_default();
    let sidecar = txs.into_iter().find(|(tx, _)| *tx == hash);
    Ok(sidecar.map(|(_, sidecar)| sidecar.blobs().iter().map(bytes).collect()))
}

fn bytes(blob: &Blob) -> Bytes {
    Bytes::copy_from_slice(blob.as_slice())
}
