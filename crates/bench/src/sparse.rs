//! `eth_getLogs` over a long chain in which few blocks have a log, ours against Anvil's.

use crate::{
    Failure,
    compare::prepare,
    process::{Node, NodeArgs, Server},
    report::{median, met, verdict, whole},
    rpc::{Rpc, quantity},
    workload::{Kind, Workload, all_token_logs},
};
use serde_json::json;
use std::{
    thread,
    time::{Duration, Instant},
};

/// One block of so many has a log.
const EVERY: u64 = 50;
/// Milliseconds that an answer may take.
const GOAL: f64 = 50.0;
/// How long so many blocks may take.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// How it is asked.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Blocks that are searched
    #[arg(long, default_value_t = 10_000)]
    blocks: u64,
    /// Questions, one after the other
    #[arg(long, default_value_t = 101)]
    count: u64,
    /// Pause between Mezzanine's blocks
    #[arg(long, default_value = "10ms")]
    mezz_block_time: String,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let hits = args.blocks / EVERY;
    let workload = Kind::Erc20.workload(usize::try_from(hits)?)?;
    println!("eth_getLogs over {} blocks, one of {EVERY} with a log\n", whole(args.blocks as f64));
    let nodes = NodeArgs { mezz_block_time: args.mezz_block_time.clone(), ..NodeArgs::default() };
    let mut took = [0.0; 2];
    for (took, node) in took.iter_mut().zip([Node::Mezz, Node::Anvil]) {
        let server = Server::start(node, &nodes)?;
        let head = grow(&server, node, &workload, hits)?;
        *took = ask(&server, head, args.blocks, args.count, hits)?;
        println!("  {:6} {took:7.2} ms, median of {}", node.name(), args.count);
    }
    let [ours, theirs] = took;
    println!(
        "\ngoal {GOAL:.0} ms: {}; against Anvil: {}",
        met(ours <= GOAL),
        verdict(theirs / ours, 1.0)
    );
    Ok(())
}

/// Makes the chain; answers the number of its newest block.
fn grow(server: &Server, node: Node, workload: &Workload, hits: u64) -> Result<u64, Failure> {
    prepare(server, workload)?;
    let mut rpc = Rpc::connect(server.addr)?;
    let first = quantity(&rpc.call("eth_blockNumber", &json!([]))?)?;
    let mut head = first;
    // Each by another sender, whose first it is.
    for (nth, tx) in (1..=hits).zip(workload.timed.iter().flatten()) {
        rpc.call("eth_sendRawTransaction", &json!([tx.raw]))?;
        if node == Node::Anvil {
            rpc.call("anvil_mine", &json!([format!("{EVERY:#x}")]))?;
        }
        let until = Instant::now() + PATIENCE;
        while head < first + nth * EVERY {
            if Instant::now() > until {
                return Err(format!("block {} was not made within {PATIENCE:?}", head + 1).into());
            }
            thread::sleep(POLL);
            head = quantity(&rpc.call("eth_blockNumber", &json!([]))?)?;
        }
        rpc.gas_used(tx.hash)?;
    }
    Ok(head)
}

/// Milliseconds until an answer, the median.
fn ask(server: &Server, head: u64, blocks: u64, count: u64, hits: u64) -> Result<f64, Failure> {
    let mut rpc = Rpc::connect(server.addr)?;
    let mut took = Vec::new();
    for turn in 0..count {
        let from = head.saturating_sub(blocks).saturating_add(turn % EVERY);
        let params = all_token_logs(from, head);
        let started = Instant::now();
        let answer = rpc.call("eth_getLogs", &params)?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
        let found = answer.as_array().map_or(0, Vec::len) as u64;
        // A node that does not find them is not fast. Anvil makes some blocks in between.
        if found * 10 < hits * 9 {
            return Err(format!("{found} logs instead of {hits}").into());
        }
    }
    Ok(median(took))
}
