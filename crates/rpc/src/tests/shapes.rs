//! Checks answers against the shapes of the public specification, `testdata/execution-apis`.

use serde_json::{Map, Value};

/// The shapes and the results of methods.
pub(super) struct Shapes {
    shapes: Map<String, Value>,
    methods: Map<String, Value>,
}

/// What is wrong, and where.
type Check = Result<(), String>;

fn hex(value: &Value, digits: impl Fn(usize) -> bool) -> bool {
    let digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    value
        .as_str()
        .and_then(|text| text.strip_prefix("0x"))
        .is_some_and(|text| digits(text.len()) && text.bytes().all(digit))
}

fn quantity(value: &Value, digits: usize) -> bool {
    hex(value, |n| (1..=digits).contains(&n))
        && value.as_str().is_some_and(|text| text == "0x0" || !text.starts_with("0x0"))
}

/// Whether `value` is of a base type; `None` if there is no such type.
fn base(name: &str, value: &Value) -> Option<bool> {
    Some(match name {
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "string" => value.is_string(),
        "ratio" => value.as_f64().is_some_and(|ratio| (0.0..=1.0).contains(&ratio)),
        "address" => {
            let lower = value.as_str().unwrap_or_default().to_ascii_lowercase();
            hex(&lower.into(), |n| n == 40)
        }
        "byte" => hex(value, |n| (1..=2).contains(&n)),
        "bytes" => hex(value, |_| true),
        "bytes4" => hex(value, |n| n == 8),
        "bytes8" => hex(value, |n| n == 16),
        "bytes32" | "hash32" => hex(value, |n| n == 64),
        "bytes65" => hex(value, |n| n == 130),
        "bytes256" => hex(value, |n| n == 512),
        "uint" => quantity(value, usize::MAX),
        "uint64" => quantity(value, 16),
        "uint256" => quantity(value, 64),
        _ => return None,
    })
}

/// Splits at each `|` that is in no bracket.
fn alternatives(kind: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, c) in kind.char_indices() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            '|' if depth == 0 => {
                parts.push(&kind[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&kind[begin..]);
    parts
}

fn inside(kind: &str, open: char, close: char) -> Option<&str> {
    kind.strip_prefix(open)?.strip_suffix(close)
}

impl Shapes {
    pub(super) fn load() -> Self {
        let text = include_str!("../../testdata/execution-apis/shapes.json");
        let mut file: Map<String, Value> = serde_json::from_str(text).unwrap();
        let mut part = |name: &str| match file.remove(name) {
            Some(Value::Object(part)) => part,
            other => panic!("{name}: {other:?}"),
        };
        Self { shapes: part("shapes"), methods: part("methods") }
    }

    /// The methods that the specification has a result for.
    pub(super) fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    /// Checks the result of a method.
    pub(super) fn result(&self, method: &str, value: &Value) -> Check {
        let kind = self.methods.get(method).unwrap_or_else(|| panic!("no method {method}"));
        self.is(kind.as_str().unwrap(), value).map_err(|wrong| format!("{method}: {wrong}"))
    }

    /// Checks that `value` is of a type.
    pub(super) fn is(&self, kind: &str, value: &Value) -> Check {
        let kinds = alternatives(kind);
        if let [_, _, ..] = kinds[..] {
            let wrong: Vec<_> =
                kinds.into_iter().map_while(|kind| self.is(kind, value).err()).collect();
            let all = wrong.len() == alternatives(kind).len();
            return if all { Err(wrong.join("; or ")) } else { Ok(()) };
        }
        if let Some(kind) = kind.strip_suffix('?') {
            return if value.is_null() { Ok(()) } else { self.is(kind, value) };
        }
        if let Some(text) = kind.strip_prefix('=') {
            return if value == text { Ok(()) } else { Err(format!("{value} is not {text}")) };
        }
        if let Some(kind) = inside(kind, '[', ']') {
            let list = value.as_array().ok_or_else(|| format!("{value} is no list"))?;
            return list.iter().try_for_each(|value| self.is(kind, value));
        }
        if let Some(kind) = inside(kind, '{', '}') {
            let object = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
            return object.values().try_for_each(|value| self.is(kind, value));
        }
        match base(kind, value) {
            Some(true) => Ok(()),
            Some(false) => Err(format!("{value} is no {kind}")),
            None => self.shape(kind, value).map_err(|wrong| format!("{kind}: {wrong}")),
        }
    }

    fn shape(&self, name: &str, value: &Value) -> Check {
        let shape = self.shapes.get(name).unwrap_or_else(|| panic!("no shape {name}"));
        if let Some(all) = shape["all"].as_array() {
            return all.iter().try_for_each(|kind| self.is(kind.as_str().unwrap(), value));
        }
        if let Some(kinds) = shape["one"].as_array() {
            let fits = |kind: &&Value| self.is(kind.as_str().unwrap(), value).is_ok();
            return match kinds.iter().filter(fits).count() {
                1 => Ok(()),
                count => Err(format!("{count} of {kinds:?} fit {value}")),
            };
        }
        let fields = match shape["like"].as_str() {
            Some(like) => &self.shapes[like],
            None => shape,
        };
        let object = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
        let none = Map::new();
        let required = fields["required"].as_object().unwrap_or(&none);
        let optional = fields["optional"].as_object().unwrap_or(&none);
        if let Some(missing) = required.keys().find(|name| !object.contains_key(*name)) {
            return Err(format!("field {missing} is missing in {value}"));
        }
        for (field, value) in object {
            match required.get(field).or_else(|| optional.get(field)) {
                Some(kind) => self
                    .is(kind.as_str().unwrap(), value)
                    .map_err(|wrong| format!("field {field}: {wrong}"))?,
                None if shape["open"] == true => {}
                None => return Err(format!("field {field} is not in the specification")),
            }
        }
        Ok(())
    }
}

#[test]
fn checker_finds_what_is_wrong() {
    let shapes = Shapes::load();
    let ok = |kind: &str, value: Value| assert_eq!(shapes.is(kind, &value), Ok(()), "{kind}");
    let bad =
        |kind: &str, value: Value| assert!(shapes.is(kind, &value).is_err(), "{kind} {value}");
    ok("uint", "0x0".into());
    ok("uint", "0x10".into());
    for wrong in ["0x", "0x01", "10", "0xG", "0xAB"] {
        bad("uint", wrong.into());
    }
    ok("uint?", Value::Null);
    bad("uint", Value::Null);
    ok("[uint]|[string]", serde_json::json!(["a"]));
    bad("[uint]|[boolean]", serde_json::json!(["a"]));
    ok("Log", serde_json::json!({ "transactionHash": format!("0x{}", "0".repeat(64)) }));
    bad("Log", serde_json::json!({}));
    let more = serde_json::json!({ "transactionHash": format!("0x{}", "0".repeat(64)), "x": 1 });
    bad("Log", more);
}
