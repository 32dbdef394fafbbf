//! What a transaction offers: from the market, within the operator's limits, and raised by what
//! pools demand of a replacement. Pure arithmetic, all in wei.

use crate::client::FeeInfo;
use alloy::{eips::eip4844::DATA_GAS_PER_BLOB, primitives::U256};
use serde::{Deserialize, Serialize};

/// The most an operator is ready to offer. Above it, transactions wait for better times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeLimits {
    /// Highest `max_fee_per_gas`, wei per gas.
    pub max_fee_per_gas: u128,
    /// Lowest and highest `max_priority_fee_per_gas`, wei per gas.
    pub priority_fee: (u128, u128),
    /// Highest `max_fee_per_blob_gas`, wei per blob gas.
    pub max_fee_per_blob_gas: u128,
}

impl Default for FeeLimits {
    fn default() -> Self {
        const GWEI: u128 = 1_000_000_000;
        Self {
            max_fee_per_gas: 1_000 * GWEI,
            priority_fee: (1, 50 * GWEI),
            max_fee_per_blob_gas: 1_000 * GWEI,
        }
    }
}

/// The fee fields of a transaction, wei per (blob) gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fees {
    pub(super) max_fee: u128,
    pub(super) priority_fee: u128,
    pub(super) blob_fee: Option<u128>,
}

impl Fees {
    /// Fees that hold for a doubling of both base fees. `blob_base_fee` is the market's, for a
    /// transaction with blobs.
    pub(super) fn suggest(
        market: &FeeInfo,
        blob_base_fee: Option<u128>,
        limits: &FeeLimits,
    ) -> Self {
        let (least, most) = limits.priority_fee;
        let priority_fee = market.priority_fee.min(most).max(least);
        let max_fee = market
            .base_fee
            .saturating_mul(2)
            .saturating_add(priority_fee)
            .min(limits.max_fee_per_gas);
        Self {
            max_fee,
            priority_fee: priority_fee.min(max_fee),
            blob_fee: blob_base_fee
                .map(|fee| fee.saturating_mul(2).max(1).min(limits.max_fee_per_blob_gas)),
        }
    }

    /// Fees that a pool accepts in place of these and that follow the market: every field 10 %
    /// higher, or 100 % for blob transactions. `None` if that passes a limit.
    pub(super) fn bumped(&self, fresh: &Self, limits: &FeeLimits) -> Option<Self> {
        let percent: u128 = if self.blob_fee.is_some() { 200 } else { 110 };
        let raise = |old: u128, new: u128| {
            Some(old.checked_mul(percent)?.div_ceil(100).max(old.checked_add(1)?).max(new))
        };
        let bumped = Self {
            max_fee: raise(self.max_fee, fresh.max_fee)?,
            priority_fee: raise(self.priority_fee, fresh.priority_fee)?,
            blob_fee: match self.blob_fee {
                Some(old) => Some(raise(old, fresh.blob_fee.unwrap_or(0))?),
                None => None,
            },
        };
        let within = bumped.max_fee <= limits.max_fee_per_gas
            && bumped.priority_fee <= bumped.max_fee
            && bumped.priority_fee <= limits.priority_fee.1
            && bumped.blob_fee.is_none_or(|fee| fee <= limits.max_fee_per_blob_gas);
        within.then_some(bumped)
    }

    /// Whether the next block cannot include a transaction with these fees.
    pub(super) fn priced_out(&self, market: &FeeInfo) -> bool {
        self.max_fee < market.base_fee
            || self.blob_fee.zip(market.blob_base_fee).is_some_and(|(fee, base)| fee < base)
    }

    /// The most that a transaction can take from its sender, wei.
    pub(super) fn cost(&self, gas_limit: u64, blobs: usize, value: U256) -> Option<U256> {
        let gas = U256::from(gas_limit).checked_mul(U256::from(self.max_fee))?;
        let blob_gas = U256::from(blobs).checked_mul(U256::from(DATA_GAS_PER_BLOB))?;
        let blob = blob_gas.checked_mul(U256::from(self.blob_fee.unwrap_or(0)))?;
        gas.checked_add(blob)?.checked_add(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: FeeInfo = FeeInfo { base_fee: 100, blob_base_fee: Some(7), priority_fee: 3 };
    const LIMITS: FeeLimits =
        FeeLimits { max_fee_per_gas: 1000, priority_fee: (1, 50), max_fee_per_blob_gas: 60 };

    fn fees(max_fee: u128, priority_fee: u128, blob_fee: Option<u128>) -> Fees {
        Fees { max_fee, priority_fee, blob_fee }
    }

    #[test]
    fn suggestion_holds_for_a_doubling_within_the_limits() {
        assert_eq!(Fees::suggest(&MARKET, None, &LIMITS), fees(203, 3, None));
        assert_eq!(Fees::suggest(&MARKET, Some(7), &LIMITS), fees(203, 3, Some(14)));
        let tight =
            FeeLimits { max_fee_per_gas: 2, priority_fee: (4, 50), max_fee_per_blob_gas: 5 };
        assert_eq!(Fees::suggest(&MARKET, Some(7), &tight), fees(2, 2, Some(5)));
        let free = FeeInfo { base_fee: 0, blob_base_fee: Some(0), priority_fee: 0 };
        assert_eq!(Fees::suggest(&free, Some(0), &LIMITS), fees(1, 1, Some(1)));
    }

    #[test]
    fn replacement_pays_ten_percent_more_or_double_for_blobs() {
        let fresh = fees(1, 1, None);
        assert_eq!(fees(203, 3, None).bumped(&fresh, &LIMITS), Some(fees(224, 4, None)));
        let fresh = fees(900, 1, Some(1));
        assert_eq!(fees(203, 3, Some(14)).bumped(&fresh, &LIMITS), Some(fees(900, 6, Some(28))));
        assert_eq!(fees(950, 3, None).bumped(&fresh, &LIMITS), None);
        assert_eq!(fees(203, 3, Some(31)).bumped(&fresh, &LIMITS), None);
        assert_eq!(fees(u128::MAX, 3, None).bumped(&fresh, &LIMITS), None);
    }

    #[test]
    fn tip_is_not_raised_above_its_limit() {
        let fresh = fees(100, 3, Some(7));
        let bumped = fees(100, 25, Some(7)).bumped(&fresh, &LIMITS).unwrap();
        assert_eq!(bumped.priority_fee, 50);
        assert_eq!(fees(100, 26, Some(7)).bumped(&fresh, &LIMITS), None);
    }

    #[test]
    fn priced_out_by_either_market() {
        assert!(!fees(100, 1, Some(7)).priced_out(&MARKET));
        assert!(fees(99, 1, Some(7)).priced_out(&MARKET));
        assert!(fees(100, 1, Some(6)).priced_out(&MARKET));
        assert!(!fees(100, 1, None).priced_out(&MARKET));
    }

    #[test]
    fn cost_counts_gas_blobs_and_value() {
        let cost = fees(10, 1, Some(2)).cost(21_000, 3, U256::from(5));
        assert_eq!(cost, Some(U256::from(210_000 + 3 * 131_072 * 2 + 5)));
        assert_eq!(fees(1, 1, None).cost(1, 0, U256::MAX), None);
    }
}
