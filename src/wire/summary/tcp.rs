//! TCP: flags, relative numbers, options, and what is odd about a segment.
//!
//! # Source
//! RFC 9293 and RFC 7323 for the segments; tshark 4.0 for the words, and for the classic layout the
//! seed: names of ports, flags without blanks, the window only beside an acknowledgment.

use std::fmt;

use super::ip::Route;
use super::part::{Part, Short};
use super::{Field, Pass, Read, Words};
use crate::wire::service;

mod analysis;
mod options;
mod payload;
mod stream;

pub(super) use payload::{Need, Shown, Took, note as note_text};
pub(super) use stream::{Key, Streams};

use self::analysis::{Notes, Seen};
use self::options::Options;
use self::stream::Stream;

const FIN: u16 = 0x001;
const SYN: u16 = 0x002;
const RST: u16 = 0x004;
const ACK: u16 = 0x010;
const URG: u16 = 0x020;

/// Names of the flags, the lowest bit first.
const FLAGS: [&str; 9] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];

/// A segment's header.
#[derive(Clone, Copy, Debug)]
struct Header {
    src: u16,
    dst: u16,
    seq: u32,
    ack: u32,
    flags: u16,
    window: u16,
    /// Bytes of the header, options included.
    len: usize,
}

impl Header {
    const fn has(self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// Reads a TCP segment.
pub(super) fn segment(pass: &mut Pass<'_>, route: Route, segment: Part<'_>) -> Read {
    pass.name("TCP");
    pass.facts.layer("tcp");
    pass.clear();
    let (src, dst) = (segment.u16(0)?, segment.u16(2)?);
    pass.facts.number(Field::TcpSrc, u64::from(src));
    pass.facts.number(Field::TcpDst, u64::from(dst));
    if pass.words == Words::Classic {
        pass.add(format_args!("{} > {}", Port(src), Port(dst)));
    } else {
        pass.add(format_args!("{src} → {dst}"));
    }
    let (seq, ack, word) = (segment.u32(4)?, segment.u32(8)?, segment.u16(12)?);
    let (flags, window) = (word & 0xfff, segment.u16(14)?);
    let header = Header { src, dst, seq, ack, flags, window, len: usize::from(word >> 12) * 4 };
    let words = pass.words;
    pass.add(format_args!(" [{}]", Flags(flags, words)));
    if header.len < 20 {
        let (len, window) = (header.len, header.window);
        let seq = u32::from(!header.has(SYN));
        pass.add(format_args!(" Seq={seq} Win={window}"));
        pass.add(format_args!(", bogus TCP header length ({len}, must be at least 20)"));
        return Ok(());
    }
    let len = segment.len().saturating_sub(header.len);
    let key = stream::key(route, src, dst);
    let at = pass.line.at;
    let mut stream = pass.state.streams.take(key, header, at);
    let options = Options::parse(segment, header.len);
    let seen = Seen { header, at, frame: pass.line.number, len };
    let notes = stream.look(&seen, &options);
    let read = tell(pass, &mut stream, &seen, &notes, &options, segment).and_then(|()| {
        let payload = segment.from(header.len)?;
        if header.has(RST) {
            Ok(())
        } else {
            payload::read(pass, &mut stream, &seen, &notes, payload)
        }
    });
    pass.state.streams.put(stream);
    read
}

/// Writes what the header says.
fn tell(
    pass: &mut Pass<'_>,
    stream: &mut Stream,
    seen: &Seen,
    notes: &Notes,
    options: &Options,
    segment: Part<'_>,
) -> Read {
    let header = seen.header;
    let (seq, ack) = stream.relative(header);
    let window = stream.window(header);
    let classic = pass.words == Words::Classic;
    pass.add(format_args!(" Seq={seq}"));
    if header.has(ACK) {
        pass.add(format_args!(" Ack={ack}"));
    }
    if !classic || header.has(ACK) {
        pass.add(format_args!(" Win={window}"));
    }
    note(pass, stream, seen, notes, (seq, ack, window));
    segment.u16(16)?;
    if header.has(URG) {
        pass.add(format_args!(" Urg={}", segment.u16(18)?));
    }
    if segment.len() < header.len {
        return Err(Short::Beyond);
    }
    pass.add(format_args!(" Len={}", seen.len));
    options.tell(pass, stream.base_of_peer(header));
    if options.cut {
        return Err(Short::Cut);
    }
    let prefix = notes.prefix();
    pass.line.info.insert_str(0, &prefix);
    // What stands before the rest stays there, whatever the segment carries.
    pass.fence = prefix.len();
    Ok(())
}

fn note(
    pass: &mut Pass<'_>,
    stream: &Stream,
    seen: &Seen,
    notes: &Notes,
    (seq, ack, window): (u32, u32, u32),
) {
    let facts = &mut *pass.facts;
    if !facts.is_on() {
        return;
    }
    let header = seen.header;
    facts.number(Field::TcpStream, u64::from(stream.number));
    facts.number(Field::TcpLen, seen.len as u64);
    facts.number(Field::TcpSeq, u64::from(seq));
    facts.number(Field::TcpAck, u64::from(ack));
    facts.number(Field::TcpFlags, u64::from(header.flags));
    let flags = [
        (Field::TcpFlagCwr, 0x80),
        (Field::TcpFlagEce, 0x40),
        (Field::TcpFlagUrg, URG),
        (Field::TcpFlagAck, ACK),
        (Field::TcpFlagPush, 0x08),
        (Field::TcpFlagReset, RST),
        (Field::TcpFlagSyn, SYN),
        (Field::TcpFlagFin, FIN),
    ];
    for (field, flag) in flags {
        facts.flag(field, header.has(flag));
    }
    facts.number(Field::TcpWindowValue, u64::from(header.window));
    facts.number(Field::TcpWindow, u64::from(window));
    notes.tell(facts);
}

/// A port as the classic layout shows it.
struct Port(u16);

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match service::name(self.0, false) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The flags that are set, by name.
struct Flags(u16, Words);

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut name = |name: &str| {
            let gap = match (std::mem::take(&mut first), self.1) {
                (true, _) => "",
                (false, Words::Classic) => ",",
                (false, Words::Numbered | Words::Modern) => ", ",
            };
            write!(f, "{gap}{name}")
        };
        for (bit, flag) in FLAGS.iter().enumerate() {
            if self.0 >> bit & 1 != 0 {
                name(flag)?;
            }
        }
        if self.0 & 0xe00 != 0 {
            name("Reserved")?;
        }
        if self.0 == 0 {
            name("<None>")?;
        }
        Ok(())
    }
}
