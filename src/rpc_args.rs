//! The options of a node's JSON-RPC: what one client may ask for, and all of them together.
//!
//! They hold for the duties as well, which post to the embedded L1 and read L2 within them. So each
//! has a least value, chosen such that everything works with all of them at their least.

use crate::units::{parse_count, parse_duration, parse_size};
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
    /// Open connections (at least 64)
    #[arg(long, env = "MEZZ_RPC_MAX_CONNECTIONS", default_value_t = DEFAULTS.max_connections, value_parser = at_least("64", parse_count::<u32>), hide_short_help = true)]
    pub(crate) rpc_max_connections: u32,
    /// Open connections of the clients at one IP address (at least 32)
    #[arg(long, env = "MEZZ_RPC_MAX_CONNECTIONS_CLIENT", default_value_t = DEFAULTS.max_client_connections, value_parser = at_least("32", parse_count::<u32>), hide_short_help = true)]
    pub(crate) rpc_max_connections_client: u32,
    /// Size of one request (at least 2MiB)
    #[arg(long, env = "MEZZ_RPC_MAX_REQUEST", default_value = "16MiB", value_parser = at_least("2MiB", parse_size), value_name = "SIZE")]
    pub(crate) rpc_max_request: u32,
    /// Size of all requests together that are being received or answered (at least 4MiB)
    #[arg(long, env = "MEZZ_RPC_MAX_REQUESTS_HELD", default_value = "256MiB", value_parser = at_least("4MiB", parse_size), value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_requests_held: u32,
    /// Size of one response; of a batch, of all its responses together (at least 16MiB)
    #[arg(long, env = "MEZZ_RPC_MAX_RESPONSE", default_value = "64MiB", value_parser = at_least("16MiB", parse_size), value_name = "SIZE")]
    pub(crate) rpc_max_response: u32,
    /// Calls in one batch; 0 is no batches
    #[arg(long, env = "MEZZ_RPC_MAX_BATCH", default_value_t = DEFAULTS.max_batch)]
    pub(crate) rpc_max_batch: u32,
    /// Batches that are answered at the same time, half of them of one client
    #[arg(long, env = "MEZZ_RPC_MAX_BATCHES", default_value_t = DEFAULTS.max_batches, value_parser = at_least("1", parse_count::<usize>), hide_short_help = true)]
    pub(crate) rpc_max_batches: usize,
    /// Time for one request or batch; over WebSocket for its bytes, and again for its answer (at least 3s)
    #[arg(long, env = "MEZZ_RPC_TIMEOUT", default_value = "30s", value_parser = at_least("3s", parse_duration), value_name = "TIME")]
    pub(crate) rpc_timeout: Duration,
    /// Time for a connection to send the header of its next request (at least 3s)
    #[arg(long, env = "MEZZ_RPC_IDLE_TIMEOUT", default_value = "2m", value_parser = at_least("3s", parse_duration), value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_idle_timeout: Duration,
    /// A client that takes next to nothing of its answers for so long is disconnected (at least 3s)
    #[arg(long, env = "MEZZ_RPC_WRITE_TIMEOUT", default_value = "30s", value_parser = at_least("3s", parse_duration), value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_write_timeout: Duration,
    /// Size of the answers that all clients together have not read, half of it of one address (at least 32MiB)
    #[arg(long, env = "MEZZ_RPC_MAX_UNREAD", default_value = "1GiB", value_parser = at_least("32MiB", parse_size), value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_unread: u32,
    /// Size of the answers that one WebSocket client has not read; with more it is disconnected (at least 16MiB)
    #[arg(long, env = "MEZZ_RPC_MAX_UNREAD_CLIENT", default_value = "128MiB", value_parser = at_least("16MiB", parse_size), value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_unread_client: u32,
    /// Requests of one WebSocket connection that are answered at the same time; the next is read when one is done
    #[arg(long, env = "MEZZ_RPC_MAX_CALLS_CONNECTION", default_value_t = DEFAULTS.max_connection_calls, value_parser = at_least("1", parse_count::<u32>), hide_short_help = true)]
    pub(crate) rpc_max_calls_connection: u32,
    /// Subscriptions on one WebSocket connection; 0 is none
    #[arg(long, env = "MEZZ_RPC_MAX_SUBSCRIPTIONS", default_value_t = DEFAULTS.max_subscriptions)]
    pub(crate) rpc_max_subscriptions: u32,
    /// Notifications that wait for a slow WebSocket client
    #[arg(long, env = "MEZZ_RPC_MAX_BUFFERED", default_value_t = DEFAULTS.max_buffered_messages, value_parser = at_least("1", parse_count::<u32>), hide_short_help = true)]
    pub(crate) rpc_max_buffered: u32,
    /// How long a subscription waits for a slow client before it is closed (at least 100ms)
    #[arg(long, env = "MEZZ_RPC_SLOW_CLIENT", default_value = "5s", value_parser = at_least("100ms", parse_duration), value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_slow_client: Duration,
    /// Installed filters
    #[arg(long, env = "MEZZ_RPC_MAX_FILTERS", default_value_t = DEFAULTS.max_filters, value_parser = at_least("1", parse_count::<usize>), hide_short_help = true)]
    pub(crate) rpc_max_filters: usize,
    /// Installed filters of the clients at one IP address
    #[arg(long, env = "MEZZ_RPC_MAX_FILTERS_CLIENT", default_value_t = DEFAULTS.max_client_filters, value_parser = at_least("1", parse_count::<usize>), hide_short_help = true)]
    pub(crate) rpc_max_filters_client: usize,
    /// Entries that wait in one filter to be fetched
    #[arg(long, env = "MEZZ_RPC_MAX_FILTER_ENTRIES", default_value_t = DEFAULTS.max_filter_entries, value_parser = at_least("1", parse_count::<usize>), hide_short_help = true)]
    pub(crate) rpc_max_filter_entries: usize,
    /// Size of all filters together (at least 1MiB)
    #[arg(long, env = "MEZZ_RPC_MAX_FILTER_SIZE", default_value = "256MiB", value_parser = at_least("1MiB", parse_size), value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_filter_size: u32,
    /// A filter that nobody asked for so long is removed (at least 10s)
    #[arg(long, env = "MEZZ_RPC_FILTER_TIMEOUT", default_value = "5m", value_parser = at_least("10s", parse_duration), value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_filter_timeout: Duration,
    /// Blocks in the range of one log query (at least 10)
    #[arg(long, env = "MEZZ_RPC_MAX_LOG_RANGE", default_value_t = DEFAULTS.max_log_range, value_parser = at_least("10", parse_count::<u64>))]
    pub(crate) rpc_max_log_range: u64,
    /// Logs in the answer of one log query (at least 100)
    #[arg(long, env = "MEZZ_RPC_MAX_LOGS", default_value_t = DEFAULTS.max_log_results, value_parser = at_least("100", parse_count::<usize>))]
    pub(crate) rpc_max_logs: usize,
    /// Gas of one call, estimate, trace or simulation (at least 16777216)
    #[arg(long, env = "MEZZ_RPC_GAS_CAP", default_value_t = DEFAULTS.call_gas, value_parser = at_least("16777216", parse_count::<u64>), value_name = "GAS")]
    pub(crate) rpc_gas_cap: u64,
    /// Size of the traces of one answer while they are made (at least 1MiB)
    #[arg(long, env = "MEZZ_RPC_MAX_TRACE", default_value = "64MiB", value_parser = at_least("1MiB", parse_size), value_name = "SIZE", hide_short_help = true)]
    pub(crate) rpc_max_trace: u32,
    /// Blocks of one eth_simulateV1
    #[arg(long, env = "MEZZ_RPC_MAX_SIMULATED_BLOCKS", default_value_t = DEFAULTS.max_simulated_blocks, value_parser = at_least("1", parse_count::<u64>), hide_short_help = true)]
    pub(crate) rpc_max_simulated_blocks: u64,
    /// Calls of one eth_simulateV1
    #[arg(long, env = "MEZZ_RPC_MAX_SIMULATED_CALLS", default_value_t = DEFAULTS.max_simulated_calls, value_parser = at_least("1", parse_count::<usize>), hide_short_help = true)]
    pub(crate) rpc_max_simulated_calls: usize,
    /// Blocks in one fee history
    #[arg(long, env = "MEZZ_RPC_MAX_FEE_HISTORY", default_value_t = DEFAULTS.max_fee_history, value_parser = at_least("1", parse_count::<u64>), hide_short_help = true)]
    pub(crate) rpc_max_fee_history: u64,
    /// Storage keys in one proof request
    #[arg(long, env = "MEZZ_RPC_MAX_PROOF_KEYS", default_value_t = DEFAULTS.max_proof_keys, value_parser = at_least("1", parse_count::<usize>), hide_short_help = true)]
    pub(crate) rpc_max_proof_keys: usize,
    /// Calls, estimates and traces that run at the same time; 0 is one for each core
    #[arg(long, env = "MEZZ_RPC_CALL_WORKERS", default_value_t = 0, value_name = "THREADS")]
    pub(crate) rpc_call_workers: usize,
    /// Log queries, old blocks and proofs that are read at the same time; 0 is one for each core
    #[arg(long, env = "MEZZ_RPC_READ_WORKERS", default_value_t = 0, value_name = "THREADS")]
    pub(crate) rpc_read_workers: usize,
    /// Requests that wait for one of these, of each kind, half of them of one client (at least 64)
    #[arg(long, env = "MEZZ_RPC_MAX_WAITING", default_value_t = DEFAULTS.max_waiting, value_parser = at_least("64", parse_count::<usize>), hide_short_help = true)]
    pub(crate) rpc_max_waiting: usize,
    /// Longest wait of eth_sendRawTransactionSync for a block (at least 1s)
    #[arg(long, env = "MEZZ_RPC_MAX_SYNC_WAIT", default_value = "20s", value_parser = at_least("1s", parse_duration), value_name = "TIME", hide_short_help = true)]
    pub(crate) rpc_max_sync_wait: Duration,
}

/// Reads with `read` what must not be below `least`.
fn at_least<T: PartialOrd + 'static>(
    least: &'static str,
    read: fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let value = read(text)?;
        if value < read(least)? {
            return Err(format!("it must be at least {least}"));
        }
        Ok(value)
    }
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
            // The largest request has room, and so has the largest response.
            max_requests_bytes: self.rpc_max_requests_held.max(self.rpc_max_request) as usize,
            max_response_bytes: self.rpc_max_response,
            max_batch: self.rpc_max_batch,
            max_connection_calls: self.rpc_max_calls_connection,
            max_subscriptions: self.rpc_max_subscriptions,
            max_batches: self.rpc_max_batches,
            max_unread_bytes: self.rpc_max_unread.max(self.rpc_max_response) as usize,
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
    use mezz_l1::TX_GAS_CAP;

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
            args.extend([format!("--{long}"), "77777777".to_owned()]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let changed = format!("{:?}", parse(&args).limits());
        let values = changed.split([',', '}']).filter_map(|field| field.split_once(": "));
        for (name, value) in values {
            assert!(
                matches!(value.trim(), "77777777" | "77777777s"),
                "{name} is not set by an option: {value}"
            );
        }
    }

    /// The options in docs/json-rpc.md: name, default, least value.
    fn documented() -> Vec<(&'static str, &'static str, &'static str)> {
        const PAGE: &str = include_str!("../docs/json-rpc.md");
        let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `--rpc-"));
        rows.map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            (cells[0].trim_end_matches('`'), cells[1], cells[2])
        })
        .collect()
    }

    #[test]
    fn defaults_and_least_values_are_the_documented_ones() {
        use clap::CommandFactory;
        let command = Line::command();
        let options: Vec<_> = command
            .get_arguments()
            .filter(|arg| arg.get_long().is_some_and(|long| long.starts_with("rpc-")))
            .collect();
        let rows = documented();
        assert_eq!(rows.len(), options.len());
        for (option, (name, default, least)) in options.into_iter().zip(rows) {
            let name = format!("rpc-{name}");
            assert_eq!(option.get_long(), Some(name.as_str()), "the order of docs/json-rpc.md");
            let plain = default.trim_matches('`').replace(',', "");
            let plain = plain.split(':').next().unwrap();
            assert_eq!(option.get_default_values(), [plain], "{name}");
            if name == "rpc-cors" {
                continue;
            }
            let with = |value: &str| {
                Line::try_parse_from(["mezz", &format!("--{name}"), value])
                    .map_err(|error| error.to_string())
            };
            let least = least.split(':').next().unwrap().replace(',', "");
            assert!(with(&least).is_ok(), "{name} {least}");
            let digits = least.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(least.len());
            let (number, unit) = least.split_at(digits);
            let help = option.get_help().unwrap().to_string();
            let Some(below) = number.parse::<u64>().unwrap().checked_sub(1) else {
                assert!(help.contains("; 0 is "), "what is 0? {name}: {help}");
                continue;
            };
            let error = with(&format!("{below}{unit}")).map(|_| "accepted").unwrap_err();
            let first = error.lines().next().unwrap();
            assert!(first.contains(&format!("--{name}")), "{first}");
            assert!(first.contains(&format!("at least {least}")), "{first}");
            assert!(least == "1" || help.ends_with(&format!(" (at least {least})")), "{help}");
        }
    }

    #[test]
    fn largest_request_and_largest_response_have_room() {
        let held = ["--rpc-max-requests-held", "4MiB", "--rpc-max-request", "8MiB"];
        let unread = ["--rpc-max-unread", "32MiB", "--rpc-max-response", "40MiB"];
        let limits = parse(&[held, unread].concat()).limits();
        assert_eq!(limits.max_requests_bytes, 8 << 20);
        assert_eq!(limits.max_unread_bytes, 40 << 20);
    }

    #[test]
    fn any_transaction_of_l1_can_be_estimated() {
        let error = Line::try_parse_from(["mezz", "--rpc-gas-cap", "0"]).map(|_| "accepted");
        let words = format!("at least {TX_GAS_CAP}");
        assert!(error.unwrap_err().to_string().contains(&words));
    }

    #[test]
    fn origins_are_listed_with_commas() {
        let rpc = parse(&["--rpc-cors", "https://a.example, http://localhost:3000"]);
        let origins = ["https://a.example", "http://localhost:3000"].map(str::to_owned);
        assert_eq!(rpc.cors(), Cors::Only(origins.to_vec()));
    }
}
