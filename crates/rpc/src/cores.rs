//! Who may compute: as many at a time as there are workers.

use std::sync::Arc;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// The cores that a node computes on. Whoever recovers senders holds one for some pieces of work at
/// a time, and whoever makes a block holds one until it is made. So a block is made at the speed of
/// a whole core however many transactions come in; without, it would share the cores with all of
/// those.
#[derive(Clone, Debug)]
pub struct Cores(Arc<Semaphore>);

/// The right to compute on one of the cores; it ends with this.
#[derive(Debug)]
pub struct Core(#[expect(dead_code, reason = "held")] Option<OwnedSemaphorePermit>);

impl Cores {
    /// As many as this runtime has workers.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn of_runtime() -> Self {
        Self(Arc::new(Semaphore::new(Handle::current().metrics().num_workers())))
    }

    /// One of them, as soon as it is this caller's turn.
    pub async fn one(&self) -> Core {
        // Nobody closes the semaphore.
        Core(self.0.clone().acquire_owned().await.ok())
    }
}
