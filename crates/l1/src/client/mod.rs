//! A client of a Layer 1 node: every question bounded in time and size, asked again a few times
//! when nothing came back, and every block checked against its hash before anyone sees it.

mod contact;
mod error;
mod logs;
mod queries;
mod transport;

pub use contact::Contact;
pub use error::L1Error;
pub use logs::{LogCheck, LogFilter};
pub use queries::FeeInfo;

use crate::http::{http_client, parse_url, public_url};
use alloy::{
    consensus::{Header, Sealed},
    eips::BlockNumberOrTag,
    network::Ethereum,
    primitives::B256,
    providers::{Provider, RootProvider},
    rpc::{
        client::RpcClient,
        json_rpc::{RpcRecv, RpcSend},
    },
};
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};
use transport::BoundedHttp;

/// How patient an [`L1Client`] is.
#[derive(Clone, Debug)]
pub struct L1ClientConfig {
    /// Time to set up a connection.
    pub connect_timeout: Duration,
    /// Time for one whole exchange.
    pub request_timeout: Duration,
    /// How often a question is asked before the error is given to the caller; at least once.
    pub attempts: u32,
    /// Pause before the second attempt; it doubles before every further one.
    pub backoff: Duration,
    /// The largest answer that is read, bytes.
    pub max_response_bytes: usize,
    /// What the node is called in metrics: `l1`, or `l2` for one that is asked in the same way.
    pub node: &'static str,
}

impl Default for L1ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(15),
            attempts: 3,
            backoff: Duration::from_millis(150),
            max_response_bytes: 64 << 20,
            node: "l1",
        }
    }
}

/// A Layer 1 node, reached by JSON-RPC over HTTP. Clones share one connection pool.
#[derive(Clone, Debug)]
pub struct L1Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    provider: RootProvider<Ethereum>,
    url: String,
    config: L1ClientConfig,
    /// The node has no `eth_getBlockReceipts`; said once, then remembered.
    no_receipts: AtomicBool,
    line: contact::Line,
}

impl L1Client {
    /// A client for the node at `url` with the default patience. Nothing is sent yet.
    ///
    /// # Errors
    /// [`L1Error::Url`] if the URL is not a usable `http` or `https` URL.
    pub fn new(url: &str) -> Result<Self, L1Error> {
        Self::with_config(url, L1ClientConfig::default())
    }

    /// A client for the node at `url`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`L1Error::Url`] if the URL is not a usable `http` or `https` URL.
    pub fn with_config(url: &str, config: L1ClientConfig) -> Result<Self, L1Error> {
        let bad_url = |reason| L1Error::Url { url: url.to_owned(), reason };
        let parsed = parse_url(url).map_err(bad_url)?;
        let http = http_client(config.connect_timeout, config.request_timeout).map_err(bad_url)?;
        let public = public_url(&parsed);
        let transport = BoundedHttp::new(http, parsed, config.max_response_bytes);
        let provider = RootProvider::new(RpcClient::new(transport, true));
        Ok(Self {
            inner: Arc::new(Inner {
                provider,
                url: public,
                config,
                no_receipts: AtomicBool::new(false),
                line: contact::Line::default(),
            }),
        })
    }

    /// The node's scheme, host and port, fit for messages.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Whether the node answers, as far as it was asked by this client and its clones.
    pub fn contact(&self) -> Contact {
        self.inner.line.get()
    }

    /// The alloy provider below, for calls that this client does not offer. It bounds time and
    /// size, but neither asks again nor checks answers.
    pub fn provider(&self) -> &RootProvider<Ethereum> {
        &self.inner.provider
    }

    /// Sends any JSON-RPC request, asking again a few times if nothing comes back.
    ///
    /// # Errors
    /// Any [`L1Error`] but [`L1Error::Url`] and [`L1Error::NotFound`].
    pub async fn request<P, R>(&self, method: &'static str, params: P) -> Result<R, L1Error>
    where
        P: RpcSend + Clone,
        R: RpcRecv,
    {
        let config = &self.inner.config;
        let mut pause = config.backoff;
        let mut attempt = 1;
        loop {
            match self.request_once(method, params.clone()).await {
                Err(error) if error.is_transient() && attempt < config.attempts => {
                    tracing::debug!(%error, attempt, "asking L1 again");
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2);
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    /// The same, asked once.
    async fn request_once<P, R>(&self, method: &'static str, params: P) -> Result<R, L1Error>
    where
        P: RpcSend,
        R: RpcRecv,
    {
        let asked = Instant::now();
        let answer = self.inner.provider.client().request::<P, R>(method, params).await;
        let answer = answer.map_err(|error| {
            let seconds = self.inner.config.request_timeout.as_secs();
            error::from_transport(error, &self.inner.url, method, seconds)
        });
        self.note(method, asked, answer.as_ref().err());
        answer
    }

    /// Remembers whether the node answered; a refusal is an answer.
    fn note(&self, method: &'static str, asked: Instant, error: Option<&L1Error>) {
        let silent = error.filter(|error| error.is_transient());
        contact::count(self.inner.config.node, method, asked.elapsed(), silent.is_some());
        match silent {
            None => self.inner.line.answered(),
            Some(error) => self.inner.line.failed(error.to_string()),
        }
    }

    fn not_found(&self, what: String) -> L1Error {
        L1Error::NotFound { url: self.inner.url.clone(), what }
    }

    fn wrong(&self, method: &'static str, reason: String) -> L1Error {
        L1Error::WrongAnswer { url: self.inner.url.clone(), method, reason }
    }

    /// The header of a block by number or tag, checked against its own hash.
    ///
    /// # Errors
    /// [`L1Error::NotFound`] if the node has no such block; else any transport error, or
    /// [`L1Error::WrongAnswer`] if header, hash and number do not belong together.
    pub async fn header(&self, block: BlockNumberOrTag) -> Result<Sealed<Header>, L1Error> {
        const METHOD: &str = "eth_getBlockByNumber";
        let found: Option<HeaderAnswer> = self.request(METHOD, (block, false)).await?;
        let found = found.ok_or_else(|| self.not_found(format!("block {block}")))?;
        let header = self.seal(METHOD, found)?;
        if let BlockNumberOrTag::Number(number) = block
            && header.number != number
        {
            let reason = format!("asked for block {number}, got {}", header.number);
            return Err(self.wrong(METHOD, reason));
        }
        if block.is_latest() {
            self.inner.line.head(&header);
        }
        Ok(header)
    }

    /// The header with the given hash; the answer is checked against it.
    ///
    /// # Errors
    /// [`L1Error::NotFound`] if the node has no such block; else any transport error, or
    /// [`L1Error::WrongAnswer`] if the header does not have this hash.
    pub async fn header_by_hash(&self, hash: B256) -> Result<Sealed<Header>, L1Error> {
        const METHOD: &str = "eth_getBlockByHash";
        let found: Option<HeaderAnswer> = self.request(METHOD, (hash, false)).await?;
        let found = found.ok_or_else(|| self.not_found(format!("block {hash}")))?;
        let header = self.seal(METHOD, found)?;
        if header.hash() != hash {
            let reason = format!("asked for block {hash}, got {}", header.hash());
            return Err(self.wrong(METHOD, reason));
        }
        Ok(header)
    }

    fn seal(&self, method: &'static str, found: HeaderAnswer) -> Result<Sealed<Header>, L1Error> {
        let header = Sealed::new(found.inner);
        if header.hash() != found.hash {
            let reason = format!(
                "the header of block {} hashes to {}, not to the {} that came with it",
                header.number,
                header.hash(),
                found.hash
            );
            return Err(self.wrong(method, reason));
        }
        Ok(header)
    }
}

/// The part of a block's JSON that is read; transactions are skipped.
#[derive(Clone, Debug, serde::Deserialize)]
struct HeaderAnswer {
    hash: B256,
    #[serde(flatten)]
    inner: Header,
}

#[cfg(test)]
mod tests;
