//! Numbers in arguments: JSON numbers, hexadecimal or decimal text.

use mezz_primitives::U256;
use serde::{Deserialize, Deserializer, de::Error};

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Number(u64),
    Text(String),
}

/// A number below 2^256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Big(pub(super) U256);

/// A number below 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number(pub(super) u64);

impl<'de> Deserialize<'de> for Big {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Raw::deserialize(deserializer).map_err(|_| D::Error::custom("expected a number"))? {
            Raw::Number(number) => Ok(Self(U256::from(number))),
            Raw::Text(text) => {
                let parsed = match text.strip_prefix("0x") {
                    Some(digits) => U256::from_str_radix(digits, 16),
                    None => U256::from_str_radix(&text, 10),
                };
                let valid = parsed.ok().filter(|_| !matches!(text.as_str(), "" | "0x"));
                valid.map(Self).ok_or_else(|| D::Error::custom("expected a number"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Big(big) = Big::deserialize(deserializer)?;
        big.try_into().map(Self).map_err(|_| D::Error::custom("number too large"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_three_forms() {
        for text in ["100", "\"0x64\"", "\"100\""] {
            assert_eq!(serde_json::from_str::<Number>(text).unwrap(), Number(100));
        }
        for text in ["-1", "\"\"", "\"0x\"", "\"x\"", "1.5", "null", "\"0x10000000000000000\""] {
            assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
        }
        let max = format!("\"0x{}\"", "f".repeat(64));
        assert_eq!(serde_json::from_str::<Big>(&max).unwrap(), Big(U256::MAX));
        assert!(serde_json::from_str::<Big>(&format!("\"0x1{}\"", "0".repeat(64))).is_err());
    }
}
