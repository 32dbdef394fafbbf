//! Accepting connections: how many at a time, for how long they may idle, and how they end.

use super::{
    http::Http,
    outbox::{Outbox, Paced, Unread},
    peer::Peer,
};
use crate::{
    meters::{Connections, Place as Counted},
    queue::{Place, Queue},
};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::server::StopHandle;
use std::{convert::Infallible, io, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
content-type: text/plain\r\ncontent-length: 45\r\n\r\nthe node has no free connection, retry later\n";

/// Pause after the system refused a connection (no file descriptors, for example), so that the
/// loop does not spin.
const REFUSAL_PAUSE: Duration = Duration::from_millis(50);

/// The accept loop's belongings.
#[derive(Debug)]
pub(super) struct Accept {
    pub(super) listener: TcpListener,
    pub(super) http: Arc<Http>,
    pub(super) stop: StopHandle,
    pub(super) places: Arc<Queue>,
    pub(super) idle_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) unread: Arc<Unread>,
    /// Bytes of answers that one connection has not read.
    pub(super) max_unread: usize,
    pub(super) connections: Connections,
}

impl Accept {
    /// Accepts until stopped, then waits for the connections to end.
    pub(super) async fn run(self) {
        let Self { listener, http, stop, places, idle_timeout, .. } = self;
        let connections = TaskTracker::new();
        let stopped = stop.clone().shutdown();
        tokio::pin!(stopped);
        let mut failures = 0u32;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stopped => break,
            };
            let (socket, peer) = match accepted {
                Ok((socket, from)) => {
                    failures = 0;
                    (socket, Peer(from.ip()))
                }
                Err(error) => {
                    wait_after(&error, &mut failures).await;
                    continue;
                }
            };
            let Some(place) = places.take(peer) else {
                self.connections.refused.increment(1);
                // Best effort: the client may not even be reading.
                let _ = socket.try_write(FULL);
                continue;
            };
            // A node that cannot set the option serves all the same.
            let _ = socket.set_nodelay(true);
            let stop = stop.clone();
            let outbox = Outbox::new(&self.unread, peer, self.max_unread);
            let socket = Paced::new(socket, outbox.clone(), self.write_timeout);
            let place = (place, self.connections.enter());
            let client = Arc::new(Client { peer, outbox, _place: place });
            connections.spawn(serve(socket, client, http.clone(), stop, idle_timeout));
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }
}

async fn wait_after(error: &io::Error, failures: &mut u32) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset) {
        return;
    }
    *failures = failures.saturating_add(1);
    if failures.is_power_of_two() {
        tracing::warn!(%error, failures, "connections cannot be accepted");
    }
    tokio::time::sleep(REFUSAL_PAUSE).await;
}

/// Who is at the other end of a connection, and what it takes for as long as anything serves it.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) peer: Peer,
    pub(super) outbox: Arc<Outbox>,
    _place: (Place, Counted),
}

async fn serve(
    socket: Paced<TcpStream>,
    client: Arc<Client>,
    http: Arc<Http>,
    stop: StopHandle,
    idle_timeout: Duration,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (http, client) = (http.clone(), client.clone());
        async move { Ok::<_, Infallible>(http.answer(request, &client).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let stopped = stop.shutdown();
    tokio::pin!(connection, stopped);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended");
    }
}
