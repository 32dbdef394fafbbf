//! Changes of the state that no transaction makes: the developer verbs of a devnet, such as setting a balance.

use crate::error::BuildError;
use mezz_evm::StateReader;
use mezz_primitives::{
    Account, AccountDiff, Address, Bytes, Code, SlotDiff, StateDiff, U256, keccak256,
};
use std::collections::BTreeMap;

/// New values of parts of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountPatch {
    /// Nonce.
    pub nonce: Option<u64>,
    /// Wei.
    pub balance: Option<U256>,
    /// Code; empty removes it.
    pub code: Option<Bytes>,
    /// Slots; zero clears one.
    pub storage: BTreeMap<U256, U256>,
}

/// The difference that `patch` makes to `state`.
pub(crate) fn patch_diff<S: StateReader>(
    patch: &BTreeMap<Address, AccountPatch>,
    state: &S,
) -> Result<StateDiff, BuildError>
where
    BuildError: From<S::Error>,
{
    let mut accounts = Vec::new();
    let mut codes = BTreeMap::new();
    for (address, patch) in patch {
        let before = state.account(address)?;
        let mut account = before.unwrap_or_default();
        account.nonce = patch.nonce.unwrap_or(account.nonce);
        account.balance = patch.balance.unwrap_or(account.balance);
        if let Some(code) = &patch.code {
            account.code_hash = keccak256(code);
            if !code.is_empty() {
                codes.insert(account.code_hash, code.clone());
            }
        }
        let mut storage = Vec::new();
        for (slot, after) in &patch.storage {
            let before = state.storage(address, slot)?;
            if before != *after {
                storage.push(SlotDiff { slot: *slot, before, after: *after });
            }
        }
        let had_contents = before.is_some_and(|account| account.has_code());
        if account.is_empty() && (had_contents || storage.iter().any(|slot| !slot.after.is_zero()))
        {
            return Err(BuildError::EmptyAccount(*address));
        }
        let after = (!account.is_empty()).then_some(account);
        if before != after || !storage.is_empty() {
            accounts.push(AccountDiff { address: *address, before, after, storage });
        }
    }
    let codes = codes.into_iter().map(|(hash, bytes)| Code { hash, bytes }).collect();
    Ok(StateDiff { accounts, codes })
}

/// What changed of one account over several differences.
#[derive(Clone, Debug)]
struct Change {
    before: Option<Account>,
    after: Option<Account>,
    /// Before and after, by slot.
    storage: BTreeMap<U256, (U256, U256)>,
}

/// Several consecutive differences as one.
#[derive(Clone, Debug, Default)]
pub(crate) struct MergedDiff {
    accounts: BTreeMap<Address, Change>,
    codes: BTreeMap<mezz_primitives::B256, Bytes>,
}

impl MergedDiff {
    /// Adds the difference that follows those so far.
    pub(crate) fn push(&mut self, next: &StateDiff) {
        for account in &next.accounts {
            let change = self.accounts.entry(account.address).or_insert_with(|| Change {
                before: account.before,
                after: None,
                storage: BTreeMap::new(),
            });
            change.after = account.after;
            for slot in &account.storage {
                change.storage.entry(slot.slot).or_insert((slot.before, slot.after)).1 = slot.after;
            }
        }
        for code in &next.codes {
            self.codes.entry(code.hash).or_insert_with(|| code.bytes.clone());
        }
    }

    /// The whole difference.
    pub(crate) fn finish(self) -> StateDiff {
        let accounts = self
            .accounts
            .into_iter()
            .map(|(address, change)| AccountDiff {
                address,
                before: change.before,
                after: change.after,
                storage: change
                    .storage
                    .into_iter()
                    .filter(|(_, (before, after))| before != after)
                    .map(|(slot, (before, after))| SlotDiff { slot, before, after })
                    .collect(),
            })
            .filter(|diff| diff.before != diff.after || !diff.storage.is_empty())
            .collect();
        let codes = self.codes.into_iter().map(|(hash, bytes)| Code { hash, bytes }).collect();
        StateDiff { accounts, codes }
    }
}
