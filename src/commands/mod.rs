//! One file for each command.

mod accounts;
mod balance;
mod deposit;
mod doctor;
mod duties;
mod init;
mod intent;
mod key;
mod l1;
mod node;
mod send;
mod status;
mod up;
mod withdraw;

use crate::{
    Failure, OptionsFile,
    cli::{Cli, Command, Global, Target},
    deployment::Deployment,
    output::Output,
};
use mezz_l1::L1Client;
use mezz_rollup::{L2Client, discover::discover};

/// What every command has.
#[derive(Debug)]
pub(crate) struct Context {
    /// Options of every command.
    pub(crate) global: Global,
    /// Where it speaks.
    pub(crate) out: Output,
    /// Where its options may have come from.
    pub(crate) options: OptionsFile,
}

impl Context {
    /// The chain that runs from the data directory.
    fn local(&self) -> Result<Deployment, Failure> {
        Ok(Deployment::load(&self.global.data_dir)?)
    }

    /// The chain that is meant: that of a node which is named, or the local one.
    ///
    /// Addresses come from L1, not from the node: one that lies cannot have money sent elsewhere.
    async fn chain(&self, target: &Target) -> Result<Deployment, Failure> {
        let Some(l2_url) = &target.l2 else { return self.local() };
        let l1_url = target.l1.as_ref().ok_or("with --l2, name its L1 with --l1")?;
        let rollup = discover(&L1Client::new(l1_url)?, target.inbox).await?;
        let node = L2Client::new(l2_url)?.rollup_config().await?;
        if node != rollup {
            return Err(format!(
                "the node at {l2_url} is on the chain of inbox {} that began at L1 block {}, not on that of inbox {} that began at block {} of the L1 at {l1_url}",
                node.contracts.inbox, node.genesis.l1, rollup.contracts.inbox, rollup.genesis.l1
            )
            .into());
        }
        Ok(Deployment::of_chain(&rollup, l1_url, l2_url))
    }
}

/// Runs a command.
pub(crate) async fn run(cli: Cli, options: OptionsFile) -> Result<(), Failure> {
    let context = Context { out: Output::new(cli.global.json), global: cli.global, options };
    match cli.command {
        Command::Up(args) => Box::pin(up::run(&context, args)).await,
        Command::Init(args) => init::run(&context, &args),
        Command::Deposit(args) => Box::pin(deposit::run(&context, &args)).await,
        Command::Send(args) => Box::pin(send::run(&context, &args)).await,
        Command::Withdraw(args) => Box::pin(withdraw::run(&context, &args)).await,
        Command::Balance(args) => balance::run(&context, &args).await,
        Command::Status(target) => status::run(&context, &target).await,
        Command::Accounts => accounts::run(&context).await,
        Command::L1(args) => l1::run(&context, &args.verb).await,
        Command::Verifier(args) => Box::pin(node::verifier(&context, args)).await,
        Command::Sequencer(args) => Box::pin(node::sequencer(&context, args)).await,
        Command::Deploy(args) => Box::pin(duties::deploy(&context, args)).await,
        Command::Batcher(args) => Box::pin(duties::batcher(&context, args)).await,
        Command::Doctor(args) => Box::pin(doctor::run(&context, &args.command)).await,
        Command::Key(args) => key::run(&context, &args),
        Command::Proposer(args) => Box::pin(duties::proposer(&context, args)).await,
    }
}
