//! Amounts and durations as people write them.

use alloy::primitives::{
    U256,
    utils::{format_units, parse_units},
};
use std::{num::ParseIntError, str::FromStr, time::Duration};

/// Reads an amount of ether: `1.5`, `1.5eth`, `20gwei`, `300wei`.
pub(crate) fn parse_ether(text: &str) -> Result<U256, String> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let decimals = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "eth" | "ether" => 18,
        "gwei" => 9,
        "wei" => 0,
        other => {
            return Err(format!("unknown unit `{other}`: write for example 1.5, 20gwei or 300wei"));
        }
    };
    parse_amount(number.trim(), decimals)
}

/// Reads a decimal number of tokens with `decimals` places.
pub(crate) fn parse_amount(text: &str, decimals: u8) -> Result<U256, String> {
    if text.is_empty() || text.starts_with('-') {
        return Err(format!("`{text}` is not an amount: write for example 1.5"));
    }
    let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if places > usize::from(decimals) {
        return Err(format!("`{text}` has {places} decimal places; at most {decimals} exist"));
    }
    parse_units(text, decimals)
        .map(|units| units.get_absolute())
        .map_err(|_| format!("`{text}` is not an amount: write for example 1.5"))
}

/// Writes wei as ether with no trailing zeros.
pub(crate) fn show_ether(wei: U256) -> String {
    format!("{} ETH", show_amount(wei, 18))
}

/// Writes wei as ether with six decimal places, rounded up: for what something may cost.
pub(crate) fn show_about(wei: U256) -> String {
    let place = U256::from(1_000_000_000_000u64);
    match wei.div_ceil(place).checked_mul(place) {
        Some(rounded) => show_ether(rounded),
        None => show_ether(wei),
    }
}

/// Writes wei as a number of ether with `places` decimal places, at most 18, rounded: for columns.
pub(crate) fn show_places(wei: U256, places: u8) -> String {
    let places = places.min(18);
    let unit = U256::from(10).pow(U256::from(18 - places));
    let rounded = wei.saturating_add(unit / U256::from(2)) / unit;
    format_units(rounded, places).unwrap_or_else(|_| rounded.to_string())
}

/// Writes `amount` with `decimals` places and no trailing zeros.
pub(crate) fn show_amount(amount: U256, decimals: u8) -> String {
    let text = format_units(amount, decimals).unwrap_or_else(|_| amount.to_string());
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

/// Reads a duration: `100ms`, `2s`, `5m`, `1h`, `7d`; a bare number is seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.trim().parse().map_err(|_| {
        format!("`{text}` is not a duration: write for example 500ms, 2s, 5m, 1h or 7d")
    })?;
    let millis = match unit.trim() {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => return Err(format!("unknown unit in `{text}`: use ms, s, m, h or d")),
    };
    millis.map(Duration::from_millis).ok_or_else(|| format!("`{text}` is too long"))
}

/// Reads a whole number.
pub(crate) fn parse_count<T: FromStr<Err = ParseIntError>>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|error| format!("{error}: write a whole number"))
}

/// Reads a number of bytes below 4 GiB: `1000`, `64KiB`, `16MiB`, `1GiB`.
pub(crate) fn parse_size(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let wrong = || format!("`{text}` is not a size: write for example 64KiB, 16MiB or 1GiB");
    let number: u32 = number.trim().parse().map_err(|_| wrong())?;
    let shift = match unit.trim() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(1 << shift).ok_or_else(|| format!("`{text}` is 4GiB or more"))
}

/// Writes a duration with its two largest units.
pub(crate) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (d, h, m, s) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (d, h, m) {
        (0, 0, 0) if duration.as_millis() < 1_000 => format!("{} ms", duration.as_millis()),
        (0, 0, 0) if s < 10 && duration.subsec_millis() >= 100 => {
            format!("{s}.{} s", duration.subsec_millis() / 100)
        }
        (0, 0, 0) => format!("{s} s"),
        (0, 0, _) if s == 0 => format!("{m} min"),
        (0, 0, _) => format!("{m} min {s:02} s"),
        (0, _, _) => format!("{h} h {m:02} min"),
        _ => format!("{d} d {h:02} h"),
    }
}

/// Writes a number of bytes with a unit of 1,024.
pub(crate) fn show_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut shown = bytes;
    let mut unit = "bytes";
    for next in UNITS {
        if shown < 1_024 {
            break;
        }
        (shown, unit) = (shown / 1_024, next);
    }
    format!("{shown} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ether_is_read_in_its_units() {
        assert_eq!(parse_ether("1.5").unwrap(), U256::from(1_500_000_000_000_000_000u64));
        assert_eq!(parse_ether("20 gwei").unwrap(), U256::from(20_000_000_000u64));
        assert_eq!(parse_ether("300wei").unwrap(), U256::from(300));
        for bad in ["", "-1", "1.5wei", "one", "1 btc", "1.0000000000000000001"] {
            assert!(parse_ether(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ether_is_shown_without_trailing_zeros() {
        assert_eq!(show_ether(U256::from(1_500_000_000_000_000_000u64)), "1.5 ETH");
        assert_eq!(show_ether(U256::ZERO), "0 ETH");
        assert_eq!(show_amount(U256::from(10), 0), "10");
        assert_eq!(show_about(U256::from(200_000_000_362_144u64)), "0.000201 ETH");
        assert_eq!(show_about(U256::ZERO), "0 ETH");
        assert!(show_about(U256::MAX).len() > 60);
        assert_eq!(show_places(U256::from(1_500_000_000_000_000_000u64), 3), "1.500");
        assert_eq!(show_places(U256::from(499_999), 12), "0.000000000000");
        assert_eq!(show_places(U256::from(500_000), 12), "0.000000000001");
        assert_eq!(show_places(U256::from(7), 99), "0.000000000000000007");
    }

    #[test]
    fn bytes_are_shown_in_their_largest_unit() {
        assert_eq!(show_bytes(1_023), "1023 bytes");
        assert_eq!(show_bytes(1_024), "1 KiB");
        assert_eq!(show_bytes(10 << 30), "10 GiB");
        assert_eq!(show_bytes(u64::MAX), "16383 PiB");
    }

    #[test]
    fn sizes_are_read_in_their_units() {
        assert_eq!(parse_size("1000"), Ok(1_000));
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("16 MiB"), Ok(16 << 20));
        assert_eq!(parse_size("3GiB"), Ok(3 << 30));
        for bad in ["", "MiB", "-1", "1.5MiB", "1MB", "4GiB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn counts_are_whole_numbers_that_fit() {
        assert_eq!(parse_count::<u32>("64"), Ok(64));
        for bad in ["", "-1", "1.5", "many", "4294967296"] {
            assert!(parse_count::<u32>(bad).unwrap_err().contains("whole number"), "{bad}");
        }
    }

    #[test]
    fn durations_are_read_and_shown() {
        assert_eq!(parse_duration("100ms").unwrap(), Duration::from_millis(100));
        assert_eq!(parse_duration("2").unwrap(), Duration::from_secs(2));
        assert_eq!(parse_duration("7d").unwrap(), Duration::from_secs(604_800));
        for bad in ["", "x", "1y", "-1s", "99999999999999999999d", "18446744073709551615d"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        assert_eq!(show_duration(Duration::from_millis(250)), "250 ms");
        assert_eq!(show_duration(Duration::from_millis(1_450)), "1.4 s");
        assert_eq!(show_duration(Duration::from_secs(1)), "1 s");
        assert_eq!(show_duration(Duration::from_millis(12_900)), "12 s");
        assert_eq!(show_duration(Duration::from_secs(59)), "59 s");
        assert_eq!(show_duration(Duration::from_secs(60)), "1 min");
        assert_eq!(show_duration(Duration::from_secs(61)), "1 min 01 s");
        assert_eq!(show_duration(Duration::from_secs(3_661)), "1 h 01 min");
        assert_eq!(show_duration(Duration::from_secs(604_800)), "7 d 00 h");
    }
}
