//! Each rule of derivation by a test of its own, on a made-up L1.

mod machine;
mod property;
mod rules;

use super::*;
use crate::{
    batch::{Batch, BatchBlock, Compression, encode, hash_check},
    blob,
    config::tests::config,
};
use alloc::{string::String, sync::Arc, vec, vec::Vec};
use alloy_consensus::{TxLegacy, transaction::RlpEcdsaEncodableTx};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use mezz_primitives::{deposit::UserDeposit, l1_info::L1Attributes};

/// Hash of L2 block 0 of the tests.
const GENESIS: B256 = B256::repeat_byte(0x42);
/// A sequenced transaction that decodes but that the test's driver cannot execute.
const INVALID_NONCE: u64 = 666;

/// L1 block `number` of the fork `fork`; its timestamp is `10 * number`.
fn l1_hash(number: u64, fork: u8) -> B256 {
    if number == 100 { B256::repeat_byte(100) } else { keccak256([number as u8, fork]) }
}

fn l1(number: u64) -> L1Block {
    L1Block {
        number,
        hash: l1_hash(number, 0),
        parent_hash: l1_hash(number - 1, 0),
        timestamp: 10 * number,
        base_fee: 7,
        blob_base_fee: 3,
        prev_randao: B256::repeat_byte(number as u8),
        parent_beacon_block_root: B256::repeat_byte(number as u8 + 1),
        deposits: vec![],
        batches: vec![],
    }
}

fn deposit(log_index: u64) -> UserDeposit {
    UserDeposit {
        log_index,
        from: Address::repeat_byte(1),
        to: TxKind::Call(Address::repeat_byte(2)),
        mint: 5,
        value: U256::from(5),
        gas_limit: 100_000,
        data: Bytes::new(),
    }
}

fn tx(nonce: u64) -> Bytes {
    let mut out = Vec::new();
    TxLegacy { chain_id: Some(901), nonce, ..Default::default() }
        .eip2718_encode(&Signature::test_signature(), &mut out);
    out.into()
}

fn block(timestamp: u64, advances_origin: bool, transactions: Vec<Bytes>) -> BatchBlock {
    BatchBlock { timestamp, advances_origin, transactions }
}

/// A batch on `parent` whose last origin is `origin`.
fn batch_on(parent: &L2BlockRef, origin: B256, blocks: Vec<BatchBlock>) -> BatchData {
    let batch = Batch {
        parent_check: hash_check(&parent.hash),
        origin_check: hash_check(&origin),
        first_number: parent.number + 1,
        blocks,
    };
    BatchData::Calldata(encode(&batch, 901, Compression::Brotli(1)).unwrap().into())
}

/// What the driver of the tests does with a block: a hash over all of it, or the reason why it
/// cannot be executed.
fn execute(block: &DerivedBlock) -> Result<B256, String> {
    let mut preimage = block.parent.hash.to_vec();
    preimage.extend_from_slice(&block.attributes.timestamp.to_be_bytes());
    for tx in &block.transactions {
        preimage.extend_from_slice(tx.tx_hash().as_slice());
        if alloy_consensus::Transaction::nonce(tx) == INVALID_NONCE {
            return Err("nonce too high".into());
        }
    }
    Ok(keccak256(preimage))
}

/// A deriver and its driver.
struct Node {
    deriver: Deriver,
    blocks: Vec<Arc<DerivedBlock>>,
    outcomes: Vec<BatchOutcome>,
    cursors: Vec<Cursor>,
}

impl Node {
    fn new() -> Self {
        Self::with(Deriver::at_genesis(config(), GENESIS))
    }

    /// A node that has seen the L1 block of genesis, number 100, timestamp 1,000.
    fn started() -> Self {
        let mut node = Self::new();
        node.feed(l1(100)).unwrap();
        node
    }

    const fn with(deriver: Deriver) -> Self {
        Self { deriver, blocks: vec![], outcomes: vec![], cursors: vec![] }
    }

    fn safe(&self) -> L2BlockRef {
        self.deriver.safe()
    }

    fn feed(&mut self, l1: L1Block) -> Result<(), FeedError> {
        self.deriver.push_l1(l1)?;
        loop {
            match self.deriver.step() {
                Step::NeedL1(_) => return Ok(()),
                Step::Block(block) => match execute(&block) {
                    Ok(hash) => {
                        self.deriver.accepted(hash).unwrap();
                        self.blocks.push(block);
                    }
                    Err(reason) => self.outcomes.push(self.deriver.refused(reason).unwrap()),
                },
                Step::Batch(outcome) => self.outcomes.push(outcome),
                Step::L1Done(cursor) => self.cursors.push(cursor),
            }
        }
    }

    /// Feeds L1 blocks up to `number`, without batches.
    fn feed_to(&mut self, number: u64) {
        let Step::NeedL1(next) = self.deriver.step() else { panic!("an L1 block in work") };
        for number in next..=number {
            self.feed(l1(number)).unwrap();
        }
    }

    /// Feeds the next L1 block with a batch on the safe head; answers how it ended.
    fn post(&mut self, origin: u64, blocks: Vec<BatchBlock>) -> BatchOutcome {
        let data = batch_on(&self.safe(), l1_hash(origin, 0), blocks);
        self.post_data(data)
    }

    fn post_data(&mut self, data: BatchData) -> BatchOutcome {
        let Step::NeedL1(next) = self.deriver.step() else { panic!("an L1 block in work") };
        self.feed(L1Block { batches: vec![data], ..l1(next) }).unwrap();
        self.outcomes.last().unwrap().clone()
    }
}

/// The L1 attributes in a block's first transaction.
fn attributes(block: &DerivedBlock) -> L1Attributes {
    L1Attributes::from_transaction(block.transactions[0].as_deposit().unwrap()).unwrap()
}
