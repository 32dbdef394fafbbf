//! Batches that a batcher posts by mistake or in bad faith, at a running node: none moves the safe
//! head, none stops the node, each is in the books with what it cost, and the right batch counts
//! after it.

use super::world::{L1, Node};
use crate::books;
use mezz_derivation::{
    Batch,
    batch::{Compression, DecodeError, MAX_BATCH_BYTES, encode},
    blob::BlobError,
    derive::{BatchData, DropReason},
};

/// A sequencer with two blocks that are not posted, on an L1 of a few blocks.
async fn unposted(dir: &std::path::Path) -> (L1, Node) {
    let mut l1 = L1::new();
    let mut node = Node::start(dir, &l1, true).await.unwrap();
    for _ in 0..3 {
        l1.mine(1, Vec::new());
        node.follow(&l1, u64::MAX, u64::MAX).unwrap();
        node.sequence(1).unwrap();
    }
    node.assert_consistent(&l1);
    assert_eq!(node.safe().0, 0);
    (l1, node)
}

/// The batch that the node would post.
fn right(node: &Node) -> Batch {
    let Some(BatchData::Calldata(data)) = node.batch() else { panic!("nothing to post") };
    Batch::decode(&data, 901).unwrap()
}

fn data(batch: &Batch) -> BatchData {
    BatchData::Calldata(encode(batch, 901, Compression::default()).unwrap().into())
}

/// Posts these batches in one L1 block; answers how many were in vain.
fn post(l1: &mut L1, node: &mut Node, batches: Vec<BatchData>) -> u64 {
    let before = books::newest(&node.driver.chain, 0).unwrap().totals.in_vain;
    l1.mine(1, batches);
    node.follow(l1, u64::MAX, u64::MAX).unwrap();
    node.assert_consistent(l1);
    books::newest(&node.driver.chain, 0).unwrap().totals.in_vain - before
}

/// Posts something that must not count, then what must.
fn assert_in_vain(l1: &mut L1, node: &mut Node, attack: Vec<BatchData>) {
    let safe = node.safe();
    let count = attack.len() as u64;
    assert_eq!(post(l1, node, attack), count);
    assert_eq!(node.safe(), safe, "it moved the safe head");
    let good = node.batch().unwrap();
    assert_eq!(post(l1, node, vec![good]), 0);
    assert!(node.safe().0 > safe.0, "the right batch does not count any more");
}

/// Why these bytes are no batch.
fn refusal(data: &BatchData) -> DropReason {
    match data.bytes() {
        Ok(bytes) => Batch::decode(&bytes, 901).unwrap_err().into(),
        Err(error) => error.into(),
    }
}

#[tokio::test]
async fn attack_malformed_batch() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let BatchData::Calldata(good) = data(&right(&node)) else { unreachable!() };
    let mut attacks = vec![
        BatchData::Calldata(vec![].into()),
        BatchData::Calldata(vec![0xff; 100].into()),
        BatchData::Calldata(good.slice(..good.len() - 1)),
        BatchData::Calldata([&good[..], &[0]].concat().into()),
        BatchData::Blobs(vec![]),
        BatchData::Blobs(vec![vec![0xff; 131_072].into()]),
    ];
    // Each byte of the header wrong.
    attacks.extend((0..42).map(|place| {
        let mut bad = good.to_vec();
        bad[place] ^= 0x40;
        BatchData::Calldata(bad.into())
    }));
    assert_in_vain(&mut l1, &mut node, attacks);
}

#[tokio::test]
async fn attack_oversized_batch() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let BatchData::Calldata(good) = data(&right(&node)) else { unreachable!() };
    let mut long = good.to_vec();
    long.resize(MAX_BATCH_BYTES + 1, 0);
    let blobs = vec![vec![0; 131_072].into(); 7];
    let attacks = vec![BatchData::Calldata(long.into()), BatchData::Blobs(blobs)];
    assert_eq!(refusal(&attacks[0]), DecodeError::TooLong(MAX_BATCH_BYTES + 1).into());
    assert_eq!(refusal(&attacks[1]), BlobError::Count(7).into());
    assert_in_vain(&mut l1, &mut node, attacks);
}

#[tokio::test]
async fn attack_bomb_batch() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let BatchData::Calldata(good) = data(&right(&node)) else { unreachable!() };
    // The header of the right batch, and then a stream that announces 256 MiB.
    let mut bomb = good[..header_length(&good)].to_vec();
    bomb[1] = 2;
    bomb.push(64);
    bomb.extend_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    bomb.extend_from_slice(&[0; 60]);
    let bomb = BatchData::Calldata(bomb.into());
    assert_eq!(refusal(&bomb), DecodeError::PayloadTooLong.into());
    assert_in_vain(&mut l1, &mut node, vec![bomb]);
}

/// Bytes before the length of the columns.
fn header_length(data: &[u8]) -> usize {
    // Version, compressor and checks, then three numbers.
    let mut at = 42;
    for _ in 0..3 {
        at += data[at..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
    }
    at
}

#[tokio::test]
async fn attack_out_of_order_batch() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let mut second = right(&node);
    let first = second.blocks.remove(0);
    second.first_number += 1;
    second.parent_check = mezz_derivation::batch::hash_check(&node.hash(1).unwrap());
    assert!(first.transactions.is_empty());
    assert_in_vain(&mut l1, &mut node, vec![data(&second)]);
}

#[tokio::test]
async fn attack_duplicate_batch() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let good = data(&right(&node));
    // Twice in one block, and again in the next: it counts once.
    assert_eq!(post(&mut l1, &mut node, vec![good.clone(), good.clone()]), 1);
    let safe = node.safe();
    assert!(safe.0 > 0);
    node.sequence(1).unwrap();
    assert_in_vain(&mut l1, &mut node, vec![good]);
}

#[tokio::test]
async fn attack_batch_on_another_parent() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let mut other = right(&node);
    other.parent_check.0[0] ^= 1;
    assert_in_vain(&mut l1, &mut node, vec![data(&other)]);
}

#[tokio::test]
async fn attack_batch_whose_origin_runs_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    // One block more than there are origins: the last one's is the L1 block of the batch.
    let mut ahead = right(&node);
    let last = ahead.blocks.last().unwrap().clone();
    while ahead.blocks.iter().filter(|block| block.advances_origin).count() < 4 {
        let block = mezz_derivation::BatchBlock {
            timestamp: last.timestamp + 10,
            advances_origin: true,
            transactions: Vec::new(),
        };
        ahead.blocks.push(block);
    }
    assert_in_vain(&mut l1, &mut node, vec![data(&ahead)]);
}

#[tokio::test]
async fn attack_batch_whose_origin_is_behind_the_window() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let late = data(&right(&node));
    // The window of eight blocks passes: the chain goes on alone, on the first origins.
    for _ in 0..9 {
        l1.mine(0, Vec::new());
        node.follow(&l1, u64::MAX, u64::MAX).unwrap();
    }
    let safe = node.safe();
    assert!(safe.0 > 0, "the window has not passed");
    assert_eq!(post(&mut l1, &mut node, vec![late]), 1);
    assert_eq!(node.safe(), safe);
}

#[tokio::test]
async fn attack_batch_on_a_reorged_origin() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let orphaned = data(&right(&node));
    // L1 has other blocks at the heights of the origins.
    l1.drop(2);
    l1.mine(1, Vec::new());
    l1.mine(0, Vec::new());
    node.follow(&l1, u64::MAX, u64::MAX).unwrap();
    node.sequence(3).unwrap();
    node.assert_consistent(&l1);
    assert_in_vain(&mut l1, &mut node, vec![orphaned]);
}

#[tokio::test]
async fn attack_more_transactions_than_a_block_has_gas_for() {
    let dir = tempfile::tempdir().unwrap();
    let (mut l1, mut node) = unposted(dir.path()).await;
    let mut batch = right(&node);
    // A legacy transaction of nobody.
    let raw = alloy::primitives::bytes!("c98080808080801b8080");
    let most = usize::try_from(node.driver.config.gas_limit / 21_000).unwrap();
    let block = &mut batch.blocks[0];
    block.transactions = vec![raw; most + 1];
    assert_in_vain(&mut l1, &mut node, vec![data(&batch)]);
}
