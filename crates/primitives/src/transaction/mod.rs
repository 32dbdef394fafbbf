//! The transaction envelope of every chain in Mezzanine.
//!
//! One enum serves the embedded L1 and the L2: Ethereum's types 0 to 4, and the deposit type
//! 0x7E of the OP Stack. Which of them a chain accepts is the chain's rule, not the encoding's.

mod deposit;
mod recovered;

pub use deposit::{DEPOSIT_TX_TYPE, TxDeposit};
pub use recovered::{Learnt, Recovered, RecoveredTransaction};

use alloc::vec::Vec;
use alloy_consensus::{
    EthereumTxEnvelope, Sealed, SignableTransaction, Transaction as _, TransactionEnvelope,
    TxEip4844, crypto::secp256k1::recover_signer,
};
use alloy_eips::eip2718::{Decodable2718, Eip2718Error, Encodable2718, Typed2718};
use alloy_primitives::{Address, B256, Bytes, keccak256_uncached};

/// A signed Ethereum transaction, or a deposit which L1 has signed for.
///
/// Blob transactions are held without their sidecar, as in a block.
#[derive(Clone, Debug, TransactionEnvelope)]
#[envelope(tx_type_name = TxType, serde_cfg(feature = "serde"))]
pub enum Transaction {
    /// Types 0 (legacy), 1 (EIP-2930), 2 (EIP-1559), 3 (EIP-4844) and 4 (EIP-7702).
    #[envelope(flatten)]
    Ethereum(EthereumTxEnvelope<TxEip4844>),
    /// Type 0x7E: a deposit or the L1 attributes of a block.
    #[envelope(ty = 126)]
    #[cfg_attr(feature = "serde", serde(serialize_with = "deposit::serialize_rpc"))]
    Deposit(Sealed<TxDeposit>),
}

/// The signature of a transaction yields no sender: it is not on the curve, or its `s` is in the
/// upper half of the group order (EIP-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid transaction signature")]
pub struct RecoverError;

impl Transaction {
    /// Decodes the canonical EIP-2718 bytes; bytes after the transaction are an error.
    pub fn decode(bytes: &[u8]) -> Result<Self, Eip2718Error> {
        Self::decode_2718_exact(bytes)
    }

    /// The canonical EIP-2718 bytes, as in a block and in the transactions trie.
    pub fn encoded(&self) -> Vec<u8> {
        self.encoded_2718()
    }

    /// The transaction's hash: keccak-256 of its canonical bytes. Computed once.
    pub fn tx_hash(&self) -> B256 {
        match self {
            Self::Ethereum(tx) => *tx.hash(),
            Self::Deposit(tx) => tx.seal(),
        }
    }

    /// Who sent it: the signer, or the `from` of a deposit. About 30 us for a signature.
    pub fn recover_sender(&self) -> Result<Address, RecoverError> {
        match self {
            Self::Ethereum(tx) => {
                recover_signer(tx.signature(), signed_hash(tx)).map_err(|_| RecoverError)
            }
            Self::Deposit(tx) => Ok(tx.inner().from),
        }
    }

    /// Whether it is of type 0x7E.
    pub const fn is_deposit(&self) -> bool {
        matches!(self, Self::Deposit(_))
    }

    /// The deposit, if it is of type 0x7E.
    pub const fn as_deposit(&self) -> Option<&TxDeposit> {
        match self {
            Self::Deposit(tx) => Some(tx.inner()),
            Self::Ethereum(_) => None,
        }
    }

    /// Whether it carries blobs (type 3).
    pub fn is_blob(&self) -> bool {
        self.is_eip4844()
    }

    /// Bytes of input data; the size that intrinsic gas and limits look at.
    pub fn input_bytes(&self) -> &Bytes {
        self.input()
    }
}

/// The hash that the sender has signed. No two transactions have the same one: it is not looked for
/// among hashes that recur, nor does it take the place of one.
fn signed_hash(tx: &EthereumTxEnvelope<TxEip4844>) -> B256 {
    keccak256_uncached(match tx {
        EthereumTxEnvelope::Legacy(tx) => tx.tx().encoded_for_signing(),
        EthereumTxEnvelope::Eip2930(tx) => tx.tx().encoded_for_signing(),
        EthereumTxEnvelope::Eip1559(tx) => tx.tx().encoded_for_signing(),
        EthereumTxEnvelope::Eip4844(tx) => tx.tx().encoded_for_signing(),
        EthereumTxEnvelope::Eip7702(tx) => tx.tx().encoded_for_signing(),
    })
}

impl From<TxDeposit> for Transaction {
    fn from(tx: TxDeposit) -> Self {
        use alloy_consensus::Sealable;
        Self::Deposit(tx.seal_slow())
    }
}

impl From<EthereumTxEnvelope<TxEip4844>> for Transaction {
    fn from(tx: EthereumTxEnvelope<TxEip4844>) -> Self {
        Self::Ethereum(tx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{TxKind, U256, b256, hex};

    #[test]
    fn signed_hash_is_that_of_each_type() {
        use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxLegacy};
        use alloy_primitives::Signature;
        let signature = Signature::test_signature();
        let txs: [EthereumTxEnvelope<TxEip4844>; 6] = [
            TxLegacy { nonce: 1, ..Default::default() }.into_signed(signature).into(),
            TxLegacy { chain_id: Some(7), ..Default::default() }.into_signed(signature).into(),
            TxEip2930 { nonce: 2, ..Default::default() }.into_signed(signature).into(),
            TxEip1559 { nonce: 3, ..Default::default() }.into_signed(signature).into(),
            TxEip4844 { nonce: 4, ..Default::default() }.into_signed(signature).into(),
            TxEip7702 { nonce: 5, ..Default::default() }.into_signed(signature).into(),
        ];
        for tx in txs {
            assert_eq!(signed_hash(&tx), tx.signature_hash(), "{tx:?}");
        }
    }

    #[test]
    fn legacy_transaction_of_eip155_recovers_its_sender() {
        // The example of EIP-155.
        let raw = hex!(
            "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
        );
        let tx = Transaction::decode(&raw).unwrap();
        assert_eq!(tx.encoded(), raw);
        #[cfg(any(feature = "std", feature = "k256"))]
        assert_eq!(
            tx.recover_sender().unwrap(),
            alloy_primitives::address!("9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F")
        );
        assert!(!tx.is_deposit());
    }

    #[test]
    fn deposit_keeps_its_bytes_and_hash() {
        let deposit = TxDeposit {
            source_hash: b256!("0101010101010101010101010101010101010101010101010101010101010101"),
            from: Address::repeat_byte(2),
            to: TxKind::Call(Address::repeat_byte(3)),
            mint: 7,
            value: U256::from(9),
            gas_limit: 100_000,
            is_system_transaction: false,
            input: Bytes::from_static(&[1, 2, 3]),
        };
        let tx = Transaction::from(deposit.clone());
        let bytes = tx.encoded();
        assert_eq!(bytes[0], 0x7e);
        assert_eq!(Transaction::decode(&bytes).unwrap(), tx);
        assert_eq!(tx.tx_hash(), alloy_primitives::keccak256(&bytes));
        assert_eq!(tx.recover_sender().unwrap(), deposit.from);
    }

    #[test]
    fn trailing_bytes_are_refused() {
        let mut bytes = Transaction::from(TxDeposit::default()).encoded();
        bytes.push(0);
        assert!(Transaction::decode(&bytes).is_err());
    }
}
