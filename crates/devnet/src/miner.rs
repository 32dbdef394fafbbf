//! The task that mines, as the current [`Mining`] says.

use crate::{
    DevnetError, Mining,
    node::{Node, Plan},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::broadcast::error::RecvError, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How long to wait after a failure before the next attempt.
const RETRY: Duration = Duration::from_secs(1);

/// Mines until `stop`. Changes of the way of mining take effect at once.
pub(crate) async fn run(node: Arc<Node>, stop: CancellationToken) {
    let mut mining = node.mining.subscribe();
    while !stop.is_cancelled() {
        let mode = *mining.borrow_and_update();
        let changed = mining.changed();
        let result = tokio::select! {
            () = stop.cancelled() => break,
            _ = changed => Ok(()),
            result = mine(&node, mode) => result,
        };
        if let Err(error) = result {
            tracing::error!(%error, "mining failed");
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }
}

/// Mines in one way, until it fails.
async fn mine(node: &Arc<Node>, mode: Mining) -> Result<(), DevnetError> {
    match mode {
        Mining::Manual => std::future::pending().await,
        Mining::Interval(period) => {
            let mut interval = tokio::time::interval(period.max(Duration::from_millis(1)));
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // The first tick is at once; the parent may just have been mined.
            interval.tick().await;
            loop {
                interval.tick().await;
                block(node, false).await?;
            }
        }
        Mining::OnDemand => {
            let mut arrivals = node.pool.subscribe();
            loop {
                // All that is there, also what came while nobody listened.
                while node.pool.status().pending > 0 && block(node, true).await? {}
                if let Err(RecvError::Closed) = arrivals.recv().await {
                    return Ok(());
                }
                // One block for all that has arrived by now.
                while arrivals.try_recv().is_ok() {}
            }
        }
    }
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
