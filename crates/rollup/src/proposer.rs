//! The proposer: posts output roots to L1, each as a game made by the dispute game factory.
//!
//! A root is right on the L1 from which it follows. Over a reorganisation it would be a false one
//! that nobody disputes, so every proposal names the L1 block it rests on: the factory refuses it
//! on any other chain, and the sender does not send it there again.

use crate::{
    games::{Games, GamesError},
    health::{DutyProbe, Pulse},
    l2_client::{L2Client, L2Error},
    rpc::types::{L2BlockRef, OutputAtBlock, SyncStatus},
    trouble::Trouble,
};
use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256, keccak256},
    sol_types::{SolCall, SolValue},
};
use mezz_contracts::{bindings::IDisputeGameFactory, deploy::GAME_TYPE};
use mezz_l1::{BlockRef, L1Client, L1Error, SendError, TxRequest, TxSender};
use mezz_metrics::{Counter, Gauge, counter, gauge, number};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How the proposer works.
#[derive(Clone, Debug)]
pub struct ProposerConfig {
    /// The factory on L1.
    pub factory: Address,
    /// The registry on L1.
    pub registry: Address,
    /// Pause between proposals.
    pub interval: Duration,
    /// Whether only what follows from finalized L1 blocks is proposed.
    pub finalized_only: bool,
}

#[derive(Debug, thiserror::Error)]
enum ProposerError {
    #[error(transparent)]
    L2(#[from] L2Error),
    #[error(transparent)]
    L1(#[from] L1Error),
    #[error("{0}")]
    Send(#[from] SendError),
    #[error(transparent)]
    Games(#[from] GamesError),
    #[error("the chain changed while it was read")]
    Moved,
}

/// An output root, and the L1 block up to which the chain was derived that has it. On any L1 with
/// that block the root is right; on another one it may not be mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim {
    number: u64,
    root: B256,
    l1: BlockRef,
}

impl ProposerConfig {
    /// The newest block that may be proposed.
    const fn newest(&self, status: &SyncStatus) -> L2BlockRef {
        if self.finalized_only { status.finalized_l2 } else { status.safe_l2 }
    }
}

impl Claim {
    /// From three answers: the newest block that may be proposed was `before`, its output, and the
    /// status `after`.
    fn new(
        config: &ProposerConfig,
        before: &SyncStatus,
        output: &OutputAtBlock,
        after: &SyncStatus,
    ) -> Result<Self, ProposerError> {
        let (block, now) = (config.newest(before), config.newest(after));
        let (l1, l1_now) = (before.current_l1, after.current_l1);
        let same = output.block_ref.number == block.number
            && output.block_ref.hash == block.hash
            && l1.hash != B256::ZERO
            && l1_now.number >= l1.number
            && (l1_now.number != l1.number || l1_now.hash == l1.hash)
            && now.number >= block.number
            && (now.number != block.number || now.hash == block.hash);
        if !same {
            return Err(ProposerError::Moved);
        }
        Ok(Self { number: block.number, root: output.output_root, l1: l1.block_ref() })
    }

    fn call(&self) -> Bytes {
        let call = IDisputeGameFactory::createOnL1BlockCall {
            _gameType: GAME_TYPE,
            _rootClaim: self.root,
            _extraData: Bytes::from(U256::from(self.number).abi_encode()),
            _l1Number: U256::from(self.l1.number),
            _l1Hash: self.l1.hash,
        };
        call.abi_encode().into()
    }
}

/// The proposer's task.
#[derive(Debug)]
pub struct Proposer {
    config: ProposerConfig,
    games: Games,
    l2: L2Client,
    l1: L1Client,
    sender: TxSender,
    pulse: Pulse,
    meters: Meters,
}

#[derive(Debug)]
struct Meters {
    proposed: Gauge,
    candidate: Gauge,
    proposals: Counter,
}

impl Meters {
    fn new() -> Self {
        Self {
            proposed: gauge(
                "mezz_proposer_proposed_number",
                "Newest L2 block that is proposed on L1.",
                &[],
            ),
            candidate: gauge(
                "mezz_proposer_candidate_number",
                "Newest L2 block that may be proposed: the finalized head, or the safe head.",
                &[],
            ),
            proposals: counter(
                "mezz_proposer_proposals_total",
                "Output roots that this proposer has posted.",
                &[],
            ),
        }
    }
}

impl Proposer {
    /// A proposer that reads from `l2` and posts with `sender`.
    pub fn new(config: ProposerConfig, l2: L2Client, l1: L1Client, sender: TxSender) -> Self {
        let ProposerConfig { factory, registry, .. } = config;
        let games = Games { l1: l1.clone(), factory, registry };
        Self { config, games, l2, l1, sender, pulse: Pulse::default(), meters: Meters::new() }
    }

    /// What tells how it fares. It may wait long for a proposal to be mined, so that silence is no
    /// sign of anything.
    pub fn probe(&self) -> DutyProbe {
        let (l1, l2) = (self.l1.clone(), self.l2.rpc().clone());
        DutyProbe::new("proposer", self.pulse.clone(), None, l1, l2, self.sender.clone())
    }

    /// Runs until `stop`. Trouble is logged and waited out.
    pub async fn run(self, stop: CancellationToken) {
        let _life = self.pulse.begin();
        let work = async {
            let mut trouble = Trouble::new("proposer", self.pulse.clone());
            loop {
                let pause = match self.round().await {
                    Ok(()) => {
                        trouble.went_well(Instant::now());
                        self.config.interval
                    }
                    Err(error) => trouble.failed(&error, Instant::now()).max(self.config.interval),
                };
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// Proposes the newest block that may be, if it is newer than the last one proposed.
    async fn round(&self) -> Result<(), ProposerError> {
        // What is on its way from an earlier run or over a reorganisation comes first.
        let sending = self.sender.status();
        if sending.queued + sending.waiting > 0 {
            return Ok(());
        }
        let before = self.l2.sync_status().await?;
        let block = self.config.newest(&before);
        self.meters.candidate.set(number(block.number));
        let proposed = self.games.newest().await?;
        self.meters.proposed.set(number(proposed));
        if block.number <= proposed {
            return Ok(());
        }
        let output = self.l2.output_at(block.number).await?;
        let after = self.l2.sync_status().await?;
        let claim = Claim::new(&self.config, &before, &output, &after)?;
        // The node may be on a branch that this L1 has left.
        match self.l1.header(claim.l1.number.into()).await {
            Ok(header) if header.hash() == claim.l1.hash => {}
            Ok(_) | Err(L1Error::NotFound { .. }) => return Err(ProposerError::Moved),
            Err(error) => return Err(error.into()),
        }
        let call = claim.call();
        let request = TxRequest {
            to: TxKind::Call(self.config.factory),
            key: Some(keccak256(&call)),
            input: call,
            rests_on: Some(claim.l1),
            ..TxRequest::default()
        };
        let receipt = self.sender.send(request).await?;
        self.pulse.done();
        self.meters.proposals.increment(1);
        self.meters.proposed.set(number(claim.number));
        tracing::info!(
            number = claim.number,
            root = %claim.root,
            l1 = %claim.l1,
            transaction = %receipt.transaction_hash,
            "proposed an output root"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::types::L1BlockRef;

    const CONFIG: ProposerConfig = ProposerConfig {
        factory: Address::ZERO,
        registry: Address::ZERO,
        interval: Duration::ZERO,
        finalized_only: false,
    };

    fn l2(number: u64, fork: u8) -> L2BlockRef {
        L2BlockRef { number, hash: B256::repeat_byte(fork), ..L2BlockRef::default() }
    }

    fn status(l1: u64, fork: u8, safe: L2BlockRef) -> SyncStatus {
        let current_l1 =
            L1BlockRef { number: l1, hash: B256::repeat_byte(fork), ..L1BlockRef::default() };
        SyncStatus { current_l1, safe_l2: safe, finalized_l2: l2(3, 3), ..SyncStatus::default() }
    }

    fn output(block: L2BlockRef) -> OutputAtBlock {
        OutputAtBlock {
            version: B256::ZERO,
            output_root: B256::repeat_byte(0xee),
            block_ref: block,
            withdrawal_storage_root: B256::ZERO,
            state_root: B256::ZERO,
            sync_status: SyncStatus::default(),
        }
    }

    #[test]
    fn root_is_of_the_safe_block_and_of_the_l1_that_made_it_safe() {
        let before = status(20, 1, l2(9, 1));
        let claim = Claim::new(&CONFIG, &before, &output(l2(9, 1)), &before).unwrap();
        let l1 = BlockRef { number: 20, hash: B256::repeat_byte(1) };
        assert_eq!(claim, Claim { number: 9, root: B256::repeat_byte(0xee), l1 });
        let call = IDisputeGameFactory::createOnL1BlockCall::abi_decode(&claim.call()).unwrap();
        assert_eq!((call._l1Number, call._l1Hash), (U256::from(20), l1.hash));
        let later = status(22, 7, l2(12, 1));
        assert!(Claim::new(&CONFIG, &before, &output(l2(9, 1)), &later).is_ok());

        let finalized_only = ProposerConfig { finalized_only: true, ..CONFIG };
        let claim = Claim::new(&finalized_only, &before, &output(l2(3, 3)), &before).unwrap();
        assert_eq!(claim.number, 3);
    }

    #[test]
    fn block_that_changed_while_it_was_read_is_not_proposed() {
        let before = status(20, 1, l2(9, 1));
        for (output, after, why) in [
            (l2(9, 2), before, "an unsafe block took its place"),
            (l2(8, 1), before, "another block"),
            (l2(9, 1), status(20, 2, l2(9, 1)), "L1 was reorganised"),
            (l2(9, 1), status(19, 1, l2(9, 1)), "L1 went back"),
            (l2(9, 1), status(21, 1, l2(8, 1)), "it is not safe any more"),
            (l2(9, 1), status(21, 1, l2(9, 2)), "another one is safe"),
        ] {
            let claim = Claim::new(&CONFIG, &before, &self::output(output), &after);
            assert!(matches!(claim, Err(ProposerError::Moved)), "{why}");
        }
        let unknown = SyncStatus { current_l1: L1BlockRef::default(), ..before };
        assert!(Claim::new(&CONFIG, &unknown, &output(l2(9, 1)), &before).is_err());
    }
}
