//! Picks the blobs that were asked for out of an answer, by recomputing their commitments.

use crate::kzg::blob_versioned_hash;
use alloy::{eips::eip4844::Blob, primitives::B256};

/// The blobs whose versioned hash is wanted. Anything else in the answer is dropped.
pub(super) async fn matching(blobs: Vec<Blob>, wanted: &[B256]) -> Vec<(B256, Blob)> {
    let wanted = wanted.to_vec();
    let work = move || {
        let mut found: Vec<(B256, Blob)> = Vec::with_capacity(wanted.len());
        for blob in blobs {
            if found.len() == wanted.len() {
                break;
            }
            let Ok(hash) = blob_versioned_hash(&blob) else { continue };
            if wanted.contains(&hash) && found.iter().all(|(other, _)| *other != hash) {
                found.push((hash, blob));
            }
        }
        found
    };
    // The task neither panics nor is cancelled; if the runtime shuts down nothing was found.
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}
