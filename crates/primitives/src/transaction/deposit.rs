//! The deposit transaction, type 0x7E, of the OP Stack.
//!
//! It has no signature: its authority is the L1 log, or the derivation rule, that it comes from.
//! Source: OP Stack specification, "Deposits".

use alloc::vec::Vec;
use alloy_consensus::{Sealable, Transaction};
use alloy_eips::{
    eip2718::{Decodable2718, Eip2718Error, Eip2718Result, Encodable2718, IsTyped2718, Typed2718},
    eip2930::AccessList,
    eip7702::SignedAuthorization,
};
use alloy_primitives::{Address, B256, Bytes, ChainId, TxKind, U256, keccak256};
use alloy_rlp::{BufMut, Decodable, Encodable, RlpDecodable, RlpEncodable};

/// The EIP-2718 type of a deposit.
pub const DEPOSIT_TX_TYPE: u8 = 0x7e;

/// A deposit: a message from L1, or the system's own L1-attributes message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, RlpEncodable, RlpDecodable)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase")
)]
pub struct TxDeposit {
    /// Where it comes from; makes the transaction's hash unique.
    pub source_hash: B256,
    /// The sender, aliased if it is an L1 contract.
    pub from: Address,
    /// The callee, or creation of a contract.
    #[cfg_attr(feature = "serde", serde(default))]
    pub to: TxKind,
    /// Wei that come into being on the sender's account, whatever the outcome.
    #[cfg_attr(feature = "serde", serde(default, with = "alloy_serde::quantity"))]
    pub mint: u128,
    /// Wei sent with the call.
    pub value: U256,
    /// Gas that L1 has paid for.
    #[cfg_attr(feature = "serde", serde(with = "alloy_serde::quantity", rename = "gas"))]
    pub gas_limit: u64,
    /// Not metered before Regolith; always false here.
    #[cfg_attr(feature = "serde", serde(default, rename = "isSystemTx"))]
    pub is_system_transaction: bool,
    /// Calldata or creation code.
    pub input: Bytes,
}

impl Typed2718 for TxDeposit {
    fn ty(&self) -> u8 {
        DEPOSIT_TX_TYPE
    }
}

impl IsTyped2718 for TxDeposit {
    fn is_type(ty: u8) -> bool {
        ty == DEPOSIT_TX_TYPE
    }
}

impl Encodable2718 for TxDeposit {
    fn encode_2718_len(&self) -> usize {
        1 + self.length()
    }

    fn encode_2718(&self, out: &mut dyn BufMut) {
        out.put_u8(DEPOSIT_TX_TYPE);
        self.encode(out);
    }
}

impl Decodable2718 for TxDeposit {
    fn typed_decode(ty: u8, buf: &mut &[u8]) -> Eip2718Result<Self> {
        if ty != DEPOSIT_TX_TYPE {
            return Err(Eip2718Error::UnexpectedType(ty));
        }
        Ok(Self::decode(buf)?)
    }

    fn fallback_decode(_: &mut &[u8]) -> Eip2718Result<Self> {
        // A deposit has no untyped form.
        Err(Eip2718Error::UnexpectedType(0))
    }
}

impl Sealable for TxDeposit {
    fn hash_slow(&self) -> B256 {
        let mut out = Vec::with_capacity(self.encode_2718_len());
        self.encode_2718(&mut out);
        keccak256(out)
    }
}

impl Transaction for TxDeposit {
    fn chain_id(&self) -> Option<ChainId> {
        None
    }
    fn nonce(&self) -> u64 {
        0
    }
    fn gas_limit(&self) -> u64 {
        self.gas_limit
    }
    fn gas_price(&self) -> Option<u128> {
        None
    }
    fn max_fee_per_gas(&self) -> u128 {
        0
    }
    fn max_priority_fee_per_gas(&self) -> Option<u128> {
        None
    }
    fn max_fee_per_blob_gas(&self) -> Option<u128> {
        None
    }
    fn priority_fee_or_price(&self) -> u128 {
        0
    }
    fn effective_gas_price(&self, _: Option<u64>) -> u128 {
        0
    }
    fn is_dynamic_fee(&self) -> bool {
        false
    }
    fn kind(&self) -> TxKind {
        self.to
    }
    fn is_create(&self) -> bool {
        self.to.is_create()
    }
    fn value(&self) -> U256 {
        self.value
    }
    fn input(&self) -> &Bytes {
        &self.input
    }
    fn access_list(&self) -> Option<&AccessList> {
        None
    }
    fn blob_versioned_hashes(&self) -> Option<&[B256]> {
        None
    }
    fn authorization_list(&self) -> Option<&[SignedAuthorization]> {
        None
    }
}

/// Serializes a deposit as nodes of the OP Stack answer it: with its hash, and with zeros in the
/// places where clients look for a signature and a price. The nonce is in its receipt.
#[cfg(feature = "serde")]
pub(super) fn serialize_rpc<S: serde::Serializer>(
    tx: &alloy_consensus::Sealed<TxDeposit>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::Serialize;

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Rpc<'a> {
        hash: B256,
        #[serde(flatten)]
        deposit: &'a TxDeposit,
        r: U256,
        s: U256,
        #[serde(with = "alloy_serde::quantity")]
        v: u64,
        #[serde(with = "alloy_serde::quantity")]
        gas_price: u64,
    }

    Rpc { hash: tx.seal(), deposit: tx.inner(), r: U256::ZERO, s: U256::ZERO, v: 0, gas_price: 0 }
        .serialize(serializer)
}
