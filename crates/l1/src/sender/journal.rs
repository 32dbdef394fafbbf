//! What a sender must not forget: every transaction is on disk before it is on the wire. One file
//! for each nonce, written beside and renamed into place, and one list of what is settled.

use super::{SendError, TxRequest, fees::Fees};
use alloy::primitives::{Address, B256};
use mezz_fault as fault;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
};

/// One signed form of a transaction. Its bytes follow from the entry and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) fees: Fees,
    pub(super) hash: B256,
}

/// A transaction in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) chain_id: u64,
    pub(super) from: Address,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    pub(super) request: TxRequest,
    pub(super) attempts: Vec<Attempt>,
    /// Hashes of transactions that had the nonce for a request that was given up.
    #[serde(default)]
    pub(super) former: Vec<B256>,
}

/// A request that was carried out, by the key its caller gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settled {
    pub(super) key: B256,
    pub(super) hash: B256,
}

/// How many settled keys are remembered.
const SETTLED_KEPT: usize = 512;

/// The folder of one account on one chain. Without a path nothing is kept.
#[derive(Debug)]
pub(super) struct Journal {
    dir: Option<PathBuf>,
    settled: VecDeque<Settled>,
}

impl Journal {
    /// Opens or creates the folder and reads what is in it, in order of nonces.
    pub(super) fn open(
        dir: Option<PathBuf>,
        chain_id: u64,
        from: Address,
    ) -> Result<(Self, Vec<Entry>), SendError> {
        let Some(dir) = dir else {
            return Ok((Self { dir: None, settled: VecDeque::new() }, Vec::new()));
        };
        let failed = |path: &Path, reason: String| SendError::Journal {
            path: path.display().to_string(),
            reason,
        };
        fs::create_dir_all(&dir).map_err(|error| failed(&dir, error.to_string()))?;
        let mut entries: Vec<Entry> = Vec::new();
        for file in fs::read_dir(&dir).map_err(|error| failed(&dir, error.to_string()))? {
            let path = file.map_err(|error| failed(&dir, error.to_string()))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !name.ends_with(".tx.json") {
                continue;
            }
            let entry: Entry = read(&path).map_err(|reason| failed(&path, reason))?;
            if (entry.chain_id, entry.from) != (chain_id, from) {
                let reason = format!(
                    "it belongs to account {} on chain {}, not to {from} on {chain_id}",
                    entry.from, entry.chain_id
                );
                return Err(failed(&path, reason));
            }
            if entry.attempts.is_empty() {
                return Err(failed(&path, "a transaction without an attempt".to_owned()));
            }
            entries.push(entry);
        }
        entries.sort_by_key(|entry| entry.nonce);
        let path = dir.join("settled.json");
        let settled = if path.exists() {
            read(&path).map_err(|reason| failed(&path, reason))?
        } else {
            VecDeque::new()
        };
        Ok((Self { dir: Some(dir), settled }, entries))
    }

    /// Writes an entry; it is on disk when this returns.
    pub(super) async fn put(&self, entry: &Entry) -> Result<(), SendError> {
        let Some(dir) = &self.dir else { return Ok(()) };
        write(dir.join(name(entry.nonce)), entry).await
    }

    /// Forgets a nonce.
    pub(super) async fn remove(&self, nonce: u64) -> Result<(), SendError> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let path = dir.join(name(nonce));
        let removed = match fault::point(&path, "journal.before_remove") {
            Ok(()) => tokio::fs::remove_file(&path).await,
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SendError::Journal {
                path: path.display().to_string(),
                reason: error.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Passes a point of the way of an entry onto the wire.
    pub(super) fn point(&self, name: &str) -> Result<(), SendError> {
        let Some(dir) = &self.dir else { return Ok(()) };
        fault::point(dir, name).map_err(|error| SendError::Journal {
            path: dir.display().to_string(),
            reason: error.to_string(),
        })
    }

    /// Remembers that the request with this key was carried out by this transaction.
    pub(super) async fn settle(&mut self, settled: Settled) -> Result<(), SendError> {
        self.settled.retain(|old| old.key != settled.key);
        self.settled.push_back(settled);
        while self.settled.len() > SETTLED_KEPT {
            self.settled.pop_front();
        }
        let Some(dir) = &self.dir else { return Ok(()) };
        write(dir.join("settled.json"), &self.settled).await
    }

    /// The transaction that carried out the request with this key.
    pub(super) fn settled(&self, key: B256) -> Option<B256> {
        self.settled.iter().find(|settled| settled.key == key).map(|settled| settled.hash)
    }
}

fn name(nonce: u64) -> String {
    format!("{nonce:020}.tx.json")
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

async fn write<T: Serialize>(path: PathBuf, value: &T) -> Result<(), SendError> {
    let failed = {
        let path = path.display().to_string();
        move |reason: String| SendError::Journal { path, reason }
    };
    let bytes = match serde_json::to_vec(value) {
        Ok(bytes) => bytes,
        Err(error) => return Err(failed(error.to_string())),
    };
    match tokio::task::spawn_blocking(move || fault::replace_file(&path, &bytes, "journal")).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(SendError::Stopped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::eips::eip4844::Blob;

    fn entry(nonce: u64) -> Entry {
        Entry {
            chain_id: 1,
            from: Address::with_last_byte(1),
            nonce,
            gas_limit: 21_000,
            request: TxRequest {
                to: Address::with_last_byte(2).into(),
                blobs: Some(vec![Blob::repeat_byte(1)]),
                key: Some(B256::with_last_byte(3)),
                ..Default::default()
            },
            attempts: vec![Attempt {
                fees: Fees { max_fee: 2, priority_fee: 1, blob_fee: Some(3) },
                hash: B256::with_last_byte(4),
            }],
            former: vec![B256::with_last_byte(9)],
        }
    }

    #[tokio::test]
    async fn what_was_put_is_read_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Journal::open(Some(dir.path().into()), 1, Address::with_last_byte(1));
        let (mut journal, entries) = open().unwrap();
        assert!(entries.is_empty());
        for nonce in [10, 9, 11] {
            journal.put(&entry(nonce)).await.unwrap();
        }
        journal.remove(11).await.unwrap();
        journal.remove(11).await.unwrap();
        let settled = Settled { key: B256::with_last_byte(5), hash: B256::with_last_byte(6) };
        journal.settle(settled).await.unwrap();
        // A write that was cut short leaves a temporary file, which is not an entry.
        fs::write(dir.path().join("00000000000000000012.tx.tmp"), b"{").unwrap();
        let (journal, entries) = open().unwrap();
        assert_eq!(entries, [entry(9), entry(10)]);
        assert_eq!(journal.settled(settled.key), Some(settled.hash));
        assert_eq!(journal.settled(B256::ZERO), None);
    }

    #[tokio::test]
    async fn journal_of_another_account_or_damaged_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = || Some(dir.path().to_path_buf());
        let (journal, _) = Journal::open(path(), 1, Address::with_last_byte(1)).unwrap();
        journal.put(&entry(1)).await.unwrap();
        assert!(Journal::open(path(), 2, Address::with_last_byte(1)).is_err());
        assert!(Journal::open(path(), 1, Address::with_last_byte(9)).is_err());
        fs::write(dir.path().join(name(2)), b"{").unwrap();
        let error = Journal::open(path(), 1, Address::with_last_byte(1)).unwrap_err();
        assert!(error.to_string().contains(&name(2)), "{error}");
    }

    #[tokio::test]
    async fn settled_keys_are_bounded() {
        let (mut journal, _) = Journal::open(None, 1, Address::ZERO).unwrap();
        for n in 0..SETTLED_KEPT as u64 + 1 {
            let key = B256::from(alloy::primitives::U256::from(n));
            journal.settle(Settled { key, hash: key }).await.unwrap();
        }
        assert_eq!(journal.settled.len(), SETTLED_KEPT);
        assert_eq!(journal.settled(B256::ZERO), None);
    }
}
