//! Options of whoever posts batches.

use crate::units::parse_ether;
use clap::{Args, ValueEnum};

/// What batches are and what they may cost.
#[derive(Clone, Debug, Args)]
pub(crate) struct BatchArgs {
    /// Blobs that a batch fills before it is posted whatever its age: 1 to 6
    #[arg(long, env = "MEZZ_BATCH_BLOBS", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=6))]
    pub(crate) batch_blobs: u8,
    /// What carries batches
    #[arg(long, env = "MEZZ_BATCH_DATA", value_enum, default_value = "cheapest")]
    pub(crate) batch_data: BatchData,
    /// Highest price of L1 gas that the batcher pays, such as 100gwei; above it batches wait, but not beyond the sequencing window
    #[arg(long, env = "MEZZ_MAX_L1_FEE", default_value = "1000gwei", value_parser = parse_price)]
    pub(crate) max_l1_fee: Price,
    /// Highest price of L1 blob gas that the batcher pays, likewise
    #[arg(long, env = "MEZZ_MAX_BLOB_FEE", default_value = "1000gwei", value_parser = parse_price)]
    pub(crate) max_blob_fee: Price,
}

/// What carries batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BatchData {
    /// Blobs or calldata, whichever costs less on L1
    Cheapest,
    /// Blobs alone
    Blobs,
    /// Calldata alone
    Calldata,
}

/// A price of gas, wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price(pub(crate) u128);

fn parse_price(text: &str) -> Result<Price, String> {
    let wei = parse_ether(text)?;
    u128::try_from(wei)
        .ok()
        .filter(|wei| (1..=1_000_000_000_000_000).contains(wei))
        .map(Price)
        .ok_or_else(|| {
            format!("`{text}` is no price of gas: write for example 100gwei; at most 0.001 ether")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn price_is_of_a_unit_of_gas() {
        assert_eq!(parse_price("100gwei"), Ok(Price(100_000_000_000)));
        assert_eq!(parse_price("1wei"), Ok(Price(1)));
        for wrong in ["0gwei", "100", "fast", "1eth"] {
            assert!(parse_price(wrong).is_err(), "{wrong}");
        }
    }
}
