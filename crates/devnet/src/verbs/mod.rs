//! The developer verbs, one file for each group. Names, arguments and answers are Anvil's; the
//! `hardhat_` and `evm_` names of the same verbs are understood too.

mod args;
mod blobs;
mod impersonate;
mod info;
mod mine;
mod pool;
mod reorg;
mod snapshot;
mod state;
mod time;

use crate::node::Node;
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::ErrorObjectOwned};
use mezz_rpc::{Args, Failure};
use serde::Serialize;
use std::sync::Arc;

/// A verb.
type Verb<R> = fn(&Node, Args<'_>) -> Result<R, Failure>;

/// All verbs over `node`.
pub(crate) fn module(node: Arc<Node>) -> Result<RpcModule<Node>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(node);
    time::register(&mut module)?;
    mine::register(&mut module)?;
    snapshot::register(&mut module)?;
    state::register(&mut module)?;
    impersonate::register(&mut module)?;
    reorg::register(&mut module)?;
    pool::register(&mut module)?;
    blobs::register(&mut module)?;
    info::register(&mut module)?;
    Ok(module)
}

/// Adds a verb under each of `names`. It runs on a thread that may block: it may have to wait for
/// a block that is being mined, and most verbs write to the disk.
fn verb<R>(
    module: &mut RpcModule<Node>,
    names: &[&'static str],
    verb: Verb<R>,
) -> Result<(), RegisterMethodError>
where
    R: Serialize + Clone + Send + 'static,
{
    for name in names {
        module.register_blocking_method(
            name,
            move |params, node, _| -> Result<R, ErrorObjectOwned> {
                let args = Args::new(&params)?;
                Ok(verb(&node, args)?)
            },
        )?;
    }
    Ok(())
}
