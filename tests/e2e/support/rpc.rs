//! JSON-RPC, and what is asked of two nodes to see that they have the same chain.

use super::{PATIENCE, ether, number, small, text};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::{EthereumWallet, TxSignerSync},
    primitives::{Address, B256, Bytes, Log, TxKind, U256, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{json_rpc::RpcSend, types::TransactionRequest},
    signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
    sol_types::{SolCall, SolEvent},
};
use mezz_contracts::bindings::IPortal;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Gas for any call or creation that is not about gas.
const MUCH_GAS: u64 = 4_000_000;

/// The key of a dev account.
pub(crate) fn key(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::<English>::default()
        .phrase("test test test test test test test test test test test junk")
        .index(index)
        .expect("an index")
        .build()
        .expect("a key")
}

/// An address that nobody has used.
pub(crate) fn fresh_address() -> Address {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Address::from_word(keccak256(format!("{} {count}", std::process::id())))
}

/// Waits until `condition` holds.
pub(crate) async fn wait_until<F: Future<Output = bool>>(what: &str, condition: impl FnMut() -> F) {
    wait_within(PATIENCE, what, condition).await;
}

/// Waits until `condition` holds, but not longer than `patience`.
pub(crate) async fn wait_within<F: Future<Output = bool>>(
    patience: Duration,
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < patience, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Status and body of a page.
pub(crate) async fn get(url: &str) -> (u16, String) {
    let response = reqwest::get(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    (response.status().as_u16(), response.text().await.expect("a body"))
}

/// A node's JSON-RPC.
#[derive(Clone, Debug)]
pub(crate) struct Rpc {
    url: String,
    provider: DynProvider,
}

impl Rpc {
    /// The node at `url`.
    pub(crate) fn new(url: &str) -> Self {
        // A node that is killed in the middle of a request must not hold up its test for ever.
        let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        let provider =
            ProviderBuilder::new().connect_reqwest(client, url.parse().expect("a URL")).erased();
        Self { url: url.to_owned(), provider }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A request that may fail; the error as text.
    pub(crate) async fn try_call<P: RpcSend>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<Value, String> {
        self.provider.raw_request(method.into(), params).await.map_err(|error| error.to_string())
    }

    /// A request that does not fail.
    pub(crate) async fn call<P: RpcSend>(&self, method: &'static str, params: P) -> Value {
        self.try_call(method, params)
            .await
            .unwrap_or_else(|error| panic!("{method} at {}: {error}", self.url))
    }

    /// Wei of `address`.
    pub(crate) async fn balance(&self, address: Address) -> U256 {
        number(&self.call("eth_getBalance", (address, "latest")).await)
    }

    /// Number of the newest block.
    pub(crate) async fn head(&self) -> u64 {
        small(&self.call("eth_blockNumber", ()).await)
    }

    /// The block at a number or a tag.
    pub(crate) async fn block(&self, at: impl Into<At>) -> Value {
        let At(at) = at.into();
        self.call("eth_getBlockByNumber", (at, false)).await
    }

    /// Hash of a block that exists.
    pub(crate) async fn hash(&self, number: u64) -> String {
        text(&self.block(number).await, "/hash").to_owned()
    }

    /// Number of the L1 origin of a block of L2.
    pub(crate) async fn origin(&self, number: u64) -> u64 {
        let output = self.call("optimism_outputAtBlock", (format!("{number:#x}"),)).await;
        small(&output["blockRef"]["l1origin"]["number"])
    }

    /// Number of the block that `tag` names.
    pub(crate) async fn tag(&self, tag: &'static str) -> u64 {
        small(&self.block(tag).await["number"])
    }

    /// Waits until `tag` names block `number` or a later one.
    pub(crate) async fn wait_tag(&self, tag: &'static str, number: u64) {
        wait_until(&format!("{tag} is {number} at {}", self.url), || async {
            self.tag(tag).await >= number
        })
        .await;
    }

    /// Waits until `address` has `wei`, and not another amount but zero before.
    pub(crate) async fn wait_balance(&self, address: Address, wei: U256) {
        wait_until(&format!("{address} has {wei} at {}", self.url), || async {
            let now = self.balance(address).await;
            assert!(now <= wei, "{address} has {now}, more than {wei}");
            now == wei
        })
        .await;
    }

    /// The receipt of a transaction, when it is in a block.
    pub(crate) async fn receipt(&self, hash: &str) -> Option<Value> {
        let receipt = self.call("eth_getTransactionReceipt", (hash,)).await;
        (!receipt.is_null()).then_some(receipt)
    }

    /// Waits for the receipt of a transaction.
    pub(crate) async fn wait_receipt(&self, hash: &str) -> Value {
        wait_until(&format!("{hash} is in a block"), || async {
            self.receipt(hash).await.is_some()
        })
        .await;
        self.receipt(hash).await.expect("it was there")
    }

    /// Signs a transfer with the key and nonce and hands it to the node.
    pub(crate) async fn send_raw(
        &self,
        key: &PrivateKeySigner,
        nonce: u64,
        to: Address,
        value: U256,
    ) -> Result<String, String> {
        self.send_call(key, nonce, to, value, 21_000, Bytes::new()).await
    }

    /// As [`Rpc::send_raw`], a call with at most `gas_limit` gas.
    pub(crate) async fn send_call(
        &self,
        key: &PrivateKeySigner,
        nonce: u64,
        to: Address,
        value: U256,
        gas_limit: u64,
        input: Bytes,
    ) -> Result<String, String> {
        let chain_id = small(&self.try_call("eth_chainId", ()).await?);
        let mut tx = TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            input,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1_000_000,
            to: TxKind::Call(to),
            value,
            ..TxEip1559::default()
        };
        let signature = key.sign_transaction_sync(&mut tx).expect("a key in memory signs");
        let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
        let hash = self.try_call("eth_sendRawTransaction", (Bytes::from(raw),)).await?;
        Ok(hash.as_str().expect("a hash").to_owned())
    }

    /// Number of the transactions of `address` in blocks.
    pub(crate) async fn nonce(&self, address: Address) -> u64 {
        small(&self.call("eth_getTransactionCount", (address, "latest")).await)
    }

    /// Deposits `value` through the portal, straight on L1, and waits for the L1 block; the hash
    /// of the L1 transaction.
    pub(crate) async fn deposit(
        &self,
        portal: Address,
        from: PrivateKeySigner,
        to: Address,
        value: U256,
    ) -> String {
        let hash = self.send_deposit(portal, from, to, value).await;
        self.wait_success(&hash).await;
        hash
    }

    /// As [`Rpc::deposit`], without waiting.
    pub(crate) async fn send_deposit(
        &self,
        portal: Address,
        from: PrivateKeySigner,
        to: Address,
        value: U256,
    ) -> String {
        let sent = self.try_deposit(portal, from, to, value).await;
        sent.unwrap_or_else(|error| panic!("L1 takes the deposit: {error}"))
    }

    /// As [`Rpc::send_deposit`]; the error as text.
    pub(crate) async fn try_deposit(
        &self,
        portal: Address,
        from: PrivateKeySigner,
        to: Address,
        value: U256,
    ) -> Result<String, String> {
        self.try_transact(from, portal.into(), value, 500_000, deposit_call(to, value)).await
    }

    /// Sends a call with this much gas, so that it is mined even if it fails; its hash.
    pub(crate) async fn transact(
        &self,
        from: PrivateKeySigner,
        to: Address,
        value: U256,
        gas: u64,
        input: Bytes,
    ) -> String {
        let sent = self.try_transact(from, to.into(), value, gas, input).await;
        sent.unwrap_or_else(|error| panic!("the node takes the call: {error}"))
    }

    /// Sends a call with much gas that must succeed; its receipt.
    pub(crate) async fn execute(
        &self,
        from: PrivateKeySigner,
        to: Address,
        value: U256,
        call: &impl SolCall,
    ) -> Value {
        let hash = self.transact(from, to, value, MUCH_GAS, call.abi_encode().into()).await;
        self.wait_success(&hash).await
    }

    /// Creates a contract; the receipt.
    pub(crate) async fn create(&self, from: PrivateKeySigner, init_code: Bytes) -> Value {
        let sent = self.try_transact(from, TxKind::Create, U256::ZERO, MUCH_GAS, init_code).await;
        let hash = sent.unwrap_or_else(|error| panic!("the node takes the contract: {error}"));
        self.wait_success(&hash).await
    }

    async fn wait_success(&self, hash: &str) -> Value {
        let receipt = self.wait_receipt(hash).await;
        assert_eq!(text(&receipt, "/status"), "0x1", "{receipt}");
        receipt
    }

    async fn try_transact(
        &self,
        from: PrivateKeySigner,
        to: TxKind,
        value: U256,
        gas: u64,
        input: Bytes,
    ) -> Result<String, String> {
        let provider = ProviderBuilder::new()
            .wallet(EthereumWallet::from(from))
            .connect_http(self.url.parse().expect("a URL"));
        let request = TransactionRequest { to: Some(to), ..TransactionRequest::default() };
        let request = request.value(value).gas_limit(gas).input(input.into());
        let pending =
            provider.send_transaction(request).await.map_err(|error| error.to_string())?;
        let hash: B256 = *pending.tx_hash();
        Ok(hash.to_string())
    }

    /// What a contract answers to a call that changes nothing.
    pub(crate) async fn read<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        self.try_read(to, call).await.unwrap_or_else(|| panic!("{} at {to}", C::SIGNATURE))
    }

    /// As [`Rpc::read`]; `None` if there is no such contract, or it refuses.
    pub(crate) async fn try_read<C: SolCall>(&self, to: Address, call: &C) -> Option<C::Return> {
        let request = json!({ "to": to, "input": Bytes::from(call.abi_encode()) });
        let output = self.try_call("eth_call", (request, "latest")).await.ok()?;
        let output: Bytes = serde_json::from_value(output).expect("bytes");
        C::abi_decode_returns(&output).ok()
    }

    /// A call of `from` must fail, with one of these errors, Solidity's signatures; all that the
    /// node says of it, in lower case.
    pub(crate) async fn assert_reverts(
        &self,
        from: Address,
        to: Address,
        call: &impl SolCall,
        errors: &[&str],
    ) -> String {
        let input = Bytes::from(call.abi_encode());
        let request = json!({ "from": from, "to": to, "input": input });
        let answer = self.try_call("eth_call", (request, "latest")).await;
        let refused = answer.expect_err("a theft").to_lowercase();
        let mut selectors = errors.iter().map(|error| alloy::hex::encode(&keccak256(error)[..4]));
        let known = selectors.any(|selector| refused.contains(&selector));
        assert!(known, "{refused}, none of {errors:?}");
        assert!(refused.contains("revert"), "{refused}");
        refused
    }

    /// Deposits an ether as [`Rpc::deposit`] does.
    pub(crate) async fn deposit_ether(&self, deployment: &Value, from: u32, to: Address) -> String {
        self.deposit(portal(deployment), key(from), to, ether(1)).await
    }
}

/// What the portal is called with to deposit `value` wei for `to`.
pub(crate) fn deposit_call(to: Address, value: U256) -> Bytes {
    let call = IPortal::depositTransactionCall {
        _to: to,
        _value: value,
        _gasLimit: 100_000,
        _isCreation: false,
        _data: Bytes::new(),
    };
    call.abi_encode().into()
}

/// The portal of a deployment.
pub(crate) fn portal(deployment: &Value) -> Address {
    address(deployment, "/l1/contracts/portal")
}

/// The address at `pointer` of a JSON object.
pub(crate) fn address(value: &Value, pointer: &str) -> Address {
    text(value, pointer).parse().expect("an address")
}

/// The logs of a receipt.
pub(crate) fn logs(receipt: &Value) -> Vec<Log> {
    let logs = receipt["logs"].as_array().expect("a receipt");
    let field = |log: &Value, name: &str| log[name].clone();
    let log = |log: &Value| {
        Log::new_unchecked(
            serde_json::from_value(field(log, "address")).expect("an address"),
            serde_json::from_value(field(log, "topics")).expect("topics"),
            serde_json::from_value(field(log, "data")).expect("bytes"),
        )
    };
    logs.iter().map(log).collect()
}

/// The events of one kind in a receipt.
pub(crate) fn events<E: SolEvent>(receipt: &Value) -> Vec<E> {
    let logs = logs(receipt);
    logs.iter().filter_map(|log| E::decode_log(log).ok()).map(|log| log.data).collect()
}

/// A block number or a tag.
pub(crate) struct At(Value);

impl From<u64> for At {
    fn from(number: u64) -> Self {
        Self(json!(format!("{number:#x}")))
    }
}

impl From<&'static str> for At {
    fn from(tag: &'static str) -> Self {
        Self(json!(tag))
    }
}

/// Every block up to `last` is the same on both nodes, down to its state.
pub(crate) async fn assert_same_chain(a: &Rpc, b: &Rpc, last: u64) {
    for number in 0..=last {
        let (left, right) = (a.block(number).await, b.block(number).await);
        for part in ["/hash", "/stateRoot", "/receiptsRoot", "/transactionsRoot"] {
            assert_eq!(text(&left, part), text(&right, part), "{part} of block {number}");
        }
    }
}
