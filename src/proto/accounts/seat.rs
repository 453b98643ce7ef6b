//! Open sessions: who sits where, since when, and when he has to go.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::base::time::{Instant, Now, Utc};
use crate::proto::config::facts::{SessionLimits, Timeouts};

/// Most sessions whatever is configured, those at the lab's own terminal included.
pub const SEATS_MAX: usize = 64;

/// By which way somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The lab's own terminal: nobody logs in there, so neither limits nor time-outs hold.
    Terminal,
    /// The serial line.
    Console,
    Ssh,
    Telnet,
    Web,
}

impl Way {
    /// Returns the word that begins a session's name and its terminal's.
    ///
    /// # Source
    /// Recall of the sibling UCS, `show user-sessions`: `pts_0_1_3874` and `pts/0`; the vendor's
    /// operational guide of the 4100 has `web_45842_A`.
    pub const fn prefix(self) -> &'static str {
        match self {
            Way::Terminal | Way::Console => "ttyS",
            Way::Ssh | Way::Telnet => "pts",
            Way::Web => "web",
        }
    }

    const fn is_counted(self) -> bool {
        match self {
            Way::Terminal => false,
            Way::Console | Way::Ssh | Way::Telnet | Way::Web => true,
        }
    }
}

/// Somebody at a way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub user: String,
    pub way: Way,
    /// An address, or the name of a serial line.
    pub from: String,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    pub visitor: Visitor,
    /// Number of its terminal among those of its kind.
    pub line: u32,
    pub since: Utc,
    /// Both in the time of the person who sits there, which no lab can advance.
    opened: Instant,
    touched: Instant,
    /// True once it was told to end.
    ending: bool,
}

/// Why a session has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Idle,
    Absolute,
}

impl Expiry {
    /// Returns what the device prints.
    ///
    /// # Source
    /// Reference 2.7: the first from a client's mock, the second from published output.
    pub const fn device_text(self) -> &'static str {
        match self {
            Expiry::Idle => "Inactive timeout reached, logging out.",
            Expiry::Absolute => "Absolute timeout reached, logging out.",
        }
    }
}

/// The account, or the chassis, has as many sessions as it may.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("too many sessions of {user}, or of all together")]
pub struct TooMany {
    pub user: String,
}

impl TooMany {
    /// Returns what the device prints.
    ///
    /// # Source
    /// Client kick waits for `Too many logins for 'admin'`.
    pub fn device_text(&self) -> String {
        format!("Too many logins for '{}'", self.user)
    }
}

/// Every open session, by its number.
#[derive(Clone, Debug, Default)]
pub struct Seats(BTreeMap<u32, Seat>);

impl Seats {
    /// Gives somebody a seat.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn take(
        &mut self,
        (now, patience): (Now, Instant),
        id: u32,
        visitor: Visitor,
        limits: SessionLimits,
    ) -> Result<(), TooMany> {
        let counted = || self.0.values().filter(|seat| seat.visitor.way.is_counted());
        let own = counted().filter(|seat| seat.visitor.user == visitor.user).count();
        let over = counted().count() >= limits.total || own >= limits.per_user;
        if self.0.len() >= SEATS_MAX || over && visitor.way.is_counted() {
            return Err(TooMany { user: visitor.user });
        }
        let prefix = visitor.way.prefix();
        let used = |line: &u32| {
            self.0.values().any(|s| s.line == *line && s.visitor.way.prefix() == prefix)
        };
        let line = (0..).find(|line| !used(line)).unwrap_or(0);
        let (opened, touched) = (patience, patience);
        let seat = Seat { visitor, line, since: now.wall, opened, touched, ending: false };
        self.0.insert(id, seat);
        Ok(())
    }

    /// Frees a seat.
    pub fn leave(&mut self, id: u32) -> Option<Seat> {
        self.0.remove(&id)
    }

    /// Returns a seat.
    pub fn get(&self, id: u32) -> Option<&Seat> {
        self.0.get(&id)
    }

    /// Returns the seats with their sessions' numbers, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Seat)> {
        self.0.iter().map(|(id, seat)| (*id, seat))
    }

    /// Notes that somebody did something.
    pub fn touch(&mut self, patience: Instant, id: u32) {
        if let Some(seat) = self.0.get_mut(&id) {
            seat.touched = patience;
        }
    }

    /// Returns the sessions whose time is up; each is returned once.
    pub fn expired(&mut self, patience: Instant, timeouts: Timeouts) -> Vec<(u32, Expiry)> {
        let due = |(id, seat): (&u32, &mut Seat)| {
            let (at, expiry) = seat.due(timeouts)?;
            seat.ending = at <= patience;
            seat.ending.then_some((*id, expiry))
        };
        self.0.iter_mut().filter_map(due).collect()
    }

    /// Returns when the next session's time is up; `None` if never.
    pub fn due(&self, timeouts: Timeouts) -> Option<Instant> {
        self.0.values().filter_map(|seat| seat.due(timeouts)).map(|(at, _)| at).min()
    }
}

impl Seat {
    /// Returns when its time is up, and why.
    fn due(&self, timeouts: Timeouts) -> Option<(Instant, Expiry)> {
        let (idle, absolute) = match self.visitor.way {
            _ if self.ending => return None,
            Way::Terminal => return None,
            Way::Console => (timeouts.console_idle, timeouts.console_absolute),
            Way::Ssh | Way::Telnet | Way::Web => (timeouts.idle, timeouts.absolute),
        };
        let after = |from: Instant, seconds: u32, expiry| {
            (seconds > 0).then(|| (from + Duration::from_secs(seconds.into()), expiry))
        };
        let dues = [
            after(self.touched, idle, Expiry::Idle),
            after(self.opened, absolute, Expiry::Absolute),
        ];
        dues.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Returns the terminal's name, `pts/0`.
    pub fn term(&self) -> String {
        match self.visitor.way {
            Way::Terminal | Way::Console => format!("ttyS{}", self.line),
            Way::Ssh | Way::Telnet => format!("pts/{}", self.line),
            Way::Web => format!("web/{}", self.line),
        }
    }

    /// Returns the session's name, `pts_0_1_17`; `id` is its number.
    pub fn name(&self, id: u32) -> String {
        format!("{}_{}_1_{id}", self.visitor.way.prefix(), self.line)
    }
}

impl fmt::Display for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.user, self.from)
    }
}
