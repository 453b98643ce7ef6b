//! UDP, and which protocol speaks on which port.
//!
//! # Source
//! RFC 768 for the header; tshark 4.0 for the words.

use super::ip::Route;
use super::part::{Part, Short};
use super::{Field, Pass, Read, dhcp, dns, ntp, syslog, tftp};

/// Bytes of a cut payload with which nothing is looked for any more.
const GUESS: usize = 4;

/// Reads a UDP datagram.
pub(super) fn datagram(pass: &mut Pass<'_>, route: Route, datagram: Part<'_>) -> Read {
    let (src, dst) = (datagram.u16(0)?, datagram.u16(2)?);
    pass.name("UDP");
    pass.facts.layer("udp");
    pass.clear();
    pass.facts.number(Field::UdpSrc, u64::from(src));
    pass.facts.number(Field::UdpDst, u64::from(dst));
    pass.add(format_args!("{src} → {dst}"));
    let len = usize::from(datagram.u16(4)?);
    pass.facts.number(Field::UdpLen, len as u64);
    let len = match len {
        // The length of a jumbogram is that of its packet.
        0 if pass.line.is_v6() => datagram.len(),
        0..8 => {
            pass.add(format_args!(" [BAD UDP LENGTH {len} < 8]"));
            return Ok(());
        }
        len if len > datagram.len() && !pass.fragment => {
            pass.add(format_args!(" [BAD UDP LENGTH {len} > IP PAYLOAD LENGTH]"));
            len
        }
        len => len,
    };
    pass.add(format_args!(" Len={}", len - 8));
    datagram.u16(6)?;
    let payload = datagram.from(8)?;
    let payload = payload.first(len - 8);
    if payload.len() == 0 {
        return Ok(());
    }
    let known = speaks(pass, route, (src, dst), payload);
    // tshark asks those who guess; the least that one of them looks at is not there.
    let guess = || if payload.is_cut_below(GUESS) { Err(Short::Cut) } else { Ok(()) };
    known.unwrap_or_else(guess)
}

/// Hands a datagram to the protocol of its ports, if one is known.
fn speaks(
    pass: &mut Pass<'_>,
    route: Route,
    (src, dst): (u16, u16),
    payload: Part<'_>,
) -> Option<Read> {
    if pass.state.transfers.has(route, src, dst) {
        return Some(tftp::packet(pass, route, (src, dst), payload));
    }
    // The lower port speaks first, as in tshark.
    for port in [src.min(dst), src.max(dst)] {
        return Some(match port {
            53 => dns::message(pass, payload),
            67 | 68 => dhcp::message(pass, payload),
            69 => tftp::packet(pass, route, (src, dst), payload),
            123 => ntp::packet(pass, payload),
            514 => syslog::message(pass, payload),
            5353 => dns::local(pass, payload),
            5355 => dns::link_local(pass, payload),
            _ => continue,
        });
    }
    None
}
