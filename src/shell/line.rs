//! A line at which somebody logs in: the serial console, telnet; with the first-boot dialog before.
//!
//! Keys come in by a channel and the screen goes out by another, so that it is the same for a
//! terminal, a serial port and a connection.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::proof::Prover;
use super::sessions::{FromSession, Front, Opened, Refused, Start, ToSession, Visitor, ask};
use crate::base::time::Instant;
use crate::cli::grammar::Role;
use crate::cli::greeting::greeting;
use crate::cli::login::{Line, Login, Output};
use crate::cli::setup::{self, Setup};
use crate::proto::Next;
use crate::proto::accounts::{self, Way};

/// Size of a screen that nobody has told us of.
const SCREEN: (u16, u16) = (80, 24);

/// What comes from the other end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromLine {
    Keys(Vec<u8>),
    /// Columns and rows.
    Size(u16, u16),
}

/// Returns the chassis's name, as it is at the moment.
pub type Host = Arc<dyn Fn() -> String + Send + Sync>;

/// A line.
#[derive(Clone)]
pub struct Attendant<F: Front> {
    pub front: F,
    pub prover: Prover,
    pub line: Line,
    /// Where visitors sit: an address, or the line's name.
    pub from: String,
    pub host: Host,
    /// True if nobody has configured the chassis: the dialog comes first.
    pub setup: bool,
}

impl<F: Front> fmt::Debug for Attendant<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attendant").field("from", &self.from).finish_non_exhaustive()
    }
}

/// A line at work.
struct Work<F: Front> {
    attendant: Attendant<F>,
    login: Login,
    session: Option<Opened>,
    serial: u64,
    size: (u16, u16),
    screen: mpsc::Sender<Vec<u8>>,
    started: tokio::time::Instant,
}

/// The other end is gone.
struct Gone;

impl<F: Front> Attendant<F> {
    /// Serves the line until its keys end or it hangs up. A session under way is finished with what
    /// was typed, if the screen is still there.
    pub async fn attend(
        self,
        mut keys: mpsc::Receiver<FromLine>,
        screen: mpsc::Sender<Vec<u8>>,
        admitted: impl FnMut() + Send,
    ) {
        let (mut ahead, mut size) = (Vec::new(), SCREEN);
        if self.setup {
            match self.set_up(&mut keys, &screen).await {
                Some(typed) => (ahead, size) = typed,
                None => return,
            }
        }
        let login = Login::new(self.line, &(self.host)());
        let started = tokio::time::Instant::now();
        let (session, serial) = (None, 0);
        let mut work = Work { attendant: self, login, session, serial, size, screen, started };
        work.login.keys(work.patience(), &ahead);
        // An end of the other side needs no words.
        let _ = work.run(keys, admitted).await;
        if let Some(opened) = work.session.take() {
            work.attendant.front.tell(ToSession::Hangup { id: opened.id }).await;
        }
    }

    /// Runs the first-boot dialog; returns what was typed behind it and the size of the screen, or
    /// `None` if the line is gone.
    pub async fn set_up(
        &self,
        keys: &mut mpsc::Receiver<FromLine>,
        screen: &mpsc::Sender<Vec<u8>>,
    ) -> Option<(Vec<u8>, (u16, u16))> {
        let mut dialog = Setup::default();
        let (mut ahead, mut size) = (None, SCREEN);
        loop {
            while let Some(output) = dialog.poll() {
                match output {
                    setup::Output::Bytes(bytes) => screen.send(bytes).await.ok()?,
                    setup::Output::Apply(answers) => {
                        let set_up = |reply| ToSession::SetUp { answers, reply };
                        match ask(&self.front, set_up).await? {
                            Ok(()) => ahead = Some(dialog.applied()),
                            Err(why) => dialog.refused(&why),
                        }
                    }
                }
            }
            if let Some(typed) = ahead {
                return Some((typed, size));
            }
            match keys.recv().await? {
                FromLine::Keys(typed) => dialog.keys(&typed),
                FromLine::Size(columns, rows) => size = (columns, rows),
            }
        }
    }
}

impl<F: Front> Work<F> {
    fn patience(&self) -> Instant {
        Instant::from_elapsed(self.started.elapsed())
    }

    async fn run(
        &mut self,
        mut keys: mpsc::Receiver<FromLine>,
        mut admitted: impl FnMut(),
    ) -> Result<(), Gone> {
        let mut over = false;
        loop {
            self.login.rename(&(self.attendant.host)());
            let due = loop {
                match self.login.poll(self.patience()) {
                    Next::Do(Output::Done) => return Err(Gone),
                    Next::Do(output) => self.carry_out(output, &mut admitted).await?,
                    Next::Wait(due) => break due,
                }
            };
            if over && self.session.is_none() {
                return Ok(());
            }
            let started = self.started;
            tokio::select! {
                heard = keys.recv(), if !over => match heard {
                    Some(FromLine::Keys(typed)) => self.login.keys(self.patience(), &typed),
                    Some(FromLine::Size(columns, rows)) => self.resize(columns, rows).await?,
                    None => {
                        over = true;
                        self.last_key().await?;
                    }
                },
                printed = printed(&mut self.session) => self.printed(printed).await?,
                () = wait(started, due) => {}
            }
        }
    }

    async fn carry_out(&mut self, output: Output, admitted: &mut impl FnMut()) -> Result<(), Gone> {
        match output {
            Output::Bytes(bytes) => self.screen.send(bytes).await.map_err(|_| Gone),
            Output::Check { user, password } => self.check(&user, &password, admitted).await,
            Output::Keys(bytes) => {
                let Some(opened) = &self.session else { return Ok(()) };
                self.serial += 1;
                let (id, serial) = (opened.id, self.serial);
                self.tell(ToSession::Bytes { id, serial, bytes }).await
            }
            Output::Done => Err(Gone),
        }
    }

    async fn check(
        &mut self,
        user: &str,
        password: &str,
        admitted: &mut impl FnMut(),
    ) -> Result<(), Gone> {
        let Attendant { front, prover, line, from, .. } = &self.attendant;
        let way = match line {
            Line::Serial => Way::Console,
            Line::Telnet => Way::Telnet,
        };
        let name = user.to_owned();
        let challenge = ask(front, |reply| ToSession::Challenge { user: name, reply }).await;
        let challenge = challenge.ok_or(Gone)?;
        let who = accounts::Visitor { user: user.to_owned(), way, from: from.clone() };
        if !prover.matches(user, password, &challenge.hash).await {
            self.tell(ToSession::Wrong { visitor: who }).await?;
            self.login.refused(self.patience(), None);
            return Ok(());
        }
        let admission = ask(front, |reply| ToSession::Right { visitor: who, reply }).await;
        let Some(admission) = admission.ok_or(Gone)? else {
            self.login.refused(self.patience(), None);
            return Ok(());
        };
        let visitor = Visitor {
            user: user.to_owned(),
            role: Role::of(admission.roles),
            way,
            from: from.clone(),
            columns: self.size.0,
            rows: self.size.1,
            start: Start::Prompt { echo: true },
        };
        match ask(front, |reply| ToSession::Open { visitor, reply }).await.ok_or(Gone)? {
            Ok(opened) => {
                (self.session, self.serial) = (Some(opened), 0);
                self.login.admitted(&greeting(user, &admission));
                admitted();
            }
            Err(Refused(why)) => self.login.refused(self.patience(), Some(&why)),
        }
        Ok(())
    }

    async fn printed(&mut self, printed: Option<FromSession>) -> Result<(), Gone> {
        match printed {
            Some(FromSession::Bytes(bytes)) => self.screen.send(bytes).await.map_err(|_| Gone),
            Some(FromSession::Settled(_)) => Ok(()),
            Some(FromSession::Closed { .. }) | None => {
                self.session = None;
                self.login.ended(self.patience());
                Ok(())
            }
        }
    }

    async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), Gone> {
        self.size = (columns, rows);
        match &self.session {
            Some(opened) => {
                let id = opened.id;
                self.tell(ToSession::Resize { id, columns, rows }).await
            }
            None => Ok(()),
        }
    }

    async fn last_key(&mut self) -> Result<(), Gone> {
        match &self.session {
            Some(opened) => {
                let id = opened.id;
                self.tell(ToSession::LastKey { id }).await
            }
            None => Ok(()),
        }
    }

    async fn tell(&self, message: ToSession) -> Result<(), Gone> {
        if self.attendant.front.tell(message).await { Ok(()) } else { Err(Gone) }
    }
}

/// Waits for what the session prints; forever without one.
async fn printed(session: &mut Option<Opened>) -> Option<FromSession> {
    match session {
        Some(opened) => opened.output.recv().await,
        None => std::future::pending().await,
    }
}

async fn wait(started: tokio::time::Instant, due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(started + due.since(Instant::ZERO)).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
