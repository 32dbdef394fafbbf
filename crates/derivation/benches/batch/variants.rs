//! The same transactions written in ways that the format does not use, to see what each of its
//! parts is good for. These count bytes; nobody can read them back.

use alloy_consensus::{EthereumTxEnvelope, Transaction as _, TxEip4844};
use alloy_eips::eip2718::Decodable2718;
use std::collections::{BTreeMap, HashMap};

type Tx = EthereumTxEnvelope<TxEip4844>;

/// What a variant does.
#[derive(Clone, Copy, Default)]
struct Ways {
    /// An address that came before is a number.
    dictionary: bool,
    /// Words of calldata without the zeros that fill them up.
    trimmed: bool,
    /// Inputs in the order of their callees.
    by_callee: bool,
    /// Inputs in the order of their selectors.
    by_selector: bool,
    /// A word of more than eight bytes that came before is a number.
    words: bool,
    /// The parity is in the top bit of `s` (EIP-2098), not in a column.
    compact: bool,
}

/// The variants: a name, what is compressed, and how many bytes are beside it.
pub(crate) fn all(raw: &[&[u8]], chain_id: u64) -> Vec<(String, Vec<u8>, usize)> {
    let mut rows = vec![("no columns, brotli 9".to_owned(), raw.concat(), 0)];
    let txs: Vec<Tx> =
        raw.iter().map(|raw| Tx::decode_2718_exact(raw).expect("a transaction")).collect();
    let start = Ways::default();
    let dictionary = Ways { dictionary: true, ..start };
    let trimmed = Ways { trimmed: true, ..dictionary };
    let by_callee = Ways { by_callee: true, ..trimmed };
    for (name, ways) in [
        ("columns, brotli 9", start),
        ("  + address dictionary", dictionary),
        ("  + words without zeros", trimmed),
        ("  + inputs by callee", by_callee),
        ("  or by selector", Ways { by_selector: true, ..trimmed }),
        ("  + word dictionary", Ways { words: true, ..by_callee }),
        ("  + parity in s (EIP-2098)", Ways { compact: true, ..by_callee }),
    ] {
        rows.push((name.to_owned(), columns(&txs, chain_id, ways), 64 * txs.len()));
    }
    rows
}

fn columns(txs: &[Tx], chain_id: u64, ways: Ways) -> Vec<u8> {
    let mut columns: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let mut dictionary = HashMap::new();
    let mut inputs = Vec::new();
    for tx in txs {
        let mut put = |name, bytes: &[u8]| columns.entry(name).or_default().extend(bytes);
        let foreign = tx.chain_id() != Some(chain_id);
        put("kind", &[tx.tx_type() as u8 | u8::from(foreign) << 3]);
        if !ways.compact {
            put("parity", &[u8::from(tx.signature().v())]);
        }
        put("nonce", &number(tx.nonce().into()));
        put("gas", &number(tx.gas_limit().into()));
        put("price", &number(tx.max_fee_per_gas()));
        put("priority", &tx.max_priority_fee_per_gas().map(number).unwrap_or_default());
        let value = tx.value().to_string();
        let digits = value.trim_end_matches('0');
        let mantissa = digits.parse::<u128>().unwrap_or_default();
        put("exponent", &[(value.len() - digits.len()) as u8]);
        put(
            "mantissa length",
            &[mantissa.to_be_bytes().len() as u8 - mantissa.leading_zeros() as u8 / 8],
        );
        put("mantissa", &mantissa.to_be_bytes()[mantissa.leading_zeros() as usize / 8..]);
        let mut group = 0;
        if let Some(to) = tx.to() {
            let next = dictionary.len() + 1;
            group = *dictionary.entry(to).or_insert(next);
            if ways.dictionary {
                put("index", &number(if group == next { 0 } else { group as u128 }));
            }
            if !ways.dictionary || group == next {
                put("to", to.as_slice());
            }
        }
        put("input length", &number(tx.input().len() as u128));
        for item in tx.access_list().into_iter().flat_map(|list| list.iter()) {
            put("access", item.address.as_slice());
            item.storage_keys.iter().for_each(|key| put("key", key.as_slice()));
        }
        inputs.push((group, tx.input().clone()));
    }
    // A column of bytes that are bits takes an eighth.
    if let Some(parity) = columns.get_mut("parity") {
        *parity = parity.chunks(8).map(|bits| bits.iter().fold(0, |b, bit| b << 1 | bit)).collect();
    }
    if ways.by_callee {
        inputs.sort_by_key(|(group, _)| *group);
    } else if ways.by_selector {
        inputs.sort_by_key(|(_, input)| input.get(..4).map(<[u8]>::to_vec));
    }
    let mut known = HashMap::new();
    for (_, input) in &inputs {
        let mut put = |name, bytes: &[u8]| columns.entry(name).or_default().extend(bytes);
        if !ways.trimmed || input.len() < 5 || input.len() % 32 != 4 {
            put("z input", input);
            continue;
        }
        put("selector", &input[..4]);
        for word in input[4..].chunks(32) {
            let start = word.iter().take_while(|byte| **byte == 0).count();
            let end = 32 - word.iter().rev().take_while(|byte| **byte == 0).count();
            let kept = if start < 12 && end < 32 - start {
                put("word code", &[64 + end as u8]);
                &word[..end]
            } else {
                put("word code", &[32 - start as u8]);
                &word[start..]
            };
            if ways.words && kept.len() > 8 {
                let next = known.len() + 1;
                let index = *known.entry(kept.to_vec()).or_insert(next);
                put("word index", &number(if index == next { 0 } else { index as u128 }));
                if index != next {
                    continue;
                }
            }
            put("x word", kept);
        }
    }
    columns.into_values().flatten().collect()
}

fn number(mut value: u128) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// Brotli at a quality, with a window of 2^`window` bytes.
pub(crate) fn brotli(mut data: &[u8], quality: i32, window: i32, large: bool) -> Vec<u8> {
    let params = brotli::enc::BrotliEncoderParams {
        quality,
        lgwin: window,
        large_window: large,
        size_hint: data.len(),
        ..Default::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut data, &mut out, &params).expect("memory can be written");
    out
}

/// The columns of a batch that stores them, and how many bytes are around them.
pub(crate) fn stored_columns(encoded: &[u8], transactions: usize) -> (&[u8], usize) {
    // Version, compressor and checks; four numbers; then the columns, and the signatures.
    let mut at = 42;
    for _ in 0..4 {
        at += encoded[at..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
    }
    let end = encoded.len() - 64 * transactions;
    (&encoded[at..end], encoded.len() - (end - at))
}
