//! `mezz accounts`: the dev accounts, their keys and what they hold.

use super::Context;
use crate::{Failure, client::Client, units::show_ether};
use serde_json::json;

/// Lists them.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let deployment = context.local()?;
    if deployment.accounts.is_empty() {
        return Err("this chain has no dev accounts: their keys are public".into());
    }
    let l1 = Client::new("L1", &deployment.l1.rpc)?;
    let l2 = Client::new("L2", &deployment.l2.rpc)?;
    let mut rows = Vec::new();
    for (index, account) in deployment.accounts.iter().enumerate() {
        let on_l1 = l1.balance(account.address).await?;
        let on_l2 = l2.balance(account.address).await?;
        context.out.line(format!("({index}) {}", account.address));
        context.out.field("key", account.private_key.to_string());
        context.out.field("L1", show_ether(on_l1));
        context.out.field("L2", show_ether(on_l2));
        rows.push(json!({
            "address": account.address,
            "privateKey": account.private_key,
            "l1": on_l1.to_string(),
            "l2": on_l2.to_string(),
        }));
    }
    context.out.line("\nEverybody knows these keys. Use them on a devnet only.");
    context.out.result(&rows);
    Ok(())
}
