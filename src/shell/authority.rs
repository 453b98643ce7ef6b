//! The licence authority as a service: request bytes in, answer bytes out.
//!
//! It joins the machine, the CA and the flash. Whatever a request changed is on the disk before
//! its answer leaves, and so is whatever earlier requests changed that the answer may rest on. One
//! thread writes; what comes in meanwhile shares its next transaction, so that many requests wait
//! for one flush of the disk. If a write fails, the machine is rebuilt from the disk and everyone
//! who waited is told to try again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::base::ident::{ExchangeId, Udi};
use crate::base::rng::Rng;
use crate::base::time::{Now, Utc, days};
use crate::net::ca::{Ca, CaError};
use crate::proto::Next;
use crate::proto::authority::{
    Authority, Event, Flavour, OperatorError, Output, PREFIX, Record, RecordError, Settings,
    Signature,
};
use crate::sys::clock::ClockError;
use crate::sys::flash::{Change, Flash, FlashError};
use crate::wire::callhome::{
    Answer, OpenError, Opened, PublicKey, Request, SigningKey, Verdict, open, seal, unsigned,
};
use crate::wire::sync::Signing;

pub mod api;
pub mod desk;
pub mod operation;
#[cfg(test)]
mod tests;
pub mod web;

/// Key of the CA in flash.
const CA_KEY: &str = "ca";
/// How long a satellite's signature passes before and after the moment of its sync.
const SIGNING_BACKDATED: Duration = days(1);
const SIGNING_VALID: Duration = days(365);
/// Most calls that wait for the disk at once; what comes in beyond is told to try again.
pub const WAITING_MAX: usize = 4096;

/// Why the authority can't start or can't answer. Each prints as one line for the operator.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ServiceError {
    #[error(transparent)]
    Flash(#[from] FlashError),
    #[error("{path} can't be used ({error}): restore it from a copy, or move it away")]
    Record { path: String, error: RecordError },
    #[error("{path}: {error}")]
    OtherFlavour { path: String, error: RecordError },
    #[error("{path} can't be used ({error}): restore it from a copy, or move it away")]
    Ca { path: String, error: CaError },
    #[error("the authority's disk refused a write: see its log, then try again")]
    Unsaved,
    #[error("{WAITING_MAX} calls wait for the authority's disk already: try again")]
    Busy,
    #[error(transparent)]
    Refused(#[from] OperatorError),
    #[error("an account is named by its smart account and its virtual account: give both or none")]
    HalfAccount,
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// What the lab says in which the authority is.
    #[error("{0}")]
    Lab(String),
}

/// What goes back over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// A sealed answer with status 200, a line of text with any other.
    pub body: Vec<u8>,
}

/// A handle to the authority; clones share it. Once the last is dropped, and no call is under way,
/// the flash can be opened again.
#[derive(Clone, Debug)]
pub struct Service(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    flash: Flash,
    ca: Ca,
    state: Mutex<State>,
    exchanges: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// `None` when it could not be rebuilt after a failed write; the next call tries again.
    authority: Option<Authority>,
    flavour: Flavour,
    settings: Settings,
    rng: Rng,
    /// What was changed and is not on the disk yet, oldest first.
    unsaved: Vec<Record>,
    /// Who waits for `unsaved` to be on the disk; false tells them that it was undone.
    waiting: Vec<oneshot::Sender<bool>>,
    /// True while a thread writes.
    writing: bool,
}

impl Service {
    /// Starts the cloud authority that `flash` holds, or a new one with a new CA.
    ///
    /// # Errors
    /// [`ServiceError`] if what is in flash can't be read; it is left as it is.
    pub fn open(flash: Flash, settings: Settings, rng: Rng) -> Result<Service, ServiceError> {
        Service::open_as(flash, Flavour::Cloud, settings, rng)
    }

    /// Starts the authority of either flavour that `flash` holds, or a new one with a new CA.
    ///
    /// # Errors
    /// As [`Service::open`], and for a flash of the other flavour.
    pub fn open_as(
        flash: Flash,
        flavour: Flavour,
        settings: Settings,
        mut rng: Rng,
    ) -> Result<Service, ServiceError> {
        let path = flash.path().display().to_string();
        let of_ca = |error| ServiceError::Ca { path: path.clone(), error };
        let kept = flash.get(CA_KEY)?;
        let ca = match &kept {
            Some(stored) => Ca::load(stored),
            None => Ca::generate(),
        }
        .map_err(of_ca)?;
        let mut authority = load(&flash, flavour, &settings, &mut rng)?;
        let mut unsaved = Vec::new();
        drain(&mut authority, Utc::MIN, &mut unsaved);
        // The CA goes with the first records: the disk is waited for once.
        let made = kept.is_none().then(|| ca.to_stored());
        let mut changes = changes(&unsaved);
        changes.extend(made.iter().map(|stored| Change::Put(CA_KEY, stored)));
        flash.write(&changes)?;
        let state = State {
            authority: Some(authority),
            flavour,
            settings,
            rng,
            unsaved: Vec::new(),
            waiting: Vec::new(),
            writing: false,
        };
        Ok(Service(Arc::new(Inner {
            flash,
            ca,
            state: Mutex::new(state),
            exchanges: AtomicU64::new(0),
        })))
    }

    /// Returns the CA, for TLS servers and trustpoints.
    pub fn ca(&self) -> &Ca {
        &self.0.ca
    }

    /// Answers the body of one HTTP request.
    ///
    /// What is no request of this exchange gets status 400 or 413; a refusal is a signed answer.
    pub async fn answer(&self, bytes: &[u8], now: Now) -> Response {
        let text = |status, line: String| Response { status, body: line.into_bytes() };
        let opened = match open(bytes) {
            Ok(opened) => opened,
            Err(error @ OpenError::TooLong { .. }) => return text(413, format!("{error}\n")),
            Err(
                error @ (OpenError::Shape | OpenError::Version { .. } | OpenError::Base64 { .. }),
            ) => return text(400, format!("{error}\n")),
        };
        let request = match Request::parse(&opened.body) {
            Ok(request) => request,
            Err(error) => return text(400, format!("{error}\n")),
        };
        match self.exchange(request, opened, now).await {
            Ok(body) => Response { status: 200, body },
            Err(error) => {
                tracing::error!(%error, "request not answered");
                text(503, format!("{error}\n"))
            }
        }
    }

    /// Lets an operator read or change the authority; a change is on the disk when this returns.
    ///
    /// # Errors
    /// [`ServiceError::Unsaved`] if the disk refused the change, or whatever `work` answers.
    pub async fn operate<T>(
        &self,
        now: Now,
        work: impl FnOnce(&mut Authority, Utc) -> Result<T, OperatorError>,
    ) -> Result<T, ServiceError> {
        let (result, _) = self.carry_out(now, |authority| work(authority, now.wall)).await?;
        Ok(result?)
    }

    /// Returns what kind of authority it is.
    pub fn flavour(&self) -> Flavour {
        self.0.state.lock().flavour
    }

    /// Returns the settings in force.
    pub fn settings(&self) -> Settings {
        self.0.state.lock().settings.clone()
    }

    /// Changes the settings: tolerance, and the faults that the authority itself decides.
    pub fn set_settings(&self, settings: Settings) {
        let mut state = self.0.state.lock();
        if let Some(authority) = &mut state.authority {
            authority.set_settings(settings.clone());
        }
        state.settings = settings;
    }

    /// Has one request decided and saved; returns the sealed answer.
    async fn exchange(
        &self,
        request: Request,
        opened: Opened,
        now: Now,
    ) -> Result<Vec<u8>, ServiceError> {
        let exchange = ExchangeId(self.0.exchanges.fetch_add(1, Ordering::Relaxed));
        let Opened { body, signature, chain: _ } = opened;
        let event = Event::Request { exchange, request: Box::new(request), body, signature };
        let ((), decided) = self
            .carry_out(now, |authority| {
                authority.handle(now, event);
            })
            .await?;
        let Decided { mut answer, signature, holder } = decided.ok_or(ServiceError::Unsaved)?;
        if let (Verdict::Registered(grant) | Verdict::Renewed(grant), Some((udi, key))) =
            (&mut answer.verdict, holder)
        {
            let (from, to) = (grant.not_before, grant.not_after);
            let made = self.0.ca.issue_identity(&udi, &grant.instance, key, from, to);
            let path = self.0.flash.path().display().to_string();
            grant.certificate = made.map_err(|error| ServiceError::Ca { path, error })?;
        }
        Ok(self.seal(&answer, signature))
    }

    /// Returns the root that vouches for answers, PEM: the authority's own, or that of the cloud
    /// authority to which a satellite belongs.
    pub fn licence_root_pem(&self) -> String {
        let state = self.0.state.lock();
        let given = state.authority.as_ref().and_then(Authority::signing);
        given.map_or_else(|| self.0.ca.licence_root_pem().to_owned(), |given| given.root.clone())
    }

    /// Returns what a satellite gets for the key that signed its request.
    ///
    /// # Errors
    /// [`ServiceError::Ca`].
    pub fn signing_for(&self, key: PublicKey, now: Now) -> Result<Signing, ServiceError> {
        let (from, to) = (now.wall - SIGNING_BACKDATED, now.wall + SIGNING_VALID);
        let path = self.0.flash.path().display().to_string();
        let chain = self.0.ca.issue_signing(key, from, to);
        let chain = chain.map_err(|error| ServiceError::Ca { path, error })?;
        Ok(Signing { chain, root: self.0.ca.licence_root_pem().to_owned() })
    }

    fn seal(&self, answer: &Answer, signature: Signature) -> Vec<u8> {
        let (body, ca) = (answer.to_json(), &self.0.ca);
        let chain = {
            let state = self.0.state.lock();
            let given = state.authority.as_ref().and_then(Authority::signing);
            given.map_or_else(|| ca.signer_chain().to_owned(), |given| given.chain.clone())
        };
        match signature {
            Signature::Good => seal(&body, ca.signer(), &chain),
            Signature::Wrong => seal(&body, &SigningKey::from_seed(&[0; 32]), &chain),
            Signature::Missing => unsigned(&body),
        }
    }

    /// Runs `work` on the machine and waits until all it changed, or rests on, is on the disk.
    async fn carry_out<T>(
        &self,
        now: Now,
        work: impl FnOnce(&mut Authority) -> T,
    ) -> Result<(T, Option<Decided>), ServiceError> {
        let (result, decided, saved) = {
            let mut state = self.0.state.lock();
            let state = &mut *state;
            if state.waiting.len() >= WAITING_MAX {
                return Err(ServiceError::Busy);
            }
            let authority = match &mut state.authority {
                Some(authority) => authority,
                missing @ None => {
                    let (flavour, settings) = (state.flavour, &state.settings);
                    missing.insert(load(&self.0.flash, flavour, settings, &mut state.rng)?)
                }
            };
            authority.handle(now, Event::Due);
            drain(authority, now.wall, &mut state.unsaved);
            let result = work(authority);
            let decided = drain(authority, now.wall, &mut state.unsaved);
            if !state.writing {
                if state.unsaved.is_empty() {
                    // Nobody writes, so what came before is on the disk too.
                    return Ok((result, decided));
                }
                state.writing = true;
                let inner = self.0.clone();
                tokio::task::spawn_blocking(move || inner.write());
            }
            let (tell, saved) = oneshot::channel();
            state.waiting.push(tell);
            (result, decided, saved)
        };
        if saved.await.unwrap_or(false) {
            Ok((result, decided))
        } else {
            Err(ServiceError::Unsaved)
        }
    }
}

impl Inner {
    /// Writes until nothing is left to write. Runs on a thread of its own, one at a time.
    fn write(self: Arc<Inner>) {
        let Some(mut batch) = self.next_batch() else { return };
        loop {
            let saved = self.flash.write(&changes(&batch.records));
            if let Err(error) = &saved {
                self.undo(error);
            }
            let Some(next) = self.next_batch() else {
                // Let go first: whoever is told may close the authority and open it again.
                drop(self);
                batch.tell(saved.is_ok());
                return;
            };
            batch.tell(saved.is_ok());
            batch = next;
        }
    }

    /// Takes all that waits to be written; `None` ends the thread that writes.
    fn next_batch(&self) -> Option<Batch> {
        let mut state = self.state.lock();
        let records = std::mem::take(&mut state.unsaved);
        let waiting = std::mem::take(&mut state.waiting);
        state.writing = !(records.is_empty() && waiting.is_empty());
        state.writing.then_some(Batch { records, waiting })
    }

    /// Goes back to what the disk holds, after a write that failed; whoever was carried out since
    /// rests on what is lost.
    fn undo(&self, error: &FlashError) {
        tracing::error!(%error, "the authority goes back to what its disk holds");
        let mut state = self.state.lock();
        let state = &mut *state;
        state.unsaved.clear();
        state.authority = load(&self.flash, state.flavour, &state.settings, &mut state.rng).ok();
        let waiting = std::mem::take(&mut state.waiting);
        Batch { records: Vec::new(), waiting }.tell(false);
    }
}

/// What goes into one transaction, and who waits for it.
#[derive(Debug)]
struct Batch {
    records: Vec<Record>,
    waiting: Vec<oneshot::Sender<bool>>,
}

impl Batch {
    /// Tells everyone who waits whether it is on the disk.
    fn tell(self, saved: bool) {
        for tell in self.waiting {
            // Who left meanwhile needs no word.
            let _ = tell.send(saved);
        }
    }
}

/// An answer, and whom a certificate in it is for.
#[derive(Debug)]
struct Decided {
    answer: Answer,
    signature: Signature,
    holder: Option<(Udi, PublicKey)>,
}

/// Carries the machine's outputs out of it: records to `unsaved`, the answer to the caller.
fn drain(authority: &mut Authority, wall: Utc, unsaved: &mut Vec<Record>) -> Option<Decided> {
    let now = Now { mono: crate::base::time::Instant::ZERO, wall };
    let mut answered = None;
    while let Next::Do(output) = authority.poll(now) {
        match output {
            Output::Persist(records) => unsaved.extend(records),
            Output::Reply { exchange: _, answer, signature } => {
                answered = Some((answer, signature))
            }
        }
    }
    answered.map(|(answer, signature)| {
        let holder = match &answer.verdict {
            Verdict::Registered(grant) | Verdict::Renewed(grant) => authority
                .instance(&grant.instance)
                .map(|known| (known.device.udi.clone(), known.public_key)),
            Verdict::Authorized(_) | Verdict::Deregistered | Verdict::Refused { .. } => None,
        };
        Decided { answer, signature, holder }
    })
}

fn load(
    flash: &Flash,
    flavour: Flavour,
    settings: &Settings,
    rng: &mut Rng,
) -> Result<Authority, ServiceError> {
    let stored = flash.scan(PREFIX)?;
    let rng = Rng::from_seed(rng.next_u64());
    Authority::load(stored, flavour, settings.clone(), rng).map_err(|error| {
        let path = flash.path().display().to_string();
        if matches!(error, RecordError::Flavour { .. }) {
            ServiceError::OtherFlavour { path, error }
        } else {
            ServiceError::Record { path, error }
        }
    })
}

fn changes(records: &[Record]) -> Vec<Change<'_>> {
    records
        .iter()
        .map(|record| match &record.value {
            Some(value) => Change::Put(&record.key, value),
            None => Change::Delete(&record.key),
        })
        .collect()
}
