//! The trie against alloy-trie: roots after random changes, proofs, and versions kept while newer ones change.

use crate::{EMPTY_ROOT, StateTrie, Trie};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{
    HashBuilder, Nibbles, TrieAccount,
    proof::verify_proof,
    root::{state_root_unhashed, storage_root_unhashed},
};
use mezz_primitives::{Account, AccountDiff, SlotDiff, StateDiff};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::collections::BTreeMap;

fn oracle_root(entries: &BTreeMap<B256, U256>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in entries {
        builder.add_leaf(Nibbles::unpack(key), &alloy_rlp::encode(value));
    }
    builder.root()
}

fn check_proof(root: B256, key: &B256, value: Option<Vec<u8>>, proof: &[Bytes]) {
    verify_proof(root, Nibbles::unpack(key), value, proof).expect("proof verifies");
}

/// Keys that share long prefixes and part late, so that extensions split, branches collapse and nodes are inlined.
fn crowded_key(rng: &mut StdRng) -> B256 {
    let mut key =
        *[B256::ZERO, B256::repeat_byte(0x11), B256::repeat_byte(0xff)].choose(rng).expect("some");
    for _ in 0..rng.random_range(0..3) {
        let at = *[0usize, 1, 7, 15, 16, 30, 31, 31].choose(rng).expect("some");
        key[at] = *[0x00, 0x01, 0x10, 0x11, 0x12, 0x21, 0xff, 0xfe].choose(rng).expect("some");
    }
    key
}

fn value(rng: &mut StdRng) -> U256 {
    match rng.random_range(0..4) {
        0 => U256::from(rng.random_range(1..0x80u64)),
        1 => U256::from(rng.random_range(1..u64::MAX)),
        2 => U256::MAX,
        _ => U256::from_be_bytes(rng.random::<[u8; 32]>()).max(U256::from(1)),
    }
}

#[test]
fn empty_and_single() {
    let mut trie = Trie::<U256>::default();
    assert_eq!(trie.root(), EMPTY_ROOT);
    assert!(trie.proof(&B256::ZERO).is_empty());
    check_proof(EMPTY_ROOT, &B256::ZERO, None, &[]);
    trie.insert(B256::ZERO, U256::from(1));
    let one = trie.root();
    assert_eq!(one, oracle_root(&BTreeMap::from([(B256::ZERO, U256::from(1))])));
    assert!(!trie.remove(&B256::repeat_byte(1)));
    assert_eq!(trie.root(), one);
    assert!(trie.remove(&B256::ZERO));
    assert_eq!(trie.root(), EMPTY_ROOT);
}

/// Random inserts, overwrites and deletes on crowded keys, in batches; a version kept after each batch must stay as it
/// was, whatever the later ones do.
#[test]
fn random_changes_equal_the_oracle_and_leave_versions_alone() {
    for seed in 0..60 {
        let rng = &mut StdRng::seed_from_u64(seed);
        let mut trie = Trie::<U256>::default();
        let mut model = BTreeMap::new();
        let mut versions: Vec<(Trie<U256>, BTreeMap<B256, U256>)> = Vec::new();
        for _ in 0..25 {
            for _ in 0..rng.random_range(1..12) {
                let key = crowded_key(rng);
                match rng.random_range(0..10) {
                    0..=5 => {
                        let v = value(rng);
                        trie.insert(key, v);
                        model.insert(key, v);
                    }
                    6 => {
                        let v = value(rng);
                        match (trie.get_mut(&key), model.get_mut(&key)) {
                            (Some(a), Some(b)) => (*a, *b) = (v, v),
                            (None, None) => {}
                            other => panic!("presence differs: {other:?}"),
                        }
                    }
                    _ => assert_eq!(trie.remove(&key), model.remove(&key).is_some()),
                }
                if rng.random_bool(0.1) {
                    // A version taken between changes, before its root is known.
                    versions.push((trie.clone(), model.clone()));
                }
            }
            assert_eq!(trie.peek_root(), oracle_root(&model));
            assert_eq!(trie.root(), oracle_root(&model));
            versions.push((trie.clone(), model.clone()));
            // Two branches of history from one version.
            if rng.random_bool(0.2) {
                (trie, model) = versions.choose(rng).expect("some").clone();
            }
        }
        for (mut version, model) in versions {
            let root = oracle_root(&model);
            assert_eq!(version.root(), root);
            let mut listed = BTreeMap::new();
            version.for_each(|key, value| assert!(listed.insert(*key, *value).is_none()));
            assert_eq!(listed, model);
            for key in model.keys().copied().chain((0..10).map(|_| crowded_key(rng))) {
                assert_eq!(version.get(&key), model.get(&key));
                check_proof(
                    root,
                    &key,
                    model.get(&key).map(alloy_rlp::encode),
                    &version.proof(&key),
                );
            }
        }
    }
}

/// A node inlined in its parent is not listed by itself: a verifier that expects it by hash would refuse the proof.
#[test]
fn inlined_nodes_are_not_repeated_in_proofs() {
    let mut trie = Trie::<U256>::default();
    let mut a = B256::ZERO;
    a[31] = 0x01;
    let mut b = B256::ZERO;
    b[31] = 0x02;
    trie.insert(a, U256::from(1));
    trie.insert(b, U256::from(2));
    let root = trie.root();
    // Extension over 63 nibbles to a branch of 16 references, of which two are inlined leaves.
    let proof = trie.proof(&a);
    assert_eq!(proof.len(), 1, "the branch is 21 bytes and stands inside the extension");
    check_proof(root, &a, Some(alloy_rlp::encode(U256::from(1))), &proof);
    let mut c = B256::ZERO;
    c[0] = 0x10;
    check_proof(root, &c, None, &trie.proof(&c));
}

#[derive(Clone, Default)]
struct Model(BTreeMap<Address, (Account, BTreeMap<U256, U256>)>);

impl Model {
    fn root(&self) -> B256 {
        state_root_unhashed(self.0.iter().map(|(address, (account, slots))| {
            (
                *address,
                TrieAccount::new(
                    account.nonce,
                    account.balance,
                    storage_root(slots),
                    account.code_hash,
                ),
            )
        }))
    }

    /// A random difference that fits this state, applied to it.
    fn change(&mut self, rng: &mut StdRng, accounts: u8, changes: usize) -> StateDiff {
        let mut diffs = BTreeMap::new();
        for _ in 0..changes {
            let address = Address::repeat_byte(rng.random_range(0..accounts));
            if diffs.contains_key(&address) {
                continue;
            }
            let before = self.0.get(&address).cloned();
            let (mut account, mut slots) = before.clone().unwrap_or_default();
            let removed = before.is_some() && rng.random_bool(0.2);
            let mut storage = Vec::new();
            if removed {
                storage.extend(slots.iter().map(|(slot, v)| SlotDiff {
                    slot: *slot,
                    before: *v,
                    after: U256::ZERO,
                }));
            } else {
                account.nonce += rng.random_range(0..3);
                account.balance = value(rng);
                account.code_hash = if rng.random() { keccak256([]) } else { keccak256(address) };
                for slot in 0..8u64 {
                    let slot = U256::from(slot);
                    let was = slots.get(&slot).copied().unwrap_or_default();
                    let now = if rng.random_bool(0.4) { U256::ZERO } else { value(rng) };
                    if rng.random_bool(0.5) && was != now {
                        storage.push(SlotDiff { slot, before: was, after: now });
                        if now.is_zero() {
                            slots.remove(&slot);
                        } else {
                            slots.insert(slot, now);
                        }
                    }
                }
            }
            if removed {
                self.0.remove(&address);
            } else {
                self.0.insert(address, (account, slots));
            }
            diffs.insert(
                address,
                AccountDiff {
                    address,
                    before: before.map(|(account, _)| account),
                    after: (!removed).then_some(account),
                    storage,
                },
            );
        }
        StateDiff { accounts: diffs.into_values().collect(), codes: Vec::new() }
    }
}

fn storage_root(slots: &BTreeMap<U256, U256>) -> B256 {
    storage_root_unhashed(slots.iter().map(|(slot, v)| (B256::from(*slot), *v)))
}

fn check_state(trie: &mut StateTrie, model: &Model, accounts: u8) {
    let root = model.root();
    assert_eq!(trie.root(), root);
    for address in (0..=accounts).map(Address::repeat_byte) {
        let entry = model.0.get(&address);
        assert_eq!(trie.account(&address), entry.map(|(account, _)| *account));
        let empty = BTreeMap::new();
        let slots = entry.map_or(&empty, |(_, slots)| slots);
        assert_eq!(trie.storage_root(&address), storage_root(slots));
        let leaf = entry.map(|(account, slots)| {
            alloy_rlp::encode(TrieAccount::new(
                account.nonce,
                account.balance,
                storage_root(slots),
                account.code_hash,
            ))
        });
        check_proof(root, &keccak256(address), leaf, &trie.account_proof(&address));
        for slot in (0..9u64).map(U256::from) {
            let v = slots.get(&slot).copied();
            assert_eq!(trie.storage(&address, &slot), v.unwrap_or_default());
            let key = keccak256(B256::from(slot));
            check_proof(
                storage_root(slots),
                &key,
                v.map(alloy_rlp::encode),
                &trie.storage_proof(&address, &slot),
            );
        }
    }
}

#[test]
fn states_equal_the_oracle_forwards_and_backwards() {
    for seed in 0..12 {
        let rng = &mut StdRng::seed_from_u64(1000 + seed);
        let mut trie = StateTrie::new();
        let mut model = Model::default();
        let mut history = Vec::new();
        for _ in 0..12 {
            let kept = (trie.clone(), model.clone());
            let diff = model.change(rng, 24, 10);
            trie.apply(&diff);
            check_state(&mut trie, &model, 24);
            history.push((kept, diff));
        }
        // The inverted differences lead back through every state, and the kept versions are still what they were.
        for ((mut kept, model), diff) in history.into_iter().rev() {
            trie.apply(&diff.inverted());
            check_state(&mut trie, &model, 24);
            check_state(&mut kept, &model, 24);
        }
        assert_eq!(trie.root(), EMPTY_ROOT);
    }
}

/// Timing, run by hand in release: 5,000 random updates on a million accounts.
#[test]
#[ignore = "a measurement, not a check"]
fn million_accounts() {
    let rng = &mut StdRng::seed_from_u64(7);
    let start = std::time::Instant::now();
    let mut trie = StateTrie::new();
    let address = |i: u32| Address::from_slice(&keccak256(i.to_be_bytes())[12..]);
    for i in 0..1_000_000 {
        let account = Account { nonce: 1, balance: U256::from(i), code_hash: keccak256([]) };
        trie.set(&address(i), Some(&account), []);
    }
    trie.root();
    let mut report = format!("load {:?}", start.elapsed());
    for _ in 0..10 {
        let kept = trie.clone();
        let addresses: Vec<_> =
            (0..5_000).map(|_| address(rng.random_range(0..1_000_000))).collect();
        let start = std::time::Instant::now();
        for address in &addresses {
            let account = Account {
                nonce: 2,
                balance: U256::from(rng.random::<u64>()),
                code_hash: keccak256([]),
            };
            trie.set(address, Some(&account), []);
        }
        let updated = start.elapsed();
        trie.root();
        report += &format!("\nupdate {updated:?} with root {:?}", start.elapsed());
        drop(kept);
    }
    let mut out = std::io::stderr();
    std::io::Write::write_all(&mut out, report.as_bytes()).expect("stderr");
}
