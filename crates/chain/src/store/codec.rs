//! Bytes of blocks in the log and in the history: RLP.

use crate::block::{BlockRecord, list_length};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_rlp::{Decodable, Encodable, Error, Header as RlpHeader};
use mezz_primitives::{
    Address, Header, Receipt, RecoveredTransaction, Sealable, Sealed, Transaction,
};

/// A block without its receipts: `[header, [[sender, transaction], ...]]`, a transaction as the string of its EIP-2718
/// bytes. The sender is kept so that a start need not recover it.
pub(crate) struct BlockBody<'a>(pub(crate) &'a BlockRecord);

fn string_length(payload_length: usize) -> usize {
    // A transaction is never a single byte below 0x80, which alone would have no header.
    RlpHeader { list: false, payload_length }.length() + payload_length
}

fn tx_payload(tx: &RecoveredTransaction) -> usize {
    tx.sender.length() + string_length(tx.encoded_len())
}

impl BlockBody<'_> {
    fn txs_payload(&self) -> usize {
        self.0.transactions.iter().map(|tx| list_length(tx_payload(tx))).sum()
    }
}

impl Encodable for BlockBody<'_> {
    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        let txs_payload = self.txs_payload();
        let payload_length = self.0.header.length() + list_length(txs_payload);
        RlpHeader { list: true, payload_length }.encode(out);
        self.0.header.inner().encode(out);
        RlpHeader { list: true, payload_length: txs_payload }.encode(out);
        for tx in &self.0.transactions {
            RlpHeader { list: true, payload_length: tx_payload(tx) }.encode(out);
            tx.sender.encode(out);
            RlpHeader { list: false, payload_length: tx.encoded_len() }.encode(out);
            tx.tx.encode_2718(out);
        }
    }

    fn length(&self) -> usize {
        list_length(self.0.header.length() + list_length(self.txs_payload()))
    }
}

/// Reads no more than the header of a block's body.
pub(crate) fn decode_header(body: &mut &[u8]) -> alloy_rlp::Result<Sealed<Header>> {
    let mut body = RlpHeader::decode_bytes(body, true)?;
    Ok(Header::decode(&mut body)?.seal_slow())
}

/// Reads a block from its body and its receipts.
pub(crate) fn decode_block(
    body: &mut &[u8],
    receipts: Vec<Receipt>,
) -> alloy_rlp::Result<BlockRecord> {
    let mut body = RlpHeader::decode_bytes(body, true)?;
    let header = Header::decode(&mut body)?;
    let mut list = RlpHeader::decode_bytes(&mut body, true)?;
    let mut transactions = Vec::new();
    while !list.is_empty() {
        let mut item = RlpHeader::decode_bytes(&mut list, true)?;
        let sender = Address::decode(&mut item)?;
        let bytes = RlpHeader::decode_bytes(&mut item, false)?;
        let tx = Transaction::decode_2718_exact(bytes).map_err(|_| Error::Custom("transaction"))?;
        transactions.push(RecoveredTransaction::new(tx, sender));
    }
    if receipts.len() != transactions.len() {
        return Err(Error::Custom("another number of receipts than of transactions"));
    }
    Ok(BlockRecord::new(header.seal_slow(), transactions, receipts))
}
