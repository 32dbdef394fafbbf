//! Answers that clients have not read yet: how many bytes of them the node holds, for one
//! connection, for one address and for all, and how long a client may read next to nothing.

use super::peer::Peer;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    fmt,
    future::Future as _,
    io,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What a connection has not read up to this always has room: whoever holds the rest keeps nobody
/// from asking for a balance, and all connections together cannot hold much of it.
const SMALL: usize = 64 << 10;

/// Bytes that a client must take within the patience of the server, if there are as many: one that
/// takes them one by one would hold an answer for ever.
const ENOUGH: usize = 256 << 10;

/// Bytes that are held, and how many may be.
#[derive(Debug)]
struct Held {
    bytes: AtomicUsize,
    most: usize,
}

impl Held {
    const fn new(most: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), most }
    }

    /// Counts bytes; how many there are now.
    fn add(&self, bytes: usize) -> usize {
        self.bytes.fetch_add(bytes, Ordering::AcqRel).saturating_add(bytes)
    }

    fn sub(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What the node holds for all clients.
#[derive(Debug)]
pub(super) struct Unread {
    held: Held,
    most_of_address: usize,
    /// Those that have a connection.
    addresses: Mutex<HashMap<IpAddr, Weak<Address>>>,
}

/// What the node holds for the connections from one address.
#[derive(Debug)]
struct Address {
    ip: IpAddr,
    held: Held,
    all: Arc<Unread>,
}

impl Unread {
    /// `most` bytes for all, half of them for one address, but at least what one connection may have.
    pub(super) fn new(most: usize, most_of_connection: usize) -> Arc<Self> {
        Arc::new(Self {
            held: Held::new(most),
            most_of_address: (most / 2).max(most_of_connection),
            addresses: Mutex::default(),
        })
    }

    fn address(self: &Arc<Self>, ip: IpAddr) -> Arc<Address> {
        let mut addresses = self.addresses.lock();
        if let Some(address) = addresses.get(&ip).and_then(Weak::upgrade) {
            return address;
        }
        let held = Held::new(self.most_of_address);
        let address = Arc::new(Address { ip, held, all: self.clone() });
        addresses.insert(ip, Arc::downgrade(&address));
        address
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        let mut addresses = self.all.addresses.lock();
        // Another may have taken its place.
        if addresses.get(&self.ip).is_some_and(|address| address.strong_count() == 0) {
            addresses.remove(&self.ip);
        }
    }
}

/// What the node holds for one connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    held: Held,
    address: Arc<Address>,
    closed: CancellationToken,
}

impl Outbox {
    /// Of a connection from `peer`, for which at most `most` bytes are held.
    pub(super) fn new(all: &Arc<Unread>, peer: Peer, most: usize) -> Arc<Self> {
        Arc::new(Self {
            held: Held::new(most),
            address: all.address(peer.0),
            closed: CancellationToken::new(),
        })
    }

    /// Counts an answer of `bytes`. False: there is no room for it, and it must not be held.
    pub(crate) fn put(&self, bytes: usize) -> bool {
        // The widest first: nobody takes off it what it does not have yet.
        let held = [&self.address.all.held, &self.address.held, &self.held];
        let [all, address, own] = held.map(|held| (held.add(bytes), held.most));
        let fits = |(bytes, most)| bytes <= most;
        let room = fits(own) && (own.0 <= SMALL || fits(address) && fits(all));
        if !room {
            self.taken(bytes);
        }
        room
    }

    /// The client has taken `bytes`, or they are held no more.
    pub(crate) fn taken(&self, bytes: usize) {
        let mut taken = 0;
        // Headers and frames are written, too, which nobody has counted.
        let _ = self.held.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
            taken = held.min(bytes);
            Some(held - taken)
        });
        self.forget(taken);
    }

    fn forget(&self, bytes: usize) {
        self.address.held.sub(bytes);
        self.address.all.held.sub(bytes);
    }

    fn is_empty(&self) -> bool {
        self.held.bytes.load(Ordering::Relaxed) == 0
    }

    /// Ends the connection.
    pub(crate) fn close(&self) {
        self.closed.cancel();
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.forget(self.held.bytes.load(Ordering::Relaxed));
    }
}

/// A connection that ends if its client takes nothing for a while, or when its outbox is closed.
pub(super) struct Paced<S> {
    stream: S,
    outbox: Arc<Outbox>,
    patience: Duration,
    /// Since no more could be written; goes on until enough is or nothing is left.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Bytes written since then.
    progress: usize,
    /// For the task that reads and the one that writes: each has to be woken.
    closed_reading: Pin<Box<WaitForCancellationFutureOwned>>,
    closed_writing: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// What a read or write that is pending comes to.
fn wait<T>(
    closed: &mut Pin<Box<WaitForCancellationFutureOwned>>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    closed.as_mut().poll(cx).map(|()| Err(io::ErrorKind::ConnectionAborted.into()))
}

impl<S> fmt::Debug for Paced<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paced").field("outbox", &self.outbox).finish_non_exhaustive()
    }
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, outbox: Arc<Outbox>, patience: Duration) -> Self {
        let closed = || Box::pin(outbox.closed.clone().cancelled_owned());
        let (closed_reading, closed_writing) = (closed(), closed());
        Self {
            stream,
            outbox,
            patience,
            stalled: None,
            progress: 0,
            closed_reading,
            closed_writing,
        }
    }

    /// What a write that is pending comes to.
    fn stall<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let patience = self.patience;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        wait(&mut self.closed_writing, cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Pending => wait(&mut this.closed_reading, cx),
            ready => ready,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_write(cx, buf) {
            Poll::Pending => this.stall(cx),
            Poll::Ready(written) => {
                let bytes = *written.as_ref().unwrap_or(&0);
                this.outbox.taken(bytes);
                this.progress = this.progress.saturating_add(bytes);
                if this.progress >= ENOUGH || this.outbox.is_empty() {
                    this.stalled = None;
                    this.progress = 0;
                }
                Poll::Ready(written)
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Attack: an answer that is taken byte by byte.
    #[tokio::test]
    async fn reader_that_takes_next_to_nothing_is_cut() {
        let (near, mut far) = tokio::io::duplex(256);
        let outbox = Outbox::new(&Unread::new(1 << 30, 1 << 30), peer(1), 1 << 30);
        outbox.put(1 << 20);
        let mut paced = Paced::new(near, outbox, Duration::from_millis(100));
        let reading = tokio::spawn(async move {
            let mut bytes = [0; 8];
            while far.read_exact(&mut bytes).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let writing = paced.write_all(&[0; 1 << 20]);
        let written = tokio::time::timeout(Duration::from_secs(10), writing).await;
        let error = written.expect("it is cut").expect_err("it is not written");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        reading.abort();
    }

    fn peer(number: u8) -> Peer {
        Peer([10, 0, 0, number].into())
    }

    #[test]
    fn what_is_held_is_counted_for_one_and_for_all() {
        let all = Unread::new(200 << 10, 180 << 10);
        let outbox = |number| Outbox::new(&all, peer(number), 180 << 10);
        let (one, other) = (outbox(1), outbox(2));
        assert!(one.put(170 << 10));
        assert!(!one.put(20 << 10), "more than one may have");
        assert!(!other.put(SMALL + 1), "more than all may have");
        assert!(other.put(SMALL - 1), "a little always has room");
        assert!(other.put(1));
        assert!(!other.put(1), "of small answers too no more than a little");
        one.taken(150 << 10);
        assert!(one.put(20 << 10));
        one.taken(usize::MAX);
        drop(other);
        assert_eq!(all.held.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn attack_address_that_reads_on_none_of_its_connections() {
        let all = Unread::new(800 << 10, 200 << 10);
        let outbox = |number| Outbox::new(&all, peer(number), 200 << 10);
        let greedy: Vec<_> = (0..5).map(|_| outbox(1)).collect();
        assert!(greedy[0].put(200 << 10) && greedy[1].put(200 << 10));
        assert!(!greedy[2].put(SMALL + 1), "half of all is held for it");
        assert!(greedy[2].put(SMALL), "a little always has room");
        let other = outbox(2);
        assert!(other.put(200 << 10));
        greedy[0].taken(200 << 10);
        assert!(greedy[3].put(130 << 10));
        drop((greedy, other));
        assert_eq!(all.held.bytes.load(Ordering::Relaxed), 0);
        assert!(all.addresses.lock().is_empty());
        assert!(outbox(1).put(200 << 10));
    }
}
