//! Watches what is proposed on L1: a false output root empties the portal unless the guardian
//! discards its game before it is final, so whoever has the chain compares.

use crate::{
    driver::StatusHandle,
    games::{Game, Games, GamesError},
    genesis::output_root,
    rpc::types::SyncStatus,
};
use alloy::primitives::B256;
use mezz_chain::{Chain, ChainError};
use mezz_metrics::{Counter, Gauge, counter, gauge, number};
use std::{collections::BTreeMap, time::Duration};
use tokio_util::sync::CancellationToken;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(4);
/// The longest pause while L1 does not answer.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Games before the start that are still looked at. Older ones were there for everybody to see.
const RECENT: u64 = 256;
/// Games that are read in one round.
const AT_ONCE: u64 = 64;

/// What the chain says of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Its root is the chain's.
    True,
    /// It is not, or there was no such block on L1 when the game was made.
    False,
    /// The chain has not been derived so far.
    Open,
}

/// Judges by `own`, the chain's root of a safe block. The status is that of the same moment.
fn judge(game: &Game, status: &SyncStatus, own: Option<B256>) -> Verdict {
    match own {
        Some(root) if root == game.root => Verdict::True,
        Some(_) => Verdict::False,
        // What a proposal rests on was on L1 before it.
        None if status.current_l1.timestamp > game.created_at => Verdict::False,
        None => Verdict::Open,
    }
}

/// A game that is not known to be true.
#[derive(Clone, Copy, Debug, Default)]
struct Doubt {
    /// As it was read last.
    game: Option<Game>,
    /// How often in a row it was false.
    times: u32,
}

/// The watch of a node.
#[derive(Debug)]
pub(crate) struct Watch {
    games: Games,
    chain: Chain,
    status: StatusHandle,
    /// The newest game that was read, and its index.
    newest: Option<(u64, Game)>,
    /// The first game that has not been read.
    next: Option<u64>,
    /// Games by index that are not known to be true.
    doubted: BTreeMap<u64, Doubt>,
    standing: Gauge,
    compared: Counter,
}

#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    Games(#[from] GamesError),
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl Watch {
    pub(crate) fn new(games: Games, chain: Chain, status: StatusHandle) -> Self {
        Self {
            games,
            chain,
            status,
            newest: None,
            next: None,
            doubted: BTreeMap::new(),
            standing: gauge(
                "mezz_proposals_false",
                "Proposals on L1 that contradict this node's chain and that nobody has discarded.",
                &[],
            ),
            compared: counter(
                "mezz_proposals_compared_total",
                "Proposals on L1 that were found to be this node's chain's.",
                &[],
            ),
        }
    }

    /// Watches until `stop`. It changes nothing.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let work = async {
            let mut pause = PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                match self.round().await {
                    Ok(()) => pause = PAUSE,
                    Err(error) => {
                        tracing::debug!(%error, "proposals are not compared");
                        pause = (pause * 2).min(MAX_PAUSE);
                    }
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    async fn round(&mut self) -> Result<(), WatchError> {
        let count = self.games.count().await?;
        if let Some((index, game)) = self.newest
            && (index >= count || self.games.at(index).await? != Some(game))
        {
            // L1 was reorganised: there are other games.
            (self.newest, self.next) = (None, None);
            self.doubted.clear();
        }
        let next = self.next.unwrap_or(count.saturating_sub(RECENT));
        let upto = count.min(next.saturating_add(AT_ONCE));
        self.doubted.extend((next..upto).map(|index| (index, Doubt::default())));
        self.next = Some(upto);
        let mut standing = 0;
        for (index, doubt) in self.doubted.clone() {
            if let Some(game) = doubt.game
                && self.verdict(&game)? == Verdict::Open
            {
                continue;
            }
            let Some(game) = self.games.at(index).await? else {
                self.doubted.remove(&index);
                continue;
            };
            if self.newest.is_none_or(|(newest, _)| newest <= index) {
                self.newest = Some((index, game));
            }
            let times = match self.verdict(&game)? {
                Verdict::True => {
                    self.doubted.remove(&index);
                    self.compared.increment(1);
                    continue;
                }
                Verdict::Open => 0,
                Verdict::False => doubt.times.saturating_add(1),
            };
            self.doubted.insert(index, Doubt { game: Some(game), times });
            // The chain may change while it is looked at: twice is no chance.
            if times >= 2 && self.games.stands(&game).await? {
                standing += 1;
                if times == 2 || (times.is_power_of_two() && times >= 64) {
                    tracing::error!(
                        game = %game.proxy,
                        index,
                        number = %game.number,
                        root = %game.root,
                        "a FALSE output root is proposed on L1: this chain has another one; the guardian must discard the game (blacklistDisputeGame) before it is final, or pause"
                    );
                }
            }
        }
        self.standing.set(number(standing));
        Ok(())
    }

    fn verdict(&self, game: &Game) -> Result<Verdict, WatchError> {
        let status = self.status.get();
        let wanted: u64 = game.number.saturating_to();
        if wanted > status.safe_l2.number {
            return Ok(judge(game, &status, None));
        }
        // What lies deeper than the chain is kept is not judged.
        let Some(block) = self.chain.block_by_number(wanted)? else { return Ok(Verdict::True) };
        Ok(judge(game, &status, Some(output_root(&block.header))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::types::L1BlockRef;
    use alloy::primitives::{Address, U256};

    #[test]
    fn claim_is_judged_when_the_chain_is_derived_past_it() {
        let (right, wrong) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let game = |root| Game {
            proxy: Address::ZERO,
            created_at: 1_000,
            number: U256::from(u64::MAX),
            root,
        };
        let derived_to = |timestamp| SyncStatus {
            current_l1: L1BlockRef { timestamp, ..L1BlockRef::default() },
            ..SyncStatus::default()
        };
        assert_eq!(judge(&game(right), &derived_to(1), Some(right)), Verdict::True);
        assert_eq!(judge(&game(wrong), &derived_to(1), Some(right)), Verdict::False);
        assert_eq!(judge(&game(right), &derived_to(1_000), None), Verdict::Open);
        assert_eq!(judge(&game(right), &derived_to(1_001), None), Verdict::False);
    }
}
