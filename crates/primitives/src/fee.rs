//! The L1 data fee: what a transaction pays for its place in a batch.
//!
//! The size in the batch is estimated by a linear model over the length that FastLZ, a fast
//! compressor, gives it (OP Stack specification, Fjord). The model is the one that the
//! GasPriceOracle predeploy computes in Solidity, so that wallets estimate what the chain charges.

use crate::Transaction;
use alloc::{vec, vec::Vec};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::U256;

/// Smallest estimate, in millionths of a byte.
const MIN_SIZE_SCALED: u32 = 100_000_000;
/// Intercept of the model, in millionths of a byte, subtracted.
const INTERCEPT: u32 = 42_585_600;
/// Slope of the model, in millionths of a byte for each FastLZ byte.
const FASTLZ_COEFFICIENT: u32 = 836_500;
/// Gas of one non-zero calldata byte before EIP-7623, the unit of [`BatchSize::l1_gas_used`].
const GAS_PER_BYTE: u64 = 16;
/// Most FastLZ bytes of which the estimate is the smallest one.
const MIN_SIZE_FASTLZ: u32 = (MIN_SIZE_SCALED + INTERCEPT) / FASTLZ_COEFFICIENT;

/// Estimated size of a transaction in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchSize {
    /// Millionths of a byte.
    scaled: u64,
}

impl BatchSize {
    /// Of the signed transaction whose EIP-2718 bytes are `raw`; nothing has no size.
    pub fn of_bytes(raw: &[u8]) -> Self {
        if raw.is_empty() {
            return Self::default();
        }
        Self::of_fastlz(BatchSizer::default().compress_len(raw))
    }

    /// Of a transaction to which FastLZ gives this length in bytes.
    pub(crate) const fn of_fastlz(length: u32) -> Self {
        // Two factors of 32 bits.
        let scaled = (length as u64 * FASTLZ_COEFFICIENT as u64).saturating_sub(INTERCEPT as u64);
        let least = MIN_SIZE_SCALED as u64;
        Self { scaled: if scaled < least { least } else { scaled } }
    }

    /// The size as gas of calldata: 16 for a byte. For receipts.
    pub const fn l1_gas_used(self) -> u64 {
        self.scaled.saturating_mul(GAS_PER_BYTE) / 1_000_000
    }
}

/// Estimates the sizes of many transactions with the same memory, which would else have to be
/// cleared for each: that costs more than going through a transaction of usual length.
#[derive(Clone, Debug, Default)]
pub struct BatchSizer {
    table: RoundTable,
    raw: Vec<u8>,
}

impl BatchSizer {
    /// FastLZ length of a transaction, or one that has the same estimate. A short transaction is not
    /// even encoded; `encoded_len` are the bytes that it would have.
    pub(crate) fn fastlz_length(&mut self, tx: &Transaction, encoded_len: usize) -> u32 {
        if has_min_size(encoded_len) {
            return MIN_SIZE_FASTLZ;
        }
        let mut raw = core::mem::take(&mut self.raw);
        raw.clear();
        tx.encode_2718(&mut raw);
        let length = self.compress_len(&raw);
        self.raw = raw;
        length
    }

    /// As the function of this name, with the table that suits.
    fn compress_len(&mut self, input: &[u8]) -> u32 {
        let length = u32::try_from(input.len()).unwrap_or(u32::MAX);
        if length <= u32::from(u16::MAX) {
            self.table.begin();
            compress_len(input, length, &mut self.table)
        } else {
            compress_len(input, length, &mut WideTable(vec![0; SLOTS]))
        }
    }
}

/// Where each hash was last seen in the input; 0 where it was not.
trait Table {
    fn place(&self, slot: usize) -> u32;
    fn set(&mut self, slot: usize, place: u32);
}

/// Slots of a table.
const SLOTS: usize = 8192;

/// Any places, for one input.
struct WideTable(Vec<u32>);

impl Table for WideTable {
    fn place(&self, slot: usize) -> u32 {
        self.0[slot]
    }

    fn set(&mut self, slot: usize, place: u32) {
        self.0[slot] = place;
    }
}

/// Places below 2^16, for one input after the other: a place of another round counts as none.
#[derive(Clone, Debug, Default)]
struct RoundTable {
    /// The round and the place. Empty before the first.
    slots: Vec<(u16, u16)>,
    round: u16,
}

impl RoundTable {
    /// Forgets all places.
    fn begin(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.slots.is_empty() || self.round == 0 {
            self.slots = vec![(0, 0); SLOTS];
            self.round = 1;
        }
    }
}

impl Table for RoundTable {
    fn place(&self, slot: usize) -> u32 {
        let (round, place) = self.slots[slot];
        if round == self.round { place.into() } else { 0 }
    }

    fn set(&mut self, slot: usize, place: u32) {
        self.slots[slot] = (self.round, u16::try_from(place).unwrap_or_default());
    }
}

/// Whether the estimate for so many bytes is the smallest one, whatever the bytes are.
///
/// FastLZ adds a byte to 32 literals or fewer, and a match, which is shorter than what it stands for,
/// parts two runs of literals: `length` bytes grow by at most one in 32, and one.
const fn has_min_size(length: usize) -> bool {
    length as u64 + length as u64 / 32 < MIN_SIZE_FASTLZ as u64
}

/// Prices of L1 data as the L1Block predeploy holds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L1FeeParams {
    /// Base fee of the L1 origin, wei for a gas.
    pub l1_base_fee: U256,
    /// Blob base fee of the L1 origin, wei for a blob gas.
    pub blob_base_fee: U256,
    /// Weight of the base fee, in millionths.
    pub base_fee_scalar: u32,
    /// Weight of the blob base fee, in millionths.
    pub blob_base_fee_scalar: u32,
}

impl L1FeeParams {
    /// The fee in wei of a transaction of this size.
    pub fn l1_fee(&self, size: BatchSize) -> U256 {
        let by_calldata = U256::from(GAS_PER_BYTE)
            .saturating_mul(U256::from(self.base_fee_scalar))
            .saturating_mul(self.l1_base_fee);
        let by_blob = U256::from(self.blob_base_fee_scalar).saturating_mul(self.blob_base_fee);
        let weighted = by_calldata.saturating_add(by_blob);
        U256::from(size.scaled).saturating_mul(weighted) / U256::from(1_000_000_000_000u64)
    }
}

/// Length of `input` after FastLZ level 1, as Solady's `LibZip.flzCompress` counts it. Every place of
/// the table is 0.
///
/// Time is linear in the input: each position is hashed once and a match is walked once.
fn compress_len(input: &[u8], length: u32, table: &mut impl Table) -> u32 {
    let limit = length.saturating_sub(13);
    let mut literal_start = 0u32;
    let mut position = 2u32;
    let mut out = 0u32;
    while position < limit {
        let mut reference;
        let mut distance;
        loop {
            let word = read3(input, position);
            let slot = hash3(word);
            reference = table.place(slot);
            table.set(slot, position);
            distance = position.wrapping_sub(reference);
            if position >= limit {
                break;
            }
            position += 1;
            if distance < 8192 && word == read3(input, reference) {
                break;
            }
        }
        if position >= limit {
            break;
        }
        position -= 1;
        if position > literal_start {
            out += literals_len(position - literal_start);
        }
        let matched = match_len(input, reference + 3, position + 3, limit + 9);
        out += copy_len(matched);
        position += matched;
        for _ in 0..2 {
            table.set(hash3(read3(input, position)), position);
            position += 1;
        }
        literal_start = position;
    }
    out + literals_len(length - literal_start)
}

/// Three bytes, the first one lowest; those after the end are 0.
fn read3(input: &[u8], at: u32) -> u32 {
    let rest = input.get(at as usize..).unwrap_or_default();
    let word = rest.first_chunk().copied().unwrap_or_else(|| {
        core::array::from_fn::<u8, 4, _>(|i| rest.get(i).copied().unwrap_or_default())
    });
    u32::from_le_bytes(word) & 0xff_ffff
}

fn hash3(word: u32) -> usize {
    (((2_654_435_769u64 * u64::from(word)) >> 19) & 0x1fff) as usize
}

fn literals_len(count: u32) -> u32 {
    let full = 0x21 * (count / 0x20);
    let rest = count % 0x20;
    if rest == 0 { full } else { full + rest + 1 }
}

/// Bytes that match from two places, counted until `end` for the later one.
///
/// The first byte that differs counts.
fn match_len(input: &[u8], reference: u32, position: u32, end: u32) -> u32 {
    let earlier = input.get(reference as usize..).unwrap_or_default();
    let later = input.get(position as usize..end as usize).unwrap_or_default();
    let equal = earlier.iter().zip(later).take_while(|(a, b)| a == b).count();
    u32::try_from((equal + 1).min(later.len())).unwrap_or(u32::MAX)
}

fn copy_len(matched: u32) -> u32 {
    let rest = matched - 1;
    let full = 3 * (rest / 262);
    if rest % 262 >= 6 { full + 3 } else { full + 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flz_compress_len(input: &[u8]) -> u32 {
        BatchSizer::default().compress_len(input)
    }

    #[test]
    fn minimum_applies_to_a_plain_transfer() {
        let params = L1FeeParams {
            l1_base_fee: U256::from(1_000_000_000u64),
            blob_base_fee: U256::from(1),
            base_fee_scalar: 1_000_000,
            blob_base_fee_scalar: 0,
        };
        // 100 bytes at 16 gas at 1 gwei.
        let size = BatchSize::of_bytes(&[1u8; 60]);
        assert_eq!(params.l1_fee(size), U256::from(1_600_000_000_000u64));
        assert_eq!(size.l1_gas_used(), 1600);
    }

    #[test]
    fn nothing_costs_nothing() {
        assert_eq!(BatchSize::of_bytes(&[]), BatchSize::default());
        assert_eq!(L1FeeParams::default().l1_fee(BatchSize::default()), U256::ZERO);
    }

    #[test]
    fn runs_compress_to_op_geths_lengths() {
        // Vectors of op-geth's `TestFlzCompressLen`.
        assert_eq!(flz_compress_len(&[]), 0);
        assert_eq!(flz_compress_len(&[0u8; 1000]), 21);
        assert_eq!(flz_compress_len(&[0x2a; 1000]), 21);
    }

    #[test]
    fn incompressible_bytes_grow_by_one_in_thirty_two() {
        let random: Vec<u8> =
            (0..1000u32).flat_map(|i| alloy_primitives::keccak256(i.to_be_bytes()).0).collect();
        let compressed = flz_compress_len(&random) as usize;
        assert!(compressed > random.len() && compressed <= random.len() + random.len() / 32 + 1);
    }

    #[test]
    fn any_length_near_the_window_is_fine() {
        for length in 0..64 {
            let zeros = vec![0u8; length];
            assert!(flz_compress_len(&zeros) as usize <= length + length / 32 + 1);
        }
    }

    /// Bytes from which literals and matches take turns, so that the length grows as much as it can.
    fn varied(length: usize, seed: u32) -> Vec<u8> {
        let different = u8::try_from(1 + seed % 255).unwrap();
        let words = (0u32..)
            .flat_map(|i| alloy_primitives::keccak256([seed, i].map(u32::to_be_bytes).concat()).0);
        words.map(|byte| byte % different).take(length).collect()
    }

    #[test]
    fn short_transactions_have_the_smallest_size_whatever_their_bytes() {
        let longest = (0..).take_while(|length| has_min_size(*length)).last().unwrap();
        assert_eq!(longest, 164);
        for seed in 0..256 {
            for length in [1, 31, 32, 33, 64, 96, 111, 150, longest] {
                let raw = varied(length, seed);
                let compressed = flz_compress_len(&raw);
                assert!(compressed <= MIN_SIZE_FASTLZ, "{compressed} for {length} bytes");
                assert_eq!(BatchSize::of_bytes(&raw).scaled, u64::from(MIN_SIZE_SCALED));
            }
        }
        let scaled = MIN_SIZE_FASTLZ * FASTLZ_COEFFICIENT - INTERCEPT;
        assert!(scaled <= MIN_SIZE_SCALED && scaled + FASTLZ_COEFFICIENT > MIN_SIZE_SCALED);
    }

    #[test]
    fn both_tables_yield_one_length_in_every_round() {
        let mut sizer = BatchSizer::default();
        let inputs: Vec<_> = (0..64).map(|seed| varied(700, seed)).collect();
        for round in 0..=u32::from(u16::MAX) + 64 {
            let raw = &inputs[(round % 64) as usize];
            // All rounds around the last one, and the first and some more.
            if round < 64 || round > u32::from(u16::MAX) - 64 {
                let wide = compress_len(raw, 700, &mut WideTable(vec![0; SLOTS]));
                assert_eq!(sizer.compress_len(raw), wide, "round {round}");
            } else {
                sizer.compress_len(&raw[..16]);
            }
        }
    }

    #[test]
    fn longest_input_of_the_short_table_is_like_the_next() {
        let raw = varied(usize::from(u16::MAX) + 1, 7);
        for length in [u16::MAX - 1, u16::MAX] {
            let raw = &raw[..length.into()];
            let wide = compress_len(raw, length.into(), &mut WideTable(vec![0; SLOTS]));
            assert_eq!(flz_compress_len(raw), wide);
        }
    }
}
