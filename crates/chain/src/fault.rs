//! The points of the storage layer at which a test can make a write fail or the process die.

#[cfg(all(test, debug_assertions))]
pub(crate) use mezz_fault::{Action, arm, disarm};
pub(crate) use mezz_fault::{ENABLED, limit, point};

/// All points, in the order in which a block passes them. The path of each is the data directory.
pub const POINTS: [&str; 9] = [
    "wal.before_write",
    "wal.partial_write",
    "wal.after_write",
    "wal.after_sync",
    "wal.before_rotate",
    "wal.after_create",
    "history.before_commit",
    "history.after_commit",
    "history.before_trim",
];
