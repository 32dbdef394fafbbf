//! What the sender does for transactions that wait: asking whether they are still known, offering
//! them again, replacing them, and keeping the row of nonces without gaps.

use super::{
    SendError, TxRequest, TxSenderTask,
    build::{self, Frame},
    fees::Fees,
    flight::{Flight, Upkeep},
    journal::{Attempt, Entry},
    launch::Offer,
};
use crate::client::FeeInfo;
use alloy::{eips::BlockId, primitives::B256};
use tokio::time::Instant;

/// Gas of the empty transaction that takes a nonce which nothing else needs.
const FILLER_GAS: u64 = 21_000;
/// How many nonces of a gap are filled at once.
const FILLERS: u64 = 16;

impl TxSenderTask {
    pub(super) async fn keep_up(
        &mut self,
        next: u64,
        head: u64,
        market: &FeeInfo,
    ) -> Result<(), SendError> {
        let now = Instant::now();
        let work: Vec<(u64, Upkeep)> = self
            .flights
            .range(next..)
            .filter(|(_, flight)| flight.mined.is_none())
            .map(|(nonce, flight)| (*nonce, flight.upkeep(now, next, head, market, &self.config)))
            .collect();
        for (nonce, upkeep) in work {
            match upkeep {
                Upkeep::Nothing => {}
                Upkeep::Check => self.check(nonce, market, head).await?,
                Upkeep::Broadcast => self.broadcast(nonce, market, head).await?,
                Upkeep::Replace => self.replace(nonce, market, head).await?,
            }
        }
        Ok(())
    }

    async fn check(&mut self, nonce: u64, market: &FeeInfo, head: u64) -> Result<(), SendError> {
        let Some(flight) = self.flights.get(&nonce) else { return Ok(()) };
        if self.client.knows_transaction(flight.last().hash).await? {
            if let Some(flight) = self.flights.get_mut(&nonce) {
                flight.checked_at = Instant::now();
            }
            return Ok(());
        }
        tracing::warn!(nonce, hash = %flight.last().hash, "L1 dropped a transaction: sending it again");
        self.broadcast(nonce, market, head).await
    }

    /// Hands the newest attempt to the node again.
    async fn broadcast(
        &mut self,
        nonce: u64,
        market: &FeeInfo,
        head: u64,
    ) -> Result<(), SendError> {
        self.ensure_sidecar(nonce).await?;
        let Some(flight) = self.flights.get(&nonce) else { return Ok(()) };
        let frame = self.frame(flight);
        let (_, raw) =
            build::sign(&self.signer, frame, &flight.last().fees, flight.sidecar.as_ref())?;
        let offer = self.offer(raw).await?;
        let Some(flight) = self.flights.get_mut(&nonce) else { return Ok(()) };
        flight.checked_at = Instant::now();
        match offer {
            Offer::Taken => {
                flight.accepted = true;
                flight.sent_head = flight.sent_head.max(head);
            }
            // Mined in the meantime: the next look finds it.
            Offer::NonceTooLow => {}
            Offer::Underpriced => {
                flight.accepted = false;
                return self.replace(nonce, market, head).await;
            }
            Offer::NotNow(reason) | Offer::NoFunds(reason) | Offer::Final(reason) => {
                flight.accepted = false;
                flight.complain(&reason);
            }
        }
        Ok(())
    }

    /// Makes and sends an attempt with higher fees.
    async fn replace(&mut self, nonce: u64, market: &FeeInfo, head: u64) -> Result<(), SendError> {
        self.ensure_sidecar(nonce).await?;
        let Some(flight) = self.flights.get(&nonce) else { return Ok(()) };
        let old = flight.last();
        let fresh = self.market_fees(&flight.request, market)?;
        let Some(fees) = old.fees.bumped(&fresh, &self.config.fees) else {
            let Some(flight) = self.flights.get_mut(&nonce) else { return Ok(()) };
            flight.complain("it would need higher fees than the limits allow");
            flight.sent_at = Instant::now();
            flight.sent_head = head;
            return Ok(());
        };
        let (hash, raw) =
            build::sign(&self.signer, self.frame(flight), &fees, flight.sidecar.as_ref())?;
        let mut entry = flight.entry(self.chain_id, self.address);
        entry.attempts.push(Attempt { fees, hash });
        self.journal.put(&entry).await?;
        let Some(flight) = self.flights.get_mut(&nonce) else { return Ok(()) };
        let now = Instant::now();
        flight.attempts = entry.attempts;
        (flight.sent_at, flight.sent_head, flight.checked_at) = (now, head, now);
        self.meters.replaced.increment(1);
        tracing::info!(nonce, old = %old.hash, new = %hash, max_fee = fees.max_fee, "replacing an L1 transaction");
        let offer = self.offer(raw).await?;
        let Some(flight) = self.flights.get_mut(&nonce) else { return Ok(()) };
        match offer {
            Offer::Taken => flight.accepted = true,
            Offer::NonceTooLow => {}
            Offer::Underpriced => flight.accepted = false,
            Offer::NotNow(reason) => {
                flight.accepted = false;
                flight.complain(&reason);
            }
            Offer::NoFunds(reason) | Offer::Final(reason) => {
                // The old attempt stays the one that counts.
                flight.attempts.pop();
                flight.complain(&reason);
                let entry = flight.entry(self.chain_id, self.address);
                self.journal.put(&entry).await?;
            }
        }
        Ok(())
    }

    /// If nobody has a transaction for the nonce that the chain waits for, those behind it would
    /// wait for ever: empty transactions take the nonces in between.
    pub(super) async fn fill_gap(&mut self, next: u64, market: &FeeInfo) -> Result<(), SendError> {
        let first = self.flights.range(next..).next().map(|(nonce, _)| *nonce);
        let Some(first) = first.filter(|first| *first > next) else { return Ok(()) };
        if self.client.nonce(self.address, BlockId::pending()).await? > next {
            return Ok(());
        }
        tracing::warn!(from = next, to = first, account = %self.address, "filling a gap of nonces on L1");
        let fees = self.market_fees(&self.filler(), market)?;
        for nonce in next..first.min(next.saturating_add(FILLERS)) {
            let filler = self.put_filler(nonce, fees, Vec::new()).await?;
            self.flights.insert(nonce, filler);
        }
        Ok(())
    }

    /// The transaction that takes a nonce and does nothing else.
    pub(super) fn filler(&self) -> TxRequest {
        TxRequest { to: self.address.into(), ..Default::default() }
    }

    /// Signs a filler of `nonce` and writes it down; `former` are the hashes that the nonce had.
    pub(super) async fn put_filler(
        &mut self,
        nonce: u64,
        fees: Fees,
        former: Vec<B256>,
    ) -> Result<Flight, SendError> {
        let request = self.filler();
        let frame =
            Frame { chain_id: self.chain_id, nonce, gas_limit: FILLER_GAS, request: &request };
        let (hash, _) = build::sign(&self.signer, frame, &fees, None)?;
        let entry = Entry {
            chain_id: self.chain_id,
            from: self.address,
            nonce,
            gas_limit: FILLER_GAS,
            request,
            attempts: vec![Attempt { fees, hash }],
            former,
        };
        self.journal.put(&entry).await?;
        Ok(Flight::unoffered(entry, Instant::now()))
    }

    /// With nothing waiting, the next nonce is the chain's: ahead of it if the key was used
    /// elsewhere, behind it if a reorganisation took more than is watched.
    pub(super) async fn take_back(&mut self, next: u64) -> Result<(), SendError> {
        if next == self.next_nonce {
            return Ok(());
        }
        let pending = self.client.nonce(self.address, BlockId::pending()).await?;
        let ours = self.flights.keys().next_back().map_or(0, |last| last.saturating_add(1));
        let nonce = next.max(pending).max(ours);
        if nonce != self.next_nonce {
            tracing::warn!(from = self.next_nonce, to = nonce, account = %self.address, "the next nonce on L1 has moved");
            self.next_nonce = nonce;
        }
        Ok(())
    }

    async fn ensure_sidecar(&mut self, nonce: u64) -> Result<(), SendError> {
        let Some(flight) = self.flights.get_mut(&nonce) else { return Ok(()) };
        if flight.sidecar.is_none() && flight.request.blobs.is_some() {
            flight.sidecar = build::sidecar(flight.request.clone()).await?;
        }
        Ok(())
    }

    fn frame<'a>(&self, flight: &'a Flight) -> Frame<'a> {
        Frame {
            chain_id: self.chain_id,
            nonce: flight.nonce,
            gas_limit: flight.gas_limit,
            request: &flight.request,
        }
    }
}
