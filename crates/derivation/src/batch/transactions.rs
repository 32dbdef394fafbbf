//! Reads the columns of transactions and puts the raw transactions together again.

use super::{
    DecodeError, MAX_INPUT_BYTES, form,
    reader::{Bits, Reader},
    words::InputReader,
};
use alloc::{vec, vec::Vec};
use alloy_consensus::{
    TxEip1559, TxEip2930, TxEip7702, TxLegacy, transaction::RlpEcdsaEncodableTx,
};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};

/// Largest power of ten that 256 bits hold.
pub(super) const MAX_EXPONENT: u8 = 77;

/// Reads `total` transactions of the chain `chain_id`.
pub(super) fn decode<'a>(
    reader: &mut Reader<'a>,
    signatures: &mut Reader<'a>,
    total: usize,
    chain_id: u64,
) -> Result<Vec<Bytes>, DecodeError> {
    let kinds = reader.bytes(total, "kinds")?;
    let shape = Shape::of(kinds)?;
    let columns = Columns::read(reader, signatures, &shape, chain_id)?;
    columns.assemble(kinds)
}

/// How many entries each column has.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) structured: usize,
    pub(super) foreign: usize,
    priority_fees: usize,
    calls: usize,
    pub(super) access_lists: usize,
    pub(super) authorization_lists: usize,
    pub(super) raw: usize,
    /// Of each structured transaction, whether it calls an address.
    pub(super) is_call: Vec<bool>,
}

impl Shape {
    /// Counts the entries of transactions of these kinds.
    pub(super) fn of(kinds: &[u8]) -> Result<Self, DecodeError> {
        let mut shape = Self::default();
        for kind in kinds {
            let unknown = Err(DecodeError::TransactionForm(*kind));
            let (form, flags) = (kind & form::MASK, kind & !form::MASK);
            if kind & !form::KNOWN != 0 || form > form::EIP7702 {
                return unknown;
            }
            let creates = kind & form::CREATE != 0;
            let foreign = kind & form::FOREIGN_CHAIN != 0;
            match form {
                form::RAW if flags != 0 => return unknown,
                form::LEGACY_UNPROTECTED if foreign => return unknown,
                form::EIP7702 if creates => return unknown,
                form::RAW => {
                    shape.raw += 1;
                    continue;
                }
                _ => {}
            }
            shape.structured += 1;
            shape.foreign += usize::from(foreign);
            shape.calls += usize::from(!creates);
            shape.priority_fees += usize::from(form >= form::EIP1559);
            shape.access_lists += usize::from(form >= form::EIP2930);
            shape.authorization_lists += usize::from(form == form::EIP7702);
            shape.is_call.push(!creates);
        }
        Ok(shape)
    }
}

/// The columns, read and checked, before they are put together.
#[derive(Debug)]
struct Columns<'a> {
    chain_id: u64,
    parities: Bits<'a>,
    foreign_chains: Vec<u64>,
    nonces: Vec<u64>,
    gas_limits: Vec<u64>,
    gas_prices: Vec<u128>,
    priority_fees: Vec<u128>,
    values: Vec<U256>,
    calls: Vec<Address>,
    inputs: Vec<Bytes>,
    access_lists: Vec<AccessList>,
    authorization_lists: Vec<Vec<SignedAuthorization>>,
    raw: Vec<Bytes>,
    signatures: &'a [u8],
}

impl<'a> Columns<'a> {
    fn read(
        reader: &mut Reader<'a>,
        signatures: &mut Reader<'a>,
        shape: &Shape,
        chain_id: u64,
    ) -> Result<Self, DecodeError> {
        let count = shape.structured;
        let parities = reader.bits(count, "parity bits")?;
        let foreign_chains = reader.varints(shape.foreign, "chain ids")?;
        if foreign_chains.contains(&chain_id) {
            return Err(DecodeError::Number("chain ids"));
        }
        let nonces = reader.varints(count, "nonces")?;
        let gas_limits = reader.varints(count, "gas limits")?;
        let gas_prices = reader.varints128(count, "gas prices")?;
        let priority_fees = reader.varints128(shape.priority_fees, "priority fees")?;
        let values = values(reader, count)?;
        let (indices, calls) = addresses(reader, shape.calls)?;
        let inputs = inputs(reader, shape, &indices)?;
        let access_lists = access_lists(reader, shape.access_lists)?;
        let authorization_lists = authorization_lists(reader, shape.authorization_lists)?;
        let raw = raw(reader, shape.raw)?;
        let signatures = signatures.items(count, 64, "signatures")?;
        Ok(Self {
            chain_id,
            parities,
            foreign_chains,
            nonces,
            gas_limits,
            gas_prices,
            priority_fees,
            values,
            calls,
            inputs,
            access_lists,
            authorization_lists,
            raw,
            signatures,
        })
    }

    fn assemble(self, kinds: &[u8]) -> Result<Vec<Bytes>, DecodeError> {
        // Each column has as many entries as `Shape` counted from the same kinds, so that no
        // iterator ends early; if one did, the error says which.
        let mut foreign_chains = self.foreign_chains.into_iter();
        let mut priority_fees = self.priority_fees.into_iter();
        let mut calls = self.calls.into_iter();
        let mut inputs = self.inputs.into_iter();
        let mut access_lists = self.access_lists.into_iter();
        let mut authorization_lists = self.authorization_lists.into_iter();
        let mut raw = self.raw.into_iter();
        let mut index = 0;
        let mut transactions = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let form = kind & form::MASK;
            if form == form::RAW {
                transactions.push(next(&mut raw, "raw transactions")?);
                continue;
            }
            let chain_id = if kind & form::FOREIGN_CHAIN == 0 {
                self.chain_id
            } else {
                next(&mut foreign_chains, "chain ids")?
            };
            let to = if kind & form::CREATE == 0 {
                TxKind::Call(next(&mut calls, "addresses")?)
            } else {
                TxKind::Create
            };
            let input = next(&mut inputs, "inputs")?;
            let (nonce, gas_limit) = (self.nonces[index], self.gas_limits[index]);
            let (gas_price, value) = (self.gas_prices[index], self.values[index]);
            let signature = Signature::new(
                U256::from_be_slice(&self.signatures[64 * index..64 * index + 32]),
                U256::from_be_slice(&self.signatures[64 * index + 32..64 * index + 64]),
                self.parities.get(index),
            );
            index += 1;

            let mut out = Vec::with_capacity(input.len() + 160);
            match form {
                form::LEGACY_UNPROTECTED | form::LEGACY => TxLegacy {
                    chain_id: (form == form::LEGACY).then_some(chain_id),
                    nonce,
                    gas_price,
                    gas_limit,
                    to,
                    value,
                    input,
                }
                .eip2718_encode(&signature, &mut out),
                form::EIP2930 => TxEip2930 {
                    chain_id,
                    nonce,
                    gas_price,
                    gas_limit,
                    to,
                    value,
                    access_list: next(&mut access_lists, "access lists")?,
                    input,
                }
                .eip2718_encode(&signature, &mut out),
                form::EIP1559 => TxEip1559 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: gas_price,
                    max_priority_fee_per_gas: next(&mut priority_fees, "priority fees")?,
                    to,
                    value,
                    access_list: next(&mut access_lists, "access lists")?,
                    input,
                }
                .eip2718_encode(&signature, &mut out),
                _ => TxEip7702 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: gas_price,
                    max_priority_fee_per_gas: next(&mut priority_fees, "priority fees")?,
                    to: to.into_to().unwrap_or_default(),
                    value,
                    access_list: next(&mut access_lists, "access lists")?,
                    authorization_list: next(&mut authorization_lists, "authorization lists")?,
                    input,
                }
                .eip2718_encode(&signature, &mut out),
            }
            transactions.push(out.into());
        }
        Ok(transactions)
    }
}

fn next<T>(column: &mut impl Iterator<Item = T>, name: &'static str) -> Result<T, DecodeError> {
    column.next().ok_or(DecodeError::UnexpectedEnd(name))
}

/// Values as decimal exponents, lengths of mantissas, mantissas.
fn values(reader: &mut Reader<'_>, count: usize) -> Result<Vec<U256>, DecodeError> {
    const TEN: U256 = U256::from_limbs([10, 0, 0, 0]);
    let exponents = reader.bytes(count, "value exponents")?;
    let lengths = reader.bytes(count, "value lengths")?;
    let mut values = Vec::with_capacity(count);
    for (exponent, length) in exponents.iter().zip(lengths) {
        let mantissa = reader.uint(*length, "values")?;
        // One form for each value: no factor of ten is left, and nothing has no exponent.
        let canonical =
            if mantissa.is_zero() { *exponent == 0 } else { !(mantissa % TEN).is_zero() };
        if !canonical || *exponent > MAX_EXPONENT {
            return Err(DecodeError::Decimal);
        }
        let value =
            mantissa.checked_mul(TEN.pow(U256::from(*exponent))).ok_or(DecodeError::Decimal)?;
        values.push(value);
    }
    Ok(values)
}

/// Addresses with a dictionary of the repeats: 0 is the next new one, `n` the one that was new as
/// the `n`-th. Answers the place in the dictionary, from 1, and the address of each entry.
fn addresses(
    reader: &mut Reader<'_>,
    count: usize,
) -> Result<(Vec<usize>, Vec<Address>), DecodeError> {
    let mut indices = Vec::new();
    let mut new = 0usize;
    for index in reader.varints(count, "address indices")? {
        if index == 0 {
            new += 1;
            indices.push(new);
            continue;
        }
        let known = usize::try_from(index).ok().filter(|index| *index <= new);
        indices.push(known.ok_or(DecodeError::AddressIndex(index))?);
    }
    let dictionary = reader.items(new, 20, "addresses")?;
    let addresses = indices
        .iter()
        .map(|index| Address::from_slice(&dictionary[20 * (index - 1)..20 * index]))
        .collect();
    Ok((indices, addresses))
}

/// Inputs: lengths in the order of the transactions, data in the order of the callees.
fn inputs(
    reader: &mut Reader<'_>,
    shape: &Shape,
    calls: &[usize],
) -> Result<Vec<Bytes>, DecodeError> {
    let lengths = reader.varints(shape.structured, "input lengths")?;
    let mut sum = 0usize;
    let mut sizes = Vec::with_capacity(lengths.len());
    for length in lengths {
        let length = usize::try_from(length).map_err(|_| DecodeError::InputTooLong)?;
        sum = sum
            .checked_add(length)
            .filter(|sum| *sum <= MAX_INPUT_BYTES)
            .ok_or(DecodeError::InputTooLong)?;
        sizes.push(length);
    }
    let mut calls = calls.iter();
    let groups: Vec<usize> = shape
        .is_call
        .iter()
        .map(|is_call| if *is_call { calls.next().copied().unwrap_or_default() } else { 0 })
        .collect();
    let order = grouped(&groups);
    let mut columns = InputReader::read(reader, order.iter().map(|index| sizes[*index]))?;
    let mut inputs = vec![Bytes::new(); sizes.len()];
    for index in order {
        inputs[index] = columns.next(sizes[index])?.into();
    }
    columns.finish()?;
    Ok(inputs)
}

/// The order in which inputs are stored: by group, then by place.
pub(super) fn grouped(groups: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|index| groups[*index]);
    order
}

fn access_lists(reader: &mut Reader<'_>, count: usize) -> Result<Vec<AccessList>, DecodeError> {
    let lengths = reader.varints(count, "access list lengths")?;
    let items = sum(&lengths, "access list lengths")?;
    let addresses = reader.items(items, 20, "access list addresses")?;
    let key_counts = reader.varints(items, "access list key counts")?;
    let keys = sum(&key_counts, "access list key counts")?;
    let mut keys = reader.items(keys, 32, "access list keys")?.chunks_exact(32);
    let mut items = addresses.chunks_exact(20).zip(key_counts).map(|(address, keys_here)| {
        AccessListItem {
            address: Address::from_slice(address),
            // `take` ends with the column in any case.
            storage_keys: keys
                .by_ref()
                .take(usize::try_from(keys_here).unwrap_or(usize::MAX))
                .map(B256::from_slice)
                .collect(),
        }
    });
    Ok(lengths
        .into_iter()
        .map(|length| {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            AccessList(items.by_ref().take(length).collect())
        })
        .collect())
}

fn authorization_lists(
    reader: &mut Reader<'_>,
    count: usize,
) -> Result<Vec<Vec<SignedAuthorization>>, DecodeError> {
    let lengths = reader.varints(count, "authorization counts")?;
    let total = sum(&lengths, "authorization counts")?;
    let chain_lengths = reader.bytes(total, "authorization chain ids")?;
    let mut chain_ids = Vec::with_capacity(total);
    for length in chain_lengths {
        chain_ids.push(reader.uint(*length, "authorization chain ids")?);
    }
    let addresses = reader.items(total, 20, "authorization addresses")?;
    let nonces = reader.varints(total, "authorization nonces")?;
    let parities = reader.bytes(total, "authorization parities")?;
    let signatures = reader.items(total, 64, "authorization signatures")?;
    let mut entries = (0..total).map(|index| {
        let signature = &signatures[64 * index..64 * index + 64];
        SignedAuthorization::new_unchecked(
            Authorization {
                chain_id: chain_ids[index],
                address: Address::from_slice(&addresses[20 * index..20 * index + 20]),
                nonce: nonces[index],
            },
            parities[index],
            U256::from_be_slice(&signature[..32]),
            U256::from_be_slice(&signature[32..]),
        )
    });
    Ok(lengths
        .into_iter()
        .map(|length| {
            entries.by_ref().take(usize::try_from(length).unwrap_or(usize::MAX)).collect()
        })
        .collect())
}

fn raw(reader: &mut Reader<'_>, count: usize) -> Result<Vec<Bytes>, DecodeError> {
    let lengths = reader.varints(count, "raw lengths")?;
    let mut raw = Vec::with_capacity(count);
    for length in lengths {
        let length =
            usize::try_from(length).map_err(|_| DecodeError::UnexpectedEnd("raw transactions"))?;
        raw.push(Bytes::copy_from_slice(reader.bytes(length, "raw transactions")?));
    }
    Ok(raw)
}

fn sum(counts: &[u64], column: &'static str) -> Result<usize, DecodeError> {
    counts
        .iter()
        .try_fold(0u64, |sum, count| sum.checked_add(*count))
        .and_then(|sum| usize::try_from(sum).ok())
        .ok_or(DecodeError::Number(column))
}
