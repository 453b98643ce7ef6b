//! Forwarding: a frame goes in with the time, frames come out. No I/O in here.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, Ipv4Packet,
};

use super::RouterStats;
use super::fault::{Faults, Verdict};
use super::packet::{Problem, complaint, echo_reply, heads, refusal};
use crate::net::link::{HEADER, Mac};
use crate::net::stack::Cidr;
use crate::net::stack::frame::{arp_reply, arp_request};

/// How long an answer to ARP is believed.
const NEIGHBOUR_LIFE: Duration = Duration::from_secs(20 * 60);
/// Pause between two ARP requests for one host.
const ASK_PAUSE: Duration = Duration::from_secs(1);
/// Requests after which a host is not there.
const ASKS_MAX: u8 = 3;
/// Most packets that wait for one host's Ethernet address.
const WAITING_MAX: usize = 8;
/// Most hosts that are remembered.
const NEIGHBOURS_MAX: usize = 1024;
/// Most packets that a fault delays at a time; one more is lost.
const DELAYED_MAX: usize = 1024;

/// A port as the forwarder sees it.
#[derive(Debug)]
pub(super) struct Port {
    pub mac: Mac,
    pub addresses: Vec<Cidr>,
    pub mtu: usize,
}

#[derive(Debug)]
enum Neighbour {
    Known { mac: Mac, until: Duration },
    Asked { asks: u8, due: Duration, waiting: VecDeque<Vec<u8>> },
}

/// A router without its links. Times are since power-on.
#[derive(Debug)]
pub(super) struct Forwarder {
    ports: Vec<Port>,
    neighbours: BTreeMap<(usize, Ipv4Addr), Neighbour>,
    pub faults: Faults,
    /// Packets that a fault holds back, by when they go on; the number keeps their order.
    delayed: BTreeMap<(Duration, u64), Vec<u8>>,
    delayed_count: u64,
    /// Frames to send, and the ports to send them from.
    pub outgoing: Vec<(usize, Vec<u8>)>,
    pub stats: RouterStats,
}

impl Forwarder {
    pub fn new(ports: Vec<Port>, seed: u64) -> Forwarder {
        Forwarder {
            ports,
            neighbours: BTreeMap::new(),
            faults: Faults::new(seed),
            delayed: BTreeMap::new(),
            delayed_count: 0,
            outgoing: Vec::new(),
            stats: RouterStats::default(),
        }
    }

    /// Takes one frame that came in at `port`. What it can't use it ignores.
    pub fn receive(&mut self, now: Duration, port: usize, frame: &[u8]) {
        let Some(Port { mac, .. }) = self.ports.get(port) else { return };
        let Ok(frame) = EthernetFrame::new_checked(frame) else { return };
        let to = Mac(frame.dst_addr().0);
        if to != *mac && !to.is_group() {
            return;
        }
        let ethertype = frame.ethertype();
        if ethertype == EthernetProtocol::Arp {
            self.arp(now, port, frame.payload());
        } else if ethertype == EthernetProtocol::Ipv4 && !to.is_group() {
            self.ipv4(now, port, frame.payload());
        }
    }

    fn arp(&mut self, now: Duration, port: usize, packet: &[u8]) {
        let repr = ArpPacket::new_checked(packet).and_then(|packet| ArpRepr::parse(&packet));
        let Ok(ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr: sender,
            target_protocol_addr: target,
            ..
        }) = repr
        else {
            return;
        };
        let mac = Mac(source_hardware_addr.0);
        let Some(here) = self.ports.get(port) else { return };
        if !here.addresses.iter().any(|cidr| cidr.contains(IpAddr::V4(sender))) || mac.is_group() {
            return;
        }
        let (own_mac, for_us) = (here.mac, owns(here, target));
        if for_us || self.neighbours.contains_key(&(port, sender)) {
            self.learn(now, port, sender, mac);
        }
        if for_us && operation == ArpOperation::Request {
            let reply = arp_reply(own_mac, target, mac, sender);
            self.outgoing.push((port, reply.to_vec()));
        }
    }

    fn learn(&mut self, now: Duration, port: usize, host: Ipv4Addr, mac: Mac) {
        if self.neighbours.len() >= NEIGHBOURS_MAX && !self.neighbours.contains_key(&(port, host)) {
            // Whoever is needed again is asked for again.
            self.neighbours.retain(|_, known| matches!(known, Neighbour::Asked { .. }));
        }
        let known = Neighbour::Known { mac, until: now + NEIGHBOUR_LIFE };
        if let Some(Neighbour::Asked { waiting, .. }) = self.neighbours.insert((port, host), known)
        {
            for packet in waiting {
                self.send(port, mac, &packet);
            }
        }
    }

    fn ipv4(&mut self, now: Duration, port: usize, payload: &[u8]) {
        let Ok(packet) = Ipv4Packet::new_checked(payload) else { return self.drop() };
        let whole = payload.get(..usize::from(packet.total_len()));
        let (Some(whole), true) = (whole, packet.version() == 4 && packet.verify_checksum()) else {
            return self.drop();
        };
        let packet = Ipv4Packet::new_unchecked(whole);
        if self.ports.iter().any(|port| owns(port, packet.dst_addr())) {
            let answer = echo_reply(&packet).or_else(|| refusal(&packet));
            return self.answer(now, answer);
        }
        if packet.hop_limit() <= 1 {
            return self.complain(now, port, &packet, Problem::TimeExceeded);
        }
        match self.faults.verdict(heads(&packet)) {
            Verdict::Drop => self.drop(),
            Verdict::Refuse => self.answer(now, refusal(&packet)),
            Verdict::Unreachable => self.complain(now, port, &packet, Problem::HostUnreachable),
            Verdict::Forward { delay, copies } => {
                let mut onward = whole.to_vec();
                let mut header = Ipv4Packet::new_unchecked(&mut onward[..]);
                header.set_hop_limit(packet.hop_limit() - 1);
                header.fill_checksum();
                for _ in 0..copies {
                    if delay == Duration::ZERO {
                        self.route(now, onward.clone());
                    } else {
                        self.hold(now + delay, onward.clone());
                    }
                }
            }
        }
    }

    fn hold(&mut self, until: Duration, packet: Vec<u8>) {
        if self.delayed.len() >= DELAYED_MAX {
            return self.drop();
        }
        self.delayed.insert((until, self.delayed_count), packet);
        self.delayed_count += 1;
    }

    /// Sends a packet on its way, asking for the next host if need be.
    fn route(&mut self, now: Duration, packet: Vec<u8>) {
        let head = Ipv4Packet::new_unchecked(&packet[..]);
        let (from, to) = (head.src_addr(), head.dst_addr());
        let Some(port) = self.port_to(to) else {
            return self.complain_to(now, from, &packet, Problem::NetUnreachable);
        };
        let (mac, mtu) = (self.ports[port].mac, self.ports[port].mtu);
        if packet.len() > mtu {
            return self.complain_to(now, from, &packet, Problem::TooBig);
        }
        match self.neighbours.get_mut(&(port, to)) {
            Some(Neighbour::Known { mac, until }) if now < *until => {
                let mac = *mac;
                self.send(port, mac, &packet);
            }
            Some(Neighbour::Asked { waiting, .. }) => {
                if waiting.len() == WAITING_MAX {
                    waiting.pop_front();
                    self.stats.dropped += 1;
                }
                waiting.push_back(packet);
            }
            Some(Neighbour::Known { .. }) | None => {
                if self.neighbours.len() >= NEIGHBOURS_MAX {
                    return self.drop();
                }
                let waiting = VecDeque::from([packet]);
                let asked = Neighbour::Asked { asks: 1, due: now + ASK_PAUSE, waiting };
                self.neighbours.insert((port, to), asked);
                self.ask(port, mac, to);
            }
        }
    }

    fn ask(&mut self, port: usize, mac: Mac, host: Ipv4Addr) {
        let own = self.ports[port].addresses.iter().find(|own| own.contains(IpAddr::V4(host)));
        if let Some(IpAddr::V4(own)) = own.map(|own| own.address()) {
            self.outgoing.push((port, arp_request(mac, own, host).to_vec()));
        }
    }

    fn send(&mut self, port: usize, to: Mac, packet: &[u8]) {
        let mut frame = Vec::with_capacity(HEADER + packet.len());
        frame.extend_from_slice(&to.0);
        frame.extend_from_slice(&self.ports[port].mac.0);
        frame.extend_from_slice(&[8, 0]);
        frame.extend_from_slice(packet);
        self.outgoing.push((port, frame));
        self.stats.forwarded += 1;
    }

    fn drop(&mut self) {
        self.stats.dropped += 1;
    }

    fn answer(&mut self, now: Duration, answer: Option<Vec<u8>>) {
        match answer {
            Some(answer) => self.route(now, answer),
            None => self.drop(),
        }
    }

    /// Tells the sender of a packet that came in at `port`.
    fn complain(&mut self, now: Duration, port: usize, about: &Ipv4Packet<&[u8]>, why: Problem) {
        self.stats.dropped += 1;
        let addresses = &self.ports[port].addresses;
        let near = addresses.iter().find(|own| own.contains(IpAddr::V4(about.src_addr())));
        if let Some(IpAddr::V4(own)) = near.or(addresses.first()).map(|own| own.address())
            && let Some(complaint) = complaint(about, own, why)
            && self.port_to(about.src_addr()).is_some()
        {
            self.route(now, complaint);
        }
    }

    /// As [`Forwarder::complain`], from the port that leads back to the sender.
    fn complain_to(&mut self, now: Duration, sender: Ipv4Addr, about: &[u8], why: Problem) {
        match self.port_to(sender) {
            Some(port) => self.complain(now, port, &Ipv4Packet::new_unchecked(about), why),
            None => self.drop(),
        }
    }

    /// Returns the port behind which a host is; broadcast addresses of networks are behind none.
    fn port_to(&self, host: Ipv4Addr) -> Option<usize> {
        let leads = |cidr: &Cidr| cidr.contains(IpAddr::V4(host)) && !is_broadcast(*cidr, host);
        self.ports.iter().position(|port| port.addresses.iter().any(leads))
    }

    /// Does what is due: sends what was delayed, asks again, gives up.
    pub fn due(&mut self, now: Duration) {
        while let Some(entry) = self.delayed.first_entry()
            && entry.key().0 <= now
        {
            let packet = entry.remove();
            self.route(now, packet);
        }
        let late = self.neighbours.iter().filter_map(|(key, neighbour)| match neighbour {
            Neighbour::Asked { due, .. } if *due <= now => Some(*key),
            Neighbour::Asked { .. } | Neighbour::Known { .. } => None,
        });
        for (port, host) in late.collect::<Vec<_>>() {
            match self.neighbours.remove(&(port, host)) {
                Some(Neighbour::Asked { asks, waiting, .. }) if asks < ASKS_MAX => {
                    let due = now + ASK_PAUSE;
                    let asked = Neighbour::Asked { asks: asks + 1, due, waiting };
                    self.neighbours.insert((port, host), asked);
                    self.ask(port, self.ports[port].mac, host);
                }
                Some(Neighbour::Asked { waiting, .. }) => {
                    for packet in waiting {
                        let sender = Ipv4Packet::new_unchecked(&packet[..]).src_addr();
                        self.complain_to(now, sender, &packet, Problem::HostUnreachable);
                    }
                }
                Some(Neighbour::Known { .. }) | None => {}
            }
        }
    }

    /// Returns when [`Forwarder::due`] has something to do; `None` if never.
    pub fn deadline(&self) -> Option<Duration> {
        let asks = self.neighbours.values().filter_map(|neighbour| match neighbour {
            Neighbour::Asked { due, .. } => Some(*due),
            Neighbour::Known { .. } => None,
        });
        asks.chain(self.delayed.keys().next().map(|(at, _)| *at)).min()
    }
}

fn owns(port: &Port, address: Ipv4Addr) -> bool {
    port.addresses.iter().any(|own| own.address() == IpAddr::V4(address))
}

fn is_broadcast(cidr: Cidr, host: Ipv4Addr) -> bool {
    let host_bits = u32::MAX.checked_shr(u32::from(cidr.prefix())).unwrap_or(0);
    cidr.prefix() < 31 && host.to_bits() & host_bits == host_bits
}
