//! How the bytes of a batch lie in EIP-4844 blobs.
//!
//! A field element holds 254 bits freely, since 2^254 is below the modulus. Four elements hold
//! 127 bytes: 31 in the low bytes of each, and six bits more in the top byte of each, which make
//! the last three. A blob holds 130,048 bytes so. The stream of a batch runs through up to six
//! blobs and is preceded, once, by the packing version and its length.

use alloc::{vec, vec::Vec};
pub use alloy_eips::eip4844::{BYTES_PER_BLOB, Blob};

/// Blobs of a batch transaction at most.
pub const MAX_BLOBS: usize = 6;
/// The first byte of the first blob's stream.
pub const PACKING_VERSION: u8 = 1;

/// Version and length, three bytes big-endian.
const HEADER: usize = 4;
/// Field elements of a blob.
const ELEMENTS: usize = BYTES_PER_BLOB / 32;
/// Bytes that four field elements hold.
const GROUP: usize = 127;
/// Bytes that a blob holds.
const PER_BLOB: usize = ELEMENTS / 4 * GROUP;

/// Bytes of a batch that `blobs` blobs hold.
pub const fn capacity(blobs: usize) -> usize {
    (blobs * PER_BLOB).saturating_sub(HEADER)
}

/// Blobs that a batch of `len` bytes takes.
pub const fn blobs_for(len: usize) -> usize {
    (len + HEADER).div_ceil(PER_BLOB)
}

/// Why blobs hold no batch, or a batch does not go into blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// More than [`MAX_BLOBS`] are needed.
    #[error("{0} bytes do not fit in {MAX_BLOBS} blobs")]
    TooLong(usize),
    /// No blob, or more than [`MAX_BLOBS`].
    #[error("{0} blobs, between 1 and {MAX_BLOBS} are allowed")]
    Count(usize),
    /// A blob that is not 131,072 bytes long.
    #[error("blob of {0} bytes")]
    Size(usize),
    /// The two top bits of a field element are set.
    #[error("field element {0} is out of range")]
    Element(usize),
    /// An unknown packing version.
    #[error("unknown packing version {0}")]
    Version(u8),
    /// The length takes another count of blobs.
    #[error("length {0} does not belong to {1} blobs")]
    Length(usize, usize),
    /// The bytes after the batch are not zero.
    #[error("non-zero bytes after the batch")]
    Padding,
}

/// Packs `data` in as few blobs as hold it.
pub fn to_blobs(data: &[u8]) -> Result<Vec<Blob>, BlobError> {
    let count = blobs_for(data.len());
    if count > MAX_BLOBS {
        return Err(BlobError::TooLong(data.len()));
    }
    let mut stream = vec![0u8; count * PER_BLOB];
    // 24 bits hold the capacity of six blobs.
    let length = u32::try_from(data.len()).map_err(|_| BlobError::TooLong(data.len()))?;
    stream[..HEADER].copy_from_slice(&length.to_be_bytes());
    stream[0] = PACKING_VERSION;
    stream[HEADER..HEADER + data.len()].copy_from_slice(data);

    let mut blobs = vec![Blob::ZERO; count];
    for (blob, bytes) in blobs.iter_mut().zip(stream.chunks_exact(PER_BLOB)) {
        for (elements, group) in blob.0.chunks_exact_mut(128).zip(bytes.chunks_exact(GROUP)) {
            let [a, b, c] = [group[124], group[125], group[126]];
            let tops = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
            for (index, top) in tops.into_iter().enumerate() {
                let element = &mut elements[32 * index..32 * index + 32];
                element[0] = top;
                element[1..].copy_from_slice(&group[31 * index..31 * index + 31]);
            }
        }
    }
    Ok(blobs)
}

/// Unpacks the batch that lies in `blobs`, in the order of the transaction's versioned hashes.
pub fn from_blobs(blobs: &[impl AsRef<[u8]>]) -> Result<Vec<u8>, BlobError> {
    if blobs.is_empty() || blobs.len() > MAX_BLOBS {
        return Err(BlobError::Count(blobs.len()));
    }
    let mut stream = Vec::with_capacity(blobs.len() * PER_BLOB);
    for blob in blobs {
        let blob = blob.as_ref();
        if blob.len() != BYTES_PER_BLOB {
            return Err(BlobError::Size(blob.len()));
        }
        for (group, elements) in blob.chunks_exact(128).enumerate() {
            let mut extra = 0u32;
            for (index, element) in elements.chunks_exact(32).enumerate() {
                if element[0] > 0x3f {
                    return Err(BlobError::Element(4 * group + index));
                }
                extra = extra << 6 | u32::from(element[0]);
                stream.extend_from_slice(&element[1..]);
            }
            stream.extend_from_slice(&extra.to_be_bytes()[1..]);
        }
    }
    if stream[0] != PACKING_VERSION {
        return Err(BlobError::Version(stream[0]));
    }
    let length = u32::from_be_bytes([0, stream[1], stream[2], stream[3]]) as usize;
    if blobs_for(length) != blobs.len() {
        return Err(BlobError::Length(length, blobs.len()));
    }
    if stream[HEADER + length..].iter().any(|byte| *byte != 0) {
        return Err(BlobError::Padding);
    }
    stream.truncate(HEADER + length);
    stream.drain(..HEADER);
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|index| (index * 31 % 255) as u8 + 1).collect()
    }

    #[test]
    fn every_length_around_the_borders_is_recovered() {
        for len in [0, 1, 30, 31, 123, 124, 127, 128]
            .into_iter()
            .chain(capacity(1) - 2..=capacity(1) + 2)
            .chain([capacity(2), capacity(2) + 1, capacity(6) - 1, capacity(6)])
        {
            let data = bytes(len);
            let blobs = to_blobs(&data).unwrap();
            assert_eq!(blobs.len(), blobs_for(len));
            assert_eq!(from_blobs(&blobs).unwrap(), data);
        }
    }

    #[test]
    fn a_blob_holds_254_bits_of_each_element() {
        assert_eq!(capacity(1), 4096 * 254 / 8 - 4);
        assert_eq!(capacity(6), 780_284);
        assert_eq!(to_blobs(&bytes(capacity(1))).unwrap().len(), 1);
        assert_eq!(to_blobs(&bytes(capacity(1) + 1)).unwrap().len(), 2);
    }

    #[test]
    fn more_than_six_blobs_are_refused() {
        assert_eq!(to_blobs(&bytes(capacity(6) + 1)), Err(BlobError::TooLong(capacity(6) + 1)));
        assert_eq!(from_blobs(&vec![Blob::ZERO; 7]), Err(BlobError::Count(7)));
        assert_eq!(from_blobs(&Vec::<Blob>::new()), Err(BlobError::Count(0)));
    }

    #[test]
    fn field_elements_stay_below_the_modulus() {
        let blobs = to_blobs(&vec![0xff; capacity(1)]).unwrap();
        assert!(blobs[0].chunks_exact(32).all(|element| element[0] <= 0x3f));
        let mut blobs = blobs;
        blobs[0][64] = 0x40;
        assert_eq!(from_blobs(&blobs), Err(BlobError::Element(2)));
    }

    #[test]
    fn malformed_blobs_are_refused() {
        let good = to_blobs(&bytes(100)).unwrap();
        let mut blobs = good.clone();
        blobs[0][1] = 2;
        assert_eq!(from_blobs(&blobs), Err(BlobError::Version(2)));
        let mut blobs = good.clone();
        blobs[0][2] = 0xff;
        assert!(matches!(from_blobs(&blobs), Err(BlobError::Length(_, 1))));
        let mut blobs = good.clone();
        blobs.push(Blob::ZERO);
        assert_eq!(from_blobs(&blobs), Err(BlobError::Length(100, 2)));
        let mut blobs = good;
        blobs[0][BYTES_PER_BLOB - 1] = 1;
        assert_eq!(from_blobs(&blobs), Err(BlobError::Padding));
        assert_eq!(from_blobs(&[[0u8; 32]]), Err(BlobError::Size(32)));
    }
}
