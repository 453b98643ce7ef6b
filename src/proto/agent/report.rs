//! How the agent stands, as facts: what listings and pages lay out. Every date is as printed.

use std::time::Duration;

use crate::base::enforcement::Mode;
use crate::base::ident::{Tag, Udi};
use crate::base::platform::AgentVersion;
use crate::base::time::{Now, Utc};

use super::evaluation::Evaluation;
use super::reservation::Reservation;
use super::stored::{Attempt, Privacy, Refusal, Registered, Registration, Standing};
use super::{Agent, timing};

/// Everything a listing may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub now: Utc,
    pub version: AgentVersion,
    pub udi: Udi,
    pub registration: RegistrationReport,
    pub export_controlled: bool,
    pub authorization: AuthorizationStatus,
    /// Only while registered.
    pub communication: Option<Communication>,
    pub evaluation_running: bool,
    pub evaluation_left: Duration,
    /// In the order of their tags.
    pub licences: Vec<Licence>,
    pub last_refusal: Option<Refusal>,
    pub privacy: Privacy,
    pub reservation: ReservationReport,
    pub certificate: Option<CertificateReport>,
    pub jobs: Vec<Job>,
}

/// The Registration block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationReport {
    Unregistered,
    /// The first try has no outcome yet.
    Pending,
    Failed {
        at: Utc,
        reason: String,
    },
    /// `next_at` is absent while the retry is under way.
    Retrying {
        at: Utc,
        reason: String,
        next_at: Option<Utc>,
    },
    /// A reservation is asked for and not authorised yet.
    Reserving,
    /// Licensed by a reservation.
    Reserved {
        at: Utc,
    },
    Registered {
        smart_account: String,
        virtual_account: String,
        registered_at: Utc,
        last_renewal: Option<Attempt>,
        renew_at: Utc,
        expires_at: Utc,
    },
}

/// The status of the License Authorization block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationStatus {
    NoLicensesInUse,
    Evaluation {
        left: Duration,
    },
    EvaluationExpired {
        at: Utc,
    },
    /// Registered; the authority has not been heard yet.
    Waiting,
    Authorized {
        on: Utc,
    },
    OutOfCompliance {
        on: Utc,
    },
    Expired {
        on: Utc,
    },
    /// By a reservation.
    Reserved {
        on: Utc,
    },
}

/// The Reservation Info block, and what `show license resvcode` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservationReport {
    /// Licences are reserved and not registered for.
    pub enabled: bool,
    /// A request code waits for its authorization.
    pub in_progress: bool,
    /// Absent where none is in force.
    pub request_code: Option<String>,
    pub authorization_code: Option<String>,
    /// When the authorization was installed, while it is.
    pub installed_at: Option<Utc>,
    /// The last return code made.
    pub return_code: Option<String>,
}

/// The other lines of the License Authorization block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Communication {
    pub last: Option<Attempt>,
    pub next_at: Utc,
    /// `None` once it has passed.
    pub deadline: Option<Utc>,
}

/// One entitlement of the License Usage block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    pub tag: Tag,
    /// Empty until the authority has told it.
    pub name: String,
    pub description: String,
    pub count: u32,
    pub status: LicenceStatus,
    pub mode: Mode,
    pub mode_at: Utc,
    pub requested_at: Utc,
}

/// The status of one entitlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LicenceStatus {
    Waiting,
    Authorized,
    OutOfCompliance,
    AuthorizationExpired,
    Evaluation,
    EvaluationExpired,
    InvalidTag,
    NotAuthorized,
    /// By a reservation.
    Reserved,
}

/// The identity certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateReport {
    pub instance: String,
    pub not_before: Utc,
    pub not_after: Utc,
}

/// A scheduled job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    pub kind: JobKind,
    /// Absent where the job is not scheduled.
    pub at: Option<Utc>,
}

/// The scheduled jobs, in the order of `show license techsupport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    ExpirationWarning,
    Daily,
    Renewal,
    ExpirationCheck,
    AuthorizationRenewal,
    AuthorizationCheck,
    InitFlagCheck,
}

/// Writes `89 days, 14 hours, 26 minutes, 20 seconds`: leading zero units are left out.
///
/// # Source
/// Seed for the shape; a public FPR-2130 tech-support for `53 minutes, 21 seconds` and for zeros
/// that stay inside.
pub fn spelled(left: Duration) -> String {
    let s = left.as_secs();
    let units = [
        (s / 86_400, "days"),
        (s / 3_600 % 24, "hours"),
        (s / 60 % 60, "minutes"),
        (s % 60, "seconds"),
    ];
    let first = units.iter().position(|(n, _)| *n > 0).unwrap_or(units.len() - 1);
    let parts: Vec<String> = units[first..].iter().map(|(n, unit)| format!("{n} {unit}")).collect();
    parts.join(", ")
}

impl Agent {
    /// Returns how the agent stands.
    pub fn report(&self, now: Now) -> Report {
        let registered = self.registered();
        Report {
            now: now.wall,
            version: self.identity.version,
            udi: self.identity.udi.clone(),
            registration: self.registration_report(now),
            export_controlled: self.export_controlled(),
            authorization: self.authorization_status(now),
            communication: registered.map(|held| communication(held, now)),
            evaluation_running: matches!(self.stored.evaluation, Evaluation::Running { .. }),
            evaluation_left: self.stored.evaluation.left(now.wall),
            licences: self.licences(),
            last_refusal: self.stored.last_refusal.clone(),
            privacy: self.stored.privacy,
            reservation: self.reservation_report(),
            certificate: registered.map(|held| CertificateReport {
                instance: held.instance.clone(),
                not_before: held.not_before,
                not_after: held.expires_at + timing::EXPIRY_MARGIN,
            }),
            jobs: self.jobs(now),
        }
    }

    fn reservation_report(&self) -> ReservationReport {
        let stored = &self.stored;
        let report = ReservationReport {
            enabled: stored.reservation.is_enabled(),
            return_code: stored.last_return.as_ref().map(ToString::to_string),
            ..ReservationReport::default()
        };
        match &stored.reservation {
            Reservation::Disabled | Reservation::Enabled | Reservation::Returned { .. } => report,
            Reservation::Requested { request, .. } => ReservationReport {
                in_progress: true,
                request_code: Some(request.to_string()),
                ..report
            },
            Reservation::Authorized { request, code, at, .. } => ReservationReport {
                request_code: Some(request.to_string()),
                authorization_code: Some(code.to_string()),
                installed_at: Some(*at),
                ..report
            },
        }
    }

    fn registration_report(&self, now: Now) -> RegistrationReport {
        match &self.stored.reservation {
            Reservation::Requested { .. } => return RegistrationReport::Reserving,
            Reservation::Authorized { at, .. } => return RegistrationReport::Reserved { at: *at },
            Reservation::Disabled | Reservation::Enabled | Reservation::Returned { .. } => {}
        }
        match &self.stored.registration {
            Registration::Unregistered => RegistrationReport::Unregistered,
            Registration::Pending { .. } => RegistrationReport::Pending,
            Registration::Failed { at, reason } => {
                RegistrationReport::Failed { at: *at, reason: reason.clone() }
            }
            Registration::Waiting { failed_at, reason, shows_at, .. } if now.wall < *shows_at => {
                RegistrationReport::Failed { at: *failed_at, reason: reason.clone() }
            }
            Registration::Waiting { failed_at, reason, retry_at, .. } => {
                RegistrationReport::Retrying {
                    at: *failed_at,
                    reason: reason.clone(),
                    next_at: (!self.registering()).then(|| ahead(now, *retry_at)),
                }
            }
            Registration::Registered(held) => RegistrationReport::Registered {
                smart_account: held.smart_account.clone(),
                virtual_account: held.virtual_account.clone(),
                registered_at: held.registered_at,
                last_renewal: held.last_renewal.clone(),
                renew_at: ahead(now, held.renew_at),
                expires_at: ahead(now, held.expires_at),
            },
        }
    }

    fn authorization_status(&self, now: Now) -> AuthorizationStatus {
        if let Reservation::Authorized { at, .. } = &self.stored.reservation {
            return AuthorizationStatus::Reserved { on: *at };
        }
        let Some(held) = self.registered() else {
            return match self.stored.evaluation {
                _ if self.stored.usage.is_empty() => AuthorizationStatus::NoLicensesInUse,
                Evaluation::Expired { at } => AuthorizationStatus::EvaluationExpired { at },
                Evaluation::Paused { .. } | Evaluation::Running { .. } => {
                    AuthorizationStatus::Evaluation { left: self.stored.evaluation.left(now.wall) }
                }
            };
        };
        let authorization = &held.authorization;
        // The date is that of the last exchange, even of one that failed.
        let on = authorization.last.as_ref().map_or(held.registered_at, Attempt::at);
        match authorization.standing {
            Standing::Unknown => AuthorizationStatus::Waiting,
            Standing::InCompliance => AuthorizationStatus::Authorized { on },
            Standing::OutOfCompliance => AuthorizationStatus::OutOfCompliance { on },
            Standing::Expired => AuthorizationStatus::Expired { on },
        }
    }

    fn licences(&self) -> Vec<Licence> {
        let licence = |(tag, usage): (&Tag, &super::Usage)| {
            let mode = self.mode(usage);
            Licence {
                tag: tag.clone(),
                name: usage.name.clone(),
                description: usage.description.clone(),
                count: usage.count,
                status: status_of(mode),
                mode,
                mode_at: usage.mode_at,
                requested_at: usage.requested_at,
            }
        };
        self.stored.usage.iter().map(licence).collect()
    }

    fn jobs(&self, now: Now) -> Vec<Job> {
        let held = self.registered();
        let job = |kind, at: Option<Utc>| Job { kind, at: at.map(|at| ahead(now, at)) };
        let valid = held.filter(|held| held.authorization.standing != Standing::Expired);
        vec![
            job(
                JobKind::ExpirationWarning,
                held.map(|held| held.expires_at - timing::EXPIRY_WARNING),
            ),
            job(JobKind::Daily, Some(self.daily_at)),
            job(JobKind::Renewal, held.map(|held| held.renew_at)),
            job(JobKind::ExpirationCheck, held.map(|held| held.expires_at)),
            job(JobKind::AuthorizationRenewal, held.map(|held| held.authorization.ask_at)),
            job(JobKind::AuthorizationCheck, valid.map(|held| held.authorization.deadline)),
            job(JobKind::InitFlagCheck, None),
        ]
    }
}

fn communication(held: &Registered, now: Now) -> Communication {
    let authorization = &held.authorization;
    let passed = authorization.standing == Standing::Expired || authorization.deadline <= now.wall;
    Communication {
        last: authorization.last.clone(),
        next_at: ahead(now, authorization.ask_at),
        deadline: (!passed).then(|| ahead(now, authorization.deadline)),
    }
}

/// A date to come as printed; what is being done right now prints as now.
fn ahead(now: Now, at: Utc) -> Utc {
    now.printed(at.max(now.wall))
}

fn status_of(mode: Mode) -> LicenceStatus {
    match mode {
        Mode::Authorized | Mode::InUse => LicenceStatus::Authorized,
        Mode::ReservedAuthorized => LicenceStatus::Reserved,
        Mode::OutOfCompliance | Mode::Overage => LicenceStatus::OutOfCompliance,
        Mode::AuthorizationExpired | Mode::GracePeriodExpired => {
            LicenceStatus::AuthorizationExpired
        }
        Mode::Evaluation => LicenceStatus::Evaluation,
        Mode::EvalExpired => LicenceStatus::EvaluationExpired,
        Mode::InvalidTag => LicenceStatus::InvalidTag,
        Mode::NotAuthorized | Mode::Disabled => LicenceStatus::NotAuthorized,
        Mode::Invalid | Mode::Init | Mode::Waiting | Mode::NotApplicable | Mode::NotInUse => {
            LicenceStatus::Waiting
        }
    }
}
