//! The batches that lie on L1, as everybody can read them there.

use super::Rpc;
use alloy::{
    eips::eip4844::kzg_to_versioned_hash,
    primitives::{B256, Bytes},
    rpc::types::Log,
    sol_types::{SolCall, SolEvent},
};
use mezz_contracts::bindings::IInbox;
use mezz_derivation::{batch::Batch, blob};
use mezz_l1::{BlobSource, BlockRef};
use serde_json::json;
use std::collections::BTreeMap;

/// Chain id of the Layer 2 of all scenarios.
pub(super) const L2_CHAIN_ID: u64 = 901;

/// First and last block of each batch, by the L1 transaction that posted it. What was read once is
/// not read again.
#[derive(Debug, Default)]
pub(super) struct Batches(BTreeMap<B256, (u64, u64)>);

impl Batches {
    /// Reads those that are new.
    pub(super) async fn read(&mut self, l1: &Rpc, inbox: &str) {
        let filter = json!({ "address": inbox, "fromBlock": "0x0", "toBlock": "latest" });
        let logs = l1.call("eth_getLogs", (filter,)).await;
        let logs: Vec<Log> = serde_json::from_value(logs).expect("logs");
        let blobs = BlobSource::new(l1.url()).expect("a URL");
        for log in logs {
            let transaction = log.transaction_hash.expect("a mined log");
            if self.0.contains_key(&transaction) {
                continue;
            }
            let data = if let Ok(event) = IInbox::BatchSubmitted::decode_log(&log.inner) {
                let block = BlockRef {
                    number: log.block_number.expect("a mined log"),
                    hash: log.block_hash.expect("a mined log"),
                };
                let hashes = event.data.blobHashes;
                assert_commitments(&input(l1, transaction).await, &hashes);
                let blobs = blobs.blobs(block, 0, &hashes, &[]).await;
                let blobs = blobs.unwrap_or_else(|error| panic!("{error}"));
                let blobs: Vec<_> = blobs.iter().map(|blob| blob.as_slice()).collect();
                blob::from_blobs(&blobs).expect("packed by the batcher")
            } else if IInbox::BatchSubmittedCalldata::decode_log(&log.inner).is_ok() {
                let input = input(l1, transaction).await;
                let call = IInbox::submitBatchCalldataCall::abi_decode(&input);
                call.expect("what the inbox took").data.to_vec()
            } else {
                continue;
            };
            let batch = Batch::decode(&data, L2_CHAIN_ID).expect("encoded by the batcher");
            let last = batch.first_number + batch.blocks.len() as u64 - 1;
            self.0.insert(transaction, (batch.first_number, last));
        }
    }

    /// No block is in two batches, and every one up to `safe` is in one.
    pub(super) fn assert_each_block_once(&self, safe: u64) {
        let mut ranges: Vec<_> = self.0.values().copied().collect();
        ranges.sort_unstable();
        let mut next = 1;
        for (first, last) in &ranges {
            assert!(*first >= next, "blocks {first} to {last} are posted twice: {ranges:?}");
            assert!(*first == next, "blocks {next} to {} are not posted: {ranges:?}", first - 1);
            next = last + 1;
        }
        assert!(next > safe, "block {safe} is safe, and blocks from {next} on are not posted");
    }
}

async fn input(l1: &Rpc, transaction: B256) -> Bytes {
    let tx = l1.call("eth_getTransactionByHash", (transaction,)).await;
    serde_json::from_value(tx["input"].clone()).expect("bytes")
}

/// The batcher says the commitments of its blobs, if there are several.
fn assert_commitments(input: &[u8], hashes: &[B256]) {
    let said = input.strip_prefix(&IInbox::submitBatchCall::SELECTOR).expect("the call");
    let said: Vec<_> = said.chunks(48).map(kzg_to_versioned_hash).collect();
    assert_eq!(said, if hashes.len() > 1 { hashes } else { &[] });
}
