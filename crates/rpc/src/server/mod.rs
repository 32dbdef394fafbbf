//! The server: one port that answers JSON-RPC over HTTP and WebSocket, and plain GET routes.

mod accept;
mod cors;
mod dispatch;
mod http;
mod id;
mod inbox;
mod outbox;
mod peer;
mod plain;
mod routes;
mod ws;

pub(crate) use outbox::Outbox;
pub(crate) use peer::Peer;

pub use plain::{GetHandle, GetServer};
pub use routes::{GetRequest, GetResponse, GetRoute};

use crate::{
    Limits, RpcConfig, RpcContext, RpcError, ingest, meters, methods,
    queue::{Bounds, Queue},
};
use jsonrpsee::{
    Methods,
    server::{ServerHandle, stop_channel},
};
use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// How long a stop waits for requests that are being answered.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// Starts servers.
#[derive(Debug)]
pub struct RpcServer;

impl RpcServer {
    /// Listens on `config.addr` and answers there with the methods of this crate over `context`,
    /// the methods of `extra`, and `routes`. A method of `extra` replaces one of this crate with
    /// the same name, so that a chain may answer in its own way.
    ///
    /// Must be called within a tokio runtime. Errors: the port is in use or refused, or two
    /// modules of `extra` define the same method.
    pub async fn start(
        config: RpcConfig,
        context: RpcContext,
        extra: Vec<Methods>,
        routes: Vec<GetRoute>,
    ) -> Result<RpcHandle, RpcError> {
        let addr = config.addr;
        let (listener, local_addr) = bind(addr).await?;

        let mut added = Methods::new();
        for module in extra {
            added.merge(module)?;
        }
        let connections = meters::Connections::new(context.chain.layer());
        let own_raw = added.method_names().all(|name| name != ingest::METHOD);
        let service = methods::build(&config, context)?;
        let methods = service.replaced_by(added)?;
        let limits = &config.limits;

        let (stop_handle, stopper) = stop_channel();
        let http = http::Http {
            dispatch: Arc::new(dispatch::Dispatch {
                methods,
                max_response: limits.max_response_bytes as usize,
                max_batch: limits.max_batch as usize,
                batches: batches(limits.max_batches),
            }),
            ingest: own_raw.then(|| ingest::Ingest {
                context: service.context.clone(),
                max_batch: limits.max_batch as usize,
                calls: meters::Calls::of(service.context.chain.layer(), ingest::METHOD),
            }),
            sessions: AtomicUsize::new(0),
            session_bounds: ws::Bounds {
                max_message: limits.max_request_bytes,
                max_subscriptions: limits.max_subscriptions,
                max_calls: limits.max_connection_calls,
                max_buffered: limits.max_buffered_messages,
                patience: limits.request_timeout,
            },
            stop: stop_handle.clone(),
            cors: config.cors.clone(),
            routes: routes.into(),
            reads: service.context.reads.clone(),
            inbox: inbox::Inbox::new(limits.max_requests_bytes),
            max_request_bytes: limits.max_request_bytes,
            request_timeout: limits.request_timeout,
        };
        let max_unread = limits.max_unread_client_bytes.max(limits.max_response_bytes as usize);
        let accept = accept::Accept {
            listener,
            http: Arc::new(http),
            stop: stop_handle,
            places: places_to_connect(limits),
            idle_timeout: limits.idle_timeout,
            write_timeout: limits.write_timeout,
            unread: outbox::Unread::new(limits.max_unread_bytes, max_unread),
            max_unread,
            connections,
        };
        let accepting = tokio::spawn(accept.run());
        tracing::info!(%local_addr, "JSON-RPC is listening");
        Ok(RpcHandle { local_addr, stopper, accepting, feed: service.feed })
    }
}

/// Places for connections, of which no host can take all. None waits for one.
fn places_to_connect(limits: &Limits) -> Arc<Queue> {
    Queue::new(Bounds {
        places: limits.max_connections.max(1) as usize,
        client_places: limits.max_client_connections.max(1) as usize,
        waiting: 0,
        client_waiting: 0,
    })
}

/// Places for `max` batches at a time, half of them for one client: a batch may take as long as a
/// request may. Those that wait are counted among the requests that are held.
fn batches(max: usize) -> Arc<Queue> {
    let (places, waiting) = (max.max(1), usize::MAX);
    let client_places = places.div_ceil(2);
    Queue::new(Bounds { places, client_places, waiting, client_waiting: waiting })
}

/// Listens; the address has the real port, also if port 0 was asked for.
async fn bind(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), RpcError> {
    let listener = TcpListener::bind(addr).await.map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => RpcError::AddressInUse { addr },
        _ => RpcError::Bind { addr, source },
    })?;
    let local_addr = listener.local_addr().map_err(|source| RpcError::Bind { addr, source })?;
    Ok((listener, local_addr))
}

/// A running server. Dropping it lets the server run on; [`RpcHandle::stop`] ends it.
#[derive(Debug)]
pub struct RpcHandle {
    local_addr: SocketAddr,
    stopper: ServerHandle,
    accepting: JoinHandle<()>,
    feed: JoinHandle<()>,
}

impl RpcHandle {
    /// Where it listens; the port is the real one, also if port 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops listening, lets requests that are being answered end, closes all connections. Those
    /// that do not end within three seconds are cut.
    pub async fn stop(self) {
        self.feed.abort();
        if self.stopper.stop().is_err() {
            return;
        }
        let ended = async {
            // A panic of the loop ends it too.
            let _ = self.accepting.await;
            self.stopper.stopped().await;
        };
        if tokio::time::timeout(STOP_PATIENCE, ended).await.is_err() {
            tracing::warn!(addr = %self.local_addr, "JSON-RPC requests were cut by the stop");
        }
    }
}
