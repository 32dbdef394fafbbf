//! The task that mines, as the current [`Mining`] says.

use crate::{
    DevnetError, Mining,
    node::{Node, Plan},
};
use mezz_metrics::counter;
use mezz_primitives::B256;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Interval, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

/// How long to wait after a failure before the next attempt.
const RETRY: Duration = Duration::from_secs(1);
/// How long it takes at most to notice that others could not store something.
const LOOK: Duration = Duration::from_secs(1);

/// Mines until `stop`. Changes of the way of mining take effect at once; a block that has been
/// begun is always finished.
///
/// # Errors
/// [`DevnetError::Disk`] when nothing can be stored any more; all else is tried again.
pub(crate) async fn run(node: Arc<Node>, stop: CancellationToken) -> Result<(), DevnetError> {
    let mut mining = node.mining.subscribe();
    let failed = counter(
        "mezz_devnet_mining_failures_total",
        "Blocks that the embedded L1 could not mine.",
        &[],
    );
    let mut failures = 0u32;
    loop {
        let mode = *mining.borrow_and_update();
        let mut trigger = Trigger::new(mode, &node).await;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = mining.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return Ok(()),
                },
                () = trigger.next() => {}
                // A verb may be the first to find that the disk is full.
                () = tokio::time::sleep(LOOK) => match node.chain.storage_failure() {
                    Some(error) => return Err(DevnetError::Disk(error.to_string())),
                    None => continue,
                },
            }
            match mine(&node, &trigger).await {
                Ok(()) => failures = 0,
                Err(error @ DevnetError::Io { .. }) => {
                    return Err(DevnetError::Disk(error.to_string()));
                }
                Err(error) => {
                    if let Some(error) = node.chain.storage_failure() {
                        return Err(DevnetError::Disk(error.to_string()));
                    }
                    failed.increment(1);
                    failures = failures.saturating_add(1);
                    if failures.is_power_of_two() {
                        tracing::error!(%error, failures, "mining failed; will keep trying");
                    }
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        () = tokio::time::sleep(RETRY) => {}
                    }
                }
            }
        }
    }
}

/// What says that it is time for a block.
enum Trigger {
    Interval(Interval),
    /// A transaction has arrived. The first block is for those that were there before.
    Arrivals {
        arrivals: broadcast::Receiver<B256>,
        first: bool,
    },
    Never,
}

impl Trigger {
    async fn new(mining: Mining, node: &Node) -> Self {
        match mining {
            Mining::Interval(period) => {
                let mut interval = tokio::time::interval(period.max(Duration::from_millis(1)));
                interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
                // The first tick is at once; the parent may just have been mined.
                interval.tick().await;
                Self::Interval(interval)
            }
            Mining::OnDemand => Self::Arrivals { arrivals: node.pool.subscribe(), first: true },
            Mining::Manual => Self::Never,
        }
    }

    async fn next(&mut self) {
        match self {
            Self::Interval(interval) => {
                interval.tick().await;
            }
            Self::Arrivals { first, .. } if *first => *first = false,
            Self::Arrivals { arrivals, .. } => match arrivals.recv().await {
                // One block for all that has arrived by now.
                Ok(_) | Err(RecvError::Lagged(_)) => while arrivals.try_recv().is_ok() {},
                Err(RecvError::Closed) => std::future::pending().await,
            },
            Self::Never => std::future::pending().await,
        }
    }
}

async fn mine(node: &Arc<Node>, trigger: &Trigger) -> Result<(), DevnetError> {
    if let Trigger::Interval(_) = trigger {
        block(node, false).await?;
        return Ok(());
    }
    // Until what is left does not fit into any block.
    while node.pool.status().pending > 0 && block(node, true).await? {}
    Ok(())
}

/// One block, on a thread that may block. False if it would have been empty.
async fn block(node: &Arc<Node>, skip_empty: bool) -> Result<bool, DevnetError> {
    let node = node.clone();
    let mined = tokio::task::spawn_blocking(move || {
        let plan = Plan { from_pool: true, skip_empty, ..Plan::default() };
        node.mine(&mut node.writer(), plan)
    });
    match mined.await {
        Ok(result) => Ok(result?.is_some()),
        Err(error) => Err(DevnetError::Config(format!("the miner stopped: {error}"))),
    }
}
