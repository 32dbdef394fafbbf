//! One transaction between its first broadcast and the day it can no longer disappear, and the
//! decision what to do about it. No I/O.

use super::{
    Reply, SendError, SenderConfig, TxRequest,
    build::Sidecar,
    journal::{Attempt, Entry},
};
use crate::{client::FeeInfo, types::BlockRef};
use alloy::{
    primitives::{Address, B256, U256},
    rpc::types::TransactionReceipt,
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// A mined form of a transaction.
#[derive(Clone, Debug)]
pub(super) struct Mined {
    pub(super) block: BlockRef,
    pub(super) receipt: TransactionReceipt,
}

#[derive(Debug)]
pub(super) struct Flight {
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    pub(super) request: Arc<TxRequest>,
    /// Newest last, never empty.
    pub(super) attempts: Vec<Attempt>,
    /// Older transactions with the nonce, of a request that was given up.
    pub(super) former: Vec<B256>,
    /// Computed when it is needed, dropped when mined.
    pub(super) sidecar: Option<Sidecar>,
    /// Whether a node has taken the newest attempt.
    pub(super) accepted: bool,
    pub(super) sent_at: Instant,
    /// The head when the newest attempt was sent; 0 until the next look at the chain.
    pub(super) sent_head: u64,
    pub(super) checked_at: Instant,
    pub(super) mined: Option<Mined>,
    /// Since when the nonce is used without any attempt being found mined.
    pub(super) lost_since: Option<Instant>,
    /// How often something about it was said in the log.
    pub(super) complaints: u32,
    pub(super) replies: Vec<Reply>,
}

/// What a waiting transaction needs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upkeep {
    Nothing,
    /// Ask the node whether it still has it.
    Check,
    /// Hand the newest attempt to the node again.
    Broadcast,
    /// Make an attempt with higher fees.
    Replace,
}

/// How soon a transaction that a node did not take is offered again.
const OFFER_AGAIN: Duration = Duration::from_secs(1);

impl Flight {
    pub(super) fn last(&self) -> Attempt {
        // The list starts with one attempt and only grows.
        self.attempts[self.attempts.len() - 1]
    }

    pub(super) fn entry(&self, chain_id: u64, from: Address) -> Entry {
        Entry {
            chain_id,
            from,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            request: self.request.as_ref().clone(),
            attempts: self.attempts.clone(),
            former: self.former.clone(),
        }
    }

    /// A transaction of which it is not known whether any node has it.
    pub(super) fn unoffered(entry: Entry, now: Instant) -> Self {
        Self {
            nonce: entry.nonce,
            gas_limit: entry.gas_limit,
            request: Arc::new(entry.request),
            attempts: entry.attempts,
            former: entry.former,
            sidecar: None,
            accepted: false,
            sent_at: now,
            sent_head: 0,
            checked_at: now.checked_sub(OFFER_AGAIN).unwrap_or(now),
            mined: None,
            lost_since: None,
            complaints: 0,
            replies: Vec::new(),
        }
    }

    /// The most it can still take from the account, wei.
    pub(super) fn cost(&self) -> U256 {
        let blobs = self.request.blobs.as_ref().map_or(0, Vec::len);
        self.last().fees.cost(self.gas_limit, blobs, self.request.value).unwrap_or(U256::MAX)
    }

    /// `next` is the first nonce the chain waits for, `head` its height.
    pub(super) fn upkeep(
        &self,
        now: Instant,
        next: u64,
        head: u64,
        market: &FeeInfo,
        config: &SenderConfig,
    ) -> Upkeep {
        let waited = now.saturating_duration_since(self.sent_at) >= config.replace_after;
        // A chain that makes no blocks has not passed it by.
        let passed_by = head >= self.sent_head.saturating_add(2);
        let priced_out = self.last().fees.priced_out(market);
        if waited && passed_by && (self.nonce == next || priced_out) {
            return Upkeep::Replace;
        }
        let since_check = now.saturating_duration_since(self.checked_at);
        if !self.accepted && since_check >= OFFER_AGAIN.min(config.rebroadcast_after) {
            return Upkeep::Broadcast;
        }
        if self.accepted && since_check >= config.rebroadcast_after {
            return Upkeep::Check;
        }
        Upkeep::Nothing
    }

    /// The receipt, or what it means.
    pub(super) fn outcome(mined: &Mined) -> Result<TransactionReceipt, SendError> {
        let receipt = mined.receipt.clone();
        if receipt.status() {
            return Ok(receipt);
        }
        Err(SendError::Reverted {
            hash: receipt.transaction_hash,
            block: mined.block,
            receipt: Box::new(receipt),
        })
    }

    pub(super) fn reply(&mut self, outcome: &Result<TransactionReceipt, SendError>) {
        for reply in self.replies.drain(..) {
            // Nobody waits any more: that is the waiter's choice.
            let _ = reply.send(outcome.clone());
        }
    }

    /// Says why it does not move: at once, and then ever more rarely.
    pub(super) fn complain(&mut self, reason: &str) {
        self.complaints = self.complaints.saturating_add(1);
        let complaints = self.complaints;
        if complaints == 1 || (complaints >= 8 && complaints.is_power_of_two()) {
            tracing::warn!(nonce = self.nonce, hash = %self.last().hash, "L1 transaction waits: {reason}");
        }
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = B256> + '_ {
        let attempts = self.attempts.iter().rev().map(|attempt| attempt.hash);
        attempts.chain(self.former.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fees::Fees, *};

    const MARKET: FeeInfo = FeeInfo { base_fee: 10, blob_base_fee: None, priority_fee: 1 };

    fn flight(now: Instant) -> Flight {
        let entry = Entry {
            chain_id: 1,
            from: Address::ZERO,
            nonce: 5,
            gas_limit: 21_000,
            request: TxRequest::default(),
            attempts: vec![Attempt {
                fees: Fees { max_fee: 20, priority_fee: 1, blob_fee: None },
                hash: B256::ZERO,
            }],
            former: Vec::new(),
        };
        Flight { accepted: true, sent_head: 100, checked_at: now, ..Flight::unoffered(entry, now) }
    }

    #[tokio::test]
    async fn replaced_only_after_time_and_blocks_have_passed() {
        let config = SenderConfig::default();
        let start = Instant::now();
        let flight = flight(start);
        let late = start + config.replace_after;
        let rush = FeeInfo { base_fee: 21, ..MARKET };
        assert_eq!(flight.upkeep(late, 5, 102, &MARKET, &config), Upkeep::Replace);
        assert_eq!(flight.upkeep(late, 5, 101, &MARKET, &config), Upkeep::Check, "no blocks");
        assert_eq!(flight.upkeep(late, 4, 102, &MARKET, &config), Upkeep::Check, "not its turn");
        assert_eq!(flight.upkeep(late, 4, 102, &rush, &config), Upkeep::Replace, "priced out");
        let early = start + config.rebroadcast_after;
        assert_eq!(flight.upkeep(early, 5, 102, &rush, &config), Upkeep::Check);
        assert_eq!(flight.upkeep(start, 5, 102, &rush, &config), Upkeep::Nothing);
    }

    #[tokio::test]
    async fn resumed_or_refused_transaction_is_offered_again() {
        let config = SenderConfig::default();
        let now = Instant::now();
        let mut flight = flight(now);
        flight.accepted = false;
        assert_eq!(flight.upkeep(now, 5, 100, &MARKET, &config), Upkeep::Nothing);
        assert_eq!(flight.upkeep(now + OFFER_AGAIN, 5, 100, &MARKET, &config), Upkeep::Broadcast);
        let resumed = Flight::unoffered(flight.entry(1, Address::ZERO), now + OFFER_AGAIN);
        assert_eq!(resumed.upkeep(now + OFFER_AGAIN, 5, 100, &MARKET, &config), Upkeep::Broadcast);
    }
}
