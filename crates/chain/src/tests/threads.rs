//! Readers while the chain changes.

use super::harness::*;
use crate::{BuildOptions, Chain, ChainLimits};
use mezz_evm::StateReader;
use mezz_primitives::U256;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Every block writes its own number to four slots. A view must find its own number in all four, and no error may come
/// up, while blocks are added and taken off.
#[test]
fn views_are_consistent_while_the_chain_changes() {
    let dir = TempDir::new().expect("dir");
    let limits = ChainLimits { kept_versions: 3, ..tight() };
    let chain: Chain = open(dir.path(), limits);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..2 {
            let (chain, stop) = (&chain, &stop);
            scope.spawn(move || {
                let mut reads = 0u64;
                while !stop.load(Ordering::Relaxed) {
                    let head = chain.head().number();
                    let view = if reader == 0 || head == 0 {
                        chain.state().expect("state of the head")
                    } else {
                        // May be gone by now; then there is no state, but never a wrong one.
                        match chain.state_at(reads % (head + 1)) {
                            Ok(view) => view,
                            Err(crate::StateError::UnknownBlock { .. }) => continue,
                            Err(error) => panic!("{error}"),
                        }
                    };
                    let number = view.block().number;
                    for slot in 20..24 {
                        let expected = U256::from(number);
                        assert_eq!(
                            view.storage(&STORE, &U256::from(slot)).expect("read"),
                            expected
                        );
                    }
                    assert!(
                        chain.block_by_number(number.min(1)).expect("read").is_some()
                            || number == 0
                    );
                    reads += 1;
                }
                assert!(reads > 10);
            });
        }
        let until = Instant::now() + Duration::from_secs(2);
        let mut round = 0u64;
        while Instant::now() < until {
            let nonce = chain
                .state()
                .expect("state")
                .account(&user(0))
                .expect("read")
                .map_or(0, |a| a.nonce);
            let number = chain.head().number() + 1;
            let mut txs = (0..4).map(|i| set_slot(user(0), nonce + i, 20 + i, number));
            let built = chain
                .build(
                    &attributes(&chain, round),
                    &[],
                    &mut |_| txs.next(),
                    &BuildOptions::default(),
                )
                .expect("builds");
            chain.commit(built).expect("commits");
            round += 1;
            if round.is_multiple_of(10) {
                chain.unwind(number - 7).expect("unwinds");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
