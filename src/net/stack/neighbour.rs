//! Who is on the wire: ARP beside smoltcp's.
//!
//! smoltcp asks for at most one neighbour a second, and a packet for one that is not there blocks
//! whatever its socket sends after it. So nothing is given to smoltcp before its neighbour is
//! known here. What is known here smoltcp knows too: it learns from the same answers, and keeps
//! them longer.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use smoltcp::time::Instant;
use thiserror::Error;

use super::Stack;
use super::core::Core;
use super::frame::{arp_request, neighbour_advert};
use crate::net::link::Mac;

/// How long an answer is believed; smoltcp keeps it for 60 s.
const KNOWN_LIFE: Duration = Duration::from_secs(50);
/// Pause between two questions for one neighbour.
///
/// # Source
/// Linux, `retrans_time_ms`.
const ASK_PAUSE: Duration = Duration::from_secs(1);
/// Questions after which a neighbour is not there.
///
/// # Source
/// Linux, `mcast_solicit`.
const ASKS_MAX: u8 = 3;
/// Most neighbours that are remembered; smoltcp keeps as many.
const NEIGHBOURS_MAX: usize = 256;

/// Why a host can't be sent to.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ReachError {
    #[error("no route to the host; check address, prefix and gateway")]
    NoRoute,
    /// Neither the host nor the gateway on the way to it answers ARP.
    #[error("{hop} is not on the wire")]
    Absent { hop: Ipv4Addr },
}

#[derive(Clone, Copy, Debug)]
enum Neighbour {
    Known { until: Instant, mac: Mac },
    Asked { asks: u8, due: Instant },
    Absent,
}

/// The neighbours of one stack, and who waits for one.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    table: BTreeMap<Ipv4Addr, Neighbour>,
    /// Where the neighbours of IPv6 said they are.
    advertised: BTreeMap<Ipv6Addr, Mac>,
    waiting: Vec<Waker>,
}

impl Neighbours {
    /// Forgets everybody.
    pub fn clear(&mut self) {
        self.table.clear();
        self.advertised.clear();
        self.wake();
    }

    /// Notes that a neighbour spoke to us. One that moves to another station while it is known may be
    /// somebody in its place, so the log says so.
    pub fn heard(&mut self, now: Instant, host: Ipv4Addr, mac: Mac) {
        if let Some(Neighbour::Known { until, mac: before }) = self.table.get(&host)
            && now < *until
            && *before != mac
        {
            tracing::warn!("ARP: {host} moved from {before} to {mac}; somebody may pose as it");
        }
        if self.table.len() >= NEIGHBOURS_MAX && !self.table.contains_key(&host) {
            self.table.retain(|_, neighbour| matches!(neighbour, Neighbour::Asked { .. }));
        }
        self.table.insert(host, Neighbour::Known { until: now + KNOWN_LIFE.into(), mac });
        self.wake();
    }

    /// Notes where a neighbour of IPv6 says that it is; as [`Neighbours::heard`].
    pub fn advertised(&mut self, host: Ipv6Addr, mac: Mac) {
        if self.advertised.len() >= NEIGHBOURS_MAX && !self.advertised.contains_key(&host) {
            self.advertised.clear();
        }
        if let Some(before) = self.advertised.insert(host, mac).filter(|before| *before != mac) {
            tracing::warn!("ND: {host} moved from {before} to {mac}; somebody may pose as it");
        }
    }

    pub fn wake(&mut self) {
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }

    /// Returns whom to ask again; who has been asked often enough is absent.
    pub fn due(&mut self, now: Instant) -> Vec<Ipv4Addr> {
        let (mut again, mut gone) = (Vec::new(), false);
        for (host, neighbour) in &mut self.table {
            match *neighbour {
                Neighbour::Asked { asks, due } if due <= now => {
                    if asks < ASKS_MAX {
                        let due = now + ASK_PAUSE.into();
                        *neighbour = Neighbour::Asked { asks: asks + 1, due };
                        again.push(*host);
                    } else {
                        *neighbour = Neighbour::Absent;
                        gone = true;
                    }
                }
                Neighbour::Asked { .. } | Neighbour::Known { .. } | Neighbour::Absent => {}
            }
        }
        if gone {
            self.wake();
        }
        again
    }

    /// Returns when [`Neighbours::due`] has something to do; `None` if never.
    pub fn due_at(&self) -> Option<Instant> {
        let asked = self.table.values().filter_map(|neighbour| match neighbour {
            Neighbour::Asked { due, .. } => Some(*due),
            Neighbour::Known { .. } | Neighbour::Absent => None,
        });
        asked.min()
    }

    /// Returns whether `hop` is there. `asked` remembers that this caller's question was put; a
    /// new caller asks anew for one that was absent.
    fn poll(
        &mut self,
        now: Instant,
        hop: Ipv4Addr,
        asked: &mut bool,
        cx: &Context<'_>,
    ) -> (Poll<Result<(), ReachError>>, Ask) {
        let ask = match self.table.get(&hop) {
            Some(Neighbour::Known { until, .. }) if now < *until => {
                return (Poll::Ready(Ok(())), Ask::No);
            }
            Some(Neighbour::Absent) if *asked => {
                return (Poll::Ready(Err(ReachError::Absent { hop })), Ask::No);
            }
            Some(Neighbour::Asked { .. }) => Ask::No,
            Some(Neighbour::Known { .. } | Neighbour::Absent) | None => {
                if self.table.len() >= NEIGHBOURS_MAX && !self.table.contains_key(&hop) {
                    self.table.retain(|_, known| matches!(known, Neighbour::Asked { .. }));
                }
                let due = now + ASK_PAUSE.into();
                self.table.insert(hop, Neighbour::Asked { asks: 1, due });
                Ask::Yes
            }
        };
        *asked = true;
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
        (Poll::Pending, ask)
    }
}

/// Whether a question has to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Yes,
    No,
}

impl Core {
    /// Learns from an ARP packet that is meant for us, under the conditions under which smoltcp
    /// does.
    pub(super) fn hear(&mut self, now: Instant, frame: &[u8]) {
        let address = |at: usize| -> Option<Ipv4Addr> {
            frame.get(at..at + 4)?.try_into().map(|octets: [u8; 4]| octets.into()).ok()
        };
        let (Some(sender), Some(target)) = (address(28), address(38)) else { return };
        let proper = frame.get(14..21) == Some(&[0, 1, 8, 0, 6, 4, 0])
            && matches!(frame.get(21), Some(1 | 2))
            && frame.get(22).is_some_and(|first| first & 1 == 0);
        let near = self.iface.ip_addrs().iter().any(|cidr| cidr.contains_addr(&sender.into()));
        let Some(mac) = frame.get(22..28).and_then(|mac| mac.try_into().ok()).map(Mac) else {
            return;
        };
        if proper && mac != self.mac && self.iface.has_ip_addr(sender) {
            tracing::warn!("ARP: {mac} has our address {sender} too; give one of us another");
        } else if proper && near && self.iface.has_ip_addr(target) {
            self.neighbours.heard(now, sender, mac);
        }
    }

    /// Notes what a neighbour advertisement says; smoltcp itself does with it what is to be done.
    pub(super) fn hear_advert(&mut self, frame: &[u8]) {
        if let Some((host, mac)) = neighbour_advert(frame) {
            self.neighbours.advertised(host, mac);
        }
    }

    /// Sends an ARP request for `hop`, with the next turn.
    pub(super) fn ask_for(&mut self, hop: Ipv4Addr) {
        if let Some(source) = self.iface.get_source_address_ipv4(&hop) {
            self.own_frames.push(arp_request(self.mac, source, hop));
        }
    }

    /// Asks once more for whoever has not answered.
    pub(super) fn ask_again(&mut self, now: Instant) {
        for hop in self.neighbours.due(now) {
            self.ask_for(hop);
        }
    }

    fn poll_reach(
        &mut self,
        now: Instant,
        to: IpAddr,
        asked: &mut bool,
        cx: &Context<'_>,
    ) -> (Poll<Result<(), ReachError>>, Ask) {
        if self.dead.is_some() {
            return (Poll::Ready(Err(ReachError::NoRoute)), Ask::No);
        }
        match self.next_hop(to) {
            None => (Poll::Ready(Err(ReachError::NoRoute)), Ask::No),
            Some(IpAddr::V4(hop)) if !self.is_everybody(hop) => {
                let (reached, ask) = self.neighbours.poll(now, hop, asked, cx);
                if ask == Ask::Yes {
                    self.ask_for(hop);
                }
                (reached, ask)
            }
            // Broadcast needs no neighbour, and IPv6 has its own discovery.
            Some(IpAddr::V4(_) | IpAddr::V6(_)) => (Poll::Ready(Ok(())), Ask::No),
        }
    }

    fn is_everybody(&self, hop: Ipv4Addr) -> bool {
        let network_broadcast = |cidr: &smoltcp::wire::IpCidr| match cidr {
            smoltcp::wire::IpCidr::Ipv4(cidr) => cidr.broadcast() == Some(hop),
            smoltcp::wire::IpCidr::Ipv6(_) => false,
        };
        hop.is_broadcast()
            || hop.is_multicast()
            || self.iface.ip_addrs().iter().any(network_broadcast)
    }
}

impl Stack {
    /// Waits until packets to `to` can leave: the host, or the gateway on the way to it, has
    /// answered ARP. Sockets do this by themselves.
    ///
    /// # Errors
    /// [`ReachError`], after 3 s at most.
    pub async fn reach(&self, to: IpAddr) -> Result<(), ReachError> {
        let mut asked = false;
        poll_fn(|cx| {
            let now = self.0.now();
            let (reached, ask) = self.0.core.lock().poll_reach(now, to, &mut asked, cx);
            if ask == Ask::Yes {
                self.0.kick.notify_one();
            }
            reached
        })
        .await
    }
}
