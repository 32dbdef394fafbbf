//! The ledger in a simulated world: an L1 that mines some of what waits and takes blocks back, a
//! sender and an L2 node that look at it whenever they like, and a batcher that fails at times.

use super::ledger::{Footing, Ledger, Posted};
use alloy::primitives::{B256, U256};
use mezz_l1::{BlockRef, SenderStatus};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::VecDeque;

const PATIENCE: u64 = 20;

/// A batch transaction; its nonce is its place among all.
#[derive(Clone, Copy, Debug)]
struct Tx {
    first: u64,
    last: u64,
    /// As the sender knows it.
    mined: Option<BlockRef>,
}

#[derive(Clone, Debug)]
struct L1Block {
    at: BlockRef,
    nonces: Vec<usize>,
}

struct World {
    rng: StdRng,
    salt: u64,
    l1: Vec<L1Block>,
    /// L1 as far as the node has derived it.
    node: Vec<L1Block>,
    txs: Vec<Tx>,
    /// Nonces below were handed to the pool; the others wait in the sender's queue.
    offered: usize,
    /// The sender has refused a batch, and refuses those after it until the batcher knows.
    torn: bool,
    unsafe_l2: u64,
    ledger: Ledger,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            rng: StdRng::seed_from_u64(seed),
            salt: 0,
            l1: Vec::new(),
            node: Vec::new(),
            txs: Vec::new(),
            offered: 0,
            torn: false,
            unsafe_l2: 0,
            ledger: Ledger::default(),
        };
        world.mine(false);
        world.node = world.l1.clone();
        world
    }

    fn mine(&mut self, take: bool) {
        self.salt += 1;
        let at = BlockRef { number: self.l1.len() as u64, hash: B256::from(U256::from(self.salt)) };
        let next: usize = self.l1.iter().map(|block| block.nonces.len()).sum();
        let most = if take { self.offered.saturating_sub(next) } else { 0 };
        let count = if most == 0 { 0 } else { self.rng.random_range(0..=most) };
        self.l1.push(L1Block { at, nonces: (next..next + count).collect() });
    }

    /// The safe head of a chain of L1 blocks, and what arrived in vain.
    fn derive(&self, l1: &[L1Block]) -> (u64, Vec<usize>) {
        let (mut safe, mut vain) = (0, Vec::new());
        for nonce in l1.iter().flat_map(|block| &block.nonces) {
            let tx = self.txs[*nonce];
            if tx.first == safe + 1 {
                safe = tx.last;
            } else {
                vain.push(*nonce);
            }
        }
        (safe, vain)
    }

    /// The sender looks at L1, and offers what is not there.
    fn sender_looks(&mut self) {
        for tx in &mut self.txs {
            tx.mined = None;
        }
        for block in &self.l1 {
            for nonce in &block.nonces {
                self.txs[*nonce].mined = Some(block.at);
            }
        }
        self.offered = self.txs.len();
    }

    /// The sender refuses the first batch in its queue, and with it those behind it.
    fn sender_refuses(&mut self) {
        if self.offered < self.txs.len() {
            self.txs.truncate(self.offered);
            self.torn = true;
        }
    }

    fn sender_status(&self) -> SenderStatus {
        let mined = self.txs.iter().filter_map(|tx| tx.mined);
        SenderStatus {
            waiting: self.txs.iter().filter(|tx| tx.mined.is_none()).count(),
            newest_mined: mined.max_by_key(|block| block.number),
            ..SenderStatus::default()
        }
    }

    /// The node notices a reorganisation, or derives some more.
    fn node_looks(&mut self) {
        let same = self.node.iter().zip(&self.l1).take_while(|(a, b)| a.at == b.at).count();
        if same < self.node.len() {
            self.node.truncate(same);
            return;
        }
        let more = self.rng.random_range(0..4);
        let to = self.l1.len().min(same + more);
        self.node.extend_from_slice(&self.l1[same..to]);
    }

    fn on_l1(&self, block: BlockRef) -> bool {
        self.l1.get(usize::try_from(block.number).unwrap()).is_some_and(|b| b.at == block)
    }

    /// What else happens.
    fn step(&mut self) {
        match self.rng.random_range(0..20) {
            0..6 => self.mine(true),
            6 if self.rng.random_bool(0.3) => {
                let depth = self.rng.random_range(1..6).min(self.l1.len() - 1);
                self.l1.truncate(self.l1.len() - depth);
                for _ in 0..self.rng.random_range(0..depth + 3) {
                    // Pools keep what a reorganisation drops, or do not.
                    let take = self.rng.random();
                    self.mine(take);
                }
            }
            7..11 => self.sender_looks(),
            11 if self.rng.random_bool(0.2) => self.sender_refuses(),
            11..17 => self.node_looks(),
            17..19 => self.unsafe_l2 += self.rng.random_range(0..5),
            _ => {}
        }
    }

    /// A round of the batcher, the world going on between its questions.
    fn round(&mut self) {
        let (safe, _) = self.derive(&self.node);
        let derived = self.node[self.node.len() - 1].at;
        let unsafe_l2 = self.unsafe_l2;
        for posted in &mut self.ledger.posted {
            // A receipt is handed out once, wherever the transaction goes later.
            let tx = self.txs.iter().rfind(|tx| tx.first == posted.first);
            posted.l1 = posted.l1.or(tx.and_then(|tx| tx.mined).map(|block| block.number));
        }
        if self.torn && self.rng.random() {
            // A refusal arrives instead of a receipt.
            self.torn = false;
            self.ledger.posted.clear();
            return;
        }
        self.ledger.settle(safe, derived.number, PATIENCE);
        if self.ledger.posted.is_empty() {
            self.step();
            let sending = self.sender_status();
            self.step();
            let head = self.l1.len() as u64 - 1;
            let Some(footing) = Footing::find(derived, head, &sending) else { return };
            if !footing.blocks().all(|block| self.on_l1(block)) {
                return;
            }
        }
        self.step();
        let next = self.ledger.posted.back().map_or(safe, |last| last.last) + 1;
        if unsafe_l2 < next || self.ledger.posted.len() >= 4 {
            return;
        }
        let last = self.rng.random_range(next..=unsafe_l2);
        if !self.torn {
            self.txs.push(Tx { first: next, last, mined: None });
            if self.rng.random() {
                self.offered = self.txs.len();
            }
        }
        let (receipt, l1, last_hash) = (None, None, B256::ZERO);
        self.ledger.posted.push_back(Posted { first: next, last, last_hash, receipt, l1 });
    }
}

#[test]
fn nothing_is_posted_twice_whatever_happens() {
    for seed in 0..2_000 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
            match world.rng.random_range(0..24) {
                // A failure, or a restart.
                0 => (world.torn, world.ledger.posted) = (false, VecDeque::new()),
                1..9 => world.round(),
                _ => {}
            }
            let (_, vain) = world.derive(&world.l1);
            assert!(vain.is_empty(), "seed {seed}: {vain:?} of {:?}", world.txs);
        }
        // Nothing was forgotten either.
        if world.torn {
            world.ledger.posted.clear();
        }
        for _ in 0..60 {
            world.mine(true);
            world.sender_looks();
            world.node = world.l1.clone();
            let (safe, _) = world.derive(&world.node);
            world.ledger.settle(safe, world.l1.len() as u64, PATIENCE);
            let derived = world.node[world.node.len() - 1].at;
            let sending = world.sender_status();
            if world.ledger.posted.is_empty()
                && Footing::find(derived, derived.number, &sending).is_some()
                && safe < world.unsafe_l2
            {
                let (first, last) = (safe + 1, world.unsafe_l2);
                world.txs.push(Tx { first, last, mined: None });
            }
        }
        let (safe, vain) = world.derive(&world.l1);
        assert_eq!((safe, vain.len()), (world.unsafe_l2, 0), "seed {seed}");
    }
}

#[test]
fn the_node_must_have_derived_the_newest_of_our_blocks() {
    let block = |number: u64| BlockRef { number, hash: B256::with_last_byte(1) };
    let sending = |mined| SenderStatus { newest_mined: Some(block(mined)), ..Default::default() };
    assert_eq!(Footing::find(block(9), 10, &sending(10)), None, "the block that has just come");
    let footing = Footing::find(block(10), 10, &sending(10)).unwrap();
    assert_eq!(footing.blocks().count(), 2);
    assert!(Footing::find(block(9), 10, &SenderStatus::default()).is_some());
    assert_eq!(Footing::find(block(8), 10, &SenderStatus::default()), None, "it lags");
    for busy in [
        SenderStatus { queued: 1, ..Default::default() },
        SenderStatus { waiting: 1, ..Default::default() },
    ] {
        assert_eq!(Footing::find(block(10), 10, &busy), None);
    }
}
