//! A host's IP stack in user space: smoltcp behind one task, async sockets for everyone else.
//!
//! The task sleeps until a frame comes, a socket has something to send or a protocol timer is due;
//! an idle stack has no timer. What smoltcp leaves out is done here: a backlog for listeners, ARP
//! for many neighbours at a time, gratuitous ARP, an end for half-closed connections.
//!
//! Dropping the last handle (every [`Stack`] and socket holds one) pulls the plug: nothing is sent
//! any more and the link is given back.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use smoltcp::iface::{Config, Interface};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr, IpEndpoint};
use thiserror::Error;
use tokio::sync::Notify;

use crate::net::link::{Link, LinkError, Mac};
use crate::net::random;

mod core;
mod dhcp;
pub(in crate::net) mod frame;
mod neighbour;
mod ping;
mod reactor;
mod tcp;
mod udp;

pub use dhcp::{Dhcp, Lease};
pub use neighbour::ReachError;
pub use ping::{Echo, PingError, Pinger};
pub use tcp::{ConnectError, Guard, ListenError, TcpListener, TcpStream};
pub use udp::{BYTES_MAX, BindError, UdpSocket};

use self::core::Core;

/// Most addresses that a stack holds.
///
/// # Source
/// The feature `iface-max-addr-count-8` of smoltcp in `Cargo.toml`.
pub const ADDRESSES_MAX: usize = 8;
/// Bytes that a TCP connection buffers each way.
pub const TCP_BUFFER: usize = 64 * 1024;
/// The same where the link takes segments of nearly that size.
pub const TCP_BUFFER_LARGE: usize = 256 * 1024;

/// An address and the length of its network prefix, `10.62.148.225/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Joins an address and a prefix length; `None` for a prefix longer than the address and for
    /// an address that no single host can have.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Cidr> {
        let broadcast = match address {
            IpAddr::V4(address) => address.is_broadcast(),
            IpAddr::V6(_) => false,
        };
        let host = !address.is_unspecified() && !address.is_multicast() && !broadcast;
        let max = if address.is_ipv4() { 32 } else { 128 };
        (host && prefix <= max).then_some(Cidr { address, prefix })
    }

    /// Returns the host's address.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// Returns the length of the prefix in bits.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Returns whether `other` is on the same network.
    pub fn contains(self, other: IpAddr) -> bool {
        self.wire().contains_addr(&other.into())
    }

    fn wire(self) -> IpCidr {
        IpCidr::new(self.address.into(), self.prefix)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;
    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        let (address, prefix) = text.split_once('/').ok_or(CidrError)?;
        let address = address.parse().map_err(|_| CidrError)?;
        Cidr::new(address, prefix.parse().map_err(|_| CidrError)?).ok_or(CidrError)
    }
}

/// Why a text is not a [`Cidr`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a host's address with a prefix length; write it as 192.0.2.1/24")]
pub struct CidrError;

/// What a stack is at power-on.
#[derive(Clone, Debug)]
pub struct StackConfig {
    pub mac: Mac,
    /// At most [`ADDRESSES_MAX`]; none is allowed: an address may come later.
    pub addresses: Vec<Cidr>,
    pub gateway: Option<IpAddr>,
    /// Take addresses and ways that routers of IPv6 advertise.
    pub slaac: bool,
}

/// Why a stack refused a configuration.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StackError {
    #[error("{count} addresses, expected at most {ADDRESSES_MAX}")]
    TooManyAddresses { count: usize },
    /// A packet for it could never leave.
    #[error("gateway {gateway} is not on the network of any address")]
    GatewayOffLink { gateway: IpAddr },
    #[error("{mac} can't be a station's address: it names a group")]
    GroupMac { mac: Mac },
}

/// Which way a frame goes, seen from the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// Sees every frame: incoming ones before the stack does, outgoing ones before the link does.
///
/// It runs inside the stack's task with the stack locked, so it copies what it wants and returns;
/// it must not call the stack.
pub type Tap = Box<dyn FnMut(Direction, &[u8]) + Send>;

/// A tap on the wire; dropping it takes the tap off.
pub struct Tapped {
    shared: Weak<Shared>,
    number: u64,
}

impl Drop for Tapped {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut core = shared.core.lock();
        let at = core.taps.iter().position(|(number, _)| *number == self.number);
        let tap = at.map(|at| core.taps.remove(at));
        // What the tap holds is dropped after the lock is given back: it may be a capture's last word.
        drop(core);
        drop(tap);
    }
}

impl fmt::Debug for Tapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tapped({})", self.number)
    }
}

/// Taps with their numbers.
type Taps = Vec<(u64, Tap)>;

/// Counters since power-on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub frames_in: u64,
    pub frames_out: u64,
    /// Turns of the stack's task; it stands still while nothing happens.
    pub turns: u64,
    /// Connections that were not let in because a backlog was full.
    pub syn_dropped: u64,
    /// Connections that a listener's guard kept out.
    pub syn_kept_out: u64,
}

/// A handle of one host's stack. Clones are the same stack.
#[derive(Clone)]
pub struct Stack(Arc<Shared>);

/// What handles, sockets and the task have in common.
struct Shared {
    core: Mutex<Core>,
    /// Wakes the task: a socket has something to send, or everything was dropped.
    kick: Arc<Notify>,
    base: tokio::time::Instant,
}

impl Shared {
    /// Monotonic; smoltcp's own clock is wall time and would jump with it.
    fn now(&self) -> smoltcp::time::Instant {
        let elapsed = self.base.elapsed();
        smoltcp::time::Instant::from_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.kick.notify_one();
    }
}

impl Stack {
    /// Builds a stack on `link`, starts its task on the current tokio runtime and announces its
    /// addresses.
    ///
    /// # Errors
    /// [`StackError`] when `config` can't be a host's.
    pub fn spawn(config: StackConfig, link: impl Link) -> Result<Stack, StackError> {
        if config.mac.is_group() {
            return Err(StackError::GroupMac { mac: config.mac });
        }
        check(&config.addresses, config.gateway)?;
        let offloads = link.offloads();
        let mut device = reactor::Device::new(link);
        let mut wire =
            Config::new(HardwareAddress::Ethernet(EthernetAddress::from_bytes(&config.mac.0)));
        wire.slaac = config.slaac;
        wire.random_seed = u64::from_le_bytes(random());
        let start = smoltcp::time::Instant::from_micros(0);
        let iface = Interface::new(wire, &mut device, start);
        let core = Core::new(config.mac, iface, offloads, config.slaac);
        let kick = Arc::new(Notify::new());
        let shared = Arc::new(Shared {
            core: Mutex::new(core),
            kick: Arc::clone(&kick),
            base: tokio::time::Instant::now(),
        });
        shared.core.lock().set_addresses(&config.addresses, config.gateway.as_slice());
        tokio::spawn(reactor::run(Arc::downgrade(&shared), kick, device));
        Ok(Stack(shared))
    }

    /// Replaces all addresses and the gateway, and announces them. Connections that used an
    /// address that is gone die as on any host: their packets find no way.
    ///
    /// # Errors
    /// [`StackError`]; then nothing has changed.
    pub fn set_addresses(
        &self,
        addresses: &[Cidr],
        gateway: Option<IpAddr>,
    ) -> Result<(), StackError> {
        check(addresses, gateway)?;
        self.0.core.lock().set_addresses(addresses, gateway.as_slice());
        self.0.kick.notify_one();
        Ok(())
    }

    /// As [`Stack::set_addresses`], with a gateway for each version of IP.
    ///
    /// # Errors
    /// [`StackError`]; then nothing has changed.
    pub fn configure(&self, addresses: &[Cidr], gateways: &[IpAddr]) -> Result<(), StackError> {
        check(addresses, None)?;
        for gateway in gateways {
            check(addresses, Some(*gateway))?;
        }
        self.0.core.lock().set_addresses(addresses, gateways);
        self.0.kick.notify_one();
        Ok(())
    }

    /// Replaces all addresses by one; see [`Stack::set_addresses`].
    ///
    /// # Errors
    /// [`StackError`]; then nothing has changed.
    pub fn set_address(&self, address: Cidr, gateway: Option<IpAddr>) -> Result<(), StackError> {
        self.set_addresses(&[address], gateway)
    }

    /// Returns the addresses, the first one configured first.
    pub fn addresses(&self) -> Vec<Cidr> {
        let core = self.0.core.lock();
        let cidr = |c: &IpCidr| Cidr::new(c.address().into(), c.prefix_len());
        core.iface.ip_addrs().iter().filter_map(cidr).collect()
    }

    /// Returns the stack's Ethernet address.
    pub fn mac(&self) -> Mac {
        self.0.core.lock().mac
    }

    /// Sends a gratuitous ARP for every IPv4 address: for when a link comes back.
    pub fn announce(&self) {
        self.0.core.lock().announce();
        self.0.kick.notify_one();
    }

    /// Puts a tap on the wire for as long as what it returns lives. With none, a frame costs one
    /// comparison.
    pub fn tap(&self, tap: Tap) -> Tapped {
        let mut core = self.0.core.lock();
        core.last_tap += 1;
        let number = core.last_tap;
        core.taps.push((number, tap));
        Tapped { shared: Arc::downgrade(&self.0), number }
    }

    /// Returns the counters.
    pub fn stats(&self) -> Stats {
        self.0.core.lock().stats
    }

    /// Returns how many sockets there are, closing ones included.
    pub fn socket_count(&self) -> usize {
        self.0.core.lock().sockets.iter().count()
    }

    /// Returns why the stack is dead, if its link is gone.
    pub fn dead(&self) -> Option<LinkError> {
        self.0.core.lock().dead
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("addresses", &self.addresses()).finish_non_exhaustive()
    }
}

fn check(addresses: &[Cidr], gateway: Option<IpAddr>) -> Result<(), StackError> {
    if addresses.len() > ADDRESSES_MAX {
        return Err(StackError::TooManyAddresses { count: addresses.len() });
    }
    match gateway {
        // A router of IPv6 is known by the address that it has on the wire alone.
        Some(IpAddr::V6(gateway)) if gateway.is_unicast_link_local() => Ok(()),
        Some(gateway) if !addresses.iter().any(|cidr| cidr.contains(gateway)) => {
            Err(StackError::GatewayOffLink { gateway })
        }
        Some(_) | None => Ok(()),
    }
}

fn socket_addr(endpoint: IpEndpoint) -> SocketAddr {
    SocketAddr::new(endpoint.addr.into(), endpoint.port)
}

/// Listeners by the port they listen on; one port has one listener.
type Listeners = BTreeMap<u16, tcp::Backlog>;

fn micros(duration: smoltcp::time::Duration) -> Duration {
    Duration::from_micros(duration.total_micros())
}
