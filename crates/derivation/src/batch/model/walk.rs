//! The way through the columns, the same for the encoder and the decoder: each byte is coded
//! within contexts of what came before it, in the order that makes the contexts say the most.
//! Transactions are seen by their callee and selector, words of input by their place in the call.

use super::{
    super::{DecodeError, MAX_TRANSACTIONS, columns::Column, form, transactions::Shape},
    predictor::{BitCoder, CONTEXTS, Predictor, hash},
};
use alloc::{vec, vec::Vec};

/// The encoder's or the decoder's end: where the bytes come from and go to.
pub(super) trait Side: BitCoder {
    /// The next byte of a column; an encoder's own, a decoder's anything.
    fn next(&mut self, column: Column) -> Result<u8, DecodeError>;
    /// Takes the byte that was coded.
    fn put(&mut self, column: Column, byte: u8) -> Result<(), DecodeError>;
}

/// What is known of a structured transaction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Call {
    kind: u8,
    /// Place of the callee in the dictionary, from 1; 0 for a creation.
    pub(super) callee: usize,
    pub(super) input: u64,
    /// The selector, or another number for input that has none.
    pub(super) selector: u32,
}

/// What the last transaction to a callee had.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    input: u64,
    nonce: u128,
    gas_limit: u128,
    gas_price: u128,
    priority_fee: u128,
}

/// What the number in work has to do with.
#[derive(Clone, Copy, Debug, Default)]
struct Hints {
    /// Who is called with what.
    call: u32,
    /// A number that it goes with.
    related: u32,
    /// Another.
    kind: u32,
    /// What it would be if it followed the last of its kind.
    expected: u128,
}

#[derive(Debug)]
pub(super) struct Walk<'a, S> {
    side: &'a mut S,
    pub(super) model: Predictor,
    /// A hash of the last two numbers of each column.
    pub(super) last: [[u32; 2]; Column::COUNT],
    /// The last bytes of each column.
    pub(super) recent: [u64; Column::COUNT],
}

impl<'a, S: Side> Walk<'a, S> {
    pub(super) fn new(side: &'a mut S, len: usize) -> Self {
        Self {
            side,
            model: Predictor::new(len),
            last: [[0; 2]; Column::COUNT],
            recent: [0; Column::COUNT],
        }
    }

    /// Goes through the columns of a batch of `blocks` blocks.
    pub(super) fn run(mut self, blocks: usize) -> Result<(), DecodeError> {
        for _ in 1..blocks {
            self.number(Column::Timestamps, Hints::default())?;
        }
        self.plain(Column::OriginBits, blocks.div_ceil(8), 1)?;
        let mut total = 0u64;
        for _ in 0..blocks {
            total = total.saturating_add(self.varint(Column::Counts, Hints::default())?);
        }
        let total = usize::try_from(total)
            .ok()
            .filter(|total| *total <= MAX_TRANSACTIONS)
            .ok_or(DecodeError::TransactionCount)?;
        let kinds = self.kinds(total)?;
        let shape = Shape::of(&kinds)?;
        self.plain(Column::Parities, shape.structured.div_ceil(8), 1)?;
        for _ in 0..shape.foreign {
            self.number(Column::ChainIds, Hints::default())?;
        }
        let mut calls: Vec<Call> = kinds
            .into_iter()
            .filter(|kind| kind & form::MASK != form::RAW)
            .map(|kind| Call { kind, ..Call::default() })
            .collect();
        let mut last = vec![Last::default()];
        self.callees(&mut calls, &shape, &mut last)?;
        self.inputs(&mut calls)?;
        self.fields(&calls, &mut last)?;
        self.lists(&shape)
    }

    /// Codes a byte and answers it.
    pub(super) fn byte(
        &mut self,
        column: Column,
        contexts: [u32; CONTEXTS],
        set: Column,
    ) -> Result<u8, DecodeError> {
        let byte = self.side.next(column)?;
        let byte = self.model.byte(self.side, &contexts, set, byte)?;
        self.side.put(column, byte)?;
        let recent = &mut self.recent[column as usize];
        *recent = *recent << 8 | u64::from(byte);
        Ok(byte)
    }

    /// A number as varint.
    fn number(&mut self, column: Column, hints: Hints) -> Result<u128, DecodeError> {
        let name = column as u32;
        let [last, before] = self.last[column as usize];
        let mut value = 0u128;
        let mut so_far = hash(name, 0x100);
        let mut as_expected = true;
        for place in 0..19 {
            let rest = hints.expected >> (7 * place).min(127);
            let expected = (rest & 0x7f) as u8 | u8::from(rest > 0x7f) << 7;
            let expectation = u32::from(expected) | u32::from(as_expected) << 8;
            let contexts = [
                so_far,
                hash(so_far, hints.call),
                hash(so_far, last),
                hash(so_far, hash(last, before)),
                hash(so_far, hints.related),
                hash(hash(name, place), expectation),
                hash(so_far, hash(hints.kind, expectation)),
                hash(so_far, hash(hints.call, hash(hints.related, 1))),
            ];
            let byte = self.byte(column, contexts, column)?;
            as_expected &= byte == expected;
            so_far = hash(so_far, u32::from(byte));
            let bits = u128::from(byte & 0x7f);
            value |= bits << (7 * place);
            if byte & 0x80 == 0 {
                self.last[column as usize] = [so_far, last];
                return Ok(value);
            }
        }
        Err(DecodeError::Compression)
    }

    fn varint(&mut self, column: Column, hints: Hints) -> Result<u64, DecodeError> {
        u64::try_from(self.number(column, hints)?).map_err(|_| DecodeError::Compression)
    }

    /// `count` bytes in rows of `row`, of which nothing more is known.
    fn plain(&mut self, column: Column, count: usize, row: usize) -> Result<(), DecodeError> {
        for index in 0..count {
            let name = hash(column as u32, (index % row) as u32);
            let recent = self.recent[column as usize];
            let order = |bytes| order(recent, bytes);
            let contexts = [
                name,
                hash(name, order(1)),
                hash(name, order(2)),
                order(3),
                order(4),
                hash(name, order(4)),
                order(6),
                order(1),
            ];
            let byte = self.byte(column, contexts, column)?;
            self.model.remember(byte);
        }
        Ok(())
    }

    fn kinds(&mut self, total: usize) -> Result<Vec<u8>, DecodeError> {
        let mut kinds = Vec::new();
        for _ in 0..total {
            let recent = self.recent[Column::Kinds as usize];
            let order = |bytes: u32| hash(bytes, (recent & ((1 << (8 * bytes)) - 1)) as u32);
            let contexts =
                [0, 1, 2, 3, 4, 1, 2, 3].map(|bytes| hash(Column::Kinds as u32, order(bytes)));
            kinds.push(self.byte(Column::Kinds, contexts, Column::Kinds)?);
        }
        Ok(kinds)
    }

    /// Whom the transactions call, and how long their input is.
    fn callees(
        &mut self,
        calls: &mut [Call],
        shape: &Shape,
        last: &mut Vec<Last>,
    ) -> Result<(), DecodeError> {
        for (call, is_call) in calls.iter_mut().zip(&shape.is_call) {
            let kind = u32::from(call.kind);
            if *is_call {
                let hints = Hints { kind, ..Hints::default() };
                let index = self.varint(Column::AddressIndices, hints)?;
                call.callee = usize::try_from(index)
                    .ok()
                    .filter(|index| *index < last.len())
                    .ok_or(DecodeError::AddressIndex(index))?;
                if index == 0 {
                    call.callee = last.len();
                    last.push(Last::default());
                    self.address()?;
                }
            }
            let memory = &mut last[call.callee];
            let hints = Hints {
                call: call.callee as u32,
                related: memory.input as u32,
                kind,
                expected: memory.input.into(),
            };
            memory.input = self.varint(Column::InputLengths, hints)?;
            call.input = memory.input;
        }
        Ok(())
    }

    /// An address, in the contexts of words of the same length.
    fn address(&mut self) -> Result<(), DecodeError> {
        let mut so_far = word_start(20);
        for index in 0..20 {
            let mut contexts = [hash(Column::Addresses as u32, index); CONTEXTS];
            contexts[2] = so_far;
            let byte = self.byte(Column::Addresses, contexts, Column::Addresses)?;
            self.model.remember(byte);
            so_far = hash(so_far, u32::from(byte));
        }
        Ok(())
    }

    /// Nonces, gas, fees and values.
    fn fields(&mut self, calls: &[Call], last: &mut [Last]) -> Result<(), DecodeError> {
        for call in calls {
            let memory = &mut last[call.callee];
            let kind = u32::from(call.kind);
            let target = hash(call.callee as u32, call.selector);
            let mut hints = Hints { call: target, related: call.input as u32, kind, expected: 0 };
            hints.expected = memory.nonce.wrapping_add(1);
            memory.nonce = self.number(Column::Nonces, hints)?;
            hints.expected = memory.gas_limit;
            memory.gas_limit = self.number(Column::GasLimits, hints)?;
            hints.expected = memory.gas_price;
            hints.related = memory.gas_limit as u32;
            memory.gas_price = self.number(Column::GasPrices, hints)?;
            if call.kind & form::MASK >= form::EIP1559 {
                hints.expected = memory.priority_fee;
                hints.related = memory.gas_price as u32;
                memory.priority_fee = self.number(Column::PriorityFees, hints)?;
            }
            self.value(target, memory.gas_limit as u32)?;
        }
        Ok(())
    }

    fn value(&mut self, target: u32, gas_limit: u32) -> Result<(), DecodeError> {
        let mut so_far = hash(0x200, 0);
        let mut length = 0;
        for step in 0usize.. {
            let column = match step {
                0 => Column::ValueExponents,
                1 => Column::ValueLengths,
                _ if step - 2 == length => break,
                _ => Column::Values,
            };
            let [last, before] = self.last[Column::Values as usize];
            let recent = self.recent[column as usize] as u32;
            let contexts = [
                so_far,
                hash(so_far, target),
                hash(so_far, last),
                hash(so_far, hash(last, before)),
                hash(so_far, gas_limit),
                hash(step as u32, 0x300),
                hash(hash(column as u32, 2), recent & 0xffff),
                hash(so_far, hash(target, last)),
            ];
            let byte = self.byte(column, contexts, column)?;
            if step == 1 {
                length = usize::from(byte);
            }
            so_far = hash(so_far, u32::from(byte));
        }
        let last = &mut self.last[Column::Values as usize];
        *last = [so_far, last[0]];
        Ok(())
    }

    /// Access lists, authorizations, and transactions carried whole.
    fn lists(&mut self, shape: &Shape) -> Result<(), DecodeError> {
        let entries = self.counts(Column::AccessLengths, shape.access_lists)?;
        self.plain(Column::AccessAddresses, bytes(entries, 20)?, 20)?;
        let keys = self.counts(Column::AccessKeyCounts, entries)?;
        self.plain(Column::AccessKeys, bytes(keys, 32)?, 32)?;
        let entries = self.counts(Column::AuthorizationCounts, shape.authorization_lists)?;
        let mut chains = 0;
        for _ in 0..entries {
            self.plain(Column::AuthorizationChainLengths, 1, 1)?;
            let length = self.recent[Column::AuthorizationChainLengths as usize] as u8;
            chains += usize::from(length);
        }
        self.plain(Column::AuthorizationChains, chains, 1)?;
        self.plain(Column::AuthorizationAddresses, bytes(entries, 20)?, 20)?;
        for _ in 0..entries {
            self.number(Column::AuthorizationNonces, Hints::default())?;
        }
        self.plain(Column::AuthorizationParities, entries, 1)?;
        self.plain(Column::AuthorizationSignatures, bytes(entries, 64)?, 64)?;
        let raw = self.counts(Column::RawLengths, shape.raw)?;
        self.plain(Column::Raw, raw, 1)
    }

    /// The sum of `count` numbers.
    fn counts(&mut self, column: Column, count: usize) -> Result<usize, DecodeError> {
        let mut sum = 0u64;
        for _ in 0..count {
            sum = sum.saturating_add(self.varint(column, Hints::default())?);
        }
        usize::try_from(sum).map_err(|_| DecodeError::Compression)
    }
}

/// The last `bytes` of `recent`, as a number.
pub(super) const fn order(recent: u64, bytes: u32) -> u32 {
    let recent = recent & ((1 << (8 * bytes)) - 1);
    hash(hash(bytes, recent as u32), (recent >> 32) as u32)
}

fn bytes(count: usize, size: usize) -> Result<usize, DecodeError> {
    count.checked_mul(size).ok_or(DecodeError::Compression)
}

/// The beginning of every word with this code.
pub(super) const fn word_start(code: u8) -> u32 {
    hash(0x400, code as u32)
}
