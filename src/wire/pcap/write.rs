//! Writing capture files, to the nanosecond.

use super::{FRAME_MAX, Frame, LinkType, Stamp};

/// Type of a secrets block that holds a TLS key log.
const TLS_KEY_LOG: u32 = 0x544c_534b;

/// Which of the two formats to write; both in little-endian order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    Pcap,
    PcapNg,
}

/// Which way a frame went, seen from the port it was captured at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    In,
    Out,
}

impl FileFormat {
    /// Appends what a file begins with: Ethernet frames of at most `snaplen` bytes, captured at
    /// the port named `port`. Pcap has no place for the name.
    pub fn head(self, out: &mut Vec<u8>, port: &str, snaplen: u32) {
        match self {
            FileFormat::Pcap => {
                words(out, &[0xa1b2_3c4d, 2 | 4 << 16, 0, 0, snaplen, LinkType::ETHERNET.0]);
            }
            FileFormat::PcapNg => {
                words(out, &[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
                let mut body = Vec::new();
                words(&mut body, &[LinkType::ETHERNET.0, snaplen]);
                option(&mut body, 2, port.as_bytes());
                option(&mut body, 9, &[9]);
                option(&mut body, 0, &[]);
                block(out, 1, &[&body]);
            }
        }
    }

    /// Appends a frame that came or went at `at`; what is beyond [`FRAME_MAX`] is cut off.
    pub fn frame(self, out: &mut Vec<u8>, at: Stamp, way: Way, wire_len: u32, bytes: &[u8]) {
        let bytes = bytes.get(..FRAME_MAX).unwrap_or(bytes);
        // At most FRAME_MAX.
        let len = bytes.len() as u32;
        match self {
            FileFormat::Pcap => {
                let (seconds, ns) = at.parts();
                // The format itself ends in 2106.
                words(out, &[seconds as u32, ns, len, wire_len]);
                out.extend_from_slice(bytes);
            }
            FileFormat::PcapNg => {
                let (high, low) = ((at.ns() >> 32) as u32, at.ns() as u32);
                let mut head = Vec::with_capacity(20);
                words(&mut head, &[0, high, low, len, wire_len]);
                let mut options = Vec::with_capacity(12);
                let flags: u32 = match way {
                    Way::In => 1,
                    Way::Out => 2,
                };
                option(&mut options, 2, &flags.to_le_bytes());
                option(&mut options, 0, &[]);
                let fill = len.next_multiple_of(4) - len;
                block(out, 6, &[&head, bytes, &[0; 3][..fill as usize], &options]);
            }
        }
    }

    /// Appends lines of a TLS key log, so that a reader can show the frames after it in clear.
    /// Pcap has no place for them: returns false then.
    pub fn secrets(self, out: &mut Vec<u8>, key_log: &[u8]) -> bool {
        match self {
            FileFormat::Pcap => false,
            FileFormat::PcapNg => {
                let mut head = Vec::with_capacity(8);
                let len = u32::try_from(key_log.len()).unwrap_or(u32::MAX);
                words(&mut head, &[TLS_KEY_LOG, len]);
                let fill = key_log.len().next_multiple_of(4) - key_log.len();
                block(out, 10, &[&head, key_log, &[0; 3][..fill]]);
                true
            }
        }
    }

    /// Returns how many bytes [`FileFormat::frame`] appends for `len` bytes of a frame.
    pub const fn frame_len(self, len: usize) -> usize {
        let len = if len > FRAME_MAX { FRAME_MAX } else { len };
        match self {
            FileFormat::Pcap => 16 + len,
            FileFormat::PcapNg => 32 + len.next_multiple_of(4) + 12,
        }
    }
}

impl Frame<'_> {
    /// Returns whether a part of the frame was not kept.
    pub fn is_cut(&self) -> bool {
        (self.bytes.len() as u64) < u64::from(self.wire_len)
    }
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    for word in words {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    // Values come from this file: a port's name at the longest.
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// Appends a block whose parts together are a multiple of four bytes long.
fn block(out: &mut Vec<u8>, kind: u32, parts: &[&[u8]]) {
    let len = 12 + parts.iter().map(|part| part.len()).sum::<usize>();
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    words(out, &[kind, len]);
    for part in parts {
        out.extend_from_slice(part);
    }
    words(out, &[len]);
}
