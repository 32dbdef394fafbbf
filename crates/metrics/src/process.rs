//! The process itself: what it is, since when, and what it takes from the machine.

use crate::{Gauge, gauge, number};
use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

/// What is known of the process. On Linux; elsewhere the last two stay zero.
#[derive(Debug)]
pub(crate) struct Process {
    memory: Gauge,
    files: Gauge,
}

impl Process {
    pub(crate) fn new(version: &'static str, duty: &'static str) -> Self {
        let labels = [("version", version), ("duty", duty)];
        gauge("mezz_process_info", "Always 1: what runs, and which version of it.", &labels).set(1);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge(
            "mezz_process_start_time_seconds",
            "When the process began to count, Unix time.",
            &[],
        )
        .set(started.as_secs_f64());
        Self {
            memory: gauge("mezz_process_memory_bytes", "Resident memory of the process.", &[]),
            files: gauge(
                "mezz_process_open_files",
                "Open file descriptors, connections included.",
                &[],
            ),
        }
    }

    pub(crate) fn sample(&self) {
        // Pages in memory are the second number.
        let pages = fs::read_to_string("/proc/self/statm").ok().and_then(|text| {
            text.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok())
        });
        if let Some(pages) = pages {
            let page = u64::try_from(rustix::param::page_size()).unwrap_or(4_096);
            self.memory.set(number(pages.saturating_mul(page)));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.files.set(number(u64::try_from(files.count()).unwrap_or(u64::MAX)));
        }
    }
}
