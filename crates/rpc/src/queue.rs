//! Places at what only a few may do at a time. Clients that wait have their turns one after the other,
//! each with the oldest of what it wants: who wants much waits for itself, and not others for it.

use crate::server::Peer;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use tokio::sync::oneshot;

tokio::task_local! {
    /// Whom the running task answers.
    pub(crate) static CALLER: Peer;
}

/// The places of one kind.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    bounds: Bounds,
}

/// How many may have a place, and wait for one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) places: usize,
    /// Places of one client.
    pub(crate) client_places: usize,
    pub(crate) waiting: usize,
    /// Of one client.
    pub(crate) client_waiting: usize,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    clients: HashMap<IpAddr, Waits>,
    /// The clients that wait, the next first.
    turns: VecDeque<IpAddr>,
}

/// A client that has a place, or waits for one.
#[derive(Debug, Default)]
struct Waits {
    taken: usize,
    /// Those that have given up are among them.
    waiting: VecDeque<oneshot::Sender<Place>>,
}

/// A place, until this goes.
#[derive(Debug)]
pub(crate) struct Place {
    queue: Arc<Queue>,
    client: IpAddr,
}

/// More wait than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), bounds })
    }

    /// A place for a client, if there is one now.
    pub(crate) fn take(self: &Arc<Self>, Peer(client): Peer) -> Option<Place> {
        let taken = self.state.lock().take(client, self.bounds);
        taken.then(|| Place { queue: self.clone(), client })
    }

    /// A place for the client that the running task answers; tasks that answer nobody are one client.
    pub(crate) async fn enter(self: &Arc<Self>) -> Result<Place, Full> {
        let nobody = Peer(Ipv4Addr::UNSPECIFIED.into());
        self.enter_as(CALLER.try_with(|peer| *peer).unwrap_or(nobody)).await
    }

    /// A place for a client, when it is its turn. Who gives up waiting just drops the future.
    pub(crate) async fn enter_as(self: &Arc<Self>, Peer(client): Peer) -> Result<Place, Full> {
        let turn = {
            let state = &mut *self.state.lock();
            if state.take(client, self.bounds) {
                return Ok(Place { queue: self.clone(), client });
            }
            let all = state.waiting();
            let own = state.clients.entry(client).or_default();
            own.waiting.retain(|waiting| !waiting.is_closed());
            if all >= self.bounds.waiting || own.waiting.len() >= self.bounds.client_waiting {
                state.forget_idle(client);
                return Err(Full);
            }
            let (turn, comes) = oneshot::channel();
            own.waiting.push_back(turn);
            if !state.turns.contains(&client) {
                state.turns.push_back(client);
            }
            comes
        };
        // The queue is there as long as its places are.
        turn.await.map_err(|_| Full)
    }

    /// Gives the places that are free to those whose turn it is.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let next = self.state.lock().next(self.bounds);
            let Some((client, turn)) = next else { return };
            // Who has given up in this moment drops it, and so gives it back.
            drop(turn.send(Place { queue: self.clone(), client }));
        }
    }
}

impl State {
    fn waiting(&self) -> usize {
        self.clients.values().map(|client| client.waiting.len()).sum()
    }

    /// Whether there is a place for a client; it counts as taken.
    fn take(&mut self, client: IpAddr, bounds: Bounds) -> bool {
        let own = self.clients.entry(client).or_default();
        let free = self.taken < bounds.places && own.taken < bounds.client_places;
        if free {
            own.taken += 1;
            self.taken += 1;
        }
        self.forget_idle(client);
        free
    }

    fn forget_idle(&mut self, client: IpAddr) {
        if self.clients.get(&client).is_some_and(|own| own.taken == 0 && own.waiting.is_empty()) {
            self.clients.remove(&client);
        }
    }

    /// Whose turn it is, if there is a place for it; it counts as taken.
    fn next(&mut self, bounds: Bounds) -> Option<(IpAddr, oneshot::Sender<Place>)> {
        if self.taken >= bounds.places {
            return None;
        }
        for _ in 0..self.turns.len() {
            let client = self.turns.pop_front()?;
            let Some(own) = self.clients.get_mut(&client) else { continue };
            own.waiting.retain(|waiting| !waiting.is_closed());
            if own.waiting.is_empty() {
                self.forget_idle(client);
                continue;
            }
            if !self.take(client, bounds) {
                self.turns.push_back(client);
                continue;
            }
            let own = self.clients.get_mut(&client)?;
            let turn = own.waiting.pop_front()?;
            if !own.waiting.is_empty() {
                self.turns.push_back(client);
            }
            return Some((client, turn));
        }
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let state = &mut *self.queue.state.lock();
            state.taken -= 1;
            if let Some(own) = state.clients.get_mut(&self.client) {
                own.taken -= 1;
            }
            state.forget_idle(self.client);
        }
        self.queue.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt as _, future::BoxFuture};

    const BOUNDS: Bounds = Bounds { places: 2, client_places: 2, waiting: 8, client_waiting: 4 };

    fn client(number: u8) -> Peer {
        Peer([10, 0, 0, number].into())
    }

    /// A client's way in: through at once, or waiting.
    fn enter(queue: &Arc<Queue>, number: u8) -> BoxFuture<'static, Result<Place, Full>> {
        let queue = queue.clone();
        async move { queue.enter_as(client(number)).await }.boxed()
    }

    #[test]
    fn attack_client_that_takes_all_connections() {
        let bounds = Bounds { places: 4, client_places: 2, waiting: 0, client_waiting: 0 };
        let queue = Queue::new(bounds);
        let held: Vec<_> = std::iter::from_fn(|| queue.take(client(1))).collect();
        assert_eq!(held.len(), 2);
        let others: Vec<_> = std::iter::from_fn(|| queue.take(client(2))).collect();
        assert_eq!(others.len(), 2);
        assert!(queue.take(client(3)).is_none(), "all are taken");
        drop((held, others));
        assert!(queue.state.lock().clients.is_empty());
        assert!(queue.take(client(1)).is_some());
    }

    fn now<T>(future: &mut BoxFuture<'static, T>) -> Option<T> {
        future.now_or_never()
    }

    #[test]
    fn attack_client_that_fills_the_queue_of_calls() {
        let queue = Queue::new(BOUNDS);
        let mut places: VecDeque<Place> =
            (0..2).map(|_| now(&mut enter(&queue, 1)).unwrap().unwrap()).collect();
        let mut greedy: Vec<_> = (0..4).map(|_| enter(&queue, 1)).collect();
        assert!(greedy.iter_mut().all(|waiting| now(waiting).is_none()));
        let mut second = enter(&queue, 2);
        assert!(now(&mut second).is_none());
        // The greedy one waited first; then it is the other's turn, whatever still waits.
        places.pop_front();
        places.push_back(now(&mut greedy.remove(0)).unwrap().unwrap());
        places.pop_front();
        places.push_back(now(&mut second).unwrap().unwrap());
        places.pop_front();
        assert!(now(&mut greedy[0]).is_some_and(|place| place.is_ok()));
        drop((places, greedy));
        assert!(queue.state.lock().clients.is_empty() && queue.state.lock().taken == 0);
    }

    #[test]
    fn share_of_a_client_leaves_places_to_others() {
        let queue = Queue::new(Bounds { client_places: 1, ..BOUNDS });
        let first = now(&mut enter(&queue, 1)).unwrap().unwrap();
        let mut more = enter(&queue, 1);
        assert!(now(&mut more).is_none());
        let other = now(&mut enter(&queue, 2)).unwrap();
        assert!(other.is_ok());
        drop(first);
        assert!(now(&mut more).is_some_and(|place| place.is_ok()));
    }

    #[test]
    fn who_gives_up_takes_no_place_and_those_who_wait_are_bounded() {
        let queue = Queue::new(BOUNDS);
        let places: Vec<_> = (0..2).map(|_| now(&mut enter(&queue, 1)).unwrap().unwrap()).collect();
        let mut waiting: Vec<_> = (0..4).map(|_| enter(&queue, 1)).collect();
        assert!(waiting.iter_mut().all(|waiting| now(waiting).is_none()));
        assert!(matches!(now(&mut enter(&queue, 1)), Some(Err(Full))));
        let mut others: Vec<_> = (2..6).map(|number| enter(&queue, number)).collect();
        assert!(others.iter_mut().all(|waiting| now(waiting).is_none()));
        assert!(matches!(now(&mut enter(&queue, 9)), Some(Err(Full))));
        // One that has its place already, but never learns of it, gives it back too.
        drop(places);
        drop((waiting, others));
        assert_eq!(queue.state.lock().taken, 0);
        assert!(now(&mut enter(&queue, 9)).is_some_and(|place| place.is_ok()));
        assert!(queue.state.lock().clients.is_empty());
    }
}
