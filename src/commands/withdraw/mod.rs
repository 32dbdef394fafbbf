//! `mezz withdraw`: ETH or an ERC-20 from L2 to L1.
//!
//! Where a withdrawal stands follows from the two chains alone, so that it can be gone on with at
//! any step, from anywhere, with nothing but the hash of the L2 transaction that began it.

mod delivery;

use super::Context;
use crate::{
    Failure,
    cli::{WithdrawArgs, WithdrawStep},
    client::{Client, ClientError, POLL, Receipt},
    deployment::Deployment,
    units::{parse_amount, parse_ether, show_amount, show_ether},
    wallet,
};
use alloy::{
    primitives::{Address, B256, Bytes, U64, U256},
    rpc::types::EIP1186AccountProofResponse,
    sol,
    sol_types::SolEvent,
};
use mezz_contracts::{
    bindings::{
        IAnchorStateRegistry, IDisputeGame, IDisputeGameFactory, IERC20, IL2ToL1MessagePasser,
        IPortal, IStandardBridge,
    },
    deploy::{GAME_TYPE, MAX_TX_GAS},
    predeploys::{L2_CROSS_DOMAIN_MESSENGER, L2_STANDARD_BRIDGE, L2_TO_L1_MESSAGE_PASSER},
};
use mezz_primitives::output::{Withdrawal, withdrawal_storage_slot};
use mezz_rollup::{
    rpc::types::OutputAtBlock,
    withdrawal::{Maturity, initiated, output_root_proof},
};
use serde_json::json;
use std::time::Duration;

/// Gas on L1 for ETH that goes to an account.
const ETH_GAS: u64 = 100_000;
/// Gas on L1 that the bridge asks for to pay a token out.
const TOKEN_GAS: u32 = 200_000;
/// Games that are looked through for one that covers the withdrawal.
const GAMES: u64 = 64;
/// Gas of a finalizing transaction that the withdrawal's call cannot have, at the least: what
/// every transaction costs, and what the portal keeps for the call itself.
const FINALIZE_GAS: u64 = 61_000;
sol! {
    interface IRemote {
        function remoteToken() external view returns (address);
    }
}

struct Run<'a> {
    context: &'a Context,
    deployment: Deployment,
    l1: Client,
    l2: Client,
    sender: Address,
}

/// A game that a withdrawal can be proven against.
struct Game {
    index: U256,
    address: Address,
    block: u64,
    root: B256,
}

/// Whether no transaction of L1 could give the withdrawal's call the gas that it asks for. A call
/// gets at most 63/64 of what there is.
fn is_beyond_the_gas_cap(gas_limit: U256) -> bool {
    gas_limit > U256::from((MAX_TX_GAS - FINALIZE_GAS) * 63 / 64)
}

/// Goes through the steps, from where the withdrawal stands.
pub(crate) async fn run(context: &Context, args: &WithdrawArgs) -> Result<(), Failure> {
    let deployment = context.chain(&args.target).await?;
    let key = wallet::sender(&args.sender, &deployment.accounts)?;
    let run = Run {
        sender: key.address(),
        l1: Client::with_key("L1", &deployment.l1.rpc, key.clone())?,
        l2: Client::with_key("L2", &deployment.l2.rpc, key)?,
        context,
        deployment,
    };
    let receipt = match (&args.tx, &args.amount) {
        (Some(hash), _) => run.find(*hash).await?,
        (None, Some(amount)) => run.initiate(args, amount).await?,
        (None, None) => return Err("say how much, or go on with --tx".into()),
    };
    let logs: Vec<_> = receipt.logs.iter().map(|log| &log.inner).collect();
    let withdrawal = initiated(logs).into_iter().next().ok_or_else(|| {
        format!("the L2 transaction {} initiated no withdrawal", receipt.transaction_hash)
    })?;
    let block = receipt.block_number;
    let mut reached = WithdrawStep::Initiated;
    if args.until > reached {
        run.prove(&withdrawal, block).await?;
        reached = WithdrawStep::Proven;
    }
    if args.until > reached {
        run.finalize(&withdrawal).await?;
        let messenger = run.deployment.l1.contract("l1CrossDomainMessenger")?;
        delivery::deliver(context.out, &run.l1, messenger, &withdrawal).await?;
        reached = WithdrawStep::Finalized;
    }
    let next = match reached {
        WithdrawStep::Finalized => None,
        _ => Some(format!("mezz withdraw --tx {}", receipt.transaction_hash)),
    };
    if let Some(next) = &next {
        context.out.line(format!("Go on with `{next}`."));
    }
    context.out.result(&json!({
        "l2Transaction": receipt.transaction_hash,
        "withdrawalHash": withdrawal.hash(),
        "step": format!("{reached:?}").to_lowercase(),
        "next": next,
    }));
    Ok(())
}

impl Run<'_> {
    async fn initiate(&self, args: &WithdrawArgs, amount: &str) -> Result<Receipt, Failure> {
        let to = args.to.unwrap_or(self.sender);
        let step = self.context.out.step("Initiating on L2");
        let (receipt, what) = match args.token {
            None => {
                let wei = parse_ether(amount)?;
                let call = IL2ToL1MessagePasser::initiateWithdrawalCall {
                    _target: to,
                    _gasLimit: U256::from(ETH_GAS),
                    _data: Bytes::new(),
                };
                (self.l2.transact(L2_TO_L1_MESSAGE_PASSER, wei, &call).await?, show_ether(wei))
            }
            Some(token) => {
                let remote = self.l2.call(token, &IRemote::remoteTokenCall {}).await?;
                let decimals = self.l2.call(token, &IERC20::decimalsCall {}).await?;
                let symbol = self.l2.call(token, &IERC20::symbolCall {}).await?;
                let value = parse_amount(amount, decimals)?;
                let call = IStandardBridge::bridgeERC20ToCall {
                    localToken: token,
                    remoteToken: remote,
                    to,
                    amount: value,
                    minGasLimit: TOKEN_GAS,
                    extraData: Bytes::new(),
                };
                let receipt = self.l2.transact(L2_STANDARD_BRIDGE, U256::ZERO, &call).await?;
                (receipt, format!("{} {symbol}", show_amount(value, decimals)))
            }
        };
        let block = receipt.block_number;
        step.done(&format!("{what} for {to} in L2 block {block}"));
        self.context.out.field("L2 transaction", receipt.transaction_hash.to_string());
        Ok(receipt)
    }

    async fn find(&self, hash: B256) -> Result<Receipt, Failure> {
        self.l2.receipt(hash).await?.ok_or_else(|| format!("L2 has no transaction {hash}").into())
    }

    /// Proves it, unless it is proven by this sender against a game that still counts.
    async fn prove(&self, withdrawal: &Withdrawal, block: u64) -> Result<(), Failure> {
        if is_beyond_the_gas_cap(withdrawal.gas_limit) {
            return Err(format!(
                "the withdrawal asks for {} gas on L1, where a transaction has at most {MAX_TX_GAS}: nobody can finalize it",
                withdrawal.gas_limit
            )
            .into());
        }
        let portal = self.deployment.l1.contract("portal")?;
        let hash = withdrawal.hash();
        if self.is_finalized(hash).await? {
            return Ok(());
        }
        if let Some(game) = self.proven(hash).await?.map(|proven| proven.0) {
            let registry = self.deployment.l1.contract("anchorStateRegistry")?;
            let proper =
                self.l1.call(registry, &IAnchorStateRegistry::isGameProperCall { game }).await?;
            if proper {
                self.context.out.line("  ✓ Proven already");
                return Ok(());
            }
            self.context.out.line("  The game of the first proof was discarded; proving again.");
        }
        let step = self.context.out.step("Waiting for a proposal");
        let game = loop {
            if let Some(game) = self.covering_game(block).await? {
                break game;
            }
            step.update(&format!("of L2 block {block} or later, by the proposer"));
            tokio::time::sleep(POLL).await;
        };
        // The portal wants the proof to be younger than the game.
        let created = self.l1.call(game.address, &IDisputeGame::createdAtCall {}).await?;
        while self.l1.now().await? <= created {
            step.update("of the next L1 block");
            tokio::time::sleep(POLL).await;
        }
        step.done(&format!("L2 block {} is proposed", game.block));
        let step = self.context.out.step("Proving on L1");
        let output: OutputAtBlock =
            self.l2.request("optimism_outputAtBlock", (U64::from(game.block),)).await?;
        if output.output_root != game.root {
            return Err(format!(
                "the proposal {} says that L2 block {} has output root {}, but this L2 node has {}: do not withdraw against it",
                game.address, game.block, game.root, output.output_root
            )
            .into());
        }
        let slot = withdrawal_storage_slot(hash);
        let proof: EIP1186AccountProofResponse = self
            .l2
            .request("eth_getProof", (L2_TO_L1_MESSAGE_PASSER, [slot], U64::from(game.block)))
            .await?;
        let nodes = proof.storage_proof.into_iter().next().map(|p| p.proof).unwrap_or_default();
        let call = IPortal::proveWithdrawalTransactionCall {
            _tx: withdrawal.clone().into(),
            _disputeGameIndex: game.index,
            _outputRootProof: output_root_proof(&output),
            _withdrawalProof: nodes,
        };
        let receipt = loop {
            match self.l1.transact(portal, U256::ZERO, &call).await {
                // A node may try it at a time before that of the block it has just shown.
                Err(ClientError::Refused { reason, .. })
                    if reason.ends_with("OptimismPortal_InvalidProofTimestamp") =>
                {
                    step.update("waiting for the next L1 block");
                    tokio::time::sleep(POLL).await;
                }
                outcome => break outcome?,
            }
        };
        step.done(&format!("in L1 block {}", receipt.block_number));
        Ok(())
    }

    async fn finalize(&self, withdrawal: &Withdrawal) -> Result<(), Failure> {
        let portal = self.deployment.l1.contract("portal")?;
        let hash = withdrawal.hash();
        if self.is_finalized(hash).await? {
            self.context.out.line("  ✓ Finalized already");
            return Ok(());
        }
        let step = self.context.out.step("Waiting for the window");
        let maturity = self.maturity(hash).await?;
        let check =
            IPortal::checkWithdrawalCall { _withdrawalHash: hash, _proofSubmitter: self.sender };
        loop {
            let now = self.l1.now().await?;
            if now >= maturity.ready_at() {
                match self.l1.call(portal, &check).await {
                    Ok(_) => break,
                    Err(ClientError::Refused { reason, .. }) => {
                        return Err(format!(
                            "the portal does not let this withdrawal pass ({reason}); if the guardian has discarded its proposal, `mezz withdraw --tx` proves it against a new one"
                        )
                        .into());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            let left = Duration::from_secs(maturity.ready_at().saturating_sub(now));
            step.wait("the proposal can still be discarded", left);
            tokio::time::sleep(POLL).await;
        }
        step.done("over");
        let step = self.context.out.step("Finalizing on L1");
        let call = IPortal::finalizeWithdrawalTransactionCall { _tx: withdrawal.clone().into() };
        let receipt = self.l1.transact(portal, U256::ZERO, &call).await?;
        let paid = receipt
            .logs
            .iter()
            .filter_map(|log| IPortal::WithdrawalFinalized::decode_log(&log.inner).ok())
            .any(|event| event.withdrawalHash == hash && event.success);
        if !paid {
            return Err(format!(
                "the withdrawal was finalized, but its call on L1 failed (transaction {}); ETH that was sent straight to a contract which refuses it stays in the portal",
                receipt.transaction_hash
            )
            .into());
        }
        // Of a message, only the messenger knows.
        let what =
            if withdrawal.sender == L2_CROSS_DOMAIN_MESSENGER { "finalized" } else { "paid out" };
        step.done(&format!("{what} in L1 block {}", receipt.block_number));
        Ok(())
    }

    async fn is_finalized(&self, withdrawal_hash: B256) -> Result<bool, Failure> {
        let portal = self.deployment.l1.contract("portal")?;
        let call = IPortal::finalizedWithdrawalsCall { withdrawalHash: withdrawal_hash };
        Ok(self.l1.call(portal, &call).await?)
    }

    /// The game and the time, in seconds, of this sender's proof.
    async fn proven(&self, withdrawal_hash: B256) -> Result<Option<(Address, u64)>, Failure> {
        let portal = self.deployment.l1.contract("portal")?;
        let call = IPortal::provenWithdrawalsCall {
            withdrawalHash: withdrawal_hash,
            proofSubmitter: self.sender,
        };
        let proven = self.l1.call(portal, &call).await?;
        Ok((proven.timestamp != 0).then_some((proven.disputeGameProxy, proven.timestamp)))
    }

    async fn maturity(&self, withdrawal_hash: B256) -> Result<Maturity, Failure> {
        let portal = self.deployment.l1.contract("portal")?;
        let (game, proven_at) = self
            .proven(withdrawal_hash)
            .await?
            .ok_or("this sender has not proven the withdrawal")?;
        let seconds = |value: U256| u64::try_from(value).unwrap_or(u64::MAX);
        Ok(Maturity {
            proven_at,
            proof_delay: seconds(
                self.l1.call(portal, &IPortal::proofMaturityDelaySecondsCall {}).await?,
            ),
            game_created_at: self.l1.call(game, &IDisputeGame::createdAtCall {}).await?,
            challenge_window: self.l1.call(game, &IDisputeGame::maxClockDurationCall {}).await?,
            finality_delay: seconds(
                self.l1.call(portal, &IPortal::disputeGameFinalityDelaySecondsCall {}).await?,
            ),
        })
    }

    /// The oldest of the newest games that covers an L2 block and may be used: its window ends
    /// first.
    async fn covering_game(&self, block: u64) -> Result<Option<Game>, Failure> {
        let factory = self.deployment.l1.contract("disputeGameFactory")?;
        let registry = self.deployment.l1.contract("anchorStateRegistry")?;
        let count = self.l1.call(factory, &IDisputeGameFactory::gameCountCall {}).await?;
        let Some(last) = count.checked_sub(U256::ONE) else { return Ok(None) };
        let call = IDisputeGameFactory::findLatestGamesCall {
            _gameType: GAME_TYPE,
            _start: last,
            _n: U256::from(GAMES),
        };
        let games = self.l1.call(factory, &call).await?;
        let mut found = None;
        for game in games {
            let address = Address::from_word(game.metadata);
            let number = self.l1.call(address, &IDisputeGame::l2SequenceNumberCall {}).await?;
            let number = u64::try_from(number).unwrap_or(u64::MAX);
            if number < block {
                break;
            }
            let proper = IAnchorStateRegistry::isGameProperCall { game: address };
            if self.l1.call(registry, &proper).await? {
                found =
                    Some(Game { index: game.index, address, block: number, root: game.rootClaim });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_that_no_transaction_has_is_noticed() {
        assert!(!is_beyond_the_gas_cap(U256::from(ETH_GAS)));
        // 16,777,216 - 61,000 = 16,716,216; of these 63/64.
        assert!(!is_beyond_the_gas_cap(U256::from(16_455_025)));
        assert!(is_beyond_the_gas_cap(U256::from(16_455_026)));
        assert!(is_beyond_the_gas_cap(U256::MAX));
    }
}
