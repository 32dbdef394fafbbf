//! Starting a chain and talking to it.

use alloy::{
    consensus::Transaction as _,
    eips::{BlockId, BlockNumberOrTag},
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{Block, TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
};
use mezz_devnet::{Devnet, DevnetConfig, DevnetHandle, Mining};
use serde_json::Value;
use std::time::{Duration, Instant};

pub(crate) struct Net {
    pub(crate) handle: DevnetHandle,
    pub(crate) provider: DynProvider,
}

pub(crate) fn config(mining: Mining) -> DevnetConfig {
    DevnetConfig { addr: ([127, 0, 0, 1], 0).into(), mining, ..Default::default() }
}

pub(crate) async fn start(config: DevnetConfig) -> Net {
    let handle = Devnet::start(config).await.unwrap();
    let mut wallet = EthereumWallet::default();
    for account in &handle.accounts {
        wallet.register_signer(PrivateKeySigner::from_bytes(&account.private_key).unwrap());
    }
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(handle.url.parse().unwrap());
    provider.client().set_poll_interval(Duration::from_millis(20));
    Net { handle, provider: provider.erased() }
}

impl Net {
    pub(crate) fn account(&self, index: usize) -> Address {
        self.handle.accounts[index].address
    }

    pub(crate) async fn verb(&self, name: &'static str, params: Value) -> Value {
        match self.try_verb(name, params).await {
            Ok(answer) => answer,
            Err(error) => panic!("{name}: {error}"),
        }
    }

    pub(crate) async fn try_verb(
        &self,
        name: &'static str,
        params: Value,
    ) -> Result<Value, String> {
        let answer: Result<Value, _> = self.provider.raw_request(name.into(), params).await;
        answer.map_err(|error| match error.as_error_resp() {
            Some(error) => format!("{}: {}", error.code, error.message),
            None => error.to_string(),
        })
    }

    pub(crate) fn transfer(&self, from: usize, to: Address, value: u64) -> TransactionRequest {
        TransactionRequest::default()
            .with_from(self.account(from))
            .with_to(to)
            .with_value(U256::from(value))
    }

    /// Sends with the next nonce and waits for the receipt. Asks for the nonce and the receipt
    /// itself: the client's own helpers count on a chain that never goes back.
    pub(crate) async fn send(&self, request: TransactionRequest) -> TransactionReceipt {
        let from = request.from.unwrap();
        let nonce = self.provider.get_transaction_count(from).pending().await.unwrap();
        let pending = self.provider.send_transaction(request.with_nonce(nonce)).await.unwrap();
        let hash = *pending.tx_hash();
        let started = Instant::now();
        loop {
            if let Some(receipt) = self.provider.get_transaction_receipt(hash).await.unwrap() {
                return receipt;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{hash} is not mined");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn number(&self) -> u64 {
        self.provider.get_block_number().await.unwrap()
    }

    pub(crate) async fn block(&self, id: impl Into<BlockId>) -> Block {
        self.provider.get_block(id.into()).await.unwrap().unwrap()
    }

    pub(crate) async fn head(&self) -> Block {
        self.block(BlockNumberOrTag::Latest).await
    }

    pub(crate) async fn hashes(&self) -> Vec<B256> {
        let mut hashes = Vec::new();
        for number in 0..=self.number().await {
            hashes.push(self.block(number).await.header.hash);
        }
        hashes
    }

    pub(crate) async fn balance(&self, address: Address) -> U256 {
        self.provider.get_balance(address).await.unwrap()
    }

    /// A signed transaction as it goes over the wire, and its hash.
    pub(crate) async fn raw(
        &self,
        from: usize,
        to: Address,
        value: u64,
        nonce: u64,
    ) -> (String, B256) {
        use alloy::{eips::eip2718::Encodable2718, network::NetworkTransactionBuilder};
        let account = &self.handle.accounts[from];
        let wallet =
            EthereumWallet::from(PrivateKeySigner::from_bytes(&account.private_key).unwrap());
        let tx = self
            .transfer(from, to, value)
            .with_nonce(nonce)
            .with_chain_id(31_337)
            .with_gas_limit(21_000)
            .with_max_fee_per_gas(100_000_000_000)
            .with_max_priority_fee_per_gas(1_000_000_000)
            .build(&wallet)
            .await
            .unwrap();
        assert_eq!(tx.nonce(), nonce);
        (alloy::primitives::hex::encode_prefixed(tx.encoded_2718()), *tx.tx_hash())
    }
}
