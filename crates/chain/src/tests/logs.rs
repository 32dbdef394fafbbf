//! Searching logs, against a scan of all blocks.

use super::harness::*;
use crate::{
    BuildOptions, Chain, ChainConfig, ChainLimits, GenesisAccount, LogQuery, store::History,
};
use mezz_evm::StateReader as _;
use mezz_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use std::path::Path;
use tempfile::TempDir;

/// `log2(calldata[0..32], calldata[32..64])`.
const CODE: &[u8] = &[0x60, 0x20, 0x35, 0x5f, 0x35, 0x5f, 0x5f, 0xa2, 0x00];
const LOGGERS: [Address; 3] =
    [Address::repeat_byte(0xb1), Address::repeat_byte(0xb2), Address::repeat_byte(0xb3)];
const TOPICS: u8 = 6;

fn open_logging(dir: Option<&Path>, limits: ChainLimits) -> Chain {
    let mut config: ChainConfig = config(dir, limits);
    for logger in LOGGERS {
        let code = Bytes::from_static(CODE);
        config
            .genesis
            .alloc
            .insert(logger, GenesisAccount { nonce: 1, code, ..Default::default() });
    }
    Chain::open(config).expect("opens")
}

fn topic(byte: u8) -> B256 {
    B256::with_last_byte(byte)
}

/// A block with none to three logs.
fn log_something(chain: &Chain, rng: &mut StdRng) {
    let sender = user(0);
    let state = chain.state().expect("state");
    let nonce = state.account(&sender).expect("read").expect("there").nonce;
    let mut txs = Vec::new();
    for nonce in nonce..nonce + [0, 0, 0, 1, 1, 3][rng.random_range(0..6)] {
        let logger = LOGGERS[rng.random_range(0..2)];
        let mut input = U256::from(rng.random_range(0..TOPICS)).to_be_bytes::<32>().to_vec();
        input.extend(U256::from(rng.random_range(0..TOPICS)).to_be_bytes::<32>());
        txs.push(tx(sender, nonce, TxKind::Call(logger), 0, input));
    }
    let mut txs = txs.into_iter();
    let attributes = attributes(chain, rng.random());
    let built = chain
        .build(&attributes, &[], &mut |_| txs.next(), &BuildOptions::default())
        .expect("builds");
    chain.commit(built).expect("commits");
}

fn random_query(rng: &mut StdRng) -> LogQuery {
    let some = |rng: &mut StdRng| -> Vec<B256> {
        (0..[0, 0, 1, 1, 2][rng.random_range(0..5)])
            .map(|_| topic(rng.random_range(0..TOPICS + 2)))
            .collect()
    };
    let many = [0, 1, 1, 2][rng.random_range(0..4)];
    let addresses = LOGGERS.choose_multiple(rng, many);
    let addresses = addresses.copied().collect();
    let topics = [some(rng), some(rng), Vec::new(), Vec::new()];
    LogQuery { addresses, topics }
}

fn matches(query: &LogQuery, log: &Log) -> bool {
    let mut places = query.topics.iter().enumerate();
    (query.addresses.is_empty() || query.addresses.contains(&log.address))
        && places
            .all(|(i, any)| any.is_empty() || log.topics().get(i).is_some_and(|t| any.contains(t)))
}

/// Searches in many ways and finds what a scan finds.
fn check(chain: &Chain, rng: &mut StdRng) {
    let head = chain.head().number();
    for _ in 0..60 {
        let query = random_query(rng);
        let from = rng.random_range(0..=head);
        let to = rng.random_range(from..=head + 2);
        let found = chain.blocks_with_logs(&query, from, to).expect("searched");
        assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
        let matching: Vec<u64> = (from..=to.min(head))
            .filter(|number| {
                let block = chain.block_by_number(*number).expect("read").expect("there");
                block.receipts.iter().flat_map(|r| &r.logs).any(|log| matches(&query, log))
            })
            .collect();
        assert!(matching.iter().all(|number| found.contains(number)), "{query:?} {from}..={to}");
        assert!(found.iter().all(|number| (from..=to).contains(number)));
        // What is found has something of what is searched for: blooms do not know the places of topics, neither they
        // nor the index knows which log has what, and among few blocks one condition suffices.
        for number in &found {
            let block = chain.block_by_number(*number).expect("read").expect("there");
            let logs = || block.receipts.iter().flat_map(|receipt| &receipt.logs);
            let of_address = |log: &Log| query.addresses.contains(&log.address);
            let of_topics = |log: &Log| {
                query.topics.iter().any(|any| log.topics().iter().any(|topic| any.contains(topic)))
            };
            let all = query == LogQuery::default();
            assert!(logs().any(|log| all || of_address(log) || of_topics(log)), "{query:?}");
        }
    }
}

#[test]
fn search_finds_what_a_scan_finds_through_reorganisations_and_restarts() {
    let dir = TempDir::new().expect("dir");
    for (path, limits) in [
        (None, ChainLimits::default()),
        (Some(dir.path().join("tight")), tight()),
        (Some(dir.path().join("log-only")), log_only()),
    ] {
        let rng = &mut rng(70);
        let mut chain = open_logging(path.as_deref(), limits.clone());
        for round in 0..6 {
            for _ in 0..12 {
                log_something(&chain, rng);
            }
            check(&chain, rng);
            let head = chain.head().number();
            chain.unwind(head - rng.random_range(1..9)).expect("unwinds");
            check(&chain, rng);
            for _ in 0..rng.random_range(0..4) {
                log_something(&chain, rng);
            }
            if path.is_some() && round % 2 == 1 {
                drop(chain);
                chain = open_logging(path.as_deref(), limits.clone());
                check(&chain, rng);
            }
        }
    }
}

#[test]
fn directory_without_the_index_or_with_a_part_of_it_gets_it() {
    let dir = TempDir::new().expect("dir");
    let rng = &mut rng(71);
    let chain = open_logging(Some(dir.path()), tight());
    for _ in 0..40 {
        log_something(&chain, rng);
    }
    let at_16 = chain.block_by_number(16).expect("read").expect("there").block_ref();
    drop(chain);
    for (from, logged) in [(0, None), (17, Some(at_16))] {
        History::open(dir.path()).expect("opens").forget_logs(from, logged);
        check(&open_logging(Some(dir.path()), tight()), rng);
    }
}

/// A version without the index went on with the directory, took blocks off and made others.
#[test]
fn blocks_that_were_replaced_by_a_version_without_the_index_get_it() {
    let dir = TempDir::new().expect("dir");
    let rng = &mut rng(72);
    for above in [0, 20] {
        let chain = open_logging(Some(dir.path()), tight());
        for _ in 0..40 {
            log_something(&chain, rng);
        }
        drop(chain);
        let logged = History::open(dir.path()).expect("opens").logged();
        let chain = open_logging(Some(dir.path()), tight());
        let kept = chain.head().number() - 20;
        chain.unwind(kept).expect("unwinds");
        // As many as before, or more.
        for _ in 0..20 + above {
            log_something(&chain, rng);
        }
        drop(chain);
        let history = History::open(dir.path()).expect("opens");
        assert_eq!(history.number_of(&logged.hash).expect("read"), None, "it was replaced");
        assert_eq!(history.flushed().expect("read").expect("there").head, history.logged());
        history.forget_logs(kept + 1, Some(logged));
        drop(history);
        check(&open_logging(Some(dir.path()), tight()), rng);
    }
}
