//! What one HTTP request gets: a preflight answer, a route, or JSON-RPC (or its upgrade to WebSocket).

use super::{
    accept::Client,
    cors,
    dispatch::{BUSY, Caller, Dispatch},
    inbox::{Inbox, Unreadable},
    routes::{GetRequest, GetRoute},
    ws::{Bounds, Session},
};
use crate::{
    Cors,
    error::{LIMIT_EXCEEDED, TIMEOUT},
    ingest::Ingest,
    queue::CALLER,
    workers::Workers,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::TokioIo;
use jsonrpsee::{
    ConnectionId, Extensions,
    server::{HttpBody, StopHandle, http::response::too_large},
};
use soketto::handshake::http::{Server as Handshake, is_upgrade_request};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Everything that requests share.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) dispatch: Arc<Dispatch>,
    /// For raw transactions over HTTP, unless another module answers the method.
    pub(super) ingest: Option<Ingest>,
    /// WebSocket connections so far.
    pub(super) sessions: AtomicUsize,
    pub(super) session_bounds: Bounds,
    pub(super) stop: StopHandle,
    pub(super) cors: Cors,
    pub(super) routes: Arc<[GetRoute]>,
    pub(super) reads: Workers,
    /// Room for bodies and messages.
    pub(super) inbox: Arc<Inbox>,
    pub(super) max_request_bytes: u32,
    pub(super) request_timeout: Duration,
}

impl Http {
    /// Answers one request; never fails, because every failure has an answer.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        client: &Arc<Client>,
    ) -> Response<HttpBody> {
        if cors::refuses(&self.cors, request.headers()) {
            return text(StatusCode::FORBIDDEN, "calls from this origin are not allowed\n");
        }
        if request.method() == Method::OPTIONS {
            return cors::preflight(&self.cors, request.headers());
        }
        let asked = origin_of(request.headers());
        let answer = async {
            if is_upgrade_request(&request) {
                self.upgrade(request, client)
            } else if request.method() == Method::GET {
                self.get(&request).await
            } else if request.method() == Method::POST {
                self.json_rpc(request, client).await
            } else {
                text(StatusCode::METHOD_NOT_ALLOWED, "JSON-RPC is answered to POST\n")
            }
        };
        let answer = CALLER.scope(client.peer, answer);
        let mut response = match tokio::time::timeout(self.request_timeout, answer).await {
            Ok(response) => response,
            Err(_) => error(StatusCode::GATEWAY_TIMEOUT, TIMEOUT, "request timed out"),
        };
        let bytes = response.body().size_hint().lower();
        if !client.outbox.put(usize::try_from(bytes).unwrap_or(usize::MAX)) {
            let message = "too many answers wait to be read, try again later";
            response = error(StatusCode::SERVICE_UNAVAILABLE, LIMIT_EXCEEDED, message);
        }
        cors::allow(&self.cors, &asked, response.headers_mut());
        response
    }

    /// Begins a WebSocket connection.
    fn upgrade(&self, request: Request<Incoming>, client: &Arc<Client>) -> Response<HttpBody> {
        let accepted = match Handshake::new().receive_request(&request) {
            Ok(accepted) => accepted,
            Err(error) => {
                let hint = format!("this is no handshake of WebSocket 13: {error}\n");
                return text(StatusCode::BAD_REQUEST, hint);
            }
        };
        let session = Session {
            client: client.clone(),
            connection: ConnectionId(self.sessions.fetch_add(1, Ordering::Relaxed)),
            dispatch: self.dispatch.clone(),
            inbox: self.inbox.clone(),
            stop: self.stop.clone(),
            bounds: self.session_bounds,
        };
        tokio::spawn(async move {
            match hyper::upgrade::on(request).await {
                Ok(io) => session.run(TokioIo::new(io)).await,
                Err(error) => tracing::debug!(%error, "WebSocket connection did not begin"),
            }
        });
        accepted.map(|()| HttpBody::empty())
    }

    async fn json_rpc(&self, request: Request<Incoming>, client: &Client) -> Response<HttpBody> {
        let max = self.max_request_bytes;
        let received = match self.inbox.receive(request.into_body(), max as usize).await {
            Ok(received) => received,
            Err(Unreadable::TooLarge) => return too_large(max),
            Err(Unreadable::Full) => {
                let message = "too many requests are being received, try again later";
                return error(StatusCode::SERVICE_UNAVAILABLE, LIMIT_EXCEEDED, message);
            }
            Err(Unreadable::Transport(error)) => return unreadable(&error),
        };
        // Counted until it is answered.
        let (body, _held) = received.into_parts();
        let body = bytes::Bytes::from(body);
        if let Some(ingest) = &self.ingest
            && let Some(raw) = ingest.read(&body)
        {
            let _place = match raw.is_batch.then(|| self.dispatch.batches.enter()) {
                None => None,
                Some(enter) => match enter.await {
                    Ok(place) => Some(place),
                    Err(_) => return error(StatusCode::SERVICE_UNAVAILABLE, LIMIT_EXCEEDED, BUSY),
                },
            };
            return json(StatusCode::OK, ingest.answer(raw).await);
        }
        let mut extensions = Extensions::new();
        extensions.insert(client.peer);
        // Subscriptions alone look at which connection it is, and here are none.
        let caller = Caller { extensions, connection: ConnectionId(0), notified: None };
        match self.dispatch.answer(&body, &caller).await {
            Some(answer) => json(StatusCode::OK, String::from(Box::<str>::from(answer.json))),
            None => {
                let mut response = Response::new(HttpBody::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
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
