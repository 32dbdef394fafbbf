//! Starting, stopping, going on, beginning anew.

use crate::{
    on_both,
    support::{L1, Mezz, Rpc, Signal, fresh_address, key, run_in, small, text},
};
use serde_json::{Value, json};
use std::{fs, net::TcpListener};

on_both!(up_stops_cleanly_and_goes_on);
async fn up_stops_cleanly_and_goes_on(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mut mezz = Mezz::up(dir.path(), l1, &[]).await;

    // The file comes last: everything in it answers at the first try.
    let deployment = mezz.deployment();
    for layer in ["l1", "l2"] {
        let rpc = Rpc::new(text(&deployment, &format!("/{layer}/rpc")));
        let chain_id = small(&rpc.call("eth_chainId", ()).await);
        assert_eq!(Some(chain_id), deployment[layer]["chainId"].as_u64());
        for (name, address) in deployment[layer]["contracts"].as_object().unwrap() {
            let code = rpc.call("eth_getCode", (address, "latest")).await;
            assert!(code.as_str().unwrap().len() > 2, "{name} of {layer} has no code");
        }
        for account in deployment["accounts"].as_array().unwrap() {
            let address = text(account, "/address").parse().unwrap();
            assert!(!rpc.balance(address).await.is_zero(), "{address} has nothing on {layer}");
        }
    }
    assert!(mezz.l2().head().await >= 1, "ready means that blocks are made");
    assert_eq!(deployment["accounts"].as_array().unwrap().len(), 10);

    // A second process neither runs nor harms the first, not even to begin anew.
    for args in [&["up"][..], &["up", "--reset"]] {
        let all = [args, &["--l1-port", "0", "--l2-port", "0"]].concat();
        run_in(dir.path(), &all).await.assert_error("is running from");
    }
    assert_eq!(mezz.deployment(), deployment);

    mezz.l2().wait_tag("latest", 3).await;
    let stopped_at = mezz.l2().head().await;
    let hashes = hashes(&mezz.l2(), stopped_at).await;
    let status = mezz.stop(Signal::Interrupt).await;
    assert_eq!(status.code(), Some(0), "{}", mezz.stderr());
    assert!(!dir.path().join("deployment.json").exists(), "nothing runs any more");

    let mut mezz = Mezz::up(dir.path(), l1, &[]).await;
    assert!(mezz.l2().head().await > stopped_at, "ready means that blocks are made");
    assert_eq!(self::hashes(&mezz.l2(), stopped_at).await, hashes);
    assert_eq!(mezz.deployment()["l1"]["contracts"], deployment["l1"]["contracts"]);
    let status = mezz.stop(Signal::Terminate).await;
    assert_eq!(status.code(), Some(0), "{}", mezz.stderr());
    assert!(!dir.path().join("deployment.json").exists());

    let mezz = Mezz::up(dir.path(), l1, &["--reset"]).await;
    assert_ne!(mezz.l2().hash(0).await, hashes[0], "a new chain");
    mezz.l2().wait_tag("safe", 1).await;
}

on_both!(chain_that_was_made_before_a_crash_is_gone_on_with);
async fn chain_that_was_made_before_a_crash_is_gone_on_with(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mut mezz = Mezz::up(dir.path(), l1, &[]).await;
    assert!(!dir.path().join("deploying.json").exists(), "it came to its end");
    let contracts = mezz.deployment()["l1"]["contracts"].clone();
    let l1_rpc = mezz.l1();
    let genesis = l1_rpc.hash(0).await;
    let chain_id = small(&l1_rpc.call("eth_chainId", ()).await);
    mezz.stop(Signal::Interrupt).await;

    // As if the machine had stopped when all was on L1 and nothing on disk.
    let chain_file = dir.path().join("chain.json");
    let chain: Value = serde_json::from_slice(&fs::read(&chain_file).unwrap()).unwrap();
    let mut intent = json!({
        "l1ChainId": chain_id, "l1Genesis": genesis, "deployer": key(10).address(),
        "contracts": chain["contracts"], "backing": "0x1",
    });
    let forget = |intent: &Value| {
        fs::remove_file(&chain_file).unwrap();
        fs::remove_dir_all(dir.path().join("l2")).unwrap();
        fs::write(dir.path().join("deploying.json"), intent.to_string()).unwrap();
    };
    forget(&intent);
    let mut mezz = Mezz::up(dir.path(), l1, &[]).await;
    assert_eq!(mezz.deployment()["l1"]["contracts"], contracts);
    assert!(!dir.path().join("deploying.json").exists());
    mezz.l2().wait_tag("safe", 1).await;
    mezz.stop(Signal::Interrupt).await;

    // What is not whole is not taken up.
    intent["contracts"]["portal"] = json!(fresh_address());
    forget(&intent);
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    assert_ne!(mezz.deployment()["l1"]["contracts"], contracts);
}

async fn hashes(rpc: &Rpc, last: u64) -> Vec<String> {
    let mut hashes = Vec::new();
    for number in 0..=last {
        hashes.push(rpc.hash(number).await);
    }
    hashes
}

on_both!(stop_while_starting_is_clean);
async fn stop_while_starting_is_clean(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mut mezz = Mezz::spawn_up(dir.path(), l1, &[]);
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let status = mezz.stop(Signal::Interrupt).await;
    assert_eq!(status.code(), Some(0), "{}", mezz.stderr());
    assert!(!dir.path().join("deployment.json").exists());
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    mezz.l2().wait_tag("safe", 1).await;
}

#[tokio::test]
async fn port_in_use_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (option, other) in [("--l1-port", "--l2-port"), ("--l2-port", "--l1-port")] {
        let dir = tempfile::tempdir().unwrap();
        let output = run_in(dir.path(), &["up", option, &port, other, "0"]).await;
        output.assert_error(&port);
        assert!(!dir.path().join("deployment.json").exists());
    }
}

#[tokio::test]
async fn client_commands_say_that_nothing_runs() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["balance"][..], &["deposit", "1"], &["send", "1", "1"], &["status"]] {
        run_in(dir.path(), args).await.assert_error("start one with `mezz up`");
    }
}
