//! Request bodies and messages that are being received or answered: how many bytes of them the node
//! holds.

use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What a connection holds up to this always has room, so that whoever holds the rest keeps nobody
/// from asking for a balance. All connections together cannot hold much of it.
const SMALL: usize = 16 << 10;

/// Why a body was not read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is larger than one may be.
    TooLarge,
    /// There is no room for it now.
    Full,
    /// The connection failed.
    Transport(hyper::Error),
}

/// The bytes of all bodies and messages.
#[derive(Debug)]
pub(super) struct Inbox {
    held: AtomicUsize,
    most: usize,
}

/// Those of one connection.
#[derive(Debug)]
pub(super) struct Share {
    inbox: Arc<Inbox>,
    held: AtomicUsize,
}

impl Share {
    pub(super) fn new(inbox: &Arc<Inbox>) -> Arc<Self> {
        Arc::new(Self { inbox: inbox.clone(), held: AtomicUsize::new(0) })
    }

    /// Room for one body or message, none of it taken yet.
    pub(super) fn begin(self: &Arc<Self>) -> Held {
        Held { share: self.clone(), bytes: 0 }
    }
}

/// A body, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    held: Held,
}

impl Received {
    /// The bytes, and what is to be dropped when they are.
    pub(super) fn into_parts(self) -> (Vec<u8>, Held) {
        (self.bytes, self.held)
    }
}

/// The room that a body or message takes.
#[derive(Debug)]
pub(super) struct Held {
    share: Arc<Share>,
    bytes: usize,
}

impl Held {
    /// Counts `bytes` more. False: there is no room for them, and nothing of it must be held.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let Share { inbox, held } = &*self.share;
        let own = held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let all = inbox.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.bytes += bytes;
        own <= SMALL || all <= inbox.most
    }

    /// Counts no more than `bytes` from now on.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.share.held.fetch_sub(less, Ordering::Relaxed);
        self.share.inbox.held.fetch_sub(less, Ordering::Relaxed);
        self.bytes -= less;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

impl Inbox {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), most })
    }

    /// Reads a body of at most `max` bytes. They are counted as they come: what a client announces
    /// and does not send takes no room from others.
    pub(super) async fn receive(
        self: &Arc<Self>,
        mut body: Incoming,
        max: usize,
    ) -> Result<Received, Unreadable> {
        // A connection sends its next body when the one before has been answered.
        let mut held = Share::new(self).begin();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > max {
            return Err(Unreadable::TooLarge);
        }
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(Unreadable::Transport)?.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length > max {
                return Err(Unreadable::TooLarge);
            }
            if !held.grow(data.len()) {
                return Err(Unreadable::Full);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Received { bytes, held })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_have_room_when_others_have_not() {
        let inbox = Inbox::new(100 << 10);
        let held = || Share::new(&inbox).begin();
        let (mut first, mut second, mut small) = (held(), held(), held());
        assert!(first.grow(90 << 10));
        assert!(!second.grow(20 << 10));
        drop(second);
        assert!(small.grow(SMALL));
        // Two of one connection are not both small.
        assert!(!small.share.begin().grow(1));
        first.shrink_to(1 << 10);
        assert!(held().grow(80 << 10));
        drop((first, small));
        assert_eq!(inbox.held.load(Ordering::Relaxed), 0);
    }
}
