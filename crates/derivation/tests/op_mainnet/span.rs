//! A reader of OP Stack span batches, as far as the test data needs it (OP Stack specification,
//! "Delta", span batch format, version 1).

use alloy_consensus::{TxEip1559, TxEip2930, TxLegacy, transaction::RlpEcdsaEncodableTx};
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_rlp::{Decodable, Header};
use mezz_derivation::{Batch, BatchBlock, batch::HashCheck};

/// Chain id of OP Mainnet.
pub(crate) const CHAIN_ID: u64 = 10;
/// Timestamp of OP Mainnet's genesis, in seconds.
const GENESIS_TIMESTAMP: u64 = 1_686_068_903;
/// Seconds between the blocks.
const BLOCK_TIME: u64 = 2;

/// The parts of the raw transactions that a span batch stores column by column.
struct Column {
    create: bool,
    parity: bool,
    r: U256,
    s: U256,
    to: Address,
}

/// Decodes the channel's only span batch into our own form. The number of the first block is not
/// in a span batch; 0 stands for it.
pub(crate) fn decode_channel(zlib: &[u8]) -> Batch {
    let channel = miniz_oxide::inflate::decompress_to_vec_zlib(zlib).expect("a zlib stream");
    let mut rest = channel.as_slice();
    let batch = Bytes::decode(&mut rest).expect("a batch as an RLP string");
    assert!(rest.is_empty(), "one batch in the channel");
    let mut data: &[u8] = &batch;
    let data = &mut data;
    assert_eq!(take(data, 1), [1], "a span batch");
    let timestamp = GENESIS_TIMESTAMP + varint(data);
    let _last_origin = varint(data);
    let parent_check = HashCheck::from_slice(take(data, 20));
    let origin_check = HashCheck::from_slice(take(data, 20));
    let count = varint(data) as usize;
    let origin_bits = bits(data, count);
    let counts: Vec<usize> = (0..count).map(|_| varint(data) as usize).collect();
    let raw = transactions(data, counts.iter().sum());
    assert!(data.is_empty(), "nothing after the transactions");

    let mut raw = raw.into_iter();
    let blocks = (0..count)
        .map(|index| BatchBlock {
            timestamp: timestamp + BLOCK_TIME * index as u64,
            advances_origin: origin_bits[index],
            transactions: raw.by_ref().take(counts[index]).collect(),
        })
        .collect();
    Batch { parent_check, origin_check, first_number: 0, blocks }
}

fn transactions(data: &mut &[u8], total: usize) -> Vec<Bytes> {
    let creates = bits(data, total);
    let parities = bits(data, total);
    let mut columns: Vec<Column> = (0..total)
        .map(|index| Column {
            create: creates[index],
            parity: parities[index],
            r: U256::from_be_slice(take(data, 32)),
            s: U256::from_be_slice(take(data, 32)),
            to: Address::ZERO,
        })
        .collect();
    for column in columns.iter_mut().filter(|column| !column.create) {
        column.to = Address::from_slice(take(data, 20));
    }
    // Each is a legacy or EIP-2718 body without the fields that have columns.
    let bodies: Vec<(u8, &[u8])> = (0..total)
        .map(|_| {
            let ty = if data[0] < 0x80 { take(data, 1)[0] } else { 0 };
            let mut after = *data;
            let header = Header::decode(&mut after).expect("an RLP list");
            assert!(header.list);
            let len = data.len() - after.len() + header.payload_length;
            (ty, take(data, len))
        })
        .collect();
    let nonces: Vec<u64> = (0..total).map(|_| varint(data)).collect();
    let gas_limits: Vec<u64> = (0..total).map(|_| varint(data)).collect();
    let legacy = bodies.iter().filter(|(ty, _)| *ty == 0).count();
    let mut protected = bits(data, legacy).into_iter();

    let mut raw = Vec::with_capacity(total);
    for (index, (ty, body)) in bodies.into_iter().enumerate() {
        let column = &columns[index];
        let (nonce, gas_limit) = (nonces[index], gas_limits[index]);
        let to = if column.create { TxKind::Create } else { TxKind::Call(column.to) };
        let signature = Signature::new(column.r, column.s, column.parity);
        let mut fields = Header::decode_bytes(&mut &*body, true).expect("an RLP list");
        let fields = &mut fields;
        let mut out = Vec::new();
        match ty {
            0 => {
                let (value, gas_price, input) = (next(fields), next(fields), next(fields));
                let chain_id = protected.next().expect("a bit").then_some(CHAIN_ID);
                TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input }
                    .eip2718_encode(&signature, &mut out);
            }
            1 => {
                let (value, gas_price, input) = (next(fields), next(fields), next(fields));
                let access_list: AccessList = next(fields);
                let chain_id = CHAIN_ID;
                TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input }
                    .eip2718_encode(&signature, &mut out);
            }
            2 => {
                let value = next(fields);
                let (max_priority_fee_per_gas, max_fee_per_gas) = (next(fields), next(fields));
                let input = next(fields);
                TxEip1559 {
                    chain_id: CHAIN_ID,
                    nonce,
                    gas_limit,
                    max_fee_per_gas,
                    max_priority_fee_per_gas,
                    to,
                    value,
                    access_list: next(fields),
                    input,
                }
                .eip2718_encode(&signature, &mut out);
            }
            other => panic!("transaction type {other}"),
        }
        assert!(fields.is_empty());
        raw.push(out.into());
    }
    raw
}

fn next<T: Decodable>(fields: &mut &[u8]) -> T {
    T::decode(fields).expect("a field")
}

fn take<'a>(data: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (head, rest) = data.split_at(len);
    *data = rest;
    head
}

fn varint(data: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(data, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// The bits of a big-endian number, least significant first.
fn bits(data: &mut &[u8], count: usize) -> Vec<bool> {
    let bytes = take(data, count.div_ceil(8));
    (0..count).map(|i| bytes[bytes.len() - 1 - i / 8] >> (i % 8) & 1 == 1).collect()
}
