//! The way from a terminal, an SSH channel or a script to the supervisor's sessions.
//!
//! One bounded channel goes in, one a session comes back. A way in that does not read slows down
//! its own session and no other: what it has not taken is bounded, and past that it is cut off.

use tokio::sync::{mpsc, oneshot};

pub use crate::cli::desk::SessionId;

/// Longest backlog of one session's output, in messages, before the session is cut off.
pub const BACKLOG_MAX: usize = 1024;

/// What a way in tells the supervisor.
#[derive(Debug)]
pub enum ToSession {
    /// Open a session for somebody who has logged in already.
    Open { user: String, from: String, columns: u16, rows: u16, reply: oneshot::Sender<Opened> },
    /// Bytes from the keyboard; `serial` counts them per session.
    Bytes { id: SessionId, serial: u64, bytes: Vec<u8> },
    /// The window changed.
    Resize { id: SessionId, columns: u16, rows: u16 },
    /// Nobody is there any more.
    Hangup { id: SessionId },
}

/// What a session tells its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromSession {
    /// Bytes for the screen.
    Bytes(Vec<u8>),
    /// Everything up to this serial is done with and the session stands at a prompt.
    Settled(u64),
    /// The session has ended.
    Closed,
}

/// An open session, as its way in holds it.
#[derive(Debug)]
pub struct Opened {
    pub id: SessionId,
    pub output: mpsc::Receiver<FromSession>,
}
