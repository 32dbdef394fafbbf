//! The blobs of the blocks: kept durably for a bounded number of blocks, and served.

mod file;
mod routes;

pub(crate) use routes::routes;

use crate::{BlobRetention, DevnetError};
use alloy_eips::{eip4844::Blob, eip7594::BlobTransactionSidecarVariant};
use mezz_chain::Chain;
use mezz_primitives::B256;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A blob transaction and its sidecar.
pub(crate) type TxBlobs = (B256, Arc<BlobTransactionSidecarVariant>);

/// What is known of the blobs of a block without reading them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) hash: B256,
    /// Transactions and their versioned hashes, in order.
    pub(crate) txs: Vec<(B256, Vec<B256>)>,
    pub(crate) bytes: u64,
}

#[derive(Debug)]
struct Entry {
    summary: Summary,
    /// The blobs themselves, if there is no directory.
    held: Option<Vec<TxBlobs>>,
}

#[derive(Debug, Default)]
struct Index {
    blocks: BTreeMap<u64, Entry>,
    by_versioned_hash: HashMap<B256, BTreeSet<u64>>,
    bytes: u64,
}

/// The blobs of the canonical blocks, newest [`BlobRetention`] of them.
#[derive(Debug)]
pub(crate) struct BlobStore {
    dir: Option<PathBuf>,
    retention: BlobRetention,
    index: Mutex<Index>,
}

impl BlobStore {
    /// Opens the store in `dir`, and drops what belongs to no block of `chain`: blobs are written
    /// before their block, and a crash in between leaves them alone.
    pub(crate) fn open(
        dir: Option<&Path>,
        retention: BlobRetention,
        chain: &Chain,
    ) -> Result<Self, DevnetError> {
        let store =
            Self { dir: dir.map(Path::to_owned), retention, index: Mutex::new(Index::default()) };
        let Some(dir) = dir else { return Ok(store) };
        let io = |source| DevnetError::Io { path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(io)?;
        for entry in fs::read_dir(dir).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let Some((number, hash)) = file::parse_name(&path) else { continue };
            let canonical = chain.block_by_number(number)?.is_some_and(|b| b.hash() == hash);
            match file::read_summary(&path, hash) {
                Ok(summary) if canonical => store.index.lock().insert(number, summary, None),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "blobs are not readable");
                    continue;
                }
            }
            if !canonical {
                fs::remove_file(&path).map_err(io)?;
            }
        }
        Ok(store)
    }

    /// Keeps the blobs of a block that is about to be committed; they are on disk when this
    /// returns.
    pub(crate) fn put(
        &self,
        number: u64,
        hash: B256,
        txs: Vec<TxBlobs>,
    ) -> Result<(), DevnetError> {
        if txs.is_empty() {
            return Ok(());
        }
        let (summary, held) = match &self.dir {
            Some(dir) => {
                let path = file::path(dir, number, hash);
                let summary = file::write(&path, hash, &txs)
                    .map_err(|source| DevnetError::Io { path, source })?;
                (summary, None)
            }
            None => (summarize(hash, &txs), Some(txs)),
        };
        let mut index = self.index.lock();
        index.insert(number, summary, held);
        self.prune(&mut index, number);
        Ok(())
    }

    /// Drops the blobs of the blocks from `number` on.
    pub(crate) fn remove_from(&self, number: u64) {
        let mut index = self.index.lock();
        while let Some(last) =
            index.blocks.last_key_value().map(|(n, _)| *n).filter(|n| *n >= number)
        {
            self.drop_block(&mut index, last);
        }
    }

    /// The blobs of a block by transaction; none if it had none or they are gone.
    pub(crate) fn of_block(
        &self,
        number: u64,
        hash: B256,
    ) -> Result<Option<Vec<TxBlobs>>, DevnetError> {
        {
            let index = self.index.lock();
            let Some(entry) = index.blocks.get(&number) else { return Ok(None) };
            if entry.summary.hash != hash {
                return Ok(None);
            }
            if let Some(held) = &entry.held {
                return Ok(Some(held.clone()));
            }
        }
        let Some(dir) = &self.dir else { return Ok(None) };
        let path = file::path(dir, number, hash);
        match file::read(&path) {
            Ok(txs) => Ok(Some(txs)),
            // Pruned or unwound since.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DevnetError::Io { path, source }),
        }
    }

    /// The blob with a versioned hash, of the newest block that has it.
    pub(crate) fn by_versioned_hash(&self, wanted: &B256) -> Result<Option<Blob>, DevnetError> {
        let found = {
            let index = self.index.lock();
            index
                .by_versioned_hash
                .get(wanted)
                .and_then(BTreeSet::last)
                .and_then(|number| Some((*number, index.blocks.get(number)?.summary.hash)))
        };
        let Some((number, hash)) = found else { return Ok(None) };
        let txs = self.of_block(number, hash)?.unwrap_or_default();
        Ok(txs.iter().find_map(|(_, sidecar)| sidecar.blob_by_versioned_hash(wanted).copied()))
    }

    fn prune(&self, index: &mut Index, newest: u64) {
        while let Some(oldest) = index.blocks.first_key_value().map(|(number, _)| *number)
            && oldest < newest
            && (newest - oldest >= self.retention.blocks || index.bytes > self.retention.bytes)
        {
            self.drop_block(index, oldest);
        }
    }

    fn drop_block(&self, index: &mut Index, number: u64) {
        let Some(entry) = index.remove(number) else { return };
        if let Some(dir) = &self.dir {
            let path = file::path(dir, number, entry.summary.hash);
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "old blobs are not removed");
            }
        }
    }
}

impl Index {
    fn insert(&mut self, number: u64, summary: Summary, held: Option<Vec<TxBlobs>>) {
        self.remove(number);
        for hash in summary.txs.iter().flat_map(|(_, hashes)| hashes) {
            self.by_versioned_hash.entry(*hash).or_default().insert(number);
        }
        self.bytes += summary.bytes;
        self.blocks.insert(number, Entry { summary, held });
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.blocks.remove(&number)?;
        self.bytes -= entry.summary.bytes;
        for hash in entry.summary.txs.iter().flat_map(|(_, hashes)| hashes) {
            if let Some(numbers) = self.by_versioned_hash.get_mut(hash) {
                numbers.remove(&number);
                if numbers.is_empty() {
                    self.by_versioned_hash.remove(hash);
                }
            }
        }
        Some(entry)
    }
}

/// What is known of `txs` without reading their blobs.
fn summarize(hash: B256, txs: &[TxBlobs]) -> Summary {
    Summary {
        hash,
        txs: txs.iter().map(|(tx, s)| (*tx, s.versioned_hashes().collect())).collect(),
        bytes: txs.iter().map(|(_, sidecar)| sidecar.size() as u64).sum(),
    }
}
