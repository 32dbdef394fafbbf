//! Names of subscriptions: hexadecimal strings, as Ethereum's clients expect, that cannot be guessed.

use jsonrpsee::{core::traits::IdProvider, types::SubscriptionId};

/// 128 random bits as `0x…`, without leading zeros.
#[derive(Debug)]
pub(super) struct HexId;

impl IdProvider for HexId {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(format!("{:#x}", rand::random::<u128>()).into())
    }
}
