//! From a request to signed bytes.

use super::{SendError, TxRequest, fees::Fees};
use crate::kzg;
use alloy::{
    consensus::{
        EthereumTxEnvelope, SignableTransaction, Signed, TxEip1559, TxEip4844, TxEip4844WithSidecar,
    },
    eips::{eip2718::Encodable2718, eip7594::BlobTransactionSidecarEip7594},
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, TxKind},
    rpc::types::TransactionRequest,
    signers::{SignerSync, local::PrivateKeySigner},
};
use std::sync::Arc;

pub(super) type Sidecar = Arc<BlobTransactionSidecarEip7594>;

/// Everything of a transaction but its fees and blobs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) chain_id: u64,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    pub(super) request: &'a TxRequest,
}

/// Computes commitments and cell proofs (EIP-7594), most of a second for a blob.
pub(super) async fn sidecar(request: Arc<TxRequest>) -> Result<Option<Sidecar>, SendError> {
    if request.blobs.is_none() {
        return Ok(None);
    }
    let work = move || {
        let blobs = request.blobs.clone().unwrap_or_default();
        BlobTransactionSidecarEip7594::try_from_blobs_with_settings(blobs, kzg::settings())
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(sidecar)) => Ok(Some(Arc::new(sidecar))),
        Ok(Err(error)) => Err(SendError::Blobs(error.to_string())),
        Err(_) => Err(SendError::Stopped),
    }
}

/// Signs, and returns the hash and the network form. The same input gives the same bytes.
pub(super) fn sign(
    signer: &PrivateKeySigner,
    frame: Frame<'_>,
    fees: &Fees,
    sidecar: Option<&Sidecar>,
) -> Result<(B256, Bytes), SendError> {
    type Envelope = EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarEip7594>>;
    let Frame { chain_id, nonce, gas_limit, request } = frame;
    let refused = |error: alloy::signers::Error| SendError::Signer(error.to_string());
    let envelope: Envelope = match sidecar {
        None => {
            let tx = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fees.max_fee,
                max_priority_fee_per_gas: fees.priority_fee,
                to: request.to,
                value: request.value,
                access_list: Default::default(),
                input: request.input.clone(),
            };
            let signature = signer.sign_hash_sync(&tx.signature_hash()).map_err(refused)?;
            EthereumTxEnvelope::Eip1559(tx.into_signed(signature))
        }
        Some(sidecar) => {
            let TxKind::Call(to) = request.to else { return Err(SendError::BlobsNeedReceiver) };
            let tx = TxEip4844 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fees.max_fee,
                max_priority_fee_per_gas: fees.priority_fee,
                to,
                value: request.value,
                access_list: Default::default(),
                blob_versioned_hashes: sidecar.versioned_hashes().collect(),
                max_fee_per_blob_gas: fees.blob_fee.unwrap_or(1),
                input: request.input.clone(),
            };
            let signature = signer.sign_hash_sync(&tx.signature_hash()).map_err(refused)?;
            let (tx, signature, hash) = tx.into_signed(signature).into_parts();
            let tx = TxEip4844WithSidecar { tx, sidecar: sidecar.as_ref().clone() };
            EthereumTxEnvelope::Eip4844(Signed::new_unchecked(tx, signature, hash))
        }
    };
    Ok((*envelope.tx_hash(), envelope.encoded_2718().into()))
}

/// The form in which a node is asked how much gas the transaction needs.
pub(super) fn estimate_request(
    from: Address,
    request: &TxRequest,
    fees: &Fees,
    sidecar: Option<&Sidecar>,
) -> TransactionRequest {
    let mut call = TransactionRequest::default()
        .from(from)
        .value(request.value)
        .input(request.input.clone().into());
    call.set_kind(request.to);
    if let Some(sidecar) = sidecar {
        call.blob_versioned_hashes = Some(sidecar.versioned_hashes().collect());
        call.max_fee_per_blob_gas = fees.blob_fee;
    }
    call
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        consensus::{Transaction, TxEnvelope, transaction::SignerRecoverable},
        eips::{Decodable2718, eip4844::Blob},
        primitives::U256,
    };

    fn signer() -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&B256::with_last_byte(1)).unwrap()
    }

    #[tokio::test]
    async fn signed_blob_transaction_decodes_with_cell_proofs() {
        let request = Arc::new(TxRequest {
            to: Address::with_last_byte(7).into(),
            blobs: Some(vec![Blob::ZERO]),
            ..Default::default()
        });
        let sidecar = sidecar(request.clone()).await.unwrap();
        let frame = Frame { chain_id: 5, nonce: 3, gas_limit: 100_000, request: &request };
        let fees = Fees { max_fee: 9, priority_fee: 2, blob_fee: Some(4) };
        let (hash, raw) = sign(&signer(), frame, &fees, sidecar.as_ref()).unwrap();
        assert_eq!((hash, raw.clone()), sign(&signer(), frame, &fees, sidecar.as_ref()).unwrap());

        type Pooled = EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarEip7594>>;
        let decoded = Pooled::decode_2718(&mut raw.as_ref()).unwrap();
        let EthereumTxEnvelope::Eip4844(signed) = &decoded else { panic!("not a blob tx") };
        assert_eq!(signed.tx().sidecar.cell_proofs.len(), 128);
        assert_eq!(*decoded.tx_hash(), hash);
        assert_eq!(decoded.recover_signer().unwrap(), signer().address());
    }

    #[test]
    fn plain_transaction_carries_what_was_asked() {
        let request = TxRequest {
            to: TxKind::Create,
            input: Bytes::from_static(&[1, 2]),
            value: U256::from(6),
            ..Default::default()
        };
        let frame = Frame { chain_id: 5, nonce: 3, gas_limit: 100_000, request: &request };
        let fees = Fees { max_fee: 9, priority_fee: 2, blob_fee: None };
        let (hash, raw) = sign(&signer(), frame, &fees, None).unwrap();
        let decoded = TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
        assert_eq!(*decoded.tx_hash(), hash);
        assert_eq!(
            (decoded.nonce(), decoded.gas_limit(), decoded.value()),
            (3, 100_000, U256::from(6))
        );
        assert_eq!((decoded.max_fee_per_gas(), decoded.max_priority_fee_per_gas()), (9, Some(2)));
        assert_eq!(decoded.kind(), TxKind::Create);
    }
}
