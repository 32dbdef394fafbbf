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
    match tokio::task::spawn_blocking(work).await {
        Ok(found) => found,
        // It does not panic: the runtime shuts down, and whoever waits is dropped with it. To say
        // that nothing was found would be false.
        Err(_) => std::future::pending().await,
    }
}
