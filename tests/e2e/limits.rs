//! The limits of the JSON-RPC at their least values: everything works within them, and nothing below
//! them is taken.

use crate::support::{
    L1, Mezz, PATIENCE, fresh_address, run, run_in, small, text, turn, tx_sender,
};
use alloy::{eips::eip4844::Blob, primitives::TxKind};
use mezz_l1::TxRequest;
use std::fs;

/// The page that has a line for each limit: `| option | default | least | what it bounds |`.
const PAGE: &str = include_str!("../../docs/json-rpc.md");
/// Bytes of a batch in calldata at the most.
const MAX_CALLDATA: usize = 130_000;

/// All limits at their least values, as options.
fn least() -> Vec<String> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `--rpc-"));
    rows.filter_map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let least = cells[2].split(':').next()?.replace(',', "");
        (!least.is_empty()).then(|| [format!("--rpc-{}", cells[0].trim_end_matches('`')), least])
    })
    .flatten()
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duties_work_within_the_least_limits() {
    let _turn = turn().await;
    let least = least();
    let least: Vec<_> = least.iter().map(String::as_str).collect();
    assert!(least.len() > 60, "an option and a value for each: {least:?}");
    let dir = tempfile::tempdir().unwrap();
    let args = [&least[..], &["--batch-data", "blobs"]].concat();
    let mezz = Mezz::up(dir.path(), &L1::Embedded, &args).await;
    mezz.client(&["deposit", "1"]).await;
    let sent = mezz.client(&["send", "1", "0.5"]).await;
    let receipt = mezz.l2().wait_receipt(text(&sent, "/transaction")).await;
    let block = small(&receipt["blockNumber"]);
    mezz.l2().wait_tag("safe", block).await;
    // Waits for a proposal.
    mezz.client(&["withdraw", "0.1", "--until", "proven"]).await;
    mezz.client(&["status"]).await;

    // The largest that a batcher sends, in blobs and in calldata, as its sender sends them.
    let sender = tx_sender(&mezz.l1_url(), 5).await;
    let to = TxKind::Call(fresh_address());
    for request in [
        TxRequest { to, blobs: Some(vec![Blob::ZERO; 6]), ..TxRequest::default() },
        TxRequest { to, input: vec![7; MAX_CALLDATA].into(), ..TxRequest::default() },
    ] {
        let sent = tokio::time::timeout(PATIENCE, sender.send(request)).await;
        sent.expect("L1 mines it").unwrap_or_else(|error| panic!("{error}"));
    }

    let other = tempfile::tempdir().unwrap();
    let (_verifier, rpc) = Mezz::verifier(other.path(), &mezz.l1_url(), &least).await;
    rpc.wait_tag("safe", block).await;
    assert_eq!(rpc.hash(block).await, text(&receipt, "/blockHash"));
}

#[tokio::test]
async fn less_than_the_least_is_refused_wherever_it_stands() {
    let named = |output: crate::support::Output, option: &str, least: &str| {
        assert!(!output.success && output.stdout.is_empty(), "{output:?}");
        let line = output.stderr.lines().next().unwrap();
        assert!(line.starts_with("error: "), "{line}");
        assert!(line.contains(option) && line.contains(&format!("at least {least}")), "{line}");
    };
    for (table, command) in [
        ("up", &["up"][..]),
        ("up", &["doctor", "up"]),
        ("sequencer", &["sequencer", "--l1", "http://127.0.0.1:1"]),
    ] {
        for (option, value, least) in [
            ("--rpc-gas-cap", "9999999", "16777216"),
            ("--rpc-max-request", "0", "2MiB"),
            ("--rpc-timeout", "0s", "3s"),
        ] {
            named(run(&[command, &[option, value]].concat()).await, option, least);
        }
        let dir = tempfile::tempdir().unwrap();
        let file = format!("[{table}]\nrpc-max-connections = 0\n");
        fs::write(dir.path().join("mezz.toml"), file).unwrap();
        named(run_in(dir.path(), command).await, "--rpc-max-connections", "64");
    }
}
