//! The command line: every command, option and help text.

mod batches;
mod ops;

pub(crate) use batches::{BatchArgs, BatchData};
pub(crate) use ops::{DoctorArgs, DoctorCommand, KeyArgs, KeyVerb, MetricsArgs, PasswordArgs};

use crate::{
    rpc_args::RpcArgs,
    units::{parse_duration, parse_ether},
};
use alloy::primitives::{Address, B256, Bytes, U256};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// Every family of Ethereum Layer 2 in one binary.
#[derive(Debug, Parser)]
#[command(name = "mezz", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Directory of the chain: its state, keys and deployment.json
    #[arg(long, global = true, env = "MEZZ_DATA_DIR", default_value = ".mezz")]
    pub(crate) data_dir: PathBuf,
    /// File with options; flags and environment variables come before it
    #[arg(long, global = true, env = "MEZZ_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to log, for example `info`, `debug` or `mezz_rollup=trace`
    #[arg(long, global = true, env = "MEZZ_LOG", default_value = "warn")]
    pub(crate) log: String,
    /// Write logs as JSON lines
    #[arg(long, global = true, env = "MEZZ_LOG_JSON")]
    pub(crate) log_json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a Layer 1 and a Layer 2 on it, ready to use
    Up(UpArgs),
    /// Write a commented mezz.toml with every option of `mezz up`
    Init(InitArgs),
    /// Move ETH or an ERC-20 from L1 to L2
    Deposit(DepositArgs),
    /// Send ETH or call a contract on L2
    Send(SendArgs),
    /// Move ETH or an ERC-20 from L2 to L1: initiate, prove, wait, finalize
    Withdraw(WithdrawArgs),
    /// Show balances on both layers
    Balance(BalanceArgs),
    /// Show the heads, what is posted to L1 and who is believed
    Status(Target),
    /// Show the dev accounts with their keys and balances
    Accounts,
    /// Steer a development L1: time, blocks, reorganisations
    L1(L1Args),
    /// Rebuild the chain from L1 alone and serve it
    Verifier(VerifierArgs),
    /// Deploy the contracts of a new chain on an L1
    Deploy(DeployArgs),
    /// Run a sequencer for a deployed chain
    Sequencer(SequencerArgs),
    /// Run a batcher: post the sequencer's blocks to L1
    Batcher(BatcherArgs),
    /// Run a proposer: post output roots to L1
    Proposer(ProposerArgs),
    /// Check what a command needs before it is run, and say what to mend
    Doctor(DoctorArgs),
    /// Make an encrypted key file, or show its address
    Key(KeyArgs),
}

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

/// Whose key signs.
#[derive(Clone, Debug, Args)]
pub(crate) struct From {
    /// Sender: the index of a dev account, or its address
    #[arg(long, value_name = "ACCOUNT", default_value = "0", conflicts_with = "keystore")]
    pub(crate) from: String,
    /// Encrypted key file of the sender, as `mezz key new`, cast and geth write it
    #[arg(long, value_name = "FILE")]
    pub(crate) keystore: Option<PathBuf>,
    /// Where its password comes from
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
}

/// The chain that a client command is for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    /// JSON-RPC URL of an L2 node [default: the chain that `mezz up` runs from the data directory]
    #[arg(long, env = "MEZZ_L2", value_name = "URL")]
    pub(crate) l2: Option<String>,
    /// JSON-RPC URL of its L1, with --l2
    #[arg(long, env = "MEZZ_L1", value_name = "URL")]
    pub(crate) l1: Option<String>,
    /// Inbox contract of the chain, with --l2 [default: the only one on the L1]
    #[arg(long, env = "MEZZ_INBOX", value_name = "ADDRESS")]
    pub(crate) inbox: Option<Address>,
}

/// Options of `mezz deposit`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DepositArgs {
    /// Amount: 1.5, 20gwei, 300wei; of a token in whole tokens
    pub(crate) amount: String,
    /// Receiver on L2 [default: the sender]
    #[arg(long)]
    pub(crate) to: Option<Address>,
    /// ERC-20 on L1 to deposit instead of ETH
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) token: Option<Address>,
    /// Its counterpart on L2 [default: the one that the factory makes, made if it is absent]
    #[arg(long, value_name = "ADDRESS", requires = "token")]
    pub(crate) l2_token: Option<Address>,
    /// Whose key signs
    #[command(flatten)]
    pub(crate) sender: From,
    /// Which chain
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Options of `mezz send`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SendArgs {
    /// Receiver: an address, or the index of a dev account
    pub(crate) to: String,
    /// Amount: 1.5, 20gwei, 300wei
    #[arg(value_parser = parse_ether)]
    pub(crate) amount: U256,
    /// Calldata
    #[arg(long, default_value = "0x")]
    pub(crate) data: Bytes,
    /// Whose key signs
    #[command(flatten)]
    pub(crate) sender: From,
    /// Which chain
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Where a withdrawal stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum WithdrawStep {
    /// After the L2 transaction
    Initiated,
    /// After the proof on L1
    Proven,
    /// When the money is there
    Finalized,
}

/// Options of `mezz withdraw`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// Amount: 1.5, 20gwei, 300wei; of a token in whole tokens
    #[arg(required_unless_present = "tx", conflicts_with = "tx")]
    pub(crate) amount: Option<String>,
    /// Go on with the withdrawal that this L2 transaction began
    #[arg(long, value_name = "HASH")]
    pub(crate) tx: Option<B256>,
    /// Receiver on L1 [default: the sender]
    #[arg(long, conflicts_with = "tx")]
    pub(crate) to: Option<Address>,
    /// ERC-20 on L2 to withdraw instead of ETH
    #[arg(long, value_name = "ADDRESS", conflicts_with = "tx")]
    pub(crate) token: Option<Address>,
    /// Stop after this step; `mezz withdraw --tx` goes on
    #[arg(long, value_enum, default_value = "finalized")]
    pub(crate) until: WithdrawStep,
    /// Whose key signs, on both layers
    #[command(flatten)]
    pub(crate) sender: From,
    /// Which chain
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Options of `mezz balance`.
#[derive(Clone, Debug, Args)]
pub(crate) struct BalanceArgs {
    /// Addresses, or indices of dev accounts [default: the dev accounts]
    pub(crate) accounts: Vec<String>,
    /// ERC-20 on L2 instead of ETH
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) token: Option<Address>,
    /// ERC-20 on L1 instead of ETH
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) l1_token: Option<Address>,
    /// Which chain
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Options of `mezz l1`.
#[derive(Clone, Debug, Args)]
pub(crate) struct L1Args {
    /// What to do
    #[command(subcommand)]
    pub(crate) verb: L1Verb,
}

/// What a development L1 can be told.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum L1Verb {
    /// Move the clock forward and make a block
    IncreaseTime {
        /// How far: 60s, 5m, 7d
        #[arg(value_parser = parse_duration)]
        by: Duration,
    },
    /// Make blocks
    Mine {
        /// How many
        #[arg(default_value_t = 1)]
        blocks: u64,
    },
    /// Replace the newest blocks by empty ones
    Reorg {
        /// How many
        depth: u64,
    },
    /// Remember the state; prints an id for `revert`
    Snapshot,
    /// Go back to a snapshot
    Revert {
        /// The id that `snapshot` printed
        id: U256,
    },
    /// Set an account's balance
    SetBalance {
        /// Whose
        address: Address,
        /// Amount: 1.5, 20gwei, 300wei
        #[arg(value_parser = parse_ether)]
        amount: U256,
    },
}

/// How a node finds its chain.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChainSource {
    /// JSON-RPC URL of the L1
    #[arg(long, env = "MEZZ_L1", value_name = "URL")]
    pub(crate) l1: String,
    /// Where the L1's blobs are read [default: the L1 URL]
    #[arg(long, env = "MEZZ_BEACON", value_name = "URL")]
    pub(crate) beacon: Option<String>,
    /// Inbox contract of the chain [default: the only one on this L1]
    #[arg(long, env = "MEZZ_INBOX", value_name = "ADDRESS")]
    pub(crate) inbox: Option<Address>,
    /// How long the L1 must lack a block that it had, and show no other in its place, to be believed: a node that lags behind others looks like a chain that was cut
    #[arg(long, env = "MEZZ_L1_PATIENCE", default_value = "30s", value_parser = parse_duration)]
    pub(crate) l1_patience: Duration,
}

/// Options of `mezz verifier`.
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifierArgs {
    /// How it finds its chain
    #[command(flatten)]
    pub(crate) source: ChainSource,
    /// Address to listen on
    #[arg(long, env = "MEZZ_HOST", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Port of its JSON-RPC; 0 takes a free one
    #[arg(long, env = "MEZZ_VERIFIER_PORT", default_value_t = 9645)]
    pub(crate) port: u16,
    /// Options of its JSON-RPC
    #[command(flatten)]
    pub(crate) rpc: RpcArgs,
    /// What is read of it
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
}

/// Options of `mezz deploy`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeployArgs {
    /// JSON-RPC URL of the L1
    #[arg(long, env = "MEZZ_L1", value_name = "URL")]
    pub(crate) l1: String,
    /// Encrypted key file of the deployer, as `mezz key new`, cast and geth write it
    #[arg(long, value_name = "FILE")]
    pub(crate) keystore: PathBuf,
    /// Where its password comes from
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    /// May blacklist proposals and pause withdrawals [default: the deployer]
    #[arg(long)]
    pub(crate) guardian: Option<Address>,
    /// May post batches
    #[arg(long)]
    pub(crate) batcher: Address,
    /// May propose output roots
    #[arg(long)]
    pub(crate) proposer: Address,
    /// Receives the fees of the L2 [default: the deployer]
    #[arg(long)]
    pub(crate) fee_recipient: Option<Address>,
    /// Parameters of the chain
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    /// How long a proposal waits before withdrawals against it can be finalized; until then it can be discarded
    #[arg(long, env = "MEZZ_CHALLENGE_WINDOW", default_value = "7d", value_parser = parse_duration)]
    pub(crate) challenge_window: Duration,
}

/// Options of `mezz sequencer`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SequencerArgs {
    /// How it finds its chain
    #[command(flatten)]
    pub(crate) source: ChainSource,
    /// Address to listen on
    #[arg(long, env = "MEZZ_HOST", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Port of its JSON-RPC; 0 takes a free one
    #[arg(long, env = "MEZZ_L2_PORT", default_value_t = 9545)]
    pub(crate) port: u16,
    /// L1 blocks that an origin must be deep before it is built on
    #[arg(long, env = "MEZZ_L1_CONFIRMATIONS", default_value_t = 4)]
    pub(crate) l1_confirmations: u64,
    /// Options of its JSON-RPC
    #[command(flatten)]
    pub(crate) rpc: RpcArgs,
    /// What is read of it
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
}

/// Options of `mezz batcher`.
#[derive(Clone, Debug, Args)]
pub(crate) struct BatcherArgs {
    /// JSON-RPC URL of the L1
    #[arg(long, env = "MEZZ_L1", value_name = "URL")]
    pub(crate) l1: String,
    /// JSON-RPC URL of the sequencer
    #[arg(long, env = "MEZZ_L2", value_name = "URL")]
    pub(crate) l2: String,
    /// Encrypted key file of the batcher, as `mezz key new`, cast and geth write it
    #[arg(long, value_name = "FILE")]
    pub(crate) keystore: PathBuf,
    /// Where its password comes from
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    /// How old the oldest unposted block may get before a batch is posted
    #[arg(long, env = "MEZZ_BATCH_INTERVAL", default_value = "1m", value_parser = parse_duration)]
    pub(crate) batch_interval: Duration,
    /// What batches are and what they may cost
    #[command(flatten)]
    pub(crate) batches: BatchArgs,
    /// What is read of it
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
}

/// Options of `mezz proposer`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProposerArgs {
    /// JSON-RPC URL of the L1
    #[arg(long, env = "MEZZ_L1", value_name = "URL")]
    pub(crate) l1: String,
    /// JSON-RPC URL of an L2 node that derives the chain: a verifier or the sequencer
    #[arg(long, env = "MEZZ_L2", value_name = "URL")]
    pub(crate) l2: String,
    /// Encrypted key file of the proposer, as `mezz key new`, cast and geth write it
    #[arg(long, value_name = "FILE")]
    pub(crate) keystore: PathBuf,
    /// Where its password comes from
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    /// Pause between proposals
    #[arg(long, env = "MEZZ_PROPOSAL_INTERVAL", default_value = "1h", value_parser = parse_duration)]
    pub(crate) proposal_interval: Duration,
    /// Propose also what is derived from L1 blocks that are not final yet
    #[arg(long, env = "MEZZ_PROPOSE_UNFINALIZED")]
    pub(crate) propose_unfinalized: bool,
    /// What is read of it
    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

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
