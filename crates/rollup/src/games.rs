//! The games on L1 that claim output roots of the chain.

use alloy::{
    eips::BlockId,
    primitives::{Address, B256, U256},
    sol_types::SolCall,
};
use mezz_contracts::{
    bindings::{IAnchorStateRegistry, IDisputeGame, IDisputeGameFactory},
    deploy::GAME_TYPE,
};
use mezz_l1::{L1Client, L1Error};

/// Why games cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GamesError {
    /// L1 does not answer.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// Nothing of the kind is at an address.
    #[error("{0} answered something unexpected; is the address right?")]
    Unexpected(&'static str),
}

/// The factory of games and the registry that says which of them count.
#[derive(Clone, Debug)]
pub struct Games {
    /// The L1 they are on.
    pub l1: L1Client,
    /// The dispute game factory.
    pub factory: Address,
    /// The anchor state registry.
    pub registry: Address,
}

/// A game, which claims the output root of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Game {
    /// Its own contract.
    pub proxy: Address,
    /// Seconds since the epoch, of the L1 block that it was made in.
    pub created_at: u64,
    /// The block. Nothing on L1 keeps it within the blocks that there are.
    pub number: U256,
    /// The root.
    pub root: B256,
}

impl Games {
    /// How many there are, whatever became of them.
    ///
    /// # Errors
    /// L1 does not answer, or something else is at the address.
    pub async fn count(&self) -> Result<u64, GamesError> {
        let count = self.call(self.factory, &IDisputeGameFactory::gameCountCall {}).await?;
        u64::try_from(count).map_err(|_| GamesError::Unexpected("the factory"))
    }

    /// The game with this index; none if it is of another type.
    pub(crate) async fn at(&self, index: u64) -> Result<Option<Game>, GamesError> {
        let index = IDisputeGameFactory::gameAtIndexCall { _index: U256::from(index) };
        let game = self.call(self.factory, &index).await?;
        if game.gameType_ != GAME_TYPE {
            return Ok(None);
        }
        let number = self.call(game.proxy_, &IDisputeGame::l2SequenceNumberCall {}).await?;
        let root = self.call(game.proxy_, &IDisputeGame::rootClaimCall {}).await?;
        Ok(Some(Game { proxy: game.proxy_, created_at: game.timestamp_, number, root }))
    }

    /// Whether the game can still come to count: nobody has discarded it, alone or with all games
    /// of its time or type. A pause says nothing of it.
    pub(crate) async fn stands(&self, game: &Game) -> Result<bool, GamesError> {
        Ok(!self.is_retired(game).await? && self.counts_in_its_time(game).await?)
    }

    /// [`Self::stands`] of a game that is not retired.
    async fn counts_in_its_time(&self, game: &Game) -> Result<bool, GamesError> {
        let game = game.proxy;
        let registry = self.registry;
        let blacklisted = IAnchorStateRegistry::isGameBlacklistedCall { game };
        let respected = IAnchorStateRegistry::isGameRespectedCall { game };
        Ok(!self.call(registry, &blacklisted).await? && self.call(registry, &respected).await?)
    }

    /// Whether the game is of a time of which none counts any more; older ones are then too.
    async fn is_retired(&self, game: &Game) -> Result<bool, GamesError> {
        let retired = IAnchorStateRegistry::isGameRetiredCall { game: game.proxy };
        self.call(self.registry, &retired).await
    }

    /// The newest game that [stands](Self::stands), with its index.
    ///
    /// # Errors
    /// L1 does not answer, or something else is at an address.
    pub async fn newest_standing(&self) -> Result<Option<(u64, Game)>, GamesError> {
        for index in (0..self.count().await?).rev() {
            let Some(game) = self.at(index).await? else { continue };
            // Of thousands of games before a retirement none needs to be asked for.
            if self.is_retired(&game).await? {
                break;
            }
            if self.counts_in_its_time(&game).await? {
                return Ok(Some((index, game)));
            }
        }
        Ok(None)
    }

    /// The newest block whose root counts, or is waiting to: that of the newest game that stands,
    /// or the anchor's. A number that no chain comes to is the largest one.
    pub(crate) async fn newest(&self) -> Result<u64, GamesError> {
        if let Some((_, game)) = self.newest_standing().await? {
            return Ok(game.number.saturating_to());
        }
        let anchor = self.call(self.registry, &IAnchorStateRegistry::getAnchorRootCall {}).await?;
        Ok(anchor.l2SequenceNumber.saturating_to())
    }

    async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, GamesError> {
        let output = self.l1.call(to, call.abi_encode().into(), BlockId::latest()).await?;
        C::abi_decode_returns(&output).map_err(|_| GamesError::Unexpected(C::SIGNATURE))
    }
}
