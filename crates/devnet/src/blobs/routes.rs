//! The beacon endpoint: the blobs of a block, and the time of the first one.
//!
//! As on Anvil, and unlike on a beacon node, a block is named by its execution number or hash and
//! not by its slot. Bodies are Anvil's; `head` is understood besides.

use super::BlobStore;
use alloy_eips::eip4844::Blob;
use alloy_primitives::hex;
use mezz_chain::{BlockRecord, Chain};
use mezz_primitives::B256;
use mezz_rpc::{GetRequest, GetResponse, GetRoute};
use serde_json::json;
use std::sync::Arc;

const BLOBS: &str = "/eth/v1/beacon/blobs/";
const SIDECARS: &str = "/eth/v1/beacon/blob_sidecars/";
const GENESIS: &str = "/eth/v1/beacon/genesis";
/// Hashes in one filter: a block has at most 21 blobs.
const MAX_HASHES: usize = 64;

/// The routes over `chain` and its blobs.
pub(crate) fn routes(chain: Chain, store: Arc<BlobStore>, genesis_time: u64) -> Vec<GetRoute> {
    vec![
        GetRoute::new(BLOBS, move |request| {
            blobs(&chain, &store, request).unwrap_or_else(|refusal| refusal)
        }),
        GetRoute::new(SIDECARS, |_| {
            problem(410, "this endpoint is gone: use /eth/v1/beacon/blobs/{block_id}")
        }),
        GetRoute::new(GENESIS, move |_| {
            let data = json!({
                "genesis_time": genesis_time.to_string(),
                "genesis_validators_root": B256::ZERO,
                "genesis_fork_version": "0x00000000",
            });
            GetResponse::json(200, json!({ "data": data }).to_string())
        }),
    ]
}

fn problem(status: u16, message: &str) -> GetResponse {
    GetResponse::json(status, json!({ "code": status, "message": message }).to_string())
}

fn blobs(
    chain: &Chain,
    store: &BlobStore,
    request: &GetRequest,
) -> Result<GetResponse, GetResponse> {
    let id = request.after(BLOBS).unwrap_or_default();
    let wanted = wanted(request)?;
    let block = find(chain, id)?.ok_or_else(|| problem(404, "Block not found"))?;
    let found = store
        .of_block(block.number(), block.hash())
        .map_err(|error| problem(500, &error.to_string()))?;
    if found.is_none() && block.transactions.iter().any(|tx| tx.tx.is_blob()) {
        return Err(problem(404, "Blobs not found: they are older than the node keeps them"));
    }
    let found = found.unwrap_or_default();
    let blobs: Vec<&Blob> = found
        .iter()
        .flat_map(|(_, sidecar)| sidecar.versioned_hashes().zip(sidecar.blobs()))
        .filter(|(hash, _)| wanted.as_ref().is_none_or(|wanted| wanted.contains(hash)))
        .map(|(_, blob)| blob)
        .collect();
    if request.accept.as_deref().is_some_and(|accept| accept.contains("application/octet-stream")) {
        // SSZ of a list of items of fixed size: one after the other.
        let body = blobs.iter().flat_map(|blob| blob.as_slice()).copied().collect();
        return Ok(GetResponse { status: 200, content_type: "application/octet-stream", body });
    }
    let finalized = block.number() <= chain.heads().finalized.number;
    Ok(GetResponse::json(200, body(finalized, &blobs)))
}

/// The body, written by hand: a blob has 262,146 characters.
fn body(finalized: bool, blobs: &[&Blob]) -> String {
    let mut body = String::with_capacity(100 + blobs.len() * (2 * 131_072 + 5));
    body.push_str(r#"{"execution_optimistic":false,"finalized":"#);
    body.push_str(if finalized { "true" } else { "false" });
    body.push_str(r#","data":["#);
    for (at, blob) in blobs.iter().enumerate() {
        body.push_str(if at == 0 { "\"" } else { ",\"" });
        body.push_str(&hex::encode_prefixed(blob.as_slice()));
        body.push('"');
    }
    body.push_str("]}");
    body
}

/// The filter, if there is one: a list in one parameter, or a parameter for each.
fn wanted(request: &GetRequest) -> Result<Option<Vec<B256>>, GetResponse> {
    let mut hashes = None;
    for text in request.query_values("versioned_hashes").flat_map(|list| list.split(',')) {
        let hash = text
            .parse()
            .map_err(|_| problem(400, &format!("Invalid versioned hash: {}", shorten(text))))?;
        let hashes: &mut Vec<B256> = hashes.get_or_insert_default();
        if hashes.len() == MAX_HASHES {
            return Err(problem(400, &format!("more than {MAX_HASHES} versioned hashes")));
        }
        hashes.push(hash);
    }
    Ok(hashes)
}

fn find(chain: &Chain, id: &str) -> Result<Option<Arc<BlockRecord>>, GetResponse> {
    let by_number = |number| chain.block_by_number(number);
    let found = match id {
        "head" => Ok(Some(chain.head())),
        "finalized" => by_number(chain.heads().finalized.number),
        id => match (id.parse(), id.strip_prefix("0x")) {
            (Ok(number), _) => by_number(number),
            (_, Some(digits)) if digits.len() == 64 => match id.parse() {
                Ok(hash) => chain.block_by_hash(hash),
                Err(_) => return Err(invalid(id)),
            },
            (_, Some(digits)) => match u64::from_str_radix(digits, 16) {
                Ok(number) => by_number(number),
                Err(_) => return Err(invalid(id)),
            },
            _ => return Err(invalid(id)),
        },
    };
    found.map_err(|error| problem(500, &error.to_string()))
}

fn invalid(id: &str) -> GetResponse {
    problem(400, &format!("Invalid block ID: {}", shorten(id)))
}

fn shorten(text: &str) -> &str {
    text.get(..80).unwrap_or(text)
}
