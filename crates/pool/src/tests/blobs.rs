//! Blob transactions.

use super::*;
use crate::{DecodeError, PoolError};
use alloy_consensus::{EthereumTxEnvelope, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{
    eip2718::Encodable2718,
    eip4844::{Blob, Bytes48},
    eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant},
};

/// A sidecar of the right shape; its proofs prove nothing, which is the check's business.
fn sidecar(count: u8) -> BlobTransactionSidecarVariant {
    BlobTransactionSidecarVariant::Eip7594(BlobTransactionSidecarEip7594::new(
        (0..count).map(Blob::repeat_byte).collect(),
        (0..count).map(Bytes48::repeat_byte).collect(),
        (0..usize::from(count) * 128).map(|_| Bytes48::ZERO).collect(),
    ))
}

fn blob_tx(from: Address, nonce: u64, blobs: u8, fee: u128, blob_fee: u128) -> NewTransaction {
    let sidecar = sidecar(blobs);
    let tx = TxEip4844 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: fee,
        max_fee_per_blob_gas: blob_fee,
        blob_versioned_hashes: sidecar.versioned_hashes().collect(),
        ..Default::default()
    };
    let signature = Signature::new(U256::from_be_slice(from.as_slice()), U256::ONE, false);
    NewTransaction {
        tx: RecoveredTransaction::new(
            Transaction::Ethereum(EthereumTxEnvelope::Eip4844(tx.into_signed(signature))),
            from,
        ),
        sidecar: Some(Arc::new(sidecar)),
    }
}

fn l1_pool() -> (Pool, Address) {
    let accounts = Accounts::default();
    accounts.set(sender(0), 0, u128::MAX);
    let config = PoolConfig { max_blobs_per_tx: Some(6), ..Default::default() };
    (accounts.pool(config), sender(0))
}

#[test]
fn blobs_stay_beside_their_transaction() {
    let (pool, a) = l1_pool();
    let tx = blob_tx(a, 0, 2, 10, 10);
    let outcome = pool.add(tx.clone()).unwrap();
    let pooled = pool.get(&outcome.hash).unwrap();
    assert_eq!(pooled.sidecar, tx.sidecar);
    assert_eq!(pooled.cost, U256::from(21_000 * 10 + 2 * 131_072 * 10));
    assert!(pool.status().bytes > 2 * 131_072);
    pool.check();
}

#[test]
fn blobs_must_be_those_of_the_transaction() {
    let (pool, a) = l1_pool();
    let mut tx = blob_tx(a, 0, 2, 10, 10);
    tx.sidecar = Some(Arc::new(sidecar(1)));
    assert!(matches!(pool.add(tx.clone()), Err(PoolError::InvalidSidecar(_))));
    tx.sidecar = None;
    assert_eq!(pool.add(tx).unwrap_err().to_string(), "missing sidecar in blob transaction");
    assert_eq!(pool.add(blob_tx(a, 0, 0, 10, 10)).unwrap_err(), PoolError::NoBlobs);
    assert_eq!(
        pool.add(blob_tx(a, 0, 7, 10, 10)).unwrap_err().to_string(),
        "too many blobs in one transaction, have: 7, max: 6"
    );
    assert_eq!(
        pool.add(blob_tx(a, 0, 1, 10, 0)).unwrap_err().to_string(),
        "transaction underpriced: blob fee cap 0, minimum needed 1"
    );
    let mut plain = transfer(a, 0, 10, 1);
    plain.sidecar = Some(Arc::new(sidecar(1)));
    assert_eq!(pool.add(plain).unwrap_err(), PoolError::UnexpectedSidecar);
    let checked = pool.with_blob_check(Arc::new(|_, _| Err("invalid KZG proof".into())));
    assert_eq!(
        checked.add(blob_tx(a, 0, 1, 10, 10)).unwrap_err().to_string(),
        "invalid blob sidecar: invalid KZG proof"
    );
}

#[test]
fn chain_without_blobs_refuses_them() {
    let (_, pool, a) = rich();
    assert_eq!(
        pool.add(blob_tx(a, 0, 1, 10, 10)).unwrap_err().to_string(),
        "transaction type not supported: tx type 3 not supported by this pool"
    );
}

#[test]
fn replacement_of_blobs_doubles_all_fees() {
    let (pool, a) = l1_pool();
    pool.add(blob_tx(a, 0, 1, 10, 10)).unwrap();
    for (fee, blob_fee) in [(20, 19), (19, 20)] {
        assert_eq!(
            pool.add(blob_tx(a, 0, 1, fee, blob_fee)).unwrap_err(),
            PoolError::ReplacementUnderpriced
        );
    }
    assert_eq!(pool.add(transfer(a, 0, 19, 19)).unwrap_err(), PoolError::ReplacementUnderpriced);
    pool.add(blob_tx(a, 0, 1, 20, 20)).unwrap();
    pool.check();
}

#[test]
fn best_leaves_out_what_does_not_pay_for_its_blobs() {
    let (pool, a) = l1_pool();
    pool.add(blob_tx(a, 0, 1, 10, 10)).unwrap();
    assert_eq!(pool.best_with_blobs(0, 10).count(), 1);
    assert_eq!(pool.best_with_blobs(0, 11).count(), 0);
}

#[test]
fn network_form_decodes_with_its_sidecar() {
    let tx = blob_tx(sender(0), 0, 1, 10, 10);
    let Transaction::Ethereum(EthereumTxEnvelope::Eip4844(signed)) = &tx.tx.tx else {
        panic!("no blob transaction")
    };
    let with = TxEip4844WithSidecar {
        tx: signed.tx().clone(),
        sidecar: tx.sidecar.as_deref().unwrap().clone(),
    };
    let raw = EthereumTxEnvelope::Eip4844(with.into_signed(*signed.signature())).encoded_2718();
    let (decoded, sidecar) = NewTransaction::decode_unrecovered(&raw).unwrap();
    assert_eq!(decoded.tx_hash(), tx.tx.hash());
    assert_eq!(sidecar, tx.sidecar);
    assert_eq!(
        NewTransaction::decode_unrecovered(&tx.tx.tx.encoded()),
        Err(DecodeError::MissingSidecar)
    );
    assert!(NewTransaction::decode_unrecovered(&raw[..raw.len() - 1]).is_err());
}
