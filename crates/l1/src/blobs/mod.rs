//! Blobs of a Layer 1 block by versioned hash, from a beacon node or a devnet, believed only after
//! their commitment has been checked.

mod endpoint;
mod verify;

use crate::{
    http::{http_client, parse_url, public_url},
    types::BlockRef,
};
use alloy::{
    eips::eip4844::{Blob, Bytes48},
    primitives::B256,
};
use endpoint::Endpoint;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Where blobs come from and how patient to be.
#[derive(Clone, Debug)]
pub struct BlobSourceConfig {
    /// Base URLs, asked in this order until every blob is found: beacon nodes, archives of
    /// expired blobs with the same API, or the RPC URL of a devnet that serves blobs itself.
    pub urls: Vec<String>,
    /// Time to set up a connection.
    pub connect_timeout: Duration,
    /// Time for one whole exchange.
    pub request_timeout: Duration,
    /// How often an endpoint that does not answer is asked; at least once.
    pub attempts: u32,
    /// Pause before the second attempt; it doubles before every further one.
    pub backoff: Duration,
    /// The largest answer that is read, bytes. A blob takes about 262,150.
    pub max_response_bytes: usize,
}

impl BlobSourceConfig {
    /// The default patience with the given endpoints.
    pub fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(30),
            attempts: 3,
            backoff: Duration::from_millis(200),
            max_response_bytes: 48 << 20,
        }
    }
}

/// Why blobs could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// No URL, or one that cannot be used.
    #[error("blob source {url:?} cannot be used: {reason}")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No endpoint answered usably.
    #[error("blob source at {url} does not answer: {reason}; is it running?")]
    Unreachable {
        /// The endpoint, without path and secrets.
        url: String,
        /// The innermost cause.
        reason: String,
    },
    /// The endpoints answered, but not with all blobs.
    #[error("{} of the blobs of L1 block {block} are missing at {sources}: {}", hashes.len(), list(hashes))]
    Missing {
        /// The block whose transaction carried them.
        block: BlockRef,
        /// The versioned hashes without a blob.
        hashes: Vec<B256>,
        /// The endpoints asked and what each said.
        sources: String,
    },
}

impl BlobError {
    /// Whether asking later may help. Blobs may arrive late, so a missing one is worth waiting
    /// for; whether it has expired is for the caller to judge by the block's age.
    pub const fn is_retryable(&self) -> bool {
        !matches!(self, Self::Url { .. })
    }
}

/// What an endpoint says of itself.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// The endpoint, without path and secrets.
    pub url: String,
    /// Its software, if it is a beacon node that says so.
    pub version: Option<String>,
    /// Whether it is a beacon node; a devnet that serves blobs beside its RPC is none.
    pub beacon: bool,
    /// Whether it says that it has not caught up with the chain.
    pub syncing: bool,
    /// How many blobs it has of the block asked for, or why it does not say.
    pub blobs: Result<usize, String>,
}

fn list(hashes: &[B256]) -> String {
    hashes.iter().map(B256::to_string).collect::<Vec<_>>().join(", ")
}

/// Fetches blobs. Clones share connections and what was learnt about the endpoints.
#[derive(Clone, Debug)]
pub struct BlobSource {
    endpoints: Arc<Vec<Endpoint>>,
}

impl BlobSource {
    /// A source with one endpoint and the default patience. Nothing is sent yet.
    ///
    /// # Errors
    /// [`BlobError::Url`] if the URL is not a usable `http` or `https` URL.
    pub fn new(url: &str) -> Result<Self, BlobError> {
        Self::with_config(BlobSourceConfig::new(vec![url.to_owned()]))
    }

    /// A source with the given endpoints. Nothing is sent yet.
    ///
    /// # Errors
    /// [`BlobError::Url`] if there is no URL or one of them is not a usable `http` or `https` URL.
    pub fn with_config(config: BlobSourceConfig) -> Result<Self, BlobError> {
        let bad_url = |url: &str, reason: String| BlobError::Url { url: url.to_owned(), reason };
        let http = http_client(config.connect_timeout, config.request_timeout)
            .map_err(|reason| bad_url("", reason))?;
        let mut endpoints = Vec::with_capacity(config.urls.len());
        for text in &config.urls {
            let url = parse_url(text).map_err(|reason| bad_url(text, reason))?;
            let public = public_url(&url);
            endpoints.push(Endpoint::new(http.clone(), url, public, &config));
        }
        if endpoints.is_empty() {
            return Err(bad_url("", "no URL is given".to_owned()));
        }
        Ok(Self { endpoints: Arc::new(endpoints) })
    }

    /// Asks each endpoint what it is, and for the blobs of a block, whether it has any or not.
    /// `timestamp` is the block's, seconds.
    pub async fn describe(&self, block: BlockRef, timestamp: u64) -> Vec<SourceInfo> {
        let mut found = Vec::with_capacity(self.endpoints.len());
        for endpoint in self.endpoints.iter() {
            found.push(endpoint.describe(block, timestamp).await);
        }
        found
    }

    /// The blobs with the given versioned hashes, in the order of the hashes, each checked against
    /// its hash. `timestamp` is the block's, seconds. `commitments` are what somebody says the blobs
    /// have, in any order, or none: two or more blobs whose commitments are known are checked as fast
    /// as one, and false ones cost time and no more.
    ///
    /// # Errors
    /// [`BlobError::Missing`] if the endpoints answer without all of them,
    /// [`BlobError::Unreachable`] if none answers.
    pub async fn blobs(
        &self,
        block: BlockRef,
        timestamp: u64,
        hashes: &[B256],
        commitments: &[Bytes48],
    ) -> Result<Vec<Blob>, BlobError> {
        let mut found: HashMap<B256, Blob> = HashMap::with_capacity(hashes.len());
        let mut said = Vec::new();
        let mut answered = false;
        for endpoint in self.endpoints.iter() {
            let wanted = missing(hashes, &found);
            if wanted.is_empty() {
                break;
            }
            match endpoint.fetch(block, timestamp, &wanted).await {
                Ok(blobs) => {
                    answered = true;
                    let came = blobs.len();
                    let matching = verify::matching(blobs, &wanted, commitments).await;
                    said.push(format!("{} ({})", endpoint.url(), counted(came, matching.len())));
                    found.extend(matching);
                }
                Err(reason) => {
                    answered |= reason.answered;
                    said.push(format!("{} ({})", endpoint.url(), reason.text));
                }
            }
        }
        let missing = missing(hashes, &found);
        if missing.is_empty() {
            // Every hash has its blob, by the check above.
            return Ok(hashes.iter().filter_map(|hash| found.get(hash).copied()).collect());
        }
        let sources = said.join(", ");
        if answered {
            return Err(BlobError::Missing { block, hashes: missing, sources });
        }
        let url = self.endpoints.iter().map(Endpoint::url).collect::<Vec<_>>().join(", ");
        Err(BlobError::Unreachable { url, reason: sources })
    }
}

/// How many blobs came, and how many of them have a hash that was asked for: one that was altered
/// has another.
fn counted(came: usize, wanted: usize) -> String {
    match (came, wanted) {
        (0, _) => "none came".to_owned(),
        (_, 0) => format!("{came} came, none of them wanted"),
        _ => format!("{came} came, {wanted} of them wanted"),
    }
}

/// The hashes without a blob, each once.
fn missing(hashes: &[B256], found: &HashMap<B256, Blob>) -> Vec<B256> {
    let mut wanted: Vec<B256> = Vec::new();
    for hash in hashes {
        if !found.contains_key(hash) && !wanted.contains(hash) {
            wanted.push(*hash);
        }
    }
    wanted
}

#[cfg(test)]
mod tests;
