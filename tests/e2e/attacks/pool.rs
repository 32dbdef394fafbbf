//! Floods of the sequencer's pool: who pays is served all the while.

use crate::{
    on_both,
    support::{L1, Mezz, Rpc, ether, fresh_address, key, small},
};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Address, Bytes, TxKind, U256, keccak256},
    signers::local::PrivateKeySigner,
};

const CHAIN_ID: u64 = 901;

on_both!(flood_by_one_account);
async fn flood_by_one_account(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &["--gas-limit", "25000000"]).await;
    let (l2, attacker) = (mezz.l2(), key(1));
    // Behind a gap: none of them can ever be executed.
    let mut taken = 0;
    for nonce in 1..=3_000 {
        let raw = signed(&attacker, nonce, 200, 1);
        taken += u32::from(l2.try_call("eth_sendRawTransaction", (raw,)).await.is_ok());
    }
    assert!((1..=1_024).contains(&taken), "{taken} were taken");
    assert!(small(&l2.call("txpool_status", ()).await["queued"]) <= 1_024);
    // Without a gap: two fill a block.
    let attacker = key(2);
    for nonce in 0..120 {
        l2.call("eth_sendRawTransaction", (sign(&attacker, half_a_block(nonce)),)).await;
    }
    let waiting = small(&l2.call("txpool_status", ()).await["pending"]);
    assert!(waiting >= 20, "{waiting} are less than ten blocks full");
    let served = an_honest_user_is_served(&l2).await;
    let at = (attacker.address(), format!("{served:#x}"));
    let included = small(&l2.call("eth_getTransactionCount", at).await);
    assert!(included < 120, "the flood was over before");
    // However many blocks it would take, it cannot reach further than its share.
    let beyond = signed(&attacker, 120 + 16_384, 200, 1);
    let refused = l2.try_call("eth_sendRawTransaction", (beyond,)).await.unwrap_err();
    assert!(refused.contains("16384"), "{refused}");
}

on_both!(flood_by_many_accounts);
async fn flood_by_many_accounts(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &["--gas-limit", "25000000"]).await;
    let l2 = mezz.l2();
    // They pay little. A block has room for two that burn all their gas, and then for less than ten
    // transfers: nothing is left for who comes later.
    // Their first come last, so that none is in a block before all are here.
    for nonce in (0..12).rev() {
        for index in 1..5 {
            l2.call("eth_sendRawTransaction", (sign(&key(index), half_a_block(nonce)),)).await;
        }
    }
    for nonce in (0..40).rev() {
        for index in 5..10 {
            l2.call("eth_sendRawTransaction", (signed(&key(index), nonce, 2, 0),)).await;
        }
    }
    let waiting = small(&l2.call("txpool_status", ()).await["pending"]);
    assert!(waiting >= 120, "{waiting} are less than ten blocks full");
    let served = an_honest_user_is_served(&l2).await;
    for (attacker, sent) in [(4, 12), (9, 40)] {
        let at = (key(attacker).address(), format!("{served:#x}"));
        let included = small(&l2.call("eth_getTransactionCount", at).await);
        assert!(included < sent, "the flood was over before");
    }
}

/// Init code: stores one word after the other until the gas is gone, which keeps none of them.
const WRITES_FOR_EVER: [u8; 11] = [
    0x5f, // PUSH0
    0x5b, // JUMPDEST
    0x60, 0x01, 0x01, // PUSH1 1, ADD
    0x80, 0x80, 0x55, // DUP1, DUP1, SSTORE
    0x60, 0x01, // PUSH1 1
    0x56, // JUMP
];

on_both!(flood_by_unfunded_accounts);
async fn flood_by_unfunded_accounts(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
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

on_both!(flood_by_replaced_transactions);
async fn flood_by_replaced_transactions(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
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

/// Somebody who pays the usual fee is in the next block, or the one after it if that is being made.
/// Answers which.
async fn an_honest_user_is_served(l2: &Rpc) -> u64 {
    let receiver = fresh_address();
    let hash = l2.send_raw(&key(0), 0, receiver, ether(1)).await.unwrap();
    let head = l2.head().await;
    let receipt = l2.wait_receipt(&hash).await;
    let block = small(&receipt["blockNumber"]);
    let waited = block.saturating_sub(head);
    assert!(waited <= 2, "included after {waited} blocks");
    assert_eq!(l2.balance(receiver).await, ether(1));
    block
}

/// A transfer that pays `fee` and `tip` gwei for a gas at most.
fn signed(from: &PrivateKeySigner, nonce: u64, fee: u128, tip: u128) -> Bytes {
    sign(from, transfer(nonce, fee, tip))
}

/// Burns half the gas of a block of 25,000,000 and pays little, not signed.
fn half_a_block(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        gas_limit: 12_400_000,
        to: TxKind::Create,
        input: WRITES_FOR_EVER.into(),
        ..transfer(nonce, 2, 0)
    }
}

/// A transfer of a wei, not signed.
fn transfer(nonce: u64, fee: u128, tip: u128) -> TxEip1559 {
    let gwei = 1_000_000_000;
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee * gwei,
        max_priority_fee_per_gas: tip * gwei,
        to: TxKind::Call(Address::repeat_byte(0x42)),
        value: U256::from(1),
        ..TxEip1559::default()
    }
}

fn sign(from: &PrivateKeySigner, mut tx: TxEip1559) -> Bytes {
    let signature = from.sign_transaction_sync(&mut tx).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}
