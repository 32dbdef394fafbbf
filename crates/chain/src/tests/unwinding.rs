//! The way back, heads and events.

use super::harness::*;
use crate::{Chain, ChainEvent, ChainLimits, HeadError, UnwindError};
use tempfile::TempDir;
use tokio::sync::broadcast::error::TryRecvError;

#[test]
fn unwound_blocks_are_gone_and_the_rest_is_as_before() {
    let dir = TempDir::new().expect("dir");
    for path in [None, Some(dir.path())] {
        let rng = &mut rng(10);
        let chain = Chain::open(config(path, tight())).expect("opens");
        grow(&chain, rng, 12);
        let (before, states) = (portrait(&chain), models(&chain));
        let old: Vec<_> =
            (5..=12).map(|n| chain.block_by_number(n).expect("read").expect("there")).collect();
        let removed = chain.unwind(4).expect("unwinds");
        let newest_first: Vec<_> = old.iter().rev().cloned().collect();
        assert_eq!(removed, newest_first);
        for block in &old {
            assert_eq!(chain.block_by_hash(block.hash()).expect("read"), None);
            for tx in &block.transactions {
                assert_eq!(chain.transaction(tx.hash()).expect("read"), None);
            }
        }
        states[4].check(&chain.state().expect("state"));
        // The same blocks again lead to the same chain.
        for block in &old {
            let attributes = mezz_evm::BlockAttributes::of_header(&block.header);
            let built = chain.execute_block(&attributes, &block.transactions).expect("valid");
            assert_eq!(chain.commit(built).expect("commits"), *block);
        }
        assert_eq!(portrait(&chain), before);
        // Another chain over the same heights hides the old one.
        chain.unwind(3).expect("unwinds");
        grow(&chain, rng, 9);
        for block in &old {
            assert_eq!(chain.block_by_hash(block.hash()).expect("read"), None);
        }
        let after = portrait(&chain);
        for (number, state) in models(&chain).iter().enumerate() {
            state.check(&chain.state_at(number as u64).expect("state"));
        }
        drop(chain);
        if path.is_some() {
            assert_eq!(portrait(&open(dir.path(), tight())), after);
        }
    }
}

#[test]
fn finalized_blocks_stay_unless_asked_for_expressly() {
    let chain = Chain::open(config(None, ChainLimits::default())).expect("opens");
    grow(&chain, &mut rng(11), 6);
    chain.set_heads(Some(5), Some(3)).expect("moves");
    assert!(matches!(chain.unwind(2), Err(UnwindError::Finalized { to: 2, finalized: 3 })));
    assert!(matches!(chain.unwind(7), Err(UnwindError::AboveHead { to: 7, head: 6 })));
    assert!(chain.unwind(6).expect("nothing to do").is_empty());
    chain.unwind(4).expect("unwinds");
    let heads = chain.heads();
    assert_eq!((heads.latest.number, heads.safe.number, heads.finalized.number), (4, 4, 3));
    chain.unwind_past_finalized(1).expect("unwinds");
    let heads = chain.heads();
    assert_eq!((heads.latest.number, heads.safe.number, heads.finalized.number), (1, 1, 1));
    assert_eq!(heads.safe, chain.head().block_ref());
}

#[test]
fn heads_move_by_rule() {
    let chain = Chain::open(config(None, ChainLimits::default())).expect("opens");
    grow(&chain, &mut rng(12), 4);
    assert!(matches!(chain.set_safe(5), Err(HeadError::UnknownBlock { number: 5, head: 4 })));
    chain.set_safe(3).expect("forward");
    chain.set_safe(2).expect("back");
    chain.set_finalized(3).expect("forward");
    assert_eq!(chain.heads().safe.number, 3, "the safe head is never behind the finalized");
    assert!(matches!(
        chain.set_finalized(2),
        Err(HeadError::Finalized { number: 2, finalized: 3 })
    ));
    assert!(matches!(chain.set_safe(2), Err(HeadError::Finalized { number: 2, finalized: 3 })));
}

#[test]
fn events_tell_what_happened_in_order() {
    let chain = Chain::open(config(None, ChainLimits::default())).expect("opens");
    let mut events = chain.subscribe();
    grow(&chain, &mut rng(13), 2);
    chain.set_safe(2).expect("moves");
    let blocks: Vec<_> =
        (1..=2).map(|n| chain.block_by_number(n).expect("read").expect("there")).collect();
    chain.unwind(0).expect("unwinds");
    for block in &blocks {
        assert!(matches!(events.try_recv(), Ok(ChainEvent::NewHead(b)) if b == *block));
    }
    assert!(matches!(events.try_recv(), Ok(ChainEvent::Heads(heads)) if heads.safe.number == 2));
    match events.try_recv() {
        Ok(ChainEvent::Unwound { removed }) => {
            assert_eq!(removed, [blocks[1].clone(), blocks[0].clone()])
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(events.try_recv(), Ok(ChainEvent::Heads(heads)) if heads == chain.heads()));
    assert!(matches!(events.try_recv(), Err(TryRecvError::Empty)));
}
