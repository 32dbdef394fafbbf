//! Files that are there whole or not at all, whenever the machine stops.

use mezz_fault as fault;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Replaces the file at `path`, which has a file name. It is on disk when this returns.
///
/// # Errors
/// What the file system says; then the old content is still there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_added_extension("tmp");
    fault::point(path, "file.before_write")?;
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fault::point(path, "file.before_rename")?;
    fs::rename(&temporary, path)?;
    // The name is on disk with its folder.
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all()?,
        _ => File::open(".")?.sync_all()?,
    }
    fault::point(path, "file.after_rename")
}

/// Bytes that may still be written to the file system of `dir`, which exists.
///
/// # Errors
/// What the file system says.
pub(crate) fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_content_stays_until_the_new_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chain.json");
        replace(&path, b"one").unwrap();
        // What a stop in the middle leaves behind is neither read nor in the way.
        fs::write(path.with_added_extension("tmp"), b"tw").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(replace(&dir.path().join("no/such"), b"").is_err());
    }
}
