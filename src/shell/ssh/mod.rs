//! The SSH server: russh on the chassis's own stack.
//!
//! ```text
//!  SYN ──▶ stack's guard (ip-block) ──▶ Gate (at most 64 not logged in) ──▶ handshake ──▶ login
//!                                                                              │ a minute at most
//!  Outlet ◀── Screen ◀── supervisor ◀── ToSession ◀── channel: shell or exec ◀─┘
//! ```
//! Every connection is on a [`Leash`]: whoever is too slow, too many or too late is cut, whatever
//! it waits for. Agent, X11 and port forwarding and subsystems are refused.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use russh::server::Config;
use russh::{MethodKind, MethodSet, SshId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::net::stack::TcpListener;
use crate::proto::config::facts::SshServer;
use crate::shell::gate::Gate;
use crate::shell::leash::Leash;
use crate::shell::proof::Prover;
use crate::shell::sessions::{Front, ToSession};

mod algorithms;
mod channel;
pub mod keys;
mod visitor;

#[cfg(test)]
mod tests;

use keys::HostKey;
use visitor::{Channels, Stage, Visitor};

/// Port of the server.
///
/// # Source
/// RFC 4253, section 4.
pub const PORT: u16 = 22;
/// What the server calls itself.
const IDENTITY: &str = concat!("SSH-2.0-vfxos_", env!("CARGO_PKG_VERSION"));
/// How long a connection may take to log in.
///
/// # Source
/// OpenSSH, `LoginGraceTime`, halved: nobody is far away here.
const GRACE: Duration = Duration::from_secs(60);
/// How long a connection may stay that has logged in and has no channel.
const EMPTY: Duration = Duration::from_secs(600);
/// Refusals after which a connection ends; the first, of the method `none`, included.
///
/// # Source
/// OpenSSH, `MaxAuthTries`, which does not count that one.
const REFUSALS_MAX: usize = 7;
/// How long every refusal takes, so that its time tells nothing.
const REFUSAL: Duration = Duration::from_millis(200);
/// Bytes that a client may send before they are taken.
const WINDOW: u32 = 256 * 1024;

/// The server. Clones are the same one.
#[derive(Clone)]
pub struct Server<F: Front>(Arc<Inner<F>>);

struct Inner<F: Front> {
    front: F,
    prover: Prover,
    gate: Gate,
    state: Mutex<State>,
}

struct State {
    offered: SshServer,
    keys: BTreeMap<keys::Kind, HostKey>,
    /// What the next connection is served with.
    config: Arc<Config>,
}

impl<F: Front> fmt::Debug for Server<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("connections", &self.0.gate.count()).finish_non_exhaustive()
    }
}

impl<F: Front> Server<F> {
    /// Makes a server that has no key yet.
    pub fn new(front: F, prover: Prover, offered: SshServer) -> Server<F> {
        let config = Arc::new(config(&offered, &BTreeMap::new()));
        let state = Mutex::new(State { offered, keys: BTreeMap::new(), config });
        Server(Arc::new(Inner { front, prover, gate: Gate::default(), state }))
    }

    /// Serves the connections to come as configured; those there are stay as they are.
    pub fn configure(&self, offered: SshServer) {
        let mut state = self.0.state.lock();
        state.offered = offered;
        state.config = Arc::new(config(&state.offered, &state.keys));
    }

    /// Gives the server a host key.
    pub fn add_key(&self, kind: keys::Kind, key: HostKey) {
        let mut state = self.0.state.lock();
        state.keys.insert(kind, key);
        state.config = Arc::new(config(&state.offered, &state.keys));
    }

    /// Cuts every connection, as a restart of the chassis does.
    pub fn cut(&self) {
        self.0.gate.cut();
    }

    /// Returns how many connections have not logged in yet, and how many have.
    pub fn connections(&self) -> (usize, usize) {
        self.0.gate.count()
    }

    /// Takes connections until this is dropped or the stack's link is gone.
    pub async fn serve(&self, listener: &TcpListener) {
        while let Ok((stream, peer)) = listener.accept().await {
            let server = self.clone();
            tokio::spawn(async move { server.connection(stream, peer.ip()).await });
        }
    }

    /// Serves one connection to its end.
    pub async fn connection<S>(&self, stream: S, peer: IpAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let leash = Leash::default();
        let place = self.0.gate.stand(leash.clone());
        let (channels, stages) = Channels::new();
        let served = (self.0.front.clone(), self.0.prover.clone());
        let visitor = Visitor::new(served, peer, (leash.clone(), place), channels.clone());
        let config = Arc::clone(&self.0.state.lock().config);
        let stream = leash.hold(stream);
        tokio::select! {
            ended = run(config, stream, visitor) => {
                if let Err(error) = ended {
                    tracing::debug!("SSH: a connection from {peer} ended: {error}");
                }
            }
            why = overdue(stages) => {
                tracing::debug!("SSH: a connection from {peer} is cut: {why}");
            }
        }
        // What russh still does on its own task ends with its next read or write.
        leash.cut();
        for id in channels.remove_all() {
            self.0.front.tell(ToSession::Hangup { id }).await;
        }
    }
}

async fn run<F: Front, S>(
    config: Arc<Config>,
    stream: S,
    visitor: Visitor<F>,
) -> Result<(), russh::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    russh::server::run_stream(config, stream, visitor).await?.await
}

/// Returns once a connection has had its time, with the reason.
async fn overdue(mut stages: watch::Receiver<Stage>) -> &'static str {
    let inside = |stage: &Stage| matches!(stage, Stage::Inside { .. });
    let admitted = async { stages.wait_for(inside).await.is_ok() };
    match tokio::time::timeout(GRACE, admitted).await {
        Ok(true) => {}
        // The visitor is gone: the connection ends by itself.
        Ok(false) => std::future::pending().await,
        Err(_) => return "nobody logged in",
    }
    loop {
        let empty = *stages.borrow_and_update() == Stage::Inside { channels: 0 };
        let changed = stages.changed();
        let changed =
            if empty { tokio::time::timeout(EMPTY, changed).await } else { Ok(changed.await) };
        match changed {
            Ok(Ok(())) => {}
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => return "it has no channel",
        }
    }
}

fn config(offered: &SshServer, keys: &BTreeMap<keys::Kind, HostKey>) -> Config {
    let wanted = |kind: &keys::Kind| match kind {
        keys::Kind::Ed25519 => true,
        keys::Kind::Rsa(_) => offered.rsa_bits.map(keys::Kind::rsa) == Some(*kind),
        keys::Kind::EcdsaP256 | keys::Kind::EcdsaP384 | keys::Kind::EcdsaP521 => {
            offered.curve.as_deref().map(keys::Kind::of_curve) == Some(*kind)
        }
    };
    let keys = keys.iter().filter(|(kind, _)| wanted(kind));
    let methods = [MethodKind::PublicKey, MethodKind::KeyboardInteractive, MethodKind::Password];
    Config {
        server_id: SshId::Standard(IDENTITY.into()),
        methods: MethodSet::from(&methods[..]),
        auth_rejection_time: REFUSAL,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: keys.map(|(_, key)| key.private().clone()).collect(),
        limits: algorithms::limits(offered),
        window_size: WINDOW,
        preferred: algorithms::preferred(offered),
        max_auth_attempts: REFUSALS_MAX,
        inactivity_timeout: None,
        ..Config::default()
    }
}
