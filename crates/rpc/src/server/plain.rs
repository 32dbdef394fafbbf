//! GET routes on a port of their own: what an operator's tools read of a process that serves no
//! JSON-RPC, or should not show it to those who call.

use super::{
    bind,
    routes::{GetRequest, GetResponse, GetRoute},
};
use crate::RpcError;
use http::{Method, Request, Response};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::server::HttpBody;
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

/// Connections at a time: a scraper, a supervisor, a person or two.
const CONNECTIONS: usize = 32;
/// How long a client may take for a request, or idle.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one connection may last.
const LIFETIME: Duration = Duration::from_secs(300);

/// Starts servers of plain routes.
#[derive(Debug)]
pub struct GetServer;

/// A running server of plain routes. It ends when this is dropped.
#[derive(Debug)]
pub struct GetHandle {
    local_addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl GetServer {
    /// Answers `routes` at `addr`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The port is in use or refused.
    pub async fn start(addr: SocketAddr, routes: Vec<GetRoute>) -> Result<GetHandle, RpcError> {
        let (listener, local_addr) = bind(addr).await?;
        let accepting = tokio::spawn(accept(listener, routes.into()));
        Ok(GetHandle { local_addr, accepting })
    }
}

impl GetHandle {
    /// Where it listens; the port is the real one, also if port 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for GetHandle {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, routes: Arc<[GetRoute]>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((socket, _)) => {
                tokio::spawn(serve(socket, routes.clone(), place));
            }
            // No file descriptors, for example.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(socket: TcpStream, routes: Arc<[GetRoute]>, _place: OwnedSemaphorePermit) {
    let service = service_fn(move |request| {
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(answer(&request, &routes).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(socket), service);
    // Whatever ends it: the client asks again.
    let _ = tokio::time::timeout(LIFETIME, connection).await;
}

async fn answer<B>(request: &Request<B>, routes: &[GetRoute]) -> Response<HttpBody> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return GetResponse::text(405, "only GET is answered here\n").into_http();
    }
    let path = request.uri().path();
    let Some(route) = routes.iter().find(|route| path.starts_with(route.prefix)) else {
        let known: Vec<_> = routes.iter().map(|route| route.prefix).collect();
        return GetResponse::text(404, format!("there are {}\n", known.join(", "))).into_http();
    };
    let (handler, get) = (route.handler.clone(), GetRequest::of(request));
    if !route.works {
        return handler(&get).into_http();
    }
    let answer = tokio::task::spawn_blocking(move || handler(&get)).await;
    answer.unwrap_or_else(|_| GetResponse::text(500, "the answer failed\n")).into_http()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn routes_are_answered_and_nothing_else() {
        let routes = vec![
            GetRoute::new("/metrics", |_| GetResponse::text(200, "a 1\n")),
            GetRoute::quick("/health", |_| GetResponse::json(503, "{}")),
            GetRoute::new("/bug", |_| panic!("on purpose")),
        ];
        let server = GetServer::start(([127, 0, 0, 1], 0).into(), routes).await.unwrap();
        let addr = server.local_addr();
        let url = |path: &str| format!("http://{addr}{path}");
        let get = async |path: &str| {
            let response = reqwest::get(url(path)).await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        };
        assert_eq!(get("/metrics").await, (200, "a 1\n".to_owned()));
        assert_eq!(get("/health").await, (503, "{}".to_owned()));
        let (status, body) = get("/other").await;
        assert!(status == 404 && body.contains("/metrics, /health"), "{body}");
        assert_eq!(get("/bug").await.0, 500);
        let posted = reqwest::Client::new().post(url("/metrics")).send().await.unwrap();
        assert_eq!(posted.status().as_u16(), 405);
        let taken = GetServer::start(addr, Vec::new()).await;
        assert!(matches!(taken, Err(RpcError::AddressInUse { .. })));
    }
}
