//! Follows the Layer 1 by block hash: every block once and in order, with the logs that matter,
//! and every reorganisation before the blocks that replace the old ones.

mod core;
mod state;
#[cfg(test)]
mod tests;

pub use crate::client::{LogCheck, LogFilter};
pub use state::FollowerState;

use self::core::{Answer, Core, CoreOptions, Question, Step, Verdict};
use crate::{
    client::{L1Client, L1Error},
    types::{BlockRef, L1Log},
};
use ::core::fmt;
use alloy::{
    consensus::{Header, Sealed},
    eips::BlockNumberOrTag,
};
use futures::{StreamExt, future::BoxFuture, stream};
use mezz_metrics::{Histogram, histogram, number};
use std::time::Duration;

/// One block as a Layer 2 needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1BlockData {
    /// The header, checked against its hash.
    pub header: Sealed<Header>,
    /// The logs that the follower's filter asks for, in order.
    pub logs: Vec<L1Log>,
}

impl L1BlockData {
    /// Number and hash.
    pub fn block_ref(&self) -> BlockRef {
        BlockRef::from(&self.header)
    }
}

/// What happened on the Layer 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum L1Event {
    /// The child of the block given out before (or of the common ancestor after a reorganisation).
    Block(Box<L1BlockData>),
    /// All blocks above the common ancestor are gone; safe and finalized marks above it are
    /// lowered to it. The blocks that replace them follow as [`L1Event::Block`].
    Reorg {
        /// The newest block that both chains share.
        common_ancestor: BlockRef,
        /// How many blocks given out before are gone.
        depth: u64,
    },
    /// Blocks up to this one, all given out before, are safe.
    Safe(BlockRef),
    /// Blocks up to this one, all given out before, are final.
    Finalized(BlockRef),
}

/// Why a follower cannot go on. Everything else is waited out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// The Layer 1 no longer has even the oldest block kept.
    #[error(
        "L1 does not have block {oldest}, the oldest one kept below block {}: this is another chain, or a reorganisation deeper than can be followed; if L1 was reset for good, `mezz up --reset` begins a new chain",
        tip.number
    )]
    ReorgTooDeep {
        /// The oldest block kept.
        oldest: BlockRef,
        /// The newest block given out.
        tip: BlockRef,
    },
}

/// What a follower looks for and how often.
#[derive(Clone, Debug)]
pub struct FollowerConfig {
    /// Which logs come with the blocks.
    pub filter: LogFilter,
    /// How far the node is trusted about them.
    pub check: LogCheck,
    /// Pause between two looks at the head.
    pub poll_interval: Duration,
    /// The longest pause while the Layer 1 is away.
    pub max_backoff: Duration,
    /// How many blocks are kept to find a common ancestor: the deepest reorganisation plus one.
    pub keep: usize,
    /// How many blocks are fetched before the first of them is given out, when far behind.
    pub batch: u64,
    /// How many blocks are fetched at the same time.
    pub concurrency: usize,
    /// How long a head must stay below our tip, in our own chain, before it is believed. Behind a
    /// balancer one node that lags shows it for a while; only development nodes cut chains.
    pub shrink_patience: Duration,
    /// How long the Layer 1 may show another chain before the follower ends; it waits for ever
    /// for the right one without.
    pub denial_patience: Option<Duration>,
}

impl Default for FollowerConfig {
    fn default() -> Self {
        Self {
            filter: LogFilter::default(),
            check: LogCheck::default(),
            poll_interval: Duration::from_secs(1),
            max_backoff: Duration::from_secs(10),
            keep: 512,
            batch: 64,
            concurrency: 8,
            shrink_patience: Duration::from_secs(30),
            denial_patience: None,
        }
    }
}

/// A follower of one Layer 1.
pub struct Follower {
    client: L1Client,
    config: FollowerConfig,
    core: Core,
    /// The question under way. It outlives a dropped [`Self::next`].
    current: Option<BoxFuture<'static, Outcome>>,
    reorgs: Histogram,
}

enum Outcome {
    Waited,
    Answered(Answer),
    Failed(L1Error),
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("l1", &self.client.url())
            .field("tip", &self.core.state().tip())
            .finish_non_exhaustive()
    }
}

impl Follower {
    /// A follower that goes on after the tip of `state`.
    pub fn new(client: L1Client, state: FollowerState, config: FollowerConfig) -> Self {
        let options = CoreOptions {
            keep: config.keep,
            batch: config.batch,
            poll_interval: config.poll_interval,
            max_backoff: config.max_backoff,
            shrink_patience: config.shrink_patience,
            denial_patience: config.denial_patience,
        };
        let reorgs = histogram(
            "mezz_l1_reorg_depth_blocks",
            "L1 reorganisations by the number of blocks that each took back.",
            &[],
        );
        Self { client, config, core: Core::new(state, options), current: None, reorgs }
    }

    /// Where the follower stands, all events given out so far included.
    pub const fn state(&self) -> &FollowerState {
        self.core.state()
    }

    /// The head of the Layer 1 that is being caught up with, if the follower is behind it.
    pub fn target(&self) -> Option<BlockRef> {
        self.core.head().filter(|head| head.number > self.core.state().tip().number)
    }

    /// Waits for the next event. A call that is dropped before it returns loses nothing, so it can
    /// stand in a `select!`.
    ///
    /// # Errors
    /// [`FollowError::ReorgTooDeep`] once `denial_patience` has ended, again at every later call. A
    /// Layer 1 that is away, busy or
    /// wrong is no error: it is said in the log and waited out.
    pub async fn next(&mut self) -> Result<L1Event, FollowError> {
        loop {
            if let Some(current) = &mut self.current {
                let outcome = current.await;
                self.current = None;
                self.take(outcome);
            }
            match self.core.step() {
                Step::Event(event) => {
                    if let L1Event::Reorg { common_ancestor, depth } = &event {
                        self.reorgs.record(number(*depth));
                        tracing::warn!(l1 = %common_ancestor, depth, "L1 reorganised");
                    }
                    return Ok(event);
                }
                Step::Fail(error) => return Err(error),
                Step::Wait(pause) => {
                    self.current = Some(Box::pin(async move {
                        tokio::time::sleep(pause).await;
                        Outcome::Waited
                    }));
                }
                Step::Ask(question) => {
                    let (client, config) = (self.client.clone(), self.config.clone());
                    self.current = Some(Box::pin(async move {
                        match ask(&client, &config, question).await {
                            Ok(answer) => Outcome::Answered(answer),
                            Err(error) => Outcome::Failed(error),
                        }
                    }));
                }
            }
        }
    }

    fn take(&mut self, outcome: Outcome) {
        let before = self.core.trouble();
        let verdict = match outcome {
            Outcome::Waited => return,
            Outcome::Answered(answer) => self.core.answer(answer),
            Outcome::Failed(error) => {
                self.core.answer(Answer::Failed);
                self.complain(&error.to_string());
                return;
            }
        };
        match verdict {
            Verdict::Good => {}
            Verdict::Inconsistent(reason) if self.core.trouble() > 0 => self.complain(&reason),
            Verdict::Inconsistent(reason) => tracing::debug!(%reason, "reading L1 again"),
            Verdict::Behind(head) if self.core.trouble() > 0 => self.complain(&format!(
                "L1 at {} is at block {}, behind block {} which was followed already: it is still syncing, or another chain",
                self.client.url(),
                head.number,
                self.core.state().tip().number
            )),
            Verdict::Behind(head) => {
                tracing::debug!(head = head.number, "L1 answers with an older head");
            }
        }
        if before > 0 && self.core.trouble() == 0 {
            tracing::info!(url = self.client.url(), "L1 answers again");
        }
    }

    /// Logs the first failure, and then ever fewer of those that follow.
    fn complain(&self, reason: &str) {
        let failures = self.core.trouble();
        if failures.is_power_of_two() && (failures == 1 || failures >= 8) {
            tracing::warn!(failures, "{reason}; will keep trying");
        } else {
            tracing::debug!(failures, "{reason}");
        }
    }
}

async fn ask(
    client: &L1Client,
    config: &FollowerConfig,
    question: Question,
) -> Result<Answer, L1Error> {
    Ok(match question {
        Question::Head => Answer::Head(Box::new(client.header(BlockNumberOrTag::Latest).await?)),
        Question::Header(hash) => Answer::Header(Box::new(client.header_by_hash(hash).await?)),
        Question::Canonical(number) => {
            Answer::Canonical(Box::new(client.header(number.into()).await?))
        }
        Question::Marks => {
            let (safe, finalized) = futures::try_join!(client.safe(), client.finalized())?;
            Answer::Marks { safe, finalized }
        }
        Question::Blocks { from, to } => {
            let mut blocks = Vec::new();
            let mut fetches = stream::iter(from..=to)
                .map(|number| fetch(client, config, number))
                .buffered(config.concurrency.max(1));
            while let Some(block) = fetches.next().await {
                match block {
                    Ok(block) => blocks.push(block),
                    Err(error) if blocks.is_empty() => return Err(error),
                    Err(_) => break,
                }
            }
            Answer::Blocks(blocks)
        }
    })
}

async fn fetch(
    client: &L1Client,
    config: &FollowerConfig,
    number: u64,
) -> Result<L1BlockData, L1Error> {
    let header = client.header(number.into()).await?;
    let logs = client.block_logs(&header, &config.filter, config.check).await?;
    Ok(L1BlockData { header, logs })
}
