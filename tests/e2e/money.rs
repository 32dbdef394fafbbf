//! Ether on its way in, within and out: exact to the wei, and resumable.

use crate::{
    on_both,
    support::{L1, Mezz, Signal, ether, fresh_address, key, number, text},
};

on_both!(ether_goes_in_around_and_out);
async fn ether_goes_in_around_and_out(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mut mezz = Mezz::up(dir.path(), l1, &[]).await;
    let held = |status: serde_json::Value| number(&status["portalBalance"]);
    let before = held(mezz.client(&["status"]).await);

    let receiver = fresh_address();
    let to = receiver.to_string();
    let deposit = mezz.client(&["deposit", "1.5", "--to", &to]).await;
    assert_eq!(mezz.l2().balance(receiver).await, ether(3) / number(&2.into()));
    let receipt = mezz.l2().wait_receipt(text(&deposit, "/l2Transaction")).await;
    assert_eq!(text(&receipt, "/type"), "0x7e");
    assert_eq!(held(mezz.client(&["status"]).await), before + ether(3) / number(&2.into()));

    let (alice, bob) = (key(1).address(), fresh_address());
    let alice_before = mezz.l2().balance(alice).await;
    let sent = mezz.client(&["send", &bob.to_string(), "300wei", "--from", "1"]).await;
    assert_eq!(mezz.l2().balance(bob).await, number(&300.into()));
    let paid = alice_before - mezz.l2().balance(alice).await;
    assert_eq!(paid, number(&300.into()) + number(&sent["fee"]), "{sent}");

    let out = fresh_address();
    let begun = mezz
        .client(&["withdraw", "1", "--to", &out.to_string(), "--until", "initiated", "--from", "2"])
        .await;
    assert_eq!(text(&begun, "/step"), "initiated");
    let tx = text(&begun, "/l2Transaction").to_owned();

    // Nothing about the withdrawal is kept but the two chains.
    assert!(mezz.stop(Signal::Terminate).await.success());
    let mut mezz = Mezz::up(dir.path(), l1, &[]).await;
    let go_on = ["withdraw", "--tx", &tx, "--from", "2"];
    let proven = mezz.client(&[&go_on[..], &["--until", "proven"]].concat()).await;
    assert_eq!(text(&proven, "/step"), "proven");
    assert_eq!(mezz.l1().balance(out).await, number(&0.into()), "not before the window is over");

    assert!(mezz.stop(Signal::Kill).await.code().is_none());
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    mezz.client(&["l1", "increase-time", "2m"]).await;
    let done = mezz.client(&go_on).await;
    assert_eq!(text(&done, "/step"), "finalized");
    assert_eq!(mezz.l1().balance(out).await, ether(1));
    assert_eq!(held(mezz.client(&["status"]).await), before + ether(1) / number(&2.into()));

    // Once more pays nothing more.
    let again = crate::support::run_in(dir.path(), &go_on).await;
    assert!(again.success && again.stdout.contains("already"), "{again:?}");
    assert_eq!(mezz.l1().balance(out).await, ether(1));
    let balances = mezz.client(&["balance", &out.to_string()]).await;
    assert_eq!(number(&balances[0]["l1"]), ether(1));
    assert_eq!(number(&balances[0]["l2"]), number(&0.into()));
}

on_both!(time_on_l1_does_not_stop_l2);
async fn time_on_l1_does_not_stop_l2(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    let mut mezz = Mezz::up(dir.path(), l1, &[]).await;
    mezz.client(&["l1", "increase-time", "1d"]).await;
    let head = mezz.l2().head().await;
    mezz.l2().wait_tag("safe", head + 2).await;
    assert!(mezz.stop(Signal::Terminate).await.success());
    let mezz = Mezz::up(dir.path(), l1, &[]).await;
    let head = mezz.l2().head().await;
    mezz.l2().wait_tag("safe", head + 2).await;
}
