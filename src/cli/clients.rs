//! Options of the commands that use a chain: who signs, which chain, what moves.

use super::PasswordArgs;
use crate::units::parse_ether;
use alloy::primitives::{Address, B256, Bytes, U256};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
