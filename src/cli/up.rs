//! Options of `mezz up`, of a new chain, and of the duties that run in one process.

use super::{BatchArgs, MetricsArgs};
use crate::{rpc_args::RpcArgs, units::parse_duration};
use clap::{Args, ValueEnum};
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// Family of Layer 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// EVM rollup: L1 holds the data
    Optimistic,
}

/// Options of `mezz up`.
#[derive(Clone, Debug, Args)]
pub(crate) struct UpArgs {
    /// Family of Layer 2
    #[arg(long, env = "MEZZ_KIND", value_enum, default_value = "optimistic")]
    pub(crate) kind: Kind,
    /// JSON-RPC URL of an L1 to use instead of the embedded one
    #[arg(long, env = "MEZZ_L1", value_name = "URL")]
    pub(crate) l1: Option<String>,
    /// Where the L1's blobs are read [default: the L1 URL]
    #[arg(long, env = "MEZZ_BEACON", value_name = "URL")]
    pub(crate) beacon: Option<String>,
    /// Forget the chain in the data directory and start a new one
    #[arg(long)]
    pub(crate) reset: bool,
    /// Address to listen on
    #[arg(long, env = "MEZZ_HOST", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Port of the embedded L1's JSON-RPC; 0 takes a free one
    #[arg(long, env = "MEZZ_L1_PORT", default_value_t = 8545)]
    pub(crate) l1_port: u16,
    /// Port of the L2's JSON-RPC; 0 takes a free one
    #[arg(long, env = "MEZZ_L2_PORT", default_value_t = 9545)]
    pub(crate) l2_port: u16,
    /// Pause between blocks of the embedded L1, at least 1s; `on-demand` makes one for each transaction
    #[arg(long, env = "MEZZ_L1_BLOCK_TIME", default_value = "1s", value_parser = parse_l1_block_time)]
    pub(crate) l1_block_time: L1BlockTime,
    /// Chain id of the embedded L1
    #[arg(long, env = "MEZZ_L1_CHAIN_ID", default_value_t = 900)]
    pub(crate) l1_chain_id: u64,
    /// Blocks behind the embedded L1's head that count as final
    #[arg(long, env = "MEZZ_L1_FINALITY", default_value_t = 64)]
    pub(crate) l1_finality: u64,
    /// Options of a new chain
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// How long a proposal waits before withdrawals against it can be finalized; until then it can be discarded
    #[arg(long, env = "MEZZ_CHALLENGE_WINDOW", default_value = "1m", value_parser = parse_duration)]
    pub(crate) challenge_window: Duration,
    /// Options of the duties
    #[command(flatten)]
    pub(crate) duties: DutyArgs,
    /// Options of the JSON-RPC, of both layers
    #[command(flatten)]
    pub(crate) rpc: RpcArgs,
    /// What is read of it
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
}

/// Parameters of a new chain, fixed when it is deployed.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChainArgs {
    /// Chain id of the L2
    #[arg(long, env = "MEZZ_L2_CHAIN_ID", default_value_t = 901)]
    pub(crate) l2_chain_id: u64,
    /// Pause between L2 blocks: 10ms to 1m
    #[arg(long, env = "MEZZ_BLOCK_TIME", default_value = "1s", value_parser = parse_block_time)]
    pub(crate) block_time: Duration,
    /// Gas limit of an L2 block
    #[arg(long, env = "MEZZ_GAS_LIMIT", default_value_t = 60_000_000)]
    pub(crate) gas_limit: u64,
    /// L1 blocks within which a batch must follow its origin; after them the chain goes on with deposits alone
    #[arg(long, env = "MEZZ_SEQUENCING_WINDOW", default_value_t = 3600)]
    pub(crate) sequencing_window: u64,
    /// How far an L2 block's time may run ahead of its L1 origin's
    #[arg(long, env = "MEZZ_MAX_DRIFT", default_value = "30m", value_parser = parse_duration)]
    pub(crate) max_drift: Duration,
}

/// How often the duties act.
#[derive(Clone, Debug, Args)]
pub(crate) struct DutyArgs {
    /// How old the oldest unposted block may get before a batch is posted
    #[arg(long, env = "MEZZ_BATCH_INTERVAL", default_value = "4s", value_parser = parse_duration)]
    pub(crate) batch_interval: Duration,
    /// What batches are and what they may cost
    #[command(flatten)]
    pub(crate) batches: BatchArgs,
    /// Pause between proposals
    #[arg(long, env = "MEZZ_PROPOSAL_INTERVAL", default_value = "6s", value_parser = parse_duration)]
    pub(crate) proposal_interval: Duration,
    /// Propose only what is derived from finalized L1 blocks
    #[arg(long, env = "MEZZ_PROPOSE_FINALIZED")]
    pub(crate) propose_finalized: bool,
    /// L1 blocks that an origin must be deep before the sequencer builds on it
    #[arg(long, env = "MEZZ_L1_CONFIRMATIONS", default_value_t = 0)]
    pub(crate) l1_confirmations: u64,
}

/// When the embedded L1 makes blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum L1BlockTime {
    /// At this pace.
    Interval(Duration),
    /// When a transaction arrives.
    OnDemand,
}

impl std::fmt::Display for L1BlockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Interval(pause) => write!(f, "{}s", pause.as_secs()),
            Self::OnDemand => f.write_str("on-demand"),
        }
    }
}

fn parse_block_time(text: &str) -> Result<Duration, String> {
    let pause = parse_duration(text)?;
    if (Duration::from_millis(10)..=Duration::from_secs(60)).contains(&pause) {
        Ok(pause)
    } else {
        Err("a block time is between 10ms and 1m".to_owned())
    }
}

fn parse_l1_block_time(text: &str) -> Result<L1BlockTime, String> {
    if text == "on-demand" {
        return Ok(L1BlockTime::OnDemand);
    }
    let pause = parse_duration(text)?;
    if pause < Duration::from_secs(1) || pause.subsec_nanos() != 0 {
        return Err("L1 timestamps count seconds: give whole seconds, or `on-demand`".to_owned());
    }
    Ok(L1BlockTime::Interval(pause))
}

/// Options of `mezz init`.
#[derive(Clone, Debug, Args)]
pub(crate) struct InitArgs {
    /// File to write
    #[arg(default_value = "mezz.toml")]
    pub(crate) path: PathBuf,
    /// Overwrite the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_time_is_bounded() {
        assert_eq!(parse_block_time("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(parse_block_time("1m"), Ok(Duration::from_secs(60)));
        assert!(parse_block_time("9ms").is_err());
        assert!(parse_block_time("61s").is_err());
    }

    #[test]
    fn l1_block_time_is_whole_seconds() {
        assert_eq!(parse_l1_block_time("on-demand"), Ok(L1BlockTime::OnDemand));
        assert_eq!(parse_l1_block_time("2s"), Ok(L1BlockTime::Interval(Duration::from_secs(2))));
        assert!(parse_l1_block_time("500ms").is_err());
        assert!(parse_l1_block_time("1500ms").is_err());
    }
}
