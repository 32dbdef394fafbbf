//! From attributes and transactions to a block.

use crate::{
    block::{BlockRecord, block_size, list_length},
    config::ChainLimits,
    error::{BuildError, StateError},
    genesis::withdrawals_root,
    lists::ListsBeside,
    patch::{AccountPatch, MergedDiff, patch_diff},
    state::StateView,
};
use mezz_evm::{
    BlockAttributes, BlockContext, BlockExecutor, ChainSpec, ExecuteError, InvalidTx, StateOverlay,
    StateReader, TxOutcome,
};
use mezz_primitives::{Address, B256, Header, RecoveredTransaction, Sealable, Sealed, StateDiff};
use mezz_trie::StateTrie;
use std::{
    collections::BTreeMap,
    mem::take,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Bytes of extra data in a header (Yellow Paper, 4.4.4).
const MAX_EXTRA_DATA: usize = 32;

/// A block that has been executed and not yet committed.
#[derive(Clone, Debug)]
pub struct BuiltBlock {
    pub(crate) record: Arc<BlockRecord>,
    pub(crate) diff: Arc<StateDiff>,
    pub(crate) trie: StateTrie,
    outcomes: Vec<TxOutcome>,
    skipped: Vec<Skipped>,
    /// How long the state root took.
    pub(crate) root_time: Duration,
}

impl BuiltBlock {
    /// The block.
    pub const fn record(&self) -> &Arc<BlockRecord> {
        &self.record
    }

    /// The header and its hash.
    pub fn header(&self) -> &Sealed<Header> {
        &self.record.header
    }

    /// Hash of the header.
    pub fn hash(&self) -> B256 {
        self.record.hash()
    }

    /// What each transaction did, in order.
    pub fn outcomes(&self) -> &[TxOutcome] {
        &self.outcomes
    }

    /// What the block changed in the state.
    pub fn diff(&self) -> &StateDiff {
        &self.diff
    }

    /// Transactions that were offered and not taken.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

/// A transaction that was offered and not taken.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// The transaction.
    pub tx: RecoveredTransaction,
    /// Why.
    pub reason: Refused,
}

/// Why a transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It breaks a rule, or does not fit into the gas that is left.
    #[error(transparent)]
    Invalid(#[from] InvalidTx),
    /// The block has too few bytes left.
    #[error("the transaction has {size} bytes, the block has {available} left")]
    NoRoom {
        /// Bytes of the transaction in the block.
        size: u64,
        /// Bytes that the block has left.
        available: u64,
    },
}

/// What the supplier of transactions is told before it is asked for the next.
#[derive(Clone, Copy, Debug)]
pub struct BuildStep<'a> {
    /// Gas that is left: a transaction with a higher limit does not fit.
    pub gas_left: u64,
    /// Blob gas that is left; zero on L2.
    pub blob_gas_left: u64,
    /// Bytes that are left.
    pub bytes_left: u64,
    /// The block's base fee, wei for a gas.
    pub base_fee: u64,
    /// Why the transaction before was not taken, if it was not.
    pub refused: Option<&'a Refused>,
}

/// Choices of the builder that are not part of the block's attributes.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// No transaction is asked for after this moment.
    pub deadline: Option<Instant>,
    /// Changes of the state before the first transaction: for the developer verbs of a devnet. The block cannot be
    /// verified by executing it.
    pub patch: BTreeMap<Address, AccountPatch>,
    /// The block's base fee in wei for a gas, if it is not to follow from the parent (EIP-1559): for the developer verbs
    /// of a devnet, on L1 only.
    pub base_fee: Option<u64>,
    /// Whether an account with code may send transactions, against EIP-3607: for impersonation on a devnet, on L1 only.
    pub allow_contract_senders: bool,
}

/// Builds blocks on one parent.
pub(crate) struct Builder<'a> {
    pub(crate) spec: &'a ChainSpec,
    pub(crate) limits: &'a ChainLimits,
    pub(crate) parent: StateView,
    pub(crate) attributes: &'a BlockAttributes,
}

impl Builder<'_> {
    /// A block of `forced`, each of which must be valid, and then of what `next` yields as far as it is valid.
    pub(crate) fn build(
        &self,
        forced: &[RecoveredTransaction],
        next: &mut dyn FnMut(&BuildStep<'_>) -> Option<RecoveredTransaction>,
        options: &BuildOptions,
    ) -> Result<BuiltBlock, BuildError> {
        self.check_attributes()?;
        if self.spec.is_l2() && (options.base_fee.is_some() || options.allow_contract_senders) {
            return Err(BuildError::DeveloperOption);
        }
        thread::scope(|scope| {
            let lists = ListsBeside::new(scope);
            if options.patch.is_empty() {
                return self.build_on(&self.parent, None, forced, next, options, lists);
            }
            let patch = patch_diff(&options.patch, &self.parent)?;
            let mut patched = StateOverlay::new(&self.parent);
            patched.apply(&patch);
            self.build_on(&patched, Some(patch), forced, next, options, lists)
        })
    }

    fn build_on<S: StateReader<Error = StateError>>(
        &self,
        state: &S,
        patch: Option<StateDiff>,
        forced: &[RecoveredTransaction],
        next: &mut dyn FnMut(&BuildStep<'_>) -> Option<RecoveredTransaction>,
        options: &BuildOptions,
        mut lists: ListsBeside<'_, '_>,
    ) -> Result<BuiltBlock, BuildError> {
        let mut context =
            BlockContext::next(self.spec, self.parent.header(), self.attributes.clone());
        context.base_fee = options.base_fee.unwrap_or(context.base_fee);
        context.allow_contract_senders = options.allow_contract_senders;
        let mut executor = BlockExecutor::with_context(self.spec, context, state)
            .map_err(BuildError::of_execution)?;
        // Blocks in a row are about alike, and moving long lists costs as much as running a transfer.
        let expected = self.parent.transaction_count().max(forced.len());
        executor.expect(expected);
        let mut transactions = Vec::with_capacity(expected);
        let mut outcomes = Vec::with_capacity(expected);
        let mut skipped: Vec<Skipped> = Vec::new();
        let mut bytes = 0;

        for (index, tx) in forced.iter().enumerate() {
            match executor.execute(tx) {
                Ok(outcome) => outcomes.push(outcome),
                Err(ExecuteError::Invalid(source)) => {
                    return Err(BuildError::InvalidTransaction { index, hash: tx.hash(), source });
                }
                Err(error) => return Err(BuildError::of_execution(error)),
            }
            bytes += tx.network_len();
            transactions.push(tx.clone());
            lists.feed(&transactions, || executor.take_receipts());
        }

        // A header of the largest size that fits these attributes: what is over when the block is sealed is over now.
        let room = self.limits.max_block_bytes.saturating_sub(self.largest_frame());
        let mut refused_last = false;
        while options.deadline.is_none_or(|deadline| Instant::now() < deadline) {
            let bytes_left = room.saturating_sub(bytes as u64);
            let step = BuildStep {
                gas_left: executor.gas_left(),
                blob_gas_left: executor.blob_gas_left(),
                bytes_left,
                base_fee: executor.context().base_fee,
                refused: skipped.last().filter(|_| refused_last).map(|skipped| &skipped.reason),
            };
            let Some(tx) = next(&step) else { break };
            let length = tx.network_len();
            let size = length as u64;
            let result = if size > bytes_left {
                Err(Refused::NoRoom { size, available: bytes_left })
            } else {
                match executor.execute(&tx) {
                    Ok(outcome) => Ok(outcome),
                    Err(ExecuteError::Invalid(error)) => Err(Refused::Invalid(error)),
                    Err(error) => return Err(BuildError::of_execution(error)),
                }
            };
            refused_last = result.is_err();
            match result {
                Ok(outcome) => {
                    outcomes.push(outcome);
                    bytes += length;
                    transactions.push(tx);
                    lists.feed(&transactions, || executor.take_receipts());
                }
                Err(reason) => skipped.push(Skipped { tx, reason }),
            }
        }

        let mut outcome = executor.finish().map_err(BuildError::of_execution)?;
        let diff = match patch {
            None => outcome.diff.clone(),
            Some(patch) => {
                let mut merged = MergedDiff::default();
                merged.push(&patch);
                merged.push(&outcome.diff);
                merged.finish()
            }
        };
        let mut trie = self.parent.trie().clone();
        let started = Instant::now();
        trie.apply(&diff);
        let state_root = trie.root();
        let root_time = started.elapsed();
        let (lists, receipts) = lists.finish(&transactions, take(&mut outcome.receipts));
        let header = outcome.seal_header(&lists, state_root, withdrawals_root(self.spec, &trie));
        let record = BlockRecord::of_payload(header.seal_slow(), transactions, receipts, bytes);
        if record.size > self.limits.max_block_bytes {
            return Err(BuildError::TooLarge {
                size: record.size,
                max: self.limits.max_block_bytes,
            });
        }
        let (record, diff) = (Arc::new(record), Arc::new(diff));
        Ok(BuiltBlock { record, diff, trie, outcomes, skipped, root_time })
    }

    fn check_attributes(&self) -> Result<(), BuildError> {
        let parent = self.parent.header().timestamp;
        let BlockAttributes { timestamp, extra_data, .. } = self.attributes;
        if *timestamp < parent {
            return Err(BuildError::Timestamp { timestamp: *timestamp, parent });
        }
        if extra_data.len() > MAX_EXTRA_DATA {
            return Err(BuildError::ExtraData(extra_data.len()));
        }
        Ok(())
    }

    /// Bytes of a block without transactions whose header has the longest encoding, and of the list header that the
    /// transactions will have.
    fn largest_frame(&self) -> u64 {
        let longest = Header {
            number: u64::MAX,
            gas_limit: u64::MAX,
            gas_used: u64::MAX,
            timestamp: u64::MAX,
            extra_data: vec![0; MAX_EXTRA_DATA].into(),
            base_fee_per_gas: Some(u64::MAX),
            withdrawals_root: Some(B256::ZERO),
            blob_gas_used: Some(u64::MAX),
            excess_blob_gas: Some(u64::MAX),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: Some(B256::ZERO),
            ..Header::default()
        };
        // Two list headers of at most 9 bytes: of the transactions and of the block.
        debug_assert!(list_length(0) == 1);
        block_size(&longest, 0) + 2 * 9
    }
}
