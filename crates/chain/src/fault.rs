//! Named places in the storage layer at which a test can make a write fail or the process die.
//!
//! Compiled to nothing unless the crate is tested or has the feature `fault-points`. A point is armed for one data
//! directory by [`arm`], or for all by the environment variable `MEZZ_FAULT`, `point:action:skip`, where action is
//! `fail` or `abort` and skip is how often the point is passed before it acts.

/// All points, in the order in which a block passes them.
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

#[cfg(any(test, feature = "fault-points"))]
mod armed {
    use parking_lot::Mutex;
    use std::{
        io,
        path::{Path, PathBuf},
        sync::OnceLock,
    };

    /// What an armed point does.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Action {
        /// The write fails as on a full disk.
        Fail,
        /// The process dies at once.
        Abort,
    }

    #[derive(Debug)]
    struct Armed {
        dir: Option<PathBuf>,
        point: String,
        action: Action,
        skip: u32,
    }

    fn registry() -> &'static Mutex<Vec<Armed>> {
        static REGISTRY: OnceLock<Mutex<Vec<Armed>>> = OnceLock::new();
        REGISTRY.get_or_init(|| Mutex::new(from_env().into_iter().collect()))
    }

    fn from_env() -> Option<Armed> {
        let value = std::env::var("MEZZ_FAULT").ok()?;
        let mut parts = value.split(':');
        let point = parts.next()?.to_owned();
        let action = match parts.next()? {
            "fail" => Action::Fail,
            "abort" => Action::Abort,
            _ => return None,
        };
        let skip = parts.next().and_then(|skip| skip.parse().ok()).unwrap_or(0);
        Some(Armed { dir: None, point, action, skip })
    }

    /// Arms a point for one data directory; it is passed `skip` times before it acts, and then acts each time.
    pub fn arm(dir: &Path, point: &str, action: Action, skip: u32) {
        registry().lock().push(Armed {
            dir: Some(dir.to_owned()),
            point: point.to_owned(),
            action,
            skip,
        });
    }

    /// Disarms all points of a data directory.
    pub fn disarm(dir: &Path) {
        registry().lock().retain(|armed| armed.dir.as_deref() != Some(dir));
    }

    pub(crate) fn point(dir: &Path, name: &str) -> io::Result<()> {
        let mut registry = registry().lock();
        let here = |armed: &&mut Armed| {
            armed.point == name && armed.dir.as_deref().is_none_or(|d| d == dir)
        };
        let Some(armed) = registry.iter_mut().find(here) else { return Ok(()) };
        if armed.skip > 0 {
            armed.skip -= 1;
            return Ok(());
        }
        match armed.action {
            Action::Fail => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Action::Abort => std::process::abort(),
        }
    }
}

#[cfg(any(test, feature = "fault-points"))]
pub(crate) use armed::point;
#[cfg(any(test, feature = "fault-points"))]
pub use armed::{Action, arm, disarm};

/// Passes a point.
#[cfg(not(any(test, feature = "fault-points")))]
#[inline]
pub(crate) fn point(_dir: &std::path::Path, _name: &str) -> std::io::Result<()> {
    Ok(())
}
