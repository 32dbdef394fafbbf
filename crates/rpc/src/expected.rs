//! What is wrong with an argument of several forms: the parser tries one form after the other, and
//! can only say that none was met.

use alloy_eips::BlockNumberOrTag;
use alloy_serde::JsonStorageKey;
use mezz_evm::trace::TRACERS;
use mezz_primitives::{Address, B256};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Topics of a log.
const MAX_TOPICS: usize = 4;
/// Characters of a value that are shown to who sent it.
const SHOWN: usize = 80;

const FIELDS: [&str; 5] = ["fromBlock", "toBlock", "blockHash", "address", "topics"];
const BLOCK: &str = "a block number (0x and hexadecimal digits), \"earliest\", \"latest\", \"safe\", \
    \"finalized\" or \"pending\"";
const BLOCK_HASH: &str = "a block hash (0x and 64 hexadecimal digits)";
const ADDRESS: &str = "an address (0x and 40 hexadecimal digits), or an array of addresses";
const TOPIC: &str = "a topic (0x and 64 hexadecimal digits), null for any, or an array of topics";
const STORAGE_KEY: &str = "a storage key (0x and up to 64 hexadecimal digits)";

/// Of a filter of logs.
pub(crate) fn filter(filter: &Value) -> Option<String> {
    let Value::Object(fields) = filter else {
        return Some(wrong("filter", &format!("an object of {}", FIELDS.join(", ")), filter));
    };
    fields.iter().find_map(|(name, value)| match name.as_str() {
        "fromBlock" | "toBlock" => not_one::<BlockNumberOrTag>(name, BLOCK, value),
        "blockHash" => not_one::<B256>(name, BLOCK_HASH, value),
        "address" => not_some::<Address>(name, ADDRESS, value),
        "topics" => topics(value),
        _ => Some(format!("unknown field {}: expected {}", shown_text(name), FIELDS.join(", "))),
    })
}

fn topics(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(list) if list.len() > MAX_TOPICS => {
            Some(format!("topics: expected at most {MAX_TOPICS}, got {}", list.len()))
        }
        Value::Array(list) => list
            .iter()
            .enumerate()
            .find_map(|(index, topic)| not_some::<B256>(&format!("topics[{index}]"), TOPIC, topic)),
        other => Some(wrong("topics", &format!("an array of at most {MAX_TOPICS}"), other)),
    }
}

/// Of a storage key.
pub(crate) fn storage_key(key: &Value) -> Option<String> {
    not_one::<JsonStorageKey>("storage key", STORAGE_KEY, key)
}

/// Of storage keys.
pub(crate) fn storage_keys(keys: &Value) -> Option<String> {
    let Value::Array(list) = keys else {
        return Some(wrong("storage keys", "an array", keys));
    };
    list.iter().enumerate().find_map(|(index, key)| {
        not_one::<JsonStorageKey>(&format!("storage keys[{index}]"), STORAGE_KEY, key)
    })
}

/// Of the options of a trace.
pub(crate) fn trace_options(options: &Value) -> Option<String> {
    match &options["tracer"] {
        Value::Null | Value::String(_) => None,
        other => Some(wrong("tracer", &format!("one of {}", TRACERS.join(", ")), other)),
    }
}

/// If `value` is neither null nor a `T`.
fn not_one<T: DeserializeOwned>(name: &str, expected: &str, value: &Value) -> Option<String> {
    let is_one = value.is_null() || T::deserialize(value).is_ok();
    (!is_one).then(|| wrong(name, expected, value))
}

/// If `value` is neither null nor a `T`, nor an array of these.
fn not_some<T: DeserializeOwned>(name: &str, expected: &str, value: &Value) -> Option<String> {
    match value {
        Value::Array(list) => list
            .iter()
            .enumerate()
            .find_map(|(index, value)| not_one::<T>(&format!("{name}[{index}]"), expected, value)),
        value => not_one::<T>(name, expected, value),
    }
}

fn wrong(name: &str, expected: &str, got: &Value) -> String {
    let got = match got {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => shown_text(text),
        other => other.to_string(),
    };
    format!("{name}: expected {expected}, got {got}")
}

fn shown_text(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_field_is_named_with_what_was_expected_and_what_came() {
        let address = format!("0x{}", "ab".repeat(20));
        let topic = format!("0x{}", "ab".repeat(32));
        for (value, words) in [
            (
                json!([]),
                "filter: expected an object of fromBlock, toBlock, blockHash, address, topics, got an array",
            ),
            (
                json!({"address": "0x12"}),
                r#"address: expected an address (0x and 40 hexadecimal digits), or an array of addresses, got "0x12""#,
            ),
            (
                json!({"address": [address, 7]}),
                "address[1]: expected an address (0x and 40 hexadecimal digits), or an array of addresses, got 7",
            ),
            (
                json!({"topics": [null, topic, address]}),
                &format!("topics[2]: expected {TOPIC}, got \"{address}\""),
            ),
            (
                json!({"topics": [[topic, null], [topic, {}]]}),
                &format!("topics[1][1]: expected {TOPIC}, got an object"),
            ),
            (
                json!({"topics": topic}),
                &format!("topics: expected an array of at most 4, got \"{topic}\""),
            ),
            (
                json!({"topics": [null, null, null, null, null]}),
                "topics: expected at most 4, got 5",
            ),
            (
                json!({"fromBlock": "newest"}),
                &format!("fromBlock: expected {BLOCK}, got \"newest\""),
            ),
            (
                json!({"blockHash": "x".repeat(100)}),
                &format!("blockHash: expected {BLOCK_HASH}, got \"{}\"...", "x".repeat(80)),
            ),
            (
                json!({"adress": address}),
                "unknown field \"adress\": expected fromBlock, toBlock, blockHash, address, topics",
            ),
        ] {
            assert_eq!(filter(&value).as_deref(), Some(words), "{value}");
        }
        assert_eq!(filter(&json!({"address": [address], "topics": [null, [topic, null]]})), None);
        assert_eq!(storage_key(&json!("0x1")), None);
        assert_eq!(
            storage_keys(&json!(["0x1", "0xzz"])),
            Some(format!("storage keys[1]: expected {STORAGE_KEY}, got \"0xzz\""))
        );
    }
}
