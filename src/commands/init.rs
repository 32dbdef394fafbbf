//! `mezz init`: a commented file of options.

use super::Context;
use crate::{Failure, cli::InitArgs, options};
use std::{fs, io::Write};

/// Writes the file, not over an existing one unless told so.
pub(crate) fn run(context: &Context, args: &InitArgs) -> Result<(), Failure> {
    let mut open = fs::OpenOptions::new();
    open.write(true);
    if args.force {
        open.create(true).truncate(true);
    } else {
        open.create_new(true);
    }
    let path = args.path.display();
    let mut file = open.open(&args.path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            format!("{path} exists already; name another file, or add --force to overwrite it")
        }
        _ => format!("cannot write {path}: {error}"),
    })?;
    file.write_all(options::template().as_bytes())
        .map_err(|error| format!("cannot write {path}: {error}"))?;
    context.out.line(format!(
        "Wrote {path}. `mezz up` reads it when it is run in the same directory, or with --config."
    ));
    context.out.result(&serde_json::json!({ "path": args.path }));
    Ok(())
}
