//! Capture files: pcap and pcapng, read in both byte orders, written to the nanosecond.
//!
//! # Source
//! The IETF drafts draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; the decryption secrets
//! block and its type `TLSK` are section 4.7 of the latter.

use std::fmt;

use thiserror::Error;

use crate::base::time::Utc;

mod read;
mod write;

pub use read::{Item, Reader};
pub use write::{FileFormat, Way};

/// Most bytes of one frame that a file may hold; libpcap's own limit.
pub const FRAME_MAX: usize = 262_144;
/// Longest block of a pcapng file that is read.
pub const BLOCK_MAX: usize = 16 * 1024 * 1024;
/// Most interfaces that one section of a pcapng file may describe.
pub const INTERFACES_MAX: usize = 1024;

/// A moment to the nanosecond since 1970, as a capture file keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64);

impl Stamp {
    /// Makes a moment from nanoseconds since 1970.
    pub const fn from_ns(ns: u64) -> Stamp {
        Stamp(ns)
    }

    /// Makes a moment from wall time and the nanoseconds that it left out.
    pub fn from_utc(utc: Utc, extra_ns: u32) -> Stamp {
        let ms = u64::try_from(utc.unix_ms()).unwrap_or(0);
        Stamp(ms.saturating_mul(1_000_000).saturating_add(u64::from(extra_ns)))
    }

    /// Returns nanoseconds since 1970.
    pub const fn ns(self) -> u64 {
        self.0
    }

    /// Returns whole seconds since 1970 and the nanoseconds beyond them.
    pub const fn parts(self) -> (u64, u32) {
        // Below a billion, so it fits.
        (self.0 / 1_000_000_000, (self.0 % 1_000_000_000) as u32)
    }

    /// Returns the nanoseconds since `earlier`; 0 if that lies ahead.
    pub const fn since(self, earlier: Stamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns a value that prints as `2020-08-07 08:10:45.252955552`, with `digits` of fraction.
    pub const fn dated(self, digits: u8) -> Dated {
        Dated { at: self, digits }
    }
}

/// A [`Stamp`] as both print layouts of the capture command show it, in UTC.
#[derive(Clone, Copy, Debug)]
pub struct Dated {
    at: Stamp,
    digits: u8,
}

impl fmt::Display for Dated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ns) = self.at.parts();
        let c = Utc::from_unix_s(i64::try_from(seconds).unwrap_or(i64::MAX)).civil();
        write!(f, "{:04}-{:02}-{:02} ", c.year, c.month, c.day)?;
        write!(f, "{:02}:{:02}:{:02}", c.hour, c.minute, c.second)?;
        let digits = usize::from(self.digits.min(9));
        if digits == 0 {
            return Ok(());
        }
        let fraction = ns / 10_u32.pow(9 - u32::try_from(digits).unwrap_or(9));
        write!(f, ".{fraction:0digits$}")
    }
}

/// What a file's frames begin with, by the number that pcap and pcapng share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: four bytes of address family.
    pub const NULL: LinkType = LinkType(0);
    pub const ETHERNET: LinkType = LinkType(1);
    /// IPv4 or IPv6 without a link header.
    pub const RAW: LinkType = LinkType(101);
    /// What Linux writes when it captures on all interfaces.
    pub const LINUX_SLL: LinkType = LinkType(113);
    pub const LINUX_SLL2: LinkType = LinkType(276);
}

/// One frame of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub at: Stamp,
    /// Digits of the fraction of a second that the file keeps.
    pub digits: u8,
    pub link: LinkType,
    /// Bytes that the frame had on the wire; more than `bytes` holds if it was cut.
    pub wire_len: u32,
    pub bytes: &'a [u8],
}

/// Why a file can't be read any further.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{why} at byte {offset}")]
pub struct FileError {
    /// Where in the file.
    pub offset: u64,
    pub why: FileFault,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FileFault {
    #[error("not a pcap or pcapng file: unknown first bytes")]
    NotCapture,
    #[error("the file ends in the middle of a frame or block")]
    Truncated,
    #[error("version {major}.{minor} of the file format, which is not known")]
    Version { major: u16, minor: u16 },
    #[error("a frame of {len} bytes, longer than any frame")]
    FrameTooLong { len: u32 },
    #[error("a block of {len} bytes, which can't be")]
    BlockLength { len: u32 },
    #[error("a frame of interface {id}, which the file does not describe")]
    NoInterface { id: u32 },
    #[error("more interfaces than {INTERFACES_MAX} in one section")]
    TooManyInterfaces,
}

#[cfg(test)]
mod tests;
