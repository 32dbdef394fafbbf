//! The node itself: which chain, how far, whose accounts.

use crate::{Args, Failure, context::Context, methods::Table};
use alloy_primitives::U64;
use jsonrpsee::core::RegisterMethodError;
use mezz_primitives::Address;

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("eth_chainId", chain_id)?;
    table.quick("eth_blockNumber", block_number)?;
    table.quick("eth_syncing", syncing)?;
    table.quick("eth_accounts", accounts)?;
    table.quick("eth_requestAccounts", accounts)?;
    table.quick("eth_coinbase", coinbase)?;
    table.quick("eth_protocolVersion", protocol_version)?;
    table.quick("eth_mining", syncing)?;
    table.quick("eth_hashrate", hashrate)
}

fn chain_id(context: &Context, args: Args<'_>) -> Result<U64, Failure> {
    args.end()?;
    Ok(U64::from(context.chain.spec().chain_id))
}

fn block_number(context: &Context, args: Args<'_>) -> Result<U64, Failure> {
    args.end()?;
    Ok(U64::from(context.head().header.number))
}

fn syncing(_: &Context, args: Args<'_>) -> Result<bool, Failure> {
    args.end()?;
    Ok(false)
}

fn accounts(context: &Context, args: Args<'_>) -> Result<Vec<Address>, Failure> {
    args.end()?;
    Ok(context.hooks.accounts())
}

/// Who receives the tips of the newest block.
fn coinbase(context: &Context, args: Args<'_>) -> Result<Address, Failure> {
    args.end()?;
    Ok(context.head().header.beneficiary)
}

fn protocol_version(_: &Context, args: Args<'_>) -> Result<&'static str, Failure> {
    args.end()?;
    Ok("0x44")
}

fn hashrate(_: &Context, args: Args<'_>) -> Result<&'static str, Failure> {
    args.end()?;
    Ok("0x0")
}
