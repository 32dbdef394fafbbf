//! The shapes of answers: blocks, transactions, receipts and logs as Ethereum's clients read them.

mod block;
mod log;
mod receipt;
mod transaction;

pub(crate) use block::{RpcBlock, RpcHeader, Transactions};
pub(crate) use log::{block_logs, log_json, logs_bytes};
pub(crate) use receipt::{RpcReceipt, gas_used_of};
pub(crate) use transaction::RpcTransaction;

use mezz_chain::BlockRecord;
use mezz_pool::PooledTransaction;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// A block that is turned into JSON when it is sent.
#[derive(Debug)]
pub(crate) struct BlockView {
    pub(crate) block: Arc<BlockRecord>,
    pub(crate) full: bool,
}

impl Serialize for BlockView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RpcBlock::new(&self.block, self.full).serialize(serializer)
    }
}

/// A block with its transactions, as `eth_getBlockByNumber` answers it.
///
/// # Errors
/// A number that JSON does not have; no block has one.
pub fn block_json(block: Arc<BlockRecord>) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(BlockView { block, full: true })
}

/// A transaction that is turned into JSON when it is sent.
#[derive(Debug)]
pub(crate) enum TransactionView {
    Mined(Arc<BlockRecord>, usize),
    Pending(Arc<PooledTransaction>),
}

impl Serialize for TransactionView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Mined(block, index) => RpcTransaction::mined(block, *index).serialize(serializer),
            Self::Pending(tx) => RpcTransaction::pending(&tx.tx).serialize(serializer),
        }
    }
}
