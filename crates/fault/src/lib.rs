//! Named places around durable writes, at which a test can make a write fail or the process die.
//!
//! They are there in builds with debug assertions, so that the program which tests start is the
//! one that everybody builds for development, and nothing is built twice. A release build has none
//! of them: [`point`] is then an empty function, and no variable is read.
//!
//! A point is armed for one directory by [`arm`], or by the environment variable `MEZZ_FAULT`:
//! `point:action:skip`, or `point:action:skip:part` for paths that contain `part`. The action is
//! `fail` (the write fails as on a full disk) or `abort` (the process dies at once, as by
//! `kill -9`); skip is how often the point is passed before it acts, and then it acts each time.
//! `@path` instead names a file with such a line, which may come and go while the process runs: the
//! line holds as long as the file is there.
//! `MEZZ_LIMIT`, `name=value`, lowers a [`limit`] to what a short test reaches.
//!
//! [`replace_file`] is a durable write with its points, for all who replace files.

mod replace;

pub use replace::replace_file;

use std::{io, path::Path};

/// Whether this build has points at all.
pub const ENABLED: bool = cfg!(debug_assertions);

/// Passes a point on the way to `path`.
///
/// # Errors
/// [`io::ErrorKind::StorageFull`] if the point is armed to fail.
#[inline]
pub fn point(path: &Path, name: &str) -> io::Result<()> {
    #[cfg(debug_assertions)]
    return armed::point(path, name);
    #[cfg(not(debug_assertions))]
    {
        let _ = (path, name);
        Ok(())
    }
}

/// A size or count that a test may lower; `default` in every release build.
pub fn limit(name: &str, default: u64) -> u64 {
    if !ENABLED {
        return default;
    }
    let set = std::env::var("MEZZ_LIMIT").ok();
    let found = set.as_deref().and_then(|set| set.split_once('=')).filter(|(key, _)| *key == name);
    found.and_then(|(_, value)| value.parse().ok()).unwrap_or(default)
}

#[cfg(debug_assertions)]
pub use armed::{Action, arm, disarm};

#[cfg(debug_assertions)]
mod armed {
    use std::{
        fs, io,
        path::{Path, PathBuf},
        sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    };

    /// What an armed point does.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Action {
        /// The write fails as on a full disk.
        Fail,
        /// The process dies at once.
        Abort,
    }

    /// Where a point acts.
    #[derive(Debug, PartialEq, Eq)]
    enum Place {
        Anywhere,
        /// In this directory and below it.
        Below(PathBuf),
        /// On paths that contain this.
        Containing(String),
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Armed {
        place: Place,
        point: String,
        action: Action,
        skip: u32,
    }

    impl Armed {
        /// Reads `point:action:skip:part`, of which the last two may be absent.
        fn parse(text: &str) -> Option<Self> {
            let mut parts = text.splitn(4, ':');
            let point = parts.next()?.to_owned();
            let action = match parts.next()? {
                "fail" => Action::Fail,
                "abort" => Action::Abort,
                _ => return None,
            };
            let skip = parts.next().map_or(Some(0), |skip| skip.parse().ok())?;
            let place = match parts.next() {
                Some(part) => Place::Containing(part.to_owned()),
                None => Place::Anywhere,
            };
            Some(Self { place, point, action, skip })
        }

        fn acts_on(&self, path: &Path) -> bool {
            match &self.place {
                Place::Anywhere => true,
                Place::Below(dir) => path.starts_with(dir),
                Place::Containing(part) => path.to_string_lossy().contains(part.as_str()),
            }
        }
    }

    /// A file that may say more, and what it says.
    #[derive(Debug)]
    struct Told {
        path: PathBuf,
        text: String,
        armed: Option<Armed>,
    }

    impl Told {
        fn read(&mut self) {
            let text = fs::read_to_string(&self.path).unwrap_or_default();
            if text != self.text {
                self.armed = Armed::parse(text.trim());
                self.text = text;
            }
        }
    }

    #[derive(Debug)]
    struct Registry {
        armed: Vec<Armed>,
        told: Option<Told>,
    }

    impl Registry {
        fn from_env() -> Self {
            let set = std::env::var("MEZZ_FAULT").unwrap_or_default();
            let told = set.strip_prefix('@').map(|path| Told {
                path: path.into(),
                text: String::new(),
                armed: None,
            });
            Self { armed: Armed::parse(&set).into_iter().collect(), told }
        }
    }

    fn registry() -> MutexGuard<'static, Registry> {
        static REGISTRY: OnceLock<Mutex<Registry>> = OnceLock::new();
        let registry = REGISTRY.get_or_init(|| Mutex::new(Registry::from_env()));
        registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Arms a point for one directory; it is passed `skip` times before it acts, and then acts
    /// each time.
    pub fn arm(dir: &Path, point: &str, action: Action, skip: u32) {
        let place = Place::Below(dir.to_owned());
        registry().armed.push(Armed { place, point: point.to_owned(), action, skip });
    }

    /// Disarms all points of a directory.
    pub fn disarm(dir: &Path) {
        registry().armed.retain(|armed| armed.place != Place::Below(dir.to_owned()));
    }

    pub(super) fn point(path: &Path, name: &str) -> io::Result<()> {
        let mut registry = registry();
        let Registry { armed, told } = &mut *registry;
        if let Some(told) = told {
            told.read();
        }
        let told = told.as_mut().and_then(|told| told.armed.as_mut());
        let mut armed = armed.iter_mut().chain(told);
        let armed = armed.find(|armed| armed.point == name && armed.acts_on(path));
        let Some(armed) = armed else { return Ok(()) };
        if armed.skip > 0 {
            armed.skip -= 1;
            return Ok(());
        }
        match armed.action {
            Action::Fail => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Action::Abort => std::process::abort(),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn variable_names_point_action_skip_and_place() {
            let armed = Armed::parse("wal.after_sync:fail:3:/l2/").expect("whole");
            assert_eq!(
                (armed.point.as_str(), armed.action, armed.skip),
                ("wal.after_sync", Action::Fail, 3)
            );
            assert!(armed.acts_on(Path::new("/tmp/x/l2/chain")));
            assert!(!armed.acts_on(Path::new("/tmp/x/l1/chain")));
            let armed = Armed::parse("a:abort").expect("whole");
            assert_eq!(
                (armed.action, armed.skip, armed.place),
                (Action::Abort, 0, Place::Anywhere)
            );
            for wrong in ["", "a", "a:explode", "a:fail:many"] {
                assert_eq!(Armed::parse(wrong), None, "{wrong}");
            }
        }

        #[test]
        fn line_of_a_file_holds_while_the_file_is_there() {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().join("stop");
            let mut told = Told { path: path.clone(), text: String::new(), armed: None };
            told.read();
            assert_eq!(told.armed, None);
            fs::write(&path, "a:fail:2\n").expect("writes");
            told.read();
            told.armed.as_mut().expect("read").skip = 1;
            told.read();
            assert_eq!(told.armed.as_ref().expect("read").skip, 1, "it is not read anew");
            fs::remove_file(&path).expect("removes");
            told.read();
            assert_eq!(told.armed, None);
        }

        #[test]
        fn point_acts_where_and_when_it_is_armed() {
            let (here, there) = (Path::new("/fault/here"), Path::new("/fault/there"));
            arm(here, "p", Action::Fail, 1);
            assert!(point(here, "p").is_ok(), "skipped once");
            assert!(point(&here.join("file"), "p").is_err());
            assert!(point(here, "p").is_err(), "and each time after that");
            assert!(point(here, "q").is_ok() && point(there, "p").is_ok());
            disarm(here);
            assert!(point(here, "p").is_ok());
        }
    }
}
