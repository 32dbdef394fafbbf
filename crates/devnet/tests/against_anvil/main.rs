//! Random blocks of every kind of transaction, here and on Anvil. Runs if `MEZZ_ANVIL` names its
//! binary. The seed is printed; `MEZZ_SEED` sets another.
//!
//! Anvil's blocks hold nine blobs and its excess blob gas never grows, so blocks stay below the
//! target here; how the excess follows is not compared.
//!
//! Both run revm: what an opcode does is not what is compared, but all that a chain does around
//! it. Roots and hashes are also computed by alloy's own functions.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod nodes;
mod programs;
mod state;
mod traffic;

use alloy::{
    consensus::{Header, TxEnvelope, proofs},
    eips::{
        eip1559::BaseFeeParams,
        eip2718::{Decodable2718, Encodable2718},
        eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
        eip4788::BEACON_ROOTS_ADDRESS,
    },
    primitives::{Address, B256, U256, address},
    rpc::types::{EIP1186AccountProofResponse, TransactionReceipt},
};
use mezz_chain::GenesisAccount;
use mezz_devnet::{Devnet, DevnetConfig, Mining};
use mezz_evm::{BlockAttributes, BlockExecutor, ChainSpec, MemoryState};
use mezz_primitives::{RecoveredTransaction, Transaction};
use mezz_trie::StateTrie;
use nodes::{Anvil, Remote, assert_roots, genesis_file, transactions};
use serde_json::{Map, Value, json};
use state::Dumped;
use std::{collections::BTreeMap, path::Path};
use traffic::{CHAIN_ID, Sent, Traffic};

/// Small enough that the base fee goes up as well as down.
const GAS_LIMIT: u64 = 8_000_000;
const BLOCKS: u64 = 24;
/// The contracts that blocks write to by themselves.
const SYSTEM: [Address; 2] = [HISTORY_STORAGE_ADDRESS, BEACON_ROOTS_ADDRESS];
/// Who gets the tips.
const COINBASE: Address = address!("00000000000000000000000000000000c01bba5e");

fn seed(default: u64) -> u64 {
    let seed = std::env::var("MEZZ_SEED").map_or(default, |seed| seed.parse().unwrap());
    eprintln!("seed {seed}");
    seed
}

/// The first state. The contracts that blocks write to by themselves are there without code.
///
/// Whatever code may call has a wei: Anvil takes an account that is not there for one that is.
fn first_state(traffic: &Traffic) -> BTreeMap<Address, GenesisAccount> {
    let wei = GenesisAccount { balance: U256::ONE, ..Default::default() };
    let mut state: BTreeMap<_, _> =
        traffic.addresses.iter().map(|address| (*address, wei.clone())).collect();
    for precompile in (1..=programs::PRECOMPILES).chain([256]) {
        state.insert(Address::left_padding_from(&precompile.to_be_bytes()), wei.clone());
    }
    for (address, account) in mezz_contracts::l1_genesis_alloc() {
        let code = if SYSTEM.contains(&address) { None } else { account.code };
        let code = code.unwrap_or_default();
        state.insert(address, GenesisAccount { nonce: 1, code, ..Default::default() });
    }
    let rich = GenesisAccount { balance: U256::from(10).pow(U256::from(22)), ..Default::default() };
    state.extend(traffic.senders().into_iter().map(|address| (address, rich.clone())));
    state
}

async fn anvil(
    dir: &Path,
    timestamp: u64,
    state: &BTreeMap<Address, GenesisAccount>,
) -> Option<Anvil> {
    let path = dir.join("genesis.json");
    let alloc: Map<String, Value> = state
        .iter()
        .map(|(address, account)| {
            let (nonce, balance) = (U256::from(account.nonce), account.balance);
            let account = json!({ "nonce": nonce, "balance": balance, "code": account.code });
            (address.to_string(), account)
        })
        .collect();
    let file = genesis_file(CHAIN_ID, GAS_LIMIT, timestamp, alloc.into());
    std::fs::write(&path, file.to_string()).unwrap();
    let anvil = Anvil::start(&path, GAS_LIMIT).await;
    if anvil.is_none() {
        eprintln!("skipped: MEZZ_ANVIL does not name Anvil's binary");
    }
    anvil
}

fn next_base_fee(header: &Header) -> u64 {
    header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap()
}

/// Anvil's first block has its genesis' base fee, which the rules allow after a half-full block
/// only. It goes on by the rules from what it is told.
async fn correct_base_fee(anvil: &Remote, genesis: &Header) {
    let base_fee = format!("{:#x}", next_base_fee(genesis));
    anvil.verb("anvil_setNextBlockBaseFeePerGas", json!([base_fee])).await;
}

async fn mine(node: &Remote, timestamp: u64) {
    node.verb("evm_setNextBlockTimestamp", json!([timestamp])).await;
    node.verb("evm_mine", json!([])).await;
}

/// The root of transactions in the form in which they are sent: with blobs and their proofs.
fn root_as_sent(sent: &[Sent]) -> B256 {
    let sent: Vec<_> =
        sent.iter().map(|tx| TxEnvelope::decode_2718(&mut tx.raw.as_ref()).unwrap()).collect();
    proofs::calculate_transaction_root(&sent)
}

/// What a receipt says, but for the hash of its block.
fn comparable(mut receipt: TransactionReceipt) -> TransactionReceipt {
    receipt.block_hash = None;
    // Anvil gives the price of blobs in receipts of transactions without any, too.
    if receipt.blob_gas_used.is_none() {
        receipt.blob_gas_price = None;
    }
    receipt.inner = receipt.inner.map_logs(|mut log| {
        log.block_hash = None;
        log.block_timestamp = None;
        log
    });
    receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_receipts_and_proofs_are_anvils() {
    let mut traffic = Traffic::new(seed(1), false);
    let state = first_state(&traffic);
    let handle = Devnet::start(DevnetConfig {
        addr: ([127, 0, 0, 1], 0).into(),
        chain_id: CHAIN_ID,
        mining: Mining::Manual,
        gas_limit: GAS_LIMIT,
        account_count: 0,
        alloc: state.clone(),
        ..Default::default()
    })
    .await
    .unwrap();
    let ours = Remote::new(&handle.url);
    let genesis = ours.block(0).await.header.inner;
    let dir = tempfile::tempdir().unwrap();
    let Some(anvil) = anvil(dir.path(), genesis.timestamp, &state).await else { return };
    let theirs = &anvil.node;
    // Anvil puts the contract of EIP-2935 into every genesis. It would hold hashes of blocks, and
    // these differ (below).
    theirs.verb("anvil_setCode", json!([HISTORY_STORAGE_ADDRESS, "0x"])).await;
    theirs.verb("anvil_setNonce", json!([HISTORY_STORAGE_ADDRESS, "0x1"])).await;
    correct_base_fee(theirs, &genesis).await;
    for node in [&ours, theirs] {
        node.verb("anvil_setCoinbase", json!([COINBASE])).await;
    }

    let mut base_fee = next_base_fee(&genesis);
    let mut timestamp = genesis.timestamp;
    let mut seen = Seen::default();
    for number in 1..=BLOCKS {
        let mut nonces = BTreeMap::new();
        for authority in traffic.authorities() {
            nonces.insert(authority, ours.nonce(authority).await);
        }
        let sent = traffic.block(base_fee, &nonces).await;
        for tx in &sent {
            assert_eq!(ours.send(&tx.raw).await, tx.hash);
            assert_eq!(theirs.send(&tx.raw).await, tx.hash);
        }
        timestamp += 1 + number * 7 % 13;
        for node in [&ours, theirs] {
            mine(node, timestamp).await;
        }

        let (block, other) = (ours.block(number).await, theirs.block(number).await);
        let (receipts, others) = (ours.receipts(number).await, theirs.receipts(number).await);
        let order: Vec<_> = sent.iter().map(|tx| tx.hash).collect();
        assert_eq!(block.transactions.hashes().collect::<Vec<_>>(), order, "block {number}");
        assert_eq!(
            other.transactions.hashes().collect::<Vec<_>>(),
            order,
            "block {number} of Anvil"
        );
        assert_eq!(receipts.len(), others.len());
        for (receipt, other) in receipts.iter().zip(others.iter().cloned()) {
            seen.receipt(receipt);
            assert_eq!(comparable(receipt.clone()), comparable(other), "block {number}");
        }
        // Without a beacon chain every node makes up its randomness and the beacon root: Anvil
        // draws the first and leaves the other zero, ours derives both from the parent. Its
        // genesis, besides, has no state root. With these three, the header and its hash are ours.
        let mut header = other.header.inner.clone();
        header.parent_hash = block.header.parent_hash;
        // And it takes the root of the transactions with their blobs.
        assert_eq!(header.transactions_root, root_as_sent(&sent), "block {number} of Anvil");
        header.transactions_root = block.header.transactions_root;
        // Its state root, too, is of another kind.
        let accounts = state::dump(theirs).await;
        if state::root(&accounts) != block.header.state_root {
            let differing = differing(&accounts, &ours, number).await;
            panic!("other state after block {number}: {differing:#?}");
        }
        header.state_root = block.header.state_root;
        header.mix_hash = block.header.mix_hash;
        header.parent_beacon_block_root = block.header.parent_beacon_block_root;
        assert_eq!(block.header.inner, header, "block {number}");
        assert_eq!(block.header.hash, header.hash_slow(), "block {number}");
        assert_roots(&block, &receipts);
        traffic.created(&receipts, &ours).await;
        seen.rising |= next_base_fee(&header) > base_fee;
        base_fee = next_base_fee(&header);
    }
    seen.assert_everything();

    let slots: Vec<_> = (0..=programs::SLOTS).map(B256::with_last_byte).collect();
    let mut touched = traffic.everyone();
    touched.push(Address::repeat_byte(0x99));
    let mut with_storage = 0;
    for address in touched {
        // At the newest block, and at one that lies back.
        for number in [BLOCKS, BLOCKS / 2] {
            let proof = ours.proof(address, &slots, number).await;
            with_storage +=
                usize::from(proof.storage_proof.iter().any(|slot| !slot.value.is_zero()));
            let other = theirs.proof(address, &slots, number).await;
            state::assert_proves(ours.block(number).await.header.state_root, &proof);
            assert_eq!(claims(proof), claims(other), "{address} at block {number}");
        }
    }
    assert!(with_storage > 10, "{with_storage} accounts with storage");
    handle.stop().await;
}

/// Accounts of Anvil that are not the same here, with what they are here.
async fn differing<'a>(
    accounts: &'a BTreeMap<Address, Dumped>,
    ours: &Remote,
    number: u64,
) -> Vec<(&'a Dumped, EIP1186AccountProofResponse)> {
    let mut differing = Vec::new();
    for (address, dumped) in accounts {
        let slots: Vec<_> = dumped.storage.keys().copied().collect();
        let mut proof = ours.proof(*address, &slots, number).await;
        if !dumped.is(&proof) {
            proof.account_proof.clear();
            proof.storage_proof.iter_mut().for_each(|slot| slot.proof.clear());
            differing.push((dumped, proof));
        }
    }
    differing
}

/// What a proof says, without the proof, for it is against Anvil's own root.
fn claims(proof: EIP1186AccountProofResponse) -> (Address, U256, u64, B256, Vec<(B256, U256)>) {
    let slots = proof.storage_proof.iter().map(|slot| (slot.key.as_b256(), slot.value));
    (proof.address, proof.balance, proof.nonce, proof.code_hash, slots.collect())
}

/// What has been met, so that a test cannot pass by comparing little.
#[derive(Debug, Default)]
struct Seen {
    types: [usize; 5],
    failed: usize,
    created: usize,
    logs: usize,
    rising: bool,
}

impl Seen {
    fn receipt(&mut self, receipt: &TransactionReceipt) {
        self.types[usize::from(u8::from(receipt.inner.tx_type()))] += 1;
        self.failed += usize::from(!receipt.status());
        self.created += usize::from(receipt.contract_address.is_some() && receipt.status());
        self.logs += receipt.logs().len();
    }

    fn assert_everything(&self) {
        eprintln!("{self:?}");
        assert!(self.types.iter().all(|count| *count >= 5), "{self:?}");
        assert!(self.failed >= 10 && self.created >= 10 && self.logs >= 3, "{self:?}");
        assert!(self.rising, "{self:?}");
    }
}

/// The other way round: what Anvil has mined, executed here on Anvil's own parents, must give the
/// very hashes, but for what Anvil's roots are made of. So code may read hashes and randomness, and the contract of EIP-2935 is there.
#[tokio::test(flavor = "multi_thread")]
async fn anvils_blocks_have_the_same_hashes_here() {
    let mut traffic = Traffic::new(seed(2), true);
    let mut first = first_state(&traffic);
    // Anvil has the contract of EIP-2935 by itself, with a nonce of zero, and does not write to
    // that of EIP-4788, which therefore stays away.
    first.remove(&HISTORY_STORAGE_ADDRESS);
    let dir = tempfile::tempdir().unwrap();
    let Some(anvil) = anvil(dir.path(), 1_800_000_000, &first).await else { return };
    let code = HISTORY_STORAGE_CODE.clone();
    first.insert(HISTORY_STORAGE_ADDRESS, GenesisAccount { code, ..Default::default() });

    let mut state = MemoryState::default();
    for (address, account) in first {
        state.set_nonce(address, account.nonce);
        state.set_balance(address, account.balance);
        state.set_code(address, account.code);
    }
    let mut trie = StateTrie::new();
    for (address, account) in state.accounts() {
        trie.set(address, Some(account), []);
    }

    anvil.node.verb("anvil_setCoinbase", json!([COINBASE])).await;
    let spec = ChainSpec { gas_limit: GAS_LIMIT, ..ChainSpec::l1(CHAIN_ID) };
    let mut parent = anvil.node.block(0).await.header.inner;
    correct_base_fee(&anvil.node, &parent).await;
    let mut seen = Seen::default();
    for number in 1..=BLOCKS {
        let nonces = traffic
            .authorities()
            .into_iter()
            .map(|authority| {
                (authority, state.accounts().get(&authority).map_or(0, |account| account.nonce))
            })
            .collect();
        let sent = traffic.block(next_base_fee(&parent), &nonces).await;
        for tx in &sent {
            anvil.node.send(&tx.raw).await;
        }
        mine(&anvil.node, parent.timestamp + 1 + number % 5).await;
        let block = anvil.node.block(number).await;
        let receipts = anvil.node.receipts(number).await;
        assert_eq!(receipts.len(), sent.len());
        receipts.iter().for_each(|receipt| seen.receipt(receipt));
        state.set_block_hash(parent.number, block.header.parent_hash);
        let attributes = BlockAttributes::of_header(&block.header);
        let mut executor = BlockExecutor::new(&spec, &parent, &attributes, &state).unwrap();
        let mut executed = Vec::new();
        for (tx, receipt) in transactions(&block).iter().zip(&receipts) {
            let tx = Transaction::decode(&tx.encoded_2718()).unwrap();
            let tx = RecoveredTransaction::recover(tx).unwrap();
            let outcome = executor.execute(&tx).unwrap();
            assert_eq!(outcome.gas_used, receipt.gas_used, "{receipt:?}");
            executed.push(tx.tx.clone());
        }
        let outcome = executor.finish().unwrap();
        state.apply(&outcome.diff);
        trie.apply(&outcome.diff);
        let mut header = outcome.seal_l1_header(&executed, trie.root());
        let root = proofs::calculate_transaction_root(&transactions(&block));
        assert_eq!(header.transactions_root, root, "block {number}");
        // Anvil takes the root of the transactions with their blobs.
        header.transactions_root = root_as_sent(&sent);
        let accounts = state::dump(&anvil.node).await;
        assert_eq!(header.state_root, state::root(&accounts), "state after block {number}");
        header.state_root = block.header.state_root;
        assert_eq!(header, block.header.inner, "block {number}");
        assert_eq!(header.hash_slow(), block.header.hash, "block {number}");
        seen.rising |= header.base_fee_per_gas > parent.base_fee_per_gas;
        traffic.created(&receipts, &anvil.node).await;
        parent = header;
    }
    seen.assert_everything();
}
