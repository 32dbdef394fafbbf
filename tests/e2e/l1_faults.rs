//! An L1 that is away, late, wrong or forgetful, between it and every node and duty: they say so
//! in a few lines, wait, and go on by themselves.

use crate::{
    on_both,
    support::{
        Fault, L1, L1_CHAIN_ID, Load, Mezz, Proxy, Rpc, Witness, assert_same_chain, devnet,
        fresh_address, key, small, text, wait_until, wait_within,
    },
};
use alloy::primitives::{U256, keccak256};
use mezz_devnet::DevnetHandle;
use serde_json::Value;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A chain and a verifier that reach their L1 through a proxy, and clients that reach it straight.
struct World {
    proxy: Proxy,
    l1: Rpc,
    mezz: Mezz,
    l2: Rpc,
    node: Mezz,
    verifier: Rpc,
    deployment: Value,
    witness: Witness,
    load: Option<Load>,
    _devnet: Option<DevnetHandle>,
    _dirs: [TempDir; 2],
}

impl Drop for World {
    /// What both processes said tells why a check failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\n-- the verifier:\n{}", self.mezz.stderr(), self.node.stderr());
        }
    }
}

impl World {
    async fn new(l1: &L1) -> Self {
        Self::with(l1, &[]).await
    }

    /// With more options of `mezz up`.
    async fn with(l1: &L1, args: &[&str]) -> Self {
        let (l1_url, devnet) = match l1 {
            L1::Anvil(anvil) => (anvil.url.clone(), None),
            _ => {
                let devnet = devnet(L1_CHAIN_ID).await;
                (devnet.url.clone(), Some(devnet))
            }
        };
        let proxy = Proxy::start(&l1_url).await;
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let through = L1::Outside(proxy.url().to_owned());
        let args = [&["--block-time", "250ms"], args].concat();
        let mezz = Mezz::up(dirs[0].path(), &through, &args).await;
        let patience = ["--l1-patience", "2s"];
        let (node, verifier) = Mezz::verifier(dirs[1].path(), proxy.url(), &patience).await;
        let (l1, l2, deployment) = (Rpc::new(&l1_url), mezz.l2(), mezz.deployment());
        verifier.wait_tag("safe", 1).await;
        let witness = Witness::new();
        let load = Some(Load::start(&witness, &l1, &l2, &deployment));
        let (_dirs, _devnet) = (dirs, devnet);
        Self { proxy, l1, mezz, l2, node, verifier, deployment, witness, load, _devnet, _dirs }
    }

    /// What both processes have complained of since `from`, lines of their logs.
    fn complaints(&self, from: &Marks) -> Vec<String> {
        let said = self.said(from);
        let lines = said.iter().flat_map(|log| log.lines());
        let complaints = lines.filter(|line| line.contains(" WARN ") || line.contains(" ERROR "));
        complaints.map(str::to_owned).collect()
    }

    /// What each process has logged since `from`.
    fn said(&self, from: &Marks) -> [String; 2] {
        [self.mezz.stderr()[from.0..].to_owned(), self.node.stderr()[from.1..].to_owned()]
    }

    fn marks(&self) -> Marks {
        Marks(self.mezz.stderr().len(), self.node.stderr().len(), Instant::now())
    }

    /// Waits until somebody has complained in these words.
    async fn wait_said(&self, from: &Marks, words: &str) {
        let within = Duration::from_secs(90);
        wait_within(within, &format!("`{words}` in the log"), || async {
            self.complaints(from).iter().any(|line| line.contains(words))
        })
        .await;
    }

    /// Waits until the fault is over for everybody, and checks that nothing was lost or doubled
    /// and that the log was not flooded: `most` lines of all five who use L1, and a few more the
    /// longer it took.
    async fn assert_recovers(mut self, from: &Marks, most: usize) {
        self.proxy.set(Fault::None);
        let safe = self.l2.tag("safe").await;
        wait_within(Duration::from_secs(90), "the safe head goes on", || async {
            self.l2.tag("safe").await > safe + 4
        })
        .await;
        self.load = None;
        let safe = self.witness.check(&self.l1, &self.l2, &self.deployment).await;
        self.verifier.wait_tag("safe", safe).await;
        assert_eq!(self.verifier.hash(safe).await, self.l2.hash(safe).await);
        let said = self.complaints(from);
        let time = from.2.elapsed();
        let most = most as u128 + time.as_millis() / A_LINE_MORE_EVERY;
        assert!(said.len() as u128 <= most, "{} lines in {time:?}: {said:#?}", said.len());
    }

    /// The sequencer makes blocks while the fault lasts.
    async fn assert_blocks_go_on(&self) {
        let head = self.l2.head().await;
        self.l2.wait_tag("latest", head + 4).await;
    }
}

/// Lengths of two logs, and when.
struct Marks(usize, usize, Instant);

/// Who still waits says so again, ever more rarely: a slow machine sees more lines of a fault.
/// Milliseconds.
const A_LINE_MORE_EVERY: u128 = 3_000;

on_both!(l1_is_away_for_a_minute);
async fn l1_is_away_for_a_minute(l1: &L1) {
    let world = World::new(l1).await;
    let from = world.marks();
    let minute = tokio::time::sleep(Duration::from_secs(60));
    world.proxy.set(Fault::Away);
    world.wait_said(&from, "does not answer").await;
    world.assert_blocks_go_on().await;
    minute.await;
    // A minute is no time in which a sequencer would have to stop.
    world.assert_blocks_go_on().await;
    assert!(world.proxy.spoilt() > 0);
    for log in world.said(&from) {
        assert!(log.contains("does not answer"), "{log}");
        assert!(!log.contains("L1 answers again"), "{log}");
    }
    world.proxy.set(Fault::None);
    wait_until("both say that L1 is back", || async {
        world.said(&from).iter().all(|log| log.contains("L1 answers again"))
    })
    .await;
    world.assert_recovers(&from, 24).await;
}

on_both!(l1_answers_late);
async fn l1_answers_late(l1: &L1) {
    let world = World::new(l1).await;
    let from = world.marks();
    world.proxy.set(Fault::Late(Duration::from_millis(1_200)));
    let safe = world.l2.tag("safe").await;
    world.assert_blocks_go_on().await;
    wait_within(Duration::from_secs(90), "late answers are answers", || async {
        world.l2.tag("safe").await > safe && world.verifier.tag("safe").await > safe
    })
    .await;
    assert!(world.proxy.spoilt() > 10);
    // Slow is no fault, and no answer at all is one.
    assert!(world.complaints(&from).is_empty(), "{:?}", world.complaints(&from));
    world.proxy.set(Fault::Silent);
    world.wait_said(&from, "did not answer").await;
    world.assert_blocks_go_on().await;
    world.assert_recovers(&from, 16).await;
}

on_both!(l1_answers_garbage);
async fn l1_answers_garbage(l1: &L1) {
    spoilt(l1, Fault::Garbage, "gave a wrong answer").await;
}

on_both!(l1_answers_headers_of_another_hash);
async fn l1_answers_headers_of_another_hash(l1: &L1) {
    spoilt(l1, Fault::WrongHeader, "hashes to").await;
}

on_both!(l1_answers_with_another_block);
async fn l1_answers_with_another_block(l1: &L1) {
    spoilt(l1, Fault::WrongBlock, "asked for block").await;
}

on_both!(l1_answers_logs_that_the_header_contradicts);
async fn l1_answers_logs_that_the_header_contradicts(l1: &L1) {
    spoilt(l1, Fault::WrongLogs, "have the root").await;
}

async fn spoilt(l1: &L1, fault: Fault, words: &str) {
    let world = World::new(l1).await;
    let from = world.marks();
    world.proxy.set(fault);
    world.wait_said(&from, words).await;
    world.assert_blocks_go_on().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(world.proxy.spoilt() > 0);
    world.assert_recovers(&from, 24).await;
}

on_both!(another_chain_answers_in_place_of_l1);
async fn another_chain_answers_in_place_of_l1(l1: &L1) {
    let other = devnet(L1_CHAIN_ID + 1).await;
    let world = World::new(l1).await;
    let from = world.marks();
    world.proxy.set(Fault::OtherChain(other.url.clone()));
    world.wait_said(&from, "chain id 31338").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    // Nothing is taken from there, and nothing is sent there.
    let elsewhere = Rpc::new(&other.url);
    for index in 10..=12 {
        assert_eq!(elsewhere.nonce(key(index).address()).await, 0, "account {index} has sent");
    }
    world.assert_recovers(&from, 30).await;
    other.stop().await;
}

on_both!(parents_of_a_reorganised_l1_are_answered_wrong);
async fn parents_of_a_reorganised_l1_are_answered_wrong(l1: &L1) {
    let mut world = World::new(l1).await;
    // What a reorganisation takes back, clients have seen.
    world.load = None;
    let from = world.marks();
    let begun = world.l1.head().await;
    wait_until("L1 is long enough", || async { world.l1.head().await > begun + 6 }).await;
    world.proxy.set(Fault::WrongParent);
    let head = world.l1.head().await;
    let old = world.l1.hash(head).await;
    world.l1.call("anvil_reorg", (3, [(); 0])).await;
    world.wait_said(&from, "asked for block").await;
    assert!(world.proxy.spoilt() > 0);
    world.proxy.set(Fault::None);
    wait_until("L1 goes on", || async { world.l1.head().await > head + 3 }).await;
    assert_ne!(world.l1.hash(head).await, old, "L1 was reorganised");
    let head = world.l2.head().await;
    world.l2.wait_tag("safe", head + 4).await;
    world.verifier.wait_tag("safe", head + 4).await;
    assert_same_chain(&world.l2, &world.verifier, head + 4).await;
}

on_both!(l1_loses_blobs_for_a_while);
async fn l1_loses_blobs_for_a_while(l1: &L1) {
    let world = World::new(l1).await;
    let from = world.marks();
    world.proxy.set(Fault::NoBlobs);
    wait_within(Duration::from_secs(90), "both miss it", || async {
        world.said(&from).iter().all(|log| log.contains("a batch cannot be read yet"))
    })
    .await;
    let safe = world.l2.tag("safe").await;
    world.assert_blocks_go_on().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(world.l2.tag("safe").await, safe, "what is missing is waited for");
    assert!(world.proxy.spoilt() > 0);
    world.assert_recovers(&from, 12).await;
}

on_both!(l1_serves_a_wrong_blob);
async fn l1_serves_a_wrong_blob(l1: &L1) {
    let world = World::with(l1, &["--batch-data", "blobs"]).await;
    let from = world.marks();
    world.proxy.set(Fault::WrongBlob);
    wait_within(Duration::from_secs(90), "both refuse it", || async {
        world.said(&from).iter().all(|log| {
            let mut lines = log.lines().filter(|line| line.contains("a batch cannot be read yet"));
            lines.any(|line| line.contains(" came, none of them wanted)"))
        })
    })
    .await;
    let safe = (world.l2.tag("safe").await, world.verifier.tag("safe").await);
    world.assert_blocks_go_on().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let now = (world.l2.tag("safe").await, world.verifier.tag("safe").await);
    assert_eq!(now, safe, "nothing is derived from it");
    assert!(world.proxy.spoilt() > 0);
    for log in world.said(&from) {
        assert!(!log.contains("batch dropped"), "{log}");
    }
    // What is wrong is asked for again, until it is right.
    world.assert_recovers(&from, 12).await;
}

on_both!(l1_drops_a_transaction);
async fn l1_drops_a_transaction(l1: &L1) {
    let world = World::new(l1).await;
    let from = world.marks();
    world.proxy.set(Fault::Swallow);
    wait_until("one is swallowed", || async { world.proxy.spoilt() > 0 }).await;
    world.proxy.set(Fault::None);
    world.wait_said(&from, "L1 dropped a transaction").await;
    world.assert_recovers(&from, 8).await;
}

on_both!(l1_takes_a_transaction_and_its_answer_is_lost);
async fn l1_takes_a_transaction_and_its_answer_is_lost(l1: &L1) {
    let world = World::new(l1).await;
    let from = world.marks();
    world.proxy.set(Fault::LoseReply);
    world.wait_said(&from, "L1 transaction waits").await;
    // Who offers again what was mined meanwhile hears that its nonce is used.
    let head = world.l2.head().await;
    world.l2.wait_tag("safe", head).await;
    // Who offers again what still waits hears that it is known. That is not heard either.
    world.l1.call("evm_setIntervalMining", (0,)).await;
    let offered = world.proxy.spoilt();
    wait_until("it is offered again and again", || async { world.proxy.spoilt() >= offered + 4 })
        .await;
    world.l1.call("evm_setIntervalMining", (1,)).await;
    let head = world.l2.head().await;
    world.l2.wait_tag("safe", head).await;
    world.assert_recovers(&from, 40).await;
}

/// Keeps the base fee of an L1 where it is, until this goes.
struct Pinned(tokio::task::JoinHandle<()>);

impl Pinned {
    fn at(l1: &Rpc, fee: u64) -> Self {
        let l1 = l1.clone();
        Self(tokio::spawn(async move {
            loop {
                let params = (format!("{fee:#x}"),);
                let _ = l1.try_call("anvil_setNextBlockBaseFeePerGas", params).await;
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        }))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        self.0.abort();
    }
}

const GWEI: u128 = 1_000_000_000;

/// What carries the batch with a transaction that is sent now, of more bytes than two batches
/// without it have.
async fn carrier_of_the_next(world: &World, salt: &str) -> String {
    let bytes: Vec<u8> = (0..375).flat_map(|n| keccak256(format!("{salt} {n}")).0).collect();
    let (payer, to) = (key(8), fresh_address());
    let nonce = world.l2.nonce(payer.address()).await;
    let sent = world.l2.send_call(&payer, nonce, to, U256::ZERO, 600_000, bytes.into()).await;
    let block = small(&world.l2.wait_receipt(&sent.unwrap()).await["blockNumber"]);
    world.l2.wait_tag("safe", block).await;
    let batches = world.l2.call("mezz_batches", ("0x400",)).await;
    // The newest is the first.
    let mut oldest_first = batches["newest"].as_array().unwrap().iter().rev();
    let batch = oldest_first.find(|batch| small(&batch["lastBlock"]) >= block).unwrap();
    text(batch, "/carrier").to_owned()
}

on_both!(blob_gas_alone_costs_tenfold);
async fn blob_gas_alone_costs_tenfold(l1: &L1) {
    let mut world = World::new(l1).await;
    world.load = None;
    let from = world.marks();
    let base_fee = small(&world.l1.block("latest").await["baseFeePerGas"]);
    let _pinned = Pinned::at(&world.l1, base_fee);
    let tip = small(&world.l1.call("eth_maxPriorityFeePerGas", ()).await);
    let gas_price = u128::from(base_fee + tip);
    // 12,000 bytes cost half a million gas in calldata, and 131,072 blob gas.
    world.proxy.set(Fault::BlobFee(gas_price));
    assert_eq!(carrier_of_the_next(&world, "before").await, "blobs");
    world.proxy.set(Fault::BlobFee(gas_price * 10));
    assert_eq!(carrier_of_the_next(&world, "dear").await, "calldata");
    assert!(world.proxy.spoilt() > 0);
    world.proxy.set(Fault::BlobFee(gas_price));
    assert_eq!(carrier_of_the_next(&world, "after").await, "blobs");
    // Choosing the other carrier is no trouble. A slow machine may have some of another kind.
    let words = ["blob gas", "fee", "costs", "gwei", "underpriced"];
    let of_fees = |line: &String| words.iter().any(|word| line.contains(word));
    let complaints: Vec<_> = world.complaints(&from).into_iter().filter(of_fees).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    world.assert_recovers(&from, 0).await;
}

on_both!(blobs_that_cost_more_than_the_operator_pays_are_waited_for);
async fn blobs_that_cost_more_than_the_operator_pays_are_waited_for(l1: &L1) {
    let world = World::with(l1, &["--batch-data", "blobs", "--max-blob-fee", "50gwei"]).await;
    let from = world.marks();
    world.proxy.set(Fault::BlobFee(10 * GWEI));
    let head = world.l2.head().await;
    world.l2.wait_tag("safe", head).await;
    world.proxy.set(Fault::BlobFee(100 * GWEI));
    let why =
        "blob gas on L1 costs 100.000 gwei, more than the 50.000 gwei of --max-blob-fee: waiting";
    world.wait_said(&from, why).await;
    // What was on its way before is mined.
    let log = world.mezz.stderr();
    let posted = log.lines().rfind(|line| line.contains("posting a batch"));
    let last = posted.and_then(|line| line.split(" to=").nth(1)?.split(' ').next()?.parse().ok());
    world.l2.wait_tag("safe", last.expect("one was posted")).await;
    let (batcher, safe) = (key(11).address(), world.l2.tag("safe").await);
    let sent = world.l1.nonce(batcher).await;
    world.assert_blocks_go_on().await;
    world.l1.wait_tag("latest", world.l1.head().await + 2).await;
    assert_eq!(world.l1.nonce(batcher).await, sent, "dear blobs are not bought");
    world.proxy.set(Fault::BlobFee(10 * GWEI));
    world.l2.wait_tag("safe", safe + 4).await;
    assert!(world.mezz.stderr().contains("L1 costs less: posting again"));
    world.assert_recovers(&from, 8).await;
}

on_both!(l1_raises_its_fees_tenfold);
async fn l1_raises_its_fees_tenfold(l1: &L1) {
    let world = World::new(l1).await;
    let from = world.marks();
    let direct = world.l1.clone();
    // A batch is on its way when the fees rise, so that it is priced out.
    direct.call("evm_setIntervalMining", (0,)).await;
    // A block that was begun is finished.
    tokio::time::sleep(Duration::from_millis(700)).await;
    wait_until("a batch waits", || async {
        small(&direct.call("txpool_status", ()).await["pending"]) > 0
    })
    .await;
    let block = direct.block("latest").await;
    let fee = (small(&block["baseFeePerGas"]) * 10).max(20_000_000_000);
    let dear = Pinned::at(&direct, fee);
    tokio::time::sleep(Duration::from_millis(500)).await;
    direct.call("evm_setIntervalMining", (1,)).await;
    // Not all of it can be in batches that were mined before.
    let head = world.l2.head().await;
    world.assert_blocks_go_on().await;
    wait_within(Duration::from_secs(150), "batches arrive at ten times the fee", || async {
        world.l2.tag("safe").await >= head
    })
    .await;
    assert!(small(&direct.block("latest").await["baseFeePerGas"]) > fee / 2, "still dear");
    assert!(world.mezz.stderr().contains("replacing an L1 transaction"));
    drop(dear);
    world.assert_recovers(&from, 12).await;
}
