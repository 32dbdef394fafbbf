//! Writing frames (RFC 6455): answers, notifications, and what keeps the connection alive.

use bytes::BytesMut;
use serde_json::value::RawValue;
use soketto::base::{Codec, Header, OpCode};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _, BufWriter},
    sync::mpsc::Receiver,
    time::{Instant, interval_at},
};
use tokio_util::sync::CancellationToken;

/// Between two pings.
const PING: Duration = Duration::from_secs(30);

/// Writes until all who may send are gone, or `ended`: then what waits, and the end of the
/// connection.
pub(super) async fn write<W: AsyncWrite + Send>(
    io: W,
    mut answers: Receiver<Box<RawValue>>,
    mut pongs: Receiver<BytesMut>,
    ended: CancellationToken,
) {
    let mut io = std::pin::pin!(BufWriter::new(io));
    let mut frames = Frames { io: &mut io, codec: Codec::new() };
    // A client that is gone has nothing to be told.
    let _ = run(&mut frames, &mut answers, &mut pongs, &ended).await;
    // Senders that wait for room learn that there is none.
    drop(answers);
    let _ = frames.frame(OpCode::Close, &[]).await;
    let _ = frames.io.shutdown().await;
}

async fn run<W: AsyncWrite + Unpin>(
    frames: &mut Frames<W>,
    answers: &mut Receiver<Box<RawValue>>,
    pongs: &mut Receiver<BytesMut>,
    ended: &CancellationToken,
) -> io::Result<()> {
    let mut ping = interval_at(Instant::now() + PING, PING);
    loop {
        tokio::select! {
            biased;
            () = ended.cancelled() => break,
            Some(payload) = pongs.recv() => frames.frame(OpCode::Pong, &payload).await?,
            answer = answers.recv() => match answer {
                Some(answer) => frames.frame(OpCode::Text, answer.get().as_bytes()).await?,
                None => break,
            },
            _ = ping.tick() => frames.frame(OpCode::Ping, &[]).await?,
        }
        if answers.is_empty() {
            frames.io.flush().await?;
        }
    }
    answers.close();
    while let Some(answer) = answers.recv().await {
        frames.frame(OpCode::Text, answer.get().as_bytes()).await?;
    }
    Ok(())
}

struct Frames<W> {
    io: W,
    codec: Codec,
}

impl<W: AsyncWrite + Unpin> Frames<W> {
    async fn frame(&mut self, opcode: OpCode, payload: &[u8]) -> io::Result<()> {
        let mut header = Header::new(opcode);
        header.set_payload_len(payload.len());
        self.io.write_all(self.codec.encode_header(&header)).await?;
        self.io.write_all(payload).await
    }
}
