//! Segments of the log: files of frames.
//!
//! ```text
//! magic 8 | format 4 | first lsn 8 | genesis hash 32 | salt 16 | crc32 4 | frames
//! ```
//! A segment is named by its first number. It is begun when the one before it is closed, so only the newest can end in
//! a torn frame.

use super::frame::{Salt, decode_frame, find_frame};
use crate::{error::OpenError, fault};
use mezz_primitives::B256;
use rand::RngCore;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Bytes before the first frame.
pub(crate) const SEGMENT_HEADER: usize = 72;
const MAGIC: [u8; 8] = *b"mezz-wal";
/// The format of segments and of what the frames hold.
pub(crate) const FORMAT: u32 = 1;

/// A segment that is open for more frames.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) salt: Salt,
    /// Bytes up to the end of the last whole frame.
    pub(crate) len: u64,
}

/// A segment by name.
#[derive(Clone, Debug)]
pub(crate) struct SegmentFile {
    pub(crate) first_lsn: u64,
    pub(crate) path: PathBuf,
}

/// Submissions of a segment, and where its good part ends.
#[derive(Debug)]
pub(crate) struct SegmentContents {
    pub(crate) salt: Salt,
    /// In order; the first has the number of the segment.
    pub(crate) submissions: Vec<Vec<u8>>,
    /// Bytes up to the end of the last whole frame.
    pub(crate) good: u64,
    /// Bytes after that.
    pub(crate) torn: u64,
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> OpenError + '_ {
    move |source| OpenError::Io { path: path.to_owned(), source }
}

fn corrupt(path: &Path, offset: u64, reason: impl Into<String>) -> OpenError {
    OpenError::Corrupt { path: path.to_owned(), offset, reason: reason.into() }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The segments in `dir`, oldest first.
pub(crate) fn list(dir: &Path) -> Result<Vec<SegmentFile>, OpenError> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir).map_err(io_error(dir))? {
        let path = entry.map_err(io_error(dir))?.path();
        if path.extension().is_none_or(|extension| extension != "wal") {
            continue;
        }
        let number =
            path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        let first_lsn = number.ok_or_else(|| corrupt(&path, 0, "not the name of a segment"))?;
        segments.push(SegmentFile { first_lsn, path });
    }
    segments.sort_unstable_by_key(|segment| segment.first_lsn);
    Ok(segments)
}

/// Begins a segment whose first submission will have number `first_lsn`. It is durable when this returns.
pub(crate) fn create(
    root: &Path,
    dir: &Path,
    genesis: B256,
    first_lsn: u64,
) -> io::Result<Segment> {
    let path = dir.join(format!("{first_lsn:020}.wal"));
    let mut salt = Salt::default();
    rand::rng().fill_bytes(&mut salt);
    let mut header = Vec::with_capacity(SEGMENT_HEADER);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&first_lsn.to_le_bytes());
    header.extend_from_slice(genesis.as_slice());
    header.extend_from_slice(&salt);
    header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    file.write_all(&header)?;
    fault::point(root, "wal.after_create")?;
    file.sync_all()?;
    sync_dir(dir)?;
    Ok(Segment { path, file, salt, len: SEGMENT_HEADER as u64 })
}

/// Opens a segment for more frames after `contents`, of which a torn end is cut off.
pub(crate) fn reopen(path: &Path, contents: &SegmentContents) -> io::Result<Segment> {
    use std::io::Seek;
    let mut file = OpenOptions::new().write(true).open(path)?;
    if contents.torn > 0 {
        file.set_len(contents.good)?;
    }
    // The last frame may be whole and yet not on disk: the crash may have come before its sync.
    file.sync_all()?;
    file.seek(io::SeekFrom::Start(contents.good))?;
    Ok(Segment { path: path.to_owned(), file, salt: contents.salt, len: contents.good })
}

/// Reads a segment. `None`: it is the newest and the crash came before its header was whole, so it holds nothing.
pub(crate) fn read(
    root: &Path,
    segment: &SegmentFile,
    genesis: B256,
    newest: bool,
) -> Result<Option<SegmentContents>, OpenError> {
    let path = &segment.path;
    let bytes = fs::read(path).map_err(io_error(path))?;
    let header = bytes.get(..SEGMENT_HEADER).filter(|header| {
        header.starts_with(&MAGIC) && crc32fast::hash(&header[..68]).to_le_bytes() == header[68..]
    });
    let Some(header) = header else {
        // Frames come only after the header is durable.
        if newest && bytes.len() <= SEGMENT_HEADER {
            return Ok(None);
        }
        return Err(corrupt(path, 0, "the header of the segment is damaged"));
    };
    // The slices have the lengths of the fields.
    let format = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if format != FORMAT {
        return Err(OpenError::Format {
            path: root.to_owned(),
            expected: u64::from(FORMAT),
            found: u64::from(format),
        });
    }
    if header[12..20] != segment.first_lsn.to_le_bytes() {
        return Err(corrupt(path, 12, "the segment has another number than its name"));
    }
    let found = B256::from_slice(&header[20..52]);
    if found != genesis {
        return Err(OpenError::OtherChain { path: root.to_owned(), expected: genesis, found });
    }
    let mut salt = Salt::default();
    salt.copy_from_slice(&header[52..68]);

    let mut submissions = Vec::new();
    let mut at = SEGMENT_HEADER;
    while at < bytes.len() {
        let lsn = segment.first_lsn + submissions.len() as u64;
        let frame = decode_frame(&salt, &bytes[at..]).filter(|frame| frame.first_lsn == lsn);
        if let Some(frame) = frame {
            submissions.extend(frame.submissions.iter().map(|bytes| bytes.to_vec()));
            at += frame.len;
            continue;
        }
        if let Some(later) = find_frame(&salt, &bytes[at..], lsn) {
            let reason = format!("a bad record, and a good one after it at byte {}", at + later);
            return Err(corrupt(path, at as u64, reason));
        }
        if !newest {
            return Err(corrupt(path, at as u64, "a bad record in a segment that is closed"));
        }
        break;
    }
    let (good, torn) = (at as u64, (bytes.len() - at) as u64);
    Ok(Some(SegmentContents { salt, submissions, good, torn }))
}
