//! Any blocks on the EVM chain, of an L1 and of an L2: refused or committed; what is committed is
//! the same when it is executed again, and taking it off leads back to the state before.

#![no_main]

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use mezz_chain::{BuildOptions, Chain, ChainConfig, ChainLimits, Genesis, GenesisAccount};
use mezz_evm::{BlockAttributes, ChainSpec};
use mezz_primitives::{RecoveredTransaction, Transaction, TxDeposit};
use std::collections::BTreeMap;

const CHAIN_ID: u64 = 901;
const USERS: u8 = 4;

#[derive(Arbitrary, Debug)]
struct Input {
    is_l2: bool,
    /// Code of three contracts.
    codes: [Vec<u8>; 3],
    blocks: Vec<Block>,
}

#[derive(Arbitrary, Debug)]
struct Block {
    seconds: u16,
    gas_limit: u32,
    beneficiary: u8,
    randao: u8,
    extra_data: Vec<u8>,
    /// Whether an invalid transaction fails the block, as in an import, or is left out.
    strict: bool,
    transactions: Vec<Tx>,
}

#[derive(Arbitrary, Debug)]
enum Tx {
    Call {
        from: u8,
        to: u8,
        nonce: u8,
        value: u64,
        gas: u32,
        fee: u64,
        tip: u64,
        data: Vec<u8>,
    },
    Create {
        from: u8,
        nonce: u8,
        value: u64,
        gas: u32,
        code: Vec<u8>,
    },
    Deposit {
        from: u8,
        to: Option<u8>,
        mint: u128,
        value: u128,
        gas: u32,
        system: bool,
        data: Vec<u8>,
    },
    /// The bytes of any transaction at all.
    Raw {
        from: u8,
        bytes: Vec<u8>,
    },
}

fn user(index: u8) -> Address {
    Address::repeat_byte(0x10 + index % USERS)
}

/// A user, a contract, a precompile or system address, or nobody.
fn target(index: u8) -> Address {
    match index % 16 {
        index @ 0..4 => user(index),
        index @ 4..7 => Address::repeat_byte(0xa0 + index),
        7 => mezz_primitives::addresses::L1_BLOCK,
        8 => mezz_primitives::addresses::L2_TO_L1_MESSAGE_PASSER,
        9 => mezz_primitives::addresses::BASE_FEE_VAULT,
        _ => Address::with_last_byte(index),
    }
}

fn signed(from: Address, tx: TxEip1559) -> RecoveredTransaction {
    // The sender is given, as by a caller that has recovered it; the signature only makes the
    // hash another.
    let signature = Signature::new(U256::from_be_slice(from.as_slice()), U256::from(1), false);
    RecoveredTransaction::new(Transaction::Ethereum(tx.into_signed(signature).into()), from)
}

fn transaction(tx: &Tx) -> Option<RecoveredTransaction> {
    let gas = |gas: u32| u64::from(gas % 2_000_000);
    Some(match tx {
        Tx::Call { from, to, nonce, value, gas: limit, fee, tip, data } => {
            let tx = TxEip1559 {
                chain_id: CHAIN_ID,
                nonce: u64::from(nonce % 8),
                gas_limit: gas(*limit),
                max_fee_per_gas: u128::from(*fee),
                max_priority_fee_per_gas: u128::from(*tip),
                to: target(*to).into(),
                value: U256::from(*value),
                input: data.clone().into(),
                ..TxEip1559::default()
            };
            signed(user(*from), tx)
        }
        Tx::Create { from, nonce, value, gas: limit, code } => {
            let tx = TxEip1559 {
                chain_id: CHAIN_ID,
                nonce: u64::from(nonce % 8),
                gas_limit: gas(*limit),
                max_fee_per_gas: 10_000_000_000,
                to: TxKind::Create,
                value: U256::from(*value),
                input: code.clone().into(),
                ..TxEip1559::default()
            };
            signed(user(*from), tx)
        }
        Tx::Deposit { from, to, mint, value, gas: limit, system, data } => {
            let deposit = TxDeposit {
                source_hash: B256::repeat_byte(*from),
                from: target(*from),
                to: to.map_or(TxKind::Create, |to| target(to).into()),
                mint: mint % (1 << 100),
                value: U256::from(*value),
                gas_limit: gas(*limit),
                is_system_transaction: *system,
                input: data.clone().into(),
            };
            let sender = deposit.from;
            RecoveredTransaction::new(deposit.into(), sender)
        }
        Tx::Raw { from, bytes } => {
            RecoveredTransaction::new(Transaction::decode(bytes).ok()?, user(*from))
        }
    })
}

fn chain(input: &Input) -> Option<Chain> {
    let mut alloc = BTreeMap::new();
    for index in 0..USERS {
        let balance = U256::from(10u128.pow(24));
        alloc.insert(user(index), GenesisAccount { balance, ..GenesisAccount::default() });
    }
    for (index, code) in (4..).zip(&input.codes) {
        let code = Bytes::from(code.clone());
        let account = GenesisAccount { nonce: 1, code, ..GenesisAccount::default() };
        alloc.insert(target(index), account);
    }
    let genesis = Genesis {
        timestamp: 1_700_000_000,
        gas_limit: 30_000_000,
        base_fee: 1_000_000_000,
        alloc,
        ..Genesis::default()
    };
    let spec = if input.is_l2 { ChainSpec::l2(CHAIN_ID) } else { ChainSpec::l1(CHAIN_ID) };
    let limits = ChainLimits { kept_versions: 2, ..ChainLimits::default() };
    Chain::open(ChainConfig { spec, genesis, data_dir: None, limits }).ok()
}

fuzz_target!(|input: Input| {
    let (Some(chain), Some(again)) = (chain(&input), chain(&input)) else { return };
    let genesis = chain.head().header.state_root;
    for block in input.blocks.iter().take(4) {
        let attributes = BlockAttributes {
            timestamp: chain.head().header.timestamp + u64::from(block.seconds),
            beneficiary: target(block.beneficiary),
            gas_limit: u64::from(block.gas_limit),
            prev_randao: B256::repeat_byte(block.randao),
            parent_beacon_block_root: B256::repeat_byte(block.randao),
            extra_data: block.extra_data.clone().into(),
        };
        let txs: Vec<_> = block.transactions.iter().take(6).filter_map(transaction).collect();
        let built = if block.strict {
            chain.execute_block(&attributes, &txs)
        } else {
            let mut txs = txs.iter().cloned();
            chain.build(&attributes, &[], &mut |_| txs.next(), &BuildOptions::default())
        };
        let Ok(built) = built else { continue };
        let hash = built.hash();
        let record = chain.commit(built).expect("a block on the head");
        assert_eq!(record.hash(), hash);
        assert_eq!(chain.state().expect("a state").state_root(), record.header.state_root);
        // Whoever executes what is in it comes to the same block.
        let repeated = again.execute_block(&attributes, &record.transactions);
        let repeated = repeated.expect("what was valid is valid");
        assert_eq!(repeated.hash(), hash);
        again.commit(repeated).expect("a block on the head");
    }
    let height = chain.head().number();
    chain.unwind(0).expect("nothing is final");
    assert_eq!(chain.head().header.state_root, genesis);
    for number in 1..=height {
        assert!(chain.block_by_number(number).expect("reads").is_none());
    }
});
