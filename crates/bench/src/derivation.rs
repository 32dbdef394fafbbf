//! A verifier's derivation against the making of the chain: a chain is loaded and posted to L1, then a new
//! verifier with nothing but the L1 rebuilds it.

use crate::{
    Failure,
    compare::prepare,
    load::Load,
    process::{Node, NodeArgs, Server},
    report::{median, verdict, whole},
    rpc::Rpc,
    workload::Kind,
};
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};

/// How long posting or deriving may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(20);

/// What is derived.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// ETH transfers in the chain
    #[arg(long, default_value_t = 200_000)]
    count: usize,
    /// Chains that are made and derived
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let kind = Kind::Transfers;
    let workload = kind.workload(args.count)?;
    let lists = crate::compare::lists(&workload.timed, 4);
    let load = Load::new(&lists, 100);
    let txs = load.txs() as f64;
    println!(
        "{}: {} sent in batches of 100 over 4 connections and mined, while the batcher waits; then posted in blobs to the",
        kind.title(),
        whole(txs)
    );
    println!(
        "embedded L1; then derived by a new verifier process from that L1: blobs fetched and checked, senders recovered, executed,"
    );
    println!("committed to disk\n");
    println!("  made tx/s   posted tx/s   derived tx/s   verifier CPU us/tx   after a start, s");
    let nodes = NodeArgs::default();
    let mut against_making = Vec::new();
    let mut against_posting = Vec::new();
    for _ in 0..args.runs.max(1) {
        let sequencer = Server::start(Node::Mezz, &nodes)?;
        prepare(&sequencer, &workload)?;
        let measured = load.run(&sequencer, &workload.until)?;
        let mut rpc = Rpc::connect(sequencer.addr)?;
        let last = number(&rpc.call("optimism_syncStatus", &json!([]))?, "unsafe_l2");
        let began = Instant::now();
        sequencer.set_l1_price(7)?;
        wait_safe(&mut rpc, last)?;
        let posted = began.elapsed();
        // The verifier has the cores for itself.
        sequencer.set_l1_price(1_000_000_000)?;
        sequencer.settle()?;

        let began = Instant::now();
        let verifier = Server::verifier(&sequencer)?;
        let mut derived = Rpc::connect(verifier.addr)?;
        let status = derived.call("optimism_syncStatus", &json!([]))?;
        // As the sequencer, whose start is not counted: from the answer on, if it has done nothing before.
        let started = if number(&status, "safe_l2") == 0 { Instant::now() } else { began };
        wait_safe(&mut derived, last)?;
        let time = started.elapsed();
        let block = json!([format!("{last:#x}"), false]);
        let hash =
            |rpc: &mut Rpc| rpc.call("eth_getBlockByNumber", &block).map(|b| b["hash"].clone());
        if hash(&mut rpc)? != hash(&mut derived)? {
            return Err(format!("the verifier has another block {last}").into());
        }
        println!(
            "  {:>9} {:>13} {:>14} {:>20.1} {:>16.2}",
            whole(txs / measured.mined.as_secs_f64()),
            whole(txs / posted.as_secs_f64()),
            whole(txs / time.as_secs_f64()),
            verifier.cpu()?.as_secs_f64() * 1e6 / txs,
            (started - began).as_secs_f64()
        );
        against_making.push(measured.mined.as_secs_f64() / time.as_secs_f64());
        against_posting.push(posted.as_secs_f64() / time.as_secs_f64());
    }
    println!("\nmedians");
    println!("  against making the blocks: {}", verdict(median(against_making), 1.0));
    println!("  against posting them: {}", verdict(median(against_posting), 1.0));
    Ok(())
}

fn number(status: &Value, head: &str) -> u64 {
    status[head]["number"].as_u64().unwrap_or_default()
}

/// Waits until the block is safe: in a batch on L1, and derived from there.
fn wait_safe(rpc: &mut Rpc, block: u64) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    while number(&rpc.call("optimism_syncStatus", &json!([]))?, "safe_l2") < block {
        if Instant::now() > until {
            return Err(format!("block {block} did not become safe within {PATIENCE:?}").into());
        }
        thread::sleep(POLL);
    }
    Ok(())
}
