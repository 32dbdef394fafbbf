//! Reading messages (RFC 6455): put together from their frames, and counted as their bytes come, so
//! that what a client announces, or sends only half of, takes no memory that is not accounted for.

use crate::server::inbox::{Held, Share};
use bytes::{Buf as _, BytesMut};
use soketto::{
    Parsing,
    base::{Codec, Header, OpCode},
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    time::Instant,
};

/// Bytes that are read at a time.
const READ: usize = 16 << 10;
/// Bytes that a message counts for beside its own, until its answer is handed on: the task that does
/// it.
const TASK: usize = 4 << 10;

/// What a client sent.
#[derive(Debug)]
pub(super) enum Incoming {
    Message(Message),
    /// A message that is larger than one may be; the rest of it is dropped as it comes.
    TooLarge,
    /// A message for which there is no room now; likewise.
    Full,
    /// The client has not sent the rest of a message in time.
    Late,
    /// To be answered with the same bytes.
    Ping(BytesMut),
    Pong,
    /// Nothing will come any more.
    Closed,
}

/// A whole message, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) body: Vec<u8>,
    held: Held,
}

impl Message {
    /// What was asked is needed no more; its task still is.
    pub(super) fn drop_body(&mut self) {
        self.body = Vec::new();
        self.held.shrink_to(TASK);
    }
}

/// A frame of a message of which bytes may be missing.
#[derive(Debug)]
struct Frame {
    mask: [u8; 4],
    /// Bytes of it that have come.
    come: usize,
    left: usize,
    is_last: bool,
}

/// A message of which frames or bytes may be missing.
#[derive(Debug)]
struct Partial {
    /// `None`: it was refused.
    message: Option<Message>,
    /// Bytes of its frames so far, announced ones counted.
    length: usize,
    until: Instant,
}

/// The messages of a connection.
#[derive(Debug)]
pub(super) struct Messages<R> {
    io: R,
    buffer: BytesMut,
    codec: Codec,
    share: Arc<Share>,
    max: usize,
    patience: Duration,
    frame: Option<Frame>,
    partial: Option<Partial>,
    /// When something came last.
    pub(super) heard: Instant,
}

fn broken(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn unmask(bytes: &mut [u8], mask: [u8; 4], from: usize) {
    for (byte, mask) in bytes.iter_mut().zip(mask.into_iter().cycle().skip(from % 4)) {
        *byte ^= mask;
    }
}

impl<R: AsyncRead + Unpin> Messages<R> {
    /// The messages of at most `max` bytes that come over `io`, each within `patience`.
    pub(super) fn new(io: R, share: Arc<Share>, max: usize, patience: Duration) -> Self {
        let mut codec = Codec::new();
        // Ours is of a message.
        codec.set_max_data_size(usize::MAX);
        let (buffer, heard) = (BytesMut::new(), Instant::now());
        Self { io, buffer, codec, share, max, patience, frame: None, partial: None, heard }
    }

    /// The next of what comes. Nothing is lost if the future is dropped before it ends.
    ///
    /// # Errors
    /// The connection failed, or what came is no WebSocket protocol.
    pub(super) async fn next(&mut self) -> io::Result<Incoming> {
        loop {
            if let Some(incoming) = self.buffered()? {
                return Ok(incoming);
            }
            // A client whose bytes never cease is as late as one whose bytes do not come.
            if self.partial.as_ref().is_some_and(|partial| partial.until <= Instant::now()) {
                return Ok(Incoming::Late);
            }
            self.buffer.reserve(READ);
            let reading = self.io.read_buf(&mut self.buffer);
            let read = match &self.partial {
                None => reading.await?,
                Some(partial) => match tokio::time::timeout_at(partial.until, reading).await {
                    Ok(read) => read?,
                    Err(_) => return Ok(Incoming::Late),
                },
            };
            if read == 0 {
                return Ok(Incoming::Closed);
            }
            self.heard = Instant::now();
        }
    }

    /// What the bytes that are here come to, if it takes no more.
    fn buffered(&mut self) -> io::Result<Option<Incoming>> {
        loop {
            if self.frame.is_some() {
                match self.data() {
                    Step::More => return Ok(None),
                    Step::Next => continue,
                    Step::Incoming(incoming) => return Ok(Some(incoming)),
                }
            }
            let (header, length) = match self.codec.decode_header(&self.buffer).map_err(broken)? {
                Parsing::Done { value, offset } => (value, offset),
                Parsing::NeedMore(_) => return Ok(None),
            };
            if !header.is_masked() {
                return Err(broken("a client's frame is not masked"));
            }
            if !header.opcode().is_control() {
                self.buffer.advance(length);
                if let Some(incoming) = self.begin(&header)? {
                    return Ok(Some(incoming));
                }
                continue;
            }
            if self.buffer.len() < length + header.payload_len() {
                return Ok(None);
            }
            self.buffer.advance(length);
            let mut payload = self.buffer.split_to(header.payload_len());
            unmask(&mut payload, header.mask().to_be_bytes(), 0);
            return Ok(Some(match header.opcode() {
                OpCode::Ping => Incoming::Ping(payload),
                OpCode::Pong => Incoming::Pong,
                _ => Incoming::Closed,
            }));
        }
    }

    /// Begins a frame of a message.
    fn begin(&mut self, header: &Header) -> io::Result<Option<Incoming>> {
        let goes_on = header.opcode() == OpCode::Continue;
        if goes_on != self.partial.is_some() {
            return Err(broken("a message begins within another, or goes on without a begin"));
        }
        let partial = self.partial.get_or_insert_with(|| Partial {
            message: Some(Message { body: Vec::new(), held: self.share.begin() }),
            length: 0,
            until: Instant::now() + self.patience,
        });
        self.frame = Some(Frame {
            mask: header.mask().to_be_bytes(),
            come: 0,
            left: header.payload_len(),
            is_last: header.is_fin(),
        });
        partial.length = partial.length.saturating_add(header.payload_len());
        if partial.length > self.max && partial.message.take().is_some() {
            return Ok(Some(Incoming::TooLarge));
        }
        if !goes_on && partial.message.as_mut().is_some_and(|message| !message.held.grow(TASK)) {
            partial.message = None;
            return Ok(Some(Incoming::Full));
        }
        Ok(None)
    }

    /// Takes what is here of the current frame.
    fn data(&mut self) -> Step {
        let (Some(frame), Some(partial)) = (&mut self.frame, &mut self.partial) else {
            return Step::More;
        };
        let mut bytes = self.buffer.split_to(frame.left.min(self.buffer.len()));
        let mut full = false;
        if let Some(message) = &mut partial.message {
            full = !message.held.grow(bytes.len());
            if !full {
                unmask(&mut bytes, frame.mask, frame.come);
                message.body.extend_from_slice(&bytes);
            }
        }
        frame.come += bytes.len();
        frame.left -= bytes.len();
        if full {
            partial.message = None;
            return Step::Incoming(Incoming::Full);
        }
        if frame.left > 0 {
            return Step::More;
        }
        let is_last = frame.is_last;
        self.frame = None;
        if !is_last {
            return Step::Next;
        }
        match self.partial.take().and_then(|partial| partial.message) {
            Some(message) => Step::Incoming(Incoming::Message(message)),
            None => Step::Next,
        }
    }
}

/// What a part of a frame comes to.
enum Step {
    More,
    Next,
    Incoming(Incoming),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::inbox::Inbox;
    use std::collections::VecDeque;

    const MASK: u32 = 0x1234_5678;

    fn frame(opcode: OpCode, is_last: bool, payload: &[u8]) -> Vec<u8> {
        let mut header = Header::new(opcode);
        header.set_fin(is_last).set_masked(true).set_mask(MASK).set_payload_len(payload.len());
        let mut out = Codec::new().encode_header(&header).to_vec();
        let begin = out.len();
        out.extend_from_slice(payload);
        unmask(&mut out[begin..], MASK.to_be_bytes(), 0);
        out
    }

    /// What comes of `parts`, read one after the other, with room for `most` bytes.
    async fn read(parts: Vec<Vec<u8>>, most: usize, max: usize) -> Vec<String> {
        let mut mock = VecDeque::from(parts);
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let share = Share::new(&Inbox::new(most));
        let mut messages = Messages::new(near, share, max, Duration::from_secs(10));
        let mut seen = Vec::new();
        let mut far = Some(&mut far);
        loop {
            let next = messages.next();
            tokio::select! {
                biased;
                next = next => match next {
                    Ok(Incoming::Closed) => return seen,
                    Ok(Incoming::Message(message)) => {
                        seen.push(String::from_utf8_lossy(&message.body).into_owned());
                    }
                    Ok(Incoming::Ping(payload)) => {
                        seen.push(format!("ping {}", String::from_utf8_lossy(&payload)));
                    }
                    Ok(other) => seen.push(format!("{other:?}")),
                    Err(error) => {
                        seen.push(error.to_string());
                        return seen;
                    }
                },
                // Only when nothing is left to read: the next part comes alone.
                () = std::future::ready(()) => {
                    use tokio::io::AsyncWriteExt as _;
                    match (mock.pop_front(), &mut far) {
                        (Some(part), Some(far)) => far.write_all(&part).await.unwrap(),
                        (None, Some(open)) => {
                            open.shutdown().await.unwrap();
                            far = None;
                        }
                        (_, None) => tokio::task::yield_now().await,
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn messages_come_whole_however_they_are_cut() {
        let bytes = [
            frame(OpCode::Text, false, b"hel"),
            frame(OpCode::Ping, true, b"here"),
            frame(OpCode::Continue, false, b""),
            frame(OpCode::Pong, true, b""),
            frame(OpCode::Continue, true, b"lo there"),
            frame(OpCode::Binary, true, b"again"),
        ]
        .concat();
        let expected = ["ping here", "Pong", "hello there", "again"];
        assert_eq!(read(vec![bytes.clone()], 1 << 20, 100).await, expected);
        let single: Vec<_> = bytes.iter().map(|byte| vec![*byte]).collect();
        assert_eq!(read(single, 1 << 20, 100).await, expected);
    }

    #[tokio::test]
    async fn what_is_refused_is_dropped_and_the_next_is_read() {
        let (large, small) = (vec![b'x'; 40 << 10], frame(OpCode::Text, true, b"ok"));
        let halves = || {
            vec![
                frame(OpCode::Text, false, &large),
                frame(OpCode::Continue, true, &large),
                small.clone(),
            ]
        };
        assert_eq!(read(halves(), 1 << 20, 60 << 10).await, ["TooLarge", "ok"]);
        assert_eq!(read(halves(), 50 << 10, 1 << 20).await, ["Full", "ok"]);
        let whole = read(halves(), 1 << 20, 1 << 20).await;
        assert_eq!(whole.iter().map(String::len).collect::<Vec<_>>(), [80 << 10, 2]);
    }

    #[tokio::test]
    async fn what_is_no_protocol_is_an_error() {
        let mut bare = Header::new(OpCode::Text);
        bare.set_payload_len(0);
        let bare = Codec::new().encode_header(&bare).to_vec();
        for bytes in [
            bare,
            frame(OpCode::Continue, true, b"x"),
            [frame(OpCode::Text, false, b"x"), frame(OpCode::Text, true, b"x")].concat(),
            vec![0xf1, 0x80],
        ] {
            let seen = read(vec![bytes.clone()], 1 << 20, 100).await;
            assert!(seen.len() == 1 && seen[0].len() > 5, "{bytes:?}: {seen:?}");
        }
    }
}
