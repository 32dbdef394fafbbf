//! What every method can reach, and how a request names a block.

use crate::{
    Cores, Failure, Hooks, Limits, RpcConfig, eth::filters::Filters, json::RpcReceipt,
    workers::Workers,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use mezz_chain::{BlockRecord, Chain, StateView};
use mezz_pool::Pool;
use mezz_primitives::B256;
use parking_lot::Mutex;
use std::{fmt, sync::Arc};

/// What a server answers from.
#[derive(Clone)]
pub struct RpcContext {
    /// The chain.
    pub chain: Chain,
    /// Its pool.
    pub pool: Pool,
    /// What is its own.
    pub hooks: Arc<dyn Hooks>,
    /// What senders are recovered on.
    pub cores: Cores,
}

impl fmt::Debug for RpcContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcContext").finish_non_exhaustive()
    }
}

/// The same with the server's own parts.
pub(crate) struct Context {
    pub(crate) chain: Chain,
    pub(crate) pool: Pool,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) cores: Cores,
    pub(crate) limits: Limits,
    pub(crate) default_tip: u128,
    pub(crate) client_version: String,
    /// Bytes of one response.
    pub(crate) max_response: usize,
    /// For the EVM.
    pub(crate) calls: Workers,
    /// For searches and old state.
    pub(crate) reads: Workers,
    pub(crate) filters: Filters,
    /// The proposed tip, wei per gas, and the block after which it was derived.
    pub(crate) tip: Mutex<Option<(B256, u128)>>,
    /// Held from the choice of a nonce until the transaction is in the pool.
    pub(crate) sending: Mutex<()>,
}

impl Context {
    pub(crate) fn new(config: &RpcConfig, context: RpcContext) -> Self {
        let limits = config.limits.clone();
        let RpcContext { chain, pool, hooks, cores } = context;
        let patience = limits.request_timeout;
        Self {
            default_tip: config.default_tip,
            client_version: config.client_version.clone(),
            max_response: limits.max_response_bytes as usize,
            calls: Workers::new(limits.call_workers, limits.max_waiting, patience),
            reads: Workers::new(limits.read_workers, limits.max_waiting, patience),
            filters: Filters::new(&limits, chain.subscribe()),
            tip: Mutex::new(None),
            sending: Mutex::new(()),
            chain,
            pool,
            hooks,
            cores,
            limits,
        }
    }

    /// The newest block.
    pub(crate) fn head(&self) -> Arc<BlockRecord> {
        self.chain.head()
    }

    /// The block at `number`, if the chain has come so far.
    pub(crate) fn by_number(&self, number: u64) -> Result<Option<Arc<BlockRecord>>, Failure> {
        self.chain.block_by_number(number).map_err(Failure::internal)
    }

    /// The canonical block with `hash`.
    pub(crate) fn by_hash(&self, hash: B256) -> Result<Option<Arc<BlockRecord>>, Failure> {
        self.chain.block_by_hash(hash).map_err(Failure::internal)
    }

    /// The number that a tag or number stands for; it may lie ahead of the chain. There is no
    /// pending state: `pending` is the newest block.
    pub(crate) fn number(&self, tag: BlockNumberOrTag) -> u64 {
        match tag {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => self.head().header.number,
            BlockNumberOrTag::Safe => self.chain.heads().safe.number,
            BlockNumberOrTag::Finalized => self.chain.heads().finalized.number,
        }
    }

    /// The block at a number or tag.
    pub(crate) fn by_tag(
        &self,
        tag: BlockNumberOrTag,
    ) -> Result<Option<Arc<BlockRecord>>, Failure> {
        match tag {
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => Ok(Some(self.head())),
            tag => self.by_number(self.number(tag)),
        }
    }

    /// The block that `id` names, if there is one. Only canonical blocks are kept, so that
    /// `requireCanonical` holds for each that is found.
    pub(crate) fn find(&self, id: BlockId) -> Result<Option<Arc<BlockRecord>>, Failure> {
        match id {
            BlockId::Hash(hash) => self.by_hash(hash.block_hash),
            BlockId::Number(tag) => self.by_tag(tag),
        }
    }

    /// The block that `id` names, the newest if it is absent. Error: there is none.
    pub(crate) fn block(&self, id: Option<BlockId>) -> Result<Arc<BlockRecord>, Failure> {
        let id = id.unwrap_or_default();
        self.find(id)?.ok_or_else(|| {
            Failure::server(match id {
                BlockId::Hash(_) => "header for hash not found",
                BlockId::Number(_) => "header not found",
            })
        })
    }

    /// The state after a block.
    pub(crate) fn state_of(&self, block: &BlockRecord) -> Result<StateView, Failure> {
        let number = block.header.number;
        let unavailable = |why: &dyn fmt::Display| {
            Failure::server(format!("state of block {number} is not available: {why}"))
        };
        let state = self.chain.state_at(number).map_err(|error| unavailable(&error))?;
        if state.block().hash != block.header.seal() {
            return Err(unavailable(&"the block was removed"));
        }
        Ok(state)
    }

    /// The state after the block that `id` names.
    pub(crate) fn state(&self, id: Option<BlockId>) -> Result<StateView, Failure> {
        match id.unwrap_or_default() {
            BlockId::Number(BlockNumberOrTag::Latest | BlockNumberOrTag::Pending) => {
                self.chain.state().map_err(Failure::internal)
            }
            id => self.state_of(&*self.block(Some(id))?),
        }
    }

    /// The receipt at `index` of `block`.
    pub(crate) fn receipt(&self, block: &BlockRecord, index: usize) -> Option<RpcReceipt> {
        let extra = self.hooks.receipt_fields(block, index);
        RpcReceipt::new(block, index, self.blob_base_fee(&block.header), extra)
    }
}
