//! The senders of sequenced transactions. To recover them takes many times as long as to execute
//! the transactions, so it is done on all cores, and for batches that wait to be derived before it
//! is their turn, as is decoding them: execution has one core.

use alloy::primitives::Bytes;
use mezz_derivation::{
    RollupConfig,
    batch::{Batch, BatchBlock},
    derive::{BatchData, BlockSource, DecodedBatch},
};
use mezz_primitives::{Learnt, RecoveredTransaction, Transaction, fee::BatchSizer};
use std::{collections::HashMap, mem::size_of, panic::resume_unwind, sync::Arc, thread};

/// Transactions whose senders take longer to recover than a thread to start, by far.
const WORTH_A_THREAD: usize = 32;
/// Gas that every transaction uses at least (Yellow Paper, appendix G; EIP-7623 for the rest).
const TX_GAS: u64 = 21_000;
/// Bytes of a batch that every transaction takes at least: those of its signature.
const TX_BYTES: usize = 64;
/// Batches of an L1 block that are read before it is known whether they count: twice as many as an
/// honest batcher has on their way.
const READ_AHEAD: usize = 8;
/// Bytes below which a batch is not worth it, whatever it decompresses to.
const WORTH_READING: usize = WORTH_A_THREAD * TX_BYTES;
/// How many times its bytes a decoded batch may take to be kept. One of usual transactions takes two
/// to three times as many.
const MOST_GROWTH: usize = 8;

/// The transactions with their senders, recovered on all cores, and their sizes in a batch. Error:
/// the first that has none, and why; or that there are more than fit into `gas_limit`, which a lying
/// batcher pays for less than it takes to recover them.
pub(crate) fn recover(
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

/// The chain whose transactions are recovered.
#[derive(Clone, Copy, Debug)]
pub struct L2Bounds {
    /// Its chain id.
    pub chain_id: u64,
    /// Gas of a block.
    pub gas_limit: u64,
}

impl From<&RollupConfig> for L2Bounds {
    fn from(config: &RollupConfig) -> Self {
        Self { chain_id: config.l2_chain_id, gas_limit: config.gas_limit }
    }
}

/// What is known of the transactions of the batches of an L1 block, by the places of batch and block.
/// It may be less than all: of what cannot be a valid block nothing is. It takes fewer bytes than
/// the batches.
#[derive(Debug, Default)]
pub struct Ahead(HashMap<(usize, usize), Vec<Learnt>>);

impl Ahead {
    /// Learns what there is of batches, as far as their bytes could hold it. Those that do not take
    /// much more room for it stay decoded.
    pub(crate) fn of(batches: &mut [BatchData], l2: L2Bounds) -> Self {
        let mut ahead = Self::default();
        for (at, posted) in batches.iter_mut().take(READ_AHEAD).enumerate() {
            let Ok(data) = posted.bytes() else { continue };
            if data.len() < WORTH_READING {
                continue;
            }
            let bytes = data.len();
            let Ok(decoded) = DecodedBatch::decode(data, l2.chain_id) else { continue };
            ahead.read(at, decoded.batch(), bytes, l2);
            if memory(decoded.batch()) <= MOST_GROWTH * bytes {
                *posted = BatchData::Decoded(Arc::new(decoded));
            }
        }
        ahead
    }

    /// Learns what there is of the batch of so many bytes at this place.
    fn read(&mut self, at: usize, batch: &Batch, bytes: usize, l2: L2Bounds) {
        let mut left = bytes / TX_BYTES;
        for (place, block) in batch.blocks.iter().enumerate() {
            if block.transactions.is_empty() {
                continue;
            }
            let Some(less) = left.checked_sub(block.transactions.len()) else { return };
            left = less;
            let decoded = block.transactions.iter().map(|raw| Transaction::decode(raw));
            let Ok(transactions) = decoded.collect::<Result<Vec<_>, _>>() else { return };
            let Ok(recovered) = recover(&transactions, l2.gas_limit) else { return };
            let learnt = recovered.iter().map(RecoveredTransaction::learnt).collect();
            self.0.insert((at, place), learnt);
        }
    }

    /// The transactions of a block with their senders; `None` if something of them is not known.
    pub(crate) fn of_block(
        &self,
        source: &BlockSource,
        forced: &[Transaction],
        sequenced: &[Transaction],
    ) -> Option<Vec<RecoveredTransaction>> {
        let BlockSource::Batch { batch, block, .. } = *source else { return None };
        let learnt = self.0.get(&(batch, block))?;
        if learnt.len() != sequenced.len() {
            return None;
        }
        let forced = forced.iter().map(|tx| RecoveredTransaction::recover(tx.clone()).ok());
        let sequenced = sequenced
            .iter()
            .zip(learnt)
            .map(|(tx, learnt)| RecoveredTransaction::with_learnt(tx.clone(), learnt));
        forced.chain(sequenced).collect()
    }
}

/// Bytes that a batch takes in memory, about.
fn memory(batch: &Batch) -> usize {
    let transactions = batch.blocks.iter().flat_map(|block| &block.transactions);
    let blocks = batch.blocks.len() * size_of::<BatchBlock>();
    transactions.map(|tx| size_of::<Bytes>() + tx.len()).sum::<usize>() + blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        consensus::{SignableTransaction, TxEip4844, TxLegacy},
        primitives::{Signature, U256},
        signers::{SignerSync, local::PrivateKeySigner},
    };
    use mezz_derivation::{
        L1Ref,
        batch::{self, Compression, HashCheck},
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

    const L2: L2Bounds = L2Bounds { chain_id: 901, gas_limit: 30_000_000 };

    fn posted(blocks: &[Vec<Transaction>], compression: Compression) -> BatchData {
        let block = |transactions: &Vec<Transaction>| BatchBlock {
            transactions: transactions.iter().map(|tx| tx.encoded().into()).collect(),
            ..BatchBlock::default()
        };
        let blocks = blocks.iter().map(block).collect();
        let batch = Batch {
            parent_check: HashCheck::ZERO,
            origin_check: HashCheck::ZERO,
            first_number: 1,
            blocks,
        };
        BatchData::Calldata(batch::encode(&batch, L2.chain_id, compression).unwrap().into())
    }

    fn place(batch: usize, block: usize) -> BlockSource {
        BlockSource::Batch { l1: L1Ref::default(), batch, block }
    }

    /// Of 32 transactions, of none, of one.
    fn three_blocks() -> [Vec<Transaction>; 3] {
        let key = PrivateKeySigner::from_bytes(&U256::from(7).into()).expect("a key");
        let tx = |nonce| signed(std::slice::from_ref(&key), nonce);
        [(0..WORTH_A_THREAD).map(tx).collect(), vec![], vec![tx(WORTH_A_THREAD)]]
    }

    #[test]
    fn senders_that_were_recovered_ahead_are_the_same() {
        let blocks = three_blocks();
        let deposit = [Transaction::from(mezz_primitives::TxDeposit::default())];
        let backwards = [blocks[2].clone(), blocks[0].clone()];
        let ahead = Ahead::of(
            &mut [posted(&backwards, Compression::Stored), posted(&blocks, Compression::default())],
            L2,
        );
        for (at, block) in [(0, &blocks[0]), (2, &blocks[2])] {
            let known = ahead.of_block(&place(1, at), &deposit, block).expect("known");
            let all = [&deposit[..], block].concat();
            assert_eq!(known, recover(&all, u64::MAX).unwrap());
        }
        let known = ahead.of_block(&place(0, 1), &[], &blocks[0]);
        assert_eq!(known.map(|known| known.len()), Some(WORTH_A_THREAD));
    }

    /// Nothing depends on it: what is not known is recovered when it is its turn.
    #[test]
    fn what_is_of_another_place_is_not_known() {
        let blocks = three_blocks();
        let ahead = Ahead::of(&mut [posted(&blocks, Compression::default())], L2);
        let other = signed(&[PrivateKeySigner::random()], WORTH_A_THREAD);
        for (source, sequenced) in [
            (place(0, 1), &blocks[0][..]),
            (place(0, 2), &blocks[0][..1]),
            (place(0, 2), &[other]),
            (place(0, 1), &[]),
            (place(0, 3), &[]),
            (place(1, 0), &blocks[0][..]),
            (BlockSource::WindowExpired { l1: L1Ref::default() }, &[]),
        ] {
            assert_eq!(ahead.of_block(&source, &[], sequenced), None, "{source:?}");
        }
    }

    /// Copies of one transaction in the form in which signatures are compressed, too: they take next
    /// to no bytes, and each as long to recover.
    #[test]
    fn attack_tiny_batch_of_many_transactions_is_not_recovered_ahead() {
        let tx = TxEip4844::default();
        let signature = PrivateKeySigner::random().sign_hash_sync(&tx.signature_hash()).unwrap();
        let tx = Transaction::Ethereum(tx.into_signed(signature).into());
        let blocks = [three_blocks()[0].clone(), vec![tx; 1_000]];
        let mut data = [posted(&blocks, Compression::Brotli(9))];
        assert!(data[0].bytes().unwrap().len() < 100 * TX_BYTES);
        let ahead = Ahead::of(&mut data, L2);
        assert!(matches!(data[0], BatchData::Calldata(_)), "it is not kept decoded");
        assert!(ahead.of_block(&place(0, 0), &[], &blocks[0]).is_some());
        assert!(ahead.of_block(&place(0, 1), &[], &blocks[1]).is_none());
    }

    /// They follow from a few bytes: nothing is kept of them, and of tiny batches nothing is read.
    #[test]
    fn attack_blocks_without_transactions_take_no_memory_ahead() {
        let mut blocks = vec![Vec::new(); 10_000];
        let tiny = posted(&blocks, Compression::Brotli(9));
        assert!(tiny.bytes().unwrap().len() < WORTH_READING);
        blocks.push(three_blocks()[0].clone());
        let large = posted(&blocks, Compression::Brotli(9));
        let ahead = Ahead::of(&mut [tiny, large], L2);
        assert_eq!(ahead.0.keys().collect::<Vec<_>>(), [&(1, 10_000)]);
    }

    #[test]
    fn attack_many_batches_in_a_block_are_not_all_read_ahead() {
        let blocks = three_blocks();
        let mut batches = vec![posted(&blocks, Compression::Stored); READ_AHEAD + 1];
        let ahead = Ahead::of(&mut batches, L2);
        assert!(matches!(batches[READ_AHEAD - 1], BatchData::Decoded(_)));
        assert!(matches!(batches[READ_AHEAD], BatchData::Calldata(_)));
        assert!(ahead.of_block(&place(READ_AHEAD - 1, 0), &[], &blocks[0]).is_some());
        assert!(ahead.of_block(&place(READ_AHEAD, 0), &[], &blocks[0]).is_none());
    }

    #[test]
    fn attack_batches_that_are_none_are_not_recovered_ahead() {
        let blocks = three_blocks();
        let BatchData::Calldata(good) = posted(&blocks, Compression::default()) else { panic!() };
        let cut = BatchData::Calldata(good.slice(..good.len() - 1));
        let little = L2Bounds { gas_limit: WORTH_A_THREAD as u64 * TX_GAS - 1, ..L2 };
        for (data, l2) in [
            (cut, L2),
            (BatchData::Calldata(Bytes::new()), L2),
            (BatchData::Blobs(vec![Bytes::new()]), L2),
            (BatchData::Calldata(good), little),
        ] {
            assert!(Ahead::of(&mut [data], l2).of_block(&place(0, 0), &[], &blocks[0]).is_none());
        }
    }
}
