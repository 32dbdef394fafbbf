//! What clients of a chain did and were shown, over all runs of its nodes, and what must be true
//! of the chain after any fault: whatever was shown is there, and nothing happened twice.
//!
//! Only for chains whose L1 takes nothing back.

use super::{
    Rpc, address,
    batches::Batches,
    ether, fresh_address, key,
    load::{DEPOSIT, DEPOSITOR, PAYER, WITHDRAWAL, WITHDRAWER},
    number, small, text, wait_until,
};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolEvent,
};
use mezz_contracts::bindings::IPortal;
use mezz_primitives::addresses::{
    BASE_FEE_VAULT, L1_FEE_VAULT, L2_TO_L1_MESSAGE_PASSER, SEQUENCER_FEE_VAULT,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// Shown blocks and transactions that are looked for again after a fault: the newest are those
/// that can be lost.
const LOOKED_FOR: usize = 40;

/// A record of what was done and shown. Clones are the same record.
#[derive(Clone, Debug)]
pub(crate) struct Witness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    payee: Address,
    depositee: Address,
    shown: Mutex<Shown>,
    batches: tokio::sync::Mutex<Batches>,
}

#[derive(Debug, Default)]
struct Shown {
    /// Hashes by number.
    latest: BTreeMap<u64, String>,
    safe: BTreeMap<u64, String>,
    /// Transactions that a node took, and that were in no block when last looked for.
    pending: Vec<String>,
    /// Transactions that a node showed in a block.
    mined: Vec<String>,
    /// L1 transactions.
    deposits: Vec<String>,
    /// Blocks that were shown with one hash and then with another.
    changed: Vec<String>,
}

impl Witness {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            payee: fresh_address(),
            depositee: fresh_address(),
            shown: Mutex::default(),
            batches: tokio::sync::Mutex::default(),
        }))
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.shown.lock().expect("nobody panics with it")
    }

    pub(super) fn payee(&self) -> Address {
        self.0.payee
    }

    pub(super) fn depositee(&self) -> Address {
        self.0.depositee
    }

    pub(super) fn saw(&self, tag: &str, block: &Value) {
        let (number, hash) = (small(&block["number"]), text(block, "/hash").to_owned());
        let mut shown = self.shown();
        let blocks = if tag == "safe" { &mut shown.safe } else { &mut shown.latest };
        let before = blocks.insert(number, hash.clone()).filter(|before| *before != hash);
        if let Some(before) = before {
            shown.changed.push(format!("{tag} block {number} was {before} and is {hash}"));
        }
    }

    pub(super) fn sent(&self, hash: String) {
        self.shown().pending.push(hash);
    }

    /// Some that are worth being looked for. A pool is lost with its process, so that the oldest
    /// may never come.
    pub(super) fn pending(&self) -> Vec<String> {
        let mut shown = self.shown();
        let old = shown.pending.len().saturating_sub(LOOKED_FOR);
        shown.pending.drain(..old);
        shown.pending.iter().take(10).cloned().collect()
    }

    pub(super) fn mined(&self, hash: &str) {
        let mut shown = self.shown();
        shown.pending.retain(|pending| pending != hash);
        shown.mined.push(hash.to_owned());
    }

    pub(super) fn deposited(&self, hash: String) {
        self.shown().deposits.push(hash);
    }

    /// How many transactions were shown in blocks, and how many deposits L1 took.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let shown = self.shown();
        (shown.mined.len(), shown.deposits.len())
    }

    /// After a fault and a restart: all that was shown is there. The quick part of
    /// [`Self::check`].
    pub(crate) async fn check_shown(&self, l2: &Rpc) {
        self.assert_shown_is_there(l2).await;
    }

    /// After a fault and a restart: all that must be true. Answers the safe head that it is true
    /// of.
    pub(crate) async fn check(&self, l1: &Rpc, l2: &Rpc, deployment: &Value) -> u64 {
        self.assert_shown_is_there(l2).await;
        let head = l2.head().await;
        l2.wait_tag("safe", head).await;
        let newest = self.newest_deposit(l1).await;
        wait_until("the deposits are safe", || async {
            l2.origin(l2.tag("safe").await).await >= newest
        })
        .await;
        let safe = l2.tag("safe").await;
        self.assert_money(l1, l2, deployment, safe).await;
        let mut batches = self.0.batches.lock().await;
        batches.read(l1, text(deployment, "/l1/contracts/inbox")).await;
        batches.assert_each_block_once(safe);
        safe
    }

    async fn assert_shown_is_there(&self, l2: &Rpc) {
        let (safe, latest, mined) = {
            let shown = self.shown();
            let newest = |blocks: &BTreeMap<u64, String>| -> Vec<_> {
                let newest = blocks.iter().rev().take(LOOKED_FOR);
                newest.map(|(number, hash)| (*number, hash.clone())).collect()
            };
            let mined: Vec<_> = shown.mined.iter().rev().take(LOOKED_FOR).cloned().collect();
            assert!(shown.changed.is_empty(), "{:?}", shown.changed);
            (newest(&shown.safe), newest(&shown.latest), mined)
        };
        for (what, blocks) in [("safe", safe), ("shown", latest)] {
            for (number, hash) in blocks {
                let found = l2.block(number).await;
                let found = found["hash"].as_str().unwrap_or("nothing");
                assert_eq!(found, hash, "{what} block {number} is lost");
            }
        }
        for hash in mined {
            assert!(l2.receipt(&hash).await.is_some(), "{hash} was in a block and is lost");
        }
    }

    /// The newest L1 block with a deposit that is known of.
    async fn newest_deposit(&self, l1: &Rpc) -> u64 {
        let deposits: Vec<_> = self.shown().deposits.iter().rev().take(5).cloned().collect();
        let mut newest = 0;
        for hash in deposits {
            if let Some(receipt) = l1.receipt(&hash).await {
                newest = newest.max(small(&receipt["blockNumber"]));
            }
        }
        newest
    }

    /// Every payment and withdrawal counts once, as often as its sender's nonce says; every
    /// deposit once, as often as L1 says; and no wei comes from or goes to anywhere else.
    async fn assert_money(&self, l1: &Rpc, l2: &Rpc, deployment: &Value, safe: u64) {
        let at = format!("{safe:#x}");
        let balance = async |of: Address| number(&l2.call("eth_getBalance", (of, &at)).await);
        let nonce = async |of: u32| {
            number(&l2.call("eth_getTransactionCount", (key(of).address(), &at)).await)
        };
        assert_eq!(balance(self.payee()).await, nonce(PAYER).await, "payments");
        let withdrawn = nonce(WITHDRAWER).await * U256::from(WITHDRAWAL);
        assert_eq!(balance(L2_TO_L1_MESSAGE_PASSER).await, withdrawn, "withdrawals");
        let origin = l2.origin(safe).await;
        let minted = self.deposits_on_l1(l1, deployment, origin).await * U256::from(DEPOSIT);
        assert_eq!(balance(self.depositee()).await, minted, "deposits up to L1 block {origin}");

        let accounts = deployment["accounts"].as_array().expect("dev accounts").len();
        let begun = ether(10_000) * U256::from(accounts);
        let sum = supply(l2, deployment, &[self.payee(), self.depositee()], safe).await;
        assert_eq!(sum, begun + minted, "ether was made or lost up to block {safe}");
    }

    async fn deposits_on_l1(&self, l1: &Rpc, deployment: &Value, origin: u64) -> U256 {
        let filter = json!({
            "address": text(deployment, "/l1/contracts/portal"),
            "fromBlock": "0x0",
            "toBlock": format!("{origin:#x}"),
            "topics": [
                IPortal::TransactionDeposited::SIGNATURE_HASH,
                key(DEPOSITOR).address().into_word(),
                self.depositee().into_word(),
            ],
        });
        let logs = l1.call("eth_getLogs", (filter,)).await;
        U256::from(logs.as_array().expect("logs").len())
    }
}

/// Wei of the dev accounts, of where fees and withdrawals go, and of `others`, after block `number`
/// of L2.
pub(crate) async fn supply(l2: &Rpc, deployment: &Value, others: &[Address], number: u64) -> U256 {
    let accounts = deployment["accounts"].as_array().expect("dev accounts").iter();
    let system = [SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT, L2_TO_L1_MESSAGE_PASSER];
    let accounts = accounts.map(|account| address(account, "/address"));
    let mut sum = U256::ZERO;
    for of in accounts.chain(system).chain(others.iter().copied()) {
        let balance = l2.call("eth_getBalance", (of, format!("{number:#x}"))).await;
        sum += super::number(&balance);
    }
    sum
}
