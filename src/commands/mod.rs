//! One file for each command.

mod accounts;
mod balance;
mod deposit;
mod duties;
mod init;
mod l1;
mod node;
mod send;
mod status;
mod up;
mod withdraw;

use crate::{
    Failure,
    cli::{Cli, Command, Global},
    deployment::Deployment,
    output::Output,
};

/// What every command has.
#[derive(Debug)]
pub(crate) struct Context {
    /// Options of every command.
    pub(crate) global: Global,
    /// Where it speaks.
    pub(crate) out: Output,
}

impl Context {
    /// The chain that runs from the data directory.
    fn deployment(&self) -> Result<Deployment, Failure> {
        Ok(Deployment::load(&self.global.data_dir)?)
    }
}

/// Runs a command.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let context = Context { out: Output::new(cli.global.json), global: cli.global };
    match cli.command {
        Command::Up(args) => Box::pin(up::run(&context, args)).await,
        Command::Init(args) => init::run(&context, &args),
        Command::Deposit(args) => Box::pin(deposit::run(&context, &args)).await,
        Command::Send(args) => Box::pin(send::run(&context, &args)).await,
        Command::Withdraw(args) => Box::pin(withdraw::run(&context, &args)).await,
        Command::Balance(args) => balance::run(&context, &args).await,
        Command::Status => status::run(&context).await,
        Command::Accounts => accounts::run(&context).await,
        Command::L1(args) => l1::run(&context, &args.verb).await,
        Command::Verifier(args) => Box::pin(node::verifier(&context, args)).await,
        Command::Sequencer(args) => Box::pin(node::sequencer(&context, args)).await,
        Command::Deploy(args) => Box::pin(duties::deploy(&context, args)).await,
        Command::Batcher(args) => Box::pin(duties::batcher(&context, args)).await,
        Command::Proposer(args) => Box::pin(duties::proposer(&context, args)).await,
    }
}
