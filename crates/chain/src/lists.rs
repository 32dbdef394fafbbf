//! The roots of a block's transactions and receipts, computed while the block is executed: for transfers they take longer
//! than that. A thread computes segment after segment; when the block has been executed the builder helps with what is
//! left.

use mezz_evm::{ListHasher, ListRoots, SegmentHashes};
use mezz_primitives::{LIST_SEGMENT, Receipt, RecoveredTransaction};
use parking_lot::{Condvar, Mutex};
use std::{
    collections::VecDeque,
    panic::resume_unwind,
    sync::Arc,
    thread::{Scope, ScopedJoinHandle},
};

/// The lists of a block that is being executed.
pub(crate) struct ListsBeside<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    queue: Arc<Queue>,
    thread: Option<ScopedJoinHandle<'scope, Vec<Done>>>,
    /// Segments that were handed over.
    segments: usize,
}

/// Segments that wait to be computed.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    segments: VecDeque<Segment>,
    /// No more will come.
    closed: bool,
}

/// Transactions in a row with their receipts, as many as a segment of the tries has.
struct Segment {
    number: usize,
    transactions: Vec<RecoveredTransaction>,
    receipts: Vec<Receipt>,
}

/// A segment that was computed.
struct Done {
    number: usize,
    part: Part,
    receipts: Vec<Receipt>,
}

/// What it comes to.
enum Part {
    /// The first is where the others are added to.
    First(Box<ListHasher>),
    Next(Box<SegmentHashes>),
}

impl Segment {
    fn compute(self) -> Done {
        let Self { number, transactions, receipts } = self;
        let list = transactions.iter().map(|tx| &tx.tx).zip(&receipts);
        let part = if number == 0 {
            let mut hasher = ListHasher::default();
            list.for_each(|(tx, receipt)| hasher.push(tx, receipt));
            Part::First(Box::new(hasher))
        } else {
            Part::Next(Box::new(SegmentHashes::of(list)))
        };
        Done { number, part, receipts }
    }
}

impl Queue {
    fn push(&self, segment: Segment) {
        self.waiting.lock().segments.push_back(segment);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.waiting.lock().closed = true;
        self.changed.notify_one();
    }

    /// The next segment; `None` when none will come.
    fn wait(&self) -> Option<Segment> {
        let mut waiting = self.waiting.lock();
        loop {
            match waiting.segments.pop_front() {
                None if !waiting.closed => self.changed.wait(&mut waiting),
                segment => return segment,
            }
        }
    }
}

impl<'scope, 'env> ListsBeside<'scope, 'env> {
    /// The thread will be one of `scope`, once there is a segment.
    pub(crate) fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Self { scope, queue: Arc::default(), thread: None, segments: 0 }
    }

    /// Hands over a segment if there is one. `transactions` are all that have run; `receipts` takes the receipts of those
    /// that were not handed over. Call it after each transaction.
    pub(crate) fn feed(
        &mut self,
        transactions: &[RecoveredTransaction],
        receipts: impl FnOnce() -> Vec<Receipt>,
    ) {
        let from = self.segments * LIST_SEGMENT;
        if transactions.len() < from + LIST_SEGMENT {
            return;
        }
        let (number, transactions) = (self.segments, transactions[from..].to_vec());
        self.segments += 1;
        self.queue.push(Segment { number, transactions, receipts: receipts() });
        if self.thread.is_none() {
            let queue = Arc::clone(&self.queue);
            let run = move || std::iter::from_fn(|| queue.wait()).map(Segment::compute).collect();
            self.thread = Some(self.scope.spawn(run));
        }
    }

    /// The roots, and all receipts in order. `last` are the receipts of the transactions that were not handed over.
    pub(crate) fn finish(
        mut self,
        transactions: &[RecoveredTransaction],
        mut last: Vec<Receipt>,
    ) -> (ListRoots, Vec<Receipt>) {
        self.queue.close();
        let mut done: Vec<Done> =
            std::iter::from_fn(|| self.queue.wait()).map(Segment::compute).collect();
        if let Some(thread) = self.thread.take() {
            // A panic there is one here.
            done.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done.sort_unstable_by_key(|done| done.number);
        let mut hasher = ListHasher::default();
        let mut receipts = Vec::with_capacity(transactions.len());
        for mut segment in done {
            match segment.part {
                Part::First(first) => hasher = *first,
                Part::Next(hashes) => hasher.push_segment(&hashes),
            }
            receipts.append(&mut segment.receipts);
        }
        for (tx, receipt) in transactions[receipts.len()..].iter().zip(&last) {
            hasher.push(&tx.tx, receipt);
        }
        receipts.append(&mut last);
        (hasher.finish(), receipts)
    }
}

impl Drop for ListsBeside<'_, '_> {
    /// Whoever gives up the block waits for the thread, which must not wait for more of it.
    fn drop(&mut self) {
        self.queue.close();
    }
}
