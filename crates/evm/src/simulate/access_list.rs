//! The access list that makes a call cheapest.

use super::{CallOutcome, CallRequest, Simulator};
use crate::{context::BlockContext, error::ExecuteError, spec::ChainSpec, state::StateReader};
use alloc::vec::Vec;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use mezz_primitives::B256;
use revm::{
    precompile::{PrecompileSpecId, Precompiles},
    primitives::hardfork::SpecId,
    state::EvmState,
};

/// Runs at most this often: each access that a list makes cheaper may lead to others.
const MAX_ROUNDS: usize = 16;

/// An access list and what the call did with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessListOutcome {
    /// Accounts and slots, both sorted.
    pub access_list: AccessList,
    /// The call with the list; its gas is what the list leaves.
    pub outcome: CallOutcome,
}

/// Finds what `request` accesses in `block`. Sender, callee, beneficiary, precompiles, authorities
/// and contracts that the call creates are warm without a list and are in it only with their slots.
pub fn create_access_list<S: StateReader>(
    spec: &ChainSpec,
    block: &BlockContext,
    state: &S,
    request: &CallRequest,
    gas_cap: u64,
) -> Result<AccessListOutcome, ExecuteError<S::Error>> {
    // Without a fee, so that fees bring no account in.
    let mut request = CallRequest {
        gas_price: request.gas_price.map(|_| 0),
        max_fee_per_gas: None,
        max_priority_fee_per_gas: None,
        ..request.clone()
    };
    let mut rounds = 0;
    loop {
        let mut simulator = Simulator::new(spec, block, state);
        let outcome = simulator.call(&request, gas_cap)?;
        let found = accessed(&simulator.into_evm_state(), block, &request);
        rounds += 1;
        if found == request.access_list || rounds == MAX_ROUNDS {
            return Ok(AccessListOutcome { access_list: found, outcome });
        }
        request.access_list = found;
    }
}

fn accessed(state: &EvmState, block: &BlockContext, request: &CallRequest) -> AccessList {
    let precompiles = Precompiles::new(PrecompileSpecId::from_spec_id(SpecId::OSAKA));
    let mut items: Vec<AccessListItem> = Vec::new();
    for (address, account) in state {
        let warm_anyway = *address == request.from
            || Some(address) == request.to.to()
            || *address == block.attributes.beneficiary
            || precompiles.contains(address)
            || account.is_created()
            || request
                .authorization_list
                .iter()
                .any(|authorization| authorization.recover_authority().ok() == Some(*address));
        if (warm_anyway && account.storage.is_empty()) || account.is_created() {
            continue;
        }
        let mut storage_keys: Vec<B256> =
            account.storage.keys().map(|slot| B256::from(*slot)).collect();
        storage_keys.sort_unstable();
        items.push(AccessListItem { address: *address, storage_keys });
    }
    items.sort_unstable_by_key(|item| item.address);
    AccessList(items)
}
