//! A WebSocket client.

use super::node::Node;
use serde_json::{Value, json};
use soketto::{
    Incoming, Receiver, Sender,
    handshake::{Client, ServerResponse},
};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

pub(super) struct Ws {
    sender: Sender<Compat<TcpStream>>,
    receiver: Receiver<Compat<TcpStream>>,
    /// Notifications that came while an answer was waited for.
    early: std::collections::VecDeque<Value>,
}

impl Ws {
    pub(super) async fn open(node: &Node) -> Self {
        let socket = super::raw::connect(node).await;
        let mut client = Client::new(socket.compat(), "localhost", "/");
        match client.handshake().await.unwrap() {
            ServerResponse::Accepted { .. } => {}
            other => panic!("{other:?}"),
        }
        let (sender, receiver) = client.into_builder().finish();
        Self { sender, receiver, early: Default::default() }
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.sender.send_text(text).await.unwrap();
        self.sender.flush().await.unwrap();
    }

    /// Whether the connection takes `text`.
    pub(super) async fn try_send(&mut self, text: &str) -> bool {
        self.sender.send_text(text).await.is_ok() && self.sender.flush().await.is_ok()
    }

    /// Sends a ping, and reads its answer, which must be the next to come.
    pub(super) async fn ping(&mut self) {
        self.sender.send_ping(b"here".as_slice().try_into().unwrap()).await.unwrap();
        self.sender.flush().await.unwrap();
        let mut data = Vec::new();
        let received = self.receiver.receive(&mut data);
        let incoming =
            tokio::time::timeout(Duration::from_secs(5), received).await.expect("a pong").unwrap();
        assert_eq!(incoming, Incoming::Pong(b"here"));
    }

    pub(super) async fn message(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// The next message as it came.
    pub(super) async fn text(&mut self) -> String {
        let mut data = Vec::new();
        let received = self.receiver.receive_data(&mut data);
        tokio::time::timeout(Duration::from_secs(5), received).await.expect("a message").unwrap();
        String::from_utf8(data).unwrap()
    }

    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.send(&body.to_string()).await;
        loop {
            let message = self.message().await;
            if message["id"] == 7 {
                return message;
            }
            self.early.push_back(message);
        }
    }

    pub(super) async fn subscribe(&mut self, params: Value) -> String {
        let answer = self.ask("eth_subscribe", params).await;
        answer["result"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The next notification of `subscription`.
    pub(super) async fn next(&mut self, subscription: &str) -> Value {
        let mut message = match self.early.pop_front() {
            Some(message) => message,
            None => self.message().await,
        };
        assert_eq!(message["method"], "eth_subscription");
        assert_eq!(message["params"]["subscription"], subscription);
        message["params"]["result"].take()
    }
}
