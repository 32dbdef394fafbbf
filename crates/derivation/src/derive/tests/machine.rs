//! Feeding, resuming, reorgs, and what the sequencer shares.

use super::*;

#[test]
fn l1_blocks_are_taken_in_order_only() {
    let mut node = Node::new();
    assert_eq!(node.deriver.step(), Step::NeedL1(100));
    assert_eq!(node.feed(l1(101)), Err(FeedError::NotNext { expected: 100, got: 101 }));
    node.feed(l1(100)).unwrap();
    assert_eq!(node.feed(l1(100)), Err(FeedError::NotNext { expected: 101, got: 100 }));
    assert_eq!(node.deriver.step(), Step::NeedL1(101));
}

#[test]
fn reorged_l1_is_noticed() {
    let mut node = Node::new();
    let other = L1Block { hash: B256::repeat_byte(1), ..l1(100) };
    assert_eq!(node.feed(other), Err(FeedError::Reorged { number: 100 }));
    node.feed(l1(100)).unwrap();
    let other = L1Block { parent_hash: B256::repeat_byte(1), ..l1(101) };
    assert_eq!(node.feed(other), Err(FeedError::Reorged { number: 101 }));
    // What was refused has left no trace.
    node.feed(l1(101)).unwrap();
}

#[test]
fn next_l1_block_waits_until_the_last_is_processed() {
    let mut deriver = Deriver::at_genesis(config(), GENESIS);
    deriver.push_l1(l1(100)).unwrap();
    deriver.push_l1(l1(101)).unwrap();
    assert_eq!(deriver.push_l1(l1(102)), Err(FeedError::Busy));
    assert!(matches!(deriver.step(), Step::L1Done(cursor) if cursor.l1 == l1(101).reference()));
    deriver.push_l1(l1(102)).unwrap();
}

#[test]
fn step_repeats_a_block_until_it_is_answered() {
    let mut deriver = Deriver::at_genesis(config(), GENESIS);
    deriver.push_l1(l1(100)).unwrap();
    let data = batch_on(&deriver.safe(), l1_hash(100, 0), vec![block(1_000, false, vec![tx(0)])]);
    deriver.push_l1(L1Block { batches: vec![data], ..l1(101) }).unwrap();
    let step = deriver.step();
    assert!(matches!(step, Step::Block(_)));
    assert_eq!(deriver.step(), step);
    assert_eq!(deriver.accepted(B256::repeat_byte(7)).unwrap().hash, B256::repeat_byte(7));
    assert_eq!(deriver.accepted(B256::ZERO), Err(DriverError::NothingPending));
    assert_eq!(deriver.refused("late").unwrap_err(), DriverError::NothingPending);
    assert!(matches!(deriver.step(), Step::Batch(outcome) if outcome.dropped.is_none()));
}

#[test]
fn refusal_of_a_block_of_deposits_alone_is_an_error() {
    let mut deriver = Deriver::at_genesis(config(), GENESIS);
    deriver.push_l1(l1(100)).unwrap();
    for number in 101..106 {
        deriver.push_l1(l1(number)).unwrap();
        assert!(matches!(deriver.step(), Step::L1Done(_)));
    }
    deriver.push_l1(l1(106)).unwrap();
    let step = deriver.step();
    assert!(matches!(&step, Step::Block(block) if block.forced == block.transactions.len()));
    assert_eq!(deriver.refused("no"), Err(DriverError::DepositsFailed("no".into())));
    // The block is still to be executed.
    assert_eq!(deriver.step(), step);
}

/// A history with batches, drops, deposits and an expired window.
fn history() -> Vec<L1Block> {
    let mut node = Node::started();
    let mut blocks = vec![l1(100)];
    for number in 101..=130u64 {
        let mut next = l1(number);
        if number.is_multiple_of(3) {
            next.deposits = vec![deposit(number)];
        }
        // Nothing between 110 and 118: the window ends.
        if !(110..118).contains(&number) {
            let safe = node.safe();
            let origin = safe.origin.number + u64::from(safe.origin.number + 1 < number);
            let advances = origin > safe.origin.number;
            let timestamp = safe.timestamp.max(10 * origin);
            let nonce = if number.is_multiple_of(5) { INVALID_NONCE } else { number };
            let good = batch_on(
                &safe,
                l1_hash(origin, 0),
                vec![
                    block(timestamp, advances, vec![tx(number)]),
                    block(timestamp, false, vec![tx(nonce)]),
                ],
            );
            next.batches = vec![good.clone(), BatchData::Blobs(vec![]), good];
        }
        node.feed(next.clone()).unwrap();
        blocks.push(next);
    }
    assert!(node.safe().number > 30);
    blocks
}

#[test]
fn every_cursor_leads_to_the_same_chain() {
    let history = history();
    let mut whole = Node::new();
    history.iter().for_each(|block| whole.feed(block.clone()).unwrap());
    for cursor in whole.cursors.clone() {
        // From the origin of the safe head on, as the deriver asks; batches up to the cursor are
        // in the blocks and must not count again.
        let mut resumed = Node::with(Deriver::new(config(), cursor));
        assert_eq!(resumed.deriver.step(), Step::NeedL1(cursor.safe.origin.number));
        for block in history.iter().filter(|block| block.number >= cursor.safe.origin.number) {
            resumed.feed(block.clone()).unwrap();
        }
        assert_eq!(resumed.safe(), whole.safe());
        let tail = &whole.blocks[whole.blocks.len() - resumed.blocks.len()..];
        assert_eq!(resumed.blocks, tail);
    }
}

#[test]
fn batch_before_the_cursor_does_not_count_after_a_restart() {
    // A batch ahead of its time is dropped. It must stay dropped when a node starts again after
    // its parent has become safe.
    let mut node = Node::started();
    let mut probe = Node::started();
    let first = batch_on(&probe.safe(), l1_hash(100, 0), vec![block(1_000, false, vec![tx(0)])]);
    probe.post_data(first.clone());
    let second = batch_on(&probe.safe(), l1_hash(100, 0), vec![block(1_000, false, vec![tx(1)])]);
    let l1_101 = L1Block { batches: vec![second], ..l1(101) };
    let l1_102 = L1Block { batches: vec![first], ..l1(102) };
    node.feed(l1_101.clone()).unwrap();
    node.feed(l1_102.clone()).unwrap();
    assert_eq!(node.safe().number, 1);
    let mut resumed = Node::with(Deriver::new(config(), node.deriver.cursor()));
    for block in [l1(100), l1_101, l1_102, l1(103)] {
        resumed.feed(block).unwrap();
    }
    assert_eq!(resumed.safe(), node.safe());
}

#[test]
fn resuming_on_another_l1_is_noticed() {
    let mut node = Node::started();
    node.feed_to(103);
    let cursor = node.deriver.cursor();
    let mut resumed = Node::with(Deriver::new(config(), cursor));
    resumed.feed_to(102);
    let fork = L1Block { hash: l1_hash(103, 1), ..l1(103) };
    assert_eq!(resumed.feed(fork), Err(FeedError::Reorged { number: 103 }));
}

#[test]
fn only_the_window_is_kept_in_memory() {
    let mut node = Node::started();
    for number in 101..400 {
        let next = L1Block {
            hash: keccak256(u64::to_be_bytes(number)),
            parent_hash: if number == 101 {
                l1_hash(100, 0)
            } else {
                keccak256(u64::to_be_bytes(number - 1))
            },
            ..l1(101)
        };
        node.feed(L1Block { number, timestamp: 10 * number, ..next }).unwrap();
        assert!(node.deriver.origins() <= config().sequencing_window as usize + 2);
    }
}

#[test]
fn sequencer_builds_what_a_verifier_derives() {
    let mut node = Node::started();
    let origin = L1Block { deposits: vec![deposit(4)], ..l1(101) };
    node.feed(origin.clone()).unwrap();
    let parent = node.safe();
    let first = block_inputs(&config(), &parent, &origin, 1_012).unwrap();
    node.post(101, vec![block(1_012, true, vec![tx(0)]), block(1_013, false, vec![])]);
    assert_eq!(node.blocks[0].attributes, first.attributes);
    assert_eq!(node.blocks[0].transactions[..2], first.transactions);
    let parent = node.blocks[1].parent;
    let second = block_inputs(&config(), &parent, &origin, 1_013).unwrap();
    assert_eq!(node.blocks[1].transactions, second.transactions);
    assert_eq!(node.blocks[1].attributes, second.attributes);
}

#[test]
fn sequencer_cannot_build_on_a_wrong_origin_or_time() {
    let parent = Node::started().safe();
    let config = config();
    for origin in [l1(102), l1(99), L1Block { parent_hash: B256::ZERO, ..l1(101) }] {
        assert!(matches!(
            block_inputs(&config, &parent, &origin, 1_020),
            Err(InputError::Origin { .. })
        ));
    }
    assert!(matches!(
        block_inputs(&config, &parent, &l1(101), 1_009),
        Err(InputError::Timestamp(TimestampError::TooEarly { .. }))
    ));
    let last = L2BlockRef { number: u64::MAX, ..parent };
    assert_eq!(block_inputs(&config, &last, &l1(101), 1_010), Err(InputError::Overflow));
}

#[test]
fn next_timestamp_follows_the_clock_within_the_rules() {
    let config = config();
    assert_eq!(next_timestamp(&config, 1_000, 990, 1_005), Ok(1_005));
    assert_eq!(next_timestamp(&config, 1_000, 990, 900), Ok(1_000));
    assert_eq!(next_timestamp(&config, 1_000, 1_010, 1_005), Ok(1_010));
    assert_eq!(next_timestamp(&config, 1_000, 990, 2_000), Ok(1_020));
    assert_eq!(
        next_timestamp(&config, 1_000, 969, 1_000),
        Err(TimestampError::TooLate { timestamp: 1_000, latest: 999 })
    );
    for now in 900..1_100 {
        let timestamp = next_timestamp(&config, 1_000, 990, now).unwrap();
        assert_eq!(check_timestamp(&config, 1_000, 990, timestamp), Ok(()));
    }
}
