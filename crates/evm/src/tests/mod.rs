//! Tests of whole blocks, and what they share.

mod conservation;
mod deposits;
mod differential;
mod l1;
mod l2_fees;
mod set_code;
mod simulate;
#[cfg(feature = "trace")]
mod trace;

use crate::{
    BlockAttributes, BlockExecutor, BlockOutcome, ChainSpec, ExecuteError, InvalidTx, MemoryState,
    TxOutcome,
};
use alloc::vec::Vec;
use alloy_consensus::{EthereumTxEnvelope, Signed, TxEip1559, TxEip4844, TxLegacy};
use alloy_primitives::{Signature, hex};
use mezz_primitives::{
    Address, B256, Bytes, Header, RecoveredTransaction, Transaction, TxDeposit, TxKind, U256,
    addresses::SEQUENCER_FEE_VAULT,
};

pub(super) const GWEI: u128 = 1_000_000_000;
pub(super) const ETHER: u128 = GWEI * GWEI;
pub(super) const BASE_FEE: u64 = 1_000_000_000;
pub(super) const GAS_LIMIT: u64 = 30_000_000;
pub(super) const CHAIN: u64 = 901;

pub(super) const ALICE: Address = Address::repeat_byte(0xa1);
pub(super) const BOB: Address = Address::repeat_byte(0xb0);
pub(super) const MINER: Address = Address::repeat_byte(0x33);

/// Adds one to its slot 0.
pub(super) const COUNTER: (Address, &[u8]) =
    (Address::repeat_byte(0xc1), &hex!("5f546001015f5500"));
/// Stores, then reverts with no data.
pub(super) const REVERTER: (Address, &[u8]) = (Address::repeat_byte(0xc2), &hex!("60015f555f5ffd"));
/// Stores, then stops with the designated invalid opcode.
pub(super) const HALTER: (Address, &[u8]) = (Address::repeat_byte(0xc3), &hex!("60015f55fe"));
/// Creates, at one address, a contract that destroys itself in its creation, towards its caller.
pub(super) const PHOENIX: (Address, &[u8]) =
    (Address::repeat_byte(0xc4), &hex!("6133ff5f525f6002601e34f55000"));
/// Passes its value on to the address in its calldata.
pub(super) const FORWARDER: (Address, &[u8]) =
    (Address::repeat_byte(0xc5), &hex!("5f5f5f5f345f355af100"));
/// Flips slot 0 between zero and one.
pub(super) const TOGGLE: (Address, &[u8]) = (Address::repeat_byte(0xc6), &hex!("5f54155f5500"));
/// Returns the gas that it has.
pub(super) const GAS: (Address, &[u8]) = (Address::repeat_byte(0xc7), &hex!("5a5f5260205ff3"));
/// Creation code of a contract whose code is one zero byte.
pub(super) const INIT_STOP: &[u8] = &hex!("5f5f5360015ff3");

pub(super) fn contracts() -> [(Address, &'static [u8]); 7] {
    [COUNTER, REVERTER, HALTER, PHOENIX, FORWARDER, TOGGLE, GAS]
}

pub(super) fn genesis() -> MemoryState {
    let mut state = MemoryState::default();
    for (address, code) in contracts() {
        state.set_code(address, Bytes::from_static(code));
    }
    state.set_balance(ALICE, U256::from(100 * ETHER));
    state
}

pub(super) fn parent(spec: &ChainSpec) -> Header {
    Header {
        number: 41,
        timestamp: 1_700_000_000,
        gas_limit: GAS_LIMIT,
        // At the target, so that the base fee stays.
        gas_used: GAS_LIMIT / spec.base_fee.elasticity,
        base_fee_per_gas: Some(BASE_FEE),
        excess_blob_gas: Some(0),
        blob_gas_used: Some(0),
        ..Default::default()
    }
}

pub(super) fn attributes(spec: &ChainSpec) -> BlockAttributes {
    BlockAttributes {
        timestamp: 1_700_000_001,
        beneficiary: if spec.is_l2() { SEQUENCER_FEE_VAULT } else { MINER },
        gas_limit: GAS_LIMIT,
        prev_randao: B256::repeat_byte(7),
        ..Default::default()
    }
}

pub(super) fn executor<'a>(
    spec: &ChainSpec,
    state: &'a MemoryState,
) -> BlockExecutor<'a, MemoryState> {
    BlockExecutor::new(spec, &parent(spec), &attributes(spec), state).expect("memory never fails")
}

pub(super) type Ran = Result<TxOutcome, InvalidTx>;

/// Runs a block of `transactions` and takes the state forward.
pub(super) fn run_block(
    spec: &ChainSpec,
    state: &mut MemoryState,
    transactions: &[RecoveredTransaction],
) -> (Vec<Ran>, BlockOutcome) {
    let mut block = executor(spec, state);
    let ran = transactions
        .iter()
        .map(|tx| match block.execute(tx) {
            Ok(outcome) => Ok(outcome),
            Err(ExecuteError::Invalid(error)) => Err(error),
            Err(other) => panic!("{other}"),
        })
        .collect();
    let outcome = block.finish().expect("memory never fails");
    state.apply(&outcome.diff);
    (ran, outcome)
}

/// Runs a block of one transaction, which must be valid.
pub(super) fn run_one(
    spec: &ChainSpec,
    state: &mut MemoryState,
    tx: RecoveredTransaction,
) -> (TxOutcome, BlockOutcome) {
    let (mut ran, outcome) = run_block(spec, state, &[tx]);
    (ran.remove(0).expect("valid"), outcome)
}

pub(super) fn balance(state: &MemoryState, address: Address) -> U256 {
    state.accounts().get(&address).copied().unwrap_or_default().balance
}

pub(super) fn nonce(state: &MemoryState, address: Address) -> u64 {
    state.accounts().get(&address).copied().unwrap_or_default().nonce
}

pub(super) fn slot(state: &MemoryState, address: Address, slot: u64) -> U256 {
    state.slots().get(&(address, U256::from(slot))).copied().unwrap_or_default()
}

/// A transaction with a placeholder signature, sent by `sender`.
pub(super) fn signed(sender: Address, tx: TxEip1559) -> RecoveredTransaction {
    let tx = EthereumTxEnvelope::Eip1559(Signed::new_unhashed(tx, Signature::test_signature()));
    RecoveredTransaction::new(Transaction::Ethereum(tx), sender)
}

pub(super) fn eip1559(nonce: u64, to: TxKind, value: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 3 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to,
        value: U256::from(value),
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

pub(super) fn transfer(nonce: u64, value: u128) -> RecoveredTransaction {
    signed(ALICE, eip1559(nonce, TxKind::Call(BOB), value))
}

pub(super) fn legacy(sender: Address, tx: TxLegacy) -> RecoveredTransaction {
    let tx = EthereumTxEnvelope::Legacy(Signed::new_unhashed(tx, Signature::test_signature()));
    RecoveredTransaction::new(Transaction::Ethereum(tx), sender)
}

pub(super) fn blob(nonce: u64, blobs: usize, max_fee_per_blob_gas: u128) -> RecoveredTransaction {
    let tx = TxEip4844 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 3 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: BOB,
        value: U256::ZERO,
        access_list: Default::default(),
        blob_versioned_hashes: (0..blobs)
            .map(|i| {
                let mut hash = B256::with_last_byte(u8::try_from(i).expect("few"));
                hash[0] = 1;
                hash
            })
            .collect(),
        max_fee_per_blob_gas,
        input: Bytes::new(),
    };
    let tx = EthereumTxEnvelope::Eip4844(Signed::new_unhashed(tx, Signature::test_signature()));
    RecoveredTransaction::new(Transaction::Ethereum(tx), ALICE)
}

pub(super) fn deposit(tx: TxDeposit) -> RecoveredTransaction {
    let from = tx.from;
    RecoveredTransaction::new(tx.into(), from)
}

/// A word with an address in it, as calldata.
pub(super) fn address_word(address: Address) -> Bytes {
    Bytes::copy_from_slice(address.into_word().as_slice())
}
