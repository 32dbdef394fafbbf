//! Who asks: as far as a server can tell, the host that a connection comes from.

use std::net::IpAddr;

/// The address of a client, without its port. The clients behind one proxy are one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);
