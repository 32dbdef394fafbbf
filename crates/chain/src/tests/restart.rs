//! What a restart finds.

use super::harness::*;
use crate::{Chain, ChainConfig, ChainLimits, Genesis, OpenError};
use tempfile::TempDir;

#[test]
fn a_restart_finds_everything() {
    // Out of the log, out of the history, out of both.
    for (seed, limits) in [(20, log_only()), (21, tight()), (22, ChainLimits::default())] {
        let dir = TempDir::new().expect("dir");
        let rng = &mut rng(seed);
        let mut expected = None;
        for round in 0..4u8 {
            let chain = open(dir.path(), limits.clone());
            if let Some(expected) = &expected {
                assert_eq!(&portrait(&chain), expected);
            }
            let states = models(&chain);
            states.last().expect("some").check(&chain.state().expect("state"));
            grow(&chain, rng, 7);
            if round == 2 {
                chain.unwind(9).expect("unwinds");
                grow(&chain, rng, 2);
            }
            chain.set_heads(Some(3 + u64::from(round)), Some(u64::from(round))).expect("moves");
            chain.put_meta(b"cursor", &[round; 40]).expect("puts");
            if round == 1 {
                let built = random_block(&chain, rng);
                chain.commit_with(built, &[(b"other", b"with a block")]).expect("commits");
            }
            assert_eq!(chain.get_meta(b"cursor"), Some(vec![round; 40].into()));
            expected = Some(portrait(&chain));
        }
    }
}

/// The log alone, with an empty history behind it: what a crash right after a start leaves.
#[test]
fn an_open_directory_can_be_copied_and_opened_at_any_block() {
    let dir = TempDir::new().expect("dir");
    let rng = &mut rng(23);
    let chain = open(dir.path(), log_only());
    for round in 0..6 {
        grow(&chain, rng, 3);
        if round == 3 {
            chain.unwind(5).expect("unwinds");
        }
        chain.put_meta(b"cursor", &[round]).expect("puts");
        let copy = TempDir::new().expect("dir");
        copy_dir(dir.path(), copy.path());
        assert_eq!(portrait(&open(copy.path(), log_only())), portrait(&chain));
        assert_eq!(portrait(&open(copy.path(), tight())), portrait(&chain));
    }
}

#[test]
fn a_directory_has_one_owner() {
    let dir = TempDir::new().expect("dir");
    let chain = open(dir.path(), tight());
    let error = Chain::open(config(Some(dir.path()), tight())).expect_err("in use");
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    // A view keeps the files, and so the directory, until it is dropped.
    let view = chain.state().expect("state");
    drop(chain);
    assert!(Chain::open(config(Some(dir.path()), tight())).is_err());
    drop(view);
    open(dir.path(), tight());
}

#[test]
fn another_genesis_is_refused() {
    let dir = TempDir::new().expect("dir");
    drop(open(dir.path(), tight()));
    let genesis = Genesis { timestamp: 5, ..genesis() };
    let other = ChainConfig { genesis, ..config(Some(dir.path()), tight()) };
    let error = Chain::open(other).expect_err("another chain");
    assert!(matches!(error, OpenError::OtherChain { .. }), "{error}");
    open(dir.path(), tight());
}

#[test]
fn the_log_is_trimmed_behind_the_history() {
    let dir = TempDir::new().expect("dir");
    let chain = open(dir.path(), tight());
    grow(&chain, &mut rng(24), 60);
    drop(chain);
    let segments = std::fs::read_dir(dir.path().join("log")).expect("list").count();
    assert_eq!(segments, 1);
    assert_eq!(open(dir.path(), tight()).head().number(), 60);
}

/// The history has everything after a clean stop; the log may then be lost, and its numbers are not given twice.
#[test]
fn a_lost_log_is_begun_anew_behind_the_history() {
    let dir = TempDir::new().expect("dir");
    let chain = open(dir.path(), tight());
    grow(&chain, &mut rng(26), 6);
    let expected = portrait(&chain);
    drop(chain);
    std::fs::remove_dir_all(dir.path().join("log")).expect("remove");
    let chain = open(dir.path(), tight());
    assert_eq!(portrait(&chain), expected);
    grow(&chain, &mut rng(27), 6);
    let expected = portrait(&chain);
    drop(chain);
    assert_eq!(portrait(&open(dir.path(), tight())), expected);
}

#[test]
fn small_values_have_limits() {
    let chain = Chain::open(config(None, tight())).expect("opens");
    chain.put_metas(&[(b"cursor", b"1"), (b"other", b"2")]).expect("puts");
    assert_eq!(chain.get_meta(b"other"), Some(b"2".into()));
    assert!(chain.put_meta(&[0; 257], b"").is_err());
    assert!(chain.put_metas(&[(b"cursor", b"3"), (b"other", &vec![0; (1 << 20) + 1])]).is_err());
    assert_eq!(chain.get_meta(b"cursor"), Some(b"1".into()));
}

/// Timing, run by hand.
#[test]
#[ignore = "a measurement, not a check"]
fn opening_is_fast() {
    let dir = TempDir::new().expect("dir");
    let mut report = String::new();
    for _ in 0..4 {
        let start = std::time::Instant::now();
        let chain = open(dir.path(), ChainLimits::default());
        let opened = start.elapsed();
        grow(&chain, &mut rng(25), 1);
        let start = std::time::Instant::now();
        drop(chain);
        report += &format!("open {opened:?}, close {:?}\n", start.elapsed());
    }
    std::io::Write::write_all(&mut std::io::stderr(), report.as_bytes()).expect("stderr");
}
