//! AppAG: the frames between a supervisor and its blades, on a unix stream socket.
//!
//! ```text
//!  0      4        5      6          10       14
//!  +------+--------+------+----------+--------+------ - -
//!  | VFAG | version| kind | sequence | length | body
//!  +------+--------+------+----------+--------+------ - -
//! ```
//! Numbers are big-endian. The first five bytes are the same in every version, so that a peer of
//! another version is recognised as such. Each direction counts its frames from 0; a gap or a
//! repetition means that one side lost its place, and the connection is not worth keeping.
//!
//! # Source
//! Ours. The device's own protocol between its License Manager and its blades is not public.

use thiserror::Error;

pub mod message;

pub use message::{Denial, Hello, Message, Refusal, Role, Welcome};

/// What every frame begins with.
pub const MAGIC: [u8; 4] = *b"VFAG";
/// The only version that is spoken; 2 brought frames of the blades' own ports.
pub const VERSION: u8 = 2;
/// Bytes before the body.
pub const HEADER_LEN: usize = 14;
/// Longest body, in bytes.
pub const BODY_MAX: usize = 16 * 1024;
/// Most console bytes that one frame carries; the rest of a body is its other fields.
pub const CONSOLE_CHUNK_MAX: usize = BODY_MAX - 16;

/// Why a stream of bytes is not a stream of frames. None of these can be recovered from.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// The peer speaks something else altogether.
    #[error("not an AppAG frame: it does not begin with VFAG")]
    Magic,
    /// The peer was built for another version of the protocol.
    #[error("AppAG version {got}, expected {VERSION}: run blade and supervisor of one release")]
    Version { got: u8 },
    /// A frame was lost, repeated or moved.
    #[error("AppAG frame number {got}, expected {expected}")]
    Sequence { expected: u32, got: u32 },
    /// No message has this kind.
    #[error("AppAG message kind {got} is unknown")]
    Kind { got: u8 },
    /// The header announces more than [`BODY_MAX`] bytes.
    #[error("AppAG body of {len} bytes, expected at most {BODY_MAX}")]
    Oversized { len: u32 },
    /// The body is not what its kind demands.
    #[error("AppAG message kind {kind} is malformed at byte {at} of its body")]
    Body { kind: u8, at: usize },
}

/// Turns messages into frames; one for each direction of each connection.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    sequence: u32,
}

impl Encoder {
    /// Returns the next frame, whole.
    ///
    /// Texts longer than a message may carry are cut, so every frame is one that [`Decoder`] takes.
    pub fn encode(&mut self, message: &Message) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HEADER_LEN + 64);
        frame.extend_from_slice(&MAGIC);
        frame.extend_from_slice(&[VERSION, message.kind()]);
        frame.extend_from_slice(&self.sequence.to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        message.encode_body(&mut frame);
        let len = u32::try_from(frame.len() - HEADER_LEN).unwrap_or(u32::MAX);
        if let Some(field) = frame.get_mut(HEADER_LEN - 4..HEADER_LEN) {
            field.copy_from_slice(&len.to_be_bytes());
        }
        self.sequence = self.sequence.wrapping_add(1);
        frame
    }
}

/// Turns bytes, in whatever pieces they arrive, back into messages.
///
/// Push what was read, then pull until `None`: then it holds less than one frame.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Where in `bytes` the first unread frame begins.
    start: usize,
    sequence: u32,
    broken: Option<FrameError>,
}

impl Decoder {
    /// Takes bytes as they were read. After an error they are thrown away.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            self.bytes.drain(..self.start);
            self.start = 0;
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Returns the next whole message; `None` until more bytes come.
    ///
    /// # Errors
    /// [`FrameError`], the same at every further call: close the connection.
    pub fn pull(&mut self) -> Result<Option<Message>, FrameError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let frame = self.bytes.get(self.start..).unwrap_or_default();
        match first_message(frame, self.sequence) {
            Ok(Some((message, len))) => {
                self.start += len;
                self.sequence = self.sequence.wrapping_add(1);
                Ok(Some(message))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.broken = Some(error);
                self.bytes = Vec::new();
                self.start = 0;
                Err(error)
            }
        }
    }

    /// Returns the number of bytes that wait for the rest of their frame.
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.start
    }
}

/// Parses the frame at the beginning of `bytes`; returns its message and its whole length.
fn first_message(bytes: &[u8], sequence: u32) -> Result<Option<(Message, usize)>, FrameError> {
    // What is there of the magic is checked at once: a stranger may never send fourteen bytes.
    if bytes.iter().zip(&MAGIC).any(|(got, want)| got != want) {
        return Err(FrameError::Magic);
    }
    if let Some(&got) = bytes.get(4).filter(|got| **got != VERSION) {
        return Err(FrameError::Version { got });
    }
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let [_, _, _, _, _, kind, s0, s1, s2, s3, l0, l1, l2, l3] = *header;
    let got = u32::from_be_bytes([s0, s1, s2, s3]);
    if got != sequence {
        return Err(FrameError::Sequence { expected: sequence, got });
    }
    if !Message::KINDS.contains(&kind) {
        return Err(FrameError::Kind { got: kind });
    }
    let announced = u32::from_be_bytes([l0, l1, l2, l3]);
    let len = usize::try_from(announced).unwrap_or(usize::MAX);
    if len > BODY_MAX {
        return Err(FrameError::Oversized { len: announced });
    }
    let Some(body) = rest.get(..len) else {
        return Ok(None);
    };
    let message = Message::decode_body(kind, body)?;
    Ok(Some((message, HEADER_LEN + len)))
}

#[cfg(test)]
mod tests;
