//! `mezz send`: a transaction on L2.

use super::Context;
use crate::{Failure, cli::SendArgs, client::Client, units::show_ether, wallet};
use serde_json::json;

/// Sends it and waits for its receipt.
pub(crate) async fn run(context: &Context, args: &SendArgs) -> Result<(), Failure> {
    let deployment = context.chain(&args.target).await?;
    let key = wallet::sender(&args.sender, &deployment.accounts)?;
    let to = wallet::address(&args.to, &deployment.accounts)?;
    let from = key.address();
    let l2 = Client::with_key("L2", &deployment.l2.rpc, key)?;
    let step = context.out.step("Sending on L2");
    let receipt = l2.send(Some(to), args.amount, args.data.clone()).await?;
    let block = receipt.block_number;
    step.done(&format!("{} to {to} in block {block}", show_ether(args.amount)));
    context.out.field("transaction", receipt.transaction_hash.to_string());
    context.out.field("fee", show_ether(receipt.fee()));
    context.out.result(&json!({
        "transaction": receipt.transaction_hash,
        "block": block,
        "from": from,
        "to": to,
        "gasUsed": receipt.gas_used,
        "fee": receipt.fee().to_string(),
    }));
    Ok(())
}
