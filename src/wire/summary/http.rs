//! HTTP: request and status lines, and where a message ends.
//!
//! # Source
//! RFC 9110 and RFC 9112 for the messages; tshark 4.0 for the words.

use super::part::{Part, Short};
use super::tcp::{Need, Shown, Took, note_text};
use super::{Field, Pass, text};

/// Most bytes of a header that are looked at.
const HEADER_MAX: usize = 64 * 1024;
/// Methods of requests.
const METHODS: [&[u8]; 34] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"CONNECT",
    b"PATCH",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"POLL",
    b"BCOPY",
    b"BMOVE",
    b"SEARCH",
    b"BDELETE",
    b"BPROPFIND",
    b"BPROPPATCH",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"M-SEARCH",
    b"REPORT",
    b"CHECKOUT",
    b"CHECKIN",
    b"UNCHECKOUT",
    b"MERGE",
    b"MKACTIVITY",
    b"VERSION-CONTROL",
];

/// What is known of a conversation.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Whether there was a request or an answer.
    seen: bool,
    /// What the last request was, as far as its answer depends on it.
    asked: Asked,
    /// The port behind the proxy, when an answer has opened the way to it.
    tunnel: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Content,
    Head,
    Connect(u16),
}

impl Session {
    /// Returns the port that a proxy passes on to from now on, once.
    pub(super) fn take_tunnel(&mut self) -> Option<u16> {
        self.tunnel.take()
    }
}

/// Returns whether a conversation may begin with these bytes.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    line_end(bytes)
        .is_some_and(|(line, _)| kind_of(bytes.get(..line).unwrap_or_default()).is_some())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Request,
    Answer,
}

/// Whether a line is the first of a message.
fn kind_of(line: &[u8]) -> Option<Kind> {
    if line.starts_with(b"HTTP/") {
        return Some(Kind::Answer);
    }
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let method = line.get(..end)?;
    METHODS.contains(&method).then_some(Kind::Request)
}

/// Returns where the first line ends, and where the next one begins.
fn line_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let both = bytes.get(end..end + 2) == Some(b"\r\n");
    Some((end, end + if both { 2 } else { 1 }))
}

/// Reads messages.
pub(super) fn messages(
    pass: &mut Pass<'_>,
    session: &mut Session,
    shown: Shown<'_>,
) -> Result<Took, Short> {
    let mut from = 0;
    while from < shown.data.len() {
        let rest = shown.data.from(from)?;
        match message(pass, session, shown, rest, from == 0)? {
            Step::Done(len) => from += len.max(1),
            Step::Ask(need) => return Ok(Took::Ask { from, need }),
            Step::Nothing if from == 0 => return Ok(Took::Nothing),
            Step::Nothing => break,
        }
    }
    Ok(Took::All)
}

enum Step {
    Done(usize),
    Ask(Need),
    Nothing,
}

/// Reads one message at the start of `rest`.
fn message(
    pass: &mut Pass<'_>,
    session: &mut Session,
    shown: Shown<'_>,
    rest: Part<'_>,
    first: bool,
) -> Result<Step, Short> {
    let all = rest.captured();
    let blank = all.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = all.get(blank..).unwrap_or_default();
    let readable = bytes.first().is_none_or(u8::is_ascii_graphic);
    let line = line_end(bytes).filter(|_| readable);
    let kind = line.and_then(|(end, _)| kind_of(bytes.get(..end).unwrap_or_default()));
    let (Some((end, next)), Some(kind)) = (line, kind) else {
        if line.is_none() && readable {
            if shown.may_ask {
                return Ok(Step::Ask(Need::Segment));
            }
            if !rest.is_whole() {
                if session.seen {
                    begin(pass, first);
                    pass.line.info.push_str("Continuation");
                }
                session.seen = true;
                return Err(Short::Cut);
            }
        }
        if !session.seen {
            return Ok(Step::Nothing);
        }
        begin(pass, first);
        pass.line.info.push_str("Continuation");
        return if rest.is_whole() || line.is_some() {
            Ok(Step::Done(rest.len()))
        } else {
            Err(Short::Cut)
        };
    };
    session.seen = true;
    begin(pass, first);
    let line = bytes.get(..end).unwrap_or_default();
    text::push(&mut pass.line.info, line);
    pass.line.info.push(' ');
    let header = bytes.get(next..).unwrap_or_default();
    let Some(header_len) = header_end(header) else {
        if header.len() > HEADER_MAX || !shown.may_ask {
            tell_start(pass, session, kind, line);
            return if rest.is_whole() { Ok(Step::Done(rest.len())) } else { Err(Short::Cut) };
        }
        return Ok(Step::Ask(Need::Segment));
    };
    let header = Header::parse(pass, header.get(..header_len).unwrap_or_default());
    let code = tell_start(pass, session, kind, line);
    let start = blank + next + header_len;
    body(pass, session, shown, rest, (start, kind, code), &header)
}

/// Starts the line's text, or goes on with it.
fn begin(pass: &mut Pass<'_>, first: bool) {
    pass.name("HTTP");
    if first {
        pass.facts.layer("http");
        pass.clear();
    }
}

/// Returns how long the header is, its blank line included.
fn header_end(header: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < header.len().min(HEADER_MAX) {
        let (end, next) = line_end(header.get(at..)?)?;
        // A carriage return at the very end may be the first half of a line's end.
        if next == end + 1 && header.get(at + end) == Some(&b'\r') && at + next == header.len() {
            return None;
        }
        at += next;
        if end == 0 {
            return Some(at);
        }
    }
    None
}

/// What a header says about the body.
#[derive(Debug, Default)]
struct Header {
    length: Option<usize>,
    chunked: bool,
    content: Option<String>,
}

impl Header {
    fn parse(pass: &mut Pass<'_>, bytes: &[u8]) -> Header {
        let mut header = Header::default();
        for line in bytes.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
            let is = |what: &[u8]| name.eq_ignore_ascii_case(what);
            if is(b"content-length") {
                header.length = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
            } else if is(b"transfer-encoding") {
                header.chunked = value.to_ascii_lowercase().ends_with(b"chunked");
            } else if is(b"content-type") {
                let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
                let mut text = String::new();
                text::push(&mut text, &kind.trim_ascii().to_ascii_lowercase());
                header.content = Some(text);
            } else if is(b"host") {
                note_text(pass, Field::HttpHost, value);
            }
        }
        header
    }
}

/// Notes what the first line says; returns an answer's code.
fn tell_start(pass: &mut Pass<'_>, session: &mut Session, kind: Kind, line: &[u8]) -> u16 {
    let mut words = line.split(|byte| *byte == b' ');
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match kind {
        Kind::Request => {
            pass.facts.flag(Field::HttpRequest, true);
            note_text(pass, Field::HttpMethod, first);
            note_text(pass, Field::HttpUri, second);
            session.asked = match first {
                b"HEAD" => Asked::Head,
                b"CONNECT" => {
                    let port = second.rsplit(|byte| *byte == b':').next().unwrap_or_default();
                    let port = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok());
                    Asked::Connect(port.unwrap_or(443))
                }
                _ => Asked::Content,
            };
            0
        }
        Kind::Answer => {
            let code = std::str::from_utf8(second).ok().and_then(|code| code.parse().ok());
            let code = code.unwrap_or(0);
            pass.facts.flag(Field::HttpResponse, true);
            pass.facts.number(Field::HttpCode, u64::from(code));
            code
        }
    }
}

/// Finds the body's end, and tells what it is.
fn body(
    pass: &mut Pass<'_>,
    session: &mut Session,
    shown: Shown<'_>,
    rest: Part<'_>,
    (start, kind, code): (usize, Kind, u16),
    header: &Header,
) -> Result<Step, Short> {
    let there = rest.len() - start;
    let empty = match (kind, session.asked) {
        (Kind::Request, _) => header.length.is_none() && !header.chunked,
        (Kind::Answer, Asked::Head) => true,
        (Kind::Answer, Asked::Connect(port)) if (200..300).contains(&code) => {
            session.tunnel = Some(port);
            session.asked = Asked::Content;
            true
        }
        (Kind::Answer, Asked::Content | Asked::Connect(_)) => {
            matches!(code, 100..200 | 204 | 304)
        }
    };
    if kind == Kind::Answer && code >= 200 {
        session.asked = Asked::Content;
    }
    let len = if empty {
        0
    } else if header.chunked {
        match chunks(rest.from(start)?) {
            Chunks::Whole(len) => len,
            Chunks::More if shown.may_ask => return Ok(Step::Ask(Need::Segment)),
            Chunks::More => there,
            Chunks::Wrong => {
                return Ok(Step::Done(rest.len()));
            }
        }
    } else {
        match header.length {
            Some(len) if len > there && shown.may_ask => {
                return Ok(Step::Ask(Need::Bytes(len - there)));
            }
            Some(len) => len.min(there),
            None if shown.may_ask => return Ok(Step::Ask(Need::UntilFin)),
            None => there,
        }
    };
    let content = rest.from(start)?.first(len);
    if len > 0 {
        tell_content(pass, header);
    }
    if content.is_whole() { Ok(Step::Done(start + len)) } else { Err(Short::Cut) }
}

/// Names what a body is.
fn tell_content(pass: &mut Pass<'_>, header: &Header) {
    let Some(kind) = header.content.as_deref() else { return };
    if kind == "application/json" || kind.ends_with("+json") {
        pass.name("HTTP/JSON");
        pass.add(format_args!(", JavaScript Object Notation ({kind})"));
    } else if matches!(kind, "text/xml" | "application/xml") || kind.ends_with("+xml") {
        pass.name("HTTP/XML");
    } else if kind != "application/octet-stream" && !kind.starts_with("multipart/") {
        pass.add(format_args!(" ({kind})"));
    }
}

/// What chunks came to.
enum Chunks {
    Whole(usize),
    More,
    Wrong,
}

/// Looks for the last chunk.
fn chunks(body: Part<'_>) -> Chunks {
    let mut at = 0;
    loop {
        let bytes = body.captured().get(at..).unwrap_or_default();
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Chunks::More };
        let line = bytes.get(..end).unwrap_or_default().trim_ascii();
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(digits).ok();
        let Some(size) = size.and_then(|size| usize::from_str_radix(size, 16).ok()) else {
            return Chunks::Wrong;
        };
        at += end + 1;
        if size == 0 {
            let bytes = body.captured().get(at..).unwrap_or_default();
            return match header_end(bytes) {
                Some(len) => Chunks::Whole(at + len),
                None => Chunks::More,
            };
        }
        at = at.saturating_add(size).saturating_add(2);
        if at > body.len() {
            return Chunks::More;
        }
    }
}
