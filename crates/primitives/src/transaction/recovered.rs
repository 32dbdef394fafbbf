//! A transaction with what is expensive to learn of it, so that it is learnt once.

use super::{RecoverError, Transaction};
use crate::fee::{BatchSize, BatchSizer};
use alloc::sync::Arc;
use alloy_eips::eip2718::{Encodable2718, Typed2718};
use alloy_primitives::{Address, B256};
use core::{
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
};

/// A transaction and the sender that was recovered from it. Clones share it: on its way from the pool
/// into a block and to those who read the block nothing of it is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredTransaction(Arc<Recovered>);

/// What a [`RecoveredTransaction`] shares.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The transaction.
    pub tx: Transaction,
    /// Its sender.
    pub sender: Address,
    encoded_len: usize,
    compressed: Compressed,
}

impl Deref for RecoveredTransaction {
    type Target = Recovered;

    fn deref(&self) -> &Recovered {
        &self.0
    }
}

impl RecoveredTransaction {
    /// A transaction whose sender is known.
    pub fn new(tx: Transaction, sender: Address) -> Self {
        Self(Arc::new(Recovered {
            encoded_len: tx.encode_2718_len(),
            tx,
            sender,
            compressed: Compressed(AtomicU32::new(0)),
        }))
    }

    /// A transaction of which all is known that a block's execution wants to know; `None` if that is of another one.
    pub fn with_learnt(tx: Transaction, learnt: &Learnt) -> Option<Self> {
        (tx.tx_hash() == learnt.hash).then(|| {
            let tx = Self::new(tx, learnt.sender);
            tx.compressed.0.store(learnt.compressed, Ordering::Relaxed);
            tx
        })
    }

    /// What is known of it.
    pub fn learnt(&self) -> Learnt {
        let compressed = self.compressed.0.load(Ordering::Relaxed);
        Learnt { hash: self.tx.tx_hash(), sender: self.sender, compressed }
    }

    /// Recovers the sender of `tx`.
    pub fn recover(tx: Transaction) -> Result<Self, RecoverError> {
        let sender = tx.recover_sender()?;
        Ok(Self::new(tx, sender))
    }
}

impl Recovered {
    /// The transaction's hash.
    pub fn hash(&self) -> B256 {
        self.tx.tx_hash()
    }

    /// Bytes of the transaction's EIP-2718 form, without blobs.
    pub const fn encoded_len(&self) -> usize {
        self.encoded_len
    }

    /// Bytes of the transaction in the list of a block: a typed one is a string there, a legacy one a list of its own.
    pub fn network_len(&self) -> usize {
        let payload_length = self.encoded_len;
        if self.tx.is_legacy() {
            payload_length
        } else {
            alloy_rlp::Header { list: false, payload_length }.length_with_payload()
        }
    }

    /// What its L1 data fee counts. `sizer` estimates it if nobody has asked for it before.
    pub fn batch_size(&self, sizer: &mut BatchSizer) -> BatchSize {
        let mut length = self.compressed.0.load(Ordering::Relaxed);
        if length == 0 {
            length = sizer.fastlz_length(&self.tx, self.encoded_len);
            self.compressed.0.store(length, Ordering::Relaxed);
        }
        BatchSize::of_fastlz(length)
    }
}

/// What is expensive to learn of a transaction, to be kept where the transaction itself would be too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learnt {
    hash: B256,
    sender: Address,
    /// As in [`Compressed`].
    compressed: u32,
}

/// FastLZ length of the transaction; 0 before it is asked for, for no transaction has none. It
/// follows from the transaction, so that it says nothing of whether two of them are equal.
#[derive(Debug)]
struct Compressed(AtomicU32);

impl PartialEq for Compressed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Compressed {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TxDeposit;
    use alloc::vec::Vec;
    use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy};
    use alloy_primitives::{Bytes, Signature};
    use alloy_rlp::Encodable;

    #[test]
    fn batch_size_is_that_of_the_bytes_however_often_it_is_asked_for() {
        let mut sizer = BatchSizer::default();
        for length in [0, 40, 400, 4_000] {
            let input: Vec<u8> =
                (0..length).map(|i: u32| i.wrapping_mul(i).to_le_bytes()[1]).collect();
            let tx = TxDeposit { input: input.into(), ..Default::default() };
            let tx = RecoveredTransaction::new(tx.into(), Address::ZERO);
            assert_eq!(tx.encoded_len(), tx.tx.encoded().len());
            let expected = BatchSize::of_bytes(&tx.tx.encoded());
            let copy = tx.clone();
            for tx in [&tx, &tx, &tx.clone(), &copy] {
                assert_eq!(tx.batch_size(&mut sizer), expected, "{length}");
            }
            assert_eq!(tx, copy);
        }
    }

    #[test]
    fn what_was_learnt_is_of_one_transaction() {
        let mut sizer = BatchSizer::default();
        let deposit =
            |length| TxDeposit { input: alloc::vec![7; length].into(), ..Default::default() };
        let tx = RecoveredTransaction::new(deposit(400).into(), Address::repeat_byte(1));
        let size = tx.batch_size(&mut sizer);
        let learnt = tx.learnt();
        let again = RecoveredTransaction::with_learnt(deposit(400).into(), &learnt).unwrap();
        assert_eq!((again.learnt(), again.batch_size(&mut sizer)), (learnt, size));
        assert_eq!(again, tx);
        assert_eq!(RecoveredTransaction::with_learnt(deposit(401).into(), &learnt), None);
    }

    #[test]
    fn network_length_is_that_of_the_list_of_a_block() {
        let signature = Signature::test_signature();
        for length in [0, 4, 40, 400, 70_000] {
            let input = Bytes::from(alloc::vec![7; length]);
            let legacy = TxLegacy { input: input.clone(), ..Default::default() };
            let typed = TxEip1559 { input: input.clone(), ..Default::default() };
            for tx in [
                Transaction::Ethereum(legacy.into_signed(signature).into()),
                Transaction::Ethereum(typed.into_signed(signature).into()),
                TxDeposit { input, ..Default::default() }.into(),
            ] {
                let length = tx.length();
                assert_eq!(RecoveredTransaction::new(tx, Address::ZERO).network_len(), length);
            }
        }
    }
}
