//! What an operator's tools read: metrics, health, readiness.

use crate::support::{L1, Mezz, Signal, get, keystore, number, text, turn, wait_until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The guide, which has a line for each metric.
const GUIDE: &str = include_str!("../../docs/operations.md");

/// What a scrape tells of one metric.
#[derive(Debug, Default, PartialEq, Eq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
    help: String,
}

/// Reads the Prometheus text format, strictly: every sample belongs to a metric with a type and a
/// help text, every value is a number, no series comes twice.
fn parse(text: &str) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let mut series = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            metrics.entry(name.to_owned()).or_default().help = help.to_owned();
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            metrics.entry(name.to_owned()).or_default().kind = kind.to_owned();
            continue;
        }
        assert!(!line.starts_with('#'), "{line}");
        let (sample, value) = line.rsplit_once(' ').unwrap();
        assert!(value == "+Inf" || value.parse::<f64>().unwrap().is_finite(), "{line}");
        assert!(series.insert(sample.to_owned()), "twice: {line}");
        let (name, labels) = match sample.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
            None => (sample, ""),
        };
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .find(|base| metrics.get(*base).is_some_and(|metric| metric.kind == "histogram"))
            .unwrap_or(name);
        let metric = metrics.get_mut(base).unwrap_or_else(|| panic!("no type: {line}"));
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (name, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            assert!(!value.trim_end_matches('"').contains(['"', '\\']), "{line}");
            if name != "le" {
                metric.labels.insert(name.to_owned());
            }
        }
    }
    metrics
}

/// The table of the guide: `| name | type | labels | meaning |`.
fn guide() -> BTreeMap<String, Metric> {
    let rows = GUIDE.lines().filter_map(|line| line.strip_prefix("| `mezz_"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, labels, help] = cells[..] else { panic!("{row}") };
        let labels = labels.split(", ").map(|label| label.trim_matches('`'));
        let metric = Metric {
            kind: kind.to_owned(),
            labels: labels.filter(|label| !label.is_empty()).map(str::to_owned).collect(),
            help: help.to_owned(),
        };
        (format!("mezz_{}", name.trim_matches('`')), metric)
    })
    .collect()
}

async fn scrape(url: &str) -> String {
    let (status, body) = get(url).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// The value of a series in a scrape.
fn value(scrape: &str, series: &str) -> f64 {
    let line = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{scrape}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_of_the_guide_is_in_a_scrape_and_none_else() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let args = ["--metrics", "0", "--log-json"];
    let mut mezz = Mezz::up(dir.path(), &L1::Embedded, &args).await;
    let deployment = mezz.deployment();
    let url = text(&deployment, "/metrics").to_owned();
    let l2 = mezz.l2();
    mezz.client(&["send", "1", "1"]).await;
    mezz.client(&["deposit", "1"]).await;
    wait_until("a block is safe, and proposed", || async {
        let scrape = scrape(&url).await;
        value(&scrape, "mezz_node_head_number{head=\"safe\"}") > 1.0
            && value(&scrape, "mezz_proposer_proposals_total") > 0.0
            && value(&scrape, "mezz_sender_mined_total{duty=\"batcher\"}") > 0.0
    })
    .await;
    mezz.client(&["l1", "reorg", "3"]).await;
    wait_until("the reorganisation is counted", || async {
        value(&scrape(&url).await, "mezz_l1_reorg_depth_blocks_count") > 0.0
    })
    .await;
    let text = scrape(&url).await;
    let (found, wanted) = (parse(&text), guide());
    for (name, metric) in &found {
        let row = wanted.get(name);
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        assert_eq!(
            row,
            Some(metric),
            "docs/operations.md has another row, or none:\n| `{name}` | {} | {} | {} |",
            metric.kind,
            labels.join(", "),
            metric.help
        );
    }
    for name in wanted.keys() {
        assert!(found.contains_key(name), "{name} is in docs/operations.md and not in a scrape");
    }
    // Some of them say what is known otherwise.
    // The reorganisation takes blocks back, so that it may be less in between.
    wait_until("the head is that of the chain", || async {
        let before = l2.head().await as f64;
        let said = value(&scrape(&url).await, "mezz_chain_head_number{chain=\"l2\"}");
        before <= said && said <= l2.head().await as f64
    })
    .await;
    assert!(value(&text, "mezz_sequencer_transactions_total") >= 2.0);
    assert!(value(&text, "mezz_batcher_batches_total") >= 1.0);
    assert!(value(&text, "mezz_sender_balance_ether{duty=\"proposer\"}") > 9_000.0);
    let sent = "mezz_rpc_calls_total{chain=\"l2\",method=\"eth_sendRawTransaction\"}";
    assert!(value(&text, sent) >= 1.0);
    // The reorganisation may have taken all batches back; and they go on being posted, so that
    // both may be asked on either side of one.
    wait_until("the newest batch is that of the books", || async {
        let books = l2.call("mezz_batches", ("0x1",)).await;
        let Some(newest) = books["newest"].get(0) else { return false };
        let scrape = scrape(&url).await;
        let wei = |name: &str, part: &str, kinds: &[(&str, &str)]| {
            kinds.iter().all(|(kind, field)| {
                let series = format!("mezz_books_newest_{name}_wei{{kind=\"{kind}\"}}");
                value(&scrape, &series) == f64::from(number(&newest[part][*field]))
            })
        };
        let fees = [("base", "base"), ("priority", "priority"), ("l1_data", "l1Data")];
        let count = |name: &str| {
            value(&scrape, &format!("mezz_books_newest_{name}")) == f64::from(number(&newest[name]))
        };
        count("bytes")
            && count("transactions")
            && wei("collected", "collected", &fees)
            && wei("spent", "spent", &[("gas", "gas"), ("blob_gas", "blobGas")])
            && value(&scrape, "mezz_books_newest_spent_wei{kind=\"gas\"}") > 0.0
    })
    .await;
    // A client cannot make series.
    assert!(l2.try_call("eth_madeUp", ()).await.is_err());
    assert!(!scrape(&url).await.contains("madeUp"));
    assert_eq!(mezz.stop(Signal::Interrupt).await.code(), Some(0));
    assert_structured(&mezz.stderr());
}

/// Every line of a log is an object that says when, how grave and what; the duties say who.
fn assert_structured(log: &str) {
    let mut duties = BTreeSet::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for part in ["/timestamp", "/level", "/fields/message", "/target"] {
            assert!(!text(&line, part).is_empty(), "{line}");
        }
        let duty = line.pointer("/span/duty").and_then(Value::as_str).map(str::to_owned);
        let rollup = text(&line, "/target").starts_with("mezz_rollup");
        assert!(!rollup || duty.is_some(), "whose is this? {line}");
        duties.extend(duty);
    }
    assert_eq!(duties, ["batcher", "proposer", "sequencer"].map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_readiness_say_what_is_amiss() {
    let _turn = turn().await;
    let dir = tempfile::tempdir().unwrap();
    let host = Mezz::up(&dir.path().join("up"), &L1::Embedded, &["--metrics", "0"]).await;
    let l1_url = host.l1_url();
    let deployment = host.deployment();
    let base = |url: &str| url.trim_end_matches("/metrics").to_owned();
    let all = base(text(&deployment, "/metrics"));
    let l2_url = text(&deployment, "/l2/rpc").to_owned();
    for url in [&all, &l2_url] {
        wait_until("everything is ready", || async { get(&format!("{url}/ready")).await.0 == 200 })
            .await;
    }
    let (status, body) = get(&format!("{all}/ready")).await;
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let duties: BTreeSet<_> =
        body["checks"].as_array().unwrap().iter().map(|c| text(c, "/duty")).collect();
    assert_eq!(duties, ["batcher", "l1", "proposer", "sequencer"].into());
    assert_eq!(get(&format!("{all}/nothing")).await.0, 404);

    // A batcher of a chain whose sequencer is then gone.
    let batcher = 11;
    let key = keystore(dir.path(), batcher);
    let mut verifier = Mezz::verifier(&dir.path().join("verifier"), &l1_url, &[]).await;
    let args = ["batcher", "--json", "--metrics", "0", "--keystore", &key];
    let target = ["--l1", &l1_url, "--l2", verifier.1.url()];
    let mut posting = Mezz::spawn(&dir.path().join("batcher"), &[&args[..], &target].concat());
    let announced = posting.announced().await;
    let url = base(text(&announced, "/metrics"));
    wait_until("the batcher is ready", || async { get(&format!("{url}/ready")).await.0 == 200 })
        .await;
    verifier.0.stop(Signal::Terminate).await;
    wait_until("the batcher misses its L2 node", || async {
        let (status, body) = get(&format!("{url}/ready")).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        let l2 = body["checks"].as_array().unwrap().iter().find(|c| c["check"] == "l2").unwrap();
        status == 503 && body["ok"] == false && text(l2, "/detail").contains("does not answer")
    })
    .await;
    // It works; the world does not.
    assert_eq!(get(&format!("{url}/health")).await.0, 200);
    assert_eq!(posting.stop(Signal::Terminate).await.code(), Some(0));
}
