//! A chain whose batcher is the attacker: a sequencer and a verifier as processes, and no batcher
//! but the test.

use crate::support::{
    Anvil, L1_CHAIN_ID, Mezz, PATIENCE, Rpc, assert_same_chain, devnet, key, keystore, result,
    small, text, tx_sender, wait_until,
};
use alloy::{
    eips::eip4844::Bytes48,
    primitives::{Address, TxKind, U256},
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use mezz_contracts::bindings::IInbox;
use mezz_derivation::{
    batch::{self, Batch, BatchBlock, Compression, hash_check},
    blob,
};
use mezz_devnet::DevnetHandle;
use mezz_l1::{SendError, TxRequest, TxSender};
use mezz_rollup::L2Client;
use tempfile::TempDir;

/// Dev accounts with the roles.
const DEPLOYER: u32 = 4;
const BATCHER: u32 = 5;
const PROPOSER: u32 = 6;
/// A deposit takes a nonce of its sender on L2, so it is not the account that the tests send from.
const PAYER: u32 = 7;

/// Of the chain, which is none of the usual ones.
pub(super) const L2_CHAIN_ID: u64 = 7778;
/// Gas of a transaction to the Inbox with a batch in its calldata: enough for 128 KiB.
const INBOX_GAS: u64 = 8_000_000;

/// An L1 that belongs to nobody.
pub(super) enum Ground {
    Devnet(DevnetHandle),
    Anvil(Anvil),
}

impl Ground {
    pub(super) async fn embedded() -> Self {
        Self::Devnet(devnet(L1_CHAIN_ID).await)
    }

    pub(super) async fn anvil() -> Option<Self> {
        Anvil::start(&[]).await.map(Self::Anvil)
    }

    fn url(&self) -> &str {
        match self {
            Self::Devnet(devnet) => &devnet.url,
            Self::Anvil(anvil) => &anvil.url,
        }
    }
}

/// An attack as two tests, on an L1 of its own each.
macro_rules! attack {
    ($name:ident) => {
        mod $name {
            use super::super::scene::Ground;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                let _turn = crate::support::turn().await;
                super::$name(Ground::embedded().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn anvil() {
                let _turn = crate::support::turn().await;
                if let Some(ground) = Ground::anvil().await {
                    super::$name(ground).await;
                }
            }
        }
    };
}
pub(super) use attack;

/// A chain under attack.
pub(super) struct Scene {
    pub(super) l1: Rpc,
    /// The sequencer.
    pub(super) l2: Rpc,
    pub(super) verifier: Rpc,
    inbox: Address,
    portal: Address,
    /// Blocks of the sequencer.
    source: L2Client,
    batcher: TxSender,
    dir: TempDir,
    l1_url: String,
    sequencer: Mezz,
    verifying: Mezz,
    _ground: Ground,
}

impl Scene {
    /// A new chain on `ground`. `args` are for `mezz deploy`.
    pub(super) async fn new(ground: Ground, args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let l1_url = ground.url().to_owned();
        let (batcher, proposer) = (key(BATCHER).address(), key(PROPOSER).address());
        let (batcher, proposer) = (batcher.to_string(), proposer.to_string());
        let deployer = keystore(dir.path(), DEPLOYER);
        let chain_id = L2_CHAIN_ID.to_string();
        let own = ["deploy", "--keystore", &deployer, "--l1", &l1_url, "--l2-chain-id", &chain_id];
        let roles = ["--batcher", &batcher, "--proposer", &proposer, "--block-time", "500ms"];
        let deployed = result(dir.path(), &[&own[..], &roles, args].concat()).await;
        let inbox = text(&deployed, "/inbox").to_owned();
        let args = ["--inbox", &inbox, "--l1-confirmations", "0"];
        let (sequencer, l2) = Mezz::node("sequencer", &dir.path().join("a"), &l1_url, &args).await;
        let (verifying, verifier) =
            Mezz::verifier(&dir.path().join("b"), &l1_url, &["--inbox", &inbox]).await;
        let config = l2.call("mezz_rollupConfig", ()).await;
        let portal = text(&config, "/contracts/portal").parse().unwrap();
        Self {
            l1: Rpc::new(&l1_url),
            portal,
            source: L2Client::new(l2.url()).unwrap(),
            batcher: tx_sender(&l1_url, BATCHER).await,
            inbox: inbox.parse().unwrap(),
            l2,
            verifier,
            dir,
            l1_url,
            sequencer,
            verifying,
            _ground: ground,
        }
    }

    /// The blocks `first..=last` of the sequencer, once they are there.
    pub(super) async fn batch(&self, first: u64, last: u64) -> Batch {
        self.l2.wait_tag("latest", last).await;
        let mut blocks = Vec::new();
        for number in first..=last {
            blocks.push(self.source.block(number).await.unwrap());
        }
        Batch {
            parent_check: hash_check(&blocks[0].parent_hash),
            origin_check: hash_check(&blocks[blocks.len() - 1].l1.hash),
            first_number: first,
            blocks: blocks
                .into_iter()
                .map(|block| BatchBlock {
                    timestamp: block.timestamp,
                    advances_origin: block.l1.sequence_number == 0,
                    transactions: block.transactions,
                })
                .collect(),
        }
    }

    /// Posts a batch as the batcher, and waits until the verifier has derived its L1 block.
    pub(super) async fn post(&self, batch: &Batch) {
        self.post_bytes(&encode(batch)).await;
    }

    /// Posts any bytes as a batch in calldata.
    pub(super) async fn post_bytes(&self, data: &[u8]) {
        self.submit(&self.batcher, self.in_calldata(data)).await.unwrap();
    }

    /// Posts whole blobs, whatever is in them.
    pub(super) async fn post_blobs(&self, blobs: Vec<blob::Blob>) {
        self.post_blobs_saying(&[], blobs).await;
    }

    /// As [`Self::post_blobs`], and says that these are the commitments of the blobs.
    pub(super) async fn post_blobs_saying(&self, commitments: &[Bytes48], blobs: Vec<blob::Blob>) {
        let call = IInbox::submitBatchCall {}.abi_encode();
        let request = TxRequest {
            input: [&call[..], commitments.concat().as_slice()].concat().into(),
            blobs: Some(blobs),
            ..self.in_calldata(&[])
        };
        self.submit(&self.batcher, request).await.unwrap();
    }

    fn in_calldata(&self, data: &[u8]) -> TxRequest {
        let data = data.to_vec().into();
        TxRequest {
            to: TxKind::Call(self.inbox),
            input: IInbox::submitBatchCalldataCall { data }.abi_encode().into(),
            value: U256::ZERO,
            // Given, so that what fails is mined as well.
            gas_limit: Some(INBOX_GAS),
            ..TxRequest::default()
        }
    }

    /// Posts a batch from another account.
    pub(super) async fn post_as(&self, index: u32, batch: &Batch) -> Result<(), SendError> {
        let stranger = tx_sender(&self.l1_url, index).await;
        self.submit(&stranger, self.in_calldata(&encode(batch))).await
    }

    /// Deposits `value` for an account, and waits until the sequencer has it.
    pub(super) async fn fund(&self, account: Address, value: U256) {
        self.deposit(key(PAYER), account, value).await;
        self.l2.wait_balance(account, value).await;
    }

    /// Deposits `value` through the portal; the L1 block that has it.
    pub(super) async fn deposit(&self, from: PrivateKeySigner, to: Address, value: U256) -> u64 {
        let hash = self.l1.deposit(self.portal, from, to, value).await;
        small(&self.l1.wait_receipt(&hash).await["blockNumber"])
    }

    async fn submit(&self, sender: &TxSender, request: TxRequest) -> Result<(), SendError> {
        let sent = tokio::time::timeout(PATIENCE, sender.send(request)).await;
        let outcome = sent.expect("L1 mines it");
        let mined = match &outcome {
            Ok(receipt) => receipt.block_number.expect("mined"),
            Err(SendError::Reverted { block, .. }) => block.number,
            Err(error) => panic!("{error}"),
        };
        wait_until("the verifier has derived the batch", || async {
            let status = self.verifier.call("optimism_syncStatus", ()).await;
            status["current_l1"]["number"].as_u64().unwrap() >= mined
        })
        .await;
        outcome.map(|_| ())
    }

    /// Number of the verifier's safe head.
    pub(super) async fn safe(&self) -> u64 {
        self.verifier.tag("safe").await
    }

    /// The verifier says that it has dropped a batch, and for this reason.
    pub(super) fn assert_dropped(&self, reason: &str) {
        let log = self.verifying.stderr();
        let mut dropped = log.lines().filter(|line| line.contains("batch dropped"));
        assert!(dropped.any(|line| line.contains(reason)), "`{reason}` is not in\n{log}");
    }

    /// An honest batcher takes over: everything becomes safe, and both nodes have the same chain.
    pub(super) async fn recovers(mut self) {
        let file = keystore(self.dir.path(), BATCHER);
        let args = ["batcher", "--keystore", &file, "--batch-interval", "1s"];
        let urls = ["--l1", &self.l1_url, "--l2", self.l2.url()];
        let batcher = Mezz::spawn(&self.dir.path().join("c"), &[&args[..], &urls].concat());
        let head = self.l2.head().await.max(self.safe().await) + 2;
        self.verifier.wait_tag("safe", head).await;
        self.l2.wait_tag("safe", head).await;
        assert_same_chain(&self.l2, &self.verifier, head).await;
        for node in [&mut self.sequencer, &mut self.verifying] {
            assert!(!node.stderr().contains("panicked"), "{}", node.stderr());
            let ended = node.stop(crate::support::Signal::Terminate).await;
            assert!(ended.success(), "{}", node.stderr());
        }
        drop(batcher);
    }
}

/// The bytes of a batch.
pub(super) fn encode(batch: &Batch) -> Vec<u8> {
    batch::encode(batch, L2_CHAIN_ID, Compression::default()).unwrap()
}
