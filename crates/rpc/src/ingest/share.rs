//! One task's work shared with the idle workers of the runtime.
//!
//! Whoever has nothing to do takes the next pieces; the task itself works on as long as there are any,
//! so that it never waits for a worker that is busy elsewhere.

use crate::Cores;
use parking_lot::Mutex;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{runtime::Handle, sync::Notify, task::yield_now};

/// Pieces that are taken at a time, about 300 us of recovering senders; then others have their turn.
const TAKEN_AT_ONCE: usize = 8;

struct Job<W, R> {
    work: W,
    results: Vec<Mutex<Option<R>>>,
    /// The first piece that nobody has taken.
    next: AtomicUsize,
    /// Pieces that are not done.
    left: AtomicUsize,
    done: Notify,
}

/// Counts pieces as done, also if one of them panics.
struct Taken<'a> {
    left: &'a AtomicUsize,
    done: &'a Notify,
    count: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.left.fetch_sub(self.count, Ordering::AcqRel) == self.count {
            self.done.notify_one();
        }
    }
}

impl<R, W: Fn(usize) -> R> Job<W, R> {
    /// Takes some pieces and does them. False: none was left.
    fn work(&self) -> bool {
        let from = self.next.fetch_add(TAKEN_AT_ONCE, Ordering::Relaxed);
        let Some(results) = self.results.get(from..) else { return false };
        let results = &results[..results.len().min(TAKEN_AT_ONCE)];
        if results.is_empty() {
            return false;
        }
        let _taken = Taken { left: &self.left, done: &self.done, count: results.len() };
        for (at, result) in results.iter().enumerate() {
            *result.lock() = Some((self.work)(from + at));
        }
        true
    }
}

/// Works until no piece is left; others have their turn in between.
async fn work_on<R, W: Fn(usize) -> R>(job: Arc<Job<W, R>>, cores: Cores) {
    loop {
        let core = cores.one().await;
        if !job.work() {
            return;
        }
        drop(core);
        yield_now().await;
    }
}

/// Keeps helpers from beginning what nobody waits for any more.
struct Owner<'a>(&'a AtomicUsize, usize);

impl Drop for Owner<'_> {
    fn drop(&mut self) {
        self.0.store(self.1, Ordering::Relaxed);
    }
}

/// Does `work` for each number below `count`; the results are in order. There is none where a helper
/// panicked.
pub(super) async fn on_all_cores<R, W>(cores: Cores, count: usize, work: W) -> Vec<Option<R>>
where
    R: Send + 'static,
    W: Fn(usize) -> R + Send + Sync + 'static,
{
    if count <= TAKEN_AT_ONCE {
        let _core = cores.one().await;
        return (0..count).map(|at| Some(work(at))).collect();
    }
    let job = Arc::new(Job {
        work,
        results: (0..count).map(|_| Mutex::new(None)).collect(),
        next: AtomicUsize::new(0),
        left: AtomicUsize::new(count),
        done: Notify::new(),
    });
    let workers = Handle::current().metrics().num_workers();
    let _owner = Owner(&job.next, count);
    for _ in 1..workers.min(count.div_ceil(TAKEN_AT_ONCE)) {
        tokio::spawn(work_on(job.clone(), cores.clone()));
    }
    work_on(job.clone(), cores).await;
    while job.left.load(Ordering::Acquire) > 0 {
        job.done.notified().await;
    }
    job.results.iter().map(|result| result.lock().take()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, thread, time::Duration};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_piece_is_done_once_and_in_its_place() {
        for count in [0, 1, 3, 4, 5, 8, 9, 100, 1_001] {
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = calls.clone();
            let results = on_all_cores(Cores::of_runtime(), count, move |at| {
                counted.fetch_add(1, Ordering::Relaxed);
                at * 3
            });
            let expected: Vec<_> = (0..count).map(|at| Some(at * 3)).collect();
            assert_eq!(results.await, expected);
            assert_eq!(calls.load(Ordering::Relaxed), count);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn idle_workers_help() {
        let threads = on_all_cores(Cores::of_runtime(), 400, |_| {
            thread::sleep(Duration::from_millis(1));
            thread::current().id()
        })
        .await;
        assert!(threads.into_iter().collect::<HashSet<_>>().len() > 1);
    }

    #[tokio::test]
    async fn one_worker_does_it_alone() {
        assert_eq!(on_all_cores(Cores::of_runtime(), 9, |at| at).await.len(), 9);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn helper_that_panics_is_not_waited_for() {
        let owner = Mutex::new(None);
        let results = on_all_cores(Cores::of_runtime(), 1_000, move |at| {
            // The first piece says which thread is the owner's at that time; a panic there is its own.
            thread::sleep(Duration::from_micros(50));
            let mut owner = owner.lock();
            let first = *owner.get_or_insert_with(|| thread::current().id());
            drop(owner);
            assert!(thread::current().id() == first || at % 2 == 0, "a piece that panics");
            at
        });
        let outcome = tokio::spawn(results).await;
        // Whichever of the two panicked, nobody waits for ever.
        if let Ok(results) = outcome {
            assert_eq!(results.len(), 1_000);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn work_that_nobody_waits_for_ends() {
        let done = Arc::new(AtomicUsize::new(0));
        let counted = done.clone();
        let task = tokio::spawn(on_all_cores(Cores::of_runtime(), 100_000, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
        }));
        while done.load(Ordering::Relaxed) < 8 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        task.abort();
        assert!(task.await.is_err());
        // What was taken ends; then nothing more is begun.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let after = done.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(done.load(Ordering::Relaxed), after);
    }
}
