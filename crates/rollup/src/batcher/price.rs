//! What a batch costs on L1, in blobs and in calldata, and whether the operator pays it. Pure
//! arithmetic, in gas and wei.

use crate::books::Carrier;
use alloy::{eips::eip4844::DATA_GAS_PER_BLOB, primitives::U256};
use mezz_derivation::blob;
use mezz_l1::{FeeInfo, FeeLimits};

/// Bytes of a batch at most in calldata: nodes take transactions of 128 KiB, signature and fields
/// included.
pub(super) const MAX_CALLDATA: usize = 130_000;

/// Gas of a transaction that does nothing.
const TRANSACTION: u64 = 21_000;
/// Gas that the Inbox takes: for a batch in blobs, for each blob; for one in calldata, for each
/// word. Measured, rounded up.
const INBOX_BLOBS: u64 = 10_000;
const INBOX_BLOB: u64 = 400;
const INBOX_CALLDATA: u64 = 10_000;
const INBOX_WORD: u64 = 12;
/// Gas of a token of calldata, and what it costs at least (EIP-7623). A zero byte is one token,
/// any other is four.
const TOKEN: u64 = 4;
const TOKEN_FLOOR: u64 = 10;
/// Gas of the commitment that is said of each of several blobs, 48 bytes.
const COMMITMENT: u64 = 48 * 4 * TOKEN;

/// What may carry batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carriers {
    /// Whichever costs less.
    #[default]
    Cheapest,
    /// One alone.
    Only(Carrier),
}

/// Gas of posting `data` in calldata.
fn calldata_gas(data: &[u8]) -> u64 {
    let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
    let words = data.len().div_ceil(32) as u64;
    // Around the data: a selector, two words of at most four bytes, and zeros up to a whole word.
    let nonzero = data.len() as u64 - zeros + 8;
    let zeros = zeros + 60 + 31;
    let tokens = zeros + 4 * nonzero;
    let standard = TRANSACTION + TOKEN * tokens + INBOX_CALLDATA + INBOX_WORD * words;
    standard.max(TRANSACTION + TOKEN_FLOOR * tokens)
}

/// Wei of posting `data` this way; `None` if it cannot be.
fn cost(data: &[u8], carrier: Carrier, market: &FeeInfo) -> Option<U256> {
    let gas_price = U256::from(market.base_fee.checked_add(market.priority_fee)?);
    match carrier {
        Carrier::Calldata => {
            (data.len() <= MAX_CALLDATA).then(|| U256::from(calldata_gas(data)) * gas_price)
        }
        Carrier::Blobs => {
            let blobs = blob::blobs_for(data.len());
            if blobs > blob::MAX_BLOBS {
                return None;
            }
            let blobs = blobs as u64;
            let commitments = if blobs > 1 { COMMITMENT * blobs } else { 0 };
            let gas = TRANSACTION + INBOX_BLOBS + INBOX_BLOB * blobs + commitments;
            let blob_gas = U256::from(blobs * DATA_GAS_PER_BLOB);
            let blob_cost = blob_gas.checked_mul(U256::from(market.blob_base_fee?))?;
            (U256::from(gas) * gas_price).checked_add(blob_cost)
        }
    }
}

/// The cheapest of what may carry `data`; blobs, if both cost the same. Where calldata
/// alone is wanted and cannot carry it, blobs do.
pub(super) fn choose(data: &[u8], market: &FeeInfo, carriers: Carriers) -> Option<Carrier> {
    let possible = |carrier| Some((cost(data, carrier, market)?, carrier));
    let cheapest = match carriers {
        Carriers::Only(Carrier::Blobs) => possible(Carrier::Blobs),
        // A single block may be larger than what calldata takes.
        Carriers::Only(Carrier::Calldata) => {
            possible(Carrier::Calldata).or_else(|| possible(Carrier::Blobs))
        }
        Carriers::Cheapest => [Carrier::Blobs, Carrier::Calldata]
            .into_iter()
            .filter_map(possible)
            .min_by_key(|(cost, _)| *cost),
    };
    cheapest.map(|(_, carrier)| carrier)
}

/// Why the operator does not pay today's price, if so.
pub(super) fn too_dear(carrier: Carrier, market: &FeeInfo, limits: &FeeLimits) -> Option<String> {
    let gwei = |wei: u128| match wei {
        0..1_000_000 => format!("{wei} wei"),
        _ => format!("{}.{:03} gwei", wei / 1_000_000_000, wei / 1_000_000 % 1_000),
    };
    let dear = |what: &str, price: u128, limit: u128, option: &str| {
        (price > limit).then(|| {
            format!("{what} on L1 costs {}, more than the {} of {option}", gwei(price), gwei(limit))
        })
    };
    dear("gas", market.base_fee, limits.max_fee_per_gas, "--max-l1-fee").or_else(|| {
        let price = market.blob_base_fee.filter(|_| carrier == Carrier::Blobs)?;
        dear("blob gas", price, limits.max_fee_per_blob_gas, "--max-blob-fee")
    })
}

/// L1 blocks after the block `head` until batches are posted at any price, for a chain whose safe
/// head has the origin `origin`: a quarter of the window is left for them to be mined, at least
/// ten blocks, at most half of it.
pub(super) fn blocks_to_urgency(origin: u64, head: u64, window: u64) -> u64 {
    let margin = (window / 4).max(10).min(window / 2);
    (origin.saturating_add(window)).saturating_sub(head.saturating_add(margin))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;

    fn market(base_fee: u128, blob_base_fee: u128) -> FeeInfo {
        FeeInfo { base_fee, blob_base_fee: Some(blob_base_fee), priority_fee: 0 }
    }

    #[test]
    fn calldata_pays_the_floor_of_eip_7623() {
        // 1,000 bytes that are not zero, around them 8 more and 91 zeros: 4,123 tokens.
        assert_eq!(calldata_gas(&[1; 1_000]), 21_000 + 10 * (4 * 1_008 + 91));
        // What little data costs is the call itself.
        assert_eq!(calldata_gas(&[0; 32]), 21_000 + 4 * (123 + 32) + 10_000 + 12);
    }

    #[test]
    fn cheaper_of_blobs_and_calldata_is_chosen() {
        let few = [7u8; 150];
        let many = [7u8; 100_000];
        let choose = |data: &[u8], market| choose(data, &market, Carriers::Cheapest).unwrap();
        // A whole blob for a few bytes, at the least price of EIP-7918: a sixteenth of the gas.
        assert_eq!(choose(&few, market(16 * GWEI, GWEI)), Carrier::Calldata);
        assert_eq!(choose(&many, market(16 * GWEI, GWEI)), Carrier::Blobs);
        assert_eq!(choose(&few, market(16 * GWEI, 1)), Carrier::Blobs);
        // Blobs that cost forty times what gas costs.
        assert_eq!(choose(&many, market(GWEI, 40 * GWEI)), Carrier::Calldata);
        // Too much for calldata, whatever blobs cost.
        assert_eq!(choose(&[7; MAX_CALLDATA + 1], market(1, 1_000 * GWEI)), Carrier::Blobs);
    }

    #[test]
    fn one_carrier_alone_is_taken_at_any_price_if_it_can_be() {
        let calldata = Carriers::Only(Carrier::Calldata);
        assert_eq!(choose(&[1; 10_000], &market(GWEI, 1), calldata), Some(Carrier::Calldata));
        let no_blobs = FeeInfo { blob_base_fee: None, ..market(1, 1) };
        assert_eq!(choose(&[1], &no_blobs, Carriers::Only(Carrier::Blobs)), None);
        let large = vec![1; MAX_CALLDATA + 1];
        assert_eq!(choose(&large, &market(1, 1), calldata), Some(Carrier::Blobs));
        assert_eq!(choose(&large, &no_blobs, calldata), None);
        assert_eq!(choose(&[1], &no_blobs, Carriers::Cheapest), Some(Carrier::Calldata));
    }

    #[test]
    fn tenfold_fees_are_too_dear_until_they_fall() {
        let limits = FeeLimits {
            max_fee_per_gas: 50 * GWEI,
            max_fee_per_blob_gas: 5 * GWEI,
            ..FeeLimits::default()
        };
        assert_eq!(too_dear(Carrier::Blobs, &market(20 * GWEI, 2 * GWEI), &limits), None);
        let reason = too_dear(Carrier::Blobs, &market(200 * GWEI, 2 * GWEI), &limits).unwrap();
        assert_eq!(
            reason,
            "gas on L1 costs 200.000 gwei, more than the 50.000 gwei of --max-l1-fee"
        );
        let blobs = market(20 * GWEI, 20 * GWEI);
        assert!(too_dear(Carrier::Blobs, &blobs, &limits).unwrap().contains("--max-blob-fee"));
        assert_eq!(too_dear(Carrier::Calldata, &blobs, &limits), None);
    }

    #[test]
    fn any_price_is_paid_before_the_sequencing_window_ends() {
        assert_eq!(blocks_to_urgency(1_000, 1_010, 3_600), 3_600 - 10 - 900);
        assert_eq!(blocks_to_urgency(1_000, 1_000 + 2_699, 3_600), 1);
        assert_eq!(blocks_to_urgency(1_000, 1_000 + 2_700, 3_600), 0);
        assert_eq!(blocks_to_urgency(1_000, 9_000, 3_600), 0);
        // Short windows: ten blocks, or half of it.
        assert_eq!(blocks_to_urgency(1_000, 1_000, 30), 20);
        assert_eq!(blocks_to_urgency(1_000, 1_000, 8), 4);
    }
}
