//! `mezz doctor` on real nodes: well, and with one thing amiss.

use crate::{
    on_both,
    support::{Anvil, L1, Mezz, Output, Rpc, free_port, keystore, run_in, text, turn},
};
use serde_json::Value;
use std::{fs, net::TcpListener, path::Path};

/// Dev accounts: the batcher and the proposer of `mezz up`, and nobody in particular.
const BATCHER: u32 = 11;
const PROPOSER: u32 = 12;
const STRANGER: u32 = 4;

/// What the doctor says before `args`; whether it found no failure.
async fn doctor(dir: &Path, args: &[&str]) -> (bool, Value) {
    let Output { success, stdout, stderr } =
        run_in(dir, &[&["--json", "doctor"], args].concat()).await;
    let report: Value = serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("doctor {}: {error}: {stdout}{stderr}", args.join(" ")));
    assert_eq!(report["ok"], success, "{report}");
    assert_eq!(success, stderr.is_empty(), "{stderr}");
    (success, report)
}

/// The checks that did not come out well, with what to do.
fn amiss(report: &Value, outcome: &str) -> Vec<(String, String)> {
    let checks = report["checks"].as_array().unwrap().iter();
    let amiss = checks.filter(|check| check["outcome"] == outcome);
    amiss
        .map(|check| {
            let (found, mend) = (text(check, "/found"), text(check, "/mend"));
            (text(check, "/check").to_owned(), format!("{found} -> {mend}"))
        })
        .collect()
}

/// It fails, in this check alone, and says these words.
fn assert_failure(report: &Value, check: &str, words: &str) {
    let failures = amiss(report, "failure");
    assert_eq!(failures.len(), 1, "{report}");
    assert!(failures[0].0 == check && failures[0].1.contains(words), "{failures:?}");
}

on_both!(every_command_is_looked_at_before_it_is_run);
async fn every_command_is_looked_at_before_it_is_run(l1: &L1) {
    let host = tempfile::tempdir().unwrap();
    let free = ["up", "--l1-port", "0", "--l2-port", "0"];
    let mut before: Vec<&str> = free.to_vec();
    if let L1::Anvil(anvil) = l1 {
        before.extend(["--l1", anvil.url.as_str()]);
    }
    let (well, report) = doctor(host.path(), &before).await;
    assert!(well, "{report}");
    assert_eq!(fs::read_dir(host.path()).unwrap().count(), 0, "nothing is left behind");

    let up = Mezz::up(host.path(), l1, &[]).await;
    let (_, report) = doctor(host.path(), &before).await;
    assert_failure(&report, "lock", "another mezz runs");

    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let keys = [BATCHER, PROPOSER, STRANGER].map(|index| keystore(dir, index));
    for key in &keys {
        // What the tests' own helper writes is open to everybody.
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let [batcher, proposer, stranger] = keys.each_ref().map(String::as_str);
    let (l1_url, l2_url) = (up.l1_url(), up.l2().url().to_owned());
    let on_l1 = ["--l1", l1_url.as_str()];
    let on_both = [&on_l1[..], &["--l2", l2_url.as_str()]].concat();
    up.l2().wait_tag("safe", 1).await;

    let nobody = "0x00000000000000000000000000000000000000ff";
    let roles = ["--batcher", nobody, "--proposer", nobody];
    for args in [
        &["verifier", "--port", "0", "--metrics", "0"][..],
        &["sequencer", "--port", "0"],
        &[&["deploy", "--keystore", stranger][..], &roles].concat(),
    ] {
        let (well, report) = doctor(dir, &[args, &on_l1].concat()).await;
        assert!(well, "{report}");
    }
    for args in [["batcher", "--keystore", batcher], ["proposer", "--keystore", proposer]] {
        let (well, report) = doctor(dir, &[&args[..], &on_both].concat()).await;
        assert!(well, "{report}");
    }

    let (_, report) =
        doctor(dir, &[&["batcher", "--keystore", stranger][..], &on_both].concat()).await;
    assert_failure(&report, "role", "use the key of 0x");
    let (_, report) =
        doctor(dir, &[&["verifier", "--port", "0", "--inbox", nobody][..], &on_l1].concat()).await;
    assert_failure(&report, "inbox", "name the Inbox");
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (_, report) = doctor(dir, &[&["verifier", "--port", &port][..], &on_l1].concat()).await;
    assert_failure(&report, "port", "choose another with --port");
    let (_, report) = doctor(
        dir,
        &["batcher", "--keystore", batcher, "--l1", &l1_url, "--l2", "http://127.0.0.1:1"],
    )
    .await;
    assert_failure(&report, "answers", "--l2");
    let dead = format!("http://127.0.0.1:{}", free_port());
    let (_, report) = doctor(
        dir,
        &[&["verifier", "--port", "0", "--beacon", dead.as_str()][..], &on_l1].concat(),
    )
    .await;
    assert_failure(&report, "blobs", "--beacon");

    // A file of options that cannot be used is one finding among others.
    fs::write(dir.join("mezz.toml"), "[verifier]\nprot = 1\n").unwrap();
    let (_, report) = doctor(dir, &[&["verifier", "--port", "0"][..], &on_l1].concat()).await;
    assert_failure(&report, "options", "there is no option `prot` in [verifier]");
    fs::write(dir.join("mezz.toml"), format!("[verifier]\nport = {port}\n")).unwrap();
    let (_, report) = doctor(dir, &[&["verifier"][..], &on_l1].concat()).await;
    assert_failure(&report, "port", "something listens");
    fs::remove_file(dir.join("mezz.toml")).unwrap();
    drop(taken);

    // The time of L1 is an hour ahead.
    let l1 = Rpc::new(&l1_url);
    l1.call("evm_increaseTime", (3_600,)).await;
    l1.call("evm_mine", ()).await;
    let (_, report) = doctor(dir, &[&["sequencer", "--port", "0"][..], &on_l1].concat()).await;
    assert_failure(&report, "head", "ahead of this machine's clock");

    let text = run_in(dir, &[&["doctor", "sequencer", "--port", "0"][..], &on_l1].concat()).await;
    text.assert_error("would not work");
    assert!(text.stdout.contains("  ✗ head  "), "{}", text.stdout);
    assert!(text.stdout.contains("  ✓ rules                Osaka's hold"), "{}", text.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_rules_and_an_empty_account_are_noticed() {
    let _turn = turn().await;
    let Some(anvil) = Anvil::start(&["--hardfork", "prague"]).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let args = ["verifier", "--port", "0", "--l1", &anvil.url];
    let (_, report) = doctor(dir, &args).await;
    let failures = amiss(&report, "failure");
    assert_eq!((failures[0].0.as_str(), failures[1].0.as_str()), ("rules", "inbox"), "{report}");
    assert!(failures[0].1.contains("look like Prague"), "{failures:?}");

    let password = dir.join("password");
    fs::write(&password, "secret").unwrap();
    let secret = ["--password-file", password.to_str().unwrap()];
    let args = [&["key", "new", "poor", "--json"][..], &secret].concat();
    let made = run_in(dir, &args).await;
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let poor = text(&made, "/address");
    let args = ["deploy", "--keystore", "poor", "--batcher", poor, "--proposer", poor];
    let (_, report) = doctor(dir, &[&args[..], &["--l1", &anvil.url], &secret].concat()).await;
    let failures = amiss(&report, "failure");
    let checks: Vec<_> = failures.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(checks, ["rules", "balance"], "{report}");
    let mend = failures[1].1.to_lowercase();
    assert!(mend.contains(&format!("send {poor} at least")), "{failures:?}");
    let warnings = amiss(&report, "warning");
    for check in ["password file", "batcher"] {
        assert!(warnings.iter().any(|(warned, _)| warned == check), "{report}");
    }
}
