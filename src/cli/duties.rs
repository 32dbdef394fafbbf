//! Options of a deployment and of each duty as a process of its own.

use super::{BatchArgs, ChainArgs, MetricsArgs, PasswordArgs};
use crate::{rpc_args::RpcArgs, units::parse_duration};
use alloy::primitives::Address;
use clap::Args;
use std::{net::IpAddr, path::PathBuf, time::Duration};

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
