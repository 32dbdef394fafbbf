//! Why a transaction did not run.

use crate::state::ReadError;
use alloc::{boxed::Box, string::String};
use mezz_primitives::U256;
use revm::context::result::{EVMError, InvalidTransaction};

/// A transaction did not run. After [`ExecuteError::Invalid`] the executor goes on as if it had
/// never seen the transaction; after any other error it must be dropped.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E> {
    /// The transaction may not be in this block.
    #[error(transparent)]
    Invalid(#[from] InvalidTx),
    /// The state could not be read.
    #[error("the state cannot be read: {0}")]
    State(#[source] E),
    /// The EVM refused its environment or a precompile failed: a defect, not a bad transaction.
    #[error("the EVM failed: {0}")]
    Internal(String),
}

/// A rule that a transaction breaks. The wording begins as geth's does, since clients match on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTx {
    /// The nonce was used before.
    #[error("nonce too low: next nonce {state}, tx nonce {tx}")]
    NonceTooLow {
        /// The transaction's.
        tx: u64,
        /// The account's.
        state: u64,
    },
    /// A transaction with a smaller nonce is missing.
    #[error("nonce too high: next nonce {state}, tx nonce {tx}")]
    NonceTooHigh {
        /// The transaction's.
        tx: u64,
        /// The account's.
        state: u64,
    },
    /// The nonce is 2^64 - 1 (EIP-2681).
    #[error("nonce has max value: tx nonce 2^64 - 1")]
    NonceMax,
    /// The sender cannot pay for gas, value, blobs and, on L2, L1 data together; wei.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")]
    InsufficientFunds {
        /// What the transaction may cost at most.
        cost: U256,
        /// What the sender has.
        balance: U256,
    },
    /// The cost does not fit 256 bits.
    #[error("gas * price + value overflows 256 bits")]
    CostOverflow,
    /// The block has less gas left than the transaction may use.
    #[error("gas limit reached: tx gas limit {gas_limit}, block has {available} left")]
    BlockGasExceeded {
        /// The transaction's limit.
        gas_limit: u64,
        /// What the block has left.
        available: u64,
    },
    /// The gas limit is over the cap of EIP-7825.
    #[error("transaction gas limit too high: cap {cap}, tx {gas_limit}")]
    GasLimitOverCap {
        /// The transaction's limit.
        gas_limit: u64,
        /// The cap.
        cap: u64,
    },
    /// The gas limit does not pay for what every transaction pays before it runs.
    #[error("intrinsic gas too low: have {gas_limit}, want {intrinsic}")]
    IntrinsicGas {
        /// The transaction's limit.
        gas_limit: u64,
        /// The least it needs.
        intrinsic: u64,
    },
    /// The gas limit does not pay the floor price of the calldata (EIP-7623).
    #[error("insufficient gas for floor data gas cost: have {gas_limit}, want {floor}")]
    FloorGas {
        /// The transaction's limit.
        gas_limit: u64,
        /// The least it needs.
        floor: u64,
    },
    /// The fee cap is below the base fee.
    #[error("max fee per gas less than block base fee: baseFee {base_fee}")]
    FeeBelowBaseFee {
        /// Of the block, wei for a gas.
        base_fee: u64,
    },
    /// The priority fee is over the fee cap.
    #[error("max priority fee per gas higher than max fee per gas")]
    PriorityFeeOverCap,
    /// The transaction is for another chain.
    #[error("invalid chain id for signer: want {expected}")]
    WrongChain {
        /// This chain's id.
        expected: u64,
    },
    /// The sender has code that is not a delegation (EIP-3607).
    #[error("sender not an eoa")]
    SenderHasCode,
    /// Creation code is longer than 49,152 bytes (EIP-3860).
    #[error("max initcode size exceeded")]
    InitCodeTooLong,
    /// A blob transaction on a chain without blobs.
    #[error("transaction type not supported: blob transactions are not accepted on L2")]
    BlobsNotSupported,
    /// A deposit on a chain without deposits.
    #[error("transaction type not supported: deposits exist on L2 only")]
    DepositNotSupported,
    /// A deposit that claims to be of the system, as none is since Regolith.
    #[error("system transactions are not accepted")]
    SystemTransaction,
    /// A blob transaction without blobs.
    #[error("blob transaction missing blob hashes")]
    NoBlobs,
    /// More blobs than a transaction may have.
    #[error("too many blobs in transaction: have {have}, max {max}")]
    TooManyBlobs {
        /// Its blobs.
        have: u64,
        /// The most it may have.
        max: u64,
    },
    /// The block has no room for the blobs.
    #[error("blob gas limit reached: tx blob gas {blob_gas}, block has {available} left")]
    BlockBlobGasExceeded {
        /// The transaction's.
        blob_gas: u64,
        /// What the block has left.
        available: u64,
    },
    /// The blob fee cap is below the blob base fee.
    #[error("max fee per blob gas less than block blob gas fee: blobBaseFee {base_fee}, tx {cap}")]
    BlobFeeTooLow {
        /// Of the block, wei for a blob gas.
        base_fee: u128,
        /// The transaction's cap.
        cap: u128,
    },
    /// A versioned hash does not begin with 1.
    #[error("blob hash has invalid version")]
    BlobVersion,
    /// A set-code transaction without authorizations (EIP-7702).
    #[error("EIP-7702 transaction with empty auth list")]
    NoAuthorizations,
    /// Any other rule.
    #[error("invalid transaction: {0}")]
    Other(Box<str>),
}

/// Carries revm's error over; `base_fee` and `chain_id` are those of the block.
pub(crate) fn from_evm<E>(
    error: EVMError<ReadError<E>>,
    base_fee: u64,
    chain_id: u64,
) -> ExecuteError<E> {
    use alloc::string::ToString;
    match error {
        EVMError::Transaction(error) => ExecuteError::Invalid(invalid(error, base_fee, chain_id)),
        EVMError::Database(ReadError(error)) => ExecuteError::State(error),
        EVMError::Header(error) => ExecuteError::Internal(error.to_string()),
        EVMError::Custom(error) => ExecuteError::Internal(error),
        EVMError::CustomAny(error) => ExecuteError::Internal(error.to_string()),
    }
}

fn invalid(error: InvalidTransaction, base_fee: u64, chain_id: u64) -> InvalidTx {
    use InvalidTransaction as E;
    use alloc::string::ToString;
    match error {
        E::NonceTooLow { tx, state } => InvalidTx::NonceTooLow { tx, state },
        E::NonceTooHigh { tx, state } => InvalidTx::NonceTooHigh { tx, state },
        E::NonceOverflowInTransaction => InvalidTx::NonceMax,
        E::LackOfFundForMaxFee { fee, balance } => {
            InvalidTx::InsufficientFunds { cost: *fee, balance: *balance }
        }
        E::OverflowPaymentInTransaction => InvalidTx::CostOverflow,
        E::TxGasLimitGreaterThanCap { gas_limit, cap } => {
            InvalidTx::GasLimitOverCap { gas_limit, cap }
        }
        E::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            InvalidTx::IntrinsicGas { gas_limit, intrinsic: initial_gas }
        }
        E::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            InvalidTx::FloorGas { gas_limit, floor: gas_floor }
        }
        E::GasPriceLessThanBasefee => InvalidTx::FeeBelowBaseFee { base_fee },
        E::PriorityFeeGreaterThanMaxFee => InvalidTx::PriorityFeeOverCap,
        E::InvalidChainId | E::MissingChainId => InvalidTx::WrongChain { expected: chain_id },
        E::RejectCallerWithCode => InvalidTx::SenderHasCode,
        E::CreateInitCodeSizeLimit => InvalidTx::InitCodeTooLong,
        E::EmptyBlobs => InvalidTx::NoBlobs,
        E::TooManyBlobs { max, have } => {
            InvalidTx::TooManyBlobs { have: have as u64, max: max as u64 }
        }
        E::BlobGasPriceGreaterThanMax { block_blob_gas_price, tx_max_fee_per_blob_gas } => {
            InvalidTx::BlobFeeTooLow {
                base_fee: block_blob_gas_price,
                cap: tx_max_fee_per_blob_gas,
            }
        }
        E::BlobVersionNotSupported => InvalidTx::BlobVersion,
        E::EmptyAuthorizationList => InvalidTx::NoAuthorizations,
        other => InvalidTx::Other(other.to_string().into_boxed_str()),
    }
}
