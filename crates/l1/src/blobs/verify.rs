//! Picks the blobs that were asked for out of an answer, by their commitments.

use crate::kzg::{blob_versioned_hash, have_commitments};
use alloy::{
    eips::eip4844::{Blob, Bytes48, kzg_to_versioned_hash},
    primitives::B256,
};

/// The blobs whose versioned hash is wanted. Anything else in the answer is dropped. Whoever knows
/// the commitments of all of them spares most of the work.
pub(super) async fn matching(
    blobs: Vec<Blob>,
    wanted: &[B256],
    commitments: &[Bytes48],
) -> Vec<(B256, Blob)> {
    let (wanted, commitments) = (wanted.to_vec(), commitments.to_vec());
    let work = move || {
        if are_those(&blobs, &wanted, &commitments) {
            tracing::debug!(blobs = blobs.len(), "blobs checked together");
            return wanted.into_iter().zip(blobs).collect();
        }
        one_by_one(blobs, &wanted)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(found) => found,
        // It does not panic: the runtime shuts down, and whoever waits is dropped with it. To say
        // that nothing was found would be false.
        Err(_) => std::future::pending().await,
    }
}

/// Whether the answer is the wanted blobs in their order. False also where that would not be found
/// out sooner than one by one.
fn are_those(blobs: &[Blob], wanted: &[B256], commitments: &[Bytes48]) -> bool {
    if wanted.len() < 2 || blobs.len() != wanted.len() {
        return false;
    }
    let hashed: Vec<_> =
        commitments.iter().map(|bytes| (kzg_to_versioned_hash(bytes.as_slice()), *bytes)).collect();
    let of = |hash| hashed.iter().find(|(other, _)| other == hash).map(|(_, bytes)| *bytes);
    let ordered: Option<Vec<_>> = wanted.iter().map(of).collect();
    ordered.is_some_and(|commitments| have_commitments(blobs, &commitments))
}

fn one_by_one(blobs: Vec<Blob>, wanted: &[B256]) -> Vec<(B256, Blob)> {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{blobs::tests::blob, kzg::blob_commitment};

    fn blobs() -> Vec<Blob> {
        [1, 2, 3].map(blob).to_vec()
    }

    fn known(blobs: &[Blob]) -> (Vec<B256>, Vec<Bytes48>) {
        let commitments: Vec<_> = blobs.iter().map(|blob| blob_commitment(blob).unwrap()).collect();
        let hash = |bytes: &Bytes48| kzg_to_versioned_hash(bytes.as_slice());
        (commitments.iter().map(hash).collect(), commitments)
    }

    #[test]
    fn an_answer_is_known_by_commitments_in_any_order() {
        let blobs = blobs();
        let (hashes, mut commitments) = known(&blobs);
        commitments.push(Bytes48::ZERO);
        commitments.reverse();
        assert!(are_those(&blobs, &hashes, &commitments));
    }

    #[tokio::test]
    async fn without_the_right_commitments_blobs_are_looked_at_one_by_one() {
        let blobs = blobs();
        let (hashes, commitments) = known(&blobs);
        let all: Vec<_> = hashes.iter().copied().zip(blobs.clone()).collect();
        for commitments in [&[][..], &commitments[1..], &[Bytes48::ZERO; 3]] {
            assert!(!are_those(&blobs, &hashes, commitments));
            assert_eq!(matching(blobs.clone(), &hashes, commitments).await, all);
        }
        let backwards: Vec<_> = blobs.iter().copied().rev().collect();
        assert_eq!(matching(backwards, &hashes, &commitments).await.len(), 3);
        let more = [blobs.clone(), blobs[..1].to_vec()].concat();
        assert_eq!(matching(more, &hashes, &commitments).await, all);
    }

    #[tokio::test]
    async fn attack_one_wrong_blob_among_those_whose_commitments_are_known() {
        let mut blobs = blobs();
        let (hashes, commitments) = known(&blobs);
        blobs[1][31] = 9;
        let found = matching(blobs.clone(), &hashes, &commitments).await;
        assert_eq!(found, [(hashes[0], blobs[0]), (hashes[2], blobs[2])]);
    }

    /// What a liar would say of its own blobs.
    #[tokio::test]
    async fn attack_commitments_of_other_blobs() {
        let (hashes, _) = known(&blobs());
        let mut others = blobs();
        others.iter_mut().for_each(|blob| blob[31] += 10);
        let (_, commitments) = known(&others);
        assert_eq!(matching(others, &hashes, &commitments).await, []);
    }
}
