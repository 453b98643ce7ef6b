//! ICMP, and which echo reply answers which request.
//!
//! # Source
//! RFC 792, RFC 1122 and RFC 1812 for the messages; tshark 4.0 for the words.

use std::collections::BTreeMap;

use super::ip::Route;
use super::part::{Part, Short};
use super::{Field, Pass, Read};

/// Most echo requests that are remembered.
const ECHOES_MAX: usize = 1024;

/// Who asked whom, with which identifier and sequence number.
type Asked = ([u8; 16], [u8; 16], u16, u16);

/// Echo requests that wait for their replies, with the numbers of their frames.
#[derive(Debug, Default)]
pub(super) struct Echoes(BTreeMap<Asked, u32>);

impl Echoes {
    pub(super) fn asked(&mut self, route: Route, id: u16, seq: u16, frame: u32) {
        if self.0.len() >= ECHOES_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, frame)| **frame)
        {
            let oldest = *oldest.0;
            self.0.remove(&oldest);
        }
        self.0.insert((route.src, route.dst, id, seq), frame);
    }

    /// Returns which frame asked, once.
    pub(super) fn answered(&mut self, route: Route, id: u16, seq: u16) -> Option<u32> {
        self.0.remove(&(route.dst, route.src, id, seq))
    }
}

/// Reads an ICMP message.
pub(super) fn message(pass: &mut Pass<'_>, route: Route, message: Part<'_>) -> Read {
    pass.facts.layer("icmp");
    pass.name("ICMP");
    pass.clear();
    let (kind, code) = (message.u8(0)?, message.u8(1)?);
    message.u16(2)?;
    pass.facts.number(Field::IcmpType, u64::from(kind));
    pass.facts.number(Field::IcmpCode, u64::from(code));
    let name = type_name(kind);
    match kind {
        0 | 8 | 13..=18 => {
            pass.add(format_args!("{name:<20}"));
            let (id, seq) = (message.u16(4)?, message.u16(6)?);
            let swapped = seq.swap_bytes();
            let hops = route.hops;
            let text = format_args!(" id=0x{id:04x}, seq={seq}/{swapped}, ttl={hops}");
            pass.add(text);
            if kind == 8 {
                pass.state.echoes.asked(route, id, seq, pass.line.number);
            } else if kind == 0
                && let Some(frame) = pass.state.echoes.answered(route, id, seq)
            {
                pass.add(format_args!(" (request in {frame})"));
            }
        }
        _ => match code_name(kind, code) {
            Code::None => pass.add(format_args!("{name:<20}")),
            Code::Known(code) => pass.add(format_args!("{name:<20} ({code})")),
            Code::Unknown => pass.add(format_args!("{name:<20} (Unknown code: {code})")),
        },
    }
    if matches!(kind, 3..=5 | 11 | 12) {
        note_quoted(pass, message);
        return quoted(message);
    }
    Ok(())
}

/// Notes for display filters whose packet an error quotes.
fn note_quoted(pass: &mut Pass<'_>, message: Part<'_>) {
    let Ok(packet) = message.from(8) else { return };
    let (Ok(first), Ok(proto)) = (packet.u8(0), packet.u8(9)) else { return };
    let (Ok(src), Ok(dst)) = (packet.v4(12), packet.v4(16)) else { return };
    pass.facts.layer("ip");
    pass.facts.number(Field::IpProto, u64::from(proto));
    pass.facts.v4(Field::IpSrc, src);
    pass.facts.v4(Field::IpDst, dst);
    if let Ok(carried) = packet.from(usize::from(first & 0xf) * 4) {
        note_carried(pass, proto, carried);
    }
}

/// Notes which protocol a quoted packet carries, and between which ports.
pub(super) fn note_carried(pass: &mut Pass<'_>, proto: u8, carried: Part<'_>) {
    let (Ok(src), Ok(dst)) = (carried.u16(0), carried.u16(2)) else { return };
    let (layer, from, to) = match proto {
        6 => ("tcp", Field::TcpSrc, Field::TcpDst),
        17 => ("udp", Field::UdpSrc, Field::UdpDst),
        1 => {
            pass.facts.layer("icmp");
            pass.facts.number(Field::IcmpType, u64::from(src >> 8));
            return pass.facts.number(Field::IcmpCode, u64::from(src & 0xff));
        }
        _ => return,
    };
    pass.facts.layer(layer);
    pass.facts.number(from, u64::from(src));
    pass.facts.number(to, u64::from(dst));
}

/// Looks whether what an error quotes was cut.
fn quoted(message: Part<'_>) -> Read {
    let Ok(packet) = message.from(8) else { return Ok(()) };
    let look = || -> Result<(), Short> {
        let header = usize::from(packet.u8(0)? & 0xf) * 4;
        let proto = packet.u8(9)?;
        let carried = packet.from(header)?;
        let needed = if proto == 6 { 20 } else { 8 };
        carried.slice(0, needed.min(carried.len())).map(|_| ())
    };
    // An error quotes as much as it likes.
    look().or_else(|short| if short == Short::Cut { Err(short) } else { Ok(()) })
}

fn type_name(kind: u8) -> &'static str {
    match kind {
        0 => "Echo (ping) reply",
        3 => "Destination unreachable",
        4 => "Source quench (flow control)",
        5 => "Redirect",
        8 => "Echo (ping) request",
        9 => "Mobile IP Advertisement",
        10 => "Router solicitation",
        11 => "Time-to-live exceeded",
        12 => "Parameter problem",
        13 => "Timestamp request",
        14 => "Timestamp reply",
        15 => "Information request",
        16 => "Information reply",
        17 => "Address mask request",
        18 => "Address mask reply",
        30 => "Traceroute",
        40 => "Photuris",
        42 => "Extended Echo request",
        43 => "Extended Echo reply",
        1 | 2 => "Reserved",
        _ => "Unknown ICMP (obsolete or malformed?)",
    }
}

/// What a code adds.
enum Code {
    None,
    Known(&'static str),
    Unknown,
}

fn code_name(kind: u8, code: u8) -> Code {
    let names: &[&'static str] = match kind {
        3 => &[
            "Network unreachable",
            "Host unreachable",
            "Protocol unreachable",
            "Port unreachable",
            "Fragmentation needed",
            "Source route failed",
            "Destination network unknown",
            "Destination host unknown",
            "Source host isolated",
            "Network administratively prohibited",
            "Host administratively prohibited",
            "Network unreachable for TOS",
            "Host unreachable for TOS",
            "Communication administratively filtered",
            "Host precedence violation",
            "Precedence cutoff in effect",
        ],
        5 => &[
            "Redirect for network",
            "Redirect for host",
            "Redirect for TOS and network",
            "Redirect for TOS and host",
        ],
        9 if code == 16 => return Code::Known("Does not route common traffic"),
        9 => &["Normal router advertisement"],
        11 => &["Time to live exceeded in transit", "Fragment reassembly time exceeded"],
        12 => &["Pointer indicates the error", "Required option missing", "Bad length"],
        40 => &[
            "Bad SPI",
            "Authentication failed",
            "Decompression failed",
            "Decryption failed",
            "Need authentication",
            "Need authorization",
        ],
        42 | 43 => &["No error"],
        _ => return Code::None,
    };
    names.get(usize::from(code)).map_or(Code::Unknown, |name| Code::Known(name))
}
