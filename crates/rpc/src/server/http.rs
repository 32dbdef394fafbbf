//! What one HTTP request gets: a preflight answer, a route, or JSON-RPC (or its upgrade to WebSocket).

use super::{
    body::{self, Body},
    cors,
    counted::Counted,
    inbox::{Inbox, Unreadable},
    outbox::Outbox,
    peer::Peer,
    routes::{GetRequest, GetRoute},
};
use crate::{
    Cors,
    error::{LIMIT_EXCEEDED, TIMEOUT},
    ingest::Ingest,
    workers::Workers,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use jsonrpsee::{
    Methods,
    core::middleware::RpcServiceBuilder,
    server::{HttpBody, StopHandle, TowerServiceBuilder, http::response::too_large, ws},
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tower::{Service as _, layer::util::Identity};

/// Everything that requests share.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) rpc: TowerServiceBuilder<Identity, Identity>,
    /// Of WebSocket connections.
    pub(super) methods: Methods,
    /// For raw transactions over HTTP, unless another module answers the method.
    pub(super) ingest: Option<Ingest>,
    /// Of single requests.
    pub(super) post_methods: Methods,
    pub(super) stop: StopHandle,
    pub(super) cors: Cors,
    pub(super) routes: Arc<[GetRoute]>,
    pub(super) reads: Workers,
    /// Places for batches.
    pub(super) batches: Arc<Semaphore>,
    /// Room for bodies.
    pub(super) inbox: Arc<Inbox>,
    pub(super) max_request_bytes: u32,
    pub(super) request_timeout: Duration,
}

impl Http {
    /// Answers one request; never fails, because every failure has an answer.
    pub(super) async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: Peer,
        outbox: &Arc<Outbox>,
    ) -> Response<HttpBody> {
        request.extensions_mut().insert(peer);
        if cors::refuses(&self.cors, request.headers()) {
            return text(StatusCode::FORBIDDEN, "calls from this origin are not allowed\n");
        }
        if request.method() == Method::OPTIONS {
            return cors::preflight(&self.cors, request.headers());
        }
        let asked = origin_of(request.headers());
        let answer = async {
            if ws::is_upgrade_request(&request) {
                self.upgrade(request, outbox).await
            } else if request.method() == Method::GET {
                self.get(&request).await
            } else {
                self.json_rpc(request).await
            }
        };
        let mut response = match tokio::time::timeout(self.request_timeout, answer).await {
            Ok(response) => response,
            Err(_) => error(StatusCode::GATEWAY_TIMEOUT, TIMEOUT, "request timed out"),
        };
        let bytes = response.body().size_hint().lower();
        if !outbox.put(usize::try_from(bytes).unwrap_or(usize::MAX)) {
            let message = "too many answers wait to be read, try again later";
            response = error(StatusCode::SERVICE_UNAVAILABLE, LIMIT_EXCEEDED, message);
        }
        cors::allow(&self.cors, &asked, response.headers_mut());
        response
    }

    /// Begins a WebSocket connection.
    async fn upgrade(
        &self,
        request: Request<Incoming>,
        outbox: &Arc<Outbox>,
    ) -> Response<HttpBody> {
        let (outbox, batches) = (outbox.clone(), self.batches.clone());
        let counted = RpcServiceBuilder::new().layer_fn(move |service| Counted {
            service,
            outbox: outbox.clone(),
            batches: batches.clone(),
        });
        let rpc = self.rpc.clone().set_rpc_middleware(counted);
        let answer = rpc.build(self.methods.clone(), self.stop.clone()).call(request).await;
        answer.unwrap_or_else(|error| unreadable(&error))
    }

    async fn json_rpc(&self, request: Request<Incoming>) -> Response<HttpBody> {
        let (mut head, body) = request.into_parts();
        let received = match self.inbox.receive(body, self.max_request_bytes as usize).await {
            Ok(received) => received,
            Err(Unreadable::TooLarge) => return too_large(self.max_request_bytes),
            Err(Unreadable::Full) => {
                let message = "too many requests are being received, try again later";
                return error(StatusCode::SERVICE_UNAVAILABLE, LIMIT_EXCEEDED, message);
            }
            Err(Unreadable::Transport(error)) => return unreadable(&error),
        };
        // Counted until it is answered.
        let (body, _held) = received.into_parts();
        let body = bytes::Bytes::from(body);
        if head.method == Method::POST
            && let Some(ingest) = &self.ingest
            && let Some(raw) = ingest.read(&body)
        {
            // Never closed.
            let _place = if raw.is_batch { self.batches.acquire().await.ok() } else { None };
            return json(StatusCode::OK, ingest.answer(raw).await);
        }
        // Clients that leave the type out, or send a form's, still mean JSON-RPC: nothing else is
        // answered to a POST here.
        if head.method == Method::POST && !has_json_type(&head.headers) {
            let json = HeaderValue::from_static("application/json");
            head.headers.insert(header::CONTENT_TYPE, json);
        }
        head.headers.remove(header::CONTENT_LENGTH);
        let (body, _place) = match body::read(body.into()) {
            Body::Refused(answer) => return json(StatusCode::OK, answer),
            Body::Single(body) => (body, None),
            // Never closed.
            Body::Batch(body) => (body, self.batches.acquire().await.ok()),
        };
        let request = Request::from_parts(head, HttpBody::from(body));
        let mut service = self.rpc.clone().build(self.post_methods.clone(), self.stop.clone());
        match service.call(request).await {
            Ok(response) => without_null(response).await,
            Err(error) => unreadable(&error),
        }
    }

    async fn get<B>(&self, request: &Request<B>) -> Response<HttpBody> {
        let path = request.uri().path();
        let Some(route) = self.routes.iter().find(|route| path.starts_with(route.prefix)) else {
            let hint = "nothing here; JSON-RPC is answered to POST and over WebSocket\n";
            return text(StatusCode::NOT_FOUND, hint);
        };
        let get = GetRequest::of(request);
        if !route.works {
            return (route.handler)(&get).into_http();
        }
        let handler = route.handler.clone();
        let answer = match self.reads.run(move || Ok(handler(&get))).await {
            Ok(answer) => answer,
            Err(failure) => {
                return text(StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", failure.message));
            }
        };
        answer.into_http()
    }
}

/// The headers that the cross-origin rules look at after the request has been consumed.
fn origin_of(headers: &HeaderMap) -> HeaderMap {
    let origin = headers.get(header::ORIGIN).cloned();
    origin.map(|origin| (header::ORIGIN, origin)).into_iter().collect()
}

fn has_json_type(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| {
        let exact = ["application/json", "application/json; charset=utf-8"];
        exact.iter().any(|known| kind.eq_ignore_ascii_case(known))
    })
}

fn text(status: StatusCode, words: impl Into<HttpBody>) -> Response<HttpBody> {
    let mut response = Response::new(words.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn json(status: StatusCode, body: impl Into<HttpBody>) -> Response<HttpBody> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn error(status: StatusCode, code: i32, message: &str) -> Response<HttpBody> {
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}"#);
    json(status, body)
}

fn unreadable(error: &dyn fmt::Display) -> Response<HttpBody> {
    tracing::debug!(%error, "request failed in transport");
    text(StatusCode::BAD_REQUEST, "the request could not be read\n")
}

/// Notifications have no answer, not even `null`.
async fn without_null(response: Response<HttpBody>) -> Response<HttpBody> {
    if response.body().size_hint().exact() != Some(4) {
        return response;
    }
    let (head, body) = response.into_parts();
    match body.collect().await.map(http_body_util::Collected::to_bytes) {
        Ok(body) if body.as_ref() != b"null" => {
            Response::from_parts(head, HttpBody::from(body.to_vec()))
        }
        _ => {
            let mut response = Response::new(HttpBody::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
    }
}
