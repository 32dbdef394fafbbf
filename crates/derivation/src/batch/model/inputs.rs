//! The way through the inputs of transactions: a word is seen by its place in the call, by the words
//! before it, and by the word that stood there last.

use super::{
    super::{
        DecodeError, MAX_INPUT_BYTES,
        columns::Column,
        transactions::grouped,
        words::{is_abi, kept_bytes},
    },
    predictor::hash,
    walk::{Call, Side, Walk, order, word_start},
};
use alloc::{vec, vec::Vec};

/// A word that stood at the same place of an earlier call.
#[derive(Clone, Copy, Debug, Default)]
struct Above {
    code: u8,
    bytes: [u8; 32],
}

/// Places of words that are told apart.
const PLACES: usize = 1 << 12;

impl<S: Side> Walk<'_, S> {
    /// The input of all transactions, by callee.
    pub(super) fn inputs(&mut self, calls: &mut [Call]) -> Result<(), DecodeError> {
        let groups: Vec<usize> = calls.iter().map(|call| call.callee).collect();
        let mut above = vec![Above::default(); PLACES];
        for index in grouped(&groups) {
            let call = &mut calls[index];
            let len = usize::try_from(call.input)
                .ok()
                .filter(|len| *len <= MAX_INPUT_BYTES)
                .ok_or(DecodeError::InputTooLong)?;
            if is_abi(len) {
                call.selector = self.selector(call.callee, len)?;
                self.words(*call, len / 32, &mut above)?;
            } else {
                self.other(call.callee, len)?;
                call.selector = len.min(64) as u32;
            }
        }
        Ok(())
    }

    fn selector(&mut self, callee: usize, len: usize) -> Result<u32, DecodeError> {
        let mut selector = 0u32;
        let last = self.last[Column::Selectors as usize];
        for place in 0..4 {
            let so_far = hash(hash(Column::Selectors as u32, place), selector);
            let callee = callee as u32;
            let contexts = [
                so_far,
                hash(so_far, callee),
                hash(so_far, len as u32),
                hash(so_far, last[0]),
                hash(so_far, hash(callee, len as u32)),
                hash(so_far, hash(callee, last[0])),
                hash(so_far, hash(callee, hash(last[0], last[1]))),
                hash(so_far, hash(last[0], len as u32)),
            ];
            let byte = self.byte(Column::Selectors, contexts, Column::Selectors)?;
            self.model.remember(byte);
            selector = selector << 8 | u32::from(byte);
        }
        self.last[Column::Selectors as usize] = [selector, last[0]];
        Ok(selector)
    }

    fn words(&mut self, call: Call, count: usize, above: &mut [Above]) -> Result<(), DecodeError> {
        let callee = call.callee as u32;
        let mut frame = Frame { function: call.selector, word: 0, left: 0 };
        let mut codes = 0u32;
        let mut before = [0u32; 2];
        for index in 0..count {
            let place = frame.place();
            let above = &mut above[place as usize % PLACES];
            let code = self.code(place, callee, codes, before, above.code, count - index)?;
            let kept = usize::from(kept_bytes(code)?);
            let mut word = [0; 32];
            let mut so_far = word_start(code);
            let mut as_above = above.code == code;
            for (byte, guess) in word.iter_mut().zip(above.bytes).take(kept) {
                let recent = self.recent[Column::Words as usize];
                let expectation = u32::from(guess) | u32::from(as_above) << 8;
                let contexts = [
                    hash(so_far, place),
                    hash(so_far, hash(place, callee)),
                    so_far,
                    hash(so_far, before[0]),
                    hash(hash(place, u32::from(code)), expectation),
                    hash(3, recent as u32 & 0xff_ffff),
                    hash(so_far, hash(place, before[0])),
                    hash(hash(2, recent as u32 & 0xffff), 0),
                ];
                let set = if as_above { Column::WordCodes } else { Column::Words };
                *byte = self.byte(Column::Words, contexts, set)?;
                self.model.remember(*byte);
                as_above &= *byte == guess;
                so_far = hash(so_far, u32::from(*byte));
            }
            *above = Above { code, bytes: word };
            before = [so_far, before[0]];
            codes = codes << 8 | u32::from(code);
            frame.next(code, &word[..kept], count - index - 1);
        }
        Ok(())
    }

    fn code(
        &mut self,
        place: u32,
        callee: u32,
        codes: u32,
        before: [u32; 2],
        above: u8,
        left: usize,
    ) -> Result<u8, DecodeError> {
        let name = hash(Column::WordCodes as u32, 0);
        let left = left.min(255) as u32;
        let contexts = [
            hash(name, place),
            hash(name, hash(place, callee)),
            hash(name, hash(place, before[0])),
            hash(hash(name, 3), codes & 0xff_ffff),
            hash(hash(name, 4), hash(before[0], before[1])),
            hash(hash(name, 5), hash(codes & 0xff, u32::from(above))),
            hash(name, hash(place, hash(codes & 0xffff, left))),
            hash(hash(name, 6), codes),
        ];
        self.byte(Column::WordCodes, contexts, Column::Selectors)
    }

    /// Input that is no selector and words.
    fn other(&mut self, callee: usize, len: usize) -> Result<(), DecodeError> {
        let callee = callee as u32;
        for place in 0..len {
            let recent = self.recent[Column::OtherInput as usize];
            let order = |bytes| order(recent, bytes);
            let place = place.min(255) as u32;
            let contexts = [
                hash(7, callee),
                order(1),
                order(2),
                order(3),
                order(4),
                order(6),
                hash(hash(8, place), hash(callee, order(1))),
                hash(hash(9, place), hash(callee, order(3))),
            ];
            let byte = self.byte(Column::OtherInput, contexts, Column::OtherInput)?;
            self.model.remember(byte);
        }
        Ok(())
    }
}

/// The call that a word belongs to: the transaction's, or one that stands in its input as bytes.
#[derive(Clone, Copy, Debug)]
struct Frame {
    function: u32,
    word: u32,
    /// Words that are left of an inner call; 0 in the transaction's own.
    left: usize,
}

impl Frame {
    const fn place(self) -> u32 {
        hash(self.function, self.word)
    }

    /// Goes on behind a word. A word that counts the bytes of a selector and words, as many as
    /// may follow, begins an inner call; its selector is in the first word.
    fn next(&mut self, code: u8, kept: &[u8], left: usize) {
        self.word = self.word.saturating_add(1);
        if self.left > 0 {
            self.left -= 1;
            if self.word == 1 {
                // The selector is known now.
                self.function =
                    kept.iter().take(4).fold(self.function, |f, b| hash(f, (*b).into()));
            }
        }
        let number = match kept {
            [byte] => usize::from(*byte),
            [high, low] => usize::from(*high) << 8 | usize::from(*low),
            _ => 0,
        };
        if code <= 32 && is_abi(number) && number.div_ceil(32) <= left {
            *self = Self { function: hash(0x500, 0), word: 0, left: number.div_ceil(32) };
        }
    }
}
