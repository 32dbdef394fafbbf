//! Deposits against the sequencer, and a sequencer against deposits.

use super::scene::{Ground, Scene, attack};
use crate::{
    on_both,
    support::{
        ISending, L1, Mezz, address, assert_same_chain, ether, events, fresh_address, init_code,
        key, portal, small, supply, text, wait_until,
    },
};
use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::SolCall,
};
use mezz_contracts::bindings::IPortal;
use mezz_derivation::batch::BatchBlock;
use mezz_primitives::deposit::alias_l1_address;
use serde_json::Value;

attack!(deposit_censored_by_the_sequencer);
async fn deposit_censored_by_the_sequencer(ground: Ground) {
    let scene = Scene::new(ground, &["--sequencing-window", "60"]).await;
    let receiver = fresh_address();
    let mined = scene.deposit(key(7), receiver, ether(1)).await;
    // The batcher posts blocks that never reach the deposit's origin.
    let mut batch = scene.batch(1, 1).await;
    let start = scene.l2.origin(1).await;
    assert!(start <= mined);
    let stays = BatchBlock { advances_origin: false, ..batch.blocks[0].clone() };
    batch.blocks.extend(vec![stays; 3]);
    scene.post(&batch).await;
    assert_eq!(scene.verifier.balance(receiver).await, ether(0));
    scene.l1.call("anvil_mine", ("0x3e",)).await;
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
    let (mut burnt, mut last) = (0, 0);
    for hash in &sent {
        let receipt = l1.wait_receipt(hash).await;
        burnt += u64::from(text(&receipt, "/status") == "0x1") * 4_900_000;
        last = last.max(small(&receipt["blockNumber"]));
    }
    assert!(burnt >= 4 * 4_900_000, "{burnt} gas of deposits");
    l2.wait_balance(receiver, ether(1)).await;
    l2.wait_receipt(&transfer).await;
    wait_until("all deposits are on L2", || async { l2.origin(l2.head().await).await >= last })
        .await;

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

on_both!(contract_poses_as_the_account_of_its_address);
async fn contract_poses_as_the_account_of_its_address(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    let (l1, l2, portal) = (mezz.l1(), mezz.l2(), portal(&mezz.deployment()));
    let (thief, owner, caller) = (key(3), key(7), key(8));
    let held = l1.balance(portal).await;
    let begun = supply(&l2, &mezz.deployment(), &[], 0).await;
    let rich = l2.balance(caller.address()).await;

    // A contract of the thief's, and one that will only ever be there while it is created. On L2
    // their addresses are somebody else's, who has two ether at each.
    let contract = l1.create(thief.clone(), init_code("Sending", &[])).await;
    let contract = address(&contract, "/contractAddress");
    let constructor = thief.address().create(l1.nonce(thief.address()).await);
    for account in [contract, constructor] {
        l1.deposit(portal, owner.clone(), account, ether(2)).await;
    }
    let (alias, other) = (alias_l1_address(contract), alias_l1_address(constructor));
    let loot = [fresh_address(), fresh_address(), fresh_address()];
    let take = |to: Address, value: U256| IPortal::depositTransactionCall {
        _to: to,
        _value: value,
        _gasLimit: 100_000,
        _isCreation: false,
        _data: Bytes::new(),
    };

    // As the account of the contract's address, it would have the two and the one that it brings;
    // as the account that calls it, ten thousand.
    let call = take(loot[0], ether(3));
    let go = ISending::goCall { target: portal, data: call.abi_encode().into() };
    let sent = l1.execute(caller.clone(), contract, ether(1), &go).await;
    assert_eq!(depositor(&sent), alias);
    // In its constructor it has no code, as an account has none.
    let sent = l1.create(thief, calls_once(portal, &take(loot[1], ether(2)))).await;
    assert_eq!(address(&sent, "/contractAddress"), constructor);
    assert_eq!(depositor(&sent), other);
    // What the contract itself has on L2, it can spend.
    let call = take(loot[2], ether(1));
    let go = ISending::goCall { target: portal, data: call.abi_encode().into() };
    let sent = l1.execute(caller.clone(), contract, ether(0), &go).await;
    assert_eq!(depositor(&sent), alias);

    l2.wait_balance(loot[2], ether(1)).await;
    for (account, wei, nonce) in [
        (contract, ether(2), 0),
        (constructor, ether(2), 0),
        (caller.address(), rich, 0),
        (alias, ether(0), 2),
        (other, ether(0), 1),
        (loot[0], ether(0), 0),
        (loot[1], ether(0), 0),
    ] {
        assert_eq!(l2.balance(account).await, wei, "{account}");
        assert_eq!(l2.nonce(account).await, nonce, "{account}");
    }
    let accounts = [contract, constructor, alias, other, loot[0], loot[1], loot[2]];
    let now = supply(&l2, &mezz.deployment(), &accounts, l2.head().await).await;
    assert_eq!(now, begun + ether(5));
    assert_eq!(l1.balance(portal).await, held + ether(5));
}

/// Who L2 is told has made the one deposit of an L1 transaction.
fn depositor(receipt: &Value) -> Address {
    let deposits = events::<IPortal::TransactionDeposited>(receipt);
    let [deposit] = &deposits[..] else { panic!("{} deposits", deposits.len()) };
    deposit.from
}

/// Init code that makes one call, which must succeed, and leaves an empty contract.
fn calls_once(to: Address, call: &impl SolCall) -> Bytes {
    let data = call.abi_encode();
    let [high, low] = u16::try_from(data.len()).unwrap().to_be_bytes();
    let code: [&[u8]; 5] = [
        // PUSH2 length, PUSH1 end of the code, PUSH0, CODECOPY
        &[0x61, high, low, 0x60, 0x2f, 0x5f, 0x39],
        // No answer, the data, no value: PUSH0, PUSH0, PUSH2 length, PUSH0, PUSH0, PUSH20 ...
        &[0x5f, 0x5f, 0x61, high, low, 0x5f, 0x5f, 0x73],
        to.as_slice(),
        // GAS, CALL, PUSH1 success, JUMPI, PUSH0, PUSH0, REVERT
        &[0x5a, 0xf1, 0x60, 0x2b, 0x57, 0x5f, 0x5f, 0xfd],
        // success: JUMPDEST, PUSH0, PUSH0, RETURN
        &[0x5b, 0x5f, 0x5f, 0xf3],
    ];
    [&code.concat()[..], &data].concat().into()
}
