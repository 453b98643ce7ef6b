//! Who stands at the door: connections that have not logged in yet, and how many there may be.
//!
//! With one more than there may be, the one that has stood there longest goes: whoever means to log
//! in does it in a moment, and a crowd that only stands there keeps nobody out.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::shell::leash::Leash;

/// Most connections that have not logged in yet.
pub const STANDING_MAX: usize = 64;
/// Most connections that have.
///
/// # Source
/// Ours; the sessions on them have a limit of their own.
pub const INSIDE_MAX: usize = 128;

/// The door.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// By number: oldest first.
    standing: BTreeMap<u64, Leash>,
    inside: BTreeMap<u64, Leash>,
    last: u64,
}

/// A connection's place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    gate: Gate,
    number: u64,
}

impl Gate {
    /// Gives a connection a place at the door.
    pub fn stand(&self, leash: Leash) -> Place {
        let mut state = self.0.lock();
        state.last += 1;
        let number = state.last;
        let over = state.standing.len() >= STANDING_MAX;
        let oldest = over.then(|| state.standing.pop_first()).flatten();
        state.standing.insert(number, leash);
        drop(state);
        if let Some((_, leash)) = oldest {
            leash.cut();
        }
        Place { gate: self.clone(), number }
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        let mut state = self.0.lock();
        let all = [std::mem::take(&mut state.standing), std::mem::take(&mut state.inside)];
        drop(state);
        all.iter().flat_map(BTreeMap::values).for_each(Leash::cut);
    }

    /// Returns how many stand at the door, and how many are inside.
    pub fn count(&self) -> (usize, usize) {
        let state = self.0.lock();
        (state.standing.len(), state.inside.len())
    }
}

impl Place {
    /// Goes in; false if there is no room, or the connection was cut.
    pub fn enter(&mut self) -> bool {
        let mut state = self.gate.0.lock();
        let leash = state.standing.remove(&self.number);
        if let Some(leash) = leash.filter(|_| state.inside.len() < INSIDE_MAX) {
            state.inside.insert(self.number, leash);
        }
        state.inside.contains_key(&self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.gate.0.lock();
        state.standing.remove(&self.number);
        state.inside.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn the_longest_at_the_door_goes_first_and_who_is_inside_stays() {
        let gate = Gate::default();
        let stand = || {
            let (peer, stream) = tokio::io::duplex(16);
            let leash = Leash::default();
            let stream = leash.hold(stream);
            (gate.stand(leash), stream, peer)
        };
        let mut inside = stand();
        assert!(inside.0.enter());
        let mut all: Vec<_> = (0..STANDING_MAX + 2).map(|_| stand()).collect();
        assert_eq!(gate.count(), (STANDING_MAX, 1));
        for (at, (_, stream, peer)) in all.iter_mut().enumerate().take(4) {
            tokio::io::AsyncWriteExt::write_u8(peer, 1).await.unwrap();
            assert_eq!(stream.read_u8().await.is_ok(), at >= 2, "number {at}");
        }
        tokio::io::AsyncWriteExt::write_u8(&mut inside.2, 1).await.unwrap();
        assert!(inside.1.read_u8().await.is_ok());
        gate.cut();
        assert!(inside.1.read_u8().await.is_err(), "and nobody stays when all are cut");
        drop((all, inside));
        assert_eq!(gate.count(), (0, 0));
    }

    #[test]
    fn inside_is_bounded_too() {
        let gate = Gate::default();
        let enter = |_| {
            let mut place = gate.stand(Leash::default());
            (place.enter(), place)
        };
        let mut places: Vec<(bool, Place)> = (0..=INSIDE_MAX).map(enter).collect();
        assert_eq!(places.iter().position(|(entered, _)| !entered), Some(INSIDE_MAX));
        places.pop();
        places.remove(0);
        assert!(gate.stand(Leash::default()).enter());
    }
}
