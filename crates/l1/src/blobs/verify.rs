//! Picks the blobs that were asked for out of an answer, by their commitments.

use crate::kzg::{blob_versioned_hash, have_commitments};
use alloy::{
    eips::eip4844::{Blob, Bytes48, kzg_to_versioned_hash},
    primitives::B256,
};

/// The blobs whose versioned hash is wanted. Anything else in the answer is dropped. Whoever knows
/// the commitments of two or more of them spares most of the work on those.
pub(super) async fn matching(
    blobs: Vec<Blob>,
    wanted: &[B256],
    commitments: &[Bytes48],
) -> Vec<(B256, Blob)> {
    let (wanted, commitments) = (wanted.to_vec(), commitments.to_vec());
    let work = move || {
        let known = known(&blobs, &wanted, &commitments);
        let together = known.iter().flatten().count();
        if together > 0 {
            tracing::debug!(blobs = together, of = wanted.len(), "blobs checked together");
        }
        let mut found: Vec<(B256, Blob)> = Vec::with_capacity(wanted.len());
        for (blob, known) in blobs.into_iter().zip(known) {
            if found.len() == wanted.len() {
                break;
            }
            let Some(hash) = known.or_else(|| blob_versioned_hash(&blob).ok()) else { continue };
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

/// The versioned hashes of the blobs, as far as commitments show them at once: of an answer that is
/// the wanted blobs in their order, those whose commitments are said, if these are two or more.
fn known(blobs: &[Blob], wanted: &[B256], commitments: &[Bytes48]) -> Vec<Option<B256>> {
    let nothing = vec![None; blobs.len()];
    if blobs.len() != wanted.len() {
        return nothing;
    }
    let said: Vec<_> =
        commitments.iter().map(|bytes| (kzg_to_versioned_hash(bytes.as_slice()), *bytes)).collect();
    let (mut hashes, mut pairs) = (nothing.clone(), Vec::new());
    for ((hash, blob), known) in wanted.iter().zip(blobs).zip(&mut hashes) {
        if let Some((_, commitment)) = said.iter().find(|(other, _)| other == hash) {
            *known = Some(*hash);
            pairs.push((blob, *commitment));
        }
    }
    // One alone is recomputed as fast.
    if pairs.len() > 1 && have_commitments(&pairs) { hashes } else { nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{blobs::tests::blob, kzg::blob_commitment};

    fn blobs() -> Vec<Blob> {
        [1, 2, 3].map(blob).to_vec()
    }

    fn all_of(blobs: &[Blob]) -> (Vec<B256>, Vec<Bytes48>) {
        let commitments: Vec<_> = blobs.iter().map(|blob| blob_commitment(blob).unwrap()).collect();
        let hash = |bytes: &Bytes48| kzg_to_versioned_hash(bytes.as_slice());
        (commitments.iter().map(hash).collect(), commitments)
    }

    #[test]
    fn an_answer_is_known_by_commitments_in_any_order() {
        let blobs = blobs();
        let (hashes, mut commitments) = all_of(&blobs);
        commitments.push(Bytes48::ZERO);
        commitments.reverse();
        assert_eq!(
            known(&blobs, &hashes, &commitments),
            [hashes[0], hashes[1], hashes[2]].map(Some)
        );
    }

    /// As where batches in several blobs and in one are in the same block.
    #[tokio::test]
    async fn what_is_said_of_some_blobs_spares_work_on_those() {
        let blobs = blobs();
        let (hashes, mut commitments) = all_of(&blobs);
        commitments.remove(1);
        let some = [Some(hashes[0]), None, Some(hashes[2])];
        assert_eq!(known(&blobs, &hashes, &commitments), some);
        let all: Vec<_> = hashes.iter().copied().zip(blobs.clone()).collect();
        assert_eq!(matching(blobs, &hashes, &commitments).await, all);
    }

    #[tokio::test]
    async fn without_the_right_commitments_blobs_are_looked_at_one_by_one() {
        let blobs = blobs();
        let (hashes, commitments) = all_of(&blobs);
        let all: Vec<_> = hashes.iter().copied().zip(blobs.clone()).collect();
        for commitments in [&[][..], &commitments[2..], &[Bytes48::ZERO; 3]] {
            assert_eq!(known(&blobs, &hashes, commitments), [None; 3]);
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
        let (hashes, commitments) = all_of(&blobs);
        blobs[1][31] = 9;
        let found = matching(blobs.clone(), &hashes, &commitments).await;
        assert_eq!(found, [(hashes[0], blobs[0]), (hashes[2], blobs[2])]);
    }

    /// What a liar would say of its own blobs.
    #[tokio::test]
    async fn attack_commitments_of_other_blobs() {
        let (hashes, _) = all_of(&blobs());
        let mut others = blobs();
        others.iter_mut().for_each(|blob| blob[31] += 10);
        let (_, commitments) = all_of(&others);
        assert_eq!(matching(others, &hashes, &commitments).await, []);
    }
}
