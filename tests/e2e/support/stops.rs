//! Points at which a running process is made to fail or to die.

use mezz_chain::fault::POINTS;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A point, the part of the path on the way to which it acts, and how often it is passed before.
pub(crate) type Stop = (&'static str, &'static str, u32);

/// Segments that are closed after a few blocks, so that the points around that are passed.
pub(crate) const SHORT: (&str, &str) = ("MEZZ_LIMIT", "wal.segment_bytes=6000");

/// The storage layer's points in one chain's directory. Some are passed in the middle of a burst,
/// some at their first passing.
pub(crate) fn of_chain(dir: &'static str) -> impl Iterator<Item = Stop> {
    POINTS.into_iter().zip([5, 0, 2, 3, 1, 0, 1, 0, 1]).map(move |(point, skip)| (point, dir, skip))
}

/// Those of the embedded L1's blobs.
pub(crate) const BLOBS: [Stop; 3] = [
    ("blobs.before_write", "/l1/", 0),
    ("blobs.before_rename", "/l1/", 0),
    ("blobs.after_rename", "/l1/", 1),
];

/// The list of what a sender's transactions have settled; the proposer has one.
pub(crate) const SETTLED: &str = "/settled.json";

/// Whether a stop is passed when a transaction is buried so deep that it can no longer disappear.
pub(crate) fn follows_burial((point, part, _): Stop) -> bool {
    point == "journal.before_remove" || part == SETTLED
}

/// What a process does at a stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// It dies as by `kill -9`.
    Dies,
    /// Its write fails as on a full disk.
    Fails,
}

/// Arms one stop at a time in processes that run with [`Self::env`].
#[derive(Debug)]
pub(crate) struct Stops {
    file: PathBuf,
    variable: String,
    _dir: TempDir,
}

impl Stops {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("stop");
        Self { variable: format!("@{}", file.display()), file, _dir: dir }
    }

    /// What makes a process listen.
    pub(crate) fn env(&self) -> (&'static str, &str) {
        ("MEZZ_FAULT", &self.variable)
    }

    /// From now on this stop acts, and no other.
    pub(crate) fn arm(&self, (point, part, skip): Stop, at: At) {
        let action = match at {
            At::Dies => "abort",
            At::Fails => "fail",
        };
        // Whole at once: it is looked at all the time.
        let part_written: &Path = &self.file.with_extension("part");
        fs::write(part_written, format!("{point}:{action}:{skip}:{part}")).expect("writes");
        fs::rename(part_written, &self.file).expect("renames");
    }

    /// From now on none acts.
    pub(crate) fn disarm(&self) {
        fs::remove_file(&self.file).expect("it was armed");
    }
}
