//! Deposits: from a log of the portal on L1 to a transaction on L2.

use crate::TxDeposit;
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, address, b256, keccak256};

/// Topic of `TransactionDeposited(address indexed from, address indexed to, uint256 indexed
/// version, bytes opaqueData)`.
pub const TRANSACTION_DEPOSITED_TOPIC: B256 =
    b256!("b3813568d9991fc951961fcb4c784893574240a28925604d09fc577c55bb7c32");

/// Added to an L1 contract's address when it deposits, so that it can never act on L2 as the
/// account that has the same address there.
const ALIAS_OFFSET: Address = address!("1111000000000000000000000000000000001111");

/// Domain of a user's deposit in the source hash.
const USER_DOMAIN: u8 = 0;
/// Domain of the L1 attributes in the source hash.
const L1_INFO_DOMAIN: u8 = 1;

/// Fixed part of version 0 of the opaque data: mint, value, gas limit, creation flag.
const OPAQUE_FIXED_LEN: usize = 32 + 32 + 8 + 1;

/// Why a log of the portal is not a deposit.
///
/// The portal contract writes none of these; an implementation that met one would stop rather
/// than skip it, since skipping would lose somebody's ether.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DepositError {
    /// The log's first topic is another event's, or a topic is missing.
    #[error("not a TransactionDeposited log")]
    NotADeposit,
    /// The deposit version is not 0.
    #[error("unknown deposit version")]
    UnknownVersion,
    /// A topic does not hold an address.
    #[error("a topic of the deposit is not an address")]
    InvalidAddress,
    /// The opaque data is not ABI-encoded bytes, or too short.
    #[error("malformed opaque data")]
    MalformedData,
    /// More wei than 128 bits hold.
    #[error("the deposit mints more than 2^128 wei")]
    MintTooLarge,
}

/// A user's deposit as L1 recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDeposit {
    /// Index of the log in its L1 block.
    pub log_index: u64,
    /// The depositor, aliased by the portal if it is a contract.
    pub from: Address,
    /// The callee, or creation.
    pub to: TxKind,
    /// Wei minted: what was paid to the portal.
    pub mint: u128,
    /// Wei sent with the call.
    pub value: U256,
    /// Gas bought on L1.
    pub gas_limit: u64,
    /// Calldata or creation code.
    pub data: Bytes,
}

impl UserDeposit {
    /// Reads a `TransactionDeposited` log; `log_index` is its index in the L1 block.
    pub fn from_log(log: &Log, log_index: u64) -> Result<Self, DepositError> {
        let [event, from, to, version] = log.topics() else {
            return Err(DepositError::NotADeposit);
        };
        if *event != TRANSACTION_DEPOSITED_TOPIC {
            return Err(DepositError::NotADeposit);
        }
        if !version.is_zero() {
            return Err(DepositError::UnknownVersion);
        }
        let from = topic_address(from)?;
        let to = topic_address(to)?;
        let data = abi_bytes(&log.data.data).ok_or(DepositError::MalformedData)?;
        let (fixed, data) =
            data.split_at_checked(OPAQUE_FIXED_LEN).ok_or(DepositError::MalformedData)?;
        let mint = U256::from_be_slice(&fixed[..32]);
        let mint = u128::try_from(mint).map_err(|_| DepositError::MintTooLarge)?;
        let value = U256::from_be_slice(&fixed[32..64]);
        let mut gas_limit = [0u8; 8];
        gas_limit.copy_from_slice(&fixed[64..72]);
        let to = match fixed[72] {
            0 => TxKind::Call(to),
            1 => TxKind::Create,
            _ => return Err(DepositError::MalformedData),
        };
        Ok(Self {
            log_index,
            from,
            to,
            mint,
            value,
            gas_limit: u64::from_be_bytes(gas_limit),
            data: Bytes::copy_from_slice(data),
        })
    }

    /// The transaction on L2 that carries out this deposit of L1 block `l1_hash`.
    pub fn to_transaction(&self, l1_hash: B256) -> TxDeposit {
        TxDeposit {
            source_hash: user_source_hash(l1_hash, self.log_index),
            from: self.from,
            to: self.to,
            mint: self.mint,
            value: self.value,
            gas_limit: self.gas_limit,
            is_system_transaction: false,
            input: self.data.clone(),
        }
    }
}

/// Source hash of the deposit at `log_index` of the L1 block `l1_hash`.
pub fn user_source_hash(l1_hash: B256, log_index: u64) -> B256 {
    source_hash(USER_DOMAIN, l1_hash, log_index)
}

/// Source hash of the L1 attributes of the block `sequence_number` of the epoch of `l1_hash`.
pub fn l1_info_source_hash(l1_hash: B256, sequence_number: u64) -> B256 {
    source_hash(L1_INFO_DOMAIN, l1_hash, sequence_number)
}

fn source_hash(domain: u8, l1_hash: B256, index: u64) -> B256 {
    let mut id = [0u8; 64];
    id[..32].copy_from_slice(l1_hash.as_slice());
    id[56..].copy_from_slice(&index.to_be_bytes());
    let mut preimage = [0u8; 64];
    preimage[31] = domain;
    preimage[32..].copy_from_slice(keccak256(id).as_slice());
    keccak256(preimage)
}

/// The address by which the L1 contract `address` acts on L2.
pub fn alias_l1_address(address: Address) -> Address {
    add_mod_2_160(address, ALIAS_OFFSET)
}

/// The L1 contract whose alias is `address`.
pub fn undo_l1_alias(address: Address) -> Address {
    let value = to_word(address).wrapping_sub(to_word(ALIAS_OFFSET));
    from_word(value)
}

fn add_mod_2_160(a: Address, b: Address) -> Address {
    from_word(to_word(a).wrapping_add(to_word(b)))
}

fn to_word(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}

fn from_word(word: U256) -> Address {
    Address::from_slice(&word.to_be_bytes::<32>()[12..])
}

fn topic_address(topic: &B256) -> Result<Address, DepositError> {
    if topic[..12].iter().any(|byte| *byte != 0) {
        return Err(DepositError::InvalidAddress);
    }
    Ok(Address::from_slice(&topic[12..]))
}

/// The only argument of ABI-encoded data, of type `bytes`, in its canonical encoding.
fn abi_bytes(data: &[u8]) -> Option<&[u8]> {
    let (head, rest) = data.split_at_checked(64)?;
    let offset = U256::from_be_slice(&head[..32]);
    let length = U256::from_be_slice(&head[32..]);
    if offset != U256::from(32) {
        return None;
    }
    rest.get(..usize::try_from(length).ok()?)
}

/// The log that the portal writes for `deposit`: the inverse of [`UserDeposit::from_log`].
pub fn deposit_log(portal: Address, deposit: &UserDeposit) -> Log {
    let mut opaque = Vec::with_capacity(OPAQUE_FIXED_LEN + deposit.data.len());
    opaque.extend_from_slice(&U256::from(deposit.mint).to_be_bytes::<32>());
    opaque.extend_from_slice(&deposit.value.to_be_bytes::<32>());
    opaque.extend_from_slice(&deposit.gas_limit.to_be_bytes());
    opaque.push(u8::from(deposit.to.is_create()));
    opaque.extend_from_slice(&deposit.data);
    let mut data = Vec::with_capacity(64 + opaque.len() + 31);
    data.extend_from_slice(&U256::from(32).to_be_bytes::<32>());
    data.extend_from_slice(&U256::from(opaque.len()).to_be_bytes::<32>());
    data.extend_from_slice(&opaque);
    data.resize(data.len().next_multiple_of(32), 0);
    let to = deposit.to.into_to().unwrap_or_default();
    let topics = alloc::vec![
        TRANSACTION_DEPOSITED_TOPIC,
        deposit.from.into_word(),
        to.into_word(),
        B256::ZERO
    ];
    Log::new_unchecked(portal, topics, data.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deposit(to: TxKind, data: &'static [u8]) -> UserDeposit {
        UserDeposit {
            log_index: 3,
            from: Address::repeat_byte(1),
            to,
            mint: 5,
            value: U256::from(6),
            gas_limit: 100_000,
            data: Bytes::from_static(data),
        }
    }

    #[test]
    fn topic_is_the_events() {
        assert_eq!(
            keccak256("TransactionDeposited(address,address,uint256,bytes)"),
            TRANSACTION_DEPOSITED_TOPIC
        );
    }

    #[test]
    fn log_is_read_back() {
        for to in [TxKind::Create, TxKind::Call(Address::repeat_byte(2))] {
            for data in [&b""[..], b"x", &[7u8; 100]] {
                let deposit = deposit(to, data);
                let log = deposit_log(Address::ZERO, &deposit);
                assert_eq!(UserDeposit::from_log(&log, 3).unwrap(), deposit);
            }
        }
    }

    #[test]
    fn malformed_logs_are_refused() {
        let log = deposit_log(Address::ZERO, &deposit(TxKind::Create, b"code"));
        for length in 0..64 + OPAQUE_FIXED_LEN {
            let mut short = log.clone();
            short.data.data = log.data.data.slice(..length);
            assert_eq!(UserDeposit::from_log(&short, 0), Err(DepositError::MalformedData));
        }
        let mut wrong = log.clone();
        wrong.data.set_topics_unchecked(log.topics()[..3].to_vec());
        assert_eq!(UserDeposit::from_log(&wrong, 0), Err(DepositError::NotADeposit));
        let mut topics = log.topics().to_vec();
        topics[3] = B256::repeat_byte(1);
        wrong.data.set_topics_unchecked(topics.clone());
        assert_eq!(UserDeposit::from_log(&wrong, 0), Err(DepositError::UnknownVersion));
        topics[3] = B256::ZERO;
        topics[1] = B256::repeat_byte(1);
        wrong.data.set_topics_unchecked(topics);
        assert_eq!(UserDeposit::from_log(&wrong, 0), Err(DepositError::InvalidAddress));
    }

    #[test]
    fn alias_wraps_around_and_is_undone() {
        let top = Address::repeat_byte(0xff);
        assert_eq!(alias_l1_address(top), address!("1111000000000000000000000000000000001110"));
        assert_eq!(undo_l1_alias(alias_l1_address(top)), top);
        assert_eq!(undo_l1_alias(alias_l1_address(Address::ZERO)), Address::ZERO);
    }

    #[test]
    fn sources_differ_by_domain_block_and_index() {
        let a = user_source_hash(B256::ZERO, 0);
        let b = user_source_hash(B256::ZERO, 1);
        let c = l1_info_source_hash(B256::ZERO, 0);
        let d = user_source_hash(B256::repeat_byte(1), 0);
        assert!(a != b && a != c && a != d && b != c && c != d);
    }
}
