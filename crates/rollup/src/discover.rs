//! Finding a chain: its inbox has announced it on L1 with everything that a verifier needs.

use alloy::{
    eips::BlockNumberOrTag,
    primitives::Address,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use mezz_contracts::bindings::IInbox;
use mezz_derivation::{RollupConfig, config::ConfigError};
use mezz_l1::{L1Client, L1Error};
use std::time::Duration;

/// L1 blocks that one question covers.
const RANGE: u64 = 50_000;
/// L1 blocks below which a question is not cut.
const SMALLEST: u64 = 10;
/// How often in a row a question is asked again, beyond what the client does by itself.
const ATTEMPTS: u32 = 4;
/// Pause before it is asked again; longer each time.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 5 } else { 500 });

/// Why no chain was found.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// L1 does not answer.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// No chain.
    #[error(
        "no chain is announced on the L1 at {url}; deploy one with `mezz deploy`, or start `mezz up` there"
    )]
    None {
        /// The L1.
        url: String,
    },
    /// No chain at the address.
    #[error("the contract {inbox} has announced no chain on the L1 at {url}; is it the inbox?")]
    NotAnInbox {
        /// The address.
        inbox: Address,
        /// The L1.
        url: String,
    },
    /// Several chains.
    #[error("several chains are announced on this L1: name the inbox of one with --inbox: {}", list(.0))]
    Several(Vec<Address>),
    /// The announcement cannot be used.
    #[error("the chain of inbox {inbox} cannot be used: {source}")]
    Config {
        /// The inbox.
        inbox: Address,
        /// Why.
        source: ConfigError,
    },
    /// The announcement contradicts where it was made.
    #[error("the chain of inbox {inbox} cannot be used: it announces {what}")]
    Contradiction {
        /// The inbox.
        inbox: Address,
        /// What.
        what: String,
    },
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(Address::to_string).collect::<Vec<_>>().join(", ")
}

/// Finds the chain of `inbox`, or the only chain on L1.
///
/// # Errors
/// Any [`DiscoverError`].
pub async fn discover(
    l1: &L1Client,
    inbox: Option<Address>,
) -> Result<RollupConfig, DiscoverError> {
    let url = || l1.url().to_owned();
    let found = announcements(l1, inbox).await?;
    let log = match (found.as_slice(), inbox) {
        ([log], _) => log,
        ([], None) => return Err(DiscoverError::None { url: url() }),
        ([], Some(inbox)) => return Err(DiscoverError::NotAnInbox { inbox, url: url() }),
        (several, _) => {
            let inboxes = several.iter().map(|log| log.address()).collect();
            return Err(DiscoverError::Several(inboxes));
        }
    };
    let inbox = log.address();
    let contradiction = |what: String| DiscoverError::Contradiction { inbox, what };
    let event = IInbox::RollupCreated::decode_log(&log.inner)
        .map_err(|_| contradiction("something unreadable".to_owned()))?;
    let config = RollupConfig::from_json(&event.data.config)
        .map_err(|source| DiscoverError::Config { inbox, source })?;
    if config.contracts.inbox != inbox {
        return Err(contradiction(format!("another inbox, {}", config.contracts.inbox)));
    }
    let chain_id = l1.chain_id().await?;
    if config.l1_chain_id != chain_id {
        let announced = config.l1_chain_id;
        return Err(contradiction(format!("L1 chain id {announced}, this L1 has {chain_id}")));
    }
    Ok(config)
}

/// All announcements on L1, or those of one contract. An inbox announces once, in its creation.
async fn announcements(l1: &L1Client, inbox: Option<Address>) -> Result<Vec<Log>, L1Error> {
    let head = l1.header(BlockNumberOrTag::Latest).await?.number;
    let mut found = Vec::new();
    let (mut from, mut range, mut failures) = (0, RANGE, 0);
    while from <= head {
        let to = head.min(from.saturating_add(range - 1));
        let mut filter = Filter::new()
            .from_block(from)
            .to_block(to)
            .event_signature(IInbox::RollupCreated::SIGNATURE_HASH);
        if let Some(inbox) = inbox {
            filter = filter.address(inbox);
        }
        match l1.request::<_, Vec<Log>>("eth_getLogs", (filter,)).await {
            Ok(logs) => {
                failures = 0;
                found.extend(logs);
            }
            // Nodes bound the range, each at its own number, and say so in words and codes that
            // others use for "busy": whatever a node answers, less may be granted.
            Err(L1Error::Rpc { .. } | L1Error::Timeout { .. }) if range > SMALLEST => {
                range = (range / 4).max(SMALLEST);
                continue;
            }
            Err(error) if error.is_retryable() && failures < ATTEMPTS => {
                failures += 1;
                tokio::time::sleep(PAUSE * failures).await;
                continue;
            }
            Err(error) => return Err(error),
        }
        if inbox.is_some() && !found.is_empty() {
            break;
        }
        from = to + 1;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::Bytes;
    use mezz_l1::L1ClientConfig;
    use serde_json::{Value, json};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    const HEAD: u64 = 20_000;
    /// The most blocks that the node answers for.
    const MOST: u64 = 1_000;

    /// An L1 that refuses wide ranges with `refusal`, and drops the first `drops` connections.
    async fn node(refusal: Value, drops: usize) -> (L1Client, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (refusal, count) = (refusal.clone(), count.clone());
                let mut request = vec![0; 8_192];
                let Ok(length) = socket.read(&mut request).await else { continue };
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
                let Ok(question) = serde_json::from_str::<Value>(body) else { continue };
                if question["method"] == "eth_getLogs"
                    && count.fetch_add(1, Ordering::SeqCst) < drops
                {
                    continue;
                }
                let answer = answer(&question, &refusal).to_string();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        let config = L1ClientConfig { backoff: Duration::from_millis(1), ..Default::default() };
        (L1Client::with_config(&url, config).unwrap(), asked)
    }

    fn answer(question: &Value, refusal: &Value) -> Value {
        let id = &question["id"];
        if question["method"] != "eth_getLogs" {
            let header = alloy::consensus::Header { number: HEAD, ..Default::default() };
            let mut block = serde_json::to_value(&header).unwrap();
            block["hash"] = json!(header.hash_slow());
            return json!({"jsonrpc": "2.0", "id": id, "result": block});
        }
        let end = |name: &str| {
            let hex = question["params"][0][name].as_str().unwrap();
            u64::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap()
        };
        let (from, to) = (end("fromBlock"), end("toBlock"));
        if to - from >= MOST {
            return json!({"jsonrpc": "2.0", "id": id, "error": refusal});
        }
        let mut logs = Vec::new();
        if (from..=to).contains(&15_000) {
            let topics = vec![IInbox::RollupCreated::SIGNATURE_HASH];
            let address = Address::repeat_byte(9);
            let inner = alloy::primitives::Log::new_unchecked(address, topics, Bytes::new());
            logs.push(Log { inner, ..Log::default() });
        }
        json!({"jsonrpc": "2.0", "id": id, "result": logs})
    }

    #[tokio::test]
    async fn ranges_are_cut_whatever_the_refusal() {
        for (code, message) in [
            (-32005, "query returned more than 10000 results"),
            (-32000, "query timeout exceeded"),
            (-32602, "eth_getLogs is limited to a 1000 range"),
            (-32603, "internal error"),
        ] {
            let (l1, _) = node(json!({"code": code, "message": message}), 0).await;
            let found = announcements(&l1, None).await.unwrap();
            assert_eq!(found.len(), 1, "{message}");
        }
    }

    #[tokio::test]
    async fn broken_connections_are_made_again_a_few_times() {
        let refusal = json!({"code": -32005, "message": "limit exceeded"});
        // More than the client asks again by itself.
        let (l1, _) = node(refusal.clone(), 5).await;
        assert_eq!(announcements(&l1, None).await.unwrap().len(), 1);
        let (l1, asked) = node(refusal, usize::MAX).await;
        assert!(matches!(announcements(&l1, None).await, Err(L1Error::Unreachable { .. })));
        assert!(asked.load(Ordering::SeqCst) <= 20);
    }
}
