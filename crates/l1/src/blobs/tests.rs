//! Blobs from small HTTP servers that answer like beacon nodes and devnets, and wrongly.

use super::{endpoint::*, *};
use crate::kzg::blob_versioned_hash;
use crate::test_http::{http, serve};
use alloy::primitives::hex;

pub(super) fn blob(fill: u8) -> Blob {
    let mut blob = Blob::ZERO;
    blob[31] = fill;
    blob
}

/// Serves `answer(path and query) -> (status, body)`.
async fn server(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> String {
    serve(move |request| {
        let (status, body) = answer(request.split(' ').nth(1).unwrap_or_default());
        http(&format!("{status} X"), &body)
    })
    .await
}

fn data(blobs: &[Blob]) -> String {
    let list: Vec<_> = blobs.iter().map(|b| format!("\"{}\"", hex::encode_prefixed(b))).collect();
    format!("{{\"data\":[{}]}}", list.join(","))
}

fn source(urls: &[&str]) -> BlobSource {
    let urls = urls.iter().map(|url| (*url).to_owned()).collect();
    BlobSource::with_config(BlobSourceConfig {
        backoff: Duration::from_millis(1),
        ..BlobSourceConfig::new(urls)
    })
    .unwrap()
}

const BLOCK: BlockRef = BlockRef { number: 7, hash: B256::repeat_byte(0xab) };

#[tokio::test]
async fn beacon_node_is_asked_by_slot_and_order_is_ours() {
    let (a, b, c) = (blob(1), blob(2), blob(3));
    let hashes: Vec<_> = [&a, &b].map(|x| blob_versioned_hash(x).unwrap()).to_vec();
    let answer = data(&[c, b, a]);
    let url = server(move |path| {
        if path == "/base/eth/v1/config/spec" {
            (200, r#"{"data":{"SECONDS_PER_SLOT":"12","OTHER":["x"]}}"#.to_owned())
        } else if path == "/base/eth/v1/beacon/genesis" {
            (200, r#"{"data":{"genesis_time":"1000"}}"#.to_owned())
        } else if path.starts_with("/base/eth/v1/beacon/blobs/5?versioned_hashes=0x01") {
            (200, answer.clone())
        } else {
            (404, String::new())
        }
    })
    .await;
    let source = source(&[&format!("{url}/base/")]);
    let asked = [hashes[0], hashes[1], hashes[0]];
    assert_eq!(source.blobs(BLOCK, 1060, &asked, &[]).await.unwrap(), [a, b, a]);
    let early = source.blobs(BLOCK, 10, &asked, &[]).await.unwrap_err();
    assert!(early.to_string().contains("older than the beacon chain"), "{early}");
}

#[tokio::test]
async fn devnet_is_asked_by_hash_and_second_endpoint_fills_gaps() {
    let (a, b) = (blob(1), blob(2));
    let hashes: Vec<_> = [&a, &b].map(|x| blob_versioned_hash(x).unwrap()).to_vec();
    let serve = |blobs: Vec<Blob>| {
        server(move |path| {
            let id = format!("/eth/v1/beacon/blobs/{}", BLOCK.hash);
            if path.starts_with(&id) { (200, data(&blobs)) } else { (404, String::new()) }
        })
    };
    // The first one gives a blob that nobody asked for instead of the second.
    let (first, second) = (serve(vec![a, blob(9)]).await, serve(vec![b]).await);
    let both = source(&[&first, &second]);
    assert_eq!(both.blobs(BLOCK, 0, &hashes, &[]).await.unwrap(), [a, b]);
    let error = source(&[&first]).blobs(BLOCK, 0, &hashes, &[]).await.unwrap_err();
    let BlobError::Missing { hashes: missing, .. } = &error else { panic!("{error}") };
    assert_eq!(missing, &[hashes[1]]);
    assert!(error.is_retryable());
    assert!(error.to_string().contains("(2 came, 1 of them wanted)"), "{error}");
    let error = source(&[&second]).blobs(BLOCK, 0, &hashes[..1], &[]).await.unwrap_err();
    assert!(error.to_string().contains("(1 came, none of them wanted)"), "{error}");
}

#[tokio::test]
async fn endpoint_that_is_away_is_unreachable_and_decides_nothing() {
    let hash = blob_versioned_hash(&blob(1)).unwrap();
    let url = server(|_| (503, "starting".to_owned())).await;
    let error = source(&[&url]).blobs(BLOCK, 0, &[hash], &[]).await.unwrap_err();
    assert!(matches!(error, BlobError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("503"), "{error}");
    assert!(matches!(BlobSource::new("nowhere"), Err(BlobError::Url { .. })));
    assert!(BlobSource::with_config(BlobSourceConfig::new(vec![])).is_err());
}

/// 48 MiB of them, the largest answer that is read, would be blobs of two terabytes.
#[test]
fn attack_answer_of_blobs_that_are_empty() {
    let entries = vec![r#""""#; 16 << 20].join(",");
    assert!(parse_blobs(format!(r#"{{"data":[{entries}]}}"#).as_bytes()).is_err());
}

#[test]
fn malformed_answers_are_refused() {
    assert!(parse_blobs(b"{}").is_err());
    assert!(parse_blobs(br#"{"data":["0x00"]}"#).is_err());
    assert!(parse_blobs(br#"{"data":[7]}"#).is_err());
    assert!(parse_blobs(br#"{"data":7}"#).is_err());
    assert_eq!(parse_blobs(br#"{"data":[]}"#).unwrap().len(), 0);
    assert!(parse_slot_ms(br#"{"data":{}}"#).is_err());
    assert!(parse_slot_ms(br#"{"data":{"SECONDS_PER_SLOT":"0"}}"#).is_err());
    assert_eq!(parse_slot_ms(br#"{"data":{"SLOT_DURATION_MS":"6000"}}"#), Ok(6000));
    assert!(parse_genesis_ms(br#"{"data":{"genesis_time":"x"}}"#).is_err());
}
