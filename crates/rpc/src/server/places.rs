//! Places for connections: so many in all, and of those a share for each client, so that no host
//! can take them all.

use super::peer::Peer;
use parking_lot::Mutex;
use std::{collections::HashMap, net::IpAddr, sync::Arc};

/// The places of a server.
#[derive(Debug)]
pub(super) struct Places {
    taken: Mutex<Taken>,
    max: usize,
    max_client: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// By client; none is zero.
    clients: HashMap<IpAddr, usize>,
}

/// A place that is taken, until this goes.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    client: IpAddr,
}

impl Places {
    pub(super) fn new(max: u32, max_client: u32) -> Arc<Self> {
        let (max, max_client) = (max.max(1) as usize, max_client.max(1) as usize);
        Arc::new(Self { taken: Mutex::default(), max, max_client })
    }

    /// A place, if there is one for this client.
    pub(super) fn take(self: &Arc<Self>, Peer(client): Peer) -> Option<Place> {
        let mut taken = self.taken.lock();
        let own = taken.clients.get(&client).copied().unwrap_or_default();
        if taken.all >= self.max || own >= self.max_client {
            return None;
        }
        taken.all += 1;
        taken.clients.insert(client, own + 1);
        Some(Place { places: self.clone(), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all -= 1;
        if let Some(own) = taken.clients.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                taken.clients.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_client_that_takes_all_connections() {
        let (host, other) = (Peer([10, 0, 0, 1].into()), Peer([10, 0, 0, 2].into()));
        let places = Places::new(4, 2);
        let held: Vec<_> = std::iter::from_fn(|| places.take(host)).collect();
        assert_eq!(held.len(), 2);
        let others: Vec<_> = std::iter::from_fn(|| places.take(other)).collect();
        assert_eq!(others.len(), 2);
        assert!(places.take(Peer([10, 0, 0, 3].into())).is_none(), "all are taken");
        drop((held, others));
        assert!(places.taken.lock().clients.is_empty());
        assert!(places.take(host).is_some());
    }
}
