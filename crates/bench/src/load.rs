//! Sending transactions that were signed and rendered beforehand, and waiting until all are mined.

use crate::{
    Failure,
    accounts::Signed,
    http::{Connection, find, post},
    process::Server,
    rpc::Rpc,
};
use alloy_primitives::Address;
use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

/// How long all transactions may take until they are mined.
const PATIENCE: Duration = Duration::from_secs(180);
/// Pause between two looks at the nonces.
const POLL: Duration = Duration::from_millis(5);
/// Accounts asked for in one request.
const CHUNK: usize = 100;

/// Rendered requests, for each connection in order.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    connections: Vec<Vec<Vec<u8>>>,
    txs: usize,
}

/// What came of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// From the first request to the last answer.
    pub(crate) accepted: Duration,
    /// From the first request until every transaction is in a block.
    pub(crate) mined: Duration,
    /// CPU time of the server until then.
    pub(crate) cpu: Duration,
}

impl Load {
    /// Requests of `batch` transactions each (1: no batch) for the lists of the connections.
    pub(crate) fn new(lists: &[Vec<&Signed>], batch: usize) -> Self {
        let connections = lists
            .iter()
            .map(|list| list.chunks(batch.max(1)).map(|txs| render(txs, batch > 1)).collect())
            .collect();
        Self { connections, txs: lists.iter().map(Vec::len).sum() }
    }

    /// Bodies for each connection, each of so many calls.
    pub(crate) fn of_bodies(bodies: &[Vec<String>], calls: usize) -> Self {
        let connections: Vec<Vec<_>> =
            bodies.iter().map(|list| list.iter().map(|body| post(body)).collect()).collect();
        let txs = calls * connections.iter().map(Vec::len).sum::<usize>();
        Self { connections, txs }
    }

    /// Transactions, or other calls, in it.
    pub(crate) const fn txs(&self) -> usize {
        self.txs
    }

    /// Sends everything and waits until each of `accounts` has its nonce.
    pub(crate) fn run(
        &self,
        server: &Server,
        accounts: &[(Address, u64)],
    ) -> Result<Measured, Failure> {
        let mut rpc = Rpc::connect(server.addr)?;
        let barrier = Barrier::new(self.connections.len() + 1);
        let cpu = server.cpu()?;
        let (started, accepted) = thread::scope(|scope| {
            let workers: Vec<_> = self
                .connections
                .iter()
                .map(|requests| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        let connection = Connection::open(server.addr);
                        barrier.wait();
                        send(connection?, requests)
                    })
                })
                .collect();
            barrier.wait();
            let started = Instant::now();
            for worker in workers {
                worker.join().map_err(|_| Failure::from("a connection has panicked"))??;
            }
            Ok::<_, Failure>((started, started.elapsed()))
        })?;
        wait(&mut rpc, accounts)?;
        Ok(Measured { accepted, mined: started.elapsed(), cpu: server.cpu()? - cpu })
    }
}

fn render(txs: &[&Signed], batch: bool) -> Vec<u8> {
    let calls: Vec<_> = txs
        .iter()
        .enumerate()
        .map(|(id, tx)| {
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"eth_sendRawTransaction","params":["{}"]}}"#,
                tx.raw
            )
        })
        .collect();
    let body = calls.join(",");
    post(&if batch { format!("[{body}]") } else { body })
}

fn send(mut connection: Connection, requests: &[Vec<u8>]) -> Result<(), Failure> {
    for request in requests {
        let answer = connection.exchange(request)?;
        if let Some(at) = find(answer, br#""error""#) {
            let text = String::from_utf8_lossy(&answer[at..answer.len().min(at + 200)]);
            return Err(format!("the node refused: {text}").into());
        }
    }
    Ok(())
}

/// Waits until each account has at least its nonce after the newest block.
fn wait(rpc: &mut Rpc, accounts: &[(Address, u64)]) -> Result<(), Failure> {
    let until = Instant::now() + PATIENCE;
    for chunk in accounts.chunks(CHUNK) {
        let addresses: Vec<_> = chunk.iter().map(|(address, _)| *address).collect();
        // One is asked for first: while blocks are made, questions must cost the server little.
        for some in [&addresses[..1], &addresses[..]] {
            loop {
                let nonces = rpc.nonces(some)?;
                let done = nonces.iter().zip(chunk).all(|(nonce, (_, wanted))| nonce >= wanted);
                if done {
                    break;
                }
                if Instant::now() > until {
                    return Err(
                        format!("not all transactions were mined within {PATIENCE:?}").into()
                    );
                }
                thread::sleep(POLL);
            }
        }
    }
    Ok(())
}
