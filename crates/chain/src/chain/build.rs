//! Building and executing blocks.

use super::Chain;
use crate::{
    builder::{BuildOptions, BuildStep, Builder, BuiltBlock},
    error::BuildError,
    state::StateView,
};
use mezz_evm::BlockAttributes;
use mezz_primitives::RecoveredTransaction;

impl Chain {
    /// Builds a block on the head.
    ///
    /// The block begins with `forced`, each of which must be valid. Then `next` is asked for one transaction after
    /// another, until it yields none or the deadline has passed; one that is not valid at its place leaves no trace in
    /// the block and is reported in [`BuiltBlock::skipped`] and to the next call of `next`. Nothing is shown or stored
    /// before [`Self::commit`].
    pub fn build(
        &self,
        attributes: &BlockAttributes,
        forced: &[RecoveredTransaction],
        next: &mut dyn FnMut(&BuildStep<'_>) -> Option<RecoveredTransaction>,
        options: &BuildOptions,
    ) -> Result<BuiltBlock, BuildError> {
        self.build_on(self.state()?, attributes, forced, next, options)
    }

    /// [`Self::build`] on any block of the chain, given by the state after it. Only a block on the head can be committed.
    pub fn build_on(
        &self,
        parent: StateView,
        attributes: &BlockAttributes,
        forced: &[RecoveredTransaction],
        next: &mut dyn FnMut(&BuildStep<'_>) -> Option<RecoveredTransaction>,
        options: &BuildOptions,
    ) -> Result<BuiltBlock, BuildError> {
        let (spec, limits) = (&self.inner.spec, &self.inner.limits);
        Builder { spec, limits, parent, attributes }.build(forced, next, options)
    }

    /// Executes a given block on the head. Error: any transaction is invalid, with its index.
    pub fn execute_block(
        &self,
        attributes: &BlockAttributes,
        transactions: &[RecoveredTransaction],
    ) -> Result<BuiltBlock, BuildError> {
        self.build(attributes, transactions, &mut |_| None, &BuildOptions::default())
    }
}
