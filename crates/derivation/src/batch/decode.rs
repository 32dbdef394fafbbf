//! Reads a batch: the uncompressed header, the columns of blocks, the columns of transactions.

use super::{
    BATCH_VERSION, Batch, BatchBlock, BatchHeader, DecodeError, HashCheck, MAX_BATCH_BYTES,
    MAX_BLOCKS, MAX_TRANSACTIONS, compress, reader::Reader, transactions,
};
use alloc::vec::Vec;

/// The parts of a batch before decompression.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) header: BatchHeader,
    compressor: u8,
    compressed: &'a [u8],
    signatures: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(super) fn read(data: &'a [u8]) -> Result<Self, DecodeError> {
        if data.len() > MAX_BATCH_BYTES {
            return Err(DecodeError::TooLong(data.len()));
        }
        let mut reader = Reader::new(data);
        let version = reader.byte("version")?;
        if version != BATCH_VERSION {
            return Err(DecodeError::Version(version));
        }
        let compressor = reader.byte("compressor")?;
        let parent_check = HashCheck::new(reader.array("parent check")?);
        let origin_check = HashCheck::new(reader.array("origin check")?);
        let first_number = reader.varint("first number")?;
        let first_timestamp = reader.varint("first timestamp")?;
        let count = reader.varint("block count")?;
        let block_count = usize::try_from(count)
            .ok()
            .filter(|count| (1..=MAX_BLOCKS).contains(count))
            .ok_or(DecodeError::BlockCount(count))?;
        let length = reader.length("compressed length")?;
        let compressed = reader.bytes(length, "compressed columns")?;
        Ok(Self {
            header: BatchHeader {
                parent_check,
                origin_check,
                first_number,
                first_timestamp,
                block_count,
            },
            compressor,
            compressed,
            signatures: reader.rest(),
        })
    }
}

pub(super) fn decode(data: &[u8], chain_id: u64) -> Result<Batch, DecodeError> {
    let envelope = Envelope::read(data)?;
    let header = envelope.header;
    let payload =
        compress::decompress(envelope.compressor, envelope.compressed, header.block_count)?;
    let mut reader = Reader::new(&payload);

    let deltas = reader.varints(header.block_count - 1, "timestamps")?;
    let origins = reader.bits(header.block_count, "origin bits")?;
    let counts = reader.varints(header.block_count, "transaction counts")?;
    let total = counts
        .iter()
        .try_fold(0u64, |sum, count| sum.checked_add(*count))
        .and_then(|total| usize::try_from(total).ok())
        .filter(|total| *total <= MAX_TRANSACTIONS)
        .ok_or(DecodeError::TransactionCount)?;

    let mut signatures = Reader::new(envelope.signatures);
    let mut transactions =
        transactions::decode(&mut reader, &mut signatures, total, chain_id)?.into_iter();
    reader.finish()?;
    signatures.finish()?;

    let mut timestamp = header.first_timestamp;
    let mut blocks = Vec::with_capacity(header.block_count);
    for (index, count) in counts.iter().enumerate() {
        if index > 0 {
            timestamp = timestamp.checked_add(deltas[index - 1]).ok_or(DecodeError::Timestamp)?;
        }
        // The counts sum up to `total`, which fits in memory.
        let count = usize::try_from(*count).map_err(|_| DecodeError::TransactionCount)?;
        blocks.push(BatchBlock {
            timestamp,
            advances_origin: origins.get(index),
            transactions: transactions.by_ref().take(count).collect(),
        });
    }
    Ok(Batch {
        parent_check: header.parent_check,
        origin_check: header.origin_check,
        first_number: header.first_number,
        blocks,
    })
}
