//! Why a transaction is refused, in go-ethereum's words.

use mezz_primitives::{RecoverError, U256};

/// The bytes are no transaction for the pool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No bytes.
    #[error("empty typed transaction bytes")]
    Empty,
    /// Not the encoding of a transaction.
    #[error("rlp: {0}")]
    Encoding(String),
    /// The type is unknown, or comes from L1 only.
    #[error("transaction type not supported")]
    UnsupportedType,
    /// A blob transaction in its form for blocks.
    #[error("missing sidecar in blob transaction")]
    MissingSidecar,
    /// The signature yields no sender.
    #[error("invalid sender")]
    InvalidSender,
}

impl From<RecoverError> for DecodeError {
    fn from(_: RecoverError) -> Self {
        Self::InvalidSender
    }
}

/// Why the pool refuses a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says what each field is")]
pub enum PoolError {
    /// The same transaction is in the pool.
    #[error("already known")]
    AlreadyKnown,
    /// The nonce has been used.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow { next: u64, nonce: u64 },
    /// The nonce lies too far ahead of the account's.
    #[error("nonce too high: tx nonce {nonce}, gapped nonce {next}, largest gap {limit}")]
    NonceGapTooLarge { next: u64, nonce: u64, limit: usize },
    /// No nonce may reach 2^64 - 1 (EIP-2681).
    #[error("nonce has max value")]
    NonceMax,
    /// The account cannot pay for this transaction alone.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}",
        cost.saturating_sub(*balance)
    )]
    InsufficientFunds { balance: U256, cost: U256 },
    /// The account cannot pay for this transaction and its pending ones.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {cost}, overshot {}",
        queued.saturating_add(*cost).saturating_sub(*balance)
    )]
    InsufficientFundsQueued { balance: U256, queued: U256, cost: U256 },
    /// The account cannot pay what a replacement costs more.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx bumped {bump}, overshot {}",
        queued.saturating_add(*bump).saturating_sub(*balance)
    )]
    InsufficientFundsBump { balance: U256, queued: U256, bump: U256 },
    /// Less gas than any execution takes.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas { gas: u64, needed: u64 },
    /// Less gas than the calldata costs at least (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}")]
    FloorDataGas { gas: u64, needed: u64 },
    /// More gas than a transaction may take (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {gas})")]
    GasLimitTooHigh { cap: u64, gas: u64 },
    /// More gas than a block has.
    #[error("exceeds block gas limit")]
    ExceedsBlockGasLimit,
    /// A transaction of the same sender and nonce is there, and the fees are not enough higher.
    #[error("replacement transaction underpriced")]
    ReplacementUnderpriced,
    /// The pool is full of better-paying ones.
    #[error("transaction underpriced")]
    Underpriced,
    /// Priority fee below the pool's least.
    #[error("transaction underpriced: gas tip cap {tip}, minimum needed {needed}")]
    TipTooLow { tip: u128, needed: u128 },
    /// Fee cap below the pool's least.
    #[error("transaction underpriced: gas fee cap {fee_cap}, minimum needed {needed}")]
    FeeCapTooLow { fee_cap: u128, needed: u128 },
    /// Blob fee cap below the protocol's least.
    #[error("transaction underpriced: blob fee cap {fee_cap}, minimum needed {needed}")]
    BlobFeeCapTooLow { fee_cap: u128, needed: u128 },
    /// The priority fee cannot exceed the whole fee (EIP-1559).
    #[error(
        "max priority fee per gas higher than max fee per gas: maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee_cap}"
    )]
    TipAboveFeeCap { tip: u128, fee_cap: u128 },
    /// The pool does not take this type.
    #[error("transaction type not supported: tx type {0} not supported by this pool")]
    TypeNotSupported(u8),
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {have} want {want}")]
    InvalidChainId { have: u64, want: u64 },
    /// Creation code over the limit (EIP-3860).
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitCodeTooLarge { size: usize, limit: usize },
    /// Too many bytes.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized { size: usize, limit: usize },
    /// The sender has as many transactions in the pool as it may.
    #[error("account limit exceeded")]
    AccountLimitExceeded,
    /// The sender has code and a transaction in the pool.
    #[error("in-flight transaction limit reached for delegated accounts")]
    DelegatedLimit,
    /// A set-code transaction that sets nothing (EIP-7702).
    #[error("set code tx must have at least one authorization tuple")]
    EmptyAuthorizationList,
    /// A set-code or blob transaction that creates a contract.
    #[error("transaction of type {0} cannot create a contract")]
    CreateNotAllowed(u8),
    /// A blob transaction with no blob.
    #[error("blobless blob transaction")]
    NoBlobs,
    /// Too many blobs (EIP-7594).
    #[error("too many blobs in one transaction, have: {have}, max: {max}")]
    TooManyBlobs { have: usize, max: usize },
    /// A blob transaction without its blobs.
    #[error("missing sidecar in blob transaction")]
    MissingSidecar,
    /// Blobs with a transaction that names none.
    #[error("blob sidecar on a transaction without blobs")]
    UnexpectedSidecar,
    /// Blobs that are not those which the transaction names, or whose proofs fail.
    #[error("invalid blob sidecar: {0}")]
    InvalidSidecar(String),
    /// The account could not be read.
    #[error("state of the sender is not available: {0}")]
    Lookup(String),
}

/// Result of the pool's inner steps.
pub(crate) type AddResult<T> = Result<T, PoolError>;
