//! Plain HTTP GET beside JSON-RPC: health, metrics, the beacon endpoint for blobs.

use http::{HeaderValue, Request, Response, StatusCode, header};
use jsonrpsee::server::HttpBody;
use std::{fmt, sync::Arc};

/// A GET request, as far as routes look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRequest {
    /// The path, percent-encoded as it came.
    pub path: String,
    /// What follows the `?`, if anything.
    pub query: Option<String>,
    /// The `Accept` header, if it is there and readable.
    pub accept: Option<String>,
}

impl GetRequest {
    /// The parts of `request`.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let accept = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok());
        Self {
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            accept: accept.map(str::to_owned),
        }
    }

    /// What follows `prefix` in the path.
    pub fn after(&self, prefix: &str) -> Option<&str> {
        self.path.strip_prefix(prefix)
    }

    /// All values of `key` in the query, in order, not decoded; `key=a,b` is one value.
    pub fn query_values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.query.as_deref().unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.split_once('=')).filter(move |(k, _)| *k == key).map(|p| p.1)
    }
}

/// The answer to a GET request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetResponse {
    /// HTTP status.
    pub status: u16,
    /// Value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl GetResponse {
    /// A JSON body that has been serialized already.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: "application/json", body: body.into() }
    }

    /// A line of text.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }

    /// As it goes over the wire.
    pub(super) fn into_http(self) -> Response<HttpBody> {
        let mut response = Response::new(HttpBody::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = HeaderValue::from_static(self.content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

type Handler = dyn Fn(&GetRequest) -> GetResponse + Send + Sync;

/// A route: every path that begins with the prefix. The first route that fits answers.
#[derive(Clone)]
pub struct GetRoute {
    pub(super) prefix: &'static str,
    pub(super) handler: Arc<Handler>,
    /// Whether it waits for a worker.
    pub(super) works: bool,
}

impl GetRoute {
    /// Answers paths that begin with `prefix`, for example `/eth/v1/beacon/blobs/`. The closure may
    /// block: it runs on one of the read workers.
    pub fn new(
        prefix: &'static str,
        handler: impl Fn(&GetRequest) -> GetResponse + Send + Sync + 'static,
    ) -> Self {
        Self { prefix, handler: Arc::new(handler), works: true }
    }

    /// As [`GetRoute::new`], at once, however busy the workers are. The closure must not block.
    pub fn quick(
        prefix: &'static str,
        handler: impl Fn(&GetRequest) -> GetResponse + Send + Sync + 'static,
    ) -> Self {
        Self { works: false, ..Self::new(prefix, handler) }
    }
}

impl fmt::Debug for GetRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetRoute").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_gives_rest_of_path_and_query_values() {
        let request = GetRequest {
            path: "/eth/v1/beacon/blobs/12".into(),
            query: Some("versioned_hashes=0x01&x=1&versioned_hashes=0x02,0x03&flag".into()),
            accept: None,
        };
        assert_eq!(request.after("/eth/v1/beacon/blobs/"), Some("12"));
        assert_eq!(request.after("/health"), None);
        let hashes: Vec<_> = request.query_values("versioned_hashes").collect();
        assert_eq!(hashes, ["0x01", "0x02,0x03"]);
    }
}
