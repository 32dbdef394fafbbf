//! The cursor of a follower: the newest block given out, and enough of its ancestors to find the
//! common one after a reorganisation.

use crate::types::BlockRef;
use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Where a follower stands. The caller keeps it beside whatever it derived from the events, in
/// one commit with it, and starts the next follower from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct FollowerState {
    /// Consecutive blocks, oldest first, never empty; the last one is the tip.
    window: VecDeque<BlockRef>,
    safe: Option<BlockRef>,
    finalized: Option<BlockRef>,
}

#[derive(Deserialize)]
struct Raw {
    window: VecDeque<BlockRef>,
    safe: Option<BlockRef>,
    finalized: Option<BlockRef>,
}

impl TryFrom<Raw> for FollowerState {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        if raw.window.is_empty() {
            return Err("the follower state holds no block");
        }
        let consecutive = raw
            .window
            .iter()
            .zip(raw.window.iter().skip(1))
            .all(|(block, next)| block.number.checked_add(1) == Some(next.number));
        if !consecutive {
            return Err("the blocks of the follower state are not consecutive");
        }
        Ok(Self { window: raw.window, safe: raw.safe, finalized: raw.finalized })
    }
}

impl FollowerState {
    /// A cursor on `start`, which counts as given out already: the first event is its child.
    pub fn new(start: BlockRef) -> Self {
        Self { window: VecDeque::from([start]), safe: None, finalized: None }
    }

    /// The newest block given out.
    pub fn tip(&self) -> BlockRef {
        self.window[self.window.len() - 1]
    }

    /// The oldest block that is kept; a reorganisation that removes it cannot be followed.
    pub fn oldest(&self) -> BlockRef {
        self.window[0]
    }

    /// The newest safe block given out.
    pub const fn safe(&self) -> Option<BlockRef> {
        self.safe
    }

    /// The newest finalized block given out.
    pub const fn finalized(&self) -> Option<BlockRef> {
        self.finalized
    }

    /// The hash of a kept block.
    pub fn hash_at(&self, number: u64) -> Option<B256> {
        let index = number.checked_sub(self.oldest().number)?;
        self.window.get(usize::try_from(index).ok()?).map(|block| block.hash)
    }

    pub(super) fn push(&mut self, block: BlockRef, keep: usize) {
        self.window.push_back(block);
        while self.window.len() > keep.max(1) {
            self.window.pop_front();
        }
    }

    /// Removes all blocks above a kept one and lowers the marks to it. Returns how many went.
    pub(super) fn rewind(&mut self, ancestor: BlockRef) -> u64 {
        let depth = self.tip().number.saturating_sub(ancestor.number);
        while self.window.len() > 1 && self.tip().number > ancestor.number {
            self.window.pop_back();
        }
        for mark in [&mut self.safe, &mut self.finalized] {
            if mark.is_some_and(|mark| mark.number > ancestor.number) {
                *mark = Some(ancestor);
            }
        }
        depth
    }

    pub(super) const fn set_safe(&mut self, block: BlockRef) {
        self.safe = Some(block);
    }

    pub(super) const fn set_finalized(&mut self, block: BlockRef) {
        self.finalized = Some(block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u64) -> BlockRef {
        BlockRef { number, hash: B256::with_last_byte(u8::try_from(number).unwrap()) }
    }

    #[test]
    fn window_is_bounded_and_rewinds() {
        let mut state = FollowerState::new(block(5));
        for number in 6..=10 {
            state.push(block(number), 4);
        }
        assert_eq!((state.oldest(), state.tip()), (block(7), block(10)));
        assert_eq!(state.hash_at(8), Some(block(8).hash));
        assert_eq!((state.hash_at(6), state.hash_at(11)), (None, None));
        state.set_safe(block(9));
        state.set_finalized(block(7));
        assert_eq!(state.rewind(block(8)), 2);
        assert_eq!(state.tip(), block(8));
        assert_eq!((state.safe(), state.finalized()), (Some(block(8)), Some(block(7))));
    }

    #[test]
    fn stored_state_is_checked() {
        let mut state = FollowerState::new(block(1));
        state.push(block(2), 4);
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<FollowerState>(&json).unwrap(), state);
        let gap = json.replace("\"number\":2", "\"number\":3");
        assert!(serde_json::from_str::<FollowerState>(&gap).is_err());
        let empty = r#"{"window":[],"safe":null,"finalized":null}"#;
        assert!(serde_json::from_str::<FollowerState>(empty).is_err());
    }
}
