//! Reading capture files, however few bytes come at a time.

use std::ops::Range;

use super::{BLOCK_MAX, FRAME_MAX, FileError, FileFault, Frame, INTERFACES_MAX, LinkType, Stamp};

const NG_SECTION: u32 = 0x0a0d_0d0a;
const NG_ORDER: u32 = 0x1a2b_3c4d;
const NG_INTERFACE: u32 = 1;
const NG_OBSOLETE_PACKET: u32 = 2;
const NG_SIMPLE_PACKET: u32 = 3;
const NG_PACKET: u32 = 6;
const NG_SECRETS: u32 = 10;
const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;
const PCAP_MICRO: u32 = 0xa1b2_c3d4;
const PCAP_NANO: u32 = 0xa1b2_3c4d;

/// What a file says next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    Frame(Frame<'a>),
    /// A decryption secrets block: its type, 0x544c_534b for a TLS key log, and its bytes.
    Secrets(u32, &'a [u8]),
}

/// Reads one file. Bytes go in by [`Reader::feed`], frames come out of [`Reader::next`].
#[derive(Debug, Default)]
pub struct Reader {
    kind: Kind,
    buffer: Vec<u8>,
    /// How much of `buffer` was read.
    at: usize,
    /// Where in the file `buffer` begins.
    base: u64,
}

/// What the file's first bytes said.
#[derive(Debug, Default)]
enum Kind {
    #[default]
    Unknown,
    Pcap {
        big: bool,
        nano: bool,
        link: LinkType,
    },
    Section {
        big: bool,
        interfaces: Vec<Interface>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    snaplen: u32,
    resolution: u8,
    offset_s: i64,
}

/// An item with its bytes as a place in the buffer.
enum Found {
    Frame {
        at: Stamp,
        digits: u8,
        link: LinkType,
        wire_len: u32,
        bytes: Range<usize>,
    },
    Secrets(u32, Range<usize>),
    /// Something that holds no frame.
    Other,
}

impl Reader {
    /// Makes a reader that has seen nothing yet.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// Gives it the file's next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next frame or secret; `None` when that needs more bytes. After an error there
    /// is nothing more to come.
    ///
    /// # Errors
    /// [`FileError`] with the place in the file.
    #[expect(clippy::should_implement_trait, reason = "it lends what it returns")]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, FileError> {
        loop {
            let offset = self.base + self.at as u64;
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let (taken, found) = match self.kind.step(rest) {
                Ok(Some(step)) => step,
                Ok(None) => return Ok(None),
                Err(why) => return Err(FileError { offset, why }),
            };
            let start = self.at;
            self.at += taken;
            let slice = |range: Range<usize>| {
                self.buffer.get(start + range.start..start + range.end).unwrap_or_default()
            };
            match found {
                Found::Other => {}
                Found::Secrets(kind, range) => return Ok(Some(Item::Secrets(kind, slice(range)))),
                Found::Frame { at, digits, link, wire_len, bytes } => {
                    let bytes = slice(bytes);
                    return Ok(Some(Item::Frame(Frame { at, digits, link, wire_len, bytes })));
                }
            }
        }
    }

    /// Says that the file ends here.
    ///
    /// # Errors
    /// [`FileFault::Truncated`] if it may not, [`FileFault::NotCapture`] if it never began.
    pub fn end(&self) -> Result<(), FileError> {
        let offset = self.base + self.buffer.len() as u64;
        match self.kind {
            Kind::Unknown => Err(FileError { offset, why: FileFault::NotCapture }),
            Kind::Pcap { .. } | Kind::Section { .. } if self.at == self.buffer.len() => Ok(()),
            Kind::Pcap { .. } | Kind::Section { .. } => {
                Err(FileError { offset, why: FileFault::Truncated })
            }
        }
    }
}

type Step = Result<Option<(usize, Found)>, FileFault>;

impl Kind {
    /// Reads one header, record or block at the start of `rest`; `None` needs more bytes.
    fn step(&mut self, rest: &[u8]) -> Step {
        match self {
            Kind::Unknown => self.begin(rest),
            Kind::Pcap { big, nano, link } => record(rest, *big, *nano, *link),
            Kind::Section { big, interfaces } => {
                if rest.first_chunk().is_some_and(|b| u32::from_be_bytes(*b) == NG_SECTION) {
                    return self.section(rest);
                }
                block(rest, *big, interfaces)
            }
        }
    }

    fn begin(&mut self, rest: &[u8]) -> Step {
        let Some(magic) = rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)) else {
            return Ok(None);
        };
        if magic == NG_SECTION {
            return self.section(rest);
        }
        let (big, nano) = match (magic, magic.swap_bytes()) {
            (PCAP_MICRO, _) => (true, false),
            (PCAP_NANO, _) => (true, true),
            (_, PCAP_MICRO) => (false, false),
            (_, PCAP_NANO) => (false, true),
            (_, _) => return Err(FileFault::NotCapture),
        };
        if rest.len() < 24 {
            return Ok(None);
        }
        let (major, minor) = (u16_at(rest, 4, big), u16_at(rest, 6, big));
        if major != 2 {
            return Err(FileFault::Version { major, minor });
        }
        // The upper bits tell how long the frame check sequences are.
        let link = LinkType(u32_at(rest, 20, big) & 0x03ff_ffff);
        *self = Kind::Pcap { big, nano, link };
        Ok(Some((24, Found::Other)))
    }

    fn section(&mut self, rest: &[u8]) -> Step {
        if rest.len() < 16 {
            return Ok(None);
        }
        let big = match (u32_at(rest, 8, true), u32_at(rest, 8, false)) {
            (NG_ORDER, _) => true,
            (_, NG_ORDER) => false,
            (_, _) => return Err(FileFault::NotCapture),
        };
        let (major, minor) = (u16_at(rest, 12, big), u16_at(rest, 14, big));
        if major != 1 {
            return Err(FileFault::Version { major, minor });
        }
        let Some(len) = block_len(rest, big, 28)? else { return Ok(None) };
        *self = Kind::Section { big, interfaces: Vec::new() };
        Ok(Some((len, Found::Other)))
    }
}

/// Reads one record of a pcap file.
fn record(rest: &[u8], big: bool, nano: bool, link: LinkType) -> Step {
    if rest.len() < 16 {
        return Ok(None);
    }
    let word = |at| u32_at(rest, at, big);
    let len = size(word(8)).ok_or(FileFault::FrameTooLong { len: word(8) })?;
    if rest.len() < 16 + len {
        return Ok(None);
    }
    let (scale, digits) = if nano { (1, 9) } else { (1000, 6) };
    let at = u64::from(word(0)) * 1_000_000_000 + u64::from(word(4)) * scale;
    let bytes = 16..16 + len;
    Ok(Some((
        16 + len,
        Found::Frame { at: Stamp::from_ns(at), digits, link, wire_len: word(12), bytes },
    )))
}

/// Reads one block of a pcapng file that is not a section header.
fn block(rest: &[u8], big: bool, interfaces: &mut Vec<Interface>) -> Step {
    if rest.len() < 8 {
        return Ok(None);
    }
    let kind = u32_at(rest, 0, big);
    let least = match kind {
        NG_INTERFACE => 20,
        NG_OBSOLETE_PACKET | NG_PACKET => 32,
        NG_SIMPLE_PACKET => 16,
        NG_SECRETS => 20,
        _ => 12,
    };
    let Some(len) = block_len(rest, big, least)? else { return Ok(None) };
    // What stands between the block's head and the length that ends it.
    let body = rest.get(..len - 4).unwrap_or_default();
    let word = |at| u32_at(body, at, big);
    let found = match kind {
        NG_INTERFACE => {
            if interfaces.len() == INTERFACES_MAX {
                return Err(FileFault::TooManyInterfaces);
            }
            interfaces.push(Interface::parse(body, big));
            Found::Other
        }
        NG_PACKET => packet(body, big, interfaces, word(8))?,
        NG_OBSOLETE_PACKET => packet(body, big, interfaces, u32::from(u16_at(body, 8, big)))?,
        NG_SIMPLE_PACKET => {
            let interface = interfaces.first().ok_or(FileFault::NoInterface { id: 0 })?;
            let wire_len = word(8);
            let cut = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
            let len = size(wire_len.min(cut)).unwrap_or(FRAME_MAX).min(body.len() - 12);
            let (at, link) = (Stamp::default(), interface.link);
            Found::Frame { at, digits: interface.digits(), link, wire_len, bytes: 12..12 + len }
        }
        NG_SECRETS => {
            let len = usize::try_from(word(12)).unwrap_or(usize::MAX);
            let len = Some(len).filter(|len| *len <= body.len() - 16);
            Found::Secrets(word(8), 16..16 + len.ok_or(FileFault::BlockLength { len: word(12) })?)
        }
        _ => Found::Other,
    };
    Ok(Some((len, found)))
}

/// Reads an enhanced packet block, or the obsolete one, which differs in its first word only.
fn packet(body: &[u8], big: bool, interfaces: &[Interface], id: u32) -> Result<Found, FileFault> {
    let interface = usize::try_from(id).ok().and_then(|id| interfaces.get(id));
    let interface = interface.ok_or(FileFault::NoInterface { id })?;
    let word = |at| u32_at(body, at, big);
    let len = size(word(20)).ok_or(FileFault::FrameTooLong { len: word(20) })?;
    if len > body.len() - 28 {
        return Err(FileFault::BlockLength { len: word(4) });
    }
    let ticks = u64::from(word(12)) << 32 | u64::from(word(16));
    Ok(Found::Frame {
        at: interface.stamp(ticks),
        digits: interface.digits(),
        link: interface.link,
        wire_len: word(24),
        bytes: 28..28 + len,
    })
}

impl Interface {
    /// Reads the body of an interface description block of at least 16 bytes.
    fn parse(body: &[u8], big: bool) -> Interface {
        let link = LinkType(u32::from(u16_at(body, 8, big)));
        let mut interface =
            Interface { link, snaplen: u32_at(body, 12, big), resolution: 6, offset_s: 0 };
        let mut options = body.get(16..).unwrap_or_default();
        while options.len() >= 4 {
            let (code, len) = (u16_at(options, 0, big), usize::from(u16_at(options, 2, big)));
            let Some(value) = options.get(4..4 + len) else { break };
            match (code, value) {
                (0, _) => break,
                (OPTION_TSRESOL, [resolution]) => interface.resolution = *resolution,
                (OPTION_TSOFFSET, value) if len == 8 => {
                    let (a, b) = (u32_at(value, 0, big), u32_at(value, 4, big));
                    let (high, low) = if big { (a, b) } else { (b, a) };
                    let joined = u64::from(high) << 32 | u64::from(low);
                    interface.offset_s = i64::from_ne_bytes(joined.to_ne_bytes());
                }
                (_, _) => {}
            }
            options = options.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        }
        interface
    }

    /// Turns ticks of this interface's clock into a moment.
    fn stamp(self, ticks: u64) -> Stamp {
        let exponent = u32::from(self.resolution & 0x7f);
        let ticks = u128::from(ticks);
        let ns = match (self.resolution & 0x80 != 0, exponent) {
            (true, 0..=63) => (ticks * 1_000_000_000) >> exponent,
            (false, 0..=9) => ticks * 10_u128.pow(9 - exponent),
            (false, 10..=38) => ticks / 10_u128.pow(exponent - 9),
            (true | false, _) => 0,
        };
        let ns = i128::try_from(ns).unwrap_or(i128::MAX);
        let ns = ns.saturating_add(i128::from(self.offset_s) * 1_000_000_000);
        Stamp::from_ns(u64::try_from(ns.max(0)).unwrap_or(u64::MAX))
    }

    /// Returns how many digits of a second's fraction its clock gives.
    fn digits(self) -> u8 {
        match self.resolution {
            decimal @ 0..=9 => decimal,
            // Enough digits for the binary fraction, in the steps that people print.
            binary @ 0x80.. if binary & 0x7f <= 10 => 3,
            binary @ 0x80.. if binary & 0x7f <= 20 => 6,
            _ => 9,
        }
    }
}

/// Returns the length of the block at the start of `rest`; `None` when it is not all there yet.
fn block_len(rest: &[u8], big: bool, least: usize) -> Result<Option<usize>, FileFault> {
    let len = u32_at(rest, 4, big);
    let bad = FileFault::BlockLength { len };
    let whole = usize::try_from(len).ok().filter(|len| (least..=BLOCK_MAX).contains(len));
    let whole = whole.ok_or(bad)?;
    if !whole.is_multiple_of(4) {
        return Err(bad);
    }
    match rest.get(whole - 4..whole) {
        None => Ok(None),
        Some(last) if u32_at(last, 0, big) == len => Ok(Some(whole)),
        Some(_) => Err(bad),
    }
}

fn size(len: u32) -> Option<usize> {
    usize::try_from(len).ok().filter(|len| *len <= FRAME_MAX)
}

fn u16_at(bytes: &[u8], at: usize, big: bool) -> u16 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    if big { u16::from_be_bytes(word) } else { u16::from_le_bytes(word) }
}

fn u32_at(bytes: &[u8], at: usize, big: bool) -> u32 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
}
