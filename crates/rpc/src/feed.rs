//! Keeping the filters in step with the chain while nobody asks for them.

use crate::context::Context;
use mezz_chain::ChainEvent;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// How often filters are looked at when the chain stands still.
const IDLE_CHECK: Duration = Duration::from_secs(10);

/// Runs until the chain is gone.
pub(crate) async fn run(context: Arc<Context>, mut events: Receiver<ChainEvent>) {
    loop {
        match tokio::time::timeout(IDLE_CHECK, events.recv()).await {
            Ok(Err(RecvError::Closed)) => return,
            Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => {}
        }
        context.filters.catch_up();
    }
}
