//! The write-ahead log: one thread that writes whatever waits in one frame and syncs it.

use super::{
    frame::encode_frame,
    op::{Op, Submission},
    segment::{self, Segment, SegmentFile},
};
use crate::{error::StorageError, fault};
use mezz_primitives::B256;
use parking_lot::{Condvar, Mutex};
use std::{
    collections::VecDeque,
    fmt,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, mpsc::SyncSender},
    thread::{self, JoinHandle},
};

/// Bytes of submissions over which a frame takes no more.
const FRAME_BYTES: usize = 16 << 20;
/// Bytes of one submission; a block is at most 8 MiB and its difference a few times that.
const MAX_SUBMISSION: usize = 1 << 30;

/// What the threads of the store share.
#[derive(Debug, Default)]
pub(crate) struct WalState {
    queue: Mutex<Queue>,
    /// Something waits, or the log closes.
    work: Condvar,
    /// Something has become durable, or writing has failed.
    done: Condvar,
    /// All segments, oldest first; the last one is open.
    pub(crate) segments: Mutex<Vec<SegmentFile>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<(Submission, Vec<u8>)>,
    next_lsn: u64,
    durable: u64,
    failed: Option<StorageError>,
    closing: bool,
}

impl WalState {
    /// Stops taking changes.
    pub(crate) fn fail(&self, error: StorageError) {
        tracing::error!(%error, "the store takes no more changes");
        self.queue.lock().failed.get_or_insert(error);
        self.done.notify_all();
    }
}

/// The log.
pub(crate) struct Wal {
    state: Arc<WalState>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Wal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wal").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Where and how the log writes.
#[derive(Debug)]
pub(crate) struct WalWriter {
    pub(crate) root: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) genesis: B256,
    pub(crate) segment: Segment,
    pub(crate) segment_bytes: u64,
    /// The history's queue. Bounded: a log that runs far ahead of the history would fill the memory.
    pub(crate) flusher: SyncSender<Submission>,
}

impl Wal {
    /// Starts the thread; the next submission gets number `next_lsn`.
    pub(crate) fn start(
        state: Arc<WalState>,
        writer: WalWriter,
        next_lsn: u64,
    ) -> io::Result<Self> {
        {
            let mut queue = state.queue.lock();
            queue.next_lsn = next_lsn;
            queue.durable = next_lsn - 1;
        }
        let shared = Arc::clone(&state);
        let thread =
            thread::Builder::new().name("mezz-log".into()).spawn(move || writer.run(&shared))?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// See [`super::Store::submit`].
    pub(crate) fn submit(&self, ops: Vec<Op>) -> Result<u64, StorageError> {
        let bytes = alloy_rlp::encode(&ops);
        if bytes.len() > MAX_SUBMISSION {
            return Err(StorageError::new(format_args!(
                "a record of {} bytes is too large",
                bytes.len()
            )));
        }
        let mut queue = self.state.queue.lock();
        if let Some(error) = &queue.failed {
            return Err(error.clone());
        }
        let lsn = queue.next_lsn;
        queue.next_lsn += 1;
        let submission = Submission { lsn, ops, size: bytes.len() };
        queue.waiting.push_back((submission, bytes));
        self.state.work.notify_one();
        loop {
            if queue.durable >= lsn {
                return Ok(lsn);
            }
            if let Some(error) = &queue.failed {
                return Err(error.clone());
            }
            self.state.done.wait(&mut queue);
        }
    }

    /// The error after which nothing is taken.
    pub(crate) fn failure(&self) -> Option<StorageError> {
        self.state.queue.lock().failed.clone()
    }

    /// Writes what waits and ends the thread.
    pub(crate) fn close(&mut self) {
        self.state.queue.lock().closing = true;
        self.state.work.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the log has panicked");
        }
    }
}

impl WalWriter {
    fn run(mut self, state: &WalState) {
        /// Waiters must not wait for a thread that is gone.
        struct Gone<'a>(&'a WalState);
        impl Drop for Gone<'_> {
            fn drop(&mut self) {
                if thread::panicking() {
                    self.0.fail(StorageError::new("the thread that writes the log has panicked"));
                }
            }
        }
        let _gone = Gone(state);
        loop {
            let mut frame = Vec::new();
            let mut submissions = Vec::new();
            {
                let mut queue = state.queue.lock();
                while queue.waiting.is_empty() {
                    if queue.closing {
                        return;
                    }
                    state.work.wait(&mut queue);
                }
                // After a failure nothing more is written: what waits is told so by the queue.
                if queue.failed.is_some() {
                    queue.waiting.clear();
                    continue;
                }
                let mut size = 0;
                while size < FRAME_BYTES
                    && let Some((submission, bytes)) = queue.waiting.pop_front()
                {
                    size += bytes.len();
                    frame.push(bytes);
                    submissions.push(submission);
                }
            }
            let (Some(first), Some(last)) = (submissions.first(), submissions.last()) else {
                continue;
            };
            let durable = last.lsn;
            if let Err(error) = self.write(first.lsn, &frame, state) {
                // Whatever of the frame is in the file goes, if it can; otherwise the next start drops it as torn.
                let _ = self.segment.file.set_len(self.segment.len);
                state.fail(StorageError::new(format_args!(
                    "{}: {error}",
                    self.segment.path.display()
                )));
                continue;
            }
            {
                state.queue.lock().durable = durable;
                state.done.notify_all();
            }
            for submission in submissions {
                // Fails only after the history has failed, and then no change is taken any more.
                if self.flusher.send(submission).is_err() {
                    break;
                }
            }
        }
    }

    fn write(
        &mut self,
        first_lsn: u64,
        submissions: &[Vec<u8>],
        state: &WalState,
    ) -> io::Result<()> {
        if self.segment.len >= self.segment_bytes {
            fault::point(&self.root, "wal.before_rotate")?;
            self.segment = segment::create(&self.root, &self.dir, self.genesis, first_lsn)?;
            let path = self.segment.path.clone();
            state.segments.lock().push(SegmentFile { first_lsn, path });
        }
        let frame = encode_frame(&self.segment.salt, first_lsn, submissions)
            .ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        fault::point(&self.root, "wal.before_write")?;
        let (first, second) = frame.split_at(frame.len() / 2);
        if fault::ENABLED {
            self.segment.file.write_all(first)?;
            fault::point(&self.root, "wal.partial_write")?;
            self.segment.file.write_all(second)?;
        } else {
            self.segment.file.write_all(&frame)?;
        }
        fault::point(&self.root, "wal.after_write")?;
        self.segment.file.sync_data()?;
        self.segment.len += frame.len() as u64;
        fault::point(&self.root, "wal.after_sync")?;
        Ok(())
    }
}
