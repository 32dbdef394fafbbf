//! Work that takes a thread for a while, and how much of it runs and waits at a time.

use crate::{
    Failure,
    error::TIMEOUT,
    queue::{Bounds, Queue},
};
use std::{sync::Arc, time::Duration};

/// A bounded share of the blocking threads. Calls and reads have one each, so that a client who
/// burns gas does not keep others from reading.
#[derive(Clone, Debug)]
pub(crate) struct Workers {
    queue: Arc<Queue>,
    patience: Duration,
}

impl Workers {
    /// At most `workers` at a time; `max_waiting` may wait, half of them of one client, each for
    /// `patience`.
    pub(crate) fn new(workers: usize, max_waiting: usize, patience: Duration) -> Self {
        let bounds = Bounds {
            places: workers,
            // Nobody else's while nobody else wants them.
            client_places: workers,
            waiting: max_waiting,
            client_waiting: max_waiting.div_ceil(2),
        };
        Self { queue: Queue::new(bounds), patience }
    }

    /// Runs `work` on a blocking thread, when it is the turn of the client that is answered. Once
    /// begun it ends by itself: its place is taken until then, even if the client has gone.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Failure> + Send + 'static,
    {
        let place = match tokio::time::timeout(self.patience, self.queue.enter()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(Failure::limit("the node is busy, try again later")),
            Err(_) => {
                let message = "request timed out: the node is busy, try again later";
                return Err(Failure::new(TIMEOUT, message));
            }
        };
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(place);
            outcome
        });
        outcome.await.unwrap_or_else(|panic| Err(Failure::internal(panic)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn queue_is_bounded_and_a_place_is_given_back() {
        let workers = Workers::new(1, 1, Duration::from_millis(50));
        let (release, blocked) = mpsc::channel::<()>();
        let (started, begun) = tokio::sync::oneshot::channel();
        let busy = tokio::spawn({
            let workers = workers.clone();
            async move {
                let work = move || {
                    started.send(()).unwrap();
                    blocked.recv().unwrap();
                    Ok(())
                };
                workers.run(work).await
            }
        });
        begun.await.unwrap();

        let second = workers.run(|| Ok(2));
        let third = workers.run(|| Ok(3));
        let (second, third) = tokio::join!(second, third);
        assert_eq!(second.unwrap_err().code, TIMEOUT);
        assert_eq!(third.unwrap_err().code, crate::error::LIMIT_EXCEEDED);

        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        assert_eq!(workers.run(|| Ok(4)).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn panic_of_work_is_an_error_and_frees_its_worker() {
        let workers = Workers::new(1, 1, Duration::from_secs(1));
        let failed = workers.run(|| -> Result<(), Failure> { panic!("a bug") }).await;
        assert_eq!(failed.unwrap_err().code, crate::error::INTERNAL_ERROR);
        assert_eq!(workers.run(|| Ok(1)).await.unwrap(), 1);
    }
}
