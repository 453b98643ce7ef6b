//! What a host does for everybody, and what for single peers instead.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// A mode of behaviour for everybody, with exceptions by peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modes<T> {
    all: T,
    some: BTreeMap<IpAddr, T>,
}

impl<T: Clone + Default> Modes<T> {
    /// The same for everybody.
    pub fn of_all(all: T) -> Modes<T> {
        Modes { all, some: BTreeMap::new() }
    }

    /// Returns how a peer is treated.
    pub fn of(&self, peer: IpAddr) -> T {
        self.some.get(&peer).unwrap_or(&self.all).clone()
    }

    /// Changes how everybody is treated, or one peer.
    pub fn change(&mut self, peer: Option<IpAddr>, change: impl Fn(&mut T)) {
        match peer {
            Some(peer) => change(self.some.entry(peer).or_insert_with(|| self.all.clone())),
            None => {
                change(&mut self.all);
                self.some.values_mut().for_each(change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_differs_and_what_is_for_all_is_for_it_too() {
        let [one, other] = [1, 2].map(|n| IpAddr::from([192, 0, 2, n]));
        let mut modes = Modes::<(u8, u8)>::default();
        modes.change(Some(one), |mode| mode.0 = 1);
        assert_eq!((modes.of(one), modes.of(other)), ((1, 0), (0, 0)));
        modes.change(None, |mode| mode.1 = 2);
        assert_eq!((modes.of(one), modes.of(other)), ((1, 2), (0, 2)));
    }
}
