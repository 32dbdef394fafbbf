//! Roots of states that are not in the chain: what a simulation lays over the state of a block.

use crate::genesis::withdrawals_root;
use mezz_evm::ChainSpec;
use mezz_primitives::{Account, Address, B256, StateDiff, U256};
use mezz_trie::StateTrie;

/// The trie of a state that goes its own way. It shares with the chain's what is the same.
#[derive(Clone, Debug)]
pub struct StateFork {
    trie: StateTrie,
}

impl StateFork {
    pub(super) const fn new(trie: StateTrie) -> Self {
        Self { trie }
    }

    /// Applies what a block changed.
    pub fn apply(&mut self, diff: &StateDiff) {
        self.trie.apply(diff);
    }

    /// Sets an account, an empty one as none (EIP-161), and slots of it; with `emptied` all others become zero.
    pub fn set(
        &mut self,
        address: &Address,
        account: Option<&Account>,
        emptied: bool,
        slots: impl IntoIterator<Item = (U256, U256)>,
    ) {
        if emptied {
            self.trie.set(address, None, []);
        }
        self.trie.set(address, account.filter(|account| !account.is_empty()), slots);
    }

    /// The state root and the withdrawals root of a header after this state.
    pub fn roots(&mut self, spec: &ChainSpec) -> (B256, B256) {
        (self.trie.root(), withdrawals_root(spec, &self.trie))
    }
}
