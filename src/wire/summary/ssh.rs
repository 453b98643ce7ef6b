//! SSH: the versions, the key exchange, and how long what is encrypted is.
//!
//! # Source
//! RFC 4253, RFC 4419 and RFC 5656 for the packets; tshark 4.0 for the words.

use super::part::{Part, Short};
use super::tcp::{Need, Shown, Took, note_text};
use super::{Field, Pass, Words, text};

/// Longest packet that is waited for.
const PACKET_MAX: usize = 512 * 1024;

/// What is known of a conversation.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// What the protocol is called, once both versions are known.
    name: Option<&'static str>,
    /// Whether the server has answered with its key.
    answered: bool,
    ends: [End; 2],
}

#[derive(Debug, Default)]
struct End {
    version: Option<u8>,
    /// Names of key exchanges in the order of preference.
    offers: Vec<u8>,
    encrypted: bool,
}

/// How keys are exchanged, as far as the words depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exchange {
    Unknown,
    Elliptic,
    Group,
    Negotiated,
}

/// Reads packets.
pub(super) fn packets(
    pass: &mut Pass<'_>,
    session: &mut Session,
    shown: Shown<'_>,
) -> Result<Took, Short> {
    // Whoever is spoken to at the lower port is the server.
    let server = shown.src < shown.dst || (shown.src == 22 && shown.dst != 22);
    pass.name(session.name.unwrap_or("SSH"));
    pass.facts.layer("ssh");
    pass.clear();
    let mut told = Told { server, first: true };
    let mut from = 0;
    while from < shown.data.len() {
        let rest = shown.data.from(from)?;
        let end = shown.end & 1;
        let step = if session.ends[end].version.is_none() {
            version(pass, session, end, shown, rest, &mut told)
        } else if session.ends[end].encrypted {
            encrypted(pass, session, rest, &mut told);
            Ok(Step::Done(rest.len()))
        } else {
            packet(pass, session, end, shown, rest, &mut told)
        };
        match step? {
            Step::Done(len) => from += len.max(1),
            Step::Ask(need) => {
                if from == 0 {
                    pass.clear();
                }
                return Ok(Took::Ask { from, need });
            }
        }
    }
    Ok(Took::All)
}

enum Step {
    Done(usize),
    Ask(Need),
}

/// Writes who speaks once, and commas afterwards.
struct Told {
    server: bool,
    first: bool,
}

impl Told {
    fn tell(&mut self, pass: &mut Pass<'_>, words: std::fmt::Arguments<'_>) {
        if std::mem::take(&mut self.first) {
            pass.line.info.push_str(if self.server { "Server: " } else { "Client: " });
        } else {
            pass.line.info.push_str(", ");
        }
        pass.add(words);
    }
}

/// Reads the line with which each end begins.
fn version(
    pass: &mut Pass<'_>,
    session: &mut Session,
    end: usize,
    shown: Shown<'_>,
    rest: Part<'_>,
    told: &mut Told,
) -> Result<Step, Short> {
    let bytes = rest.captured();
    let known = b"SSH-";
    let is = bytes.starts_with(known) || (bytes.len() < 4 && known.starts_with(bytes));
    if !is {
        told.tell(pass, format_args!("Encrypted packet (len={})", rest.len()));
        return if rest.is_whole() { Ok(Step::Done(rest.len())) } else { Err(Short::Cut) };
    }
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let Some(line) = line else {
        return match (shown.may_ask, rest.is_whole()) {
            (true, _) => Ok(Step::Ask(Need::Segment)),
            (false, true) => Ok(Step::Done(rest.len())),
            (false, false) => Err(Short::Cut),
        };
    };
    let said = bytes.get(..line).unwrap_or_default();
    let said = said.strip_suffix(b"\r").unwrap_or(said);
    let major = if said.starts_with(b"SSH-2.") { 2 } else { 1 };
    session.ends[end].version = Some(major);
    if !told.server {
        session.name = Some(if major == 2 { "SSHv2" } else { "SSHv1" });
    }
    let mut text = String::new();
    text::push(&mut text, said);
    told.tell(pass, format_args!("Protocol ({text})"));
    note_text(pass, Field::SshProtocol, said);
    Ok(Step::Done(line + 1))
}

/// Reads a packet that is not encrypted.
fn packet(
    pass: &mut Pass<'_>,
    session: &mut Session,
    end: usize,
    shown: Shown<'_>,
    rest: Part<'_>,
    told: &mut Told,
) -> Result<Step, Short> {
    let Ok(len) = rest.u32(0) else {
        return if shown.may_ask { Ok(Step::Ask(Need::Segment)) } else { Err(Short::Cut) };
    };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if len > PACKET_MAX {
        encrypted(pass, session, rest, told);
        return Ok(Step::Done(rest.len()));
    }
    let missing = (4 + len).saturating_sub(rest.len());
    if missing > 0 && shown.may_ask {
        return Ok(Step::Ask(Need::Bytes(missing)));
    }
    let kind = rest.u8(5)?;
    if kind == 20 {
        let names = rest.u32(22).unwrap_or(0);
        let names = usize::try_from(names).unwrap_or(usize::MAX).min(len);
        session.ends[end].offers = rest.slice(26, names).unwrap_or_default().to_vec();
    }
    match (message_name(kind), exchange_name(session.exchange(), kind)) {
        (Some(name), _) | (None, Some(name)) => told.tell(pass, format_args!("{name}")),
        (None, None) => told.tell(pass, format_args!("Unknown ({kind})")),
    }
    session.answered |= kind == 31;
    if kind == 21 {
        session.ends[end].encrypted = true;
    }
    rest.slice(0, 4 + len)?;
    Ok(Step::Done(4 + len))
}

/// Tells of what can't be read. Wireshark 4.0 says nothing where it thinks that it could, had it
/// the keys.
fn encrypted(pass: &mut Pass<'_>, session: &Session, rest: Part<'_>, told: &mut Told) {
    let readable = matches!(session.exchange(), Exchange::Elliptic | Exchange::Group);
    if pass.words == Words::Modern && readable && session.answered {
        if told.first {
            told.tell(pass, format_args!(""));
        }
        return;
    }
    let len = rest.len();
    // A length that can't be one is encrypted itself; otherwise it is not counted.
    told.tell(pass, format_args!("Encrypted packet (len={len})"));
}

impl Session {
    /// Returns how keys are exchanged: the first offer of the client that the server makes too.
    fn exchange(&self) -> Exchange {
        let [first, second] = &self.ends;
        let theirs: Vec<&[u8]> = second.offers.split(|byte| *byte == b',').collect();
        let chosen = first.offers.split(|byte| *byte == b',').find(|name| theirs.contains(name));
        match chosen {
            Some([]) => Exchange::Unknown,
            Some(name) if name.starts_with(b"diffie-hellman-group-exchange") => {
                Exchange::Negotiated
            }
            Some(name) if name.starts_with(b"diffie-hellman-group") => Exchange::Group,
            Some(name) if name.starts_with(b"curve25519") || name.starts_with(b"ecdh-sha2") => {
                Exchange::Elliptic
            }
            Some(_) | None => Exchange::Unknown,
        }
    }
}

fn message_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "Disconnect",
        2 => "Ignore",
        3 => "Unimplemented",
        4 => "Debug",
        5 => "Service Request",
        6 => "Service Accept",
        20 => "Key Exchange Init",
        21 => "New Keys",
        50 => "User Authentication Request",
        51 => "User Authentication Failure",
        52 => "User Authentication Success",
        53 => "User Authentication Banner",
        80 => "Global Request",
        81 => "Request Success",
        82 => "Request Failure",
        90 => "Channel Open",
        91 => "Channel Open Confirmation",
        92 => "Channel Open Failure",
        93 => "Window Adjust",
        94 => "Channel Data",
        95 => "Channel Extended Data",
        96 => "Channel EOF",
        97 => "Channel Close",
        98 => "Channel Request",
        99 => "Channel Success",
        100 => "Channel Failure",
        _ => return None,
    })
}

fn exchange_name(exchange: Exchange, kind: u8) -> Option<&'static str> {
    Some(match (exchange, kind) {
        (Exchange::Elliptic, 30) => "Elliptic Curve Diffie-Hellman Key Exchange Init",
        (Exchange::Elliptic, 31) => "Elliptic Curve Diffie-Hellman Key Exchange Reply",
        (Exchange::Group | Exchange::Unknown, 30) => "Diffie-Hellman Key Exchange Init",
        (Exchange::Group | Exchange::Unknown, 31) => "Diffie-Hellman Key Exchange Reply",
        (Exchange::Negotiated, 31) => "Diffie-Hellman Group Exchange Group",
        (Exchange::Negotiated, 32) => "Diffie-Hellman Group Exchange Init",
        (Exchange::Negotiated, 33) => "Diffie-Hellman Group Exchange Reply",
        (Exchange::Negotiated, 34) => "Diffie-Hellman Group Exchange Request",
        (_, _) => return None,
    })
}
