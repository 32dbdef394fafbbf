//! Set-code transactions (EIP-7702).

use super::*;
use alloy_consensus::{SignableTransaction, TxEip7702};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use k256::ecdsa::SigningKey;

pub(super) fn authority(seed: u8) -> (SigningKey, Address) {
    let key = SigningKey::from_slice(&[seed; 32]).expect("in range");
    let address = Address::from_public_key(key.verifying_key());
    (key, address)
}

pub(super) fn authorize(seed: u8, to: Address, nonce: u64) -> SignedAuthorization {
    let authorization = Authorization { chain_id: U256::from(CHAIN), address: to, nonce };
    let hash = authorization.signature_hash();
    let (signature, recovery) =
        authority(seed).0.sign_prehash_recoverable(hash.as_slice()).expect("signs");
    authorization.into_signed(Signature::from((signature, recovery)))
}

pub(super) fn set_code(
    nonce: u64,
    to: Address,
    list: Vec<SignedAuthorization>,
) -> RecoveredTransaction {
    let tx = TxEip7702 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 3 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to,
        value: U256::ZERO,
        access_list: Default::default(),
        authorization_list: list,
        input: Bytes::new(),
    };
    let tx = EthereumTxEnvelope::Eip7702(tx.into_signed(Signature::test_signature()));
    RecoveredTransaction::new(Transaction::Ethereum(tx), ALICE)
}

#[test]
fn delegates_and_runs_the_delegate_on_the_authority() {
    for spec in [ChainSpec::l1(CHAIN), ChainSpec::l2(CHAIN)] {
        let mut state = genesis();
        let who = authority(1).1;
        let tx = set_code(0, who, alloc::vec![authorize(1, COUNTER.0, 0)]);
        let (ran, outcome) = run_one(&spec, &mut state, tx);
        assert!(ran.success);
        assert_eq!(nonce(&state, who), 1);
        assert_eq!(slot(&state, who, 0), U256::from(1));
        let mut designator = hex!("ef0100").to_vec();
        designator.extend_from_slice(COUNTER.0.as_slice());
        assert_eq!(outcome.diff.codes[0].bytes, designator);

        // Cleared again; the account keeps its nonce and storage.
        let tx = set_code(1, BOB, alloc::vec![authorize(1, Address::ZERO, 1)]);
        run_one(&spec, &mut state, tx);
        assert!(!state.accounts()[&who].has_code());
        assert_eq!(nonce(&state, who), 2);
    }
}

#[test]
fn wrong_authorizations_are_skipped() {
    let mut state = genesis();
    let wrong_chain = {
        let mut other = authorize(2, COUNTER.0, 0).strip_signature();
        other.chain_id = U256::from(CHAIN + 1);
        let hash = other.signature_hash();
        let (signature, recovery) =
            authority(2).0.sign_prehash_recoverable(hash.as_slice()).expect("signs");
        other.into_signed(Signature::from((signature, recovery)))
    };
    let list = alloc::vec![authorize(1, COUNTER.0, 5), wrong_chain];
    let (ran, _) = run_one(&ChainSpec::l1(CHAIN), &mut state, set_code(0, BOB, list));
    assert!(ran.success);
    assert!(!state.accounts().contains_key(&authority(1).1));
    assert!(!state.accounts().contains_key(&authority(2).1));
}

/// An empty account that an earlier transaction of the block has touched does not exist: its
/// authorization earns no refund. In a block of its own and behind the touching one, the same
/// transaction uses the same gas.
#[test]
fn an_authority_touched_but_empty_earns_no_refund() {
    let spec = ChainSpec::l1(CHAIN);
    let who = authority(1).1;
    let touch = signed(ALICE, eip1559(0, TxKind::Call(who), 0));
    let delegate = set_code(1, BOB, alloc::vec![authorize(1, COUNTER.0, 0)]);

    let mut together = genesis();
    let (ran, _) = run_block(&spec, &mut together, &[touch.clone(), delegate.clone()]);
    let gas_together = ran[1].as_ref().expect("valid").gas_used;

    let mut apart = genesis();
    run_one(&spec, &mut apart, touch);
    let (ran, _) = run_one(&spec, &mut apart, delegate);
    assert_eq!(gas_together, ran.gas_used);
    assert_eq!(together.accounts(), apart.accounts());
}

#[test]
fn an_empty_list_is_invalid() {
    let mut state = genesis();
    let (ran, _) = run_block(&ChainSpec::l1(CHAIN), &mut state, &[set_code(0, BOB, Vec::new())]);
    assert_eq!(ran, [Err(InvalidTx::NoAuthorizations)]);
}
