//! What the units of a failover pair or of a cluster say to each other, over a wire that they share.
//!
//! ```text
//!  Ethernet:  to, from | 88b5 | port name's length | port name | packet
//!  packet:    VFUN | version | JSON
//! ```
//! A lab cables ports of one name together, whichever chassis they belong to; so a frame names its
//! port, and whoever has no such port does not hear it. Every packet tells the whole state of its
//! sender: a lost one is made good by the next.
//!
//! # Source
//! Ours. What the device's units say to each other is not public. RFC 9542: EtherType 88b5 is for
//! local experiments.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::entitlement::Feature;

/// What every packet begins with.
pub const MAGIC: [u8; 4] = *b"VFUN";
/// The only version there is.
pub const VERSION: u8 = 1;
/// Longest packet, in bytes; it fits into one frame of the lab's wires.
pub const PACKET_MAX: usize = 1400;
/// Longest name of a port, in bytes.
pub const PORT_MAX: usize = 32;
/// EtherType of a frame that carries a packet.
pub const ETHERTYPE: [u8; 2] = [0x88, 0xb5];

/// The two units of a failover pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unit {
    Primary,
    /// What a unit is that nobody has told.
    #[default]
    Secondary,
}

/// The three rows of the feature table that licences change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Security contexts.
    pub contexts: u32,
    /// 3DES and AES.
    pub strong_encryption: bool,
    /// GTP inspection and its like.
    pub carrier: bool,
}

/// One packet: who it is for, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packet {
    /// Name of the failover interface, or of the cluster: others on the wire are not meant.
    pub group: String,
    /// Fingerprint of the key; it keeps neighbours apart, not attackers.
    pub key: u64,
    /// Serial number of the sender's module.
    pub serial: String,
    pub body: Body,
}

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// How a unit of a failover pair stands.
    Hello(Hello),
    /// What the active unit wants its mate to have.
    Replica(Replica),
    /// How a unit of a cluster stands.
    Member(Member),
    /// The control node turns a unit away, by its serial number.
    Rejected { serial: String, reason: Rejection },
    /// What the control node wants its data nodes to have.
    Shared(Shared),
}

/// Where a unit of a failover pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PairState {
    Negotiation,
    ColdStandby,
    StandbyReady,
    Active,
}

/// How a unit of a failover pair stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    pub unit: Unit,
    pub state: PairState,
    pub release: String,
    pub slot: u8,
    /// Product identifier of the module.
    pub module: String,
    /// True if it stood down for its mate.
    pub yields: bool,
    /// True if its operator wants it active.
    pub claims: bool,
    /// What it may do by itself.
    pub own: Capabilities,
    /// What the pair may do together, as the active unit reckons it.
    pub shared: Option<Capabilities>,
    /// Fingerprint of the configuration it has.
    pub fingerprint: u64,
}

/// The part of a configuration that both units of a pair have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replica {
    pub hostname: String,
    pub prompt: Vec<PromptPart>,
    /// Units by feature, as the lines under `license smart` say.
    pub features: BTreeMap<Feature, u32>,
    pub failover: Pair,
    /// How often the configuration was saved: a higher number saves it on the mate too.
    pub saved: u32,
}

/// A word of `prompt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PromptPart {
    Hostname,
    Priority,
    State,
    ClusterUnit,
}

/// What is configured of a failover pair, the unit's own place in it apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub on: bool,
    pub lan: Option<Interface>,
    /// Of the stateful link.
    pub link: Option<Interface>,
    /// By the name of the interface.
    pub addresses: BTreeMap<String, Addresses>,
    pub key: Option<String>,
    /// Milliseconds from one hello to the next.
    pub poll_ms: u32,
    /// Milliseconds without a hello after which the mate is given up.
    pub hold_ms: u32,
}

/// A named interface and the port it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interface {
    pub name: String,
    pub port: String,
}

/// Addresses of both units on a failover interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    pub active: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub standby: Ipv4Addr,
}

/// Where a unit of a cluster stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MemberState {
    Election,
    /// Accepted, and without the configuration yet.
    Joining,
    Data,
    Control,
}

/// How a unit of a cluster stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// `unit-1-1`.
    pub name: String,
    pub state: MemberState,
    /// 1 is the best.
    pub priority: u32,
    pub release: String,
    pub module: String,
    /// Address on the cluster control link.
    pub address: Ipv4Addr,
    pub own: Capabilities,
    /// What the cluster may do together, as the control node reckons it.
    pub shared: Option<Capabilities>,
    /// Fingerprint of the configuration it has.
    pub fingerprint: u64,
}

/// The part of a configuration that all units of a cluster have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    pub hostname: String,
    pub prompt: Vec<PromptPart>,
    pub features: BTreeMap<Feature, u32>,
    pub saved: u32,
}

/// Why a unit may not join a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rejection {
    Encryption,
    /// Another unit has its name.
    Name,
    Full,
}

/// Where a unit stands among others, as its supervisor learns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Neither pair nor cluster.
    #[default]
    Alone,
    /// Of a pair or a cluster, and without a place in it yet.
    Seeking,
    Active,
    Standby,
    Control,
    Data,
    /// Its cluster is switched off, or turned it away.
    Outside,
}

impl Standing {
    /// Every standing, in the order of its number.
    pub const ALL: [Standing; 7] = [
        Standing::Alone,
        Standing::Seeking,
        Standing::Active,
        Standing::Standby,
        Standing::Control,
        Standing::Data,
        Standing::Outside,
    ];
}

/// What a chassis tells the blade of a clustered logical device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Name of the cluster; empty if the device is none of a cluster any more.
    pub group: String,
    pub unit: String,
    pub port: String,
    pub address: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub priority: u32,
    pub key: String,
}

/// Why bytes are no packet. They are counted and dropped.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PacketError {
    #[error("{len} bytes, expected at most {PACKET_MAX}")]
    Oversized { len: usize },
    #[error("not a packet between units: it does not begin with VFUN")]
    Magic,
    #[error("packet of version {got}, expected {VERSION}: run both units of one release")]
    Version { got: u8 },
    #[error("packet is malformed: {0}")]
    Body(String),
}

impl Packet {
    /// Returns the packet's bytes; `None` if it is longer than [`PACKET_MAX`].
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        serde_json::to_writer(&mut bytes, self).ok()?;
        (bytes.len() <= PACKET_MAX).then_some(bytes)
    }

    /// Parses a packet.
    ///
    /// # Errors
    /// [`PacketError`].
    pub fn decode(bytes: &[u8]) -> Result<Packet, PacketError> {
        if bytes.len() > PACKET_MAX {
            return Err(PacketError::Oversized { len: bytes.len() });
        }
        let rest = bytes.strip_prefix(&MAGIC).ok_or(PacketError::Magic)?;
        match rest.split_first() {
            None => Err(PacketError::Magic),
            Some((&VERSION, body)) => {
                serde_json::from_slice(body).map_err(|error| PacketError::Body(error.to_string()))
            }
            Some((&got, _)) => Err(PacketError::Version { got }),
        }
    }
}

/// Puts a packet of a port into an Ethernet frame to everybody.
///
/// `station` is the sender's address. A name longer than [`PORT_MAX`] is cut, which no port has.
pub fn frame(station: [u8; 6], port: &str, packet: &[u8]) -> Vec<u8> {
    let name = port.get(..port.floor_char_boundary(PORT_MAX)).unwrap_or_default();
    let mut frame = vec![0xff; 6];
    frame.extend(station);
    frame.extend(ETHERTYPE);
    frame.push(u8::try_from(name.len()).unwrap_or(0));
    frame.extend(name.as_bytes());
    frame.extend(packet);
    frame
}

/// Returns the port and the packet of an Ethernet frame; `None` if it carries something else.
pub fn unframe(frame: &[u8]) -> Option<(&str, &[u8])> {
    let rest = frame.get(12..)?.strip_prefix(&ETHERTYPE)?;
    let (len, rest) = rest.split_first()?;
    let (name, packet) = rest.split_at_checked(usize::from(*len))?;
    let fits = name.len() <= PORT_MAX && packet.len() <= PACKET_MAX;
    std::str::from_utf8(name).ok().filter(|_| fits).map(|name| (name, packet))
}

/// Returns a sum of bytes by which two texts are told apart. It protects nothing.
///
/// # Source
/// FNV-1a, 64 bits, from its authors' page.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
