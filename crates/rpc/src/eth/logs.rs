//! Searching logs: by the chain's index, then in the receipts of the blocks that it names.

use crate::{
    Args, Failure,
    context::Context,
    error::TIMEOUT,
    expected,
    json::{block_logs, logs_bytes},
    methods::Table,
};
use alloy_eips::BlockNumberOrTag;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::LogQuery;
use std::time::Instant;

/// Addresses, and values of one topic, in one filter.
const MAX_ALTERNATIVES: usize = 1_000;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getLogs", get_logs)
}

fn get_logs(context: &Context, mut args: Args<'_>) -> Result<Vec<Log>, Failure> {
    let filter: Filter = args.required_as(expected::filter)?;
    args.end()?;
    context.logs(&filter)
}

/// Requires that a filter is of a size that can be matched often.
pub(super) fn check(filter: &Filter) -> Result<(), Failure> {
    let most = filter.topics.iter().map(|topic| topic.len()).max().unwrap_or(0);
    if most.max(filter.address.len()) > MAX_ALTERNATIVES {
        return Err(Failure::limit(format!(
            "exceed max addresses or topics per search position: {MAX_ALTERNATIVES}"
        )));
    }
    Ok(())
}

/// The conditions of a filter on a log.
fn query(filter: &Filter) -> LogQuery {
    LogQuery {
        addresses: filter.address.iter().copied().collect(),
        topics: filter.topics.each_ref().map(|topic| topic.iter().copied().collect()),
    }
}

impl Context {
    /// The canonical logs that `filter` matches, oldest first.
    pub(crate) fn logs(&self, filter: &Filter) -> Result<Vec<Log>, Failure> {
        check(filter)?;
        let limit = self.limits.max_log_results;
        let mut logs = Vec::new();
        let (from, to) = match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => {
                let block = self.by_hash(hash)?.ok_or_else(|| Failure::server("unknown block"))?;
                if !block_logs(&block, filter, false, limit, &mut logs) {
                    return Err(Failure::limit(format!(
                        "query returned more than {limit} results; filter by address or topics"
                    )));
                }
                return Ok(logs);
            }
            range @ FilterBlockOption::Range { from_block, to_block } => {
                if range.ensure_valid_block_range().is_err() {
                    return Err(Failure::invalid_params("invalid block range params"));
                }
                let latest = BlockNumberOrTag::Latest;
                (self.number(from_block.unwrap_or(latest)), self.number(to_block.unwrap_or(latest)))
            }
        };
        let to = to.min(self.head().header.number);
        let range = self.limits.max_log_range;
        // At most `to`, which exists: no overflow.
        if to >= from && to - from >= range {
            let end = from + (range - 1).min(to - from);
            return Err(Failure::limit(format!(
                "query spans {} blocks, more than {range}; ask for parts of it. \
                 Try with this block range [{from:#x}, {end:#x}].",
                to - from + 1
            )));
        }
        let begun = Instant::now();
        let mut bytes = 0;
        let found = self.chain.blocks_with_logs(&query(filter), from, to);
        for number in found.map_err(Failure::internal)? {
            if begun.elapsed() > self.limits.request_timeout {
                return Err(Failure::new(
                    TIMEOUT,
                    "query timed out; ask for a smaller range, or filter by address or topics",
                ));
            }
            // Unwound since the search, if there is none.
            let Some(block) = self.by_number(number)? else { break };
            let before = logs.len();
            let complete = block_logs(&block, filter, false, limit, &mut logs);
            bytes += logs_bytes(&logs[before..]);
            if !complete || bytes > self.max_response {
                // Whole blocks only: the last block searched is searched again next time.
                let end = if number > from { number - 1 } else { from };
                let found = if complete {
                    format!("{} bytes", self.max_response)
                } else {
                    format!("{limit} results")
                };
                return Err(Failure::limit(format!(
                    "query returned more than {found}; ask for a smaller range, or filter \
                     by address or topics. Try with this block range [{from:#x}, {end:#x}]."
                )));
            }
        }
        Ok(logs)
    }
}
