//! The supervisor as a task: its machine, and everything that carries out what the machine wants.
//!
//! One loop: take what came in, let the machine run until it waits, write what must last in one
//! transaction, and only then send, ask and print.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use crate::base::time::{Instant, Now};
use crate::cli::desk::SessionId;
use crate::net::ntp::{self, Servers};
use crate::net::stack::{Lease, Stack};
use crate::net::syslog;
use crate::proto::Next;
use crate::proto::agent;
use crate::proto::broker::{self, LinkId};
use crate::proto::config::facts;
use crate::proto::mio::{Event, Mio, Output, Piece, Restart};
use crate::shell::proof::Prover;
use crate::shell::sessions::{Front, ToSession};
use crate::shell::ssh::keys::{HostKey, Kind};
use crate::sys::clock::ChassisClock;
use crate::sys::flash::{Change, Flash, FlashError};
use crate::wire::callhome::SigningKey;

mod boot;
mod capture;
mod desk;
mod exchange;
mod files;
mod jobs;
mod links;
mod port;
mod status;
mod transfer;
mod ways;
mod wires;

pub use boot::{Boot, BootError, boot};
pub use status::{Registration, Status};

use boot::Hardware;
use desk::Desk;
use jobs::Said;
use links::Line;
use ways::Ways;
use wires::Wires;

/// Most inputs waiting for the loop; whoever brings more waits.
const INBOX_MAX: usize = 256;
/// Most inputs taken before the machine runs and flash is written: one transaction for all.
const BATCH_MAX: usize = 64;

/// Keys of the parts in flash.
pub(crate) mod key {
    pub(crate) const AGENT: &str = "agent";
    pub(crate) const BROKER: &str = "broker";
    pub(crate) const CONFIG: &str = "config";
    pub(crate) const SIGNING_SEED: &str = "signing-seed";
    pub(crate) const ACCOUNTS: &str = "accounts";
    /// What the keys of the audit log's pages begin with.
    pub(crate) const AUDIT: &str = "audit/";

    /// The tree of the workspace, and what the keys of its files' pieces begin with.
    pub(crate) const WORKSPACE: &str = "workspace";
    pub(crate) const FILE_PIECE: &str = "file/";

    pub(crate) fn file_piece(number: u64) -> String {
        format!("{FILE_PIECE}{number:016x}")
    }

    pub(crate) fn audit(page: u64) -> String {
        format!("{AUDIT}{page:02}")
    }
}

/// What comes in.
#[derive(Debug)]
pub(crate) enum Input {
    LinkOpened {
        link: LinkId,
        line: Line,
    },
    LinkBytes {
        link: LinkId,
        bytes: Vec<u8>,
    },
    LinkGone {
        link: LinkId,
    },
    /// The outcome of an exchange with the authority, and since which start it was under way.
    Exchanged {
        boot: u32,
        event: agent::Event,
    },
    Session(ToSession),
    /// What an operator's job says.
    Job {
        session: SessionId,
        said: Said,
    },
    /// Change the workspace, on behalf of a job.
    File(files::Change),
    /// Something came over the wire of a data port.
    Frame {
        port: String,
        bytes: Vec<u8>,
    },
    /// Statuses of the NTP servers.
    Ntp(BTreeMap<String, String>),
    /// A DHCP server gave the management port an address, or it lost the one that it had.
    Leased(Option<Lease>),
    /// A port that could not be opened may be free now.
    Reopen,
    /// A host key of the SSH server was made.
    HostKey {
        kind: Kind,
        key: Box<HostKey>,
    },
    /// Answer once nothing is due and nothing is under way.
    Settle(oneshot::Sender<()>),
    /// Answer after everything taken so far is done.
    Seen(oneshot::Sender<()>),
    /// End after everything taken so far is done.
    Stop,
}

/// Why a supervisor had to stop.
#[derive(Debug, Error)]
pub enum SupervisorError {
    #[error(transparent)]
    Flash(#[from] FlashError),
    /// What it wrote before a restart cannot be read after it.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A part of the state that JSON cannot hold: a bug, and better stopped than forgotten.
    #[error("{key} cannot be written to flash: {error}")]
    Encode { key: Cow<'static, str>, error: serde_json::Error },
}

/// Why a supervisor has ended by itself or was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Off,
    /// It is to be started again.
    Afresh,
    /// The same, and its configuration is erased.
    Erased,
}

/// A running supervisor, as everybody else holds it. Clones mean the same one.
#[derive(Clone, Debug)]
pub struct Handle {
    inbox: mpsc::Sender<Input>,
    pub status: watch::Receiver<Status>,
    /// When its machine is next due.
    pub deadline: watch::Receiver<Option<Instant>>,
    pub clock: ChassisClock,
    pub stack: Stack,
    /// Compares passwords, for every way in alike.
    pub prover: Prover,
    /// True if nobody had configured the chassis when it started.
    pub unconfigured: bool,
}

impl Front for Handle {
    async fn tell(&self, message: ToSession) -> bool {
        self.inbox.send(Input::Session(message)).await.is_ok()
    }
}

impl Handle {
    /// Returns once nothing is due and no try is under way.
    pub async fn settled(&self) {
        let (reply, settled) = oneshot::channel();
        if self.inbox.send(Input::Settle(reply)).await.is_ok() {
            // An error means that it has ended: nothing is under way then.
            let _ = settled.await;
        }
    }

    /// Returns once everything said to it before has been taken, and is on the disk.
    pub async fn seen(&self) {
        let (reply, seen) = oneshot::channel();
        if self.inbox.send(Input::Seen(reply)).await.is_ok() {
            // An error means that it has ended.
            let _ = seen.await;
        }
    }

    /// Returns true once it takes nothing more.
    pub fn has_ended(&self) -> bool {
        self.inbox.is_closed()
    }

    /// Asks it to end.
    pub async fn stop(&self) {
        // An error means that it has ended already.
        let _ = self.inbox.send(Input::Stop).await;
    }
}

struct Supervisor {
    mio: Mio,
    /// What a restart begins with again.
    hardware: Hardware,
    /// Number of starts.
    boots: u32,
    /// How an operator wants the chassis to go down, once everybody has been told.
    down: Option<Restart>,
    /// A reboot is somebody else's to do.
    ends_at_reboot: bool,
    name: String,
    clock: ChassisClock,
    flash: Arc<Flash>,
    signing_key: SigningKey,
    stack: Stack,
    port: port::Port,
    inbox: mpsc::Receiver<Input>,
    outbox: mpsc::Sender<Input>,
    links: BTreeMap<LinkId, Line>,
    desk: Desk,
    ways: Ways,
    wires: Wires,
    /// What has changed and is not on the disk yet, by key.
    unsaved: BTreeMap<Cow<'static, str>, Option<Vec<u8>>>,
    under_way: usize,
    settling: Vec<oneshot::Sender<()>>,
    seen: Vec<oneshot::Sender<()>>,
    status: watch::Sender<Status>,
    deadline: watch::Sender<Option<Instant>>,
    rate: u32,
    /// True while blades have not been told of a jump of both clocks.
    jumped: bool,
    /// True from an input until its effects are carried out.
    heard: bool,
    /// The last reading of both clocks, to notice a step of the wall clock.
    last: Now,
    ntp: Arc<ntp::Client>,
    syslog: syslog::Sender,
    /// When it started, in the time of the people who sit at its sessions.
    started: tokio::time::Instant,
}

/// Waits until a moment that is counted from `start`; forever for `None`.
async fn sleep_until(start: tokio::time::Instant, due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(start + due.since(Instant::ZERO)).await,
        None => std::future::pending().await,
    }
}

/// How long a change that nothing depends on may wait for others before it is written.
///
/// An evaluation period is counted every ten minutes; who lets three months pass at once would
/// else wait for thousands of writes.
const LAZY: Duration = Duration::from_secs(1);
/// Shortest jump of both clocks that blades are told of.
const JUMP_MIN: Duration = Duration::from_secs(5);
/// Furthest that wall and monotonic time may drift apart between two readings unnoticed.
const STEP_MIN: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Runs until it is told to stop, or flash fails.
    async fn run(mut self) -> Result<Ended, SupervisorError> {
        self.configured()?;
        loop {
            let deadline = self.turn()?;
            match self.down.take() {
                None => {}
                Some(Restart::PowerOff) => {
                    self.mio.accounts.save();
                    self.turn()?;
                    self.save()?;
                    self.desk.close_all();
                    return Ok(Ended::Off);
                }
                Some(how @ (Restart::Reboot | Restart::Erase)) if self.ends_at_reboot => {
                    self.lay_down(how)?;
                    return Ok(if how == Restart::Erase { Ended::Erased } else { Ended::Afresh });
                }
                Some(how @ (Restart::Reboot | Restart::Erase)) => {
                    self.restart(how)?;
                    continue;
                }
            }
            let (wait, patience) = (self.clock.lab().clone(), self.expire());
            if patience.is_some_and(|due| due <= self.patience()) {
                continue;
            }
            let input = tokio::select! {
                input = self.inbox.recv() => input,
                () = tokio::time::sleep(LAZY), if self.jumped || !self.unsaved.is_empty() => {
                    let now = self.now();
                    self.tell_time(now);
                    self.heard = true;
                    continue;
                }
                () = wait.sleep_until(deadline) => {
                    let now = self.now();
                    self.mio.handle(now, Event::Due);
                    continue;
                }
                () = sleep_until(self.started, patience) => continue,
            };
            let Some(input) = input else { return self.save().map(|()| Ended::Off) };
            let mut stop = self.take(input)?;
            for _ in 1..BATCH_MAX {
                let Ok(input) = self.inbox.try_recv() else { break };
                stop |= self.take(input)?;
            }
            if stop {
                self.mio.accounts.save();
                self.turn()?;
                self.save()?;
                self.desk.close_all();
                return Ok(Ended::Off);
            }
        }
    }

    /// Reads the clock of the people who sit at the sessions: the host's, which no lab can move.
    fn patience(&self) -> Instant {
        Instant::from_elapsed(self.started.elapsed())
    }

    /// Ends the sessions whose time is up; returns when the next one's is, or now if some ended.
    fn expire(&mut self) -> Option<Instant> {
        let patience = self.patience();
        let due = self.mio.accounts.expire(patience, self.mio.config.objects());
        if self.mio.accounts.is_busy() { Some(patience) } else { due }
    }

    /// Leaves in flash what the next start is to find, and ends the sessions.
    fn lay_down(&mut self, how: Restart) -> Result<(), SupervisorError> {
        self.mio.accounts.save();
        self.turn()?;
        self.save()?;
        if how == Restart::Erase {
            self.flash.write(&[Change::Delete(key::CONFIG), Change::Delete(key::ACCOUNTS)])?;
        }
        self.desk.close_all();
        Ok(())
    }

    /// Begins anew from flash, as after a power cut: sessions, links and tries are gone.
    fn restart(&mut self, how: Restart) -> Result<(), SupervisorError> {
        self.lay_down(how)?;
        self.ways.cut();
        self.links.clear();
        self.boots += 1;
        self.under_way = 0;
        let now = self.clock.now();
        self.mio = boot::machine(&self.hardware, &self.flash, &self.signing_key, now)?;
        self.configured()
    }

    /// Reads the clocks; a step of the wall clock reaches the machine before anything else does.
    fn now(&mut self) -> Now {
        let now = self.clock.now();
        let rate = self.clock.lab().rate();
        let passed = now.mono.since(self.last.mono);
        let expected = self.last.wall + passed;
        let apart = now.wall.since(expected).max(expected.since(now.wall));
        self.last = now;
        if apart >= STEP_MIN || rate != self.rate {
            self.rate = rate;
            let rate_milli = rate.saturating_mul(1000);
            self.mio.handle(now, Event::ClockSet { rate_milli });
        } else if passed >= JUMP_MIN {
            self.jumped = true;
        }
        now
    }

    /// Tells the blades of a jump of both clocks: between readings they keep their own time.
    fn tell_time(&mut self, now: Now) {
        if std::mem::take(&mut self.jumped) {
            let rate_milli = self.rate.saturating_mul(1000);
            self.mio.broker.handle(now, broker::Event::ClockSet { rate_milli });
        }
    }

    /// Applies one input; true if it is the last. Whoever brings one waits for its effects, so what
    /// it changes is written at once.
    ///
    /// # Errors
    /// [`SupervisorError`] when flash fails.
    fn take(&mut self, input: Input) -> Result<bool, SupervisorError> {
        let now = self.now();
        if !matches!(input, Input::Settle(_) | Input::Frame { .. }) {
            self.heard = true;
            self.tell_time(now);
        }
        match input {
            Input::LinkOpened { link, line } => {
                self.links.insert(link, line);
                self.mio.handle(now, Event::Broker(broker::Event::Opened { link }));
            }
            Input::LinkBytes { link, bytes } => {
                self.mio.handle(now, Event::Broker(broker::Event::Received { link, bytes }));
            }
            Input::LinkGone { link } => {
                self.links.remove(&link);
                self.mio.handle(now, Event::Broker(broker::Event::Gone { link }));
            }
            Input::Exchanged { boot, event } => {
                // What was asked before a restart was asked by a machine that is no more.
                if boot == self.boots {
                    self.under_way = self.under_way.saturating_sub(1);
                    self.mio.handle(now, Event::Agent(event));
                }
            }
            Input::Job { session, said } => self.desk.job(now, &mut self.mio, session, said),
            Input::Session(message) => {
                self.desk.tick(self.patience());
                self.desk.take(now, &mut self.mio, message);
            }
            Input::File(change) => change.apply(now, &mut self.mio.workspace),
            Input::Frame { port, bytes } => {
                self.mio.handle(now, Event::Broker(broker::Event::Frame { port, bytes }));
            }
            Input::Ntp(statuses) => self.mio.handle(now, Event::Ntp(statuses)),
            Input::HostKey { kind, key } => match key.stored() {
                Ok(stored) => {
                    // No connection sees it before this turn has written it: nothing else runs.
                    self.unsaved.insert(kind.name().into(), Some(stored));
                    self.ways.made(kind, *key);
                }
                Err(error) => tracing::error!(chassis = %self.name, "{error}"),
            },
            Input::Settle(reply) => self.settling.push(reply),
            Input::Seen(reply) => self.seen.push(reply),
            Input::Leased(lease) => {
                self.mio.facts.leased_dns = self.port.leased(lease);
                self.configured()?;
            }
            Input::Reopen => self.configured()?,
            Input::Stop => return Ok(true),
        }
        Ok(false)
    }

    /// Lets the machine run until it waits, then carries out what it wanted; returns its deadline.
    fn turn(&mut self) -> Result<Option<Instant>, SupervisorError> {
        loop {
            let now = self.now();
            let mut outputs = Vec::new();
            let deadline = loop {
                match self.mio.poll(now) {
                    Next::Do(output) => outputs.push(output),
                    Next::Wait(deadline) => break deadline,
                }
            };
            self.persist(&outputs)?;
            let quiet = |output: &Output| matches!(output, Output::Persist(_) | Output::Log { .. });
            if self.heard || !outputs.iter().all(quiet) {
                self.save()?;
            }
            let idle = outputs.is_empty();
            for output in outputs {
                self.perform(now, output)?;
            }
            if deadline.is_some_and(|deadline| deadline <= self.clock.now().mono) {
                let now = self.now();
                self.mio.handle(now, Event::Due);
                continue;
            }
            if idle && !self.desk.flush(now, &mut self.mio) {
                self.heard = false;
                self.deadline.send_replace(deadline);
                self.report(now);
                return Ok(deadline);
            }
        }
    }

    /// Notes every part that changed.
    fn persist(&mut self, outputs: &[Output]) -> Result<(), SupervisorError> {
        for output in outputs {
            let Output::Persist(piece) = output else { continue };
            let (key, value) = match piece {
                Piece::Agent(stored) => (key::AGENT.into(), serde_json::to_vec(stored)),
                Piece::Broker(stored) => (key::BROKER.into(), serde_json::to_vec(stored)),
                Piece::Config(stored) => (key::CONFIG.into(), serde_json::to_vec(stored)),
                Piece::Accounts(stored) => (key::ACCOUNTS.into(), serde_json::to_vec(stored)),
                Piece::AuditPage(page) => {
                    (key::audit(page.number).into(), serde_json::to_vec(page))
                }
                Piece::Workspace(stored) => (key::WORKSPACE.into(), serde_json::to_vec(stored)),
                Piece::FilePiece { number, bytes } => {
                    self.unsaved.insert(key::file_piece(*number).into(), bytes.clone());
                    continue;
                }
            };
            let encode = |error| SupervisorError::Encode { key: Cow::clone(&key), error };
            self.unsaved.insert(key.clone(), Some(value.map_err(encode)?));
        }
        Ok(())
    }

    /// Writes what has changed, in one transaction.
    fn save(&mut self) -> Result<(), SupervisorError> {
        if self.unsaved.is_empty() {
            return Ok(());
        }
        let changes: Vec<Change<'_>> = self
            .unsaved
            .iter()
            .map(|(key, value)| match value {
                Some(value) => Change::Put(key, value),
                None => Change::Delete(key),
            })
            .collect();
        self.flash.write(&changes)?;
        self.unsaved.clear();
        Ok(())
    }

    fn perform(&mut self, now: Now, output: Output) -> Result<(), SupervisorError> {
        match output {
            Output::Persist(_) => {}
            Output::Ask { exchange, request } => {
                self.under_way += 1;
                let work = exchange::Work::new(&self.mio, &self.stack, now.wall);
                let sealed = work.seal(&request, &self.signing_key);
                tokio::spawn(work.run(self.boots, exchange, sealed, self.outbox.clone()));
            }
            Output::Send { link, bytes } => {
                let sent = self.links.get(&link).is_none_or(|line| line.send(bytes));
                if !sent {
                    tracing::warn!(chassis = %self.name, "AppAG: link {} reads nothing; closed", link.0);
                    if let Some(line) = self.links.remove(&link) {
                        line.cut();
                    }
                    self.mio.handle(now, Event::Broker(broker::Event::Gone { link }));
                }
            }
            Output::Close { link, reason } => {
                tracing::warn!(chassis = %self.name, "AppAG: link {} closed: {reason}", link.0);
                self.links.remove(&link);
            }
            Output::ConsoleOut { slot, bytes, settled } => {
                self.desk.console_out(now, &mut self.mio, slot, &bytes, settled);
            }
            Output::ConsoleDown { slot } => self.desk.console_down(now, &mut self.mio, slot),
            Output::Frame { slot, port, bytes } => self.wires.send(slot, &port, &bytes),
            Output::Configured(_) => self.configured()?,
            Output::Restart { how, .. } => self.down = Some(how),
            Output::EndSession { session, text } => self.desk.end(session, text),
            Output::Log { severity, text } => self.log(now, severity, &text),
        }
        Ok(())
    }

    /// Writes a line into the system log, and to the servers that want it.
    fn log(&self, now: Now, severity: u8, text: &str) {
        self.syslog.line(severity, text, now.wall);
        match severity {
            0..=3 => tracing::error!(target: "device", chassis = %self.name, "{text}"),
            4 => tracing::warn!(target: "device", chassis = %self.name, "{text}"),
            5 | 6 => tracing::info!(target: "device", chassis = %self.name, "{text}"),
            _ => tracing::debug!(target: "device", chassis = %self.name, "{text}"),
        }
    }

    /// Brings the edge in line with the committed configuration.
    fn configured(&mut self) -> Result<(), SupervisorError> {
        self.name = facts::hostname(self.mio.config.objects());
        let objects = self.mio.config.objects();
        let domain = facts::domain_name(objects);
        let servers = Servers {
            servers: facts::ntp_servers(objects),
            dns: self.mio.dns_servers(),
            domain: (!domain.is_empty()).then_some(domain),
            keys: facts::ntp_keys(objects)
                .into_iter()
                .map(|(name, id, text)| (name, ntp::Key::new(id, &text)))
                .collect(),
        };
        let wanted = facts::syslog_servers(objects).into_iter().map(|server| syslog::Server {
            host: server.host,
            level: server.level,
            facility: server.facility,
        });
        self.syslog.configure(syslog::Servers {
            servers: wanted.collect(),
            dns: servers.dns.clone(),
            domain: servers.domain.clone(),
        });
        let ntp = Arc::clone(&self.ntp);
        tokio::spawn(async move { ntp.configure(servers).await });
        if let Err(error) = self.port.configure(objects) {
            tracing::error!(chassis = %self.name, "management address: {error}");
        }
        Ok(self.ways.configure(self.mio.config.objects(), &self.flash)?)
    }

    /// Publishes how things stand, and answers whoever waits for nothing to be under way.
    fn report(&mut self, now: Now) {
        let status = Status {
            serving: self.ways.serving(self.mio.config.objects()),
            ..Status::of(now, &self.mio, &self.hardware.slots, self.under_way > 0)
        };
        self.status.send_if_modified(|old| {
            let changed = *old != status;
            *old = status;
            changed
        });
        for reply in self.seen.drain(..) {
            // Whoever asked may have gone.
            let _ = reply.send(());
        }
        if self.under_way == 0 {
            for reply in self.settling.drain(..) {
                // Whoever asked may have gone.
                let _ = reply.send(());
            }
        }
    }
}
