//! How long a node with a million accounts takes from its start, after it was killed, until it answers, and how much
//! memory it takes.

use crate::{
    Failure,
    compare::{lists, prepare},
    load::Load,
    process::{Node, NodeArgs, Server},
    report::{median, met, whole},
    rpc::{Rpc, quantity},
    workload::{Workload, new_account},
};
use serde_json::json;
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Seconds that it may take.
const GOAL: f64 = 5.0;
/// Thousands of accounts that come before each start.
const MORE: usize = 20;

/// How the chain is made.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Accounts of the chain, in thousands
    #[arg(long, default_value_t = 1_000)]
    thousands: usize,
    /// Times that the node is killed and started
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let runs = args.runs.max(1);
    let workload = Workload::to_new_accounts(1_000 * (args.thousands + runs * MORE))?;
    let nodes = NodeArgs::default();
    let mut server = Server::start(Node::Mezz, &nodes)?;
    prepare(&server, &workload)?;
    // Transactions of each sender that were sent.
    let mut sent = 0;
    let mut send = |server: &Server, more: usize| {
        let turns = sent..sent + more;
        sent += more;
        let timed: Vec<_> = workload.timed.iter().map(|txs| txs[turns.clone()].to_vec()).collect();
        let until: Vec<_> =
            workload.until.iter().map(|(sender, _)| (*sender, sent as u64)).collect();
        Load::new(&lists(&timed, 4), 100).run(server, &until)
    };
    let took = send(&server, args.thousands)?.mined;
    println!(
        "{} ETH transfers to new accounts in {:.1} s; then {} more before each time that `mezz up` is killed and started: both chains opened, state loaded, trie rebuilt, root compared\n",
        whole((1_000 * args.thousands) as f64),
        took.as_secs_f64(),
        whole((1_000 * MORE) as f64),
    );
    let mut times = Vec::new();
    for run in 1..=runs {
        send(&server, MORE)?;
        let newest = new_account(0, (args.thousands + run * MORE) as u64 - 1);
        let seconds = again(&mut server, &nodes, &json!([newest, "latest"]))?.as_secs_f64();
        println!("  {seconds:.2} s, {} MiB at most", server.peak_memory()?);
        times.push(seconds);
    }
    let seconds = median(times);
    let disk = size(server.dir())? >> 20;
    println!(
        "\nmedian: {seconds:.2} s, goal {GOAL:.0} s: {}; {disk} MiB on disk",
        met(seconds <= GOAL)
    );
    Ok(())
}

/// The time until a node that was killed tells the balance of an account.
fn again(
    server: &mut Server,
    nodes: &NodeArgs,
    account: &serde_json::Value,
) -> Result<Duration, Failure> {
    server.kill()?;
    let started = Instant::now();
    server.start_again(nodes)?;
    let balance = Rpc::connect(server.addr)?.call("eth_getBalance", account)?;
    let took = started.elapsed();
    if quantity(&balance)? == 0 {
        return Err("an account has lost its ether".into());
    }
    Ok(took)
}

/// Bytes below a directory.
fn size(dir: &Path) -> Result<u64, Failure> {
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
    Ok(bytes)
}
