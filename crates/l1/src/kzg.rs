//! KZG commitments of blobs (EIP-4844), with the trusted setup of Ethereum.
//!
//! Who makes blobs needs cell proofs, which c-kzg computes once it has transformed the setup for a
//! second or two. Who only reads them needs commitments: one sum over the points of the setup,
//! which need no preparation.

use alloy::{
    eips::eip4844::{BYTES_PER_BLOB, Blob, kzg_to_versioned_hash},
    primitives::{B256, b256},
};
use blst::{BLST_ERROR, MultiPoint, min_pk::PublicKey};
use c_kzg::KzgSettings;
use std::sync::LazyLock;

/// The Lagrange points of the setup in the order of the field elements of a blob, uncompressed:
/// `g1_lagrange` of the file `trusted_setup.txt` of ethereum/c-kzg-4844 (Apache-2.0), the result
/// of Ethereum's KZG ceremony, in bit-reversed order.
const LAGRANGE: &[u8; POINT * BYTES_PER_BLOB / SCALAR] = include_bytes!("../data/g1_lagrange.bin");
/// Bytes of an uncompressed point.
const POINT: usize = 96;
/// Bytes of a field element, and the bits that count.
const SCALAR: usize = 32;
const SCALAR_BITS: usize = 255;
/// The order of the scalar field of BLS12-381, which field elements are below.
const MODULUS: B256 = b256!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");

/// Points on the curve. That they are in its group is shown by the test that compares commitments.
static POINTS: LazyLock<Result<Vec<PublicKey>, BLST_ERROR>> =
    LazyLock::new(|| LAGRANGE.chunks_exact(POINT).map(PublicKey::deserialize).collect());

/// Ethereum's trusted setup without c-kzg's precomputed tables: they take 100 MB and a third of
/// the time to load, and make cell proofs hardly faster.
pub(crate) fn settings() -> &'static KzgSettings {
    c_kzg::ethereum_kzg_settings(0)
}

/// A blob for which no commitment exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KzgError {
    /// One of its words is not below the order of the field.
    #[error("not a valid blob: word {0} is not a field element")]
    NotInField(usize),
    /// The points in the program are damaged.
    #[error("the trusted setup cannot be used: {0:?}")]
    Setup(BLST_ERROR),
}

/// The versioned hash of a blob (EIP-4844): its commitment is recomputed, which takes some tens of
/// milliseconds on all cores, so call it off the async threads.
///
/// # Errors
/// If a word of the blob is not below the BLS12-381 scalar modulus.
pub fn blob_versioned_hash(blob: &Blob) -> Result<B256, KzgError> {
    let points = POINTS.as_ref().map_err(|error| KzgError::Setup(*error))?;
    let mut scalars = vec![0; BYTES_PER_BLOB];
    let words = scalars.chunks_exact_mut(SCALAR).zip(blob.chunks_exact(SCALAR));
    for (index, (scalar, word)) in words.enumerate() {
        if *word >= MODULUS[..] {
            return Err(KzgError::NotInField(index));
        }
        scalar.copy_from_slice(word);
        scalar.reverse();
    }
    let commitment = points.mult(&scalars, SCALAR_BITS).to_public_key().compress();
    Ok(kzg_to_versioned_hash(&commitment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::eips::eip4844::AsCkzg;
    use rand::{RngCore, SeedableRng, rngs::StdRng};

    #[test]
    fn empty_blob_has_the_hash_of_the_point_at_infinity() {
        assert_eq!(
            blob_versioned_hash(&Blob::ZERO).unwrap(),
            b256!("010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014")
        );
    }

    #[test]
    fn words_from_the_modulus_on_are_refused() {
        let mut blob = Blob::ZERO;
        let word = &mut blob[7 * SCALAR..8 * SCALAR];
        word.copy_from_slice(&MODULUS[..]);
        assert_eq!(blob_versioned_hash(&blob), Err(KzgError::NotInField(7)));
        blob[8 * SCALAR - 1] -= 1;
        assert_eq!(blob_versioned_hash(&blob), by_ckzg(&blob));
        assert!(blob_versioned_hash(&Blob::repeat_byte(0xff)).is_err());
    }

    /// Random factors: a single wrong point would make another sum.
    #[test]
    fn commitments_are_those_of_ckzg() {
        let mut rng = StdRng::seed_from_u64(4844);
        for filled in [BYTES_PER_BLOB, BYTES_PER_BLOB, SCALAR, 5 * SCALAR] {
            let mut blob = Blob::ZERO;
            rng.fill_bytes(&mut blob[..filled]);
            for word in blob.chunks_exact_mut(SCALAR) {
                word[0] &= 0x3f;
            }
            assert_eq!(blob_versioned_hash(&blob), by_ckzg(&blob));
        }
    }

    fn by_ckzg(blob: &Blob) -> Result<B256, KzgError> {
        let commitment = settings().blob_to_kzg_commitment(blob.as_ckzg()).unwrap();
        Ok(kzg_to_versioned_hash(commitment.to_bytes().as_slice()))
    }
}
