//! The way from a terminal, an SSH channel or a script to the supervisor's sessions.
//!
//! One bounded channel goes in, one a session comes back. A way in that does not read slows down
//! its own session and no other: what it has not taken is bounded, and past that it is cut off.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

pub use crate::cli::desk::{SessionId, Start, Visitor};
use crate::cli::setup::Answers;
use crate::proto::accounts::{self, Admission, Challenge};

/// Longest backlog of one session's output, in messages, before the session is cut off.
pub const BACKLOG_MAX: usize = 1024;
/// Most bytes that a session may have unread when it prints more; then it is cut off. What one
/// command prints always fits.
pub const UNREAD_MAX: usize = 1024 * 1024;

/// What a way in tells the supervisor.
pub enum ToSession {
    /// What do the credentials of somebody with this name have to match?
    Challenge { user: String, reply: oneshot::Sender<Challenge> },
    /// Somebody's credentials were compared and are right; `None` comes back if the account is of no
    /// use any more.
    Right { visitor: accounts::Visitor, reply: oneshot::Sender<Option<Admission>> },
    /// Somebody's credentials were compared and are wrong.
    Wrong { visitor: accounts::Visitor },
    /// Open a session for somebody who has logged in already.
    Open { visitor: Visitor, reply: oneshot::Sender<Result<Opened, Refused>> },
    /// Bytes from the keyboard; `serial` counts them per session.
    Bytes { id: SessionId, serial: u64, bytes: Vec<u8> },
    /// The window changed.
    Resize { id: SessionId, columns: u16, rows: u16 },
    /// Nothing more will be typed; what is under way is finished first.
    LastKey { id: SessionId },
    /// Print a line that does not come from the session, above what is being typed.
    Notice { id: SessionId, text: String },
    /// Nobody is there any more.
    Hangup { id: SessionId },
    /// The first-boot dialog found this out; an error is the device's words.
    SetUp { answers: Box<Answers>, reply: oneshot::Sender<Result<(), String>> },
}

impl fmt::Debug for ToSession {
    /// Writes what kind of message it is: keys and names may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ToSession::Challenge { .. } => "Challenge",
            ToSession::Right { .. } => "Right",
            ToSession::Wrong { .. } => "Wrong",
            ToSession::Open { .. } => "Open",
            ToSession::Bytes { .. } => "Bytes",
            ToSession::Resize { .. } => "Resize",
            ToSession::LastKey { .. } => "LastKey",
            ToSession::Notice { .. } => "Notice",
            ToSession::Hangup { .. } => "Hangup",
            ToSession::SetUp { .. } => "SetUp",
        })
    }
}

/// What a session tells its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromSession {
    /// Bytes for the screen.
    Bytes(Vec<u8>),
    /// Everything up to this serial is done with and the session stands at a prompt.
    Settled(u64),
    /// The session has ended; true if it refused something.
    Closed { refused: bool },
}

/// No session was opened: the device's words for it, without a line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

/// An open session, as its way in holds it.
#[derive(Debug)]
pub struct Opened {
    pub id: SessionId,
    pub output: Screen,
}

/// What a session prints, for its way in to read.
#[derive(Debug)]
pub struct Screen {
    messages: mpsc::Receiver<FromSession>,
    unread: Arc<AtomicUsize>,
    cut: oneshot::Receiver<()>,
}

impl Screen {
    /// Returns the next message; `None` once the session is gone without a word.
    pub async fn recv(&mut self) -> Option<FromSession> {
        let message = self.messages.recv().await;
        if let Some(FromSession::Bytes(bytes)) = &message {
            self.unread.fetch_sub(bytes.len(), Ordering::Relaxed);
        }
        message
    }

    /// Waits until the session is cut off because too little was read; forever if it never is.
    pub async fn cut(&mut self) {
        if (&mut self.cut).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The other end of a [`Screen`].
#[derive(Debug)]
pub struct Printer {
    messages: mpsc::Sender<FromSession>,
    unread: Arc<AtomicUsize>,
    cut: oneshot::Sender<()>,
}

impl Printer {
    /// Makes both ends.
    pub fn new() -> (Printer, Screen) {
        let (sender, receiver) = mpsc::channel(BACKLOG_MAX);
        let unread = Arc::new(AtomicUsize::new(0));
        let (cut, told) = oneshot::channel();
        let printer = Printer { messages: sender, unread: Arc::clone(&unread), cut };
        (printer, Screen { messages: receiver, unread, cut: told })
    }

    /// Tells the way in that it is cut off.
    pub fn cut(self) {
        // It may have gone by itself.
        let _ = self.cut.send(());
    }

    /// Returns how many bytes the way in has not read yet, as it changes.
    pub fn unread(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.unread)
    }

    /// Prints without waiting; false if nobody reads any more, or reads too little.
    pub fn print(&self, message: FromSession) -> bool {
        if let FromSession::Bytes(bytes) = &message {
            let unread = self.unread.fetch_add(bytes.len(), Ordering::Relaxed);
            if unread > UNREAD_MAX {
                return false;
            }
        }
        self.messages.try_send(message).is_ok()
    }
}

/// A supervisor, as its ways in reach it.
pub trait Front: Clone + Send + Sync + 'static {
    /// Passes on what a way in has to say; false when the supervisor has ended.
    fn tell(&self, message: ToSession) -> impl Future<Output = bool> + Send;
}

/// Asks the supervisor something; `None` when it has ended.
pub async fn ask<T: Send>(
    front: &impl Front,
    question: impl FnOnce(oneshot::Sender<T>) -> ToSession,
) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    front.tell(question(reply)).await.then_some(())?;
    answer.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_nothing_is_cut_off_but_one_command_always_fits() {
        let (printer, screen) = Printer::new();
        let bytes = |len| FromSession::Bytes(vec![0; len]);
        assert!(printer.print(bytes(3 * UNREAD_MAX)));
        assert!(!printer.print(bytes(1)));
        drop(screen);
        let (printer, screen) = Printer::new();
        let sent = (0..2 * BACKLOG_MAX).filter(|_| printer.print(bytes(1))).count();
        assert_eq!(sent, BACKLOG_MAX);
        drop(screen);
        assert!(!printer.print(FromSession::Settled(1)));
    }

    #[tokio::test]
    async fn what_is_read_makes_room_again() {
        let (printer, mut screen) = Printer::new();
        for _ in 0..8 {
            assert!(printer.print(FromSession::Bytes(vec![0; UNREAD_MAX])));
            assert!(matches!(screen.recv().await, Some(FromSession::Bytes(_))));
        }
    }
}
