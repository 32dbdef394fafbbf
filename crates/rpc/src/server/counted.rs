//! JSON-RPC over WebSocket with its answers counted: what a client does not read is bounded in
//! bytes, and a client that exceeds it is disconnected.

use super::outbox::Outbox;
use crate::Failure;
use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, Notification, RpcServiceT},
    types::{ErrorObjectOwned, Id, Request},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A service whose answers go into an outbox.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    pub(super) service: S,
    pub(super) outbox: Arc<Outbox>,
    pub(super) batches: Arc<Semaphore>,
}

fn count(outbox: &Outbox, answer: MethodResponse) -> MethodResponse {
    if outbox.put(answer.as_json().get().len()) {
        return answer;
    }
    tracing::debug!("a client that does not read its answers was disconnected");
    outbox.close();
    let failure = Failure::limit("too many answers are not read");
    MethodResponse::error(Id::Null, ErrorObjectOwned::from(failure))
}

impl<S> RpcServiceT for Counted<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(
        &self,
        mut request: Request<'a>,
    ) -> impl Future<Output = Self::MethodResponse> + Send + 'a {
        let Self { service, outbox, .. } = self.clone();
        // For what a subscription sends later.
        request.extensions_mut().insert(outbox.clone());
        async move { count(&outbox, service.call(request).await) }
    }

    fn batch<'a>(
        &self,
        mut requests: Batch<'a>,
    ) -> impl Future<Output = Self::BatchResponse> + Send + 'a {
        let Self { service, outbox, batches } = self.clone();
        for entry in requests.iter_mut().flatten() {
            entry.extensions_mut().insert(outbox.clone());
        }
        async move {
            // Held while the answers of the batch pile up; never closed.
            let _place = batches.acquire_owned().await;
            count(&outbox, service.batch(requests).await)
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        let service = self.service.clone();
        async move { service.notification(notification).await }
    }
}
