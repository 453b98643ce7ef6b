//! The open sessions: bytes in from their ways in, screens out, blades' consoles in between.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use crate::base::ident::Slot;
use crate::base::time::Now;
use crate::cli::call::Login;
use crate::cli::grammar::Role;
use crate::cli::tables::MIO;
use crate::cli::terminal::{Output, Terminal};
use crate::proto::broker;
use crate::proto::mio::{Event, Mio};
use crate::shell::sessions::{BACKLOG_MAX, FromSession, Opened, SessionId, ToSession};

/// Most sessions at once.
///
/// # Source
/// Seed, `show configuration`: `set total 32` under shell-session-limits.
const SESSIONS_MAX: usize = 32;

/// Every open session.
#[derive(Default)]
pub(super) struct Desk {
    sessions: BTreeMap<SessionId, Session>,
    next: u32,
}

struct Session {
    terminal: Terminal<Mio>,
    output: mpsc::Sender<FromSession>,
    columns: u16,
    rows: u16,
    /// The module whose console it has, with the serial of what was typed last.
    relay: Option<(Slot, u32)>,
    /// Serial of the last bytes taken, and the last one said to be settled.
    taken: u64,
    settled: Option<u64>,
    ended: bool,
}

impl Desk {
    /// Applies what a way in says.
    pub(super) fn take(&mut self, now: Now, mio: &mut Mio, message: ToSession) {
        match message {
            ToSession::Open { user, from, columns, rows, reply } => {
                if self.sessions.len() >= SESSIONS_MAX {
                    return;
                }
                self.next += 1;
                let id = SessionId(self.next);
                let login = Login { session: id.0, user, role: Role::Admin, from };
                let mut terminal = Terminal::new(&MIO, login, columns, rows);
                terminal.start(now, mio);
                let (output, receiver) = mpsc::channel(BACKLOG_MAX);
                let session = Session {
                    terminal,
                    output,
                    columns,
                    rows,
                    relay: None,
                    taken: 0,
                    settled: None,
                    ended: false,
                };
                if reply.send(Opened { id, output: receiver }).is_ok() {
                    self.sessions.insert(id, session);
                }
            }
            ToSession::Bytes { id, serial, bytes } => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.terminal.bytes(now, mio, &bytes);
                    session.taken = serial;
                }
            }
            ToSession::Resize { id, columns, rows } => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    (session.columns, session.rows) = (columns, rows);
                    session.terminal.resize(columns, rows);
                }
            }
            ToSession::Hangup { id } => self.close(now, mio, id),
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
        if let Some(session) = self.at_console(slot) {
            let last = session.relay.map(|(_, serial)| serial);
            let settled = settled.is_some() && settled == last;
            session.terminal.relay(now, mio, bytes, settled);
        }
    }

    /// Tells whoever has a blade's console that it is gone.
    pub(super) fn console_down(&mut self, now: Now, mio: &mut Mio, slot: Slot) {
        if let Some(session) = self.at_console(slot) {
            session.relay = None;
            session.terminal.relay_gone(now, mio);
        }
    }

    /// Sends what the sessions printed; true if the machine has something new to do.
    pub(super) fn flush(&mut self, now: Now, mio: &mut Mio) -> bool {
        let mut more = false;
        let mut ended = Vec::new();
        let ids: Vec<SessionId> = self.sessions.keys().copied().collect();
        for id in ids {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            while let Some(output) = session.terminal.poll() {
                more |= session.perform(now, mio, output);
            }
            if session.terminal.is_idle() && session.settled != Some(session.taken) && !more {
                session.settled = Some(session.taken);
                session.send(FromSession::Settled(session.taken));
            }
            if session.ended {
                ended.push(id);
            }
        }
        for id in ended {
            self.close(now, mio, id);
        }
        more
    }

    /// Ends the sessions of one account, or all of them.
    pub(super) fn end(&mut self, user: Option<&str>) {
        for session in self.sessions.values_mut() {
            session.ended |= user.is_none_or(|user| session.terminal.login().user == user);
        }
    }

    /// Ends every session.
    pub(super) fn close_all(&mut self) {
        for session in self.sessions.values_mut() {
            session.send(FromSession::Closed);
        }
        self.sessions.clear();
    }

    fn close(&mut self, now: Now, mio: &mut Mio, id: SessionId) {
        let Some(mut session) = self.sessions.remove(&id) else { return };
        session.send(FromSession::Closed);
        if let Some((slot, _)) = session.relay {
            mio.handle(now, Event::Broker(broker::Event::ConsoleClose { slot }));
        }
        mio.pending.remove(&id.0);
    }

    fn at_console(&mut self, slot: Slot) -> Option<&mut Session> {
        self.sessions.values_mut().find(|session| session.relay.is_some_and(|(at, _)| at == slot))
    }
}

impl Session {
    /// Carries out one wish of the terminal; true if the machine has something new to do.
    fn perform(&mut self, now: Now, mio: &mut Mio, output: Output<Mio>) -> bool {
        match output {
            Output::Bytes(bytes) => {
                self.send(FromSession::Bytes(bytes));
                false
            }
            Output::OpenRelay { slot, .. } => {
                self.relay = Some((slot, 0));
                let (width, height) = (self.columns, self.rows);
                let open = broker::Event::ConsoleOpen { slot, width, height };
                mio.handle(now, Event::Broker(open));
                true
            }
            Output::Relay { slot, bytes } => {
                let serial = self.relay.map_or(0, |(_, serial)| serial) + 1;
                self.relay = Some((slot, serial));
                let typed = broker::Event::ConsoleIn { slot, serial, bytes };
                mio.handle(now, Event::Broker(typed));
                true
            }
            Output::CloseRelay { slot } => {
                self.relay = None;
                mio.handle(now, Event::Broker(broker::Event::ConsoleClose { slot }));
                true
            }
            Output::StartJob(_) => false,
            Output::CancelJob => false,
            Output::Closed => {
                self.ended = true;
                false
            }
        }
    }

    /// Queues something for the way in; one that is too far behind is cut off.
    fn send(&mut self, message: FromSession) {
        if self.output.try_send(message).is_err() {
            self.ended = true;
        }
    }
}
