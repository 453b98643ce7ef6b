//! Conversations: who they are between, where their numbers begin, and what is left of a message
//! that came in several segments.

use std::collections::BTreeMap;

use super::analysis::{Seen, Track};
use super::options::Options;
use super::payload::{Apps, WAITING_MAX, Waiting};
use super::{ACK, Header, SYN};
use crate::wire::pcap::Stamp;
use crate::wire::summary::ip::Route;

/// Most conversations that are remembered.
const STREAMS_MAX: usize = 4096;
/// Most bytes that wait for the rest of their messages, over all conversations.
const HELD_MAX: usize = 32 * WAITING_MAX;

/// The two ends of a conversation, the lesser one first.
pub(in crate::wire::summary) type Key = (([u8; 16], u16), ([u8; 16], u16));

/// Returns the conversation that a segment belongs to.
pub(super) fn key(route: Route, src: u16, dst: u16) -> (Key, bool) {
    let (from, to) = ((route.src, src), (route.dst, dst));
    if from <= to { ((from, to), false) } else { ((to, from), true) }
}

/// All conversations.
#[derive(Debug, Default)]
pub(in crate::wire::summary) struct Streams {
    streams: BTreeMap<Key, Stream>,
    /// Bytes of messages that wait for their rest, of all conversations.
    held: usize,
    /// How many there have been.
    count: u32,
    turn: u64,
}

/// One conversation.
#[derive(Debug)]
pub(super) struct Stream {
    key: Key,
    /// Counted from 0 in the order in which they began.
    pub number: u32,
    turn: u64,
    ends: [End; 2],
    /// Whether the segment at hand is from the second end.
    from_second: bool,
    /// Whether the segment at hand begins a new conversation between the same ports.
    pub reused: bool,
    syn_at: Option<Stamp>,
    /// Nanoseconds from the first segment to its acknowledgment.
    pub handshake: Option<u64>,
    pub apps: Apps,
}

/// One end of a conversation.
#[derive(Debug, Default)]
pub(super) struct End {
    /// The number before its first byte.
    pub base: Option<u32>,
    scale: Scale,
    pub track: Track,
    /// What it has said of a message that is not complete.
    waiting: Option<Waiting>,
}

/// By how many bits an end's windows are shifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Scale {
    /// Its SYN was not seen.
    #[default]
    Unknown,
    None,
    Shift(u8),
}

impl End {
    pub(super) fn knows_scale(&self) -> bool {
        self.scale != Scale::Unknown
    }

    pub(super) fn shift_now(&self) -> u8 {
        match self.scale {
            Scale::Shift(shift) => shift,
            Scale::None | Scale::Unknown => 0,
        }
    }
}

impl Streams {
    /// Takes the conversation of a segment out, to be put back.
    pub(super) fn take(&mut self, (key, second): (Key, bool), header: Header, at: Stamp) -> Stream {
        self.turn += 1;
        let mut stream = match self.streams.remove(&key) {
            Some(stream) => {
                self.held -= stream.held().min(self.held);
                stream
            }
            None => {
                self.make_room();
                self.fresh(key)
            }
        };
        stream.from_second = second;
        if stream.begins_anew(header) {
            stream = self.fresh(key);
            stream.from_second = second;
            stream.reused = true;
        }
        stream.reused |= stream.answers_anew(header);
        stream.turn = self.turn;
        if header.flags & (SYN | ACK) == SYN {
            stream.syn_at = Some(at);
        }
        stream
    }

    pub(super) fn put(&mut self, stream: Stream) {
        self.held += stream.held();
        if self.held > HELD_MAX {
            // Rare enough that nobody is spared: what waits is told as segments.
            for stream in self.streams.values_mut() {
                stream.ends.iter_mut().for_each(|end| end.waiting = None);
            }
            self.held = stream.held();
        }
        self.streams.insert(stream.key, stream);
    }

    fn fresh(&mut self, key: Key) -> Stream {
        let number = self.count;
        self.count = self.count.wrapping_add(1);
        Stream {
            key,
            number,
            turn: self.turn,
            ends: [End::default(), End::default()],
            from_second: false,
            reused: false,
            syn_at: None,
            handshake: None,
            apps: Apps::default(),
        }
    }

    fn make_room(&mut self) {
        if self.streams.len() < STREAMS_MAX {
            return;
        }
        let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.turn);
        if let Some(key) = oldest.map(|(key, _)| *key)
            && let Some(stream) = self.streams.remove(&key)
        {
            self.held -= stream.held().min(self.held);
        }
    }
}

impl Stream {
    /// Returns the sender of the segment at hand, and its peer.
    pub(super) fn ends(&mut self, _: Header) -> (&mut End, &mut End) {
        let [first, second] = &mut self.ends;
        if self.from_second { (second, first) } else { (first, second) }
    }

    fn own(&self) -> &End {
        let [first, second] = &self.ends;
        if self.from_second { second } else { first }
    }

    fn peer(&self) -> &End {
        let [first, second] = &self.ends;
        if self.from_second { first } else { second }
    }

    /// Whether a SYN is the first of another conversation between the same ports.
    fn begins_anew(&self, header: Header) -> bool {
        let differs = self.own().base.is_some_and(|base| base != header.seq);
        differs && header.flags & (SYN | ACK) == SYN
    }

    /// Whether the answer to a SYN begins with another number than before.
    fn answers_anew(&mut self, header: Header) -> bool {
        let (own, _) = self.ends(header);
        let anew = own.base.is_some_and(|base| base != header.seq)
            && header.flags & (SYN | ACK) == SYN | ACK;
        if anew {
            own.base = Some(header.seq);
        }
        anew
    }

    /// Takes a window scale option of a SYN into account, or its absence.
    pub(super) fn scale(&mut self, header: Header, options: &Options) {
        if !header.has(SYN) {
            return;
        }
        let (own, peer) = self.ends(header);
        match options.shift {
            Some(shift) => {
                own.scale = Scale::Shift(shift);
                if header.has(ACK) && peer.scale == Scale::None {
                    own.scale = Scale::None;
                }
            }
            None if own.scale == Scale::Unknown => {
                own.scale = Scale::None;
                peer.scale = Scale::None;
            }
            None => {}
        }
    }

    /// Takes the first acknowledgment after a SYN into account.
    pub(super) fn time(&mut self, seen: &Seen) {
        let is_ack = seen.header.flags & (SYN | ACK) == ACK;
        if let (Some(syn), None, true) = (self.syn_at, self.handshake, is_ack) {
            self.handshake = Some(seen.at.since(syn));
        }
    }

    /// Returns the segment's numbers, relative to where they began.
    pub(super) fn relative(&self, header: Header) -> (u32, u32) {
        let own = self.own().base.unwrap_or(0);
        let ack =
            if header.has(ACK) { header.ack.wrapping_sub(self.base_of_peer(header)) } else { 0 };
        (header.seq.wrapping_sub(own), ack)
    }

    pub(super) fn base_of_peer(&self, _: Header) -> u32 {
        self.peer().base.unwrap_or(0)
    }

    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// Returns the addresses that the segment at hand is from and to.
    pub(super) const fn route(&self) -> ([u8; 16], [u8; 16]) {
        let ((first, _), (second, _)) = self.key;
        if self.from_second { (second, first) } else { (first, second) }
    }

    /// Returns which end sent the segment at hand.
    pub(super) const fn end_index(&self) -> usize {
        self.from_second as usize
    }

    pub(super) const fn waiting(&self) -> Option<&Waiting> {
        self.ends[self.end_index()].waiting.as_ref()
    }

    pub(super) const fn waiting_mut(&mut self) -> &mut Option<Waiting> {
        &mut self.ends[self.end_index()].waiting
    }

    fn held(&self) -> usize {
        self.ends.iter().filter_map(|end| end.waiting.as_ref()).map(Waiting::held).sum()
    }

    /// Returns the segment's window in bytes.
    pub(super) fn window(&self, header: Header) -> u32 {
        let shift = if header.has(SYN) { 0 } else { self.own().shift_now() };
        u32::from(header.window) << shift
    }
}
