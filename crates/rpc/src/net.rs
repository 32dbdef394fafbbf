//! `net_`: the network. There are no peers: blocks come from the sequencer or from L1.

use crate::{Args, Failure, context::Context, methods::Table};
use jsonrpsee::core::RegisterMethodError;

pub(crate) fn register(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("net_version", version)?;
    table.quick("net_listening", listening)?;
    table.quick("net_peerCount", peer_count)
}

fn version(context: &Context, args: Args<'_>) -> Result<String, Failure> {
    args.end()?;
    Ok(context.chain.spec().chain_id.to_string())
}

fn listening(_: &Context, args: Args<'_>) -> Result<bool, Failure> {
    args.end()?;
    Ok(true)
}

fn peer_count(_: &Context, args: Args<'_>) -> Result<&'static str, Failure> {
    args.end()?;
    Ok("0x0")
}
