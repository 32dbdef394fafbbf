//! The batch format on real transactions: one channel of OP Mainnet, put in our format and read
//! back without loss. Where the channel comes from: `testdata/README.md`.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

mod span;
mod transfers;

use alloy_eips::Typed2718;
use alloy_primitives::keccak256;
use mezz_derivation::{
    Batch,
    batch::{Compression, encode},
    blob,
};
use mezz_primitives::Transaction;
use std::collections::BTreeSet;

const CHANNEL: &[u8] = include_bytes!("../../testdata/op-mainnet-channel.zlib");

fn raw(batch: &Batch) -> Vec<&[u8]> {
    batch.blocks.iter().flat_map(|block| &block.transactions).map(|raw| raw.as_ref()).collect()
}

#[test]
fn op_mainnet_transactions_are_read_back_without_loss() {
    let batch = span::decode_channel(CHANNEL);
    assert_eq!(batch.blocks.len(), 143);
    assert_eq!(raw(&batch).len(), 1_766);
    // The sizes are promises: bytes for a transaction.
    for (compression, most) in [(Compression::default(), 298), (Compression::FAST, 308)] {
        let encoded = encode(&batch, span::CHAIN_ID, compression).unwrap();
        assert_eq!(Batch::decode(&encoded, span::CHAIN_ID).unwrap(), batch);
        assert!(encoded.len() <= most * 1_766, "{compression:?}: {} bytes", encoded.len());

        let blobs = blob::to_blobs(&encoded).unwrap();
        assert_eq!(blobs.len(), 5);
        assert_eq!(blob::from_blobs(&blobs).unwrap(), encoded);
    }
}

#[test]
fn transfers_from_many_accounts_take_less_than_a_hundred_bytes() {
    let whole = transfers::batch(10_000);
    let sent = raw(&whole);
    assert_eq!(sent.len(), 10_000);
    // More than six blobs hold: two batches.
    let mut size = 0;
    for blocks in whole.blocks.chunks(whole.blocks.len() / 2) {
        let batch = Batch { blocks: blocks.to_vec(), ..whole.clone() };
        let encoded = encode(&batch, transfers::CHAIN_ID, Compression::default()).unwrap();
        assert_eq!(Batch::decode(&encoded, transfers::CHAIN_ID).unwrap(), batch);
        size += encoded.len();
    }
    // 64 of them are the signature, which nothing makes smaller.
    assert!(size <= 86 * sent.len(), "{size} bytes");
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
