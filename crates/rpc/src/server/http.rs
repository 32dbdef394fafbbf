//! What one HTTP request gets: a preflight answer, a route, or JSON-RPC (or its upgrade to WebSocket).

use super::{cors, routes::GetRequest, routes::GetRoute};
use crate::{Cors, error::TIMEOUT, workers::Workers};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use jsonrpsee::{
    Methods,
    server::{HttpBody, StopHandle, TowerServiceBuilder, ws},
};
use std::{sync::Arc, time::Duration};
use tower::{Service as _, layer::util::Identity};

/// Everything that requests share.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) rpc: TowerServiceBuilder<Identity, Identity>,
    /// Of WebSocket connections.
    pub(super) methods: Methods,
    /// Of single requests.
    pub(super) post_methods: Methods,
    pub(super) stop: StopHandle,
    pub(super) cors: Cors,
    pub(super) routes: Arc<[GetRoute]>,
    pub(super) reads: Workers,
    pub(super) request_timeout: Duration,
}

impl Http {
    /// Answers one request; never fails, because every failure has an answer.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<HttpBody> {
        if cors::refuses(&self.cors, request.headers()) {
            return text(StatusCode::FORBIDDEN, "calls from this origin are not allowed\n");
        }
        if request.method() == Method::OPTIONS {
            return cors::preflight(&self.cors, request.headers());
        }
        let asked = origin_of(request.headers());
        let answer = async {
            if request.method() == Method::GET && !ws::is_upgrade_request(&request) {
                self.get(&request).await
            } else {
                self.json_rpc(request).await
            }
        };
        let mut response = match tokio::time::timeout(self.request_timeout, answer).await {
            Ok(response) => response,
            Err(_) => timed_out(),
        };
        cors::allow(&self.cors, &asked, response.headers_mut());
        response
    }

    async fn json_rpc(&self, mut request: Request<Incoming>) -> Response<HttpBody> {
        // Clients that leave the type out, or send a form's, still mean JSON-RPC: nothing else is
        // answered to a POST here.
        if request.method() == Method::POST && !has_json_type(request.headers()) {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        let methods =
            if ws::is_upgrade_request(&request) { &self.methods } else { &self.post_methods };
        let mut service = self.rpc.clone().build(methods.clone(), self.stop.clone());
        service.call(request).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "request failed in transport");
            text(StatusCode::BAD_REQUEST, "the request could not be read\n")
        })
    }

    async fn get<B>(&self, request: &Request<B>) -> Response<HttpBody> {
        let path = request.uri().path();
        let Some(route) = self.routes.iter().find(|route| path.starts_with(route.prefix)) else {
            let hint = "nothing here; JSON-RPC is answered to POST and over WebSocket\n";
            return text(StatusCode::NOT_FOUND, hint);
        };
        let accept = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok());
        let get = GetRequest {
            path: path.to_owned(),
            query: request.uri().query().map(str::to_owned),
            accept: accept.map(str::to_owned),
        };
        let handler = route.handler.clone();
        let answer = match self.reads.run(move || Ok(handler(&get))).await {
            Ok(answer) => answer,
            Err(failure) => {
                return text(StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", failure.message));
            }
        };
        let mut response = Response::new(HttpBody::from(answer.body));
        *response.status_mut() =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = HeaderValue::from_static(answer.content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
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

fn timed_out() -> Response<HttpBody> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":{TIMEOUT},"message":"request timed out"}}}}"#
    );
    let mut response = Response::new(HttpBody::from(body));
    *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
