//! The rules of validity of batches and blocks.

use super::*;

#[test]
fn block_has_attributes_then_deposits_then_sequenced_transactions() {
    let mut node = Node::started();
    node.feed(L1Block { deposits: vec![deposit(3), deposit(8)], ..l1(101) }).unwrap();
    let outcome = node
        .post(101, vec![block(1_001, false, vec![tx(0)]), block(1_010, true, vec![tx(1), tx(2)])]);
    assert_eq!((outcome.applied, outcome.dropped), (2, None));

    let first = &node.blocks[0];
    assert_eq!((first.forced, first.transactions.len()), (1, 2));
    assert_eq!(first.attributes.origin, l1(100).reference());
    assert_eq!((first.attributes.number, first.attributes.sequence_number), (1, 1));
    assert_eq!(first.attributes.gas_limit, config().gas_limit);
    assert_eq!(first.attributes.prev_randao, l1(100).prev_randao);

    let second = &node.blocks[1];
    assert_eq!((second.forced, second.transactions.len()), (3, 5));
    assert_eq!((second.attributes.number, second.attributes.sequence_number), (2, 0));
    let info = attributes(second);
    assert_eq!((info.number, info.hash, info.timestamp), (101, l1_hash(101, 0), 1_010));
    assert_eq!((info.base_fee, info.blob_base_fee), (U256::from(7), U256::from(3)));
    assert_eq!((info.sequence_number, info.batcher), (0, config().batcher));
    assert_eq!(info.blob_base_fee_scalar, config().fee_scalars.blob_base_fee);
    let minted: Vec<_> =
        second.transactions[1..3].iter().map(|tx| tx.as_deposit().unwrap().clone()).collect();
    assert_eq!(
        minted,
        [deposit(3), deposit(8)].map(|deposit| deposit.to_transaction(l1_hash(101, 0)))
    );
    assert_eq!(second.transactions[3].encoded(), tx(1));
    assert_eq!(node.safe().number, 2);
}

#[test]
fn deposits_come_only_in_the_first_block_of_an_epoch() {
    let mut node = Node::started();
    node.feed(L1Block { deposits: vec![deposit(0)], ..l1(101) }).unwrap();
    node.post(101, vec![block(1_010, true, vec![]), block(1_011, false, vec![])]);
    assert_eq!(node.blocks[0].transactions.len(), 2);
    assert_eq!(node.blocks[1].transactions.len(), 1);
    assert_eq!(attributes(&node.blocks[1]).sequence_number, 1);
}

#[test]
fn deposits_of_the_genesis_origin_do_not_count() {
    let mut node = Node::new();
    node.feed(L1Block { deposits: vec![deposit(0)], ..l1(100) }).unwrap();
    node.post(100, vec![block(1_001, false, vec![])]);
    assert_eq!(node.blocks[0].transactions.len(), 1);
}

#[test]
fn batch_in_blobs_is_the_same_as_in_calldata() {
    let mut by_calldata = Node::started();
    let mut by_blobs = Node::started();
    let data =
        batch_on(&by_calldata.safe(), l1_hash(100, 0), vec![block(1_000, false, vec![tx(0)])]);
    let BatchData::Calldata(bytes) = &data else { unreachable!() };
    let blobs = blob::to_blobs(bytes).unwrap();
    let blobs = BatchData::Blobs(blobs.iter().map(|b| Bytes::copy_from_slice(&b[..])).collect());
    by_calldata.post_data(data);
    by_blobs.post_data(blobs);
    assert_eq!(by_calldata.safe().number, 1);
    assert_eq!(by_calldata.safe(), by_blobs.safe());
}

#[test]
fn batch_that_was_decoded_for_another_chain_is_decoded_again() {
    let mut node = Node::started();
    let mut other = Node::started();
    let data = batch_on(&node.safe(), l1_hash(100, 0), vec![block(1_000, false, vec![tx(0)])]);
    let decode = |chain_id| DecodedBatch::decode(data.bytes().unwrap(), chain_id).unwrap();
    assert_ne!(decode(902).batch(), decode(901).batch());
    other.post_data(BatchData::Decoded(Arc::new(decode(902))));
    node.post_data(data);
    assert_eq!(node.safe().number, 1);
    assert_eq!(other.safe(), node.safe());
}

#[test]
fn malformed_batch_is_dropped() {
    let mut node = Node::started();
    let outcome = node.post_data(BatchData::Calldata(Bytes::from_static(&[1, 2, 3])));
    assert!(matches!(outcome.dropped, Some(DropReason::Malformed(_))));
    let outcome = node.post_data(BatchData::Blobs(vec![Bytes::from_static(&[1, 2, 3])]));
    assert!(matches!(outcome.dropped, Some(DropReason::Blobs(_))));
    let outcome = node.post_data(BatchData::Blobs(vec![]));
    assert!(matches!(outcome.dropped, Some(DropReason::Blobs(_))));
    assert_eq!(node.safe().number, 0);
}

#[test]
fn duplicate_batch_is_dropped() {
    let mut node = Node::started();
    let data = batch_on(&node.safe(), l1_hash(100, 0), vec![block(1_000, false, vec![tx(0)])]);
    node.feed(L1Block { batches: vec![data.clone(), data], ..l1(101) }).unwrap();
    assert_eq!(node.outcomes[0].dropped, None);
    assert_eq!(node.outcomes[1].dropped, Some(DropReason::Behind { first: 1, safe: 1 }));
    assert_eq!(node.outcomes[1].batch, 1);
    assert_eq!(node.safe().number, 1);
}

#[test]
fn out_of_order_batch_is_dropped() {
    let mut node = Node::started();
    let after = L2BlockRef { number: 1, hash: B256::repeat_byte(9), ..node.safe() };
    let outcome =
        node.post_data(batch_on(&after, l1_hash(100, 0), vec![block(1_001, false, vec![])]));
    assert_eq!(outcome.dropped, Some(DropReason::Ahead { first: 2, safe: 0 }));
    assert_eq!(node.safe().number, 0);
}

#[test]
fn batch_on_another_parent_is_dropped() {
    let mut node = Node::started();
    let other = L2BlockRef { hash: B256::repeat_byte(9), ..node.safe() };
    let outcome =
        node.post_data(batch_on(&other, l1_hash(100, 0), vec![block(1_001, false, vec![])]));
    assert_eq!(outcome.dropped, Some(DropReason::UnknownParent { safe: GENESIS }));
}

#[test]
fn batch_whose_origin_runs_ahead_is_dropped() {
    // In L1 block 101 an origin of 101 is too new, although its hash is right.
    let mut node = Node::started();
    let outcome = node.post(101, vec![block(1_010, true, vec![])]);
    assert_eq!(outcome.dropped, Some(DropReason::OriginAhead { origin: 101, l1: 101 }));
    // And one of 104 is in the future of block 102.
    let blocks = (1..=4).map(|n| block(1_000 + 10 * n, true, vec![])).collect();
    let outcome = node.post(104, blocks);
    assert_eq!(outcome.dropped, Some(DropReason::OriginAhead { origin: 104, l1: 102 }));
    assert_eq!(node.safe().number, 0);
}

#[test]
fn batch_on_a_reorged_origin_is_dropped() {
    let mut node = Node::started();
    node.feed_to(101);
    let data = batch_on(&node.safe(), l1_hash(101, 1), vec![block(1_010, true, vec![])]);
    assert_eq!(node.post_data(data).dropped, Some(DropReason::OriginReorged { origin: 101 }));
    assert_eq!(node.safe().number, 0);
}

#[test]
fn origin_check_is_of_the_last_block() {
    let mut node = Node::started();
    node.feed_to(102);
    let blocks = vec![block(1_010, true, vec![]), block(1_020, true, vec![])];
    let data = batch_on(&node.safe(), l1_hash(101, 0), blocks.clone());
    assert_eq!(node.post_data(data).dropped, Some(DropReason::OriginReorged { origin: 102 }));
    assert_eq!(node.post(102, blocks).dropped, None);
    assert_eq!(node.safe().origin, l1(102).reference());
}

#[test]
fn batch_at_the_end_of_the_sequencing_window_counts() {
    // Origin 100 and a window of 5: L1 block 105 is the last.
    let mut node = Node::started();
    node.feed_to(104);
    let outcome = node.post(100, vec![block(1_000, false, vec![tx(0)])]);
    assert_eq!((outcome.l1.number, outcome.dropped), (105, None));
}

#[test]
fn batch_outside_the_sequencing_window_is_dropped() {
    let mut node = Node::started();
    node.feed_to(105);
    let outcome = node.post(100, vec![block(1_000, false, vec![tx(0)])]);
    assert_eq!(outcome.dropped, Some(DropReason::OutsideWindow { origin: 100, l1: 106 }));
    assert!(node.blocks.iter().all(|block| block.forced == block.transactions.len()));
}

#[test]
fn late_batch_counts_if_its_first_block_advances_the_origin_into_the_window() {
    let mut node = Node::started();
    node.feed_to(105);
    let outcome = node.post(101, vec![block(1_010, true, vec![tx(0)])]);
    assert_eq!((outcome.l1.number, outcome.dropped), (106, None));
    // No block of deposits alone was needed.
    assert_eq!(node.blocks.len(), 1);
}

#[test]
fn timestamp_before_the_parent_is_refused() {
    let mut node = Node::started();
    node.post(100, vec![block(1_005, false, vec![])]);
    let outcome = node.post(100, vec![block(1_004, false, vec![])]);
    assert_eq!(
        outcome.dropped,
        Some(DropReason::Timestamp(TimestampError::TooEarly { timestamp: 1_004, earliest: 1_005 }))
    );
}

#[test]
fn timestamp_before_the_origin_is_refused() {
    let mut node = Node::started();
    node.feed_to(101);
    let outcome = node.post(101, vec![block(1_009, true, vec![])]);
    assert_eq!(
        outcome.dropped,
        Some(DropReason::Timestamp(TimestampError::TooEarly { timestamp: 1_009, earliest: 1_010 }))
    );
}

#[test]
fn equal_timestamps_are_allowed() {
    let mut node = Node::started();
    let outcome = node.post(100, vec![block(1_000, false, vec![]); 10]);
    assert_eq!((outcome.applied, outcome.dropped), (10, None));
}

#[test]
fn drift_is_bounded() {
    let mut node = Node::started();
    let outcome = node.post(100, vec![block(1_030, false, vec![]), block(1_031, false, vec![])]);
    assert_eq!(outcome.applied, 1);
    assert_eq!(
        outcome.dropped,
        Some(DropReason::Timestamp(TimestampError::TooLate { timestamp: 1_031, latest: 1_030 }))
    );
    assert_eq!(node.safe().number, 1);
}

#[test]
fn first_block_that_breaks_a_rule_ends_the_batch_and_the_prefix_stays() {
    let mut node = Node::started();
    let outcome = node.post(
        100,
        vec![
            block(1_000, false, vec![tx(0)]),
            block(1_999, false, vec![tx(1)]),
            block(1_999, false, vec![tx(2)]),
        ],
    );
    assert_eq!(outcome.applied, 1);
    assert_eq!(node.safe().number, 1);
    assert_eq!(node.blocks.len(), 1);
}

#[test]
fn malformed_transaction_ends_the_batch() {
    for (raw, index) in [(vec![0xff, 0xff], 1), (vec![], 1)] {
        let mut node = Node::started();
        let outcome = node.post(
            100,
            vec![block(1_000, false, vec![]), block(1_000, false, vec![tx(0), raw.into()])],
        );
        assert_eq!(outcome.applied, 1);
        assert!(
            matches!(outcome.dropped, Some(DropReason::BadTransaction { index: i, .. }) if i == index)
        );
    }
}

#[test]
fn noncanonical_transaction_ends_the_batch() {
    // The nonce 0 as a zero byte.
    let mut raw = tx(0).to_vec();
    let nonce = 1 + usize::from(raw[0] >= 0xf8);
    assert_eq!(raw[nonce], 0x80);
    raw[nonce] = 0;
    let mut node = Node::started();
    let outcome = node.post(100, vec![block(1_000, false, vec![raw.into()])]);
    assert!(matches!(outcome.dropped, Some(DropReason::BadTransaction { index: 0, .. })));
}

#[test]
fn sequenced_deposit_is_refused() {
    let forged = mezz_primitives::Transaction::from(deposit(0).to_transaction(B256::ZERO));
    let mut node = Node::started();
    let outcome = node.post(100, vec![block(1_000, false, vec![tx(0), forged.encoded().into()])]);
    assert_eq!(outcome.dropped, Some(DropReason::Deposit { index: 1 }));
    assert_eq!(node.safe().number, 0);
}

#[test]
fn sequenced_blob_transaction_is_refused() {
    use alloy_consensus::{EthereumTxEnvelope, Signed, TxEip4844};
    let blob = Signed::new_unhashed(TxEip4844::default(), Signature::test_signature());
    let blob = mezz_primitives::Transaction::from(EthereumTxEnvelope::Eip4844(blob));
    let mut node = Node::started();
    let outcome = node.post(100, vec![block(1_000, false, vec![blob.encoded().into()])]);
    assert_eq!(outcome.dropped, Some(DropReason::Blob { index: 0 }));
}

#[test]
fn transaction_that_cannot_be_executed_ends_the_batch() {
    let mut node = Node::started();
    let outcome = node.post(
        100,
        vec![
            block(1_000, false, vec![tx(0)]),
            block(1_001, false, vec![tx(1), tx(INVALID_NONCE)]),
            block(1_002, false, vec![tx(2)]),
        ],
    );
    assert_eq!(outcome.applied, 1);
    assert_eq!(outcome.dropped, Some(DropReason::NotExecutable("nonce too high".into())));
    assert_eq!(node.safe().number, 1);
    // The chain goes on from the prefix.
    assert_eq!(node.post(100, vec![block(1_001, false, vec![tx(1)])]).dropped, None);
    assert_eq!(node.safe().number, 2);
}

#[test]
fn later_batch_of_the_same_l1_block_builds_on_the_prefix() {
    let mut node = Node::started();
    let first = batch_on(&node.safe(), l1_hash(100, 0), vec![block(1_000, false, vec![])]);
    let mut probe = Node::started();
    probe.post_data(first.clone());
    let second = batch_on(&probe.safe(), l1_hash(100, 0), vec![block(1_000, false, vec![])]);
    node.feed(L1Block { batches: vec![first, second], ..l1(101) }).unwrap();
    assert_eq!(node.safe().number, 2);
}

#[test]
fn censored_deposit_is_included_when_the_window_ends() {
    let mut node = Node::started();
    node.feed(L1Block { deposits: vec![deposit(0)], ..l1(101) }).unwrap();
    // The sequencer stays on origin 100 as long as it may.
    for number in 102..=105 {
        assert_eq!(node.post(100, vec![block(1_010, false, vec![])]).l1.number, number);
    }
    let outcome = node.post(100, vec![block(1_010, false, vec![tx(0)])]);
    assert_eq!(outcome.dropped, Some(DropReason::OutsideWindow { origin: 100, l1: 106 }));
    let forced = node.blocks.iter().find(|block| block.transactions.len() == 2).unwrap();
    assert_eq!(forced.source, BlockSource::WindowExpired { l1: l1(106).reference() });
    assert_eq!(forced.attributes.origin, l1(101).reference());
    assert_eq!(
        forced.transactions[1].as_deposit(),
        Some(&deposit(0).to_transaction(l1_hash(101, 0)))
    );
}

#[test]
fn chain_goes_on_alone_one_block_per_origin() {
    let mut node = Node::started();
    node.feed_to(120);
    let origins: Vec<u64> = node.blocks.iter().map(|b| b.attributes.origin.number).collect();
    assert_eq!(origins, (101..=116).collect::<Vec<_>>());
    for block in &node.blocks {
        assert_eq!(block.attributes.timestamp, 10 * block.attributes.origin.number);
        assert_eq!(block.transactions.len(), 1);
    }
    // And a sequencer that comes back goes on from there.
    let outcome = node.post(117, vec![block(1_170, true, vec![tx(0)])]);
    assert_eq!(outcome.dropped, None);
}

#[test]
fn half_a_window_is_free_after_the_window_has_ended() {
    // A window of 5 ends in L1 block 106, and when the origin is 104, in 110.
    let mut node = Node::started();
    let mut reached = Vec::new();
    for number in 105..=110 {
        node.feed_to(number);
        reached.push(node.safe().origin.number);
    }
    assert_eq!(reached, [100, 104, 104, 104, 104, 108]);
}

#[test]
fn batch_on_its_way_is_not_overtaken_after_the_window_has_ended() {
    let mut node = Node::started();
    node.feed_to(106);
    let on_its_way = batch_on(&node.safe(), l1_hash(105, 0), vec![block(1_055, true, vec![tx(0)])]);
    node.feed_to(108);
    let outcome = node.post_data(on_its_way);
    assert_eq!((outcome.l1.number, outcome.dropped), (109, None));
}

#[test]
fn forced_block_is_not_older_than_its_parent() {
    let mut node = Node::started();
    node.post(100, vec![block(1_025, false, vec![])]);
    node.feed_to(107);
    let timestamps: Vec<u64> = node.blocks.iter().map(|b| b.attributes.timestamp).collect();
    assert_eq!(timestamps, [1_025, 1_025, 1_025, 1_030, 1_040]);
}
