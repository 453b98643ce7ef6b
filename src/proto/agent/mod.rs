//! The Smart Agent: registration, authorization and evaluation of one chassis.
//!
//! Two machines share one [`Stored`]: the registration, and under a registration its
//! authorization; the evaluation runs where there is none. A [`Reservation`] takes the place of
//! both. [`Agent::poll`] derives what is to be
//! done from how things stand: what differs from flash is written first, then told to the broker,
//! then logged, and only then is the authority asked. One exchange is under way at a time.

use std::collections::{BTreeMap, VecDeque};

use crate::base::enforcement::Mode;
use crate::base::ident::{ExchangeId, Tag, Udi};
use crate::base::platform::AgentVersion;
use crate::base::rng::Rng;
use crate::base::time::{Now, Utc};
use crate::proto::Next;
use crate::wire::callhome;

mod evaluation;
mod exchange;
mod failure;
mod notice;
mod operator;
mod outcome;
mod report;
mod reservation;
mod stored;
mod timers;
pub mod timing;

pub use evaluation::Evaluation;
pub use failure::{AfterFailure, ConfigError, ExchangeError, REFUSED_TEXT, SIGNATURE_TEXT};
pub use notice::{EventLine, EventLog, LogLine};
pub use report::{
    AuthorizationStatus, CertificateReport, Communication, Job, JobKind, Licence, LicenceStatus,
    RegistrationReport, Report, ReservationReport, spelled,
};
pub use reservation::Reservation;
pub use stored::{
    Attempt, Authorization, Privacy, Refusal, Registered, Registration, Replacement, Standing,
    Stored, Usage,
};

/// Who the chassis is. The private key stays with whoever carries out [`Output::Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub udi: Udi,
    /// Software product, `FPR4125`, for the authority's own texts.
    pub product: String,
    /// Product inside the same texts, `FPR9K-SUP`.
    pub sudi_pid: String,
    pub hostname: String,
    pub version: AgentVersion,
    /// Ed25519 public key, base64.
    pub public_key: String,
}

/// What happens to the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A signed answer came for an [`Output::Ask`].
    Answered { exchange: ExchangeId, answer: callhome::Answer },
    /// None did.
    Lost { exchange: ExchangeId, reason: ExchangeError },
    /// The instant that [`Agent::poll`] named has come.
    Due,
    /// The wall clock was set.
    ClockStepped,
}

/// What the agent wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write this to flash before doing anything that follows.
    Persist(Box<Stored>),
    /// Ask the authority, and bring back one [`Event::Answered`] or [`Event::Lost`].
    Ask { exchange: ExchangeId, request: callhome::Request },
    /// Tell the broker.
    Enforce(Enforcement),
    /// Tell the system log.
    Log(LogLine),
}

/// What blades may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enforcement {
    /// One for each tag of the last [`Agent::demand`].
    pub modes: BTreeMap<Tag, Mode>,
    /// True when the token allowed export-controlled functionality, and under a reservation.
    pub export_controlled: bool,
    /// True while registered, or licensed by a reservation.
    pub registered: bool,
}

/// The Smart Agent of one chassis.
#[derive(Clone, Debug)]
pub struct Agent {
    identity: Identity,
    stored: Stored,
    /// What flash holds.
    saved: Stored,
    /// What the broker was last told.
    told: Option<Enforcement>,
    rng: Rng,
    flight: Option<exchange::Flight>,
    /// Exchanges started since power-on.
    exchanges: u64,
    /// When what blades asked for is to be carried to the authority.
    hold_off: Option<Utc>,
    /// When the last exchange ended.
    last_ended: Option<Utc>,
    /// True once the broker has spoken since power-on.
    demanded: bool,
    daily_at: Utc,
    /// When an expired evaluation is next complained about.
    complain_at: Utc,
    lines: VecDeque<LogLine>,
    events: EventLog,
}

impl Agent {
    /// Most distinct tags the broker may ask for; further ones are dropped.
    pub const TAGS_MAX: usize = 64;
    /// Most log lines waiting for [`Agent::poll`]; the oldest goes first.
    pub const LINES_MAX: usize = 256;

    /// Makes the agent as it stands after power-on. What was under way when power went is asked
    /// again; entitlements keep the modes that flash holds until the authority has answered.
    pub fn new(identity: Identity, stored: Stored, rng: Rng, now: Now) -> Agent {
        let mut agent = Agent {
            identity,
            saved: stored.clone(),
            stored,
            told: None,
            rng,
            flight: None,
            exchanges: 0,
            hold_off: None,
            last_ended: None,
            demanded: false,
            daily_at: now.wall + timing::DAILY,
            complain_at: now.wall,
            lines: VecDeque::new(),
            events: EventLog::default(),
        };
        agent.note(now.wall, notice::Notice::Ready);
        agent.note(now.wall, notice::Notice::Enabled);
        agent.stored.evaluation = agent.stored.evaluation.restored(now.wall);
        agent.reservation_checked(now.wall);
        agent.clock_checked(now.wall);
        agent.settle(now.wall);
        agent
    }

    /// Applies one event. Infallible: an answer to nothing that was asked is dropped.
    pub fn handle(&mut self, now: Now, event: Event) {
        // A step is judged before the deadlines that it passes: the certificate's own is one.
        if event == Event::ClockStepped {
            self.clock_stepped(now.wall);
        }
        self.run_timers(now);
        match event {
            Event::Answered { exchange, answer } => self.answered(now, exchange, answer),
            Event::Lost { exchange, reason } => self.lost(now, exchange, reason),
            Event::Due | Event::ClockStepped => {}
        }
        self.settle(now.wall);
    }

    /// Returns the next thing to do; when there is none left, how long to wait.
    pub fn poll(&mut self, now: Now) -> Next<Output> {
        if self.stored != self.saved {
            self.saved = self.stored.clone();
            return Next::Do(Output::Persist(Box::new(self.stored.clone())));
        }
        if !self.told.as_ref().is_some_and(|told| self.holds(told)) {
            let enforcement = self.enforcement();
            self.told = Some(enforcement.clone());
            return Next::Do(Output::Enforce(enforcement));
        }
        if let Some(line) = self.lines.pop_front() {
            return Next::Do(Output::Log(line));
        }
        if let Some((exchange, request)) = self.take_off(now) {
            return Next::Do(Output::Ask { exchange, request });
        }
        Next::Wait(self.deadline(now))
    }

    /// Returns what the agent keeps over a power cut, for a page that shows it whole.
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Returns the event log, oldest line first.
    pub fn events(&self) -> impl Iterator<Item = &EventLine> {
        self.events.lines()
    }

    /// Returns the mode that holds for one entitlement.
    fn mode(&self, usage: &Usage) -> Mode {
        if self.reserved() {
            return Mode::ReservedAuthorized;
        }
        match (&self.stored.registration, self.stored.evaluation) {
            (Registration::Registered(registered), _) => match registered.authorization.standing {
                Standing::Expired => Mode::AuthorizationExpired,
                Standing::Unknown | Standing::InCompliance | Standing::OutOfCompliance => {
                    usage.answer.unwrap_or(Mode::Waiting)
                }
            },
            (
                Registration::Unregistered
                | Registration::Pending { .. }
                | Registration::Waiting { .. }
                | Registration::Failed { .. },
                Evaluation::Paused { .. } | Evaluation::Running { .. },
            ) => Mode::Evaluation,
            (
                Registration::Unregistered
                | Registration::Pending { .. }
                | Registration::Waiting { .. }
                | Registration::Failed { .. },
                Evaluation::Expired { .. },
            ) => Mode::EvalExpired,
        }
    }

    fn enforcement(&self) -> Enforcement {
        let modes = self.stored.usage.iter().map(|(tag, usage)| (tag.clone(), self.mode(usage)));
        Enforcement {
            modes: modes.collect(),
            export_controlled: self.export_controlled(),
            registered: self.registered().is_some() || self.reserved(),
        }
    }

    /// Returns whether export-controlled functionality is allowed.
    fn export_controlled(&self) -> bool {
        self.reserved() || self.registered().is_some_and(|held| held.export_controlled)
    }

    /// True while [`Agent::enforcement`] would say the same; it makes no copies to find out.
    fn holds(&self, told: &Enforcement) -> bool {
        told.registered == (self.registered().is_some() || self.reserved())
            && told.export_controlled == self.export_controlled()
            && told.modes.len() == self.stored.usage.len()
            && self
                .stored
                .usage
                .iter()
                .zip(&told.modes)
                .all(|((tag, usage), (known, mode))| tag == known && self.mode(usage) == *mode)
    }

    fn registered(&self) -> Option<&Registered> {
        if let Registration::Registered(registered) = &self.stored.registration {
            Some(registered)
        } else {
            None
        }
    }

    fn registered_mut(&mut self) -> Option<&mut Registered> {
        if let Registration::Registered(registered) = &mut self.stored.registration {
            Some(registered)
        } else {
            None
        }
    }

    /// Lets the evaluation run where it has to.
    fn settle(&mut self, now: Utc) {
        let licensed = self.registered().is_some() || self.reserved();
        let running = !licensed && !self.stored.usage.is_empty();
        if self.stored.evaluation.run(now, running) {
            self.note(now, notice::Notice::EvaluationStarted);
        }
    }

    /// Ends the registration. What the authority told goes with it; what blades ask for stays.
    fn unregister(&mut self) {
        self.stored.registration = Registration::Unregistered;
        self.stored.replacement = None;
        self.hold_off = None;
        for usage in self.stored.usage.values_mut() {
            usage.name.clear();
            usage.description.clear();
            usage.answer = None;
        }
    }

    fn note(&mut self, at: Utc, notice: notice::Notice) {
        self.events.push(notice.event_line(at));
        let Some(line) = notice.log_line(at) else { return };
        if self.lines.len() == Self::LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Marks an exchange that belongs to a token given up meanwhile.
    fn supersede(&mut self) {
        if let Some(flight) = &mut self.flight {
            flight.superseded |= flight.purpose.registers();
        }
    }
}

#[cfg(test)]
mod tests;
