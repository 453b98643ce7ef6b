//! What is odd about a segment, seen from the segments before it: sent twice, out of order, missing.
//!
//! # Source
//! The section "TCP Analysis" of Wireshark's user's guide, and tshark 4.0's verdicts where the
//! guide is silent.

use super::options::Options;
use super::stream::{End, Stream};
use super::{ACK, FIN, Header, RST, SYN};
use crate::wire::pcap::Stamp;
use crate::wire::summary::{Facts, Field};

/// Within this time of a third duplicate acknowledgment a retransmission is a fast one.
const FAST_NS: u64 = 20_000_000;
/// Within this time of the highest segment one that belongs before it is out of order, unless the
/// handshake took longer.
const OUT_OF_ORDER_NS: u64 = 3_000_000;

/// A segment and where it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub header: Header,
    pub at: Stamp,
    pub frame: u32,
    /// Bytes of payload.
    pub len: usize,
}

/// What is odd about a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    pub ports_reused: bool,
    pub lost: bool,
    pub acked_unseen: bool,
    pub zero_window: bool,
    pub zero_window_probe: bool,
    pub zero_window_probe_ack: bool,
    pub keep_alive: bool,
    pub keep_alive_ack: bool,
    pub window_update: bool,
    pub window_full: bool,
    /// Which frame's acknowledgment it repeats, for the how many-th time.
    pub duplicate_ack: Option<(u32, u32)>,
    pub again: Option<Again>,
}

/// Why a segment has a number that was passed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Retransmission,
    Fast,
    Spurious,
    OutOfOrder,
}

impl Notes {
    /// Returns what stands before everything else in the line.
    pub(super) fn prefix(&self) -> String {
        let mut prefix = String::new();
        let mut note = |is: bool, words: &str| {
            if is {
                prefix.push_str(words);
            }
        };
        note(self.zero_window_probe_ack, "[TCP ZeroWindowProbeAck] ");
        note(self.zero_window, "[TCP ZeroWindow] ");
        note(self.zero_window_probe, "[TCP ZeroWindowProbe] ");
        if let Some((frame, count)) = self.duplicate_ack {
            note(true, &format!("[TCP Dup ACK {frame}#{count}] "));
        }
        note(self.keep_alive_ack, "[TCP Keep-Alive ACK] ");
        note(self.keep_alive, "[TCP Keep-Alive] ");
        note(self.window_full, "[TCP Window Full] ");
        note(self.window_update, "[TCP Window Update] ");
        note(self.acked_unseen, "[TCP ACKed unseen segment] ");
        note(self.lost, "[TCP Previous segment not captured] ");
        note(self.again == Some(Again::Retransmission), "[TCP Retransmission] ");
        note(self.again == Some(Again::Fast), "[TCP Fast Retransmission] ");
        note(self.again == Some(Again::Spurious), "[TCP Spurious Retransmission] ");
        note(self.again == Some(Again::OutOfOrder), "[TCP Out-Of-Order] ");
        note(self.ports_reused, "[TCP Port numbers reused] ");
        prefix
    }

    /// Notes them for display filters.
    pub(super) fn tell(&self, facts: &mut Facts) {
        if !facts.is_on() {
            return;
        }
        let again = self.again.filter(|again| *again != Again::OutOfOrder);
        let out_of_order = self.again == Some(Again::OutOfOrder);
        for (field, is) in [
            (Field::TcpRetransmission, again.is_some()),
            (Field::TcpDuplicateAck, self.duplicate_ack.is_some()),
            (Field::TcpLostSegment, self.lost),
            (Field::TcpOutOfOrder, out_of_order),
            (Field::TcpFastRetransmission, self.again == Some(Again::Fast)),
            (Field::TcpSpuriousRetransmission, self.again == Some(Again::Spurious)),
            (Field::TcpZeroWindow, self.zero_window),
            (Field::TcpZeroWindowProbe, self.zero_window_probe),
            (Field::TcpZeroWindowProbeAck, self.zero_window_probe_ack),
            (Field::TcpKeepAlive, self.keep_alive),
            (Field::TcpKeepAliveAck, self.keep_alive_ack),
            (Field::TcpWindowFull, self.window_full),
            (Field::TcpWindowUpdate, self.window_update),
            (Field::TcpAckedUnseen, self.acked_unseen),
            (Field::TcpPortsReused, self.ports_reused),
            (Field::TcpAnalysisFlags, !self.prefix().is_empty()),
        ] {
            if is {
                facts.flag(field, true);
            }
        }
    }

    /// Returns whether what the segment carries was, or may have been, read already.
    pub(super) const fn repeats(&self) -> bool {
        matches!(self.again, Some(Again::Retransmission | Again::OutOfOrder))
    }
}

/// What one end has sent, as far as the analysis asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    /// The number that its next segment should have; `None` before its first.
    next: Option<u32>,
    next_at: Stamp,
    /// The end of what came without a gap.
    contiguous: Option<u32>,
    ack: u32,
    ack_at: Stamp,
    ack_frame: u32,
    /// Negative once its peer has acknowledged what was not seen.
    duplicates: i32,
    /// `None` before its first segment.
    window: Option<u16>,
    /// Whether its last segment was a keep-alive, or a probe of a closed window.
    keep_alive: bool,
    probe: bool,
}

fn after(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 1 << 31
}

fn at_or_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b) < 1 << 31
}

impl Stream {
    /// Takes a segment into account and says what is odd about it.
    pub(super) fn look(&mut self, seen: &Seen, options: &Options) -> Notes {
        let header = seen.header;
        self.scale(header, options);
        let reused = std::mem::take(&mut self.reused);
        let handshake = self.handshake;
        let (own, peer) = self.ends(header);
        own.base.get_or_insert(if header.has(SYN) {
            header.seq
        } else {
            header.seq.wrapping_sub(1)
        });
        if header.has(ACK) {
            peer.base.get_or_insert(header.ack.wrapping_sub(1));
        }
        let mut notes = Notes { ports_reused: reused, ..Notes::default() };
        compare(&mut notes, seen, own, peer);
        if header.ack != own.track.ack {
            own.track.ack_frame = seen.frame;
            own.track.duplicates = 0;
        }
        notes.acked_unseen = header.has(ACK) && acks_unseen(header.ack, &mut peer.track);
        if seen.len > 0 || header.has(SYN | FIN) {
            again(&mut notes, seen, own, peer, handshake);
        }
        remember(&notes, seen, own);
        self.time(seen);
        notes
    }
}

/// Whether the segment may be a keep-alive, a probe or a plain acknowledgment.
const fn is_plain(header: Header) -> bool {
    !header.has(SYN | FIN | RST)
}

/// Compares the segment with what its sender should have sent next.
fn compare(notes: &mut Notes, seen: &Seen, own: &mut End, peer: &End) {
    let (header, len) = (seen.header, seen.len);
    let plain = is_plain(header);
    let in_order = own.track.next == Some(header.seq);
    if len == 1 && in_order && peer.track.is_closed() {
        notes.zero_window_probe = true;
        return;
    }
    notes.zero_window = header.window == 0 && plain;
    if let Some(next) = own.track.next {
        notes.lost = after(header.seq, next) && !header.has(RST);
        notes.keep_alive = len <= 1 && header.seq == next.wrapping_sub(1) && plain;
    }
    let same_ack = header.ack == own.track.ack;
    let same_window = own.track.window == Some(header.window);
    let empty = len == 0 && in_order && same_ack && plain;
    notes.window_update = empty && header.window != 0 && !same_window;
    if len > 0
        && plain
        && peer.knows_scale()
        && let Some(window) = peer.track.window
    {
        let end = header.seq.wrapping_add(len as u32);
        let window = u32::from(window) << peer.shift_now();
        notes.window_full = end == peer.track.ack.wrapping_add(window);
    }
    if empty && header.window != 0 && same_window && peer.track.keep_alive {
        notes.keep_alive_ack = true;
    } else if empty && header.window == 0 && same_window && peer.track.probe {
        notes.zero_window_probe_ack = true;
    } else if empty && header.window != 0 && same_window {
        own.track.duplicates = own.track.duplicates.max(0) + 1;
        let count = own.track.duplicates.unsigned_abs();
        notes.duplicate_ack = Some((own.track.ack_frame, count));
    }
}

/// Says why a segment with content has a number that was passed already.
fn again(notes: &mut Notes, seen: &Seen, own: &End, peer: &End, handshake: Option<u64>) {
    let header = seen.header;
    if notes.keep_alive {
        return;
    }
    let behind = own.track.next.is_some_and(|next| {
        // A probe of a closed window may have brought the first of its bytes before.
        let probed = seen.len > 1 && next.wrapping_sub(1) == header.seq;
        after(next, header.seq) && !probed
    });
    let end = header.seq.wrapping_add(seen.len as u32);
    let since_ack = seen.at.since(peer.track.ack_at);
    let since_next = seen.at.since(own.track.next_at);
    let threshold = handshake.unwrap_or(OUT_OF_ORDER_NS);
    let counted = end.wrapping_add(u32::from(header.has(SYN | FIN)));
    notes.again = if seen.len > 0 && peer.track.ack != 0 && at_or_after(peer.track.ack, end) {
        Some(Again::Spurious)
    } else if !behind {
        None
    } else if peer.track.waits() && peer.track.ack == header.seq && since_ack < FAST_NS {
        Some(Again::Fast)
    } else if since_next < threshold && own.track.next != Some(counted) {
        Some(Again::OutOfOrder)
    } else {
        Some(Again::Retransmission)
    };
}

/// Whether a segment acknowledges more than what was seen of its peer without a gap. What was
/// missing is complained of once.
fn acks_unseen(ack: u32, peer: &mut Track) -> bool {
    let (Some(contiguous), Some(next)) = (peer.contiguous, peer.next) else { return false };
    if !after(ack, contiguous) {
        return false;
    }
    if contiguous < next {
        peer.contiguous = peer.next;
        return true;
    }
    let first = peer.duplicates == 0;
    peer.duplicates = -1;
    first
}

/// Remembers the segment for those after it.
fn remember(notes: &Notes, seen: &Seen, own: &mut End) {
    let header = seen.header;
    let extra = u32::from(header.has(SYN | FIN));
    let end = header.seq.wrapping_add(seen.len as u32).wrapping_add(extra);
    let track = &mut own.track;
    if !notes.zero_window_probe {
        if track.next.is_none_or(|next| after(end, next)) {
            (track.next, track.next_at) = (Some(end), seen.at);
        }
        if track.contiguous.is_none_or(|contiguous| contiguous == header.seq) {
            track.contiguous = track.next;
        }
    }
    (track.window, track.ack, track.ack_at) = (Some(header.window), header.ack, seen.at);
    (track.keep_alive, track.probe) = (notes.keep_alive, notes.zero_window_probe);
}

impl Track {
    /// Whether it has asked for a segment again, or has acknowledged what was not seen.
    const fn waits(&self) -> bool {
        self.duplicates >= 2 || self.duplicates < 0
    }

    /// Whether its window was closed by its last segment.
    fn is_closed(&self) -> bool {
        self.window == Some(0)
    }
}
