//! What a rollup node does differently from any OP-compatible chain: only a sequencer takes
//! transactions.

use mezz_chain::BlockRecord;
use mezz_pool::Pool;
use mezz_primitives::{Address, B256, RecoveredTransaction, Transaction};
use mezz_rpc::{Failure, Hooks, OpHooks, UnsignedTransaction};
use serde_json::{Map, Value};

/// The hooks of a sequencer or a verifier.
#[derive(Clone, Debug)]
pub struct NodeHooks {
    op: OpHooks,
    sequencer: bool,
}

impl NodeHooks {
    /// Takes transactions if it is a `sequencer`.
    pub const fn new(op: OpHooks, sequencer: bool) -> Self {
        Self { op, sequencer }
    }
}

impl Hooks for NodeHooks {
    fn screen(&self, pool: &Pool, tx: &Transaction) -> Result<(), Failure> {
        if !self.sequencer {
            return Err(Failure::server(
                "this node is a verifier and takes no transactions; send them to the sequencer, or through the portal on L1",
            ));
        }
        self.op.screen(pool, tx)
    }

    fn accounts(&self) -> Vec<Address> {
        self.op.accounts()
    }

    fn sign_transaction(
        &self,
        from: Address,
        tx: UnsignedTransaction,
    ) -> Result<RecoveredTransaction, Failure> {
        self.op.sign_transaction(from, tx)
    }

    fn sign_digest(&self, from: Address, digest: B256) -> Result<[u8; 65], Failure> {
        self.op.sign_digest(from, digest)
    }

    fn receipt_fields(&self, block: &BlockRecord, index: usize) -> Map<String, Value> {
        self.op.receipt_fields(block, index)
    }
}
