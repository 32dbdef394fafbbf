//! Options of `mezz l1`: what a development L1 can be told.

use crate::units::{parse_duration, parse_ether};
use alloy::primitives::{Address, U256};
use clap::{Args, Subcommand};
use std::time::Duration;

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
