//! Accounts, and the difference that a block makes to the state.

use alloc::vec::Vec;
use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{Decodable, Encodable, Header, RlpDecodable, RlpEncodable};

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// keccak-256 of the code; of nothing if there is none.
    pub code_hash: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK_EMPTY }
    }
}

impl Account {
    /// Whether the account does not exist for EIP-161: no nonce, no balance, no code.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK_EMPTY
    }

    /// Whether the account has code.
    pub fn has_code(&self) -> bool {
        self.code_hash != KECCAK_EMPTY
    }
}

/// The change of one storage slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct SlotDiff {
    /// The slot, before hashing.
    pub slot: U256,
    /// Its value before the block; zero if absent.
    pub before: U256,
    /// Its value after the block; zero if absent.
    pub after: U256,
}

/// The change of one account.
///
/// Since Cancun an account that has storage never disappears except in the transaction that
/// created it, so a difference lists every slot that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDiff {
    /// Whose account.
    pub address: Address,
    /// The account before, if it existed.
    pub before: Option<Account>,
    /// The account after, if it exists.
    pub after: Option<Account>,
    /// Changed slots, ordered by slot.
    pub storage: Vec<SlotDiff>,
}

/// All that a block changes in the state. Applying it forward or inverted needs nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct StateDiff {
    /// Changed accounts, ordered by address.
    pub accounts: Vec<AccountDiff>,
    /// Code that the block brought, by its hash. Never taken back: code is addressed by content.
    pub codes: Vec<Code>,
}

/// Contract code and its hash.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Code {
    /// keccak-256 of the bytes.
    pub hash: B256,
    /// The bytes.
    pub bytes: Bytes,
}

impl StateDiff {
    /// The difference that takes the state back.
    pub fn inverted(&self) -> Self {
        let accounts = self
            .accounts
            .iter()
            .map(|account| AccountDiff {
                address: account.address,
                before: account.after,
                after: account.before,
                storage: account
                    .storage
                    .iter()
                    .map(|s| SlotDiff { slot: s.slot, before: s.after, after: s.before })
                    .collect(),
            })
            .collect();
        Self { accounts, codes: Vec::new() }
    }
}

fn option_list(account: &Option<Account>) -> Vec<Account> {
    account.iter().copied().collect()
}

fn option_from_list(mut list: Vec<Account>) -> alloy_rlp::Result<Option<Account>> {
    if list.len() > 1 {
        return Err(alloy_rlp::Error::Custom("more than one account"));
    }
    Ok(list.pop())
}

impl AccountDiff {
    fn payload_length(&self) -> usize {
        self.address.length()
            + option_list(&self.before).length()
            + option_list(&self.after).length()
            + self.storage.length()
    }
}

impl Encodable for AccountDiff {
    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        Header { list: true, payload_length: self.payload_length() }.encode(out);
        self.address.encode(out);
        option_list(&self.before).encode(out);
        option_list(&self.after).encode(out);
        self.storage.encode(out);
    }

    fn length(&self) -> usize {
        let payload_length = self.payload_length();
        Header { list: true, payload_length }.length() + payload_length
    }
}

impl Decodable for AccountDiff {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let mut payload = Header::decode_bytes(buf, true)?;
        let diff = Self {
            address: Decodable::decode(&mut payload)?,
            before: option_from_list(Decodable::decode(&mut payload)?)?,
            after: option_from_list(Decodable::decode(&mut payload)?)?,
            storage: Decodable::decode(&mut payload)?,
        };
        if !payload.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength);
        }
        Ok(diff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff() -> StateDiff {
        StateDiff {
            accounts: alloc::vec![AccountDiff {
                address: Address::repeat_byte(1),
                before: None,
                after: Some(Account { nonce: 1, ..Account::default() }),
                storage: alloc::vec![SlotDiff {
                    slot: U256::from(3),
                    before: U256::ZERO,
                    after: U256::MAX
                }],
            }],
            codes: alloc::vec![Code { hash: KECCAK_EMPTY, bytes: Bytes::new() }],
        }
    }

    #[test]
    fn rlp_keeps_every_field() {
        let bytes = alloy_rlp::encode(diff());
        assert_eq!(alloy_rlp::decode_exact::<StateDiff>(&bytes).unwrap(), diff());
    }

    #[test]
    fn inverted_twice_is_the_same_accounts() {
        assert_eq!(diff().inverted().inverted().accounts, diff().accounts);
        assert_eq!(diff().inverted().accounts[0].after, None);
    }
}
