//! Nibble arithmetic on 32-byte keys and the hex-prefix encoding of paths.

use alloy_primitives::B256;

/// Nibbles in a key.
pub(crate) const KEY_NIBBLES: usize = 64;

/// The nibble of `key` at `index` (0 is the most significant; `index` below 64).
pub(crate) fn nibble(key: &B256, index: usize) -> u8 {
    let byte = key[index / 2];
    if index.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

/// The first index at or after `from` at which `a` and `b` differ, or 64 when they are equal from there on.
/// Nibbles before `from` are taken to be equal.
pub(crate) fn first_difference(a: &B256, b: &B256, from: usize) -> usize {
    for i in from / 2..32 {
        let x = a[i] ^ b[i];
        if x != 0 {
            let at = 2 * i + usize::from(x & 0xf0 == 0);
            return at.max(from);
        }
    }
    KEY_NIBBLES
}

/// Appends the RLP string of the hex-prefix encoding of the nibbles `from..to` of `key` (Yellow Paper, appendix C).
pub(crate) fn encode_path(key: &B256, from: usize, to: usize, leaf: bool, out: &mut Vec<u8>) {
    let count = to - from;
    let odd = count % 2 == 1;
    let flag = (u8::from(leaf) << 5) | (u8::from(odd) << 4);
    let first = if odd { flag | nibble(key, from) } else { flag };
    let bytes = 1 + count / 2;
    if bytes > 1 {
        // At most 33 bytes, so the short form of an RLP string header always serves. A single byte is below 0x80 and
        // is its own RLP.
        #[expect(clippy::cast_possible_truncation, reason = "at most 33")]
        out.push(0x80 + bytes as u8);
    }
    out.push(first);
    let start = from + usize::from(odd);
    if start.is_multiple_of(2) {
        out.extend_from_slice(&key[start / 2..to / 2]);
    } else {
        let mut i = start;
        while i < to {
            out.push((nibble(key, i) << 4) | nibble(key, i + 1));
            i += 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hex: &str) -> B256 {
        let mut bytes = [0u8; 32];
        for (i, c) in hex.chars().enumerate() {
            let n = u8::try_from(c.to_digit(16).expect("hex")).expect("below 16");
            bytes[i / 2] |= if i % 2 == 0 { n << 4 } else { n };
        }
        B256::from(bytes)
    }

    #[test]
    fn difference_is_found_at_every_nibble() {
        let a = B256::repeat_byte(0xab);
        for at in 0..64 {
            let mut b = a;
            b[at / 2] ^= if at % 2 == 0 { 0x30 } else { 0x05 };
            for from in 0..=at {
                assert_eq!(first_difference(&a, &b, from), at);
            }
        }
        assert_eq!(first_difference(&a, &a, 0), 64);
        assert_eq!(first_difference(&a, &a, 63), 64);
    }

    #[test]
    fn hex_prefix_of_the_yellow_paper() {
        let k = key("012345");
        let path = |from, to, leaf| {
            let mut out = Vec::new();
            encode_path(&k, from, to, leaf, &mut out);
            out
        };
        assert_eq!(path(1, 6, false), [0x83, 0x11, 0x23, 0x45]);
        assert_eq!(path(0, 6, false), [0x84, 0x00, 0x01, 0x23, 0x45]);
        assert_eq!(path(0, 6, true), [0x84, 0x20, 0x01, 0x23, 0x45]);
        assert_eq!(path(1, 6, true), [0x83, 0x31, 0x23, 0x45]);
        assert_eq!(path(1, 5, true), [0x83, 0x20, 0x12, 0x34]);
        assert_eq!(path(0, 5, true), [0x83, 0x30, 0x12, 0x34]);
        assert_eq!(path(3, 3, true), [0x20]);
        assert_eq!(path(3, 4, false), [0x13]);
    }
}
