//! DNS: what is asked, and what is answered.
//!
//! # Source
//! RFC 1035 and the registry of DNS parameters for the messages; tshark 4.0 for the words.

use super::part::{Part, Short};
use super::{Field, Pass, Read, text};

/// Most records of one message that are told.
const RECORDS_MAX: u32 = 512;
/// Longest name, in bytes.
const NAME_MAX: usize = 255;

/// Which of the protocols that share the format it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kin {
    Dns,
    Multicast,
    LinkLocal,
}

/// Reads a message.
pub(super) fn message(pass: &mut Pass<'_>, message: Part<'_>) -> Read {
    read(pass, message, Kin::Dns)
}

/// Reads a message of multicast DNS.
pub(super) fn local(pass: &mut Pass<'_>, message: Part<'_>) -> Read {
    read(pass, message, Kin::Multicast)
}

/// Reads a message of link-local name resolution.
pub(super) fn link_local(pass: &mut Pass<'_>, message: Part<'_>) -> Read {
    read(pass, message, Kin::LinkLocal)
}

fn read(pass: &mut Pass<'_>, message: Part<'_>, kin: Kin) -> Read {
    let (name, layer) = match kin {
        Kin::Dns => ("DNS", "dns"),
        Kin::Multicast => ("MDNS", "mdns"),
        Kin::LinkLocal => ("LLMNR", "llmnr"),
    };
    pass.name(name);
    pass.facts.layer(layer);
    pass.clear();
    let (id, flags) = (message.u16(0)?, message.u16(2)?);
    let (response, op, code) = (flags & 0x8000 != 0, flags >> 11 & 0xf, flags & 0xf);
    pass.facts.number(Field::DnsId, u64::from(id));
    pass.facts.flag(Field::DnsResponse, response);
    match op_name(op) {
        Some(name) => pass.line.info.push_str(name),
        None => pass.add(format_args!("Unknown operation ({op})")),
    }
    if response {
        pass.line.info.push_str(" response");
    }
    pass.add(format_args!(" 0x{id:04x}"));
    if response {
        pass.facts.number(Field::DnsRcode, u64::from(code));
        match code_name(code) {
            Some("") => {}
            Some(name) => pass.add(format_args!(" {name}")),
            None => pass.add(format_args!(" Unknown error ({code})")),
        }
    }
    let (questions, answers) = (message.u16(4)?, message.u16(6)?);
    let (authorities, additional) = (message.u16(8)?, message.u16(10)?);
    let mut at = 12;
    for _ in 0..u32::from(questions).min(RECORDS_MAX) {
        at = question(pass, message, at, kin)?;
    }
    let records = u32::from(answers) + u32::from(authorities) + u32::from(additional);
    for _ in 0..records.min(RECORDS_MAX) {
        at = record(pass, message, at)?;
    }
    Ok(())
}

fn question(pass: &mut Pass<'_>, message: Part<'_>, at: usize, kin: Kin) -> Result<usize, Short> {
    let (name, at) = name(message, at)?;
    let kind = message.u16(at)?;
    let class = message.u16(at + 2)?;
    tell_kind(pass, kind);
    pass.add(format_args!(" {name}"));
    if kin == Kin::Multicast {
        // The top bit of the class asks for an answer to the asker alone.
        pass.add(format_args!(", \"{}\" question", if class & 0x8000 == 0 { "QM" } else { "QU" }));
    }
    pass.facts.text(Field::DnsQueryName, &name);
    pass.facts.number(Field::DnsQueryType, u64::from(kind));
    Ok(at + 4)
}

fn record(pass: &mut Pass<'_>, message: Part<'_>, at: usize) -> Result<usize, Short> {
    let (owner, at) = name(message, at)?;
    let kind = message.u16(at)?;
    message.u32(at + 4)?;
    let len = usize::from(message.u16(at + 8)?);
    tell_kind(pass, kind);
    pass.facts.text(Field::DnsAnswerName, &owner);
    let at = at + 10;
    if len == 0 {
        return Ok(at);
    }
    match kind {
        1 => {
            let address = message.v4(at)?;
            pass.facts.v4(Field::DnsA, address);
            pass.add(format_args!(" {address}"));
        }
        11 => {
            let address = message.v4(at)?;
            pass.add(format_args!(" {address}"));
        }
        28 => {
            let address = message.v6(at)?;
            pass.facts.v6(Field::DnsAaaa, address);
            pass.add(format_args!(" {address}"));
        }
        2 | 5 | 12 | 39 | 47 => tell_name(pass, message, at)?,
        6 => {
            tell_name(pass, message, at)?;
            let (_, next) = name(message, at)?;
            let (_, next) = name(message, next)?;
            message.slice(next, 20)?;
        }
        13 => {
            let first = usize::from(message.u8(at)?);
            let second = usize::from(message.u8(at + 1 + first)?);
            for part in [message.slice(at + 1, first)?, message.slice(at + 2 + first, second)?] {
                pass.line.info.push(' ');
                text::push(&mut pass.line.info, part);
            }
        }
        15 | 36 => {
            let preference = message.u16(at)?;
            let (host, _) = name(message, at + 2)?;
            pass.add(format_args!(" {preference} {host}"));
        }
        33 => {
            let (priority, weight, port) =
                (message.u16(at)?, message.u16(at + 2)?, message.u16(at + 4)?);
            let (host, _) = name(message, at + 6)?;
            pass.add(format_args!(" {priority} {weight} {port} {host}"));
        }
        35 => {
            let (order, preference) = (message.u16(at)?, message.u16(at + 2)?);
            let len = usize::from(message.u8(at + 4)?);
            let flags = message.slice(at + 5, len)?;
            pass.add(format_args!(" {order} {preference} "));
            text::push(&mut pass.line.info, flags);
        }
        // Records that tshark knows by name only; it shows whose they are.
        3 | 4 | 7..=10 | 14 | 17 | 18 | 20 | 21 | 42 | 51 | 52 => {
            pass.add(format_args!(" {owner}"));
        }
        _ => {}
    }
    message.sub(at, len).or_else(|short| match short {
        // What could be read was read.
        Short::Beyond => message.from(message.len()),
        Short::Cut => Err(short),
    })?;
    Ok(at + len)
}

fn tell_name(pass: &mut Pass<'_>, message: Part<'_>, at: usize) -> Read {
    let (name, _) = name(message, at)?;
    pass.add(format_args!(" {name}"));
    Ok(())
}

fn tell_kind(pass: &mut Pass<'_>, kind: u16) {
    match kind_name(kind) {
        Some(name) => pass.add(format_args!(" {name}")),
        None => pass.add(format_args!(" Unknown ({kind})")),
    }
}

/// Reads a name; returns it and where it ends.
fn name(message: Part<'_>, at: usize) -> Result<(String, usize), Short> {
    let (mut name, mut place, mut end) = (String::new(), at, None);
    // Every byte of a message can be read once; a name that reads more goes round in circles.
    let mut read = 0;
    loop {
        let len = message.u8(place)?;
        read += 1;
        match len {
            0 => break,
            1..0x40 => {
                let label = message.slice(place + 1, usize::from(len))?;
                if !name.is_empty() {
                    name.push('.');
                }
                text::push(&mut name, label);
                place += 1 + usize::from(len);
                read += usize::from(len);
            }
            0xc0.. => {
                let target = usize::from(message.u16(place)? & 0x3fff);
                end.get_or_insert(place + 2);
                place = target;
            }
            _ => return Err(Short::Beyond),
        }
        if read > message.len() {
            let end = end.unwrap_or(place);
            return Ok(("<Name contains a pointer that loops>".to_owned(), end));
        }
        if name.len() > NAME_MAX {
            name = "<Name too long>".to_owned();
        }
    }
    if name.is_empty() {
        name.push_str("<Root>");
    }
    Ok((name, end.unwrap_or(place + 1)))
}

fn op_name(op: u16) -> Option<&'static str> {
    Some(match op {
        0 => "Standard query",
        1 => "Inverse query",
        2 => "Server status request",
        4 => "Zone change notification",
        5 => "Dynamic update",
        6 => "DNS Stateful operations (DSO)",
        _ => return None,
    })
}

fn code_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0 => "",
        1 => "Format error",
        2 => "Server failure",
        3 => "No such name",
        4 => "Not implemented",
        5 => "Refused",
        6 => "Name exists",
        7 => "RRset exists",
        8 => "RRset does not exist",
        9 => "Not authoritative",
        10 => "Name out of zone",
        11 => "DSO-Type not implemented",
        _ => return None,
    })
}

/// Names of record types, from 0 on without a gap.
const KINDS: [&str; 66] = [
    "Unused",
    "A",
    "NS",
    "MD",
    "MF",
    "CNAME",
    "SOA",
    "MB",
    "MG",
    "MR",
    "NULL",
    "WKS",
    "PTR",
    "HINFO",
    "MINFO",
    "MX",
    "TXT",
    "RP",
    "AFSDB",
    "X25",
    "ISDN",
    "RT",
    "NSAP",
    "NSAP-PTR",
    "SIG",
    "KEY",
    "PX",
    "GPOS",
    "AAAA",
    "LOC",
    "NXT",
    "EID",
    "NIMLOC",
    "SRV",
    "ATMA",
    "NAPTR",
    "KX",
    "CERT",
    "A6",
    "DNAME",
    "SINK",
    "OPT",
    "APL",
    "DS",
    "SSHFP",
    "IPSECKEY",
    "RRSIG",
    "NSEC",
    "DNSKEY",
    "DHCID",
    "NSEC3",
    "NSEC3PARAM",
    "TLSA",
    "SMIMEA",
    "",
    "HIP",
    "NINFO",
    "RKEY",
    "TALINK",
    "CDS",
    "CDNSKEY",
    "OPENPGPKEY",
    "CSYNC",
    "ZONEMD",
    "SVCB",
    "HTTPS",
];

fn kind_name(kind: u16) -> Option<&'static str> {
    if let Some(name) = KINDS.get(usize::from(kind)) {
        return Some(*name).filter(|name| !name.is_empty());
    }
    Some(match kind {
        99 => "SPF",
        100 => "UINFO",
        101 => "UID",
        102 => "GID",
        103 => "UNSPEC",
        104 => "NID",
        105 => "L32",
        106 => "L64",
        107 => "LP",
        108 => "EUI48",
        109 => "EUI64",
        249 => "TKEY",
        250 => "TSIG",
        251 => "IXFR",
        252 => "AXFR",
        253 => "MAILA",
        254 => "MAILB",
        255 => "ANY",
        256 => "URI",
        257 => "CAA",
        258 => "AVC",
        32768 => "TA",
        32769 => "DLV",
        _ => return None,
    })
}
