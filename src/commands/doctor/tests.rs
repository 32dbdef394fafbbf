//! Each check on a node that is well but for one thing.

use super::{
    account::{self, Habit},
    l1, machine,
    report::{Outcome, Report},
};
use crate::{OptionsFile, cli::PasswordArgs, options, output::Output, wallet};
use alloy::{
    consensus::Header,
    primitives::{Address, B256, U256},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What a node answers: results by method, errors under `error`, pages by path with their status.
type Answers = BTreeMap<&'static str, Value>;

fn report() -> Report {
    Report::new(Output::new(true))
}

fn header(timestamp: u64) -> Header {
    Header {
        number: 100,
        timestamp,
        gas_limit: 30_000_000,
        base_fee_per_gas: Some(1_000_000_000),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        withdrawals_root: Some(B256::ZERO),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(B256::ZERO),
        ..Header::default()
    }
}

fn block(header: &Header) -> Value {
    let mut block = serde_json::to_value(header).unwrap();
    block["hash"] = json!(header.hash_slow());
    block["transactions"] = json!([]);
    block
}

fn word(value: u64) -> Value {
    json!(format!("{:#066x}", U256::from(value)))
}

/// A node that is well.
fn well() -> Answers {
    let history = json!({
        "oldestBlock": "0x64",
        "baseFeePerGas": ["0x3b9aca00", "0x3b9aca00"],
        "gasUsedRatio": [0.5],
        "baseFeePerBlobGas": ["0x1", "0x1"],
        "blobGasUsedRatio": [0.0],
    });
    BTreeMap::from([
        ("eth_chainId", json!("0x1")),
        ("web3_clientVersion", json!("stub/1")),
        ("eth_syncing", json!(false)),
        ("latest", block(&header(l1::now()))),
        ("safe", block(&header(l1::now()))),
        ("finalized", block(&header(l1::now()))),
        ("eth_getBlockByHash", Value::Null),
        ("0x60011e5f5260205ff3", word(255)),
        ("0x5a5f5260205ff3", word(16_700_000)),
        ("eth_feeHistory", history),
        ("eth_maxPriorityFeePerGas", json!("0x1")),
        ("eth_getLogs", json!([])),
        ("eth_getBlockReceipts", json!([])),
        ("eth_getBalance", json!("0xde0b6b3a7640000")),
        ("/eth/v1/beacon/blobs/", json!({ "data": [] })),
    ])
}

/// Serves the answers; the URL.
async fn serve(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = Arc::new(answers);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answers = answers.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 8_192];
                let Ok(length) = socket.read(&mut request).await else { return };
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                let (status, body) = answer(&answers, &text);
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = socket.write_all((head + &body).as_bytes()).await;
            });
        }
    });
    url
}

fn answer(answers: &Answers, request: &str) -> (u16, String) {
    if let Some(path) = request.strip_prefix("GET ") {
        let page = answers.iter().find(|(prefix, _)| path.starts_with(**prefix));
        return page.map_or((404, String::new()), |(_, page)| (200, page.to_string()));
    }
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    let question: Value = serde_json::from_str(body).unwrap();
    let params = &question["params"][0];
    let key = match question["method"].as_str().unwrap() {
        "eth_getBlockByNumber" => match params.as_str().unwrap() {
            tag @ ("safe" | "finalized") => tag.to_owned(),
            _ => "latest".to_owned(),
        },
        "eth_call" => params["input"].as_str().unwrap().to_owned(),
        method => method.to_owned(),
    };
    let answer = match answers.get(key.as_str()) {
        None => json!({ "error": { "code": -32601, "message": "the method is not available" } }),
        Some(Value::Object(error)) if error.contains_key("code") => json!({ "error": error }),
        Some(result) => json!({ "result": result }),
    };
    let mut answer = answer;
    answer["jsonrpc"] = json!("2.0");
    answer["id"] = question["id"].clone();
    (200, answer.to_string())
}

#[tokio::test]
async fn node_that_is_well_passes_and_one_that_is_not_fails_where_it_is_not() {
    let refused = |message: &str| json!({ "code": -32000, "message": message });
    let now = l1::now();
    let old = |seconds: u64| block(&header(now - seconds));
    let no_blobs = json!({
        "oldestBlock": "0x64", "baseFeePerGas": ["0x1", "0x1"], "gasUsedRatio": [0.5],
    });
    let small = block(&Header { gas_limit: 16_000_000, ..header(now) });
    use Outcome::{Failure, Ok, Warning};
    for (method, answer, check, outcome, words) in [
        ("web3_clientVersion", json!("geth/v1"), "answers", Ok, "geth/v1, chain id 1"),
        ("eth_chainId", refused("no"), "answers", Failure, "refused eth_chainId"),
        ("latest", refused("no"), "head", Failure, "refused eth_getBlockByNumber"),
        ("latest", old(90), "head", Warning, "1 min 3"),
        ("latest", old(400), "head", Failure, "6 min 4"),
        ("latest", block(&header(now + 100)), "head", Failure, "ahead of this machine's clock"),
        ("eth_syncing", json!({ "currentBlock": "0x1" }), "synced", Failure, "catching up"),
        ("0x60011e5f5260205ff3", refused("invalid opcode"), "rules", Failure, "look like Prague"),
        ("0x60011e5f5260205ff3", word(0), "rules", Failure, "something else"),
        ("eth_feeHistory", no_blobs, "prices", Failure, "no blobs"),
        ("eth_feeHistory", refused("no"), "prices", Failure, "refused eth_feeHistory"),
        ("latest", small, "gas", Failure, "a block has 16000000 gas"),
        ("0x5a5f5260205ff3", word(9_000_000), "gas", Warning, "only 9000000 gas"),
        ("finalized", Value::Null, "finality", Warning, "no block is final yet"),
        ("finalized", refused("unknown tag"), "finality", Failure, "unknown tag"),
        ("eth_getLogs", refused("range too wide"), "logs", Failure, "range too wide"),
        ("eth_getBlockReceipts", refused("method not found"), "receipts", Warning, "has no eth_"),
    ] {
        let mut answers = well();
        answers.insert(method, answer);
        let mut report = report();
        l1::node(&mut report, &serve(answers).await, false).await;
        let (found, text) = report.last(check);
        assert_eq!((found, text.contains(words)), (outcome, true), "{check}: {text}");
        for other in report.checks().filter(|other| *other != check) {
            assert_eq!(report.last(other).0, Ok, "{other} beside {check}");
        }
    }
}

#[tokio::test]
async fn moved_time_is_only_a_warning_on_a_development_node() {
    let mut answers = well();
    answers.insert("latest", block(&header(l1::now() + 3_600)));
    let url = serve(answers).await;
    for (dev, outcome) in [(false, Outcome::Failure), (true, Outcome::Warning)] {
        let mut report = report();
        assert!(l1::node(&mut report, &url, dev).await.is_some());
        assert_eq!(report.last("head").0, outcome);
    }
}

#[tokio::test]
async fn nobody_there_is_one_failure() {
    let mut report = report();
    assert!(l1::node(&mut report, "http://127.0.0.1:1", false).await.is_none());
    assert_eq!(report.checks().collect::<Vec<_>>(), ["answers"]);
    assert!(report.end("verifier").unwrap_err().contains("1 of 1 check failed"));
    let mut report = self::report();
    assert!(l1::node(&mut report, "ws://127.0.0.1:1", false).await.is_none());
    assert_eq!(report.last("answers").0, Outcome::Failure);
}

#[tokio::test]
async fn source_of_blobs_must_answer_and_follow() {
    let spec = json!({ "data": { "SLOT_DURATION_MS": "12000" } });
    let genesis = json!({ "data": { "genesis_time": "1" } });
    let version = json!({ "data": { "version": "Stub/v2" } });
    let syncing = |is: bool| json!({ "data": { "is_syncing": is } });
    let beacon = |is: bool| {
        BTreeMap::from([
            ("/eth/v1/config/spec", spec.clone()),
            ("/eth/v1/beacon/genesis", genesis.clone()),
            ("/eth/v1/node/version", version.clone()),
            ("/eth/v1/node/syncing", syncing(is)),
            ("/eth/v1/beacon/blobs/", json!({ "data": [] })),
        ])
    };
    let node = serve(well()).await;
    let facts = l1::node(&mut report(), &node, false).await.unwrap();
    let none: Answers = BTreeMap::new();
    use Outcome::{Failure, Ok};
    for (answers, outcome, words) in [
        (well(), Ok, "a development node"),
        (beacon(false), Ok, "Stub/v2 at http://127.0.0.1"),
        (beacon(true), Failure, "catching up"),
        (none, Failure, "HTTP 404"),
    ] {
        let mut report = report();
        l1::blobs(&mut report, &serve(answers).await, &facts).await;
        let (found, text) = report.last("blobs");
        assert_eq!((found, text.contains(words)), (outcome, true), "{text}");
    }
    let mut report = report();
    l1::blobs(&mut report, "http://127.0.0.1:1", &facts).await;
    assert_eq!(report.last("blobs").0, Failure);
}

#[tokio::test]
async fn balance_is_held_against_a_day() {
    let habit = Habit { gas: 100_000, blobs: 1, every: Duration::from_secs(3_600) };
    use Outcome::{Failure, Ok, Warning};
    // A transaction takes 100,000 gwei and a blob 131,072 wei; a day 24 of them.
    for (wei, outcome, words) in [
        ("0x0", Failure, "0 ETH, but the next transaction can take 0.000201 ETH"),
        ("0xb5e620f48000", Failure, "0.0002 ETH, but the next transaction can take 0.000201 ETH"),
        ("0x38d7ea4c68000", Warning, "0.001 ETH; a day costs up to 0.002401 ETH"),
        ("0xde0b6b3a7640000", Ok, "enough for 416 days"),
    ] {
        let mut answers = well();
        answers.insert("eth_getBalance", json!(wei));
        let facts = l1::node(&mut report(), &serve(answers).await, false).await.unwrap();
        let mut report = report();
        account::balance(&mut report, &facts, Address::ZERO, habit).await;
        let (found, text) = report.last("balance");
        assert_eq!((found, text.contains(words)), (outcome, true), "{text}");
        let needs = U256::from(10).pow(U256::from(18));
        let mut report = self::report();
        account::affords(&mut report, &facts, Address::ZERO, needs, "it").await;
        let affords = if outcome == Ok { Ok } else { Failure };
        assert_eq!(report.last("balance").0, affords);
    }
}

#[test]
fn key_file_is_private_and_opens() {
    let dir = tempfile::tempdir().unwrap();
    let (path, secret) = (dir.path().join("key"), dir.path().join("password"));
    let password = PasswordArgs { password_file: Some(secret.clone()) };
    fs::write(&secret, "secret").unwrap();
    let address = wallet::new_keystore(&path, &password).unwrap();
    let outcomes =
        |report: &Report| ["key file", "password file", "key"].map(|check| report.last(check).0);
    use Outcome::{Failure, Ok, Warning};
    for (mode, expected) in
        [(0o600, [Ok, Ok, Ok]), (0o640, [Ok, Warning, Ok]), (0o604, [Ok, Warning, Ok])]
    {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        let mut report = report();
        assert_eq!(account::key(&mut report, &path, &password), Some(address));
        assert_eq!(outcomes(&report), expected, "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&secret, "wrong").unwrap();
    let mut report = report();
    assert_eq!(account::key(&mut report, &path, &password), None);
    assert_eq!(outcomes(&report), [Warning, Warning, Failure]);
    assert!(report.last("key").1.contains("the password is wrong"));
    // What is not there is one failure: there is nothing to open, or nothing to open it with.
    let absent = dir.path().join("absent");
    let without = PasswordArgs { password_file: Some(absent.clone()) };
    for (key, password, missing) in
        [(&absent, &password, "key file"), (&path, &without, "password file")]
    {
        let mut report = self::report();
        assert_eq!(account::key(&mut report, key, password), None);
        assert_eq!(report.checks().collect::<Vec<_>>(), ["key file", "password file"]);
        assert_eq!(report.last(missing).0, Failure);
        assert!(report.last(missing).1.contains("is not there"));
        assert!(report.end("batcher").unwrap_err().contains("1 of 2 checks failed"));
    }

    let mut report = self::report();
    account::role(&mut report, "batcher", address, address);
    assert_eq!(report.last("role").0, Ok);
    account::role(&mut report, "batcher", address, Address::ZERO);
    assert!(report.last("role").1.contains("but the batcher of the chain is 0x0000"));
}

#[test]
fn machine_is_looked_at_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    use Outcome::{Failure, Ok};
    let mut report = report();
    let fresh = dir.path().join("not/yet/there");
    machine::data_dir(&mut report, &fresh, &[fresh.join("lock")]);
    assert_eq!(report.last("data directory").0, Ok);
    assert!(!dir.path().join("not").exists());
    let lock = dir.path().join("lock");
    let file = fs::File::create(&lock).unwrap();
    machine::data_dir(&mut report, dir.path(), std::slice::from_ref(&lock));
    assert!(report.checks().all(|check| check != "lock"), "nobody holds it");
    file.lock().unwrap();
    machine::data_dir(&mut report, dir.path(), std::slice::from_ref(&lock));
    assert_eq!(report.last("lock").0, Failure);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "only the lock");
    machine::data_dir(&mut report, "/dev/null/x".as_ref(), &[]);
    assert_eq!(report.last("data directory").0, Failure);

    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = taken.local_addr().unwrap();
    machine::port(&mut report, "port", addr, "--port");
    assert!(report.last("port").1.contains("something listens"));
    drop(taken);
    machine::port(&mut report, "port", addr, "--port");
    assert_eq!(report.last("port").0, Ok);
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], 1_234));
    machine::port(&mut report, "port", elsewhere, "--port");
    assert_eq!(report.last("port").0, Failure);

    let file = dir.path().join("mezz.toml");
    fs::write(&file, "[up]\nno-such-option = 1\n").unwrap();
    let broken = options::command_with_file(&file).unwrap_err();
    machine::options(&mut report, &OptionsFile::Broken(broken));
    assert!(report.last("options").1.contains("no-such-option"));
    assert_eq!(report.last("options").0, Failure);
    machine::options(&mut report, &OptionsFile::None);
    assert_eq!(report.last("options").0, Ok);
}
