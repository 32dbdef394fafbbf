//! A bounds-checked cursor over the columns of a batch. Lengths are compared with what is left
//! before anything is allocated.

use super::DecodeError;
use alloc::vec::Vec;
use alloy_primitives::U256;

/// Reads from the front of a slice; every read names the column for the error.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    data: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.data
    }

    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.data.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes(self.data.len())) }
    }

    pub(super) fn bytes(
        &mut self,
        len: usize,
        column: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let (head, rest) =
            self.data.split_at_checked(len).ok_or(DecodeError::UnexpectedEnd(column))?;
        self.data = rest;
        Ok(head)
    }

    /// `count` items of `size` bytes each.
    pub(super) fn items(
        &mut self,
        count: usize,
        size: usize,
        column: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let len = count.checked_mul(size).ok_or(DecodeError::UnexpectedEnd(column))?;
        self.bytes(len, column)
    }

    pub(super) fn byte(&mut self, column: &'static str) -> Result<u8, DecodeError> {
        Ok(self.bytes(1, column)?[0])
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        column: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N, column)?);
        Ok(array)
    }

    /// A LEB128 number of at most 128 bits, in its shortest form.
    pub(super) fn varint128(&mut self, column: &'static str) -> Result<u128, DecodeError> {
        let mut value = 0u128;
        let mut shift = 0u32;
        loop {
            let byte = self.byte(column)?;
            let bits = u128::from(byte & 0x7f);
            // The nineteenth byte holds the two highest bits.
            if shift > 126 || (shift == 126 && bits > 3) {
                return Err(DecodeError::Number(column));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(DecodeError::Number(column));
                }
                return Ok(value);
            }
            shift += 7;
        }
    }

    /// A LEB128 number of at most 64 bits, in its shortest form.
    pub(super) fn varint(&mut self, column: &'static str) -> Result<u64, DecodeError> {
        u64::try_from(self.varint128(column)?).map_err(|_| DecodeError::Number(column))
    }

    /// A varint that counts things which take at least one byte each of what is left.
    pub(super) fn length(&mut self, column: &'static str) -> Result<usize, DecodeError> {
        usize::try_from(self.varint(column)?).map_err(|_| DecodeError::Number(column))
    }

    /// `count` varints. At least one byte each, so the allocation is bounded by the data.
    pub(super) fn varints(
        &mut self,
        count: usize,
        column: &'static str,
    ) -> Result<Vec<u64>, DecodeError> {
        self.at_least(count, column)?;
        (0..count).map(|_| self.varint(column)).collect()
    }

    /// `count` varints of up to 128 bits.
    pub(super) fn varints128(
        &mut self,
        count: usize,
        column: &'static str,
    ) -> Result<Vec<u128>, DecodeError> {
        self.at_least(count, column)?;
        (0..count).map(|_| self.varint128(column)).collect()
    }

    /// `count` bits, least significant first; the unused bits of the last byte are zero.
    pub(super) fn bits(
        &mut self,
        count: usize,
        column: &'static str,
    ) -> Result<Bits<'a>, DecodeError> {
        let data = self.bytes(count.div_ceil(8), column)?;
        if let (Some(last), used @ 1..) = (data.last(), count % 8)
            && last >> used != 0
        {
            return Err(DecodeError::Padding(column));
        }
        Ok(Bits(data))
    }

    /// A big-endian number of `len` bytes without leading zeros.
    pub(super) fn uint(&mut self, len: u8, column: &'static str) -> Result<U256, DecodeError> {
        let bytes = self.bytes(usize::from(len), column)?;
        if len > 32 || bytes.first() == Some(&0) {
            return Err(DecodeError::Number(column));
        }
        Ok(U256::from_be_slice(bytes))
    }

    /// That `count` bytes at least are left.
    pub(super) const fn at_least(
        &self,
        count: usize,
        column: &'static str,
    ) -> Result<(), DecodeError> {
        if self.data.len() < count { Err(DecodeError::UnexpectedEnd(column)) } else { Ok(()) }
    }
}

/// A column of bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a>(&'a [u8]);

impl Bits<'_> {
    /// The bit at `index`, which must be below the column's count.
    pub(super) fn get(&self, index: usize) -> bool {
        self.0[index / 8] >> (index % 8) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn varint(data: &[u8]) -> Result<u64, DecodeError> {
        let mut reader = Reader::new(data);
        let value = reader.varint("x")?;
        reader.finish()?;
        Ok(value)
    }

    #[test]
    fn varints_have_one_form() {
        assert_eq!(varint(&[0]), Ok(0));
        assert_eq!(varint(&[0x7f]), Ok(127));
        assert_eq!(varint(&[0x80, 1]), Ok(128));
        assert_eq!(varint(&[0x80, 0]), Err(DecodeError::Number("x")));
        assert_eq!(varint(&[0xff, 0x80, 0]), Err(DecodeError::Number("x")));
        assert_eq!(varint(&[0x80]), Err(DecodeError::UnexpectedEnd("x")));
    }

    #[test]
    fn varints_stay_within_their_type() {
        let mut max = vec![0xff; 9];
        max.push(1);
        assert_eq!(varint(&max), Ok(u64::MAX));
        max[9] = 2;
        assert_eq!(varint(&max), Err(DecodeError::Number("x")));
        let mut max = vec![0xff; 18];
        max.push(3);
        assert_eq!(Reader::new(&max).varint128("x"), Ok(u128::MAX));
        max[18] = 4;
        assert_eq!(Reader::new(&max).varint128("x"), Err(DecodeError::Number("x")));
        assert_eq!(Reader::new(&[0xff; 40]).varint128("x"), Err(DecodeError::Number("x")));
    }

    #[test]
    fn counts_beyond_the_data_allocate_nothing() {
        let mut reader = Reader::new(&[0; 10]);
        let end = Err(DecodeError::UnexpectedEnd("x"));
        assert_eq!(reader.varints(usize::MAX, "x"), end);
        assert_eq!(reader.items(usize::MAX, 64, "x").map(<[u8]>::to_vec).err(), end.err());
    }

    #[test]
    fn unused_bits_are_zero() {
        assert!(Reader::new(&[0b0000_0111]).bits(3, "x").is_ok());
        assert_eq!(Reader::new(&[0b0000_1111]).bits(3, "x").err(), Some(DecodeError::Padding("x")));
    }

    #[test]
    fn numbers_have_no_leading_zero_and_at_most_32_bytes() {
        assert_eq!(Reader::new(&[1, 0]).uint(2, "x"), Ok(U256::from(256)));
        assert_eq!(Reader::new(&[0, 1]).uint(2, "x"), Err(DecodeError::Number("x")));
        assert_eq!(Reader::new(&[1; 33]).uint(33, "x"), Err(DecodeError::Number("x")));
    }
}
