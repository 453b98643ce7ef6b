//! What a stack is between two turns of its task: interface, sockets, and what smoltcp lacks.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::{Socket, tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint, IpListenEndpoint};

use super::frame::{ARP_LEN, arp_request, syn};
use super::neighbour::Neighbours;
use super::{Cidr, Listeners, Stats, TCP_BUFFER, TCP_BUFFER_LARGE, Taps};
use crate::net::link::{LinkError, Mac};
use crate::net::random;

/// Longest life of a connection that nobody holds any more; then it is reset.
///
/// # Source
/// Linux, `tcp_fin_timeout`.
const ORPHAN_LIFE: Duration = Duration::from_secs(60);
/// How long the reset of an orphan, or the last datagrams of a dropped socket, may take to leave.
const LINGER: Duration = Duration::from_secs(3);
/// Most connections that nobody holds; with one more the oldest is reset at once.
const ORPHANS_MAX: usize = 256;
/// Most closed connections that are remembered in case their peer's last packet comes again; with
/// one more the oldest is forgotten, and its buffers serve the next connection.
const TIME_WAIT_MAX: usize = 8;
/// Longest wait for the third packet of a handshake.
const HALF_OPEN_LIFE: Duration = Duration::from_secs(20);
/// Closed connections whose buffers are kept for the next one.
const SPARES_MAX: usize = 8;
/// How long a peer may leave data unacknowledged.
const ACK_WAIT: Duration = Duration::from_secs(120);
/// How long an acknowledgement may wait for data to go with.
///
/// # Source
/// smoltcp's own, which is in RFC 9293's bounds.
const ACK_DELAY: Duration = Duration::from_millis(10);
/// Local ports that are given out when none is asked for.
///
/// # Source
/// Linux, `ip_local_port_range`.
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// What kind of socket an orphan is, so that it is found by its handle alone.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Tcp,
    Udp,
}

/// A socket whose owner is gone. Its handle is valid until it is freed, which happens here only.
struct Orphan {
    kind: Kind,
    handle: SocketHandle,
    since: Instant,
}

pub(super) struct Core {
    pub mac: Mac,
    pub iface: Interface,
    pub sockets: SocketSet<'static>,
    /// Large segments pass the link, so connections buffer more.
    offloads: bool,
    /// Routers may give addresses and ways.
    slaac: bool,
    /// What was configured last, for what routers gave to stay.
    configured: Vec<IpCidr>,
    gateways: Vec<IpAddr>,
    pub listeners: Listeners,
    pub taps: Taps,
    /// Number of the tap put on last.
    pub last_tap: u64,
    pub stats: Stats,
    pub dead: Option<LinkError>,
    /// ARP frames of our own, for the next turn.
    pub own_frames: Vec<[u8; ARP_LEN]>,
    orphans: VecDeque<Orphan>,
    pub neighbours: Neighbours,
    spares: Vec<tcp::Socket<'static>>,
    /// The TCP port that was given out last.
    last_port: u16,
}

impl Core {
    pub fn new(mac: Mac, iface: Interface, offloads: bool, slaac: bool) -> Core {
        Core {
            mac,
            iface,
            sockets: SocketSet::new(Vec::new()),
            offloads,
            slaac,
            configured: Vec::new(),
            gateways: Vec::new(),
            listeners: Listeners::new(),
            taps: Taps::new(),
            last_tap: 0,
            stats: Stats::default(),
            dead: None,
            own_frames: Vec::new(),
            orphans: VecDeque::new(),
            neighbours: Neighbours::default(),
            spares: Vec::new(),
            last_port: u16::from_le_bytes(random()),
        }
    }

    /// Takes at most [`super::ADDRESSES_MAX`] addresses and the gateways, one of each version of IP.
    /// What routers advertised stays.
    pub fn set_addresses(&mut self, addresses: &[Cidr], gateways: &[IpAddr]) {
        let wanted: Vec<IpCidr> = addresses.iter().map(|cidr| cidr.wire()).collect();
        let before = std::mem::replace(&mut self.configured, wanted.clone());
        let v6 = self.slaac || addresses.iter().any(|cidr| cidr.address().is_ipv6());
        let own = v6.then(|| link_local(self.mac));
        self.iface.update_ip_addrs(|list| {
            let found: Vec<IpCidr> = list
                .iter()
                .filter(|cidr| v6 && !before.contains(cidr) && Some(**cidr) != own)
                .copied()
                .collect();
            list.clear();
            list.extend(wanted.into_iter().chain(own).chain(found).take(super::ADDRESSES_MAX));
        });
        let had = self.gateways.iter().any(IpAddr::is_ipv6);
        let routes = self.iface.routes_mut();
        routes.remove_default_ipv4_route();
        if had || !self.slaac {
            routes.remove_default_ipv6_route();
        }
        for gateway in gateways {
            // The table is empty but for these and one that was advertised, so it has room.
            let _ = match gateway {
                IpAddr::V4(gateway) => routes.add_default_ipv4_route(*gateway),
                IpAddr::V6(gateway) => routes.add_default_ipv6_route(*gateway),
            };
        }
        gateways.clone_into(&mut self.gateways);
        self.neighbours.clear();
        self.announce();
    }

    /// Forgets who was on the wire and says that we are there: it may lead to others now.
    pub fn return_to_the_wire(&mut self) {
        // smoltcp forgets its neighbours whenever addresses are looked at.
        self.iface.update_ip_addrs(|_| {});
        self.neighbours.clear();
        self.announce();
    }

    pub fn announce(&mut self) {
        for cidr in self.iface.ip_addrs() {
            if let IpCidr::Ipv4(cidr) = cidr {
                self.own_frames.push(arp_request(self.mac, cidr.address(), cidr.address()));
            }
        }
    }

    /// Returns the neighbour through which `to` is reached; `None` if there is no way.
    pub fn next_hop(&self, to: IpAddr) -> Option<IpAddr> {
        if self.iface.ip_addrs().iter().any(|cidr| cidr.contains_addr(&to.into())) {
            return Some(to);
        }
        let routes = self.iface.routes();
        let route = match to {
            IpAddr::V4(_) => routes.get_default_ipv4_route(),
            IpAddr::V6(_) => routes.get_default_ipv6_route(),
        };
        route.map(|route| route.via_router.into())
    }

    /// Returns a local TCP port that no socket uses; `None` when all are taken.
    ///
    /// One after the other: a port comes again only when the peer has long forgotten it. A peer
    /// that still has the last connection from it answers a SYN with anything but SYN and ACK, and
    /// smoltcp then waits until it gives up.
    pub fn tcp_port(&mut self) -> Option<u16> {
        let port = free_port(self.last_port.wrapping_add(1), |port| self.tcp_port_taken(port))?;
        self.last_port = port;
        Some(port)
    }

    /// Returns a local UDP port that no socket uses and nobody guesses; `None` when all are taken.
    pub fn udp_port(&self) -> Option<u16> {
        free_port(u16::from_le_bytes(random()), |port| self.udp_port_taken(port))
    }

    pub fn tcp_port_taken(&self, port: u16) -> bool {
        let uses = |socket: &Socket<'_>| match socket {
            Socket::Tcp(socket) => socket.local_endpoint().is_some_and(|local| local.port == port),
            Socket::Raw(_) | Socket::Icmp(_) | Socket::Udp(_) | Socket::Dhcpv4(_) => false,
        };
        self.listeners.contains_key(&port) || self.sockets.iter().any(|(_, socket)| uses(socket))
    }

    pub fn udp_port_taken(&self, port: u16) -> bool {
        let uses = |socket: &Socket<'_>| match socket {
            Socket::Udp(socket) => socket.endpoint().port == port,
            Socket::Raw(_) | Socket::Icmp(_) | Socket::Tcp(_) | Socket::Dhcpv4(_) => false,
        };
        self.sockets.iter().any(|(_, socket)| uses(socket))
    }

    /// Returns a closed TCP socket with this stack's settings.
    pub fn tcp_socket(&mut self) -> tcp::Socket<'static> {
        let mut socket = self.spares.pop().unwrap_or_else(|| {
            let len = if self.offloads { TCP_BUFFER_LARGE } else { TCP_BUFFER };
            let buffer = || tcp::SocketBuffer::new(vec![0; len]);
            tcp::Socket::new(buffer(), buffer())
        });
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(ACK_WAIT.into()));
        socket.set_keep_alive(None);
        // A lone large segment would wait for an acknowledgement that is held back.
        socket.set_ack_delay((!self.offloads).then(|| ACK_DELAY.into()));
        socket.set_congestion_control(tcp::CongestionControl::Cubic);
        socket
    }

    /// Takes over a socket whose owner is gone, until it is closed or its time is up.
    pub fn orphan(&mut self, now: Instant, kind: Kind, handle: SocketHandle) {
        if self.orphans.len() >= ORPHANS_MAX
            && let Some(oldest) = self.orphans.pop_front()
        {
            self.free(oldest.handle);
        }
        if let Kind::Tcp = kind {
            // Nobody is left who might answer with data that the acknowledgement could go with,
            // and the last one must have left before the connection is forgotten.
            self.sockets.get_mut::<tcp::Socket<'_>>(handle).set_ack_delay(None);
        }
        self.orphans.push_back(Orphan { kind, handle, since: now });
    }

    fn free(&mut self, handle: SocketHandle) {
        if let Socket::Tcp(mut socket) = self.sockets.remove(handle)
            && self.spares.len() < SPARES_MAX
        {
            socket.abort();
            self.spares.push(socket);
        }
    }

    /// Looks at a frame before smoltcp does: ARP tells who is there, and a SYN for a listener is given a socket to land in.
    /// `false` means: drop the frame. A full backlog drops, as Linux does; smoltcp would reset.
    pub fn admit(&mut self, now: Instant, frame: &[u8]) -> bool {
        if frame.get(12..14) == Some(&[8, 6]) {
            self.hear(now, frame);
            return true;
        }
        self.hear_advert(frame);
        if self.listeners.is_empty() {
            return true;
        }
        let Some((from, to)) = syn(frame) else { return true };
        let Some(backlog) = self.listeners.get(&to.port()) else { return true };
        let here: IpAddress = to.ip().into();
        if !self.iface.has_ip_addr(here) || backlog.address.is_some_and(|only| only != to.ip()) {
            return true;
        }
        let known = (Some(IpEndpoint::from(to)), Some(IpEndpoint::from(from)));
        let lands = |socket: &Socket<'_>| match socket {
            Socket::Tcp(socket) => {
                let waits = socket.is_listening() && socket.listen_endpoint().port == to.port();
                waits || (socket.local_endpoint(), socket.remote_endpoint()) == known
            }
            Socket::Raw(_) | Socket::Icmp(_) | Socket::Udp(_) | Socket::Dhcpv4(_) => false,
        };
        if self.sockets.iter().any(|(_, socket)| lands(socket)) {
            return true;
        }
        if !backlog.lets_in(from.ip()) {
            self.stats.syn_kept_out += 1;
            return false;
        }
        if backlog.is_full() {
            self.stats.syn_dropped += 1;
            return false;
        }
        let endpoint = IpListenEndpoint { addr: backlog.address.map(Into::into), port: to.port() };
        let mut socket = self.tcp_socket();
        socket.set_keep_alive(Some(super::tcp::KEEP_ALIVE.into()));
        if socket.listen(endpoint).is_ok() {
            let handle = self.sockets.add(socket);
            if let Some(backlog) = self.listeners.get_mut(&to.port()) {
                backlog.half_open.push((handle, now));
            }
        }
        true
    }

    /// Moves finished handshakes to their listeners and ends what has had its time.
    pub fn tidy(&mut self, now: Instant) {
        let mut done = Vec::new();
        for backlog in self.listeners.values_mut() {
            let (sockets, ready) = (&self.sockets, &mut backlog.ready);
            let before = ready.len();
            backlog.half_open.retain(|(handle, since)| {
                match sockets.get::<tcp::Socket<'_>>(*handle).state() {
                    tcp::State::Listen | tcp::State::SynReceived => {
                        let keep = now < *since + HALF_OPEN_LIFE.into();
                        if !keep {
                            done.push(*handle);
                        }
                        keep
                    }
                    tcp::State::Closed => {
                        done.push(*handle);
                        false
                    }
                    tcp::State::SynSent
                    | tcp::State::Established
                    | tcp::State::FinWait1
                    | tcp::State::FinWait2
                    | tcp::State::CloseWait
                    | tcp::State::Closing
                    | tcp::State::LastAck
                    | tcp::State::TimeWait => {
                        ready.push_back(*handle);
                        false
                    }
                }
            });
            if ready.len() > before
                && let Some(waker) = backlog.waker.take()
            {
                waker.wake();
            }
        }
        for handle in done {
            self.free(handle);
        }
        let remembered = self.orphans.iter().filter(|orphan| self.is_remembered(orphan)).count();
        let mut surplus = remembered.saturating_sub(TIME_WAIT_MAX);
        for _ in 0..self.orphans.len() {
            let Some(orphan) = self.orphans.pop_front() else { break };
            let forgotten = surplus > 0 && self.is_remembered(&orphan);
            surplus -= usize::from(forgotten);
            if forgotten || self.orphan_done(now, &orphan) {
                self.free(orphan.handle);
            } else {
                self.orphans.push_back(orphan);
            }
        }
    }

    /// Whether it was closed by both ends and waits only for what may come late.
    fn is_remembered(&self, orphan: &Orphan) -> bool {
        match orphan.kind {
            Kind::Tcp => {
                let socket = self.sockets.get::<tcp::Socket<'_>>(orphan.handle);
                socket.state() == tcp::State::TimeWait
            }
            Kind::Udp => false,
        }
    }

    fn orphan_done(&mut self, now: Instant, orphan: &Orphan) -> bool {
        let tcp_end = orphan.since + ORPHAN_LIFE.into();
        let udp_end = orphan.since + LINGER.into();
        match orphan.kind {
            Kind::Tcp => {
                let socket = self.sockets.get_mut::<tcp::Socket<'_>>(orphan.handle);
                if now >= tcp_end {
                    socket.abort();
                }
                let reset_sent =
                    socket.state() == tcp::State::Closed && socket.remote_endpoint().is_none();
                reset_sent || now >= tcp_end + LINGER.into()
            }
            Kind::Udp => {
                let socket = self.sockets.get::<udp::Socket<'_>>(orphan.handle);
                socket.send_queue() == 0 || now >= udp_end
            }
        }
    }

    /// Returns when [`Core::tidy`] has something to end; `None` if never.
    pub fn tidy_at(&self) -> Option<Instant> {
        let half_open = self.listeners.values().flat_map(|backlog| &backlog.half_open);
        let half_open = half_open.map(|(_, since)| *since + HALF_OPEN_LIFE.into());
        let orphans = self.orphans.iter().map(|orphan| {
            let closed =
                |handle| self.sockets.get::<tcp::Socket<'_>>(handle).state() == tcp::State::Closed;
            let life = match orphan.kind {
                Kind::Tcp if closed(orphan.handle) => ORPHAN_LIFE + LINGER,
                Kind::Tcp => ORPHAN_LIFE,
                Kind::Udp => LINGER,
            };
            orphan.since + life.into()
        });
        half_open.chain(orphans).chain(self.neighbours.due_at()).min()
    }

    /// Ends every socket: the link is gone. Whoever waits on one is woken.
    pub fn die(&mut self, error: LinkError) {
        self.dead = Some(error);
        for (_, socket) in self.sockets.iter_mut() {
            match socket {
                Socket::Tcp(socket) => socket.abort(),
                Socket::Udp(socket) => socket.close(),
                // Their owners wait with a deadline.
                Socket::Raw(_) | Socket::Icmp(_) | Socket::Dhcpv4(_) => {}
            }
        }
        for backlog in self.listeners.values_mut() {
            if let Some(waker) = backlog.waker.take() {
                waker.wake();
            }
        }
        self.neighbours.wake();
    }
}

/// Returns the address that a station has on its own wire alone.
///
/// # Source
/// RFC 4291, appendix A, and section 2.5.6.
fn link_local(mac: Mac) -> IpCidr {
    let [a, b, c, d, e, f] = mac.0;
    let tail = [a ^ 2, b, c, 0xff, 0xfe, d, e, f];
    let address = 0xfe80_u128 << 112 | u128::from(u64::from_be_bytes(tail));
    IpCidr::new(IpAddr::from(address.to_be_bytes()).into(), 64)
}

/// Returns the first free local port, looking from `first` on and all around.
fn free_port(first: u16, taken: impl Fn(u16) -> bool) -> Option<u16> {
    let span = EPHEMERAL.end() - EPHEMERAL.start() + 1;
    let first = first.wrapping_sub(*EPHEMERAL.start()) % span;
    (0..span).map(|step| EPHEMERAL.start() + (first + step) % span).find(|port| !taken(*port))
}
