//! `mezz deposit`: ETH or an ERC-20 from L1 to L2.

use super::Context;
use crate::{
    Failure,
    cli::DepositArgs,
    client::{Client, Receipt},
    deployment::Deployment,
    output::Output,
    units::{parse_amount, parse_ether, show_amount, show_ether},
    wallet,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::{Filter, Log},
    signers::local::PrivateKeySigner,
    sol_types::SolEvent,
};
use mezz_contracts::{
    bindings::{IERC20, IOptimismMintableERC20Factory, IPortal, IStandardBridge},
    predeploys::OPTIMISM_MINTABLE_ERC20_FACTORY,
};
use mezz_primitives::{Transaction, deposit::UserDeposit};
use serde_json::json;

/// Gas on L2 for a deposit of ETH to an account, which runs no code of ours.
const ETH_GAS: u64 = 100_000;
/// Gas on L2 that the bridge asks for to pay a token out.
const TOKEN_GAS: u32 = 200_000;

/// Deposits, and waits until the money is on L2.
pub(crate) async fn run(context: &Context, args: &DepositArgs) -> Result<(), Failure> {
    let deployment = context.chain(&args.target).await?;
    let key = wallet::sender(&args.sender, &deployment.accounts)?;
    let to = args.to.unwrap_or_else(|| key.address());
    let l1 = Client::with_key("L1", &deployment.l1.rpc, key.clone())?;
    let l2 = Client::new("L2", &deployment.l2.rpc)?;
    let receipt = match args.token {
        None => deposit_eth(context.out, &deployment, &l1, to, &args.amount).await?,
        Some(token) => {
            let pair = match args.l2_token {
                Some(l2_token) => l2_token,
                None => counterpart(context.out, &deployment, &l1, key, token).await?,
            };
            deposit_token(context.out, &deployment, &l1, token, pair, to, &args.amount).await?
        }
    };
    let hash = l2_transaction(&receipt, deployment.l1.contract("portal")?)?;
    let step = context.out.step("Waiting for L2");
    step.update("the sequencer includes it with its L1 block");
    let arrived = l2.wait_receipt(hash).await?;
    let block = arrived.block_number;
    if !arrived.succeeded() {
        return Err(format!(
            "the deposit arrived in L2 block {block}, but its call failed there (transaction {hash}); ETH that it carried is on the sender's L2 account"
        )
        .into());
    }
    step.done(&format!("arrived in L2 block {block}"));
    context.out.field("L1 transaction", receipt.transaction_hash.to_string());
    context.out.field("L2 transaction", hash.to_string());
    context.out.result(&json!({
        "l1Transaction": receipt.transaction_hash,
        "l2Transaction": hash,
        "l2Block": block,
        "to": to,
    }));
    Ok(())
}

async fn deposit_eth(
    out: Output,
    deployment: &Deployment,
    l1: &Client,
    to: Address,
    amount: &str,
) -> Result<Receipt, Failure> {
    let wei = parse_ether(amount)?;
    let call = IPortal::depositTransactionCall {
        _to: to,
        _value: wei,
        _gasLimit: ETH_GAS,
        _isCreation: false,
        _data: Bytes::new(),
    };
    let step = out.step("Depositing on L1");
    let receipt = l1.transact(deployment.l1.contract("portal")?, wei, &call).await?;
    step.done(&format!("{} to {to} in L1 block {}", show_ether(wei), receipt.block_number));
    Ok(receipt)
}

async fn deposit_token(
    out: Output,
    deployment: &Deployment,
    l1: &Client,
    token: Address,
    l2_token: Address,
    to: Address,
    amount: &str,
) -> Result<Receipt, Failure> {
    let decimals = l1.call(token, &IERC20::decimalsCall {}).await?;
    let symbol = l1.call(token, &IERC20::symbolCall {}).await?;
    let value = parse_amount(amount, decimals)?;
    let bridge = deployment.l1.contract("l1StandardBridge")?;
    let step = out.step("Approving on L1");
    l1.transact(token, U256::ZERO, &IERC20::approveCall { spender: bridge, value }).await?;
    step.done("the bridge may take the tokens");
    let step = out.step("Depositing on L1");
    let call = IStandardBridge::bridgeERC20ToCall {
        localToken: token,
        remoteToken: l2_token,
        to,
        amount: value,
        minGasLimit: TOKEN_GAS,
        extraData: Bytes::new(),
    };
    let receipt = l1.transact(bridge, U256::ZERO, &call).await?;
    step.done(&format!("{} {symbol} to {to}", show_amount(value, decimals)));
    Ok(receipt)
}

/// The token on L2 that stands for `token`: the factory's, made now if there is none.
async fn counterpart(
    out: Output,
    deployment: &Deployment,
    l1: &Client,
    key: PrivateKeySigner,
    token: Address,
) -> Result<Address, Failure> {
    let l2 = Client::with_key("L2", &deployment.l2.rpc, key)?;
    let event = IOptimismMintableERC20Factory::OptimismMintableERC20Created::SIGNATURE_HASH;
    let filter = Filter::new()
        .address(OPTIMISM_MINTABLE_ERC20_FACTORY)
        .event_signature(event)
        .topic2(token.into_word())
        .from_block(0);
    let made: Vec<Log> = l2.request("eth_getLogs", (filter,)).await?;
    if let Some(log) = made.first() {
        return Ok(created(&log.inner)?);
    }
    let symbol = l1.call(token, &IERC20::symbolCall {}).await?;
    let decimals = l1.call(token, &IERC20::decimalsCall {}).await?;
    let step = out.step("Making the token on L2");
    let call = IOptimismMintableERC20Factory::createOptimismMintableERC20WithDecimalsCall {
        remoteToken: token,
        name: symbol.clone(),
        symbol,
        decimals,
    };
    let receipt = l2.transact(OPTIMISM_MINTABLE_ERC20_FACTORY, U256::ZERO, &call).await?;
    let log = receipt
        .logs
        .iter()
        .find(|log| log.topic0() == Some(&event))
        .ok_or("the factory on L2 made no token")?;
    let address = created(&log.inner)?;
    step.done(&address.to_string());
    Ok(address)
}

fn created(log: &alloy::primitives::Log) -> Result<Address, &'static str> {
    IOptimismMintableERC20Factory::OptimismMintableERC20Created::decode_log(log)
        .map(|event| event.localToken)
        .map_err(|_| "the factory on L2 logged something unreadable")
}

/// The L2 transaction that the deposit in an L1 receipt becomes.
fn l2_transaction(receipt: &Receipt, portal: Address) -> Result<B256, &'static str> {
    let unreadable = "the L1 receipt has no deposit in it";
    let block = receipt.block_hash;
    receipt
        .logs
        .iter()
        .filter(|log| log.address() == portal)
        .find_map(|log| UserDeposit::from_log(&log.inner, log.log_index?).ok())
        .map(|deposit| Transaction::from(deposit.to_transaction(block)).tx_hash())
        .ok_or(unreadable)
}
