//! Clients that never rest: payments, deposits and withdrawals, and one that looks at what the
//! chain shows. All of it is told to a [`Witness`].

use super::{Rpc, Witness, key, portal, small};
use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::SolCall,
};
use mezz_contracts::bindings::IL2ToL1MessagePasser;
use mezz_primitives::addresses::L2_TO_L1_MESSAGE_PASSER;
use serde_json::Value;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Dev account that deposits, [`DEPOSIT`] wei each time.
pub(super) const DEPOSITOR: u32 = 5;
/// Dev account that pays, a wei each time.
pub(super) const PAYER: u32 = 6;
/// Dev account that withdraws, [`WITHDRAWAL`] wei each time.
pub(super) const WITHDRAWER: u32 = 7;
/// Wei of a deposit.
pub(super) const DEPOSIT: u64 = 10_000_000_000_000_000;
/// Wei of a withdrawal.
pub(super) const WITHDRAWAL: u64 = 1_000_000_000;
/// After a refusal, or while the node is away.
const PAUSE: Duration = Duration::from_millis(100);

/// Clients of one run of the nodes. They end when this goes.
#[derive(Debug)]
pub(crate) struct Load(Vec<JoinHandle<()>>);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Load {
    /// Clients of the chain of `deployment`.
    pub(crate) fn start(witness: &Witness, l1: &Rpc, l2: &Rpc, deployment: &Value) -> Self {
        Self(vec![
            tokio::spawn(watch(witness.clone(), l2.clone())),
            tokio::spawn(pay(witness.clone(), l2.clone())),
            tokio::spawn(withdraw(witness.clone(), l2.clone())),
            tokio::spawn(deposit(witness.clone(), l1.clone(), portal(deployment))),
        ])
    }
}

/// Notes what is shown: heads, and which transactions are in blocks.
async fn watch(witness: Witness, l2: Rpc) {
    loop {
        for tag in ["safe", "latest"] {
            if let Ok(block) = l2.try_call("eth_getBlockByNumber", (tag, false)).await {
                witness.saw(tag, &block);
            }
        }
        for hash in witness.pending() {
            match l2.try_call("eth_getTransactionReceipt", (&hash,)).await {
                Ok(receipt) if !receipt.is_null() => witness.mined(&hash),
                _ => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn next_nonce(l2: &Rpc, of: Address) -> u64 {
    loop {
        match l2.try_call("eth_getTransactionCount", (of, "pending")).await {
            Ok(count) => return small(&count),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn pay(witness: Witness, l2: Rpc) {
    let payer = key(PAYER);
    let mut nonce = next_nonce(&l2, payer.address()).await;
    loop {
        match l2.send_raw(&payer, nonce, witness.payee(), U256::ONE).await {
            Ok(hash) => {
                witness.sent(hash);
                nonce += 1;
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                nonce = next_nonce(&l2, payer.address()).await;
            }
        }
    }
}

async fn withdraw(witness: Witness, l2: Rpc) {
    let withdrawer = key(WITHDRAWER);
    let call = IL2ToL1MessagePasser::initiateWithdrawalCall {
        _target: witness.payee(),
        _gasLimit: U256::from(100_000),
        _data: Bytes::new(),
    };
    let input = Bytes::from(call.abi_encode());
    let value = U256::from(WITHDRAWAL);
    loop {
        let nonce = next_nonce(&l2, withdrawer.address()).await;
        let to = L2_TO_L1_MESSAGE_PASSER;
        let sent = l2.send_call(&withdrawer, nonce, to, value, 300_000, input.clone()).await;
        if let Ok(hash) = sent {
            witness.sent(hash);
        }
        tokio::time::sleep(Duration::from_millis(170)).await;
    }
}

async fn deposit(witness: Witness, l1: Rpc, portal: Address) {
    loop {
        let value = U256::from(DEPOSIT);
        let sent = l1.try_deposit(portal, key(DEPOSITOR), witness.depositee(), value).await;
        if let Ok(hash) = sent {
            witness.deposited(hash);
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
}
