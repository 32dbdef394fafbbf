//! What a transaction pays: prices now, and their history.

use crate::{Args, Failure, context::Context, json::gas_used_of, methods::Table};
use alloy_consensus::Transaction as _;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U128};
use alloy_rpc_types_eth::FeeHistory;
use jsonrpsee::core::RegisterMethodError;
use mezz_chain::BlockRecord;
use mezz_primitives::Header;

/// Blocks that a proposed tip is derived from.
const SAMPLED_BLOCKS: u64 = 20;
/// Lowest tips of each of them that count.
const SAMPLED_TIPS: usize = 3;
/// Percentile of the sampled tips that is proposed, as in geth.
const PROPOSED_PERCENTILE: usize = 60;
/// No more than 500 gwei is proposed, whatever others pay, as in geth.
const MAX_PROPOSED_TIP: u128 = 500_000_000_000;
const MAX_PERCENTILES: usize = 100;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_gasPrice", gas_price)?;
    table.read("eth_maxPriorityFeePerGas", max_priority_fee)?;
    table.quick("eth_baseFee", base_fee)?;
    table.quick("eth_blobBaseFee", blob_base_fee)?;
    table.read("eth_feeHistory", fee_history)
}

impl Context {
    /// Base fee of the block after `header`, wei per gas.
    pub(crate) fn next_base_fee(&self, header: &Header) -> u64 {
        let set = self.hooks.next_base_fee().filter(|_| header.number == self.head().number());
        set.unwrap_or_else(|| self.chain.spec().next_base_fee(header))
    }

    /// Blob base fee in the block of `header`, wei per blob gas; none if it has no blob gas.
    pub(crate) fn blob_base_fee(&self, header: &Header) -> Option<u128> {
        let excess = header.excess_blob_gas?;
        Some(self.chain.spec().blob_base_fee(excess))
    }

    /// Blob base fee of the block after `header`, wei per blob gas.
    pub(crate) fn next_blob_base_fee(&self, header: &Header) -> u128 {
        self.chain.spec().next_blob_base_fee(header)
    }

    /// A tip with which a transaction is likely to be in the next blocks, wei per gas.
    pub(crate) fn proposed_tip(&self) -> Result<u128, Failure> {
        let head = self.head();
        let hash = head.header.seal();
        if let Some((of, tip)) = *self.tip.lock()
            && of == hash
        {
            return Ok(tip);
        }
        let mut tips = Vec::new();
        let newest = head.header.number;
        for number in (newest.saturating_sub(SAMPLED_BLOCKS - 1)..=newest).rev() {
            let Some(block) = self.by_number(number)? else { continue };
            let mut of_block = tips_of(&block);
            of_block.sort_unstable();
            tips.extend(of_block.into_iter().filter(|tip| *tip > 0).take(SAMPLED_TIPS));
        }
        tips.sort_unstable();
        let place = tips.len().saturating_sub(1) * PROPOSED_PERCENTILE / 100;
        let tip = tips.get(place).map_or(self.default_tip, |tip| (*tip).max(self.default_tip));
        let tip = tip.min(MAX_PROPOSED_TIP.max(self.default_tip));
        *self.tip.lock() = Some((hash, tip));
        Ok(tip)
    }
}

/// The tips that were paid in `block`, wei per gas; deposits pay none and do not count.
fn tips_of(block: &BlockRecord) -> Vec<u128> {
    let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
    let paying = block.transactions.iter().filter(|tx| !tx.tx.is_deposit());
    paying.map(|tx| tx.tx.effective_tip_per_gas(base_fee).unwrap_or_default()).collect()
}

fn gas_price(context: &Context, args: Args<'_>) -> Result<U128, Failure> {
    args.end()?;
    let head = context.head();
    // A transaction at this price must also pass where it is checked against the newest block.
    let current = head.header.base_fee_per_gas.unwrap_or_default();
    let base_fee = u128::from(context.next_base_fee(&head.header).max(current));
    Ok(U128::from(base_fee.saturating_add(context.proposed_tip()?)))
}

fn max_priority_fee(context: &Context, args: Args<'_>) -> Result<U128, Failure> {
    args.end()?;
    Ok(U128::from(context.proposed_tip()?))
}

fn base_fee(context: &Context, args: Args<'_>) -> Result<U64, Failure> {
    args.end()?;
    Ok(U64::from(context.next_base_fee(&context.head().header)))
}

fn blob_base_fee(context: &Context, args: Args<'_>) -> Result<U128, Failure> {
    args.end()?;
    Ok(U128::from(context.next_blob_base_fee(&context.head().header)))
}

fn fee_history(context: &Context, mut args: Args<'_>) -> Result<FeeHistory, Failure> {
    let count: U64 = args.required()?;
    let newest: BlockNumberOrTag = args.required()?;
    let percentiles: Option<Vec<f64>> = args.optional()?;
    args.end()?;
    if let Some(percentiles) = &percentiles {
        check_percentiles(percentiles)?;
    }
    let head = context.head().header.number;
    let newest = context.number(newest);
    if newest > head {
        return Err(Failure::server(format!(
            "request beyond head block: requested {newest}, head {head}"
        )));
    }
    let count = count.to::<u64>().min(context.limits.max_fee_history).min(newest + 1);
    if count == 0 {
        return Ok(FeeHistory { gas_used_ratio: Vec::new(), ..FeeHistory::default() });
    }
    let oldest = newest + 1 - count;
    let mut history = FeeHistory { oldest_block: oldest, ..FeeHistory::default() };
    let mut rewards = Vec::new();
    let max_blob_gas = context.chain.spec().blobs.max_blob_gas_per_block();
    for number in oldest..=newest {
        let block = context
            .by_number(number)?
            .ok_or_else(|| Failure::server(format!("block {number} is not available")))?;
        let header = &block.header;
        history.base_fee_per_gas.push(header.base_fee_per_gas.unwrap_or_default().into());
        history.gas_used_ratio.push(ratio(header.gas_used, header.gas_limit));
        history.base_fee_per_blob_gas.push(context.blob_base_fee(header).unwrap_or_default());
        let blob_gas = header.blob_gas_used.unwrap_or_default();
        history.blob_gas_used_ratio.push(ratio(blob_gas, max_blob_gas));
        if let Some(percentiles) = &percentiles {
            rewards.push(rewards_of(&block, percentiles));
        }
        if number == newest {
            history.base_fee_per_gas.push(context.next_base_fee(header).into());
            history.base_fee_per_blob_gas.push(context.next_blob_base_fee(header));
        }
    }
    history.reward = percentiles.map(|_| rewards);
    Ok(history)
}

fn check_percentiles(percentiles: &[f64]) -> Result<(), Failure> {
    if percentiles.len() > MAX_PERCENTILES {
        let message = format!("over the query limit {MAX_PERCENTILES} of reward percentiles");
        return Err(Failure::invalid_params(message));
    }
    if let Some(wrong) = percentiles.iter().find(|p| !(0.0..=100.0).contains(*p)) {
        let message = format!("invalid reward percentile: {wrong}");
        return Err(Failure::invalid_params(message));
    }
    if let Some((i, pair)) = percentiles.windows(2).enumerate().find(|(_, p)| p[0] > p[1]) {
        let (i, j) = (i, i + 1);
        let message = format!("invalid reward percentile: #{i}:{} >= #{j}:{}", pair[0], pair[1]);
        return Err(Failure::invalid_params(message));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
fn ratio(used: u64, limit: u64) -> f64 {
    if limit == 0 { 0.0 } else { used as f64 / limit as f64 }
}

/// The tips below which the given shares of the block's gas were paid.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the gas of a block, which is far below 2^53"
)]
fn rewards_of(block: &BlockRecord, percentiles: &[f64]) -> Vec<u128> {
    let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
    let mut paid: Vec<(u128, u64)> = Vec::with_capacity(block.transactions.len());
    for (index, tx) in block.transactions.iter().enumerate() {
        if !tx.tx.is_deposit() {
            let tip = tx.tx.effective_tip_per_gas(base_fee).unwrap_or_default();
            paid.push((tip, gas_used_of(block, index)));
        }
    }
    paid.sort_unstable();
    let total: u64 = paid.iter().map(|(_, gas)| gas).sum();
    let reward = |percentile: &f64| {
        let threshold = (total as f64 * percentile / 100.0) as u64;
        let mut sum = 0;
        let place = paid.iter().find(|(_, gas)| {
            sum += gas;
            sum >= threshold
        });
        place.or(paid.last()).map_or(0, |(tip, _)| *tip)
    };
    percentiles.iter().map(reward).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_must_be_percentages_in_order() {
        assert!(check_percentiles(&[0.0, 50.0, 50.0, 100.0]).is_ok());
        for wrong in [&[-1.0][..], &[100.1], &[f64::NAN], &[50.0, 10.0], &[1.0; 101]] {
            assert!(check_percentiles(wrong).is_err(), "{wrong:?}");
        }
    }
}
