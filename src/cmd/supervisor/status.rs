//! How a supervisor stands, in the few words that a lab waits for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::base::ident::Slot;
use crate::base::time::Now;
use crate::cmd::control::WaitFor;
use crate::proto::agent::{Attempt, AuthorizationStatus, RegistrationReport};
use crate::proto::config::facts;
use crate::proto::mio::Mio;
use crate::wire::units::Standing;

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
    /// The last renewal failed.
    pub renewal_failing: bool,
    /// Where it is registered.
    pub virtual_account: Option<String>,
    /// A try is under way.
    pub trying: bool,
    /// Every configured blade is attached.
    pub attached: bool,
    /// Slots of the blades that are.
    pub blades: BTreeSet<Slot>,
    pub synchronized: bool,
    /// Where the ASAs that are attached stand among others.
    pub units: BTreeMap<Slot, Standing>,
    /// Every service that the configuration wants takes connections.
    pub serving: bool,
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
    /// Tells whether a chassis that stands like this is what somebody waits for.
    pub fn is(&self, condition: WaitFor) -> bool {
        match condition {
            WaitFor::Registered => self.registration == Registration::Registered,
            WaitFor::Unregistered => self.registration == Registration::Unregistered,
            WaitFor::Failed => self.registration == Registration::Failed,
            WaitFor::Retrying => self.registration == Registration::Retrying,
            WaitFor::RenewalFailing => self.renewal_failing,
            WaitFor::Authorized => self.authorized,
            WaitFor::OutOfCompliance => self.out_of_compliance,
            WaitFor::Evaluation => self.evaluation,
            WaitFor::AuthExpired => self.auth_expired,
            WaitFor::Attempted => !self.trying && self.registration != Registration::Pending,
            WaitFor::Attached => self.attached,
            WaitFor::Synchronized => self.synchronized,
            WaitFor::Active => self.has(Standing::Active),
            WaitFor::Standby => self.has(Standing::Standby),
            WaitFor::Control => self.has(Standing::Control),
            WaitFor::Data => self.has(Standing::Data),
            WaitFor::Outside => self.has(Standing::Outside),
        }
    }

    fn has(&self, standing: Standing) -> bool {
        self.units.values().any(|unit| *unit == standing)
    }

    pub(super) fn of(now: Now, mio: &Mio, slots: &BTreeSet<Slot>, trying: bool) -> Status {
        let report = mio.agent.report(now);
        let attached = |slot: &Slot| mio.broker.attached(*slot).is_some();
        let blades: BTreeSet<Slot> = slots.iter().copied().filter(attached).collect();
        let (last_renewal, virtual_account) = match &report.registration {
            RegistrationReport::Registered { last_renewal, virtual_account, .. } => {
                (last_renewal.clone(), Some(virtual_account.clone()))
            }
            RegistrationReport::Unregistered
            | RegistrationReport::Reserving
            | RegistrationReport::Reserved { .. }
            | RegistrationReport::Pending
            | RegistrationReport::Failed { .. }
            | RegistrationReport::Retrying { .. } => (None, None),
        };
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
            renewal_failing: matches!(last_renewal, Some(Attempt::Failed { .. })),
            virtual_account,
            trying,
            units: blades.iter().map(|slot| (*slot, mio.broker.standing(*slot))).collect(),
            attached: blades == *slots,
            blades,
            synchronized: mio.facts.ntp.values().any(|status| status == "Time Synchronized"),
            serving: false,
        }
    }
}
