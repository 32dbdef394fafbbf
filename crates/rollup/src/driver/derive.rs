//! From L1 to safe blocks.

use super::{Driver, DriverError, block_ref};
use mezz_chain::{BlockRecord, BuildError, BuiltBlock};
use mezz_derivation::{
    DerivedBlock,
    derive::{BatchOutcome, BlockSource, FeedError, Step},
};
use mezz_evm::BlockAttributes;
use mezz_pool::BlockUpdate;
use mezz_primitives::{RecoveredTransaction, Transaction, fee::BatchSizer};
use std::{panic::resume_unwind, sync::Arc, thread, time::Instant};

/// Transactions whose senders take longer to recover than a thread to start, by far.
const WORTH_A_THREAD: usize = 32;

/// Gas that every transaction uses at least (Yellow Paper, appendix G; EIP-7623 for the rest).
const TX_GAS: u64 = 21_000;

/// What became of a derived block.
enum Executed {
    Block(Arc<BlockRecord>),
    Refused(String),
}

impl Driver {
    /// Derives as far as the L1 blocks at hand go.
    pub(super) fn derive(&mut self) -> Result<(), DriverError> {
        loop {
            match self.deriver.step() {
                Step::NeedL1(number) => {
                    let Some(block) = self.origins.take(number) else { return Ok(()) };
                    match self.deriver.push_l1(block) {
                        Ok(()) => {}
                        // What was derived stands on another L1 chain than the one that is
                        // followed: it was reorganised before following began.
                        Err(FeedError::Reorged { .. }) => return Err(DriverError::L1Changed),
                        Err(error @ (FeedError::Busy | FeedError::NotNext { .. })) => {
                            // The loop feeds what is asked for, when it is asked for.
                            unreachable!("{error}");
                        }
                    }
                }
                Step::Block(block) => match self.execute(&block)? {
                    Executed::Block(executed) => {
                        self.deriver.accepted(executed.hash())?;
                        if matches!(block.source, BlockSource::Batch { .. }) {
                            self.contents.add_block(&executed);
                        }
                    }
                    Executed::Refused(reason) => {
                        let outcome = self.deriver.refused(reason)?;
                        self.end_of_batch(&outcome)?;
                    }
                },
                Step::Batch(outcome) => self.end_of_batch(&outcome)?,
                Step::L1Done(cursor) => {
                    if cursor.safe.number != self.chain.heads().safe.number {
                        self.chain.set_safe(cursor.safe.number)?;
                    }
                    self.postings.remove(&cursor.l1.number);
                    self.cursors.push(&self.chain, cursor)?;
                    self.origins.forget_before(self.cursors.oldest().safe.origin.number);
                }
            }
        }
    }

    /// Finds the block in the chain, or puts it there.
    fn execute(&mut self, derived: &DerivedBlock) -> Result<Executed, DriverError> {
        let number = derived.attributes.number;
        let local = self.chain.block_by_number(number)?;
        if let Some(block) = local.as_ref().filter(|block| is_same(block, derived)) {
            return Ok(Executed::Block(block.clone()));
        }
        let started = Instant::now();
        // Before anything is taken off for it.
        let transactions = match recover(&derived.transactions, self.config.gas_limit) {
            Ok(transactions) => transactions,
            Err(reason) => return Ok(Executed::Refused(reason)),
        };
        if let Some(block) = local {
            tracing::warn!(
                number,
                local = %block.hash(),
                "L1 has another block than the one sequenced here; going back"
            );
            self.unwind(number - 1)?;
        }
        let attributes = execution_attributes(derived);
        let built = match self.chain.execute_block(&attributes, &transactions) {
            Ok(built) => built,
            Err(error @ (BuildError::InvalidTransaction { .. } | BuildError::TooLarge { .. })) => {
                return Ok(Executed::Refused(error.to_string()));
            }
            Err(error) => return Err(DriverError::Build { number, source: error.into() }),
        };
        let block = self.commit(built)?;
        self.meters.derived(&block, started);
        Ok(Executed::Block(block))
    }

    /// Enters a batch in the books; its blocks are on the chain.
    fn end_of_batch(&mut self, outcome: &BatchOutcome) -> Result<(), DriverError> {
        self.on_batch(outcome);
        let contents = std::mem::take(&mut self.contents);
        let postings = self.postings.get(&outcome.l1.number);
        let Some(posting) = postings.and_then(|all| all.get(outcome.batch)) else { return Ok(()) };
        let last = self.deriver.safe().number;
        self.books.enter(&self.chain, outcome.l1, posting, last, contents)?;
        Ok(())
    }

    /// Makes a block the head, and tells the pool.
    pub(super) fn commit(&mut self, built: BuiltBlock) -> Result<Arc<BlockRecord>, DriverError> {
        let changed: Vec<_> = built
            .diff()
            .accounts
            .iter()
            .map(|account| (account.address, account.after.into()))
            .collect();
        let block = self.chain.commit(built)?;
        // Much can be done between two looks at what comes in.
        self.status.pulse().beat();
        self.head = block_ref(&self.config, &block)?;
        let included: Vec<_> = block.transactions.iter().map(|tx| tx.hash()).collect();
        self.pool.on_block(&BlockUpdate {
            included: &included,
            changed: &changed,
            next_base_fee: self.chain.spec().next_base_fee(&block.header),
            block_gas_limit: self.config.gas_limit,
        });
        Ok(block)
    }

    fn on_batch(&self, outcome: &BatchOutcome) {
        let BatchOutcome { l1, batch, applied, dropped } = outcome;
        match dropped {
            None => {
                self.meters.applied.increment(1);
                tracing::debug!(%l1, batch, blocks = applied, "batch applied");
            }
            Some(reason) => {
                self.meters.refused.increment(1);
                tracing::warn!(%l1, batch, applied, %reason, "batch dropped");
            }
        }
    }
}

/// The transactions with their senders, recovered on all cores, and their sizes in a batch: that takes
/// many times as long as executing them. Error: the first that has none, and why; or that there are more than fit into
/// `gas_limit`, which a lying batcher pays for less than it takes to recover them.
fn recover(
    transactions: &[Transaction],
    gas_limit: u64,
) -> Result<Vec<RecoveredTransaction>, String> {
    let sequenced = transactions.iter().filter(|tx| !tx.is_deposit()).count();
    if sequenced as u64 > gas_limit / TX_GAS {
        return Err(format!("{sequenced} transactions do not fit into {gas_limit} gas"));
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = transactions.len().div_ceil(cores).max(WORTH_A_THREAD);
    let recover = |part: usize, transactions: &[Transaction]| -> Result<Vec<_>, String> {
        let first = part * share;
        let mut sizer = BatchSizer::default();
        let recovered = (first..).zip(transactions).map(|(index, tx)| {
            let tx = RecoveredTransaction::recover(tx.clone())
                .map_err(|error| format!("transaction {index}: {error}"))?;
            if !tx.tx.is_deposit() {
                // Remembered for the block's execution, which has one core.
                tx.batch_size(&mut sizer);
            }
            Ok(tx)
        });
        recovered.collect()
    };
    thread::scope(|scope| {
        let mut parts = transactions.chunks(share).enumerate();
        let own = parts.next();
        let others: Vec<_> = parts
            .map(|(part, transactions)| scope.spawn(move || recover(part, transactions)))
            .collect();
        let mut all =
            own.map_or(Ok(Vec::new()), |(part, transactions)| recover(part, transactions))?;
        for other in others {
            // A panic there is one here.
            all.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(all)
    })
}

fn is_same(block: &BlockRecord, derived: &DerivedBlock) -> bool {
    let (header, wanted) = (&block.header, &derived.attributes);
    header.parent_hash == derived.parent.hash
        && header.timestamp == wanted.timestamp
        && header.gas_limit == wanted.gas_limit
        && header.beneficiary == wanted.beneficiary
        && header.mix_hash == wanted.prev_randao
        && header.parent_beacon_block_root == Some(wanted.parent_beacon_block_root)
        && header.extra_data.is_empty()
        && block.transactions.len() == derived.transactions.len()
        && block
            .transactions
            .iter()
            .zip(&derived.transactions)
            .all(|(ours, theirs)| ours.hash() == theirs.tx_hash())
}

fn execution_attributes(derived: &DerivedBlock) -> BlockAttributes {
    attributes_of(&derived.attributes)
}

/// The attributes as the EVM takes them.
pub(super) fn attributes_of(attributes: &mezz_derivation::derive::L2Attributes) -> BlockAttributes {
    BlockAttributes {
        timestamp: attributes.timestamp,
        beneficiary: attributes.beneficiary,
        gas_limit: attributes.gas_limit,
        prev_randao: attributes.prev_randao,
        parent_beacon_block_root: attributes.parent_beacon_block_root,
        extra_data: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        consensus::{SignableTransaction, TxLegacy},
        primitives::{Signature, U256},
        signers::{SignerSync, local::PrivateKeySigner},
    };

    fn signed(keys: &[PrivateKeySigner], nonce: usize) -> Transaction {
        let tx = TxLegacy { nonce: nonce as u64, ..TxLegacy::default() };
        let key = &keys[nonce % keys.len()];
        let signature = key.sign_hash_sync(&tx.signature_hash()).expect("signs");
        Transaction::Ethereum(tx.into_signed(signature).into())
    }

    #[test]
    fn senders_are_in_order_and_the_first_without_one_is_told() {
        let keys: Vec<_> = (1..4)
            .map(|n| PrivateKeySigner::from_bytes(&U256::from(n).into()).expect("a key"))
            .collect();
        for count in [0, 1, WORTH_A_THREAD, WORTH_A_THREAD + 1, 5 * WORTH_A_THREAD] {
            let txs: Vec<_> = (0..count).map(|nonce| signed(&keys, nonce)).collect();
            let recovered = recover(&txs, u64::MAX).expect("all have senders");
            assert_eq!(recovered.len(), count);
            for (at, (tx, sent)) in recovered.iter().zip(&txs).enumerate() {
                assert_eq!(tx.sender, keys[at % 3].address());
                assert_eq!(tx.tx, *sent);
            }
        }
        let mut txs: Vec<_> = (0..5 * WORTH_A_THREAD).map(|nonce| signed(&keys, nonce)).collect();
        for broken in [150, 70] {
            let unsigned = Signature::new(U256::ZERO, U256::ZERO, false);
            let tx = TxLegacy::default().into_signed(unsigned);
            txs[broken] = Transaction::Ethereum(tx.into());
            let error = recover(&txs, u64::MAX).expect_err("one has no sender");
            assert!(error.starts_with(&format!("transaction {broken}: ")), "{error}");
        }
    }

    #[test]
    fn more_transactions_than_there_is_gas_for_are_not_even_recovered() {
        let deposit = Transaction::from(mezz_primitives::TxDeposit::default());
        let legacy = alloy::primitives::hex::decode("c98080808080801b8080").unwrap();
        let legacy = Transaction::decode(&legacy).unwrap();
        let fitting = vec![deposit.clone(), legacy.clone(), legacy, deposit];
        // There is no sender of such a signature.
        assert!(recover(&fitting, 2 * TX_GAS).unwrap_err().starts_with("transaction 1"));
        let error = recover(&fitting, 2 * TX_GAS - 1).unwrap_err();
        assert_eq!(error, "2 transactions do not fit into 41999 gas");
    }
}
