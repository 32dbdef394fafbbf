//! What logs are searched for.

use mezz_primitives::{Address, B256};

/// Conditions on a log, all of which must hold. An empty list of alternatives holds for every log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The contracts that may have emitted it.
    pub addresses: Vec<Address>,
    /// For each place, the topics that may stand there.
    pub topics: [Vec<B256>; 4],
}
