//! Starting a supervisor: from flash and factory facts to a running loop.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::links::Socket;
use super::ways::Ways;
use super::{Ended, Handle, INBOX_MAX, Input, Status, Supervisor, SupervisorError, key};
use crate::base::ident::{Slot, Udi};
use crate::base::platform;
use crate::base::time::Now;
use crate::net::link::hub::HubPort;
use crate::net::ntp;
use crate::net::stack::{BindError, Stack};
use crate::net::syslog;
use crate::net::tls;
use crate::proto::accounts::{self, Accounts, Page};
use crate::proto::agent::{self, Agent, Identity};
use crate::proto::broker::{self, Broker};
use crate::proto::config::{self, Factory, Tree, facts};
use crate::proto::mio::{Facts, Mio};
use crate::proto::workspace::{self, Workspace};
use crate::shell::proof::Prover;
use crate::sys::clock::ChassisClock;
use crate::sys::flash::{Change, Flash, FlashError};
use crate::sys::random;
use crate::wire::callhome::SigningKey;

/// What a supervisor is started with.
#[derive(Debug)]
pub struct Boot {
    pub chassis: &'static platform::Chassis,
    pub serial: String,
    /// What the configuration is before anybody configures.
    pub factory: Factory,
    pub flash: Flash,
    pub clock: ChassisClock,
    pub stack: Stack,
    /// Where its data ports are plugged in, and a number that no other chassis there has.
    pub data: (HubPort, u16),
    /// Where blades attach.
    pub socket: PathBuf,
    /// Slots that are to hold a blade.
    pub slots: BTreeSet<Slot>,
    /// Password of the account `admin` until an operator sets another; `None` on a chassis whose
    /// first-boot dialog asks for one.
    pub admin_password: Option<String>,
    /// How often it has died since the machine started.
    pub died: u32,
    /// A reboot ends the supervisor, since whoever started it starts it again.
    pub ends_at_reboot: bool,
    /// The management port asks for its address as long as none is configured.
    pub dhcp: bool,
}

/// Why a supervisor could not start: one line, which file, what to do.
#[derive(Debug, Error)]
pub enum BootError {
    #[error(transparent)]
    Flash(#[from] FlashError),
    #[error(
        "{path}: {what} cannot be read ({why}); restore it from a copy, or move the folder away"
    )]
    Damaged { path: String, what: &'static str, why: String },
    #[error("AppAG socket {path}: {error}; choose a shorter or writable state folder with --state")]
    Socket { path: String, error: std::io::Error },
    #[error("the chassis's NTP client cannot start: {0}")]
    Ntp(BindError),
}

/// What of a [`Boot`] every start of the machine needs.
pub(super) struct Hardware {
    pub(super) chassis: &'static platform::Chassis,
    pub(super) serial: String,
    pub(super) factory: Factory,
    /// Slots that are to hold a blade.
    pub(super) slots: BTreeSet<Slot>,
    /// As [`Boot::died`].
    pub(super) died: u32,
    /// As [`Boot::admin_password`].
    pub(super) admin_password: Option<String>,
}

/// Composes the machine from flash and what it is built of.
///
/// # Errors
/// [`BootError::Damaged`] or what flash says.
pub(super) fn machine(
    hardware: &Hardware,
    flash: &Flash,
    signing_key: &SigningKey,
    now: Now,
) -> Result<Mio, BootError> {
    let chassis = hardware.chassis;
    let agent_stored: agent::Stored = read(flash, key::AGENT)?.unwrap_or_default();
    let broker_stored: broker::Stored = read(flash, key::BROKER)?.unwrap_or_default();
    let accounts_stored = read(flash, key::ACCOUNTS)?.unwrap_or_default();
    let mut tree = match read::<config::Stored>(flash, key::CONFIG)? {
        None => Tree::factory(&hardware.factory),
        Some(stored) => Tree::restore(&stored, &hardware.factory)
            .map_err(|error| damaged(flash, "the configuration", error.to_string()))?,
    };
    let mut rng = random::rng();
    if let Some(password) = &hardware.admin_password {
        tree.give_admin_password(|| accounts::hash::hash(password, &mut rng));
    }
    let hostname = facts::hostname(tree.objects());
    let identity = Identity {
        udi: Udi { pid: chassis.udi_pid.to_owned(), serial: hardware.serial.clone() },
        product: chassis.product.to_owned(),
        sudi_pid: chassis.sudi_pid.to_owned(),
        hostname: hostname.clone(),
        version: chassis.agent,
        public_key: signing_key.public_key().to_string(),
    };
    let agent = Agent::new(identity, agent_stored, random::rng(), now);
    let broker_facts = broker::Facts {
        model: chassis.model.to_owned(),
        hostname,
        slots: chassis.slots,
        equipped: hardware.slots.clone(),
    };
    let broker = Broker::new(broker_facts, broker_stored, now);
    let facts = Facts {
        chassis,
        serial: hardware.serial.clone(),
        ntp: BTreeMap::new(),
        certificates: BTreeMap::new(),
        leased_dns: Vec::new(),
        died: hardware.died,
    };
    let mut mio = Mio::new(agent, broker, tree, facts);
    mio.accounts = Accounts::new(accounts_stored, audit_pages(flash)?, rng);
    let files = read::<workspace::Stored>(flash, key::WORKSPACE)?;
    mio.workspace = Workspace::new(files.unwrap_or_else(|| workspace::Stored::factory(now.wall)));
    Ok(mio)
}

/// Starts a supervisor; its task ends with the reason it stopped for.
///
/// # Errors
/// [`BootError`]; flash is left as it was.
pub fn boot(boot: Boot) -> Result<(Handle, JoinHandle<Result<Ended, SupervisorError>>), BootError> {
    let now = boot.clock.now();
    let signing_key = signing_key(&boot.flash)?;
    let hardware = Hardware {
        chassis: boot.chassis,
        serial: boot.serial,
        factory: boot.factory,
        slots: boot.slots,
        admin_password: boot.admin_password,
        died: boot.died,
    };
    let mio = machine(&hardware, &boot.flash, &signing_key, now)?;
    let unconfigured = accounts::User::find(mio.config.objects(), accounts::user::ADMIN)
        .is_none_or(|admin| admin.hash.is_none());
    let socket = Socket::bind(&boot.socket)
        .map_err(|error| BootError::Socket { path: boot.socket.display().to_string(), error })?;
    let (outbox, inbox) = mpsc::channel(INBOX_MAX);
    let (status, watch) = watch::channel(Status::default());
    let (deadline, due) = watch::channel(None);
    tokio::spawn(socket.accept(outbox.clone()));
    let handle = Handle {
        inbox: outbox.clone(),
        status: watch,
        deadline: due,
        clock: boot.clock.clone(),
        stack: boot.stack.clone(),
        prover: Prover::default(),
        unconfigured,
    };
    let ways = Ways::new(&handle, outbox.clone(), mio.config.objects());
    let ntp = follow_ntp(&boot.stack, &boot.clock, &outbox)?;
    let flash = Arc::new(boot.flash);
    let jobs = super::jobs::Jobs::new(super::jobs::Tools {
        stack: boot.stack.clone(),
        clock: boot.clock.clone(),
        flash: Arc::clone(&flash),
        outbox: outbox.clone(),
        secrets: tls::secrets(),
    });
    let wires = super::wires::Wires::start(boot.data.0, boot.data.1, outbox.clone());
    let stack = boot.stack.clone();
    let syslog = syslog::Sender::spawn(stack.clone());
    let supervisor = Supervisor {
        stack,
        syslog,
        name: facts::hostname(mio.config.objects()),
        mio,
        hardware,
        boots: 0,
        down: None,
        ends_at_reboot: boot.ends_at_reboot,
        rate: boot.clock.lab().rate(),
        clock: boot.clock,
        flash,
        signing_key,
        ntp,
        port: super::port::Port::new(boot.stack, outbox.clone(), boot.dhcp),
        inbox,
        outbox,
        links: BTreeMap::new(),
        desk: super::desk::Desk::new(jobs),
        ways,
        wires,
        unsaved: BTreeMap::new(),
        under_way: 0,
        jumped: false,
        heard: true,
        settling: Vec::new(),
        seen: Vec::new(),
        status,
        deadline,
        last: now,
        started: tokio::time::Instant::now(),
    };
    Ok((handle, tokio::spawn(supervisor.run())))
}

/// Starts the NTP client: it moves the chassis's clock, and its statuses reach the loop.
fn follow_ntp(
    stack: &Stack,
    clock: &ChassisClock,
    outbox: &mpsc::Sender<Input>,
) -> Result<Arc<ntp::Client>, BootError> {
    let (read, moved) = (clock.clone(), clock.clone());
    let client =
        ntp::Client::spawn(stack.clone(), Arc::new(move || read.now().wall), move |correction| {
            moved.set_skew_ms(moved.skew_ms().saturating_add(correction.by_ms))
        })
        .map_err(BootError::Ntp)?;
    let (mut statuses, outbox) = (client.statuses(), outbox.clone());
    tokio::spawn(async move {
        while statuses.changed().await.is_ok() {
            let texts = statuses.borrow_and_update().clone();
            let texts =
                texts.into_iter().map(|(name, status)| (name, status.device_text().to_owned()));
            if outbox.send(Input::Ntp(texts.collect())).await.is_err() {
                return;
            }
        }
    });
    Ok(Arc::new(client))
}

/// Returns the key that signs the chassis's requests, made at its first start.
fn signing_key(flash: &Flash) -> Result<SigningKey, BootError> {
    let seed = match flash.get(key::SIGNING_SEED)? {
        Some(stored) => <[u8; 32]>::try_from(stored)
            .map_err(|_| damaged(flash, "the signing key", "it has a wrong length".to_owned()))?,
        None => {
            let seed = random::seed();
            flash.write(&[Change::Put(key::SIGNING_SEED, &seed)])?;
            seed
        }
    };
    Ok(SigningKey::from_seed(&seed))
}

/// Returns the pages of the audit log.
fn audit_pages(flash: &Flash) -> Result<Vec<Page>, BootError> {
    let pages = flash.scan(key::AUDIT)?;
    let page = |(key, bytes): (String, Vec<u8>)| {
        serde_json::from_slice(&bytes)
            .map_err(|error| damaged(flash, "the audit log", format!("{key}: {error}")))
    };
    pages.into_iter().map(page).collect()
}

fn read<T: serde::de::DeserializeOwned>(
    flash: &Flash,
    key: &'static str,
) -> Result<Option<T>, BootError> {
    let Some(bytes) = flash.get(key)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| damaged(flash, key, error.to_string()))
}

fn damaged(flash: &Flash, what: &'static str, why: String) -> BootError {
    BootError::Damaged { path: flash.path().display().to_string(), what, why }
}
