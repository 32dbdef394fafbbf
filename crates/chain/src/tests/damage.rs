//! Torn ends, flipped bits, lost files.

use super::harness::*;
use crate::{
    Chain, OpenError,
    store::{SEGMENT_HEADER, SegmentFile, read_segment},
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

struct Crashed {
    dir: TempDir,
    log: PathBuf,
    bytes: Vec<u8>,
    /// Length of the log after each block.
    ends: Vec<usize>,
    tips: Vec<mezz_primitives::B256>,
}

fn log_file(dir: &Path) -> PathBuf {
    let mut files: Vec<_> = fs::read_dir(dir.join("log"))
        .expect("list")
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.sort();
    files.pop().expect("a segment")
}

/// A directory as a crash leaves it after some blocks, none of which is in the history.
fn crashed(blocks: usize) -> Crashed {
    let source = TempDir::new().expect("dir");
    let chain = open(source.path(), log_only());
    let rng = &mut rng(30);
    let log = log_file(source.path());
    let mut ends = vec![SEGMENT_HEADER];
    let mut tips = vec![chain.head().hash()];
    for _ in 0..blocks {
        grow(&chain, rng, 1);
        ends.push(fs::read(&log).expect("read").len());
        tips.push(chain.head().hash());
    }
    let dir = TempDir::new().expect("dir");
    copy_dir(source.path(), dir.path());
    let log = log_file(dir.path());
    let bytes = fs::read(&log).expect("read");
    Crashed { dir, log, bytes, ends, tips }
}

impl Crashed {
    /// Opens a fresh copy whose log has these bytes.
    fn open_with(&self, bytes: &[u8]) -> Result<(TempDir, Chain), OpenError> {
        let copy = TempDir::new().expect("dir");
        copy_dir(self.dir.path(), copy.path());
        fs::write(copy.path().join("log").join(self.log.file_name().expect("name")), bytes)
            .expect("write");
        Chain::open(config(Some(copy.path()), log_only())).map(|chain| (copy, chain))
    }
}

#[test]
fn a_tail_torn_at_any_byte_is_dropped() {
    let crashed = crashed(4);
    let [.., start, end] = crashed.ends[..] else { panic!("some blocks") };
    // The segment's reader at every byte; the whole chain, which takes a while to open, at some.
    let file = SegmentFile { first_lsn: 1, path: crashed.log.clone() };
    let genesis = crashed.tips[0];
    for cut in start..end {
        fs::write(&crashed.log, &crashed.bytes[..cut]).expect("write");
        let contents = read_segment(crashed.dir.path(), &file, genesis, true)
            .expect("reads")
            .expect("whole header");
        assert_eq!((contents.good, contents.torn), (start as u64, (cut - start) as u64));
        assert_eq!(contents.submissions.len(), 3);
    }
    for cut in [start, start + 1, start + 23, start + 24, (start + end) / 2, end - 1, end] {
        let (copy, chain) = crashed.open_with(&crashed.bytes[..cut]).expect("opens");
        let blocks = if cut == end { 4 } else { 3 };
        assert_eq!(chain.head().hash(), crashed.tips[blocks], "cut at {cut}");
        // Every so often: the chain goes on from there, and again after a restart.
        if cut != start + 1 {
            grow(&chain, &mut rng(31), 2);
            let expected = portrait(&chain);
            drop(chain);
            assert_eq!(portrait(&open(copy.path(), log_only())), expected);
        }
    }
}

#[test]
fn a_tail_of_garbage_is_dropped() {
    let crashed = crashed(2);
    for garbage in [vec![0; 5000], vec![0xff; 17], crashed.bytes[..SEGMENT_HEADER].to_vec()] {
        let mut bytes = crashed.bytes.clone();
        bytes.extend_from_slice(&garbage);
        let (_copy, chain) = crashed.open_with(&bytes).expect("opens");
        assert_eq!(chain.head().hash(), crashed.tips[2]);
    }
}

#[test]
fn a_flipped_bit_before_good_records_is_an_error() {
    let crashed = crashed(3);
    let (start, end) = (crashed.ends[1], crashed.ends[2]);
    for at in (start..end).step_by(331).chain([start + 5, start + 9, start + 17, start + 21]) {
        let mut bytes = crashed.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        match crashed.open_with(&bytes) {
            Err(OpenError::Corrupt { offset, .. }) => assert_eq!(offset, start as u64),
            other => panic!("byte {at}: {:?}", other.map(|(_, chain)| chain.head().number())),
        }
    }
}

#[test]
fn a_flipped_bit_in_the_last_record_drops_it() {
    let crashed = crashed(3);
    let (start, end) = (crashed.ends[2], crashed.ends[3]);
    for at in (start..end).step_by(409) {
        let mut bytes = crashed.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let (_copy, chain) = crashed.open_with(&bytes).expect("opens");
        assert_eq!(chain.head().hash(), crashed.tips[2]);
    }
}

#[test]
fn a_damaged_segment_header_is_an_error() {
    let crashed = crashed(1);
    for at in [0, 8, 12, 20, 51, 52, 67, 68, 71] {
        let mut bytes = crashed.bytes.clone();
        bytes[at] ^= 0x10;
        assert!(crashed.open_with(&bytes).is_err(), "byte {at}");
    }
    // Without frames behind it, it is a segment that was being begun.
    for cut in [0, 1, 40, SEGMENT_HEADER - 1] {
        let (_copy, chain) = crashed.open_with(&crashed.bytes[..cut]).expect("opens");
        assert_eq!(chain.head().hash(), crashed.tips[0]);
        grow(&chain, &mut rng(32), 2);
    }
}

#[test]
fn a_lost_segment_is_an_error() {
    let source = TempDir::new().expect("dir");
    let mut limits = log_only();
    limits.segment_bytes = 1_000;
    let chain = open(source.path(), limits.clone());
    grow(&chain, &mut rng(33), 30);
    let mut segments: Vec<_> = fs::read_dir(source.path().join("log"))
        .expect("list")
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    segments.sort();
    assert!(segments.len() > 3);
    for lost in [0, 1, segments.len() - 2] {
        let copy = TempDir::new().expect("dir");
        copy_dir(source.path(), copy.path());
        fs::remove_file(copy.path().join("log").join(&segments[lost])).expect("remove");
        let error = Chain::open(config(Some(copy.path()), limits.clone())).expect_err("a gap");
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    }
    // A torn frame at the end of a segment that is closed.
    let copy = TempDir::new().expect("dir");
    copy_dir(source.path(), copy.path());
    let path = copy.path().join("log").join(&segments[1]);
    let bytes = fs::read(&path).expect("read");
    fs::write(&path, &bytes[..bytes.len() - 1]).expect("write");
    let error = Chain::open(config(Some(copy.path()), limits)).expect_err("torn inside");
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
}
