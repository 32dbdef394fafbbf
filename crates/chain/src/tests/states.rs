//! Roots, and the state of every block.

use super::harness::*;
use crate::{Chain, ChainConfig, ChainLimits};
use mezz_evm::ChainSpec;
use mezz_primitives::addresses;
use rand::Rng;
use tempfile::TempDir;

#[test]
fn roots_of_random_blocks_are_those_of_alloy() {
    for (seed, spec) in [(1, ChainSpec::l1(1337)), (2, ChainSpec::l2(1337))] {
        let rng = &mut rng(seed);
        let chain = Chain::open(ChainConfig { spec, ..config(None, ChainLimits::default()) })
            .expect("opens");
        let mut model = Model::genesis();
        for number in 0..40 {
            let head = chain.head();
            assert_eq!(head.number(), number);
            if number > 0 {
                model.apply(&chain.state_diff(number).expect("read").expect("there"));
            }
            assert_eq!(head.header.state_root, model.root());
            let withdrawals = if spec.is_l2() {
                model.storage_root_of(&addresses::L2_TO_L1_MESSAGE_PASSER)
            } else {
                mezz_trie::EMPTY_ROOT
            };
            assert_eq!(head.header.withdrawals_root, Some(withdrawals));
            let txs: Vec<_> = head.transactions.iter().map(|tx| tx.tx.clone()).collect();
            let body = alloy_consensus::BlockBody {
                transactions: txs,
                ommers: vec![],
                withdrawals: Some(Default::default()),
            };
            let block = alloy_consensus::Block::new(head.header.inner().clone(), body);
            assert_eq!(head.size, alloy_rlp::encode(&block).len() as u64);
            grow(&chain, rng, 1);
        }
    }
}

/// With two versions in memory most of these are reached over differences, from memory or from the history.
#[test]
fn the_state_of_every_block_can_be_read_and_proven() {
    let rng = &mut rng(3);
    let dir = TempDir::new().expect("dir");
    for limits in [tight(), ChainLimits::default()] {
        for path in [None, Some(dir.path())] {
            let chain = Chain::open(config(path, limits.clone())).expect("opens");
            grow(&chain, rng, 25);
            let models = models(&chain);
            for _ in 0..40 {
                let number = rng.random_range(0..models.len());
                models[number].check(&chain.state_at(number as u64).expect("state"));
            }
            for (number, model) in models.iter().enumerate() {
                model.check(&chain.state_at(number as u64).expect("state"));
            }
        }
    }
}

#[test]
fn a_view_stays_as_it_is() {
    let rng = &mut rng(4);
    let chain = Chain::open(config(None, tight())).expect("opens");
    grow(&chain, rng, 5);
    let (view, model) = (chain.state().expect("state"), models(&chain).pop().expect("some"));
    model.check(&view);
    grow(&chain, rng, 5);
    model.check(&view);
    chain.unwind(2).expect("unwinds");
    model.check(&view);
    assert_eq!(view.block().number, 5);
}

#[test]
fn no_state_above_the_head() {
    let chain = Chain::open(config(None, tight())).expect("opens");
    let error = chain.state_at(1).expect_err("no such block");
    assert_eq!(error.to_string(), "no block 1: the head is 0");
}
