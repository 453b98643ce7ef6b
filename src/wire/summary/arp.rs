//! ARP and its relatives, for IPv4 over Ethernet.
//!
//! # Source
//! RFC 826, RFC 903, RFC 2390 and RFC 5227 for the packets; tshark 4.0 for the words.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::line::colons;
use super::part::Part;
use super::{Field, Pass, Read};

/// Most addresses whose stations are remembered.
const OWNERS_MAX: usize = 1024;

/// Which station each address was first seen at.
#[derive(Debug, Default)]
pub(super) struct Owners(BTreeMap<Ipv4Addr, [u8; 6]>);

impl Owners {
    /// Returns whether `address` is this station's as far as was seen.
    fn owns(&mut self, address: Ipv4Addr, station: [u8; 6]) -> bool {
        if station == [0xff; 6] || station == [0; 6] {
            return true;
        }
        if let Some(known) = self.0.get(&address) {
            return *known == station;
        }
        if self.0.len() < OWNERS_MAX {
            self.0.insert(address, station);
        }
        true
    }
}

/// Reads an ARP packet, or a RARP one, which differs by its Ethernet type alone.
pub(super) fn packet(pass: &mut Pass<'_>, packet: Part<'_>, reverse: bool) -> Read {
    pass.name("ARP");
    pass.facts.layer(if reverse { "rarp" } else { "arp" });
    pass.clear();
    let (hardware, protocol) = (packet.u16(0)?, packet.u16(2)?);
    let (hardware_len, protocol_len) = (packet.u8(4)?, packet.u8(5)?);
    let op = packet.u16(6)?;
    pass.facts.number(Field::ArpOpcode, u64::from(op));
    // Ethernet and its sibling, IEEE 802.
    let ethernet = matches!(hardware, 1 | 6);
    if !ethernet || (protocol, hardware_len, protocol_len) != (0x0800, 6, 4) {
        unknown(pass, op);
        return Ok(());
    }
    let (who, from) = (packet.mac(8)?, packet.v4(14)?);
    let (whom, about) = (packet.mac(18)?, packet.v4(24)?);
    pass.facts.mac(Field::ArpSrcMac, who);
    pass.facts.v4(Field::ArpSrcIp, from);
    pass.facts.mac(Field::ArpDstMac, whom);
    pass.facts.v4(Field::ArpDstIp, about);
    // Who asks about an address of a certain station is not announcing one.
    let open = whom == [0; 6] || whom == [0xff; 6];
    match op {
        1 if from == about && open => pass.add(format_args!("ARP Announcement for {about}")),
        1 if from == about => pass.add(format_args!("Gratuitous ARP for {about} (Request)")),
        1 if from.is_unspecified() && open => {
            pass.add(format_args!("Who has {about}? (ARP Probe)"));
        }
        2 if from == about => pass.add(format_args!("Gratuitous ARP for {about} (Reply)")),
        1 => pass.add(format_args!("Who has {about}? Tell {from}")),
        2 => pass.add(format_args!("{from} is at {}", colons(who))),
        3 | 5 | 8 => {
            pass.add(format_args!("Who is {}? Tell {}", colons(whom), colons(who)));
        }
        4 | 6 => pass.add(format_args!("{} is at {about}", colons(whom))),
        9 => pass.add(format_args!("{} is at {from}", colons(who))),
        7 => pass.add(format_args!("DRARP Error")),
        10 => pass.add(format_args!("ARP NAK")),
        other => unknown(pass, other),
    }
    let mut twice = None;
    if matches!(op, 1 | 2) && !from.is_unspecified() && !pass.state.owners.owns(from, who) {
        twice = Some(from);
    }
    if op == 2 && !about.is_unspecified() && !pass.state.owners.owns(about, whom) {
        twice = Some(about);
    }
    if let Some(address) = twice {
        pass.add(format_args!(" (duplicate use of {address} detected!)"));
    }
    match op {
        3 | 4 => pass.name("RARP"),
        5..=7 => pass.name("DRARP"),
        8 | 9 => pass.name("Inverse ARP"),
        _ => {}
    }
    Ok(())
}

fn unknown(pass: &mut Pass<'_>, op: u16) {
    match op {
        0 => pass.add(format_args!("Reserved opcode 0")),
        other => pass.add(format_args!("Unknown ARP opcode 0x{other:04x}")),
    }
}
