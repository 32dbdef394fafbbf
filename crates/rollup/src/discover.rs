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

/// L1 blocks that one question covers.
const RANGE: u64 = 50_000;

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
    let (mut from, mut range) = (0, RANGE);
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
            Ok(logs) => found.extend(logs),
            // Nodes bound the range, each at its own number.
            Err(error) if !error.is_retryable() && range > 100 => {
                range /= 4;
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
