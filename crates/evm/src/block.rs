//! The execution of a block, one transaction at a time.

use crate::{
    context::{BlockAttributes, BlockContext},
    diff::state_diff,
    error::{ExecuteError, InvalidTx, from_evm},
    evm::{LayerEvm, l1_fee_params, layer_evm, nonce, pay_owed, system_call, transact},
    lists::ListRoots,
    owed::Owed,
    spec::{ChainSpec, Layer},
    state::{ReadError, StateReader},
    transaction::tx_env,
};
use alloc::vec::Vec;
use alloy_consensus::{
    Transaction as _, Typed2718,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH},
};
use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS, eip7685::EMPTY_REQUESTS_HASH,
};
use core::fmt;
use mezz_primitives::{
    Address, B256, Bytes, Header, Receipt, RecoveredTransaction, StateDiff, Transaction, U256,
    fee::{BatchSizer, L1FeeParams},
};
use revm::context::result::{ExecutionResult, HaltReason, Output};

/// What one transaction did, beside its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxOutcome {
    /// Whether its state changes were kept.
    pub success: bool,
    /// Gas used by it alone, after refunds.
    pub gas_used: u64,
    /// What it returned or reverted with.
    pub output: Bytes,
    /// The contract that it created.
    pub created: Option<Address>,
    /// Why it stopped, if it neither succeeded nor reverted.
    pub halt: Option<HaltReason>,
    /// L1 data fee in wei; zero for a deposit and on L1.
    pub l1_fee: U256,
    /// L1 data in gas of calldata; zero for a deposit and on L1.
    pub l1_gas_used: u64,
    /// Nonce of the sender before it ran, of a deposit.
    pub deposit_nonce: Option<u64>,
}

/// What a block did.
#[derive(Clone, Debug)]
pub struct BlockOutcome {
    /// The header fields that preceded execution.
    pub context: BlockContext,
    /// One for each transaction, in order, but for those that were taken before.
    pub receipts: Vec<Receipt>,
    /// Gas used by all transactions.
    pub gas_used: u64,
    /// Blob gas used by all transactions.
    pub blob_gas_used: u64,
    /// All that changed in the state.
    pub diff: StateDiff,
}

impl BlockOutcome {
    /// The header of the block.
    ///
    /// `lists` are those of the transactions that ran and of their receipts; `state_root` is that of the state after `diff`.
    /// `withdrawals_root` is [`EMPTY_ROOT_HASH`] on L1, where no block has withdrawals, and the
    /// storage root of the L2ToL1MessagePasser on L2 (OP Stack, since Isthmus).
    pub fn seal_header(
        &self,
        lists: &ListRoots,
        state_root: B256,
        withdrawals_root: B256,
    ) -> Header {
        let attributes = &self.context.attributes;
        Header {
            parent_hash: self.context.parent_hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: attributes.beneficiary,
            state_root,
            transactions_root: lists.transactions,
            receipts_root: lists.receipts,
            logs_bloom: lists.logs_bloom,
            difficulty: U256::ZERO,
            number: self.context.number,
            gas_limit: attributes.gas_limit,
            gas_used: self.gas_used,
            timestamp: attributes.timestamp,
            extra_data: attributes.extra_data.clone(),
            mix_hash: attributes.prev_randao,
            base_fee_per_gas: Some(self.context.base_fee),
            withdrawals_root: Some(withdrawals_root),
            blob_gas_used: Some(self.blob_gas_used),
            excess_blob_gas: Some(self.context.excess_blob_gas),
            parent_beacon_block_root: Some(attributes.parent_beacon_block_root),
            requests_hash: Some(EMPTY_REQUESTS_HASH),
            ..Default::default()
        }
    }

    /// [`Self::seal_header`] of `transactions` for a chain without withdrawals.
    pub fn seal_l1_header<'t>(
        &self,
        transactions: impl IntoIterator<Item = &'t Transaction>,
        state_root: B256,
    ) -> Header {
        let lists = ListRoots::of(transactions.into_iter().zip(&self.receipts));
        self.seal_header(&lists, state_root, EMPTY_ROOT_HASH)
    }
}

/// Executes the transactions of one block on the state after its parent.
pub struct BlockExecutor<'a, S: StateReader> {
    spec: ChainSpec,
    context: BlockContext,
    state: &'a S,
    evm: LayerEvm<'a, S>,
    /// Prices of L1 data, once known. The block's first deposit sets them, so they are read when
    /// the first transaction pays, and hold for the block.
    l1_fee_params: Option<L1FeeParams>,
    sizer: BatchSizer,
    receipts: Vec<Receipt>,
    gas_used: u64,
    blob_gas_used: u64,
}

impl<S: StateReader> fmt::Debug for BlockExecutor<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockExecutor")
            .field("context", &self.context)
            .field("transactions", &self.receipts.len())
            .field("gas_used", &self.gas_used)
            .finish_non_exhaustive()
    }
}

impl<'a, S: StateReader> BlockExecutor<'a, S> {
    /// Begins the block after `parent`: `state` is the state after `parent`.
    pub fn new(
        spec: &ChainSpec,
        parent: &Header,
        attributes: &BlockAttributes,
        state: &'a S,
    ) -> Result<Self, ExecuteError<S::Error>> {
        Self::with_context(spec, BlockContext::next(spec, parent, attributes.clone()), state)
    }

    /// Begins a block whose context is known, such as one that is replayed.
    ///
    /// Stores the parent's beacon root (EIP-4788) and hash (EIP-2935) first, each if the chain has
    /// the contract for it.
    pub fn with_context(
        spec: &ChainSpec,
        context: BlockContext,
        state: &'a S,
    ) -> Result<Self, ExecuteError<S::Error>> {
        let mut evm = layer_evm(spec, &context, state, ());
        evm.ctx.journaled_state.database.owed = Some(Owed::default());
        begin_block(&mut evm, spec, &context)?;
        Ok(Self {
            spec: *spec,
            context,
            state,
            evm,
            l1_fee_params: None,
            sizer: BatchSizer::default(),
            receipts: Vec::new(),
            gas_used: 0,
            blob_gas_used: 0,
        })
    }

    /// The header fields that precede execution.
    pub const fn context(&self) -> &BlockContext {
        &self.context
    }

    /// Gas that the block's transactions have used.
    pub const fn gas_used(&self) -> u64 {
        self.gas_used
    }

    /// Gas that is left: no transaction with a higher limit fits.
    pub const fn gas_left(&self) -> u64 {
        self.context.attributes.gas_limit.saturating_sub(self.gas_used)
    }

    /// Blob gas that is left.
    pub const fn blob_gas_left(&self) -> u64 {
        match self.spec.layer {
            Layer::L1 => {
                self.spec.blobs.max_blob_gas_per_block().saturating_sub(self.blob_gas_used)
            }
            Layer::L2 => 0,
        }
    }

    /// Makes room for as many transactions.
    pub fn expect(&mut self, transactions: usize) {
        // Of many transactions most touch the accounts of others; a table that is too small grows.
        self.evm.ctx.journaled_state.inner.state.reserve(transactions / 4);
    }

    /// The receipts since this was last called, which the outcome will then lack: for whoever makes use of them
    /// while the block goes on.
    pub fn take_receipts(&mut self) -> Vec<Receipt> {
        let next = Vec::with_capacity(self.receipts.len());
        core::mem::replace(&mut self.receipts, next)
    }

    /// Runs the next transaction of the block.
    ///
    /// After [`ExecuteError::Invalid`] the block is as before; after another error it is lost. A deposit
    /// is invalid only where deposits do not exist or the block has less gas left than its limit.
    pub fn execute(
        &mut self,
        recovered: &RecoveredTransaction,
    ) -> Result<TxOutcome, ExecuteError<S::Error>> {
        let (tx, sender) = (&recovered.tx, recovered.sender);
        self.check_room(tx)?;
        let mut l1_fee = U256::ZERO;
        let mut l1_gas_used = 0;
        let mut deposit_nonce = None;
        if tx.is_deposit() {
            deposit_nonce = Some(nonce(&self.evm, &sender).map_err(ExecuteError::State)?);
        } else if self.spec.is_l2() {
            let params = self.l1_fee_params()?;
            let size = recovered.batch_size(&mut self.sizer);
            l1_fee = params.l1_fee(size);
            l1_gas_used = size.l1_gas_used();
        }
        let mint = tx.as_deposit().map(|deposit| deposit.mint);
        let result = transact(&mut self.evm, tx_env(tx, sender), mint, l1_fee)
            .map_err(|error| from_evm(error, self.context.base_fee, self.spec.chain_id))?;

        let gas_used = result.tx_gas_used();
        let success = result.is_success();
        self.gas_used = self.gas_used.saturating_add(gas_used);
        self.blob_gas_used =
            self.blob_gas_used.saturating_add(tx.blob_gas_used().unwrap_or_default());
        let (output, created, halt, logs) = split(result);
        self.receipts.push(Receipt {
            tx_type: tx.ty(),
            success,
            cumulative_gas_used: self.gas_used,
            logs,
            deposit_nonce,
        });
        Ok(TxOutcome {
            success,
            gas_used,
            output,
            created,
            halt,
            l1_fee,
            l1_gas_used,
            deposit_nonce,
        })
    }

    /// Ends the block.
    pub fn finish(mut self) -> Result<BlockOutcome, ExecuteError<S::Error>> {
        pay_owed(&mut self.evm.ctx).map_err(|ReadError(error)| ExecuteError::State(error))?;
        let state = self.evm.ctx.journaled_state.inner.finalize();
        let diff = state_diff(&state, self.state).map_err(ExecuteError::State)?;
        Ok(BlockOutcome {
            context: self.context,
            receipts: self.receipts,
            gas_used: self.gas_used,
            blob_gas_used: self.blob_gas_used,
            diff,
        })
    }

    fn l1_fee_params(&mut self) -> Result<L1FeeParams, ExecuteError<S::Error>> {
        if let Some(params) = self.l1_fee_params {
            return Ok(params);
        }
        let params = l1_fee_params(&mut self.evm).map_err(ExecuteError::State)?;
        self.l1_fee_params = Some(params);
        Ok(params)
    }

    /// Rules of the block that need no state.
    fn check_room(&self, tx: &Transaction) -> Result<(), InvalidTx> {
        let available = self.gas_left();
        if tx.gas_limit() > available {
            return Err(InvalidTx::BlockGasExceeded { gas_limit: tx.gas_limit(), available });
        }
        if let Some(deposit) = tx.as_deposit() {
            if !self.spec.is_l2() {
                return Err(InvalidTx::DepositNotSupported);
            }
            if deposit.is_system_transaction {
                return Err(InvalidTx::SystemTransaction);
            }
        }
        if let Some(blob_gas) = tx.blob_gas_used() {
            if self.spec.is_l2() {
                return Err(InvalidTx::BlobsNotSupported);
            }
            let available = self.blob_gas_left();
            if blob_gas > available {
                return Err(InvalidTx::BlockBlobGasExceeded { blob_gas, available });
            }
        }
        Ok(())
    }
}

/// Stores the parent's beacon root (EIP-4788) and hash (EIP-2935), each if the chain has the
/// contract for it.
pub(crate) fn begin_block<S: StateReader, I>(
    evm: &mut LayerEvm<'_, S, I>,
    spec: &ChainSpec,
    context: &BlockContext,
) -> Result<(), ExecuteError<S::Error>> {
    let beacon_root = context.attributes.parent_beacon_block_root;
    for (contract, data) in
        [(BEACON_ROOTS_ADDRESS, beacon_root), (HISTORY_STORAGE_ADDRESS, context.parent_hash)]
    {
        system_call(evm, contract, Bytes::copy_from_slice(data.as_slice()))
            .map_err(|error| from_evm(error, context.base_fee, spec.chain_id))?;
    }
    Ok(())
}

type Split = (Bytes, Option<Address>, Option<HaltReason>, Vec<mezz_primitives::Log>);

fn split(result: ExecutionResult) -> Split {
    match result {
        ExecutionResult::Success { output, logs, .. } => match output {
            Output::Call(data) => (data, None, None, logs),
            Output::Create(data, created) => (data, created, None, logs),
        },
        ExecutionResult::Revert { output, .. } => (output, None, None, Vec::new()),
        ExecutionResult::Halt { reason, .. } => (Bytes::new(), None, Some(reason), Vec::new()),
    }
}
