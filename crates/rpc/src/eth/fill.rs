//! Completing a request to send: what the client left open is chosen as a wallet would.

use super::call::{Environment, call_request};
use crate::{Failure, context::Context, hooks::UnsignedTransaction};
use alloy_consensus::{EthereumTypedTransaction, TxEip4844Variant};
use alloy_rpc_types_eth::TransactionRequest;
use mezz_primitives::{Address, TxKind};

impl Context {
    /// Fees and gas of `request`, and all its other fields but the nonce. Runs the EVM if the gas
    /// limit is open.
    pub(super) fn complete(
        &self,
        mut request: TransactionRequest,
    ) -> Result<(Address, TransactionRequest), Failure> {
        let from = request.from.ok_or_else(|| {
            Failure::invalid_params("the transaction has no sender: field `from` is missing")
        })?;
        if request.sidecar.is_some() || request.blob_versioned_hashes.is_some() {
            return Err(Failure::server(
                "blob transactions are not signed by the node: sign and send the raw transaction",
            ));
        }
        let call = call_request(self, request.clone())?;
        let to = *request.to.get_or_insert(TxKind::Create);
        if to.is_create() && call.input.is_empty() {
            return Err(Failure::invalid_params("contract creation without any data provided"));
        }
        request.input = call.input.clone().into();
        request.value = Some(call.value);
        request.chain_id = Some(self.chain.spec().chain_id);
        if request.gas_price.is_none() {
            let base_fee = u128::from(self.next_base_fee(&self.head().header));
            let tip = match request.max_priority_fee_per_gas {
                Some(tip) => tip,
                None => {
                    let tip = self.proposed_tip()?;
                    request.max_fee_per_gas.map_or(tip, |cap| tip.min(cap))
                }
            };
            request.max_priority_fee_per_gas = Some(tip);
            // Twice the base fee stays enough through six full blocks.
            let cap = base_fee.saturating_mul(2).saturating_add(tip);
            request.max_fee_per_gas.get_or_insert(cap);
        }
        if request.gas.is_none() {
            let at = Environment::for_estimate(self, None, request.from, None, None)?;
            request.gas = Some(at.estimate(&call, self.limits.call_gas)?);
        }
        Ok((from, request))
    }

    /// The nonce of the next transaction of `from`: after those that it has in the pool.
    pub(super) fn next_nonce(&self, from: Address) -> Result<u64, Failure> {
        self.pool.nonce(&from).map_err(Failure::internal)
    }
}

/// The transaction that a complete request asks for.
pub(super) fn unsigned(request: TransactionRequest) -> Result<UnsignedTransaction, Failure> {
    let typed = request.build_consensus_tx().map_err(|error| {
        Failure::invalid_params(format!("the transaction is not complete: {}", error.error))
    })?;
    Ok(match typed {
        EthereumTypedTransaction::Legacy(tx) => tx.into(),
        EthereumTypedTransaction::Eip2930(tx) => tx.into(),
        EthereumTypedTransaction::Eip1559(tx) => tx.into(),
        EthereumTypedTransaction::Eip7702(tx) => tx.into(),
        EthereumTypedTransaction::Eip4844(
            TxEip4844Variant::TxEip4844(tx)
            | TxEip4844Variant::TxEip4844WithSidecar(alloy_consensus::TxEip4844WithSidecar {
                tx,
                ..
            }),
        ) => tx.into(),
    })
}
