//! A binary arithmetic coder: each bit narrows an interval of 32-bit numbers by its probability.

use super::super::DecodeError;
use super::predictor::BitCoder;
#[cfg(feature = "std")]
use alloc::vec::Vec;

/// What is left of all numbers.
#[derive(Clone, Copy, Debug)]
struct Interval {
    low: u32,
    high: u32,
}

impl Interval {
    const ALL: Self = Self { low: 0, high: u32::MAX };

    /// The highest number that means a 1 of probability `p` of 65,536.
    const fn split(self, p: u32) -> u32 {
        let range = (self.high - self.low) as u64;
        self.low + ((range * p as u64) >> 16) as u32
    }

    const fn narrow(&mut self, bit: bool, split: u32) {
        if bit {
            self.high = split;
        } else {
            self.low = split + 1;
        }
    }

    /// The top byte, once it is the same for all numbers; it is shifted out.
    const fn settled(&mut self) -> Option<u8> {
        if (self.low ^ self.high) >> 24 != 0 {
            return None;
        }
        let byte = (self.high >> 24) as u8;
        self.low <<= 8;
        self.high = self.high << 8 | 255;
        Some(byte)
    }
}

/// Writes bits.
#[cfg(feature = "std")]
#[derive(Debug)]
pub(super) struct Encoder {
    interval: Interval,
    out: Vec<u8>,
}

#[cfg(feature = "std")]
impl Encoder {
    pub(super) const fn new(out: Vec<u8>) -> Self {
        Self { interval: Interval::ALL, out }
    }

    /// Writes a number of the interval.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(&self.interval.low.to_be_bytes());
        self.out
    }
}

#[cfg(feature = "std")]
impl BitCoder for Encoder {
    fn bit(&mut self, bit: bool, p: u32) -> Result<bool, DecodeError> {
        let split = self.interval.split(p);
        self.interval.narrow(bit, split);
        while let Some(byte) = self.interval.settled() {
            self.out.push(byte);
        }
        Ok(bit)
    }
}

/// Reads bits.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    interval: Interval,
    number: u32,
    data: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(super) fn new(data: &'a [u8]) -> Result<Self, DecodeError> {
        let (first, data) = data.split_first_chunk().ok_or(DecodeError::Compression)?;
        Ok(Self { interval: Interval::ALL, number: u32::from_be_bytes(*first), data })
    }

    /// Checks that everything has been read, and that the last four bytes are what an encoder
    /// ends with.
    pub(super) const fn finish(self) -> Result<(), DecodeError> {
        if !self.data.is_empty() {
            return Err(DecodeError::TrailingBytes(self.data.len()));
        }
        if self.number != self.interval.low {
            return Err(DecodeError::Compression);
        }
        Ok(())
    }
}

impl BitCoder for Decoder<'_> {
    fn bit(&mut self, _: bool, p: u32) -> Result<bool, DecodeError> {
        let split = self.interval.split(p);
        let bit = self.number <= split;
        self.interval.narrow(bit, split);
        while self.interval.settled().is_some() {
            let (first, rest) = self.data.split_first().ok_or(DecodeError::Compression)?;
            self.number = self.number << 8 | u32::from(*first);
            self.data = rest;
        }
        Ok(bit)
    }
}
