//! Runs of the driver, one after the other, over the same stored chain.
//!
//! A run ends when L1 turns out to be another chain than the one that the run began on: it was
//! reorganised where nobody could tell of it, or the node answers for another network. The next
//! one goes on from what is stored and L1 still has.

use crate::{
    driver::{Driver, DriverError, DriverParts, SequencerConfig, StatusHandle},
    feed::{self, FeedItem, L2Bounds, Sources},
    node::NodeError,
};
use alloy::eips::{BlockNumberOrTag, eip7840::BlobParams};
use mezz_chain::Chain;
use mezz_derivation::{L1Ref, RollupConfig};
use mezz_l1::{
    BlobSource, BlockRef, Follower, FollowerConfig, FollowerState, L1BlockData, L1Client, L1Error,
    LogCheck, LogFilter,
};
use mezz_pool::Pool;
use mezz_rpc::Cores;
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// What every run needs.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The chain's parameters.
    pub(crate) rollup: RollupConfig,
    /// The chain.
    pub(crate) chain: Chain,
    /// Its pool.
    pub(crate) pool: Pool,
    /// How it sequences, if it does.
    pub(crate) sequencer: Option<SequencerConfig>,
    /// Where the status is told.
    pub(crate) status: StatusHandle,
    /// The L1 node.
    pub(crate) l1: L1Client,
    /// Where blobs are read.
    pub(crate) beacon_url: String,
    /// Pause between two looks at L1.
    pub(crate) l1_poll: Duration,
    /// How long an L1 without a block that it had is taken for one that lags behind.
    pub(crate) l1_patience: Duration,
    /// Whether L1 is a development node, whose user may take back even what was final.
    pub(crate) l1_reverts: bool,
    /// Ends everything.
    pub(crate) stop: CancellationToken,
}

/// A driver that has not begun, and what it will be fed.
#[derive(Debug)]
pub(crate) struct Run {
    driver: Driver,
    items: mpsc::Receiver<FeedItem>,
}

impl Session {
    /// Gets a run ready.
    ///
    /// # Errors
    /// If L1 does not answer or is another one, or what is stored cannot be used.
    pub(crate) async fn begin(&self) -> Result<Run, NodeError> {
        let Self { rollup, l1, .. } = self;
        self.check_l1().await?;
        let parts = DriverParts {
            config: rollup.clone(),
            chain: self.chain.clone(),
            pool: self.pool.clone(),
            sequencer: self.sequencer,
            l1_head: l1.latest().await?.number,
            l1_reverts: self.l1_reverts,
            status: self.status.clone(),
        };
        let (mut driver, start) = Driver::new(parts, |block| self.is_canonical(block)).await?;
        let sources = Sources {
            l1: l1.clone(),
            blobs: BlobSource::new(&self.beacon_url)?,
            portal: rollup.contracts.portal,
            inbox: rollup.contracts.inbox,
            blob_params: BlobParams {
                update_fraction: rollup.l1_blob_base_fee_update_fraction.into(),
                ..BlobParams::osaka()
            },
            // A sequencer has made the blocks itself.
            recover: self.sequencer.is_none().then(|| L2Bounds::from(rollup)),
        };
        let follower_config = FollowerConfig {
            filter: LogFilter {
                addresses: vec![sources.portal, sources.inbox],
                topics: Vec::new(),
            },
            check: LogCheck::default(),
            poll_interval: self.l1_poll,
            shrink_patience: self.l1_patience,
            // Then the next run begins, and it waits for the right chain.
            denial_patience: Some(self.l1_patience),
            keep: 2_048,
            ..FollowerConfig::default()
        };
        let header = l1.header_by_hash(start.hash).await?;
        let before = match start.number.checked_sub(1) {
            Some(number) => BlockRef { number, hash: header.parent_hash },
            None => {
                // Nothing comes before L1's own first block, so that nobody can give it out.
                let data = L1BlockData { header, logs: Vec::new() };
                driver.seed(feed::read_first_block(&sources, &data)?)?;
                BlockRef { number: start.number, hash: start.hash }
            }
        };
        let follower = Follower::new(l1.clone(), FollowerState::new(before), follower_config);
        let items = feed::start(sources, follower, driver.derived_to(), self.stop.clone());
        Ok(Run { driver, items })
    }

    /// Does `run`, and those that follow it, until the end.
    ///
    /// # Errors
    /// Why it cannot go on; that needs a person.
    pub(crate) async fn drive(self, run: Run, cores: Cores) -> Result<(), DriverError> {
        let _life = self.status.pulse().begin();
        let mut run = run;
        loop {
            match run.driver.run(run.items, cores.clone(), self.stop.clone()).await {
                Err(DriverError::L1Changed) => {
                    tracing::warn!(
                        "L1 is another chain than it was; going on from what is stored and L1 has"
                    );
                }
                result => return result,
            }
            run = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                next = self.begin_again() => next?,
            };
        }
    }

    /// Gets a run ready, as soon as L1 lets it.
    async fn begin_again(&self) -> Result<Run, DriverError> {
        let mut backoff = self.l1_poll;
        let mut failures = 0u32;
        loop {
            self.status.pulse().beat();
            sleep(backoff).await;
            match self.begin().await {
                Ok(run) => return Ok(run),
                Err(NodeError::Driver(DriverError::L1Changed)) => backoff = self.l1_poll,
                Err(NodeError::Driver(error)) => return Err(error),
                Err(error) => {
                    backoff = (backoff * 2).min(feed::MAX_BACKOFF);
                    failures = failures.saturating_add(1);
                    if failures.is_power_of_two() {
                        tracing::warn!(failures, "waiting for L1: {error}");
                    }
                }
            }
        }
    }

    /// Whether L1 has a block. One that has no block so high may be behind for a while.
    async fn is_canonical(&self, block: L1Ref) -> Result<bool, NodeError> {
        let deadline = Instant::now() + self.l1_patience;
        let mut failures = 0u32;
        loop {
            self.status.pulse().beat();
            match self.l1.header(BlockNumberOrTag::Number(block.number)).await {
                Ok(header) => return Ok(header.hash() == block.hash),
                Err(L1Error::NotFound { .. }) if Instant::now() >= deadline => return Ok(false),
                Err(error) if Instant::now() >= deadline => return Err(error.into()),
                Err(error) => {
                    failures = failures.saturating_add(1);
                    if failures.is_power_of_two() {
                        tracing::warn!(l1 = %block, failures, "L1 does not say whether it still has a block: {error}");
                    }
                }
            }
            sleep(self.l1_poll).await;
        }
    }

    async fn check_l1(&self) -> Result<(), NodeError> {
        let found = self.l1.chain_id().await?;
        let url = self.l1.url().to_owned();
        let expected = self.rollup.l1_chain_id;
        if found != expected {
            return Err(NodeError::OtherL1 { url, found, expected });
        }
        let origin = self.rollup.genesis.l1;
        match self.l1.header(BlockNumberOrTag::Number(origin.number)).await {
            Ok(header) if header.hash() == origin.hash => Ok(()),
            Ok(_) | Err(L1Error::NotFound { .. }) => {
                Err(NodeError::NoOrigin { url, block: origin })
            }
            Err(error) => Err(error.into()),
        }
    }
}
