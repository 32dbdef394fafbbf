//! What a rollup node answers besides Ethereum's methods: OP's `optimism_` and our `mezz_`.

mod hooks;
pub mod types;

pub use hooks::NodeHooks;

use crate::{
    books::{self, BooksReport},
    driver::{self, StatusHandle},
    genesis,
};
use alloy::primitives::{Address, B256};
use jsonrpsee::{
    Methods, RpcModule,
    types::{ErrorObjectOwned, Params},
};
use mezz_chain::Chain;
use mezz_derivation::RollupConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use types::{HexNumber, OutputAtBlock};

/// JSON-RPC: the server cannot answer.
const SERVER_ERROR: i32 = -32_000;
/// JSON-RPC: the parameters are not what the method takes.
const INVALID_PARAMS: i32 = -32_602;

type Answer<T> = Result<T, ErrorObjectOwned>;

struct State {
    config: RollupConfig,
    chain: Chain,
    status: StatusHandle,
    sequencer: bool,
}

/// Who is believed, and for what. `mezz status` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustProfile {
    /// Family of Layer 2.
    pub kind: String,
    /// What this node does: `sequencer` or `verifier`.
    pub role: String,
    /// Where the data is.
    pub data: String,
    /// Who decides which state is paid out.
    pub state: String,
    /// Whether proposals can be disputed.
    pub disputable: bool,
    /// What stops a sequencer that leaves somebody out.
    pub censorship: String,
    /// Who may post batches.
    pub batcher: Address,
    /// Who may propose.
    pub proposer: Address,
}

impl TrustProfile {
    fn new(state: &State) -> Self {
        Self {
            kind: "optimistic".to_owned(),
            role: if state.sequencer { "sequencer" } else { "verifier" }.to_owned(),
            data: "L1 blobs and calldata: anyone can rebuild the chain from L1".to_owned(),
            state: "the proposer is believed: proposals cannot be disputed yet; the guardian can discard them within the challenge window".to_owned(),
            disputable: false,
            censorship: format!(
                "deposits through L1 are included with their origin, at the latest {} L1 blocks later without the sequencer",
                state.config.sequencing_window
            ),
            batcher: state.config.batcher,
            proposer: state.config.proposer,
        }
    }
}

/// The methods.
pub fn methods(
    config: RollupConfig,
    chain: Chain,
    status: StatusHandle,
    sequencer: bool,
) -> Methods {
    let mut module = RpcModule::new(State { config, chain, status, sequencer });
    // Each name is registered once, so that none of these can fail.
    let registered = [
        module
            .register_method("optimism_syncStatus", |_, state, _| Answer::Ok(state.status.get()))
            .is_ok(),
        module
            .register_method("optimism_outputAtBlock", |params, state, _| output(&params, state))
            .is_ok(),
        module.register_method("optimism_rollupConfig", |_, state, _| op_config(state)).is_ok(),
        module
            .register_method("optimism_version", |_, _, _| {
                concat!("mezz/v", env!("CARGO_PKG_VERSION"))
            })
            .is_ok(),
        module
            .register_method("mezz_rollupConfig", |_, state, _| Answer::Ok(state.config.clone()))
            .is_ok(),
        module
            .register_method("mezz_trustProfile", |_, state, _| {
                Answer::Ok(TrustProfile::new(state))
            })
            .is_ok(),
        module.register_method("mezz_batches", |params, state, _| batches(&params, state)).is_ok(),
    ];
    debug_assert!(registered.iter().all(|ok| *ok));
    module.into()
}

fn error(code: i32, message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code, message, None::<()>)
}

/// Batches that `mezz_batches` shows if it is not told how many.
const BATCHES_SHOWN: u64 = 10;

/// The books. An optional parameter says how many of the newest batches are shown.
fn batches(params: &Params<'_>, state: &State) -> Result<BooksReport, ErrorObjectOwned> {
    let mut params = params.sequence();
    let count: Option<HexNumber> =
        params.optional_next().map_err(|e| error(INVALID_PARAMS, e.message().to_owned()))?;
    let count = count.map_or(BATCHES_SHOWN, |count| count.to());
    books::newest(&state.chain, count).map_err(|e| error(SERVER_ERROR, e.to_string()))
}

fn output(params: &Params<'_>, state: &State) -> Result<OutputAtBlock, ErrorObjectOwned> {
    let (number,): (HexNumber,) =
        params.parse().map_err(|e| error(INVALID_PARAMS, e.message().to_owned()))?;
    let number: u64 = number.to();
    let block = state
        .chain
        .block_by_number(number)
        .map_err(|e| error(SERVER_ERROR, e.to_string()))?
        .ok_or_else(|| error(SERVER_ERROR, format!("block {number} does not exist yet")))?;
    let reference =
        driver::block_ref(&state.config, &block).map_err(|e| error(SERVER_ERROR, e.to_string()))?;
    Ok(OutputAtBlock {
        version: B256::ZERO,
        output_root: genesis::output_root(&block.header),
        block_ref: driver::status_ref(reference, block.header.parent_hash),
        withdrawal_storage_root: genesis::withdrawal_storage_root(&block.header),
        state_root: block.header.state_root,
        sync_status: state.status.get(),
    })
}

/// The configuration in the shape of OP's rollup node, for tools that read it.
fn op_config(state: &State) -> Value {
    let c = &state.config;
    json!({
        "genesis": {
            "l1": { "hash": c.genesis.l1.hash, "number": c.genesis.l1.number },
            "l2": { "hash": state.chain.genesis_hash(), "number": 0 },
            "l2_time": c.genesis.timestamp,
            "system_config": {
                "batcherAddr": c.batcher,
                "gasLimit": c.gas_limit,
            },
        },
        "block_time": c.block_time_ms.div_ceil(1_000),
        "max_sequencer_drift": c.max_sequencer_drift,
        "seq_window_size": c.sequencing_window,
        "l1_chain_id": c.l1_chain_id,
        "l2_chain_id": c.l2_chain_id,
        "regolith_time": 0,
        "canyon_time": 0,
        "delta_time": 0,
        "ecotone_time": 0,
        "fjord_time": 0,
        "granite_time": 0,
        "holocene_time": 0,
        "isthmus_time": 0,
        "batch_inbox_address": c.contracts.inbox,
        "deposit_contract_address": c.contracts.portal,
    })
}
