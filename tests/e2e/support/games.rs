//! The proposals on L1, as everybody can read them there.

use super::Rpc;
use alloy::primitives::{Address, B256, U256};
use mezz_contracts::bindings::{IDisputeGame, IDisputeGameFactory};

/// A proposal: an output root that a game claims.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Game {
    pub(crate) proxy: Address,
    /// Time of its L1 block, seconds.
    pub(crate) created_at: u64,
    pub(crate) number: U256,
    pub(crate) root: B256,
}

/// All proposals by index, up to one that a reorganisation takes back meanwhile.
pub(crate) async fn games(l1: &Rpc, factory: Address) -> Vec<Game> {
    let count = l1.read(factory, &IDisputeGameFactory::gameCountCall {}).await;
    let mut games = Vec::new();
    for index in 0..count.to::<u64>() {
        let Some(game) = game(l1, factory, index).await else { break };
        games.push(game);
    }
    games
}

async fn game(l1: &Rpc, factory: Address, index: u64) -> Option<Game> {
    let call = IDisputeGameFactory::gameAtIndexCall { _index: U256::from(index) };
    let game = l1.try_read(factory, &call).await?;
    let proxy = game.proxy_;
    let root = l1.try_read(proxy, &IDisputeGame::rootClaimCall {}).await?;
    let number = l1.try_read(proxy, &IDisputeGame::l2SequenceNumberCall {}).await?;
    Some(Game { proxy, created_at: game.timestamp_, number, root })
}
