//! What a stack is plugged into: something that carries Ethernet frames.

use std::fmt;
use std::future::Future;

use thiserror::Error;

pub mod hub;

/// Bytes of an Ethernet header.
pub const HEADER: usize = 14;

/// An Ethernet address. It prints as `52:00:00:00:00:01`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Everyone on the segment.
    pub const BROADCAST: Mac = Mac([0xff; 6]);

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

    /// Returns once [`Link::receive`] is worth calling. Cancel-safe.
    fn ready(&mut self) -> impl Future<Output = ()> + Send;
}
