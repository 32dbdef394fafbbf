//! Deposits against the sequencer, and a sequencer against deposits.

use super::scene::{Ground, Scene, attack, origin};
use crate::{
    on_both,
    support::{L1, Mezz, assert_same_chain, ether, fresh_address, key, portal, small, text},
};
use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::SolCall,
};
use mezz_contracts::bindings::IPortal;
use mezz_derivation::batch::BatchBlock;

attack!(deposit_censored_by_the_sequencer);
async fn deposit_censored_by_the_sequencer(ground: Ground) {
    let scene = Scene::new(ground, &["--sequencing-window", "10"]).await;
    let receiver = fresh_address();
    let mined = scene.deposit(key(7), receiver, ether(1)).await;
    // The batcher posts blocks that never reach the deposit's origin.
    let mut batch = scene.batch(1, 1).await;
    let start = origin(&scene.l2, 1).await;
    assert!(start <= mined);
    let stays = BatchBlock { advances_origin: false, ..batch.blocks[0].clone() };
    batch.blocks.extend(vec![stays; 3]);
    scene.post(&batch).await;
    assert_eq!(scene.verifier.balance(receiver).await, ether(0));
    scene.l1.call("anvil_mine", ("0xc",)).await;
    scene.verifier.wait_balance(receiver, ether(1)).await;
    scene.recovers().await;
}

on_both!(deposits_that_spend_the_gas_of_a_block);
async fn deposits_that_spend_the_gas_of_a_block(l1: &L1) {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    let (l1, l2, portal) = (mezz.l1(), mezz.l2(), portal(&mezz.deployment()));
    // Init code that jumps to itself until its gas is gone: JUMPDEST PUSH1 0 JUMP.
    let endless = Bytes::from_static(&[0x5b, 0x60, 0x00, 0x56]);
    let burn = IPortal::depositTransactionCall {
        _to: Address::ZERO,
        _value: U256::ZERO,
        _gasLimit: 4_900_000,
        _isCreation: true,
        _data: endless,
    };
    let mut sent = Vec::new();
    for index in 3..8 {
        let call = burn.abi_encode().into();
        sent.push(l1.transact(key(index), portal, U256::ZERO, 12_000_000, call).await);
    }
    let receiver = fresh_address();
    let transfer = l2.send_raw(&key(2), 0, receiver, ether(1)).await.unwrap();
    let mut burnt = 0;
    for hash in &sent {
        let receipt = l1.wait_receipt(hash).await;
        burnt += u64::from(text(&receipt, "/status") == "0x1") * 4_900_000;
    }
    assert!(burnt >= 4 * 4_900_000, "{burnt} gas of deposits");
    l2.wait_balance(receiver, ether(1)).await;
    l2.wait_receipt(&transfer).await;

    let (node, verifier) = Mezz::verifier(other.path(), &mezz.l1_url(), &[]).await;
    let head = l2.head().await + 1;
    l2.wait_tag("safe", head).await;
    verifier.wait_tag("safe", head).await;
    assert_same_chain(&l2, &verifier, head).await;
    let mut gas = 0;
    for number in 0..=head {
        gas += small(&l2.block(number).await["gasUsed"]);
    }
    assert!(gas >= burnt, "{gas} gas on L2, {burnt} of them deposits");
    drop(node);
}
