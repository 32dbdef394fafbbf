//! A small HTTP server for tests, which answers as it is told.

use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Answers each connection's one request by `answer`, which gets the request and gives the bytes of
/// the answer; none are silence. Where it answers.
pub(crate) async fn serve(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let answer = answer(&request(&mut socket).await);
                if answer.is_empty() {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
                let _ = socket.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}

/// An answer.
pub(crate) fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The body of a request.
pub(crate) fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// A whole request, or what came of it.
async fn request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let length = text.split_once("\r\n\r\n").map(|(head, _)| {
            let length = head.to_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length:"));
            length.map_or(0, |length| length.trim().parse::<usize>().unwrap())
        });
        if length.is_some_and(|length| body(&text).len() >= length) {
            return text;
        }
        if !matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {
            return text;
        }
    }
}
