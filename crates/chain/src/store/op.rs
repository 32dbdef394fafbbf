//! The changes that the log records.

use super::codec::{BlockBody, decode_block};
use crate::block::{BlockRecord, BlockRef, list_length};
use alloy_rlp::{Decodable, Encodable, Error, Header as RlpHeader, list_length as slice_length};
use mezz_primitives::{Bytes, Receipt, StateDiff};
use std::sync::Arc;

const BLOCK: u8 = 1;
const UNWIND: u8 = 2;
const HEADS: u8 = 3;
const META: u8 = 4;

/// A block and what it changed.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    pub(crate) record: Arc<BlockRecord>,
    pub(crate) diff: Arc<StateDiff>,
}

/// A change of the chain.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A block on the head.
    Block(Appended),
    /// The blocks after `to` are gone.
    Unwind {
        /// The new head.
        to: BlockRef,
        /// The blocks, newest first. Not in the log, which has them already.
        removed: Vec<Appended>,
    },
    /// New safe and finalized heads.
    Heads {
        /// See [`crate::Heads::safe`].
        safe: BlockRef,
        /// See [`crate::Heads::finalized`].
        finalized: BlockRef,
    },
    /// A small value.
    Meta {
        /// Its key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
}

impl Op {
    fn payload_length(&self) -> usize {
        1 + match self {
            Self::Block(Appended { record, diff }) => {
                BlockBody(record).length() + slice_length(&record.receipts) + diff.length()
            }
            Self::Unwind { to, .. } => to.length(),
            Self::Heads { safe, finalized } => safe.length() + finalized.length(),
            Self::Meta { key, value } => key.length() + value.length(),
        }
    }
}

impl Encodable for Op {
    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        RlpHeader { list: true, payload_length: self.payload_length() }.encode(out);
        match self {
            Self::Block(Appended { record, diff }) => {
                BLOCK.encode(out);
                BlockBody(record).encode(out);
                record.receipts.encode(out);
                diff.encode(out);
            }
            Self::Unwind { to, .. } => {
                UNWIND.encode(out);
                to.encode(out);
            }
            Self::Heads { safe, finalized } => {
                HEADS.encode(out);
                safe.encode(out);
                finalized.encode(out);
            }
            Self::Meta { key, value } => {
                META.encode(out);
                key.encode(out);
                value.encode(out);
            }
        }
    }

    fn length(&self) -> usize {
        list_length(self.payload_length())
    }
}

impl Decodable for Op {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let mut payload = RlpHeader::decode_bytes(buf, true)?;
        let payload = &mut payload;
        let op = match u8::decode(payload)? {
            BLOCK => {
                let mut body = *payload;
                let header = RlpHeader::decode(payload)?;
                *payload = payload.get(header.payload_length..).ok_or(Error::InputTooShort)?;
                let receipts = Vec::<Receipt>::decode(payload)?;
                let record = Arc::new(decode_block(&mut body, receipts)?);
                Self::Block(Appended { record, diff: Arc::new(StateDiff::decode(payload)?) })
            }
            UNWIND => Self::Unwind { to: BlockRef::decode(payload)?, removed: Vec::new() },
            HEADS => Self::Heads {
                safe: BlockRef::decode(payload)?,
                finalized: BlockRef::decode(payload)?,
            },
            META => Self::Meta { key: Bytes::decode(payload)?, value: Bytes::decode(payload)? },
            _ => return Err(Error::Custom("unknown kind of record")),
        };
        if !payload.is_empty() {
            return Err(Error::UnexpectedLength);
        }
        Ok(op)
    }
}

/// Changes that are made together, with their place in the log.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    /// Counts from 1.
    pub(crate) lsn: u64,
    pub(crate) ops: Vec<Op>,
    /// Bytes in the log.
    pub(crate) size: usize,
}
