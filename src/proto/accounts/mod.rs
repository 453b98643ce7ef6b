//! Accounts at work: who may come in, how often, for how long, and what is remembered of it.
//!
//! ```text
//!  name ──▶ challenge ──▶ (the edge compares) ──▶ admit ──▶ open ──▶ touch… ──▶ close
//!                                   └──────────▶ refuse: counts, and locks the account
//! ```
//! What an account *is* stands in the configuration ([`User`]); this machine keeps what happens to
//! it. Comparing a password takes milliseconds, so it is done at the edge, between two calls.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Next;
use super::config::{Difference, Objects, Path, facts};
use crate::base::rng::Rng;
use crate::base::time::{Instant, Now, Utc};

pub mod audit;
pub mod hash;
pub mod policy;
pub mod seat;
pub mod user;

#[cfg(test)]
mod tests;

pub use audit::{Action, Audit, Page, Record};
pub use seat::{Expiry, Seat, TooMany, Visitor, Way};
pub use user::{Roles, User};

use audit::Entry;
use seat::Seats;

/// How long what was noted may wait for flash; what must not be lost does not wait.
const UNSAVED_MAX: Duration = Duration::from_secs(1);
/// Most former passwords that are remembered.
///
/// # Source
/// Vendor's configuration guide: `set history-count`, 0 to 15.
pub const HISTORY_MAX: usize = 15;
/// Most times of password changes that are remembered.
const CHANGES_MAX: usize = 16;

/// What is remembered of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// Logins that went well.
    pub logins: u64,
    /// When and from where the last one was.
    pub last: Option<(Utc, Origin)>,
    /// Refusals since.
    pub refused: u32,
    /// Until when nobody gets in with this name.
    pub locked: Option<Utc>,
    /// Hashes of former passwords, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<String>,
    /// When the password was changed, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Utc>,
}

/// Where somebody came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Line(String),
    Address(String),
}

/// What flash keeps, the audit log apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    pub past: BTreeMap<String, Past>,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Persist(Stored),
    PersistPage(Page),
    /// End this session, after showing it the text.
    End {
        session: u32,
        text: Option<&'static str>,
    },
}

/// What a visitor's credentials are compared with.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// A hash that costs as much to try whether the account exists or not.
    pub hash: String,
    /// Public keys that are as good as the password.
    pub keys: Vec<String>,
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenge").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// What somebody is told who got in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    pub roles: Roles,
    /// This login included.
    pub logins: u64,
    /// The one before.
    pub last: Option<(Utc, Origin)>,
}

/// Why a new password is not taken.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unfit {
    #[error("{0}")]
    Weak(policy::Weakness),
    #[error("the password was used before")]
    Used,
    #[error("the password was changed too often; wait")]
    TooSoon,
}

/// The machine.
#[derive(Debug)]
pub struct Accounts {
    past: BTreeMap<String, Past>,
    seats: Seats,
    audit: Audit,
    rng: Rng,
    /// Since when there is something that flash does not have.
    unsaved: Option<Instant>,
    outputs: VecDeque<Output>,
}

impl Default for Accounts {
    /// Makes one that remembers nothing.
    fn default() -> Accounts {
        Accounts::new(Stored::default(), Vec::new(), Rng::from_seed(0))
    }
}

impl Accounts {
    /// Makes the machine as it stands after power-on.
    pub fn new(stored: Stored, pages: Vec<Page>, rng: Rng) -> Accounts {
        Accounts {
            past: stored.past,
            seats: Seats::default(),
            audit: Audit::restore(pages),
            rng,
            unsaved: None,
            outputs: VecDeque::new(),
        }
    }

    /// Returns what to compare a visitor's credentials with. Who may not come in is compared with
    /// something that nobody has.
    ///
    /// # Source
    /// Vendor's command reference, `set user-account-unlock-time`: `No notification appears
    /// indicating that the user is locked out.`
    pub fn challenge(&self, now: Now, objects: &Objects, name: &str) -> Challenge {
        let usable = User::find(objects, name)
            .filter(|user| user.is_usable(now.wall) && !self.is_locked(now, name));
        let (hash, keys) = usable.map_or((None, Vec::new()), |user| (user.hash, user.keys));
        Challenge { hash: hash.unwrap_or_else(|| hash::DECOY.to_owned()), keys }
    }

    /// Tells whether nobody gets in with this name for a while.
    pub fn is_locked(&self, now: Now, name: &str) -> bool {
        let locked = self.past.get(name).and_then(|past| past.locked);
        locked.is_some_and(|until| now.wall < until)
    }

    /// Notes that somebody gave wrong credentials.
    pub fn refuse(&mut self, now: Now, objects: &Objects, visitor: &Visitor) {
        let text = format!("Fabric A: login of {visitor} refused");
        self.note(now, "internal", "internal", Action::Special, &visitor.user, text);
        if User::find(objects, &visitor.user).is_none() || self.is_locked(now, &visitor.user) {
            return;
        }
        let lock_out = user::lock_out(objects);
        let past = self.past.entry(visitor.user.clone()).or_default();
        if past.locked.take().is_some() {
            past.refused = 0;
        }
        past.refused = past.refused.saturating_add(1);
        if lock_out.attempts == 0 || past.refused < lock_out.attempts {
            return;
        }
        past.locked = Some(now.wall + Duration::from_secs(lock_out.lasts.into()));
        let text = format!("Fabric A: local user {} is locked out", visitor.user);
        self.note(now, "internal", "internal", Action::Modification, &visitor.user, text);
        self.save();
    }

    /// Lets somebody in whose credentials are right.
    ///
    /// `None` for an account that was locked, changed or deleted meanwhile.
    pub fn admit(&mut self, now: Now, objects: &Objects, visitor: &Visitor) -> Option<Admission> {
        let user = User::find(objects, &visitor.user)?;
        if !user.is_usable(now.wall) || self.is_locked(now, &visitor.user) {
            return None;
        }
        let origin = match visitor.way {
            Way::Terminal | Way::Console => Origin::Line(visitor.from.clone()),
            Way::Ssh | Way::Telnet | Way::Web => Origin::Address(visitor.from.clone()),
        };
        let past = self.past.entry(visitor.user.clone()).or_default();
        (past.refused, past.locked) = (0, None);
        past.logins = past.logins.saturating_add(1);
        let last = past.last.replace((now.wall, origin));
        let logins = past.logins;
        self.changed(now);
        Some(Admission { roles: user.roles, logins, last })
    }

    /// Gives a session its seat. `patience` is the time of the person who sits there, which no lab
    /// can advance.
    ///
    /// # Errors
    /// [`TooMany`] when the account or the chassis has as many sessions as it may.
    pub fn open(
        &mut self,
        (now, patience): (Now, Instant),
        objects: &Objects,
        session: u32,
        visitor: Visitor,
    ) -> Result<(), TooMany> {
        let limits = facts::shell_limits(objects);
        let (way, user, from) = (visitor.way, visitor.user.clone(), visitor.from.clone());
        if let Err(refusal) = self.seats.take((now, patience), session, visitor, limits) {
            let text = format!("Fabric A: session of {user} from {from} refused: too many");
            self.note(now, "internal", "internal", Action::Special, &user, text);
            return Err(refusal);
        }
        if way != Way::Terminal {
            let name = self.session_name(session);
            let text = format!("Fabric A: local user {user} logged in from {from}");
            self.note(now, &user, &name, Action::Creation, &user, text);
        }
        Ok(())
    }

    /// Frees a session's seat.
    pub fn close(&mut self, now: Now, session: u32) {
        let name = self.session_name(session);
        let Some(seat) = self.seats.leave(session) else { return };
        if seat.visitor.way != Way::Terminal {
            let user = seat.visitor.user;
            let text = format!("Fabric A: user {user} terminated session id {name}");
            self.note(now, &user, &name, Action::Deletion, &user, text);
        }
    }

    /// Notes that somebody pressed a key.
    pub fn touch(&mut self, patience: Instant, session: u32) {
        self.seats.touch(patience, session);
    }

    /// Ends every session of an account, or of all of them.
    pub fn end_sessions(&mut self, of: Option<&str>) {
        let meant = self.seats.iter().filter(|(_, seat)| of.is_none_or(|u| seat.visitor.user == u));
        let end = |(session, _)| Output::End { session, text: None };
        let ends: Vec<Output> = meant.map(end).collect();
        self.outputs.extend(ends);
    }

    /// Ends the sessions whose time is up, and returns when the next one's is.
    pub fn expire(&mut self, patience: Instant, objects: &Objects) -> Option<Instant> {
        let timeouts = facts::timeouts(objects);
        for (session, expiry) in self.seats.expired(patience, timeouts) {
            let text = Some(expiry.device_text());
            self.outputs.push_back(Output::End { session, text });
        }
        self.seats.due(timeouts)
    }

    /// Returns the open sessions with their numbers, oldest first.
    pub fn seats(&self) -> impl Iterator<Item = (u32, &Seat)> {
        self.seats.iter()
    }

    /// Returns the records of the audit log, oldest first.
    pub fn audit(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.audit.records()
    }

    /// Returns what is remembered of an account.
    pub fn past(&self, name: &str) -> Option<&Past> {
        self.past.get(name)
    }

    /// Makes a locked account usable again.
    pub fn unlock(&mut self, now: Now, name: &str) {
        if let Some(past) = self.past.get_mut(name) {
            (past.locked, past.refused) = (None, 0);
            self.changed(now);
        }
    }

    /// Forgets an account's former passwords.
    pub fn forget_passwords(&mut self, now: Now, name: &str) {
        if let Some(past) = self.past.get_mut(name) {
            (past.former, past.changed) = (Vec::new(), Vec::new());
            self.changed(now);
        }
    }

    /// Checks a new password and returns its hash. It takes milliseconds of work, times the length
    /// of the history.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn new_password(
        &mut self,
        now: Now,
        objects: &Objects,
        name: &str,
        password: &str,
    ) -> Result<String, Unfit> {
        user::policy(objects).check(name, password).map_err(Unfit::Weak)?;
        let (profile, user) = (user::profile(objects), User::find(objects, name));
        let past = self.past.get(name);
        let privileged = user.as_ref().is_some_and(|user| user.roles.admin || user.roles.aaa);
        if let (Some(past), false) = (past, privileged) {
            let since = |hours: u32| now.wall - Duration::from_secs(u64::from(hours) * 3600);
            let recent = |hours| past.changed.iter().filter(|at| **at > since(hours)).count();
            let too_soon = match profile.changes {
                Some((count, hours)) => recent(hours) >= count,
                None => recent(profile.no_change_h) > 0,
            };
            if too_soon {
                return Err(Unfit::TooSoon);
            }
        }
        let former = past.map_or(&[][..], |past| &past.former);
        let current = user.as_ref().and_then(|user| user.hash.as_ref());
        let kept = former.iter().rev().take(profile.history.saturating_sub(1));
        let compared = current.into_iter().chain(kept).take(profile.history);
        if compared.into_iter().any(|stored| hash::verify(password, stored)) {
            return Err(Unfit::Used);
        }
        Ok(hash::hash(password, &mut self.rng))
    }

    /// Notes a commit: what changed goes to the log, former passwords to the history.
    pub fn committed(
        &mut self,
        now: Now,
        session: u32,
        differences: &[Difference],
        before: &Objects,
    ) {
        let user = self.seats.get(session).map(|seat| seat.visitor.user.clone());
        let user = user.unwrap_or_else(|| "internal".to_owned());
        let name = self.session_name(session);
        for difference in differences {
            let (action, path, properties) = match difference {
                Difference::Created(path) => (Action::Creation, path, String::new()),
                Difference::Deleted(path) => (Action::Deletion, path, String::new()),
                Difference::Changed(path, words) => (Action::Modification, path, words.join(",")),
            };
            let text = format!("{} {}", title(path), verb(action));
            let (user, session, object) = (user.clone(), name.clone(), path.to_string());
            let entry = Entry { user, session, action, object, properties, text };
            self.audit.push(now.wall, entry);
            self.remember(now, difference, before);
        }
        self.save();
    }

    /// Keeps what an account has been, and ends the sessions of one that is no more.
    fn remember(&mut self, now: Now, difference: &Difference, before: &Objects) {
        let (path, words) = match difference {
            Difference::Changed(path, words) => (path, words.as_slice()),
            Difference::Deleted(path) => (path, &[][..]),
            Difference::Created(_) => return,
        };
        if path.class().name != "local-user" {
            return;
        }
        if words.is_empty() || words.contains(&"account-status") {
            self.end_sessions(Some(path.name()));
        }
        if words.is_empty() {
            self.past.remove(path.name());
        }
        if !words.contains(&"password") {
            return;
        }
        let past = self.past.entry(path.name().to_owned()).or_default();
        let former = before.text(path, "password");
        if !former.is_empty() {
            past.former.push(former);
        }
        past.changed.push(now.wall);
        past.former.drain(..past.former.len().saturating_sub(HISTORY_MAX));
        past.changed.drain(..past.changed.len().saturating_sub(CHANGES_MAX));
    }

    /// Tells whether there is something to do.
    pub fn is_busy(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self, now: Now) -> Next<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Next::Do(output);
        }
        match self.unsaved.map(|since| since + UNSAVED_MAX) {
            Some(due) if due <= now.mono => {
                self.save();
                self.outputs.pop_front().map_or(Next::Wait(None), Next::Do)
            }
            due => Next::Wait(due),
        }
    }

    /// Has everything written that flash does not have yet.
    pub fn save(&mut self) {
        self.unsaved = None;
        self.outputs.push_back(Output::Persist(Stored { past: self.past.clone() }));
        self.outputs.extend(self.audit.take_unsaved().into_iter().map(Output::PersistPage));
    }

    fn changed(&mut self, now: Now) {
        self.unsaved.get_or_insert(now.mono);
    }

    fn session_name(&self, session: u32) -> String {
        let seat = self.seats.get(session);
        seat.map_or_else(|| "internal".to_owned(), |seat| seat.name(session))
    }

    fn note(
        &mut self,
        now: Now,
        user: &str,
        session: &str,
        action: Action,
        account: &str,
        text: String,
    ) {
        let entry = Entry {
            user: user.to_owned(),
            session: session.to_owned(),
            action,
            object: format!("/security/local-user {account}"),
            properties: String::new(),
            text,
        };
        self.audit.push(now.wall, entry);
        self.changed(now);
    }
}

fn title(path: &Path) -> String {
    let keys = path.key().join(" ");
    format!("{} {keys}", path.class().title).trim_end().to_owned()
}

const fn verb(action: Action) -> &'static str {
    match action {
        Action::Creation => "created",
        Action::Deletion => "deleted",
        Action::Modification => "modified",
        Action::Special => "",
    }
}
