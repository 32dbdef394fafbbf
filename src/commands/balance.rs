//! `mezz balance`: what accounts hold on both layers.

use super::Context;
use crate::{
    Failure,
    cli::BalanceArgs,
    client::{Client, ClientError},
    units::{show_amount, show_ether},
    wallet,
};
use alloy::primitives::{Address, U256};
use mezz_contracts::bindings::IERC20;
use serde_json::json;

/// Shows them.
pub(crate) async fn run(context: &Context, args: &BalanceArgs) -> Result<(), Failure> {
    let deployment = context.chain(&args.target).await?;
    let l1 = Client::new("L1", &deployment.l1.rpc)?;
    let l2 = Client::new("L2", &deployment.l2.rpc)?;
    let addresses = if args.accounts.is_empty() {
        if deployment.accounts.is_empty() {
            return Err("name an address: this chain has no dev accounts".into());
        }
        deployment.accounts.iter().map(|account| account.address).collect()
    } else {
        args.accounts
            .iter()
            .map(|text| wallet::address(text, &deployment.accounts))
            .collect::<Result<Vec<_>, _>>()?
    };
    let mut rows = Vec::new();
    for address in addresses {
        let (amount1, text1) = amount(&l1, address, args.l1_token).await?;
        let (amount2, text2) = amount(&l2, address, args.token).await?;
        context.out.line(format!("{address}"));
        context.out.field("L1", text1);
        context.out.field("L2", text2);
        rows.push(json!({
            "address": address,
            "l1": amount1.to_string(),
            "l2": amount2.to_string(),
        }));
    }
    context.out.result(&rows);
    Ok(())
}

async fn amount(
    client: &Client,
    address: Address,
    token: Option<Address>,
) -> Result<(U256, String), ClientError> {
    let Some(token) = token else {
        let wei = client.balance(address).await?;
        return Ok((wei, show_ether(wei)));
    };
    let amount = client.call(token, &IERC20::balanceOfCall { account: address }).await?;
    let decimals = client.call(token, &IERC20::decimalsCall {}).await?;
    let symbol = client.call(token, &IERC20::symbolCall {}).await?;
    Ok((amount, format!("{} {symbol}", show_amount(amount, decimals))))
}
