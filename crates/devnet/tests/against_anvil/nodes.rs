//! A node that is asked over JSON-RPC, and Anvil as a process.

use alloy::{
    consensus::{EthereumTxEnvelope, ReceiptEnvelope, TxEip4844, proofs},
    eips::BlockId,
    primitives::{Address, B256, Bloom, Bytes},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{Block, EIP1186AccountProofResponse, TransactionReceipt},
};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A node.
pub(crate) struct Remote(DynProvider);

impl Remote {
    pub(crate) fn new(url: &str) -> Self {
        Self(ProviderBuilder::new().connect_http(url.parse().unwrap()).erased())
    }

    pub(crate) async fn verb(&self, name: &'static str, params: Value) -> Value {
        match self.0.raw_request(name.into(), params).await {
            Ok(answer) => answer,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&self, raw: &Bytes) -> B256 {
        let hash = self.verb("eth_sendRawTransaction", json!([raw])).await;
        serde_json::from_value(hash).unwrap()
    }

    /// A block with its transactions.
    pub(crate) async fn block(&self, number: u64) -> Block {
        self.0.get_block(BlockId::number(number)).full().await.unwrap().unwrap()
    }

    pub(crate) async fn receipts(&self, number: u64) -> Vec<TransactionReceipt> {
        self.0.get_block_receipts(BlockId::number(number)).await.unwrap().unwrap()
    }

    pub(crate) async fn nonce(&self, address: Address) -> u64 {
        self.0.get_transaction_count(address).await.unwrap()
    }

    pub(crate) async fn proof(
        &self,
        address: Address,
        slots: &[B256],
        number: u64,
    ) -> EIP1186AccountProofResponse {
        self.0.get_proof(address, slots.to_vec()).number(number).await.unwrap()
    }
}

/// The transactions of a block that was asked for with them, in the form that a block has: Anvil
/// adds their blobs.
pub(crate) fn transactions(block: &Block) -> Vec<EthereumTxEnvelope<TxEip4844>> {
    let full = block.transactions.as_transactions().unwrap();
    full.iter().map(|tx| tx.inner.inner().clone().into()).collect()
}

/// Our block against what alloy computes from its transactions, receipts and fields.
pub(crate) fn assert_roots(block: &Block, receipts: &[TransactionReceipt]) {
    let header = &block.header.inner;
    let number = header.number;
    assert_eq!(block.header.hash, header.hash_slow(), "hash of block {number}");
    let root = proofs::calculate_transaction_root(&transactions(block));
    assert_eq!(header.transactions_root, root, "transactions root of block {number}");
    let receipts: Vec<ReceiptEnvelope> =
        receipts.iter().map(|receipt| receipt.inner.clone().into_primitives_receipt()).collect();
    let root = proofs::calculate_receipt_root(&receipts);
    assert_eq!(header.receipts_root, root, "receipts root of block {number}");
    let bloom: Bloom = receipts.iter().flat_map(|receipt| receipt.logs()).collect();
    assert_eq!(header.logs_bloom, bloom, "bloom of block {number}");
}

/// Anvil, until it is dropped.
pub(crate) struct Anvil {
    process: Child,
    pub(crate) node: Remote,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Anvil {
    /// Starts the binary that `MEZZ_ANVIL` names from a genesis file; none if it names none.
    pub(crate) async fn start(genesis: &Path, gas_limit: u64) -> Option<Self> {
        let binary = std::env::var("MEZZ_ANVIL").ok()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(&binary)
            .args(["--hardfork", "osaka", "--enable-tx-gas-limit", "--no-mining"])
            // The accounts are those of the genesis file; order of arrival, as ours by the tips.
            .args(["--accounts", "0", "--disable-default-create2-deployer", "--order", "fifo"])
            .args(["--gas-limit", &gas_limit.to_string(), "--port", &port.to_string(), "--init"])
            .arg(genesis)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("MEZZ_ANVIL={binary}: {error}"));
        let anvil = Self { process, node: Remote::new(&format!("http://127.0.0.1:{port}")) };
        for _ in 0..400 {
            if anvil.node.0.get_block_number().await.is_ok() {
                return Some(anvil);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("Anvil does not answer");
    }
}

/// A genesis file of Osaka from its first block on.
pub(crate) fn genesis_file(chain_id: u64, gas_limit: u64, timestamp: u64, alloc: Value) -> Value {
    json!({
        "config": {
            "chainId": chain_id, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0,
            "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
            "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": 0,
            "terminalTotalDifficultyPassed": true, "shanghaiTime": 0, "cancunTime": 0,
            "pragueTime": 0, "osakaTime": 0,
        },
        "nonce": "0x0", "timestamp": format!("{timestamp:#x}"), "extraData": "0x",
        "gasLimit": format!("{gas_limit:#x}"), "difficulty": "0x0",
        "mixHash": B256::ZERO, "coinbase": Address::ZERO, "baseFeePerGas": "0x3b9aca00",
        "alloc": alloc,
    })
}
