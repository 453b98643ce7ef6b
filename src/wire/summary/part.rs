//! A stretch of a frame: the bytes that were captured, and how many there should be.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Why something could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// It was on the wire, but not captured.
    Cut,
    /// It was never there.
    Beyond,
}

impl Short {
    /// Returns what stands at the end of the line then.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Short::Cut => "[Packet size limited during capture]",
            Short::Beyond => "[Malformed Packet]",
        }
    }
}

/// A stretch of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    bytes: &'a [u8],
    /// At least as much as `bytes` holds.
    len: usize,
}

impl<'a> Part<'a> {
    /// Makes a part that should have `len` bytes, of which `bytes` begin.
    pub(super) fn new(bytes: &'a [u8], len: usize) -> Part<'a> {
        let bytes = bytes.get(..len).unwrap_or(bytes);
        Part { bytes, len }
    }

    /// Returns how many bytes should be there.
    pub(super) const fn len(self) -> usize {
        self.len
    }

    /// Returns what is there.
    pub(super) const fn captured(self) -> &'a [u8] {
        self.bytes
    }

    /// Returns whether all of it is there.
    pub(super) const fn is_whole(self) -> bool {
        self.bytes.len() == self.len
    }

    fn short(self, end: usize) -> Short {
        if end <= self.len { Short::Cut } else { Short::Beyond }
    }

    /// Returns whether it was cut and fewer than `len` bytes are left.
    pub(super) const fn is_cut_below(self, len: usize) -> bool {
        self.bytes.len() < len && !self.is_whole()
    }

    /// Returns `len` bytes from `at` on.
    pub(super) fn slice(self, at: usize, len: usize) -> Result<&'a [u8], Short> {
        let end = at.saturating_add(len);
        self.bytes.get(at..end).ok_or(self.short(end))
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], Short> {
        let found = self.bytes.get(at..).and_then(<[u8]>::first_chunk);
        found.copied().ok_or(self.short(at.saturating_add(N)))
    }

    pub(super) fn u8(self, at: usize) -> Result<u8, Short> {
        self.array(at).map(|[byte]| byte)
    }

    pub(super) fn u16(self, at: usize) -> Result<u16, Short> {
        self.array(at).map(u16::from_be_bytes)
    }

    pub(super) fn u32(self, at: usize) -> Result<u32, Short> {
        self.array(at).map(u32::from_be_bytes)
    }

    pub(super) fn mac(self, at: usize) -> Result<[u8; 6], Short> {
        self.array(at)
    }

    pub(super) fn v4(self, at: usize) -> Result<Ipv4Addr, Short> {
        self.array::<4>(at).map(Ipv4Addr::from)
    }

    pub(super) fn v6(self, at: usize) -> Result<Ipv6Addr, Short> {
        self.array::<16>(at).map(Ipv6Addr::from)
    }

    /// Returns what stands from `at` on.
    pub(super) fn from(self, at: usize) -> Result<Part<'a>, Short> {
        if at > self.len {
            return Err(Short::Beyond);
        }
        Ok(Part { bytes: self.bytes.get(at..).unwrap_or_default(), len: self.len - at })
    }

    /// Returns `len` bytes from `at` on; less is there only if the frame was cut.
    pub(super) fn sub(self, at: usize, len: usize) -> Result<Part<'a>, Short> {
        let end = at.saturating_add(len);
        if end > self.len {
            return Err(Short::Beyond);
        }
        Ok(Part::new(self.bytes.get(at..).unwrap_or_default(), len))
    }

    /// Returns the part without what stands behind its first `len` bytes.
    pub(super) fn first(self, len: usize) -> Part<'a> {
        Part::new(self.bytes, len.min(self.len))
    }
}
