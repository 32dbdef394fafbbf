//! The plain questions: chain id, balances, code, calls, proofs, fees, receipts, sending.

use super::{L1Client, L1Error};
use crate::types::BlockRef;
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, U64, U128, U256},
    rpc::types::{
        EIP1186AccountProofResponse, FeeHistory, Transaction, TransactionReceipt,
        TransactionRequest,
    },
};

/// What a transaction in the next block must offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeInfo {
    /// Base fee of the next block, wei per gas.
    pub base_fee: u128,
    /// Blob base fee of the next block, wei per blob gas, as the node computes it under its own
    /// fork (with the reserve price of EIP-7918); `None` if the chain has no blobs.
    pub blob_base_fee: Option<u128>,
    /// The node's suggestion for the priority fee, wei per gas.
    pub priority_fee: u128,
}

impl L1Client {
    /// The chain id.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn chain_id(&self) -> Result<u64, L1Error> {
        let id: U64 = self.request("eth_chainId", ()).await?;
        Ok(id.to())
    }

    /// The newest block.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub async fn latest(&self) -> Result<BlockRef, L1Error> {
        Ok(BlockRef::from(&self.header(BlockNumberOrTag::Latest).await?))
    }

    /// The newest block that is unlikely to be reorganised; `None` if the node knows none yet.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn safe(&self) -> Result<Option<BlockRef>, L1Error> {
        self.mark(BlockNumberOrTag::Safe).await
    }

    /// The newest final block; `None` if the node knows none yet.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn finalized(&self) -> Result<Option<BlockRef>, L1Error> {
        self.mark(BlockNumberOrTag::Finalized).await
    }

    async fn mark(&self, tag: BlockNumberOrTag) -> Result<Option<BlockRef>, L1Error> {
        match self.header(tag).await {
            Ok(header) => Ok(Some(BlockRef::from(&header))),
            Err(L1Error::NotFound { .. }) => Ok(None),
            // Nodes before the first finalized block answer with an error of their own choice.
            Err(L1Error::Rpc { message, .. })
                if message.to_ascii_lowercase().contains("not found") =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The balance of an account, wei.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn balance(&self, address: Address, block: BlockId) -> Result<U256, L1Error> {
        self.request("eth_getBalance", (address, block)).await
    }

    /// The code of an account, empty if it has none.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn code(&self, address: Address, block: BlockId) -> Result<Bytes, L1Error> {
        self.request("eth_getCode", (address, block)).await
    }

    /// One storage slot of an account.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn storage(
        &self,
        address: Address,
        slot: U256,
        block: BlockId,
    ) -> Result<U256, L1Error> {
        self.request("eth_getStorageAt", (address, slot, block)).await
    }

    /// The number of transactions an account has sent.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn nonce(&self, address: Address, block: BlockId) -> Result<u64, L1Error> {
        let nonce: U64 = self.request("eth_getTransactionCount", (address, block)).await?;
        Ok(nonce.to())
    }

    /// Runs a call against a block's state without changing it.
    ///
    /// # Errors
    /// [`L1Error::Rpc`] with the revert data if the call reverts; else any transport error.
    pub async fn call(&self, to: Address, input: Bytes, block: BlockId) -> Result<Bytes, L1Error> {
        let call = TransactionRequest::default().to(to).input(input.into());
        self.request("eth_call", (call, block)).await
    }

    /// Gas that a transaction needs on top of the pending block, gas units.
    ///
    /// # Errors
    /// [`L1Error::Rpc`] with the revert data if the transaction reverts; else any transport error.
    pub async fn estimate_gas(&self, request: TransactionRequest) -> Result<u64, L1Error> {
        let gas: U64 =
            self.request("eth_estimateGas", (request, BlockNumberOrTag::Pending)).await?;
        Ok(gas.to())
    }

    /// Merkle proof of an account and some of its slots (EIP-1186). The proof is not verified here.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn proof(
        &self,
        address: Address,
        slots: Vec<B256>,
        block: BlockId,
    ) -> Result<EIP1186AccountProofResponse, L1Error> {
        self.request("eth_getProof", (address, slots, block)).await
    }

    /// What the next block costs.
    ///
    /// # Errors
    /// Any transport error, or [`L1Error::WrongAnswer`] if the node gives no base fee.
    pub async fn fee_info(&self) -> Result<FeeInfo, L1Error> {
        const METHOD: &str = "eth_feeHistory";
        let tip = async {
            match self.request::<_, U128>("eth_maxPriorityFeePerGas", ()).await {
                Ok(tip) => Ok(tip.to()),
                Err(error) if error.is_method_missing() => Ok(0),
                Err(error) => Err(error),
            }
        };
        let params = (U64::from(1), BlockNumberOrTag::Latest, Vec::<f64>::new());
        let history = self.request::<_, FeeHistory>(METHOD, params);
        let (history, priority_fee) = futures::try_join!(history, tip)?;
        let base_fee = history
            .next_block_base_fee()
            .ok_or_else(|| self.wrong(METHOD, "no base fee".to_owned()))?;
        let blob_base_fee = match history.next_block_blob_base_fee() {
            Some(fee) => Some(fee),
            None => match self.request::<_, U128>("eth_blobBaseFee", ()).await {
                Ok(fee) => Some(fee.to()),
                Err(L1Error::Rpc { .. }) => None,
                Err(error) => return Err(error),
            },
        };
        Ok(FeeInfo { base_fee, blob_base_fee, priority_fee })
    }

    /// Hands a signed transaction (EIP-2718 network form, blobs with their sidecar) to the node.
    ///
    /// # Errors
    /// [`L1Error::Rpc`] if the node refuses it; else any transport error, after which the node may
    /// or may not have it. It is asked once: asked again, it might answer that the nonce is used by
    /// what it took the first time.
    pub async fn send_raw(&self, transaction: Bytes) -> Result<B256, L1Error> {
        self.request_once("eth_sendRawTransaction", (transaction,)).await
    }

    /// The receipt of a mined transaction, `None` if it is not mined.
    ///
    /// # Errors
    /// Any transport error, or [`L1Error::WrongAnswer`] for another transaction's receipt or one
    /// without its block.
    pub async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, L1Error> {
        const METHOD: &str = "eth_getTransactionReceipt";
        let receipt: Option<TransactionReceipt> = self.request(METHOD, (hash,)).await?;
        if let Some(receipt) = &receipt
            && (receipt.transaction_hash != hash
                || receipt.block_hash.is_none()
                || receipt.block_number.is_none())
        {
            return Err(self.wrong(METHOD, format!("not the receipt of a mined {hash}")));
        }
        Ok(receipt)
    }

    /// A transaction that is mined or waits in the node's pool.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn transaction(&self, hash: B256) -> Result<Option<Transaction>, L1Error> {
        self.request("eth_getTransactionByHash", (hash,)).await
    }

    /// Whether the node has a transaction, mined or in its pool.
    ///
    /// # Errors
    /// Any transport error.
    pub async fn knows_transaction(&self, hash: B256) -> Result<bool, L1Error> {
        // Any object will do: forms of transactions newer than this code are known too.
        let found: Option<Box<serde_json::value::RawValue>> =
            self.request("eth_getTransactionByHash", (hash,)).await?;
        Ok(found.is_some())
    }
}
