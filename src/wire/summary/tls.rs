//! TLS: records, and the handshake messages that are not encrypted.
//!
//! # Source
//! RFC 5246 and RFC 8446 for the records; tshark 4.0 for the words, and the seed for the classic
//! layout, which calls all of it SSL and does not wait for a record's rest.

use super::part::{Part, Short};
use super::tcp::{Need, Shown, Took};
use super::{Field, Pass, Words};

mod names;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;
/// Longest record, in bytes.
const RECORD_MAX: usize = (1 << 14) + 2048;
/// Longest handshake message that is put together.
const MESSAGE_MAX: usize = 1 << 18;
/// The random number by which a server asks for another hello.
///
/// # Source
/// RFC 8446, 4.1.3.
const RETRY: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];

/// What was agreed on in a conversation.
#[derive(Debug, Default)]
pub(super) struct Session {
    version: Option<u16>,
    /// Whether there was a record.
    seen: bool,
    ends: [End; 2],
}

#[derive(Debug, Default)]
struct End {
    /// Whether what it says now is encrypted.
    encrypted: bool,
    /// The beginning of a handshake message that goes on in the next record.
    partial: Vec<u8>,
}

/// Returns whether a conversation may begin with these bytes.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    match bytes {
        [20..=24, 3, 0..=4, a, b, ..] => {
            let len = usize::from(*a) << 8 | usize::from(*b);
            (1..=RECORD_MAX).contains(&len)
        }
        _ => false,
    }
}

/// Reads records.
pub(super) fn records(
    pass: &mut Pass<'_>,
    session: &mut Session,
    shown: Shown<'_>,
) -> Result<Took, Short> {
    let data = shown.data;
    let classic = pass.words == Words::Classic;
    let head = data.captured();
    match (session.version, head) {
        (None, [20..=24, ..]) | (Some(_), [_, 3, 0..=3, ..] | [_] | [_, 3]) => {}
        (None, [0x80..=0xff, _, 1, 0 | 3, 0..=4, ..]) => {
            start(pass, "SSLv2");
            pass.line.info.push_str("Client Hello");
            return Ok(Took::All);
        }
        // What goes on with a record that was not waited for.
        (_, _) if classic && session.seen => {
            start(pass, "SSL");
            pass.line.info.push_str("Continuation Data");
            return Ok(Took::All);
        }
        (_, _) => return Ok(Took::Nothing),
    }
    start(pass, label(session.version, classic));
    session.seen = true;
    let mut from = 0;
    while from < data.len() {
        let rest = data.from(from)?;
        if rest.len() < 5 {
            if shown.may_ask && !classic {
                return Ok(Took::Ask { from, need: Need::Segment });
            }
            return Ok(Took::All);
        }
        let (kind, version) = (rest.u8(0)?, rest.u16(1)?);
        let len = usize::from(rest.u16(3)?);
        if !(0x0300..=0x0303).contains(&version) {
            return Ok(unknown(pass, session, from));
        }
        let missing = (5 + len).saturating_sub(rest.len());
        if missing > 0 && classic {
            pass.line.info.push_str("Continuation Data");
            return Ok(Took::All);
        }
        if missing > 0 && shown.may_ask {
            return Ok(Took::Ask { from, need: Need::Bytes(missing) });
        }
        let content = rest.from(5)?.first(len);
        record(pass, session, shown.end, (kind, version), content)?;
        from += 5 + len;
    }
    Ok(Took::All)
}

/// What stands where a record should begin.
fn unknown(pass: &mut Pass<'_>, session: &Session, from: usize) -> Took {
    if session.version.is_none() || from > 0 {
        if session.version.is_none() {
            pass.name("SSL");
        }
        tell(pass, "Continuation Data");
    }
    Took::All
}

fn start(pass: &mut Pass<'_>, name: &'static str) {
    pass.name(name);
    pass.facts.layer("tls");
    pass.clear();
}

/// Adds to the line, with a comma before it if it is not the first.
fn tell(pass: &mut Pass<'_>, words: &str) {
    if !pass.line.info.is_empty() {
        pass.line.info.push_str(", ");
    }
    pass.line.info.push_str(words);
}

fn label(version: Option<u16>, classic: bool) -> &'static str {
    match version {
        _ if classic => "SSL",
        Some(0x0300) => "SSLv3",
        Some(0x0301) => "TLSv1",
        Some(0x0302) => "TLSv1.1",
        Some(TLS_1_2) => "TLSv1.2",
        Some(TLS_1_3) => "TLSv1.3",
        Some(_) | None => "SSL",
    }
}

fn record(
    pass: &mut Pass<'_>,
    session: &mut Session,
    end: usize,
    (kind, version): (u8, u16),
    content: Part<'_>,
) -> Result<(), Short> {
    pass.facts.number(Field::TlsContent, u64::from(kind));
    if kind == HANDSHAKE && content.len() == 0 {
        return Err(Short::Beyond);
    }
    let classic = pass.words == Words::Classic;
    // A client's first hello does not say which version it will be.
    let hello = kind == HANDSHAKE && content.captured().first() == Some(&CLIENT_HELLO);
    let answer = kind == HANDSHAKE && content.captured().first() == Some(&SERVER_HELLO);
    if !hello && !answer && (20..=24).contains(&kind) {
        session.version.get_or_insert(version);
    }
    pass.name(label(session.version.or(Some(version)), classic));
    let all = content.slice(0, content.len());
    let encrypted = session.ends[end & 1].encrypted;
    match kind {
        20 => {
            all?;
            tell(pass, "Change Cipher Spec");
            // With TLS 1.3 it only looks as if.
            if session.version != Some(TLS_1_3) {
                session.ends[end & 1].encrypted = true;
            }
        }
        21 => match all? {
            [level, description] if !encrypted => {
                let (level, description) = (names::alert_level(*level), names::alert(*description));
                tell(pass, &format!("Alert (Level: {level}, Description: {description})"));
            }
            _ => tell(pass, "Encrypted Alert"),
        },
        HANDSHAKE if encrypted => {
            all?;
            tell(pass, "Encrypted Handshake Message");
        }
        HANDSHAKE => return handshake(pass, session, end, version, all?),
        23 => {
            all?;
            tell(pass, "Application Data");
        }
        24 => match all? {
            [1, ..] if !encrypted => tell(pass, "Heartbeat Request"),
            [2, ..] if !encrypted => tell(pass, "Heartbeat Response"),
            _ => tell(pass, "Encrypted Heartbeat"),
        },
        25 => {}
        _ => tell(pass, "Ignored Unknown Record"),
    }
    Ok(())
}

/// Reads the messages of a handshake record.
fn handshake(
    pass: &mut Pass<'_>,
    session: &mut Session,
    end: usize,
    version: u16,
    content: &[u8],
) -> Result<(), Short> {
    let mut bytes = std::mem::take(&mut session.ends[end & 1].partial);
    bytes.extend_from_slice(content);
    let mut rest = bytes.as_slice();
    if rest.is_empty() {
        return Err(Short::Beyond);
    }
    while let [kind, tail @ ..] = rest {
        let name = names::handshake(*kind);
        let [a, b, c, body @ ..] = tail else {
            session.ends[end & 1].partial = rest.to_vec();
            tell(pass, &format!("[{name} Fragment]"));
            return Ok(());
        };
        let len = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let Some(body) = body.get(..len) else {
            if len <= MESSAGE_MAX {
                session.ends[end & 1].partial = rest.to_vec();
            }
            tell(pass, &format!("[{name} Fragment]"));
            return Ok(());
        };
        pass.facts.number(Field::TlsHandshake, u64::from(*kind));
        rest = rest.get(4 + len..).unwrap_or_default();
        match *kind {
            SERVER_HELLO => {
                let hello = Hello::parse(pass, body, false);
                if let Ok(hello) = &hello {
                    session.version = Some(hello.version);
                    let classic = pass.words == Words::Classic;
                    pass.name(label(session.version, classic));
                } else {
                    session.version.get_or_insert(version);
                }
                let retry = body.get(2..10) == Some(&RETRY[..]);
                tell(pass, if retry { "Hello Retry Request" } else { name });
                hello?;
            }
            CLIENT_HELLO => {
                tell(pass, name);
                Hello::parse(pass, body, true)?;
            }
            _ => {
                tell(pass, name);
                if body.is_empty() && matches!(*kind, 4 | 6 | 15 | 21 | 22 | 24 | 25 | 67) {
                    return Err(Short::Beyond);
                }
            }
        }
    }
    Ok(())
}

/// What a hello says that others depend on.
struct Hello {
    version: u16,
}

impl Hello {
    fn parse(pass: &mut Pass<'_>, body: &[u8], client: bool) -> Result<Hello, Short> {
        let body = Part::new(body, body.len());
        let mut version = body.u16(0)?;
        body.slice(2, 32)?;
        let mut at = 35 + usize::from(body.u8(34)?);
        if client {
            at += 2 + usize::from(body.u16(at)?);
            at += 1 + usize::from(body.u8(at)?);
        } else {
            body.slice(at, 3)?;
            at += 3;
        }
        if at >= body.len() {
            return body.from(at).map(|_| Hello { version });
        }
        let end = at + 2 + usize::from(body.u16(at)?);
        at += 2;
        while at + 4 <= end {
            let (kind, len) = (body.u16(at)?, usize::from(body.u16(at + 2)?));
            let value = body.slice(at + 4, len)?;
            match (kind, client, value) {
                (43, false, [a, b]) => version = u16::from_be_bytes([*a, *b]),
                (0, true, [_, _, 0, _, _, name @ ..]) if pass.facts.is_on() => {
                    pass.facts.text(Field::TlsServerName, &String::from_utf8_lossy(name));
                }
                (_, _, _) => {}
            }
            at += 4 + len;
        }
        Ok(Hello { version })
    }
}
