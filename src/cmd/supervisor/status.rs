//! How a supervisor stands, in the few words that a lab waits for.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::base::ident::Slot;
use crate::base::time::Now;
use crate::proto::agent::{AuthorizationStatus, RegistrationReport};
use crate::proto::config::facts;
use crate::proto::mio::Mio;

/// A supervisor at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    pub name: String,
    pub registration: Registration,
    /// An entitlement is asked for and all are authorised.
    pub authorized: bool,
    pub out_of_compliance: bool,
    pub evaluation: bool,
    pub auth_expired: bool,
    /// A try is under way.
    pub trying: bool,
    /// Every configured blade is attached.
    pub attached: bool,
    pub synchronized: bool,
}

/// Where the registration stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    #[default]
    Unregistered,
    Pending,
    Retrying,
    Failed,
    Registered,
    /// Licensed by a reservation.
    Reserved,
}

impl Status {
    pub(super) fn of(now: Now, mio: &Mio, slots: &BTreeSet<Slot>, trying: bool) -> Status {
        let report = mio.agent.report(now);
        let registration = match report.registration {
            RegistrationReport::Unregistered | RegistrationReport::Reserving => {
                Registration::Unregistered
            }
            RegistrationReport::Reserved { .. } => Registration::Reserved,
            RegistrationReport::Pending => Registration::Pending,
            RegistrationReport::Failed { .. } => Registration::Failed,
            RegistrationReport::Retrying { .. } => Registration::Retrying,
            RegistrationReport::Registered { .. } => Registration::Registered,
        };
        let answered = report.licences.iter().all(|licence| licence.mode.grants_more());
        let in_use = !report.licences.is_empty();
        let (authorized, out_of_compliance, evaluation, auth_expired) = match report.authorization {
            AuthorizationStatus::Authorized { .. } | AuthorizationStatus::Reserved { .. } => {
                (in_use && answered, false, false, false)
            }
            AuthorizationStatus::OutOfCompliance { .. } => (false, true, false, false),
            AuthorizationStatus::Evaluation { .. } => (false, false, true, false),
            AuthorizationStatus::Expired { .. } => (false, false, false, true),
            AuthorizationStatus::NoLicensesInUse
            | AuthorizationStatus::EvaluationExpired { .. }
            | AuthorizationStatus::Waiting => (false, false, false, false),
        };
        Status {
            name: facts::hostname(mio.config.objects()),
            registration,
            authorized,
            out_of_compliance,
            evaluation,
            auth_expired,
            trying,
            attached: slots.iter().all(|slot| mio.broker.attached(*slot).is_some()),
            synchronized: mio.facts.ntp.values().any(|status| status == "Time Synchronized"),
        }
    }
}
