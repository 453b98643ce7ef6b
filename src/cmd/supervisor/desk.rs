//! The sessions' ways in: what they say goes to the desk, what it has for them goes back.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use crate::base::ident::Slot;
use crate::base::time::Now;
use crate::cli::desk::{self, Output, SessionId, Visitor};
use crate::proto::mio::Mio;
use crate::shell::sessions::{BACKLOG_MAX, FromSession, Opened, ToSession};

/// The desk, and the way back to each of its sessions.
#[derive(Default)]
pub(super) struct Desk {
    desk: desk::Desk,
    ways: BTreeMap<SessionId, mpsc::Sender<FromSession>>,
}

impl Desk {
    /// Applies what a way in says.
    pub(super) fn take(&mut self, now: Now, mio: &mut Mio, message: ToSession) {
        match message {
            ToSession::Open { user, from, columns, rows, reply } => {
                let visitor = Visitor { user, from, columns, rows };
                let Some(id) = self.desk.open(now, mio, visitor) else { return };
                let (way, output) = mpsc::channel(BACKLOG_MAX);
                if reply.send(Opened { id, output }).is_ok() {
                    self.ways.insert(id, way);
                } else {
                    self.desk.hang_up(now, mio, id);
                }
            }
            ToSession::Bytes { id, serial, bytes } => {
                self.desk.typed(now, mio, id, serial, &bytes);
            }
            ToSession::Resize { id, columns, rows } => self.desk.resize(id, columns, rows),
            ToSession::Hangup { id } => self.desk.hang_up(now, mio, id),
        }
    }

    /// Passes on what a blade's console printed.
    pub(super) fn console_out(
        &mut self,
        now: Now,
        mio: &mut Mio,
        slot: Slot,
        bytes: &[u8],
        settled: Option<u32>,
    ) {
        self.desk.console_out(now, mio, slot, bytes, settled);
    }

    /// Tells whoever has a blade's console that it is gone.
    pub(super) fn console_down(&mut self, now: Now, mio: &mut Mio, slot: Slot) {
        self.desk.console_down(now, mio, slot);
    }

    /// Sends what the sessions printed; true if the machine has something new to do.
    pub(super) fn flush(&mut self, now: Now, mio: &mut Mio) -> bool {
        let mut more = self.desk.flush(now, mio);
        while let Some(output) = self.desk.poll() {
            let (id, message) = match output {
                Output::Bytes { id, bytes } => (id, FromSession::Bytes(bytes)),
                Output::Settled { id, serial } => (id, FromSession::Settled(serial)),
                Output::Closed { id } => (id, FromSession::Closed),
            };
            let closed = message == FromSession::Closed;
            let sent = self.ways.get(&id).is_some_and(|way| way.try_send(message).is_ok());
            if closed {
                self.ways.remove(&id);
            } else if !sent {
                // It is gone, or too far behind.
                self.desk.hang_up(now, mio, id);
                more = true;
            }
        }
        more
    }

    /// Ends every session.
    pub(super) fn close_all(&mut self) {
        for way in self.ways.values() {
            // Whoever sat there may have gone.
            let _ = way.try_send(FromSession::Closed);
        }
        self.ways.clear();
    }
}
