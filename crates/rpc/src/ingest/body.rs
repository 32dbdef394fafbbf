//! Finding raw transactions in a request body, without a copy of any of it.

use super::METHOD;
use crate::Failure;
use alloy_primitives::hex;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Range;

/// How far into a body the name of the method is looked for before the body is parsed.
const LOOK: usize = 160;
/// First bytes of a blob transaction: checking its proofs takes long, and is not done here.
const BLOB_TX: &str = "0x03";

/// A call of the method: where its id and its transaction are in the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RawCall {
    id: Range<usize>,
    hex: Range<usize>,
}

impl RawCall {
    /// Its id, as it is to be answered.
    pub(super) fn id<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        &body[self.id.clone()]
    }

    /// The bytes of its transaction.
    pub(super) fn bytes(&self, body: &[u8]) -> Result<Vec<u8>, Failure> {
        hex::decode(&body[self.hex.clone()]).map_err(Failure::internal)
    }
}

/// A call of which nothing is out of the ordinary.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call<'a> {
    jsonrpc: &'a str,
    #[serde(borrow)]
    id: &'a RawValue,
    method: &'a str,
    #[serde(borrow)]
    params: (&'a str,),
}

/// The calls in `body`, and whether it is a batch. `None`: not all of it is plain calls of the method.
pub(super) fn read(body: &[u8]) -> Option<(Vec<RawCall>, bool)> {
    let start = &body[..body.len().min(LOOK)];
    if !start.windows(METHOD.len()).any(|window| window == METHOD.as_bytes()) {
        return None;
    }
    let is_batch = body.trim_ascii_start().starts_with(b"[");
    let calls: Vec<Call<'_>> = if is_batch {
        serde_json::from_slice(body).ok()?
    } else {
        vec![serde_json::from_slice(body).ok()?]
    };
    let place = |part: &str| {
        // A part of the body, since it is borrowed from there.
        let from = part.as_ptr().addr() - body.as_ptr().addr();
        from..from + part.len()
    };
    let calls: Option<Vec<_>> = calls
        .into_iter()
        .map(|call| {
            let (id, raw) = (call.id.get(), call.params.0);
            let known = id.starts_with('"') || id.parse::<u64>().is_ok();
            let plain = known && call.jsonrpc == "2.0" && call.method == METHOD;
            (plain && is_hex(raw)).then(|| RawCall { id: place(id), hex: place(raw) })
        })
        .collect();
    calls.filter(|calls| !calls.is_empty()).map(|calls| (calls, is_batch))
}

/// Whether these are bytes, and of no blob transaction.
fn is_hex(raw: &str) -> bool {
    raw.starts_with("0x")
        && !raw.starts_with(BLOB_TX)
        && raw.len().is_multiple_of(2)
        && hex::check_raw(&raw[2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, raw: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{METHOD}","params":["{raw}"]}}"#)
    }

    #[test]
    fn calls_are_found_with_their_ids() {
        let body = format!(" [{}, {}]", call("7", "0x02c0"), call("\"a\"", "0xF8"));
        let (calls, is_batch) = read(body.as_bytes()).unwrap();
        assert!(is_batch);
        let ids: Vec<_> = calls.iter().map(|call| call.id(body.as_bytes())).collect();
        assert_eq!(ids, [b"7".as_slice(), b"\"a\""]);
        let bytes: Vec<_> = calls.iter().map(|call| call.bytes(body.as_bytes()).unwrap()).collect();
        assert_eq!(bytes, [vec![2, 0xc0], vec![0xf8]]);
        let (calls, is_batch) = read(call("1", "0x").as_bytes()).unwrap();
        assert!(!is_batch && calls.len() == 1);
    }

    #[test]
    fn what_is_out_of_the_ordinary_is_left_to_others() {
        let good = call("1", "0x02");
        for body in [
            String::new(),
            "[]".to_owned(),
            "{}".to_owned(),
            call("1", "0x03c0"),
            call("1", "0x2"),
            call("1", "02"),
            call("1", "0xzz"),
            call("1", r"0x0\u0032"),
            call("-1", "0x02"),
            call("null", "0x02"),
            call("[1]", "0x02"),
            good.replace("2.0", "1.0"),
            good.replace(METHOD, "eth_sendRawTransactionSync"),
            good.replace(r#"["0x02"]"#, r#"["0x02","0x"]"#),
            good.replace(r#"["0x02"]"#, r#"{"raw":"0x02"}"#),
            good.replace(r#""id":1,"#, ""),
            good.replace(r#""id":1,"#, r#""id":1,"id":2,"#),
            good.replace(r#""id":1,"#, r#""id":1,"more":2,"#),
            format!("[{good},{}]", good.replace(METHOD, "eth_chainId")),
            format!("[{good},1]"),
            format!("[{good}"),
            format!("{good}{good}"),
        ] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        assert!(read(good.as_bytes()).is_some());
    }
}
