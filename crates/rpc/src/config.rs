//! What an operator may set: the address, the limits, who may call from a browser.

use std::{net::SocketAddr, time::Duration};

/// Settings of one server.
#[derive(Clone, Debug)]
pub struct RpcConfig {
    /// Where to listen, HTTP and WebSocket alike. Port 0 lets the system choose.
    pub addr: SocketAddr,
    /// Limits on what clients may ask for.
    pub limits: Limits,
    /// Which web pages may call from a browser.
    pub cors: Cors,
    /// The tip in wei a gas that is proposed while blocks are too empty to derive one from.
    pub default_tip: u128,
    /// Answer of `web3_clientVersion`.
    pub client_version: String,
}

impl RpcConfig {
    /// Default settings at `addr`.
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            limits: Limits::default(),
            cors: Cors::default(),
            default_tip: 1_000_000,
            client_version: concat!("mezz/v", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Which origins (scheme, host and port of a web page) may call. Clients that are no browsers send
/// no origin and are not affected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// Every page.
    #[default]
    Any,
    /// Only these origins, for example `https://app.example.org`.
    Only(Vec<String>),
}

impl Cors {
    /// Whether a page of `origin` may call.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(list) => list.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)),
        }
    }
}

/// Limits on one client and on all of them together. Each is there because a request is cheap to
/// send and may be dear to answer.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; one more gets status 503.
    pub max_connections: u32,
    /// Open connections of the clients at one IP address; at most [`Limits::max_connections`].
    pub max_client_connections: u32,
    /// Bytes of one request body or WebSocket message.
    pub max_request_bytes: u32,
    /// Bytes of all requests that are being received or answered, WebSocket messages of which a
    /// part is missing counted; one for which there is no room is refused. Small ones always have
    /// room.
    pub max_requests_bytes: usize,
    /// Bytes of one response; of a batch, of all its responses together.
    pub max_response_bytes: u32,
    /// Calls in one batch.
    pub max_batch: u32,
    /// Requests of one WebSocket connection that are answered at the same time, those counted whose
    /// answers wait for room in [`Limits::max_buffered_messages`]. The next is read when one is
    /// done.
    pub max_connection_calls: u32,
    /// Subscriptions on one WebSocket connection.
    pub max_subscriptions: u32,
    /// Batches that are answered at the same time, half of them of the clients at one IP address;
    /// their answers pile up until the last is there.
    pub max_batches: usize,
    /// Bytes of answers that all clients together have not read, half of them those at one IP
    /// address, or as many as one connection may have if that is more. An answer for which there is no room is an error, over WebSocket the end of the
    /// connection; a little of each connection always has room.
    pub max_unread_bytes: usize,
    /// Bytes of answers that one WebSocket client has not read; with more it is disconnected. At
    /// least [`Limits::max_response_bytes`].
    pub max_unread_client_bytes: usize,
    /// A client that takes next to nothing of its answers for so long is disconnected.
    pub write_timeout: Duration,
    /// Messages that wait for a slow WebSocket client. A subscription that finds no room for
    /// [`Limits::slow_client`] is closed.
    pub max_buffered_messages: u32,
    /// How long a subscription waits for room in a slow client's buffer.
    pub slow_client: Duration,
    /// Installed filters, over all clients.
    pub max_filters: usize,
    /// Installed filters of the clients at one IP address; at most [`Limits::max_filters`].
    pub max_client_filters: usize,
    /// Entries that wait in one filter to be fetched; a filter that exceeds it is removed.
    pub max_filter_entries: usize,
    /// Bytes that wait in all filters together; a filter that brings them above is removed.
    pub max_filter_bytes: usize,
    /// A filter that nobody asked for so long is removed.
    pub filter_timeout: Duration,
    /// Blocks in the range of one log query.
    pub max_log_range: u64,
    /// Logs in the answer of one log query.
    pub max_log_results: usize,
    /// Gas of one call, estimate, trace or simulation, whatever the client asks for.
    pub call_gas: u64,
    /// Bytes of the traces of one answer while they are made, about.
    pub max_trace_bytes: usize,
    /// Blocks of one simulation, those between counted.
    pub max_simulated_blocks: u64,
    /// Calls of one simulation; together they use [`Limits::call_gas`] at most.
    pub max_simulated_calls: usize,
    /// Blocks in one fee history.
    pub max_fee_history: u64,
    /// Storage keys in one proof request.
    pub max_proof_keys: usize,
    /// Calls, estimates and traces that run at the same time.
    pub call_workers: usize,
    /// Searches and reads of old blocks and proofs that run at the same time.
    pub read_workers: usize,
    /// Requests that wait for a worker, for each kind, half of them of the clients at one IP
    /// address; one more is refused. Addresses have their turns one after the other.
    pub max_waiting: usize,
    /// Time for one request or batch over HTTP, from its last header to its answer; over WebSocket
    /// for the bytes of one, and again for its answer.
    pub request_timeout: Duration,
    /// Time for a connection to send the header of its next request.
    pub idle_timeout: Duration,
    /// Longest wait of `eth_sendRawTransactionSync` for a block.
    pub max_sync_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            max_connections: 1_000,
            max_client_connections: 500,
            max_request_bytes: 16 << 20,
            max_requests_bytes: 256 << 20,
            max_response_bytes: 64 << 20,
            max_batch: 1_000,
            max_connection_calls: 1_024,
            max_subscriptions: 128,
            max_batches: 16,
            max_unread_bytes: 1 << 30,
            max_unread_client_bytes: 128 << 20,
            write_timeout: Duration::from_secs(30),
            max_buffered_messages: 1_024,
            slow_client: Duration::from_secs(5),
            max_filters: 1_000,
            max_client_filters: 500,
            max_filter_entries: 10_000,
            max_filter_bytes: 256 << 20,
            filter_timeout: Duration::from_secs(300),
            max_log_range: 100_000,
            max_log_results: 20_000,
            call_gas: 50_000_000,
            max_trace_bytes: 64 << 20,
            max_simulated_blocks: 256,
            max_simulated_calls: 5_000,
            max_fee_history: 1_024,
            max_proof_keys: 1_024,
            call_workers: cores.max(2),
            read_workers: cores.max(2),
            max_waiting: 1_024,
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            max_sync_wait: Duration::from_secs(20),
        }
    }
}
