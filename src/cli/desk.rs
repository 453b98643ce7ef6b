//! The open sessions of a supervisor: bytes in from their ways in, screens out, and the consoles of
//! the blades in between.

use std::collections::{BTreeMap, VecDeque};

use super::call::Login;
use super::grammar::Role;
use super::job::Job;
use super::tables::MIO;
use super::terminal::{Output as Wish, Terminal};
use crate::base::ident::Slot;
use crate::base::time::{Instant, Now};
use crate::proto::accounts::{self, TooMany, Way};
use crate::proto::broker;
use crate::proto::mio::{Event, Mio};

/// Names an open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(pub u32);

/// Somebody who has logged in already, and what they have before them.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub user: String,
    pub role: Role,
    pub way: Way,
    /// Where they sit, `console` or an address.
    pub from: String,
    pub columns: u16,
    /// Lines of the screen; 0 for no pausing.
    pub rows: u16,
    pub start: Start,
}

/// What a session begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A prompt; keys are shown if somebody sees them.
    Prompt { echo: bool },
    /// A line to run, and the end; nobody sees a prompt.
    Line(String),
}

impl Visitor {
    /// Makes the administrator at the lab's own terminal, where nobody logs in.
    pub fn at_terminal(columns: u16, rows: u16) -> Visitor {
        Visitor {
            user: accounts::user::ADMIN.to_owned(),
            role: Role::Admin,
            way: Way::Terminal,
            from: "console".to_owned(),
            columns,
            rows,
            start: Start::Prompt { echo: true },
        }
    }
}

/// What a session has for its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the screen.
    Bytes { id: SessionId, bytes: Vec<u8> },
    /// Everything up to this serial is done with and the session stands at a prompt.
    Settled { id: SessionId, serial: u64 },
    /// Begin a job for the session; it gives back [`Desk::job_output`] and [`Desk::job_done`].
    StartJob { id: SessionId, job: Job },
    /// End the job of the session.
    CancelJob { id: SessionId },
    /// The session has ended; true if it refused something.
    Closed { id: SessionId, refused: bool },
}

/// Every open session.
#[derive(Debug, Default)]
pub struct Desk {
    sessions: BTreeMap<SessionId, Session>,
    /// Number of the session opened last.
    last: u32,
    /// The time of the people who sit here, which no lab can advance.
    patience: Instant,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
struct Session {
    terminal: Terminal<Mio>,
    columns: u16,
    rows: u16,
    /// The module whose console it has, with the serial of what was typed last.
    relay: Option<(Slot, u32)>,
    /// Serial of the last bytes taken, and the last one said to be settled.
    taken: u64,
    settled: Option<u64>,
    /// True once nothing more will be typed.
    last_key: bool,
    ended: bool,
}

impl Desk {
    /// Reads the clock of the people who sit here: time-outs run by it.
    pub fn tick(&mut self, patience: Instant) {
        self.patience = patience;
    }

    /// Opens a session.
    ///
    /// # Errors
    /// [`TooMany`] when the account or the chassis has as many as it may.
    pub fn open(
        &mut self,
        now: Now,
        mio: &mut Mio,
        visitor: Visitor,
    ) -> Result<SessionId, TooMany> {
        let Visitor { user, role, way, from, columns, rows, start } = visitor;
        let who = accounts::Visitor { user: user.clone(), way, from: from.clone() };
        let id = SessionId(self.last + 1);
        mio.accounts.open((now, self.patience), mio.config.objects(), id.0, who)?;
        self.last += 1;
        let login = Login { session: id.0, user, role, from };
        let mut terminal = Terminal::new(&MIO, login, columns, rows);
        match start {
            Start::Prompt { echo } => {
                if !echo {
                    terminal.mute();
                }
                terminal.start(now, mio);
            }
            Start::Line(line) => terminal.run_line(now, mio, &line),
        }
        let (relay, taken, settled, last_key, ended) = (None, 0, None, false, false);
        let session = Session { terminal, columns, rows, relay, taken, settled, last_key, ended };
        self.sessions.insert(id, session);
        Ok(id)
    }

    /// Takes bytes from the keyboard; `serial` counts them per session.
    pub fn typed(&mut self, now: Now, mio: &mut Mio, id: SessionId, serial: u64, bytes: &[u8]) {
        mio.accounts.touch(self.patience, id.0);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.terminal.bytes(now, mio, bytes);
            session.taken = serial;
        }
    }

    /// Learns that a screen has another size.
    pub fn resize(&mut self, id: SessionId, columns: u16, rows: u16) {
        if let Some(session) = self.sessions.get_mut(&id) {
            (session.columns, session.rows) = (columns, rows);
            session.terminal.resize(columns, rows);
        }
    }

    /// Learns that nothing more will be typed: the session ends when it has done what it has.
    pub fn last_key(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.last_key = true;
        }
    }

    /// Ends a session that the machine wants ended, after a line that says why.
    pub fn end(&mut self, session: u32, text: Option<&str>) {
        let id = SessionId(session);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.ended = true;
            let said = text.map(|text| format!("\r\n{text}\r\n").into_bytes());
            let said = said.map(|bytes| Output::Bytes { id, bytes });
            self.outputs.extend(said);
        }
    }

    /// Prints a line on a session's screen, above what is being typed.
    pub fn notice(&mut self, now: Now, mio: &mut Mio, id: SessionId, text: &str) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.terminal.notice(now, mio, text);
        }
    }

    /// Ends a session whose way in is gone, or reads too little.
    pub fn hang_up(&mut self, now: Now, mio: &mut Mio, id: SessionId) {
        let Some(session) = self.sessions.remove(&id) else { return };
        mio.accounts.close(now, id.0);
        self.outputs.push_back(Output::Closed { id, refused: session.terminal.has_refused() });
        if let Some((slot, _)) = session.relay {
            mio.handle(now, Event::Broker(broker::Event::ConsoleClose { slot }));
        }
        mio.pending.remove(&id.0);
        mio.workspace.leave(id.0);
    }

    /// Passes on what the job of a session printed.
    pub fn job_output(&mut self, id: SessionId, text: &str) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.terminal.job_output(text);
        }
    }

    /// Ends the job of a session.
    pub fn job_done(&mut self, now: Now, mio: &mut Mio, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.terminal.job_done(now, mio);
        }
    }

    /// Passes on what a blade's console printed.
    pub fn console_out(
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
    pub fn console_down(&mut self, now: Now, mio: &mut Mio, slot: Slot) {
        if let Some(session) = self.at_console(slot) {
            session.relay = None;
            session.terminal.relay_gone(now, mio);
        }
    }

    /// Carries out what the terminals want; true if the machine has something new to do.
    pub fn flush(&mut self, now: Now, mio: &mut Mio) -> bool {
        let mut more = false;
        let mut ended = Vec::new();
        for (id, session) in &mut self.sessions {
            let id = *id;
            while let Some(wish) = session.terminal.poll() {
                match session.carry_out(wish) {
                    Done::Show(bytes) => self.outputs.push_back(Output::Bytes { id, bytes }),
                    Done::Tell(event) => {
                        mio.handle(now, Event::Broker(event));
                        more = true;
                    }
                    Done::Start(job) => self.outputs.push_back(Output::StartJob { id, job }),
                    Done::Cancel => self.outputs.push_back(Output::CancelJob { id }),
                    Done::Nothing => {}
                }
            }
            if session.terminal.is_idle() && session.settled != Some(session.taken) && !more {
                session.settled = Some(session.taken);
                self.outputs.push_back(Output::Settled { id, serial: session.taken });
            }
            session.ended |= session.last_key && session.terminal.is_idle() && !more;
            if session.ended {
                ended.push(id);
            }
        }
        for id in ended {
            self.hang_up(now, mio, id);
            more = true;
        }
        more
    }

    /// Forgets every session, as a restart does; numbers are not used again.
    pub fn forget(&mut self) {
        self.sessions.clear();
        self.outputs.clear();
    }

    /// Returns the next thing that a session has for its way in.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn at_console(&mut self, slot: Slot) -> Option<&mut Session> {
        self.sessions.values_mut().find(|session| session.relay.is_some_and(|(at, _)| at == slot))
    }
}

/// What a terminal's wish comes to.
enum Done {
    Show(Vec<u8>),
    Tell(broker::Event),
    Start(Job),
    Cancel,
    Nothing,
}

impl Session {
    fn carry_out(&mut self, wish: Wish<Mio>) -> Done {
        match wish {
            Wish::Bytes(bytes) => Done::Show(bytes),
            Wish::OpenRelay { slot, .. } => {
                self.relay = Some((slot, 0));
                let (width, height) = (self.columns, self.rows);
                Done::Tell(broker::Event::ConsoleOpen { slot, width, height })
            }
            Wish::Relay { slot, bytes } => {
                let serial = self.relay.map_or(0, |(_, serial)| serial) + 1;
                self.relay = Some((slot, serial));
                Done::Tell(broker::Event::ConsoleIn { slot, serial, bytes })
            }
            Wish::CloseRelay { slot } => {
                self.relay = None;
                Done::Tell(broker::Event::ConsoleClose { slot })
            }
            Wish::StartJob(job) => Done::Start(job),
            Wish::CancelJob => Done::Cancel,
            Wish::Closed => {
                self.ended = true;
                Done::Nothing
            }
        }
    }
}

#[cfg(test)]
mod tests;
