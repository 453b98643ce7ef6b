//! IPv6 and the headers that may follow it.
//!
//! # Source
//! RFC 8200 for the packets; tshark 4.0 for the words.

use super::fragments::Piece;
use super::ip::{self, Route};
use super::line::{Label, Party};
use super::part::Part;
use super::{Field, Pass, Read, icmp6, tcp, udp};

/// Most extension headers of one packet that are followed.
const HEADERS_MAX: u32 = 32;

/// Reads an IPv6 packet.
pub(super) fn packet(pass: &mut Pass<'_>, packet: Part<'_>) -> Read {
    let first = packet.u8(0)?;
    if first >> 4 != 6 {
        // tshark leaves it to the Ethernet type.
        pass.line.protocol = Label::Type(0x86dd);
        pass.clear().push_str("IPv6");
        return Ok(());
    }
    pass.name("IPv6");
    pass.facts.layer("ipv6");
    pass.clear();
    let (len, next, hops) = (usize::from(packet.u16(4)?), packet.u8(6)?, packet.u8(7)?);
    let src = packet.v6(8)?;
    pass.line.source = Party::V6(src);
    let dst = packet.v6(24)?;
    pass.line.destination = Party::V6(dst);
    pass.facts.number(Field::Ip6Len, len as u64);
    pass.facts.number(Field::Ip6Next, u64::from(next));
    pass.facts.number(Field::Ip6Hops, u64::from(hops));
    pass.facts.v6(Field::Ip6Src, src);
    pass.facts.v6(Field::Ip6Dst, dst);
    let payload = packet.from(40)?;
    let payload = payload.first(len);
    headers(pass, Route { src: src.octets(), dst: dst.octets(), hops }, next, payload)
}

/// Reads the headers before what the packet carries.
fn headers(pass: &mut Pass<'_>, route: Route, next: u8, payload: Part<'_>) -> Read {
    let (mut next, mut payload, mut route) = (next, payload, route);
    for _ in 0..HEADERS_MAX {
        let (name, len) = match next {
            0 => ("IPv6 hop-by-hop options", usize::from(payload.u8(1).unwrap_or(0)) * 8 + 8),
            43 => ("IPv6 routing", usize::from(payload.u8(1).unwrap_or(0)) * 8 + 8),
            60 => ("IPv6 destination options", usize::from(payload.u8(1).unwrap_or(0)) * 8 + 8),
            44 => return fragment(pass, route, payload),
            _ => return carried(pass, route, next, payload),
        };
        if payload.len() < 2 || payload.is_cut_below(len) {
            pass.clear().push_str(name);
        }
        let (kind, header) = (payload.u8(0)?, payload.sub(0, len)?);
        header.slice(0, len)?;
        if next == 43 && header.u8(2)? == 0 && header.u8(3)? > 0 {
            // The last address of a source route is where the packet goes to in the end.
            if let Ok(last) = header.v6(len.saturating_sub(16)) {
                pass.line.destination = Party::V6(last);
                route.dst = last.octets();
            }
        }
        next = kind;
        payload = payload.from(len)?;
    }
    Ok(())
}

fn fragment(pass: &mut Pass<'_>, route: Route, payload: Part<'_>) -> Read {
    let (next, place, id) = (payload.u8(0)?, payload.u16(2)?, payload.u32(4)?);
    let (offset, more) = (usize::from(place & 0xfff8), place & 1 != 0);
    let payload = payload.from(8)?;
    if offset == 0 && !more {
        return carried(pass, route, next, payload);
    }
    if payload.is_whole() && payload.len() > 0 {
        let key = (route.src, route.dst, next, id);
        let piece = Piece { key, offset, more, bytes: payload.captured() };
        if let Some(whole) = pass.state.fragments.add(&piece) {
            return carried(pass, route, next, Part::new(&whole, whole.len()));
        }
    }
    let more = if more { 'y' } else { 'n' };
    let text = format_args!("IPv6 fragment (off={offset} more={more} ident=0x{id:08x} nxt={next})");
    pass.add(text);
    Ok(())
}

fn carried(pass: &mut Pass<'_>, route: Route, next: u8, payload: Part<'_>) -> Read {
    if !pass.deeper() {
        return Ok(());
    }
    match next {
        59 => {
            pass.add(format_args!("IPv6 no next header"));
            Ok(())
        }
        _ if payload.len() == 0 => Ok(()),
        4 => ip::packet(pass, payload),
        6 => tcp::segment(pass, route, payload),
        17 => udp::datagram(pass, route, payload),
        41 => packet(pass, payload),
        58 => icmp6::message(pass, route, payload),
        other => {
            let name = ip::protocol_name(other);
            pass.add(format_args!("Unknown IP Protocol: {name} ({other})"));
            Ok(())
        }
    }
}
