//! Blocks on request, and when blocks come by themselves.

use super::{args::Number, verb};
use crate::{
    DevnetError, Mining,
    clock::{self, MAX_TIMESTAMP},
    node::{Node, Plan},
};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_chain::BlockRecord;
use mezz_primitives::Address;
use mezz_rpc::{Args, Failure};
use serde::Deserialize;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Blocks in one request.
const MAX_BLOCKS: u64 = 100_000;
/// Seconds between blocks.
const MAX_INTERVAL: u64 = 365 * 24 * 3600;
const LEAST_GAS_LIMIT: u64 = 5_000;

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(module, &["evm_mine"], evm_mine)?;
    verb(module, &["evm_mine_detailed", "anvil_mine_detailed"], mine_detailed)?;
    verb(module, &["anvil_mine", "hardhat_mine"], mine)?;
    verb(module, &["evm_setAutomine", "anvil_setAutomine"], set_automine)?;
    verb(module, &["anvil_getAutomine", "hardhat_getAutomine"], automine)?;
    verb(module, &["evm_setIntervalMining", "anvil_setIntervalMining"], set_interval)?;
    verb(module, &["anvil_getIntervalMining"], interval)?;
    verb(module, &["evm_setBlockGasLimit", "anvil_setBlockGasLimit"], set_gas_limit)?;
    verb(module, &["anvil_setCoinbase", "hardhat_setCoinbase"], set_coinbase)?;
    verb(
        module,
        &["anvil_setNextBlockBaseFeePerGas", "hardhat_setNextBlockBaseFeePerGas"],
        set_base_fee,
    )
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MineOptions {
    Options {
        #[serde(default)]
        timestamp: Option<Number>,
        #[serde(default)]
        blocks: Option<Number>,
    },
    Timestamp(Number),
}

/// One block or `{blocks}`, the first at `{timestamp}`, with what the pool has. Answers `0x0`.
fn evm_mine(node: &Node, args: Args<'_>) -> Result<&'static str, Failure> {
    mine_as_asked(node, args, &mut |_| ())?;
    Ok("0x0")
}

/// As `evm_mine`, and answers the blocks with their transactions.
fn mine_detailed(node: &Node, args: Args<'_>) -> Result<Vec<Value>, Failure> {
    let mut blocks = Vec::new();
    mine_as_asked(node, args, &mut |block| blocks.push(block))?;
    blocks.into_iter().map(|block| mezz_rpc::block_json(block).map_err(Failure::internal)).collect()
}

fn mine_as_asked(
    node: &Node,
    mut args: Args<'_>,
    each: &mut dyn FnMut(Arc<BlockRecord>),
) -> Result<(), Failure> {
    let options: Option<MineOptions> = args.optional()?;
    args.end()?;
    let (timestamp, blocks) = match options {
        None => (None, None),
        Some(MineOptions::Timestamp(timestamp)) => (Some(timestamp), None),
        Some(MineOptions::Options { timestamp, blocks }) => (timestamp, blocks),
    };
    let blocks = blocks.map_or(1, |Number(blocks)| blocks);
    check_count(blocks)?;
    if let Some(Number(timestamp)) = timestamp {
        let parent = node.chain.head().header.timestamp;
        if timestamp <= parent || timestamp > MAX_TIMESTAMP {
            return Err(Failure::invalid_params(format!(
                "Timestamp error: {timestamp} is lower than or equal to previous block's timestamp {parent}, or later than {MAX_TIMESTAMP}"
            )));
        }
        node.set(|settings| settings.clock.set_next(timestamp))?;
    }
    for _ in 0..blocks {
        if let Some(block) = one(node)? {
            each(block);
        }
    }
    Ok(())
}

/// A number of blocks, and the seconds by which the time is moved on before each.
fn mine(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let blocks = args.optional()?.map_or(1, |Number(blocks)| blocks);
    let interval: Option<Number> = args.optional()?;
    args.end()?;
    check_count(blocks)?;
    for _ in 0..blocks {
        if let Some(Number(seconds)) = interval {
            let mut fits = true;
            node.set(|settings| fits = settings.clock.increase(clock::now(), seconds))?;
            if !fits {
                return Err(Failure::invalid_params(format!(
                    "Timestamp error: later than {MAX_TIMESTAMP}"
                )));
            }
        }
        one(node)?;
    }
    Ok(())
}

fn check_count(blocks: u64) -> Result<(), Failure> {
    if blocks > MAX_BLOCKS {
        return Err(Failure::invalid_params(format!(
            "{blocks} blocks are too many for one request: at most {MAX_BLOCKS}"
        )));
    }
    Ok(())
}

fn one(node: &Node) -> Result<Option<Arc<BlockRecord>>, DevnetError> {
    // The lock is given back between blocks: others get their turn.
    node.mine(&mut node.writer(), Plan { from_pool: true, ..Plan::default() })
}

/// Whether a transaction is mined as soon as it comes.
fn set_automine(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let on: bool = args.required()?;
    args.end()?;
    node.mining.send_if_modified(|mining| match (on, *mining) {
        (true, Mining::OnDemand) | (false, Mining::Interval(_) | Mining::Manual) => false,
        (true, _) => {
            *mining = Mining::OnDemand;
            true
        }
        (false, _) => {
            *mining = Mining::Manual;
            true
        }
    });
    Ok(())
}

fn automine(node: &Node, args: Args<'_>) -> Result<bool, Failure> {
    args.end()?;
    Ok(*node.mining.borrow() == Mining::OnDemand)
}

/// Seconds between blocks; zero: none come by themselves.
fn set_interval(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let Number(seconds) = args.required()?;
    args.end()?;
    if seconds > MAX_INTERVAL {
        return Err(Failure::invalid_params(format!(
            "{seconds} seconds between blocks are too many: at most {MAX_INTERVAL}"
        )));
    }
    node.mining.send_replace(match seconds {
        0 => Mining::Manual,
        seconds => Mining::Interval(Duration::from_secs(seconds)),
    });
    Ok(())
}

fn interval(node: &Node, args: Args<'_>) -> Result<Option<u64>, Failure> {
    args.end()?;
    Ok(match *node.mining.borrow() {
        Mining::Interval(period) => Some(period.as_secs()),
        Mining::OnDemand | Mining::Manual => None,
    })
}

fn set_gas_limit(node: &Node, mut args: Args<'_>) -> Result<bool, Failure> {
    let Number(gas_limit) = args.required()?;
    args.end()?;
    // The maximum of EIP-1985 and of the EVM's own arithmetic.
    if !(LEAST_GAS_LIMIT..=i64::MAX.cast_unsigned()).contains(&gas_limit) {
        return Err(Failure::invalid_params(format!(
            "gas limit {gas_limit} is out of range: at least {LEAST_GAS_LIMIT}, below 2^63"
        )));
    }
    node.set(|settings| settings.gas_limit = gas_limit)?;
    Ok(true)
}

fn set_coinbase(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let coinbase: Address = args.required()?;
    args.end()?;
    Ok(node.set(|settings| settings.coinbase = coinbase)?)
}

/// Wei for a gas in the next block, after which it follows demand again (EIP-1559).
fn set_base_fee(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let Number(base_fee) = args.required()?;
    args.end()?;
    Ok(node.set(|settings| settings.next_base_fee = Some(base_fee))?)
}
