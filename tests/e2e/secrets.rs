//! Keys and passwords stay where they are: in no process list, no environment, no output, no file.

use crate::support::{L1, Mezz, PASSWORD, Signal, key, keystore, run_in, text, turn, wait_until};
use alloy::primitives::hex;
use std::{fs, path::Path};

/// Dev accounts with the roles.
const DEPLOYER: u32 = 4;
const BATCHER: u32 = 5;
const PROPOSER: u32 = 6;

/// Everything that must be found nowhere.
fn secrets() -> Vec<String> {
    let keys = [DEPLOYER, BATCHER, PROPOSER].map(|index| hex::encode(key(index).to_bytes()));
    keys.iter().cloned().chain([PASSWORD.to_owned(), keys[0].to_uppercase()]).collect()
}

fn assert_clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for (index, secret) in secrets().iter().enumerate() {
        assert!(!text.contains(secret), "secret {index} is in {what}");
    }
}

/// Every file below `dir` but those that are meant to hold secrets.
fn assert_clean_files(dir: &Path, spared: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_clean_files(&path, spared);
        } else if path != spared {
            assert_clean(&path.display().to_string(), &fs::read(&path).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_passwords_are_nowhere_to_be_read() {
    let _turn = turn().await;
    let host = tempfile::tempdir().unwrap();
    let up = Mezz::up(host.path(), &L1::Embedded, &[]).await;
    let l1_url = up.l1_url();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let keys = [DEPLOYER, BATCHER, PROPOSER].map(|index| keystore(dir, index));
    let [deployer, batcher, proposer] = keys.each_ref().map(String::as_str);
    let password = dir.join("password");
    fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    let secret = ["--password-file", password.to_str().unwrap()];
    let loud = ["--log", "trace,hyper=info", "--l1", &l1_url];

    let roles = [key(BATCHER).address().to_string(), key(PROPOSER).address().to_string()];
    let args = ["deploy", "--json", "--keystore", deployer, "--l2-chain-id", "7778"];
    let roles = ["--batcher", roles[0].as_str(), "--proposer", roles[1].as_str()];
    let deployed = run_in(dir, &[&args, &roles[..], &secret, &loud].concat()).await;
    assert!(deployed.success, "{}", deployed.stderr);
    assert_clean("the output of deploy", deployed.stdout.as_bytes());
    assert_clean("the log of deploy", deployed.stderr.as_bytes());
    let inbox: serde_json::Value = serde_json::from_str(&deployed.stdout).unwrap();
    let inbox = text(&inbox, "/inbox");

    let args = ["--inbox", inbox, "--l1-confirmations", "0"];
    let (mut sequencer, l2) = Mezz::node("sequencer", &dir.join("a"), &l1_url, &args).await;
    let on = [&loud[..], &["--l2", l2.url()], &secret].concat();
    let post = ["batcher", "--json", "--keystore", batcher, "--batch-interval", "1s"];
    let mut batcher = Mezz::spawn_bare(&dir.join("b"), &[&post[..], &on].concat());
    let propose = ["proposer", "--json", "--keystore", proposer, "--propose-unfinalized"];
    let propose = [&propose[..], &["--proposal-interval", "1s"], &on].concat();
    let mut proposer = Mezz::spawn_bare(&dir.join("c"), &propose);
    // A wrong password is not repeated, and not said by how much it is wrong.
    let wrong = ["key", "address", keys[0].as_str(), "--password-file", keys[1].as_str()];
    run_in(dir, &wrong).await.assert_error("the password is wrong");

    l2.wait_tag("safe", 2).await;
    wait_until("something is proposed", || async {
        proposer.stderr().contains("proposed an output root")
    })
    .await;
    for (name, duty) in [("batcher", &batcher), ("proposer", &proposer), ("sequencer", &sequencer)]
    {
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(format!("/proc/{}/{file}", duty.pid())).unwrap();
            assert!(!bytes.is_empty());
            // The sequencer has no key; the tests' own variable is in its environment.
            if (name, file) != ("sequencer", "environ") {
                assert_clean(&format!("the {file} of the {name}"), &bytes);
            }
        }
    }
    for duty in [&mut batcher, &mut proposer, &mut sequencer] {
        assert_eq!(duty.stop(Signal::Terminate).await.code(), Some(0), "{}", duty.stderr());
        assert!(duty.stderr().len() > 100, "it logs");
        assert_clean("an output", duty.stdout().as_bytes());
        assert_clean("a log", duty.stderr().as_bytes());
    }
    assert_clean_files(dir, &password);
}
