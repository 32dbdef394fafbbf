//! The history: everything up to a point of the log, in a key-value store.
//!
//! Keyspaces: `blocks`, `receipts`, `diffs` by number (big-endian); `hashes` from hash to number; `txs` from hash to
//! number and index; `logs`: where which logs are (see [`log_index`]); `accounts`, `storage`, `codes`: the flat state;
//! `meta`: the small values of others; `system`: what the store itself must know. One batch brings all of them from one
//! point of the log to a later one.

use super::{
    codec::{BlockBody, decode_block, decode_header},
    log_index,
    op::{Appended, Op, Submission},
};
use crate::{
    block::{BlockRecord, BlockRef},
    error::StorageError,
    fault,
    log_query::LogQuery,
    state::{Codes, Flat},
};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Slice};
use mezz_primitives::{Account, Address, B256, Bytes, Header, Receipt, Sealed, StateDiff, U256};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Block cache of the key-value store, bytes.
const CACHE_BYTES: u64 = 64 << 20;
/// Bytes of the key-value store's own log, the least that it allows: whatever is in it is replayed when it is opened
/// after a crash.
const JOURNAL_BYTES: u64 = 64 << 20;
const FLUSHED: &[u8] = b"flushed";
const GENESIS: &[u8] = b"genesis";
const FORMAT: &[u8] = b"format";
const HEADS: &[u8] = b"heads";
/// The newest block whose logs are in the index, with those of all before it. By its hash, because a version without the
/// index may have replaced it by another of the same number.
const LOGGED: &[u8] = b"logged_to";
/// Blocks whose logs are brought into the index at once.
const LOGGED_AT_ONCE: u64 = 1_000;

/// How far the history has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Flushed {
    /// The last number of the log that is in the history.
    pub(crate) lsn: u64,
    /// The newest block after it.
    pub(crate) head: BlockRef,
}

/// The safe and the finalized head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct StoredHeads {
    pub(crate) safe: BlockRef,
    pub(crate) finalized: BlockRef,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Space {
    Blocks,
    Receipts,
    Diffs,
    Hashes,
    Txs,
    Logs,
    Accounts,
    Storage,
    Codes,
    Meta,
    System,
}

const SPACES: [(Space, &str); 11] = [
    (Space::Blocks, "blocks"),
    (Space::Receipts, "receipts"),
    (Space::Diffs, "diffs"),
    (Space::Hashes, "hashes"),
    (Space::Txs, "txs"),
    (Space::Logs, "logs"),
    (Space::Accounts, "accounts"),
    (Space::Storage, "storage"),
    (Space::Codes, "codes"),
    (Space::Meta, "meta"),
    (Space::System, "system"),
];

/// The history of a chain.
#[derive(Clone)]
pub(crate) struct History {
    db: Database,
    spaces: Vec<Keyspace>,
    root: PathBuf,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("root", &self.root).finish_non_exhaustive()
    }
}

fn failed(error: fjall::Error) -> StorageError {
    StorageError::new(format_args!("history: {error}"))
}

fn undecodable(what: &str) -> impl FnOnce(alloy_rlp::Error) -> StorageError + '_ {
    move |error| StorageError::new(format_args!("history: {what} cannot be decoded: {error}"))
}

fn storage_key(address: &Address, slot: &U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

impl History {
    /// Opens the history of the data directory `root`.
    pub(crate) fn open(root: &Path) -> Result<Self, StorageError> {
        let db = Database::builder(root.join("history"))
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .open()
            .map_err(failed)?;
        let spaces = SPACES
            .iter()
            .map(|(_, name)| db.keyspace(name, KeyspaceCreateOptions::default))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        Ok(Self { db, spaces, root: root.to_owned() })
    }

    fn space(&self, space: Space) -> &Keyspace {
        // `SPACES` lists the variants in their order.
        &self.spaces[space as usize]
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>, StorageError> {
        self.space(space).get(key).map_err(failed)
    }

    fn get_rlp<T: Decodable>(
        &self,
        space: Space,
        key: &[u8],
        what: &str,
    ) -> Result<Option<T>, StorageError> {
        self.get(space, key)?
            .map(|bytes| alloy_rlp::decode_exact(&bytes).map_err(undecodable(what)))
            .transpose()
    }

    /// How far the history has come; `None` if it is new.
    pub(crate) fn flushed(&self) -> Result<Option<Flushed>, StorageError> {
        self.get_rlp(Space::System, FLUSHED, "the progress")
    }

    /// The genesis hash, and the format; `None` if the history is new.
    pub(crate) fn identity(&self) -> Result<Option<(B256, u64)>, StorageError> {
        let genesis = self.get_rlp(Space::System, GENESIS, "the genesis hash")?;
        let format = self.get_rlp(Space::System, FORMAT, "the format")?;
        Ok(genesis.zip(format))
    }

    /// The safe and the finalized head.
    pub(crate) fn heads(&self) -> Result<Option<StoredHeads>, StorageError> {
        self.get_rlp(Space::System, HEADS, "the heads")
    }

    /// The small values of others.
    pub(crate) fn metas(&self) -> Result<BTreeMap<Bytes, Bytes>, StorageError> {
        let mut metas = BTreeMap::new();
        for item in self.space(Space::Meta).iter() {
            let (key, value) = item.into_inner().map_err(failed)?;
            metas.insert(Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value));
        }
        Ok(metas)
    }

    /// A block.
    pub(crate) fn block(&self, number: u64) -> Result<Option<BlockRecord>, StorageError> {
        let key = number.to_be_bytes();
        let Some(body) = self.get(Space::Blocks, &key)? else { return Ok(None) };
        let Some(receipts) = self.get_rlp::<Vec<Receipt>>(Space::Receipts, &key, "receipts")?
        else {
            return Ok(None);
        };
        decode_block(&mut &body[..], receipts).map(Some).map_err(undecodable("a block"))
    }

    /// The header of a block.
    pub(crate) fn header(&self, number: u64) -> Result<Option<Sealed<Header>>, StorageError> {
        let body = self.get(Space::Blocks, &number.to_be_bytes())?;
        body.map(|body| decode_header(&mut &body[..]).map_err(undecodable("a header"))).transpose()
    }

    /// What a block changed.
    pub(crate) fn diff(&self, number: u64) -> Result<Option<StateDiff>, StorageError> {
        self.get_rlp(Space::Diffs, &number.to_be_bytes(), "a state difference")
    }

    /// The number of the block with this hash.
    pub(crate) fn number_of(&self, hash: &B256) -> Result<Option<u64>, StorageError> {
        let Some(bytes) = self.get(Space::Hashes, hash.as_slice())? else { return Ok(None) };
        let bytes = <[u8; 8]>::try_from(&bytes[..])
            .map_err(|_| StorageError::new("history: a block number has a wrong length"))?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    /// The block number and the index of the transaction with this hash.
    pub(crate) fn transaction(&self, hash: &B256) -> Result<Option<(u64, u32)>, StorageError> {
        let Some(bytes) = self.get(Space::Txs, hash.as_slice())? else { return Ok(None) };
        let bytes = <[u8; 12]>::try_from(&bytes[..])
            .map_err(|_| StorageError::new("history: a transaction's place has a wrong length"))?;
        let place =
            u128::from_be_bytes(std::array::from_fn(|i| if i < 4 { 0 } else { bytes[i - 4] }));
        // 8 bytes of number, 4 bytes of index.
        #[expect(clippy::cast_possible_truncation, reason = "the parts have these sizes")]
        Ok(Some(((place >> 32) as u64, place as u32)))
    }

    /// The blocks from `from` to `to`, both in the history, that may have a log for `query`, in order.
    pub(crate) fn blocks_with_logs(
        &self,
        query: &LogQuery,
        from: u64,
        to: u64,
    ) -> Result<Vec<u64>, StorageError> {
        log_index::search(query, from, to, |prefix, each| {
            let range = log_index::key(prefix, from)..=log_index::key(prefix, to);
            for item in self.space(Space::Logs).range(range) {
                let key = item.key().map_err(failed)?;
                let number = log_index::number_of(&key).ok_or_else(|| {
                    StorageError::new("history: a key of the log index has a wrong length")
                })?;
                if !each(number) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Brings the logs of all blocks up to `head` into the index, from where it ends. It ends there, unless a version
    /// without the index wrote the history, once or in between. What that left in the index of blocks that it took off
    /// stays: whoever searches looks at the blocks.
    pub(crate) fn index_logs(&self, head: u64) -> Result<(), StorageError> {
        let logged: Option<BlockRef> = self.get_rlp(Space::System, LOGGED, "a block")?;
        let mut next = match logged {
            Some(block) if self.number_of(&block.hash)? == Some(block.number) => block.number + 1,
            _ => 0,
        };
        if next > head {
            return Ok(());
        }
        tracing::info!(from = next, to = head, "making the index of logs");
        while next <= head {
            let end = head.min(next + LOGGED_AT_ONCE - 1);
            let mut changes = Changes::default();
            for number in next..=end {
                let receipts: Vec<Receipt> =
                    self.get_rlp(Space::Receipts, &number.to_be_bytes(), "receipts")?.ok_or_else(
                        || StorageError::new(format_args!("history: block {number} is missing")),
                    )?;
                changes.put_logs(number, &receipts);
            }
            next = end + 1;
            let hash = self.header(end)?.map(|header| header.hash()).ok_or_else(|| {
                StorageError::new(format_args!("history: block {end} is missing"))
            })?;
            changes.put(Space::System, LOGGED, alloy_rlp::encode(BlockRef { number: end, hash }));
            self.write(changes)?;
        }
        Ok(())
    }

    /// Loads the flat state, calling `f` for each account with its slots.
    pub(crate) fn load_state(
        &self,
        flat: &mut Flat,
        codes: &Codes,
        mut f: impl FnMut(&Address, &Account, Vec<(U256, U256)>),
    ) -> Result<(), StorageError> {
        let mut slots = self.space(Space::Storage).iter();
        let mut next_slot = move || -> Result<Option<(Address, U256, U256)>, StorageError> {
            let Some(item) = slots.next() else { return Ok(None) };
            let (key, value) = item.into_inner().map_err(failed)?;
            let (Some(address), Some(slot)) = (key.get(..20), key.get(20..52)) else {
                return Err(StorageError::new("history: a slot's key has a wrong length"));
            };
            let value = alloy_rlp::decode_exact(&value).map_err(undecodable("a slot"))?;
            Ok(Some((Address::from_slice(address), U256::from_be_slice(slot), value)))
        };
        let mut pending = next_slot()?;
        for item in self.space(Space::Accounts).iter() {
            let (key, value) = item.into_inner().map_err(failed)?;
            let address = <[u8; 20]>::try_from(&key[..])
                .map(Address::from)
                .map_err(|_| StorageError::new("history: an account's key has a wrong length"))?;
            let account = alloy_rlp::decode_exact(&value).map_err(undecodable("an account"))?;
            let mut storage = Vec::new();
            // Both keyspaces are ordered by address.
            while let Some((owner, slot, value)) = pending
                && owner <= address
            {
                if owner != address {
                    return Err(StorageError::new(format_args!(
                        "history: {owner} has slots but is no account"
                    )));
                }
                flat.set_slot(owner, slot, value);
                storage.push((slot, value));
                pending = next_slot()?;
            }
            flat.set_account(address, account);
            f(&address, &account, storage);
        }
        if let Some((owner, ..)) = pending {
            return Err(StorageError::new(format_args!(
                "history: {owner} has slots but is no account"
            )));
        }
        for item in self.space(Space::Codes).iter() {
            let (key, value) = item.into_inner().map_err(failed)?;
            let hash = <[u8; 32]>::try_from(&key[..])
                .map_err(|_| StorageError::new("history: a code's key has a wrong length"))?;
            codes.insert(B256::from(hash), Bytes::copy_from_slice(&value));
        }
        Ok(())
    }

    /// Writes the first block of a new history.
    pub(crate) fn create(&self, genesis: &Appended) -> Result<(), StorageError> {
        let mut changes = Changes::default();
        changes.append(genesis);
        let head = genesis.record.block_ref();
        changes.put(Space::System, GENESIS, alloy_rlp::encode(head.hash));
        changes.put(Space::System, FORMAT, alloy_rlp::encode(u64::from(super::segment::FORMAT)));
        changes.put(
            Space::System,
            HEADS,
            alloy_rlp::encode(StoredHeads { safe: head, finalized: head }),
        );
        self.commit(changes, Flushed { lsn: 0, head })
    }

    /// Takes the history forward by consecutive submissions. `from` is where it is.
    pub(crate) fn advance(
        &self,
        from: Flushed,
        submissions: &[Submission],
    ) -> Result<Flushed, StorageError> {
        let mut changes = Changes::default();
        let mut to = from;
        for submission in submissions {
            to.lsn = submission.lsn;
            for op in &submission.ops {
                match op {
                    Op::Block(appended) => {
                        changes.append(appended);
                        to.head = appended.record.block_ref();
                    }
                    Op::Unwind { to: head, removed } => {
                        for appended in removed {
                            changes.remove(appended);
                        }
                        to.head = *head;
                    }
                    Op::Heads { safe, finalized } => {
                        let heads = StoredHeads { safe: *safe, finalized: *finalized };
                        changes.put(Space::System, HEADS, alloy_rlp::encode(heads));
                    }
                    Op::Meta { key, value } => changes.put(Space::Meta, key, value),
                }
            }
        }
        self.commit(changes, to)?;
        Ok(to)
    }

    fn commit(&self, mut changes: Changes, to: Flushed) -> Result<(), StorageError> {
        changes.put(Space::System, FLUSHED, alloy_rlp::encode(to));
        changes.put(Space::System, LOGGED, alloy_rlp::encode(to.head));
        self.write(changes)
    }

    /// The newest block whose logs are in the index.
    #[cfg(test)]
    pub(crate) fn logged(&self) -> BlockRef {
        self.get_rlp(Space::System, LOGGED, "a block").expect("read").expect("there")
    }

    /// Takes the logs from block `from` on out of the index, which once came to `logged`, as a version without it would
    /// have left the history.
    #[cfg(test)]
    pub(crate) fn forget_logs(&self, from: u64, logged: Option<BlockRef>) {
        let mut changes = Changes::default();
        for item in self.space(Space::Logs).iter() {
            let key = item.key().expect("read");
            if log_index::number_of(&key).expect("a key") >= from {
                changes.delete(Space::Logs, key);
            }
        }
        match logged {
            None => changes.delete(Space::System, LOGGED),
            Some(block) => changes.put(Space::System, LOGGED, alloy_rlp::encode(block)),
        }
        self.write(changes).expect("written");
    }

    fn write(&self, changes: Changes) -> Result<(), StorageError> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        for Change { space, key, value } in changes.last() {
            match value {
                Some(value) => batch.insert(self.space(space), key, value),
                None => batch.remove(self.space(space), key),
            }
        }
        let io = |error| StorageError::new(format_args!("history: {error}"));
        fault::point(&self.root, "history.before_commit").map_err(io)?;
        batch.commit().map_err(failed)?;
        fault::point(&self.root, "history.after_commit").map_err(io)
    }
}

/// New values in the order of the changes.
#[derive(Default)]
struct Changes(Vec<Change>);

struct Change {
    space: Space,
    key: Slice,
    /// `None`: the key goes.
    value: Option<Slice>,
}

impl Changes {
    fn put(&mut self, space: Space, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (key, value) = (Slice::from(key.as_ref()), Some(Slice::from(value.as_ref())));
        self.0.push(Change { space, key, value });
    }

    fn delete(&mut self, space: Space, key: impl AsRef<[u8]>) {
        self.0.push(Change { space, key: Slice::from(key.as_ref()), value: None });
    }

    /// The last change of each key, since a batch must not name a key twice, ordered by key: neighbours are inserted
    /// where the memory is still at hand.
    fn last(mut self) -> Vec<Change> {
        self.0.reverse();
        self.0.sort_by(|a, b| (a.space, &a.key).cmp(&(b.space, &b.key)));
        self.0.dedup_by(|b, a| (a.space, &a.key) == (b.space, &b.key));
        self.0
    }

    fn append(&mut self, Appended { record, diff }: &Appended) {
        let number = record.number().to_be_bytes();
        self.put(Space::Blocks, number, alloy_rlp::encode(BlockBody(record)));
        self.put(Space::Receipts, number, alloy_rlp::encode(&record.receipts));
        self.put(Space::Diffs, number, alloy_rlp::encode(diff.as_ref()));
        self.put(Space::Hashes, record.hash(), number);
        let mut place = [0; 12];
        place[..8].copy_from_slice(&number);
        for (index, tx) in (0u32..).zip(&record.transactions) {
            place[8..].copy_from_slice(&index.to_be_bytes());
            self.put(Space::Txs, tx.hash(), place);
        }
        self.put_logs(record.number(), &record.receipts);
        for code in &diff.codes {
            self.put(Space::Codes, code.hash, &code.bytes);
        }
        self.state(diff);
    }

    fn remove(&mut self, Appended { record, diff }: &Appended) {
        let number = record.number().to_be_bytes();
        for space in [Space::Blocks, Space::Receipts, Space::Diffs] {
            self.delete(space, number);
        }
        self.delete(Space::Hashes, record.hash());
        for tx in &record.transactions {
            self.delete(Space::Txs, tx.hash());
        }
        for key in log_index::keys(record.number(), &record.receipts) {
            self.delete(Space::Logs, key);
        }
        self.state(&diff.inverted());
    }

    fn put_logs(&mut self, number: u64, receipts: &[Receipt]) {
        for key in log_index::keys(number, receipts) {
            self.put(Space::Logs, key, []);
        }
    }

    fn state(&mut self, diff: &StateDiff) {
        for account in &diff.accounts {
            match &account.after {
                Some(after) => self.put(Space::Accounts, account.address, alloy_rlp::encode(after)),
                None => self.delete(Space::Accounts, account.address),
            }
            for slot in &account.storage {
                let key = storage_key(&account.address, &slot.slot);
                if slot.after.is_zero() {
                    self.delete(Space::Storage, key);
                } else {
                    self.put(Space::Storage, key, alloy_rlp::encode(slot.after));
                }
            }
        }
    }
}

/// A block of the history with its difference. Error: either is missing, which an intact history never lacks.
pub(crate) fn appended(history: &History, number: u64) -> Result<Appended, StorageError> {
    let missing = || StorageError::new(format_args!("history: block {number} is missing"));
    let record = history.block(number)?.ok_or_else(missing)?;
    let diff = history.diff(number)?.ok_or_else(missing)?;
    Ok(Appended { record: Arc::new(record), diff: Arc::new(diff) })
}
