//! One channel: a session's screen on its way to the client.

use std::time::Duration;

use russh::ChannelId;
use russh::server::Handle;

use super::visitor::Channels;
use crate::shell::leash::Leash;
use crate::shell::sessions::{FromSession, Screen};

/// Longest time that a client may take nothing of what a session prints; then the connection goes.
const WRITE_WAIT: Duration = Duration::from_secs(120);
/// Exit status of a command that was refused.
///
/// # Source
/// Recall.
const REFUSED: u32 = 1;

/// How a channel shows things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A terminal: lines end in `\r\n`.
    Terminal,
    /// A pipe: lines end in `\n`.
    Pipe,
}

/// A channel of a connection, for whoever prints on it.
#[derive(Clone)]
pub(super) struct Outlet {
    pub(super) handle: Handle,
    pub(super) channel: ChannelId,
    pub(super) look: Look,
    pub(super) leash: Leash,
    pub(super) channels: Channels,
}

impl Outlet {
    /// Shows a text whose lines end in `\n`; false once the client is gone.
    pub(super) async fn show(&self, text: &str) -> bool {
        let bytes = match self.look {
            Look::Terminal => text.replace('\n', "\r\n").into_bytes(),
            Look::Pipe => text.as_bytes().to_vec(),
        };
        self.handle.data(self.channel, bytes).await.is_ok()
    }

    /// Shows what a session prints until it ends, and closes the channel.
    ///
    /// `runs_line` is true for a command: its exit status says whether it was refused.
    pub(super) async fn follow(self, mut screen: Screen, runs_line: bool) {
        let status = loop {
            match screen.recv().await {
                Some(FromSession::Bytes(mut bytes)) => {
                    if self.look == Look::Pipe {
                        bytes.retain(|byte| *byte != b'\r');
                    }
                    tokio::select! {
                        sent = self.handle.data(self.channel, bytes) => {
                            if sent.is_err() {
                                return;
                            }
                        }
                        () = screen.cut() => return self.leash.cut(),
                        () = tokio::time::sleep(WRITE_WAIT) => return self.leash.cut(),
                    }
                }
                Some(FromSession::Settled(_)) => {}
                Some(FromSession::Closed { refused: true }) if runs_line => break REFUSED,
                Some(FromSession::Closed { .. }) => break 0,
                None => return self.leash.cut(),
            }
        };
        self.close(status).await;
    }

    /// Closes the channel. The client may be gone: then there is nothing to close.
    pub(super) async fn close(&self, status: u32) {
        // russh tells of a close that the client began, and of no other.
        self.channels.remove(self.channel);
        let _ = self.handle.exit_status_request(self.channel, status).await;
        let _ = self.handle.eof(self.channel).await;
        let _ = self.handle.close(self.channel).await;
    }
}
