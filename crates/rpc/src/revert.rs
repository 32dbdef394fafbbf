//! The words in a revert: Solidity's `Error(string)` and `Panic(uint256)`, in geth's wording.

use alloy_sol_types::{Panic, Revert, SolError};

/// Longest reason that is put into a message; the whole stands in the error's data.
const MAX_REASON: usize = 1_024;

/// The reason in the output of a reverted call, if it is one that Solidity itself encodes.
pub(crate) fn reason(output: &[u8]) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(output) {
        let mut reason = revert.reason;
        if reason.len() > MAX_REASON {
            let end = (0..=MAX_REASON).rev().find(|i| reason.is_char_boundary(*i)).unwrap_or(0);
            reason.truncate(end);
            reason.push('…');
        }
        return Some(reason);
    }
    let panic = Panic::abi_decode(output).ok()?;
    let words = match u64::try_from(panic.code).ok() {
        Some(0x00) => "generic panic",
        Some(0x01) => "assert(false)",
        Some(0x11) => "arithmetic underflow or overflow",
        Some(0x12) => "division or modulo by zero",
        Some(0x21) => "enum overflow",
        Some(0x22) => "invalid encoded storage byte array accessed",
        Some(0x31) => "out-of-bounds array access; popping on an empty array",
        Some(0x32) => "out-of-bounds access of an array or bytesN",
        Some(0x41) => "out of memory",
        Some(0x51) => "uninitialized function",
        _ => return Some(format!("unknown panic code: {:#x}", panic.code)),
    };
    Some(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    #[test]
    fn error_string_and_panic_are_put_into_words() {
        let error = Revert { reason: "no funds".into() }.abi_encode();
        assert_eq!(reason(&error).as_deref(), Some("no funds"));
        let panic = Panic { code: U256::from(0x11) }.abi_encode();
        assert_eq!(reason(&panic).as_deref(), Some("arithmetic underflow or overflow"));
        let unknown = Panic { code: U256::from(0x99) }.abi_encode();
        assert_eq!(reason(&unknown).as_deref(), Some("unknown panic code: 0x99"));
    }

    #[test]
    fn other_bytes_have_no_reason() {
        assert_eq!(reason(&[]), None);
        assert_eq!(reason(&[1, 2, 3, 4]), None);
        assert_eq!(reason(&[0x08, 0xc3, 0x79, 0xa0, 1]), None);
    }

    #[test]
    fn long_reason_is_cut_at_a_character() {
        let error = Revert { reason: "ü".repeat(4_000) }.abi_encode();
        let words = reason(&error).unwrap();
        assert!(words.len() <= MAX_REASON + '…'.len_utf8());
        assert!(words.ends_with('…'));
    }
}
