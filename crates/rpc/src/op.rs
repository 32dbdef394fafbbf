//! What an OP-Stack-compatible Layer 2 adds: the L1 fee in receipts.
//!
//! Source: OP Stack specification, "Fees"; field names are op-geth's.

use crate::{DevAccounts, Failure, Hooks, L1Hooks, hooks::UnsignedTransaction};
use mezz_chain::BlockRecord;
use mezz_pool::Pool;
use mezz_primitives::{
    Address, B256, RecoveredTransaction, Transaction, fee::BatchSizer, l1_info::L1Attributes,
};
use serde_json::{Map, Value};

/// A Layer 2 whose blocks begin with the L1-attributes deposit. Refuses blob transactions.
#[derive(Clone, Debug, Default)]
pub struct OpHooks {
    signing: L1Hooks,
}

impl OpHooks {
    /// Signs for `accounts`.
    pub const fn new(accounts: DevAccounts) -> Self {
        Self { signing: L1Hooks { accounts } }
    }
}

impl Hooks for OpHooks {
    fn screen(&self, pool: &Pool, tx: &Transaction) -> Result<(), Failure> {
        if tx.is_blob() {
            return Err(Failure::server(
                "transaction type not supported: this chain takes no blobs; send them on L1",
            ));
        }
        self.signing.screen(pool, tx)
    }

    fn accounts(&self) -> Vec<Address> {
        self.signing.accounts()
    }

    fn sign_transaction(
        &self,
        from: Address,
        tx: UnsignedTransaction,
    ) -> Result<RecoveredTransaction, Failure> {
        self.signing.sign_transaction(from, tx)
    }

    fn sign_digest(&self, from: Address, digest: B256) -> Result<[u8; 65], Failure> {
        self.signing.sign_digest(from, digest)
    }

    fn receipt_fields(&self, block: &BlockRecord, index: usize) -> Map<String, Value> {
        fields(block, index).unwrap_or_default()
    }
}

/// The L1 fee of a transaction; none of a deposit, and none in a block without L1 attributes.
fn fields(block: &BlockRecord, index: usize) -> Option<Map<String, Value>> {
    let tx = block.transactions.get(index)?;
    if tx.tx.is_deposit() {
        return None;
    }
    let attributes = block.transactions.first()?.tx.as_deposit()?;
    let params = L1Attributes::from_transaction(attributes)?.fee_params();
    let size = tx.batch_size(&mut BatchSizer::default());
    let quantity = |value: &dyn std::fmt::LowerHex| Value::String(format!("{value:#x}"));
    let fields = [
        ("l1Fee", quantity(&params.l1_fee(size))),
        ("l1GasUsed", quantity(&size.l1_gas_used())),
        ("l1GasPrice", quantity(&params.l1_base_fee)),
        ("l1BlobBaseFee", quantity(&params.blob_base_fee)),
        ("l1BaseFeeScalar", quantity(&params.base_fee_scalar)),
        ("l1BlobBaseFeeScalar", quantity(&params.blob_base_fee_scalar)),
    ];
    Some(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
