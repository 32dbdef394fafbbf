//! Writes that fail as on a full disk, at every point of `mezz_fault` in turn, under load. A chain
//! that cannot be written stops its node with one clear line, and it starts again; a journal that
//! cannot be written stops what is sent to L1, which goes on by itself.

use crate::{
    full_disk::assert_stopped,
    on_both,
    support::{
        At, BLOBS, L1, Load, Mezz, Rpc, SETTLED, SHORT, Signal, Stop, Stops, Witness,
        follows_burial, free_port, games, key, of_chain, text, wait_until,
    },
};
use alloy::primitives::U256;
use serde_json::Value;

on_both!(any_write_that_fails_stops_a_node_and_it_starts_again);
async fn any_write_that_fails_stops_a_node_and_it_starts_again(l1: &L1) {
    let (dir, armed) = (tempfile::tempdir().unwrap(), Stops::new());
    let (port, args) = (L1::EmbeddedAt(free_port()), ["--block-time", "250ms"]);
    let embedded = matches!(l1, L1::Embedded);
    let l1 = if embedded { &port } else { l1 };
    let of_l1 = of_chain("/l1/").chain(BLOBS).filter(|_| embedded);
    let env = [armed.env(), SHORT];
    let start = async || {
        let mut mezz = Mezz::spawn_up_with(dir.path(), l1, &args, &env);
        mezz.wait_ready().await;
        mezz
    };
    let witness = Witness::new();
    let mut mezz = start().await;
    for stop in of_chain("/l2/").chain(of_l1) {
        let load = Load::start(&witness, &mezz.l1(), &mezz.l2(), &mezz.deployment());
        mezz.l2().wait_tag("latest", mezz.l2().head().await + 2).await;
        armed.arm(stop, At::Fails);
        assert_stopped(&mut mezz, "no storage space").await;
        drop(load);
        armed.disarm();
        mezz = start().await;
        witness.check_shown(&mezz.l2()).await;
    }
    witness.check(&mezz.l1(), &mezz.l2(), &mezz.deployment()).await;
    let (mined, deposits) = witness.counts();
    assert!(mined > 0 && deposits > 0, "{mined} transactions, {deposits} deposits");
}

on_both!(any_write_that_fails_stops_a_verifier_and_it_starts_again);
async fn any_write_that_fails_stops_a_verifier_and_it_starts_again(l1: &L1) {
    let (dir, other, armed) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), Stops::new());
    let mezz = Mezz::up(dir.path(), l1, &["--block-time", "250ms"]).await;
    let (l1_url, l2, env) = (mezz.l1_url(), mezz.l2(), [armed.env(), SHORT]);
    let witness = Witness::new();
    let _load = Load::start(&witness, &mezz.l1(), &l2, &mezz.deployment());
    let start = async || Mezz::node_with("verifier", other.path(), &l1_url, &[], &env).await;
    let (mut node, mut verifier) = start().await;
    for stop in of_chain("/verifier/") {
        let safe = l2.tag("safe").await;
        verifier.wait_tag("safe", safe).await;
        armed.arm(stop, At::Fails);
        assert_stopped(&mut node, "no storage space").await;
        armed.disarm();
        (node, verifier) = start().await;
        assert_eq!(verifier.hash(safe).await, l2.hash(safe).await, "{stop:?}: what was shown");
    }
    let safe = l2.tag("safe").await;
    verifier.wait_tag("safe", safe).await;
    assert_eq!(verifier.hash(safe).await, l2.hash(safe).await);
}

/// Where the journals of batcher and proposer fail, and whose key sends nothing then.
const JOURNALS: [(Stop, u32); 8] = [
    (("journal.before_write", "/batcher/", 0), 11),
    (("journal.before_rename", "/batcher/", 0), 11),
    (("journal.before_write", "/proposer/", 0), 12),
    (("journal.after_rename", "/proposer/", 0), 12),
    // What could not be written for certain is there when it is started again.
    (("journal.after_rename", "/batcher/", 0), 11),
    (("journal.before_remove", "/batcher/", 0), 11),
    (("journal.before_remove", "/proposer/", 0), 12),
    (("journal.before_write", SETTLED, 0), 12),
];

on_both!(journal_that_cannot_be_written_is_waited_out);
async fn journal_that_cannot_be_written_is_waited_out(l1: &L1) {
    let (dir, armed) = (tempfile::tempdir().unwrap(), Stops::new());
    let port = L1::EmbeddedAt(free_port());
    let l1 = if matches!(l1, L1::Embedded) { &port } else { l1 };
    let env = [armed.env()];
    let start = async || {
        let mut mezz = Mezz::spawn_up_with(dir.path(), l1, &["--block-time", "250ms"], &env);
        mezz.wait_ready().await;
        mezz
    };
    let witness = Witness::new();
    let mut mezz = start().await;
    let mut load = Load::start(&witness, &mezz.l1(), &mezz.l2(), &mezz.deployment());
    mezz.l2().wait_tag("safe", 1).await;
    for (round, (stop, account)) in JOURNALS.into_iter().enumerate() {
        let (_, part, _) = stop;
        let sender = key(account).address();
        if follows_burial(stop) {
            // What was mined before is buried already.
            let sent = mezz.l1().nonce(sender).await;
            wait_until("there is something to bury", || async {
                mezz.l1().nonce(sender).await > sent
            })
            .await;
        }
        let from = mezz.stderr().len();
        armed.arm(stop, At::Fails);
        if follows_burial(stop) {
            mezz.l1().call("anvil_mine", ("0x48",)).await;
        }
        wait_until(&format!("{stop:?} is complained of"), || async {
            complaints(&mezz, from, part).count() > 0
        })
        .await;
        // What was sent before is mined, and then nothing is sent; and all else goes on.
        let rest = mezz.l1().head().await + 2;
        mezz.l1().wait_tag("latest", rest).await;
        let (sent, head) = (mezz.l1().nonce(sender).await, mezz.l2().head().await);
        mezz.l1().wait_tag("latest", rest + 2).await;
        mezz.l2().wait_tag("latest", head + 4).await;
        assert_eq!(mezz.l1().nonce(sender).await, sent, "{stop:?}");
        assert!(complaints(&mezz, from, part).count() < 8, "{}", mezz.stderr());

        // Whether the disk is mended under it or it is started again, it goes on.
        if round % 2 == 0 {
            armed.disarm();
        } else {
            drop(load);
            let status = mezz.stop(Signal::Terminate).await;
            assert!(status.success(), "{stop:?}: {status}\n{}", mezz.stderr());
            armed.disarm();
            mezz = start().await;
            load = Load::start(&witness, &mezz.l1(), &mezz.l2(), &mezz.deployment());
        }
        wait_until(&format!("{sender} sends again after {stop:?}"), || async {
            mezz.l1().nonce(sender).await > sent
        })
        .await;
        mezz.l2().wait_tag("safe", head).await;
    }
    drop(load);
    assert!(!mezz.stderr().contains("panicked"), "{}", mezz.stderr());
    witness.check(&mezz.l1(), &mezz.l2(), &mezz.deployment()).await;
    assert_each_proposed_once(&mezz.l1(), &mezz.deployment()).await;
}

/// The lines since `from` that name the journal and why it failed.
fn complaints(mezz: &Mezz, from: usize, part: &str) -> impl Iterator<Item = String> {
    let log = mezz.stderr()[from..].to_owned();
    let (part, reason) = (part.to_owned(), "no storage space; will keep trying");
    let lines: Vec<_> = log.lines().map(str::to_owned).collect();
    lines.into_iter().filter(move |line| {
        line.contains("WARN")
            && line.contains("journal")
            && line.contains(&part)
            && line.contains(reason)
    })
}

/// No block is proposed twice.
async fn assert_each_proposed_once(l1: &Rpc, deployment: &Value) {
    let factory = text(deployment, "/l1/contracts/disputeGameFactory").parse().unwrap();
    let mut numbers: Vec<U256> = games(l1, factory).await.iter().map(|game| game.number).collect();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "{numbers:?}");
    assert!(count > 0);
}
