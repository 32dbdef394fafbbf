//! The calldata model. ABI calldata is a 4-byte selector and 32-byte words, most of which are
//! numbers and addresses padded with zeros. Such input is split in selectors, a code per word
//! that tells its padding, and the bytes that are left.

use super::{DecodeError, reader::Reader};
use alloc::vec::Vec;

/// Codes from here on are of left-aligned words: 64 + count of bytes before the zeros.
const LEFT_ALIGNED: u8 = 64;

/// Whether input of `len` bytes is taken for a selector and words.
pub(super) const fn is_abi(len: usize) -> bool {
    len > 4 && len % 32 == 4
}

/// The columns of all inputs of a batch.
#[cfg(feature = "std")]
#[derive(Debug, Default)]
pub(super) struct InputColumns {
    pub(super) selectors: Vec<u8>,
    pub(super) codes: Vec<u8>,
    pub(super) words: Vec<u8>,
    pub(super) other: Vec<u8>,
}

#[cfg(feature = "std")]
impl InputColumns {
    pub(super) fn push(&mut self, input: &[u8]) {
        if !is_abi(input.len()) {
            self.other.extend_from_slice(input);
            return;
        }
        self.selectors.extend_from_slice(&input[..4]);
        for word in input[4..].chunks_exact(32) {
            let leading = word.iter().take_while(|byte| **byte == 0).count();
            let trailing = word.iter().rev().take_while(|byte| **byte == 0).count();
            // Right-aligned unless the word is long and the other side is the longer padding:
            // addresses and amounts keep one form each.
            let (code, kept) = if 32 - leading > 20 && trailing > leading {
                (64 + 32 - trailing, &word[..32 - trailing])
            } else {
                (32 - leading, &word[leading..])
            };
            // At most 64 + 32.
            self.codes.push(u8::try_from(code).unwrap_or(u8::MAX));
            self.words.extend_from_slice(kept);
        }
    }
}

/// Reads inputs back, in the order in which they were pushed.
#[derive(Debug)]
pub(super) struct InputReader<'a> {
    selectors: Reader<'a>,
    codes: Reader<'a>,
    words: Reader<'a>,
    other: Reader<'a>,
}

impl<'a> InputReader<'a> {
    /// Takes the columns off `reader`, for inputs of these lengths.
    pub(super) fn read(
        reader: &mut Reader<'a>,
        lengths: impl Iterator<Item = usize>,
    ) -> Result<Self, DecodeError> {
        let (mut selectors, mut words, mut other) = (0usize, 0usize, 0usize);
        // No overflow: the sum of the lengths is bounded by the caller.
        for len in lengths {
            if is_abi(len) {
                selectors += 1;
                words += len / 32;
            } else {
                other += len;
            }
        }
        let selectors = reader.items(selectors, 4, "selectors")?;
        let codes = reader.bytes(words, "word codes")?;
        let mut kept = 0usize;
        for code in codes {
            kept += usize::from(kept_bytes(*code)?);
        }
        let words = reader.bytes(kept, "words")?;
        let other = reader.bytes(other, "other input")?;
        Ok(Self {
            selectors: Reader::new(selectors),
            codes: Reader::new(codes),
            words: Reader::new(words),
            other: Reader::new(other),
        })
    }

    /// The next input, of `len` bytes.
    pub(super) fn next(&mut self, len: usize) -> Result<Vec<u8>, DecodeError> {
        if !is_abi(len) {
            return Ok(self.other.bytes(len, "other input")?.to_vec());
        }
        let mut input = Vec::with_capacity(len);
        input.extend_from_slice(self.selectors.bytes(4, "selectors")?);
        for _ in 0..len / 32 {
            let code = self.codes.byte("word codes")?;
            let kept = self.words.bytes(usize::from(kept_bytes(code)?), "words")?;
            let start = input.len();
            input.resize(start + 32, 0);
            let offset = if code < LEFT_ALIGNED { 32 - kept.len() } else { 0 };
            input[start + offset..start + offset + kept.len()].copy_from_slice(kept);
        }
        Ok(input)
    }

    /// Checks that no column has data left.
    pub(super) fn finish(self) -> Result<(), DecodeError> {
        self.selectors.finish()?;
        self.codes.finish()?;
        self.words.finish()?;
        self.other.finish()
    }
}

/// How many bytes a word of this code keeps.
pub(super) const fn kept_bytes(code: u8) -> Result<u8, DecodeError> {
    match code {
        0..=32 => Ok(code),
        LEFT_ALIGNED..=96 => Ok(code - LEFT_ALIGNED),
        _ => Err(DecodeError::WordCode(code)),
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    fn round_trip(inputs: &[Vec<u8>]) -> usize {
        let mut columns = InputColumns::default();
        inputs.iter().for_each(|input| columns.push(input));
        let mut data = columns.selectors;
        data.extend_from_slice(&columns.codes);
        data.extend_from_slice(&columns.words);
        data.extend_from_slice(&columns.other);
        let mut reader = Reader::new(&data);
        let mut words = InputReader::read(&mut reader, inputs.iter().map(Vec::len)).unwrap();
        for input in inputs {
            assert_eq!(&words.next(input.len()).unwrap(), input);
        }
        words.finish().unwrap();
        reader.finish().unwrap();
        data.len()
    }

    #[test]
    fn every_padding_of_a_word_is_recovered() {
        for leading in 0..=32 {
            for trailing in 0..=32 - leading {
                let mut input = vec![0xa9, 5, 9, 0xbb];
                input.resize(4 + leading, 0);
                input.resize(36 - trailing, 7);
                input.resize(36, 0);
                round_trip(&[input]);
            }
        }
    }

    #[test]
    fn lengths_that_are_no_abi_are_kept_whole() {
        let inputs: Vec<Vec<u8>> = (0..70).map(|len| vec![0; len]).collect();
        round_trip(&inputs);
    }

    #[test]
    fn padding_of_a_token_transfer_costs_one_byte_a_word() {
        let mut input = vec![0xa9, 5, 9, 0xbb];
        input.resize(16, 0);
        input.resize(36, 0x11);
        input.resize(66, 0);
        input.resize(68, 0x22);
        assert_eq!(round_trip(&[input]), 4 + 1 + 20 + 1 + 2);
    }

    #[test]
    fn unknown_word_codes_are_refused() {
        for code in (33..64).chain(97..=255) {
            assert_eq!(kept_bytes(code), Err(DecodeError::WordCode(code)));
        }
    }
}
