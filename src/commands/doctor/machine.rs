//! This machine: options, data directory, disk, ports.

use super::report::Report;
use crate::{OptionsFile, files, units::show_bytes};
use std::{
    fs::{self, File, TryLockError},
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

/// Free space with which nothing is begun, and with which somebody should soon look.
const LITTLE: u64 = 1 << 30;
const SOME: u64 = 10 << 30;

/// The file of options.
pub(super) fn options(report: &mut Report, file: &OptionsFile) {
    match file {
        OptionsFile::None => report.ok("options", "no file: flags and environment variables"),
        OptionsFile::Read(path) => {
            report.ok("options", format!("{}: every key is an option", path.display()));
        }
        OptionsFile::Broken(error) => report.fail(
            "options",
            error.to_string(),
            "mend the file; until then its options do not count, in these checks either",
        ),
    }
}

/// The data directory: `dir`, with the locks of whoever works in it.
pub(super) fn data_dir(report: &mut Report, dir: &Path, locks: &[PathBuf]) {
    let shown = dir.display();
    let existing = dir.ancestors().find(|dir| dir.exists() || dir.as_os_str().is_empty());
    let existing = match existing {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    match try_write(existing) {
        Ok(()) if existing == dir => report.ok("data directory", format!("{shown}, writable")),
        Ok(()) => report.ok("data directory", format!("{shown} will be made")),
        Err(error) => report.fail(
            "data directory",
            format!("{shown} cannot be written to: {error}"),
            "give the user that runs mezz the right to, or choose another with --data-dir",
        ),
    }
    for path in locks.iter().filter(|path| path.exists()) {
        match File::open(path).map(|file| file.try_lock()) {
            Ok(Ok(())) => {}
            Ok(Err(TryLockError::WouldBlock)) => report.fail(
                "lock",
                format!("another mezz runs from {shown}"),
                "stop it, or choose another directory with --data-dir",
            ),
            Ok(Err(TryLockError::Error(error))) | Err(error) => report.fail(
                "lock",
                format!("{} cannot be locked: {error}", path.display()),
                "choose a directory on a local disk with --data-dir",
            ),
        }
    }
    match files::free_bytes(existing) {
        Ok(free) if free < LITTLE => report.fail(
            "disk",
            format!("{} free", show_bytes(free)),
            format!("make room: at least {}, better {}", show_bytes(LITTLE), show_bytes(SOME)),
        ),
        Ok(free) if free < SOME => report.warn(
            "disk",
            format!("{} free", show_bytes(free)),
            "a chain grows: watch mezz_process_disk_free_bytes",
        ),
        Ok(free) => report.ok("disk", format!("{} free", show_bytes(free))),
        Err(error) => {
            report.warn("disk", format!("free space is not known: {error}"), "look with df");
        }
    }
}

/// A file can be made there. It is gone afterwards.
fn try_write(dir: &Path) -> io::Result<()> {
    let path = dir.join(format!(".mezz-doctor-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)
}

/// Whether an address can be listened on.
pub(super) fn port(report: &mut Report, check: &'static str, addr: SocketAddr, option: &str) {
    if addr.port() == 0 {
        return report.ok(check, "the system chooses one");
    }
    match TcpListener::bind(addr) {
        Ok(_) => report.ok(check, format!("{addr} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => report.fail(
            check,
            format!("something listens on {addr}"),
            format!("stop it, or choose another with {option}"),
        ),
        Err(error) => report.fail(
            check,
            format!("{addr}: {error}"),
            format!("choose an address of this machine with --host, and a port with {option}"),
        ),
    }
}
