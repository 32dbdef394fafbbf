//! The command line: every command, and the options that all have.

mod batches;
mod clients;
mod duties;
mod l1;
mod ops;
mod up;

pub(crate) use batches::{BatchArgs, BatchData};
pub(crate) use clients::{
    BalanceArgs, DepositArgs, From, SendArgs, Target, WithdrawArgs, WithdrawStep,
};
pub(crate) use duties::{
    BatcherArgs, ChainSource, DeployArgs, ProposerArgs, SequencerArgs, VerifierArgs,
};
pub(crate) use l1::{L1Args, L1Verb};
pub(crate) use ops::{DoctorArgs, DoctorCommand, KeyArgs, KeyVerb, MetricsArgs, PasswordArgs};
pub(crate) use up::{ChainArgs, InitArgs, L1BlockTime, UpArgs};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
