//! A small chain with everything that changes state, and a model of its state made of ordered maps.

use crate::{
    BlockRecord, BuildOptions, BuiltBlock, Chain, ChainConfig, ChainLimits, Genesis,
    GenesisAccount, Heads,
};
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Signature, TxKind};
use alloy_trie::{
    Nibbles, TrieAccount,
    proof::verify_proof,
    root::{state_root_unhashed, storage_root_unhashed},
};
use mezz_evm::{BlockAttributes, ChainSpec, StateReader};
use mezz_primitives::{
    Account, Address, B256, Bytes, RecoveredTransaction, StateDiff, Transaction, U256, addresses,
    keccak256,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

pub(super) const USERS: u8 = 8;
pub(super) const STORE: Address = Address::repeat_byte(0xaa);
const ETHER: u128 = 1_000_000_000_000_000_000;

/// `sstore(calldata[0..32], calldata[32..64])`, and a log of nothing.
pub(super) const STORE_CODE: &[u8] = &[0x60, 0x20, 0x35, 0x5f, 0x35, 0x55, 0x5f, 0x5f, 0xa0, 0x00];

pub(super) fn user(i: u8) -> Address {
    Address::repeat_byte(0x10 + i)
}

pub(super) fn genesis() -> Genesis {
    let mut alloc = BTreeMap::new();
    for i in 0..USERS {
        let balance = U256::from(1000 * ETHER);
        alloc.insert(user(i), GenesisAccount { balance, ..GenesisAccount::default() });
    }
    for (address, slots) in [(STORE, 3), (addresses::L2_TO_L1_MESSAGE_PASSER, 2)] {
        let storage = (0..slots).map(|slot| (U256::from(slot), U256::from(slot * 7 + 1))).collect();
        let account = GenesisAccount {
            nonce: 1,
            code: Bytes::from_static(STORE_CODE),
            storage,
            ..GenesisAccount::default()
        };
        alloc.insert(address, account);
    }
    Genesis {
        timestamp: 1_700_000_000,
        gas_limit: 30_000_000,
        base_fee: 1_000_000_000,
        alloc,
        ..Genesis::default()
    }
}

/// Limits under which everything happens early: few versions, short segments, no waiting.
pub(super) fn tight() -> ChainLimits {
    ChainLimits {
        kept_versions: 2,
        cached_versions: 2,
        recent_blocks: 2,
        segment_bytes: 2_000,
        flush_interval: Duration::ZERO,
        ..ChainLimits::default()
    }
}

/// Limits under which nothing reaches the history while the chain is open.
pub(super) fn log_only() -> ChainLimits {
    ChainLimits { flush_interval: Duration::from_secs(3600), ..ChainLimits::default() }
}

pub(super) fn config(dir: Option<&Path>, limits: ChainLimits) -> ChainConfig {
    ChainConfig {
        spec: ChainSpec::l1(1337),
        genesis: genesis(),
        data_dir: dir.map(Path::to_owned),
        limits,
    }
}

pub(super) fn open(dir: &Path, limits: ChainLimits) -> Chain {
    Chain::open(config(Some(dir), limits)).expect("opens")
}

/// A transaction of `sender`. The signature is not looked at: the sender is given.
pub(super) fn tx(
    sender: Address,
    nonce: u64,
    to: TxKind,
    value: u128,
    input: Vec<u8>,
) -> RecoveredTransaction {
    let tx = TxEip1559 {
        chain_id: 1337,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to,
        value: U256::from(value),
        access_list: Default::default(),
        input: input.into(),
    };
    // Another signature for each sender, and so another hash.
    let signature = Signature::new(U256::from_be_slice(sender.as_slice()), U256::from(1), false);
    let signed = tx.into_signed(signature);
    RecoveredTransaction::new(Transaction::Ethereum(signed.into()), sender)
}

pub(super) fn set_slot(sender: Address, nonce: u64, slot: u64, value: u64) -> RecoveredTransaction {
    set_slot_of(STORE, sender, nonce, slot, value)
}

pub(super) fn set_slot_of(
    contract: Address,
    sender: Address,
    nonce: u64,
    slot: u64,
    value: u64,
) -> RecoveredTransaction {
    let mut input = U256::from(slot).to_be_bytes::<32>().to_vec();
    input.extend_from_slice(&U256::from(value).to_be_bytes::<32>());
    tx(sender, nonce, TxKind::Call(contract), 0, input)
}

pub(super) fn attributes(chain: &Chain, random: u64) -> BlockAttributes {
    BlockAttributes {
        timestamp: chain.head().header.timestamp + 1,
        beneficiary: Address::repeat_byte(0xfe),
        gas_limit: 30_000_000,
        prev_randao: B256::from(U256::from(random)),
        parent_beacon_block_root: B256::ZERO,
        extra_data: Bytes::new(),
    }
}

/// Init code that returns `code`.
fn deploy(code: &[u8]) -> Vec<u8> {
    let len = u8::try_from(code.len()).expect("short");
    // push1 len, dup1, push1 offset, push0, codecopy, push0, return
    let mut init = vec![0x60, len, 0x80, 0x60, 9, 0x5f, 0x39, 0x5f, 0xf3];
    init.extend_from_slice(code);
    init
}

/// A block of random transactions on the head: transfers, new accounts, slots set and cleared, contracts created, and
/// contracts that write a slot and destroy themselves as they are created.
pub(super) fn random_block(chain: &Chain, rng: &mut StdRng) -> BuiltBlock {
    let state = chain.state().expect("state");
    let mut nonces = BTreeMap::new();
    let mut txs = Vec::new();
    for _ in 0..rng.random_range(0..8) {
        let sender = user(rng.random_range(0..USERS));
        let nonce = nonces.entry(sender).or_insert_with(|| {
            state.account(&sender).expect("read").map_or(0, |account| account.nonce)
        });
        let value = rng.random_range(0..ETHER);
        txs.push(match rng.random_range(0..8) {
            0 => tx(sender, *nonce, TxKind::Call(user(rng.random_range(0..USERS))), value, vec![]),
            1 => tx(
                sender,
                *nonce,
                TxKind::Call(Address::from(rng.random::<[u8; 20]>())),
                value,
                vec![],
            ),
            2 => tx(sender, *nonce, TxKind::Create, 0, deploy(STORE_CODE)),
            3 => {
                // sstore(1, 1); selfdestruct(caller)
                let init = vec![0x60, 1, 0x60, 1, 0x55, 0x33, 0xff];
                tx(sender, *nonce, TxKind::Create, 5, init)
            }
            n => {
                let contract = if n == 4 { addresses::L2_TO_L1_MESSAGE_PASSER } else { STORE };
                let value = if rng.random_bool(0.3) { 0 } else { rng.random_range(1..1000) };
                set_slot_of(contract, sender, *nonce, rng.random_range(0..12), value)
            }
        });
        *nonce += 1;
    }
    let attributes = attributes(chain, rng.random());
    let mut txs = txs.into_iter();
    let built = chain
        .build(&attributes, &[], &mut |_| txs.next(), &BuildOptions::default())
        .expect("builds");
    assert!(built.skipped().is_empty(), "{:?}", built.skipped());
    built
}

/// Commits `count` random blocks.
pub(super) fn grow(chain: &Chain, rng: &mut StdRng, count: usize) {
    for _ in 0..count {
        chain.commit(random_block(chain, rng)).expect("commits");
    }
}

pub(super) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// The state in ordered maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model(pub(super) BTreeMap<Address, (Account, BTreeMap<U256, U256>)>);

impl Model {
    pub(super) fn genesis() -> Self {
        let mut model = Self::default();
        for (address, account) in genesis().alloc {
            let info = Account {
                nonce: account.nonce,
                balance: account.balance,
                code_hash: keccak256(&account.code),
            };
            model.0.insert(address, (info, account.storage));
        }
        model
    }

    /// Applies a difference, of which the `before` side must be this state.
    pub(super) fn apply(&mut self, diff: &StateDiff) {
        assert!(diff.accounts.is_sorted_by(|a, b| a.address < b.address));
        for change in &diff.accounts {
            let (before, mut slots) = match self.0.remove(&change.address) {
                Some((account, slots)) => (Some(account), slots),
                None => (None, BTreeMap::new()),
            };
            assert_eq!(before, change.before);
            assert!(change.storage.is_sorted_by(|a, b| a.slot < b.slot));
            for slot in &change.storage {
                assert_eq!(slots.remove(&slot.slot).unwrap_or_default(), slot.before);
                if !slot.after.is_zero() {
                    slots.insert(slot.slot, slot.after);
                }
            }
            match change.after {
                Some(after) => {
                    self.0.insert(change.address, (after, slots));
                }
                None => assert!(slots.is_empty(), "an account disappears and leaves slots"),
            }
        }
    }

    fn storage_root(slots: &BTreeMap<U256, U256>) -> B256 {
        storage_root_unhashed(slots.iter().map(|(slot, value)| (B256::from(*slot), *value)))
    }

    fn trie_account((account, slots): &(Account, BTreeMap<U256, U256>)) -> TrieAccount {
        TrieAccount::new(
            account.nonce,
            account.balance,
            Self::storage_root(slots),
            account.code_hash,
        )
    }

    /// The state root, computed anew by alloy-trie.
    pub(super) fn root(&self) -> B256 {
        state_root_unhashed(
            self.0.iter().map(|(address, entry)| (*address, Self::trie_account(entry))),
        )
    }

    /// The storage root of an account, computed anew.
    pub(super) fn storage_root_of(&self, address: &Address) -> B256 {
        Self::storage_root(&self.0.get(address).map(|(_, slots)| slots.clone()).unwrap_or_default())
    }

    /// The view of this state must read the same, and prove it.
    pub(super) fn check(&self, view: &crate::StateView) {
        let root = self.root();
        assert_eq!(view.state_root(), root);
        let absent = Address::repeat_byte(0x77);
        for address in self.0.keys().copied().chain([absent]) {
            let entry = self.0.get(&address);
            assert_eq!(view.account(&address).expect("read"), entry.map(|(account, _)| *account));
            let leaf = entry.map(|entry| alloy_rlp::encode(Self::trie_account(entry)));
            let proof = view.account_proof(&address);
            verify_proof(root, Nibbles::unpack(keccak256(address)), leaf, &proof)
                .expect("account proof");

            let slots = entry.map(|(_, slots)| slots.clone()).unwrap_or_default();
            let storage_root = Self::storage_root(&slots);
            assert_eq!(view.storage_root(&address), storage_root);
            for slot in (0..12u64).map(U256::from) {
                let value = slots.get(&slot).copied();
                assert_eq!(view.storage(&address, &slot).expect("read"), value.unwrap_or_default());
                let key = Nibbles::unpack(keccak256(B256::from(slot)));
                let proof = view.storage_proof(&address, &slot);
                verify_proof(storage_root, key, value.map(alloy_rlp::encode), &proof)
                    .expect("slot proof");
            }
        }
    }
}

/// The states after each block from 0 on, from the chain's own differences.
pub(super) fn models(chain: &Chain) -> Vec<Model> {
    let mut model = Model::genesis();
    let mut models = vec![model.clone()];
    for number in 1..=chain.head().number() {
        model.apply(&chain.state_diff(number).expect("read").expect("there"));
        models.push(model.clone());
    }
    models
}

/// Everything that a chain says of itself, to be compared before and after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Portrait {
    heads: Heads,
    blocks: Vec<Arc<BlockRecord>>,
    diffs: Vec<Arc<StateDiff>>,
    proofs: Vec<(Vec<Bytes>, Vec<Bytes>)>,
    metas: Vec<Option<Bytes>>,
}

impl Portrait {
    pub(super) const fn heads(&self) -> &Heads {
        &self.heads
    }

    pub(super) fn blocks(&self) -> &[Arc<BlockRecord>] {
        &self.blocks
    }
}

pub(super) const META_KEYS: [&[u8]; 3] = [b"cursor", b"other", b"absent"];

pub(super) fn portrait(chain: &Chain) -> Portrait {
    let head = chain.head().number();
    let blocks: Vec<_> =
        (0..=head).map(|n| chain.block_by_number(n).expect("read").expect("there")).collect();
    assert_eq!(chain.header_by_number(head + 1).expect("read"), None);
    for block in &blocks {
        assert_eq!(
            chain.header_by_number(block.number()).expect("read").as_ref(),
            Some(&block.header)
        );
        assert_eq!(chain.block_by_hash(block.hash()).expect("read").as_ref(), Some(block));
        for (index, tx) in block.transactions.iter().enumerate() {
            let found = chain.transaction(tx.hash()).expect("read").expect("there");
            assert_eq!((found.0.hash(), found.1), (block.hash(), index));
        }
    }
    assert_eq!(chain.block_by_number(head + 1).expect("read"), None);
    Portrait {
        heads: chain.heads(),
        diffs: (0..=head).map(|n| chain.state_diff(n).expect("read").expect("there")).collect(),
        proofs: (0..=head)
            .map(|n| {
                let state = chain.state_at(n).expect("state");
                (state.account_proof(&user(1)), state.storage_proof(&STORE, &U256::from(1)))
            })
            .collect(),
        metas: META_KEYS.iter().map(|key| chain.get_meta(key)).collect(),
        blocks,
    }
}

/// Copies a directory, as a crash would leave it.
pub(super) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("create");
    for entry in std::fs::read_dir(from).expect("list") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("type").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copy");
        }
    }
}
