//! The thread that takes the history forward and deletes the part of the log that it then holds.

use super::{
    history::{Flushed, History},
    op::Submission,
    wal::WalState,
};
use crate::{error::StorageError, fault};
use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Bytes of the log that one batch takes.
const BATCH_BYTES: usize = 64 << 20;

/// The thread's state.
#[derive(Debug)]
pub(crate) struct Flusher {
    pub(crate) root: PathBuf,
    pub(crate) history: History,
    pub(crate) at: Flushed,
    pub(crate) interval: Duration,
    pub(crate) log: Arc<WalState>,
    /// Told to the readers of blocks, who then may forget them.
    pub(crate) flushed: Arc<AtomicU64>,
}

impl Flusher {
    /// Starts the thread. It ends when the queue is closed and empty.
    pub(crate) fn start(mut self, queue: Receiver<Submission>) -> io::Result<JoinHandle<()>> {
        thread::Builder::new().name("mezz-history".into()).spawn(move || {
            while let Ok(first) = queue.recv() {
                let submissions = self.gather(first, &queue);
                if let Err(error) = self.flush(&submissions) {
                    self.log.fail(error);
                    return;
                }
            }
        })
    }

    /// What has come within the interval: many blocks in one batch cost little more than one.
    fn gather(&self, first: Submission, queue: &Receiver<Submission>) -> Vec<Submission> {
        let until = Instant::now() + self.interval;
        let mut size = first.size;
        let mut submissions = vec![first];
        while size < BATCH_BYTES {
            match queue.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(submission) => {
                    size += submission.size;
                    submissions.push(submission);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        submissions
    }

    fn flush(&mut self, submissions: &[Submission]) -> Result<(), StorageError> {
        self.at = self.history.advance(self.at, submissions)?;
        self.flushed.store(self.at.lsn, Ordering::Release);
        self.trim().map_err(|error| StorageError::new(format_args!("log: {error}")))
    }

    /// Deletes the segments of which the history has every record.
    fn trim(&self) -> io::Result<()> {
        let mut segments = self.log.segments.lock();
        // The segment after it tells where a segment ends.
        while let [first, second, ..] = segments.as_slice()
            && second.first_lsn <= self.at.lsn + 1
        {
            fault::point(&self.root, "history.before_trim")?;
            fs::remove_file(&first.path)?;
            segments.remove(0);
        }
        Ok(())
    }
}
