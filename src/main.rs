//! `mezz`: every family of Ethereum Layer 2 in one binary.
//!
//! This package is the command line. It reads options, wires the crates together and speaks to
//! people; it decides nothing about the protocols.

mod cli;
mod client;
mod commands;
mod deployment;
mod files;
mod options;
mod output;
mod units;
mod wallet;

use clap::FromArgMatches;
use cli::{Cli, Global};
use std::{io::IsTerminal, path::Path, process::ExitCode, time::Duration};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command ends with when it fails: one line for a person.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long work on other threads is waited for when all is said.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return fail(&error),
    };
    if let Err(error) = start_logs(&cli.global) {
        return fail(&error);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let code = match runtime.block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    };
    // What is still computed for somebody who is gone need not be waited for.
    runtime.shutdown_timeout(LAST_PATIENCE);
    code
}

/// Reads the command line, with the options file under it.
fn parse() -> Result<Cli, options::OptionsError> {
    let named = config_path();
    let path = named.as_deref().map(Path::new);
    let default = Path::new(options::DEFAULT_FILE);
    let command = match path.or_else(|| default.exists().then_some(default)) {
        Some(path) => options::command_with_file(path)?,
        None => <Cli as clap::CommandFactory>::command(),
    };
    let matches = command.get_matches();
    Ok(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// The file that `--config` or MEZZ_CONFIG names. It must be known before the rest is parsed.
fn config_path() -> Option<String> {
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--config" {
            return args.next();
        }
        if let Some(path) = arg.strip_prefix("--config=") {
            return Some(path.to_owned());
        }
    }
    std::env::var("MEZZ_CONFIG").ok()
}

fn start_logs(global: &Global) -> Result<(), LogError> {
    let filter =
        EnvFilter::try_new(&global.log).map_err(|error| LogError(global.log.clone(), error))?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if global.log_json {
        logs.json().init();
    } else {
        logs.with_target(false).init();
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("--log {0}: {1}; write for example info, debug or mezz_rollup=trace")]
struct LogError(String, tracing_subscriber::filter::ParseError);

#[expect(clippy::print_stderr, reason = "errors go to the terminal")]
fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}
