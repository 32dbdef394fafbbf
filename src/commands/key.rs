//! `mezz key`: encrypted key files.

use super::Context;
use crate::{
    Failure,
    cli::{KeyArgs, KeyVerb},
    wallet,
};
use serde_json::json;

/// Makes one, or shows its address.
pub(crate) fn run(context: &Context, args: &KeyArgs) -> Result<(), Failure> {
    let (file, address) = match &args.verb {
        KeyVerb::New { file, password } => (file, wallet::new_keystore(file, password)?),
        KeyVerb::Address { file, password } => {
            (file, wallet::open_keystore(file, password)?.address())
        }
    };
    context.out.line(address.to_string());
    context.out.result(&json!({ "address": address, "file": file }));
    Ok(())
}
