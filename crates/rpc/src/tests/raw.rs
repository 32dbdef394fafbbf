//! HTTP in bytes, for what a well-behaved client does not send.

use super::node::Node;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(super) async fn connect(node: &Node) -> TcpStream {
    TcpStream::connect(node.server.local_addr()).await.unwrap()
}

/// Sends `text` and reads until the server closes or has sent `enough`.
pub(super) async fn exchange(stream: &mut TcpStream, text: &str, enough: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).await.unwrap_or(0);
        answer.push_str(&String::from_utf8_lossy(&buffer[..n]));
        if n == 0 || answer.contains(enough) {
            return answer;
        }
    }
}
