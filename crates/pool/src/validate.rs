//! The rules that need neither the state nor the other transactions.

use crate::{BlobCheck, PoolConfig, PoolError, error::AddResult, transaction::NewTransaction};
use alloy_consensus::Transaction as _;
use alloy_eips::{eip2718::Typed2718, eip7623};
use mezz_primitives::Transaction;

/// Most bytes of creation code (EIP-3860).
const MAX_INITCODE_BYTES: usize = 49_152;
const TX_GAS: u64 = 21_000;
const CREATE_GAS: u64 = 32_000;
const INITCODE_WORD_GAS: u64 = 2;
const ACCESS_LIST_ADDRESS_GAS: u64 = 2_400;
const ACCESS_LIST_SLOT_GAS: u64 = 1_900;
const AUTHORIZATION_GAS: u64 = 25_000;
const SET_CODE_TX_TYPE: u8 = 4;
const BLOB_TX_TYPE: u8 = 3;

/// Checks `tx`, whose canonical form has `encoded_len` bytes, as far as its sender and its blobs do
/// not matter.
pub(crate) fn screen(config: &PoolConfig, tx: &Transaction, encoded_len: usize) -> AddResult<()> {
    let ty = tx.ty();
    if tx.is_deposit() || (ty == BLOB_TX_TYPE && config.max_blobs_per_tx.is_none()) {
        return Err(PoolError::TypeNotSupported(ty));
    }
    if encoded_len > config.max_tx_bytes {
        return Err(PoolError::Oversized { size: encoded_len, limit: config.max_tx_bytes });
    }
    if let Some(have) = tx.chain_id()
        && have != config.chain_id
    {
        return Err(PoolError::InvalidChainId { have, want: config.chain_id });
    }
    if tx.nonce() == u64::MAX {
        return Err(PoolError::NonceMax);
    }
    if tx.is_create() {
        if ty == BLOB_TX_TYPE || ty == SET_CODE_TX_TYPE {
            return Err(PoolError::CreateNotAllowed(ty));
        }
        if tx.input().len() > MAX_INITCODE_BYTES {
            return Err(PoolError::InitCodeTooLarge {
                size: tx.input().len(),
                limit: MAX_INITCODE_BYTES,
            });
        }
    }
    gas(config, tx)?;
    fees(config, tx)?;
    if ty == SET_CODE_TX_TYPE && tx.authorization_list().is_none_or(<[_]>::is_empty) {
        return Err(PoolError::EmptyAuthorizationList);
    }
    Ok(())
}

fn gas(config: &PoolConfig, tx: &Transaction) -> AddResult<()> {
    let gas = tx.gas_limit();
    if let Some(cap) = config.tx_gas_cap
        && gas > cap
    {
        return Err(PoolError::GasLimitTooHigh { cap, gas });
    }
    let needed = intrinsic_gas(tx);
    if gas < needed {
        return Err(PoolError::IntrinsicGas { gas, needed });
    }
    let needed = floor_gas(tx);
    if gas < needed {
        return Err(PoolError::FloorDataGas { gas, needed });
    }
    Ok(())
}

fn fees(config: &PoolConfig, tx: &Transaction) -> AddResult<()> {
    let fee_cap = tx.max_fee_per_gas();
    let tip = tx.priority_fee_or_price();
    if tip > fee_cap {
        return Err(PoolError::TipAboveFeeCap { tip, fee_cap });
    }
    if tip < config.min_tip {
        return Err(PoolError::TipTooLow { tip, needed: config.min_tip });
    }
    if fee_cap < config.min_fee_cap {
        return Err(PoolError::FeeCapTooLow { fee_cap, needed: config.min_fee_cap });
    }
    if let Some(fee_cap) = tx.max_fee_per_blob_gas() {
        let needed = alloy_eips::eip4844::BLOB_TX_MIN_BLOB_GASPRICE;
        if fee_cap < needed {
            return Err(PoolError::BlobFeeCapTooLow { fee_cap, needed });
        }
    }
    Ok(())
}

/// Checks that the blobs of `new` are there and are its own; their proofs come last.
pub(crate) fn check_blobs(
    config: &PoolConfig,
    blob_check: Option<&BlobCheck>,
    new: &NewTransaction,
) -> AddResult<()> {
    let Some(hashes) = new.tx.tx.blob_versioned_hashes() else {
        return match new.sidecar {
            None => Ok(()),
            Some(_) => Err(PoolError::UnexpectedSidecar),
        };
    };
    if hashes.is_empty() {
        return Err(PoolError::NoBlobs);
    }
    let max = config.max_blobs_per_tx.unwrap_or_default();
    if hashes.len() > max {
        return Err(PoolError::TooManyBlobs { have: hashes.len(), max });
    }
    let sidecar = new.sidecar.as_ref().ok_or(PoolError::MissingSidecar)?;
    if sidecar.blobs().len() != hashes.len()
        || !sidecar.versioned_hashes().eq(hashes.iter().copied())
    {
        return Err(PoolError::InvalidSidecar(
            "the blobs are not those that the transaction names".into(),
        ));
    }
    blob_check.map_or(Ok(()), |check| check(hashes, sidecar)).map_err(PoolError::InvalidSidecar)
}

/// Gas that `tx` costs before its first instruction (EIP-2028, 2930, 3860, 7702).
pub fn intrinsic_gas(tx: &Transaction) -> u64 {
    let input = tx.input();
    let mut gas = TX_GAS.saturating_add(
        eip7623::STANDARD_TOKEN_COST.saturating_mul(eip7623::tokens_in_calldata(input)),
    );
    if tx.is_create() {
        let words = (input.len() as u64).div_ceil(32);
        gas = gas.saturating_add(CREATE_GAS).saturating_add(words * INITCODE_WORD_GAS);
    }
    if let Some(list) = tx.access_list() {
        let slots: usize = list.iter().map(|item| item.storage_keys.len()).sum();
        gas = gas
            .saturating_add(list.len() as u64 * ACCESS_LIST_ADDRESS_GAS)
            .saturating_add(slots as u64 * ACCESS_LIST_SLOT_GAS);
    }
    let authorizations = tx.authorization_list().map_or(0, <[_]>::len) as u64;
    gas.saturating_add(authorizations * AUTHORIZATION_GAS)
}

/// Least gas that the calldata of `tx` costs (EIP-7623).
pub fn floor_gas(tx: &Transaction) -> u64 {
    eip7623::transaction_floor_cost(eip7623::tokens_in_calldata(tx.input()))
}
