//! Writes a batch: the batcher's side. The size limits of the decoder hold here too.

use super::{
    BATCH_VERSION, Batch, BatchBlock, HashCheck, MAX_BATCH_BYTES, MAX_BLOCKS, MAX_INPUT_BYTES,
    MAX_PAYLOAD_BYTES, MAX_TRANSACTIONS,
    columns::Columns,
    compress::{self, Compression},
    form,
    transactions::{MAX_EXPONENT, grouped},
    words::InputColumns,
};
use alloy_consensus::{EthereumTxEnvelope, Transaction as _, TxEip4844};
use alloy_eips::{
    eip2718::{Decodable2718, Encodable2718},
    eip2930::AccessList,
    eip7702::SignedAuthorization,
};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, map::HashMap};

/// Why blocks are not put into one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A batch has one block at least.
    #[error("a batch without blocks")]
    Empty,
    /// More than [`MAX_BLOCKS`].
    #[error("{0} blocks, at most {MAX_BLOCKS} fit in a batch")]
    Blocks(usize),
    /// More than [`MAX_TRANSACTIONS`].
    #[error("{0} transactions, at most {MAX_TRANSACTIONS} fit in a batch")]
    Transactions(usize),
    /// More than [`MAX_INPUT_BYTES`].
    #[error("{0} bytes of input, at most {MAX_INPUT_BYTES} fit in a batch")]
    Input(usize),
    /// More than [`MAX_PAYLOAD_BYTES`].
    #[error("{0} bytes of columns, at most {MAX_PAYLOAD_BYTES} fit in a batch")]
    Payload(usize),
    /// More than [`MAX_BATCH_BYTES`], or than the caller allows.
    #[error("{0} compressed bytes, at most {1} are allowed")]
    Compressed(usize, usize),
    /// A block is older than the one before it.
    #[error("block {0} of the batch is older than its parent")]
    Timestamp(usize),
}

/// Encodes `batch` for the chain `chain_id`.
pub fn encode(
    batch: &Batch,
    chain_id: u64,
    compression: Compression,
) -> Result<Vec<u8>, EncodeError> {
    let first = batch.blocks.first().ok_or(EncodeError::Empty)?;
    let (columns, signatures) = columns(&batch.blocks, chain_id)?;
    let len = columns.iter().map(Vec::len).sum();
    if len > MAX_PAYLOAD_BYTES {
        return Err(EncodeError::Payload(len));
    }
    let (compressor, compressed) = compress::compress(&columns, batch.blocks.len(), compression);

    let mut out = Vec::with_capacity(compressed.len() + signatures.len() + 64);
    out.push(BATCH_VERSION);
    out.push(compressor);
    out.extend_from_slice(batch.parent_check.as_slice());
    out.extend_from_slice(batch.origin_check.as_slice());
    varint(&mut out, batch.first_number);
    varint(&mut out, first.timestamp);
    varint(&mut out, batch.blocks.len());
    varint(&mut out, compressed.len());
    out.extend_from_slice(&compressed);
    out.extend_from_slice(&signatures);
    if out.len() > MAX_BATCH_BYTES {
        return Err(EncodeError::Compressed(out.len(), MAX_BATCH_BYTES));
    }
    Ok(out)
}

/// Encodes as many of `blocks`, from the first on, as fit in `max_bytes`; answers the batch and
/// how many blocks are in it. `origin_check` is asked for the check of the origin of the last
/// block taken, by its index.
pub fn encode_prefix(
    parent_check: HashCheck,
    first_number: u64,
    blocks: &[BatchBlock],
    origin_check: impl Fn(usize) -> HashCheck,
    chain_id: u64,
    compression: Compression,
    max_bytes: usize,
) -> Result<(Vec<u8>, usize), EncodeError> {
    let max_bytes = max_bytes.min(MAX_BATCH_BYTES);
    let mut count = blocks.len().min(MAX_BLOCKS);
    loop {
        let taken = &blocks[..count];
        let batch = Batch {
            parent_check,
            origin_check: count.checked_sub(1).map(&origin_check).ok_or(EncodeError::Empty)?,
            first_number,
            blocks: taken.to_vec(),
        };
        let (size, limit, error) = match encode(&batch, chain_id, compression) {
            Ok(bytes) if bytes.len() <= max_bytes => return Ok((bytes, count)),
            Ok(bytes) => (bytes.len(), max_bytes, EncodeError::Compressed(bytes.len(), max_bytes)),
            Err(EncodeError::Compressed(size, _)) => {
                (size, max_bytes, EncodeError::Compressed(size, max_bytes))
            }
            Err(error @ EncodeError::Transactions(size)) => (size, MAX_TRANSACTIONS, error),
            Err(error @ EncodeError::Input(size)) => (size, MAX_INPUT_BYTES, error),
            Err(error @ EncodeError::Payload(size)) => (size, MAX_PAYLOAD_BYTES, error),
            Err(error) => return Err(error),
        };
        if count == 1 {
            return Err(error);
        }
        // Down to the share that fits if blocks are alike, and at least by one in thirty-two.
        let alike = count.saturating_mul(limit) / size.max(1);
        count = alike.min(count - count.div_ceil(32)).max(1);
    }
}

/// The columns of blocks and transactions, and the signatures.
pub(super) fn columns(
    blocks: &[BatchBlock],
    chain_id: u64,
) -> Result<(Columns<Vec<u8>>, Vec<u8>), EncodeError> {
    if blocks.len() > MAX_BLOCKS {
        return Err(EncodeError::Blocks(blocks.len()));
    }
    let total: usize = blocks.iter().map(|block| block.transactions.len()).sum();
    if total > MAX_TRANSACTIONS {
        return Err(EncodeError::Transactions(total));
    }
    let mut timestamps = Vec::new();
    for (index, pair) in blocks.windows(2).enumerate() {
        let delta = pair[1]
            .timestamp
            .checked_sub(pair[0].timestamp)
            .ok_or(EncodeError::Timestamp(index + 1))?;
        varint(&mut timestamps, delta);
    }
    let mut origins = BitColumn::default();
    blocks.iter().for_each(|block| origins.push(block.advances_origin));
    let mut counts = Vec::new();
    for block in blocks {
        varint(&mut counts, block.transactions.len());
    }
    let mut columns = Growing::default();
    for raw in blocks.iter().flat_map(|block| &block.transactions) {
        columns.push(raw, chain_id);
    }
    if columns.input_bytes > MAX_INPUT_BYTES {
        return Err(EncodeError::Input(columns.input_bytes));
    }
    Ok(columns.finish([timestamps, origins.bytes, counts]))
}

/// The columns of transactions while they grow.
#[derive(Debug, Default)]
struct Growing {
    kinds: Vec<u8>,
    parities: BitColumn,
    foreign_chains: Vec<u8>,
    nonces: Vec<u8>,
    gas_limits: Vec<u8>,
    gas_prices: Vec<u8>,
    priority_fees: Vec<u8>,
    value_exponents: Vec<u8>,
    value_lengths: Vec<u8>,
    values: Vec<u8>,
    address_indices: Vec<u8>,
    addresses: Vec<u8>,
    dictionary: HashMap<Address, usize>,
    input_lengths: Vec<u8>,
    inputs: Vec<Bytes>,
    input_groups: Vec<usize>,
    input_bytes: usize,
    access_lengths: Vec<u8>,
    access_addresses: Vec<u8>,
    access_key_counts: Vec<u8>,
    access_keys: Vec<u8>,
    authorization_counts: Vec<u8>,
    authorization_chain_lengths: Vec<u8>,
    authorization_chains: Vec<u8>,
    authorization_addresses: Vec<u8>,
    authorization_nonces: Vec<u8>,
    authorization_parities: Vec<u8>,
    authorization_signatures: Vec<u8>,
    raw_lengths: Vec<u8>,
    raw: Vec<u8>,
    signatures: Vec<u8>,
}

impl Growing {
    /// Adds a transaction: by fields if that yields exactly its bytes again, whole otherwise.
    fn push(&mut self, raw: &Bytes, chain_id: u64) {
        match EthereumTxEnvelope::<TxEip4844>::decode_2718_exact(raw) {
            Ok(tx) if !tx.is_eip4844() && tx.encoded_2718() == **raw => {
                self.push_fields(&tx, chain_id);
            }
            _ => {
                self.kinds.push(form::RAW);
                varint(&mut self.raw_lengths, raw.len());
                self.raw.extend_from_slice(raw);
            }
        }
    }

    fn push_fields(&mut self, tx: &EthereumTxEnvelope<TxEip4844>, chain_id: u64) {
        let mut kind = match tx {
            EthereumTxEnvelope::Legacy(tx) if tx.tx().chain_id.is_none() => {
                form::LEGACY_UNPROTECTED
            }
            EthereumTxEnvelope::Legacy(_) => form::LEGACY,
            EthereumTxEnvelope::Eip2930(_) => form::EIP2930,
            EthereumTxEnvelope::Eip1559(_) | EthereumTxEnvelope::Eip4844(_) => form::EIP1559,
            EthereumTxEnvelope::Eip7702(_) => form::EIP7702,
        };
        if let Some(foreign) = tx.chain_id().filter(|id| *id != chain_id) {
            kind |= form::FOREIGN_CHAIN;
            varint(&mut self.foreign_chains, foreign);
        }
        varint(&mut self.nonces, tx.nonce());
        varint(&mut self.gas_limits, tx.gas_limit());
        // The gas price of the older types.
        varint128(&mut self.gas_prices, tx.max_fee_per_gas());
        if let Some(priority_fee) = tx.max_priority_fee_per_gas() {
            varint128(&mut self.priority_fees, priority_fee);
        }
        self.push_value(tx.value());
        let group = match tx.kind() {
            TxKind::Create => {
                kind |= form::CREATE;
                0
            }
            TxKind::Call(to) => self.push_address(to),
        };
        self.kinds.push(kind);
        varint(&mut self.input_lengths, tx.input().len());
        self.input_bytes += tx.input().len();
        self.inputs.push(tx.input().clone());
        self.input_groups.push(group);
        if let Some(list) = tx.access_list() {
            self.push_access_list(list);
        }
        if let Some(list) = tx.authorization_list() {
            self.push_authorizations(list);
        }
        self.push_signature(tx.signature());
    }

    fn push_value(&mut self, value: U256) {
        const TEN: U256 = U256::from_limbs([10, 0, 0, 0]);
        let (mut mantissa, mut exponent) = (value, 0);
        while exponent < MAX_EXPONENT && !mantissa.is_zero() {
            let (quotient, remainder) = mantissa.div_rem(TEN);
            if !remainder.is_zero() {
                break;
            }
            mantissa = quotient;
            exponent += 1;
        }
        self.value_exponents.push(exponent);
        uint(&mut self.value_lengths, &mut self.values, mantissa);
    }

    /// Adds the callee; answers its place in the dictionary, from 1.
    fn push_address(&mut self, address: Address) -> usize {
        let new = self.dictionary.len() + 1;
        let place = *self.dictionary.entry(address).or_insert(new);
        if place == new {
            varint(&mut self.address_indices, 0usize);
            self.addresses.extend_from_slice(address.as_slice());
        } else {
            varint(&mut self.address_indices, place);
        }
        place
    }

    fn push_access_list(&mut self, list: &AccessList) {
        varint(&mut self.access_lengths, list.len());
        for item in list.iter() {
            self.access_addresses.extend_from_slice(item.address.as_slice());
            varint(&mut self.access_key_counts, item.storage_keys.len());
            for key in &item.storage_keys {
                self.access_keys.extend_from_slice(key.as_slice());
            }
        }
    }

    fn push_authorizations(&mut self, list: &[SignedAuthorization]) {
        varint(&mut self.authorization_counts, list.len());
        for entry in list {
            let (lengths, chains) =
                (&mut self.authorization_chain_lengths, &mut self.authorization_chains);
            uint(lengths, chains, *entry.inner().chain_id());
            self.authorization_addresses.extend_from_slice(entry.inner().address().as_slice());
            varint(&mut self.authorization_nonces, entry.inner().nonce());
            self.authorization_parities.push(entry.y_parity());
            self.authorization_signatures.extend_from_slice(&entry.r().to_be_bytes::<32>());
            self.authorization_signatures.extend_from_slice(&entry.s().to_be_bytes::<32>());
        }
    }

    fn push_signature(&mut self, signature: &Signature) {
        self.parities.push(signature.v());
        self.signatures.extend_from_slice(&signature.r().to_be_bytes::<32>());
        self.signatures.extend_from_slice(&signature.s().to_be_bytes::<32>());
    }

    /// All columns, after those of the `blocks`, in the order of [`super::columns::Column`]; and the signatures.
    fn finish(self, blocks: [Vec<u8>; 3]) -> (Columns<Vec<u8>>, Vec<u8>) {
        let mut inputs = InputColumns::default();
        for index in grouped(&self.input_groups) {
            inputs.push(&self.inputs[index]);
        }
        let [timestamps, origins, counts] = blocks;
        let columns = [
            timestamps,
            origins,
            counts,
            self.kinds,
            self.parities.bytes,
            self.foreign_chains,
            self.nonces,
            self.gas_limits,
            self.gas_prices,
            self.priority_fees,
            self.value_exponents,
            self.value_lengths,
            self.values,
            self.address_indices,
            self.addresses,
            self.input_lengths,
            inputs.selectors,
            inputs.codes,
            inputs.words,
            inputs.other,
            self.access_lengths,
            self.access_addresses,
            self.access_key_counts,
            self.access_keys,
            self.authorization_counts,
            self.authorization_chain_lengths,
            self.authorization_chains,
            self.authorization_addresses,
            self.authorization_nonces,
            self.authorization_parities,
            self.authorization_signatures,
            self.raw_lengths,
            self.raw,
        ];
        (columns, self.signatures)
    }
}

/// Bits, least significant first.
#[derive(Debug, Default)]
struct BitColumn {
    bytes: Vec<u8>,
    count: usize,
}

impl BitColumn {
    fn push(&mut self, bit: bool) {
        if self.count.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.count % 8);
        }
        self.count += 1;
    }
}

/// Appends the shortest LEB128 form. `usize` is at most 64 bits.
pub(super) fn varint(out: &mut Vec<u8>, value: impl TryInto<u64>) {
    varint128(out, u128::from(value.try_into().unwrap_or(u64::MAX)));
}

fn varint128(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Appends the length and the bytes of a number without leading zeros.
fn uint(lengths: &mut Vec<u8>, bytes: &mut Vec<u8>, value: U256) {
    let number = value.to_be_bytes::<32>();
    let kept = &number[value.leading_zeros() / 8..];
    // At most 32.
    lengths.push(kept.len().try_into().unwrap_or(u8::MAX));
    bytes.extend_from_slice(kept);
}
