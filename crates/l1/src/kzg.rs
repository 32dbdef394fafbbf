//! KZG commitments of blobs (EIP-4844), with the trusted setup of Ethereum.

use alloy::{
    eips::eip4844::{AsCkzg, Blob, kzg_to_versioned_hash},
    primitives::B256,
};
use c_kzg::KzgSettings;

/// Ethereum's trusted setup without c-kzg's precomputed tables: they take 100 MB and a third of
/// the time to load, and make cell proofs hardly faster.
pub(crate) fn settings() -> &'static KzgSettings {
    c_kzg::ethereum_kzg_settings(0)
}

/// A blob for which no commitment exists: one of its 32-byte words is not a field element.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid blob: {0}")]
pub struct KzgError(pub String);

/// The versioned hash of a blob (EIP-4844): its commitment is recomputed, which takes some tens of
/// milliseconds, so call it off the async threads. The first call loads the trusted setup, which
/// takes seconds.
///
/// # Errors
/// If a word of the blob is not below the BLS12-381 scalar modulus.
pub fn blob_versioned_hash(blob: &Blob) -> Result<B256, KzgError> {
    let commitment = settings()
        .blob_to_kzg_commitment(blob.as_ckzg())
        .map_err(|error| KzgError(error.to_string()))?;
    Ok(kzg_to_versioned_hash(commitment.to_bytes().as_slice()))
}

/// Loads the trusted setup on a thread of its own, so that the first blob does not wait for it.
pub fn warm_up_kzg() {
    std::thread::spawn(|| {
        settings();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::b256;

    #[test]
    fn empty_blob_has_the_hash_of_the_point_at_infinity() {
        assert_eq!(
            blob_versioned_hash(&Blob::ZERO).unwrap(),
            b256!("010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014")
        );
    }

    #[test]
    fn word_above_the_modulus_is_refused() {
        assert!(blob_versioned_hash(&Blob::repeat_byte(0xff)).is_err());
    }
}
