//! One line of a capture, as columns.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::wire::pcap::Stamp;

/// Whose words the lines are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// Wireshark 1.0's, in the older of the seed's two layouts.
    Classic,
    /// Wireshark 2's, in the newer one.
    Numbered,
    /// Wireshark 4.0's: the same layout, one word shorter in a SYN.
    #[default]
    Modern,
}

/// An address in the source or destination column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Party {
    /// The frame was too short to say.
    #[default]
    Nobody,
    Mac([u8; 6]),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

/// What stands in the protocol column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    Name(&'static str),
    /// An Ethernet type that has no name here.
    Type(u16),
}

/// One frame's line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Counted from 1.
    pub number: u32,
    pub at: Stamp,
    /// Digits of the fraction of a second that are known.
    pub digits: u8,
    pub source: Party,
    pub destination: Party,
    pub protocol: Label,
    /// Bytes on the wire.
    pub length: u32,
    pub info: String,
}

impl Line {
    pub(super) fn new() -> Line {
        Line {
            number: 0,
            at: Stamp::default(),
            digits: 9,
            source: Party::Nobody,
            destination: Party::Nobody,
            protocol: Label::Name(""),
            length: 0,
            info: String::new(),
        }
    }

    pub(super) const fn is_v6(&self) -> bool {
        matches!(self.source, Party::V6(_))
    }

    /// Returns the line as a text in the layout that belongs to `words`.
    ///
    /// # Source
    /// Seed, the three `ethanalyzer` listings; addresses are padded to twelve characters there, to
    /// the right for the destination and to the left for the source.
    pub const fn laid_out(&self, words: Words) -> LaidOut<'_> {
        LaidOut { line: self, words }
    }
}

/// A [`Line`] that prints in one of the layouts.
#[derive(Clone, Copy, Debug)]
pub struct LaidOut<'a> {
    line: &'a Line,
    words: Words,
}

impl fmt::Display for LaidOut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { number, at, digits, source, destination, protocol, length, info } = self.line;
        match self.words {
            Words::Classic => {
                let at = at.dated((*digits).min(6));
                write!(f, "{at} {source:>12} -> {destination:<12} {protocol} {info}")
            }
            Words::Numbered => {
                let at = at.dated(*digits);
                write!(f, "{number:>4} {at} {source:>12} → {destination:<12} ")?;
                write!(f, "{protocol} {length} {info}")
            }
            Words::Modern => {
                let at = at.dated(*digits);
                write!(f, "{number:>5} {at} {source:>12} → {destination:<12} ")?;
                write!(f, "{protocol} {length} {info}")
            }
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Name(name) => f.write_str(name),
            Label::Type(kind) => write!(f, "0x{kind:04x}"),
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Nobody => f.pad(""),
            Party::V4(address) => address.fmt(f),
            Party::V6(address) => address.fmt(f),
            Party::Mac(mac) => f.pad(&station(*mac)),
        }
    }
}

/// Writes a station's address, or the name of a group that everybody knows.
///
/// # Source
/// tshark 4.0. It has names for the makers of network cards too, which are left out here.
fn station(mac: [u8; 6]) -> String {
    let group = |name: &str, rest: &[u8]| {
        // Leading zeros are not part of what is named.
        let first = rest.iter().position(|b| *b != 0).unwrap_or(rest.len().saturating_sub(1));
        let rest: Vec<String> = rest.iter().skip(first).map(|byte| format!("{byte:02x}")).collect();
        format!("{name}_{}", rest.join(":"))
    };
    match mac {
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => "Broadcast".to_owned(),
        [0x01, 0x00, 0x5e, rest @ ..] => group("IPv4mcast", &rest),
        [0x33, 0x33, rest @ ..] => group("IPv6mcast", &rest),
        [0x01, 0x80, 0xc2, 0, 0, last @ (0 | 0x21)] => {
            group("Spanning-tree-(for-bridges)", &[last])
        }
        [0x01, 0x80, 0xc2, 0, 0, 0x0e] => "LLDP_Multicast".to_owned(),
        [0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc] => "CDP/VTP/DTP/PAgP/UDLD".to_owned(),
        [0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd] => "PVST+".to_owned(),
        [0, 0, 0, rest @ ..] => {
            let [a, b, c] = rest;
            format!("00:00:00_{a:02x}:{b:02x}:{c:02x}")
        }
        other => colons(other).to_string(),
    }
}

/// A station's address that prints with colons.
pub(super) struct Colons([u8; 6]);

/// Writes a station's address as numbers, whatever it is.
pub(super) const fn colons(mac: [u8; 6]) -> Colons {
    Colons(mac)
}

impl fmt::Display for Colons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}
