//! The options of a TCP header.

use super::Words;
use crate::wire::summary::Pass;
use crate::wire::summary::part::Part;

/// Longest shift of a window; what is beyond counts as this.
const SHIFT_MAX: u8 = 14;

/// Options in their order.
#[derive(Clone, Debug)]
pub(super) struct Options {
    found: Vec<Opt>,
    /// Whether some of them were not captured.
    pub cut: bool,
    /// The shift that a window scale option asks for.
    pub shift: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opt {
    Mss(u16),
    Scale(u8),
    SackPermitted,
    Sack(u32, u32),
    Time(u32, u32),
    Connection(u32),
    Md5,
    UserTimeout(u16),
    FastOpen { cookie: bool },
    Experiment(u16),
}

impl Options {
    /// Reads the options of a header of `len` bytes, at least 20, as far as they were captured.
    pub(super) fn parse(segment: Part<'_>, len: usize) -> Options {
        let mut options = Options { found: Vec::new(), cut: false, shift: None };
        let captured = segment.captured();
        options.cut = captured.len() < len;
        let mut rest = captured.get(20..len.min(captured.len())).unwrap_or_default();
        while let [kind, tail @ ..] = rest {
            let len = match kind {
                0 => break,
                1 => {
                    rest = tail;
                    continue;
                }
                _ => usize::from(tail.first().copied().unwrap_or(0)),
            };
            let Some(body) = rest.get(2..len.max(2)).filter(|_| len >= 2) else { break };
            options.one(*kind, body);
            rest = rest.get(len..).unwrap_or_default();
        }
        options
    }

    fn one(&mut self, kind: u8, body: &[u8]) {
        let word = |at: usize| {
            let bytes = body.get(at..).and_then(<[u8]>::first_chunk).copied();
            u32::from_be_bytes(bytes.unwrap_or_default())
        };
        match (kind, body) {
            (2, [a, b]) => self.found.push(Opt::Mss(u16::from_be_bytes([*a, *b]))),
            (3, [shift]) => {
                let shift = (*shift).min(SHIFT_MAX);
                self.shift = Some(shift);
                self.found.push(Opt::Scale(shift));
            }
            (4, []) => self.found.push(Opt::SackPermitted),
            (5, blocks) => {
                for at in (0..blocks.len() / 8).map(|index| index * 8) {
                    self.found.push(Opt::Sack(word(at), word(at + 4)));
                }
            }
            (8, body) if body.len() == 8 => self.found.push(Opt::Time(word(0), word(4))),
            (11, body) if body.len() == 4 => self.found.push(Opt::Connection(word(0))),
            (19, body) if body.len() == 16 => self.found.push(Opt::Md5),
            (28, [a, b]) => {
                self.found.push(Opt::UserTimeout(u16::from_be_bytes([*a, *b]) & 0x7fff));
            }
            (34, body) => self.found.push(Opt::FastOpen { cookie: !body.is_empty() }),
            (253 | 254, [a, b, ..]) => {
                self.found.push(Opt::Experiment(u16::from_be_bytes([*a, *b])));
            }
            (_, _) => {}
        }
    }

    /// Writes them; `base` is where the peer's numbers begin.
    pub(super) fn tell(&self, pass: &mut Pass<'_>, base: u32) {
        let words = pass.words;
        for option in &self.found {
            match (*option, words) {
                (Opt::Mss(size), _) => pass.add(format_args!(" MSS={size}")),
                (Opt::Scale(shift), Words::Classic) => pass.add(format_args!(" WS={shift}")),
                (Opt::Scale(shift), _) => pass.add(format_args!(" WS={}", 1_u32 << shift)),
                // Wireshark 1.0 shows it in the tree only.
                (Opt::SackPermitted, Words::Classic) => {}
                (Opt::SackPermitted, Words::Numbered) => pass.add(format_args!(" SACK_PERM=1")),
                (Opt::SackPermitted, Words::Modern) => pass.add(format_args!(" SACK_PERM")),
                (Opt::Sack(left, right), _) => {
                    let (left, right) = (left.wrapping_sub(base), right.wrapping_sub(base));
                    pass.add(format_args!(" SLE={left} SRE={right}"));
                }
                (Opt::Time(value, echo), Words::Classic) => {
                    pass.add(format_args!(" TSV={value} TSER={echo}"));
                }
                (Opt::Time(value, echo), _) => {
                    pass.add(format_args!(" TSval={value} TSecr={echo}"));
                }
                (Opt::Connection(count), _) => pass.add(format_args!(" CC={count}")),
                (Opt::Md5, _) => pass.add(format_args!(" MD5")),
                (Opt::UserTimeout(time), _) => pass.add(format_args!(" USER_TO={time}")),
                (Opt::FastOpen { cookie: true }, _) => pass.add(format_args!(" TFO=C")),
                (Opt::FastOpen { cookie: false }, _) => pass.add(format_args!(" TFO=R")),
                (Opt::Experiment(id), _) => pass.add(format_args!(" ExID={id:x}")),
            }
        }
    }
}
