//! `web3_`: the client's name and its hash function.

use crate::{Args, Failure, context::Context, methods::Table};
use jsonrpsee::core::RegisterMethodError;
use mezz_primitives::{B256, Bytes, keccak256};

pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("web3_clientVersion", client_version)?;
    table.quick("web3_sha3", sha3)
}

fn client_version(context: &Context, args: Args<'_>) -> Result<String, Failure> {
    args.end()?;
    Ok(context.client_version.clone())
}

fn sha3(_: &Context, mut args: Args<'_>) -> Result<B256, Failure> {
    let input: Bytes = args.required()?;
    args.end()?;
    Ok(keccak256(input))
}
