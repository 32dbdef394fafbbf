//! What every duty counts, described once and read by Prometheus.
//!
//! A part of the program makes its handles when it starts and keeps them: counting is then an
//! atomic addition, or nothing at all if nobody reads ([`Exporter::install`] comes first, or never).
//! Names are `mezz_<duty>_<thing>_<unit>`, labels have few values. Every metric has its line in
//! `docs/operations.md`, and a test compares the two.
#![cfg_attr(test, allow(clippy::unwrap_used))]

#[cfg(feature = "export")]
mod export;
#[cfg(feature = "export")]
mod process;

#[cfg(feature = "export")]
pub use export::{ExportError, Exporter, UPKEEP};
pub use metrics::{Counter, Gauge, Histogram};

use metrics::{Key, Label, Level, Metadata};

/// Names and values that tell the series of one metric apart.
pub type Labels<'a> = &'a [(&'static str, &'static str)];

static METADATA: Metadata<'static> = Metadata::new("mezz", Level::INFO, None);

fn key(name: &'static str, labels: Labels<'_>) -> Key {
    let labels = labels.iter().map(|(name, value)| Label::new(*name, *value)).collect::<Vec<_>>();
    Key::from_parts(name, labels)
}

/// A number that only grows; its name ends with `_total`.
pub fn counter(name: &'static str, help: &'static str, labels: Labels<'_>) -> Counter {
    metrics::with_recorder(|recorder| {
        recorder.describe_counter(name.into(), None, help.into());
        recorder.register_counter(&key(name, labels), &METADATA)
    })
}

/// A number that goes up and down.
pub fn gauge(name: &'static str, help: &'static str, labels: Labels<'_>) -> Gauge {
    metrics::with_recorder(|recorder| {
        recorder.describe_gauge(name.into(), None, help.into());
        recorder.register_gauge(&key(name, labels), &METADATA)
    })
}

/// How values are distributed; its name ends with `_seconds`, `_bytes` or `_blocks`, and that
/// chooses the buckets.
pub fn histogram(name: &'static str, help: &'static str, labels: Labels<'_>) -> Histogram {
    metrics::with_recorder(|recorder| {
        recorder.describe_histogram(name.into(), None, help.into());
        recorder.register_histogram(&key(name, labels), &METADATA)
    })
}

/// A block number or another count as a value. Exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no chain has 2^53 blocks")]
pub const fn number(value: u64) -> f64 {
    value as f64
}
