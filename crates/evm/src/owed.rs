//! Fees that a block's transactions have paid to accounts which the journal does not hold.
//!
//! Every transaction pays the same few accounts, and crediting each of them takes a tenth of the time
//! of a transfer. So a fee is written down here and credited when its account is first loaded, by
//! whatever looks at it, or else when the block ends. No transaction can tell the difference.

use alloc::vec::Vec;
use mezz_primitives::{Address, U256};

/// What is owed to whom, in wei. A handful of accounts at most, none of which the journal holds.
#[derive(Debug, Default)]
pub(crate) struct Owed(Vec<(Address, U256)>);

impl Owed {
    /// Adds to what `to` is owed, if it is owed anything: then the journal does not hold it.
    pub(crate) fn add(&mut self, to: &Address, amount: U256) -> bool {
        let owed = self.0.iter_mut().find(|(address, _)| address == to);
        let is_owed = owed.is_some();
        if let Some((_, owed)) = owed {
            // All ether there is fits.
            *owed = owed.saturating_add(amount);
        }
        is_owed
    }

    /// The first that `to` is owed, which the journal does not hold.
    pub(crate) fn begin(&mut self, to: Address, amount: U256) {
        self.0.push((to, amount));
    }

    /// What `to` is owed, which the caller credits.
    pub(crate) fn take(&mut self, to: &Address) -> Option<U256> {
        let at = self.0.iter().position(|(address, _)| address == to)?;
        Some(self.0.swap_remove(at).1)
    }

    /// All that is owed, which the caller credits.
    pub(crate) fn into_list(self) -> Vec<(Address, U256)> {
        self.0
    }
}
