//! A faulty way to an L1: passes JSON-RPC and the beacon endpoint on, and spoils what it is told
//! to.

use super::batches::L2_CHAIN_ID;
use alloy::primitives::{Bytes, keccak256};
use mezz_derivation::{
    batch::{self, Batch, Compression},
    blob,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What is wrong with the L1.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Connections are closed without an answer.
    Away,
    /// Every answer takes so long.
    Late(Duration),
    /// Connections stay open without an answer.
    Silent,
    /// Answers are cut JSON.
    Garbage,
    /// Another chain answers, at this URL.
    OtherChain(String),
    /// Headers by number do not have the hash that comes with them.
    WrongHeader,
    /// Questions for a block by number are answered with another one.
    WrongBlock,
    /// Questions for a block by hash are.
    WrongParent,
    /// Receipts and logs lack what happened.
    WrongLogs,
    /// There are no blobs.
    NoBlobs,
    /// Blobs hold a batch that leaves every transaction out.
    WrongBlob,
    /// Transactions are taken and thrown away.
    Swallow,
    /// Transactions are taken, and the connection is closed without an answer.
    LoseReply,
    /// Blob gas costs so much, wei, as the node says.
    BlobFee(u128),
}

/// A running proxy; it ends when this goes.
#[derive(Debug)]
pub(crate) struct Proxy {
    url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    upstream: String,
    http: reqwest::Client,
    fault: Mutex<Fault>,
    spoilt: AtomicUsize,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// A proxy of the L1 at `upstream`, with nothing wrong.
    pub(crate) async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let state = Arc::new(State {
            upstream: upstream.to_owned(),
            http: reqwest::Client::new(),
            fault: Mutex::new(Fault::None),
            spoilt: AtomicUsize::new(0),
        });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let state = shared.clone();
                tokio::spawn(async move { state.serve(socket).await });
            }
        });
        Self { url, state, task }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on this is wrong, and nothing else.
    pub(crate) fn set(&self, fault: Fault) {
        self.state.spoilt.store(0, Ordering::SeqCst);
        *self.state.fault.lock().expect("nobody panics with it") = fault;
    }

    /// Answers that were spoilt since the fault was set.
    pub(crate) fn spoilt(&self) -> usize {
        self.state.spoilt.load(Ordering::SeqCst)
    }
}

/// What a client is sent.
struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl State {
    fn fault(&self) -> Fault {
        self.fault.lock().expect("nobody panics with it").clone()
    }

    fn spoil(&self) {
        self.spoilt.fetch_add(1, Ordering::SeqCst);
    }

    async fn serve(&self, mut socket: TcpStream) {
        let Some((path, body)) = read_request(&mut socket).await else { return };
        match self.fault() {
            Fault::Away => return self.spoil(),
            Fault::Silent => {
                self.spoil();
                // Longer than anybody waits, and not for ever.
                tokio::time::sleep(Duration::from_secs(120)).await;
                return;
            }
            Fault::Late(pause) => {
                self.spoil();
                tokio::time::sleep(pause).await;
            }
            _ => {}
        }
        let answer = match body {
            Some(body) => self.rpc(body).await,
            None => self.get(&path).await,
        };
        let Some(Answer { status, body }) = answer else { return };
        let head = format!(
            "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        // A client that is gone needs no answer.
        let _ = socket.write_all(&[head.into_bytes(), body].concat()).await;
        let _ = socket.shutdown().await;
    }

    async fn get(&self, path: &str) -> Option<Answer> {
        if matches!(self.fault(), Fault::NoBlobs) && path.contains("/beacon/blob") {
            self.spoil();
            return Some(Answer { status: 404, body: b"no such blobs".to_vec() });
        }
        let response = self.http.get(format!("{}{path}", self.upstream)).send().await.ok()?;
        let status = response.status().as_u16();
        let mut body = response.bytes().await.ok()?.to_vec();
        if matches!(self.fault(), Fault::WrongBlob) && path.contains("/beacon/blob") {
            let mut answer: Value = serde_json::from_slice(&body).ok()?;
            for blob in answer["data"].as_array_mut().into_iter().flatten() {
                self.spoil();
                *blob = json!(another_blob(serde_json::from_value(blob.take()).ok()?));
            }
            body = answer.to_string().into_bytes();
        }
        Some(Answer { status, body })
    }

    async fn rpc(&self, body: Vec<u8>) -> Option<Answer> {
        let fault = self.fault();
        let Ok(mut question) = serde_json::from_slice::<Value>(&body) else {
            return self.forward(&self.upstream, body).await;
        };
        let method = question["method"].as_str().unwrap_or_default().to_owned();
        let id = question["id"].clone();
        let by_number = method == "eth_getBlockByNumber";
        match fault {
            Fault::Garbage => {
                self.spoil();
                let body = br#"{"jsonrpc":"2.0","id":0,"result":{"numb"#.to_vec();
                return Some(Answer { status: 200, body });
            }
            Fault::OtherChain(url) => {
                self.spoil();
                return self.forward(&url, body).await;
            }
            Fault::Swallow if method == "eth_sendRawTransaction" => {
                self.spoil();
                let hash = keccak256(question["params"][0].as_str().unwrap_or_default());
                return Some(result(&id, &json!(hash)));
            }
            Fault::LoseReply if method == "eth_sendRawTransaction" => {
                self.forward(&self.upstream, body).await?;
                self.spoil();
                return None;
            }
            Fault::BlobFee(fee) if method == "eth_feeHistory" => {
                let mut history = self.ask(&question).await?;
                let fees = history["baseFeePerGas"].as_array()?.len();
                history["baseFeePerBlobGas"] = json!(vec![format!("{fee:#x}"); fees]);
                self.spoil();
                return Some(result(&id, &history));
            }
            Fault::BlobFee(fee) if method == "eth_blobBaseFee" => {
                self.spoil();
                return Some(result(&id, &json!(format!("{fee:#x}"))));
            }
            Fault::WrongBlock if by_number && is_hex(&question["params"][0]) => {
                self.spoil();
                question["params"][0] = json!("0x0");
            }
            Fault::WrongParent if method == "eth_getBlockByHash" => {
                self.spoil();
                question["method"] = json!("eth_getBlockByNumber");
                question["params"] = json!(["latest", false]);
            }
            Fault::WrongHeader if by_number => {
                let mut block = self.ask(&question).await?;
                if !block.is_null() {
                    self.spoil();
                    block["gasUsed"] = json!("0x7");
                }
                return Some(result(&id, &block));
            }
            Fault::WrongLogs if method == "eth_getBlockReceipts" => {
                let mut receipts = self.ask(&question).await?;
                for receipt in receipts.as_array_mut().into_iter().flatten() {
                    self.spoil();
                    receipt["logs"] = json!([]);
                }
                return Some(result(&id, &receipts));
            }
            _ => {}
        }
        self.forward(&self.upstream, question.to_string().into_bytes()).await
    }

    /// The result of a question.
    async fn ask(&self, question: &Value) -> Option<Value> {
        let answer = self.forward(&self.upstream, question.to_string().into_bytes()).await?;
        let mut answer: Value = serde_json::from_slice(&answer.body).ok()?;
        Some(answer["result"].take())
    }

    async fn forward(&self, url: &str, body: Vec<u8>) -> Option<Answer> {
        let request = self.http.post(url).header("content-type", "application/json").body(body);
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some(Answer { status, body: response.bytes().await.ok()?.to_vec() })
    }
}

/// A number, and no tag.
fn is_hex(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("0x"))
}

fn result(id: &Value, result: &Value) -> Answer {
    let body = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    Answer { status: 200, body: body.to_string().into_bytes() }
}

/// A blob as it could be, and is not: with the batch of the one that is, without its transactions.
fn another_blob(blob: Bytes) -> Bytes {
    let data = blob::from_blobs(&[&blob]).ok();
    let batch = data.and_then(|data| Batch::decode(&data, L2_CHAIN_ID).ok()).map(|mut batch| {
        batch.blocks.iter_mut().for_each(|block| block.transactions.clear());
        batch::encode(&batch, L2_CHAIN_ID, Compression::default()).expect("smaller than it was")
    });
    let packed =
        |data: &[u8]| -> Bytes { blob::to_blobs(data).expect("it fits")[0].to_vec().into() };
    // Of a batch without transactions, or a part of one, there is nothing to leave out.
    let without = batch.map(|batch| packed(&batch)).filter(|other| *other != blob);
    without.unwrap_or_else(|| packed(b"no batch"))
}

/// Path of a request, and its body if it is a POST.
async fn read_request(socket: &mut TcpStream) -> Option<(String, Option<Vec<u8>>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let path = head.split(' ').nth(1)?.to_owned();
    if !head.starts_with("POST") {
        return Some((path, None));
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())?;
    while bytes.len() < end + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((path, Some(bytes[end..end + length].to_vec())))
}
