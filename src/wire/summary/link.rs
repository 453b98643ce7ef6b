//! What comes first in a frame: Ethernet with its tags, or what other captures begin with.
//!
//! # Source
//! IEEE 802.3 and 802.1Q; the cooked headers as libpcap documents them.

use super::line::{Label, Party};
use super::part::Part;
use super::{Field, Pass, Read, arp, ip, ip6};

const IP: u16 = 0x0800;
const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88a8;
const OLD_SERVICE_VLAN: u16 = 0x9100;
const IP6: u16 = 0x86dd;
/// Largest type that is the length of an 802.3 frame.
const LENGTH_MAX: u16 = 1500;
/// Smallest that is a type.
const TYPE_MIN: u16 = 0x0600;

/// Reads an Ethernet frame.
pub(super) fn ethernet(pass: &mut Pass<'_>, frame: Part<'_>) -> Read {
    pass.name("Ethernet");
    pass.facts.layer("eth");
    let dst = frame.mac(0)?;
    pass.line.destination = Party::Mac(dst);
    pass.line.source = Party::Mac(frame.mac(6)?);
    pass.facts.mac(Field::EthDst, dst);
    pass.facts.mac(Field::EthSrc, frame.mac(6)?);
    let kind = frame.u16(12)?;
    pass.facts.number(Field::EthType, u64::from(kind));
    let payload = frame.from(14)?;
    match kind {
        ..=LENGTH_MAX => {
            let len = usize::from(kind).min(payload.len());
            llc(pass, payload.first(len))
        }
        TYPE_MIN.. => typed(pass, kind, payload),
        other => {
            let text =
                format_args!("Ethernet Unknown: Invalid length/type: 0x{other:04x} ({other})");
            pass.add(text);
            Ok(())
        }
    }
}

/// Reads what an Ethernet type announces.
fn typed(pass: &mut Pass<'_>, kind: u16, payload: Part<'_>) -> Read {
    match kind {
        IP => ip::packet(pass, payload),
        IP6 => ip6::packet(pass, payload),
        ARP => arp::packet(pass, payload, false),
        RARP => arp::packet(pass, payload, true),
        VLAN | SERVICE_VLAN | OLD_SERVICE_VLAN => {
            pass.facts.layer("vlan");
            pass.name(if kind == SERVICE_VLAN { "IEEE802.1ad" } else { "VLAN" });
            let tag = payload.u16(0)?;
            pass.clear();
            let (priority, drop, id) = (tag >> 13, tag >> 12 & 1, tag & 0xfff);
            pass.facts.number(Field::VlanId, u64::from(id));
            pass.add(format_args!("PRI: {priority}  DEI: {drop}  ID: {id}"));
            let kind = payload.u16(2)?;
            let payload = payload.from(4)?;
            if !pass.deeper() {
                return Ok(());
            }
            if kind <= LENGTH_MAX {
                return llc(pass, payload.first(usize::from(kind)));
            }
            typed(pass, kind, payload)
        }
        other => {
            pass.line.protocol = Label::Type(other);
            if pass.line.info.is_empty() {
                pass.line.info.push_str("Ethernet II");
            }
            Ok(())
        }
    }
}

/// Reads an 802.2 header; of what stands behind it only Ethernet types are known.
fn llc(pass: &mut Pass<'_>, payload: Part<'_>) -> Read {
    pass.name("LLC");
    pass.clear();
    pass.facts.layer("llc");
    let (dsap, ssap, control) = (payload.u8(0)?, payload.u8(1)?, payload.u8(2)?);
    if (dsap & 0xfe, ssap & 0xfe, control) == (0xaa, 0xaa, 3) {
        let (organisation, kind) = (payload.u32(2)? & 0xff_ffff, payload.u16(6)?);
        if organisation == 0 && [IP, IP6, ARP].contains(&kind) {
            return typed(pass, kind, payload.from(8)?);
        }
    }
    pass.add(format_args!("DSAP 0x{dsap:02x}, SSAP 0x{ssap:02x}, control 0x{control:02x}"));
    Ok(())
}

/// Reads a packet without a link header.
pub(super) fn raw(pass: &mut Pass<'_>, frame: Part<'_>) -> Read {
    match frame.u8(0)? >> 4 {
        6 => ip6::packet(pass, frame),
        _ => ip::packet(pass, frame),
    }
}

/// Reads what Linux writes for all interfaces together: a header of `len` bytes with the protocol
/// at `kind`.
pub(super) fn cooked(pass: &mut Pass<'_>, frame: Part<'_>, len: usize, kind: usize) -> Read {
    pass.name("SLL");
    let kind = frame.u16(kind)?;
    typed(pass, kind, frame.from(len)?)
}

/// Reads a packet behind a BSD loopback's address family, in whichever order it was written.
pub(super) fn null(pass: &mut Pass<'_>, frame: Part<'_>) -> Read {
    pass.name("NULL");
    let family = frame.u32(0)?;
    match family.min(family.swap_bytes()) {
        2 => ip::packet(pass, frame.from(4)?),
        24 | 28 | 30 => ip6::packet(pass, frame.from(4)?),
        other => {
            pass.add(format_args!("address family {other}"));
            Ok(())
        }
    }
}
