//! The follower's core against a simulated Layer 1 that grows, reorganises, fails, lags and lies.

use super::{
    FollowError, L1BlockData, L1Event,
    core::{Answer, Core, CoreOptions, Question, Step},
    state::FollowerState,
};
use crate::types::BlockRef;
use alloy::{
    consensus::{Header, Sealed},
    primitives::B256,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{collections::HashMap, time::Duration};

const INTERVAL: Duration = Duration::from_millis(10);

fn options() -> CoreOptions {
    CoreOptions {
        keep: 64,
        batch: 7,
        poll_interval: INTERVAL,
        max_backoff: Duration::from_secs(1),
        shrink_patience: INTERVAL * 2,
        denial_patience: Some(Duration::from_secs(5)),
    }
}

#[derive(Clone)]
struct Sim {
    chain: Vec<Sealed<Header>>,
    known: HashMap<B256, Sealed<Header>>,
    salt: u64,
}

impl Sim {
    fn new(length: u64) -> Self {
        let genesis = Sealed::new(Header::default());
        let mut sim = Self {
            known: HashMap::from([(genesis.hash(), genesis.clone())]),
            chain: vec![genesis],
            salt: 0,
        };
        sim.mine(length);
        sim
    }

    fn mine(&mut self, count: u64) {
        for _ in 0..count {
            self.salt += 1;
            let parent = self.chain.last().unwrap();
            let header = Sealed::new(Header {
                number: parent.number + 1,
                parent_hash: parent.hash(),
                gas_used: self.salt,
                ..Default::default()
            });
            self.known.insert(header.hash(), header.clone());
            self.chain.push(header);
        }
    }

    fn reorg(&mut self, depth: usize, grow: u64) {
        let keep = self.chain.len().saturating_sub(depth).max(1);
        self.chain.truncate(keep);
        self.mine(grow);
    }

    fn at(&self, number: u64) -> Option<&Sealed<Header>> {
        self.chain.get(usize::try_from(number).unwrap())
    }

    fn head(&self) -> &Sealed<Header> {
        self.chain.last().unwrap()
    }

    fn answer(&self, question: Question) -> Answer {
        let block = |header: &Sealed<Header>| L1BlockData { header: header.clone(), logs: vec![] };
        match question {
            Question::Head => Answer::Head(Box::new(self.head().clone())),
            Question::Header(hash) => self
                .known
                .get(&hash)
                .map_or(Answer::Failed, |h| Answer::Header(Box::new(h.clone()))),
            Question::Canonical(number) => {
                self.at(number).map_or(Answer::Failed, |h| Answer::Canonical(Box::new(h.clone())))
            }
            Question::Blocks { from, to } => {
                let blocks: Vec<_> = (from..=to).map_while(|n| self.at(n).map(block)).collect();
                if blocks.is_empty() { Answer::Failed } else { Answer::Blocks(blocks) }
            }
            Question::Marks => {
                let back =
                    |n: u64| self.at(self.head().number.saturating_sub(n)).map(BlockRef::from);
                Answer::Marks { safe: back(4), finalized: back(8) }
            }
        }
    }
}

/// What a consumer that believes every event would hold.
struct Model {
    chain: Vec<BlockRef>,
    safe: Option<BlockRef>,
    finalized: Option<BlockRef>,
}

impl Model {
    fn new(start: BlockRef) -> Self {
        Self { chain: vec![start], safe: None, finalized: None }
    }

    fn apply(&mut self, event: &L1Event) {
        let tip = *self.chain.last().unwrap();
        match event {
            L1Event::Block(block) => {
                assert_eq!(block.header.parent_hash, tip.hash, "a block that does not follow");
                assert_eq!(block.header.number, tip.number + 1, "a block skipped or repeated");
                self.chain.push(block.block_ref());
            }
            L1Event::Reorg { common_ancestor, depth } => {
                let keep = self.chain.iter().position(|b| b == common_ancestor).unwrap() + 1;
                assert_eq!((self.chain.len() - keep) as u64, *depth);
                assert!(*depth > 0, "a reorganisation of nothing");
                self.chain.truncate(keep);
                for mark in [&mut self.safe, &mut self.finalized] {
                    if mark.is_some_and(|m| m.number > common_ancestor.number) {
                        *mark = Some(*common_ancestor);
                    }
                }
            }
            L1Event::Safe(block) => {
                assert!(self.chain.contains(block));
                assert!(self.safe.is_none_or(|old| old.number < block.number));
                self.safe = Some(*block);
            }
            L1Event::Finalized(block) => {
                assert!(self.chain.contains(block));
                assert!(self.finalized.is_none_or(|old| old.number < block.number));
                self.finalized = Some(*block);
            }
        }
    }
}

/// Drives the core with true answers until it has waited `polls` times in a row.
fn settle(core: &mut Core, sim: &Sim, model: &mut Model, polls: usize) {
    let mut waits = 0;
    for _ in 0..10_000 {
        match core.step() {
            Step::Event(event) => {
                waits = 0;
                model.apply(&event);
            }
            Step::Ask(question) => {
                core.answer(sim.answer(question));
            }
            Step::Wait(_) => {
                waits += 1;
                if waits == polls {
                    return;
                }
            }
            Step::Fail(error) => panic!("{error}"),
        }
    }
    panic!("the core does not come to rest");
}

#[test]
fn any_history_ends_at_the_canonical_chain() {
    for seed in 0..300 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut sim = Sim::new(rng.random_range(0..40));
        let mut old = sim.clone();
        let start = BlockRef::from(&sim.chain[0]);
        let mut core = Core::new(FollowerState::new(start), options());
        let mut model = Model::new(start);
        for _ in 0..400 {
            match rng.random_range(0..10) {
                0 => {
                    old = sim.clone();
                    sim.mine(rng.random_range(1..4));
                }
                1 if rng.random_bool(0.3) => {
                    old = sim.clone();
                    // Never below the oldest block kept.
                    let kept = usize::try_from(core.state().oldest().number).unwrap() + 1;
                    let depth = rng.random_range(1..30).min(sim.chain.len().saturating_sub(kept));
                    sim.reorg(depth, rng.random_range(0..40));
                }
                _ => {}
            }
            match core.step() {
                Step::Event(event) => model.apply(&event),
                Step::Wait(_) => {}
                Step::Fail(error) => panic!("seed {seed}: {error}"),
                Step::Ask(question) => {
                    let answer = match rng.random_range(0..12) {
                        0 => Answer::Failed,
                        1 => old.answer(question),
                        2 => lie(&sim, question, &mut rng),
                        _ => sim.answer(question),
                    };
                    core.answer(answer);
                }
            }
            assert_eq!(core.state().tip(), *model.chain.last().unwrap(), "seed {seed}");
        }
        settle(&mut core, &sim, &mut model, 40);
        let canonical: Vec<_> = sim.chain.iter().map(BlockRef::from).collect();
        assert_eq!(model.chain, canonical, "seed {seed}");
        assert_eq!(core.state().safe(), model.safe);
        let due = sim.head().number.saturating_sub(8);
        assert!(model.finalized.unwrap().number >= due, "seed {seed}: finalized stays behind");
    }
}

/// Answers that are well formed and untrue.
fn lie(sim: &Sim, question: Question, rng: &mut StdRng) -> Answer {
    let fake = |number: u64| {
        Sealed::new(Header {
            number,
            parent_hash: B256::repeat_byte(0xaa),
            gas_used: u64::MAX,
            ..Default::default()
        })
    };
    match question {
        Question::Head => Answer::Head(Box::new(fake(rng.random_range(1..sim.head().number + 5)))),
        Question::Header(_) => Answer::Header(Box::new(fake(rng.random_range(0..50)))),
        Question::Canonical(number) => Answer::Canonical(Box::new(fake(number))),
        Question::Blocks { from, .. } => Answer::Blocks(vec![L1BlockData {
            header: fake(from + rng.random_range(0..2)),
            logs: vec![],
        }]),
        Question::Marks => {
            let mark = Some(BlockRef::from(&fake(sim.head().number)));
            Answer::Marks { safe: mark, finalized: mark }
        }
    }
}

#[test]
fn reorg_deeper_than_the_window_says_so() {
    let mut sim = Sim::new(100);
    let start = BlockRef::from(&sim.chain[0]);
    let (mut core, mut model) =
        (Core::new(FollowerState::new(start), options()), Model::new(start));
    settle(&mut core, &sim, &mut model, 1);
    sim.reorg(70, 71);
    let mut waited = Duration::ZERO;
    let error = loop {
        match core.step() {
            Step::Ask(question) => {
                core.answer(sim.answer(question));
            }
            Step::Fail(error) => break error,
            Step::Wait(pause) => waited += pause,
            Step::Event(event) => panic!("{event:?}"),
        }
    };
    assert!(error.to_string().contains("mezz up --reset"), "{error}");
    let FollowError::ReorgTooDeep { oldest, tip } = error;
    assert_eq!((oldest.number, tip.number), (37, 100));
    assert!(waited >= Duration::from_secs(5), "{waited:?}");
}

#[test]
fn another_chain_is_waited_out_without_end_if_so_wished() {
    let (sim, mut other) = (Sim::new(100), Sim::new(0));
    other.salt = 1_000;
    other.mine(120);
    let start = BlockRef::from(&sim.chain[0]);
    let endless = CoreOptions { denial_patience: None, ..options() };
    let (mut core, mut model) = (Core::new(FollowerState::new(start), endless), Model::new(start));
    settle(&mut core, &sim, &mut model, 1);
    let (mut waited, mut asked) = (Duration::ZERO, 0);
    while waited < Duration::from_secs(600) {
        match core.step() {
            Step::Ask(question) => {
                asked += 1;
                core.answer(other.answer(question));
            }
            Step::Wait(pause) => waited += pause,
            step => panic!("{step:?}"),
        }
    }
    assert!(core.trouble() > 100, "it is said in the log");
    assert!(asked < 800, "one question a pause, {asked}");
    let mut sim = sim;
    sim.mine(3);
    settle(&mut core, &sim, &mut model, 4);
    assert!(model.chain == sim.chain.iter().map(BlockRef::from).collect::<Vec<_>>());
}

#[test]
fn patience_with_a_shorter_chain_is_a_time() {
    for (poll, looks) in [(100, 301), (500, 61), (60_000, 3)] {
        let mut sim = Sim::new(20);
        let start = BlockRef::from(&sim.chain[0]);
        let options = CoreOptions {
            poll_interval: Duration::from_millis(poll),
            shrink_patience: Duration::from_secs(30),
            ..options()
        };
        let (mut core, mut model) =
            (Core::new(FollowerState::new(start), options), Model::new(start));
        settle(&mut core, &sim, &mut model, 1);
        sim.reorg(5, 0);
        // The pause after the last look at the longer chain is not one with the shorter.
        settle(&mut core, &sim, &mut model, looks - 1);
        assert_eq!(model.chain.len(), 21, "every {poll} ms");
        settle(&mut core, &sim, &mut model, 2);
        assert_eq!(model.chain.len(), 16, "every {poll} ms");
    }
}

#[test]
fn another_block_at_a_lower_height_is_believed_at_once() {
    let mut sim = Sim::new(20);
    let start = BlockRef::from(&sim.chain[0]);
    let options = CoreOptions { shrink_patience: Duration::from_secs(30), ..options() };
    let (mut core, mut model) = (Core::new(FollowerState::new(start), options), Model::new(start));
    settle(&mut core, &sim, &mut model, 1);
    sim.reorg(8, 3);
    settle(&mut core, &sim, &mut model, 1);
    assert_eq!(model.chain, sim.chain.iter().map(BlockRef::from).collect::<Vec<_>>());
}

#[test]
fn one_false_branch_does_not_end_the_following() {
    let sim = Sim::new(10);
    let start = BlockRef::from(&sim.chain[0]);
    let (mut core, mut model) =
        (Core::new(FollowerState::new(start), options()), Model::new(start));
    settle(&mut core, &sim, &mut model, 1);
    let fake = Header { number: 1, parent_hash: B256::repeat_byte(1), ..Default::default() };
    while !matches!(core.step(), Step::Ask(Question::Head)) {}
    core.answer(Answer::Head(Box::new(Sealed::new(fake))));
    settle(&mut core, &sim, &mut model, 3);
    assert_eq!(model.chain.len(), 11);
}

#[test]
fn deepest_reorg_within_the_window_is_followed() {
    let mut sim = Sim::new(100);
    let start = BlockRef::from(&sim.chain[0]);
    let (mut core, mut model) =
        (Core::new(FollowerState::new(start), options()), Model::new(start));
    settle(&mut core, &sim, &mut model, 1);
    sim.reorg(63, 64);
    settle(&mut core, &sim, &mut model, 1);
    assert_eq!(model.chain.last(), sim.chain.last().map(BlockRef::from).as_ref());
}

#[test]
fn shorter_chain_is_believed_only_when_it_stays() {
    let mut sim = Sim::new(20);
    let start = BlockRef::from(&sim.chain[0]);
    let (mut core, mut model) =
        (Core::new(FollowerState::new(start), options()), Model::new(start));
    settle(&mut core, &sim, &mut model, 1);
    let full = sim.clone();
    sim.reorg(5, 0);
    settle(&mut core, &sim, &mut model, 2);
    assert_eq!(model.chain.len(), 21, "two looks are not enough");
    settle(&mut core, &full, &mut model, 2);
    settle(&mut core, &sim, &mut model, 2);
    assert_eq!(model.chain.len(), 21, "the count starts anew");
    settle(&mut core, &sim, &mut model, 4);
    assert_eq!(model.chain.len(), 16);
}

#[test]
fn pauses_grow_while_nothing_answers_and_end_with_it() {
    let sim = Sim::new(3);
    let start = BlockRef::from(&sim.chain[0]);
    let mut core = Core::new(FollowerState::new(start), options());
    let mut pauses = Vec::new();
    while pauses.len() < 9 {
        match core.step() {
            Step::Ask(_) => {
                core.answer(Answer::Failed);
            }
            Step::Wait(pause) => pauses.push(pause),
            step => panic!("{step:?}"),
        }
    }
    assert_eq!(pauses[..4], [INTERVAL, INTERVAL * 2, INTERVAL * 4, INTERVAL * 8]);
    assert_eq!(pauses[8], Duration::from_secs(1));
    settle(&mut core, &sim, &mut Model::new(start), 1);
    assert_eq!(core.trouble(), 0);
}

#[test]
fn far_behind_reads_in_bounded_batches() {
    let sim = Sim::new(30);
    let start = BlockRef::from(&sim.chain[0]);
    let mut core = Core::new(FollowerState::new(start), options());
    let mut model = Model::new(start);
    let mut ranges = Vec::new();
    while model.chain.len() < 31 {
        match core.step() {
            Step::Ask(question) => {
                if let Question::Blocks { from, to } = question {
                    ranges.push((from, to));
                }
                core.answer(sim.answer(question));
            }
            Step::Event(event) => model.apply(&event),
            step => panic!("{step:?}"),
        }
    }
    assert_eq!(ranges, [(1, 7), (8, 14), (15, 21), (22, 28), (29, 30)]);
}

#[test]
fn restart_from_the_state_goes_on_without_gap() {
    let mut sim = Sim::new(20);
    let start = BlockRef::from(&sim.chain[0]);
    let (mut core, mut model) =
        (Core::new(FollowerState::new(start), options()), Model::new(start));
    settle(&mut core, &sim, &mut model, 1);
    let saved = serde_json::to_vec(core.state()).unwrap();
    sim.reorg(6, 9);
    let mut core = Core::new(serde_json::from_slice(&saved).unwrap(), options());
    settle(&mut core, &sim, &mut model, 1);
    assert_eq!(model.chain, sim.chain.iter().map(BlockRef::from).collect::<Vec<_>>());
}
