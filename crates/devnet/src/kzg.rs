//! The proofs of blobs (EIP-4844, EIP-7594).

use alloy_eips::{eip4844::BlobTransactionValidationError, eip7594::BlobTransactionSidecarVariant};
use c_kzg::KzgSettings;
use mezz_primitives::B256;

/// Ethereum's trusted setup, the one that the client of L1 in the same process uses. Checking needs none
/// of c-kzg's precomputed tables, which take 100 MB and most of the time to load.
fn settings() -> &'static KzgSettings {
    c_kzg::ethereum_kzg_settings(0)
}

/// Checks that the commitments are those of the versioned hashes and that the blobs are those of
/// the commitments. Cell proofs and, as Anvil does, blob proofs are accepted.
pub(crate) fn check(
    hashes: &[B256],
    sidecar: &BlobTransactionSidecarVariant,
) -> Result<(), String> {
    sidecar.validate(hashes, settings()).map_err(|error| match error {
        BlobTransactionValidationError::InvalidProof => "invalid KZG proof".to_owned(),
        error => error.to_string(),
    })
}

/// Loads the trusted setup, which takes a second or more, on a thread of its own, so that neither
/// the start nor the first blob waits for it.
pub(crate) fn warm_up() {
    let spawned = std::thread::Builder::new().name("kzg-setup".into()).spawn(|| {
        settings();
    });
    if let Err(error) = spawned {
        tracing::debug!(%error, "the trusted setup is loaded with the first blob");
    }
}
