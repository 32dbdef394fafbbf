//! `eth_call` and `eth_getLogs`, ours against Anvil's, on chains with the same transactions.

use crate::{
    Failure,
    accounts::{self, addresses},
    compare::{lists, prepare},
    load::Load,
    process::{Node, NodeArgs, Server},
    report::{median, verdict, whole},
    rpc::Rpc,
    workload::{Kind, Workload, swap_quote, token_balance, token_logs},
};
use alloy_primitives::Address;
use serde_json::Value;

/// Connections that ask.
const CONNECTIONS: usize = 8;
/// Of either: as fast as Anvil.
const GOAL: f64 = 1.0;

/// How it is asked.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Questions of one run
    #[arg(long, default_value_t = 20_000)]
    count: usize,
    /// Runs of each node, in turn
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Transactions in the chain
    #[arg(long, default_value_t = 20_000)]
    transactions: usize,
    /// Nodes
    #[command(flatten)]
    nodes: NodeArgs,
}

/// One kind of question.
struct Question {
    title: &'static str,
    method: &'static str,
    /// What is asked of one of the senders.
    params: fn(Address) -> Value,
    chain: Kind,
    /// Of this many one is asked: some questions take longer.
    share: usize,
}

const CALLS: [Question; 2] = [
    Question {
        title: "eth_call, balance of an ERC-20",
        method: "eth_call",
        params: token_balance,
        chain: Kind::Erc20,
        share: 1,
    },
    Question {
        title: "eth_call, Uniswap V2 quote",
        method: "eth_call",
        params: swap_quote,
        chain: Kind::Swaps,
        share: 1,
    },
];

const LOGS: [Question; 1] = [Question {
    title: "eth_getLogs, all blocks, a token's transfers of one sender",
    method: "eth_getLogs",
    params: token_logs,
    chain: Kind::Erc20,
    share: 20,
}];

pub(crate) fn calls(args: &Args) -> Result<(), Failure> {
    ask(&CALLS, args)
}

pub(crate) fn logs(args: &Args) -> Result<(), Failure> {
    ask(&LOGS, args)
}

fn ask(questions: &[Question], args: &Args) -> Result<(), Failure> {
    println!(
        "One by one over {CONNECTIONS} connections; chains of {} transactions\n",
        whole(args.transactions as f64)
    );
    println!("  {:60} {:>10} {:>10}", "answers/s", "mezz", "anvil");
    for question in questions {
        let workload = question.chain.workload(args.transactions)?;
        let count = (args.count / question.share).max(CONNECTIONS);
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..args.runs.max(1) {
            for (rates, node) in rates.iter_mut().zip([Node::Mezz, Node::Anvil]) {
                rates.push(one(question, &workload, count, node, &args.nodes)?);
            }
        }
        let [ours, theirs] = rates.map(median);
        println!(
            "  {:60} {:>10} {:>10}   {}",
            question.title,
            whole(ours),
            whole(theirs),
            verdict(ours / theirs, GOAL)
        );
    }
    Ok(())
}

/// Answers in a second of a fresh node.
fn one(
    question: &Question,
    workload: &Workload,
    count: usize,
    node: Node,
    args: &NodeArgs,
) -> Result<f64, Failure> {
    let server = Server::start(node, args)?;
    prepare(&server, workload)?;
    Load::new(&lists(&workload.timed, 4), 100).run(&server, &workload.until)?;
    let senders = addresses(&accounts::senders()?);
    let body = |at: usize| {
        let params = (question.params)(senders[at % senders.len()]);
        let method = question.method;
        format!(r#"{{"jsonrpc":"2.0","id":{at},"method":"{method}","params":{params}}}"#)
    };
    let mut bodies = vec![Vec::new(); CONNECTIONS];
    for at in 0..count {
        bodies[at % CONNECTIONS].push(body(at));
    }
    check(question, &server, senders[0])?;
    let load = Load::of_bodies(&bodies, 1);
    let measured = load.run(&server, &[])?;
    Ok(load.txs() as f64 / measured.accepted.as_secs_f64())
}

/// An answer must hold something: a node that finds nothing is not fast.
fn check(question: &Question, server: &Server, sender: Address) -> Result<(), Failure> {
    let answer = Rpc::connect(server.addr)?.call(question.method, &(question.params)(sender))?;
    let is_empty = answer.as_array().is_some_and(Vec::is_empty) || answer == "0x";
    if is_empty {
        return Err(format!("{}: an empty answer: {answer}", question.title).into());
    }
    Ok(())
}
