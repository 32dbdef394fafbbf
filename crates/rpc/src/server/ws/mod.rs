//! A WebSocket connection: every message is a request, answered as over HTTP, and subscriptions send
//! what they have to tell in between.
//!
//! Only so many messages of a connection are answered at a time. One more waits, and nothing behind it
//! is read: a client that asks and does not read fills the system's buffers, and then it cannot ask.

mod frames;
mod writer;

use super::{
    accept::Client,
    dispatch::{Answer, Caller, Dispatch, Notified},
    inbox::{Inbox, Share},
};
use crate::{Failure, error::TIMEOUT, queue::CALLER};
use frames::{Incoming, Message, Messages};
use jsonrpsee::{
    BoundedSubscriptions, ConnectionId, Extensions, MethodSink, server::StopHandle,
    types::error::reject_too_big_request,
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A client that sends nothing for so long, not even the answer to a ping, is gone.
const SILENCE: Duration = Duration::from_secs(75);
/// Answers to pings that wait to be written.
const PONGS: usize = 8;

/// What a connection may hold and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of a message.
    pub(super) max_message: u32,
    pub(super) max_subscriptions: u32,
    /// Messages that are answered at a time, those counted whose answers wait for room.
    pub(super) max_calls: u32,
    /// Answers and notifications that wait to be written.
    pub(super) max_buffered: u32,
    /// Time for the bytes of one message, and again for its answer.
    pub(super) patience: Duration,
}

/// A connection after its handshake.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client: Arc<Client>,
    pub(super) connection: ConnectionId,
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) stop: StopHandle,
    pub(super) bounds: Bounds,
}

/// What the tasks of a connection share.
struct Shared {
    client: Arc<Client>,
    dispatch: Arc<Dispatch>,
    caller: Caller,
    sink: MethodSink,
}

impl Session {
    /// Answers until the client goes, breaks the protocol or the server stops.
    pub(super) async fn run<S>(self, io: S)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let Self { client, connection, dispatch, inbox, stop, bounds } = self;
        let (reading, writing) = tokio::io::split(io);
        let (answers, waiting) = mpsc::channel(bounds.max_buffered.max(1) as usize);
        let (pongs, asked) = mpsc::channel(PONGS);
        let ended = CancellationToken::new();
        let writing = tokio::spawn(writer::write(writing, waiting, asked, ended.clone()));

        let sink = MethodSink::new(answers);
        let mut extensions = Extensions::new();
        extensions.insert(client.peer);
        // For what a subscription sends later.
        extensions.insert(client.outbox.clone());
        let notified = Notified {
            sink: sink.clone(),
            places: BoundedSubscriptions::new(bounds.max_subscriptions),
        };
        let caller = Caller { extensions, connection, notified: Some(notified) };
        let shared = Arc::new(Shared { client, dispatch, caller, sink });
        let calls = TaskTracker::new();
        let share = Share::new(&inbox);
        let max = bounds.max_message as usize;
        let mut messages = Messages::new(reading, share, max, bounds.patience);
        let mut stopped = pin!(stop.clone().shutdown());
        let places = Arc::new(Semaphore::new(bounds.max_calls.max(1) as usize));
        let mut waiting = None;
        loop {
            let silent_at = messages.heard + SILENCE;
            let next = tokio::select! {
                next = messages.next(), if waiting.is_none() => next,
                place = places.clone().acquire_owned(), if waiting.is_some() => {
                    let (Ok(place), Some(message)) = (place, waiting.take()) else { break };
                    calls.spawn(answer(shared.clone(), message, place, bounds.patience));
                    // Nothing was read while it waited.
                    messages.heard = Instant::now();
                    continue;
                }
                () = shared.sink.closed() => break,
                () = tokio::time::sleep_until(silent_at), if waiting.is_none() => {
                    if messages.heard + SILENCE <= Instant::now() {
                        break;
                    }
                    continue;
                }
                () = &mut stopped => {
                    calls.close();
                    tokio::select! {
                        () = calls.wait() => {}
                        () = shared.sink.closed() => {}
                    }
                    break;
                }
            };
            match next {
                Ok(Incoming::Message(message)) => waiting = Some(message),
                Ok(Incoming::TooLarge) => {
                    shared.send(Answer::refused(reject_too_big_request(bounds.max_message))).await;
                }
                Ok(Incoming::Full) => {
                    let message = "too many requests are being received, try again later";
                    shared.send(Answer::refused(Failure::limit(message))).await;
                }
                Ok(Incoming::Late) => {
                    shared.send(late()).await;
                    break;
                }
                Ok(Incoming::Ping(payload)) => {
                    // One that pings faster than it reads gets fewer answers.
                    let _ = pongs.try_send(payload);
                }
                Ok(Incoming::Pong) => {}
                Ok(Incoming::Closed) => break,
                Err(error) => {
                    tracing::debug!(%error, "WebSocket connection ended");
                    break;
                }
            }
        }
        ended.cancel();
        // It logs nothing and does not panic.
        let _ = writing.await;
    }
}

/// Answers `message` within `patience`, unless its client goes before. It counts, and takes its
/// place, until the answer has room among those that wait to be written.
async fn answer(
    shared: Arc<Shared>,
    mut message: Message,
    place: OwnedSemaphorePermit,
    patience: Duration,
) {
    let answer = shared.dispatch.answer(&message.body, &shared.caller);
    let answer = CALLER.scope(shared.client.peer, tokio::time::timeout(patience, answer));
    let answer = tokio::select! {
        answer = answer => answer.unwrap_or_else(|_| Some(late())),
        () = shared.sink.closed() => return,
    };
    message.drop_body();
    if let Some(answer) = answer {
        shared.send(answer).await;
    }
    drop((message, place));
}

/// What a client hears whose request took too long, to come or to be answered.
fn late() -> Answer {
    Answer::refused(Failure::new(TIMEOUT, "request timed out"))
}

impl Shared {
    async fn send(&self, mut answer: Answer) {
        let json = std::mem::take(&mut answer.json);
        if !self.client.outbox.put(json.get().len()) {
            tracing::debug!("a client that does not read its answers was disconnected");
            self.client.outbox.close();
            return;
        }
        if self.sink.send(json).await.is_ok() {
            answer.sent();
        }
    }
}
