//! KZG commitments of blobs (EIP-4844), with the trusted setup of Ethereum.
//!
//! Who makes blobs needs cell proofs, which c-kzg computes once it has transformed the setup for a
//! second or two. Who only reads them needs commitments: one sum over the points of the setup,
//! which need no preparation. And who is told the commitments of many blobs checks them all with
//! little more than one such sum.

use alloy::{
    eips::eip4844::{BYTES_PER_BLOB, Blob, Bytes48, kzg_to_versioned_hash},
    primitives::{B256, U256, b256, ruint::Uint},
};
use blst::{BLST_ERROR, MultiPoint, min_pk::PublicKey};
use c_kzg::KzgSettings;
use rand::{TryRngCore, rngs::OsRng};
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

/// Bytes and bits of a random factor.
const FACTOR: usize = 16;
const FACTOR_BITS: usize = 8 * FACTOR;

/// Has room for the sum of 2^63 products of a factor and a field element.
type Wide = Uint<448, 7>;

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

/// The points of the setup, one for each word of a blob.
fn points() -> Result<&'static [PublicKey], KzgError> {
    POINTS.as_deref().map_err(|error| KzgError::Setup(*error))
}

/// The words of a blob.
fn words(blob: &Blob) -> impl Iterator<Item = Result<&[u8], KzgError>> {
    blob.chunks_exact(SCALAR).enumerate().map(|(index, word)| {
        if *word < MODULUS[..] { Ok(word) } else { Err(KzgError::NotInField(index)) }
    })
}

fn sum(points: &[PublicKey], scalars: &[u8], bits: usize) -> Bytes48 {
    points.mult(scalars, bits).to_public_key().compress().into()
}

/// The commitment of a blob (EIP-4844), which takes some tens of milliseconds on all cores, so call
/// it off the async threads.
///
/// # Errors
/// If a word of the blob is not below the BLS12-381 scalar modulus.
pub fn blob_commitment(blob: &Blob) -> Result<Bytes48, KzgError> {
    let mut scalars = vec![0; BYTES_PER_BLOB];
    for (scalar, word) in scalars.chunks_exact_mut(SCALAR).zip(words(blob)) {
        scalar.copy_from_slice(word?);
        scalar.reverse();
    }
    Ok(sum(points()?, &scalars, SCALAR_BITS))
}

/// The versioned hash of a blob (EIP-4844), by way of [`blob_commitment`].
///
/// # Errors
/// As there.
pub fn blob_versioned_hash(blob: &Blob) -> Result<B256, KzgError> {
    Ok(kzg_to_versioned_hash(blob_commitment(blob)?.as_slice()))
}

/// Whether each of the blobs has the commitment beside it. Both are added up with the same random
/// factors, and the one sum must be the commitment of the other, as in the batch verification of
/// EIP-4844. Takes about as long as one commitment; a wrong blob passes with a chance of 2^-128.
pub(crate) fn have_commitments(pairs: &[(&Blob, Bytes48)]) -> bool {
    let Some(factors) = random_factors(pairs.len()) else { return false };
    // On the curve, in its group and not zero, or the second sum would mean nothing.
    let keys = pairs.iter().map(|(_, bytes)| PublicKey::key_validate(bytes.as_slice()));
    let Ok(keys) = keys.collect::<Result<Vec<_>, _>>() else { return false };
    let blobs = pairs.iter().map(|(blob, _)| *blob);
    let (Ok(points), Ok(scalars)) = (points(), weighted(blobs, &factors)) else { return false };
    let factors: Vec<u8> = factors.iter().flat_map(|factor| factor.to_le_bytes()).collect();
    sum(points, &scalars, SCALAR_BITS) == sum(&keys, &factors, FACTOR_BITS)
}

/// `None` if the operating system has no randomness.
fn random_factors(count: usize) -> Option<Vec<u128>> {
    let factor = || {
        let mut bytes = [0; FACTOR];
        OsRng.try_fill_bytes(&mut bytes).ok()?;
        Some(u128::from_le_bytes(bytes))
    };
    (0..count).map(|_| factor()).collect()
}

/// The sums of the blobs' words, each times its blob's factor, as scalars.
fn weighted<'a>(
    blobs: impl Iterator<Item = &'a Blob>,
    factors: &[u128],
) -> Result<Vec<u8>, KzgError> {
    let mut sums = vec![Wide::ZERO; BYTES_PER_BLOB / SCALAR];
    for (blob, factor) in blobs.zip(factors) {
        let factor = Uint::<128, 2>::from(*factor);
        for (sum, word) in sums.iter_mut().zip(words(blob)) {
            let product: Uint<384, 6> = U256::from_be_slice(word?).widening_mul(factor);
            *sum += Wide::from(product);
        }
    }
    let modulus = Wide::from(U256::from_be_bytes(MODULUS.0));
    let scalars = sums.iter().flat_map(|sum| {
        let mut bytes = [0; SCALAR];
        bytes.copy_from_slice(&(sum % modulus).to_le_bytes::<56>()[..SCALAR]);
        bytes
    });
    Ok(scalars.collect())
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
            let blob = random_blob(&mut rng, filled);
            assert_eq!(blob_versioned_hash(&blob), by_ckzg(&blob));
        }
    }

    /// A valid blob whose first `filled` bytes are random.
    fn random_blob(rng: &mut StdRng, filled: usize) -> Blob {
        let mut blob = Blob::ZERO;
        rng.fill_bytes(&mut blob[..filled]);
        for word in blob.chunks_exact_mut(SCALAR) {
            word[0] &= 0x3f;
        }
        blob
    }

    fn random_blobs(count: usize) -> Vec<Blob> {
        let mut rng = StdRng::seed_from_u64(7594);
        (0..count).map(|_| random_blob(&mut rng, BYTES_PER_BLOB)).collect()
    }

    fn commitments_of(blobs: &[Blob]) -> Vec<Bytes48> {
        blobs.iter().map(|blob| blob_commitment(blob).unwrap()).collect()
    }

    fn have(blobs: &[Blob], commitments: &[Bytes48]) -> bool {
        assert_eq!(blobs.len(), commitments.len());
        let pairs: Vec<_> = blobs.iter().zip(commitments.iter().copied()).collect();
        have_commitments(&pairs)
    }

    #[test]
    fn blobs_are_checked_together() {
        let mut blobs = random_blobs(7);
        // One word alone, the largest.
        blobs[3] = Blob::ZERO;
        blobs[3][..SCALAR].copy_from_slice(&MODULUS[..]);
        blobs[3][SCALAR - 1] -= 1;
        let commitments = commitments_of(&blobs);
        for count in 1..=blobs.len() {
            assert!(have(&blobs[..count], &commitments[..count]), "{count}");
        }
    }

    #[test]
    fn attack_one_bit_of_one_blob_is_another() {
        let blobs = random_blobs(4);
        let commitments = commitments_of(&blobs);
        for at in 0..blobs.len() {
            let mut altered = blobs.clone();
            altered[at][SCALAR * 1_000 + 31] ^= 1;
            assert!(!have(&altered, &commitments), "{at}");
        }
    }

    /// Their sum is what it was.
    #[test]
    fn attack_two_blobs_altered_against_each_other() {
        let mut blobs = random_blobs(2);
        for blob in &mut blobs {
            blob[SCALAR - 1] = 100;
        }
        let commitments = commitments_of(&blobs);
        assert!(have(&blobs, &commitments));
        blobs[0][SCALAR - 1] += 1;
        blobs[1][SCALAR - 1] -= 1;
        assert!(!have(&blobs, &commitments));
        blobs[0][SCALAR - 1] -= 1;
        blobs[1][SCALAR - 1] += 1;
        blobs.swap(0, 1);
        assert!(!have(&blobs, &commitments));
    }

    #[test]
    fn attack_commitments_that_are_none() {
        let blobs = random_blobs(2);
        let commitments = commitments_of(&blobs);
        let infinity = {
            let mut bytes = Bytes48::ZERO;
            bytes[0] = 0xc0;
            bytes
        };
        // A point of the curve that is not in its group: x = 4.
        let outside = {
            let mut bytes = Bytes48::with_last_byte(4);
            bytes[0] = 0x80;
            bytes
        };
        assert_eq!(PublicKey::uncompress(outside.as_slice()).map(|_| ()), Ok(()));
        for wrong in [Bytes48::ZERO, infinity, outside, Bytes48::repeat_byte(0xff)] {
            assert!(!have(&blobs, &[commitments[0], wrong]), "{wrong}");
        }
        let mut beyond = blobs;
        beyond[1][..SCALAR].copy_from_slice(&MODULUS[..]);
        assert!(!have(&beyond, &commitments));
    }

    fn by_ckzg(blob: &Blob) -> Result<B256, KzgError> {
        let commitment = settings().blob_to_kzg_commitment(blob.as_ckzg()).unwrap();
        Ok(kzg_to_versioned_hash(commitment.to_bytes().as_slice()))
    }
}
