//! What every HTTP exchange of this crate needs: bodies read within a bound, reasons that name the
//! root cause, and URLs shown without the secrets they may carry.

use core::error::Error;
use reqwest::{Client, Response, Url};
use std::time::Duration;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("{0}")]
    Read(String),
}

/// Reads a whole body, or fails as soon as it is larger than `limit` bytes.
pub(crate) async fn bounded_body(
    mut response: Response,
    limit: usize,
) -> Result<Vec<u8>, BodyError> {
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| BodyError::Read(root_cause(&error)))?
    {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An HTTP client that gives up after the given times.
pub(crate) fn http_client(connect: Duration, whole: Duration) -> Result<Client, String> {
    Client::builder()
        .connect_timeout(connect)
        .timeout(whole)
        .build()
        .map_err(|error| root_cause(&error))
}

/// The innermost reason of an error: "connection refused" instead of "error sending request".
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    shorten(&cause.to_string())
}

/// Scheme, host and port: paths, queries and passwords of a URL often hold the key of an account.
pub(crate) fn public_url(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

/// A URL as it may be shown: scheme, host and port only. Text that is no URL is shown as it is.
pub fn shown_url(text: &str) -> String {
    Url::parse(text).map_or_else(|_| text.to_owned(), |url| public_url(&url))
}

/// Parses an `http` or `https` URL; the error names what is wrong.
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme is {:?}, only http and https are spoken", url.scheme()));
    }
    Ok(url)
}

/// Keeps messages of others within a line.
pub(crate) fn shorten(text: &str) -> String {
    const KEEP: usize = 300;
    let mut line: String =
        text.chars().take(KEEP).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(KEEP).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_url_are_not_shown() {
        let url = parse_url("https://user:pass@node.example:8443/v3/secret?key=secret").unwrap();
        assert_eq!(public_url(&url), "https://node.example:8443");
        assert_eq!(shown_url("https://node.example/v3/secret"), "https://node.example");
        assert_eq!(shown_url("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
    }

    #[test]
    fn only_http_is_spoken() {
        assert!(parse_url("ws://node.example").unwrap_err().contains("ws"));
        assert!(parse_url("localhost").is_err());
    }

    #[test]
    fn long_messages_are_cut() {
        assert_eq!(shorten(&"é".repeat(1000)).chars().count(), 301);
        assert_eq!(shorten("a\nb"), "a b");
    }
}
