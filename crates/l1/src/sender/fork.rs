//! What holds on one branch of the Layer 1 only: requests that rest on a block are given up with
//! it, and on a chain other than the sender's own nothing is done at all.

use super::{SendError, TxSenderTask};
use crate::{
    client::{FeeInfo, L1Error},
    types::BlockRef,
};

/// How many blocks back a request may rest: contracts see the hashes of 256 blocks, and some pass
/// before it is mined.
const REACH: u64 = 250;

impl TxSenderTask {
    /// Refuses to work on a chain without the anchor.
    pub(super) async fn check_anchor(&self) -> Result<(), SendError> {
        let Some(block) = self.config.anchor else { return Ok(()) };
        if self.on_chain(block).await? {
            return Ok(());
        }
        Err(SendError::OtherChain { url: self.client.url().to_owned(), block })
    }

    /// Whether a request may rest on `block` when the chain's height is `head`.
    pub(super) async fn stands(&self, block: BlockRef, head: u64) -> Result<bool, L1Error> {
        Ok(head.saturating_sub(block.number) <= REACH && self.on_chain(block).await?)
    }

    async fn on_chain(&self, block: BlockRef) -> Result<bool, L1Error> {
        match self.client.header(block.number.into()).await {
            Ok(header) => Ok(header.hash() == block.hash),
            Err(L1Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives up what waits and rests on a block that is gone.
    pub(super) async fn give_up_orphans(
        &mut self,
        next: u64,
        head: u64,
        market: &FeeInfo,
    ) -> Result<(), SendError> {
        let resting: Vec<_> = self
            .flights
            .range(next..)
            .filter(|(_, flight)| flight.mined.is_none())
            .filter_map(|(nonce, flight)| flight.request.rests_on.map(|block| (*nonce, block)))
            .collect();
        for (nonce, block) in resting {
            if !self.stands(block, head).await? {
                self.give_up(nonce, block, market).await?;
            }
        }
        Ok(())
    }

    /// Puts an empty transaction in the place of one that must not be mined any more. A pool may
    /// still have that one, so the nonce cannot simply be used for something else.
    async fn give_up(
        &mut self,
        nonce: u64,
        block: BlockRef,
        market: &FeeInfo,
    ) -> Result<(), SendError> {
        let Some(flight) = self.flights.get(&nonce) else { return Ok(()) };
        let (old, former) = (flight.last(), flight.hashes().collect());
        tracing::warn!(nonce, hash = %old.hash, rests_on = %block, "giving up an L1 transaction: L1 no longer has the block that it rests on, or it is too old");
        let fresh = self.market_fees(&self.filler(), market)?;
        // Beyond the limits it waits, as every replacement does.
        let fees = old.fees.bumped(&fresh, &self.config.fees).unwrap_or(old.fees);
        let filler = self.put_filler(nonce, fees, former).await?;
        let Some(flight) = self.flights.get_mut(&nonce) else { return Ok(()) };
        flight.reply(&Err(SendError::Orphaned { block }));
        *flight = filler;
        Ok(())
    }
}
