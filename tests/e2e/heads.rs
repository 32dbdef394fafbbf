//! The unsafe, safe and finalized heads, and the pace of blocks.

use crate::{
    on_both,
    support::{L1, Mezz, PATIENCE, ether, fresh_address, small, wait_until},
};
use std::time::{Duration, Instant};

on_both!(heads_follow_l1, &["--slots-in-an-epoch", "1"]);
async fn heads_follow_l1(l1: &L1) {
    let dir = tempfile::tempdir().unwrap();
    // Anvil's finality is its own option.
    let args: &[&str] = match l1 {
        L1::Embedded => &["--l1-finality", "2"],
        _ => &[],
    };
    let mezz = Mezz::up(dir.path(), l1, args).await;
    let l2 = mezz.l2();
    let start = Instant::now();
    let mut seen = (0, 0, 0);
    while seen.2 < 4 {
        // Asked in this order, none can overtake the one after it in between.
        let finalized = l2.tag("finalized").await;
        let safe = l2.tag("safe").await;
        let latest = l2.tag("latest").await;
        assert!(finalized <= safe && safe <= latest, "{finalized} {safe} {latest}");
        assert!(
            latest >= seen.0 && safe >= seen.1 && finalized >= seen.2,
            "heads go forward: {seen:?}, then {latest} {safe} {finalized}"
        );
        seen = (latest, safe, finalized);
        assert!(start.elapsed() < PATIENCE, "heads stand still at {seen:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let status = l2.call("optimism_syncStatus", ()).await;
    let of = |head: &str| small(&status[head]["number"]);
    assert!(of("finalized_l2") >= seen.2 && of("safe_l2") >= seen.1 && of("unsafe_l2") >= seen.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_blocks_a_second() {
    let _turn = crate::support::turn().await;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), &L1::Embedded, &["--block-time", "100ms"]).await;
    let l2 = mezz.l2();
    // Other tests take their share of the machine, so that it may be less for a while.
    wait_until("five blocks a second", || async {
        let (start, first) = (Instant::now(), l2.head().await);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let rate = (l2.head().await - first) as f64 / start.elapsed().as_secs_f64();
        assert!(rate <= 12.0, "{rate} blocks a second");
        rate >= 5.0
    })
    .await;
    l2.wait_tag("safe", l2.head().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_makes_blocks_on_demand() {
    let _turn = crate::support::turn().await;
    let dir = tempfile::tempdir().unwrap();
    let mezz = Mezz::up(dir.path(), &L1::Embedded, &["--l1-block-time", "on-demand"]).await;
    let receiver = fresh_address();
    mezz.client(&["deposit", "1", "--to", &receiver.to_string()]).await;
    assert_eq!(mezz.l2().balance(receiver).await, ether(1));
    mezz.l2().wait_tag("safe", 2).await;
}
