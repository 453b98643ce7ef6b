//! The ways in over the network, as the configuration wants them: SSH, telnet and HTTPS.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{Handle, Input};
use crate::net::stack::{ListenError, Stack, TcpListener};
use crate::proto::config::Objects;
use crate::proto::config::facts::{self, Service};
use crate::shell::ssh::keys::{HostKey, KeyError, Kind};
use crate::shell::{https, ssh, telnet};
use crate::sys::flash::{Change, Flash, FlashError};

/// Most connections waiting to be accepted.
const BACKLOG: usize = 64;
/// How long after the start a host key that takes its time is made: whoever waits for a prompt is
/// served first.
const LATER: Duration = Duration::from_secs(1);

/// The servers.
pub(super) struct Ways {
    stack: Stack,
    outbox: mpsc::Sender<Input>,
    ssh: ssh::Server<Handle>,
    telnet: telnet::Server<Handle>,
    https: https::Server,
    ssh_port: Option<Port>,
    telnet_port: Option<Port>,
    /// With its number, which an operator may change.
    https_port: Option<(u16, Port)>,
    /// Host keys that are there or are being made.
    keys: BTreeSet<Kind>,
}

/// An open port; it closes when this is dropped. Connections that there are stay.
struct Port {
    listener: Arc<TcpListener>,
    task: AbortHandle,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ways {
    /// Makes the servers; no port is open yet.
    pub(super) fn new(handle: &Handle, outbox: mpsc::Sender<Input>, objects: &Objects) -> Ways {
        let (prover, status) = (handle.prover.clone(), handle.status.clone());
        let offered = facts::ssh_server(objects);
        let host = Arc::new(move || status.borrow().name.clone());
        Ways {
            stack: handle.stack.clone(),
            outbox,
            ssh: ssh::Server::new(handle.clone(), prover.clone(), offered),
            telnet: telnet::Server::new(handle.clone(), prover, Arc::clone(&host) as _),
            https: https::Server::new(host),
            ssh_port: None,
            telnet_port: None,
            https_port: None,
            keys: BTreeSet::new(),
        }
    }

    /// Brings ports, lists of addresses, algorithms and keys in line with the configuration.
    ///
    /// # Errors
    /// [`FlashError`] when the host keys cannot be read or written.
    pub(super) fn configure(&mut self, objects: &Objects, flash: &Flash) -> Result<(), FlashError> {
        let offered = facts::ssh_server(objects);
        self.add_keys(&offered, flash)?;
        let port = self.ssh_port.take().filter(|_| offered.enabled);
        self.ssh_port = port.or_else(|| {
            let server = self.ssh.clone();
            offered
                .enabled
                .then(|| self.open(ssh::PORT, |at| async move { server.serve(&at).await }))?
        });
        if let Some(port) = &self.ssh_port {
            guard(port, objects, Service::Ssh);
        }
        let number = objects.text(&facts::services(), "https port").parse().unwrap_or(https::PORT);
        let wanted = facts::is_service_on(objects, "https").then_some(number);
        let port = self.https_port.take().filter(|(open, _)| Some(*open) == wanted);
        self.https_port = port.or_else(|| {
            let (number, server) = (wanted?, self.https.clone());
            let open = self.open(number, |at| async move { server.serve(at).await })?;
            Some((number, open))
        });
        if let Some((_, port)) = &self.https_port {
            guard(port, objects, Service::Https);
        }
        self.ssh.configure(offered);
        let enabled = facts::is_service_on(objects, "telnet-server");
        let port = self.telnet_port.take().filter(|_| enabled);
        self.telnet_port = port.or_else(|| {
            let server = self.telnet.clone();
            enabled.then(|| self.open(telnet::PORT, |at| async move { server.serve(&at).await }))?
        });
        Ok(())
    }

    /// Tells whether every service that the configuration wants takes connections.
    pub(super) fn serving(&self, objects: &Objects) -> bool {
        let telnet = facts::is_service_on(objects, "telnet-server");
        let ssh = facts::ssh_server(objects).enabled;
        let https = facts::is_service_on(objects, "https");
        ssh == self.ssh_port.is_some()
            && telnet == self.telnet_port.is_some()
            && https == self.https_port.is_some()
    }

    /// Cuts every connection, as a restart does.
    pub(super) fn cut(&self) {
        self.ssh.cut();
        self.telnet.cut();
    }

    /// Takes a host key that was made meanwhile.
    pub(super) fn made(&mut self, kind: Kind, key: HostKey) {
        self.ssh.add_key(kind, key);
    }

    /// Reads the keys that the configuration wants, and has made those that there are not.
    fn add_keys(&mut self, offered: &facts::SshServer, flash: &Flash) -> Result<(), FlashError> {
        let rsa = offered.rsa_bits.map(Kind::rsa);
        let ecdsa = offered.curve.as_deref().map(Kind::of_curve);
        for kind in [Some(Kind::Ed25519), rsa, ecdsa].into_iter().flatten() {
            if !self.keys.insert(kind) {
                continue;
            }
            let stored = flash.get(&kind.name())?;
            let key = match stored.map(|stored| HostKey::read(&stored)).transpose() {
                Ok(Some(key)) => Ok(key),
                Ok(None) if kind == Kind::Ed25519 => make(kind, flash)?,
                Ok(None) => {
                    self.make_later(kind);
                    continue;
                }
                Err(error) => Err(error),
            };
            match key {
                Ok(key) => self.ssh.add_key(kind, key),
                Err(error) => tracing::error!("{}: {error}", kind.name()),
            }
        }
        Ok(())
    }

    /// Opens a port; one that was closed a moment ago is asked for again.
    fn open<S>(&self, port: u16, serve: impl FnOnce(Arc<TcpListener>) -> S) -> Option<Port>
    where
        S: Future<Output = ()> + Send + 'static,
    {
        match self.stack.listen(None, port, BACKLOG) {
            Ok(listener) => {
                let listener = Arc::new(listener);
                let task = tokio::spawn(serve(Arc::clone(&listener))).abort_handle();
                Some(Port { listener, task })
            }
            Err(ListenError::InUse { .. }) => {
                let outbox = self.outbox.clone();
                tokio::spawn(async move {
                    // What held it ends with its next turn.
                    tokio::task::yield_now().await;
                    // The supervisor may have ended.
                    let _ = outbox.send(Input::Reopen).await;
                });
                None
            }
            Err(error) => {
                tracing::error!("a service cannot start: {error}");
                None
            }
        }
    }

    /// Has a key made beside everything else.
    fn make_later(&self, kind: Kind) {
        let outbox = self.outbox.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LATER).await;
            let made = tokio::task::spawn_blocking(move || HostKey::make(kind)).await;
            match made {
                // The supervisor may have ended.
                Ok(Ok(key)) => {
                    let key = Box::new(key);
                    drop(outbox.send(Input::HostKey { kind, key }).await);
                }
                Ok(Err(error)) => tracing::error!("{}: {error}", kind.name()),
                Err(error) => tracing::error!("{}: {error}", kind.name()),
            }
        });
    }
}

/// Lets only those addresses to a port that the configuration names: before any handshake.
fn guard(port: &Port, objects: &Objects, service: Service) {
    let blocks = facts::ip_blocks(objects);
    let blocks: Vec<_> = blocks.into_iter().filter(|block| block.service == service).collect();
    let guard = move |from| blocks.iter().any(|block| block.contains(from));
    port.listener.set_guard(Some(Arc::new(guard)));
}

fn make(kind: Kind, flash: &Flash) -> Result<Result<HostKey, KeyError>, FlashError> {
    let made = HostKey::make(kind).and_then(|key| Ok((key.stored()?, key)));
    match made {
        Ok((stored, key)) => {
            flash.write(&[Change::Put(&kind.name(), &stored)])?;
            Ok(Ok(key))
        }
        Err(error) => Ok(Err(error)),
    }
}
