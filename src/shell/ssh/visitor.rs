//! One connection: who is there, what proves it, and what is asked for on its channels.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use russh::keys::PublicKey;
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty, Sig};
use tokio::sync::watch;

use super::channel::{Look, Outlet};
use crate::cli::grammar::Role;
use crate::cli::greeting::greeting;
use crate::proto::accounts::{self, Admission, Challenge, Way};
use crate::shell::gate::Place;
use crate::shell::leash::Leash;
use crate::shell::proof::Prover;
use crate::shell::sessions::{
    Front, Opened, Refused, SessionId, Start, ToSession, Visitor as Seated, ask,
};

/// Most channels of one connection.
///
/// # Source
/// OpenSSH, `MaxSessions`.
const CHANNELS_MAX: usize = 10;
/// Longest command of an exec request, in bytes; the terminal has a limit of its own for a line.
const COMMAND_MAX: usize = 64 * 1024;
/// Size of a screen whose client says 0.
const SCREEN: (u16, u16) = (80, 24);
/// Largest size of a screen, each way.
const SCREEN_MAX: u32 = 2048;
/// Columns of what is no screen: as wide as the device allows, so that no line is broken.
const PIPE_COLUMNS: u16 = 511;
/// What is asked for a password.
///
/// # Source
/// Reference 2.7: a client's mock shows `Password: ` over SSH.
const PROMPT: &str = "Password: ";

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody has logged in yet.
    Standing,
    /// Somebody has, and has this many channels.
    Inside { channels: usize },
}

/// The channels of a connection, for everybody who may open or close one. Clones are the same.
#[derive(Clone)]
pub(super) struct Channels(Arc<Mutex<Open>>);

struct Open {
    channels: BTreeMap<ChannelId, State>,
    stage: watch::Sender<Stage>,
}

/// What a channel has asked for.
struct State {
    /// Size of the terminal; `None` for a pipe.
    screen: Option<(u16, u16)>,
    /// Counts what was typed.
    serial: u64,
    begun: bool,
    session: Option<SessionId>,
}

impl Channels {
    /// Makes an empty set, and what tells how far the connection is.
    pub(super) fn new() -> (Channels, watch::Receiver<Stage>) {
        let (stage, stages) = watch::channel(Stage::Standing);
        (Channels(Arc::new(Mutex::new(Open { channels: BTreeMap::new(), stage }))), stages)
    }

    /// Notes that somebody has logged in.
    fn admitted(&self) {
        self.0.lock().count();
    }

    /// Adds a channel; false if there are as many as there may be.
    fn add(&self, channel: ChannelId) -> bool {
        let mut open = self.0.lock();
        let fits = open.channels.len() < CHANNELS_MAX;
        if fits {
            let state = State { screen: None, serial: 0, begun: false, session: None };
            open.channels.insert(channel, state);
            open.count();
        }
        fits
    }

    /// Removes a channel and returns its session.
    pub(super) fn remove(&self, channel: ChannelId) -> Option<SessionId> {
        let mut open = self.0.lock();
        let state = open.channels.remove(&channel);
        open.count();
        state.and_then(|state| state.session)
    }

    /// Removes every channel and returns their sessions.
    pub(super) fn remove_all(&self) -> Vec<SessionId> {
        let channels = std::mem::take(&mut self.0.lock().channels);
        channels.into_values().filter_map(|state| state.session).collect()
    }

    fn session(&self, channel: ChannelId) -> Option<SessionId> {
        self.0.lock().channels.get(&channel).and_then(|state| state.session)
    }

    /// Works on a channel's state; `None` if there is no such channel.
    fn with<R>(&self, channel: ChannelId, work: impl FnOnce(&mut State) -> R) -> Option<R> {
        self.0.lock().channels.get_mut(&channel).map(work)
    }
}

impl Open {
    /// Says how many channels there are, for whoever ends a connection without any.
    fn count(&self) {
        self.stage.send_replace(Stage::Inside { channels: self.channels.len() });
    }
}

/// What a connection's visitor is and has.
pub(super) struct Visitor<F: Front> {
    front: F,
    prover: Prover,
    peer: IpAddr,
    leash: Leash,
    place: Place,
    channels: Channels,
    admitted: Option<(String, Admission)>,
}

impl<F: Front> Visitor<F> {
    pub(super) fn new(
        (front, prover): (F, Prover),
        peer: IpAddr,
        (leash, place): (Leash, Place),
        channels: Channels,
    ) -> Visitor<F> {
        Visitor { front, prover, peer, leash, place, channels, admitted: None }
    }

    fn who(&self, user: &str) -> accounts::Visitor {
        accounts::Visitor { user: user.to_owned(), way: Way::Ssh, from: self.peer.to_string() }
    }

    async fn challenge(&self, user: &str) -> Option<Challenge> {
        let user = user.to_owned();
        ask(&self.front, |reply| ToSession::Challenge { user, reply }).await
    }

    async fn try_password(&mut self, user: &str, password: &str) -> Auth {
        let Some(challenge) = self.challenge(user).await else { return Auth::reject() };
        if self.prover.matches(user, password, &challenge.hash).await {
            return self.admit(user).await;
        }
        let visitor = self.who(user);
        self.front.tell(ToSession::Wrong { visitor }).await;
        Auth::reject()
    }

    /// Lets somebody in whose credentials are right, if there is room and the account still is.
    async fn admit(&mut self, user: &str) -> Auth {
        let visitor = self.who(user);
        let admission = ask(&self.front, |reply| ToSession::Right { visitor, reply }).await;
        let Some(Some(admission)) = admission else { return Auth::reject() };
        if !self.place.enter() {
            return Auth::reject();
        }
        self.admitted = Some((user.to_owned(), admission));
        self.channels.admitted();
        Auth::Accept
    }

    async fn knows(&self, user: &str, key: &PublicKey) -> bool {
        let Some(challenge) = self.challenge(user).await else { return false };
        let known = |line: &String| {
            PublicKey::from_openssh(line).is_ok_and(|known| known.key_data() == key.key_data())
        };
        challenge.keys.iter().any(known)
    }

    fn outlet(&self, channel: ChannelId, session: &Session, look: Look) -> Outlet {
        let (handle, leash) = (session.handle(), self.leash.clone());
        Outlet { handle, channel, look, leash, channels: self.channels.clone() }
    }

    /// Begins what a channel is for: a shell, or a line to run.
    async fn begin(
        &mut self,
        channel: ChannelId,
        line: Option<String>,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let begun = self
            .channels
            .with(channel, |state| (std::mem::replace(&mut state.begun, true), state.screen));
        let (Some((user, admission)), Some((false, screen))) = (self.admitted.clone(), begun)
        else {
            return session.channel_failure(channel);
        };
        session.channel_success(channel)?;
        let look = if screen.is_some() { Look::Terminal } else { Look::Pipe };
        let outlet = self.outlet(channel, session, look);
        let runs_line = line.is_some();
        let opened = self.open(&user, &admission, screen, line).await;
        let Some(opened) = opened else { return Err(russh::Error::Disconnect) };
        let hello = if runs_line { String::new() } else { greeting(&user, &admission) };
        match opened {
            Ok(Opened { id, output }) => {
                self.channels.with(channel, |state| state.session = Some(id));
                tokio::spawn(async move {
                    if hello.is_empty() || outlet.show(&hello).await {
                        outlet.follow(output, runs_line).await;
                    }
                });
            }
            Err(Refused(why)) => {
                tokio::spawn(async move {
                    outlet.show(&format!("{hello}{why}\n")).await;
                    outlet.close(1).await;
                });
            }
        }
        Ok(())
    }

    async fn open(
        &self,
        user: &str,
        admission: &Admission,
        screen: Option<(u16, u16)>,
        line: Option<String>,
    ) -> Option<Result<Opened, Refused>> {
        let (columns, rows) = screen.unwrap_or((PIPE_COLUMNS, 0));
        let visitor = Seated {
            user: user.to_owned(),
            role: Role::of(admission.roles),
            way: Way::Ssh,
            from: self.peer.to_string(),
            columns,
            rows,
            start: match line {
                Some(line) => Start::Line(line),
                None => Start::Prompt { echo: screen.is_some() },
            },
        };
        ask(&self.front, |reply| ToSession::Open { visitor, reply }).await
    }

    /// Types into a channel's session; nothing before it has one.
    async fn type_in(&mut self, channel: ChannelId, bytes: &[u8]) -> Result<(), russh::Error> {
        let typed = self.channels.with(channel, |state| {
            state.serial += 1;
            Some((state.session?, state.serial))
        });
        let Some((id, serial)) = typed.flatten() else { return Ok(()) };
        self.tell(ToSession::Bytes { id, serial, bytes: bytes.to_vec() }).await
    }

    async fn tell(&self, message: ToSession) -> Result<(), russh::Error> {
        if self.front.tell(message).await { Ok(()) } else { Err(russh::Error::Disconnect) }
    }
}

impl<F: Front> Handler for Visitor<F> {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        Ok(self.try_password(user, password).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[(Cow::Borrowed(PROMPT), false)]),
            });
        };
        let typed = response.next().unwrap_or_default();
        let password = String::from_utf8_lossy(&typed).into_owned();
        Ok(self.try_password(user, &password).await)
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        let known = self.knows(user, offer.public_key).await;
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        if self.knows(user, key.public_key).await {
            return Ok(self.admit(user).await);
        }
        Ok(Auth::reject())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.channels.add(channel.id()) {
            reply.accept().await;
        } else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let early = self.channels.with(channel, |state| {
            if !state.begun {
                state.screen = Some(size(columns, rows));
            }
            !state.begun
        });
        match early {
            Some(true) => session.channel_success(channel),
            Some(false) | None => session.channel_failure(channel),
        }
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.begin(channel, None, session).await
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if command.len() > COMMAND_MAX {
            return session.channel_failure(channel);
        }
        let line = String::from_utf8_lossy(command).into_owned();
        self.begin(channel, Some(line), session).await
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        let (columns, rows) = size(columns, rows);
        let id = self.channels.with(channel, |state| {
            *state.screen.as_mut()? = (columns, rows);
            state.session
        });
        let Some(id) = id.flatten() else { return Ok(()) };
        self.tell(ToSession::Resize { id, columns, rows }).await
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.type_in(channel, data).await
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        if matches!(signal, Sig::INT) { self.type_in(channel, &[3]).await } else { Ok(()) }
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        match self.channels.session(channel) {
            Some(id) => self.tell(ToSession::LastKey { id }).await,
            None => Ok(()),
        }
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        match self.channels.remove(channel) {
            Some(id) => self.tell(ToSession::Hangup { id }).await,
            None => Ok(()),
        }
    }

    /// Takes any variable and uses none.
    async fn env_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_success(channel)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_failure(channel)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_failure(channel)
    }
}

fn size(columns: u32, rows: u32) -> (u16, u16) {
    let side = |given: u32, default: u16| match u16::try_from(given.min(SCREEN_MAX)) {
        Ok(0) | Err(_) => default,
        Ok(given) => given,
    };
    (side(columns, SCREEN.0), side(rows, SCREEN.1))
}
