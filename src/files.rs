//! What the file system has left.

use std::{io, path::Path};

/// Bytes that may still be written to the file system of `dir`, which exists.
///
/// # Errors
/// What the file system says.
pub(crate) fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
