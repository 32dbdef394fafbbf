//! Any list of L1 logs - deposits, batches, noise, in any order, their data there, missing or
//! garbage - derives to one chain, whenever its batches arrive, and never panics.

use super::world::{self, L1, Node};
use crate::{
    feed::{self, BatchLog, FeedItem, LoggedData, Sources},
    senders::Ahead,
};
use alloy::{
    consensus::{Header, Sealable, Sealed},
    eips::eip7840::BlobParams,
    primitives::{Address, B256, Bytes, LogData, TxKind, U256, keccak256},
    sol_types::SolEvent,
};
use mezz_contracts::bindings::{IInbox, IPortal};
use mezz_derivation::{
    L1Ref,
    batch::{self, Batch, BatchBlock, Compression, hash_check},
    blob,
    derive::{BatchData, Cursor, L1Block},
};
use mezz_l1::{BlobSource, L1BlockData, L1Client, L1Log};
use mezz_primitives::deposit::{UserDeposit, deposit_log};
use proptest::{collection::vec as many, prelude::*};
use std::collections::HashMap;

/// What a log is about.
#[derive(Clone, Debug)]
enum Spec {
    Deposit {
        mint: u128,
        value: u128,
        gas: u64,
        creates: bool,
        data: Vec<u8>,
    },
    /// A batch on the safe head of the moment: timestamp delta, origin advance and raw
    /// transactions of its blocks; and what is done to it.
    Batch {
        blocks: Vec<(u64, bool, Vec<Vec<u8>>)>,
        way: Way,
    },
    Garbage {
        bytes: Vec<u8>,
        way: Way,
    },
    /// Address, topics and data of anything.
    Noise {
        address: u8,
        topics: Vec<u8>,
        data: Vec<u8>,
    },
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Blobs,
    /// A blob that is none.
    TornBlob,
    /// Hashes of which nobody has the blobs.
    Missing,
    Calldata,
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        6 => Just(Way::Blobs),
        1 => Just(Way::TornBlob),
        1 => Just(Way::Missing),
        6 => Just(Way::Calldata),
    ]
}

fn spec() -> impl Strategy<Value = Spec> {
    let bytes = |most| many(any::<u8>(), 0..most);
    let block = (0..25u64, any::<bool>(), many(bytes(40), 0..2));
    prop_oneof![
        6 => (0..1u128 << 80, 0..1u128 << 80, 0..1_000_000u64, any::<bool>(), bytes(60)).prop_map(
            |(mint, value, gas, creates, data)| Spec::Deposit { mint, value, gas, creates, data }),
        6 => (many(block, 1..4), way()).prop_map(|(blocks, way)| Spec::Batch { blocks, way }),
        2 => (bytes(80), way()).prop_map(|(bytes, way)| Spec::Garbage { bytes, way }),
        // Of the portal and the inbox only rarely: their own code writes no noise.
        5 => (3..6u8, many(0..6u8, 0..5), bytes(200))
            .prop_map(|(address, topics, data)| Spec::Noise { address, topics, data }),
        1 => (0..3u8, many(0..6u8, 0..5), bytes(200))
            .prop_map(|(address, topics, data)| Spec::Noise { address, topics, data }),
    ]
}

/// An L1 as its node would show it: headers, logs, and the data of batches by their hash.
struct World {
    sources: Sources,
    head: L1Ref,
    timestamp: u64,
    /// Hash and timestamp of each block.
    blocks: HashMap<u64, (B256, u64)>,
    data: HashMap<B256, Bytes>,
}

impl World {
    fn new() -> Self {
        let contracts = world::config().contracts;
        let first = L1::new().head().clone();
        Self {
            sources: Sources {
                l1: L1Client::new("http://127.0.0.1:1").unwrap(),
                blobs: BlobSource::new("http://127.0.0.1:1").unwrap(),
                portal: contracts.portal,
                inbox: contracts.inbox,
                blob_params: BlobParams::osaka(),
                recover: None,
            },
            head: first.reference(),
            timestamp: first.timestamp,
            blocks: HashMap::from([(first.number, (first.hash, first.timestamp))]),
            data: HashMap::new(),
        }
    }

    /// The next L1 block with these logs, made when derivation stands at `cursor`.
    fn block(&mut self, specs: &[Spec], seconds: u64, cursor: Cursor) -> L1BlockData {
        self.timestamp += seconds;
        let header = Header {
            number: self.head.number + 1,
            parent_hash: self.head.hash,
            timestamp: self.timestamp,
            ..Header::default()
        };
        let header: Sealed<Header> = header.seal_slow();
        self.head = L1Ref { number: header.number, hash: header.hash() };
        self.blocks.insert(header.number, (header.hash(), self.timestamp));
        let logs = (0u64..).zip(specs).map(|(index, spec)| {
            let (address, data) = self.log(spec, cursor);
            L1Log {
                address,
                topics: data.topics().to_vec(),
                data: data.data,
                transaction_hash: B256::with_last_byte(7),
                transaction_index: index,
                log_index: index,
            }
        });
        let logs = logs.collect();
        L1BlockData { header, logs }
    }

    fn log(&mut self, spec: &Spec, cursor: Cursor) -> (Address, LogData) {
        match spec {
            Spec::Deposit { mint, value, gas, creates, data } => {
                let to = Address::repeat_byte(0x44);
                let deposit = UserDeposit {
                    from: Address::repeat_byte(0x33),
                    to: if *creates { TxKind::Create } else { to.into() },
                    mint: *mint,
                    value: U256::from(*value),
                    gas_limit: *gas,
                    data: data.clone().into(),
                    log_index: 0,
                };
                (self.sources.portal, deposit_log(self.sources.portal, &deposit).data)
            }
            Spec::Garbage { bytes, way } => (self.sources.inbox, self.post(bytes, *way)),
            Spec::Batch { blocks, way } => {
                let safe = cursor.safe;
                let (mut timestamp, mut origin) = (safe.timestamp, safe.origin.number);
                let mut check = safe.origin.hash;
                let mut made = Vec::new();
                for (delta, advances_origin, transactions) in blocks {
                    origin += u64::from(*advances_origin);
                    let (hash, least) = self.blocks.get(&origin).copied().unwrap_or_default();
                    check = hash;
                    timestamp = timestamp.max(least) + delta;
                    let transactions =
                        transactions.iter().map(|tx| Bytes::from(tx.clone())).collect();
                    let advances_origin = *advances_origin;
                    made.push(BatchBlock { timestamp, advances_origin, transactions });
                }
                let batch = Batch {
                    parent_check: hash_check(&safe.hash),
                    origin_check: hash_check(&check),
                    first_number: safe.number + 1,
                    blocks: made,
                };
                let bytes = batch::encode(&batch, 901, Compression::FAST).unwrap();
                (self.sources.inbox, self.post(&bytes, *way))
            }
            Spec::Noise { address, topics, data } => {
                let address = match address {
                    0 | 1 => self.sources.inbox,
                    2 => self.sources.portal,
                    other => Address::repeat_byte(*other),
                };
                let topic = |kind: &u8| match kind {
                    0 => IPortal::TransactionDeposited::SIGNATURE_HASH,
                    1 => IInbox::BatchSubmitted::SIGNATURE_HASH,
                    2 => IInbox::BatchSubmittedCalldata::SIGNATURE_HASH,
                    3 => B256::ZERO,
                    other => B256::repeat_byte(*other),
                };
                let topics = topics.iter().take(4).map(topic).collect();
                (address, LogData::new_unchecked(topics, data.clone().into()))
            }
        }
    }

    /// Puts data on L1; the inbox's log of it.
    fn post(&mut self, bytes: &[u8], way: Way) -> LogData {
        if let Way::Calldata = way {
            let hash = keccak256(bytes);
            self.data.insert(hash, Bytes::copy_from_slice(bytes));
            let event = IInbox::BatchSubmittedCalldata { index: 0, dataHash: hash };
            return event.encode_log_data();
        }
        let blobs = blob::to_blobs(bytes).unwrap();
        let hashes = blobs.iter().map(|blob| {
            let end = if let Way::TornBlob = way { 1_000 } else { blob.len() };
            let blob = &blob[..end];
            let hash = keccak256(blob);
            if let Way::Missing = way {
                // The same blob may be there under its own hash.
                return keccak256(hash);
            }
            self.data.insert(hash, Bytes::copy_from_slice(blob));
            hash
        });
        IInbox::BatchSubmitted { index: 0, blobHashes: hashes.collect() }.encode_log_data()
    }

    /// The data of the batches of a block; `None` while one is missing.
    fn fetch(&self, logs: &[BatchLog]) -> Option<Vec<BatchData>> {
        let find = |hash: &B256| self.data.get(hash).cloned();
        let fetched = logs.iter().map(|log| match &log.data {
            LoggedData::Blobs(hashes) => {
                hashes.iter().map(find).collect::<Option<_>>().map(BatchData::Blobs)
            }
            LoggedData::Calldata(hash) => find(hash).map(BatchData::Calldata),
        });
        fetched.collect()
    }
}

/// What following L1 came to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    cursor: Cursor,
    hashes: Vec<B256>,
    /// Why following ended, if it did.
    refused: Option<String>,
}

fn outcome(node: &Node, refused: Option<String>) -> Outcome {
    let cursor = node.driver.deriver.cursor();
    let hashes = (0..=cursor.safe.number).map(|number| node.hash(number).unwrap()).collect();
    Outcome { cursor, hashes, refused }
}

/// Every deposit up to the safe head's origin is there, once, and nothing else acts for L1.
fn assert_deposits(node: &Node, l1: &[L1Block]) {
    let safe = node.driver.deriver.cursor().safe;
    let deposits = |number: u64| -> usize {
        let block = node.driver.chain.block_by_number(number).unwrap().unwrap();
        block.transactions.iter().filter(|tx| tx.tx.is_deposit()).count()
    };
    let found: usize = (1..=safe.number).map(deposits).sum();
    let on_l1: usize = l1
        .iter()
        .filter(|block| block.number <= safe.origin.number)
        .map(|block| block.deposits.len())
        .sum();
    // Each block has the attributes besides.
    assert_eq!(found, on_l1 + usize::try_from(safe.number).unwrap());
}

async fn run(blocks: Vec<(Vec<Spec>, u64)>) -> Outcome {
    let mut world = World::new();
    let mut node = Node::in_memory(&L1::new()).await;
    let mut history = Vec::new();
    let mut read = Vec::new();
    let mut refused = None;
    for (specs, seconds) in blocks {
        let data = world.block(&specs, seconds, node.driver.deriver.cursor());
        history.push(data.clone());
        let (block, logs) = match feed::read_block(&world.sources, &data) {
            Ok(found) => found,
            Err(error) => {
                refused = Some(error.to_string());
                break;
            }
        };
        read.push(block.clone());
        let at = block.reference();
        let batches = !logs.is_empty();
        let item = FeedItem::Block { block: Box::new(block), batches };
        node.driver.on_feed(item).unwrap();
        if let Some(mut batches) = world.fetch(&logs).filter(|_| batches) {
            let ahead = Ahead::of(&mut batches, (&world::config()).into());
            let postings = Vec::new();
            let item = FeedItem::Batches { block: at, batches, postings, ahead };
            node.driver.on_feed(item).unwrap();
        }
    }
    assert_deposits(&node, &read);
    let first = outcome(&node, refused);

    // Again, with all batches late, and nothing read ahead.
    let mut node = Node::in_memory(&L1::new()).await;
    let mut refused = None;
    let mut late = Vec::new();
    for data in &history {
        match feed::read_block(&world.sources, data) {
            Ok((block, logs)) => {
                let (at, batches) = (block.reference(), !logs.is_empty());
                late.push((at, logs));
                let item = FeedItem::Block { block: Box::new(block), batches };
                node.driver.on_feed(item).unwrap();
            }
            Err(error) => refused = Some(error.to_string()),
        }
    }
    for (block, logs) in late {
        if let Some(batches) = world.fetch(&logs).filter(|_| !logs.is_empty()) {
            let (postings, ahead) = (Vec::new(), Ahead::default());
            let item = FeedItem::Batches { block, batches, postings, ahead };
            node.driver.on_feed(item).unwrap();
        }
    }
    assert_eq!(outcome(&node, refused), first);
    first
}

/// What the property says is not said of empty chains only.
#[tokio::test]
async fn logs_of_good_batches_count() {
    for way in [Way::Blobs, Way::Calldata] {
        let batch = Spec::Batch { blocks: vec![(1, true, vec![]), (1, false, vec![])], way };
        let blocks = vec![(vec![], 10), (vec![batch.clone()], 10), (vec![batch], 10)];
        assert_eq!(run(blocks).await.cursor.safe.number, 4, "{way:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_logs_derive_deterministically(
        blocks in many((many(spec(), 0..6), 1..30u64), 1..20)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(blocks));
    }
}
