//! What a client wants different in a call: accounts and block fields.

use crate::Failure;
use alloy_primitives::U256;
use alloy_rpc_types_eth::{
    BlockOverrides,
    state::{AccountOverride as RpcAccountOverride, StateOverride as RpcStateOverride},
};
use mezz_evm::{
    is_precompile,
    simulate::{AccountOverride, BlockOverride, StateOverride},
};
use mezz_primitives::Address;

/// A precompiled contract is to be moved to where it is (execution-apis, `eth_simulateV1`).
const MOVED_TO_ITSELF: i32 = -38_022;
/// Two precompiled contracts are to be moved to one address.
const MOVED_TO_ONE: i32 = -38_023;

/// The accounts that are different. Error: they contradict each other.
pub(crate) fn state_override(accounts: RpcStateOverride) -> Result<StateOverride, Failure> {
    let overrides = accounts
        .into_iter()
        .map(|(address, account)| Ok((address, account_override(account)?)))
        .collect::<Result<StateOverride, Failure>>()?;
    let mut targets = Vec::new();
    for (address, account) in &overrides {
        let Some(to) = account.move_precompile_to else { continue };
        check_move(*address, to, &overrides)?;
        if targets.contains(&to) {
            let message = format!("two precompiles are moved to {to}");
            return Err(Failure::new(MOVED_TO_ONE, message));
        }
        targets.push(to);
    }
    Ok(overrides)
}

fn check_move(from: Address, to: Address, overrides: &StateOverride) -> Result<(), Failure> {
    if from == to {
        let message = format!("movePrecompileToAddress of {from} names the same address");
        return Err(Failure::new(MOVED_TO_ITSELF, message));
    }
    if !is_precompile(&from) {
        return Err(Failure::server(format!("account {from} is not a precompile")));
    }
    if overrides.contains_key(&to) {
        return Err(Failure::server(format!("account {to} is already overridden")));
    }
    Ok(())
}

fn account_override(account: RpcAccountOverride) -> Result<AccountOverride, Failure> {
    if account.state.is_some() && account.state_diff.is_some() {
        return Err(Failure::invalid_params("account has both 'state' and 'stateDiff'"));
    }
    Ok(AccountOverride {
        balance: account.balance,
        nonce: account.nonce,
        code: account.code,
        state: account.state.map(|slots| slots.into_iter().collect()),
        state_diff: account.state_diff.unwrap_or_default().into_iter().collect(),
        move_precompile_to: account.move_precompile_to,
    })
}

/// The block fields that are different. Error: a number is too large for its field.
pub(crate) fn block_override(block: BlockOverrides) -> Result<BlockOverride, Failure> {
    fn fits<T: TryFrom<U256>>(name: &str, value: Option<U256>) -> Result<Option<T>, Failure> {
        value
            .map(|value| {
                T::try_from(value).map_err(|_| {
                    Failure::invalid_params(format!("block override {name} is too large"))
                })
            })
            .transpose()
    }
    Ok(BlockOverride {
        number: fits("number", block.number)?,
        timestamp: block.time,
        gas_limit: block.gas_limit,
        beneficiary: block.coinbase,
        prev_randao: block.random,
        beacon_root: block.beacon_root,
        base_fee: fits("baseFeePerGas", block.base_fee)?,
        blob_base_fee: fits("blobBaseFee", block.blob_base_fee)?,
        block_hashes: block.block_hash.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;

    #[test]
    fn overrides_that_contradict_or_do_not_fit_are_refused() {
        let both = RpcAccountOverride {
            state: Some(Default::default()),
            state_diff: Some(Default::default()),
            ..Default::default()
        };
        assert!(account_override(both).is_err());
        let wide = BlockOverrides { number: Some(U256::MAX), ..Default::default() };
        assert!(block_override(wide).is_err());
        let slots = [(B256::ZERO, B256::with_last_byte(1))].into_iter().collect();
        let one = RpcAccountOverride { state_diff: Some(slots), ..Default::default() };
        assert_eq!(account_override(one).unwrap().state_diff.len(), 1);
    }

    #[test]
    fn precompiles_move_to_free_places_only() {
        let at = Address::with_last_byte;
        let moves = |pairs: &[(u8, u8)]| {
            let accounts = pairs.iter().map(|(from, to)| {
                let account =
                    RpcAccountOverride { move_precompile_to: Some(at(*to)), ..Default::default() };
                (at(*from), account)
            });
            state_override(accounts.collect())
        };
        assert!(moves(&[(1, 0xf1), (2, 0xf2)]).is_ok());
        assert_eq!(moves(&[(1, 1)]).unwrap_err().code, MOVED_TO_ITSELF);
        assert_eq!(moves(&[(1, 0xf1), (2, 0xf1)]).unwrap_err().code, MOVED_TO_ONE);
        assert_eq!(moves(&[(0xf0, 0xf1)]).unwrap_err().code, -32000);
        assert_eq!(moves(&[(1, 2), (2, 0xf1)]).unwrap_err().code, -32000);
    }
}
