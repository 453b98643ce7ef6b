//! NTP: version and mode.
//!
//! # Source
//! RFC 5905 and RFC 9327 for the packets; tshark 4.0 for the words.

use super::part::Part;
use super::{Field, Pass, Read};

/// Reads a packet.
pub(super) fn packet(pass: &mut Pass<'_>, packet: Part<'_>) -> Read {
    pass.name("NTP");
    pass.facts.layer("ntp");
    pass.clear();
    let first = packet.u8(0)?;
    let (version, mode) = (first >> 3 & 7, first & 7);
    pass.facts.number(Field::NtpMode, u64::from(mode));
    match version {
        1..=4 => pass.add(format_args!("NTP Version {version}, ")),
        0 | 5.. => pass.add(format_args!("reserved, ")),
    }
    pass.line.info.push_str(match mode {
        1 => "symmetric active",
        2 => "symmetric passive",
        3 => "client",
        4 => "server",
        5 => "broadcast",
        6 => "control",
        7 => "private",
        _ => "reserved",
    });
    match mode {
        6 => packet.slice(0, 12).map(|_| ()),
        7 => {
            let request = packet.u8(3)?;
            pass.add(format_args!(", {}", if first & 0x80 == 0 { "Request" } else { "Response" }));
            match request_name(request) {
                Some(name) => pass.add(format_args!(", {name}")),
                None => pass.add(format_args!(", Unknown")),
            }
            Ok(())
        }
        _ => {
            pass.facts.number(Field::NtpStratum, u64::from(packet.u8(1)?));
            packet.slice(0, 48).map(|_| ())
        }
    }
}

/// Requests of the old private mode, as far as scanners use them.
fn request_name(request: u8) -> Option<&'static str> {
    Some(match request {
        0 => "PEER_LIST",
        1 => "PEER_LIST_SUM",
        2 => "PEER_INFO",
        3 => "PEER_STATS",
        4 => "SYS_INFO",
        20 => "MON_GETLIST",
        42 => "MON_GETLIST_1",
        _ => return None,
    })
}
