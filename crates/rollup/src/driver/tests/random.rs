//! Random runs: L1 grows, is reorganised, batches come late or never, and nodes are stopped at
//! any moment. In the end all agree.

use super::{
    super::DriverError,
    world::{L1, Node},
};
use std::path::Path;

/// SplitMix64: the same run for the same seed, on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Starts a node, and again if L1 has changed meanwhile.
async fn start(dir: &Path, l1: &L1, sequences: bool) -> Node {
    Node::start(dir, l1, sequences).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Does a step, and starts the node anew if that is what the driver asks for.
async fn step(
    mut node: Node,
    dir: &Path,
    l1: &L1,
    sequences: bool,
    what: impl Fn(&mut Node) -> Result<(), DriverError>,
) -> Node {
    match what(&mut node) {
        Ok(()) => node,
        Err(DriverError::L1Changed) => {
            drop(node);
            start(dir, l1, sequences).await
        }
        Err(error) => panic!("{error}"),
    }
}

async fn run(seed: u64) {
    let mut random = Random(seed);
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dirs = [dir.path(), other.path()];
    let mut l1 = L1::new();
    let mut nodes = Vec::new();
    for (dir, sequences) in dirs.into_iter().zip([true, false]) {
        nodes.push(start(dir, &l1, sequences).await);
    }
    let mut on_its_way = None;
    for _ in 0..80 {
        match random.below(12) {
            0 => {
                l1.drop(1 + random.below(7));
                if random.below(2) == 0 {
                    l1.mine(random.below(3), Vec::new());
                }
            }
            1 | 2 => on_its_way = nodes[0].batch(),
            _ => {
                let lands = random.below(3) == 0;
                let batches = on_its_way.take_if(|_| lands).into_iter().collect();
                l1.mine(random.below(3), batches);
            }
        }
        for (index, dir) in dirs.into_iter().enumerate() {
            let sequences = index == 0;
            let mut node = nodes.remove(index);
            if random.below(8) == 0 {
                drop(node);
                node = start(dir, &l1, sequences).await;
            }
            let head = l1.head().number;
            let (to, batches) = (head - random.below(3), head - random.below(4));
            let ticks = random.below(3);
            // A node behind may not know of a reorganisation yet; then it is not looked at.
            node = step(node, dir, &l1, sequences, |node| {
                node.follow(&l1, to, batches)?;
                node.sequence(ticks)
            })
            .await;
            nodes.insert(index, node);
        }
    }
    // Both catch up from what they have stored, and L1 takes the sequencer's last batch.
    for landing in [false, true, true] {
        let batches = nodes[0].batch().into_iter().filter(|_| landing).collect();
        l1.mine(1, batches);
        for (index, dir) in dirs.into_iter().enumerate() {
            drop(nodes.remove(index));
            let mut node = start(dir, &l1, index == 0).await;
            node.follow(&l1, u64::MAX, u64::MAX).unwrap();
            node.sequence(1).unwrap();
            node.assert_consistent(&l1);
            nodes.insert(index, node);
        }
    }
    let fresh = tempfile::tempdir().unwrap();
    let mut witness = start(fresh.path(), &l1, false).await;
    witness.follow(&l1, u64::MAX, u64::MAX).unwrap();
    witness.assert_consistent(&l1);
    assert!(witness.safe().0 > 0);
    for node in &nodes {
        assert_eq!(node.safe(), witness.safe(), "seed {seed}");
    }
}

#[tokio::test]
async fn nodes_agree_with_a_fresh_verifier_after_any_history() {
    for seed in 0..12 {
        run(seed).await;
    }
}
