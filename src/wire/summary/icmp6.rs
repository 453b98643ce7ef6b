//! ICMPv6, neighbour discovery and listener reports among it.
//!
//! # Source
//! RFC 4443, RFC 4861, RFC 2710 and RFC 3810 for the messages; tshark 4.0 for the words.

use super::ip::Route;
use super::line::colons;
use super::part::{Part, Short};
use super::{Field, Pass, Read, icmp};

/// Most options of one message that are read.
const OPTIONS_MAX: u32 = 64;

/// Reads an ICMPv6 message.
pub(super) fn message(pass: &mut Pass<'_>, route: Route, message: Part<'_>) -> Read {
    pass.name("ICMPv6");
    pass.facts.layer("icmpv6");
    pass.clear();
    let kind = message.u8(0)?;
    pass.facts.number(Field::Icmp6Type, u64::from(kind));
    match type_name(kind) {
        Some(name) => pass.line.info.push_str(name),
        None => pass.add(format_args!("Unknown ({kind})")),
    }
    let code = message.u8(1)?;
    pass.facts.number(Field::Icmp6Code, u64::from(code));
    message.u16(2)?;
    if let Some(names) = code_names(kind) {
        match names.get(usize::from(code)) {
            Some(name) => pass.add(format_args!(" ({name})")),
            None if kind == 1 => pass.add(format_args!(" (Unknown)")),
            None => pass.add(format_args!(" (Unknown ({code}))")),
        }
    }
    match kind {
        128 | 129 => {
            let (id, seq, hops) = (message.u16(4)?, message.u16(6)?, route.hops);
            pass.add(format_args!(" id=0x{id:04x}, seq={seq}, hop limit={hops}"));
            if kind == 128 {
                pass.state.echoes.asked(route, id, seq, pass.line.number);
            } else if let Some(frame) = pass.state.echoes.answered(route, id, seq) {
                pass.add(format_args!(" (request in {frame})"));
            }
            Ok(())
        }
        133 => options(pass, message, 8),
        134 => options(pass, message, 16),
        135 => {
            let target = message.v6(8)?;
            pass.add(format_args!(" for {target}"));
            options(pass, message, 24)
        }
        136 => {
            let (flags, target) = (message.u8(4)?, message.v6(8)?);
            let names = [(0x80, "rtr"), (0x40, "sol"), (0x20, "ovr")];
            let set: Vec<&str> =
                names.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect();
            let set = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
            pass.add(format_args!(" {target} ({set})"));
            options(pass, message, 24)
        }
        137 => options(pass, message, 40),
        1..=4 => {
            note_quoted(pass, message);
            quoted(message)
        }
        143 => message.is_whole().then_some(()).ok_or(Short::Cut),
        _ => Ok(()),
    }
}

/// Notes for display filters whose packet an error quotes.
fn note_quoted(pass: &mut Pass<'_>, message: Part<'_>) {
    let Ok(packet) = message.from(8) else { return };
    let (Ok(next), Ok(src), Ok(dst)) = (packet.u8(6), packet.v6(8), packet.v6(24)) else { return };
    pass.facts.layer("ipv6");
    pass.facts.v6(Field::Ip6Src, src);
    pass.facts.v6(Field::Ip6Dst, dst);
    if let Ok(carried) = packet.from(40) {
        icmp::note_carried(pass, next, carried);
    }
}

/// Looks whether what an error quotes was cut.
fn quoted(message: Part<'_>) -> Read {
    let Ok(packet) = message.from(8) else { return Ok(()) };
    let look = || -> Result<(), Short> {
        let needed = 40 + if packet.u8(6)? == 6 { 20 } else { 8 };
        packet.slice(0, needed.min(packet.len())).map(|_| ())
    };
    // An error quotes as much as it likes.
    look().or_else(|short| if short == Short::Cut { Err(short) } else { Ok(()) })
}

/// Reads the options of neighbour discovery, which name stations.
fn options(pass: &mut Pass<'_>, message: Part<'_>, at: usize) -> Read {
    let mut rest = message.from(at)?;
    for _ in 0..OPTIONS_MAX {
        if rest.len() == 0 {
            return Ok(());
        }
        let (kind, len) = (rest.u8(0)?, usize::from(rest.u8(1)?) * 8);
        if len == 0 {
            return Err(Short::Beyond);
        }
        match kind {
            1 => {
                let mac = rest.mac(2)?;
                pass.add(format_args!(" from {}", colons(mac)));
            }
            2 => {
                let mac = rest.mac(2)?;
                pass.add(format_args!(" is at {}", colons(mac)));
            }
            _ => {}
        }
        rest.slice(0, len.min(rest.len()))?;
        rest = rest.from(len)?;
    }
    Ok(())
}

fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Destination Unreachable",
        2 => "Packet Too Big",
        3 => "Time Exceeded",
        4 => "Parameter Problem",
        100 | 101 | 200 | 201 => "Private experimentation",
        127 => "Reserved for expansion of ICMPv6 error messages",
        128 => "Echo (ping) request",
        129 => "Echo (ping) reply",
        130 => "Multicast Listener Query",
        131 => "Multicast Listener Report",
        132 => "Multicast Listener Done",
        133 => "Router Solicitation",
        134 => "Router Advertisement",
        135 => "Neighbor Solicitation",
        136 => "Neighbor Advertisement",
        137 => "Redirect",
        138 => "Router Renumbering",
        139 => "Node Information Query",
        140 => "Node Information Reply",
        141 => "Inverse Neighbor Discovery Solicitation",
        142 => "Inverse Neighbor Discovery Advertisement",
        143 => "Multicast Listener Report Message v2",
        144 => "Home Agent Address Discovery Request",
        145 => "Home Agent Address Discovery Reply",
        146 => "Mobile Prefix Solicitation",
        147 => "Mobile Prefix Advertisement",
        148 => "Certification Path Solicitation",
        149 => "Certification Path Advertisement",
        151 => "Multicast Router Advertisement",
        152 => "Multicast Router Solicitation",
        153 => "Multicast Router Termination",
        _ => return None,
    })
}

fn code_names(kind: u8) -> Option<&'static [&'static str]> {
    Some(match kind {
        1 => &[
            "no route to destination",
            "Administratively prohibited",
            "Beyond scope of source address",
            "Address unreachable",
            "Port unreachable",
            "Source address failed ingress/egress policy",
            "Reject route to destination",
            "Error in Source Routing Header",
        ],
        3 => &["hop limit exceeded in transit", "fragment reassembly time exceeded"],
        4 => &[
            "erroneous header field encountered",
            "unrecognized Next Header type encountered",
            "unrecognized IPv6 option encountered",
            "IPv6 First Fragment has incomplete IPv6 Header Chain",
        ],
        _ => return None,
    })
}
