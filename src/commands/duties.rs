//! `mezz deploy`, `mezz batcher` and `mezz proposer`: what an operator runs on an outside L1.

use super::{
    Context,
    node::{self, Duty, Roles, RunningDuty},
};
use crate::{
    Failure,
    cli::{BatcherArgs, DeployArgs, ProposerArgs},
    client::{Client, ClientError},
    ops::Ops,
    wallet,
};
use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use mezz_contracts::{
    bindings::{IDisputeGame, IDisputeGameFactory, IInbox},
    deploy::GAME_TYPE,
};
use mezz_l1::{L1Client, shown_url};
use mezz_rollup::{
    L2Client, RollupConfig,
    deploy::{self, DeployConfig},
};
use std::collections::BTreeMap;
use tokio::signal::unix::{SignalKind, signal};

/// L1 blocks below the newest one where a chain begins: an epoch, which is not reorganised.
const ORIGIN_DEPTH: u64 = 32;

/// `mezz deploy`.
pub(crate) async fn deploy(context: &Context, args: DeployArgs) -> Result<(), Failure> {
    let key = wallet::open_keystore(&args.keystore, &args.password)?;
    let deployer = key.address();
    let l1 = L1Client::new(&args.l1)?;
    let choices = choices(&args, deployer);
    let step = context.out.step("Creating the contracts");
    let (rollup, addresses) = deploy::deploy(&l1, key, &choices, async || Ok(())).await?;
    step.done(&format!("chain {} on L1 {}", rollup.l2_chain_id, rollup.l1_chain_id));
    let json = serde_json::to_value(&addresses)?;
    let contracts: BTreeMap<String, Address> = serde_json::from_value(json.clone())?;
    for (name, address) in &contracts {
        context.out.line(format!("  {name:<30} {address}"));
    }
    context.out.line(format!(
        "\nNodes find this chain on L1: mezz verifier --l1 URL --inbox {}",
        addresses.inbox
    ));
    context.out.result(&json);
    Ok(())
}

/// The chain that `args` describe.
pub(super) fn choices(args: &DeployArgs, deployer: Address) -> DeployConfig {
    let roles = Roles {
        owner: deployer,
        guardian: args.guardian.unwrap_or(deployer),
        batcher: args.batcher,
        proposer: args.proposer,
        fee_recipient: args.fee_recipient.unwrap_or(deployer),
    };
    DeployConfig {
        origin_depth: ORIGIN_DEPTH,
        ..node::deploy_config(&args.chain, args.challenge_window, roles, BTreeMap::new())
    }
}

/// `mezz batcher`.
pub(crate) async fn batcher(context: &Context, args: BatcherArgs) -> Result<(), Failure> {
    let ops = Ops::begin(&args.metrics, "batcher", &context.global.data_dir).await?;
    let key = wallet::open_keystore(&args.keystore, &args.password)?;
    let duty = duty(context, "batcher", &args.l1, &args.l2, key).await?;
    let running = duty.start_batcher(args.batch_interval, &args.batches)?;
    run(context, "batcher", running, &ops).await
}

/// `mezz proposer`.
pub(crate) async fn proposer(context: &Context, args: ProposerArgs) -> Result<(), Failure> {
    let ops = Ops::begin(&args.metrics, "proposer", &context.global.data_dir).await?;
    let key = wallet::open_keystore(&args.keystore, &args.password)?;
    let duty = duty(context, "proposer", &args.l1, &args.l2, key).await?;
    let running = duty.start_proposer(args.proposal_interval, !args.propose_unfinalized)?;
    run(context, "proposer", running, &ops).await
}

/// The duty of `key`, for the chain that the L2 node is on.
async fn duty(
    context: &Context,
    name: &str,
    l1: &str,
    l2: &str,
    key: PrivateKeySigner,
) -> Result<Duty, Failure> {
    let rollup = L2Client::new(l2)?.rollup_config().await?;
    let found = L1Client::new(l1)?.chain_id().await?;
    if found != rollup.l1_chain_id {
        return Err(format!(
            "the L1 at {} has chain id {found}, but the L2 at {} is on the L1 with chain id {}",
            shown_url(l1),
            shown_url(l2),
            rollup.l1_chain_id
        )
        .into());
    }
    let allowed = allowed(&Client::new("L1", l1)?, &rollup, name).await?;
    if allowed != key.address() {
        return Err(format!(
            "this key is {}, but the {name} of chain {} is {allowed}",
            key.address(),
            rollup.l2_chain_id
        )
        .into());
    }
    Ok(Duty {
        l1_url: l1.to_owned(),
        l2_url: l2.to_owned(),
        key,
        journal: context.global.data_dir.join(name),
        rollup,
    })
}

/// Who may do the duty `name`, as the contracts say now: it may be another than when the chain was
/// made.
pub(super) async fn allowed(
    l1: &Client,
    rollup: &RollupConfig,
    name: &str,
) -> Result<Address, ClientError> {
    if name == "batcher" {
        return l1.call(rollup.contracts.inbox, &IInbox::batcherCall {}).await;
    }
    let games = IDisputeGameFactory::gameImplsCall { gameType: GAME_TYPE };
    let game = l1.call(rollup.contracts.dispute_game_factory, &games).await?;
    l1.call(game, &IDisputeGame::proposerCall {}).await
}

async fn run(context: &Context, name: &str, duty: RunningDuty, ops: &Ops) -> Result<(), Failure> {
    ops.started(vec![duty.probe()]);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    context
        .out
        .line(format!("The {name} is at work; --log info says what it does. Ctrl-C stops it."));
    ops.announce(context.out);
    context.out.result(&serde_json::json!({
        "role": name,
        "account": duty.account(),
        "metrics": ops.url(),
    }));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    duty.stop().await;
    Ok(())
}
