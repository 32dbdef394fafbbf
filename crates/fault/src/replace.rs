//! Files that are there whole or not at all, whenever the machine stops.

use crate::{ENABLED, point};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Replaces the file at `path`, which has a file name. It is on disk when this returns.
///
/// Passes the points `before_write`, `before_rename` and `after_rename` of `name`.
///
/// # Errors
/// What the file system says; then the old content is still there, or the new one is.
pub fn replace_file(path: &Path, bytes: &[u8], name: &str) -> io::Result<()> {
    let pass = |place: &str| {
        if ENABLED { point(path, &format!("{name}.{place}")) } else { Ok(()) }
    };
    let temporary = path.with_added_extension("tmp");
    pass("before_write")?;
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    pass("before_rename")?;
    fs::rename(&temporary, path)?;
    // The name is on disk with its folder.
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all()?,
        _ => File::open(".")?.sync_all()?,
    }
    pass("after_rename")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn old_content_stays_until_the_new_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chain.json");
        let replace = |path: &Path, bytes: &[u8]| replace_file(path, bytes, "file");
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
