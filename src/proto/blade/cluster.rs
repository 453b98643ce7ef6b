//! A cluster, as one of its units sees it.
//!
//! ```text
//!            enable            a control node sends its configuration
//!  Disabled ───────▶ Election ───────────────────────────────▶ Data
//!     ▲                 │                                       │
//!     │ no enable,      │ nobody better within the wait         │ the control node is silent,
//!     │ turned away     └──────────────▶ Control ◀──────────────┘ and nobody left is better
//! ```
//! As in a failover pair, every packet tells how its sender stands, and nothing depends on any one of
//! them. Of two control nodes that find each other, the better stays: the lower priority number, then
//! the name. Waits run with the host's clock.
//!
//! # Source
//! Seed, "ASA-cluster": the console lines, and that units of different encryption form no cluster.
//! Vendor's guide, from memory: keepalives thrice in a hold time of 3 seconds.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Capabilities;
use crate::base::time::{Instant, Now};
use crate::wire::units::{Body, Member, MemberState, Packet, Rejection, Shared, fingerprint};

/// How often a unit tells how it stands.
pub const POLL: Duration = Duration::from_secs(1);
/// How long a unit may be silent.
pub const HOLD: Duration = Duration::from_secs(3);
/// How long a unit looks for a control node before it becomes one.
///
/// # Source
/// Ours: the device takes longer, and nobody gains by waiting.
pub const ELECTION: Duration = Duration::from_secs(5);
/// Most units of a cluster.
///
/// # Source
/// Client kick: `Cluster Member Limit : 16`.
pub const MEMBERS_MAX: usize = 16;

/// What is configured of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    /// `local-unit`.
    pub unit: String,
    pub port: String,
    pub address: Ipv4Addr,
    pub mask: Ipv4Addr,
    /// 1 is the best.
    pub priority: u32,
    pub key: Option<String>,
    pub on: bool,
}

impl Group {
    /// Returns a group of which only the name is known.
    pub fn named(name: &str) -> Group {
        Group {
            name: name.to_owned(),
            unit: String::new(),
            port: String::new(),
            address: Ipv4Addr::UNSPECIFIED,
            mask: Ipv4Addr::UNSPECIFIED,
            priority: PRIORITY,
            key: None,
            on: false,
        }
    }
}

/// The priority of a unit that nobody has given one.
///
/// # Source
/// Vendor's command reference, recall: 1 to 100; which one is the default is ours.
const PRIORITY: u32 = 10;

/// What the machine is told about its own unit whenever it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    pub serial: String,
    pub release: String,
    pub module: String,
    pub can: Capabilities,
    pub shared: Option<Capabilities>,
    pub config: Shared,
    pub group: Group,
    /// Speed of the clock that `now.mono` is read from, 1000 for the host's own.
    pub rate_milli: u32,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Send(Box<Packet>),
    Console(String),
    /// Take this configuration.
    Apply(Shared),
    /// Another part of the licences is this unit's to ask for.
    Role,
    /// The cluster is switched off on this unit.
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Disabled,
    Election { until: Instant, asks: bool },
    Data,
    Control,
}

/// Another unit, as last heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub member: Member,
    heard_at: Instant,
    /// False until the control node has taken it in.
    pub taken: bool,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Cluster {
    state: State,
    /// By serial number.
    peers: BTreeMap<String, Peer>,
    poll_at: Instant,
    /// True once it has left the cluster whose licences it shared.
    left: bool,
    acts: VecDeque<Act>,
    /// Packets of strangers, and what was none.
    dropped: u64,
}

impl Cluster {
    /// Makes the machine as it stands at power-on.
    pub fn new(now: Now, group: Option<&Group>) -> Cluster {
        let mut cluster = Cluster {
            state: State::Disabled,
            peers: BTreeMap::new(),
            poll_at: now.mono,
            left: false,
            acts: VecDeque::new(),
            dropped: 0,
        };
        if group.is_some_and(|group| group.on) {
            cluster.begin(now, 1000);
        }
        cluster
    }

    /// Returns the next thing to do.
    pub fn poll(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// Returns when something is due: every hello is also a look at who is silent.
    pub fn deadline(&self) -> Option<Instant> {
        self.is_on().then_some(self.poll_at)
    }

    /// `enable`.
    pub fn begin(&mut self, now: Now, rate_milli: u32) {
        if self.state == State::Disabled {
            self.peers.clear();
            self.elect(now, rate_milli);
        }
    }

    /// `no enable`.
    pub fn end(&mut self, now: Now) {
        if self.state != State::Disabled {
            self.say("Cluster disable is performing cleanup..done.");
            self.go(now, State::Disabled);
        }
    }

    /// Begins every wait anew: the clock runs at another speed from now on.
    pub fn repace(&mut self, now: Now, rate_milli: u32) {
        self.poll_at = now.mono;
        for peer in self.peers.values_mut() {
            peer.heard_at = now.mono;
        }
        if let State::Election { until, .. } = &mut self.state {
            *until = now.mono + scaled(ELECTION, rate_milli);
        }
    }

    fn elect(&mut self, now: Now, rate_milli: u32) {
        let until = now.mono + scaled(ELECTION, rate_milli);
        self.go(now, State::Election { until, asks: false });
    }

    /// Applies what came over the cluster control link.
    pub fn hear(&mut self, now: Now, packet: Packet, own: &Own) {
        let meant = packet.group == own.group.name && packet.key == key_of(&own.group);
        if !self.is_on() || !meant || packet.serial == own.serial {
            return self.garbled();
        }
        match packet.body {
            Body::Member(member) => self.meet(now, packet.serial, member, own),
            Body::Rejected { serial, reason } if serial == own.serial => {
                let asks = matches!(self.state, State::Election { .. } | State::Data);
                if asks {
                    self.turned_away(now, reason);
                }
            }
            Body::Rejected { .. } => {}
            Body::Shared(config) => self.replicate(now, &packet.serial, config, own),
            Body::Hello(_) | Body::Replica(_) => self.garbled(),
        }
    }

    /// Counts something that was no packet for this unit.
    pub fn garbled(&mut self) {
        self.dropped = self.dropped.saturating_add(1);
    }

    /// # Source
    /// Recall of the line about interfaces; the reason is ours.
    fn turned_away(&mut self, now: Now, reason: Rejection) {
        let reason = match reason {
            Rejection::Encryption => "encryption license mismatch",
            Rejection::Name => "another unit has this unit's name",
            Rejection::Full => "the cluster has as many units as it may",
        };
        self.say(format!("The control node rejects this unit: {reason}."));
        self.say("Cluster disable is performing cleanup..done.");
        self.say("All data interfaces have been shutdown due to clustering being disabled.");
        self.go(now, State::Disabled);
        self.acts.push_back(Act::Off);
    }

    fn meet(&mut self, now: Now, serial: String, member: Member, own: &Own) {
        if !self.peers.contains_key(&serial) && self.peers.len() >= MEMBERS_MAX - 1 {
            if self.state == State::Control {
                self.reject(serial, &member, Rejection::Full, own);
            }
            return self.garbled();
        }
        let before = self.peers.get(&serial);
        let taken = before.is_some_and(|peer| peer.taken);
        let state = member.state;
        let peer = Peer { member: member.clone(), heard_at: now.mono, taken };
        self.peers.insert(serial.clone(), peer);
        match (self.state, state) {
            (State::Election { until, asks: false }, MemberState::Control) => {
                self.state = State::Election { until, asks: true };
                self.poll_at = now.mono;
            }
            (State::Control, MemberState::Control) if better(&member, own) => {
                let unit = &own.group.unit;
                self.say(format!("Cluster unit {unit} transitioned from CONTROL to DISABLED"));
                self.elect(now, own.rate_milli);
            }
            (State::Control, MemberState::Joining | MemberState::Data) => {
                self.judge(now, serial, &member, own);
            }
            (State::Disabled, _)
            | (State::Election { .. } | State::Data, _)
            | (State::Control, MemberState::Election | MemberState::Control) => {}
        }
    }

    /// Takes a unit in, or turns it away.
    ///
    /// # Source
    /// Seed, "ASA-cluster": the line on the control node.
    fn judge(&mut self, now: Now, serial: String, member: &Member, own: &Own) {
        let named = own.group.unit == member.name
            || self.peers.iter().any(|(other, peer)| {
                *other != serial && peer.taken && peer.member.name == member.name
            });
        let reason = if member.own.strong_encryption != own.can.strong_encryption {
            Some(Rejection::Encryption)
        } else {
            named.then_some(Rejection::Name)
        };
        if let Some(reason) = reason {
            return self.reject(serial, member, reason, own);
        }
        if let Some(peer) = self.peers.get_mut(&serial) {
            peer.taken = true;
        }
        if member.fingerprint != print_of(&own.config) || member.state == MemberState::Joining {
            self.poll_at = self.poll_at.min(now.mono);
        }
    }

    fn reject(&mut self, serial: String, member: &Member, reason: Rejection, own: &Own) {
        let why = match reason {
            Rejection::Encryption => "encryption license mismatch",
            Rejection::Name => "unit name conflict",
            Rejection::Full => "member limit",
        };
        let name = &member.name;
        self.say(format!("New cluster member {name} rejected due to {why}"));
        self.peers.remove(&serial);
        self.send(own, Body::Rejected { serial, reason });
    }

    /// Takes the configuration that the control node sends.
    ///
    /// # Source
    /// Seed, "ASA-cluster", "Een succesvolle clusterinstelling".
    fn replicate(&mut self, now: Now, from: &str, config: Shared, own: &Own) {
        let control =
            self.peers.get(from).is_some_and(|peer| peer.member.state == MemberState::Control);
        match self.state {
            State::Election { asks: true, .. } if control => {
                self.say(
                    "Removed all entitlements except per-unit entitlement configuration before \
                     joining cluster as data unit.",
                );
                self.say("Detected Cluster Control Node.");
                self.say("Beginning configuration replication from Control Node.");
                self.say(".");
                self.say(format!("Cryptochecksum (changed): {}", checksum(&config)));
                self.say("End configuration replication from Control Node.");
                self.acts.push_back(Act::Apply(config));
                self.go(now, State::Data);
            }
            State::Data if control && config != own.config => {
                self.acts.push_back(Act::Apply(config));
                self.poll_at = now.mono;
            }
            State::Disabled | State::Election { .. } | State::Data | State::Control => {}
        }
    }

    /// Lets time pass.
    pub fn due(&mut self, now: Now, own: &Own) {
        if !self.is_on() {
            return;
        }
        let hold = scaled(HOLD, own.rate_milli);
        let silent = |peer: &Peer| peer.heard_at + hold <= now.mono;
        let lost = self
            .peers
            .values()
            .any(|peer| silent(peer) && peer.member.state == MemberState::Control);
        self.peers.retain(|_, peer| !silent(peer));
        let control = self.peers.values().any(|peer| peer.member.state == MemberState::Control);
        let unit = &own.group.unit;
        match self.state {
            State::Election { until, .. } if until <= now.mono => {
                if control {
                    let until = now.mono + scaled(ELECTION, own.rate_milli);
                    self.state = State::Election { until, asks: true };
                } else if self.is_best(own) {
                    self.say(format!("Cluster unit {unit} transitioned from DISABLED to CONTROL"));
                    self.go(now, State::Control);
                }
            }
            State::Data if !control && self.is_best(own) => {
                self.say(format!("Cluster unit {unit} transitioned from DATA to CONTROL"));
                self.go(now, State::Control);
            }
            State::Disabled | State::Election { .. } | State::Data | State::Control => {}
        }
        if lost {
            self.poll_at = now.mono;
        }
        if self.poll_at <= now.mono {
            self.poll_at = now.mono + scaled(POLL, own.rate_milli);
            self.greet(own);
        }
    }

    /// Tells whether no unit that could lead is better than this one.
    fn is_best(&self, own: &Own) -> bool {
        let here = matches!(self.state, State::Data);
        !self.peers.values().any(|peer| {
            // Whoever has the configuration goes before who has not.
            match (here, peer.member.state) {
                (true, MemberState::Election | MemberState::Joining) => false,
                (false, MemberState::Data) => true,
                (true, MemberState::Data | MemberState::Control)
                | (false, MemberState::Election | MemberState::Joining | MemberState::Control) => {
                    better(&peer.member, own)
                }
            }
        })
    }

    fn greet(&mut self, own: &Own) {
        let state = match self.state {
            State::Disabled => return,
            State::Election { asks: false, .. } => MemberState::Election,
            State::Election { asks: true, .. } => MemberState::Joining,
            State::Data => MemberState::Data,
            State::Control => MemberState::Control,
        };
        let print = print_of(&own.config);
        let member = Member {
            name: own.group.unit.clone(),
            state,
            priority: own.group.priority,
            release: own.release.clone(),
            module: own.module.clone(),
            address: own.group.address,
            own: own.can,
            shared: own.shared,
            fingerprint: print,
        };
        self.send(own, Body::Member(member));
        let behind = self.peers.values().any(|peer| {
            let joining = peer.member.state == MemberState::Joining;
            peer.taken && (joining || peer.member.fingerprint != print)
        });
        if self.state == State::Control && behind {
            self.send(own, Body::Shared(own.config.clone()));
        }
    }

    fn go(&mut self, now: Now, to: State) {
        if to == State::Disabled {
            self.left = matches!(self.state, State::Data | State::Control);
            self.peers.clear();
        } else {
            self.left = false;
        }
        self.state = to;
        self.poll_at = now.mono;
        self.acts.push_back(Act::Role);
    }

    fn say(&mut self, text: impl Into<String>) {
        self.acts.push_back(Act::Console(text.into()));
    }

    fn send(&mut self, own: &Own, body: Body) {
        let (group, key) = (own.group.name.clone(), key_of(&own.group));
        let serial = own.serial.clone();
        self.acts.push_back(Act::Send(Box::new(Packet { group, key, serial, body })));
    }

    /// Returns true while the unit is in a cluster, or looks for one.
    pub fn is_on(&self) -> bool {
        self.state != State::Disabled
    }

    /// Returns true for the control node.
    pub fn is_control(&self) -> bool {
        self.state == State::Control
    }

    /// Returns true for a data node.
    pub fn is_data(&self) -> bool {
        self.state == State::Data
    }

    /// Returns true for a unit that left a cluster, whose licences are the others' now.
    pub fn has_left(&self) -> bool {
        self.left
    }

    /// Forgets the cluster: the unit is one by itself again.
    pub fn forget(&mut self) {
        self.left = false;
        self.acts.push_back(Act::Role);
    }

    /// Returns the state as `show cluster info` has it.
    ///
    /// # Source
    /// Seed: `CONTROL_NODE`, `DATA_NODE`; the others are recall.
    pub fn state_text(&self) -> &'static str {
        match self.state {
            State::Disabled => "DISABLED",
            State::Election { .. } => "ELECTION",
            State::Data => "DATA_NODE",
            State::Control => "CONTROL_NODE",
        }
    }

    /// Returns the other units, by serial number; those that were not taken in are none.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Peer)> {
        let in_it = |peer: &Peer| {
            peer.taken || matches!(peer.member.state, MemberState::Control | MemberState::Data)
        };
        self.peers
            .iter()
            .filter(move |(_, peer)| in_it(peer))
            .map(|(serial, peer)| (&**serial, peer))
    }

    /// Returns what the control node says that the cluster may do; `None` without one.
    pub fn control_says(&self) -> Option<Capabilities> {
        let control = |peer: &&Peer| peer.member.state == MemberState::Control;
        self.peers.values().find(control).and_then(|peer| peer.member.shared)
    }
}

/// Tells whether another unit goes before this one.
fn better(other: &Member, own: &Own) -> bool {
    (other.priority, &other.name) < (own.group.priority, &own.group.unit)
}

fn key_of(group: &Group) -> u64 {
    fingerprint(group.key.as_deref().unwrap_or_default().as_bytes())
}

fn print_of(config: &Shared) -> u64 {
    serde_json::to_vec(config).map_or(0, |bytes| fingerprint(&bytes))
}

/// Writes a configuration's sum as four words of eight digits.
fn checksum(config: &Shared) -> String {
    let bytes = serde_json::to_vec(config).unwrap_or_default();
    let sums = [fingerprint(&bytes), fingerprint(&[&*bytes, b"\n"].concat())];
    let words = sums.map(|sum| format!("{:08x} {:08x}", sum >> 32, sum & 0xffff_ffff));
    words.join(" ")
}

fn scaled(span: Duration, rate_milli: u32) -> Duration {
    span * rate_milli.max(1) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_goes_before_the_name() {
        let own = |priority, unit: &str| Own {
            serial: String::new(),
            release: String::new(),
            module: String::new(),
            can: Capabilities { contexts: 10, strong_encryption: true, carrier: false },
            shared: None,
            config: Shared {
                hostname: "asa".into(),
                prompt: Vec::new(),
                features: BTreeMap::new(),
                saved: 0,
            },
            group: Group { priority, unit: unit.into(), ..Group::named("G") },
            rate_milli: 1000,
        };
        let member = |priority, name: &str| Member {
            name: name.into(),
            state: MemberState::Election,
            priority,
            release: String::new(),
            module: String::new(),
            address: Ipv4Addr::UNSPECIFIED,
            own: own(1, "").can,
            shared: None,
            fingerprint: 0,
        };
        assert!(better(&member(1, "b"), &own(2, "a")));
        assert!(better(&member(1, "a"), &own(1, "b")));
        assert!(!better(&member(2, "a"), &own(1, "b")));
    }
}
