//! Streams that are columns, and those that are none.

use super::{
    super::{Batch, BatchBlock, HashCheck, encode::columns},
    *,
};
use alloc::{vec, vec::Vec};
use alloy_consensus::{TxEip1559, transaction::RlpEcdsaEncodableTx};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use proptest::{collection::vec as many, prelude::*};

/// A block of token transfers among a few accounts.
fn block(transactions: u64) -> BatchBlock {
    let transfer = |nonce: u64| -> Bytes {
        let mut input = vec![0xa9, 0x05, 0x9c, 0xbb];
        input.resize(16, 0);
        input.resize(36, nonce as u8 % 5);
        input.extend_from_slice(&U256::from(1_000 * nonce).to_be_bytes::<32>());
        let mut raw = Vec::new();
        TxEip1559 {
            chain_id: 901,
            nonce,
            gas_limit: 60_000,
            max_fee_per_gas: 2_000_000 + u128::from(nonce),
            to: TxKind::Call(Address::repeat_byte(nonce as u8 % 3)),
            input: input.into(),
            ..Default::default()
        }
        .eip2718_encode(&Signature::test_signature(), &mut raw);
        raw.into()
    };
    let transactions = (0..transactions).map(transfer).collect();
    BatchBlock { timestamp: 1_000, advances_origin: true, transactions }
}

fn stream(blocks: &[BatchBlock]) -> Vec<u8> {
    encode(&columns(blocks, 901).unwrap().0, blocks.len()).unwrap()
}

/// What is decoded is coded again as the same stream: columns have one.
fn assert_only_stream(data: &[u8], blocks: usize) {
    if let Ok(columns) = decode_columns(data, blocks) {
        assert_eq!(encode(&columns, blocks).as_deref(), Some(data));
    }
}

#[test]
fn modelled_columns_are_recovered() {
    for blocks in [vec![block(0)], vec![block(1)], vec![block(30), block(0), block(70)]] {
        let columns = columns(&blocks, 901).unwrap().0;
        let data = encode(&columns, blocks.len()).unwrap();
        assert_eq!(decode(&data, blocks.len()).unwrap(), columns.concat());
    }
}

#[test]
fn modelled_transfers_take_a_few_bytes() {
    // Nonces, fees, accounts and amounts of a hundred calls that follow a rule.
    let size = stream(&[block(100)]).len();
    assert!(size < 500, "{size}");
}

#[test]
fn truncated_model_stream_is_refused() {
    let data = stream(&[block(20)]);
    for len in 0..data.len() {
        assert!(decode(&data[..len], 1).is_err(), "{len} of {}", data.len());
    }
}

#[test]
fn bytes_after_the_model_stream_are_refused() {
    let mut data = stream(&[block(20)]);
    data.push(0);
    assert_eq!(decode(&data, 1), Err(DecodeError::TrailingBytes(1)));
}

#[test]
fn model_stream_has_one_end() {
    let mut data = stream(&[block(20)]);
    let last = data.len() - 1;
    for byte in 0..=255 {
        data[last] = byte;
        assert_only_stream(&data, 1);
    }
}

#[test]
fn model_stream_of_another_count_of_blocks_is_refused() {
    let data = stream(&[block(20)]);
    assert!(decode(&data, 2).is_err());
}

/// A stream of `len` bytes that announces `announced` bytes of columns.
fn announcing(announced: usize, len: usize) -> Vec<u8> {
    let mut data = Vec::new();
    super::super::encode::varint(&mut data, announced);
    data.resize(len, 0);
    data
}

#[test]
fn model_bomb_is_refused() {
    // Eight bytes for each of its own, and 4,096.
    let most = 8 * 1_000 + 4_096;
    assert_eq!(decode(&announcing(most + 1, 1_000), 1), Err(DecodeError::PayloadTooLong));
    assert_ne!(decode(&announcing(most, 1_000), 1), Err(DecodeError::PayloadTooLong));
    assert_eq!(decode(&announcing(usize::MAX, 1_000), 1), Err(DecodeError::PayloadTooLong));
}

#[test]
fn columns_alike_are_left_to_the_other_compressor() {
    let blocks = vec![BatchBlock { timestamp: 1_000, ..Default::default() }; 10_000];
    assert_eq!(encode(&columns(&blocks, 901).unwrap().0, blocks.len()), None);
    let batch = Batch {
        parent_check: HashCheck::ZERO,
        origin_check: HashCheck::ZERO,
        first_number: 1,
        blocks,
    };
    let data = super::super::encode(&batch, 901, Default::default()).unwrap();
    assert_eq!(data[1], super::super::compress::BROTLI);
    assert_eq!(Batch::decode(&data, 901).unwrap(), batch);
}

proptest! {
    #[test]
    fn model_streams_that_are_none_never_panic(
        noise in many(any::<u8>(), 0..300),
        transactions in 0..20u64,
        mutations in many(any::<(prop::sample::Index, u8)>(), 1..4),
        blocks in 1..4usize,
    ) {
        assert_only_stream(&noise, blocks);
        let mut announced = announcing(noise.len() * 4, 2);
        announced.extend_from_slice(&noise);
        assert_only_stream(&announced, blocks);
        let mut data = stream(&[block(transactions)]);
        for (place, byte) in mutations {
            let place = place.index(data.len());
            data[place] = byte;
        }
        assert_only_stream(&data, 1);
    }
}
