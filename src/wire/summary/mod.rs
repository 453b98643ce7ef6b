//! One line a frame, as tshark words it.
//!
//! A [`Dissector`] is given the frames of one capture in their order: numbers of TCP segments are
//! relative to their conversation, and what was split over several segments or fragments is named
//! where its last piece comes. What it remembers is bounded everywhere; a conversation that was
//! forgotten starts afresh.
//!
//! # Source
//! Seed, three `ethanalyzer` listings; tshark 4.0, with which a test compares the words.

use crate::wire::pcap::{Frame, LinkType};

mod arp;
mod dhcp;
mod dns;
mod fields;
mod fragments;
mod ftp;
mod http;
mod icmp;
mod icmp6;
mod ip;
mod ip6;
mod line;
mod link;
mod ntp;
mod part;
mod ssh;
mod syslog;
mod tcp;
mod text;
mod tftp;
mod tls;
mod udp;

pub use fields::{Fact, Facts, Field, Shape, Value};
pub use line::{Label, LaidOut, Line, Party, Words};

use self::fragments::Fragments;
use self::icmp::Echoes;
use self::part::{Part, Short};

/// Deepest nesting of packets in packets that is followed.
const DEPTH_MAX: u32 = 8;
/// Longest text of a line after its columns, in bytes; what is longer is cut.
pub const INFO_MAX: usize = 4096;

/// Turns the frames of one capture into lines.
#[derive(Debug)]
pub struct Dissector {
    words: Words,
    line: Line,
    facts: Facts,
    state: State,
}

/// What is remembered from frame to frame.
#[derive(Debug, Default)]
struct State {
    fragments: Fragments,
    owners: arp::Owners,
    echoes: Echoes,
    streams: tcp::Streams,
    transfers: tftp::Transfers,
    files: ftp::Transfers,
}

impl Dissector {
    /// Makes a dissector that has seen nothing.
    pub fn new(words: Words) -> Dissector {
        Dissector { words, line: Line::new(), facts: Facts::default(), state: State::default() }
    }

    /// Asks it to note what it sees as [`Facts`] too, for a display filter.
    pub fn noting(mut self) -> Dissector {
        self.facts.on = true;
        self
    }

    /// Reads the next frame; the line is the dissector's own and is overwritten by the next one.
    pub fn frame(&mut self, frame: &Frame<'_>) -> &Line {
        let number = self.line.number.saturating_add(1);
        let mut info = std::mem::take(&mut self.line.info);
        info.clear();
        self.line = Line {
            number,
            at: frame.at,
            digits: frame.digits,
            length: frame.wire_len,
            info,
            ..Line::new()
        };
        self.facts.clear();
        self.facts.frame(number, frame);
        let bytes = frame.bytes;
        // A file may say that a frame was shorter than what it holds.
        let len = usize::try_from(frame.wire_len).unwrap_or(usize::MAX).max(bytes.len());
        let mut pass = Pass {
            words: self.words,
            line: &mut self.line,
            facts: &mut self.facts,
            state: &mut self.state,
            depth: 0,
            fragment: false,
            fence: 0,
            fixed: false,
        };
        let read = match frame.link {
            LinkType::ETHERNET => link::ethernet(&mut pass, Part::new(bytes, len)),
            LinkType::RAW => link::raw(&mut pass, Part::new(bytes, len)),
            LinkType::LINUX_SLL => link::cooked(&mut pass, Part::new(bytes, len), 16, 14),
            LinkType::LINUX_SLL2 => link::cooked(&mut pass, Part::new(bytes, len), 20, 0),
            LinkType::NULL => link::null(&mut pass, Part::new(bytes, len)),
            LinkType(_) => {
                pass.name("UNKNOWN");
                pass.line.info.push_str("frames of this kind are not known");
                Ok(())
            }
        };
        if let Err(short) = read {
            pass.line.info.push_str(short.words());
        }
        if self.line.info.len() > INFO_MAX {
            let cut = self.line.info.floor_char_boundary(INFO_MAX);
            self.line.info.truncate(cut);
        }
        &self.line
    }

    /// Returns the last frame's line.
    pub const fn line(&self) -> &Line {
        &self.line
    }

    /// Returns what was noted about the last frame.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// One frame's way through the protocols.
struct Pass<'a> {
    words: Words,
    line: &'a mut Line,
    facts: &'a mut Facts,
    state: &'a mut State,
    /// How many packets this one is inside of.
    depth: u32,
    /// Whether this is the first of several fragments that were not put together.
    fragment: bool,
    /// How much of the line's text is not cleared.
    fence: usize,
    /// Whether the protocol's name stays as it is.
    fixed: bool,
}

impl Pass<'_> {
    fn name(&mut self, protocol: &'static str) {
        if !self.fixed {
            self.line.protocol = Label::Name(protocol);
        }
    }

    /// Starts the line's text afresh, behind what is held.
    fn clear(&mut self) -> &mut String {
        self.line.info.truncate(self.fence);
        &mut self.line.info
    }

    /// Keeps the line as it is; what comes now is added.
    fn hold(&mut self) {
        self.fence = self.line.info.len();
        self.fixed = true;
    }

    /// Adds to the line's text.
    fn add(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a text can't fail.
        let _ = std::fmt::Write::write_fmt(&mut self.line.info, text);
    }

    /// Goes into a packet inside of the packet; false when that went on for too long.
    fn deeper(&mut self) -> bool {
        self.depth += 1;
        self.depth <= DEPTH_MAX
    }
}

/// Whether something was read to its end.
type Read = Result<(), Short>;

#[cfg(test)]
mod tests;
