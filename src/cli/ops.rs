//! Options of operators: what is read of a running duty, where passwords come from, the check
//! before a start, key files.

use super::{BatcherArgs, DeployArgs, ProposerArgs, SequencerArgs, UpArgs, VerifierArgs};
use clap::{Args, Subcommand};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

/// Where metrics are served if no address is named.
const METRICS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7300);

/// What an operator's tools read.
#[derive(Clone, Debug, Args)]
pub(crate) struct MetricsArgs {
    /// Serve Prometheus metrics, /health and /ready at this address, or at 127.0.0.1:7300; a port alone is one of 127.0.0.1
    #[arg(
        long,
        env = "MEZZ_METRICS",
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "7300",
        value_parser = parse_metrics
    )]
    pub(crate) metrics: Option<SocketAddr>,
}

fn parse_metrics(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse::<u16>().map(|port| SocketAddr::new(METRICS.ip(), port));
    port.or_else(|_| text.parse()).map_err(|_| {
        format!("`{text}` is no address to listen on: write for example {METRICS} or 7300")
    })
}

/// Where the password of a key file comes from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PasswordArgs {
    /// File with the password of the key file [default: MEZZ_PASSWORD, or it is asked for]
    #[arg(long, env = "MEZZ_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// Options of `mezz doctor`: the command that is about to be run, with its options.
#[derive(Clone, Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The command that is about to be run
    #[command(subcommand)]
    pub(crate) command: DoctorCommand,
}

/// What can be checked before it is run.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DoctorCommand {
    /// Check what `mezz up` needs
    Up(Box<UpArgs>),
    /// Check what `mezz deploy` needs
    Deploy(Box<DeployArgs>),
    /// Check what `mezz sequencer` needs
    Sequencer(SequencerArgs),
    /// Check what `mezz verifier` needs
    Verifier(VerifierArgs),
    /// Check what `mezz batcher` needs
    Batcher(BatcherArgs),
    /// Check what `mezz proposer` needs
    Proposer(ProposerArgs),
}

/// Options of `mezz key`.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyArgs {
    /// What to do
    #[command(subcommand)]
    pub(crate) verb: KeyVerb,
}

/// What can be done with a key file.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Make a key and write it to an encrypted key file that only you can read
    New {
        /// File to write; none is overwritten
        file: PathBuf,
        /// Where the password comes from
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Print the address of a key file
    Address {
        /// The file
        file: PathBuf,
        /// Where the password comes from
        #[command(flatten)]
        password: PasswordArgs,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    #[test]
    fn metrics_are_off_or_at_an_address() {
        let metrics = |args: &[&str]| {
            let args = [&["mezz", "up"], args].concat();
            match Cli::try_parse_from(args).map(|cli| cli.command) {
                Ok(Command::Up(up)) => Ok(up.metrics.metrics),
                Ok(_) => panic!("not `up`"),
                Err(error) => Err(error.to_string()),
            }
        };
        assert_eq!(metrics(&[]).unwrap(), None);
        assert_eq!(metrics(&["--metrics"]).unwrap(), Some(METRICS));
        assert_eq!(metrics(&["--metrics", "0"]).unwrap().unwrap().port(), 0);
        assert_eq!(metrics(&["--metrics=0.0.0.0:9000"]).unwrap().unwrap().port(), 9000);
        assert!(metrics(&["--metrics", "70000"]).unwrap_err().contains("127.0.0.1:7300 or 7300"));
    }
}
