//! Logs.

use alloy_rpc_types_eth::{Filter, Log};
use mezz_chain::BlockRecord;

/// Bytes that a log takes in memory besides its data, and more than it takes as JSON.
const LOG_BYTES: usize = 1_024;

/// About the bytes that `logs` take, in memory or as JSON.
pub(crate) fn logs_bytes(logs: &[Log]) -> usize {
    logs.iter().map(|log| LOG_BYTES + 2 * log.inner.data.data.len()).sum()
}

/// Adds the logs of `block` that `filter` matches to `out`. The filter's block range is not looked
/// at. Returns whether `limit` sufficed; if not, `out` holds `limit` logs.
pub(crate) fn block_logs(
    block: &BlockRecord,
    filter: &Filter,
    removed: bool,
    limit: usize,
    out: &mut Vec<Log>,
) -> bool {
    if !filter.matches_bloom(block.header.logs_bloom) {
        return true;
    }
    let mut log_index = 0;
    for (index, receipt) in block.receipts.iter().enumerate() {
        for log in &receipt.logs {
            if filter.matches_address(log.address) && filter.matches_topics(log.topics()) {
                if out.len() >= limit {
                    return false;
                }
                out.push(log_json(block, index, log_index, log, removed));
            }
            log_index += 1;
        }
    }
    true
}

/// A log of the transaction at `index` in `block`; `log_index` counts from the block's first log.
pub(crate) fn log_json(
    block: &BlockRecord,
    index: usize,
    log_index: u64,
    log: &mezz_primitives::Log,
    removed: bool,
) -> Log {
    Log {
        inner: log.clone(),
        block_hash: Some(block.header.seal()),
        block_number: Some(block.header.number),
        block_timestamp: Some(block.header.timestamp),
        transaction_hash: block.transactions.get(index).map(|tx| tx.hash()),
        transaction_index: Some(index as u64),
        log_index: Some(log_index),
        removed,
    }
}
