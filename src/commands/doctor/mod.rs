//! `mezz doctor`: what a command needs, looked at before it is run, and what to mend.

mod account;
mod chain;
mod l1;
mod machine;
mod report;
#[cfg(test)]
mod tests;

use super::{Context, duties, up};
use crate::{
    Failure,
    cli::{
        BatcherArgs, ChainSource, DeployArgs, DoctorCommand, MetricsArgs, PasswordArgs,
        ProposerArgs, UpArgs,
    },
};
use account::{BATCH_GAS, Habit, PROPOSAL_GAS};
use alloy::{eips::BlockId, primitives::Address};
use l1::Facts;
use mezz_l1::shown_url;
use mezz_rollup::deploy;
use report::Report;
use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
};

/// Looks at everything that the command needs.
///
/// # Errors
/// Something would keep it from working.
pub(crate) async fn run(context: &Context, command: &DoctorCommand) -> Result<(), Failure> {
    let name = match command {
        DoctorCommand::Up(_) => "up",
        DoctorCommand::Deploy(_) => "deploy",
        DoctorCommand::Sequencer(_) => "sequencer",
        DoctorCommand::Verifier(_) => "verifier",
        DoctorCommand::Batcher(_) => "batcher",
        DoctorCommand::Proposer(_) => "proposer",
    };
    context.out.line(format!("Mezzanine {}: before `mezz {name}`", env!("CARGO_PKG_VERSION")));
    let mut checks = Checks { context, report: Report::new(context.out), name };
    checks.report.group("This machine");
    machine::options(&mut checks.report, &context.options);
    match command {
        DoctorCommand::Up(args) => checks.up(args).await,
        DoctorCommand::Deploy(args) => checks.deploy(args).await,
        DoctorCommand::Sequencer(args) => {
            checks.node(&args.source, args.host, args.port, &args.metrics).await;
        }
        DoctorCommand::Verifier(args) => {
            checks.node(&args.source, args.host, args.port, &args.metrics).await;
        }
        DoctorCommand::Batcher(args) => checks.batcher(args).await,
        DoctorCommand::Proposer(args) => checks.proposer(args).await,
    }
    Ok(checks.report.end(name)?)
}

struct Checks<'a> {
    context: &'a Context,
    report: Report,
    name: &'static str,
}

impl Checks<'_> {
    fn metrics(&mut self, args: &MetricsArgs) {
        if let Some(addr) = args.metrics {
            machine::port(&mut self.report, "metrics port", addr, "--metrics");
        }
    }

    async fn l1(&mut self, url: &str, dev: bool) -> Option<Facts> {
        self.report.group(format!("L1 at {}", shown_url(url)));
        l1::node(&mut self.report, url, dev).await
    }

    async fn up(&mut self, args: &UpArgs) {
        let dir = &self.context.global.data_dir;
        machine::data_dir(&mut self.report, dir, &[dir.join(up::LOCK_FILE)]);
        let at = |port| SocketAddr::new(args.host, port);
        if args.l1.is_none() {
            machine::port(&mut self.report, "L1 port", at(args.l1_port), "--l1-port");
        }
        machine::port(&mut self.report, "L2 port", at(args.l2_port), "--l2-port");
        self.metrics(&args.metrics);
        let Some(url) = &args.l1 else { return };
        let Some(l1) = self.l1(url, true).await else { return };
        let beacon = args.beacon.as_ref().unwrap_or(url);
        l1::blobs(&mut self.report, beacon, &l1).await;
        let began = dir.join(up::CHAIN_FILE).exists();
        if !began && !l1::is_dev(&l1.client).await {
            self.report.fail(
                "development node",
                "this L1 gives its accounts no ether",
                "on a real L1 use `mezz deploy` and one process for each duty",
            );
        }
    }

    async fn deploy(&mut self, args: &DeployArgs) {
        self.report.group("Deployer");
        let key = account::key(&mut self.report, &args.keystore, &args.password);
        let Some(l1) = self.l1(&args.l1, false).await else { return };
        let Some(deployer) = key else { return };
        self.report.group("Chain");
        let choices = duties::choices(args, deployer);
        match deploy::cost(&l1.client, deployer, &choices).await {
            Ok(needs) => {
                let what = "creating the contracts";
                account::affords(&mut self.report, &l1, deployer, needs, what).await;
            }
            Err(error) => {
                self.report.fail(
                    "parameters",
                    error.to_string(),
                    "choose others: mezz deploy --help",
                );
            }
        }
        for (duty, address) in [("batcher", args.batcher), ("proposer", args.proposer)] {
            match l1.client.balance(address, BlockId::latest()).await {
                Ok(wei) if wei.is_zero() => self.report.warn(
                    duty,
                    format!("{address} has no ether"),
                    "send it some before it begins; `mezz doctor` says for it how much a day takes",
                ),
                Ok(_) => self.report.ok(duty, address.to_string()),
                Err(error) => self.report.warn(duty, error.to_string(), "see that L1 answers"),
            }
        }
    }

    async fn node(&mut self, source: &ChainSource, host: IpAddr, port: u16, metrics: &MetricsArgs) {
        let dir = self.context.global.data_dir.join(self.name);
        machine::data_dir(&mut self.report, &dir, &[dir.join("chain/LOCK")]);
        machine::port(&mut self.report, "port", SocketAddr::new(host, port), "--port");
        self.metrics(metrics);
        let Some(l1) = self.l1(&source.l1, false).await else { return };
        let beacon = source.beacon.as_ref().unwrap_or(&source.l1);
        l1::blobs(&mut self.report, beacon, &l1).await;
        self.report.group("Chain");
        chain::announced(&mut self.report, &l1, source.inbox).await;
    }

    async fn batcher(&mut self, args: &BatcherArgs) {
        let habit = Habit { gas: BATCH_GAS, blobs: 1, every: args.batch_interval };
        let BatcherArgs { l1, l2, keystore, password, metrics, .. } = args;
        let account = self.poster(metrics, keystore, password);
        self.duty(l1, l2, account, habit).await;
    }

    async fn proposer(&mut self, args: &ProposerArgs) {
        let habit = Habit { gas: PROPOSAL_GAS, blobs: 0, every: args.proposal_interval };
        let ProposerArgs { l1, l2, keystore, password, metrics, .. } = args;
        let account = self.poster(metrics, keystore, password);
        let facts = self.duty(l1, l2, account, habit).await;
        if let Some(Facts { finalized: None, .. }) = facts
            && !args.propose_unfinalized
        {
            self.report.warn(
                "finality",
                "only what is final on L1 is proposed, and nothing is yet",
                "wait, or add --propose-unfinalized if L1's reorganisations may be risked",
            );
        }
    }

    /// The parts of this machine that a duty with a key needs; the account of the key.
    fn poster(
        &mut self,
        metrics: &MetricsArgs,
        keystore: &Path,
        password: &PasswordArgs,
    ) -> Option<Address> {
        let dir = self.context.global.data_dir.join(self.name);
        machine::data_dir(&mut self.report, &dir, &[]);
        self.metrics(metrics);
        account::key(&mut self.report, keystore, password)
    }

    async fn duty(
        &mut self,
        l1_url: &str,
        l2_url: &str,
        account: Option<Address>,
        habit: Habit,
    ) -> Option<Facts> {
        let l1 = self.l1(l1_url, false).await?;
        self.report.group(format!("L2 node at {}", shown_url(l2_url)));
        let rollup = chain::l2_node(&mut self.report, l2_url, &l1).await;
        if let Some(account) = account {
            self.report.group(format!("Account {account}"));
            if let Some(rollup) = &rollup {
                chain::role(&mut self.report, l1_url, rollup, self.name, account).await;
            }
            account::balance(&mut self.report, &l1, account, habit).await;
        }
        Some(l1)
    }
}
