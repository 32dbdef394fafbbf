//! Registering methods: each is a plain function of the context and its arguments, and a place
//! where it runs.

use crate::{
    Args, Failure, RpcConfig, RpcContext, RpcError, context::Context, debug,
    error::RESPONSE_TOO_BIG, eth, feed, meters, net, server::Peer, txpool, web3, workers::Workers,
};
use jsonrpsee::{Methods, RpcModule, core::RegisterMethodError, types::ErrorObjectOwned};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, io, sync::Arc};
use tokio::task::JoinHandle;

/// A method.
pub(crate) type Method<R> = fn(&Context, Args<'_>) -> Result<R, Failure>;

type Registered = Result<(), RegisterMethodError>;

/// Adds a method that answers at once, from memory, to `module`. For the modules of other crates;
/// a method that computes or reads from a disk belongs on a blocking thread instead.
pub fn register<C, R>(
    module: &mut RpcModule<C>,
    name: &'static str,
    method: fn(&C, Args<'_>) -> Result<R, Failure>,
) -> Registered
where
    C: Send + Sync + 'static,
    R: Serialize + Clone + 'static,
{
    let answer = move |params: jsonrpsee::types::Params<'_>, context: &C, _: &_| {
        Args::new(&params).and_then(|args| method(context, args))
    };
    module.register_method(name, answer).map(drop)
}

/// The table of this crate's methods.
pub(crate) struct Table {
    module: RpcModule<Context>,
}

impl Table {
    /// A method that answers at once from memory.
    pub(crate) fn quick<R: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: Method<R>,
    ) -> Registered {
        self.module.register_async_method(name, move |params, context, _| async move {
            // A batch runs in one task: between two of its calls others get their turn.
            tokio::task::yield_now().await;
            let args = Args::new(&params)?;
            let answer = method(&context, args)?;
            raw(&answer, context.max_response).map_err(ErrorObjectOwned::from)
        })?;
        Ok(())
    }

    /// A method that answers at once from memory, and differently to each client.
    pub(crate) fn of_client<R: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Context, Args<'_>, Option<Peer>) -> Result<R, Failure>,
    ) -> Registered {
        self.module.register_method(name, move |params, context, extensions| {
            let answer = method(context, Args::new(&params)?, extensions.get::<Peer>().copied())?;
            raw(&answer, context.max_response).map_err(ErrorObjectOwned::from)
        })?;
        Ok(())
    }

    /// A method that reads old blocks, proofs, or many of anything.
    pub(crate) fn read<R: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: Method<R>,
    ) -> Registered {
        self.working(name, method, |context| &context.reads)
    }

    /// A method that runs the EVM.
    pub(crate) fn execute<R: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: Method<R>,
    ) -> Registered {
        self.working(name, method, |context| &context.calls)
    }

    /// Everything that is not a function from arguments to an answer.
    pub(crate) const fn module(&mut self) -> &mut RpcModule<Context> {
        &mut self.module
    }

    fn working<R: Serialize + 'static>(
        &mut self,
        name: &'static str,
        method: Method<R>,
        workers: fn(&Context) -> &Workers,
    ) -> Registered {
        self.module.register_async_method(name, move |params, context, _| async move {
            let worker = workers(&context).clone();
            // The answer is made into text here too: that of a trace takes longer than the trace.
            let work = move || {
                let answer = method(&context, Args::new(&params)?)?;
                raw(&answer, context.max_response)
            };
            worker.run(work).await.map_err(ErrorObjectOwned::from)
        })?;
        Ok(())
    }
}

/// The methods and what lives with them.
pub(crate) struct Service {
    methods: Methods,
    pub(crate) context: Arc<Context>,
    pub(crate) feed: JoinHandle<()>,
}

impl Service {
    /// The names of this crate's methods.
    #[cfg(test)]
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.methods.method_names()
    }

    /// The methods, those of `other` in the place of ours with the same names.
    pub(crate) fn replaced_by(&self, other: Methods) -> Result<Methods, RpcError> {
        let mut module = RpcModule::new(());
        module.merge(self.methods.clone())?;
        for name in other.method_names() {
            module.remove_method(name);
        }
        module.merge(other)?;
        let modules = modules(&module);
        module.register_method("rpc_modules", move |_, (), _| {
            Ok::<_, ErrorObjectOwned>(modules.clone())
        })?;
        Ok(meters::counted(self.context.chain.layer(), &module.into())?)
    }
}

/// The namespaces that are served, each in its only version: the answer of `rpc_modules`.
fn modules(methods: &Methods) -> BTreeMap<String, &'static str> {
    let names = methods.method_names().filter_map(|name| name.split_once('_'));
    names.map(|(namespace, _)| (namespace.to_owned(), "1.0")).collect()
}

/// All methods of this crate over `context`.
pub(crate) fn build(config: &RpcConfig, context: RpcContext) -> Result<Service, RpcError> {
    let context = Arc::new(Context::new(config, context));
    let mut table = Table { module: RpcModule::from_arc(context.clone()) };
    eth::register(&mut table)?;
    net::register(&mut table)?;
    web3::register(&mut table)?;
    txpool::register(&mut table)?;
    debug::register(&mut table)?;
    let feed = tokio::spawn(feed::run(context.clone(), context.chain.subscribe()));
    Ok(Service { methods: table.module.into(), context, feed })
}

/// The answer as text, at most `limit` bytes of it.
pub(crate) fn raw<R: Serialize>(answer: &R, limit: usize) -> Result<Box<RawValue>, Failure> {
    let mut out = Bounded { bytes: Vec::with_capacity(256), limit };
    if let Err(error) = serde_json::to_writer(&mut out, answer) {
        if error.is_io() {
            let message = format!("response is too big: more than {limit} bytes; ask for less");
            return Err(Failure::new(RESPONSE_TOO_BIG, message));
        }
        return Err(Failure::internal(error));
    }
    let text = String::from_utf8(out.bytes).map_err(Failure::internal)?;
    RawValue::from_string(text).map_err(Failure::internal)
}

struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + buf.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
