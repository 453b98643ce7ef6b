//! What goes wrong on the way: a table of faults, and the verdict on one packet.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::base::rng::Rng;
use crate::net::stack::Cidr;

/// Most faults at a time.
pub const FAULTS_MAX: usize = 64;

/// What travels inside a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Icmp,
    Tcp,
    Udp,
}

/// What happens to a packet that a fault matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It vanishes.
    BlackHole,
    /// TCP is reset and UDP is told that the port is closed, in the destination's name.
    Refuse,
    /// The router says that the host can't be reached.
    Unreachable,
    /// It arrives later.
    Delay(Duration),
    /// One in so many vanishes, on average; 0 is none and 1 is all.
    Lose { one_in: u64 },
    /// It arrives twice.
    Duplicate,
}

/// A fault on the way to a destination. What comes back is not matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `None` for all.
    pub from: Option<Cidr>,
    pub to: Cidr,
    /// `None` for all.
    pub protocol: Option<Protocol>,
    /// Destination port; `None` for all, and for ICMP.
    pub port: Option<u16>,
    pub effect: Effect,
}

/// What faults look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    pub from: Ipv4Addr,
    pub to: Ipv4Addr,
    pub protocol: Option<Protocol>,
    pub port: Option<u16>,
}

/// What becomes of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Forward { delay: Duration, copies: usize },
    Drop,
    Refuse,
    Unreachable,
}

#[derive(Debug)]
pub(super) struct Faults {
    table: BTreeMap<String, Fault>,
    rng: Rng,
}

impl Faults {
    pub fn new(seed: u64) -> Faults {
        Faults { table: BTreeMap::new(), rng: Rng::from_seed(seed) }
    }

    /// Returns whether there was room.
    pub fn set(&mut self, name: &str, fault: Fault) -> bool {
        if self.table.len() >= FAULTS_MAX && !self.table.contains_key(name) {
            return false;
        }
        self.table.insert(name.to_owned(), fault);
        true
    }

    pub fn clear(&mut self, name: &str) -> bool {
        self.table.remove(name).is_some()
    }

    pub fn list(&self) -> Vec<(String, Fault)> {
        self.table.iter().map(|(name, fault)| (name.clone(), *fault)).collect()
    }

    /// Decides about one packet that is to be forwarded. The one place where this happens.
    ///
    /// The first fault by name that takes the packet away decides; delays add up.
    pub fn verdict(&mut self, packet: Heads) -> Verdict {
        let (mut delay, mut copies) = (Duration::ZERO, 1);
        for fault in self.table.values().filter(|fault| fault.matches(packet)) {
            match fault.effect {
                Effect::BlackHole => return Verdict::Drop,
                Effect::Refuse => return Verdict::Refuse,
                Effect::Unreachable => return Verdict::Unreachable,
                Effect::Lose { one_in } if self.rng.one_in(one_in) => return Verdict::Drop,
                Effect::Lose { .. } => {}
                Effect::Delay(by) => delay += by,
                Effect::Duplicate => copies = 2,
            }
        }
        Verdict::Forward { delay, copies }
    }
}

impl Fault {
    fn matches(&self, packet: Heads) -> bool {
        self.from.is_none_or(|from| from.contains(IpAddr::V4(packet.from)))
            && self.to.contains(IpAddr::V4(packet.to))
            && self.protocol.is_none_or(|protocol| packet.protocol == Some(protocol))
            && self.port.is_none_or(|port| packet.port == Some(port))
    }
}
