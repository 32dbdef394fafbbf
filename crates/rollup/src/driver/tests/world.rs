//! A simulated L1 and drivers on it. Nothing here waits or reads a clock but the sequencer, whose
//! timestamps the simulation does not look at.

use super::super::{Driver, DriverError, DriverParts, SequencerConfig, StatusHandle};
use crate::{
    books::{self, Carrier, Posting, Spent},
    driver::{attributes, block_ref},
    feed::FeedItem,
    genesis,
    senders::Ahead,
};
use alloy::primitives::{Address, B256, U256, keccak256};
use mezz_chain::{Chain, ChainConfig, ChainLimits};
use mezz_derivation::{
    L1Ref, RollupConfig,
    batch::{self, Batch, BatchBlock, Compression, hash_check},
    config::{CONFIG_VERSION, Eip1559Config, FeeScalars, GenesisConfig, L1Contracts},
    derive::{BatchData, L1Block},
};
use mezz_evm::StateReader;
use mezz_l1::BlockRef;
use mezz_pool::{Pool, PoolConfig};
use mezz_primitives::deposit::UserDeposit;
use std::{
    future::{Ready, ready},
    path::{Path, PathBuf},
    time::Duration,
};

/// Number of the origin of L2 block 0.
pub(super) const FIRST: u64 = 100;
/// Whom every simulated deposit gives a wei.
pub(super) const RECEIVER: Address = Address::repeat_byte(0x77);

/// The chain of the simulation, with a window of 8 L1 blocks.
pub(super) fn config() -> RollupConfig {
    RollupConfig {
        version: CONFIG_VERSION,
        l1_chain_id: 900,
        l2_chain_id: 901,
        contracts: L1Contracts {
            portal: Address::repeat_byte(0xa1),
            inbox: Address::repeat_byte(0xa2),
            ..Default::default()
        },
        genesis: GenesisConfig {
            l1: L1::genesis().reference(),
            timestamp: 10 * FIRST,
            fee_recipient: Address::repeat_byte(0xb3),
            alloc: Default::default(),
        },
        gas_limit: 30_000_000,
        eip1559: Eip1559Config::default(),
        fee_scalars: FeeScalars::default(),
        l1_blob_base_fee_update_fraction: 5_007_716,
        block_time_ms: 1_000,
        sequencing_window: 8,
        max_sequencer_drift: 30,
        batcher: Address::repeat_byte(0xb1),
        proposer: Address::repeat_byte(0xb2),
    }
}

/// The L1 chain as it is now.
#[derive(Clone, Debug)]
pub(super) struct L1 {
    blocks: Vec<L1Block>,
    /// Blocks made so far, on every fork: makes each hash another.
    made: u64,
}

impl L1 {
    fn genesis() -> L1Block {
        L1Block {
            number: FIRST,
            hash: keccak256("first"),
            timestamp: 10 * FIRST,
            ..L1Block::default()
        }
    }

    pub(super) fn new() -> Self {
        Self { blocks: vec![Self::genesis()], made: 0 }
    }

    pub(super) fn head(&self) -> &L1Block {
        self.blocks.last().unwrap()
    }

    pub(super) fn block(&self, number: u64) -> Option<&L1Block> {
        self.blocks.get(usize::try_from(number.checked_sub(FIRST)?).unwrap())
    }

    pub(super) fn has(&self, block: L1Ref) -> bool {
        self.block(block.number).is_some_and(|found| found.hash == block.hash)
    }

    /// A block with so many deposits of a wei, and these batches.
    pub(super) fn mine(&mut self, deposits: u64, batches: Vec<BatchData>) {
        self.made += 1;
        let parent = self.head();
        let block = L1Block {
            number: parent.number + 1,
            hash: keccak256(self.made.to_be_bytes()),
            parent_hash: parent.hash,
            timestamp: parent.timestamp + 10,
            base_fee: 7,
            blob_base_fee: 1,
            deposits: (0..deposits).map(deposit).collect(),
            batches,
            ..L1Block::default()
        };
        self.blocks.push(block);
    }

    /// Takes the newest blocks off.
    pub(super) fn drop(&mut self, depth: u64) {
        let keep = (self.blocks.len() as u64).saturating_sub(depth).max(1);
        self.blocks.truncate(usize::try_from(keep).unwrap());
    }

    /// Wei that all deposits together mint up to a block.
    pub(super) fn minted(&self, to: u64) -> U256 {
        let deposits = |block: &L1Block| block.deposits.len();
        let upto = self.blocks[1..].iter().filter(|block| block.number <= to);
        U256::from(upto.map(deposits).sum::<usize>())
    }
}

/// Every batch of the simulation costs a wei of gas.
fn postings(block: L1Ref, count: usize) -> Vec<Posting> {
    let spent = Spent { gas: U256::from(1), blob_gas: U256::ZERO };
    let posting = |index: usize| Posting {
        transaction: keccak256([block.hash.as_slice(), &index.to_be_bytes()].concat()),
        carrier: Carrier::Calldata,
        bytes: 100,
        spent: Some(spent),
    };
    (0..count).map(posting).collect()
}

fn deposit(index: u64) -> UserDeposit {
    UserDeposit {
        from: Address::repeat_byte(0x66),
        to: RECEIVER.into(),
        mint: 1,
        value: U256::from(1),
        gas_limit: 100_000,
        data: Default::default(),
        log_index: index,
    }
}

/// A node: its driver, and how much of L1 it has been told.
pub(super) struct Node {
    pub(super) driver: Driver,
    /// What it was told of L1, the newest last.
    told: Vec<L1Ref>,
    sequences: bool,
}

impl Node {
    /// Starts on what is stored in `dir`.
    pub(super) async fn start(dir: &Path, l1: &L1, sequences: bool) -> Result<Self, DriverError> {
        Self::start_in(Some(dir.to_owned()), l1, sequences).await
    }

    /// Starts a verifier that stores nothing.
    pub(super) async fn in_memory(l1: &L1) -> Self {
        Self::start_in(None, l1, false).await.unwrap()
    }

    async fn start_in(
        data_dir: Option<PathBuf>,
        l1: &L1,
        sequences: bool,
    ) -> Result<Self, DriverError> {
        let config = config();
        let chain = Chain::open(ChainConfig {
            spec: genesis::chain_spec(&config),
            genesis: genesis::l2_genesis(&config).unwrap(),
            data_dir,
            limits: ChainLimits::default(),
        })
        .unwrap();
        let lookup = chain.clone();
        let pool = Pool::new(
            PoolConfig { chain_id: config.l2_chain_id, ..PoolConfig::default() },
            move |address: &Address| {
                Ok(lookup.state().unwrap().account(address).map(Into::into).unwrap())
            },
        );
        let block_time = Duration::from_millis(1);
        let parts = DriverParts {
            config,
            chain,
            pool,
            sequencer: sequences.then_some(SequencerConfig { block_time, l1_confirmations: 0 }),
            l1_head: l1.head().number,
            l1_reverts: true,
            status: StatusHandle::default(),
        };
        let canonical = |block| -> Ready<Result<bool, DriverError>> { ready(Ok(l1.has(block))) };
        let (mut driver, start) = Driver::new(parts, canonical).await?;
        let mut told = Vec::new();
        if start.number == FIRST {
            driver.seed(L1::genesis())?;
            told.push(start);
        } else if let Some(before) = l1.block(start.number - 1) {
            told.push(before.reference());
        }
        Ok(Self { driver, told, sequences })
    }

    /// Tells it of L1, as the feed would, up to the block `to`. Batches up to the block `batches`
    /// come with their blocks; later ones are still being fetched.
    pub(super) fn follow(&mut self, l1: &L1, to: u64, batches: u64) -> Result<(), DriverError> {
        let derived_to = self.driver.derived_to();
        let mut ancestor = self.told.len();
        while ancestor > 1 && !l1.has(self.told[ancestor - 1]) {
            ancestor -= 1;
        }
        let mut derived_to = derived_to;
        if ancestor < self.told.len() {
            self.told.truncate(ancestor);
            let L1Ref { number, hash } = self.told[ancestor - 1];
            derived_to = derived_to.min(number);
            self.driver.on_feed(FeedItem::Reorg { ancestor: BlockRef { number, hash } })?;
        }
        while let Some(block) = l1.block(self.told.last().unwrap().number + 1) {
            if block.number > to {
                break;
            }
            let waits = !block.batches.is_empty() && block.number > derived_to;
            let empty = L1Block { batches: Vec::new(), ..block.clone() };
            self.told.push(block.reference());
            self.driver.on_feed(FeedItem::Block { block: Box::new(empty), batches: waits })?;
            if waits && block.number <= batches {
                let (block, mut batches) = (block.reference(), block.batches.clone());
                let postings = postings(block, batches.len());
                let ahead = self.ahead(&mut batches);
                self.driver.on_feed(FeedItem::Batches { block, batches, postings, ahead })?;
            }
        }
        Ok(())
    }

    /// As the feed has it.
    fn ahead(&self, batches: &mut [BatchData]) -> Ahead {
        if self.sequences { Ahead::default() } else { Ahead::of(batches, (&config()).into()) }
    }

    /// Makes blocks, if it may.
    pub(super) fn sequence(&mut self, ticks: u64) -> Result<(), DriverError> {
        for _ in 0..ticks {
            if self.sequences && self.driver.may_sequence() {
                self.driver.sequence(|| None)?;
            }
        }
        Ok(())
    }

    /// What a batcher would post now: all blocks above the safe head.
    pub(super) fn batch(&self) -> Option<BatchData> {
        let chain = &self.driver.chain;
        let safe = self.driver.deriver.cursor().safe;
        let blocks: Vec<_> = (safe.number + 1..=chain.head().number())
            .map(|number| chain.block_by_number(number).unwrap().unwrap())
            .collect();
        let last = attributes(blocks.last()?).unwrap();
        let batch = Batch {
            parent_check: hash_check(&safe.hash),
            origin_check: hash_check(&last.hash),
            first_number: safe.number + 1,
            blocks: blocks
                .iter()
                .map(|block| BatchBlock {
                    timestamp: block.header.timestamp,
                    advances_origin: attributes(block).unwrap().sequence_number == 0,
                    transactions: Vec::new(),
                })
                .collect(),
        };
        let data = batch::encode(&batch, 901, Compression::FAST).unwrap();
        Some(BatchData::Calldata(data.into()))
    }

    /// Number and hash of the safe head.
    pub(super) fn safe(&self) -> (u64, B256) {
        let safe = self.driver.deriver.cursor().safe;
        (safe.number, safe.hash)
    }

    /// Hash of an L2 block.
    pub(super) fn hash(&self, number: u64) -> Option<B256> {
        Some(self.driver.chain.block_by_number(number).unwrap()?.hash())
    }

    /// Everything that must be true whenever the driver rests.
    pub(super) fn assert_consistent(&self, l1: &L1) {
        let driver = &self.driver;
        let head = block_ref(&driver.config, &driver.chain.head()).unwrap();
        assert_eq!(head, driver.head);
        let heads = driver.chain.heads();
        assert!(heads.finalized.number <= heads.safe.number);
        assert!(heads.safe.number <= heads.latest.number);
        let (number, hash) = self.safe();
        assert_eq!(self.hash(number), Some(hash), "the cursor's block is in the chain");
        // The books have every batch of what was derived, once.
        let derived_to = driver.derived_to();
        let on_l1 = l1.blocks.iter().filter(|block| block.number <= derived_to);
        let batches = on_l1.map(|block| block.batches.len() as u64).sum::<u64>();
        let report = books::newest(&driver.chain, 4).unwrap();
        assert_eq!(report.totals.batches, batches);
        assert_eq!(report.totals.spent.gas, U256::from(batches));
        assert!(report.newest.iter().all(|entry| l1.has(entry.l1)));
        // Nothing is minted twice, and nothing is left out.
        let held = driver.chain.state().unwrap().account(&RECEIVER).unwrap();
        assert_eq!(held.unwrap_or_default().balance, l1.minted(head.origin.number), "at {head:?}");
    }
}
