//! The key of a duty: its file, its password, and what its account has against what a day costs.

use super::{l1::Facts, report::Report};
use crate::{
    cli::PasswordArgs,
    units::{show_about, show_duration, show_ether},
    wallet,
};
use alloy::{
    eips::BlockId,
    eips::eip4844::DATA_GAS_PER_BLOB,
    primitives::{Address, U256},
};
use std::{fs, io, os::unix::fs::PermissionsExt, path::Path, time::Duration};

/// Gas of a transaction that posts a batch in a blob, and of one that proposes: measured, and
/// rounded up.
pub(super) const BATCH_GAS: u64 = 60_000;
pub(super) const PROPOSAL_GAS: u64 = 220_000;
const DAY: Duration = Duration::from_secs(86_400);

/// What a duty sends, again and again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    pub(super) gas: u64,
    pub(super) blobs: u64,
    /// Pause between two of them.
    pub(super) every: Duration,
}

/// Opens the key file, if all that it takes is there; the address of its key.
pub(super) fn key(report: &mut Report, path: &Path, password: &PasswordArgs) -> Option<Address> {
    let mut there = private(report, "key file", path);
    if let Some(path) = &password.password_file {
        there &= private(report, "password file", path);
    }
    if !there {
        return None;
    }
    match wallet::open_keystore(path, password) {
        Ok(key) => {
            report.ok("key", format!("opens with its password: {}", key.address()));
            Some(key.address())
        }
        Err(error) => {
            let mend = "see that the file and the password belong together; `mezz key address FILE` tries them";
            report.fail("key", error.to_string(), mend);
            None
        }
    }
}

/// Whether a file is its owner's alone. False: it is not there, or cannot be looked at.
fn private(report: &mut Report, check: &'static str, path: &Path) -> bool {
    let shown = path.display();
    let mode = match fs::metadata(path) {
        Ok(meta) => meta.permissions().mode() & 0o777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            report.fail(check, format!("{shown} is not there"), "name the right file");
            return false;
        }
        Err(error) => {
            let mend = "let the user that runs mezz read it";
            report.fail(check, format!("{shown}: {error}"), mend);
            return false;
        }
    };
    let others = match mode {
        mode if mode & 0o007 != 0 => "everybody on this machine",
        mode if mode & 0o070 != 0 => "its group",
        _ => {
            report.ok(check, format!("{shown}, open to its owner only"));
            return true;
        }
    };
    report.warn(check, format!("{shown} is open to {others}"), format!("chmod 600 {shown}"));
    true
}

/// Whether the account is the one that may do the duty.
pub(super) fn role(report: &mut Report, duty: &str, account: Address, allowed: Address) {
    if account == allowed {
        return report.ok("role", format!("the {duty} of the chain"));
    }
    report.fail(
        "role",
        format!("the key is {account}, but the {duty} of the chain is {allowed}"),
        format!("use the key of {allowed}, or have the owner appoint {account}"),
    );
}

/// What the account has against a day of what it sends, at what L1 asks for now.
pub(super) async fn balance(report: &mut Report, l1: &Facts, account: Address, habit: Habit) {
    let Some(has) = holds(report, l1, account).await else { return };
    let Some(fees) = l1.fees else { return };
    let wei = |gas: u64, price: u128| U256::from(gas).saturating_mul(U256::from(price));
    let blob_gas = habit.blobs.saturating_mul(DATA_GAS_PER_BLOB);
    let blob_fee = fees.blob_base_fee.unwrap_or_default();
    let tip = fees.priority_fee.max(1);
    let one = wei(habit.gas, fees.base_fee.saturating_add(tip)) + wei(blob_gas, blob_fee);
    // What the sender wants to see covered: a doubling of both prices.
    let offered = wei(habit.gas, fees.base_fee.saturating_mul(2).saturating_add(tip))
        + wei(blob_gas, blob_fee.saturating_mul(2).max(1));
    let seconds = habit.every.as_secs().max(1);
    let day = one.saturating_mul(U256::from(DAY.as_secs().div_ceil(seconds)));
    if has < offered {
        return report.fail(
            "balance",
            format!(
                "{}, but the next transaction can take {}",
                show_ether(has),
                show_about(offered)
            ),
            format!(
                "send {account} at least {}, what a day takes at most",
                show_about(day.max(offered))
            ),
        );
    }
    let lasts = has.checked_div(day.max(U256::ONE)).unwrap_or_default();
    let found = format!(
        "{}; a day costs up to {} at one transaction every {}",
        show_ether(has),
        show_about(day),
        show_duration(habit.every)
    );
    if lasts.is_zero() {
        return report.warn(
            "balance",
            found,
            format!("send {account} more: it lasts less than a day"),
        );
    }
    let lasts = u64::try_from(lasts).unwrap_or(u64::MAX);
    let lasts = if lasts > 3_650 { "years".to_owned() } else { format!("{lasts} days") };
    report.ok("balance", format!("{found}: enough for {lasts}"));
}

/// What the account has against what something takes once.
pub(super) async fn affords(
    report: &mut Report,
    l1: &Facts,
    account: Address,
    needs: U256,
    what: &str,
) {
    let Some(has) = holds(report, l1, account).await else { return };
    let found = format!("{}; {what} takes up to {}", show_ether(has), show_about(needs));
    if has < needs {
        let missing = show_about(needs.saturating_sub(has));
        return report.fail("balance", found, format!("send {account} at least {missing}"));
    }
    report.ok("balance", found);
}

async fn holds(report: &mut Report, l1: &Facts, account: Address) -> Option<U256> {
    match l1.client.balance(account, BlockId::latest()).await {
        Ok(has) => Some(has),
        Err(error) => {
            report.fail("balance", error.to_string(), "use a node that answers eth_getBalance");
            None
        }
    }
}
