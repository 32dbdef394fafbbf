//! Where the books are kept: in the chain's store, one entry for a batch.

use super::{BooksReport, Contents, Entry, Posting, meters::Meters};
use mezz_chain::{Chain, ChainError};
use mezz_derivation::L1Ref;

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
        let json = json(&entry)?;
        let key = key(entry.index);
        chain.put_metas(&[(key.as_bytes(), &json), (b"books/newest", &json)])?;
        self.newest = Some(entry);
        self.publish();
        Ok(())
    }

    /// Takes out what was entered for L1 blocks above `l1`.
    pub(crate) fn rewind(&mut self, chain: &Chain, l1: u64) -> Result<(), BooksError> {
        let mut newest = self.newest.clone();
        while let Some(entry) = newest.as_ref().filter(|entry| entry.l1.number > l1) {
            newest = match entry.index.checked_sub(1) {
                Some(index) => read(chain, key(index).as_bytes(), index)?
                    .filter(|found: &Entry| found.index == index),
                None => None,
            };
        }
        if newest == self.newest {
            return Ok(());
        }
        match &newest {
            Some(entry) => chain.put_meta(b"books/newest", &json(entry)?)?,
            None => chain.put_meta(b"books/newest", b"null")?,
        }
        self.newest = newest;
        self.publish();
        Ok(())
    }

    /// Tells the metrics.
    fn publish(&self) {
        self.meters.tell(&self.newest.as_ref().map(|entry| entry.totals).unwrap_or_default());
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

fn json(entry: &Entry) -> Result<Vec<u8>, BooksError> {
    serde_json::to_vec(entry).map_err(|source| BooksError::Json { index: entry.index, source })
}

fn key(index: u64) -> String {
    format!("books/{}", index % RING)
}

fn read(chain: &Chain, key: &[u8], index: u64) -> Result<Option<Entry>, BooksError> {
    chain.get_meta(key).map_or(Ok(None), |json| {
        serde_json::from_slice(&json).map_err(|source| BooksError::Json { index, source })
    })
}
