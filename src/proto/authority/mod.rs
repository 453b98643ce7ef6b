//! The licence authority: accounts, tokens, pools and product instances of one lab.
//!
//! It is the cloud's, or a satellite: that hands out what a cloud authority allows it, going by
//! signed files that a person carries to and fro (`satellite` has the cloud's side, `site` the
//! satellite's).
//!
//! A request comes in opened and parsed, with the bytes that were signed; a [`Record`] list to be
//! written and the answer come out, in that order. Nothing here depends on how many instances are
//! known except by the depth of a tree: serial numbers, instances and deadlines are indexed, and
//! what an account has in use is kept as running totals.
//!
//! # Repeats and replays
//! Every signed request carries a nonce and the device's clock. The authority refuses a clock that
//! is further off than [`Settings::tolerance`], so it need only remember the nonces of that window;
//! it remembers the last [`SEEN_MAX`] of each instance and refuses what is older than the oldest
//! it forgot. The very last request repeated is answered again, unchanged: its answer was lost.
//! A registration repeated with the token and the key that made an instance gets the same grant, as
//! long as its nonce is the same or nothing was heard of the instance yet: that answer was lost
//! too. A chassis that threw its key away meets the refusal that its serial number is taken.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::base::entitlement::Product;
use crate::base::ident::ExchangeId;
use crate::base::rng::Rng;
use crate::base::time::{Now, Utc, days};
use crate::proto::Next;
use crate::wire::callhome::{Answer, Request};

pub use account::{Account, AccountId, AccountName, Pool};
pub use flavour::{Flavour, Release};
pub use instance::{Instance, SEEN_MAX};
pub use journal::{EVENTS_MAX, Entry};
pub use listing::{InstancePage, InstanceQuery};
pub use operator::{
    AccountFacts, InstanceFacts, OperatorError, PoolFacts, TokenFacts, TokenSpec, UseFacts,
    VALID_DAYS_MAX,
};
pub use record::{PREFIX, Record, RecordError};
pub use reservation::{Reservation, ReservationFacts};
pub use satellite::{SATELLITES_MAX, SYNC_MAX, SatelliteFacts, SatelliteId};
pub use site::{SyncError, SyncFacts};
pub use token::{Token, TokenState};

mod account;
mod flavour;
mod instance;
mod journal;
mod ledger;
mod listing;
mod operator;
mod record;
mod refusal;
mod request;
mod reservation;
mod satellite;
mod site;
#[cfg(test)]
mod tests;
mod token;

/// Most virtual accounts of one authority.
pub const ACCOUNTS_MAX: usize = 256;
/// Most tokens kept; the oldest that no longer works makes room.
pub const TOKENS_MAX: usize = 1_000;
/// Most product instances of one authority.
pub const INSTANCES_MAX: usize = 50_000;
/// Most reservations kept; the oldest that was given back makes room.
pub const RESERVATIONS_MAX: usize = 10_000;

/// How far a device's clock may be off.
///
/// # Source
/// The seed shows the refusal for a clock 4.5 years off; the hour is recall (public guides of a
/// sister product).
pub const TOLERANCE: Duration = Duration::from_secs(3600);
/// How long before the answer an identity certificate begins.
///
/// # Source
/// Public transcript X3, and the seed's dates: rule T2.
pub const CERT_BACKDATED: Duration = Duration::from_secs(300);
/// How long an identity certificate is valid.
///
/// # Source
/// Public transcript X3, `Validity`: exactly 365 days. Rule T2.
pub const CERT_VALID: Duration = days(365);
/// After this long without a word from an instance, others may have its licences.
///
/// # Source
/// Rule T22; the 90 days are in the seed, that the authority then frees the licences is recall.
pub const SILENCE_MAX: Duration = days(90);

/// What an operator sets for the whole authority. It is not kept in flash: faults end with the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What the account is called that every cloud authority begins with; a known one is renamed.
    /// With `None` it keeps its name, and a new one gets the default.
    pub account: Option<AccountName>,
    /// See [`TOLERANCE`].
    pub tolerance: Duration,
    /// Refuses every token, as an authority does that never issued it.
    pub refuse_token: bool,
    /// Refuses every registration as if the serial number were taken.
    pub already_registered: bool,
    /// Refuses every renewal.
    pub refuse_renewal: bool,
    /// Answers as if nothing had been bought.
    pub pool_short: bool,
    pub signature: Signature,
    /// Chassis that are treated otherwise, by serial number.
    pub some: BTreeMap<String, Settings>,
}

/// How answers are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signature {
    #[default]
    Good,
    /// None, and no chain.
    Missing,
    /// The right chain, and a signature by another key.
    Wrong,
}

impl Settings {
    /// Returns how the chassis with this serial number is treated.
    pub fn of(&self, serial: &str) -> &Settings {
        self.some.get(serial).unwrap_or(self)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            account: None,
            tolerance: TOLERANCE,
            refuse_token: false,
            already_registered: false,
            refuse_renewal: false,
            pool_short: false,
            signature: Signature::Good,
            some: BTreeMap::new(),
        }
    }
}

/// What happens to the authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request came in.
    Request {
        exchange: ExchangeId,
        request: Box<Request>,
        /// The exact bytes that `request` was parsed from.
        body: Vec<u8>,
        /// The signature that came with them.
        signature: Vec<u8>,
    },
    /// A deadline that [`Authority::poll`] gave has passed.
    Due,
}

/// What the authority wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write all of these in one transaction before anything that follows.
    Persist(Vec<Record>),
    /// Sign and send this.
    Reply { exchange: ExchangeId, answer: Answer, signature: Signature },
}

/// The licence authority of one lab.
#[derive(Debug)]
pub struct Authority {
    role: Role,
    settings: Settings,
    rng: Rng,
    accounts: BTreeMap<AccountId, Account>,
    /// By identifier.
    tokens: BTreeMap<String, Token>,
    /// From a token's text to its identifier.
    token_texts: BTreeMap<String, String>,
    ledger: ledger::Ledger,
    shelf: reservation::Shelf,
    journal: journal::Journal,
    /// What the event at hand has changed so far.
    changed: Vec<Record>,
    outputs: VecDeque<Output>,
}

/// What only one of the two flavours has.
#[derive(Debug)]
enum Role {
    Cloud { satellites: BTreeMap<SatelliteId, satellite::Satellite> },
    Satellite { release: Release, site: site::Site },
}

impl Authority {
    /// Rebuilds the cloud's authority from what was persisted; an empty list makes a new one, with
    /// the default account and its pools.
    ///
    /// # Errors
    /// [`RecordError`] names the first record that is not one of ours; nothing is dropped silently.
    pub fn new(
        stored: impl IntoIterator<Item = (String, Vec<u8>)>,
        settings: Settings,
        rng: Rng,
    ) -> Result<Authority, RecordError> {
        Authority::load(stored, Flavour::Cloud, settings, rng)
    }

    /// Rebuilds an authority of either flavour; a new satellite has one account with empty pools.
    ///
    /// # Errors
    /// As [`Authority::new`]; [`RecordError::Flavour`] if it was persisted as the other one.
    pub fn load(
        stored: impl IntoIterator<Item = (String, Vec<u8>)>,
        flavour: Flavour,
        settings: Settings,
        rng: Rng,
    ) -> Result<Authority, RecordError> {
        let role = match flavour {
            Flavour::Cloud => Role::Cloud { satellites: BTreeMap::new() },
            Flavour::Satellite(release) => {
                Role::Satellite { release, site: site::Site::new(String::new()) }
            }
        };
        let mut authority = Authority {
            role,
            settings,
            rng,
            accounts: BTreeMap::new(),
            tokens: BTreeMap::new(),
            token_texts: BTreeMap::new(),
            ledger: ledger::Ledger::default(),
            shelf: reservation::Shelf::default(),
            journal: journal::Journal::default(),
            changed: Vec::new(),
            outputs: VecDeque::new(),
        };
        for (key, value) in stored {
            authority.restore(&key, &value)?;
        }
        authority.check_references()?;
        if authority.accounts.is_empty() {
            authority.found();
        } else if matches!(authority.role, Role::Cloud { .. }) {
            authority.name_first_account();
        }
        authority.flush();
        Ok(authority)
    }

    /// Makes what every authority begins with.
    fn found(&mut self) {
        let stocked = match &mut self.role {
            Role::Cloud { .. } => true,
            Role::Satellite { site, .. } => {
                *site = site::Site::new(self.rng.uuid());
                self.changed.push(Record::site(site));
                false
            }
        };
        let name = self.settings.account.clone().unwrap_or_default();
        self.open_account(name, stocked);
    }

    /// Gives the first account the name that the settings say, unless another has it.
    fn name_first_account(&mut self) {
        let Some(name) = self.settings.account.clone() else { return };
        if self.accounts.values().all(|account| account.name != name)
            && let Some(first) = self.accounts.get_mut(&AccountId::FIRST)
        {
            first.name = name;
            self.changed.push(Record::account(AccountId::FIRST, first));
        }
    }

    /// Applies one event. Infallible: a request that can't be granted is answered with a refusal.
    pub fn handle(&mut self, now: Now, event: Event) {
        debug_assert!(self.outputs.is_empty(), "poll to Wait before the next event");
        self.pass_deadlines(now.wall);
        match event {
            Event::Due => self.flush(),
            Event::Request { exchange, request, body, signature } => {
                let verdict = self.decide(now.wall, &request, &body, &signature);
                self.flush();
                let answer = Answer { nonce: request.nonce, issued_at: now.wall, verdict };
                let signature = self.settings.of(&request.device.udi.serial).signature;
                self.outputs.push_back(Output::Reply { exchange, answer, signature });
            }
        }
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self, now: Now) -> Next<Output> {
        match self.outputs.pop_front() {
            Some(output) => Next::Do(output),
            None => {
                let leases = self.satellites().values().filter_map(|known| known.lapses_at());
                let due = leases.chain(self.ledger.next_deadline()).min();
                Next::Wait(due.map(|due| now.instant_of(due)))
            }
        }
    }

    /// Returns the settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Replaces the settings.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Returns an instance by its identifier.
    pub fn instance(&self, id: &str) -> Option<&Instance> {
        self.ledger.get(id)
    }

    /// Returns the satellites; a satellite has none of its own.
    fn satellites(&self) -> &BTreeMap<SatelliteId, satellite::Satellite> {
        static NONE: BTreeMap<SatelliteId, satellite::Satellite> = BTreeMap::new();
        match &self.role {
            Role::Cloud { satellites } => satellites,
            Role::Satellite { .. } => &NONE,
        }
    }

    /// Frees the licences of instances that fell silent and forgets those whose certificate ended;
    /// the same for satellites.
    fn pass_deadlines(&mut self, now: Utc) {
        self.pass_leases(now);
        while let Some(passed) = self.ledger.pass_deadline(now) {
            match passed {
                ledger::Passed::Silent(instance) => {
                    let text = format!("{} silent for 90 days: licences freed", instance.serial());
                    self.note(now, &instance.id, &text);
                    self.changed.push(Record::instance(&instance));
                }
                ledger::Passed::Ended(instance) => {
                    let text = format!("{} removed: its certificate ended", instance.serial());
                    self.note(now, &instance.id, &text);
                    self.changed.push(Record::delete_instance(&instance.id));
                }
            }
        }
    }

    /// Opens an account, with the default pools or with empty ones.
    fn open_account(&mut self, name: AccountName, stocked: bool) -> AccountId {
        let id = self.accounts.keys().next_back().map_or(AccountId::FIRST, |last| last.next());
        let pool = |tag| if stocked { Pool::stocked(tag) } else { Pool::EMPTY };
        let pools = Product::all().map(|sold| (sold.tag, pool(sold.tag))).collect();
        let account = Account { name, pools };
        self.changed.push(Record::account(id, &account));
        self.accounts.insert(id, account);
        id
    }

    /// Writes a line into the event log, in flash too.
    fn note(&mut self, at: Utc, instance: &str, text: &str) {
        let (slot, entry) = self.journal.note(at, instance, text);
        self.changed.push(Record::event(slot, entry));
    }

    /// Turns what has changed into one [`Output::Persist`].
    fn flush(&mut self) {
        if !self.changed.is_empty() {
            self.outputs.push_back(Output::Persist(std::mem::take(&mut self.changed)));
        }
    }
}
