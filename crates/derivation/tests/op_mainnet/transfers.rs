//! Plain transfers as a busy chain has them: thousands of accounts that send to thousands of
//! others, wallets that offer twice the base fee, amounts round and not.

use alloy_consensus::{TxEip1559, transaction::RlpEcdsaEncodableTx};
use alloy_primitives::{Address, Signature, TxKind, U256, keccak256};
use mezz_derivation::{Batch, BatchBlock, batch::HashCheck};

/// How many accounts send them.
pub(crate) const SENDERS: usize = 1_500;
/// How many accounts there are to send to.
pub(crate) const ACCOUNTS: u64 = 6_000;
/// Chain id of the transfers.
pub(crate) const CHAIN_ID: u64 = 901;
/// Transfers in a block.
const BLOCK: usize = 100;

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 += 1;
        let hash = keccak256(self.0.to_be_bytes());
        u64::from_be_bytes(hash[..8].try_into().expect("eight bytes")) % bound
    }
}

fn account(index: u64) -> Address {
    Address::from_word(keccak256(format!("account {index}")))
}

/// A batch of `count` of them.
pub(crate) fn batch(count: usize) -> Batch {
    let mut chance = Chance(0);
    let mut nonces: Vec<u64> = (0..SENDERS).map(|_| chance.below(400)).collect();
    let mut base_fee = 1_000_000u64;
    let mut blocks = Vec::new();
    for number in 0..count / BLOCK {
        // Up to a percent more or less than in the block before.
        base_fee = base_fee * (990 + chance.below(21)) / 1_000;
        let transactions = (0..BLOCK)
            .map(|_| {
                let sender = chance.below(SENDERS as u64) as usize;
                nonces[sender] += 1;
                // What wallets do: twice the base fee they saw, and a tip from a short list.
                let tip = [0, 1_000, 100_000, 1_000_000][chance.below(4) as usize];
                let value = if chance.below(3) == 0 {
                    // An amount that somebody typed, in thousandths of an ether.
                    U256::from(1 + chance.below(5_000)) * U256::from(10u64.pow(15))
                } else {
                    // What was left, or came from a price: every digit is in use.
                    U256::from(chance.below(10u64.pow(18)))
                };
                let tx = TxEip1559 {
                    chain_id: CHAIN_ID,
                    nonce: nonces[sender],
                    gas_limit: 21_000,
                    max_fee_per_gas: u128::from(2 * base_fee + tip),
                    max_priority_fee_per_gas: u128::from(tip),
                    to: TxKind::Call(account(chance.below(ACCOUNTS))),
                    value,
                    ..Default::default()
                };
                // As good as random, as signatures are; `s` in the lower half.
                let r = keccak256(chance.below(u64::MAX).to_be_bytes());
                let s = U256::from_be_bytes(keccak256(r).0) >> 1;
                let signature = Signature::new(U256::from_be_bytes(r.0), s, chance.below(2) == 1);
                let mut raw = Vec::new();
                tx.eip2718_encode(&signature, &mut raw);
                raw.into()
            })
            .collect();
        blocks.push(BatchBlock {
            timestamp: 1_800_000_000 + number as u64,
            advances_origin: number % 12 == 0,
            transactions,
        });
    }
    Batch {
        parent_check: HashCheck::repeat_byte(1),
        origin_check: HashCheck::repeat_byte(2),
        first_number: 1_000,
        blocks,
    }
}
