//! The node that the tests ask.

use super::CODES;
use crate::{
    Cores, Cors, DevAccounts, GetResponse, GetRoute, Hooks, L1Hooks, Limits, RpcConfig, RpcContext,
    RpcHandle, RpcServer,
};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Bytes, U256, b256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use mezz_chain::{
    BlockRecord, BuildOptions, Chain, ChainConfig, ChainLimits, Genesis, GenesisAccount,
};
use mezz_evm::{BlockAttributes, ChainSpec, StateReader as _};
use mezz_pool::{AccountState, BlockUpdate, LookupError, Pool, PoolConfig};
use mezz_primitives::{Address, B256, TxKind};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};

pub(super) const CHAIN_ID: u64 = 31_337;
pub(super) const ETHER: u64 = 1_000_000_000_000_000_000;
pub(super) const GWEI: u128 = 1_000_000_000;
pub(super) const GAS_LIMIT: u64 = 30_000_000;

/// A JSON-RPC error as it came over the wire.
#[derive(Debug, PartialEq)]
pub(super) struct WireError {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Option<Value>,
}

pub(super) struct Node {
    pub(super) chain: Chain,
    pub(super) pool: Pool,
    pub(super) server: RpcHandle,
    pub(super) http: reqwest::Client,
    pub(super) dev: PrivateKeySigner,
}

pub(super) struct Setup {
    pub(super) limits: Limits,
    pub(super) cors: Cors,
    pub(super) extra: Vec<jsonrpsee::Methods>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) chain: ChainLimits,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            cors: Cors::Any,
            extra: Vec::new(),
            data_dir: None,
            chain: ChainLimits::default(),
        }
    }
}

pub(super) fn dev_signer() -> PrivateKeySigner {
    // The first account of the mnemonic "test test test test test test test test test test test junk".
    let key = b256!("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    PrivateKeySigner::from_bytes(&key).unwrap()
}

fn genesis(dev: Address) -> Genesis {
    let rich =
        GenesisAccount { balance: U256::from(ETHER) * U256::from(1_000), ..Default::default() };
    let contracts = CODES.iter().map(|(address, code)| {
        let code = Bytes::from_static(code);
        (*address, GenesisAccount { nonce: 1, code, ..Default::default() })
    });
    Genesis {
        timestamp: 1_700_000_000,
        gas_limit: GAS_LIMIT,
        base_fee: 1_000_000_000,
        alloc: contracts.chain([(dev, rich)]).collect(),
        ..Default::default()
    }
}

fn lookup(chain: &Chain, address: &Address) -> Result<AccountState, LookupError> {
    let error = |e: &dyn std::fmt::Display| LookupError(e.to_string());
    let state = chain.state().map_err(|e| error(&e))?;
    Ok(state.account(address).map_err(|e| error(&e))?.into())
}

pub(super) async fn node() -> Node {
    Setup::default().start().await
}

impl Setup {
    pub(super) fn limits(change: impl FnOnce(&mut Limits)) -> Self {
        let mut setup = Self::default();
        change(&mut setup.limits);
        setup
    }

    pub(super) async fn start(self) -> Node {
        let dev = dev_signer();
        let chain = Chain::open(ChainConfig {
            spec: ChainSpec::l1(CHAIN_ID),
            genesis: genesis(dev.address()),
            data_dir: self.data_dir,
            limits: self.chain,
        })
        .unwrap();
        let config = PoolConfig {
            chain_id: CHAIN_ID,
            block_gas_limit: GAS_LIMIT,
            base_fee: chain.spec().next_base_fee(&chain.head().header),
            ..Default::default()
        };
        let accounts = chain.clone();
        let pool = Pool::new(config, move |address: &Address| lookup(&accounts, address));
        let hooks: Arc<dyn Hooks> =
            Arc::new(L1Hooks { accounts: DevAccounts::new(vec![dev.clone()]) });
        let context = RpcContext {
            chain: chain.clone(),
            pool: pool.clone(),
            hooks,
            cores: Cores::of_runtime(),
        };
        let mut config = RpcConfig::new(([127, 0, 0, 1], 0).into());
        config.limits = self.limits;
        config.cors = self.cors;
        let health = GetRoute::new("/health", |request| {
            GetResponse::json(200, format!(r#"{{"path":"{}"}}"#, request.path))
        });
        let quick = GetRoute::quick("/quick", |_| GetResponse::text(200, "at once"));
        let routes = vec![health, quick];
        let server = RpcServer::start(config, context, self.extra, routes).await.unwrap();
        Node { chain, pool, server, http: reqwest::Client::new(), dev }
    }
}

impl Node {
    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.server.local_addr())
    }

    /// Posts `body` and returns status and text.
    pub(super) async fn post(&self, body: impl Into<reqwest::Body>) -> (u16, String) {
        let request = self.http.post(self.url()).header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(super) async fn rpc(&self, method: &str, params: Value) -> Result<Value, WireError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let (_, text) = self.post(body.to_string()).await;
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        if let Some(error) = answer.get("error") {
            return Err(WireError {
                code: error["code"].as_i64().unwrap(),
                message: error["message"].as_str().unwrap().to_owned(),
                data: error.get("data").cloned(),
            });
        }
        Ok(answer["result"].take())
    }

    /// The answer, which must be one.
    pub(super) async fn ask(&self, method: &str, params: Value) -> Value {
        self.rpc(method, params).await.unwrap_or_else(|e| panic!("{method}: {e:?}"))
    }

    /// The error, which must be one.
    pub(super) async fn fail(&self, method: &str, params: Value) -> WireError {
        self.rpc(method, params).await.expect_err(method)
    }

    pub(super) fn tx(&self, nonce: u64, to: Address, value: u64, input: Bytes) -> TxEip1559 {
        TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 10 * GWEI,
            max_priority_fee_per_gas: 2 * GWEI,
            to: TxKind::Call(to),
            value: U256::from(value),
            access_list: Default::default(),
            input,
        }
    }

    pub(super) fn sign(&self, tx: TxEip1559) -> Bytes {
        let signature = self.dev.sign_hash_sync(&tx.signature_hash()).unwrap();
        tx.into_signed(signature).encoded_2718().into()
    }

    /// Sends a transaction of the development account and returns its hash.
    pub(super) async fn send(&self, nonce: u64, to: Address, value: u64, input: &[u8]) -> Value {
        let raw = self.sign(self.tx(nonce, to, value, Bytes::copy_from_slice(input)));
        self.ask("eth_sendRawTransaction", json!([raw])).await
    }

    /// Mines what the pool has.
    pub(super) fn mine(&self) -> Arc<BlockRecord> {
        let head = self.chain.head();
        let attributes = BlockAttributes {
            timestamp: head.header.timestamp + 1,
            gas_limit: GAS_LIMIT,
            beneficiary: Address::repeat_byte(0xfe),
            prev_randao: B256::repeat_byte(1),
            ..Default::default()
        };
        let base_fee = self.chain.spec().next_base_fee(&head.header);
        let mut best = self.pool.best(base_fee);
        let built = self
            .chain
            .build(
                &attributes,
                &[],
                &mut |_| best.next().map(|tx| tx.tx.clone()),
                &BuildOptions::default(),
            )
            .unwrap();
        assert!(built.skipped().is_empty(), "{:?}", built.skipped());
        let changed: Vec<_> = built
            .diff()
            .accounts
            .iter()
            .map(|a| (a.address, AccountState::from(a.after)))
            .collect();
        let record = self.chain.commit(built).unwrap();
        let included: Vec<B256> = record.transactions.iter().map(|tx| tx.hash()).collect();
        self.pool.on_block(&BlockUpdate {
            included: &included,
            changed: &changed,
            next_base_fee: self.chain.spec().next_base_fee(&record.header),
            block_gas_limit: GAS_LIMIT,
        });
        record
    }
}

/// A word with this last byte.
pub(super) fn word(byte: u8) -> B256 {
    B256::with_last_byte(byte)
}
