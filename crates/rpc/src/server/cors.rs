//! Cross-origin rules, so that wallets and pages in browsers can call the node.

use crate::Cors;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use jsonrpsee::server::HttpBody;

/// Seconds for which a browser may remember the answer to a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");
const METHODS: HeaderValue = HeaderValue::from_static("POST, GET, OPTIONS");
const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// Whether the request comes from a page that may not call. Without `Origin` it is no page.
pub(super) fn refuses(cors: &Cors, headers: &HeaderMap) -> bool {
    match headers.get(header::ORIGIN).map(HeaderValue::to_str) {
        None => false,
        Some(Ok(origin)) => !cors.allows(origin),
        Some(Err(_)) => *cors != Cors::Any,
    }
}

/// The answer to a preflight (`OPTIONS`) of a page that may call.
pub(super) fn preflight(cors: &Cors, asked: &HeaderMap) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let wanted = wanted.unwrap_or(HeaderValue::from_static("content-type"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    // Chrome asks this before a public page may reach a node on the visitor's own machine.
    if asked.contains_key("access-control-request-private-network") {
        headers.insert("access-control-allow-private-network", TRUE);
    }
    allow(cors, asked, headers);
    response
}

/// Lets the page read the response.
pub(super) fn allow(cors: &Cors, asked: &HeaderMap, headers: &mut HeaderMap) {
    match (cors, asked.get(header::ORIGIN)) {
        (_, None) => {}
        (Cors::Any, Some(_)) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        }
        (Cors::Only(_), Some(origin)) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::VARY, HeaderValue::from_static("origin"));
        }
    }
}
