//! Where the books are kept: in the chain's store, one entry for a batch, and one for each L1 block
//! with batches: what the books were before it.

use super::{BooksReport, Contents, Entry, Posting, meters::Meters};
use crate::driver::KEPT_L1_BLOCKS;
use mezz_chain::{Chain, ChainError};
use mezz_derivation::L1Ref;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Batches that are kept; the totals are of all.
pub(super) const RING: u64 = 1_024;

/// Why the books cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The store failed.
    #[error("books: {0}")]
    Chain(#[from] ChainError),
    /// The store holds something else.
    #[error("books, entry {index}: {source}")]
    Json {
        /// The batch.
        index: u64,
        /// What is wrong with its entry.
        source: serde_json::Error,
    },
}

/// What the books were before an L1 block with batches.
#[derive(Debug, Serialize, Deserialize)]
struct Before {
    /// Number of the block.
    l1: u64,
    /// The newest batch of the blocks before it.
    newest: Option<Entry>,
}

/// The newest state of the books.
#[derive(Debug)]
pub(crate) struct Books {
    newest: Option<Entry>,
    meters: Meters,
}

impl Books {
    /// What `chain` has stored, as far as the L1 block `derived_to`: what was entered for a later
    /// one will be derived again.
    pub(crate) fn load(chain: &Chain, derived_to: u64) -> Result<Self, BooksError> {
        let newest = read(chain, b"books/newest", 0)?;
        let mut books = Self { newest, meters: Meters::new() };
        books.rewind(chain, derived_to)?;
        books.publish();
        Ok(books)
    }

    /// Enters a batch.
    pub(crate) fn enter(
        &mut self,
        chain: &Chain,
        l1: L1Ref,
        posting: &Posting,
        last_block: u64,
        contents: Contents,
    ) -> Result<(), BooksError> {
        let before = self.newest.as_ref().map(|entry| entry.totals).unwrap_or_default();
        let entry = Entry {
            index: before.batches,
            l1,
            transaction: posting.transaction,
            carrier: posting.carrier,
            bytes: posting.bytes,
            last_block,
            contents,
            spent: posting.spent,
            totals: before.with(posting, &contents),
        };
        let index = entry.index;
        let (at_batch, at_block) = (key(index), before_key(l1.number));
        let entry_json = json(index, &entry)?;
        let mut metas =
            vec![(at_batch.as_bytes(), &entry_json[..]), (b"books/newest", &entry_json[..])];
        let before_json;
        if self.newest.as_ref().is_none_or(|newest| newest.l1.number != l1.number) {
            let newest = self.newest.clone();
            before_json = json(index, &Before { l1: l1.number, newest })?;
            metas.push((at_block.as_bytes(), &before_json));
        }
        chain.put_metas(&metas)?;
        self.newest = Some(entry);
        self.publish();
        Ok(())
    }

    /// Takes out what was entered for L1 blocks above `l1`.
    pub(crate) fn rewind(&mut self, chain: &Chain, l1: u64) -> Result<(), BooksError> {
        let mut newest = self.newest.clone();
        while let Some(entry) = newest.as_ref().filter(|entry| entry.l1.number > l1) {
            newest = before(chain, entry)?;
        }
        if newest == self.newest {
            return Ok(());
        }
        match &newest {
            Some(entry) => chain.put_meta(b"books/newest", &json(entry.index, entry)?)?,
            None => chain.put_meta(b"books/newest", b"null")?,
        }
        self.newest = newest;
        self.publish();
        Ok(())
    }

    /// Tells the metrics.
    fn publish(&self) {
        self.meters.tell(self.newest.as_ref());
    }
}

/// The books as `chain` has stored them, with up to `count` of the newest batches.
///
/// # Errors
/// The store holds something else.
pub fn newest(chain: &Chain, count: u64) -> Result<BooksReport, BooksError> {
    let mut next: Option<Entry> = read(chain, b"books/newest", 0)?;
    let totals = next.as_ref().map(|entry| entry.totals).unwrap_or_default();
    let mut newest = Vec::new();
    while let Some(entry) = next.take().filter(|_| (newest.len() as u64) < count.min(RING)) {
        if let Some(index) = entry.index.checked_sub(1) {
            next = read(chain, key(index).as_bytes(), index)?
                .filter(|found: &Entry| found.index == index);
        }
        newest.push(entry);
    }
    Ok(BooksReport { totals, newest })
}

/// What the books were before the L1 block of `entry`; if that is not stored, before `entry`.
fn before(chain: &Chain, entry: &Entry) -> Result<Option<Entry>, BooksError> {
    let l1 = entry.l1.number;
    let found: Option<Before> = read(chain, before_key(l1).as_bytes(), entry.index)?;
    if let Some(found) = found.filter(|found| found.l1 == l1) {
        return Ok(found.newest);
    }
    let Some(index) = entry.index.checked_sub(1) else { return Ok(None) };
    let found: Option<Entry> = read(chain, key(index).as_bytes(), index)?;
    Ok(found.filter(|found| found.index == index))
}

fn json<T: Serialize>(index: u64, value: &T) -> Result<Vec<u8>, BooksError> {
    serde_json::to_vec(value).map_err(|source| BooksError::Json { index, source })
}

fn key(index: u64) -> String {
    format!("books/{}", index % RING)
}

fn before_key(l1: u64) -> String {
    format!("books/before/{}", l1 % KEPT_L1_BLOCKS)
}

fn read<T: DeserializeOwned>(
    chain: &Chain,
    key: &[u8],
    index: u64,
) -> Result<Option<T>, BooksError> {
    chain.get_meta(key).map_or(Ok(None), |json| {
        serde_json::from_slice(&json).map_err(|source| BooksError::Json { index, source })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::{Carrier, Spent, Totals};
    use alloy::primitives::{B256, U256};
    use mezz_chain::{ChainConfig, ChainLimits, Genesis};
    use mezz_evm::ChainSpec;

    fn l1(number: u64) -> L1Ref {
        L1Ref { number, hash: B256::with_last_byte(1) }
    }

    fn totals(chain: &Chain) -> Totals {
        newest(chain, 0).unwrap().totals
    }

    /// More batches than are kept, in fewer L1 blocks than may be reorganised.
    #[test]
    fn totals_go_back_further_than_the_batches_that_are_kept() {
        let chain = Chain::open(ChainConfig {
            spec: ChainSpec::l1(7),
            genesis: Genesis { gas_limit: 30_000_000, ..Genesis::default() },
            data_dir: None,
            limits: ChainLimits::default(),
        })
        .unwrap();
        let posting = Posting {
            transaction: B256::ZERO,
            carrier: Carrier::Blobs,
            bytes: 10,
            spent: Some(Spent { gas: U256::from(3), blob_gas: U256::ZERO }),
        };
        let contents = Contents { blocks: 2, transactions: 5, ..Contents::default() };
        let mut books = Books::load(&chain, 0).unwrap();
        let enter = |books: &mut Books, block: u64| {
            for _ in 0..4 {
                books.enter(&chain, l1(block), &posting, 0, contents).unwrap();
            }
        };
        let blocks = KEPT_L1_BLOCKS + 100;
        for block in 1..=blocks {
            // Not every block has batches.
            if block % 2 == 0 {
                enter(&mut books, block);
            }
        }
        let expect = |to: u64| {
            let batches = to / 2 * 4;
            let totals = totals(&chain);
            assert_eq!(totals.batches, batches, "up to L1 block {to}");
            assert_eq!(totals.bytes, batches * 10);
            assert_eq!(totals.contents.transactions, batches * 5);
            assert_eq!(totals.spent.gas, U256::from(batches * 3));
        };
        expect(blocks);
        // A block, a block without batches, a restart further back, as far as it may be.
        for to in [blocks - 2, blocks - 51] {
            books.rewind(&chain, to).unwrap();
            expect(to);
        }
        let mut books = Books::load(&chain, blocks - 700).unwrap();
        expect(blocks - 700);
        let to = blocks - KEPT_L1_BLOCKS + 1;
        books.rewind(&chain, to).unwrap();
        expect(to);
        // And on again, over other batches of the same L1 blocks.
        for block in to + 1..to + 100 {
            if block % 2 == 0 {
                enter(&mut books, block);
            }
        }
        expect(to + 99);
        books.rewind(&chain, to + 50).unwrap();
        expect(to + 50);
        assert_eq!(newest(&chain, 3).unwrap().newest.len(), 3);
        books.rewind(&chain, 0).unwrap();
        assert_eq!(totals(&chain), Totals::default());
    }
}
