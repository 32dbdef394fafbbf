//! What an operator's tools read of a running process: metrics, health and readiness, at an
//! address of their own.

use crate::{Failure, cli::MetricsArgs, files, output::Output};
use mezz_chain::Chain;
use mezz_devnet::DevnetHandle;
use mezz_metrics::{Exporter, Gauge, UPKEEP, gauge, number};
use mezz_pool::{Pool, PoolMeters};
use mezz_rollup::health::{Check, Probe, Probes};
use mezz_rpc::{GetHandle, GetResponse, GetRoute, GetServer};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::task::JoinHandle;

/// Media type of the Prometheus text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is read of this process. Nothing, unless `--metrics` asks for it.
#[derive(Debug, Default)]
pub(crate) struct Ops {
    probes: Probes,
    serving: Option<Serving>,
}

#[derive(Debug)]
struct Serving {
    server: GetHandle,
    upkeep: JoinHandle<()>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.upkeep.abort();
    }
}

impl Ops {
    /// Begins to count and to answer, if asked to. Must come before what is counted is started.
    pub(crate) async fn begin(
        args: &MetricsArgs,
        duty: &'static str,
        data_dir: &Path,
    ) -> Result<Self, Failure> {
        let probes = Probes::default();
        let Some(addr) = args.metrics else { return Ok(Self { probes, serving: None }) };
        let exporter = Arc::new(Exporter::install(env!("CARGO_PKG_VERSION"), duty)?);
        sample_disk(&exporter, data_dir);
        let seen = probes.clone();
        exporter.on_scrape(move || seen.sample());
        let rendered = exporter.clone();
        let mut routes = probes.routes();
        routes.push(GetRoute::new("/metrics", move |_| GetResponse {
            status: 200,
            content_type: PROMETHEUS,
            body: rendered.render().into_bytes(),
        }));
        let server = GetServer::start(addr, routes).await?;
        let upkeep = tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                exporter.upkeep();
            }
        });
        Ok(Self { probes, serving: Some(Serving { server, upkeep }) })
    }

    /// Everything has been started, and this is who tells how it fares.
    pub(crate) fn started(&self, probes: Vec<Arc<dyn Probe>>) {
        self.probes.set(probes);
    }

    /// Where metrics are, if they are served.
    pub(crate) fn url(&self) -> Option<String> {
        self.serving.as_ref().map(|it| format!("http://{}/metrics", it.server.local_addr()))
    }

    /// Says where metrics are.
    pub(crate) fn announce(&self, out: Output) {
        if let Some(url) = self.url() {
            out.field("metrics", url);
        }
    }
}

fn sample_disk(exporter: &Exporter, data_dir: &Path) {
    let free = gauge(
        "mezz_process_disk_free_bytes",
        "Free space on the file system of the data directory.",
        &[],
    );
    let dir: PathBuf = data_dir.to_owned();
    exporter.on_scrape(move || {
        if let Ok(bytes) = files::free_bytes(&dir) {
            free.set(number(bytes));
        }
    });
}

/// The embedded L1, looked at.
#[derive(Debug)]
pub(crate) struct EmbeddedL1 {
    chain: Chain,
    pool: Pool,
    meters: PoolMeters,
    age: Gauge,
}

impl EmbeddedL1 {
    pub(crate) fn new(devnet: &DevnetHandle) -> Self {
        Self {
            chain: devnet.chain.clone(),
            pool: devnet.pool.clone(),
            meters: PoolMeters::new(devnet.chain.layer()),
            age: gauge(
                "mezz_devnet_head_age_seconds",
                "This machine's time less the timestamp of the embedded L1's newest block.",
                &[],
            ),
        }
    }
}

impl Probe for EmbeddedL1 {
    fn health(&self) -> Vec<Check> {
        let failure = self.chain.storage_failure();
        let ok = failure.is_none();
        let detail = failure.map_or_else(|| "takes changes".to_owned(), |error| error.to_string());
        vec![Check { duty: "l1", check: "storage", ok, detail }]
    }

    fn readiness(&self) -> Vec<Check> {
        Vec::new()
    }

    fn sample(&self) {
        self.meters.sample(&self.pool);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        self.age.set(number(now.saturating_sub(self.chain.head().header.timestamp)));
    }
}
