//! Sending without a key.

use super::verb;
use crate::node::Node;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use mezz_primitives::Address;
use mezz_rpc::{Args, Failure};

pub(super) fn register(module: &mut RpcModule<Node>) -> Result<(), RegisterMethodError> {
    verb(module, &["anvil_impersonateAccount", "hardhat_impersonateAccount"], impersonate)?;
    verb(
        module,
        &["anvil_stopImpersonatingAccount", "hardhat_stopImpersonatingAccount"],
        stop_impersonating,
    )?;
    verb(
        module,
        &["anvil_autoImpersonateAccount", "hardhat_autoImpersonateAccount"],
        auto_impersonate,
    )
}

fn impersonate(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let address: Address = args.required()?;
    args.end()?;
    if node.hooks.impersonate(address) {
        Ok(())
    } else {
        Err(Failure::limit("too many impersonated accounts: stop impersonating some"))
    }
}

fn stop_impersonating(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let address = args.required()?;
    args.end()?;
    node.hooks.stop_impersonating(&address);
    Ok(())
}

fn auto_impersonate(node: &Node, mut args: Args<'_>) -> Result<(), Failure> {
    let all = args.required()?;
    args.end()?;
    node.hooks.impersonate_all(all);
    Ok(())
}
