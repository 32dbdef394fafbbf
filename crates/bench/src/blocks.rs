//! Building blocks, with roots and a durable commit, against bare revm on the same transactions.

use crate::{
    Failure,
    accounts::{self, CHAIN_ID, Signed, addresses},
    report::{median, verdict, whole},
    workload::{Kind, Workload},
};
use alloy_primitives::{U256, hex};
use mezz_chain::{BuildOptions, Chain, ChainConfig, ChainLimits, Genesis, GenesisAccount};
use mezz_evm::{BlockAttributes, ChainSpec};
use mezz_primitives::{Address, RecoveredTransaction, Transaction, fee::BatchSizer};
use revm::{
    Context, ExecuteCommitEvm, MainBuilder, MainContext,
    context::{BlockEnv, TxEnv},
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};
use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Gas of a block, above what any of the workloads fills.
const GAS_LIMIT: u64 = 1_000_000_000;
/// Wei of each account that funds the others.
const RICH: U256 = U256::from_limbs([0, 1 << 20, 0, 0]);
/// Pause after each block: the history is written in the background, which is no part of making the next. The core is
/// kept busy meanwhile, as that of bare revm is.
const PAUSE: Duration = Duration::from_millis(30);
/// Of the lower of the two rates.
const GOAL: f64 = 0.6;

/// How blocks are built.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs of each kind, in turn
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

impl Kind {
    /// Transactions of a block and of a run: what fits into a block's 700,000 bytes.
    const fn block(self) -> (usize, usize) {
        match self {
            Self::Transfers => (6_000, 60_000),
            Self::Erc20 => (3_900, 30_000),
            Self::Swaps => (1_800, 12_000),
        }
    }
}

/// The blocks of a workload: those that prepare the chain, and those that are measured.
struct Blocks {
    setup: Vec<Vec<RecoveredTransaction>>,
    timed: Vec<Vec<RecoveredTransaction>>,
}

/// What a run took, and the gas that it used.
struct Run {
    built: Duration,
    committed: Duration,
    gas: u64,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    println!(
        "Block building, senders known: execution, state root, and on a second thread the roots of transactions and receipts;"
    );
    println!(
        "then the durable commit. Against bare revm (`transact_commit` on its CacheDB, nothing else) on the same transactions,"
    );
    println!("by the clock. Goal: {GOAL} of revm.\n");
    println!(
        "  workload             txs/block   revm Mgas/s   built Mgas/s   with commit   us/tx: revm   built   with commit"
    );
    for kind in [Kind::Transfers, Kind::Erc20, Kind::Swaps] {
        let (size, count) = kind.block();
        let blocks = read(&kind.workload(count)?, size)?;
        let txs = blocks.timed.iter().map(Vec::len).sum::<usize>() as f64;
        let mut bare = Vec::new();
        let mut ours = Vec::new();
        for _ in 0..args.runs.max(1) {
            bare.push(revm(&blocks)?);
            ours.push(mezz(&blocks)?);
        }
        // Blocks differ in their times, and a pool of Uniswap writes one more slot where time has passed.
        if bare[0].gas.abs_diff(ours[0].gas) > ours[0].gas / 100 {
            return Err(format!("revm used {} gas, we {}", bare[0].gas, ours[0].gas).into());
        }
        let gas = ours[0].gas as f64;
        let seconds = |runs: &[Run], of: fn(&Run) -> Duration| {
            median(runs.iter().map(|run| of(run).as_secs_f64()))
        };
        let base = seconds(&bare, |run| run.built);
        let built = seconds(&ours, |run| run.built);
        let committed = seconds(&ours, |run| run.committed);
        let rate = |seconds: f64| whole(gas / seconds / 1e6);
        let each = |seconds: f64| seconds * 1e6 / txs;
        println!(
            "  {:20} {:>9} {:>13} {:>14} {:>13} {:>13.2} {:>7.2} {:>13.2}   {}",
            kind.title(),
            size,
            rate(base),
            rate(built),
            rate(committed),
            each(base),
            each(built),
            each(committed),
            verdict(base / built, GOAL)
        );
    }
    Ok(())
}

/// The transactions with their senders, in blocks.
fn read(workload: &Workload, size: usize) -> Result<Blocks, Failure> {
    let in_blocks = |txs: &[&Signed]| -> Result<Vec<_>, Failure> {
        let txs = recover(txs)?;
        Ok(txs.chunks(size).map(<[_]>::to_vec).collect())
    };
    let mut setup = Vec::new();
    for round in &workload.setup {
        setup.extend(in_blocks(&round.txs.iter().collect::<Vec<_>>())?);
    }
    let each = workload.timed.first().map_or(0, Vec::len);
    let timed: Vec<_> =
        (0..each).flat_map(|turn| workload.timed.iter().map(move |txs| &txs[turn])).collect();
    Ok(Blocks { setup, timed: in_blocks(&timed)? })
}

/// Decodes and recovers on all cores; the order stays.
fn recover(txs: &[&Signed]) -> Result<Vec<RecoveredTransaction>, Failure> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let one = |tx: &&Signed| -> Result<_, Failure> {
        let tx = RecoveredTransaction::recover(Transaction::decode(&hex::decode(&tx.raw)?)?)?;
        // The pool asks for it as well.
        tx.batch_size(&mut BatchSizer::default());
        Ok(tx)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = txs
            .chunks(txs.len().div_ceil(threads).max(1))
            .map(|part| scope.spawn(move || part.iter().map(one).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut recovered = Vec::with_capacity(txs.len());
        for worker in workers {
            recovered.extend(worker.join().map_err(|_| Failure::from("recovery has panicked"))??);
        }
        Ok(recovered)
    })
}

/// A chain of our own that begins with the accounts that fund the others.
fn open(dir: &Path) -> Result<Chain, Failure> {
    let alloc = addresses(&accounts::rich()?)
        .into_iter()
        .map(|address| (address, GenesisAccount { balance: RICH, ..Default::default() }))
        .collect();
    Ok(Chain::open(ChainConfig {
        spec: ChainSpec::l2(CHAIN_ID),
        genesis: Genesis {
            gas_limit: GAS_LIMIT,
            base_fee: 1_000_000_000,
            alloc,
            ..Genesis::default()
        },
        data_dir: Some(dir.to_path_buf()),
        limits: ChainLimits::default(),
    })?)
}

fn mezz(blocks: &Blocks) -> Result<Run, Failure> {
    let dir = tempfile::tempdir_in(crate::process::own_dir()?)?;
    let chain = open(dir.path())?;
    let mut run = Run { built: Duration::ZERO, committed: Duration::ZERO, gas: 0 };
    for (timed, txs) in blocks
        .setup
        .iter()
        .map(|txs| (false, txs))
        .chain(blocks.timed.iter().map(|txs| (true, txs)))
    {
        let attributes = BlockAttributes {
            timestamp: chain.head().header.timestamp + 1,
            gas_limit: GAS_LIMIT,
            beneficiary: Address::repeat_byte(0x11),
            ..BlockAttributes::default()
        };
        let started = Instant::now();
        let mut offered = txs.iter();
        let mut next = |_: &mezz_chain::BuildStep<'_>| offered.next().cloned();
        let built = chain.build(&attributes, &[], &mut next, &BuildOptions::default())?;
        let time = started.elapsed();
        let committing = Instant::now();
        if let Some(skipped) = built.skipped().first() {
            return Err(format!("a transaction was refused: {}", skipped.reason).into());
        }
        let record = chain.commit(built)?;
        if timed {
            run.built += time;
            run.committed += time + committing.elapsed();
            run.gas += record.header.gas_used;
        }
        let until = Instant::now() + PAUSE;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
    }
    Ok(run)
}

fn revm(blocks: &Blocks) -> Result<Run, Failure> {
    let mut db = CacheDB::new(EmptyDB::default());
    for address in addresses(&accounts::rich()?) {
        db.insert_account_info(address, AccountInfo { balance: RICH, ..Default::default() });
    }
    let block = BlockEnv {
        basefee: 1_000_000_000,
        gas_limit: GAS_LIMIT,
        beneficiary: Address::repeat_byte(0x11),
        ..BlockEnv::default()
    };
    let mut evm = Context::mainnet()
        .with_db(db)
        .with_block(block)
        .modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            cfg.chain_id = CHAIN_ID;
        })
        .build_mainnet();
    for tx in blocks.setup.iter().flatten() {
        evm.transact_commit(env(tx))?;
    }
    let envs: Vec<TxEnv> = blocks.timed.iter().flatten().map(env).collect();
    let started = Instant::now();
    let mut gas = 0;
    for tx in envs {
        gas += evm.transact_commit(tx)?.tx_gas_used();
    }
    let time = started.elapsed();
    Ok(Run { built: time, committed: time, gas })
}

fn env(tx: &RecoveredTransaction) -> TxEnv {
    use alloy_consensus::Transaction as _;
    let sender = tx.sender;
    let tx = &tx.tx;
    TxEnv {
        tx_type: 2,
        caller: sender,
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        ..TxEnv::default()
    }
}
