//! TFTP, which answers from a port of its own.
//!
//! # Source
//! RFC 1350, RFC 2347 and RFC 2348 for the packets; tshark 4.0 for the words.

use super::ip::Route;
use super::part::{Part, Short};
use super::{Field, Pass, Read, text};

/// Bytes of a full data packet unless something else was agreed on.
const BLOCK: u32 = 512;
/// Most transfers that are remembered.
const TRANSFERS_MAX: usize = 256;
/// Most options of one packet that are told.
const OPTIONS_MAX: u32 = 64;

/// Transfers that were asked for, the newest last.
#[derive(Debug, Default)]
pub(super) struct Transfers(Vec<Transfer>);

/// Who asked whom from which port.
#[derive(Debug)]
struct Transfer {
    client: [u8; 16],
    port: u16,
    server: [u8; 16],
    block: u32,
}

impl Transfers {
    fn begin(&mut self, route: Route, port: u16) {
        self.0.retain(|old| (old.client, old.port, old.server) != (route.src, port, route.dst));
        if self.0.len() == TRANSFERS_MAX {
            self.0.remove(0);
        }
        self.0.push(Transfer { client: route.src, port, server: route.dst, block: BLOCK });
    }

    /// Returns the transfer that a datagram between these ports belongs to.
    fn of(&mut self, route: Route, src: u16, dst: u16) -> Option<&mut Transfer> {
        self.0.iter_mut().rev().find(|transfer| {
            let ends = (transfer.client, transfer.server, transfer.port);
            ends == (route.src, route.dst, src) || ends == (route.dst, route.src, dst)
        })
    }

    pub(super) fn has(&mut self, route: Route, src: u16, dst: u16) -> bool {
        self.of(route, src, dst).is_some()
    }
}

/// Reads a packet.
pub(super) fn packet(
    pass: &mut Pass<'_>,
    route: Route,
    (src, dst): (u16, u16),
    packet: Part<'_>,
) -> Read {
    pass.name("TFTP");
    pass.facts.layer("tftp");
    let op = packet.u16(0)?;
    pass.facts.number(Field::TftpOpcode, u64::from(op));
    pass.clear();
    match op_name(op) {
        Some(name) => pass.line.info.push_str(name),
        None => pass.add(format_args!("Unknown (0x{op:04x})")),
    }
    match op {
        1 | 2 => {
            if dst == 69 {
                pass.state.transfers.begin(route, src);
            }
            let (file, at) = string(packet, 2)?;
            pass.line.info.push_str(", File: ");
            text::push(&mut pass.line.info, file);
            let (kind, at) = string(packet, at)?;
            pass.line.info.push_str(", Transfer type: ");
            text::push(&mut pass.line.info, kind);
            options(pass, route, (src, dst), packet, at)
        }
        3 => {
            let block = packet.u16(2)?;
            pass.add(format_args!(", Block: {block}"));
            let full = pass.state.transfers.of(route, src, dst).map_or(BLOCK, |t| t.block);
            if ((packet.len() - 4) as u64) < u64::from(full) {
                pass.line.info.push_str(" (last)");
            }
            Ok(())
        }
        4 => {
            let block = packet.u16(2)?;
            pass.add(format_args!(", Block: {block}"));
            Ok(())
        }
        5 => {
            let code = packet.u16(2)?;
            match error_name(code) {
                Some(name) => pass.add(format_args!(", Code: {name}")),
                None => pass.add(format_args!(", Code: Unknown ({code})")),
            }
            let (message, _) = string(packet, 4)?;
            pass.line.info.push_str(", Message: ");
            text::push(&mut pass.line.info, message);
            Ok(())
        }
        6 => options(pass, route, (src, dst), packet, 2),
        _ => Ok(()),
    }
}

fn options(
    pass: &mut Pass<'_>,
    route: Route,
    (src, dst): (u16, u16),
    packet: Part<'_>,
    at: usize,
) -> Read {
    let mut at = at;
    for _ in 0..OPTIONS_MAX {
        if at >= packet.len() {
            break;
        }
        let (name, next) = string(packet, at)?;
        let (value, next) = string(packet, next)?;
        pass.line.info.push_str(", ");
        text::push(&mut pass.line.info, name);
        pass.line.info.push('=');
        text::push(&mut pass.line.info, value);
        let number = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
        // What was asked for counts once the server has agreed to it.
        let agreed = packet.u16(0)? == 6 && name.eq_ignore_ascii_case(b"blksize");
        if let (true, Some(size)) = (agreed, number)
            && let Some(transfer) = pass.state.transfers.of(route, src, dst)
        {
            transfer.block = size;
        }
        at = next;
    }
    Ok(())
}

/// Reads a text that ends with a zero; returns it and where the next one begins.
fn string(packet: Part<'_>, at: usize) -> Result<(&[u8], usize), Short> {
    let rest = packet.from(at)?;
    let len = rest.captured().iter().position(|byte| *byte == 0);
    match len {
        Some(len) => Ok((rest.slice(0, len)?, at + len + 1)),
        None if rest.is_whole() => Err(Short::Beyond),
        None => Err(Short::Cut),
    }
}

fn op_name(op: u16) -> Option<&'static str> {
    Some(match op {
        1 => "Read Request",
        2 => "Write Request",
        3 => "Data Packet",
        4 => "Acknowledgement",
        5 => "Error Code",
        6 => "Option Acknowledgement",
        _ => return None,
    })
}

fn error_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0 => "Not defined",
        1 => "File not found",
        2 => "Access violation",
        3 => "Disk full or allocation exceeded",
        4 => "Illegal TFTP Operation",
        5 => "Unknown transfer ID",
        6 => "File already exists",
        7 => "No such user",
        8 => "Option negotiation failed",
        _ => return None,
    })
}
