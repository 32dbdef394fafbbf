//! Any list of L1 blocks derives, deterministically and without a panic.

use super::*;
use proptest::{collection::vec as many, prelude::*};

/// A batch that a batcher or an attacker posts; made on the safe head of the moment.
#[derive(Clone, Debug)]
enum Post {
    /// Blocks by timestamp delta, origin advance and transactions; and what is wrong with it.
    Batch {
        blocks: Vec<(i64, bool, Vec<u64>)>,
        wrong: u8,
    },
    Noise(Vec<u8>),
    Blobs(Vec<u8>),
    /// Again what was posted before.
    Repeat(prop::sample::Index),
}

fn post() -> impl Strategy<Value = Post> {
    let nonce = prop_oneof![6 => 0..100u64, 1 => Just(INVALID_NONCE)];
    let block = (-1..20i64, any::<bool>(), many(nonce, 0..3));
    prop_oneof![
        6 => (many(block, 1..6), 0..8u8)
            .prop_map(|(blocks, wrong)| Post::Batch { blocks, wrong }),
        1 => many(any::<u8>(), 0..80).prop_map(Post::Noise),
        1 => many(any::<u8>(), 0..80).prop_map(Post::Blobs),
        1 => any::<prop::sample::Index>().prop_map(Post::Repeat),
    ]
}

/// An L1 block: its deposits, its posts, the seconds since the block before it.
fn blocks() -> impl Strategy<Value = Vec<(u8, Vec<Post>, u64)>> {
    many((0..3u8, many(post(), 0..3), 0..40u64), 1..25)
}

fn data(post: &Post, safe: &L2BlockRef, l1: &[L1Block], posted: &[BatchData]) -> BatchData {
    match post {
        Post::Noise(bytes) => BatchData::Calldata(bytes.clone().into()),
        Post::Blobs(bytes) => {
            let blobs = blob::to_blobs(bytes).unwrap();
            BatchData::Blobs(blobs.iter().map(|b| Bytes::copy_from_slice(&b[..])).collect())
        }
        Post::Repeat(_) if posted.is_empty() => BatchData::Blobs(vec![]),
        Post::Repeat(index) => posted[index.index(posted.len())].clone(),
        Post::Batch { blocks, wrong } => {
            let mut timestamp = safe.timestamp;
            let mut origin = safe.origin.number;
            let blocks = blocks
                .iter()
                .map(|(delta, advances, nonces)| {
                    origin += u64::from(*advances);
                    let at_origin =
                        l1.iter().find(|l1| l1.number == origin).map_or(0, |l1| l1.timestamp);
                    timestamp =
                        timestamp.max(at_origin).saturating_add_signed(*delta).max(timestamp);
                    block(timestamp, *advances, nonces.iter().map(|nonce| tx(*nonce)).collect())
                })
                .collect();
            let mut check =
                l1.iter().find(|l1| l1.number == origin).map_or(B256::ZERO, |l1| l1.hash);
            let mut parent = *safe;
            match wrong {
                0 => check = B256::repeat_byte(9),
                1 => parent.hash = B256::repeat_byte(9),
                2 => parent.number += 1,
                _ => {}
            }
            batch_on(&parent, check, blocks)
        }
    }
}

/// The same, decoded before it is its turn, if it can be.
fn decoded(data: BatchData) -> BatchData {
    let batch = data.bytes().ok().and_then(|bytes| DecodedBatch::decode(bytes, 901).ok());
    batch.map_or(data, |batch| BatchData::Decoded(Arc::new(batch)))
}

/// What must hold of every block that follows from L1.
fn check_chain(blocks: &[Arc<DerivedBlock>], l1: &[L1Block]) {
    let config = config();
    let mut parent = Deriver::genesis_cursor(&config, GENESIS).safe;
    for derived in blocks {
        assert_eq!(derived.parent, parent);
        let attributes = derived.attributes;
        assert_eq!(attributes.number, parent.number + 1);
        let origin = l1.iter().find(|l1| l1.reference() == attributes.origin).unwrap();
        let first = origin.number == parent.origin.number + 1;
        assert!(first || attributes.origin == parent.origin);
        assert!(attributes.timestamp >= parent.timestamp);
        assert!(attributes.timestamp >= origin.timestamp);
        let deposits = if first { origin.deposits.len() } else { 0 };
        assert_eq!(derived.forced, 1 + deposits);
        assert!(derived.transactions[derived.forced..].iter().all(|tx| !tx.is_deposit()));
        parent = attributes.reference(execute(derived).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_l1_derives_deterministically(blocks in blocks()) {
        let mut node = Node::started();
        let mut history = vec![l1(100)];
        let mut posted = vec![];
        for (deposits, posts, seconds) in blocks {
            let last = history.last().unwrap();
            let mut next = l1(last.number + 1);
            next.timestamp = last.timestamp + seconds;
            next.deposits = (0..u64::from(deposits)).map(deposit).collect();
            for post in &posts {
                let data = data(post, &node.safe(), &history, &posted);
                posted.push(data.clone());
                next.batches.push(data);
            }
            node.feed(next.clone()).unwrap();
            history.push(next);
            // The window holds after every L1 block: no deposit waits longer.
            let tip = history.last().unwrap().number;
            prop_assert!(node.safe().origin.number + config().sequencing_window >= tip);
        }
        check_chain(&node.blocks, &history);
        let mut again = Node::new();
        for mut block in history {
            block.batches = block.batches.into_iter().map(decoded).collect();
            again.feed(block).unwrap();
        }
        prop_assert_eq!(again.blocks, node.blocks);
        prop_assert_eq!(again.outcomes, node.outcomes);
        prop_assert_eq!(again.cursors, node.cursors);
    }
}
