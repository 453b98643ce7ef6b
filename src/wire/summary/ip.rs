//! IPv4.
//!
//! # Source
//! RFC 791 for the packets; tshark 4.0 for the words.

use std::net::Ipv4Addr;

use super::fragments::Piece;
use super::line::Party;
use super::part::Part;
use super::{Field, Pass, Read, icmp, icmp6, ip6, tcp, udp};

/// Who an IP packet is from and to, and what a dissector above may want to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// IPv4 addresses as they are mapped into IPv6.
    pub src: [u8; 16],
    pub dst: [u8; 16],
    /// Time to live or hop limit.
    pub hops: u8,
}

/// Reads an IPv4 packet.
pub(super) fn packet(pass: &mut Pass<'_>, packet: Part<'_>) -> Read {
    pass.name("IPv4");
    pass.facts.layer("ip");
    pass.clear();
    let first = packet.u8(0)?;
    if first >> 4 != 4 {
        pass.add(format_args!("Bogus IPv4 version ({}, must be 4)", first >> 4));
        return Ok(());
    }
    let header = usize::from(first & 0xf) * 4;
    if header < 20 {
        pass.add(format_args!("Bogus IP header length ({header}, must be at least 20)"));
        return Ok(());
    }
    let total = match usize::from(packet.u16(2)?) {
        // Segmentation was left to the network card.
        0 => packet.len(),
        total if total < header => {
            let text = format_args!("Bogus IP length ({total}, less than header length {header})");
            pass.add(text);
            return Ok(());
        }
        total => total,
    };
    let (id, fragment) = (packet.u16(4)?, packet.u16(6)?);
    let (ttl, proto) = (packet.u8(8)?, packet.u8(9)?);
    let (src, dst) = (packet.v4(12)?, packet.v4(16)?);
    pass.line.source = Party::V4(src);
    pass.line.destination = Party::V4(dst);
    note(pass, total, id, fragment, ttl, proto);
    pass.facts.v4(Field::IpSrc, src);
    pass.facts.v4(Field::IpDst, dst);
    let payload = packet.first(total).from(header)?;
    let mapped = |address: Ipv4Addr| address.to_ipv6_mapped().octets();
    let route = Route { src: mapped(src), dst: mapped(dst), hops: ttl };
    let (offset, more) = (usize::from(fragment & 0x1fff) * 8, fragment & 0x2000 != 0);
    if offset == 0 && !more {
        return carried(pass, route, proto, payload);
    }
    if payload.is_whole() && payload.len() > 0 {
        let key = (route.src, route.dst, proto, u32::from(id));
        let piece = Piece { key, offset, more, bytes: payload.captured() };
        if let Some(whole) = pass.state.fragments.add(&piece) {
            return carried(pass, route, proto, Part::new(&whole, whole.len()));
        }
    } else if offset == 0 {
        pass.fragment = true;
        return carried(pass, route, proto, payload);
    }
    let name = protocol_name(proto);
    let text =
        format_args!("Fragmented IP protocol (proto={name} {proto}, off={offset}, ID={id:04x})");
    pass.add(text);
    Ok(())
}

fn note(pass: &mut Pass<'_>, total: usize, id: u16, fragment: u16, ttl: u8, proto: u8) {
    let facts = &mut *pass.facts;
    facts.number(Field::IpLen, total as u64);
    facts.number(Field::IpId, u64::from(id));
    facts.flag(Field::IpDf, fragment & 0x4000 != 0);
    facts.flag(Field::IpMf, fragment & 0x2000 != 0);
    facts.number(Field::IpOffset, u64::from(fragment & 0x1fff));
    facts.number(Field::IpTtl, u64::from(ttl));
    facts.number(Field::IpProto, u64::from(proto));
}

/// Reads what an IPv4 packet carries.
fn carried(pass: &mut Pass<'_>, route: Route, proto: u8, payload: Part<'_>) -> Read {
    if !pass.deeper() {
        return Ok(());
    }
    if payload.len() == 0 {
        return Ok(());
    }
    match proto {
        1 => icmp::message(pass, route, payload),
        4 => packet(pass, payload),
        6 => tcp::segment(pass, route, payload),
        17 => udp::datagram(pass, route, payload),
        41 => ip6::packet(pass, payload),
        58 => icmp6::message(pass, route, payload),
        other => {
            pass.add(format_args!("{} ({other})", protocol_name(other)));
            Ok(())
        }
    }
}

/// Returns the name of a protocol over IP.
pub(super) fn protocol_name(proto: u8) -> &'static str {
    match proto {
        0 => "IPv6 Hop-by-Hop Option",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPIP",
        6 => "TCP",
        8 => "EGP",
        17 => "UDP",
        33 => "DCCP",
        41 => "IPv6",
        43 => "Routing Header for IPv6",
        44 => "Fragment Header for IPv6",
        46 => "Reservation Protocol",
        47 => "Generic Routing Encapsulation",
        50 => "Encap Security Payload",
        51 => "Authentication Header",
        58 => "ICMPv6",
        59 => "No Next Header for IPv6",
        60 => "Destination Options for IPv6",
        88 => "EIGRP",
        89 => "OSPF IGP",
        99 => "any private encryption scheme",
        103 => "PIM",
        112 => "Virtual Router Redundancy Protocol",
        132 => "SCTP",
        136 => "UDPlite",
        255 => "Reserved",
        _ => "Unknown",
    }
}
