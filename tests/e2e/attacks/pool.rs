//! Floods of the sequencer's pool: who pays is served all the while.

use crate::support::{L1, Mezz, Rpc, ether, fresh_address, key, number, small, turn};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Bytes, TxKind, U256, keccak256},
    signers::local::PrivateKeySigner,
};

const CHAIN_ID: u64 = 901;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flood_by_one_account() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), &L1::Embedded, &[]).await;
    let attacker = key(1);
    // Behind a gap: none of them can ever be executed.
    let mut taken = 0;
    for nonce in 1..=3_000 {
        let raw = signed(&attacker, nonce, 200, 1);
        taken += u32::from(mezz.l2().try_call("eth_sendRawTransaction", (raw,)).await.is_ok());
    }
    assert!((1..=1_024).contains(&taken), "{taken} were taken");
    assert!(small(&mezz.l2().call("txpool_status", ()).await["queued"]) <= 1_024);
    an_honest_user_is_served(&mezz.l2()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flood_by_many_accounts() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), &L1::Embedded, &["--gas-limit", "25000000"]).await;
    let l2 = mezz.l2();
    // Three blocks full of transactions that pay little.
    for index in 1..10 {
        let attacker = key(index);
        for nonce in 0..400 {
            l2.call("eth_sendRawTransaction", (signed(&attacker, nonce, 2, 0),)).await;
        }
    }
    an_honest_user_is_served(&l2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flood_by_unfunded_accounts() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), &L1::Embedded, &[]).await;
    for index in 0..1_000u32 {
        let stranger = PrivateKeySigner::from_bytes(&keccak256(index.to_be_bytes())).unwrap();
        let raw = signed(&stranger, 0, 200, 1);
        let refused = mezz.l2().try_call("eth_sendRawTransaction", (raw,)).await.unwrap_err();
        assert!(refused.contains("insufficient funds"), "{refused}");
    }
    let status = mezz.l2().call("txpool_status", ()).await;
    assert_eq!((small(&status["pending"]), small(&status["queued"])), (0, 0));
    an_honest_user_is_served(&mezz.l2()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flood_by_replaced_transactions() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), &L1::Embedded, &[]).await;
    let (l2, attacker) = (mezz.l2(), key(1));
    // Behind a gap, so that each replaces the one before. Each tenth raises its fees enough.
    let mut replaced = 0;
    for round in 0..600u128 {
        let fee = 1_000 * (100 + round);
        let raw = signed(&attacker, 1, fee, fee);
        match l2.try_call("eth_sendRawTransaction", (raw,)).await {
            Ok(_) => replaced += 1,
            Err(refused) => assert!(refused.contains("underpriced"), "{refused}"),
        }
    }
    assert!(replaced < 40, "{replaced} replacements at less than a tenth more each");
    assert_eq!(small(&l2.call("txpool_status", ()).await["queued"]), 1);
    an_honest_user_is_served(&l2).await;
}

/// Somebody who pays the usual fee is in a block soon.
async fn an_honest_user_is_served(l2: &Rpc) {
    let receiver = fresh_address();
    let head = l2.head().await;
    let hash = l2.send_raw(&key(0), 0, receiver, ether(1)).await.unwrap();
    let receipt = l2.wait_receipt(&hash).await;
    let waited = small(&receipt["blockNumber"]) - head;
    assert!(waited <= 4, "included after {waited} blocks");
    assert_eq!(l2.balance(receiver).await, number(&ether(1).to_string().into()));
}

/// A transfer that pays `fee` and `tip` gwei for a gas at most.
fn signed(from: &PrivateKeySigner, nonce: u64, fee: u128, tip: u128) -> Bytes {
    let gwei = 1_000_000_000;
    let mut tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee * gwei,
        max_priority_fee_per_gas: tip * gwei,
        to: TxKind::Call(from.address()),
        value: U256::from(1),
        ..TxEip1559::default()
    };
    let signature = from.sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}
