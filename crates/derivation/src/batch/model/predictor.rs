//! Predicts the next bit from what came before: counters found by hashed contexts, one match of
//! the recent past, and a mixer that learns whom to believe. Integers only, so that every machine
//! predicts the same.

use super::super::{DecodeError, columns::Column};
use alloc::{boxed::Box, vec, vec::Vec};

/// Contexts of a byte.
pub(super) const CONTEXTS: usize = 8;
/// What the mixer hears: each context, the match, and a constant.
const INPUTS: usize = CONTEXTS + 2;
/// Sets of weights that a caller can choose from: one for each column.
const SETS: usize = Column::COUNT;

/// The constant input, in 256ths of a nat.
const BIAS: i32 = 256;
/// The weight of every input at the beginning, in 65,536ths.
const FIRST_WEIGHT: i32 = 20_000;
/// The most that a weight becomes, either way.
const MAX_WEIGHT: i32 = 1 << 24;
/// How slowly the mixer learns: errors are divided by 2^this.
const LEARNING: u32 = 15;

/// 65,536 / (1 + e^-x) for x from -8 to 8 in steps of a half.
const LOGISTIC: [u16; 33] = [
    22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768,
    40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438,
    65476, 65500, 65514,
];

/// The logistic function: 256ths of a nat in -2,047 to 2,047, to 65,536ths; between the values
/// of the table it is a straight line.
const fn squash(x: i32) -> u32 {
    let x = if x > 2047 {
        2047
    } else if x < -2047 {
        -2047
    } else {
        x
    };
    let shifted = (x + 2048) as u32;
    let (place, part) = ((shifted >> 7) as usize, shifted & 127);
    (LOGISTIC[place] as u32 * (128 - part) + LOGISTIC[place + 1] as u32 * part) >> 7
}

/// The inverse of [`squash`], of 4,096ths.
const STRETCH: [i16; 4096] = {
    let mut table = [0; 4096];
    let (mut x, mut p) = (-2047, 0);
    while p < 4096 {
        while x < 2047 && squash(x) < (p as u32) << 4 {
            x += 1;
        }
        table[p] = x as i16;
        p += 1;
    }
    table
};

/// How far a counter moves towards the bit it saw after `n` others, in 65,536ths: 1 / (n + 1.5).
const RATE: [u32; COUNT_LIMIT as usize + 1] = {
    let mut table = [0; COUNT_LIMIT as usize + 1];
    let mut n = 0;
    while n < table.len() {
        table[n] = 131_072 / (2 * n as u32 + 3);
        n += 1;
    }
    table
};

/// The most bits that a counter counts; then it forgets slowly.
const COUNT_LIMIT: u32 = 255;
/// A counter that has seen nothing: one half in 22 bits, and a count of 10 bits.
const NEW: u32 = 1 << 31;

fn update(counter: &mut u32, bit: bool, limit: u32) {
    let (p, n) = (*counter >> 10, *counter & 1023);
    let rate = u64::from(RATE[n as usize]);
    let p = if bit {
        p + ((u64::from((1 << 22) - 1 - p) * rate) >> 16) as u32
    } else {
        p - ((u64::from(p) * rate) >> 16) as u32
    };
    *counter = p << 10 | (n + 1).min(limit);
}

/// A counter's opinion, for the mixer.
fn opinion(counter: u32) -> i32 {
    i32::from(STRETCH[(counter >> 20) as usize])
}

/// Fifteen counters for the four bits that follow a context, behind a check of the context.
type Line = [u32; 16];
const EMPTY: Line = {
    let mut line = [NEW; 16];
    line[0] = 0;
    line
};
/// Lines at most: 16 MiB.
const MAX_LINES: usize = 1 << 18;

/// A number that looks like chance and depends on both.
pub(super) const fn hash(a: u32, b: u32) -> u32 {
    let x = (a.wrapping_add(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b) ^ b.wrapping_mul(0xc2b2_ae35);
    let x = (x ^ x >> 15).wrapping_mul(0x2c1b_3c6d);
    x ^ x >> 13
}

/// The other half of the model: the encoder knows the bits, the decoder reads them.
pub(super) trait BitCoder {
    /// Codes a bit which is 1 with the probability `p` of 65,536; the encoder knows it.
    fn bit(&mut self, bit: bool, p: u32) -> Result<bool, DecodeError>;
}

/// The state of the model.
#[derive(Debug)]
pub(super) struct Predictor {
    lines: Box<[Line]>,
    weights: Box<[[i32; INPUTS]]>,
    matcher: Matcher,
}

impl Predictor {
    /// A model for `len` bytes. It takes up to 20 MiB.
    pub(super) fn new(len: usize) -> Self {
        let lines = len.saturating_mul(4).next_power_of_two().clamp(1 << 10, MAX_LINES);
        Self {
            lines: vec![EMPTY; lines].into_boxed_slice(),
            weights: vec![[FIRST_WEIGHT; INPUTS]; SETS * (CONTEXTS + 1)].into_boxed_slice(),
            matcher: Matcher::new(len),
        }
    }

    /// Codes a byte within these contexts; `set` chooses the weights.
    pub(super) fn byte(
        &mut self,
        coder: &mut impl BitCoder,
        contexts: &[u32; CONTEXTS],
        set: Column,
        byte: u8,
    ) -> Result<u8, DecodeError> {
        let mut seen = 1u32;
        for half in [4, 0] {
            let mut at = [0; CONTEXTS];
            let mut known = 0;
            for (index, context) in contexts.iter().enumerate() {
                let key = hash(*context, (index as u32) << 8 | seen);
                let (line, found) = self.find(key);
                at[index] = line;
                known += usize::from(found);
            }
            let weights = &mut self.weights[set as usize * (CONTEXTS + 1) + known];
            let mut node = 1;
            for place in (half..half + 4).rev() {
                let mut inputs = [BIAS; INPUTS];
                for (input, line) in inputs.iter_mut().zip(at) {
                    *input = opinion(self.lines[line][node]);
                }
                let guess = self.matcher.guess(seen, place);
                inputs[CONTEXTS] = guess.map_or(0, |slot| opinion(self.matcher.trust[slot]));
                let mut sum = 0i64;
                for (input, weight) in inputs.iter().zip(weights.iter()) {
                    sum += i64::from(*input) * i64::from(*weight);
                }
                let p = squash((sum >> 16).clamp(-2047, 2047) as i32);
                let bit = coder.bit(byte >> place & 1 == 1, p)?;

                let error = (i32::from(bit) << 16) - p as i32;
                for (input, weight) in inputs.iter().zip(weights.iter_mut()) {
                    let change = (input * error + (1 << (LEARNING - 1))) >> LEARNING;
                    *weight = (*weight + change).clamp(-MAX_WEIGHT, MAX_WEIGHT);
                }
                for line in at {
                    update(&mut self.lines[line][node], bit, COUNT_LIMIT);
                }
                if let Some(slot) = guess {
                    update(&mut self.matcher.trust[slot], bit, COUNT_LIMIT);
                }
                node = node << 1 | usize::from(bit);
                seen = seen << 1 | u32::from(bit);
            }
        }
        Ok(seen as u8)
    }

    /// Remembers a byte, for later ones to be found alike.
    pub(super) fn remember(&mut self, byte: u8) {
        self.matcher.push(byte);
    }

    /// The line of a context, and whether it was there: else the less used one of two is taken.
    fn find(&mut self, key: u32) -> (usize, bool) {
        let first = key as usize & (self.lines.len() - 1);
        let second = first ^ 1;
        if self.lines[first][0] == key {
            return (first, true);
        }
        if self.lines[second][0] == key {
            return (second, true);
        }
        let uses = |line: usize| self.lines[line][1] & 1023;
        let line = if uses(first) <= uses(second) { first } else { second };
        self.lines[line] = EMPTY;
        self.lines[line][0] = key;
        (line, false)
    }
}

/// Bytes that must agree before a match is looked for.
const MATCH_MIN: usize = 5;
/// Lengths of a match that are told apart.
const MATCH_LENGTHS: usize = 32;

/// The longest past that ends like the present, found by a hash of its last bytes.
#[derive(Debug)]
struct Matcher {
    past: Vec<u8>,
    table: Box<[u32]>,
    /// Where the match goes on, and how long it is; 0 for none.
    at: usize,
    len: usize,
    /// For each length and bit that it announces, how often that came.
    trust: [u32; 2 * MATCH_LENGTHS],
}

impl Matcher {
    fn new(len: usize) -> Self {
        let table = len.next_power_of_two().clamp(1 << 8, 1 << 18);
        Self {
            past: Vec::new(),
            table: vec![0; table].into_boxed_slice(),
            at: 0,
            len: 0,
            trust: [NEW; 2 * MATCH_LENGTHS],
        }
    }

    /// The counter of what the match announces for the bit at `place`, if it agrees with the
    /// bits of the byte seen so far.
    fn guess(&self, seen: u32, place: u32) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let byte = u32::from(self.past[self.at]) | 256;
        (byte >> (place + 1) == seen)
            .then_some(self.len.min(MATCH_LENGTHS - 1) << 1 | (byte >> place & 1) as usize)
    }

    fn push(&mut self, byte: u8) {
        if self.len > 0 && self.past[self.at] == byte {
            self.at += 1;
            self.len += 1;
        } else {
            self.len = 0;
        }
        self.past.push(byte);
        let end = self.past.len();
        let Some(last) = end.checked_sub(MATCH_MIN).map(|start| &self.past[start..]) else {
            return;
        };
        let key = last.iter().fold(0, |key, byte| hash(key, u32::from(*byte)));
        let slot = &mut self.table[key as usize & (self.table.len() - 1)];
        if self.len == 0 && *slot > 0 {
            self.at = *slot as usize;
            let (present, past) = (self.past.iter().rev(), self.past[..self.at].iter().rev());
            self.len = present.zip(past).take(MATCH_LENGTHS).take_while(|(a, b)| a == b).count();
        }
        // The past is shorter than a batch, far below 2^32.
        *slot = end as u32;
    }
}
