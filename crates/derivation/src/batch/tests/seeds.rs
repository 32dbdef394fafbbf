//! The batches that fuzzing begins with: each is one, and together they have every compressor. That
//! of the model holds every form of a transaction, and its bytes are part of the specification.

use super::*;
use std::{fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/batch")
}

/// Input of an ABI shape with an inner call among its words.
fn call(n: u8) -> Bytes {
    let word = |number: u64| U256::from(number).to_be_bytes::<32>();
    let mut input = vec![0xa9, 0x05, 0x9c, 0xbb];
    input.extend_from_slice(&word(u64::from(n) * 1_000));
    // Bytes of a selector and one word.
    input.extend_from_slice(&word(36));
    let mut inner = [0; 32];
    inner[..4].copy_from_slice(&[0x12, 0x34, 0x56, n % 3]);
    input.extend_from_slice(&inner);
    input.extend_from_slice(&word(u64::from(n % 2) << 32));
    input.extend_from_slice(&[0x77; 32]);
    input.into()
}

fn transaction(n: u8) -> Bytes {
    let to = match n % 7 {
        0 => TxKind::Create,
        callee => TxKind::Call(Address::repeat_byte(callee)),
    };
    let input = match n % 4 {
        0 => Bytes::new(),
        1 => vec![n; usize::from(n)].into(),
        _ => call(n),
    };
    let nonce = u64::from(n);
    let chain_id = if n % 11 == 5 { 1 } else { CHAIN_ID };
    let value = U256::from(u64::from(n) * 100_000_000_000_000);
    let (gas_limit, gas_price) = (21_000 + 100 * nonce, 1_000_000_000 + u128::from(n));
    let (max_fee_per_gas, max_priority_fee_per_gas) = (gas_price, u128::from(n % 3));
    let signature = Signature::new(U256::from(n) << 240, U256::from(n) + U256::from(1), n % 2 == 1);
    let entry = |byte| AccessListItem {
        address: Address::repeat_byte(byte),
        storage_keys: vec![B256::repeat_byte(byte); usize::from(byte % 3)],
    };
    let access_list = AccessList((0..n % 3).map(entry).collect());
    let inner = Authorization { chain_id: U256::from(n % 5), address: Address::ZERO, nonce };
    let authorization = SignedAuthorization::new_unchecked(inner, 1, value, value);
    let mut out = Vec::new();
    match n % 6 {
        0 | 1 => TxLegacy {
            chain_id: (n % 6 == 1).then_some(chain_id),
            nonce,
            gas_price,
            gas_limit,
            to,
            value,
            input,
        }
        .eip2718_encode(&signature, &mut out),
        2 => TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input }
            .eip2718_encode(&signature, &mut out),
        3 => TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            input,
        }
        .eip2718_encode(&signature, &mut out),
        4 => TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: to.into_to().unwrap_or_default(),
            value,
            access_list,
            authorization_list: vec![authorization; usize::from(n % 3)],
            input,
        }
        .eip2718_encode(&signature, &mut out),
        // No transaction that there is: carried whole.
        _ => out.extend_from_slice(&[0x05, n, 0xff]),
    }
    out.into()
}

fn modelled() -> Batch {
    let block = |index: u8| BatchBlock {
        timestamp: 1_000 + u64::from(index) * 2,
        advances_origin: index.is_multiple_of(3),
        transactions: (index * 20..(index + 1) * 20).map(transaction).collect(),
    };
    Batch {
        parent_check: HashCheck::repeat_byte(0xaa),
        origin_check: HashCheck::repeat_byte(0xbb),
        first_number: 7,
        blocks: (0..4).map(block).collect(),
    }
}

#[test]
fn seeds_of_the_fuzzer_are_batches_of_every_compressor() {
    let mut compressors = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_string_lossy().starts_with("seed-") {
            continue;
        }
        let seed = fs::read(&path).unwrap();
        // The first byte of some is for the blobs that carry the rest.
        let batch = if seed[0] == BATCH_VERSION { &seed[..] } else { &seed[1..] };
        let found = Batch::decode(batch, CHAIN_ID);
        assert!(found.is_ok(), "{}: {found:?}", path.display());
        compressors.push(batch[1]);
    }
    compressors.sort_unstable();
    compressors.dedup();
    assert_eq!(compressors, [compress::STORED, compress::BROTLI, compress::MODEL]);
}

#[test]
fn bytes_of_a_modelled_batch_are_those_of_the_seed() {
    let batch = modelled();
    let bytes = encode(&batch, CHAIN_ID, Compression::Model).unwrap();
    let seed = fs::read(folder().join("seed-model")).unwrap();
    assert_eq!(bytes[1], compress::MODEL);
    assert!(bytes == seed, "the bytes of a batch have changed");
    assert_eq!(Batch::decode(&seed, CHAIN_ID), Ok(batch));
}

#[test]
#[ignore = "writes the seeds; for a format that has changed"]
fn write_seeds() {
    assert!(
        std::env::var_os("MEZZ_WRITE_SEEDS").is_some(),
        "MEZZ_WRITE_SEEDS=1 says that the format has changed on purpose"
    );
    for (name, compression) in
        [("seed-model", Compression::Model), ("seed-brotli", Compression::Brotli(9))]
    {
        fs::write(folder().join(name), encode(&modelled(), CHAIN_ID, compression).unwrap())
            .unwrap();
    }
}
