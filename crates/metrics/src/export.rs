//! Rendering what was counted in the Prometheus text format.

use crate::process::Process;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use std::{fmt, time::Duration};

/// Seconds, from what a call in memory takes to what a person waits for.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bytes of batches: a blob carries 130,044.
const BYTES: [f64; 8] = [1e3, 4e3, 16e3, 65e3, 130e3, 260e3, 520e3, 780e3];
/// Depths of reorganisations.
const BLOCKS: [f64; 9] = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 64.0, 256.0];

/// How often what was recorded is folded together if nobody reads it.
pub const UPKEEP: Duration = Duration::from_secs(5);

/// Why nothing can be counted.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be counted: {0}")]
pub struct ExportError(String);

type Sampler = Box<dyn Fn() + Send + Sync>;

/// Everything that this process has counted.
pub struct Exporter {
    handle: PrometheusHandle,
    samplers: Mutex<Vec<Sampler>>,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

impl Exporter {
    /// Begins to count, once in a process. What was made before counts nothing.
    ///
    /// # Errors
    /// It counts already.
    pub fn install(version: &'static str, duty: &'static str) -> Result<Self, ExportError> {
        let failed = |error: &dyn fmt::Display| ExportError(error.to_string());
        let recorder = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(|it| it.set_buckets_for_metric(Matcher::Suffix("_bytes".into()), &BYTES))
            .and_then(|it| it.set_buckets_for_metric(Matcher::Suffix("_blocks".into()), &BLOCKS))
            .map_err(|error| failed(&error))?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| failed(&error))?;
        let exporter = Self { handle, samplers: Mutex::default() };
        let process = Process::new(version, duty);
        exporter.on_scrape(move || process.sample());
        Ok(exporter)
    }

    /// Runs `sample` before each answer: for what is looked up rather than counted.
    pub fn on_scrape(&self, sample: impl Fn() + Send + Sync + 'static) {
        self.samplers.lock().push(Box::new(sample));
    }

    /// All of it in the Prometheus text format, version 0.0.4.
    pub fn render(&self) -> String {
        for sample in self.samplers.lock().iter() {
            sample();
        }
        self.handle.render()
    }

    /// Folds together what was recorded; to be called every [`UPKEEP`], or it piles up in memory
    /// while nobody reads.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{counter, gauge, histogram};

    #[test]
    fn what_is_counted_is_rendered_with_its_help_and_type() {
        let exporter = Exporter::install("1.2.3", "test").unwrap();
        assert!(Exporter::install("1.2.3", "test").is_err());
        counter("mezz_test_things_total", "Things.", &[("kind", "a")]).increment(2);
        let looked_up = gauge("mezz_test_level", "A level.", &[]);
        exporter.on_scrape(move || looked_up.set(7));
        histogram("mezz_test_wait_seconds", "A wait.", &[]).record(0.002);
        histogram("mezz_test_size_bytes", "A size.", &[]).record(100_000.0);
        exporter.upkeep();
        let text = exporter.render();
        for line in [
            "# HELP mezz_test_things_total Things.",
            "# TYPE mezz_test_things_total counter",
            "mezz_test_things_total{kind=\"a\"} 2",
            "# TYPE mezz_test_level gauge",
            "mezz_test_level 7",
            "# TYPE mezz_test_wait_seconds histogram",
            "mezz_test_wait_seconds_bucket{le=\"0.001\"} 0",
            "mezz_test_wait_seconds_bucket{le=\"0.0025\"} 1",
            "mezz_test_wait_seconds_count 1",
            "mezz_test_size_bytes_bucket{le=\"65000\"} 0",
            "mezz_test_size_bytes_bucket{le=\"130000\"} 1",
            "mezz_process_info{version=\"1.2.3\",duty=\"test\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        let memory = text.lines().find_map(|l| l.strip_prefix("mezz_process_memory_bytes "));
        assert!(memory.unwrap().parse::<f64>().unwrap() > 1e5, "{text}");
    }
}
