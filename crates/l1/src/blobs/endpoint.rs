//! One endpoint of the beacon API. Beacon nodes name blocks by slot; devnets that serve blobs
//! beside their RPC (Anvil, the embedded Layer 1) name them by block hash. Which of the two an
//! endpoint is, is asked once.

use super::{BlobSourceConfig, SourceInfo};
use crate::{
    http::{BodyError, bounded_body, root_cause, shorten},
    types::BlockRef,
};
use alloy::{
    eips::eip4844::Blob,
    primitives::{B256, hex},
};
use reqwest::{Client, StatusCode, Url};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt, time::Duration};
use tokio::sync::OnceCell;

/// How an endpoint names blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// By slot; both in milliseconds since 1970.
    Slot { genesis_ms: u64, slot_ms: u64 },
    /// By execution block hash.
    BlockHash,
}

impl Naming {
    /// The `{block_id}` of a block, or why it cannot have one.
    pub(super) fn id(self, block: BlockRef, timestamp: u64) -> Result<String, String> {
        match self {
            Self::BlockHash => Ok(block.hash.to_string()),
            Self::Slot { genesis_ms, slot_ms } => timestamp
                .checked_mul(1000)
                .and_then(|time| time.checked_sub(genesis_ms))
                .and_then(|since| since.checked_div(slot_ms))
                .map(|slot| slot.to_string())
                .ok_or_else(|| {
                    format!("block {} is older than the beacon chain: is this the beacon node of another chain?", block.number)
                }),
        }
    }
}

/// Why an endpoint gave no blobs.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) text: String,
    /// It did answer; it just has not got them.
    pub(super) answered: bool,
}

impl Refusal {
    fn silent(text: impl Into<String>) -> Self {
        Self { text: text.into(), answered: false }
    }

    fn answered(text: impl Into<String>) -> Self {
        Self { text: text.into(), answered: true }
    }
}

#[derive(Debug)]
pub(super) struct Endpoint {
    http: Client,
    base: Url,
    public: String,
    naming: OnceCell<Naming>,
    attempts: u32,
    backoff: Duration,
    max_response_bytes: usize,
}

impl Endpoint {
    pub(super) fn new(http: Client, base: Url, public: String, config: &BlobSourceConfig) -> Self {
        Self {
            http,
            base,
            public,
            naming: OnceCell::new(),
            attempts: config.attempts.max(1),
            backoff: config.backoff,
            max_response_bytes: config.max_response_bytes,
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.public
    }

    /// The blobs the endpoint has for the hashes: unverified, in any order, perhaps too many.
    pub(super) async fn fetch(
        &self,
        block: BlockRef,
        timestamp: u64,
        hashes: &[B256],
    ) -> Result<Vec<Blob>, Refusal> {
        let naming = *self.naming.get_or_try_init(|| self.probe()).await?;
        let id = naming.id(block, timestamp).map_err(Refusal::answered)?;
        let path = format!("eth/v1/beacon/blobs/{id}");
        // Devnets disagree on how a list is written in a query, and their blocks are small.
        let query: Vec<_> = match naming {
            Naming::Slot { .. } => hashes.iter().map(B256::to_string).collect(),
            Naming::BlockHash => Vec::new(),
        };
        let body = match self.get(&path, &query).await? {
            (StatusCode::OK, body) => body,
            // Some servers do not know the filter; then all blobs of the block are read.
            (StatusCode::BAD_REQUEST, _) => match self.get(&path, &[]).await? {
                (StatusCode::OK, body) => body,
                (status, body) => return Err(refused(status, &body)),
            },
            (status, body) => return Err(refused(status, &body)),
        };
        parse_blobs(&body).map_err(Refusal::answered)
    }

    /// What it is, and what it has of a block.
    pub(super) async fn describe(&self, block: BlockRef, timestamp: u64) -> SourceInfo {
        let blobs = self.fetch(block, timestamp, &[]).await;
        let beacon = matches!(self.naming.get(), Some(Naming::Slot { .. }));
        let (mut version, mut syncing) = (None, false);
        if beacon {
            version = self.ask("eth/v1/node/version", "/data/version").await;
            let says = self.ask("eth/v1/node/syncing", "/data/is_syncing").await;
            syncing = says.is_some_and(|says| says == "true");
        }
        let blobs = blobs.map(|blobs| blobs.len()).map_err(|refusal| refusal.text);
        SourceInfo { url: self.public.clone(), version, beacon, syncing, blobs }
    }

    /// A value that an endpoint may have, as text.
    async fn ask(&self, path: &str, pointer: &str) -> Option<String> {
        let (StatusCode::OK, body) = self.get(path, &[]).await.ok()? else { return None };
        let answer: serde_json::Value = serde_json::from_slice(&body).ok()?;
        match answer.pointer(pointer)? {
            serde_json::Value::String(text) => Some(shorten(text)),
            other => Some(other.to_string()),
        }
    }

    async fn probe(&self) -> Result<Naming, Refusal> {
        let spec = match self.get("eth/v1/config/spec", &[]).await? {
            (StatusCode::OK, body) => body,
            (
                StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::NOT_IMPLEMENTED
                | StatusCode::GONE
                | StatusCode::BAD_REQUEST,
                _,
            ) => return Ok(Naming::BlockHash),
            (status, body) => return Err(refused(status, &body)),
        };
        let slot_ms = parse_slot_ms(&spec).map_err(Refusal::answered)?;
        let genesis = match self.get("eth/v1/beacon/genesis", &[]).await? {
            (StatusCode::OK, body) => body,
            (status, body) => return Err(refused(status, &body)),
        };
        let genesis_ms = parse_genesis_ms(&genesis).map_err(Refusal::answered)?;
        Ok(Naming::Slot { genesis_ms, slot_ms })
    }

    /// Status and bounded body; asked again while there is no usable status.
    async fn get(&self, path: &str, hashes: &[String]) -> Result<(StatusCode, Vec<u8>), Refusal> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Refusal::silent("not a base URL"))?
            .pop_if_empty()
            .extend(path.split('/'));
        if !hashes.is_empty() {
            url.query_pairs_mut()
                .extend_pairs(hashes.iter().map(|hash| ("versioned_hashes", hash)));
        }
        let mut pause = self.backoff;
        let mut attempt = 1;
        loop {
            let refusal = match self.exchange(url.clone()).await {
                Ok((status, body)) if is_busy(status) => refused(status, &body),
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            if attempt >= self.attempts || refusal.answered {
                return Err(refusal);
            }
            tracing::debug!(url = self.public, reason = refusal.text, "asking for blobs again");
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            attempt += 1;
        }
    }

    async fn exchange(&self, url: Url) -> Result<(StatusCode, Vec<u8>), Refusal> {
        let answer = self.http.get(url).header("accept", "application/json").send().await;
        let response = answer.map_err(|error| Refusal::silent(root_cause(&error.without_url())))?;
        let status = response.status();
        match bounded_body(response, self.max_response_bytes).await {
            Ok(body) => Ok((status, body)),
            Err(error @ BodyError::TooLarge { .. }) => Err(Refusal::answered(error.to_string())),
            Err(error) => Err(Refusal::silent(error.to_string())),
        }
    }
}

fn is_busy(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}

fn refused(status: StatusCode, body: &[u8]) -> Refusal {
    let text = String::from_utf8_lossy(&body[..body.len().min(512)]);
    let text = shorten(&format!("HTTP {} {}", status.as_u16(), text.trim()));
    Refusal { text: text.trim().to_owned(), answered: !is_busy(status) }
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

pub(super) fn parse_blobs(body: &[u8]) -> Result<Vec<Blob>, String> {
    serde_json::from_slice::<Data<Blobs>>(body)
        .map(|answer| answer.data.0)
        .map_err(|error| format!("not a list of blobs: {error}"))
}

/// Decoded as they come, so that the first that is none ends it: a list of empty ones, of three bytes
/// each, would take all memory.
struct Blobs(Vec<Blob>);

impl<'de> Deserialize<'de> for Blobs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Hex<'a>(#[serde(borrow)] Cow<'a, str>);

        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Blobs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("blobs")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Blobs, A::Error> {
                let mut blobs = Vec::new();
                while let Some(Hex(text)) = list.next_element()? {
                    let mut blob = Blob::ZERO;
                    hex::decode_to_slice(text.as_ref(), blob.as_mut_slice())
                        .map_err(A::Error::custom)?;
                    blobs.push(blob);
                }
                Ok(Blobs(blobs))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

pub(super) fn parse_slot_ms(body: &[u8]) -> Result<u64, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    struct Spec {
        slot_duration_ms: Option<String>,
        seconds_per_slot: Option<String>,
    }
    let spec: Data<Spec> =
        serde_json::from_slice(body).map_err(|error| format!("not a beacon spec: {error}"))?;
    let slot = match (&spec.data.slot_duration_ms, &spec.data.seconds_per_slot) {
        (Some(ms), _) => ms.parse().ok(),
        (None, Some(s)) => s.parse::<u64>().ok().and_then(|s| s.checked_mul(1000)),
        (None, None) => None,
    };
    slot.filter(|ms| *ms > 0).ok_or_else(|| "a beacon spec without the time of a slot".to_owned())
}

pub(super) fn parse_genesis_ms(body: &[u8]) -> Result<u64, String> {
    #[derive(Deserialize)]
    struct Genesis {
        genesis_time: String,
    }
    let genesis: Data<Genesis> =
        serde_json::from_slice(body).map_err(|error| format!("not a beacon genesis: {error}"))?;
    let seconds: Option<u64> = genesis.data.genesis_time.parse().ok();
    seconds
        .and_then(|s| s.checked_mul(1000))
        .ok_or_else(|| "a beacon genesis without a time".to_owned())
}
