//! DHCP, and BOOTP that it grew from.
//!
//! # Source
//! RFC 951, RFC 2131 and RFC 2132 for the messages; tshark 4.0 for the words.

use super::line::{Party, colons};
use super::part::Part;
use super::{Field, Pass, Read};

/// Where the options begin, behind their cookie.
const OPTIONS: usize = 240;
const COOKIE: u32 = 0x6382_5363;

/// Reads a message.
pub(super) fn message(pass: &mut Pass<'_>, message: Part<'_>) -> Read {
    pass.name("BOOTP");
    pass.facts.layer("dhcp");
    pass.clear();
    let op = message.u8(0)?;
    message.u8(2)?;
    if message.len() < OPTIONS - 4 {
        tell_op(pass, message, op)?;
        message.slice(0, OPTIONS)?;
    }
    let transaction = message.u32(4)?;
    pass.facts.number(Field::DhcpTransaction, u64::from(transaction));
    let cookie = message.u32(OPTIONS - 4);
    let kind = match cookie {
        Ok(COOKIE) => message_type(message.from(OPTIONS)?),
        Ok(_) | Err(_) => Ok(None),
    };
    match kind {
        Ok(Some(kind)) => {
            pass.name("DHCP");
            pass.facts.number(Field::DhcpType, u64::from(kind));
            match type_name(kind) {
                Some(name) => pass.add(format_args!("DHCP {name:<8}")),
                None => pass.add(format_args!("DHCP Unknown Message Type (0x{kind:02x})")),
            }
            pass.add(format_args!(" - Transaction ID 0x{transaction:x}"));
        }
        Ok(None) => tell_op(pass, message, op)?,
        Err(short) => {
            tell_op(pass, message, op)?;
            return Err(short);
        }
    }
    cookie.map(|_| ())
}

fn tell_op(pass: &mut Pass<'_>, message: Part<'_>, op: u8) -> Read {
    match op {
        1 => {
            let (hardware, len) = (message.u8(1)?, usize::from(message.u8(2)?));
            if (hardware, len) == (1, 6) {
                let mac = message.mac(28)?;
                let text = format_args!("Boot Request from {} ({})", colons(mac), Party::Mac(mac));
                pass.add(text);
            } else {
                let address = message.slice(28, len.min(16))?;
                pass.add(format_args!("Boot Request from "));
                for byte in address {
                    pass.add(format_args!("{byte:02x}"));
                }
            }
        }
        2 => pass.line.info.push_str("Boot Reply"),
        other => pass.add(format_args!("Unknown BOOTP message type ({other})")),
    }
    Ok(())
}

/// Looks for the option that says what the message is.
fn message_type(options: Part<'_>) -> Result<Option<u8>, super::part::Short> {
    let mut at = 0;
    let mut found = None;
    while at < options.len() {
        let kind = options.u8(at)?;
        match kind {
            0 => at += 1,
            255 => break,
            _ => {
                let len = usize::from(options.u8(at + 1)?);
                let value = options.slice(at + 2, len)?;
                if let (53, Some(kind)) = (kind, value.first()) {
                    found = Some(*kind);
                }
                at += 2 + len;
            }
        }
    }
    Ok(found)
}

fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Discover",
        2 => "Offer",
        3 => "Request",
        4 => "Decline",
        5 => "ACK",
        6 => "NAK",
        7 => "Release",
        8 => "Inform",
        9 => "Force Renew",
        10 => "Lease query",
        11 => "Lease Unassigned",
        12 => "Lease Unknown",
        13 => "Lease Active",
        14 => "Bulk Lease Query",
        15 => "Lease Query Done",
        16 => "Active LeaseQuery",
        17 => "Lease Query Status",
        18 => "TLS",
        _ => return None,
    })
}
