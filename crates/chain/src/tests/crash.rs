//! Failed writes, and processes killed at each point of the storage layer.

use super::harness::*;
use crate::{
    Chain, CommitError,
    fault::{self, Action},
};
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

#[test]
fn a_failed_write_stops_the_chain_and_a_later_start_works() {
    for point in fault::POINTS {
        let dir = TempDir::new().expect("dir");
        let rng = &mut rng(40);
        let chain = open(dir.path(), tight());
        grow(&chain, rng, 5);
        fault::arm(dir.path(), point, Action::Fail, 1);
        let until = Instant::now() + Duration::from_secs(20);
        let error = loop {
            let (head, block) = (chain.head(), random_block(&chain, rng));
            let mut events = chain.subscribe();
            match chain.commit(block) {
                Ok(_) => {
                    assert!(Instant::now() < until, "{point} was never passed");
                    // The history fails in its own time.
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => {
                    assert_eq!(chain.head(), head, "a block that failed is shown");
                    assert!(events.try_recv().is_err());
                    break error;
                }
            }
        };
        assert!(matches!(error, CommitError::Storage(_)), "{error}");
        let shown = portrait(&chain);
        assert!(
            chain.commit(random_block(&chain, rng)).is_err(),
            "{point}: goes on after a failure"
        );
        assert!(chain.put_meta(b"cursor", b"1").is_err());
        assert!(chain.set_safe(1).is_err());
        assert!(chain.unwind(1).is_err());
        assert!(chain.storage_failure().is_some());
        assert_eq!(portrait(&chain), shown, "{point}: what was visible changed");
        drop(chain);
        fault::disarm(dir.path());

        let chain = open(dir.path(), tight());
        let head = chain.head().number();
        // A block whose write was reported as failed may be there after all, but no other.
        assert!(head == shown.heads().latest.number || head == shown.heads().latest.number + 1);
        for block in shown.blocks() {
            assert_eq!(chain.block_by_hash(block.hash()).expect("read").as_ref(), Some(block));
        }
        grow(&chain, rng, 3);
        models(&chain).last().expect("some").check(&chain.state().expect("state"));
    }
}

const CHILD_DIR: &str = "MEZZ_TEST_CRASH_DIR";

/// Not a test of its own: the process that [`nothing_visible_is_lost_when_the_process_dies`] kills. It reports every
/// head that it has seen.
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD_DIR) else { return };
    let dir = Path::new(&dir);
    let chain = open(&dir.join("chain"), tight());
    let mut report =
        fs::OpenOptions::new().append(true).create(true).open(dir.join("seen")).expect("opens");
    let rng = &mut rng(chain.head().number());
    for round in 0..200u64 {
        if round % 17 == 16 {
            let to = chain.head().number() - 3;
            tell(&mut report, &format!("unwind {to}\n"));
            chain.unwind(to).expect("unwinds");
        }
        let built = random_block(&chain, rng);
        chain.commit_with(built, &[(b"cursor", &round.to_be_bytes())]).expect("commits");
        let head = chain.head();
        tell(&mut report, &format!("head {} {} {round}\n", head.number(), head.hash()));
    }
}

/// Writes a line at once, so that a crash cuts it nowhere.
fn tell(report: &mut fs::File, line: &str) {
    report.write_all(line.as_bytes()).expect("writes");
}

#[test]
fn nothing_visible_is_lost_when_the_process_dies() {
    let me = std::env::current_exe().expect("path");
    for point in fault::POINTS {
        let dir = TempDir::new().expect("dir");
        let mut died = 0;
        for skip in [0u32, 3, 20, 1] {
            let status = Command::new(&me)
                .args(["--exact", "tests::crash::child", "--nocapture"])
                .env(CHILD_DIR, dir.path())
                .env("MEZZ_FAULT", format!("{point}:abort:{skip}"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .expect("runs");
            died += u32::from(!status.success());

            let chain = Chain::open(config(Some(&dir.path().join("chain")), tight()))
                .expect("opens after a crash");
            let seen = fs::read_to_string(dir.path().join("seen")).unwrap_or_default();
            let mut last = None;
            // Whether an unwind had begun that may or may not have come to disk.
            let mut unwinding = None;
            for line in seen.lines() {
                let words: Vec<_> = line.split(' ').collect();
                match words[..] {
                    ["unwind", to] => unwinding = Some(to.parse::<u64>().expect("number")),
                    ["head", number, hash, round] => {
                        let number: u64 = number.parse().expect("number");
                        last =
                            Some((number, hash.to_owned(), round.parse::<u64>().expect("number")));
                        unwinding = None;
                    }
                    _ => panic!("{line}"),
                }
            }
            let head = chain.head().number();
            if let Some((number, hash, round)) = last {
                if unwinding.is_none_or(|to| head > to + 1) {
                    assert!(head == number || head == number + 1, "{point}: {head} after {number}");
                    let block = chain.block_by_number(number).expect("read").expect("there");
                    assert_eq!(block.hash().to_string(), hash, "{point}");
                }
                // The value that came with the newest block is there, exactly.
                let cursor = chain.get_meta(b"cursor").expect("there");
                let cursor = u64::from_be_bytes(cursor[..].try_into().expect("8 bytes"));
                assert!(
                    cursor == round || cursor == round + 1 || cursor == 0,
                    "{point}: {cursor} after {round}"
                );
            }
            for (number, state) in models(&chain).iter().enumerate().rev().step_by(9) {
                state.check(&chain.state_at(number as u64).expect("state"));
            }
        }
        assert!(died >= 2, "{point} was never passed");
    }
}
