//! Faults on demand: what can be broken in a lab, by name, and how the hosts are made to do it.
//!
//! A fault changes what is really sent; what a chassis concludes from it is its own affair. The
//! list of faults in force is the one truth: whenever it changes, every host is told anew how to
//! behave.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use serde::Serialize;

use super::world::World;
use crate::base::time::{Instant, Now, days};
use crate::net::ca::{self, CaError};
use crate::net::hosts::router::{Effect, Fault, Protocol};
use crate::net::hosts::{DnsMode, Handshake, Manners, Modes, NtpMode, Reply};
use crate::net::stack::Cidr;
use crate::net::tls;
use crate::proto::authority::{Settings, Signature};

/// An address where nobody answers; it stands in no lab.
///
/// # Source
/// RFC 5737, documentation.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// How wrong a false ticker is, in milliseconds.
const FALSE_MS: i64 = 86_400_000;
/// What `latency` adds in each direction.
const LATENCY: Duration = Duration::from_millis(400);
/// Of how many packets `loss` takes one.
const LOSS: u64 = 4;
/// How far a clock may be off while `clock-tolerance` is in force: no clock is that good.
const NO_TOLERANCE: Duration = Duration::ZERO;

/// One thing that can be broken.
struct Row {
    name: &'static str,
    /// What it does, for `fault list`.
    what: &'static str,
    cause: Cause,
}

/// Where it is broken.
#[derive(Clone, Copy)]
enum Cause {
    Dns(DnsMode),
    /// Every NTP server, or the first alone.
    Ntp(NtpMode, Reach),
    /// The way to the authority's HTTPS port.
    Way(Effect),
    /// Every packet of a chassis, in both directions.
    Wire(Effect),
    Reset,
    Certificate(Certificate),
    Reply(Reply),
    Authority(fn(&mut Settings)),
}

#[derive(Clone, Copy)]
enum Reach {
    All,
    First,
}

/// A certificate that a chassis must not believe.
#[derive(Clone, Copy)]
enum Certificate {
    /// Of a CA that is not the lab's.
    WrongCa,
    Expired,
    WrongName,
    /// Made on the way, by a firewall that reads along.
    Interception,
}

const fn row(name: &'static str, what: &'static str, cause: Cause) -> Row {
    Row { name, what, cause }
}

/// Every fault.
static FAULTS: &[Row] = &[
    row("dns-silent", "the DNS server says nothing", Cause::Dns(DnsMode::Silent)),
    row("dns-nxdomain", "the DNS server knows no name", Cause::Dns(DnsMode::NxDomain)),
    row(
        "dns-wrong-address",
        "the DNS server gives an address where nobody is",
        Cause::Dns(DnsMode::Wrong(NOWHERE)),
    ),
    row("ntp-silent", "the NTP servers say nothing", Cause::Ntp(NtpMode::Silent, Reach::All)),
    row(
        "ntp-falseticker",
        "the first NTP server is a day ahead and sure of it",
        Cause::Ntp(NtpMode::FalseTicker { off_ms: FALSE_MS }, Reach::First),
    ),
    row(
        "ntp-unsynchronised",
        "the NTP servers have no time themselves",
        Cause::Ntp(NtpMode::Unsynchronised, Reach::All),
    ),
    row("connection-refused", "the authority's port is closed", Cause::Way(Effect::Refuse)),
    row("black-hole", "packets to the authority vanish", Cause::Way(Effect::BlackHole)),
    row("reset-after-hello", "the connection is reset after the TLS hello", Cause::Reset),
    row(
        "wrong-ca",
        "the authority's certificate is of another CA",
        Cause::Certificate(Certificate::WrongCa),
    ),
    row(
        "expired-certificate",
        "the authority's certificate has expired",
        Cause::Certificate(Certificate::Expired),
    ),
    row(
        "wrong-name",
        "the authority's certificate is for another name",
        Cause::Certificate(Certificate::WrongName),
    ),
    row(
        "interception",
        "a firewall on the way opens TLS with its own CA",
        Cause::Certificate(Certificate::Interception),
    ),
    row("http-403", "every request is answered 403", Cause::Reply(Reply::Status(403))),
    row("http-407", "every request is answered 407", Cause::Reply(Reply::Status(407))),
    row("http-500", "every request is answered 500", Cause::Reply(Reply::Status(500))),
    row("login-page", "every request is answered by a login page", Cause::Reply(Reply::LoginPage)),
    row("empty-answer", "answers are empty", Cause::Reply(Reply::Empty)),
    row("cut-answer", "answers break off half way", Cause::Reply(Reply::Cut)),
    row("slow-answer", "answers come slower than anybody waits", Cause::Reply(Reply::Slow)),
    row(
        "unsigned-answer",
        "the authority signs nothing",
        Cause::Authority(|settings| settings.signature = Signature::Missing),
    ),
    row(
        "wrong-signature",
        "the authority signs with another key",
        Cause::Authority(|settings| settings.signature = Signature::Wrong),
    ),
    row(
        "refuse-renewal",
        "the authority renews nothing",
        Cause::Authority(|settings| settings.refuse_renewal = true),
    ),
    row(
        "refuse-token",
        "the authority takes no token",
        Cause::Authority(|settings| settings.refuse_token = true),
    ),
    row(
        "already-registered",
        "the authority says that every serial number is taken",
        Cause::Authority(|settings| settings.already_registered = true),
    ),
    row(
        "clock-tolerance",
        "the authority takes no date but its own",
        Cause::Authority(|settings| settings.tolerance = NO_TOLERANCE),
    ),
    row(
        "pool-short",
        "the account has bought nothing",
        Cause::Authority(|settings| settings.pool_short = true),
    ),
    row("latency", "every packet is late", Cause::Wire(Effect::Delay(LATENCY))),
    row("loss", "one packet in four vanishes", Cause::Wire(Effect::Lose { one_in: LOSS })),
    row("duplicate", "every packet arrives twice", Cause::Wire(Effect::Duplicate)),
];

/// A chassis that a fault is for: how the hosts know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Victim {
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    pub(super) serial: String,
}

/// A fault in force.
struct Active {
    row: &'static Row,
    victim: Option<Victim>,
    until: Option<Instant>,
    /// The certificate shown meanwhile.
    shown: Option<Arc<ServerConfig>>,
}

/// A fault as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FaultFacts {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) active: bool,
    /// The chassis that it is for; all without one.
    pub(super) chassis: Option<String>,
    /// Seconds left; no end without it.
    pub(super) left_s: Option<u64>,
}

impl fmt::Display for FaultFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<20} {:<8}  {}",
            self.name,
            if self.active { "in force" } else { "" },
            self.what
        )?;
        if let Some(chassis) = &self.chassis {
            write!(f, ", for {chassis}")?;
        }
        match self.left_s {
            Some(left) => write!(f, "; {left} s left"),
            None => Ok(()),
        }
    }
}

/// The faults in force in one lab, oldest first.
#[derive(Default)]
pub(super) struct Faults(RefCell<Vec<Active>>);

impl Faults {
    /// Puts a fault in force, in place of the same one for the same chassis.
    pub(super) fn set(
        &self,
        world: &World,
        now: Now,
        name: &str,
        victim: Option<Victim>,
        lasts: Option<Duration>,
    ) -> Result<(), String> {
        let row = FAULTS.iter().find(|row| row.name == name).ok_or_else(|| {
            let known: Vec<_> = FAULTS.iter().map(|row| row.name).collect();
            format!("there is no fault {name}; there are {}", known.join(", "))
        })?;
        let shown = match row.cause {
            Cause::Certificate(kind) => {
                Some(certificate(world, now, kind).map_err(|error| error.to_string())?)
            }
            Cause::Dns(_)
            | Cause::Ntp(..)
            | Cause::Way(_)
            | Cause::Wire(_)
            | Cause::Reset
            | Cause::Reply(_)
            | Cause::Authority(_) => None,
        };
        let until = lasts.map(|lasts| now.mono + lasts);
        let mut active = self.0.borrow_mut();
        active.retain(|old| old.row.name != row.name || old.victim != victim);
        active.push(Active { row, victim, until, shown });
        apply(world, &active)
    }

    /// Ends a fault, for every chassis; all of them without a name. Returns how many there were.
    pub(super) fn clear(&self, world: &World, name: Option<&str>) -> Result<usize, String> {
        if let Some(name) = name.filter(|name| FAULTS.iter().all(|row| row.name != *name)) {
            return Err(format!("there is no fault {name}"));
        }
        self.retain(world, |active| name.is_some_and(|name| name != active.row.name))
    }

    /// Ends what has lasted its time.
    pub(super) fn expire(&self, world: &World, now: Now) -> Result<usize, String> {
        self.retain(world, |active| active.until.is_none_or(|until| until > now.mono))
    }

    /// Returns when the next fault ends by itself.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.0.borrow().iter().filter_map(|active| active.until).min()
    }

    /// Returns every fault that there is; those in force once for each time they are.
    pub(super) fn list(&self, now: Now) -> Vec<FaultFacts> {
        let active = self.0.borrow();
        FAULTS
            .iter()
            .flat_map(|row| {
                let facts = |active: Option<&Active>| FaultFacts {
                    name: row.name,
                    what: row.what,
                    active: active.is_some(),
                    chassis: active.and_then(|one| one.victim.as_ref()).map(|v| v.name.clone()),
                    left_s: active.and_then(|one| one.until).map(|u| u.since(now.mono).as_secs()),
                };
                let same: Vec<_> = active.iter().filter(|one| one.row.name == row.name).collect();
                if same.is_empty() {
                    vec![facts(None)]
                } else {
                    same.into_iter().map(|one| facts(Some(one))).collect()
                }
            })
            .collect()
    }

    fn retain(&self, world: &World, keep: impl Fn(&Active) -> bool) -> Result<usize, String> {
        let mut active = self.0.borrow_mut();
        let before = active.len();
        active.retain(keep);
        let ended = before - active.len();
        if ended > 0 {
            apply(world, &active)?;
        }
        Ok(ended)
    }
}

/// Tells every host how to behave. A later fault overrules an earlier one at the same place.
fn apply(world: &World, active: &[Active]) -> Result<(), String> {
    let (mut dns, mut manners) = (Modes::<DnsMode>::default(), Modes::<Manners>::default());
    let mut ntp = vec![Modes::<NtpMode>::default(); world.hosts.ntp.len()];
    let mut settings = world.authority_settings();
    for (name, _) in world.hosts.router.faults() {
        world.hosts.router.clear_fault(&name);
    }
    for one in active {
        let victim = one.victim.as_ref();
        let peer = victim.map(|victim| IpAddr::V4(victim.address));
        match one.row.cause {
            Cause::Dns(mode) => dns.change(peer, |old| *old = mode),
            Cause::Ntp(mode, reach) => {
                let count = match reach {
                    Reach::All => ntp.len(),
                    Reach::First => 1,
                };
                ntp.iter_mut().take(count).for_each(|modes| modes.change(peer, |old| *old = mode));
            }
            Cause::Way(effect) => {
                let to = world.authority_addresses.iter().copied();
                let to = to.filter_map(|address| Cidr::new(address.into(), 32));
                for (index, to) in to.enumerate() {
                    let from = peer.and_then(|peer| Cidr::new(peer, 32));
                    let (protocol, port) = (Some(Protocol::Tcp), Some(443));
                    let fault = Fault { from, to, protocol, port, effect };
                    set(world, one, index, fault)?;
                }
            }
            Cause::Wire(effect) => {
                let all = Cidr::new(NOWHERE.into(), 0).ok_or("no network holds every address")?;
                let chassis = peer.and_then(|peer| Cidr::new(peer, 32));
                let (protocol, port) = (None, None);
                let out = Fault { from: chassis, to: all, protocol, port, effect };
                set(world, one, 0, out)?;
                if let Some(to) = chassis {
                    set(world, one, 1, Fault { from: None, to, protocol, port, effect })?;
                }
            }
            Cause::Reset => manners.change(peer, |old| old.handshake = Handshake::Reset),
            Cause::Certificate(_) => manners.change(peer, |old| {
                old.handshake = one.shown.clone().map_or(Handshake::Own, Handshake::Other);
            }),
            Cause::Reply(reply) => manners.change(peer, |old| old.answer = reply),
            Cause::Authority(change) => match victim {
                None => {
                    change(&mut settings);
                    settings.some.values_mut().for_each(change);
                }
                Some(victim) => {
                    let like_all = Settings { some: Default::default(), ..settings.clone() };
                    change(settings.some.entry(victim.serial.clone()).or_insert(like_all));
                }
            },
        }
    }
    world.hosts.dns.set_modes(dns);
    for (server, modes) in world.hosts.ntp.iter().zip(ntp) {
        server.set_modes(modes);
    }
    for server in &world.hosts.web {
        server.set_manners(manners.clone());
    }
    world.authority.set_settings(settings);
    Ok(())
}

/// Sets one fault of the router, under a name that no other has.
fn set(world: &World, active: &Active, index: usize, fault: Fault) -> Result<(), String> {
    let whose = active.victim.as_ref().map_or("", |victim| &victim.name);
    let name = format!("{} {index} {whose}", active.row.name);
    world.hosts.router.set_fault(&name, fault).map_err(|error| error.to_string())
}

/// Makes a certificate that a chassis must not believe.
fn certificate(world: &World, now: Now, kind: Certificate) -> Result<Arc<ServerConfig>, CaError> {
    let (names, wall) = ([world.authority_name.as_str()], now.wall);
    let (from, to) = (wall - days(30), wall + days(365));
    let ours = world.authority.ca();
    let made = match kind {
        Certificate::WrongCa => ca::strange_server("Another Lab", &names, from, to),
        Certificate::Interception => ca::strange_server("Lab Firewall", &names, from, to),
        Certificate::Expired => ours.issue_server(&names, wall - days(366), wall - days(1)),
        Certificate::WrongName => ours.issue_server(&["www.vfxos.lab"], from, to),
    }?;
    tls::server(made.chain, made.key).map_err(|error| CaError::Stored { reason: error.to_string() })
}
