//! Ids of requests that JSON-RPC allows and the server below does not know: numbers that are no
//! unsigned integers. It would take their requests for notifications, and not answer them.

use crate::Failure;
use jsonrpsee::types::ErrorObjectOwned;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

/// JSON-RPC's code for what is no request.
const INVALID_REQUEST: i32 = -32_600;

/// A body as it is to be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// By this, without a look at what it asks for.
    Refused(String),
    /// A single request, or nothing of JSON-RPC.
    Single(Vec<u8>),
    /// Several.
    Batch(Vec<u8>),
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// The id of `request`, if it has one that cannot be answered.
fn unknown_id(request: &str) -> Option<&RawValue> {
    let id = serde_json::from_str::<Head<'_>>(request).ok()?.id?;
    let known = id.get().starts_with('"') || id.get().parse::<u64>().is_ok();
    (!known).then_some(id)
}

/// Looks at the ids in `body`.
pub(super) fn read(body: Vec<u8>) -> Body {
    let Ok(text) = std::str::from_utf8(&body) else { return Body::Single(body) };
    if !text.trim_start().starts_with('[') {
        return match unknown_id(text) {
            None => Body::Single(body),
            Some(id) => {
                let message = "invalid request: an id is a string or an unsigned integer";
                let error = ErrorObjectOwned::from(Failure::new(INVALID_REQUEST, message));
                Body::Refused(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string())
            }
        };
    }
    let Ok(requests) = serde_json::from_str::<Vec<&RawValue>>(text) else {
        return Body::Batch(body);
    };
    if requests.iter().all(|request| unknown_id(request.get()).is_none()) {
        return Body::Batch(body);
    }
    // No request at all: its place gets the error.
    let known = requests.iter().map(|request| match unknown_id(request.get()) {
        None => request.get(),
        Some(_) => r#"{"jsonrpc":"2.0","id":null}"#,
    });
    Body::Batch(format!("[{}]", known.collect::<Vec<_>>().join(",")).into_bytes())
}
