//! Input that is not a batch, and blocks that the encoder refuses.

use super::*;

#[test]
fn malformed_headers_are_refused() {
    let good = round_trip(&of(vec![transfer(1, Address::ZERO)]));
    let decode = |data: &[u8]| Batch::decode(data, CHAIN_ID).unwrap_err();
    assert_eq!(decode(&[]), DecodeError::UnexpectedEnd("version"));
    let mut data = good.clone();
    data[0] = 2;
    assert_eq!(decode(&data), DecodeError::Version(2));
    data[0] = BATCH_VERSION;
    data[1] = 9;
    assert_eq!(decode(&data), DecodeError::Compressor(9));
    let mut data = good.clone();
    data.push(0);
    assert_eq!(decode(&data), DecodeError::TrailingBytes(1));
    assert_eq!(decode(&good[..good.len() - 1]), DecodeError::UnexpectedEnd("signatures"));
    assert_eq!(decode(&vec![1; MAX_BATCH_BYTES + 1]), DecodeError::TooLong(MAX_BATCH_BYTES + 1));
}

/// A batch with these stored columns, of `blocks` blocks.
fn with_columns(blocks: &[u8], columns: &[u8]) -> Vec<u8> {
    let mut data = vec![BATCH_VERSION, compress::STORED];
    data.extend_from_slice(&[0; 40]);
    data.extend_from_slice(&[7, 9]);
    data.extend_from_slice(blocks);
    assert!(columns.len() < 128);
    data.push(columns.len() as u8);
    data.extend_from_slice(columns);
    data
}

#[test]
fn counts_out_of_bounds_are_refused() {
    let decode = |data: &[u8]| Batch::decode(data, CHAIN_ID).unwrap_err();
    assert_eq!(decode(&with_columns(&[0], &[])), DecodeError::BlockCount(0));
    // 65,537 blocks.
    assert_eq!(decode(&with_columns(&[0x81, 0x80, 4], &[])), DecodeError::BlockCount(65_537));
    // 262,145 transactions in one block, without a byte of them.
    assert_eq!(decode(&with_columns(&[1], &[0, 0x81, 0x80, 16])), DecodeError::TransactionCount);
    assert_eq!(
        decode(&with_columns(&[1], &[0, 0x80, 0x80, 16])),
        DecodeError::UnexpectedEnd("kinds")
    );
    // Two blocks whose counts overflow.
    let mut columns = vec![0, 0];
    for _ in 0..2 {
        columns.extend_from_slice(&[0xff; 9]);
        columns.push(1);
    }
    assert_eq!(decode(&with_columns(&[2], &columns)), DecodeError::TransactionCount);
}

#[test]
fn overflowing_timestamp_is_refused() {
    let mut columns = vec![0xff; 9];
    columns.extend_from_slice(&[1, 0, 0, 0]);
    assert_eq!(Batch::decode(&with_columns(&[2], &columns), CHAIN_ID), Err(DecodeError::Timestamp));
}

#[test]
fn unknown_transaction_forms_are_refused() {
    // A form that does not exist, an unknown flag, flags on a raw transaction, creation by 7702,
    // a chain id for a transaction that has none.
    for kind in [6, 7, 0x20, 0x80, 0x08, 0x10, 0x0d, 0x11] {
        assert_eq!(
            Batch::decode(&with_columns(&[1], &[0, 1, kind]), CHAIN_ID),
            Err(DecodeError::TransactionForm(kind))
        );
    }
}

/// Columns of one legacy creation up to the input lengths, with this input length.
fn creation(input_length: &[u8]) -> Vec<u8> {
    // Origin bits, count, kind, parity, nonce, gas limit, gas price, value exponent and length.
    let mut columns = vec![0, 1, form::LEGACY | form::CREATE, 0, 0, 0, 0, 0, 0];
    columns.extend_from_slice(input_length);
    columns
}

#[test]
fn input_that_would_grow_beyond_the_limit_is_refused() {
    // 2^32 bytes.
    let data = with_columns(&[1], &creation(&[0x80, 0x80, 0x80, 0x80, 16]));
    assert_eq!(Batch::decode(&data, CHAIN_ID), Err(DecodeError::InputTooLong));
    let data = with_columns(&[1], &creation(&[10]));
    assert_eq!(Batch::decode(&data, CHAIN_ID), Err(DecodeError::UnexpectedEnd("other input")));
}

#[test]
fn malformed_values_are_refused() {
    for (exponent, length, mantissa) in
        [(1, 0, &[][..]), (0, 1, &[10]), (1, 1, &[20]), (77, 1, &[2]), (78, 1, &[1])]
    {
        let mut columns = creation(&[]);
        columns[7] = exponent;
        columns[8] = length;
        columns.extend_from_slice(mantissa);
        columns.push(0);
        let data = with_columns(&[1], &columns);
        assert_eq!(Batch::decode(&data, CHAIN_ID), Err(DecodeError::Decimal));
    }
}

#[test]
fn address_beyond_the_dictionary_is_refused() {
    let mut columns = creation(&[]);
    columns[2] = form::LEGACY;
    columns.push(1);
    assert_eq!(
        Batch::decode(&with_columns(&[1], &columns), CHAIN_ID),
        Err(DecodeError::AddressIndex(1))
    );
}

#[test]
fn own_chain_id_in_the_foreign_column_is_refused() {
    let columns = [0, 1, form::LEGACY | form::CREATE | form::FOREIGN_CHAIN, 0, 0x85, 7, 0, 0];
    assert_eq!(
        Batch::decode(&with_columns(&[1], &columns), CHAIN_ID),
        Err(DecodeError::Number("chain ids"))
    );
}

#[test]
fn encoder_keeps_the_limits_of_the_decoder() {
    let compression = Compression::Brotli(1);
    assert_eq!(
        encode(&Batch { blocks: vec![], ..of(vec![]) }, CHAIN_ID, compression),
        Err(EncodeError::Empty)
    );
    let many_blocks = vec![BatchBlock::default(); MAX_BLOCKS + 1];
    assert_eq!(
        encode(&Batch { blocks: many_blocks, ..of(vec![]) }, CHAIN_ID, compression),
        Err(EncodeError::Blocks(MAX_BLOCKS + 1))
    );
    let backwards = vec![
        BatchBlock { timestamp: 2, ..Default::default() },
        BatchBlock { timestamp: 1, ..Default::default() },
    ];
    assert_eq!(
        encode(&Batch { blocks: backwards, ..of(vec![]) }, CHAIN_ID, compression),
        Err(EncodeError::Timestamp(1))
    );
    let many = vec![Bytes::new(); MAX_TRANSACTIONS + 1];
    assert_eq!(
        encode(&of(many), CHAIN_ID, compression),
        Err(EncodeError::Transactions(MAX_TRANSACTIONS + 1))
    );
    let mut zeros = Vec::new();
    TxLegacy { input: vec![0; MAX_INPUT_BYTES + 4 + 32].into(), ..Default::default() }
        .eip2718_encode(&Signature::test_signature(), &mut zeros);
    assert!(matches!(
        encode(&of(vec![zeros.into()]), CHAIN_ID, compression),
        Err(EncodeError::Input(_))
    ));
}
