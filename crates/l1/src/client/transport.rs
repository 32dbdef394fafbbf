//! JSON-RPC over HTTP with a bound on the size of an answer.

use crate::http::{BodyError, bounded_body, shorten};
use alloy::{
    rpc::json_rpc::{RequestPacket, ResponsePacket},
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use core::task;
use reqwest::{Client, Url};
use tower::Service;

/// Sends JSON-RPC packets to one URL.
#[derive(Clone, Debug)]
pub(crate) struct BoundedHttp {
    client: Client,
    url: Url,
    max_response_bytes: usize,
}

impl BoundedHttp {
    pub(crate) const fn new(client: Client, url: Url, max_response_bytes: usize) -> Self {
        Self { client, url, max_response_bytes }
    }

    async fn exchange(self, packet: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let response = self
            .client
            .post(self.url)
            .json(&packet)
            .send()
            .await
            .map_err(|error| TransportErrorKind::custom(error.without_url()))?;
        let status = response.status();
        let body =
            bounded_body(response, self.max_response_bytes).await.map_err(|error| match error {
                BodyError::TooLarge { .. } => TransportErrorKind::non_retryable(error),
                BodyError::Read(_) => TransportErrorKind::custom(error),
            })?;
        match serde_json::from_slice(&body) {
            Ok(packet) => Ok(packet),
            Err(_) if !status.is_success() => Err(TransportErrorKind::http_error(
                status.as_u16(),
                shorten(&String::from_utf8_lossy(&body)),
            )),
            Err(error) => Err(TransportError::deser_err(
                error,
                shorten(&String::from_utf8_lossy(&body[..body.len().min(1024)])),
            )),
        }
    }
}

impl Service<RequestPacket> for BoundedHttp {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), TransportError>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        Box::pin(self.clone().exchange(packet))
    }
}
