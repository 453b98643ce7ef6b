//! TFTP.
//!
//! # Source
//! RFC 1350; RFC 2347 and RFC 2348 for the size of a block.

use std::net::SocketAddr;
use std::time::Duration;

use super::{FILE_MAX, TransferError};
use crate::net::stack::{Stack, UdpSocket};

/// Bytes of a block without an agreement, and those that are asked for.
const BLOCK: usize = 512;
const BLOCK_WANTED: usize = 1400;
/// How long an answer is waited for, and how often something is sent.
const WAIT: Duration = Duration::from_secs(2);
const TRIES: u32 = 5;

const READ: u16 = 1;
const WRITE: u16 = 2;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const AGREED: u16 = 6;

/// What a server sends.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Data(u16, Vec<u8>),
    Ack(u16),
    /// The options that it agrees to; of them the size of a block.
    Agreed(Option<usize>),
    Error(String),
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let word = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let rest = bytes.get(4..).unwrap_or_default();
    Some(match word(0)? {
        DATA => Answer::Data(word(2)?, rest.to_vec()),
        ACK => Answer::Ack(word(2)?),
        ERROR => {
            let text = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            Answer::Error(String::from_utf8_lossy(text).into_owned())
        }
        AGREED => {
            let mut words = bytes.get(2..)?.split(|byte| *byte == 0);
            let mut size = None;
            while let (Some(name), Some(value)) = (words.next(), words.next()) {
                if name.eq_ignore_ascii_case(b"blksize") {
                    size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                }
            }
            Answer::Agreed(size.filter(|size| (8..=BLOCK_WANTED).contains(size)))
        }
        _ => return None,
    })
}

/// A transfer under way: the server answers from a port of its own.
struct Session {
    socket: UdpSocket,
    server: SocketAddr,
    /// Known once it has answered.
    peer: Option<SocketAddr>,
}

impl Session {
    fn open(stack: &Stack, server: SocketAddr) -> Result<Session, TransferError> {
        let local = SocketAddr::new([0, 0, 0, 0].into(), 0);
        let socket = stack.bind_udp(local).map_err(|_| TransferError::Broken)?;
        Ok(Session { socket, server, peer: None })
    }

    /// Sends until an answer comes that `fits`.
    async fn ask<T>(
        &mut self,
        message: &[u8],
        fits: impl Fn(Answer) -> Option<T>,
    ) -> Result<T, TransferError> {
        for _ in 0..TRIES {
            self.socket.send_to(message, self.peer.unwrap_or(self.server)).await?;
            if let Some(answer) = self.hear(&fits).await? {
                return Ok(answer);
            }
        }
        Err(TransferError::Silent)
    }

    /// Waits for an answer that `fits`; `None` if none comes in time.
    async fn hear<T>(
        &mut self,
        fits: &impl Fn(Answer) -> Option<T>,
    ) -> Result<Option<T>, TransferError> {
        let mut buffer = vec![0; BLOCK_WANTED + 64];
        let end = tokio::time::Instant::now() + WAIT;
        loop {
            let heard = tokio::time::timeout_at(end, self.socket.recv_from(&mut buffer)).await;
            let Ok(heard) = heard else { return Ok(None) };
            let (len, from) = heard?;
            let known = self.peer.map_or(from.ip() == self.server.ip(), |peer| peer == from);
            let answer = buffer.get(..len).filter(|_| known).and_then(parse);
            let Some(answer) = answer else { continue };
            self.peer = Some(from);
            if let Answer::Error(text) = answer {
                return Err(TransferError::Refused(text));
            }
            if let Some(found) = fits(answer) {
                return Ok(Some(found));
            }
        }
    }
}

fn request(kind: u16, path: &str) -> Vec<u8> {
    let mut message = kind.to_be_bytes().to_vec();
    let size = BLOCK_WANTED.to_string();
    for word in [path, "octet", "blksize", &size] {
        message.extend_from_slice(word.as_bytes());
        message.push(0);
    }
    message
}

fn numbered(kind: u16, block: u16) -> Vec<u8> {
    [kind.to_be_bytes(), block.to_be_bytes()].concat()
}

/// Stores a file.
///
/// # Errors
/// [`TransferError`], with the server's words where it had some.
pub async fn store(
    stack: &Stack,
    to: SocketAddr,
    path: &str,
    content: &[u8],
) -> Result<(), TransferError> {
    let mut session = Session::open(stack, to)?;
    let begin = |answer| match answer {
        Answer::Agreed(size) => Some(size.unwrap_or(BLOCK)),
        Answer::Ack(0) => Some(BLOCK),
        Answer::Ack(_) | Answer::Data(..) | Answer::Error(_) => None,
    };
    let size = session.ask(&request(WRITE, path), begin).await?;
    // A file whose length is a multiple of the block's ends with an empty one.
    for index in 0..=content.len() / size {
        let block = u16::try_from((index + 1) & 0xffff).unwrap_or(0);
        let mut message = numbered(DATA, block);
        let part = content.get(index * size..).unwrap_or_default();
        message.extend_from_slice(part.get(..size).unwrap_or(part));
        let acked = |answer| (answer == Answer::Ack(block)).then_some(());
        session.ask(&message, acked).await?;
    }
    Ok(())
}

/// Fetches a file.
///
/// # Errors
/// [`TransferError`], with the server's words where it had some.
pub async fn fetch(stack: &Stack, from: SocketAddr, path: &str) -> Result<Vec<u8>, TransferError> {
    let mut session = Session::open(stack, from)?;
    let (mut size, mut block) = (BLOCK, 1_u16);
    let begin = |answer| match answer {
        Answer::Agreed(_) | Answer::Data(1, _) => Some(answer),
        Answer::Ack(_) | Answer::Data(..) | Answer::Error(_) => None,
    };
    let next = |wanted: u16| {
        move |answer| match answer {
            Answer::Data(number, bytes) if number == wanted => Some(bytes),
            Answer::Data(..) | Answer::Ack(_) | Answer::Agreed(_) | Answer::Error(_) => None,
        }
    };
    let first = session.ask(&request(READ, path), begin).await?;
    let mut bytes = match first {
        Answer::Data(_, bytes) => bytes,
        Answer::Agreed(agreed) => {
            size = agreed.unwrap_or(BLOCK);
            session.ask(&numbered(ACK, 0), next(1)).await?
        }
        Answer::Ack(_) | Answer::Error(_) => return Err(TransferError::Nonsense),
    };
    let mut content = Vec::new();
    loop {
        content.extend_from_slice(&bytes);
        if content.len() > FILE_MAX {
            return Err(TransferError::TooLong);
        }
        let ack = numbered(ACK, block);
        if bytes.len() < size {
            let peer = session.peer.unwrap_or(from);
            session.socket.send_to(&ack, peer).await?;
            return Ok(content);
        }
        block = block.wrapping_add(1);
        bytes = session.ask(&ack, next(block)).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_nonsense_is_not() {
        assert_eq!(parse(&[0, 3, 0, 1, b'x']), Some(Answer::Data(1, b"x".to_vec())));
        assert_eq!(parse(&[0, 4, 0, 9]), Some(Answer::Ack(9)));
        let error = Answer::Error("File not found".into());
        assert_eq!(parse(b"\0\x05\0\x01File not found\0"), Some(error));
        assert_eq!(parse(b"\0\x06blksize\x001000\0"), Some(Answer::Agreed(Some(1000))));
        assert_eq!(parse(b"\0\x06blksize\x0099999\0"), Some(Answer::Agreed(None)));
        for bad in [&b""[..], b"\0", b"\0\x04", b"\0\x09ab", b"\0\x03\0"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
