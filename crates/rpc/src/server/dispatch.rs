//! Answering what clients ask: the text of one request, or of several, becomes one answer. The same
//! for HTTP and WebSocket, but that only WebSocket can notify.
//!
//! An id is answered as it was given, byte for byte: any string, any number, or null (JSON-RPC 2.0,
//! section 4).

use super::id::HexId;
use crate::{Failure, error::METHOD_NOT_FOUND, queue::Queue};
use jsonrpsee::{
    BoundedSubscriptions, ConnectionId, Extensions, MethodCallback, MethodResponse, MethodSink,
    Methods,
    core::server::SubscriptionState,
    types::{
        ErrorCode, ErrorObject, ErrorObjectOwned, Id, Params,
        error::{
            reject_too_big_batch_request, reject_too_big_batch_response,
            reject_too_many_subscriptions,
        },
    },
};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, sync::Arc};
use tokio::sync::mpsc;

/// JSON-RPC's code for what is no request.
const INVALID_REQUEST: i32 = -32_600;
/// What a batch hears for which there is no place even to wait.
pub(super) const BUSY: &str = "too many batches wait, try again later";
/// How the answer to a request begins whose id was not passed on.
const WITHOUT_ID: &str = r#"{"jsonrpc":"2.0","id":null,"#;

/// The methods, and how much may be asked at once.
#[derive(Debug)]
pub(super) struct Dispatch {
    pub(super) methods: Methods,
    /// Bytes of an answer.
    pub(super) max_response: usize,
    /// Calls in a batch.
    pub(super) max_batch: usize,
    /// Places for batches: their answers pile up until the last is there.
    pub(super) batches: Arc<Queue>,
}

/// Who asks.
#[derive(Debug)]
pub(super) struct Caller {
    /// What methods may know of it.
    pub(super) extensions: Extensions,
    pub(super) connection: ConnectionId,
    /// Where it is told of what it has subscribed to, if it can be.
    pub(super) notified: Option<Notified>,
}

/// The way to a client that can be notified.
#[derive(Debug)]
pub(super) struct Notified {
    pub(super) sink: MethodSink,
    pub(super) places: BoundedSubscriptions,
}

/// An answer as JSON.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) json: Box<RawValue>,
    begun: Vec<Begun>,
}

/// A subscription that has begun, and tells nothing before its client has the answer.
#[derive(Debug)]
struct Begun {
    told: mpsc::Receiver<Box<RawValue>>,
    client: MethodSink,
}

impl Begun {
    async fn run(mut self) {
        // The answer itself: the client has it, with the id that it asked with.
        let _ = self.told.recv().await;
        loop {
            let next = tokio::select! {
                next = self.told.recv() => next,
                () = self.client.closed() => None,
            };
            let Some(next) = next else { return };
            if self.client.send(next).await.is_err() {
                return;
            }
        }
    }
}

impl Answer {
    /// An answer to nobody in particular.
    pub(super) fn refused(error: impl Into<ErrorObjectOwned>) -> Self {
        MethodResponse::error(Id::Null, error.into()).into()
    }

    /// The answer is on its way: subscriptions that it tells of may begin.
    pub(super) fn sent(self) {
        for subscription in self.begun {
            tokio::spawn(subscription.run());
        }
    }
}

impl From<MethodResponse> for Answer {
    fn from(response: MethodResponse) -> Self {
        Self { json: response.into_json(), begun: Vec::new() }
    }
}

#[derive(Deserialize)]
struct Call<'a> {
    jsonrpc: &'a str,
    #[serde(borrow, default, deserialize_with = "given")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

/// A field that is there, be it null.
fn given<'de, D: Deserializer<'de>>(field: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(field).map(Some)
}

/// The entries of an array, but no more than one beyond `max`: a request of commas would otherwise
/// take many times its own bytes.
fn entries(text: &str, max: usize) -> Result<Vec<&RawValue>, serde_json::Error> {
    struct Entries(usize);

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = seq.next_element()? {
                if entries.len() <= self.0 {
                    entries.push(entry);
                }
            }
            Ok(entries)
        }
    }

    let mut reader = serde_json::Deserializer::from_str(text);
    let entries = reader.deserialize_seq(Entries(max))?;
    reader.end()?;
    Ok(entries)
}

/// How an id is answered.
#[derive(Debug, PartialEq)]
enum Echo<'a> {
    /// Written by the method's answer in no other way than it was given.
    Known(Id<'a>),
    /// Put into the answer.
    Text(&'a str),
}

impl<'a> Echo<'a> {
    /// `None`: this is no id.
    fn of(id: &'a str) -> Option<Self> {
        let known = match id.as_bytes().first()? {
            b'n' => Some(Id::Null),
            b'"' => {
                let text = id.strip_prefix('"')?.strip_suffix('"')?;
                (!text.contains('\\')).then(|| Id::Str(text.into()))
            }
            b'-' | b'0'..=b'9' => id.parse().ok().map(Id::Number),
            _ => return None,
        };
        Some(known.map_or(Self::Text(id), Self::Known))
    }
}

/// The answer with the id that was asked.
fn with_id(mut answer: Answer, id: &str) -> Answer {
    if let Some(rest) = answer.json.get().strip_prefix(WITHOUT_ID) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}"#);
        match RawValue::from_string(text) {
            Ok(json) => answer.json = json,
            Err(error) => return Answer::refused(Failure::internal(error)),
        }
    }
    answer
}

/// Why `text` is no request.
fn no_request(text: &str) -> Answer {
    if serde_json::from_str::<&RawValue>(text).is_err() {
        return Answer::refused(ErrorCode::ParseError);
    }
    let error = ErrorObjectOwned::from(ErrorCode::InvalidRequest);
    let head = serde_json::from_str::<Head<'_>>(text);
    match head.ok().and_then(|head| Echo::of(head.id.get())) {
        None => Answer::refused(error),
        Some(Echo::Known(id)) => MethodResponse::error(id, error).into(),
        Some(Echo::Text(id)) => with_id(Answer::refused(error), id),
    }
}

impl Dispatch {
    /// Answers `body`; `None` if nothing in it asks for an answer.
    pub(super) async fn answer(&self, body: &[u8], caller: &Caller) -> Option<Answer> {
        let Ok(text) = std::str::from_utf8(body) else {
            return Some(Answer::refused(ErrorCode::ParseError));
        };
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.starts_with('[') {
            self.batch(text, caller).await
        } else {
            self.one(text, caller).await
        }
    }

    async fn batch(&self, text: &str, caller: &Caller) -> Option<Answer> {
        // Held while the answers pile up.
        let Ok(_place) = self.batches.enter().await else {
            return Some(Answer::refused(Failure::limit(BUSY)));
        };
        let Ok(calls) = entries(text, self.max_batch) else {
            return Some(Answer::refused(ErrorCode::ParseError));
        };
        if calls.is_empty() {
            return Some(Answer::refused(ErrorCode::InvalidRequest));
        }
        if calls.len() > self.max_batch {
            return Some(Answer::refused(reject_too_big_batch_request(self.max_batch)));
        }
        let mut out = String::from("[");
        let mut begun = Vec::new();
        for call in calls {
            let Some(answer) = self.one(call.get(), caller).await else { continue };
            let json = answer.json.get();
            if out.len() + json.len() + 1 > self.max_response {
                return Some(Answer::refused(reject_too_big_batch_response(self.max_response)));
            }
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(json);
            begun.extend(answer.begun);
        }
        if out.len() == 1 {
            return None;
        }
        out.push(']');
        Some(match RawValue::from_string(out) {
            Ok(json) => Answer { json, begun },
            Err(error) => Answer::refused(Failure::internal(error)),
        })
    }

    async fn one(&self, text: &str, caller: &Caller) -> Option<Answer> {
        let Ok(call) = serde_json::from_str::<Call<'_>>(text) else {
            return Some(no_request(text));
        };
        if call.jsonrpc != "2.0" {
            return Some(no_request(text));
        }
        // Without an id it is a notification, and none has an effect here.
        let id = call.id?.get();
        let params = Params::new(call.params.map(RawValue::get));
        Some(match Echo::of(id) {
            None => {
                let message = "invalid request: an id is a string, a number or null";
                Answer::refused(Failure::new(INVALID_REQUEST, message))
            }
            Some(Echo::Known(id)) => self.call(id, &call.method, params, caller).await,
            Some(Echo::Text(text)) => {
                with_id(self.call(Id::Null, &call.method, params, caller).await, text)
            }
        })
    }

    async fn call(&self, id: Id<'_>, method: &str, params: Params<'_>, caller: &Caller) -> Answer {
        let Some(method) = self.methods.method(method) else {
            let error = ErrorObject::from(ErrorCode::MethodNotFound);
            return MethodResponse::error(id, error).into();
        };
        let (connection, most) = (caller.connection, self.max_response);
        let extensions = caller.extensions.clone();
        let mut begun = Vec::new();
        let response = match (method, &caller.notified) {
            (MethodCallback::Sync(run), _) => run(id, params, most, extensions),
            (MethodCallback::Async(run), _) => {
                run(id.into_owned(), params.into_owned(), connection, most, extensions).await
            }
            (MethodCallback::Subscription(run), Some(notified)) => {
                let Some(subscription_permit) = notified.places.acquire() else {
                    let error = reject_too_many_subscriptions(notified.places.max());
                    return MethodResponse::error(id, error).into();
                };
                let state = SubscriptionState {
                    conn_id: connection,
                    id_provider: &HexId,
                    subscription_permit,
                };
                // Room for the answer, which a subscription sends itself.
                let (sink, told) = mpsc::channel(1);
                begun.push(Begun { told, client: notified.sink.clone() });
                run(id, params, MethodSink::new(sink), state, extensions).await
            }
            (MethodCallback::Unsubscription(run), Some(_)) => {
                run(id, params, connection, most, extensions)
            }
            (MethodCallback::Subscription(_) | MethodCallback::Unsubscription(_), None) => {
                let message = "notifications not supported: subscribe over WebSocket";
                let failure = Failure::new(METHOD_NOT_FOUND, message);
                MethodResponse::error(id, ErrorObjectOwned::from(failure))
            }
        };
        Answer { json: response.into_json(), begun }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_of_a_batch_is_kept_than_says_that_it_is_too_large() {
        let kept = |text: &str, max| entries(text, max).map(|entries| entries.len()).ok();
        assert_eq!(kept("[1, {}, [2]]", 3), Some(3));
        assert_eq!(kept(&format!("[{}1]", "1,".repeat(10_000)), 3), Some(4));
        for text in ["[1", "[1,]", "[1] 2", "{}", "[1}"] {
            assert_eq!(kept(text, 3), None, "{text}");
        }
    }

    #[test]
    fn ids_are_strings_numbers_and_null() {
        assert_eq!(Echo::of("null"), Some(Echo::Known(Id::Null)));
        assert_eq!(Echo::of("7"), Some(Echo::Known(Id::Number(7))));
        assert_eq!(Echo::of(r#""a""#), Some(Echo::Known(Id::Str("a".into()))));
        for text in ["-1", "-0", "1.5", "1.0", "1e3", "18446744073709551616", r#""\u0061\"""#] {
            assert_eq!(Echo::of(text), Some(Echo::Text(text)));
        }
        for text in ["true", "false", "[1]", "{}", ""] {
            assert_eq!(Echo::of(text), None, "{text}");
        }
    }
}
