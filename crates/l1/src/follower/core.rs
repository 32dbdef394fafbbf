//! The decisions of a follower, without I/O and without a clock: which question to ask next, and
//! which events the answers amount to.

use super::{FollowError, L1BlockData, L1Event, state::FollowerState};
use crate::types::BlockRef;
use alloy::{
    consensus::{Header, Sealed},
    primitives::B256,
};
use std::{collections::VecDeque, time::Duration};

/// The part of the configuration that decisions depend on.
#[derive(Clone, Debug)]
pub(super) struct CoreOptions {
    pub(super) keep: usize,
    pub(super) batch: u64,
    pub(super) poll_interval: Duration,
    pub(super) max_backoff: Duration,
    pub(super) shrink_patience: Duration,
    pub(super) denial_patience: Option<Duration>,
}

/// A question to the Layer 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Head,
    /// Canonical blocks by number, both ends included.
    Blocks {
        from: u64,
        to: u64,
    },
    Header(B256),
    /// The canonical header at a height.
    Canonical(u64),
    Marks,
}

/// What came of a question.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Head(Box<Sealed<Header>>),
    /// At least one block from the start of the range; fewer than asked for if the rest failed.
    Blocks(Vec<L1BlockData>),
    Header(Box<Sealed<Header>>),
    Canonical(Box<Sealed<Header>>),
    Marks {
        safe: Option<BlockRef>,
        finalized: Option<BlockRef>,
    },
    Failed,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Step {
    Event(L1Event),
    Ask(Question),
    Wait(Duration),
    Fail(FollowError),
}

/// What an answer was worth, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// It cannot be right, or the chain changed while it was read.
    Inconsistent(String),
    /// The node stands below what was followed already.
    Behind(BlockRef),
}

/// Idle polls after which safe and finalized are asked for although the head has not moved.
const MARKS_EVERY: u32 = 16;

/// Looks that a shorter chain takes to be believed, however short the pauses between them.
const SHRUNK_LOOKS: u32 = 3;

#[derive(Debug)]
pub(super) struct Core {
    state: FollowerState,
    options: CoreOptions,
    /// The newest head heard of and not yet dealt with.
    head: Option<BlockRef>,
    /// Linked to the tip and to each other.
    ready: VecDeque<L1BlockData>,
    /// The lowest known header of a branch that leaves our chain at an unknown place.
    branch: Option<Sealed<Header>>,
    ancestor: Option<BlockRef>,
    /// A branch leaves our chain below the oldest block kept, or the answers about it were wrong.
    too_deep: bool,
    /// How long it has been denying the oldest block kept, pauses only.
    denied: Option<Duration>,
    marks: VecDeque<L1Event>,
    marked: Option<BlockRef>,
    idle: u32,
    wait: Option<Duration>,
    trouble: u32,
    /// Looks in a row that showed a head below the tip, in our own chain.
    behind: u32,
    fatal: Option<FollowError>,
}

impl Core {
    pub(super) const fn new(state: FollowerState, options: CoreOptions) -> Self {
        Self {
            state,
            options,
            head: None,
            ready: VecDeque::new(),
            branch: None,
            ancestor: None,
            too_deep: false,
            denied: None,
            marks: VecDeque::new(),
            marked: None,
            idle: 0,
            wait: None,
            trouble: 0,
            behind: 0,
            fatal: None,
        }
    }

    pub(super) const fn state(&self) -> &FollowerState {
        &self.state
    }

    pub(super) const fn head(&self) -> Option<BlockRef> {
        self.head
    }

    /// Failures since the last progress.
    pub(super) const fn trouble(&self) -> u32 {
        self.trouble
    }

    pub(super) fn step(&mut self) -> Step {
        if let Some(error) = &self.fatal {
            return Step::Fail(error.clone());
        }
        if let Some(common_ancestor) = self.ancestor.take() {
            let depth = self.state.rewind(common_ancestor);
            return Step::Event(L1Event::Reorg { common_ancestor, depth });
        }
        if let Some(block) = self.ready.pop_front() {
            self.state.push(block.block_ref(), self.options.keep);
            return Step::Event(L1Event::Block(Box::new(block)));
        }
        if let Some(mark) = self.marks.pop_front() {
            match mark {
                L1Event::Safe(block) => self.state.set_safe(block),
                L1Event::Finalized(block) => self.state.set_finalized(block),
                L1Event::Block(_) | L1Event::Reorg { .. } => {}
            }
            return Step::Event(mark);
        }
        if let Some(pause) = self.wait.take() {
            return Step::Wait(pause);
        }
        if self.too_deep {
            return Step::Ask(Question::Canonical(self.state.oldest().number));
        }
        if let Some(branch) = &self.branch {
            return Step::Ask(Question::Header(branch.parent_hash));
        }
        let Some(head) = self.head else { return Step::Ask(Question::Head) };
        let tip = self.state.tip();
        if head.number > tip.number {
            let from = tip.number + 1;
            let to = head.number.min(tip.number.saturating_add(self.options.batch.max(1)));
            return Step::Ask(Question::Blocks { from, to });
        }
        if self.marked != Some(head) || self.idle >= MARKS_EVERY {
            return Step::Ask(Question::Marks);
        }
        self.idle += 1;
        self.head = None;
        Step::Wait(self.options.poll_interval)
    }

    pub(super) fn answer(&mut self, answer: Answer) -> Verdict {
        match answer {
            Answer::Head(head) => self.on_head(*head),
            Answer::Blocks(blocks) => self.on_blocks(blocks),
            Answer::Header(header) => self.on_header(*header),
            Answer::Canonical(header) => self.on_canonical(&header),
            Answer::Marks { safe, finalized } => {
                self.marked = self.head;
                self.idle = 0;
                if let Some(block) = self.new_mark(self.state.safe(), safe) {
                    self.marks.push_back(L1Event::Safe(block));
                }
                if let Some(block) = self.new_mark(self.state.finalized(), finalized) {
                    self.marks.push_back(L1Event::Finalized(block));
                }
                Verdict::Good
            }
            Answer::Failed => {
                self.again_later();
                Verdict::Good
            }
        }
    }

    fn on_head(&mut self, header: Sealed<Header>) -> Verdict {
        let head = BlockRef::from(&header);
        let tip = self.state.tip();
        if head.number > tip.number {
            self.behind = 0;
            self.head = Some(head);
            return Verdict::Good;
        }
        match self.state.hash_at(head.number) {
            Some(hash) if hash == head.hash => {
                self.head = Some(head);
                self.progress();
                if head == tip {
                    self.behind = 0;
                    return Verdict::Good;
                }
                // Either the node lags behind another one that was asked before, or the chain was
                // cut. The first passes by itself, so only a head that stays is believed. Another
                // block at a height needs no patience: that is a branch.
                self.behind = self.behind.saturating_add(1);
                let waited = self.options.poll_interval.saturating_mul(self.behind - 1);
                if self.behind >= SHRUNK_LOOKS && waited >= self.options.shrink_patience {
                    self.behind = 0;
                    self.found(head);
                }
                Verdict::Behind(head)
            }
            Some(_) => self.on_branch(header),
            None => {
                self.behind = self.behind.saturating_add(1);
                self.trouble = self.trouble.saturating_add(1);
                self.wait = Some(self.backoff());
                Verdict::Behind(head)
            }
        }
    }

    fn on_blocks(&mut self, blocks: Vec<L1BlockData>) -> Verdict {
        let mut parent = self.state.tip();
        for block in blocks {
            if parent.number.checked_add(1) != Some(block.header.number) {
                self.again_later();
                return Verdict::Inconsistent(format!(
                    "block {} where the child of block {} is due",
                    block.header.number, parent.number
                ));
            }
            if block.header.parent_hash != parent.hash {
                if self.ready.is_empty() {
                    return self.on_branch(block.header);
                }
                self.head = None;
                return Verdict::Inconsistent(format!(
                    "block {} does not follow block {}: the chain changed while it was read",
                    block.header.number, parent.number
                ));
            }
            parent = block.block_ref();
            self.progress();
            self.ready.push_back(block);
        }
        if self.ready.is_empty() {
            self.again_later();
        }
        Verdict::Good
    }

    fn on_header(&mut self, header: Sealed<Header>) -> Verdict {
        let fits = self.branch.as_ref().is_some_and(|child| {
            child.parent_hash == header.hash() && header.number.checked_add(1) == Some(child.number)
        });
        if !fits {
            self.again_later();
            return Verdict::Inconsistent(format!(
                "block {} ({}) is not the parent that was asked for",
                header.number,
                header.hash()
            ));
        }
        self.on_branch(header)
    }

    /// Deals with a header at most one above the tip whose block is not in our chain: its parent
    /// is the common ancestor, or the search goes on there.
    fn on_branch(&mut self, header: Sealed<Header>) -> Verdict {
        let oldest = self.state.oldest();
        let parent = header
            .number
            .checked_sub(1)
            .map(|number| BlockRef { number, hash: header.parent_hash });
        match parent {
            Some(parent) if self.state.hash_at(parent.number) == Some(parent.hash) => {
                self.found(parent);
            }
            Some(parent) if parent.number > oldest.number => self.branch = Some(header),
            _ => {
                self.branch = None;
                self.too_deep = true;
            }
        }
        Verdict::Good
    }

    /// The last word on a reorganisation that seems too deep. The same question is asked until the
    /// oldest block kept is there again, or patience ends: the node may be on another chain only
    /// for a while.
    fn on_canonical(&mut self, header: &Sealed<Header>) -> Verdict {
        let oldest = self.state.oldest();
        let denied = header.number == oldest.number && header.hash() != oldest.hash;
        self.again_later();
        if !denied {
            self.denied = None;
            return Verdict::Inconsistent(format!("a branch that does not join at block {oldest}"));
        }
        let error = FollowError::ReorgTooDeep { oldest, tip: self.state.tip() };
        let reason = error.to_string();
        let before = self.denied.unwrap_or_default();
        if self.denied.is_some() && self.options.denial_patience.is_some_and(|most| before >= most)
        {
            self.fatal = Some(error);
        }
        self.too_deep = true;
        self.denied = Some(before.saturating_add(self.wait.unwrap_or_default()));
        Verdict::Inconsistent(reason)
    }

    fn progress(&mut self) {
        self.trouble = 0;
        self.denied = None;
    }

    fn found(&mut self, ancestor: BlockRef) {
        self.branch = None;
        self.head = None;
        self.marked = None;
        self.progress();
        if ancestor != self.state.tip() {
            self.ancestor = Some(ancestor);
        }
    }

    /// A mark that is news: in our chain, and not below the one given out before.
    fn new_mark(&self, old: Option<BlockRef>, new: Option<BlockRef>) -> Option<BlockRef> {
        let new = new?;
        let kept = match self.state.hash_at(new.number) {
            Some(hash) => hash == new.hash,
            None => new.number < self.state.oldest().number,
        };
        let advances = old.is_none_or(|old| new.number > old.number);
        (kept && advances).then_some(new)
    }

    fn again_later(&mut self) {
        self.head = None;
        self.branch = None;
        self.too_deep = false;
        self.trouble = self.trouble.saturating_add(1);
        self.wait = Some(self.backoff());
    }

    fn backoff(&self) -> Duration {
        let doublings = self.trouble.saturating_sub(1).min(16);
        self.options.poll_interval.saturating_mul(1 << doublings).min(self.options.max_backoff)
    }
}
