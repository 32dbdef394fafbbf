//! The soak: `kill -9` at random times under load, a restart, and every check after each. Not part
//! of the ordinary tests; docs/testing.md has the command.

use crate::support::{
    Anvil, L1, L1_CHAIN_ID, Load, Mezz, Rpc, Signal, Witness, assert_same_chain, devnet, free_port,
    fresh_address, key, keystore, text, turn, wait_within,
};
use alloy::primitives::U256;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::{
    env,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Kills, unless MEZZ_SOAK_KILLS says how many.
const KILLS: u64 = 200;
/// Dev account that withdraws, also in the load.
const WITHDRAWER: &str = "7";
const UP: [&str; 4] = ["--block-time", "250ms", "--challenge-window", "5s"];

fn number_from(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "long; see docs/testing.md"]
async fn soak() {
    let _turn = turn().await;
    let kills = number_from("MEZZ_SOAK_KILLS").unwrap_or(KILLS);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let seed = number_from("MEZZ_SOAK_SEED").unwrap_or_else(now);
    eprintln!("MEZZ_SOAK_KILLS={kills} MEZZ_SOAK_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    together(kills / 2, &mut random).await;
    apart(kills - kills / 2, &mut random).await;
    eprintln!("{kills} kills: nothing lost, nothing doubled (seed {seed})");
}

/// `mezz up` with everything in it, its L1 too; and a verifier, which is killed less often.
async fn together(kills: u64, random: &mut StdRng) {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let l1 = L1::EmbeddedAt(free_port());
    let witness = Witness::new();
    let mut mezz = Mezz::up(dir.path(), &l1, &UP).await;
    let l1_url = mezz.l1_url();
    let (mut node, mut verifier) = Mezz::verifier(other.path(), &l1_url, &[]).await;
    let mut done = 0;
    while done < kills {
        let load = Load::start(&witness, &mezz.l1(), &mezz.l2(), &mezz.deployment());
        pause(random, 3_000).await;
        mezz.stop(Signal::Kill).await;
        done += 1;
        drop(load);
        while done < kills && random.random_ratio(1, 4) {
            // While it starts.
            mezz = Mezz::spawn_up(dir.path(), &l1, &UP);
            pause(random, 1_500).await;
            mezz.stop(Signal::Kill).await;
            done += 1;
        }
        mezz = Mezz::up(dir.path(), &l1, &UP).await;
        if done < kills && random.random_ratio(1, 4) {
            node.stop(Signal::Kill).await;
            done += 1;
            (node, verifier) = Mezz::verifier(other.path(), &l1_url, &[]).await;
        }
        agree(&witness, &mezz.l1(), &mezz.l2(), &verifier, &mezz.deployment()).await;
        progress("mezz up", done, kills, &witness);
    }
    let to = fresh_address().to_string();
    mezz.client(&["withdraw", "1gwei", "--from", WITHDRAWER, "--to", &to]).await;
    assert_paid(&mezz.l1(), &to).await;
    finish(&witness, &mezz.l1(), &mezz.l2(), &mezz.deployment()).await;
}

/// Each duty as its own process, on an L1 that stays.
async fn apart(kills: u64, random: &mut StdRng) {
    let anvil = Anvil::start(&[]).await;
    let devnet = devnet(L1_CHAIN_ID).await;
    let l1_url = anvil.as_ref().map_or(&devnet.url, |anvil| &anvil.url).clone();
    let dir = tempfile::tempdir().unwrap();
    // Makes the chain, with ether in the dev accounts. It posts nothing: a batch of its blocks that
    // is on its way when it stops would be another chain than that of the sequencer, which has a
    // store of its own.
    let unposted = [&UP[..], &["--max-l1-fee", "1wei"]].concat();
    let mut up = Mezz::up(dir.path(), &L1::Outside(l1_url.clone()), &unposted).await;
    let deployment = up.deployment();
    up.stop(Signal::Terminate).await;

    let duties = Duties::new(dir.path(), &l1_url, &deployment);
    let mut running = Vec::new();
    for duty in DUTIES {
        running.push(duties.start(duty).await);
    }
    let (l1, l2, verifier) = (Rpc::new(&l1_url), duties.rpc("sequencer"), duties.rpc("verifier"));
    let witness = Witness::new();
    let mut done = 0;
    while done < kills {
        let load = Load::start(&witness, &l1, &l2, &deployment);
        pause(random, 3_000).await;
        // Some of them together, one at least.
        let chosen = random.random_range(1..16_u32);
        for (index, duty) in running.iter_mut().enumerate() {
            if chosen & (1 << index) != 0 && done < kills {
                duty.stop(Signal::Kill).await;
                done += 1;
            }
        }
        pause(random, 500).await;
        for (index, duty) in DUTIES.into_iter().enumerate() {
            if running[index].ended() {
                running[index] = duties.start(duty).await;
            }
        }
        drop(load);
        agree(&witness, &l1, &l2, &verifier, &deployment).await;
        progress("duties apart", done, kills, &witness);
    }
    let to = fresh_address().to_string();
    let withdrawer = keystore(dir.path(), WITHDRAWER.parse().unwrap());
    let target = ["--l1", &l1_url, "--l2", l2.url(), "--inbox", &duties.inbox];
    let what = ["withdraw", "1gwei", "--to", &to, "--keystore", &withdrawer];
    running[0].client(&[&what[..], &target].concat()).await;
    assert_paid(&l1, &to).await;
    finish(&witness, &l1, &l2, &deployment).await;
    drop(running);
    devnet.stop().await;
}

const DUTIES: [&str; 4] = ["sequencer", "verifier", "batcher", "proposer"];

/// How the duties are started, again and again.
struct Duties<'a> {
    dir: &'a Path,
    l1_url: &'a str,
    inbox: String,
    ports: [u16; 2],
    keys: [String; 2],
}

impl<'a> Duties<'a> {
    fn new(dir: &'a Path, l1_url: &'a str, deployment: &Value) -> Self {
        let inbox = text(deployment, "/l1/contracts/inbox").to_owned();
        // The dev accounts with these roles in `mezz up`.
        let keys = [11, 12].map(|index| keystore(dir, index));
        Self { dir, l1_url, inbox, ports: [free_port(), free_port()], keys }
    }

    fn rpc(&self, duty: &str) -> Rpc {
        let port = self.ports[usize::from(duty == "verifier")];
        Rpc::new(&format!("http://127.0.0.1:{port}"))
    }

    async fn start(&self, duty: &str) -> Mezz {
        let port = self.ports[usize::from(duty == "verifier")].to_string();
        let l2 = self.rpc(if duty == "proposer" { "verifier" } else { "sequencer" });
        let on = ["--l1", self.l1_url, "--l2", l2.url()];
        let node = ["--port", &port, "--inbox", &self.inbox];
        match duty {
            "sequencer" => {
                let args = [&node[..], &["--l1-confirmations", "0"]].concat();
                Mezz::node(duty, self.dir, self.l1_url, &args).await.0
            }
            "verifier" => Mezz::node(duty, self.dir, self.l1_url, &node).await.0,
            "batcher" => {
                let own = [duty, "--keystore", &self.keys[0], "--batch-interval", "1s"];
                Mezz::spawn(self.dir, &[&own[..], &on].concat())
            }
            _ => {
                let own = [duty, "--keystore", &self.keys[1], "--proposal-interval", "2s"];
                let on = [&on[..], &["--propose-unfinalized"]].concat();
                Mezz::spawn(self.dir, &[&own[..], &on].concat())
            }
        }
    }
}

async fn pause(random: &mut StdRng, most_ms: u64) {
    tokio::time::sleep(Duration::from_millis(random.random_range(0..most_ms))).await;
}

/// All invariants, and the verifier has the same chain.
async fn agree(witness: &Witness, l1: &Rpc, l2: &Rpc, verifier: &Rpc, deployment: &Value) {
    let safe = witness.check(l1, l2, deployment).await;
    verifier.wait_tag("safe", safe).await;
    assert_eq!(verifier.hash(safe).await, l2.hash(safe).await, "of block {safe}");
}

async fn assert_paid(l1: &Rpc, to: &str) {
    let to = to.parse().unwrap();
    let wei = U256::from(1_000_000_000);
    wait_within(Duration::from_secs(60), "paid out", || async { l1.balance(to).await == wei })
        .await;
}

/// The last check, also with a node that has seen nothing of it.
async fn finish(witness: &Witness, l1: &Rpc, l2: &Rpc, deployment: &Value) {
    let safe = witness.check(l1, l2, deployment).await;
    let dir = tempfile::tempdir().unwrap();
    let inbox = ["--inbox", text(deployment, "/l1/contracts/inbox")];
    let (_node, fresh) = Mezz::verifier(dir.path(), l1.url(), &inbox).await;
    fresh.wait_tag("safe", safe).await;
    assert_same_chain(l2, &fresh, safe).await;
    let (mined, deposits) = witness.counts();
    assert!(mined > 0 && deposits > 0, "{mined} transactions, {deposits} deposits");
    assert!(l2.nonce(key(7).address()).await > 0, "withdrawals");
}

fn progress(what: &str, done: u64, kills: u64, witness: &Witness) {
    let (mined, deposits) = witness.counts();
    eprintln!("{what}: {done} of {kills} kills, {mined} transactions, {deposits} deposits");
}
