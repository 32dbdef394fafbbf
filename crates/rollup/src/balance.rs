//! What the account of a duty has on L1, looked up from time to time.

use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
};
use mezz_l1::L1Client;
use mezz_metrics::gauge;
use std::time::Duration;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(30);

/// Keeps the gauge of `account` up to date, for as long as it is polled. An L1 that does not
/// answer leaves it as it is.
pub async fn watch(l1: L1Client, account: Address, duty: &'static str) {
    let help = "What the account of the duty has on L1.";
    let balance = gauge("mezz_sender_balance_ether", help, &[("duty", duty)]);
    loop {
        if let Ok(wei) = l1.balance(account, BlockId::latest()).await {
            balance.set(ether(wei));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn ether(wei: U256) -> f64 {
    f64::from(wei) / 1e18
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wei_are_shown_as_ether() {
        assert_eq!(ether(U256::ZERO), 0.0);
        assert!((ether(U256::from(1_500_000_000_000_000_000u64)) - 1.5).abs() < 1e-12);
    }
}
