//! Accounts, their storage and proofs of both.

use crate::{Args, Failure, context::Context, expected, methods::Table};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{U64, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::JsonStorageKey;
use jsonrpsee::core::RegisterMethodError;
use mezz_evm::StateReader as _;
use mezz_primitives::{Account, Address, B256, Bytes};

pub(super) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getBalance", balance)?;
    table.read("eth_getCode", code)?;
    table.read("eth_getStorageAt", storage)?;
    table.read("eth_getTransactionCount", nonce)?;
    table.read("eth_getProof", proof)
}

fn account(
    context: &Context,
    address: Address,
    id: Option<BlockId>,
) -> Result<Option<Account>, Failure> {
    context.state(id)?.account(&address).map_err(Failure::internal)
}

fn balance(context: &Context, mut args: Args<'_>) -> Result<U256, Failure> {
    let address = args.required()?;
    let id = args.optional()?;
    args.end()?;
    Ok(account(context, address, id)?.map(|account| account.balance).unwrap_or_default())
}

fn code(context: &Context, mut args: Args<'_>) -> Result<Bytes, Failure> {
    let address: Address = args.required()?;
    let id = args.optional()?;
    args.end()?;
    context.state(id)?.account_code(&address).map_err(Failure::internal)
}

fn storage(context: &Context, mut args: Args<'_>) -> Result<B256, Failure> {
    let address = args.required()?;
    let key: JsonStorageKey = args.required_as(expected::storage_key)?;
    let id = args.optional()?;
    args.end()?;
    let slot = key.as_b256().into();
    let value = context.state(id)?.storage(&address, &slot).map_err(Failure::internal)?;
    Ok(value.into())
}

fn nonce(context: &Context, mut args: Args<'_>) -> Result<U64, Failure> {
    let address = args.required()?;
    let id: Option<BlockId> = args.optional()?;
    args.end()?;
    let mined = account(context, address, id)?.map(|account| account.nonce).unwrap_or_default();
    let pending = match id {
        Some(BlockId::Number(BlockNumberOrTag::Pending)) => {
            context.pool.nonce(&address).map_err(Failure::internal)?
        }
        _ => 0,
    };
    Ok(U64::from(pending.max(mined)))
}

fn proof(context: &Context, mut args: Args<'_>) -> Result<EIP1186AccountProofResponse, Failure> {
    let address: Address = args.required()?;
    let keys: Vec<JsonStorageKey> = args.optional_as(expected::storage_keys)?.unwrap_or_default();
    let id = args.optional()?;
    args.end()?;
    let limit = context.limits.max_proof_keys;
    if keys.len() > limit {
        let asked = keys.len();
        let message = format!("too many keys: {asked}, at most {limit}; ask in several requests");
        return Err(Failure::limit(message));
    }
    let state = context.state(id)?;
    let account = state.account(&address).map_err(Failure::internal)?;
    let account_proof = state.account_proof(&address);
    let storage_hash = state.storage_root(&address);
    let mut storage_proof = Vec::with_capacity(keys.len());
    for key in keys {
        let slot = key.as_b256().into();
        storage_proof.push(EIP1186StorageProof {
            key,
            value: state.storage(&address, &slot).map_err(Failure::internal)?,
            proof: state.storage_proof(&address, &slot),
        });
    }
    let account = account.unwrap_or_default();
    Ok(EIP1186AccountProofResponse {
        address,
        balance: account.balance,
        code_hash: account.code_hash,
        nonce: account.nonce,
        storage_hash,
        account_proof,
        storage_proof,
    })
}
