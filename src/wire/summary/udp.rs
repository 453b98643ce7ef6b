//! UDP, and which protocol speaks on which port.
//!
//! # Source
//! RFC 768 for the header; tshark 4.0 for the words.

use super::ip::Route;
use super::part::Part;
use super::{Field, Pass, Read, dhcp, dns, ntp, syslog, tftp};

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
        0 => datagram.len(),
        1..8 => {
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
    let payload = datagram.from(8)?;
    let payload = payload.first(len - 8);
    if payload.len() == 0 {
        return Ok(());
    }
    if pass.state.transfers.has(route, src, dst) {
        return tftp::packet(pass, route, (src, dst), payload);
    }
    // The lower port speaks first, as in tshark.
    for port in [src.min(dst), src.max(dst)] {
        match port {
            53 => return dns::message(pass, payload),
            67 | 68 => return dhcp::message(pass, payload),
            69 => return tftp::packet(pass, route, (src, dst), payload),
            123 => return ntp::packet(pass, payload),
            514 => return syslog::message(pass, payload),
            _ => {}
        }
    }
    Ok(())
}
