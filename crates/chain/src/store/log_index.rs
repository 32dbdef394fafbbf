//! The index of logs: from an address or a topic to the blocks that have a log with it.
//!
//! The keyspace `logs` has a key for each block and each thing that a log of it has: what kind of thing, the first 8
//! bytes of its keccak-256, the number of the block, both big-endian. There are no values. What the index finds *may*
//! match: two things with the same 8 bytes find each other's blocks, and two conditions may hold for different logs of
//! one block. Whoever asks looks at the blocks.

use crate::log_query::LogQuery;
use mezz_primitives::{B256, Bloom, Receipt, keccak256};
use std::collections::HashSet;

/// Bytes of a key: kind, hash, number.
const KEY: usize = 1 + 8 + 8;
/// Keys that one search reads at most; the conditions that are left then are not looked at.
const MAX_READ: usize = 1_000_000;
/// So few blocks are looked at faster than another condition.
const FEW: usize = 16;

/// What a log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every log.
    Any = 0,
    Address = 1,
    /// The first topic; the others follow.
    Topic = 2,
}

/// A key without its number.
pub(super) type Prefix = [u8; KEY - 8];

fn prefix(kind: u8, value: &[u8]) -> Prefix {
    let mut prefix = [kind; KEY - 8];
    prefix[1..].copy_from_slice(&keccak256(value)[..8]);
    prefix
}

pub(super) fn key(prefix: Prefix, number: u64) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[..KEY - 8].copy_from_slice(&prefix);
    key[KEY - 8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The number in a key; `None` if it is none of this index.
pub(super) fn number_of(key: &[u8]) -> Option<u64> {
    let key = <&[u8; KEY]>::try_from(key).ok()?;
    key.last_chunk().copied().map(u64::from_be_bytes)
}

/// All keys of a block.
pub(super) fn keys(number: u64, receipts: &[Receipt]) -> HashSet<[u8; KEY]> {
    let logs = || receipts.iter().flat_map(|receipt| &receipt.logs);
    let mut things: HashSet<(u8, &[u8])> = HashSet::new();
    for log in logs() {
        things.insert((Kind::Any as u8, &[]));
        things.insert((Kind::Address as u8, log.address.as_slice()));
        for (place, topic) in (Kind::Topic as u8..).zip(log.topics()) {
            things.insert((place, topic.as_slice()));
        }
    }
    things.into_iter().map(|(kind, value)| key(prefix(kind, value), number)).collect()
}

/// The alternatives of each condition of `query` that is one.
fn conditions(query: &LogQuery) -> impl Iterator<Item = (u8, Vec<&[u8]>)> {
    let addresses = query.addresses.iter().map(|address| address.as_slice()).collect();
    let topics = query.topics.iter().map(|place| place.iter().map(B256::as_slice).collect());
    let all =
        [(Kind::Address as u8, addresses)].into_iter().chain((Kind::Topic as u8..).zip(topics));
    all.filter(|(_, alternatives): &(u8, Vec<&[u8]>)| !alternatives.is_empty())
}

/// The blocks from `from` to `to` that may have a log for `query`, in order. `scan` calls back with the number of each
/// key in a range, until it is told `false`.
pub(super) fn search<E>(
    query: &LogQuery,
    from: u64,
    to: u64,
    scan: impl Fn(Prefix, &mut dyn FnMut(u64) -> bool) -> Result<(), E>,
) -> Result<Vec<u64>, E> {
    let mut conditions: Vec<Vec<Prefix>> = conditions(query)
        .map(|(kind, values)| values.into_iter().map(|value| prefix(kind, value)).collect())
        .collect();
    if conditions.is_empty() {
        conditions.push(vec![prefix(Kind::Any as u8, &[])]);
    }
    conditions.sort_by_key(Vec::len);
    let mut read = 0;
    let mut found: Option<Vec<u64>> = None;
    for alternatives in conditions {
        let mut blocks = Vec::new();
        for prefix in alternatives {
            scan(prefix, &mut |number| {
                blocks.push(number);
                read += 1;
                read < MAX_READ
            })?;
        }
        if read >= MAX_READ {
            break;
        }
        blocks.sort_unstable();
        blocks.dedup();
        if let Some(before) = &found {
            blocks.retain(|number| before.binary_search(number).is_ok());
        }
        let few = blocks.len() <= FEW;
        found = Some(blocks);
        if few {
            break;
        }
    }
    Ok(found.unwrap_or_else(|| (from..=to).collect()))
}

/// A query as blooms answer it: for each condition the bits of its alternatives.
#[derive(Debug)]
pub(super) struct BloomQuery(Vec<Vec<[u16; 3]>>);

impl BloomQuery {
    pub(super) fn new(query: &LogQuery) -> Self {
        let bits = |value: &[u8]| {
            let hash = keccak256(value);
            std::array::from_fn(|i| u16::from_be_bytes([hash[2 * i], hash[2 * i + 1]]) & 0x7ff)
        };
        let of = |(_, values): (u8, Vec<&[u8]>)| values.into_iter().map(bits).collect();
        Self(conditions(query).map(of).collect())
    }

    /// Whether a block with this bloom may have a log for the query.
    pub(super) fn may_match(&self, bloom: &Bloom) -> bool {
        let set = |bit: &u16| bloom[255 - usize::from(bit / 8)] & (1 << (bit % 8)) != 0;
        let met =
            |alternatives: &Vec<[u16; 3]>| alternatives.iter().any(|bits| bits.iter().all(set));
        *bloom != Bloom::ZERO && self.0.iter().all(met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mezz_primitives::{Address, Log};
    use std::{cell::Cell, collections::BTreeSet};

    #[test]
    fn blooms_are_read_as_they_are_written() {
        let log = Log::new_unchecked(
            Address::repeat_byte(7),
            vec![B256::repeat_byte(1), B256::repeat_byte(2)],
            Default::default(),
        );
        let mut bloom = Bloom::ZERO;
        bloom.accrue_log(&log);
        let query = |address: u8, first: u8, second: u8| LogQuery {
            addresses: vec![Address::repeat_byte(9), Address::repeat_byte(address)],
            topics: [
                vec![B256::repeat_byte(first)],
                vec![B256::repeat_byte(second)],
                Vec::new(),
                Vec::new(),
            ],
        };
        assert!(BloomQuery::new(&query(7, 1, 2)).may_match(&bloom));
        for (address, first, second) in [(8, 1, 2), (7, 3, 2), (7, 1, 3)] {
            assert!(!BloomQuery::new(&query(address, first, second)).may_match(&bloom));
        }
        assert!(BloomQuery::new(&LogQuery::default()).may_match(&bloom));
        assert!(!BloomQuery::new(&LogQuery::default()).may_match(&Bloom::ZERO));
    }

    #[test]
    fn search_reads_a_key_for_each_hit_whatever_the_chain_is_long() {
        let receipts = |topic: u8| {
            let topics = vec![B256::repeat_byte(topic)];
            let log = Log::new_unchecked(Address::repeat_byte(7), topics, Default::default());
            [Receipt { logs: vec![log], ..Default::default() }]
        };
        let index: BTreeSet<_> = (0..10_000u64)
            .flat_map(|number| keys(number, &receipts(if number % 50 == 3 { 1 } else { 2 })))
            .collect();
        let read = Cell::new(0);
        let scan = |prefix: Prefix, each: &mut dyn FnMut(u64) -> bool| -> Result<(), ()> {
            for found in index.range(key(prefix, 1_000)..=key(prefix, 9_999)) {
                read.set(read.get() + 1);
                if !each(number_of(found).expect("a key")) {
                    break;
                }
            }
            Ok(())
        };
        let query = |topic: u8| LogQuery {
            addresses: Vec::new(),
            topics: [vec![B256::repeat_byte(topic)], Vec::new(), Vec::new(), Vec::new()],
        };
        let found = search(&query(1), 1_000, 9_999, scan).expect("read");
        assert_eq!((found.len(), read.replace(0)), (180, 180));
        assert!(found.iter().all(|number| number % 50 == 3));
        assert_eq!(search(&query(3), 1_000, 9_999, scan), Ok(Vec::new()));
        assert_eq!(read.get(), 0);
    }

    #[test]
    fn search_that_reads_too_much_gives_up_conditions_and_no_blocks() {
        let query = LogQuery { addresses: vec![Address::ZERO], ..LogQuery::default() };
        let endless = |_: Prefix, each: &mut dyn FnMut(u64) -> bool| -> Result<(), ()> {
            while each(3) {}
            Ok(())
        };
        assert_eq!(search(&query, 2, 5, endless), Ok(vec![2, 3, 4, 5]));
    }

    #[test]
    fn keys_are_ordered_by_number() {
        let low = key(prefix(1, b"x"), 255);
        let high = key(prefix(1, b"x"), 256);
        assert!(low < high);
        assert_eq!(number_of(&high), Some(256));
        assert_eq!(number_of(&high[1..]), None);
    }
}
