//! `mezz l1`: the clock and the blocks of a development L1.

use super::Context;
use crate::{
    Failure,
    cli::L1Verb,
    client::Client,
    units::{show_duration, show_ether},
};
use alloy::{primitives::U256, providers::Provider};
use serde_json::{Value, json};

/// Does what the verb says.
pub(crate) async fn run(context: &Context, verb: &L1Verb) -> Result<(), Failure> {
    let deployment = context.local()?;
    let l1 = Client::new("L1", &deployment.l1.rpc)?;
    let out = context.out;
    match verb {
        L1Verb::IncreaseTime { by } => {
            let _: Value = l1.request("evm_increaseTime", (by.as_secs(),)).await?;
            let _: Value = l1.request("evm_mine", ()).await?;
            let now = l1.now().await?;
            out.line(format!("L1 is {} later; its time is {now}.", show_duration(*by)));
            out.result(&json!({ "timestamp": now }));
        }
        L1Verb::Mine { blocks } => {
            let _: Value = l1.request("anvil_mine", (U256::from(*blocks),)).await?;
            head(context, &l1).await?;
        }
        L1Verb::Reorg { depth } => {
            let none: [Value; 0] = [];
            let _: Value = l1.request("anvil_reorg", (*depth, none)).await?;
            let blocks = if *depth == 1 { "block" } else { "blocks" };
            out.line(format!("Replaced {depth} {blocks}."));
            head(context, &l1).await?;
        }
        L1Verb::Snapshot => {
            let id: U256 = l1.request("evm_snapshot", ()).await?;
            out.line(format!("Snapshot {id}. `mezz l1 revert {id}` goes back to it."));
            out.result(&json!({ "id": id.to_string() }));
        }
        L1Verb::Revert { id } => {
            let done: bool = l1.request("evm_revert", (*id,)).await?;
            if !done {
                return Err(format!("there is no snapshot {id}").into());
            }
            head(context, &l1).await?;
        }
        L1Verb::SetBalance { address, amount } => {
            let _: Value = l1.request("anvil_setBalance", (*address, *amount)).await?;
            out.line(format!("{address} has {} on L1.", show_ether(*amount)));
            out.result(&json!({ "address": address, "balance": amount.to_string() }));
        }
    }
    Ok(())
}

async fn head(context: &Context, l1: &Client) -> Result<(), Failure> {
    let number = l1
        .provider()
        .get_block_number()
        .await
        .map_err(|error| l1.error("eth_blockNumber", &error))?;
    context.out.line(format!("L1 is at block {number}."));
    context.out.result(&json!({ "block": number }));
    Ok(())
}
