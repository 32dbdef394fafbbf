//! The batch format on real transactions: one channel of OP Mainnet, put in our format and read
//! back without loss. Where the channel comes from: `testdata/README.md`.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod span;

use alloy_eips::Typed2718;
use alloy_primitives::keccak256;
use mezz_derivation::{
    Batch,
    batch::{Quality, encode},
    blob,
};
use mezz_primitives::Transaction;
use std::{collections::BTreeSet, time::Instant};

const CHANNEL: &[u8] = include_bytes!("../../testdata/op-mainnet-channel.zlib");

fn raw(batch: &Batch) -> Vec<&[u8]> {
    batch.blocks.iter().flat_map(|block| &block.transactions).map(|raw| raw.as_ref()).collect()
}

#[test]
fn op_mainnet_transactions_are_read_back_without_loss() {
    let batch = span::decode_channel(CHANNEL);
    assert_eq!(batch.blocks.len(), 143);
    assert_eq!(raw(&batch).len(), 1_766);
    let encoded = encode(&batch, span::CHAIN_ID, Quality::FAST).unwrap();
    assert_eq!(Batch::decode(&encoded, span::CHAIN_ID).unwrap(), batch);
    // The size is a promise: 305 bytes for a transaction, at the fast setting.
    assert!(encoded.len() <= 305 * 1_766, "{} bytes", encoded.len());

    let blobs = blob::to_blobs(&encoded).unwrap();
    assert_eq!(blobs.len(), 5);
    assert_eq!(blob::from_blobs(&blobs).unwrap(), encoded);
}

#[test]
fn op_mainnet_transactions_are_the_signed_ones() {
    let batch = span::decode_channel(CHANNEL);
    let mut types = [0usize; 3];
    let (mut senders, mut hashes) = (BTreeSet::new(), BTreeSet::new());
    let mut nonces = std::collections::BTreeMap::new();
    for raw in raw(&batch) {
        let tx = Transaction::decode(raw).unwrap();
        types[usize::from(tx.ty())] += 1;
        assert_eq!(tx.tx_hash(), keccak256(raw));
        assert!(hashes.insert(tx.tx_hash()));
        let sender = tx.recover_sender().unwrap();
        senders.insert(sender);
        // A wrong reading of any signed field would yield senders at random; the nonces of a
        // sender, however, count on without a gap.
        let nonce = alloy_consensus::Transaction::nonce(&tx);
        if let Some(last) = nonces.insert(sender, nonce) {
            assert_eq!(nonce, last + 1, "{sender}");
        }
    }
    assert_eq!(types, [454, 11, 1_301]);
    assert!(senders.len() < 1_000, "{} senders", senders.len());
}

/// `cargo test -p mezz-derivation --release --test op_mainnet -- --ignored --nocapture`
#[test]
#[ignore = "a measurement; its numbers stand in docs/rollup.md"]
fn measure_op_mainnet_batch() {
    let batch = span::decode_channel(CHANNEL);
    let bytes: usize = raw(&batch).iter().map(|raw| raw.len()).sum();
    let mut table = format!("{bytes} raw bytes\n");
    for quality in [5, 9, 10, 11] {
        let start = Instant::now();
        let encoded = encode(&batch, span::CHAIN_ID, Quality::new(quality).unwrap()).unwrap();
        let encoding = start.elapsed();
        let start = Instant::now();
        Batch::decode(&encoded, span::CHAIN_ID).unwrap();
        let decoding = start.elapsed();
        table += &format!(
            "quality {quality}: {} bytes, {:.1} for a transaction, encoded in {:.0} ms \
             ({:.1} MB/s of raw transactions), decoded in {:.1} ms\n",
            encoded.len(),
            encoded.len() as f64 / 1_766.0,
            encoding.as_secs_f64() * 1e3,
            bytes as f64 / 1e6 / encoding.as_secs_f64(),
            decoding.as_secs_f64() * 1e3,
        );
    }
    std::io::Write::write_all(&mut std::io::stdout(), table.as_bytes()).unwrap();
}
