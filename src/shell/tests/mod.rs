//! A front that plays the supervisor, for the tests of every way in.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::sessions::{FromSession, Front, Opened, Printer, Refused, SessionId, Start, ToSession};
use crate::base::rng::Rng;
use crate::base::time::Utc;
use crate::proto::accounts::{Admission, Challenge, Origin, Roles, hash};

/// Plays the supervisor: one account, and sessions that say what is typed.
#[derive(Clone)]
pub(super) struct Stage(pub(super) Arc<Mutex<Play>>);

pub(super) struct Play {
    pub(super) hash: String,
    pub(super) keys: Vec<String>,
    /// No session opens once there are so many.
    pub(super) seats: usize,
    pub(super) sessions: BTreeMap<SessionId, Printer>,
    /// What was told, in order.
    pub(super) told: Vec<String>,
    last: u32,
    notes: mpsc::UnboundedSender<String>,
}

impl Stage {
    pub(super) fn new() -> (Stage, mpsc::UnboundedReceiver<String>) {
        let (notes, heard) = mpsc::unbounded_channel();
        let play = Play {
            hash: hash::hash("Admin123", &mut Rng::from_seed(1)),
            keys: Vec::new(),
            seats: 99,
            sessions: BTreeMap::new(),
            told: Vec::new(),
            last: 0,
            notes,
        };
        (Stage(Arc::new(Mutex::new(play))), heard)
    }
}

impl Play {
    fn note(&mut self, text: String) {
        self.told.push(text.clone());
        let _ = self.notes.send(text);
    }

    fn print(&self, id: SessionId, text: &str) -> bool {
        let bytes = FromSession::Bytes(text.as_bytes().to_vec());
        self.sessions.get(&id).is_some_and(|printer| printer.print(bytes))
    }

    fn end(&mut self, id: SessionId, refused: bool) {
        if let Some(printer) = self.sessions.remove(&id) {
            printer.print(FromSession::Closed { refused });
        }
    }

    fn hear(&mut self, message: ToSession) {
        match message {
            ToSession::Challenge { user, reply } => {
                let known = user == "admin";
                let hash = if known { self.hash.as_str() } else { hash::DECOY };
                let keys = if known { self.keys.clone() } else { Vec::new() };
                reply.send(Challenge { hash: hash.to_owned(), keys }).unwrap();
            }
            ToSession::Right { visitor, reply } => {
                self.note(format!("right {visitor}"));
                let last = Utc::from_civil(2019, 6, 26, 22, 17, 30);
                let last = Some((last, Origin::Address("10.83.65.41".to_owned())));
                let roles = Roles { admin: true, ..Roles::default() };
                reply.send(Some(Admission { roles, logins: 43, last })).unwrap();
            }
            ToSession::Wrong { visitor } => self.note(format!("wrong {visitor}")),
            ToSession::Open { visitor, reply } => {
                let (columns, rows) = (visitor.columns, visitor.rows);
                self.note(format!("open {columns}x{rows} {:?}", visitor.start));
                if self.sessions.len() >= self.seats {
                    reply.send(Err(Refused("Too many logins for 'admin'".to_owned()))).unwrap();
                    return;
                }
                self.last += 1;
                let id = SessionId(self.last);
                let (printer, output) = Printer::new();
                self.sessions.insert(id, printer);
                reply.send(Ok(Opened { id, output })).unwrap();
                match visitor.start {
                    Start::Line(line) => {
                        self.print(id, &format!("ran {line}\r\n"));
                        self.end(id, line.contains("bogus"));
                    }
                    Start::Prompt { .. } => {
                        self.print(id, "FP# ");
                    }
                }
            }
            ToSession::Bytes { id, serial, bytes } => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.note(format!("typed {serial} {text:?}"));
                if text == "flood" {
                    while self.print(id, &"x".repeat(64 * 1024)) {}
                    self.sessions.remove(&id).unwrap().cut();
                } else if text == "exit\r" {
                    self.end(id, false);
                } else {
                    self.print(id, &text);
                }
            }
            ToSession::Resize { columns, rows, .. } => self.note(format!("size {columns}x{rows}")),
            ToSession::Notice { text, .. } => self.note(format!("notice {text}")),
            ToSession::LastKey { id } => {
                self.note("last key".to_owned());
                self.end(id, false);
            }
            ToSession::Hangup { id } => {
                self.note(format!("hang up {}", id.0));
                self.end(id, false);
            }
            ToSession::SetUp { answers, reply } => {
                self.note(format!("set up {}", answers.name));
                let fits = answers.name != "refused";
                reply.send(fits.then_some(()).ok_or("Error: no".to_owned())).unwrap();
            }
        }
    }
}

impl Front for Stage {
    async fn tell(&self, message: ToSession) -> bool {
        self.0.lock().hear(message);
        true
    }
}
