//! Keeping the chain on disk.
//!
//! A change goes first to the log ([`wal`]), and is durable when its frame is; then, in the background, to the history
//! ([`history`]), after which its part of the log is deleted. A start loads the state from the history and replays the
//! log over it ([`recover`]). [`Blocks`] reads blocks from memory while they are new and from the history after that.
//!
//! ```text
//! <data-dir>/LOCK           held while the chain is open
//! <data-dir>/log/*.wal      the write-ahead log, in segments
//! <data-dir>/history/       blocks, receipts, indexes, differences, the flat state, small values
//! ```

mod blocks;
mod codec;
mod flush;
mod frame;
mod history;
mod lock;
mod log_index;
mod op;
mod recover;
mod segment;
mod wal;

pub(crate) use blocks::{Blocks, Entry};
#[cfg(test)]
pub(crate) use history::History;
pub(crate) use lock::DirLock;
pub(crate) use op::Appended;
pub(crate) use op::Op;
pub(crate) use recover::{Recovered, Start, recover};
#[cfg(test)]
pub(crate) use segment::{SEGMENT_HEADER, SegmentFile, read as read_segment};

use crate::error::StorageError;
use std::{fmt, thread::JoinHandle};
use wal::Wal;

/// The writing side of an open data directory.
pub(crate) struct Store {
    wal: Wal,
    flusher: Option<JoinHandle<()>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Makes changes durable, all or none of them, and returns their sequence number. Blocks until they are on disk.
    pub(crate) fn submit(&self, ops: Vec<Op>) -> Result<u64, StorageError> {
        self.wal.submit(ops)
    }

    /// The error after which no more changes are taken.
    pub(crate) fn failure(&self) -> Option<StorageError> {
        self.wal.failure()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The log's thread ends first and with it the queue of the history, which writes what is left and ends.
        self.wal.close();
        if let Some(flusher) = self.flusher.take()
            && flusher.join().is_err()
        {
            tracing::error!("the thread that writes the history has panicked");
        }
    }
}
