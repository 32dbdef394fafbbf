//! The clock.

use super::{args::Number, verb};
use crate::{
    clock::{self, MAX_TIMESTAMP},
    node::Node,
};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_rpc::{Args, Failure};

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(module, &["evm_increaseTime", "anvil_increaseTime"], increase_time)?;
    verb(
        module,
        &["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"],
        set_next_block_timestamp,
    )?;
    verb(module, &["evm_setTime", "anvil_setTime"], set_time)?;
    verb(module, &["anvil_setBlockTimestampInterval"], set_interval)?;
    verb(module, &["anvil_removeBlockTimestampInterval"], remove_interval)?;
    verb(module, &["anvil_getGenesisTime"], genesis_time)
}

/// Seconds, from now on. Answers by how many the chain is ahead of the machine's clock.
fn increase_time(node: &Node, mut args: Args<'_>) -> Result<i64, Failure> {
    let Number(seconds) = args.required()?;
    args.end()?;
    let mut fits = true;
    let mut offset = 0;
    node.set(|settings| {
        fits = settings.clock.increase(clock::now(), seconds);
        offset = settings.clock.offset();
    })?;
    if fits { Ok(offset) } else { Err(too_late()) }
}

/// The next block's timestamp; the time goes on from there.
fn set_next_block_timestamp(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let Number(timestamp) = args.required()?;
    args.end()?;
    let parent = node.chain.head().header.timestamp;
    if timestamp <= parent {
        return Err(Failure::invalid_params(format!(
            "Timestamp error: {timestamp} is lower than or equal to previous block's timestamp {parent}"
        )));
    }
    if timestamp > MAX_TIMESTAMP {
        return Err(too_late());
    }
    Ok(node.set(|settings| settings.clock.set_next(timestamp))?)
}

/// Makes it a time; a block is never earlier than its parent, whatever is set here. Answers by how
/// many seconds the time was moved on, zero if it was moved back.
fn set_time(node: &Node, mut args: Args<'_>) -> Result<u64, Failure> {
    let Number(time) = args.required()?;
    args.end()?;
    if time > MAX_TIMESTAMP {
        return Err(too_late());
    }
    let mut moved = 0;
    node.set(|settings| {
        let now = clock::now();
        moved = time.saturating_sub(settings.clock.time(now));
        settings.clock.set(now, time);
    })?;
    Ok(moved)
}

fn set_interval(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let Number(seconds) = args.required()?;
    args.end()?;
    if seconds > MAX_TIMESTAMP {
        return Err(too_late());
    }
    node.set(|settings| {
        settings.clock.set_interval(Some(seconds));
    })?;
    Ok(())
}

/// Answers whether there was one.
fn remove_interval(node: &Node, args: Args<'_>) -> Result<bool, Failure> {
    args.end()?;
    let mut removed = false;
    node.set(|settings| removed = settings.clock.set_interval(None))?;
    Ok(removed)
}

fn genesis_time(node: &Node, args: Args<'_>) -> Result<u64, Failure> {
    args.end()?;
    Ok(node.genesis_time)
}

fn too_late() -> Failure {
    Failure::invalid_params(format!("Timestamp error: later than {MAX_TIMESTAMP}"))
}
