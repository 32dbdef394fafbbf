//! A batcher that lies. Whatever it posts, all nodes derive the same chain and an honest batcher
//! can go on.

use super::scene::{Ground, L2_CHAIN_ID, Scene, attack, encode};
use crate::support::{ether, fresh_address, key, small, text};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Bytes, TxKind},
};
use mezz_derivation::{
    batch::{
        Batch, BatchBlock, HashCheck, MAX_BATCH_BYTES, MAX_BLOCKS, MAX_PAYLOAD_BYTES, hash_check,
    },
    blob::{self, MAX_BLOBS},
};
use mezz_l1::{SendError, blob_commitment};

attack!(malformed_batch);
async fn malformed_batch(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let good = encode(&scene.batch(1, 3).await);
    let mut other_version = good.clone();
    other_version[0] = 0xff;
    let mut flipped = good.clone();
    let middle = flipped.len() - 3;
    flipped[middle] ^= 0x55;
    let longer = [&good[..], &[0]].concat();
    for bad in [&b"nonsense"[..], &good[..good.len() - 1], &other_version, &flipped, &longer] {
        scene.post_bytes(bad).await;
        assert_eq!(scene.safe().await, 0);
    }
    scene.post_bytes(&good).await;
    assert_eq!(scene.safe().await, 3);
    scene.recovers().await;
}

attack!(malformed_blobs);
async fn malformed_blobs(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let good = blob::to_blobs(&encode(&scene.batch(1, 3).await)).unwrap();
    let mut other_packing = good.clone();
    other_packing[0][31] ^= 0x40;
    let mut padded = good.clone();
    padded[0][blob::BYTES_PER_BLOB - 1] = 1;
    scene.post_blobs(other_packing).await;
    scene.post_blobs(padded).await;
    assert_eq!(scene.safe().await, 0);
    scene.post_blobs(good).await;
    assert_eq!(scene.safe().await, 3);
    scene.recovers().await;
}

attack!(commitments_of_other_blobs);
async fn commitments_of_other_blobs(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let good = scene.batch(1, 2).await;
    let blobs = blob::to_blobs(&vec![0xa5; MAX_BATCH_BYTES]).unwrap();
    let others = blob::to_blobs(&vec![0x5a; MAX_BATCH_BYTES]).unwrap();
    let commitments: Vec<_> = others.iter().map(|blob| blob_commitment(blob).unwrap()).collect();
    // The blobs themselves are read, and are no batch.
    scene.post_blobs_saying(&commitments, blobs).await;
    scene.assert_dropped("unknown batch version 165");
    assert_eq!(scene.safe().await, 0);
    scene.post(&good).await;
    assert_eq!(scene.safe().await, 2);
    scene.recovers().await;
}

attack!(oversized_batch);
async fn oversized_batch(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let real = scene.batch(1, 2).await;
    // A byte more than the blobs hold, as they say themselves: version and length come after the
    // top byte of the first field element.
    let mut blobs = blob::to_blobs(&vec![0xa5; MAX_BATCH_BYTES]).unwrap();
    let length = u32::try_from(MAX_BATCH_BYTES + 1).unwrap();
    blobs[0][2..5].copy_from_slice(&length.to_be_bytes()[1..]);
    scene.post_blobs(blobs).await;
    scene.assert_dropped(&format!("length {length} does not belong to {MAX_BLOBS} blobs"));
    // A block more than a batch may have; the first two are right.
    scene.post_bytes(&followed_by_empty_blocks(&real, MAX_BLOCKS + 1)).await;
    scene.assert_dropped(&format!("{} blocks, between 1 and", MAX_BLOCKS + 1));
    assert_eq!(scene.safe().await, 0);
    // As many as a batch may have are fine.
    scene.post_bytes(&followed_by_empty_blocks(&real, 2)).await;
    assert_eq!(scene.safe().await, 2);
    scene.recovers().await;
}

/// A batch of two blocks without transactions, and more at the time and on the origin of the
/// second, `count` in all.
fn followed_by_empty_blocks(batch: &Batch, count: usize) -> Vec<u8> {
    let [first, second] = &batch.blocks[..] else { panic!("two blocks") };
    assert!(first.transactions.is_empty() && second.transactions.is_empty());
    let mut deltas = Vec::new();
    leb128(&mut deltas, second.timestamp - first.timestamp);
    deltas.resize(deltas.len() + count - 2, 0);
    let mut origins = vec![0; count.div_ceil(8)];
    origins[0] = u8::from(first.advances_origin) | u8::from(second.advances_origin) << 1;
    let transactions = vec![0; count];
    in_brotli(batch, count, &[deltas, origins, transactions].concat())
}

attack!(bomb_batch);
async fn bomb_batch(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let real = scene.batch(1, 1).await;
    // 64 MiB of zeros: as columns they are four times what those of a batch may be.
    let bomb = in_brotli(&real, 1, &vec![0; 64 << 20]);
    assert!(bomb.len() < 10_000, "{} bytes", bomb.len());
    scene.post_bytes(&bomb).await;
    scene.assert_dropped(&format!("columns of more than {MAX_PAYLOAD_BYTES} bytes"));
    assert_eq!(scene.safe().await, 0);
    scene.recovers().await;
}

/// The header of `batch` with another count of blocks, and these columns in Brotli.
fn in_brotli(batch: &Batch, count: usize, mut columns: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() };
    brotli::BrotliCompress(&mut columns, &mut compressed, &params).unwrap();
    let mut data = vec![1, 1];
    data.extend_from_slice(batch.parent_check.as_slice());
    data.extend_from_slice(batch.origin_check.as_slice());
    leb128(&mut data, batch.first_number);
    leb128(&mut data, batch.blocks[0].timestamp);
    leb128(&mut data, count as u64);
    leb128(&mut data, compressed.len() as u64);
    data.extend_from_slice(&compressed);
    data
}

attack!(out_of_order_batch);
async fn out_of_order_batch(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let (first, second) = (scene.batch(1, 3).await, scene.batch(4, 6).await);
    scene.post(&second).await;
    assert_eq!(scene.safe().await, 0);
    scene.post(&first).await;
    assert_eq!(scene.safe().await, 3, "what came too early is not kept");
    scene.post(&second).await;
    assert_eq!(scene.safe().await, 6);
    scene.recovers().await;
}

attack!(duplicate_batch);
async fn duplicate_batch(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let receiver = fresh_address();
    // A new chain gives ether only to those who deposit it.
    let funded = key(8);
    scene.fund(funded.address(), ether(2)).await;
    let hash = scene.l2.send_raw(&funded, 0, receiver, ether(1)).await.unwrap();
    let block = small(&scene.l2.wait_receipt(&hash).await["blockNumber"]);
    let batch = scene.batch(1, block).await;
    for _ in 0..3 {
        scene.post(&batch).await;
        assert_eq!(scene.safe().await, block);
        assert_eq!(scene.verifier.balance(receiver).await, ether(1));
    }
    assert_eq!(scene.verifier.nonce(funded.address()).await, 1);
    scene.recovers().await;
}

attack!(unknown_batcher);
async fn unknown_batcher(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let batch = scene.batch(1, 2).await;
    let refused = scene.post_as(9, &batch).await;
    assert!(matches!(refused, Err(SendError::Reverted { .. })), "{refused:?}");
    assert_eq!(scene.safe().await, 0);
    scene.recovers().await;
}

attack!(batch_whose_origin_runs_ahead_of_l1);
async fn batch_whose_origin_runs_ahead_of_l1(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let first = scene.batch(1, 1).await;
    let head = scene.l1.head().await;
    // More than L1 makes until the batch is mined.
    let last = head + 100;
    scene.post(&a_block_for_each_origin(&scene, &first, last).await).await;
    scene.assert_dropped(&format!("origin {last} is not before the batch's own L1 block"));
    assert_eq!(scene.safe().await, 0);
    // Nothing else is wrong with it: up to an L1 block that there is, it counts.
    let known = a_block_for_each_origin(&scene, &first, head).await;
    scene.post(&known).await;
    assert_eq!(scene.safe().await, known.blocks.len() as u64);
    scene.recovers().await;
}

/// `first`, which has block 1, and an empty block on each L1 block after its origin up to `last`,
/// at its time. Those that L1 does not have yet count as a second apart, and nobody can know the
/// hash of the last.
async fn a_block_for_each_origin(scene: &Scene, first: &Batch, last: u64) -> Batch {
    let mut batch = first.clone();
    let mut timestamp = batch.blocks[0].timestamp;
    for number in scene.l2.origin(1).await + 1..=last {
        let l1 = scene.l1.block(number).await;
        if l1.is_null() {
            timestamp += 1;
        } else {
            timestamp = timestamp.max(small(&l1["timestamp"]));
            batch.origin_check = hash_check(&text(&l1, "/hash").parse().unwrap());
        }
        let transactions = Vec::new();
        batch.blocks.push(BatchBlock { timestamp, advances_origin: true, transactions });
    }
    batch
}

attack!(batch_on_an_origin_of_another_fork);
async fn batch_on_an_origin_of_another_fork(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let good = scene.batch(1, 3).await;
    let mut other_l1 = good.clone();
    other_l1.origin_check = HashCheck::repeat_byte(0x11);
    let mut other_l2 = good.clone();
    other_l2.parent_check = HashCheck::repeat_byte(0x22);
    let last = scene.l2.origin(3).await;
    scene.post(&other_l1).await;
    scene.assert_dropped(&format!("origin {last} has another hash on this L1"));
    scene.post(&other_l2).await;
    scene.assert_dropped("batch builds on another block than the safe head");
    assert_eq!(scene.safe().await, 0);
    scene.post(&good).await;
    assert_eq!(scene.safe().await, 3);
    scene.recovers().await;
}

attack!(batch_whose_origin_stays_behind);
async fn batch_whose_origin_stays_behind(ground: Ground) {
    let scene = Scene::new(ground, &["--sequencing-window", "12"]).await;
    // Blocks on the first origin only, posted when its window is over.
    let mut batch = scene.batch(1, 1).await;
    let (advances_origin, timestamp) = (batch.blocks[0].advances_origin, batch.blocks[0].timestamp);
    let stays = BatchBlock { timestamp, advances_origin: false, transactions: Vec::new() };
    batch.blocks = vec![stays; 4];
    batch.blocks[0].advances_origin = advances_origin;
    scene.l1.call("anvil_mine", ("0x10",)).await;
    scene.post(&batch).await;
    let safe = scene.safe().await;
    let first = scene.verifier.call("eth_getBlockByNumber", ("0x1", false)).await;
    assert!(safe > 0, "the window's end makes blocks without the batcher");
    assert_eq!(first["transactions"].as_array().unwrap().len(), 1, "{first}");
    let mut origins = Vec::new();
    for number in 1..=safe {
        origins.push(scene.verifier.origin(number).await);
    }
    assert!(origins.is_sorted_by(|a, b| a < b), "one block for each origin: {origins:?}");
    scene.recovers().await;
}

attack!(batch_that_leaves_out_what_the_sequencer_showed);
async fn batch_that_leaves_out_what_the_sequencer_showed(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let (payer, receiver) = (key(8), fresh_address());
    scene.fund(payer.address(), ether(2)).await;
    let hash = scene.l2.send_raw(&payer, 0, receiver, ether(1)).await.unwrap();
    let block = small(&scene.l2.wait_receipt(&hash).await["blockNumber"]);
    let mut batch = scene.batch(1, block).await;
    for block in &mut batch.blocks {
        block.transactions.clear();
    }
    scene.post(&batch).await;
    assert_eq!(scene.safe().await, block);
    assert_eq!(scene.verifier.balance(receiver).await, ether(0));
    // The sequencer gives up its blocks and includes the transaction again.
    scene.l2.wait_tag("safe", block).await;
    scene.l2.wait_balance(receiver, ether(1)).await;
    let again = scene.l2.wait_receipt(&hash).await;
    assert!(small(&again["blockNumber"]) > block, "{again}");
    scene.recovers().await;
}

attack!(batch_with_a_transaction_that_nobody_can_pay);
async fn batch_with_a_transaction_that_nobody_can_pay(ground: Ground) {
    let scene = Scene::new(ground, &[]).await;
    let mut batch = scene.batch(1, 3).await;
    let mut tx = TxEip1559 {
        chain_id: L2_CHAIN_ID,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(fresh_address()),
        value: ether(1_000_000),
        ..TxEip1559::default()
    };
    let signature = key(9).sign_transaction_sync(&mut tx).unwrap();
    let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
    batch.blocks[1].transactions.push(Bytes::from(raw));
    scene.post(&batch).await;
    assert_eq!(scene.safe().await, 1, "the blocks before it stay");
    scene.recovers().await;
}

/// Appends a varint.
fn leb128(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}
