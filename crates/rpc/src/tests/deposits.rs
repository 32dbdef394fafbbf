//! What clients of the OP Stack read in deposits and receipts.

use super::node::{CHAIN_ID, dev_signer};
use crate::{
    Hooks as _, OpHooks,
    json::{BlockView, RpcReceipt},
};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_signer::SignerSync as _;
use mezz_chain::BlockRecord;
use mezz_primitives::{
    Address, B256, Header, Receipt, RecoveredTransaction, Sealable as _, Transaction, TxDeposit,
    TxKind, U256,
    fee::{BatchSize, L1FeeParams},
    l1_info::L1Attributes,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The attributes, a user's deposit that creates a contract, and a signed transaction.
pub(super) fn block() -> BlockRecord {
    let attributes = L1Attributes {
        base_fee: U256::from(7_000_000_000u64),
        blob_base_fee: U256::from(3),
        base_fee_scalar: 1_368,
        blob_base_fee_scalar: 810_949,
        ..Default::default()
    };
    let user = TxDeposit {
        source_hash: B256::repeat_byte(5),
        from: Address::repeat_byte(6),
        to: TxKind::Create,
        mint: 1_000,
        value: U256::from(9),
        gas_limit: 100_000,
        ..Default::default()
    };
    let signed =
        TxEip1559 { chain_id: CHAIN_ID, to: TxKind::Call(Address::ZERO), ..Default::default() };
    let signature = dev_signer().sign_hash_sync(&signed.signature_hash()).unwrap();
    let transactions = [
        Transaction::from(attributes.to_transaction()),
        Transaction::from(user),
        Transaction::Ethereum(signed.into_signed(signature).into()),
    ];
    let receipt = |tx_type, nonce, gas| Receipt {
        tx_type,
        success: true,
        cumulative_gas_used: gas,
        logs: Vec::new(),
        deposit_nonce: nonce,
    };
    let receipts = vec![
        receipt(0x7e, Some(4), 50_000),
        receipt(0x7e, Some(3), 110_000),
        receipt(2, None, 131_000),
    ];
    let header =
        Header { base_fee_per_gas: Some(1), excess_blob_gas: Some(0), ..Default::default() };
    let transactions = transactions.map(|tx| RecoveredTransaction::recover(tx).unwrap());
    BlockRecord::new(header.seal_slow(), transactions.into(), receipts)
}

fn receipt(block: &BlockRecord, index: usize) -> Value {
    let extra = OpHooks::default().receipt_fields(block, index);
    serde_json::to_value(RpcReceipt::new(block, index, Some(1), extra).unwrap()).unwrap()
}

#[test]
fn a_deposit_has_the_fields_that_clients_expect() {
    let view = BlockView { block: Arc::new(block()), full: true };
    let text = serde_json::to_string(&view).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let deposit = &json["transactions"][1];
    assert_eq!(deposit["type"], "0x7e");
    assert_eq!(deposit["sourceHash"], json!(B256::repeat_byte(5)));
    assert_eq!(deposit["mint"], "0x3e8");
    assert_eq!(deposit["isSystemTx"], false);
    assert_eq!(deposit["from"], json!(Address::repeat_byte(6)));
    assert_eq!(deposit["gas"], "0x186a0");
    assert_eq!(deposit["depositReceiptVersion"], "0x1");
    assert_eq!((&deposit["nonce"], &deposit["gasPrice"]), (&json!("0x3"), &json!("0x0")));
    assert_eq!(json["transactions"][0]["nonce"], "0x4");
    assert_eq!(deposit.get("to"), Some(&Value::Null));
    assert_eq!(deposit["transactionIndex"], "0x1");
    // No field twice: parsers disagree on which one counts.
    for index in 0..3 {
        let tx = serde_json::to_string(&json["transactions"][index]).unwrap();
        let all = text.matches("\"gasPrice\":").count() + text.matches("\"from\":").count();
        assert!(tx.contains("\"gasPrice\":"), "{tx}");
        assert_eq!(all, 6);
    }
}

#[test]
fn receipts_tell_the_deposit_nonce_and_the_l1_fee() {
    let block = block();
    let deposit = receipt(&block, 1);
    assert_eq!(deposit["type"], "0x7e");
    assert_eq!(deposit["depositNonce"], "0x3");
    assert_eq!(deposit["depositReceiptVersion"], "0x1");
    assert_eq!(deposit["gasUsed"], "0xea60");
    assert_eq!(deposit["effectiveGasPrice"], "0x0");
    assert_eq!(deposit["contractAddress"], json!(Address::repeat_byte(6).create(3)));
    assert!(deposit.get("l1Fee").is_none());

    let signed = receipt(&block, 2);
    let params = L1FeeParams {
        l1_base_fee: U256::from(7_000_000_000u64),
        blob_base_fee: U256::from(3),
        base_fee_scalar: 1_368,
        blob_base_fee_scalar: 810_949,
    };
    let size = BatchSize::of_bytes(&block.transactions[2].tx.encoded());
    assert_eq!(signed["l1Fee"], json!(params.l1_fee(size)));
    assert_eq!(signed["l1GasUsed"], format!("{:#x}", size.l1_gas_used()));
    assert_eq!(signed["l1GasPrice"], "0x1a13b8600");
    assert_eq!(signed["l1BlobBaseFee"], "0x3");
    assert_eq!(signed["l1BaseFeeScalar"], "0x558");
    assert_eq!(signed["l1BlobBaseFeeScalar"], "0xc5fc5");
    assert!(signed.get("depositNonce").is_none());
}
