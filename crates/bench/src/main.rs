//! Benchmarks of Mezzanine that anyone can run: each compares two things in one run on one machine and
//! prints both numbers, their ratio and the goal. docs/performance.md says how to read them.
#![expect(clippy::print_stdout, reason = "a command line: its result goes to the terminal")]

mod accounts;
mod blocks;
mod compare;
mod derivation;
mod http;
mod load;
mod process;
mod queries;
mod report;
mod rpc;
mod sparse;
mod start;
mod workload;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a benchmark ends with when it fails: one line for a person.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Benchmarks of Mezzanine. MEZZ_ANVIL names the binary of Anvil to compare with; the `mezz` beside this
/// program is measured, or the one that MEZZ_BIN names.
#[derive(Debug, Parser)]
#[command(name = "mezz-bench", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// ETH transfers through eth_sendRawTransaction until mined, against Anvil
    Transfers(compare::Args),
    /// Transfers of an OpenZeppelin ERC-20 until mined, against Anvil
    Erc20(compare::Args),
    /// Uniswap V2 swaps until mined, against Anvil
    Swaps(compare::Args),
    /// Blocks with roots and commit, against bare revm
    Blocks(blocks::Args),
    /// A verifier's derivation from L1, against the making of the chain
    Derivation(derivation::Args),
    /// eth_call, against Anvil
    Calls(queries::Args),
    /// eth_getLogs, against Anvil
    Logs(queries::Args),
    /// eth_getLogs over 10,000 blocks of which few have a log, against Anvil
    SparseLogs(sparse::Args),
    /// A node with a million accounts that was killed, from its start until it answers
    Start(start::Args),
}

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        println!(
            "A build without optimisation measures nothing: cargo run --release -p mezz-bench"
        );
        return ExitCode::FAILURE;
    }
    let result = match Cli::parse().bench {
        Bench::Transfers(args) => compare::run(workload::Kind::Transfers, &args),
        Bench::Erc20(args) => compare::run(workload::Kind::Erc20, &args),
        Bench::Swaps(args) => compare::run(workload::Kind::Swaps, &args),
        Bench::Blocks(args) => blocks::run(&args),
        Bench::Derivation(args) => derivation::run(&args),
        Bench::Calls(args) => queries::calls(&args),
        Bench::Logs(args) => queries::logs(&args),
        Bench::SparseLogs(args) => sparse::run(&args),
        Bench::Start(args) => start::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
