//! The options of a node's JSON-RPC: what one client may ask for, and all of them together.

use crate::units::{parse_duration, parse_size};
use clap::Args;
use mezz_rpc::{Cors, Limits, RpcConfig};
use std::{net::SocketAddr, sync::LazyLock, time::Duration};

/// The built-in limits, which are the options' defaults.
static DEFAULTS: LazyLock<Limits> = LazyLock::new(Limits::default);

/// Limits of the JSON-RPC. Each is there because a request is cheap to send and may be dear to answer.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "JSON-RPC")]
pub(crate) struct RpcArgs {
    /// Web pages that may call from a browser, by their origins with commas between; `*` is every page
    #[arg(long, env = "MEZZ_RPC_CORS", default_value = "*", value_name = "ORIGINS")]
    pub(crate) rpc_cors: String,
    /// Open connections
    #[arg(long, env = "MEZZ_RPC_MAX_CONNECTIONS", default_value_t = DEFAULTS.max_connections, hide_short_help = true)]
    pub(crate) rpc_max_connections: u32,
    /// Open connections of the clients at one IP address
    #[arg(long, env = "MEZZ_RPC_MAX_CONNECTIONS_CLIENT", default_value_t = DEFAULTS.max_client_connections, hide_short_help = true)]
    pub(crate) rpc_max_connections_client: u32,
    /// Size of one request
    #[arg(long, env = "MEZZ_RPC_MAX_REQUEST", default_value = "16MiB", value_parser = parse_size, value_name = "SIZE")]
    pub(crate) rpc_max_request: u32,
    /// Size of all requests together that are being received or answered
    #[arg(long, env = "MEZZ_RPC_MAX_REQUESTS_HELD", default_value = "256MiB", value_parser = parse_size, value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_requests_held: u32,
    /// Size of one response; of a batch, of all its responses together
    #[arg(long, env = "MEZZ_RPC_MAX_RESPONSE", default_value = "64MiB", value_parser = parse_size, value_name = "SIZE")]
    pub(crate) rpc_max_response: u32,
    /// Calls in one batch
    #[arg(long, env = "MEZZ_RPC_MAX_BATCH", default_value_t = DEFAULTS.max_batch)]
    pub(crate) rpc_max_batch: u32,
    /// Batches that are answered at the same time, half of them of one client
    #[arg(long, env = "MEZZ_RPC_MAX_BATCHES", default_value_t = DEFAULTS.max_batches, hide_short_help = true)]
    pub(crate) rpc_max_batches: usize,
    /// Time for one request or batch; over WebSocket for its bytes, and again for its answer
    #[arg(long, env = "MEZZ_RPC_TIMEOUT", default_value = "30s", value_parser = parse_duration, value_name = "TIME")]
    pub(crate) rpc_timeout: Duration,
    /// Time for a connection to send the header of its next request
    #[arg(long, env = "MEZZ_RPC_IDLE_TIMEOUT", default_value = "2m", value_parser = parse_duration, value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_idle_timeout: Duration,
    /// A client that takes next to nothing of its answers for so long is disconnected
    #[arg(long, env = "MEZZ_RPC_WRITE_TIMEOUT", default_value = "30s", value_parser = parse_duration, value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_write_timeout: Duration,
    /// Size of the answers that all clients together have not read
    #[arg(long, env = "MEZZ_RPC_MAX_UNREAD", default_value = "1GiB", value_parser = parse_size, value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_unread: u32,
    /// Size of the answers that one WebSocket client has not read; with more it is disconnected
    #[arg(long, env = "MEZZ_RPC_MAX_UNREAD_CLIENT", default_value = "128MiB", value_parser = parse_size, value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_unread_client: u32,
    /// Subscriptions on one WebSocket connection
    #[arg(long, env = "MEZZ_RPC_MAX_SUBSCRIPTIONS", default_value_t = DEFAULTS.max_subscriptions)]
    pub(crate) rpc_max_subscriptions: u32,
    /// Notifications that wait for a slow WebSocket client
    #[arg(long, env = "MEZZ_RPC_MAX_BUFFERED", default_value_t = DEFAULTS.max_buffered_messages, hide_short_help = true)]
    pub(crate) rpc_max_buffered: u32,
    /// How long a subscription waits for a slow client before it is closed
    #[arg(long, env = "MEZZ_RPC_SLOW_CLIENT", default_value = "5s", value_parser = parse_duration, value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_slow_client: Duration,
    /// Installed filters
    #[arg(long, env = "MEZZ_RPC_MAX_FILTERS", default_value_t = DEFAULTS.max_filters, hide_short_help = true)]
    pub(crate) rpc_max_filters: usize,
    /// Installed filters of the clients at one IP address
    #[arg(long, env = "MEZZ_RPC_MAX_FILTERS_CLIENT", default_value_t = DEFAULTS.max_client_filters, hide_short_help = true)]
    pub(crate) rpc_max_filters_client: usize,
    /// Entries that wait in one filter to be fetched
    #[arg(long, env = "MEZZ_RPC_MAX_FILTER_ENTRIES", default_value_t = DEFAULTS.max_filter_entries, hide_short_help = true)]
    pub(crate) rpc_max_filter_entries: usize,
    /// Size of all filters together
    #[arg(long, env = "MEZZ_RPC_MAX_FILTER_SIZE", default_value = "256MiB", value_parser = parse_size, value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_filter_size: u32,
    /// A filter that nobody asked for so long is removed
    #[arg(long, env = "MEZZ_RPC_FILTER_TIMEOUT", default_value = "5m", value_parser = parse_duration, value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_filter_timeout: Duration,
    /// Blocks in the range of one log query
    #[arg(long, env = "MEZZ_RPC_MAX_LOG_RANGE", default_value_t = DEFAULTS.max_log_range)]
    pub(crate) rpc_max_log_range: u64,
    /// Logs in the answer of one log query
    #[arg(long, env = "MEZZ_RPC_MAX_LOGS", default_value_t = DEFAULTS.max_log_results)]
    pub(crate) rpc_max_logs: usize,
    /// Gas of one call, estimate, trace or simulation
    #[arg(long, env = "MEZZ_RPC_GAS_CAP", default_value_t = DEFAULTS.call_gas, value_name = "GAS")]
    pub(crate) rpc_gas_cap: u64,
    /// Size of the traces of one answer while they are made
    #[arg(long, env = "MEZZ_RPC_MAX_TRACE", default_value = "64MiB", value_parser = parse_size, value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_trace: u32,
    /// Blocks of one eth_simulateV1
    #[arg(long, env = "MEZZ_RPC_MAX_SIMULATED_BLOCKS", default_value_t = DEFAULTS.max_simulated_blocks, hide_short_help = true)]
    pub(crate) rpc_max_simulated_blocks: u64,
    /// Calls of one eth_simulateV1
    #[arg(long, env = "MEZZ_RPC_MAX_SIMULATED_CALLS", default_value_t = DEFAULTS.max_simulated_calls, hide_short_help = true)]
    pub(crate) rpc_max_simulated_calls: usize,
    /// Blocks in one fee history
    #[arg(long, env = "MEZZ_RPC_MAX_FEE_HISTORY", default_value_t = DEFAULTS.max_fee_history, hide_short_help = true)]
    pub(crate) rpc_max_fee_history: u64,
    /// Storage keys in one proof request
    #[arg(long, env = "MEZZ_RPC_MAX_PROOF_KEYS", default_value_t = DEFAULTS.max_proof_keys, hide_short_help = true)]
    pub(crate) rpc_max_proof_keys: usize,
    /// Calls, estimates and traces that run at the same time; 0 is one for each core
    #[arg(long, env = "MEZZ_RPC_CALL_WORKERS", default_value_t = 0, value_name = "THREADS")]
    pub(crate) rpc_call_workers: usize,
    /// Log queries, old blocks and proofs that are read at the same time; 0 is one for each core
    #[arg(long, env = "MEZZ_RPC_READ_WORKERS", default_value_t = 0, value_name = "THREADS")]
    pub(crate) rpc_read_workers: usize,
    /// Requests that wait for one of these, of each kind, half of them of one client
    #[arg(long, env = "MEZZ_RPC_MAX_WAITING", default_value_t = DEFAULTS.max_waiting, hide_short_help = true)]
    pub(crate) rpc_max_waiting: usize,
    /// Longest wait of eth_sendRawTransactionSync for a block
    #[arg(long, env = "MEZZ_RPC_MAX_SYNC_WAIT", default_value = "20s", value_parser = parse_duration, value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_max_sync_wait: Duration,
}

impl RpcArgs {
    /// The settings of a server at `addr`.
    pub(crate) fn config(&self, addr: SocketAddr) -> RpcConfig {
        RpcConfig { limits: self.limits(), cors: self.cors(), ..RpcConfig::new(addr) }
    }

    /// The limits that the options ask for.
    pub(crate) fn limits(&self) -> Limits {
        let workers = |asked: usize, default: usize| if asked == 0 { default } else { asked };
        Limits {
            max_connections: self.rpc_max_connections,
            max_client_connections: self.rpc_max_connections_client,
            max_request_bytes: self.rpc_max_request,
            max_requests_bytes: self.rpc_max_requests_held as usize,
            max_response_bytes: self.rpc_max_response,
            max_batch: self.rpc_max_batch,
            max_subscriptions: self.rpc_max_subscriptions,
            max_batches: self.rpc_max_batches,
            max_unread_bytes: self.rpc_max_unread as usize,
            max_unread_client_bytes: self.rpc_max_unread_client as usize,
            write_timeout: self.rpc_write_timeout,
            max_buffered_messages: self.rpc_max_buffered,
            slow_client: self.rpc_slow_client,
            max_filters: self.rpc_max_filters,
            max_client_filters: self.rpc_max_filters_client,
            max_filter_entries: self.rpc_max_filter_entries,
            max_filter_bytes: self.rpc_max_filter_size as usize,
            filter_timeout: self.rpc_filter_timeout,
            max_log_range: self.rpc_max_log_range,
            max_log_results: self.rpc_max_logs,
            call_gas: self.rpc_gas_cap,
            max_trace_bytes: self.rpc_max_trace as usize,
            max_simulated_blocks: self.rpc_max_simulated_blocks,
            max_simulated_calls: self.rpc_max_simulated_calls,
            max_fee_history: self.rpc_max_fee_history,
            max_proof_keys: self.rpc_max_proof_keys,
            call_workers: workers(self.rpc_call_workers, DEFAULTS.call_workers),
            read_workers: workers(self.rpc_read_workers, DEFAULTS.read_workers),
            max_waiting: self.rpc_max_waiting,
            request_timeout: self.rpc_timeout,
            idle_timeout: self.rpc_idle_timeout,
            max_sync_wait: self.rpc_max_sync_wait,
        }
    }

    /// Which web pages may call.
    pub(crate) fn cors(&self) -> Cors {
        if self.rpc_cors.trim() == "*" {
            return Cors::Any;
        }
        let origins = self.rpc_cors.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        Cors::Only(origins.map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        rpc: RpcArgs,
    }

    fn parse(args: &[&str]) -> RpcArgs {
        Line::try_parse_from(["mezz"].iter().chain(args)).unwrap().rpc
    }

    #[test]
    fn defaults_are_the_servers_own() {
        let rpc = parse(&[]);
        assert_eq!(format!("{:?}", rpc.limits()), format!("{:?}", Limits::default()));
        assert_eq!(rpc.cors(), Cors::Any);
    }

    #[test]
    fn every_limit_is_an_option() {
        use clap::CommandFactory;
        let mut args = Vec::new();
        for arg in Line::command().get_arguments() {
            let Some(long) = arg.get_long().filter(|long| long.starts_with("rpc-")) else {
                continue;
            };
            assert!(arg.get_env().is_some(), "{long} has no environment variable");
            args.extend([format!("--{long}"), "7".to_owned()]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let changed = format!("{:?}", parse(&args).limits());
        let values = changed.split([',', '}']).filter_map(|field| field.split_once(": "));
        for (name, value) in values {
            assert!(matches!(value.trim(), "7" | "7s"), "{name} is not set by an option: {value}");
        }
    }

    #[test]
    fn origins_are_listed_with_commas() {
        let rpc = parse(&["--rpc-cors", "https://a.example, http://localhost:3000"]);
        let origins = ["https://a.example", "http://localhost:3000"].map(str::to_owned);
        assert_eq!(rpc.cors(), Cors::Only(origins.to_vec()));
    }
}
