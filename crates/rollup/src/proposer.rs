//! The proposer: posts output roots to L1, each as a game made by the dispute game factory.

use crate::l2_client::{L2Client, L2Error};
use alloy::{
    eips::BlockId,
    primitives::{Address, Bytes, TxKind, U256, keccak256},
    sol_types::{SolCall, SolValue},
};
use mezz_contracts::{
    bindings::{IAnchorStateRegistry, IDisputeGame, IDisputeGameFactory},
    deploy::GAME_TYPE,
};
use mezz_l1::{L1Client, L1Error, SendError, TxRequest, TxSender};
use std::time::Duration;
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
    #[error("{0} answered something unexpected; is the address right?")]
    Unexpected(&'static str),
}

/// The proposer's task.
#[derive(Debug)]
pub struct Proposer {
    config: ProposerConfig,
    l2: L2Client,
    l1: L1Client,
    sender: TxSender,
}

impl Proposer {
    /// A proposer that reads from `l2` and posts with `sender`.
    pub const fn new(config: ProposerConfig, l2: L2Client, l1: L1Client, sender: TxSender) -> Self {
        Self { config, l2, l1, sender }
    }

    /// Runs until `stop`. Trouble is logged and waited out.
    pub async fn run(self, stop: CancellationToken) {
        let work = async {
            let mut trouble: Option<String> = None;
            loop {
                match self.round().await {
                    Ok(()) => {
                        if trouble.take().is_some() {
                            tracing::info!("the proposer goes on");
                        }
                    }
                    Err(error) => {
                        let text = error.to_string();
                        if trouble.as_ref() != Some(&text) {
                            tracing::warn!("proposer: {text}; trying on");
                            trouble = Some(text);
                        }
                    }
                }
                tokio::time::sleep(self.config.interval).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// Proposes the newest block that may be, if it is newer than the last one proposed.
    async fn round(&self) -> Result<(), ProposerError> {
        let status = self.l2.sync_status().await?;
        let block = if self.config.finalized_only { status.finalized_l2 } else { status.safe_l2 };
        if block.number <= self.last_proposed().await? {
            return Ok(());
        }
        let output = self.l2.output_at(block.number).await?;
        let call = IDisputeGameFactory::createCall {
            _gameType: GAME_TYPE,
            _rootClaim: output.output_root,
            _extraData: Bytes::from(U256::from(block.number).abi_encode()),
        };
        let request = TxRequest {
            to: TxKind::Call(self.config.factory),
            key: Some(keccak256(call.abi_encode())),
            input: call.abi_encode().into(),
            ..TxRequest::default()
        };
        let receipt = self.sender.send(request).await?;
        tracing::info!(
            block = block.number,
            root = %output.output_root,
            transaction = %receipt.transaction_hash,
            "proposed an output root"
        );
        Ok(())
    }

    /// The newest L2 block that has been proposed, or the anchor's.
    async fn last_proposed(&self) -> Result<u64, ProposerError> {
        let count = self.call(self.config.factory, &IDisputeGameFactory::gameCountCall {}).await?;
        let number = if count.is_zero() {
            self.call(self.config.registry, &IAnchorStateRegistry::getAnchorRootCall {})
                .await?
                .l2SequenceNumber
        } else {
            let index = count - U256::ONE;
            let game = self
                .call(self.config.factory, &IDisputeGameFactory::gameAtIndexCall { _index: index })
                .await?;
            self.call(game.proxy_, &IDisputeGame::l2SequenceNumberCall {}).await?
        };
        u64::try_from(number).map_err(|_| ProposerError::Unexpected("the last game"))
    }

    async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, ProposerError> {
        let output = self.l1.call(to, call.abi_encode().into(), BlockId::latest()).await?;
        C::abi_decode_returns(&output).map_err(|_| ProposerError::Unexpected(C::SIGNATURE))
    }
}
