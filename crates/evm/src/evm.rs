//! revm put together for a layer.

use crate::{
    context::{BlockContext, cfg_env},
    handler::LayerHandler,
    l1_fee::{L1FeeReads, params_from_slots},
    owed::Owed,
    precompiles::LayerPrecompiles,
    spec::{ChainSpec, Layer},
    state::{ReadError, StateDb, StateReader},
};
use mezz_primitives::{Address, Bytes, U256, fee::L1FeeParams};
use revm::{
    Context, Database, Journal, MainBuilder,
    context::{
        BlockEnv, CfgEnv, Evm, JournalTr, TxEnv,
        result::{EVMError, ExecutionResult},
    },
    handler::{EthFrame, Handler, instructions::EthInstructions, system_call::SystemCallTx},
    interpreter::interpreter::EthInterpreter,
    state::EvmState,
};

/// What the layer adds to the transaction that runs.
#[derive(Clone, Debug)]
pub(crate) struct LayerTx {
    pub(crate) layer: Layer,
    /// Wei to mint, if the transaction is a deposit.
    pub(crate) mint: Option<u128>,
    /// Wei for the place in a batch; zero for a deposit and on L1.
    pub(crate) l1_fee: U256,
}

pub(crate) type LayerContext<'a, S> =
    Context<BlockEnv, TxEnv, CfgEnv, StateDb<'a, S>, Journal<StateDb<'a, S>>, LayerTx>;

pub(crate) type LayerEvm<'a, S, I = ()> = Evm<
    LayerContext<'a, S>,
    I,
    EthInstructions<EthInterpreter, LayerContext<'a, S>>,
    LayerPrecompiles,
    EthFrame<EthInterpreter>,
>;

pub(crate) type EvmResult<E> = Result<ExecutionResult, EVMError<ReadError<E>>>;

pub(crate) fn layer_evm<'a, S: StateReader, I>(
    spec: &ChainSpec,
    block: &BlockContext,
    state: &'a S,
    inspector: I,
) -> LayerEvm<'a, S, I> {
    let context = Context {
        block: block.block_env(),
        tx: crate::transaction::empty(),
        cfg: cfg_env(spec, block),
        journaled_state: Journal::new_with_inner(StateDb::new(state), Default::default()),
        chain: LayerTx { layer: spec.layer, mint: None, l1_fee: U256::ZERO },
        local: Default::default(),
        error: Ok(()),
    };
    // Hands the rules of the fork to the journal, which else would keep those of its default.
    let cfg = cfg_env(spec, block);
    let precompiles = LayerPrecompiles::new(&block.precompiles);
    context.with_cfg(cfg).build_mainnet_with_inspector(inspector).with_precompiles(precompiles)
}

/// Runs one transaction. Its changes stay in the journal; an error leaves none.
pub(crate) fn transact<S: StateReader>(
    evm: &mut LayerEvm<'_, S>,
    tx: TxEnv,
    mint: Option<u128>,
    l1_fee: U256,
) -> EvmResult<S::Error> {
    evm.ctx.tx = tx;
    evm.ctx.chain.mint = mint;
    evm.ctx.chain.l1_fee = l1_fee;
    LayerHandler::default().run(evm)
}

/// Calls `contract` as the system (EIP-4788), unless it has no code.
pub(crate) fn system_call<S: StateReader, I>(
    evm: &mut LayerEvm<'_, S, I>,
    contract: Address,
    data: Bytes,
) -> Result<(), EVMError<ReadError<S::Error>>> {
    let has_code = evm
        .ctx
        .journaled_state
        .database
        .reader
        .account(&contract)
        .map_err(|error| EVMError::Database(ReadError(error)))?
        .is_some_and(|account| account.has_code());
    if has_code {
        evm.ctx.tx = TxEnv::new_system_tx(contract, data);
        evm.ctx.chain.mint = None;
        evm.ctx.chain.l1_fee = U256::ZERO;
        LayerHandler::default().run_system_call(evm)?;
    }
    Ok(())
}

/// Pays `amount` wei to `to` at the end of a transaction: now, or when anyone looks.
pub(crate) fn credit<S: StateReader>(
    context: &mut LayerContext<'_, S>,
    to: Address,
    amount: U256,
) -> Result<(), ReadError<S::Error>> {
    let journal = &mut context.journaled_state;
    if let Some(owed) = &mut journal.database.owed {
        if owed.add(&to, amount) {
            return Ok(());
        }
        if !journal.inner.state.contains_key(&to) {
            owed.begin(to, amount);
            return Ok(());
        }
    }
    journal.balance_incr(to, amount)
}

/// Pays what is still owed at the end of a block.
pub(crate) fn pay_owed<S: StateReader>(
    context: &mut LayerContext<'_, S>,
) -> Result<(), ReadError<S::Error>> {
    let journal = &mut context.journaled_state;
    for (to, amount) in journal.database.owed.take().map(Owed::into_list).unwrap_or_default() {
        journal.balance_incr(to, amount)?;
    }
    Ok(())
}

/// The state as the journal has it, without marking anything as accessed.
struct JournalView<'j, 'a, S: StateReader> {
    state: &'j EvmState,
    database: &'j mut StateDb<'a, S>,
}

impl<S: StateReader> L1FeeReads for JournalView<'_, '_, S> {
    type Error = ReadError<S::Error>;

    fn slot(&mut self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        match self.state.get(&address).and_then(|account| account.storage.get(&slot)) {
            Some(slot) => Ok(slot.present_value),
            None => self.database.storage(address, slot),
        }
    }
}

/// The prices of L1 data at this point of the block.
pub(crate) fn l1_fee_params<S: StateReader, I>(
    evm: &mut LayerEvm<'_, S, I>,
) -> Result<L1FeeParams, S::Error> {
    let journal = &mut evm.ctx.journaled_state;
    params_from_slots(&mut JournalView {
        state: &journal.inner.state,
        database: &mut journal.database,
    })
    .map_err(|ReadError(error)| error)
}

/// Nonce of an account at this point of the block.
pub(crate) fn nonce<S: StateReader, I>(
    evm: &LayerEvm<'_, S, I>,
    address: &Address,
) -> Result<u64, S::Error> {
    let journal = &evm.ctx.journaled_state;
    if let Some(account) = journal.inner.state.get(address) {
        // Destroyed in an earlier transaction, and not cleared before it is next loaded.
        let destroyed = account.is_selfdestructed_locally();
        return Ok(if destroyed { 0 } else { account.info.nonce });
    }
    Ok(journal.database.reader.account(address)?.unwrap_or_default().nonce)
}
