//! Acceptance, replacement, and the words of refusals.

use super::*;
use crate::{DecodeError, PoolError, Subpool};
use alloy_consensus::TxEip7702;
use mezz_primitives::{Bytes, TxDeposit};

fn refusal(pool: &Pool, tx: NewTransaction) -> String {
    pool.add(tx).unwrap_err().to_string()
}

#[test]
fn gap_is_queued_until_it_is_filled() {
    let (_, pool, a) = rich();
    let mut listener = pool.subscribe();
    let txs: Vec<_> = (0..3).map(|n| transfer(a, n, GWEI, 1)).collect();
    assert_eq!(pool.add(txs[0].clone()).unwrap().subpool, Subpool::Pending);
    assert_eq!(pool.add(txs[2].clone()).unwrap().subpool, Subpool::Queued);
    assert_eq!((pool.status().pending, pool.status().queued), (1, 1));
    assert_eq!(pool.nonce(&a).unwrap(), 1);
    assert_eq!(pool.add(txs[1].clone()).unwrap().subpool, Subpool::Pending);
    assert_eq!((pool.status().pending, pool.status().queued), (3, 0));
    assert_eq!(pool.nonce(&a).unwrap(), 3);
    let announced: Vec<_> = std::iter::from_fn(|| listener.try_recv().ok()).collect();
    assert_eq!(announced, txs.iter().map(hash).collect::<Vec<_>>());
    pool.check();
}

#[test]
fn replacement_needs_ten_percent_on_both_caps() {
    let (_, pool, a) = rich();
    let first = transfer(a, 0, 1000, 100);
    pool.add(first.clone()).unwrap();
    for (fee_cap, tip) in [(1099, 110), (1100, 109), (1000, 100), (5000, 100), (100_000, 105)] {
        assert_eq!(
            refusal(&pool, transfer(a, 0, fee_cap, tip)),
            if (fee_cap, tip) == (1000, 100) {
                "already known"
            } else {
                "replacement transaction underpriced"
            }
        );
    }
    let second = transfer(a, 0, 1100, 110);
    let outcome = pool.add(second).unwrap();
    assert_eq!(outcome.replaced, Some(hash(&first)));
    assert!(pool.get(&hash(&first)).is_none());
    assert_eq!(pool.status().pending, 1);
    pool.check();
}

#[test]
fn replacement_of_free_transaction_pays_something() {
    let (_, pool, a) = rich();
    pool.add(transfer(a, 0, 0, 0)).unwrap();
    let other = signed(
        a,
        TxEip1559 {
            chain_id: CHAIN_ID,
            gas_limit: 22_000,
            to: TxKind::Call(a),
            ..Default::default()
        },
    );
    assert_eq!(refusal(&pool, other), "replacement transaction underpriced");
}

#[test]
fn nonces_out_of_range_are_refused() {
    let (accounts, pool, _) = rich();
    let b = sender(1);
    accounts.set(b, 7, u128::MAX);
    assert_eq!(refusal(&pool, transfer(b, 6, 1, 1)), "nonce too low: next nonce 7, tx nonce 6");
    let limit = pool.config().max_sender_txs;
    let error = pool.add(transfer(b, 7 + limit as u64, 1, 1)).unwrap_err();
    assert_eq!(error, PoolError::NonceGapTooLarge { next: 7, nonce: 7 + limit as u64, limit });
    assert_eq!(refusal(&pool, transfer(b, u64::MAX, 1, 1)), "nonce has max value");
}

#[test]
fn funds_are_for_all_pending_together() {
    let (accounts, pool, _) = rich();
    let b = sender(1);
    accounts.set(b, 0, 50_000);
    assert_eq!(
        refusal(&pool, transfer(b, 0, 3, 1)),
        "insufficient funds for gas * price + value: balance 50000, tx cost 63000, overshot 13000"
    );
    pool.add(transfer(b, 0, 1, 1)).unwrap();
    pool.add(transfer(b, 1, 1, 1)).unwrap();
    assert_eq!(
        refusal(&pool, transfer(b, 2, 1, 1)),
        "insufficient funds for gas * price + value: balance 50000, queued cost 42000, tx cost 21000, overshot 13000"
    );
    assert_eq!(
        refusal(&pool, transfer(b, 1, 2, 2)),
        "insufficient funds for gas * price + value: balance 50000, queued cost 42000, tx bumped 21000, overshot 13000"
    );
    pool.check();
}

#[test]
fn cost_that_overflows_is_unpayable() {
    let (_, pool, a) = rich();
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        gas_limit: 21_000,
        max_fee_per_gas: u128::MAX,
        value: U256::MAX,
        to: TxKind::Call(a),
        ..Default::default()
    };
    assert!(matches!(pool.add(signed(a, tx)), Err(PoolError::InsufficientFunds { .. })));
}

#[test]
fn data_fee_is_part_of_the_cost() {
    let accounts = Accounts::default();
    let a = sender(0);
    accounts.set(a, 0, 21_000 + 99);
    let pool = accounts
        .pool(PoolConfig::default())
        .with_data_fee(|tx| if tx.tx.is_deposit() { U256::ZERO } else { U256::from(100) });
    assert_eq!(
        refusal(&pool, transfer(a, 0, 1, 1)),
        "insufficient funds for gas * price + value: balance 21099, tx cost 21100, overshot 1"
    );
    accounts.set(a, 0, 21_100);
    pool.add(transfer(a, 0, 1, 1)).unwrap();
}

#[test]
fn gas_has_a_floor_and_a_ceiling() {
    let (_, pool, a) = rich();
    let tx = |gas_limit, input: Bytes, to| {
        signed(a, TxEip1559 { chain_id: CHAIN_ID, gas_limit, input, to, ..Default::default() })
    };
    let call = TxKind::Call(Address::ZERO);
    assert_eq!(
        refusal(&pool, tx(20_999, Bytes::new(), call)),
        "intrinsic gas too low: gas 20999, minimum needed 21000"
    );
    // One zero byte: 4 gas; ten non-zero bytes: 16 each.
    let mut input = vec![1; 10];
    input.push(0);
    assert_eq!(
        refusal(&pool, tx(21_163, input.clone().into(), call)),
        "intrinsic gas too low: gas 21163, minimum needed 21164"
    );
    assert_eq!(
        refusal(&pool, tx(21_164, input.clone().into(), call)),
        "insufficient gas for floor data gas cost: gas 21164, minimum needed 21410"
    );
    // Creation: 32,000 and 2 gas a word.
    assert_eq!(
        refusal(&pool, tx(53_165, input.into(), TxKind::Create)),
        "intrinsic gas too low: gas 53165, minimum needed 53166"
    );
    assert_eq!(
        refusal(&pool, tx(16_777_217, Bytes::new(), call)),
        "transaction gas limit too high (cap: 16777216, tx: 16777217)"
    );
    assert_eq!(
        refusal(&pool, tx(9_000_000, vec![0; 49_153].into(), TxKind::Create)),
        "max initcode size exceeded: code size 49153, limit 49152"
    );
    assert!(
        refusal(&pool, tx(9_000_000, vec![0; 131_072].into(), call))
            .starts_with("oversized data: transaction size 131")
    );
    let small = Accounts::default();
    let config = PoolConfig { block_gas_limit: 1_000_000, ..Default::default() };
    assert_eq!(
        refusal(&small.pool(config), tx(1_000_001, Bytes::new(), call)),
        "exceeds block gas limit"
    );
}

#[test]
fn fees_below_the_least_are_underpriced() {
    let accounts = Accounts::default();
    let a = sender(0);
    accounts.set(a, 0, u128::MAX);
    let pool = accounts.pool(PoolConfig { min_tip: 5, min_fee_cap: 50, ..Default::default() });
    assert_eq!(
        refusal(&pool, transfer(a, 0, 100, 4)),
        "transaction underpriced: gas tip cap 4, minimum needed 5"
    );
    assert_eq!(
        refusal(&pool, transfer(a, 0, 49, 5)),
        "transaction underpriced: gas fee cap 49, minimum needed 50"
    );
    assert_eq!(
        refusal(&pool, transfer(a, 0, 50, 51)),
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: 51, maxFeePerGas: 50"
    );
    pool.add(transfer(a, 0, 50, 5)).unwrap();
}

#[test]
fn foreign_chains_and_types_are_refused() {
    let (_, pool, a) = rich();
    let tx =
        TxEip1559 { chain_id: 5, gas_limit: 21_000, to: TxKind::Call(a), ..Default::default() };
    assert_eq!(refusal(&pool, signed(a, tx)), "invalid chain id for signer: have 5 want 1");
    let deposit = RecoveredTransaction::new(TxDeposit::default().into(), a);
    assert_eq!(
        refusal(&pool, deposit.into()),
        "transaction type not supported: tx type 126 not supported by this pool"
    );
    let set_code =
        TxEip7702 { chain_id: CHAIN_ID, gas_limit: 100_000, to: a, ..Default::default() };
    let signature = Signature::test_signature();
    let set_code =
        RecoveredTransaction::new(Transaction::Ethereum(set_code.into_signed(signature).into()), a);
    assert_eq!(
        refusal(&pool, set_code.into()),
        "set code tx must have at least one authorization tuple"
    );
}

#[test]
fn delegated_sender_gets_one_transaction() {
    let (accounts, pool, a) = rich();
    accounts.0.lock().get_mut(&a).unwrap().has_code = true;
    pool.add(transfer(a, 0, 100, 10)).unwrap();
    assert_eq!(
        refusal(&pool, transfer(a, 1, 100, 10)),
        "in-flight transaction limit reached for delegated accounts"
    );
    // It may still replace it.
    pool.add(transfer(a, 0, 200, 20)).unwrap();
}

#[test]
fn raw_bytes_are_decoded_or_refused() {
    let raw = alloy_primitives::hex!(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    );
    let tx = NewTransaction::decode(&raw).unwrap();
    assert_eq!(tx.tx.sender.to_string(), "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F");
    assert_eq!(NewTransaction::decode(&[]), Err(DecodeError::Empty));
    let deposit = Transaction::from(TxDeposit::default()).encoded();
    assert_eq!(NewTransaction::decode(&deposit), Err(DecodeError::UnsupportedType));
    assert_eq!(NewTransaction::decode(&[0x7d, 1]), Err(DecodeError::UnsupportedType));
    assert!(matches!(NewTransaction::decode(&raw[..50]), Err(DecodeError::Encoding(_))));
    let mut longer = raw.to_vec();
    longer.push(0);
    assert!(matches!(NewTransaction::decode(&longer), Err(DecodeError::Encoding(_))));
}
