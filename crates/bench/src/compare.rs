//! Transactions per second until mined, ours against Anvil's: fresh processes in turn, the same bytes for both.

use crate::{
    Failure,
    accounts::Signed,
    load::{Load, Measured},
    process::{Node, NodeArgs, Server},
    report::{median, verdict, whole},
    rpc::Rpc,
    workload::{Kind, Workload},
};

/// Receipts that are looked at after a run.
const SAMPLE: usize = 20;

/// How a comparison is run.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Transactions of one run [default: 100,000 transfers, 50,000 of tokens, 20,000 swaps; a quarter one by one]
    #[arg(long)]
    count: Option<usize>,
    /// Runs of each node, in turn
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Send one by one over 8 connections instead of batches of 100 over 4
    #[arg(long)]
    single: bool,
    /// Measure Mezzanine alone
    #[arg(long)]
    mezz_only: bool,
    /// Nodes
    #[command(flatten)]
    nodes: NodeArgs,
}

impl Kind {
    const fn count(self) -> usize {
        match self {
            Self::Transfers => 100_000,
            Self::Erc20 => 50_000,
            Self::Swaps => 20_000,
        }
    }

    /// Times Anvil that are wanted.
    const fn goal(self, single: bool) -> f64 {
        match (self, single) {
            (_, true) => 2.0,
            (Self::Transfers, false) => 4.0,
            (Self::Erc20 | Self::Swaps, false) => 3.0,
        }
    }
}

/// One run of one node.
struct Run {
    node: Node,
    measured: Measured,
    gas: u64,
    memory: u64,
}

pub(crate) fn run(kind: Kind, args: &Args) -> Result<(), Failure> {
    let count = args.count.unwrap_or(if args.single { kind.count() / 4 } else { kind.count() });
    let workload = kind.workload(count)?;
    let (connections, batch) = if args.single { (8, 1) } else { (4, 100) };
    let load = Load::new(&lists(&workload.timed, connections), batch);
    let txs = load.txs() as f64;
    println!(
        "{}: {} of 1,000 senders, {} over {connections} connections; the client is on the same {} cores",
        kind.title(),
        whole(txs),
        if args.single { "one by one".to_owned() } else { format!("batches of {batch}") },
        std::thread::available_parallelism()?
    );
    println!(
        "mezz: `mezz up` (embedded L1 and sequencer), a block each {}, on disk, batcher {}; anvil: a block each {} s, in memory\n",
        args.nodes.mezz_block_time,
        if args.nodes.batcher { "posting" } else { "idle" },
        args.nodes.anvil_block_time
    );
    println!("  node    accepted/s     mined/s    Mgas/s   server CPU us/tx   peak MiB");

    let nodes: &[Node] = if args.mezz_only { &[Node::Mezz] } else { &[Node::Mezz, Node::Anvil] };
    let mut runs = Vec::new();
    for _ in 0..args.runs.max(1) {
        for node in nodes {
            let run = one(*node, &workload, &load, args)?;
            println!(
                "  {:6} {:>11} {:>11} {:>9} {:>18.1} {:>10}",
                run.node.name(),
                whole(txs / run.measured.accepted.as_secs_f64()),
                whole(txs / run.measured.mined.as_secs_f64()),
                whole(txs * run.gas as f64 / run.measured.mined.as_secs_f64() / 1e6),
                run.measured.cpu.as_secs_f64() * 1e6 / txs,
                run.memory
            );
            runs.push(run);
        }
    }
    let rate = |node: Node| {
        let rates = runs.iter().filter(|run| run.node == node);
        median(rates.map(|run| txs / run.measured.mined.as_secs_f64()))
    };
    let ours = rate(Node::Mezz);
    if args.mezz_only {
        println!("\nmedian: mezz {}/s", whole(ours));
        return Ok(());
    }
    let theirs = rate(Node::Anvil);
    println!(
        "\nmedian: mezz {}/s, anvil {}/s; {}",
        whole(ours),
        whole(theirs),
        verdict(ours / theirs, kind.goal(args.single))
    );
    Ok(())
}

/// The transactions of each connection. All of a sender go over one, in the order of its nonces.
pub(crate) fn lists(timed: &[Vec<Signed>], connections: usize) -> Vec<Vec<&Signed>> {
    let each = timed.first().map_or(0, Vec::len);
    let mut lists = vec![Vec::new(); connections];
    for turn in 0..each {
        for (sender, txs) in timed.iter().enumerate() {
            lists[sender % connections].push(&txs[turn]);
        }
    }
    lists
}

/// One run on a fresh node.
fn one(node: Node, workload: &Workload, load: &Load, args: &Args) -> Result<Run, Failure> {
    let server = Server::start(node, &args.nodes)?;
    prepare(&server, workload)?;
    let measured = load.run(&server, &workload.until)?;
    let mut rpc = Rpc::connect(server.addr)?;
    let mut gas = 0;
    let step = (workload.timed.len() / SAMPLE).max(1);
    let sample: Vec<_> = workload.timed.iter().step_by(step).filter_map(|txs| txs.last()).collect();
    for tx in &sample {
        gas += rpc.gas_used(tx.hash)?;
    }
    Ok(Run { node, measured, gas: gas / sample.len().max(1) as u64, memory: server.peak_memory()? })
}

/// Sends what comes before the measured transactions.
pub(crate) fn prepare(server: &Server, workload: &Workload) -> Result<(), Failure> {
    let mut rpc = Rpc::connect(server.addr)?;
    for round in &workload.setup {
        let txs: Vec<&Signed> = round.txs.iter().collect();
        Load::new(&[txs], 100).run(server, &round.until)?;
        if let Some(last) = round.txs.last() {
            rpc.gas_used(last.hash)?;
        }
    }
    server.settle()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_of_a_sender_stay_in_order_on_one_connection() {
        let tx = |n: u8| Signed { raw: String::new(), hash: [n; 32].into() };
        let timed = vec![vec![tx(0), tx(1)], vec![tx(2), tx(3)], vec![tx(4), tx(5)]];
        let lists = lists(&timed, 2);
        let order = |at: usize| lists[at].iter().map(|tx| tx.hash[0]).collect::<Vec<_>>();
        assert_eq!(order(0), [0, 4, 1, 5]);
        assert_eq!(order(1), [2, 3]);
    }
}
