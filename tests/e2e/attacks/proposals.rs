//! A proposer that lies, or whose key is stolen: whoever has the chain is told, and what the
//! guardian discards does not stop the honest proposer.

use crate::{
    on_both,
    support::{L1, Mezz, Rpc, ether, games, text, wait_within},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::{SolCall, SolValue},
};
use mezz_contracts::{
    bindings::{IAnchorStateRegistry, IDisputeGame, IDisputeGameFactory},
    deploy::GAME_TYPE,
};
use serde_json::json;
use std::time::Duration;

on_both!(false_proposals_are_noticed_and_stop_nobody);
async fn false_proposals_are_noticed_and_stop_nobody(l1: &L1) {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    let (node, _) = Mezz::verifier(other.path(), &mezz.l1_url(), &[]).await;
    let (l1, deployment) = (mezz.l1(), mezz.deployment());
    let address = |name: &str| -> Address {
        text(&deployment, &format!("/l1/contracts/{name}")).parse().unwrap()
    };
    let (factory, registry) = (address("disputeGameFactory"), address("anchorStateRegistry"));
    wait_within(Duration::from_secs(60), "a first proposal", || async {
        !games(&l1, factory).await.is_empty()
    })
    .await;
    let honest = games(&l1, factory).await[0].proxy;
    let thief = l1.read(honest, &IDisputeGame::gameCreatorCall {}).await;
    assert!(!mezz.stderr().contains("FALSE"), "{}", mezz.stderr());

    // One root of a block that there is, and one of a block that there never will be.
    let bond = l1.read(factory, &IDisputeGameFactory::initBondsCall { gameType: GAME_TYPE }).await;
    for number in [U256::from(1), U256::from(u64::MAX)] {
        let create = IDisputeGameFactory::createCall {
            _gameType: GAME_TYPE,
            _rootClaim: B256::repeat_byte(0x66),
            _extraData: number.abi_encode().into(),
        };
        send_as(&l1, thief, factory, &create, bond).await;
    }
    let all = games(&l1, factory).await;
    let lies = all.iter().filter(|game| game.root == B256::repeat_byte(0x66));
    let lies: Vec<_> = lies.map(|game| game.proxy).collect();
    assert_eq!(lies.len(), 2);
    for process in [&mezz, &node] {
        wait_within(Duration::from_secs(60), "both are told", || async {
            let log = process.stderr();
            lies.iter().all(|lie| {
                log.lines().any(|line| line.contains("FALSE") && line.contains(&lie.to_string()))
            })
        })
        .await;
        let told = process.stderr().lines().filter(|line| line.contains("FALSE")).count();
        assert_eq!(told, 2, "{}", process.stderr());
    }

    let guardian = l1.read(registry, &IAnchorStateRegistry::guardianCall {}).await;
    for game in lies.clone() {
        let discard = IAnchorStateRegistry::blacklistDisputeGameCall { game };
        send_as(&l1, guardian, registry, &discard, U256::ZERO).await;
    }
    let shown = mezz.client(&["status"]).await;
    assert_ne!(text(&shown, "/proposedBlock"), u64::MAX.to_string(), "{shown}");
    let before = games(&l1, factory).await.len();
    wait_within(Duration::from_secs(60), "the honest proposer goes on", || async {
        let now = games(&l1, factory).await;
        now.len() > before && now.last().is_some_and(|game| !lies.contains(&game.proxy))
    })
    .await;
}

/// Sends a call for somebody whose key the development L1 does without; it must succeed.
pub(super) async fn send_as(
    l1: &Rpc,
    from: Address,
    to: Address,
    call: &impl SolCall,
    value: U256,
) {
    l1.call("anvil_impersonateAccount", (from,)).await;
    l1.call("anvil_setBalance", (from, ether(10))).await;
    let input = Bytes::from(call.abi_encode());
    let request = json!({ "from": from, "to": to, "input": input, "value": value });
    let hash = l1.call("eth_sendTransaction", (request,)).await;
    let receipt = l1.wait_receipt(hash.as_str().unwrap()).await;
    assert_eq!(text(&receipt, "/status"), "0x1", "{receipt}");
}
