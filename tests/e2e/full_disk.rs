//! A disk without room: the node stops with one clear line, nothing is lost, and it starts again
//! when there is room.
//!
//! On a file system of its own where the test may mount one; `failed_writes` does the same
//! everywhere by writes that fail as they do there.

use crate::{
    on_both,
    support::{L1, Load, Mezz, Witness, free_port},
};
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Command,
};
use tempfile::TempDir;

/// A file system of a few megabytes; unmounted when this goes.
struct Disk(TempDir);

impl Disk {
    /// `None` where nobody may mount one.
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=96m", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(dir.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no room.
    fn fill(&self) {
        let mut file = File::create(self.path().join("filler")).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            let bytes = vec![1; size];
            while file.write_all(&bytes).is_ok() {}
        }
    }

    /// Makes room again.
    fn free(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process that is just being killed may still hold it.
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// Waits until the process has stopped by itself for want of room, and said so.
pub(crate) async fn assert_stopped(mezz: &mut Mezz, why: &str) {
    let status = mezz.wait().await;
    let log = mezz.stderr();
    assert_eq!(status.code(), Some(1), "{status}\n{log}");
    let last = log.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: the disk"), "{log}");
    assert!(last.contains(why) && last.contains("make room"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    assert!(log.lines().count() < 200, "{log}");
}

on_both!(full_disk_stops_a_node_and_room_starts_it_again);
async fn full_disk_stops_a_node_and_room_starts_it_again(l1: &L1) {
    let (Some(disk), Some(other)) = (Disk::new(), Disk::new()) else {
        eprintln!("skipped: this user may not mount a file system");
        return;
    };
    let port = L1::EmbeddedAt(free_port());
    let l1 = if matches!(l1, L1::Embedded) { &port } else { l1 };
    let args = ["--block-time", "250ms"];
    let witness = Witness::new();
    let mut mezz = Mezz::up(disk.path(), l1, &args).await;
    let l1_url = mezz.l1_url();
    let (mut node, verifier) = Mezz::verifier(other.path(), &l1_url, &[]).await;
    verifier.wait_tag("safe", 1).await;
    for _ in 0..2 {
        let load = Load::start(&witness, &mezz.l1(), &mezz.l2(), &mezz.deployment());
        mezz.l2().wait_tag("latest", mezz.l2().head().await + 4).await;
        other.fill();
        assert_stopped(&mut node, "No space left").await;
        disk.fill();
        assert_stopped(&mut mezz, "No space left").await;
        drop(load);
        disk.free();
        other.free();
        mezz = Mezz::up(disk.path(), l1, &args).await;
        let safe = witness.check(&mezz.l1(), &mezz.l2(), &mezz.deployment()).await;
        let (again, verifier) = Mezz::verifier(other.path(), &l1_url, &[]).await;
        node = again;
        verifier.wait_tag("safe", safe).await;
        assert_eq!(verifier.hash(safe).await, mezz.l2().hash(safe).await);
    }
    let (mined, deposits) = witness.counts();
    assert!(mined > 0 && deposits > 0, "{mined} transactions, {deposits} deposits");
}
