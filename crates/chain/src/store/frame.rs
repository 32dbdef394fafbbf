//! Frames of the log.
//!
//! A frame is what one write puts into a segment: the submissions of all who waited. It is the unit that is torn or
//! whole: while it is written nothing after it is, so a good frame after a bad one is proof of damage that no crash
//! explains.
//!
//! ```text
//! magic 4 | payload length 4 | first lsn 8 | submissions 4 | crc32 4 | payload      integers little-endian
//! payload: for each submission: length 4 | RLP list of its changes
//! ```
//!
//! The checksum covers everything but itself, and a salt that is drawn for each segment: without knowing it nobody can
//! send the chain data that would pass for a frame when the record around it is torn.

/// Bytes before the payload.
pub(crate) const FRAME_HEADER: usize = 24;
const MAGIC: [u8; 4] = *b"mzFR";

/// The secret of a segment.
pub(crate) type Salt = [u8; 16];

fn checksum(salt: &Salt, header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(salt);
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

/// Bytes of a frame with these submissions, of which the first has number `first_lsn`. `None` if they are 4 GiB or more.
pub(crate) fn encode_frame(
    salt: &Salt,
    first_lsn: u64,
    submissions: &[Vec<u8>],
) -> Option<Vec<u8>> {
    let payload: usize = submissions.iter().map(|bytes| 4 + bytes.len()).sum();
    let mut out = Vec::with_capacity(FRAME_HEADER + payload);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&u32::try_from(payload).ok()?.to_le_bytes());
    out.extend_from_slice(&first_lsn.to_le_bytes());
    out.extend_from_slice(&u32::try_from(submissions.len()).ok()?.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    for bytes in submissions {
        out.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
        out.extend_from_slice(bytes);
    }
    let (header, payload) = out.split_at(FRAME_HEADER);
    let crc = checksum(salt, &header[..20], payload);
    out[20..24].copy_from_slice(&crc.to_le_bytes());
    Some(out)
}

/// A frame that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) first_lsn: u64,
    pub(crate) submissions: Vec<&'a [u8]>,
    /// Bytes of the frame.
    pub(crate) len: usize,
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The frame at the beginning of `bytes`, if it is whole.
pub(crate) fn decode_frame<'a>(salt: &Salt, bytes: &'a [u8]) -> Option<Frame<'a>> {
    if word::<4>(bytes, 0)? != MAGIC {
        return None;
    }
    let length = usize::try_from(u32::from_le_bytes(word(bytes, 4)?)).ok()?;
    let first_lsn = u64::from_le_bytes(word(bytes, 8)?);
    let count = u32::from_le_bytes(word(bytes, 16)?);
    let crc = u32::from_le_bytes(word(bytes, 20)?);
    let len = FRAME_HEADER.checked_add(length)?;
    let mut payload = bytes.get(FRAME_HEADER..len)?;
    if checksum(salt, bytes.get(..20)?, payload) != crc {
        return None;
    }
    let mut submissions = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(u32::from_le_bytes(word(payload, 0)?)).ok()?;
        payload = payload.get(4..)?;
        submissions.push(payload.get(..length)?);
        payload = payload.get(length..)?;
    }
    payload.is_empty().then_some(Frame { first_lsn, submissions, len })
}

/// Where in `bytes` a whole frame with a number from `lsn` on begins, if anywhere.
pub(crate) fn find_frame(salt: &Salt, bytes: &[u8], lsn: u64) -> Option<usize> {
    (0..bytes.len().saturating_sub(FRAME_HEADER - 1)).find(|at| {
        bytes[*at..].starts_with(&MAGIC)
            && decode_frame(salt, &bytes[*at..]).is_some_and(|frame| frame.first_lsn >= lsn)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = [7; 16];

    fn frame() -> Vec<u8> {
        encode_frame(&SALT, 9, &[b"one".to_vec(), Vec::new(), b"three".to_vec()]).expect("small")
    }

    #[test]
    fn a_frame_comes_back() {
        let mut bytes = frame();
        let len = bytes.len();
        bytes.extend_from_slice(b"rest");
        let read = decode_frame(&SALT, &bytes).expect("whole");
        assert_eq!(read, Frame { first_lsn: 9, submissions: vec![b"one", b"", b"three"], len });
    }

    #[test]
    fn no_cut_and_no_flipped_bit_passes() {
        let bytes = frame();
        for cut in 0..bytes.len() {
            assert_eq!(decode_frame(&SALT, &bytes[..cut]), None);
        }
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_frame(&SALT, &bytes), None);
        }
    }

    #[test]
    fn a_frame_of_another_segment_does_not_pass() {
        assert_eq!(decode_frame(&[8; 16], &frame()), None);
        assert_eq!(find_frame(&[8; 16], &frame(), 0), None);
    }

    #[test]
    fn a_later_frame_is_found_behind_damage() {
        let mut bytes = vec![0; 100];
        bytes.extend_from_slice(&frame());
        assert_eq!(find_frame(&SALT, &bytes, 9), Some(100));
        assert_eq!(find_frame(&SALT, &bytes, 10), None);
        assert_eq!(find_frame(&SALT, &bytes[..bytes.len() - 1], 9), None);
    }
}
