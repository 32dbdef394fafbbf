//! Fetching the batches that the inbox logged, and checking that they are those.

use super::{BatchLog, Fetched, LoggedData, MAX_BACKOFF, Sources};
use crate::{
    books::{Carrier, Posting, Spent},
    inbox,
    senders::{Ahead, L2Bounds},
};
use alloy::{
    consensus::Transaction as _,
    eips::eip4844::{BYTES_PER_BLOB, Bytes48},
    primitives::{B256, Bytes},
};
use futures::future::join_all;
use mezz_derivation::{L1Ref, derive::BatchData};
use mezz_l1::{BlobError, BlockRef, L1Error};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error(transparent)]
    L1(#[from] L1Error),
    #[error("L1 does not have the transaction {0} that posted a batch")]
    NoTransaction(B256),
    #[error("the calldata of {0} is not the batch that the inbox logged")]
    WrongCalldata(B256),
}

/// Fetches the batches of a block, however long it takes.
pub(super) async fn fetch_all(
    sources: Sources,
    block: L1Ref,
    timestamp: u64,
    logs: Vec<BatchLog>,
    wanted: Arc<AtomicBool>,
) -> Fetched {
    let mut backoff = Duration::from_millis(200);
    let mut failures = 0u32;
    let batches = loop {
        match fetch(&sources, block, timestamp, &logs).await {
            Ok(batches) => break batches,
            Err(error) => {
                failures += u32::from(wanted.load(Ordering::Relaxed));
                if failures.is_power_of_two() {
                    tracing::warn!(l1 = %block, failures, "a batch cannot be read yet: {error}; trying on");
                }
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
        }
    };
    if failures > 0 {
        tracing::info!(l1 = %block, "the batch has been read");
    }
    let (batches, ahead) = match sources.recover {
        Some(l2) => ahead(batches, l2).await,
        None => (batches, Ahead::default()),
    };
    let mut postings = Vec::with_capacity(batches.len());
    for (log, batch) in logs.iter().zip(&batches) {
        postings.push(posting(&sources, block, log, batch).await);
    }
    Fetched { batches, postings, ahead }
}

/// The batches decoded, and the senders of their transactions. Nothing depends on it: what is not
/// known is learnt when it is its turn.
async fn ahead(batches: Vec<BatchData>, l2: L2Bounds) -> (Vec<BatchData>, Ahead) {
    // Their bytes are shared.
    let mut read = batches.clone();
    let work = tokio::task::spawn_blocking(move || {
        let ahead = Ahead::of(&mut read, l2);
        (read, ahead)
    });
    work.await.unwrap_or_else(|error| {
        tracing::warn!("batches are not read ahead: {error}");
        (batches, Ahead::default())
    })
}

/// The batches of a block. Their blobs are fetched together, since they are checked together.
async fn fetch(
    sources: &Sources,
    block: L1Ref,
    timestamp: u64,
    logs: &[BatchLog],
) -> Result<Vec<BatchData>, FetchError> {
    let hashes: Vec<B256> = logs.iter().flat_map(BatchLog::blob_hashes).copied().collect();
    let commitments = if hashes.len() > 1 { commitments(sources, logs).await } else { Vec::new() };
    let of = BlockRef { number: block.number, hash: block.hash };
    let blobs = sources.blobs.blobs(of, timestamp, &hashes, &commitments).await?;
    let mut blobs = blobs.iter().map(|blob| Bytes::copy_from_slice(blob.as_slice()));
    let mut batches = Vec::with_capacity(logs.len());
    for log in logs {
        batches.push(match &log.data {
            LoggedData::Blobs(hashes) => {
                BatchData::Blobs(blobs.by_ref().take(hashes.len()).collect())
            }
            LoggedData::Calldata(data_hash) => {
                let hash = log.transaction;
                let tx = sources.l1.transaction(hash).await?;
                let tx = tx.ok_or(FetchError::NoTransaction(hash))?;
                let data = inbox::calldata(tx.input(), *data_hash);
                BatchData::Calldata(data.ok_or(FetchError::WrongCalldata(hash))?)
            }
        });
    }
    Ok(batches)
}

/// The commitments that came with the blobs, as far as L1 gives them: nothing depends on them.
async fn commitments(sources: &Sources, logs: &[BatchLog]) -> Vec<Bytes48> {
    let said =
        logs.iter().filter(|log| !log.blob_hashes().is_empty()).map(async |log| {
            match sources.l1.transaction(log.transaction).await {
                Ok(tx) => tx.map(|tx| inbox::commitments(tx.input())).unwrap_or_default(),
                Err(error) => {
                    tracing::debug!(transaction = %log.transaction, "no commitments: {error}");
                    Vec::new()
                }
            }
        });
    join_all(said).await.concat()
}

/// What the books need to know of a batch. Derivation does not wait for an L1 that does not say
/// what it cost.
async fn posting(sources: &Sources, block: L1Ref, log: &BatchLog, batch: &BatchData) -> Posting {
    let transaction = log.transaction;
    let spent = match sources.l1.receipt(transaction).await {
        Ok(Some(receipt)) if receipt.block_hash == Some(block.hash) => Some(Spent::of(&receipt)),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(l1 = %block, %transaction, "what a batch cost is not known: {error}");
            None
        }
    };
    let carrier = match log.data {
        LoggedData::Calldata(_) => Carrier::Calldata,
        LoggedData::Blobs(_) => Carrier::Blobs,
    };
    let all = log.blob_hashes().len() * BYTES_PER_BLOB;
    let bytes = batch.bytes().map_or(all, |batch| batch.len());
    Posting { transaction, carrier, bytes: bytes as u64, spent }
}
