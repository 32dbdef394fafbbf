//! The columns of a batch, in the order in which they are stored.

/// A column of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Column {
    Timestamps,
    OriginBits,
    Counts,
    Kinds,
    Parities,
    ChainIds,
    Nonces,
    GasLimits,
    GasPrices,
    PriorityFees,
    ValueExponents,
    ValueLengths,
    Values,
    AddressIndices,
    Addresses,
    InputLengths,
    Selectors,
    WordCodes,
    Words,
    OtherInput,
    AccessLengths,
    AccessAddresses,
    AccessKeyCounts,
    AccessKeys,
    AuthorizationCounts,
    AuthorizationChainLengths,
    AuthorizationChains,
    AuthorizationAddresses,
    AuthorizationNonces,
    AuthorizationParities,
    AuthorizationSignatures,
    RawLengths,
    Raw,
}

impl Column {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Raw as usize + 1;
}

/// The bytes of each column.
pub(super) type Columns<T> = [T; Column::COUNT];
