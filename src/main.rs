//! `mezz`: every family of Ethereum Layer 2 in one binary.
//!
//! This package is the command line. It reads options, wires the crates together and speaks to
//! people; it decides nothing about the protocols.

mod cli;
mod client;
mod commands;
mod deployment;
mod files;
mod ops;
mod options;
mod output;
mod rpc_args;
mod units;
mod wallet;

use clap::FromArgMatches;
use cli::{Cli, Global};
use options::OptionsError;
use std::{io::IsTerminal, path::PathBuf, process::ExitCode, time::Duration};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command ends with when it fails: one line for a person.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long work on other threads is waited for when all is said.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let (cli, options) = match parse() {
        Ok(parsed) => parsed,
        Err(error) => return fail(&error),
    };
    if let Err(error) = start_logs(&cli.global) {
        return fail(&error);
    }
    keep_pages_small();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let ended = runtime.block_on(commands::run(cli, options));
    // What is still computed for somebody who is gone need not be waited for. The error comes
    // after all that other threads still log: it is the last line that a person reads.
    runtime.shutdown_timeout(LAST_PATIENCE);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

/// Asks the kernel for pages of ordinary size: the allocator gives memory back and takes it again
/// all the time, and a huge page is zeroed as a whole for the few kilobytes that are wanted. That
/// took a tenth of a busy sequencer's time, and twice the memory.
fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "memory stays in huge pages");
    }
}

/// The file that options came from.
#[derive(Debug)]
pub(crate) enum OptionsFile {
    /// There is none.
    None,
    /// This one.
    Read(PathBuf),
    /// It cannot be used. Only `mezz doctor` goes on then, to say so among other things.
    Broken(OptionsError),
}

/// Reads the command line, with the options file under it.
fn parse() -> Result<(Cli, OptionsFile), OptionsError> {
    let plain = <Cli as clap::CommandFactory>::command;
    let named = config_path().map(PathBuf::from);
    let default = PathBuf::from(options::DEFAULT_FILE);
    let (command, file) = match named.or_else(|| default.exists().then_some(default)) {
        None => (plain(), OptionsFile::None),
        Some(path) => match options::command_with_file(&path) {
            Ok(command) => (command, OptionsFile::Read(path)),
            Err(error) if std::env::args().any(|arg| arg == "doctor") => {
                (plain(), OptionsFile::Broken(error))
            }
            Err(error) => return Err(error),
        },
    };
    let parsed = command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    match (parsed, file) {
        (Ok(cli), file) => Ok((cli, file)),
        // What is missing may stand in the file.
        (Err(error), OptionsFile::Broken(broken)) if error.use_stderr() => Err(broken),
        (Err(error), _) => error.exit(),
    }
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
        logs.json().with_span_list(false).init();
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
