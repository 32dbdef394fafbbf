//! Changes of accounts that no transaction makes. Each mines a block without transactions.

use super::{
    args::{Big, Number},
    verb,
};
use crate::node::{Node, Plan};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_chain::AccountPatch;
use mezz_evm::StateReader;
use mezz_primitives::{Address, Bytes, U256};
use mezz_rpc::{Args, Failure};
use std::collections::BTreeMap;

/// Bytes of code that are accepted: four times what a transaction can deploy.
const MAX_CODE: usize = 4 * 24_576;

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(
        module,
        &["anvil_setBalance", "hardhat_setBalance", "evm_setAccountBalance"],
        set_balance,
    )?;
    verb(module, &["anvil_addBalance", "hardhat_addBalance"], add_balance)?;
    verb(module, &["anvil_setNonce", "hardhat_setNonce", "evm_setAccountNonce"], set_nonce)?;
    verb(module, &["anvil_setCode", "hardhat_setCode", "evm_setAccountCode"], set_code)?;
    verb(
        module,
        &["anvil_setStorageAt", "hardhat_setStorageAt", "evm_setAccountStorageAt"],
        set_storage_at,
    )
}

fn set_balance(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let address = args.required()?;
    let Big(balance) = args.required()?;
    args.end()?;
    patch(node, address, AccountPatch { balance: Some(balance), ..Default::default() })
}

fn add_balance(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let address: Address = args.required()?;
    let Big(more) = args.required()?;
    args.end()?;
    let state = node.chain.state().map_err(Failure::internal)?;
    let account = state.account(&address).map_err(Failure::internal)?.unwrap_or_default();
    let balance = Some(account.balance.saturating_add(more));
    patch(node, address, AccountPatch { balance, ..Default::default() })
}

fn set_nonce(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let address = args.required()?;
    let Number(nonce) = args.required()?;
    args.end()?;
    patch(node, address, AccountPatch { nonce: Some(nonce), ..Default::default() })
}

fn set_code(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let address = args.required()?;
    let code: Bytes = args.required()?;
    args.end()?;
    if code.len() > MAX_CODE {
        return Err(Failure::invalid_params(format!(
            "{} bytes of code are too many: at most {MAX_CODE}",
            code.len()
        )));
    }
    patch(node, address, AccountPatch { code: Some(code), ..Default::default() })
}

fn set_storage_at(node: &Node, mut args: Args<'_>) -> Result<bool, Failure> {
    let address = args.required()?;
    let Big(slot) = args.required()?;
    let Big(value) = args.required()?;
    args.end()?;
    let storage: BTreeMap<U256, U256> = [(slot, value)].into();
    patch(node, address, AccountPatch { storage, ..Default::default() })?;
    Ok(true)
}

fn patch(node: &Node, address: Address, patch: AccountPatch) -> Result<(), Failure> {
    let plan = Plan { patch: [(address, patch)].into(), ..Plan::default() };
    node.mine(&mut node.writer(), plan)?;
    Ok(())
}
