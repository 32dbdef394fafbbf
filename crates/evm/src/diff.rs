//! From what the EVM leaves behind to the difference that a block makes.

use crate::state::StateReader;
use alloc::{collections::BTreeMap, vec::Vec};
use mezz_primitives::{
    Account, AccountDiff, Address, B256, Bytes, SlotDiff, StateDiff, U256, state::Code,
};
use revm::state::{Account as EvmAccount, EvmState};

/// The difference between `before` and the state that a journal has reached.
///
/// The values before are read anew: the journal forgets them at the end of a transaction.
pub(crate) fn state_diff<S: StateReader>(
    state: &EvmState,
    before: &S,
) -> Result<StateDiff, S::Error> {
    let mut touched: Vec<(Address, &EvmAccount)> = state
        .iter()
        .filter(|(_, account)| account.is_touched())
        .map(|(address, account)| (*address, account))
        .collect();
    touched.sort_unstable_by_key(|(address, _)| *address);

    let mut accounts = Vec::with_capacity(touched.len());
    let mut codes: BTreeMap<B256, Bytes> = BTreeMap::new();
    for (address, account) in touched {
        let diff = account_diff(address, account, before)?;
        let had = diff.before.map(|account| account.code_hash);
        if let (Some(after), Some(code)) = (diff.after, &account.info.code)
            && after.has_code()
            && Some(after.code_hash) != had
        {
            codes.entry(after.code_hash).or_insert_with(|| code.original_bytes());
        }
        if diff.before != diff.after || !diff.storage.is_empty() {
            accounts.push(diff);
        }
    }
    let codes = codes.into_iter().map(|(hash, bytes)| Code { hash, bytes }).collect();
    Ok(StateDiff { accounts, codes })
}

fn account_diff<S: StateReader>(
    address: Address,
    account: &EvmAccount,
    before: &S,
) -> Result<AccountDiff, S::Error> {
    // A destroyed account keeps its contents in the journal until it is loaded again.
    let gone = account.is_selfdestructed_locally() || account.is_empty();
    let after = (!gone).then_some(Account {
        nonce: account.info.nonce,
        balance: account.info.balance,
        code_hash: account.info.code_hash,
    });
    let mut storage = Vec::new();
    for (slot, value) in &account.storage {
        let after = if gone { U256::ZERO } else { value.present_value };
        let before = before.storage(&address, slot)?;
        if before != after {
            storage.push(SlotDiff { slot: *slot, before, after });
        }
    }
    storage.sort_unstable_by_key(|diff| diff.slot);
    Ok(AccountDiff { address, before: before.account(&address)?, after, storage })
}
