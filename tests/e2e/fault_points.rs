//! `kill -9` at every durable write: the process dies at each point of `mezz_fault` in turn, under
//! load; after a restart all that was shown is there, and nothing happened twice.

use crate::{
    on_both,
    support::{
        At, BLOBS, L1, Load, Mezz, Rpc, SETTLED, SHORT, Stop, Stops, Witness, assert_same_chain,
        follows_burial, free_port, of_chain, text,
    },
};
use std::fs;

/// Those of the batcher's way to L1, and those of the proposer's, whose transactions have no blobs.
const SENDING: [Stop; 13] = [
    ("journal.before_write", "/batcher/", 0),
    ("journal.before_rename", "/batcher/", 1),
    ("journal.after_rename", "/batcher/", 0),
    ("sender.after_offer", "/batcher/", 1),
    ("journal.before_remove", "/batcher/", 0),
    ("journal.before_write", "/proposer/", 1),
    ("journal.before_rename", "/proposer/", 0),
    ("journal.after_rename", "/proposer/", 0),
    ("sender.after_offer", "/proposer/", 0),
    ("journal.before_write", SETTLED, 0),
    ("journal.before_rename", SETTLED, 0),
    ("journal.after_rename", SETTLED, 0),
    ("journal.before_remove", "/proposer/", 0),
];

/// Waits until the process has died where it was armed to.
async fn assert_died(mezz: &mut Mezz, stop: (&str, &str, u32)) {
    use std::os::unix::process::ExitStatusExt;
    let status = mezz.wait().await;
    assert_eq!(status.signal(), Some(6), "{stop:?}: {status}\n{}", mezz.stderr());
}

on_both!(dying_at_any_write_of_a_sequencer_loses_and_doubles_nothing);
async fn dying_at_any_write_of_a_sequencer_loses_and_doubles_nothing(l1: &L1) {
    let (dir, other, armed) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), Stops::new());
    let port = L1::EmbeddedAt(free_port());
    let (l1, own_l1) = match l1 {
        // The verifier finds it again after each restart.
        L1::Embedded => (&port, true),
        outside => (outside, false),
    };
    let blobs = BLOBS.into_iter().chain(of_chain("/l1/")).filter(|_| own_l1);
    let stops: Vec<Stop> = of_chain("/l2/").chain(SENDING).chain(blobs).collect();

    let env = [armed.env(), SHORT];
    let start = async || {
        let args = ["--block-time", "250ms"];
        let mut mezz = Mezz::spawn_up_with(dir.path(), l1, &args, &env);
        mezz.wait_ready().await;
        mezz
    };
    let witness = Witness::new();
    let mut mezz = start().await;
    let (_node, verifier) = Mezz::verifier(other.path(), &mezz.l1_url(), &[]).await;
    for stop in stops {
        let deployment = mezz.deployment();
        let load = Load::start(&witness, &mezz.l1(), &mezz.l2(), &deployment);
        mezz.l2().wait_tag("latest", mezz.l2().head().await + 4).await;
        armed.arm(stop, At::Dies);
        if follows_burial(stop) {
            // It may die while it answers.
            let _ = mezz.l1().try_call("anvil_mine", ("0x48",)).await;
        }
        assert_died(&mut mezz, stop).await;
        drop(load);
        armed.disarm();

        mezz = start().await;
        let l2 = mezz.l2();
        let safe = witness.check(&mezz.l1(), &l2, &mezz.deployment()).await;
        verifier.wait_tag("safe", safe).await;
        assert_eq!(verifier.hash(safe).await, l2.hash(safe).await, "{stop:?}");
    }
    let (mined, deposits) = witness.counts();
    assert!(mined > 0 && deposits > 0, "{mined} transactions, {deposits} deposits");
    assert_fresh_verifier_agrees(&mezz).await;
}

/// A node that has seen nothing of it comes to the same chain.
async fn assert_fresh_verifier_agrees(mezz: &Mezz) {
    let dir = tempfile::tempdir().unwrap();
    let inbox = text(&mezz.deployment(), "/l1/contracts/inbox").to_owned();
    let (_node, fresh) = Mezz::verifier(dir.path(), &mezz.l1_url(), &["--inbox", &inbox]).await;
    let l2: Rpc = mezz.l2();
    let safe = l2.tag("safe").await;
    fresh.wait_tag("safe", safe).await;
    assert_same_chain(&l2, &fresh, safe).await;
}

on_both!(dying_at_any_write_of_a_verifier_loses_nothing);
async fn dying_at_any_write_of_a_verifier_loses_nothing(l1: &L1) {
    let (dir, other, armed) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), Stops::new());
    let mezz = Mezz::up(dir.path(), l1, &["--block-time", "250ms"]).await;
    let (l1_url, l2) = (mezz.l1_url(), mezz.l2());
    let witness = Witness::new();
    let _load = Load::start(&witness, &mezz.l1(), &l2, &mezz.deployment());
    let env = [armed.env(), SHORT];
    let mut seen = (0, l2.hash(0).await);
    for stop in of_chain("/verifier/") {
        let (mut node, verifier) =
            Mezz::node_with("verifier", other.path(), &l1_url, &[], &env).await;
        assert_eq!(verifier.hash(seen.0).await, seen.1, "{stop:?}: what was shown");
        let safe = l2.tag("safe").await;
        verifier.wait_tag("safe", safe).await;
        seen = (safe, verifier.hash(safe).await);
        assert_eq!(seen.1, l2.hash(safe).await, "{stop:?}");
        armed.arm(stop, At::Dies);
        assert_died(&mut node, stop).await;
        armed.disarm();
    }
    let (_node, verifier) = Mezz::verifier(other.path(), &l1_url, &[]).await;
    let safe = l2.tag("safe").await;
    verifier.wait_tag("safe", safe).await;
    assert_same_chain(&l2, &verifier, safe).await;
}

on_both!(dying_at_any_file_of_a_deployment_leaves_one_chain);
async fn dying_at_any_file_of_a_deployment_leaves_one_chain(l1: &L1) {
    let mut files =
        vec![("file", "/deploying.json"), ("file", "/chain.json"), ("file", "/deployment.json")];
    if matches!(l1, L1::Embedded) {
        files.push(("origin", "/devnet.json"));
    }
    for (name, file) in files {
        for place in ["before_write", "before_rename", "after_rename"] {
            let dir = tempfile::tempdir().unwrap();
            let point = format!("{name}.{place}");
            let stop = (point.as_str(), file, 0);
            let fault = format!("{point}:abort:0:{file}");
            let env = [("MEZZ_FAULT", fault.as_str())];
            let mut mezz = Mezz::spawn_up_with(dir.path(), l1, &[], &env);
            assert_died(&mut mezz, stop).await;
            // What is on L1 already is gone on with, so that there is one chain and not two.
            let begun = fs::read(dir.path().join("deploying.json")).ok();
            let mezz = Mezz::up(dir.path(), l1, &[]).await;
            let deployment = mezz.deployment();
            if let (Some(begun), "/chain.json") = (begun, file) {
                let begun: serde_json::Value = serde_json::from_slice(&begun).unwrap();
                assert_eq!(begun["contracts"], deployment["l1"]["contracts"], "{stop:?}");
            }
            assert!(!dir.path().join("deploying.json").exists(), "{stop:?}");
            mezz.l2().wait_tag("safe", 1).await;
        }
    }
}
