//! The precompiled contracts: at their own addresses, or where a simulated call wants them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
};
use mezz_primitives::Address;
use revm::{
    context::{Cfg, ContextTr},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, InterpreterResult},
    precompile::{PrecompileSpecId, Precompiles},
    primitives::{AddressSet, hardfork::SpecId},
};

/// Whether there is a precompiled contract at `address`.
pub fn is_precompile(address: &Address) -> bool {
    Precompiles::new(PrecompileSpecId::from_spec_id(SpecId::OSAKA)).contains(address)
}

/// Precompiled contracts that are elsewhere or nowhere, for a simulated call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrecompileMoves {
    /// From the address where one is to be to the one where it is.
    moved: BTreeMap<Address, Address>,
    /// The addresses where none is left.
    gone: BTreeSet<Address>,
}

impl PrecompileMoves {
    /// Takes the contract at `address` away, so that the code of the account counts there.
    pub fn remove(&mut self, address: Address) {
        self.gone.insert(address);
    }

    /// Moves the contract at `from` to `to`, whatever is there.
    pub fn relocate(&mut self, from: Address, to: Address) {
        self.gone.insert(from);
        self.moved.insert(to, from);
    }

    fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.gone.is_empty()
    }
}

/// What the EVM asks for precompiled contracts.
#[derive(Clone, Debug)]
pub(crate) struct LayerPrecompiles {
    base: EthPrecompiles,
    /// And the addresses that are then warm.
    moves: Option<(PrecompileMoves, AddressSet)>,
}

impl LayerPrecompiles {
    pub(crate) fn new(moves: &PrecompileMoves) -> Self {
        let base = EthPrecompiles::new(SpecId::OSAKA);
        if moves.is_empty() {
            return Self { base, moves: None };
        }
        let mut warm = base.warm_addresses().clone();
        warm.retain(|address| !moves.gone.contains(address));
        warm.extend(moves.moved.keys());
        Self { base, moves: Some((moves.clone(), warm)) }
    }
}

impl<C: ContextTr> PrecompileProvider<C> for LayerPrecompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <C::Cfg as Cfg>::Spec) -> bool {
        PrecompileProvider::<C>::set_spec(&mut self.base, spec)
    }

    fn run(
        &mut self,
        context: &mut C,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let Some((moves, _)) = &self.moves else { return self.base.run(context, inputs) };
        let address = inputs.bytecode_address;
        if let Some(original) = moves.moved.get(&address) {
            let inputs = CallInputs { bytecode_address: *original, ..inputs.clone() };
            return self.base.run(context, &inputs);
        }
        if moves.gone.contains(&address) {
            return Ok(None);
        }
        self.base.run(context, inputs)
    }

    fn warm_addresses(&self) -> &AddressSet {
        self.moves.as_ref().map_or_else(|| self.base.warm_addresses(), |(_, warm)| warm)
    }
}
