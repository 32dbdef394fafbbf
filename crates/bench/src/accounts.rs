//! The keys that sign, and signing before anything is measured.

use crate::Failure;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use std::thread;

/// Chain id of both nodes, so that they get the same bytes.
pub(crate) const CHAIN_ID: u64 = 31_337;
/// Accounts that send.
pub(crate) const SENDERS: usize = 1_000;
/// The mnemonic whose accounts have ether on every development chain.
const MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Wei per gas that a transaction pays at most; far above what either node asks.
const FEE_CAP: u128 = 20_000_000_000;

/// A signed transaction.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    /// Its bytes in hex with `0x`, as they are sent.
    pub(crate) raw: String,
    pub(crate) hash: B256,
}

/// A transaction to be signed.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Index of the key in the list that signs.
    pub(crate) from: usize,
    pub(crate) nonce: u64,
    pub(crate) to: TxKind,
    pub(crate) value: U256,
    pub(crate) gas: u64,
    pub(crate) input: Bytes,
}

/// The accounts that have ether at the start.
pub(crate) fn rich() -> Result<Vec<PrivateKeySigner>, Failure> {
    let key =
        |index| Ok(MnemonicBuilder::<English>::default().phrase(MNEMONIC).index(index)?.build()?);
    (0..10).map(key).collect()
}

/// The accounts that send in the benchmarks.
pub(crate) fn senders() -> Result<Vec<PrivateKeySigner>, Failure> {
    let key = |index: usize| {
        let seed = keccak256(format!("mezz-bench sender {index}"));
        Ok(PrivateKeySigner::from_bytes(&seed)?)
    };
    (0..SENDERS).map(key).collect()
}

/// Addresses of keys.
pub(crate) fn addresses(keys: &[PrivateKeySigner]) -> Vec<Address> {
    keys.iter().map(PrivateKeySigner::address).collect()
}

/// Signs `calls` on all cores; the order stays.
pub(crate) fn sign_all(keys: &[PrivateKeySigner], calls: &[Call]) -> Result<Vec<Signed>, Failure> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = calls.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = calls
            .chunks(share)
            .map(|calls| {
                scope.spawn(move || calls.iter().map(|call| sign(&keys[call.from], call)).collect())
            })
            .collect();
        let mut signed = Vec::with_capacity(calls.len());
        for worker in workers {
            let part: Result<Vec<_>, Failure> =
                worker.join().map_err(|_| Failure::from("signing has panicked"))?;
            signed.extend(part?);
        }
        Ok(signed)
    })
}

fn sign(key: &PrivateKeySigner, call: &Call) -> Result<Signed, Failure> {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: call.nonce,
        gas_limit: call.gas,
        max_fee_per_gas: FEE_CAP,
        max_priority_fee_per_gas: 1_000_000,
        to: call.to,
        value: call.value,
        access_list: Default::default(),
        input: call.input.clone(),
    };
    let signature = key.sign_hash_sync(&tx.signature_hash())?;
    let tx = TxEnvelope::from(tx.into_signed(signature));
    Ok(Signed { raw: hex::encode_prefixed(tx.encoded_2718()), hash: *tx.tx_hash() })
}
