//! Client, follower, blobs and sender against a real Anvil. The tests run when `MEZZ_ANVIL` names
//! its binary, and say so when it does not.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use alloy::{
    consensus::{BlockHeader, Header, Sealed},
    eips::{BlockId, BlockNumberOrTag, eip4844::Blob},
    primitives::{Address, B256, Bytes, TxKind, U256, bytes, keccak256},
    signers::local::PrivateKeySigner,
};
use mezz_l1::{
    BlobSource, BlockRef, FeeLimits, Follower, FollowerConfig, FollowerState, L1Client, L1Event,
    LogCheck, LogFilter, SendError, SenderConfig, TxRequest, TxSender, blob_versioned_hash,
};
use std::{path::Path, process::Stdio, time::Duration};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{sleep, timeout},
};

const CHAIN_ID: u64 = 31337;
/// The first key of the development mnemonic that every devnet funds.
const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

struct Anvil {
    binary: String,
    port: u16,
    args: Vec<String>,
    child: Child,
}

impl Anvil {
    /// A fresh Anvil on a free port, or `None` if none is to be tested with.
    async fn start(args: &[&str]) -> Option<Self> {
        let Ok(binary) = std::env::var("MEZZ_ANVIL") else {
            eprintln!("skipped: MEZZ_ANVIL does not name an anvil binary");
            return None;
        };
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let mut all = vec!["--hardfork", "osaka", "--enable-tx-gas-limit", "--quiet"];
        all.extend(args);
        let args: Vec<String> = all.into_iter().map(str::to_owned).collect();
        let child = spawn(&binary, port, &args);
        let anvil = Self { binary, port, args, child };
        anvil.ready().await;
        Some(anvil)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn client(&self) -> L1Client {
        L1Client::new(&self.url()).unwrap()
    }

    async fn ready(&self) {
        let client = self.client();
        for _ in 0..100 {
            if client.chain_id().await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("anvil does not answer");
    }

    /// Stops it as Ctrl-C would, so that it writes its state.
    async fn stop(&mut self) {
        let pid = self.child.id().unwrap().to_string();
        Command::new("kill").args(["-INT", &pid]).status().await.unwrap();
        self.child.wait().await.unwrap();
    }

    async fn start_again(&mut self) {
        self.child = spawn(&self.binary, self.port, &self.args);
        self.ready().await;
    }

    async fn rpc(&self, method: &'static str, params: serde_json::Value) -> serde_json::Value {
        self.client().request(method, params).await.unwrap()
    }

    async fn mine(&self, blocks: u64) {
        self.rpc("anvil_mine", serde_json::json!([blocks])).await;
    }
}

fn spawn(binary: &str, port: u16, args: &[String]) -> Child {
    Command::new(binary)
        .args(["--port", &port.to_string()])
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn signer() -> PrivateKeySigner {
    KEY.parse().unwrap()
}

fn quick() -> SenderConfig {
    SenderConfig {
        poll_interval: Duration::from_millis(50),
        replace_after: Duration::from_millis(300),
        rebroadcast_after: Duration::from_millis(400),
        ..Default::default()
    }
}

fn sender(anvil: &Anvil, journal: Option<&Path>, config: SenderConfig) -> TxSender {
    let (sender, task) =
        TxSender::new(anvil.client(), signer(), CHAIN_ID, journal.map(Into::into), config).unwrap();
    tokio::spawn(task.run());
    sender
}

fn transfer(key: Option<u8>) -> TxRequest {
    TxRequest {
        to: Address::repeat_byte(0x42).into(),
        value: U256::from(1),
        key: key.map(B256::with_last_byte),
        ..Default::default()
    }
}

fn blob(fill: u8) -> Blob {
    let mut blob = Blob::ZERO;
    for word in blob.chunks_mut(32) {
        word[31] = fill;
    }
    blob
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.expect("nothing happened within a minute")
}

async fn start_of(client: &L1Client) -> FollowerState {
    FollowerState::new(client.latest().await.unwrap())
}

fn follow(client: L1Client, state: FollowerState, filter: LogFilter, check: LogCheck) -> Follower {
    let poll_interval = Duration::from_millis(30);
    let config = FollowerConfig { poll_interval, filter, check, ..Default::default() };
    Follower::new(client, state, config)
}

/// The next event that is a block or a reorganisation.
async fn step(follower: &mut Follower) -> L1Event {
    loop {
        match within(follower.next()).await.unwrap() {
            L1Event::Safe(_) | L1Event::Finalized(_) => {}
            event => return event,
        }
    }
}

async fn until(follower: &mut Follower, number: u64) {
    while follower.state().tip().number < number {
        step(follower).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_are_sent_and_read_back_in_the_order_asked() {
    let Some(anvil) = Anvil::start(&[]).await else { return };
    let sender = sender(&anvil, None, quick());
    let blobs = vec![blob(1), blob(2)];
    let request = TxRequest { blobs: Some(blobs.clone()), ..transfer(None) };
    let receipt = within(sender.send(request)).await.unwrap();
    assert_eq!(receipt.blob_gas_used, Some(2 * 131_072));

    let header = anvil.client().header_by_hash(receipt.block_hash.unwrap()).await.unwrap();
    let hashes: Vec<B256> = blobs.iter().map(|b| blob_versioned_hash(b).unwrap()).collect();
    let transaction = anvil.client().transaction(receipt.transaction_hash).await.unwrap().unwrap();
    let carried = alloy::consensus::Transaction::blob_versioned_hashes(&transaction).unwrap();
    assert_eq!(carried, hashes);

    let source = BlobSource::new(&anvil.url()).unwrap();
    let block = BlockRef::from(&header);
    let reversed = [hashes[1], hashes[0]];
    let found = source.blobs(block, header.timestamp, &reversed, &[]).await.unwrap();
    assert!(found == [blobs[1], blobs[0]]);
    let error = source
        .blobs(block, header.timestamp, &[hashes[0], B256::repeat_byte(1)], &[])
        .await
        .unwrap_err();
    assert!(error.to_string().contains(&B256::repeat_byte(1).to_string()), "{error}");
    let gone = BlockRef { number: 99, hash: B256::repeat_byte(2) };
    assert!(source.blobs(gone, 0, &hashes, &[]).await.unwrap_err().is_retryable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_of_the_client_fits_anvil() {
    let Some(anvil) = Anvil::start(&["--slots-in-an-epoch", "1"]).await else { return };
    let client = anvil.client();
    anvil.mine(5).await;
    assert_eq!(client.chain_id().await.unwrap(), CHAIN_ID);
    let latest = client.latest().await.unwrap();
    assert_eq!(latest.number, 5);
    assert!(client.safe().await.unwrap().is_some());
    let finalized = client.finalized().await.unwrap().unwrap().number;
    assert!((1..=5).contains(&finalized), "{finalized}");
    let account = signer().address();
    assert!(client.balance(account, BlockId::latest()).await.unwrap() > U256::ZERO);
    assert!(client.code(account, BlockId::latest()).await.unwrap().is_empty());
    let fees = client.fee_info().await.unwrap();
    assert!(fees.base_fee > 0 && fees.blob_base_fee.is_some());
    let header = client.header(BlockNumberOrTag::Latest).await.unwrap();
    let proof = client.proof(account, vec![], BlockId::number(5)).await.unwrap();
    assert_eq!(keccak256(&proof.account_proof[0]), header.state_root());
    assert!(client.header(99.into()).await.unwrap_err().is_retryable());
    assert!(client.receipt(B256::ZERO).await.unwrap().is_none());
    assert!(!client.knows_transaction(B256::ZERO).await.unwrap());
    // A contract that always reverts with the word 1: mstore(0, 1) revert(0, 32).
    let code = bytes!("600160005260206000fd");
    anvil.rpc("anvil_setCode", serde_json::json!([Address::repeat_byte(9), code])).await;
    let error =
        client.call(Address::repeat_byte(9), Bytes::new(), BlockId::latest()).await.unwrap_err();
    let mezz_l1::L1Error::Rpc { data: Some(data), .. } = &error else { panic!("{error}") };
    assert_eq!(U256::from_be_slice(data), U256::from(1));
}

/// Waits until so many transactions can be in L1's next block.
async fn pooled(anvil: &Anvil, count: u64) {
    let reached = async {
        loop {
            let status = anvil.rpc("txpool_status", serde_json::json!([])).await;
            if status["pending"] == serde_json::json!(format!("{count:#x}")) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    within(reached).await;
}

/// Waits until so many transactions are on their way.
async fn waiting(sender: &TxSender, count: usize) {
    let reached = async {
        while sender.status().waiting != count {
            sleep(Duration::from_millis(20)).await;
        }
    };
    within(reached).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_that_the_fees_outran_are_replaced() {
    for blobs in [None, Some(vec![blob(3)])] {
        let Some(anvil) = Anvil::start(&["--no-mining"]).await else { return };
        let sender = sender(&anvil, None, quick());
        let ticket = sender.submit(TxRequest { blobs, ..transfer(None) }).await.unwrap();
        waiting(&sender, 1).await;
        let pool = anvil.rpc("txpool_content", serde_json::json!([])).await.to_string();
        for _ in 0..3 {
            // 10 gwei; the first attempt offers 3.
            let fee = serde_json::json!(["0x2540be400"]);
            anvil.rpc("anvil_setNextBlockBaseFeePerGas", fee).await;
            anvil.mine(1).await;
            sleep(Duration::from_millis(400)).await;
        }
        let mut receipt = Box::pin(ticket.receipt());
        let receipt = loop {
            tokio::select! {
                receipt = &mut receipt => break receipt.unwrap(),
                () = sleep(Duration::from_millis(300)) => anvil.mine(1).await,
            }
        };
        let hash = receipt.transaction_hash.to_string();
        assert!(pool.contains("0x4242") && !pool.contains(&hash), "it was not replaced");
        let nonce = anvil.client().nonce(sender.address(), BlockId::latest()).await.unwrap();
        assert_eq!(nonce, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_transaction_is_sent_again() {
    let Some(anvil) = Anvil::start(&["--no-mining"]).await else { return };
    let sender = sender(&anvil, None, quick());
    let ticket = sender.submit(transfer(None)).await.unwrap();
    waiting(&sender, 1).await;
    anvil.rpc("anvil_dropAllTransactions", serde_json::json!([])).await;
    pooled(&anvil, 1).await;
    anvil.mine(1).await;
    assert!(within(ticket.receipt()).await.unwrap().status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gap_of_nonces_is_filled() {
    let Some(anvil) = Anvil::start(&[]).await else { return };
    let dir = tempfile::tempdir().unwrap();
    {
        let sender = sender(&anvil, Some(dir.path()), quick());
        within(sender.send(transfer(Some(1)))).await.unwrap();
        within(sender.send(transfer(Some(2)))).await.unwrap();
    }
    sleep(Duration::from_millis(200)).await;
    // The chain starts anew, and the journal has lost the first of the two.
    std::fs::remove_file(dir.path().join("00000000000000000000.tx.json")).unwrap();
    let fresh = Anvil::start(&[]).await.unwrap();
    let sender = sender(&fresh, Some(dir.path()), quick());
    assert!(within(sender.send(transfer(Some(2)))).await.unwrap().status());
    let nonce = fresh.client().nonce(sender.address(), BlockId::latest()).await.unwrap();
    assert_eq!(nonce, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_in_flight_keep_their_order_and_reverts_are_told() {
    let Some(anvil) = Anvil::start(&["--block-time", "1"]).await else { return };
    let sender = sender(&anvil, None, quick());
    let mut tickets = Vec::new();
    for _ in 0..12 {
        tickets.push(sender.submit(transfer(None)).await.unwrap());
    }
    let mut places = Vec::new();
    for ticket in tickets {
        let receipt = within(ticket.receipt()).await.unwrap();
        places.push((receipt.block_number.unwrap(), receipt.transaction_index.unwrap()));
    }
    assert!(places.is_sorted(), "{places:?}");

    // Init code that reverts: the estimate says so, and with a given limit the receipt does.
    let create =
        TxRequest { to: TxKind::Create, input: bytes!("60006000fd"), ..Default::default() };
    let error = within(sender.send(create.clone())).await.unwrap_err();
    assert!(matches!(error, SendError::WouldRevert { .. }), "{error}");
    let error =
        within(sender.send(TxRequest { gas_limit: Some(100_000), ..create })).await.unwrap_err();
    assert!(matches!(error, SendError::Reverted { .. }), "{error}");
    let huge = TxRequest { gas_limit: Some(16_777_217), ..transfer(None) };
    let error = within(sender.send(huge)).await.unwrap_err();
    assert!(error.to_string().contains("EIP-7825"), "{error}");
    // The nonces of those that were not sent are not lost.
    assert!(within(sender.send(transfer(None))).await.unwrap().status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_account_is_told_what_it_needs() {
    let Some(anvil) = Anvil::start(&[]).await else { return };
    let poor = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
    let address = poor.address();
    let (sender, task) = TxSender::new(anvil.client(), poor, CHAIN_ID, None, quick()).unwrap();
    tokio::spawn(task.run());
    let request = TxRequest { gas_limit: Some(21_000), ..transfer(None) };
    let error = within(sender.send(request)).await.unwrap_err();
    let SendError::InsufficientFunds { address: a, has, needs } = error else { panic!("{error}") };
    assert_eq!((a, has), (address, U256::ZERO));
    assert!(needs > U256::from(21_000));
    let estimated = within(sender.send(transfer(None))).await.unwrap_err();
    assert!(matches!(estimated, SendError::InsufficientFunds { .. }), "{estimated}");
    // Once it is funded, it works.
    anvil.rpc("anvil_setBalance", serde_json::json!([address, "0xde0b6b3a7640000"])).await;
    assert!(within(sender.send(transfer(None))).await.unwrap().status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restart_recognises_what_was_mined_and_sends_what_was_not() {
    let Some(anvil) = Anvil::start(&["--no-mining"]).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let first = sender(&anvil, Some(dir.path()), quick());
    let keys = [1, 2];
    for key in keys {
        drop(first.submit(transfer(Some(key))).await.unwrap());
    }
    waiting(&first, 2).await;
    drop(first);
    sleep(Duration::from_millis(200)).await;
    // The first is mined while nobody looks, the second is lost.
    let second_hash: serde_json::Value = {
        let pool = anvil.rpc("txpool_content", serde_json::json!([])).await;
        let own = pool["pending"].as_object().unwrap().values().next().unwrap();
        own["1"]["hash"].clone()
    };
    anvil.rpc("anvil_dropTransaction", serde_json::json!([second_hash])).await;
    anvil.mine(1).await;

    let again = sender(&anvil, Some(dir.path()), quick());
    let one = within(again.send(transfer(Some(1)))).await.unwrap();
    assert_eq!(one.block_number, Some(1));
    let ticket = again.submit(transfer(Some(2))).await.unwrap();
    pooled(&anvil, 1).await;
    anvil.mine(1).await;
    let two = within(ticket.receipt()).await.unwrap();
    assert_eq!(two.block_number, Some(2));
    let nonce = anvil.client().nonce(again.address(), BlockId::latest()).await.unwrap();
    assert_eq!(nonce, 2, "something was sent twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transaction_lost_in_a_reorg_is_sent_again() {
    let Some(anvil) = Anvil::start(&[]).await else { return };
    let sender = sender(&anvil, None, quick());
    anvil.mine(3).await;
    let receipt = within(sender.send(transfer(None))).await.unwrap();
    anvil.rpc("anvil_reorg", serde_json::json!([1, []])).await;
    let client = anvil.client();
    let back = async {
        loop {
            if let Some(again) = client.receipt(receipt.transaction_hash).await.unwrap()
                && again.block_hash != receipt.block_hash
            {
                return again;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(within(back).await.status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_goes_with_the_block_it_rests_on() {
    let Some(anvil) = Anvil::start(&[]).await else { return };
    let (client, dir) = (anvil.client(), tempfile::tempdir().unwrap());
    anvil.mine(3).await;
    let base = client.latest().await.unwrap();
    let first = sender(&anvil, Some(dir.path()), quick());
    let lower = within(first.send(transfer(Some(1)))).await.unwrap();
    let rests_on = Some(client.latest().await.unwrap());
    let upper = within(first.send(TxRequest { rests_on, ..transfer(Some(2)) })).await.unwrap();
    let above = TxRequest { rests_on: Some(base), ..transfer(Some(3)) };
    let above = within(first.send(above)).await.unwrap();
    assert_eq!(first.status().newest_mined.map(|block| block.number), above.block_number);
    // All three are gone, and the block that the second rests on, but not that of the third.
    anvil.rpc("anvil_reorg", serde_json::json!([3, []])).await;
    anvil.mine(1).await;
    let back = async {
        loop {
            let nonce = client.nonce(first.address(), BlockId::latest()).await.unwrap();
            if nonce == 3 {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    within(back).await;
    for (old, stays) in [(&lower, true), (&upper, false), (&above, true)] {
        let again = client.receipt(old.transaction_hash).await.unwrap();
        assert_eq!(again.is_some(), stays, "nonce {}", old.transaction_hash);
    }
    let error = within(first.send(TxRequest { rests_on, ..transfer(None) })).await.unwrap_err();
    assert!(matches!(error, SendError::Orphaned { .. }), "{error}");
    anvil.mine(260).await;
    let settled = async {
        while first.status().watched > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    within(settled).await;
    assert_eq!(first.status().newest_mined, None);
    let old = TxRequest { rests_on: Some(base), ..transfer(None) };
    let error = within(first.send(old)).await.unwrap_err();
    assert!(matches!(error, SendError::Orphaned { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_while_its_block_went_is_told_so_also_after_a_restart() {
    for restart in [false, true] {
        let Some(anvil) = Anvil::start(&["--no-mining"]).await else { return };
        let (client, dir) = (anvil.client(), tempfile::tempdir().unwrap());
        anvil.mine(2).await;
        let block = client.latest().await.unwrap();
        let mut sending = sender(&anvil, Some(dir.path()), quick());
        let ticket =
            sending.submit(TxRequest { rests_on: Some(block), ..transfer(Some(1)) }).await.unwrap();
        waiting(&sending, 1).await;
        let pool = anvil.rpc("txpool_content", serde_json::json!([])).await.to_string();
        if restart {
            drop((ticket, sending));
            sleep(Duration::from_millis(200)).await;
            // What the journal holds rests on another block now, as if L1 had been reorganised.
            let path = dir.path().join("00000000000000000000.tx.json");
            let entry = std::fs::read_to_string(&path).unwrap();
            let (real, other) = (block.hash.to_string(), B256::repeat_byte(7).to_string());
            assert!(entry.contains(&real));
            std::fs::write(&path, entry.replace(&real, &other)).unwrap();
            sending = sender(&anvil, Some(dir.path()), quick());
            assert_eq!(sending.status().waiting, 1, "known before the first look");
        } else {
            anvil.rpc("evm_increaseTime", serde_json::json!([100])).await;
            anvil.rpc("anvil_reorg", serde_json::json!([1, []])).await;
            let error = within(ticket.receipt()).await.unwrap_err();
            assert!(matches!(error, SendError::Orphaned { .. }), "{error}");
        }
        let offered = async {
            loop {
                let content = anvil.rpc("txpool_content", serde_json::json!([])).await;
                let own = content["pending"].as_object().and_then(|all| all.values().next());
                let hashes = own.and_then(|own| own.as_object()).into_iter().flatten();
                let new = |tx: &serde_json::Value| !pool.contains(tx["hash"].as_str().unwrap());
                if hashes.map(|(_, tx)| tx).any(new) {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        within(offered).await;
        anvil.mine(1).await;
        let block = client.latest().await.unwrap().number;
        let mined = anvil.rpc("eth_getBlockByNumber", serde_json::json!([block, true])).await;
        let filler = &mined["transactions"][0];
        assert_eq!(filler["to"], filler["from"], "an empty transaction has its nonce");
        assert!(!pool.contains(filler["hash"].as_str().unwrap()));
        let next = sending.send(transfer(Some(2)));
        let miner = async {
            loop {
                sleep(Duration::from_millis(200)).await;
                anvil.mine(1).await;
            }
        };
        tokio::select! {
            receipt = within(next) => assert!(receipt.unwrap().status()),
            () = miner => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_to_another_chain() {
    let Some(anvil) = Anvil::start(&["--no-mining"]).await else { return };
    let dir = tempfile::tempdir().unwrap();
    anvil.mine(3).await;
    let anchor = Some(anvil.client().latest().await.unwrap());
    let config = || SenderConfig { anchor, max_backoff: Duration::from_millis(100), ..quick() };
    let first = sender(&anvil, Some(dir.path()), config());
    drop(first.submit(transfer(Some(1))).await.unwrap());
    waiting(&first, 1).await;
    drop(first);
    sleep(Duration::from_millis(200)).await;

    // The same accounts and the same chain id, but another chain.
    let other = Anvil::start(&["--timestamp", "1700000000"]).await.unwrap();
    let lost = sender(&other, Some(dir.path()), config());
    let _ticket = lost.submit(transfer(Some(2))).await.unwrap();
    let told = async {
        loop {
            match lost.status().trouble {
                Some(trouble) => return trouble,
                None => sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let trouble = within(told).await;
    assert!(trouble.contains("mezz up --reset"), "{trouble}");
    other.mine(5).await;
    sleep(Duration::from_millis(600)).await;
    let nonce = other.client().nonce(lost.address(), BlockId::pending()).await.unwrap();
    assert_eq!((nonce, lost.status().waiting), (0, 1));
    drop(lost);
    sleep(Duration::from_millis(200)).await;

    // Back on the right one it goes on.
    let again = sender(&anvil, Some(dir.path()), config());
    let ticket = again.submit(transfer(Some(1))).await.unwrap();
    waiting(&again, 1).await;
    anvil.mine(1).await;
    assert!(within(ticket.receipt()).await.unwrap().status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reorgs_of_one_five_and_forty_are_seen() {
    let Some(anvil) = Anvil::start(&["--slots-in-an-epoch", "1"]).await else { return };
    let client = anvil.client();
    let mut follower =
        follow(client.clone(), start_of(&client).await, LogFilter::default(), LogCheck::default());
    anvil.mine(50).await;
    until(&mut follower, 50).await;
    for depth in [1, 5, 40] {
        let head = client.latest().await.unwrap();
        anvil.rpc("anvil_reorg", serde_json::json!([depth, []])).await;
        anvil.mine(1).await;
        let event = step(&mut follower).await;
        let L1Event::Reorg { common_ancestor, depth: seen } = event else { panic!("{event:?}") };
        assert_eq!((common_ancestor.number, seen), (head.number - depth, depth));
        let new = client.latest().await.unwrap();
        until(&mut follower, new.number).await;
        assert_eq!(follower.state().tip(), new);
    }
    let finalized = async {
        loop {
            if let L1Event::Finalized(block) = follower.next().await.unwrap() {
                return block;
            }
        }
    };
    assert!(within(finalized).await.number >= 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_come_with_their_blocks_whatever_is_checked() {
    let Some(anvil) = Anvil::start(&[]).await else { return };
    let client = anvil.client();
    let start = start_of(&client).await;
    // A contract that logs its calldata under its first word:
    // calldatacopy(0, 0, size) log1(0, size, calldataload(0)).
    let logger = Address::repeat_byte(0x99);
    let code = bytes!("366000600037600035366000a100");
    anvil.rpc("anvil_setCode", serde_json::json!([logger, code])).await;
    let sender = sender(&anvil, None, quick());
    let topic = B256::repeat_byte(0xcd);
    for receiver in [Address::repeat_byte(1), logger, logger] {
        let request = TxRequest {
            to: receiver.into(),
            input: Bytes::from(topic.to_vec()),
            ..Default::default()
        };
        within(sender.send(request)).await.unwrap();
    }
    let filter = LogFilter { addresses: vec![logger], topics: vec![topic] };
    for check in [LogCheck::Receipts, LogCheck::Bloom] {
        let mut follower = follow(client.clone(), start.clone(), filter.clone(), check);
        let mut counts = Vec::new();
        for _ in 0..3 {
            let L1Event::Block(block) = step(&mut follower).await else { panic!("no block") };
            counts.push(block.logs.len());
            assert!(block.logs.iter().all(|log| log.topics == [topic] && log.data.len() == 32));
        }
        assert_eq!(counts, [0, 1, 1]);
    }
    let other = LogFilter { topics: vec![B256::ZERO], ..filter };
    let header: Sealed<Header> = client.header(2.into()).await.unwrap();
    assert!(client.block_logs(&header, &other, LogCheck::Receipts).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_on_after_the_l1_was_away() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("state.json");
    let args = ["--block-time", "1", "--state", path.to_str().unwrap()];
    let Some(mut anvil) = Anvil::start(&args).await else { return };
    let client = anvil.client();
    let start = start_of(&client).await;
    let mut follower = follow(client.clone(), start, LogFilter::default(), LogCheck::default());
    let sender = sender(&anvil, None, quick());
    within(sender.send(transfer(None))).await.unwrap();
    until(&mut follower, 2).await;
    anvil.stop().await;

    let silence = timeout(Duration::from_secs(2), async {
        loop {
            // What was fetched before it stopped may still come.
            follower.next().await.unwrap();
        }
    });
    assert!(silence.await.is_err());
    let error = client.chain_id().await.unwrap_err();
    assert!(error.to_string().contains("is it running?"), "{error}");
    let ticket = sender.submit(transfer(None)).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    assert!(sender.status().trouble.is_some());

    let before = follower.state().tip().number;
    anvil.start_again().await;
    assert!(within(ticket.receipt()).await.unwrap().status());
    until(&mut follower, before + 2).await;
    assert_eq!(sender.status().trouble, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fees_above_the_limit_wait_for_better_times() {
    let Some(anvil) = Anvil::start(&["--block-base-fee-per-gas", "5000000000"]).await else {
        return;
    };
    let limits = FeeLimits { max_fee_per_gas: 2_000_000_000, ..Default::default() };
    let sender = sender(&anvil, None, SenderConfig { fees: limits, ..quick() });
    let ticket =
        sender.submit(TxRequest { gas_limit: Some(21_000), ..transfer(None) }).await.unwrap();
    waiting(&sender, 1).await;
    anvil.rpc("anvil_setNextBlockBaseFeePerGas", serde_json::json!(["0x3b9aca00"])).await;
    anvil.mine(1).await;
    assert!(within(ticket.receipt()).await.unwrap().status());
}
