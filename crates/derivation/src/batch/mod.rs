//! The batch format: a run of L2 blocks as one compressed byte stream.
//!
//! Transactions lie in columns by field, so that like stands beside like, and the words of ABI
//! calldata lose their padding; a general compressor does the rest. Signatures do not compress
//! and follow as they are. Every byte of every raw transaction is recovered: what the columns
//! cannot express is carried whole.
//!
//! The layout, byte by byte, is in `docs/rollup.md`.

mod columns;
mod compress;
mod decode;
#[cfg(feature = "std")]
mod encode;
mod model;
mod reader;
#[cfg(test)]
mod tests;
mod transactions;
mod words;

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, FixedBytes};
use mezz_primitives::Transaction;

#[cfg(feature = "std")]
pub use compress::Compression;
#[cfg(feature = "std")]
pub use encode::{EncodeError, encode, encode_prefix};

/// The first byte of a batch.
pub const BATCH_VERSION: u8 = 1;
/// Bytes of a batch at most: what six blobs hold.
pub const MAX_BATCH_BYTES: usize = crate::blob::capacity(crate::blob::MAX_BLOBS);
/// Bytes of the columns at most, once decompressed.
pub const MAX_PAYLOAD_BYTES: usize = 16 << 20;
/// Bytes of input data at most, over all transactions of a batch; bounds what zero words, which
/// take one byte in the columns, may grow to.
pub const MAX_INPUT_BYTES: usize = 16 << 20;
/// Blocks of a batch at most.
pub const MAX_BLOCKS: usize = 65_536;
/// Transactions of a batch at most.
pub const MAX_TRANSACTIONS: usize = 262_144;
/// Bytes of transactions, as [`counted_bytes`] counts them, that a sequencer may put in one L2
/// block, so that a batch of that block alone always fits: incompressible input stays within
/// [`MAX_BATCH_BYTES`].
pub const MAX_BLOCK_TX_BYTES: usize = 700_000;

/// Bytes for which a transaction of `raw` bytes counts in a block. A signature has 64 bytes in a
/// batch, however many of them are zero and left out in the transaction: anybody can make short ones.
pub fn counted_bytes(tx: &Transaction, raw: usize) -> usize {
    let Transaction::Ethereum(tx) = tx else { return raw };
    let signature = tx.signature();
    raw + signature.r().leading_zeros() / 8 + signature.s().leading_zeros() / 8
}

/// The first 20 bytes of a block hash: enough to tell a fork, cheaper than the whole.
pub type HashCheck = FixedBytes<20>;

/// The check bytes of `hash`.
pub fn hash_check(hash: &B256) -> HashCheck {
    HashCheck::from_slice(&hash[..20])
}

/// A run of consecutive L2 blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Check of the hash of the L2 block that the first block builds on.
    pub parent_check: HashCheck,
    /// Check of the hash of the last block's L1 origin.
    pub origin_check: HashCheck,
    /// Number of the first L2 block.
    pub first_number: u64,
    /// The blocks; at least one.
    pub blocks: Vec<BatchBlock>,
}

/// What a batch says of one L2 block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchBlock {
    /// Seconds since the epoch.
    pub timestamp: u64,
    /// Whether its L1 origin is the one after its parent's origin.
    pub advances_origin: bool,
    /// The sequenced transactions as EIP-2718 bytes, in order, without any deposit.
    pub transactions: Vec<Bytes>,
}

/// What can be read of a batch without decompressing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// As [`Batch::parent_check`].
    pub parent_check: HashCheck,
    /// As [`Batch::origin_check`].
    pub origin_check: HashCheck,
    /// Number of the first L2 block.
    pub first_number: u64,
    /// Timestamp of the first L2 block, in seconds.
    pub first_timestamp: u64,
    /// Count of blocks, between 1 and [`MAX_BLOCKS`].
    pub block_count: usize,
}

impl BatchHeader {
    /// Reads the header of the batch `data`. Its compressed part may still be malformed.
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        decode::Envelope::read(data).map(|envelope| envelope.header)
    }
}

impl Batch {
    /// Decodes a batch of the chain `chain_id`, within the bounds of this module.
    pub fn decode(data: &[u8], chain_id: u64) -> Result<Self, DecodeError> {
        decode::decode(data, chain_id)
    }
}

/// Why bytes are not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`MAX_BATCH_BYTES`].
    #[error("batch of {0} bytes, at most {MAX_BATCH_BYTES} are allowed")]
    TooLong(usize),
    /// An unknown first byte.
    #[error("unknown batch version {0}")]
    Version(u8),
    /// An unknown compressor.
    #[error("unknown compressor {0}")]
    Compressor(u8),
    /// The compressed part is not what its compressor writes.
    #[error("malformed compressed stream")]
    Compression,
    /// The columns are longer than [`MAX_PAYLOAD_BYTES`].
    #[error("columns of more than {MAX_PAYLOAD_BYTES} bytes")]
    PayloadTooLong,
    /// The data ends within this column.
    #[error("data ends within {0}")]
    UnexpectedEnd(&'static str),
    /// Data is left when all columns are read.
    #[error("{0} trailing bytes")]
    TrailingBytes(usize),
    /// A number longer than needed, or larger than its type.
    #[error("non-canonical or too large number in {0}")]
    Number(&'static str),
    /// No block, or more than [`MAX_BLOCKS`].
    #[error("{0} blocks, between 1 and {MAX_BLOCKS} are allowed")]
    BlockCount(u64),
    /// More than [`MAX_TRANSACTIONS`].
    #[error("more than {MAX_TRANSACTIONS} transactions")]
    TransactionCount,
    /// More than [`MAX_INPUT_BYTES`].
    #[error("more than {MAX_INPUT_BYTES} bytes of input data")]
    InputTooLong,
    /// A timestamp that overflows.
    #[error("timestamp overflows")]
    Timestamp,
    /// A transaction form that does not exist.
    #[error("unknown transaction form {0:#04x}")]
    TransactionForm(u8),
    /// Unused bits of a bit column are set.
    #[error("unused bits are set in {0}")]
    Padding(&'static str),
    /// An address index beyond the dictionary.
    #[error("address index {0} beyond the dictionary")]
    AddressIndex(u64),
    /// A code of the word column that does not exist.
    #[error("unknown word code {0}")]
    WordCode(u8),
    /// A decimal exponent too large for its mantissa, or a mantissa with a factor of ten left.
    #[error("malformed decimal value")]
    Decimal,
}

/// Forms of a transaction, in the low three bits of its kind byte.
mod form {
    pub(super) const RAW: u8 = 0;
    pub(super) const LEGACY_UNPROTECTED: u8 = 1;
    pub(super) const LEGACY: u8 = 2;
    pub(super) const EIP2930: u8 = 3;
    pub(super) const EIP1559: u8 = 4;
    pub(super) const EIP7702: u8 = 5;

    /// The form's bits.
    pub(super) const MASK: u8 = 0b0000_0111;
    /// The transaction creates a contract.
    pub(super) const CREATE: u8 = 0b0000_1000;
    /// The transaction is for another chain, named in a column of its own.
    pub(super) const FOREIGN_CHAIN: u8 = 0b0001_0000;
    /// All bits in use.
    pub(super) const KNOWN: u8 = MASK | CREATE | FOREIGN_CHAIN;
}
