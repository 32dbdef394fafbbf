//! How long a chain of a million accounts takes to open again, and how much memory it takes.

use crate::{
    Failure, blocks,
    process::{own_dir, peak_memory},
    report::{median, whole},
};
use alloy_primitives::{U256, keccak256};
use mezz_chain::{AccountPatch, BuildOptions, Chain};
use mezz_evm::BlockAttributes;
use mezz_primitives::Address;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// Seconds that it may take.
const GOAL: f64 = 5.0;
/// Accounts that one block brings.
const ACCOUNTS_PER_BLOCK: usize = 20_000;

/// How the chain is made.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Accounts of the chain
    #[arg(long, default_value_t = 1_000_000)]
    accounts: usize,
    /// Times that it is opened
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Open the chain in this directory, print what it took, and end
    #[arg(long, hide = true)]
    open: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if let Some(dir) = &args.open {
        return open(dir);
    }
    let dir = tempfile::tempdir_in(own_dir()?)?;
    let started = Instant::now();
    fill(dir.path(), args.accounts)?;
    println!(
        "A chain of {} accounts, made in {:.1} s; opened by a process of its own: state loaded, trie rebuilt, root compared",
        whole(args.accounts as f64),
        started.elapsed().as_secs_f64()
    );
    let mut times = Vec::new();
    for _ in 0..args.runs.max(1) {
        let output =
            Command::new(env::current_exe()?).args(["start", "--open"]).arg(dir.path()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut words = text.split_whitespace();
        let mut number = || words.next().and_then(|word| word.parse::<f64>().ok());
        let (Some(seconds), Some(memory)) = (number(), number()) else {
            return Err(format!("the chain was not opened: {text}").into());
        };
        println!("  {seconds:.2} s, {memory} MiB at most");
        times.push(seconds);
    }
    let seconds = median(times);
    let met = if seconds <= GOAL { "met" } else { "missed" };
    println!("\nmedian: {seconds:.2} s, goal {GOAL:.0} s: {met}; {} on disk", size(dir.path())?);
    Ok(())
}

/// Makes the chain: an account for each number, with a balance.
fn fill(dir: &Path, accounts: usize) -> Result<(), Failure> {
    let chain = blocks::open(Some(dir))?;
    let all: Vec<usize> = (0..accounts).collect();
    for part in all.chunks(ACCOUNTS_PER_BLOCK) {
        let patch: BTreeMap<_, _> = part
            .iter()
            .map(|at| {
                let address = Address::from_word(keccak256(at.to_be_bytes()));
                let balance = Some(U256::from(1_000_000_000_000_000_000u64 + *at as u64));
                (address, AccountPatch { balance, ..AccountPatch::default() })
            })
            .collect();
        let options = BuildOptions { patch, ..BuildOptions::default() };
        build(&chain, &options)?;
    }
    Ok(())
}

fn build(chain: &Chain, options: &BuildOptions) -> Result<(), Failure> {
    let head = chain.head();
    let attributes = BlockAttributes {
        timestamp: head.header.timestamp + 1,
        gas_limit: head.header.gas_limit,
        ..BlockAttributes::default()
    };
    chain.commit(chain.build(&attributes, &[], &mut |_| None, options)?)?;
    Ok(())
}

fn open(dir: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    let _chain = blocks::open(Some(dir))?;
    let seconds = started.elapsed().as_secs_f64();
    println!("{seconds} {}", peak_memory(std::process::id())?);
    Ok(())
}

/// Bytes below a directory, in words.
fn size(dir: &Path) -> Result<String, Failure> {
    let mut bytes = 0;
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let kind = entry.metadata()?;
            if kind.is_dir() {
                dirs.push(entry.path());
            } else {
                bytes += kind.len();
            }
        }
    }
    Ok(format!("{} MiB", bytes >> 20))
}
