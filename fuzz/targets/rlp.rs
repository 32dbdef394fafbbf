//! Any bytes as a transaction, a block, a header, a receipt: an error or the one thing that has
//! these bytes.

#![no_main]

use alloy_consensus::Header;
use alloy_rlp::{Decodable, Encodable};
use libfuzzer_sys::fuzz_target;
use mezz_primitives::{Receipt, RecoveredTransaction, Transaction, block::Block};

/// What is decoded is encoded in its place again.
fn same<T: Decodable + Encodable>(data: &[u8]) -> Option<T> {
    let mut rest = data;
    let value = T::decode(&mut rest).ok()?;
    let read = &data[..data.len() - rest.len()];
    assert_eq!(alloy_rlp::encode(&value), read);
    assert_eq!(value.length(), read.len());
    Some(value)
}

fuzz_target!(|data: &[u8]| {
    if let Ok(tx) = Transaction::decode(data) {
        assert_eq!(tx.encoded(), data);
        let hash = tx.tx_hash();
        if let Ok(recovered) = RecoveredTransaction::recover(tx) {
            assert_eq!(recovered.hash(), hash);
        }
    }
    if let Some(header) = same::<Header>(data) {
        header.hash_slow();
    }
    if let Some(block) = same::<Block>(data) {
        for tx in &block.body.transactions {
            assert_eq!(Transaction::decode(&tx.encoded()).ok().as_ref(), Some(tx));
        }
    }
    if let Ok(receipts) = Vec::<Receipt>::decode(&mut &data[..]) {
        for receipt in &receipts {
            let bytes = alloy_rlp::encode(receipt);
            assert_eq!(alloy_rlp::decode_exact::<Receipt>(&bytes).as_ref(), Ok(receipt));
            receipt.bloom();
        }
    }
});
