//! The driver under reorganisations and restarts at every moment, on a simulated L1.

mod attacks;
mod logs;
mod random;
mod world;

use crate::feed::FeedItem;
use mezz_derivation::L1Ref;
use mezz_l1::BlockRef;
use world::{FIRST, L1, Node};

/// A sequencer that has posted what it made up to L1 block 105, and follows to its end.
async fn posted(dir: &std::path::Path) -> (L1, Node) {
    let mut l1 = L1::new();
    let mut node = Node::start(dir, &l1, true).await.unwrap();
    for _ in 0..5 {
        let batches = node.batch().into_iter().collect();
        l1.mine(1, batches);
        node.follow(&l1, u64::MAX, u64::MAX).unwrap();
        node.sequence(2).unwrap();
        node.assert_consistent(&l1);
    }
    assert!(node.safe().0 > 0);
    (l1, node)
}

#[tokio::test]
async fn restart_after_a_reorg_above_the_newest_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = posted(dir.path()).await;
    // The batch of the newest block is not to be had yet: no cursor, but blocks stand on it.
    let batches = node.batch().into_iter().collect();
    l1.mine(1, batches);
    node.follow(&l1, u64::MAX, 0).unwrap();
    node.sequence(2).unwrap();
    assert_eq!(node.driver.head.origin, l1.head().reference());
    assert!(node.driver.derived_to() < l1.head().number);
    drop(node);
    l1.drop(1);
    l1.mine(3, Vec::new());
    l1.mine(0, Vec::new());

    let mut node = Node::start(dir.path(), &l1, true).await.unwrap();
    node.follow(&l1, u64::MAX, u64::MAX).unwrap();
    node.assert_consistent(&l1);
    node.sequence(3).unwrap();
    node.assert_consistent(&l1);
    assert_eq!(node.driver.head.origin, l1.head().reference());
}

#[tokio::test]
async fn cursor_of_blocks_that_were_taken_off_is_not_trusted_when_their_l1_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = posted(dir.path()).await;
    let whole = l1.clone();
    l1.drop(4);
    node.follow(&l1, u64::MAX, u64::MAX).unwrap();
    node.assert_consistent(&l1);
    drop(node);
    let mut node = Node::start(dir.path(), &whole, true).await.unwrap();
    node.follow(&whole, u64::MAX, u64::MAX).unwrap();
    node.sequence(2).unwrap();
    node.assert_consistent(&whole);
    assert_eq!(node.driver.head.origin, whole.head().reference());
}

#[tokio::test]
async fn sequencing_goes_on_when_l1_is_shorter_than_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, node) = posted(dir.path()).await;
    drop(node);
    let mut node = Node::start(dir.path(), &l1, true).await.unwrap();
    node.follow(&l1, u64::MAX, u64::MAX).unwrap();
    l1.drop(3);
    node.follow(&l1, u64::MAX, u64::MAX).unwrap();
    let before = node.driver.head.number;
    node.sequence(2).unwrap();
    assert_eq!(node.driver.head.number, before + 2);
    node.assert_consistent(&l1);
}

#[tokio::test]
async fn batches_that_were_derived_are_not_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let (l1, node) = posted(dir.path()).await;
    let safe = node.safe();
    drop(node);
    let mut node = Node::start(dir.path(), &l1, true).await.unwrap();
    // No batch is given.
    node.follow(&l1, u64::MAX, 0).unwrap();
    assert_eq!(node.safe(), safe);
    node.sequence(1).unwrap();
    node.assert_consistent(&l1);
}

#[tokio::test]
async fn sequencer_that_was_away_beyond_the_window_is_heard_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = posted(dir.path()).await;
    for _ in 0..30 {
        l1.mine(1, Vec::new());
        node.follow(&l1, u64::MAX, u64::MAX).unwrap();
        node.sequence(2).unwrap();
        node.assert_consistent(&l1);
    }
    // Every batch takes three L1 blocks to get there.
    let mut caught_up = false;
    for _ in 0..6 {
        let on_its_way = node.batch();
        for landing in [false, false, true] {
            let batches = on_its_way.iter().filter(|_| landing).cloned().collect();
            l1.mine(1, batches);
            node.follow(&l1, u64::MAX, u64::MAX).unwrap();
            node.sequence(2).unwrap();
            node.assert_consistent(&l1);
        }
        caught_up |= node.driver.deriver.cursor().safe.origin.number + 4 >= l1.head().number;
    }
    assert!(caught_up, "safe origin {:?}", node.driver.deriver.cursor().safe.origin);
}

#[tokio::test]
async fn l1_that_was_changed_before_following_began_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, node) = posted(dir.path()).await;
    drop(node);
    let mut node = Node::start(dir.path(), &l1, true).await.unwrap();
    l1.drop(5);
    l1.mine(2, Vec::new());
    for _ in 0..6 {
        l1.mine(0, Vec::new());
    }
    let error = node.follow(&l1, u64::MAX, u64::MAX).unwrap_err();
    assert!(matches!(error, super::DriverError::L1Changed), "{error}");
    drop(node);
    let mut node = Node::start(dir.path(), &l1, true).await.unwrap();
    node.follow(&l1, u64::MAX, u64::MAX).unwrap();
    node.assert_consistent(&l1);
    assert!(node.driver.derived_to() > FIRST);
}

#[tokio::test]
async fn development_l1_takes_back_what_was_final() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = posted(dir.path()).await;
    let L1Ref { number, hash } = l1.head().reference();
    node.driver.on_feed(FeedItem::Finalized(BlockRef { number, hash })).unwrap();
    assert!(node.driver.chain.heads().finalized.number > 0);
    for restart in [false, true] {
        l1.drop(2);
        l1.mine(1, Vec::new());
        if restart {
            drop(node);
            node = Node::start(dir.path(), &l1, true).await.unwrap();
        }
        node.follow(&l1, u64::MAX, u64::MAX).unwrap();
        node.sequence(1).unwrap();
        node.assert_consistent(&l1);
    }
}
