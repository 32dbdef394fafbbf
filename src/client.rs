//! A layer as the client commands see it: JSON-RPC and transactions that are waited for.

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{
        json_rpc::ErrorPayload,
        types::{Log, TransactionRequest},
    },
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
    transports::{RpcError, TransportErrorKind},
};
use mezz_contracts::bindings::IPortal;
use serde::Deserialize;
use std::time::Duration;

/// One layer's JSON-RPC.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    name: &'static str,
    url: String,
    provider: DynProvider,
}

/// Why a layer did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Not a URL.
    #[error("`{0}` is not a URL of a JSON-RPC endpoint")]
    Url(String),
    /// It does not answer.
    #[error("{name} at {url} does not answer: {reason}; is `mezz up` running?")]
    Away {
        /// Layer.
        name: &'static str,
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// It refused.
    #[error("{name} refused {what}: {reason}")]
    Refused {
        /// Layer.
        name: &'static str,
        /// What was asked.
        what: String,
        /// Its words.
        reason: String,
    },
    /// The transaction was mined and failed.
    #[error("the transaction {hash} failed on {name}")]
    Failed {
        /// Layer.
        name: &'static str,
        /// Which.
        hash: B256,
    },
    /// The answer is not what the contract's interface says.
    #[error("{name}: {what} answered something unexpected; is the address right?")]
    Unexpected {
        /// Layer.
        name: &'static str,
        /// What was asked.
        what: String,
    },
    /// Not mined in time.
    #[error("the transaction {hash} was not mined on {name} within {seconds} s; it may be later")]
    NotMined {
        /// Layer.
        name: &'static str,
        /// Which.
        hash: B256,
        /// How long was waited.
        seconds: u64,
    },
}

/// A receipt of any type of transaction, deposits included.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    /// Hash of the transaction.
    pub(crate) transaction_hash: B256,
    /// Hash of its block.
    pub(crate) block_hash: B256,
    /// Number of its block.
    #[serde(with = "alloy::serde::quantity")]
    pub(crate) block_number: u64,
    /// 1 if its changes were kept.
    #[serde(with = "alloy::serde::quantity")]
    status: u64,
    /// Gas that it used.
    #[serde(with = "alloy::serde::quantity")]
    pub(crate) gas_used: u64,
    /// Wei for a gas; of a deposit zero.
    #[serde(default, with = "alloy::serde::quantity")]
    pub(crate) effective_gas_price: u128,
    /// L1 data fee in wei, of a transaction on L2.
    #[serde(default)]
    pub(crate) l1_fee: U256,
    /// What it logged.
    pub(crate) logs: Vec<Log>,
}

impl Receipt {
    /// Whether its changes were kept.
    pub(crate) const fn succeeded(&self) -> bool {
        self.status == 1
    }

    /// All that it cost its sender beside the value sent, wei.
    pub(crate) fn fee(&self) -> U256 {
        (U256::from(self.gas_used) * U256::from(self.effective_gas_price))
            .saturating_add(self.l1_fee)
    }
}

/// The portal's name for why it reverted.
fn portal_error(payload: &ErrorPayload) -> Option<&'static str> {
    let data = payload.as_revert_data()?;
    IPortal::IPortalErrors::name_by_selector(data.get(..4)?.try_into().ok()?)
}

/// How long a transaction is waited for, seconds.
const MINE_TIMEOUT: u64 = 120;
/// Pause between two looks.
pub(crate) const POLL: Duration = Duration::from_millis(200);

impl Client {
    /// A client of the layer `name` that reads only.
    pub(crate) fn new(name: &'static str, url: &str) -> Result<Self, ClientError> {
        let parsed = url.parse().map_err(|_| ClientError::Url(url.to_owned()))?;
        let provider = ProviderBuilder::new().connect_http(parsed).erased();
        Ok(Self { name, url: url.to_owned(), provider })
    }

    /// A client that signs with `key`.
    pub(crate) fn with_key(
        name: &'static str,
        url: &str,
        key: PrivateKeySigner,
    ) -> Result<Self, ClientError> {
        let parsed = url.parse().map_err(|_| ClientError::Url(url.to_owned()))?;
        // The nonce is asked for each time: one that is counted here would go on from a
        // transaction that was refused.
        let provider = ProviderBuilder::default()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .fetch_chain_id()
            .wallet(EthereumWallet::from(key))
            .connect_http(parsed)
            .erased();
        Ok(Self { name, url: url.to_owned(), provider })
    }

    /// The provider underneath.
    pub(crate) const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// Turns a transport error into one that says who and what.
    pub(crate) fn error(&self, what: &str, error: &RpcError<TransportErrorKind>) -> ClientError {
        match error {
            RpcError::ErrorResp(payload) => ClientError::Refused {
                name: self.name,
                what: what.to_owned(),
                reason: portal_error(payload).map_or_else(
                    || payload.message.to_string(),
                    |name| format!("reverted with {name}"),
                ),
            },
            RpcError::DeserError { .. } | RpcError::NullResp => {
                ClientError::Unexpected { name: self.name, what: what.to_owned() }
            }
            error => ClientError::Away {
                name: self.name,
                url: self.url.clone(),
                reason: error.to_string(),
            },
        }
    }

    /// A JSON-RPC request.
    pub(crate) async fn request<P, R>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, ClientError>
    where
        P: alloy::rpc::json_rpc::RpcSend,
        R: alloy::rpc::json_rpc::RpcRecv,
    {
        self.provider
            .raw_request(method.into(), params)
            .await
            .map_err(|error| self.error(method, &error))
    }

    /// Calls a view function.
    pub(crate) async fn call<C: SolCall>(
        &self,
        to: Address,
        call: &C,
    ) -> Result<C::Return, ClientError> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let output =
            self.provider.call(request).await.map_err(|error| self.error(C::SIGNATURE, &error))?;
        C::abi_decode_returns(&output)
            .map_err(|_| ClientError::Unexpected { name: self.name, what: C::SIGNATURE.into() })
    }

    /// Sends a transaction and waits until it is in a block and has succeeded.
    pub(crate) async fn send(
        &self,
        to: Option<Address>,
        value: U256,
        input: Bytes,
    ) -> Result<Receipt, ClientError> {
        let mut request = TransactionRequest::default().with_value(value).with_input(input);
        request = match to {
            Some(to) => request.with_to(to),
            None => request.into_create(),
        };
        let pending = self
            .provider
            .send_transaction(request)
            .await
            .map_err(|error| self.error("the transaction", &error))?;
        let receipt = self.wait_receipt(*pending.tx_hash()).await?;
        if !receipt.succeeded() {
            return Err(ClientError::Failed { name: self.name, hash: receipt.transaction_hash });
        }
        Ok(receipt)
    }

    /// Calls a function in a transaction of its own and waits for it.
    pub(crate) async fn transact<C: SolCall>(
        &self,
        to: Address,
        value: U256,
        call: &C,
    ) -> Result<Receipt, ClientError> {
        self.send(Some(to), value, call.abi_encode().into()).await
    }

    /// The receipt of a transaction that is in a block.
    pub(crate) async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, ClientError> {
        self.request("eth_getTransactionReceipt", (hash,)).await
    }

    /// Waits until the transaction is in a block.
    pub(crate) async fn wait_receipt(&self, hash: B256) -> Result<Receipt, ClientError> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(MINE_TIMEOUT);
        loop {
            let receipt = self.receipt(hash).await?;
            if let Some(receipt) = receipt {
                return Ok(receipt);
            }
            if tokio::time::Instant::now() > deadline {
                return Err(ClientError::NotMined { name: self.name, hash, seconds: MINE_TIMEOUT });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Wei of `address`.
    pub(crate) async fn balance(&self, address: Address) -> Result<U256, ClientError> {
        self.provider
            .get_balance(address)
            .await
            .map_err(|error| self.error("eth_getBalance", &error))
    }

    /// Seconds since the epoch of the newest block.
    pub(crate) async fn now(&self) -> Result<u64, ClientError> {
        let block = self
            .provider
            .get_block(alloy::eips::BlockId::latest())
            .await
            .map_err(|error| self.error("eth_getBlockByNumber", &error))?;
        block
            .map(|block| block.header.timestamp)
            .ok_or(ClientError::Unexpected { name: self.name, what: "eth_getBlockByNumber".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverts_of_the_portal_are_named() {
        let payload = |data: &str| -> ErrorPayload {
            let json = format!(r#"{{"code":3,"message":"execution reverted","data":"{data}"}}"#);
            serde_json::from_str(&json).unwrap()
        };
        let name = portal_error(&payload("0xb4caa4e5"));
        assert_eq!(name, Some("OptimismPortal_InvalidProofTimestamp"));
        assert_eq!(portal_error(&payload("0x01020304")), None);
        assert_eq!(portal_error(&payload("0x")), None);
    }
}
