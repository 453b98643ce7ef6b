//! Putting IP fragments together again.

use std::collections::BTreeMap;

/// Most packets that are being put together at a time.
const PACKETS_MAX: usize = 64;
/// Most fragments of one packet.
const PIECES_MAX: usize = 256;
/// Longest packet.
const BYTES_MAX: usize = 65_535;

/// Which packet a fragment belongs to: addresses, protocol and identification.
pub(super) type Key = ([u8; 16], [u8; 16], u8, u32);

/// A fragment of a packet's payload.
pub(super) struct Piece<'a> {
    pub key: Key,
    /// Where in the payload it belongs.
    pub offset: usize,
    /// Whether others belong behind it.
    pub more: bool,
    pub bytes: &'a [u8],
}

#[derive(Debug, Default)]
pub(super) struct Fragments {
    packets: BTreeMap<Key, Packet>,
    /// Counts fragments, to find the packet that was left alone for longest.
    turn: u64,
}

#[derive(Debug, Default)]
struct Packet {
    pieces: BTreeMap<usize, Vec<u8>>,
    len: Option<usize>,
    turn: u64,
}

impl Fragments {
    /// Takes a fragment; returns the whole payload if it was the last one missing.
    pub(super) fn add(&mut self, piece: &Piece<'_>) -> Option<Vec<u8>> {
        let end = piece.offset.checked_add(piece.bytes.len())?;
        if end > BYTES_MAX {
            return None;
        }
        self.turn += 1;
        if self.packets.len() == PACKETS_MAX && !self.packets.contains_key(&piece.key) {
            let oldest = self.packets.iter().min_by_key(|(_, packet)| packet.turn);
            let oldest = oldest.map(|(key, _)| *key)?;
            self.packets.remove(&oldest);
        }
        let packet = self.packets.entry(piece.key).or_default();
        packet.turn = self.turn;
        if !piece.more {
            packet.len = Some(end);
        }
        if packet.pieces.len() < PIECES_MAX {
            packet.pieces.entry(piece.offset).or_insert_with(|| piece.bytes.to_vec());
        }
        let whole = packet.whole()?;
        self.packets.remove(&piece.key);
        Some(whole)
    }
}

impl Packet {
    /// Returns the payload if nothing is missing. Where pieces overlap the first one counts.
    fn whole(&self) -> Option<Vec<u8>> {
        let len = self.len?;
        let mut whole = Vec::with_capacity(len);
        for (offset, bytes) in &self.pieces {
            if *offset > whole.len() {
                return None;
            }
            whole.extend_from_slice(bytes.get(whole.len() - offset..).unwrap_or_default());
        }
        whole.truncate(len);
        (whole.len() == len).then_some(whole)
    }
}
