//! Round trips of arbitrary transactions, and input that is not a batch.

mod malformed;
mod seeds;

use super::*;
use alloc::{vec, vec::Vec};
use alloy_consensus::{
    EthereumTxEnvelope, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
    transaction::RlpEcdsaEncodableTx,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, Signature, TxKind, U256};
use proptest::{collection::vec as many, prelude::*};

const CHAIN_ID: u64 = 901;

/// Numbers as they occur: small, round, and of any size.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..200u64, any::<u64>(), Just(21_000), Just(u64::MAX)]
}

fn wei() -> impl Strategy<Value = U256> {
    prop_oneof![
        Just(U256::ZERO),
        (any::<u64>(), 0..78u64)
            .prop_map(|(m, e)| { U256::from(m).wrapping_mul(U256::from(10).pow(U256::from(e))) }),
        any::<[u8; 32]>().prop_map(U256::from_be_bytes),
        Just(U256::MAX),
    ]
}

fn price() -> impl Strategy<Value = u128> {
    prop_oneof![0..10_000_000_000u128, any::<u128>()]
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![(0..5u8).prop_map(Address::repeat_byte), any::<[u8; 20]>().prop_map(Address::new)]
}

/// Input of any length, of ABI shape, and with padded words.
fn input() -> impl Strategy<Value = Bytes> {
    let word = prop_oneof![
        any::<[u8; 32]>(),
        (any::<[u8; 32]>(), 0..33usize).prop_map(|(mut word, zeros)| {
            word[..zeros].fill(0);
            word
        }),
        (any::<[u8; 32]>(), 0..33usize).prop_map(|(mut word, zeros)| {
            word[32 - zeros..].fill(0);
            word
        }),
    ];
    prop_oneof![
        Just(Bytes::new()),
        many(any::<u8>(), 0..200).prop_map(Bytes::from),
        (any::<[u8; 4]>(), many(word, 0..6)).prop_map(|(selector, words)| {
            let mut input = selector.to_vec();
            words.iter().for_each(|word| input.extend_from_slice(word));
            input.into()
        }),
    ]
}

fn chain_id() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(CHAIN_ID), 1 => number()]
}

fn access_list() -> impl Strategy<Value = AccessList> {
    let item = (address(), many(any::<[u8; 32]>().prop_map(B256::new), 0..4))
        .prop_map(|(address, storage_keys)| AccessListItem { address, storage_keys });
    many(item, 0..4).prop_map(AccessList)
}

fn authorizations() -> impl Strategy<Value = Vec<SignedAuthorization>> {
    let entry = (wei(), address(), number(), any::<u8>(), wei(), wei()).prop_map(
        |(chain_id, address, nonce, parity, r, s)| {
            let inner = Authorization { chain_id, address, nonce };
            SignedAuthorization::new_unchecked(inner, parity, r, s)
        },
    );
    many(entry, 0..4)
}

prop_compose! {
    /// A raw transaction of any type that has columns.
    fn structured()(
        ty in 0..5u8,
        chain_id in chain_id(),
        nonce in number(),
        gas_limit in number(),
        prices in (price(), price()),
        callee in proptest::option::of(address()),
        value in wei(),
        input in input(),
        access_list in access_list(),
        authorization_list in authorizations(),
        signature in (wei(), wei(), any::<bool>()),
    ) -> Bytes {
        let to = callee.map_or(TxKind::Create, TxKind::Call);
        let signature = Signature::new(signature.0, signature.1, signature.2);
        let (gas_price, max_priority_fee_per_gas) = prices;
        let max_fee_per_gas = gas_price;
        let mut out = Vec::new();
        match ty {
            0 | 1 => TxLegacy {
                chain_id: (ty == 1).then_some(chain_id),
                nonce, gas_price, gas_limit, to, value, input,
            }.eip2718_encode(&signature, &mut out),
            2 => TxEip2930 {
                chain_id, nonce, gas_price, gas_limit, to, value, access_list, input,
            }.eip2718_encode(&signature, &mut out),
            3 => TxEip1559 {
                chain_id, nonce, gas_limit, max_fee_per_gas, max_priority_fee_per_gas, to, value,
                access_list, input,
            }.eip2718_encode(&signature, &mut out),
            _ => TxEip7702 {
                chain_id, nonce, gas_limit, max_fee_per_gas, max_priority_fee_per_gas,
                to: callee.unwrap_or_default(), value, access_list, authorization_list, input,
            }.eip2718_encode(&signature, &mut out),
        }
        out.into()
    }
}

/// A raw transaction, or bytes that are none.
fn transaction() -> impl Strategy<Value = Bytes> {
    prop_oneof![8 => structured(), 1 => many(any::<u8>(), 0..50).prop_map(Bytes::from)]
}

prop_compose! {
    fn batch()(
        checks in any::<([u8; 20], [u8; 20])>(),
        first_number in number(),
        first_timestamp in 0..=u64::MAX / 2,
        blocks in many((0..100_000u64, any::<bool>(), many(transaction(), 0..6)), 1..6),
    ) -> Batch {
        let mut timestamp = first_timestamp;
        Batch {
            parent_check: HashCheck::new(checks.0),
            origin_check: HashCheck::new(checks.1),
            first_number,
            blocks: blocks.into_iter().map(|(delta, advances_origin, transactions)| {
                timestamp += delta;
                BatchBlock { timestamp, advances_origin, transactions }
            }).collect(),
        }
    }
}

fn of(transactions: Vec<Bytes>) -> Batch {
    Batch {
        parent_check: HashCheck::repeat_byte(1),
        origin_check: HashCheck::repeat_byte(2),
        first_number: 7,
        blocks: vec![BatchBlock { timestamp: 1_000, advances_origin: true, transactions }],
    }
}

fn round_trip(batch: &Batch) -> Vec<u8> {
    for compression in [Compression::Stored, Compression::FAST] {
        let encoded = encode(batch, CHAIN_ID, compression).unwrap();
        assert_eq!(&Batch::decode(&encoded, CHAIN_ID).unwrap(), batch);
    }
    let encoded = encode(batch, CHAIN_ID, Compression::default()).unwrap();
    assert_eq!(&Batch::decode(&encoded, CHAIN_ID).unwrap(), batch);
    encoded
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_batches_are_recovered(batch in batch()) {
        let encoded = round_trip(&batch);
        let header = BatchHeader::decode(&encoded).unwrap();
        prop_assert_eq!(header.parent_check, batch.parent_check);
        prop_assert_eq!(header.origin_check, batch.origin_check);
        prop_assert_eq!(header.first_number, batch.first_number);
        prop_assert_eq!(header.first_timestamp, batch.blocks[0].timestamp);
        prop_assert_eq!(header.block_count, batch.blocks.len());
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut data in many(any::<u8>(), 0..300), compressor in 0..3u8) {
        let _ = Batch::decode(&data, CHAIN_ID);
        // Past the first checks.
        for (place, byte) in [BATCH_VERSION, compressor].into_iter().enumerate() {
            if let Some(target) = data.get_mut(place) {
                *target = byte;
            }
        }
        let _ = Batch::decode(&data, CHAIN_ID);
    }

    /// Columns are stored, so that mutations reach the columns and not the decompressor.
    #[test]
    fn mutated_batches_never_panic(
        batch in batch(),
        mutations in many((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut data = stored(&batch);
        prop_assert_eq!(&Batch::decode(&data, CHAIN_ID).unwrap(), &batch);
        for (place, byte) in mutations {
            let place = place.index(data.len());
            data[place] = byte;
        }
        if let Some(cut) = cut {
            data.truncate(cut.index(data.len()));
        }
        if let Ok(decoded) = Batch::decode(&data, CHAIN_ID) {
            // What is decoded can be said again, whatever it is.
            let again = encode(&decoded, CHAIN_ID, Compression::FAST).unwrap();
            prop_assert_eq!(Batch::decode(&again, CHAIN_ID).unwrap(), decoded);
        }
    }
}

/// The same batch with its columns not compressed.
fn stored(batch: &Batch) -> Vec<u8> {
    let encoded = encode(batch, CHAIN_ID, Compression::Stored).unwrap();
    assert_eq!(encoded[1], compress::STORED);
    encoded
}

fn transfer(nonce: u64, to: Address) -> Bytes {
    let mut out = Vec::new();
    // Signatures that do not compress.
    let r = U256::from_be_bytes(alloy_primitives::keccak256(nonce.to_be_bytes()).0);
    let s = U256::from_be_bytes(alloy_primitives::keccak256(r.to_be_bytes::<32>()).0) >> 1;
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: nonce % 7,
        gas_limit: 21_000,
        max_fee_per_gas: 2_000_000_000 + u128::from(nonce % 1_000) * 1_000_001,
        max_priority_fee_per_gas: 1_000_000,
        to: TxKind::Call(to),
        value: U256::from(nonce * 12_345) * U256::from(1_000_000_000),
        ..Default::default()
    }
    .eip2718_encode(&Signature::new(r, s, nonce % 2 == 1), &mut out);
    out.into()
}

#[test]
fn transfers_among_strangers_take_less_than_a_hundred_bytes() {
    let transactions: Vec<Bytes> = (0..1_000u64)
        .map(|n| transfer(n, Address::from_slice(&alloy_primitives::keccak256([n as u8, 1])[..20])))
        .chain((0..1_000).map(|n| {
            transfer(n + 1_000, Address::from_word(alloy_primitives::keccak256(n.to_string())))
        }))
        .collect();
    let size = round_trip(&of(transactions)).len();
    assert!(size < 100 * 2_000, "{size}");
}

#[test]
fn batch_of_no_transactions_costs_little() {
    let blocks = (0..10_000)
        .map(|n| BatchBlock { timestamp: 1_000 + n, ..Default::default() })
        .collect::<Vec<_>>();
    let batch = Batch { blocks, ..of(vec![]) };
    assert!(round_trip(&batch).len() < 200);
}

#[test]
fn blob_deposit_and_noncanonical_transactions_are_carried_whole() {
    let blob = EthereumTxEnvelope::<TxEip4844>::Eip4844(alloy_consensus::Signed::new_unhashed(
        TxEip4844 { chain_id: CHAIN_ID, ..Default::default() },
        Signature::test_signature(),
    ))
    .encoded_2718();
    let deposit = mezz_primitives::Transaction::from(mezz_primitives::TxDeposit::default());
    let mut trailing = transfer(1, Address::ZERO).to_vec();
    trailing.push(0);
    // The nonce 0 as a zero byte instead of the empty string.
    let mut zero_nonce = transfer(7, Address::ZERO).to_vec();
    let nonce = zero_nonce.iter().position(|byte| *byte == 0x80).unwrap();
    zero_nonce[nonce] = 0;
    let whole = vec![
        blob.into(),
        deposit.encoded().into(),
        trailing.into(),
        zero_nonce.into(),
        vec![].into(),
    ];
    let batch = of(whole.clone());
    round_trip(&batch);
    let data = stored(&batch);
    for raw in whole.iter().filter(|raw| !raw.is_empty()) {
        assert!(data.windows(raw.len()).any(|window| window == &raw[..]));
    }
}

#[test]
fn legacy_transactions_keep_their_v() {
    for chain_id in [None, Some(0), Some(1), Some(CHAIN_ID), Some(u64::MAX)] {
        for parity in [false, true] {
            let tx = TxLegacy { chain_id, ..Default::default() };
            let mut out = Vec::new();
            tx.eip2718_encode(&Signature::new(U256::ONE, U256::MAX, parity), &mut out);
            let encoded = round_trip(&of(vec![out.into()]));
            // In columns, not whole: the signature lies at the end.
            assert_eq!(&encoded[encoded.len() - 32..], [0xff; 32]);
        }
    }
}

/// A block of `len` bytes that no compressor makes smaller.
fn noise(seed: u64, len: usize) -> BatchBlock {
    let mut input = Vec::with_capacity(len);
    let mut state = alloy_primitives::keccak256(seed.to_be_bytes());
    while input.len() < len {
        state = alloy_primitives::keccak256(state);
        input.extend_from_slice(state.as_slice());
    }
    input.truncate(len);
    let mut out = Vec::new();
    TxLegacy { input: input.into(), ..Default::default() }
        .eip2718_encode(&Signature::test_signature(), &mut out);
    BatchBlock { timestamp: 1_000, advances_origin: false, transactions: vec![out.into()] }
}

#[test]
fn largest_block_of_a_sequencer_fits_in_a_batch() {
    for len in [MAX_BLOCK_TX_BYTES, (MAX_BLOCK_TX_BYTES & !31) + 4] {
        round_trip(&Batch { blocks: vec![noise(1, len)], ..of(vec![]) });
    }
}

/// Signatures that anybody can make without a key: one, and the 21 bytes of the x of half the generator.
#[test]
fn block_of_transactions_with_short_signatures_fits_in_a_batch() {
    let r = U256::from_str_radix("3b78ce563f89a0ed9414f5aa28ad0d96d6795f9c63", 16).unwrap();
    let mut left = 350_000;
    let mut block = noise(1, MAX_BLOCK_TX_BYTES - left);
    for nonce in 0u64.. {
        let to = Address::from_word(alloy_primitives::keccak256(nonce.to_be_bytes()));
        let mut out = Vec::new();
        TxLegacy { nonce, gas_limit: 21_000, to: TxKind::Call(to), ..Default::default() }
            .eip2718_encode(&Signature::new(r, U256::from(1), false), &mut out);
        let counted =
            counted_bytes(&mezz_primitives::Transaction::decode(&out).unwrap(), out.len());
        assert_eq!(counted, out.len() + 11 + 31);
        let Some(rest) = left.checked_sub(counted) else { break };
        left = rest;
        block.transactions.push(out.into());
    }
    assert!(block.transactions.len() > 3_000);
    round_trip(&Batch { blocks: vec![block], ..of(vec![]) });
}

#[test]
fn as_many_blocks_as_fit_are_taken() {
    let blocks: Vec<BatchBlock> = (0..40).map(|seed| noise(seed, 10_000)).collect();
    let take = |max| {
        encode_prefix(
            HashCheck::ZERO,
            7,
            &blocks,
            |last| HashCheck::repeat_byte(last as u8),
            CHAIN_ID,
            Compression::FAST,
            max,
        )
    };
    let (all, count) = take(usize::MAX).unwrap();
    assert_eq!(count, 40);
    assert_eq!(Batch::decode(&all, CHAIN_ID).unwrap().blocks, blocks);
    let (some, count) = take(130_000).unwrap();
    assert!((11..=12).contains(&count), "{count}");
    assert!(some.len() <= 130_000);
    let decoded = Batch::decode(&some, CHAIN_ID).unwrap();
    assert_eq!(decoded.blocks, blocks[..count]);
    assert_eq!(decoded.origin_check, HashCheck::repeat_byte(count as u8 - 1));
    assert!(matches!(take(9_000), Err(EncodeError::Compressed(_, 9_000))));
}

/// The example of `docs/rollup.md`: the format does not change by accident.
#[test]
fn bytes_of_a_batch_are_those_of_the_specification() {
    let mut input = vec![0xa9, 0x05, 0x9c, 0xbb];
    input.resize(16, 0);
    input.resize(36, 0x11);
    input.resize(67, 0);
    input.push(9);
    let mut raw = Vec::new();
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: 5,
        gas_limit: 21_000,
        max_fee_per_gas: 300,
        max_priority_fee_per_gas: 2,
        to: TxKind::Call(Address::repeat_byte(0xcc)),
        value: U256::from(1_500),
        input: input.into(),
        ..Default::default()
    }
    .eip2718_encode(&Signature::new(U256::from(0x52), U256::from(0x53), true), &mut raw);
    let batch = Batch {
        parent_check: HashCheck::repeat_byte(0xaa),
        origin_check: HashCheck::repeat_byte(0xbb),
        first_number: 7,
        blocks: vec![
            BatchBlock { timestamp: 1_000, advances_origin: false, transactions: vec![] },
            BatchBlock { timestamp: 1_002, advances_origin: true, transactions: vec![raw.into()] },
        ],
    };
    let mut expected = vec![BATCH_VERSION, compress::STORED];
    expected.extend_from_slice(&[0xaa; 20]);
    expected.extend_from_slice(&[0xbb; 20]);
    // First number, first timestamp, blocks, length of the columns.
    expected.extend_from_slice(&[7, 0xe8, 0x07, 2, 74]);
    // Timestamps, origin bits, transaction counts.
    expected.extend_from_slice(&[2, 0b10, 0, 1]);
    // Kind, parity, nonce, gas limit, gas price, priority fee.
    expected.extend_from_slice(&[4, 1, 5, 0x88, 0xa4, 0x01, 0xac, 0x02, 2]);
    // Value: exponent, length, mantissa.
    expected.extend_from_slice(&[2, 1, 15]);
    // Address: index, new one.
    expected.push(0);
    expected.extend_from_slice(&[0xcc; 20]);
    // Input: length, selector, word codes, words.
    expected.extend_from_slice(&[68, 0xa9, 0x05, 0x9c, 0xbb, 20, 1]);
    expected.extend_from_slice(&[0x11; 20]);
    expected.push(9);
    // Access list of no entries.
    expected.push(0);
    let columns = expected.len() - 47;
    expected[46] = u8::try_from(columns).unwrap();
    // r and s.
    expected.extend_from_slice(&U256::from(0x52).to_be_bytes::<32>());
    expected.extend_from_slice(&U256::from(0x53).to_be_bytes::<32>());
    round_trip(&batch);
    assert_eq!(stored(&batch), expected);
    assert_eq!(columns, 66);
}
