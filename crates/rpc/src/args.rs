//! Positional arguments of a call, with geth's words for what is wrong with them.

use crate::Failure;
use jsonrpsee::types::Params;
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};
use std::collections::VecDeque;

/// Most arguments a method may be given; none here takes more than a handful.
const MAX_ARGS: usize = 16;
/// Bytes of an argument that is looked at again to say what is wrong with it.
const MAX_EXPLAINED: usize = 512 << 10;

/// The arguments that have not been read yet.
#[derive(Debug)]
pub struct Args<'a> {
    rest: VecDeque<&'a RawValue>,
    read: usize,
}

impl<'a> Args<'a> {
    /// Splits `params` into arguments. Absent parameters are none; an object is an error, because
    /// Ethereum's methods have positional parameters only.
    pub fn new(params: &'a Params<'_>) -> Result<Self, Failure> {
        let rest = match params.as_str().map(str::trim) {
            None | Some("" | "null") => VecDeque::new(),
            Some(text) if text.starts_with('[') => serde_json::from_str(text)
                .map_err(|error| Failure::invalid_params(format!("invalid params: {error}")))?,
            Some(_) => return Err(Failure::invalid_params("non-array args")),
        };
        if rest.len() > MAX_ARGS {
            let message = format!("too many arguments, want at most {MAX_ARGS}");
            return Err(Failure::invalid_params(message));
        }
        Ok(Self { rest, read: 0 })
    }

    /// The next argument, which must be there and not null.
    pub fn required<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        self.required_as(|_| None)
    }

    /// The next argument, or `None` if it is absent or null.
    pub fn optional<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        self.optional_as(|_| None)
    }

    /// As [`Self::required`]; `explain` says what is wrong with a value that is not a `T`, if it
    /// knows better than the parser.
    pub(crate) fn required_as<T: DeserializeOwned>(
        &mut self,
        explain: fn(&Value) -> Option<String>,
    ) -> Result<T, Failure> {
        let index = self.read;
        self.optional_as(explain)?.ok_or_else(|| {
            Failure::invalid_params(format!("missing value for required argument {index}"))
        })
    }

    /// As [`Self::optional`]; `explain` as of [`Self::required_as`].
    pub(crate) fn optional_as<T: DeserializeOwned>(
        &mut self,
        explain: fn(&Value) -> Option<String>,
    ) -> Result<Option<T>, Failure> {
        let index = self.read;
        self.read += 1;
        let Some(raw) = self.rest.pop_front() else { return Ok(None) };
        serde_json::from_str(raw.get()).map_err(|error| {
            // Parsed, a large one would take many times its own bytes.
            let short = Some(raw.get()).filter(|text| text.len() <= MAX_EXPLAINED);
            let value = short.and_then(|text| serde_json::from_str(text).ok());
            let words =
                value.and_then(|value| explain(&value)).unwrap_or_else(|| error.to_string());
            Failure::invalid_params(format!("invalid argument {index}: {words}"))
        })
    }

    /// Requires that no argument is left.
    pub fn end(self) -> Result<(), Failure> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(Failure::invalid_params(format!("too many arguments, want at most {}", self.read)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &'static str) -> Params<'static> {
        Params::new(Some(text))
    }

    #[test]
    fn arguments_are_read_in_order_and_null_is_absent() {
        let params = params(r#" ["0x1", null, 7] "#);
        let mut args = Args::new(&params).unwrap();
        assert_eq!(args.required::<String>().unwrap(), "0x1");
        assert_eq!(args.optional::<u64>().unwrap(), None);
        assert_eq!(args.required::<u64>().unwrap(), 7);
        assert_eq!(args.optional::<u64>().unwrap(), None);
        args.end().unwrap();
    }

    #[test]
    fn missing_wrong_and_superfluous_arguments_are_named() {
        let given = params(r#"["0x1"]"#);
        let mut args = Args::new(&given).unwrap();
        let error = args.required::<u64>().unwrap_err();
        assert_eq!(error.code, -32602);
        assert!(error.message.starts_with("invalid argument 0: "), "{error}");
        let error = args.required::<u64>().unwrap_err();
        assert_eq!(error.message, "missing value for required argument 1");

        let args = Args::new(&given).unwrap();
        assert_eq!(args.end().unwrap_err().message, "too many arguments, want at most 0");
    }

    #[test]
    fn objects_and_floods_are_refused() {
        assert_eq!(Args::new(&params(r#"{"a":1}"#)).unwrap_err().message, "non-array args");
        assert!(Args::new(&params("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]")).is_err());
        assert!(Args::new(&params("[1,")).is_err());
        assert!(Args::new(&params("null")).unwrap().end().is_ok());
        assert!(Args::new(&Params::new(None)).unwrap().end().is_ok());
    }
}
