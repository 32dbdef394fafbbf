//! `mezz.toml`: the options of the command line in a file.
//!
//! A key is an option's long name; a table is a command's name. A flag comes before an
//! environment variable, that before the file, and the file before the built-in default. The
//! file that `mezz init` writes is made from the command line's own definition.

use crate::cli::Cli;
use clap::{Arg, Command, CommandFactory};
use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// The file that is read if it exists and no other is named.
pub(crate) const DEFAULT_FILE: &str = "mezz.toml";

/// Why a file of options cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    /// Not readable.
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, io::Error),
    /// Not TOML.
    #[error("{0} is not valid TOML: {1}")]
    Parse(PathBuf, Box<toml::de::Error>),
    /// A name that no option has.
    #[error("{0}: there is no option `{1}`{2}; `mezz init` writes a file with all of them")]
    Unknown(PathBuf, String, String),
    /// A value that is not text, a number or a truth value.
    #[error("{0}: option `{1}` takes one value: text, a number, true or false")]
    Type(PathBuf, String),
}

/// The command line with the values of the file at `path` as its defaults.
pub(crate) fn command_with_file(path: &Path) -> Result<Command, OptionsError> {
    let text = fs::read_to_string(path).map_err(|e| OptionsError::Read(path.to_owned(), e))?;
    let table: Table =
        text.parse().map_err(|error| OptionsError::Parse(path.to_owned(), Box::new(error)))?;
    let mut command = Cli::command();
    for (key, value) in table {
        command = match value {
            Value::Table(options) => {
                let doctor = command.find_subcommand("doctor").cloned();
                let command = with_subcommand(command, &key, &options, path)?;
                // `mezz doctor NAME` takes the options of `mezz NAME`.
                match doctor.filter(|doctor| doctor.find_subcommand(&key).is_some()) {
                    Some(doctor) => {
                        let doctor = with_subcommand(doctor, &key, &options, path)?;
                        command.mut_subcommand("doctor", |_| doctor)
                    }
                    None => command,
                }
            }
            value => with_default(command, &key, &value, path, "")?,
        };
    }
    Ok(command)
}

fn with_subcommand(
    command: Command,
    name: &str,
    options: &Table,
    path: &Path,
) -> Result<Command, OptionsError> {
    if command.find_subcommand(name).is_none() {
        return Err(OptionsError::Unknown(path.to_owned(), format!("[{name}]"), String::new()));
    }
    let mut failure = None;
    let command = command.mut_subcommand(name, |mut subcommand| {
        for (key, value) in options {
            match with_default(subcommand.clone(), key, value, path, name) {
                Ok(changed) => subcommand = changed,
                Err(error) => failure = Some(error),
            }
        }
        subcommand
    });
    failure.map_or(Ok(command), Err)
}

fn with_default(
    command: Command,
    key: &str,
    value: &Value,
    path: &Path,
    table: &str,
) -> Result<Command, OptionsError> {
    let place = if table.is_empty() { String::new() } else { format!(" in [{table}]") };
    let id = command
        .get_arguments()
        .find(|arg| arg.get_long() == Some(key) && configurable(arg))
        .map(|arg| arg.get_id().clone())
        .ok_or_else(|| OptionsError::Unknown(path.to_owned(), key.to_owned(), place))?;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        _ => return Err(OptionsError::Type(path.to_owned(), key.to_owned())),
    };
    Ok(command.mut_arg(id, |arg| arg.default_value(text)))
}

/// What belongs into a file: not a one-time verb such as `--reset`, nor the file's own name.
fn configurable(arg: &Arg) -> bool {
    !matches!(arg.get_id().as_str(), "reset" | "config" | "help" | "version" | "json" | "force")
}

/// The text of a file with every option of `mezz up`, commented out, at its default.
pub(crate) fn template() -> String {
    let command = Cli::command();
    let mut text = String::from(
        "# Options of `mezz`. Each is also a flag (--name) and an environment variable, which come\n\
         # before this file. Remove the `#` before a name to set it.\n",
    );
    for arg in command.get_arguments().filter(|arg| configurable(arg)) {
        describe(&mut text, arg);
    }
    let Some(up) = command.find_subcommand("up") else { return text };
    text.push_str("\n[up]\n");
    for arg in up.get_arguments().filter(|arg| configurable(arg)) {
        describe(&mut text, arg);
    }
    text
}

fn describe(text: &mut String, arg: &Arg) {
    let Some(long) = arg.get_long() else { return };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let env = arg.get_env().and_then(|env| env.to_str()).unwrap_or_default();
    let default = arg.get_default_values().first().and_then(|value| value.to_str());
    let value = match default {
        Some(value) if value.parse::<i64>().is_ok() || matches!(value, "true" | "false") => {
            value.to_owned()
        }
        Some(value) => format!("\"{value}\""),
        None if arg.get_action().takes_values() => "\"\"".to_owned(),
        None => "false".to_owned(),
    };
    // Writing to a string cannot fail.
    let _ = write!(text, "\n# {help}");
    if !env.is_empty() {
        let _ = write!(text, " ({env})");
    }
    let _ = writeln!(text, "\n# {long} = {value}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;
    use clap::FromArgMatches;

    fn parse(file: &str, args: &[&str]) -> Result<Cli, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(DEFAULT_FILE);
        fs::write(&path, file).unwrap();
        let command = command_with_file(&path).map_err(|error| error.to_string())?;
        let matches = command.try_get_matches_from(args).map_err(|error| error.to_string())?;
        Cli::from_arg_matches(&matches).map_err(|error| error.to_string())
    }

    fn up(cli: Cli) -> cli::UpArgs {
        match cli.command {
            cli::Command::Up(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn file_sets_defaults_and_flags_come_first() {
        let file = "log = \"debug\"\n[up]\nl2-port = 1\nblock-time = \"200ms\"\n";
        let cli = parse(file, &["mezz", "up", "--l2-port", "2"]).unwrap();
        assert_eq!(cli.global.log, "debug");
        let up = up(cli);
        assert_eq!(up.l2_port, 2);
        assert_eq!(up.chain.block_time.as_millis(), 200);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(
            parse("[up]\nl2-prot = 1", &["mezz", "up"]).unwrap_err().contains("`l2-prot` in [up]")
        );
        assert!(parse("[upp]", &["mezz", "up"]).unwrap_err().contains("[upp]"));
        assert!(parse("[up]\nl2-port = []", &["mezz", "up"]).unwrap_err().contains("one value"));
        assert!(parse("log = ", &["mezz", "up"]).unwrap_err().contains("not valid TOML"));
        assert!(parse("[up]\nl2-port = 70000", &["mezz", "up"]).unwrap_err().contains("70000"));
    }

    #[test]
    fn template_with_every_option_set_is_accepted() {
        let text = template();
        assert!(text.contains("# block-time = \"1s\""), "{text}");
        let set: String = text
            .lines()
            .filter(|line| !line.ends_with("= \"\""))
            .map(|line| match line.strip_prefix("# ") {
                Some(option) if option.contains(" = ") => format!("{option}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let defaults = up(parse("", &["mezz", "up"]).unwrap());
        let from_file = up(parse(&set, &["mezz", "up"]).unwrap());
        assert_eq!(format!("{defaults:?}"), format!("{from_file:?}"));
    }
}
