//! The first broadcast of a request: gas, fees, funds, nonce, journal, and then the wire.

use super::{
    Reply, SendError, TX_GAS_CAP, TxRequest, TxSenderTask,
    build::{self, Frame, Sidecar},
    fees::Fees,
    flight::{Flight, Mined},
    journal::{Attempt, Entry},
    refusal::Refusal,
};
use crate::{
    client::{FeeInfo, L1Error},
    types::BlockRef,
};
use alloy::{
    eips::BlockId,
    primitives::{B256, Bytes, TxKind, U256},
    rpc::types::TransactionReceipt,
};
use std::sync::Arc;
use tokio::time::Instant;

/// A request that has no nonce yet.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) request: Arc<TxRequest>,
    /// Taken when the request has become a flight.
    pub(super) reply: Option<Reply>,
    /// Kept over attempts to launch: it is dear.
    pub(super) sidecar: Option<Sidecar>,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Launch {
    /// It is in flight, or joined an earlier one.
    Done,
    /// It has to wait, for this reason.
    Hold(String),
}

/// What a node made of signed bytes.
#[derive(Debug)]
pub(super) enum Offer {
    Taken,
    NotNow(String),
    Underpriced,
    NonceTooLow,
    NoFunds(String),
    Final(String),
}

/// How often a nonce is chosen anew when the chain is past it.
const NONCE_ATTEMPTS: u32 = 4;

impl TxSenderTask {
    /// Sends a request for the first time.
    pub(super) async fn launch(&mut self, queued: &mut Queued) -> Result<Launch, SendError> {
        if self.join_earlier(queued).await? {
            return Ok(Launch::Done);
        }
        let request = queued.request.clone();
        if self.is_torn(request.row) {
            return Err(SendError::Torn);
        }
        match &request.blobs {
            Some(blobs) if blobs.is_empty() => return Err(SendError::NoBlobs("the list is empty")),
            Some(_) if request.to == TxKind::Create => return Err(SendError::BlobsNeedReceiver),
            Some(_) if request.rests_on.is_some() => {
                return Err(SendError::NoBlobs(
                    "a request that rests on a block cannot carry them",
                ));
            }
            _ => {}
        }
        if let Some(block) = request.rests_on {
            let head = self.client.latest().await?.number;
            if !self.stands(block, head).await? {
                return Err(SendError::Orphaned { block });
            }
        }
        // Pools keep blob transactions apart and take only one kind of an account at a time.
        let other_kind = |flight: &Flight| {
            flight.mined.is_none() && flight.request.blobs.is_some() != request.blobs.is_some()
        };
        if self.flights.values().any(other_kind) {
            let reason = "transactions with blobs and without do not wait in pools together";
            return Ok(Launch::Hold(reason.to_owned()));
        }
        let market = self.client.fee_info().await?;
        if queued.sidecar.is_none() {
            queued.sidecar = build::sidecar(request.clone()).await?;
        }
        let fees = self.market_fees(&request, &market)?;
        let gas_limit = self.gas_limit(&request, &fees, queued.sidecar.as_ref()).await?;
        self.check_funds(&request, gas_limit, &fees).await?;

        for _ in 0..NONCE_ATTEMPTS {
            let nonce = self.next_nonce;
            let frame = Frame { chain_id: self.chain_id, nonce, gas_limit, request: &request };
            let (hash, raw) = build::sign(&self.signer, frame, &fees, queued.sidecar.as_ref())?;
            let now = Instant::now();
            let entry = Entry {
                chain_id: self.chain_id,
                from: self.address,
                nonce,
                gas_limit,
                request: request.as_ref().clone(),
                attempts: vec![Attempt { fees, hash }],
                former: Vec::new(),
            };
            self.journal.put(&entry).await?;
            let offer = self.offer(raw).await;
            self.journal.point("sender.after_offer")?;
            let accepted = match &offer {
                Ok(Offer::NonceTooLow) => {
                    self.journal.remove(nonce).await?;
                    let next = self.client.nonce(self.address, BlockId::latest()).await?;
                    self.next_nonce = next.max(nonce.saturating_add(1));
                    continue;
                }
                Ok(Offer::NoFunds(message)) => {
                    self.journal.remove(nonce).await?;
                    self.check_funds(&request, gas_limit, &fees).await?;
                    return Err(SendError::Rejected { message: message.clone() });
                }
                Ok(Offer::Final(message)) => {
                    self.journal.remove(nonce).await?;
                    return Err(SendError::Rejected { message: message.clone() });
                }
                Ok(Offer::Taken) => true,
                // Whether it arrived is not known; it will be offered again.
                Ok(Offer::NotNow(_) | Offer::Underpriced) | Err(_) => false,
            };
            self.meters.sent.increment(1);
            tracing::debug!(nonce, %hash, gas_limit, accepted, "sent an L1 transaction");
            let mut flight = Flight {
                accepted,
                sidecar: queued.sidecar.take(),
                checked_at: now,
                replies: queued.reply.take().into_iter().collect(),
                ..Flight::unoffered(entry, now)
            };
            match offer {
                Ok(Offer::NotNow(reason)) => flight.complain(&reason),
                Ok(Offer::Underpriced) => {
                    flight.complain("another transaction with this nonce is in the pool");
                }
                Err(error) => flight.complain(&error.to_string()),
                Ok(_) => {}
            }
            self.flights.insert(nonce, flight);
            self.next_nonce = nonce.saturating_add(1);
            return Ok(Launch::Done);
        }
        Err(SendError::NonceTaken { address: self.address, nonce: self.next_nonce })
    }

    /// Whether a request with the same key was sent before; then the reply comes from that one.
    async fn join_earlier(&mut self, queued: &mut Queued) -> Result<bool, SendError> {
        let Some(key) = queued.request.key else { return Ok(false) };
        if let Some(flight) =
            self.flights.values_mut().find(|flight| flight.request.key == Some(key))
        {
            flight.replies.extend(queued.reply.take());
            return Ok(true);
        }
        let Some(hash) = self.journal.settled(key) else { return Ok(false) };
        let Some(mined) = self.find_mined(&[hash]).await? else { return Ok(false) };
        if let Some(reply) = queued.reply.take() {
            // Nobody waits any more: that is the waiter's choice.
            let _ = reply.send(Flight::outcome(&mined));
        }
        Ok(true)
    }

    /// The first of the given transactions that is mined.
    pub(super) async fn find_mined(&self, hashes: &[B256]) -> Result<Option<Mined>, L1Error> {
        for hash in hashes {
            if let Some(receipt) = self.client.receipt(*hash).await? {
                return Ok(Some(Mined { block: block_of(&receipt), receipt }));
            }
        }
        Ok(None)
    }

    pub(super) fn market_fees(
        &self,
        request: &TxRequest,
        market: &FeeInfo,
    ) -> Result<Fees, SendError> {
        let blob_base_fee = match (&request.blobs, market.blob_base_fee) {
            (Some(_), None) => return Err(SendError::NoBlobs("this chain has none")),
            (Some(_), fee) => fee,
            (None, _) => None,
        };
        Ok(Fees::suggest(market, blob_base_fee, &self.config.fees))
    }

    async fn gas_limit(
        &self,
        request: &TxRequest,
        fees: &Fees,
        sidecar: Option<&Sidecar>,
    ) -> Result<u64, SendError> {
        if let Some(gas) = request.gas_limit {
            return if gas <= TX_GAS_CAP { Ok(gas) } else { Err(SendError::GasCap { gas }) };
        }
        let question = build::estimate_request(self.address, request, fees, sidecar);
        let gas = match self.client.estimate_gas(question).await {
            Ok(gas) => gas,
            Err(L1Error::Rpc { message, data, .. })
                if data.is_some() || message.to_ascii_lowercase().contains("revert") =>
            {
                return Err(SendError::WouldRevert { message, data });
            }
            Err(L1Error::Rpc { message, .. })
                if Refusal::read(&message) == Refusal::InsufficientFunds =>
            {
                self.check_funds(request, TX_GAS_CAP, fees).await?;
                return Err(SendError::Rejected { message });
            }
            Err(error @ L1Error::Rpc { .. }) if !error.is_retryable() => {
                return Err(SendError::Rejected { message: error.to_string() });
            }
            Err(error) => return Err(error.into()),
        };
        if gas > TX_GAS_CAP {
            return Err(SendError::GasCap { gas });
        }
        // The state may change a little before the transaction runs.
        Ok(gas.saturating_add(gas / 5).min(TX_GAS_CAP))
    }

    async fn check_funds(
        &self,
        request: &TxRequest,
        gas_limit: u64,
        fees: &Fees,
    ) -> Result<(), SendError> {
        let has = self.client.balance(self.address, BlockId::latest()).await?;
        let blobs = request.blobs.as_ref().map_or(0, Vec::len);
        let own = fees.cost(gas_limit, blobs, request.value).unwrap_or(U256::MAX);
        let needs = self
            .flights
            .values()
            .filter(|flight| flight.mined.is_none())
            .fold(own, |sum, flight| sum.saturating_add(flight.cost()));
        if has < needs {
            return Err(SendError::InsufficientFunds { address: self.address, has, needs });
        }
        Ok(())
    }

    /// Hands signed bytes to the node. An error means that nobody knows whether it has them.
    pub(super) async fn offer(&self, raw: Bytes) -> Result<Offer, L1Error> {
        match self.client.send_raw(raw).await {
            Ok(_) => Ok(Offer::Taken),
            Err(L1Error::Rpc { message, .. }) => Ok(match Refusal::read(&message) {
                Refusal::AlreadyKnown => Offer::Taken,
                Refusal::NonceTooLow => Offer::NonceTooLow,
                Refusal::ReplacementUnderpriced => Offer::Underpriced,
                Refusal::InsufficientFunds => Offer::NoFunds(message),
                Refusal::NotNow => Offer::NotNow(message),
                Refusal::Final => Offer::Final(message),
            }),
            Err(error) => Err(error),
        }
    }
}

/// The block of a receipt; the client lets no receipt without one through.
fn block_of(receipt: &TransactionReceipt) -> BlockRef {
    BlockRef {
        number: receipt.block_number.unwrap_or_default(),
        hash: receipt.block_hash.unwrap_or_default(),
    }
}
