//! The sessions' ways in: what they say goes to the desk, what it has for them goes back.

use std::collections::BTreeMap;

use super::jobs::{Jobs, Said};
use crate::base::ident::Slot;
use crate::base::time::{Instant, Now};
use crate::cli::desk::{self, Output, SessionId};
use crate::cli::tables::setup;
use crate::proto::mio::Mio;
use crate::shell::sessions::{FromSession, Opened, Printer, Refused, ToSession};

/// The desk, and the way back to each of its sessions.
pub(super) struct Desk {
    desk: desk::Desk,
    ways: BTreeMap<SessionId, Printer>,
    jobs: Jobs,
}

impl Desk {
    pub(super) fn new(jobs: Jobs) -> Desk {
        Desk { desk: desk::Desk::default(), ways: BTreeMap::new(), jobs }
    }

    /// Reads the clock of the people who sit there.
    pub(super) fn tick(&mut self, patience: Instant) {
        self.desk.tick(patience);
    }

    /// Takes what a job says.
    pub(super) fn job(&mut self, now: Now, mio: &mut Mio, id: SessionId, said: Said) {
        match said {
            Said::Text(text) => self.desk.job_output(id, &text),
            Said::Done => {
                self.jobs.end(id);
                self.desk.job_done(now, mio, id);
            }
        }
    }

    /// Applies what a way in says.
    pub(super) fn take(&mut self, now: Now, mio: &mut Mio, message: ToSession) {
        match message {
            ToSession::Challenge { user, reply } => {
                // Whoever asked may have gone, here and below.
                let _ = reply.send(mio.accounts.challenge(now, mio.config.objects(), &user));
            }
            ToSession::Right { visitor, reply } => {
                let _ = reply.send(mio.accounts.admit(now, mio.config.objects(), &visitor));
            }
            ToSession::Wrong { visitor } => {
                mio.accounts.refuse(now, mio.config.objects(), &visitor);
            }
            ToSession::Open { visitor, reply } => {
                let (printer, output) = Printer::new();
                let opened = self.desk.open(now, mio, visitor);
                let id = opened.as_ref().ok().copied();
                let answer = opened.map(|id| Opened { id, output });
                let answer = answer.map_err(|refusal| Refused(refusal.device_text()));
                let taken = reply.send(answer).is_ok();
                match id {
                    Some(id) if taken => drop(self.ways.insert(id, printer)),
                    Some(id) => self.desk.hang_up(now, mio, id),
                    None => {}
                }
            }
            ToSession::Bytes { id, serial, bytes } => {
                self.desk.typed(now, mio, id, serial, &bytes);
            }
            ToSession::Resize { id, columns, rows } => self.desk.resize(id, columns, rows),
            ToSession::LastKey { id } => self.desk.last_key(id),
            ToSession::Notice { id, text } => self.desk.notice(now, mio, id, &text),
            ToSession::Hangup { id } => self.desk.hang_up(now, mio, id),
            ToSession::SetUp { answers, reply } => {
                let _ = reply.send(setup::apply(now, mio, &answers));
            }
        }
    }

    /// Ends a session that the machine wants ended.
    pub(super) fn end(&mut self, session: u32, text: Option<&str>) {
        self.desk.end(session, text);
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
            let (id, message, closed) = match output {
                Output::StartJob { id, job } => {
                    let unread = self.ways.get(&id).map(Printer::unread).unwrap_or_default();
                    self.jobs.start(id, mio, job, unread);
                    continue;
                }
                Output::CancelJob { id } => {
                    self.jobs.cancel(id);
                    continue;
                }
                Output::Bytes { id, bytes } => (id, FromSession::Bytes(bytes), false),
                Output::Settled { id, serial } => (id, FromSession::Settled(serial), false),
                Output::Closed { id, refused } => (id, FromSession::Closed { refused }, true),
            };
            let sent = self.ways.get(&id).is_some_and(|way| way.print(message));
            if closed {
                self.jobs.end(id);
                self.ways.remove(&id);
            } else if !sent {
                // It is gone, or too far behind: it hears no more.
                if let Some(way) = self.ways.remove(&id) {
                    way.cut();
                }
                self.desk.hang_up(now, mio, id);
                more = true;
            }
        }
        more
    }

    /// Ends every session.
    pub(super) fn close_all(&mut self) {
        for (id, way) in std::mem::take(&mut self.ways) {
            self.jobs.end(id);
            // Whoever sat there may have gone.
            let _ = way.print(FromSession::Closed { refused: false });
        }
        self.desk.forget();
    }
}
