//! The model: columns as one arithmetic-coded stream, each byte predicted from what the format
//! knows of it. Smaller than any general compressor makes them, and slower: the length of what
//! comes out is bounded by the length of what went in, so that decoding takes linear time.

#![allow(
    clippy::cast_possible_truncation,
    reason = "contexts are numbers modulo 2^32, and a bit is the lowest of what it is cut from"
)]

mod coder;
mod inputs;
mod predictor;
#[cfg(test)]
mod tests;
mod walk;

use super::{
    DecodeError,
    columns::{Column, Columns},
    reader::Reader,
};
use alloc::vec::Vec;
use coder::Decoder;
use predictor::BitCoder;
use walk::{Side, Walk};

/// The most bytes of columns in a stream of `len` bytes, its length field included.
pub(super) const fn max_payload(len: usize) -> usize {
    len.saturating_mul(8).saturating_add(4_096)
}

/// The columns of `blocks` blocks, one after the other.
pub(super) fn decode(data: &[u8], blocks: usize) -> Result<Vec<u8>, DecodeError> {
    decode_columns(data, blocks).map(|columns| columns.concat())
}

fn decode_columns(data: &[u8], blocks: usize) -> Result<Columns<Vec<u8>>, DecodeError> {
    let mut reader = Reader::new(data);
    let len = reader.length("length of the columns")?;
    if len > max_payload(data.len()) {
        return Err(DecodeError::PayloadTooLong);
    }
    let mut side = Unpacking {
        coder: Decoder::new(reader.rest())?,
        columns: [const { Vec::new() }; Column::COUNT],
        left: len,
    };
    Walk::new(&mut side, len).run(blocks)?;
    let Unpacking { coder, columns, left } = side;
    if left > 0 {
        return Err(DecodeError::UnexpectedEnd("columns"));
    }
    coder.finish()?;
    Ok(columns)
}

/// The decoder's side.
#[derive(Debug)]
struct Unpacking<'a> {
    coder: Decoder<'a>,
    columns: Columns<Vec<u8>>,
    /// Bytes that may follow.
    left: usize,
}

impl BitCoder for Unpacking<'_> {
    fn bit(&mut self, bit: bool, p: u32) -> Result<bool, DecodeError> {
        self.coder.bit(bit, p)
    }
}

impl Side for Unpacking<'_> {
    fn next(&mut self, _: Column) -> Result<u8, DecodeError> {
        self.left = self.left.checked_sub(1).ok_or(DecodeError::PayloadTooLong)?;
        Ok(0)
    }

    fn put(&mut self, column: Column, byte: u8) -> Result<(), DecodeError> {
        self.columns[column as usize].push(byte);
        Ok(())
    }
}

/// The stream of the columns of `blocks` blocks; `None` if they are no columns, or so much alike
/// that a stream of them would be longer than it may become.
#[cfg(feature = "std")]
pub(super) fn encode(columns: &Columns<Vec<u8>>, blocks: usize) -> Option<Vec<u8>> {
    let len = columns.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(len / 2);
    super::encode::varint(&mut out, len);
    let mut side =
        Packing { coder: coder::Encoder::new(out), columns: columns.each_ref().map(|c| &c[..]) };
    Walk::new(&mut side, len).run(blocks).ok()?;
    if side.columns.iter().any(|left| !left.is_empty()) {
        return None;
    }
    let out = side.coder.finish();
    (len <= max_payload(out.len())).then_some(out)
}

/// The encoder's side.
#[cfg(feature = "std")]
#[derive(Debug)]
struct Packing<'a> {
    coder: coder::Encoder,
    /// What is left of each column.
    columns: Columns<&'a [u8]>,
}

#[cfg(feature = "std")]
impl BitCoder for Packing<'_> {
    fn bit(&mut self, bit: bool, p: u32) -> Result<bool, DecodeError> {
        self.coder.bit(bit, p)
    }
}
#[cfg(feature = "std")]
impl Side for Packing<'_> {
    fn next(&mut self, column: Column) -> Result<u8, DecodeError> {
        let rest = &mut self.columns[column as usize];
        let (first, after) = rest.split_first().ok_or(DecodeError::UnexpectedEnd("columns"))?;
        *rest = after;
        Ok(*first)
    }

    fn put(&mut self, _: Column, _: u8) -> Result<(), DecodeError> {
        Ok(())
    }
}
