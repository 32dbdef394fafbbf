//! Each duty as a process of its own on an L1 that somebody else runs, with encrypted key files.

use crate::{
    on_both,
    support::{
        L1, Mezz, Rpc, Signal, ether, fresh_address, key, keystore, result, run_in, small, text,
    },
};

/// Dev accounts with the roles.
const DEPLOYER: u32 = 4;
const BATCHER: u32 = 5;
const PROPOSER: u32 = 6;
const USER: u32 = 7;

on_both!(each_duty_alone_on_an_outside_l1);
async fn each_duty_alone_on_an_outside_l1(l1: &L1) {
    // The embedded L1 comes with a chain on it, which is another one than this test's.
    let host = tempfile::tempdir().unwrap();
    let up = match l1 {
        L1::Embedded => Some(Mezz::up(host.path(), l1, &[]).await),
        _ => None,
    };
    let l1_url = match (l1, &up) {
        (L1::Anvil(anvil), _) => anvil.url.clone(),
        (_, Some(up)) => up.l1_url(),
        _ => unreachable!("one of the two"),
    };
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let on_l1 = ["--l1", &l1_url];
    let keys = [DEPLOYER, BATCHER, PROPOSER, USER].map(|index| keystore(dir, index));
    let [deployer_key, batcher_key, proposer_key, user_key] = keys.each_ref().map(String::as_str);

    let (batcher, proposer) = (key(BATCHER).address(), key(PROPOSER).address());
    let deployed = result(
        dir,
        &[
            &["deploy", "--keystore", deployer_key, "--l2-chain-id", "7777"][..],
            &["--batcher", &batcher.to_string(), "--proposer", &proposer.to_string()],
            &["--challenge-window", "20s", "--block-time", "500ms"],
            &on_l1[..],
        ]
        .concat(),
    )
    .await;
    let inbox = text(&deployed, "/inbox").to_owned();

    let sequencer_dir = dir.join("a");
    let args = ["--inbox", &inbox, "--l1-confirmations", "1"];
    let (mut sequencer, l2) = Mezz::node("sequencer", &sequencer_dir, &l1_url, &args).await;
    let (mut verifier, verified) =
        Mezz::verifier(&dir.join("b"), &l1_url, &["--inbox", &inbox]).await;
    let l2_url = ["--l2", l2.url()];

    for (duty, wrong) in [("batcher", proposer_key), ("proposer", batcher_key)] {
        let args = [&[duty, "--keystore", wrong], &on_l1[..], &l2_url].concat();
        run_in(dir, &args).await.assert_error("this key is");
    }
    let args = [
        &["batcher", "--keystore", batcher_key, "--batch-interval", "1s"][..],
        &on_l1[..],
        &l2_url,
    ];
    let mut posting = Mezz::spawn(&dir.join("c"), &args.concat());
    let args = [
        &["proposer", "--keystore", proposer_key, "--proposal-interval", "1s"][..],
        &on_l1[..],
        &["--l2", verified.url()],
    ];
    let mut proposing = Mezz::spawn(&dir.join("d"), &args.concat());

    let target = [&on_l1[..], &l2_url, &["--inbox", &inbox, "--keystore", user_key]].concat();
    let receiver = fresh_address().to_string();
    result(dir, &[&["deposit", "2"], &target[..]].concat()).await;
    result(dir, &[&["send", &receiver, "0.5"], &target[..]].concat()).await;
    let begun = [&["withdraw", "1", "--to", &receiver, "--until", "initiated"], &target[..]];
    let begun = result(dir, &begun.concat()).await;
    let tx = text(&begun, "/l2Transaction");
    let initiated = small(&l2.wait_receipt(tx).await["blockNumber"]);

    // Only what follows from final L1 blocks is proposed.
    l2.wait_tag("safe", initiated).await;
    verified.wait_tag("safe", initiated).await;
    let l1 = Rpc::new(&l1_url);
    l1.call("anvil_mine", ("0x50",)).await;
    verified.wait_tag("finalized", initiated).await;
    let proven = [&["withdraw", "--tx", tx, "--until", "proven"], &target[..]];
    result(dir, &proven.concat()).await;
    l1.call("evm_increaseTime", (25,)).await;
    l1.call("evm_mine", ()).await;
    result(dir, &[&["withdraw", "--tx", tx], &target[..]].concat()).await;
    let receiver = receiver.parse().unwrap();
    assert_eq!(l1.balance(receiver).await, ether(1));
    assert_eq!(verified.balance(receiver).await, ether(1) / alloy::primitives::U256::from(2));

    let target = [&on_l1[..], &l2_url, &["--inbox", &inbox]].concat();
    let status = result(dir, &[&["status"], &target[..]].concat()).await;
    assert!(small(&status["batches"]) > 0 && status["proposedBlock"].is_string(), "{status}");
    for duty in [&mut posting, &mut proposing, &mut verifier, &mut sequencer] {
        assert_eq!(duty.stop(Signal::Terminate).await.code(), Some(0), "{}", duty.stderr());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_another_chain_is_noticed() {
    let _turn = crate::support::turn().await;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Mezz::up(one.path(), &L1::Embedded, &[]).await;
    // Two chains that begin in the same second would else be the same.
    let second = Mezz::up(two.path(), &L1::Embedded, &["--l2-chain-id", "902"]).await;
    let (l1, l2) = (first.l1_url(), second.l2());
    let args = ["deposit", "1", "--l1", &l1, "--l2", l2.url()];
    run_in(one.path(), &args).await.assert_error("not on that of inbox");
    run_in(one.path(), &["status", "--l2", l2.url()]).await.assert_error("--l1");
}
