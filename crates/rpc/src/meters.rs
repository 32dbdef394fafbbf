//! What a server counts: calls by method, connections.
//!
//! Labels are the names of methods that exist: what clients make up is counted nowhere by name.

use jsonrpsee::{
    MethodResponse, Methods,
    core::{
        RegisterMethodError,
        server::{AsyncMethod, MethodCallback, SyncMethod},
    },
};
use mezz_metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

/// One method. Its series are made with the first call: most methods are never called.
struct Method {
    chain: &'static str,
    name: &'static str,
    handles: OnceLock<Handles>,
}

/// The handles of one method.
struct Handles {
    calls: Counter,
    errors: Counter,
    /// None for [`UNTIMED`].
    duration: Option<Histogram>,
}

/// Methods that come once for each transaction, by the ten thousand in a second. They are counted
/// and not timed.
const UNTIMED: [&str; 2] = ["eth_sendRawTransaction", "eth_getTransactionReceipt"];

impl Handles {
    fn new(chain: &'static str, method: &'static str) -> Self {
        let of = [("chain", chain), ("method", method)];
        let timed = !UNTIMED.contains(&method);
        Self {
            calls: counter("mezz_rpc_calls_total", "JSON-RPC calls that were answered.", &of),
            errors: counter(
                "mezz_rpc_errors_total",
                "JSON-RPC calls that were answered with an error.",
                &of,
            ),
            duration: timed.then(|| {
                histogram(
                    "mezz_rpc_duration_seconds",
                    "Time to answer a JSON-RPC call, waiting for a worker included. Not of eth_sendRawTransaction and eth_getTransactionReceipt.",
                    &of,
                )
            }),
        }
    }
}

impl Method {
    fn new(chain: &'static str, name: &'static str) -> Arc<Self> {
        Arc::new(Self { chain, name, handles: OnceLock::new() })
    }

    fn handles(&self) -> &Handles {
        self.handles.get_or_init(|| Handles::new(self.chain, self.name))
    }

    fn begin(&self) -> Option<Instant> {
        self.handles().duration.as_ref().map(|_| Instant::now())
    }

    fn end(&self, began: Option<Instant>, answer: &MethodResponse) {
        self.count(answer.is_error());
        if let (Some(duration), Some(began)) = (&self.handles().duration, began) {
            duration.record(began.elapsed());
        }
    }

    fn count(&self, is_error: bool) {
        let handles = self.handles();
        handles.calls.increment(1);
        if is_error {
            handles.errors.increment(1);
        }
    }
}

/// The calls of a method that are answered without its callback.
pub(crate) struct Calls(Arc<Method>);

impl Calls {
    pub(crate) fn of(chain: &'static str, method: &'static str) -> Self {
        Self(Method::new(chain, method))
    }

    /// Counts one that was answered.
    pub(crate) fn count(&self, is_error: bool) {
        self.0.count(is_error);
    }
}

/// The same methods, each of which is counted wherever it is called from: alone, in a batch, over
/// WebSocket. Subscriptions are not calls.
pub(crate) fn counted(
    chain: &'static str,
    methods: &Methods,
) -> Result<Methods, RegisterMethodError> {
    let mut counted = Methods::new();
    for name in methods.method_names() {
        let Some(callback) = methods.method(name) else { continue };
        let callback = match callback.clone() {
            MethodCallback::Sync(call) => {
                MethodCallback::Sync(sync(Method::new(chain, name), call))
            }
            MethodCallback::Async(call) => {
                MethodCallback::Async(asynchronous(Method::new(chain, name), call))
            }
            other => other,
        };
        counted.verify_and_insert(name, callback)?;
    }
    Ok(counted)
}

fn sync(method: Arc<Method>, call: SyncMethod) -> SyncMethod {
    Arc::new(move |id, params, max, extensions| {
        let began = method.begin();
        let answer = call(id, params, max, extensions);
        method.end(began, &answer);
        answer
    })
}

fn asynchronous(method: Arc<Method>, call: AsyncMethod<'static>) -> AsyncMethod<'static> {
    Arc::new(move |id, params, connection, max, extensions| {
        let (method, began) = (method.clone(), method.begin());
        let answer = call(id, params, connection, max, extensions);
        Box::pin(async move {
            let answer = answer.await;
            method.end(began, &answer);
            answer
        })
    })
}

/// The connections of one server.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    pub(crate) open: Gauge,
    pub(crate) refused: Counter,
}

impl Connections {
    pub(crate) fn new(chain: &'static str) -> Self {
        let of = [("chain", chain)];
        Self {
            open: gauge("mezz_rpc_connections", "Open connections to the JSON-RPC server.", &of),
            refused: counter(
                "mezz_rpc_connections_refused_total",
                "Connections refused because there were too many.",
                &of,
            ),
        }
    }

    /// Counts one until the answer is dropped.
    pub(crate) fn enter(&self) -> Place {
        self.open.increment(1.0);
        Place(self.open.clone())
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Place(Gauge);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
