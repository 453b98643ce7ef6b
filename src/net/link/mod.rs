//! What a stack is plugged into: something that carries Ethernet frames.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use thiserror::Error;

pub mod hub;
pub mod tunnel;
pub mod virtio;

/// Bytes of an Ethernet header.
pub const HEADER: usize = 14;

/// An Ethernet address. It prints as `52:00:00:00:00:01`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Everyone on the segment.
    pub const BROADCAST: Mac = Mac([0xff; 6]);

    /// Returns a locally administered address made of a text, such as a serial number: always the
    /// same, and hardly that of another text.
    pub fn made_of(text: &str) -> Mac {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let mut mac = [0x02, 0x57, 0, 0, 0, 0];
        for (place, byte) in mac.iter_mut().skip(2).zip(digest.as_ref()) {
            *place = *byte;
        }
        Mac(mac)
    }

    /// Returns whether this names more than one station.
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not the address of one station.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not the address of one station; write it as 02:57:00:00:00:01")]
pub struct MacError;

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Mac, MacError> {
        let mut mac = [0; 6];
        let mut parts = text.split(':');
        for place in &mut mac {
            let part = parts.next().filter(|part| part.len() == 2).ok_or(MacError)?;
            *place = u8::from_str_radix(part, 16).map_err(|_| MacError)?;
        }
        let mac = Mac(mac);
        (parts.next().is_none() && !mac.is_group() && mac.0 != [0; 6])
            .then_some(mac)
            .ok_or(MacError)
    }
}

/// Why a link carries nothing any more.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LinkError {
    /// The interface or the switch was taken away.
    #[error("the link is gone; attach the stack to another one")]
    Gone,
}

/// One attachment to a segment. Receiving and sending never block.
pub trait Link: Send + 'static {
    /// Returns the largest IP packet that fits into a frame, in bytes.
    fn mtu(&self) -> usize;

    /// Takes the next frame into `buffer`; `None` when there is none. A frame that doesn't fit is
    /// cut.
    ///
    /// # Errors
    /// [`LinkError`] when no frame can come any more.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, LinkError>;

    /// Sends one frame. A link that is full drops it, as Ethernet does.
    fn send(&mut self, frame: &[u8]);

    /// Returns whether this link cuts large TCP segments of IPv4 and finishes checksums, both ways:
    /// then frames of up to 64 KiB pass, [`Link::send_large`] is called for all, and the sums of
    /// what comes in are not to be checked.
    fn offloads(&self) -> bool {
        false
    }

    /// Sends one frame where the link offloads; `segment` is the payload of the packets that are to
    /// be made of it, 0 for one.
    fn send_large(&mut self, frame: &mut [u8], segment: u16) {
        debug_assert_eq!(segment, 0, "this link does not segment");
        self.send(frame);
    }

    /// Returns whether checksums of TCP and UDP are as the sender left them: a machine does not sum
    /// what stays inside it.
    fn unsummed(&self) -> bool {
        self.offloads()
    }

    /// Returns true once after the link was away and is back.
    fn came_back(&mut self) -> bool {
        false
    }

    /// Returns once [`Link::receive`] is worth calling. Cancel-safe.
    fn ready(&mut self) -> impl Future<Output = ()> + Send;
}
