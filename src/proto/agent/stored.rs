//! What the agent keeps over a power cut.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::enforcement::Mode;
use crate::base::ident::{IdToken, Tag};
use crate::base::time::Utc;

use super::evaluation::Evaluation;
use super::reservation::Reservation;
use crate::wire::reservation::ReturnCode;

/// Everything that must survive power loss. Flash adds a version of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub registration: Registration,
    /// A token typed with `force` on a registered chassis: it replaces the registration once it
    /// succeeds.
    pub replacement: Option<Replacement>,
    /// Product instances still to be given back; each is tried once.
    pub farewells: Vec<String>,
    pub evaluation: Evaluation,
    /// What blades use, and what the authority last said about it.
    pub usage: BTreeMap<Tag, Usage>,
    pub last_refusal: Option<Refusal>,
    pub privacy: Privacy,
    pub reservation: Reservation,
    /// The last return code made. It outlives the state that made it: without it the authority
    /// would count the reservation for ever.
    #[serde(default)]
    pub last_return: Option<ReturnCode>,
}

impl Stored {
    /// Most instances waiting to be given back; the oldest goes first when there are more.
    pub const FAREWELLS_MAX: usize = 4;
}

/// Where the registration stands.
///
/// ```text
///                register               granted
///  Unregistered ──────────▶ Pending ───────────────▶ Registered ─┐ renewed
///   ▲  ▲                     │    │                   │   ▲   ▲──┘
///   │  │                lost │    │ refused   expired │   │ granted
///   │  │                     ▼    ▼                   │   │
///   │  │                Waiting   Failed ─ register ─▶ Pending
///   │  │ deregister       │ ▲                         │
///   │  └──────────────────┘ └─ lost                   │
///   └─────────────────────────────────────────────────┘
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Registration {
    /// No token has been given, or the registration was given back or ended.
    #[default]
    Unregistered,
    /// A token was accepted; its first try has no outcome yet.
    Pending { token: IdToken, force: bool, ask_at: Utc },
    /// The last try was lost on the way; the token is held for the next.
    Waiting {
        token: IdToken,
        force: bool,
        failed_at: Utc,
        reason: String,
        retry_at: Utc,
        /// Until then a listing calls it failed.
        shows_at: Utc,
    },
    /// The authority said no, or the way there is wrong; only a new token helps.
    Failed { at: Utc, reason: String },
    /// The authority knows this chassis.
    Registered(Box<Registered>),
}

/// A token that may replace a registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    pub token: IdToken,
    pub ask_at: Utc,
}

/// A registration as the agent holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Product instance identifier.
    pub instance: String,
    pub smart_account: String,
    pub virtual_account: String,
    pub export_controlled: bool,
    /// First moment of the identity certificate.
    pub not_before: Utc,
    /// When the registration ends: shortly before the identity certificate does.
    pub expires_at: Utc,
    /// Identity certificate, PEM, or empty.
    pub certificate: String,
    /// The device's clock when the first grant came.
    pub registered_at: Utc,
    pub last_renewal: Option<Attempt>,
    pub renew_at: Utc,
    /// Renewals that failed since the last that succeeded.
    pub renewal_failures: u32,
    pub authorization: Authorization,
    /// True once the coming end has been warned about.
    pub warned: bool,
    /// While the clock stands outside the certificate: when the registration is given up.
    pub grace_until: Option<Utc>,
}

/// What the authority last said about the use of licences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    pub standing: Standing,
    pub last: Option<Attempt>,
    pub ask_at: Utc,
    /// Exchanges that failed since the last that succeeded.
    pub failures: u32,
    pub deadline: Utc,
}

/// How the use of licences stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Registered, and not asked yet.
    Unknown,
    InCompliance,
    OutOfCompliance,
    /// Too long without a word from the authority.
    Expired,
}

/// How an exchange with the authority ended, and when by the device's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attempt {
    Succeeded { at: Utc },
    Failed { at: Utc, reason: String },
}

impl Attempt {
    /// Returns when it ended.
    pub const fn at(&self) -> Utc {
        match self {
            Attempt::Succeeded { at } | Attempt::Failed { at, .. } => *at,
        }
    }
}

/// One entitlement in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Total of all blades.
    pub count: u32,
    /// Display name; empty until the authority has told it.
    pub name: String,
    pub description: String,
    /// The authority's last word under this registration.
    pub answer: Option<Mode>,
    /// When the blades' total last changed.
    pub requested_at: Utc,
    /// When the mode last changed.
    pub mode_at: Utc,
}

/// The last licence command that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The command as typed.
    pub command: String,
    /// The device's words.
    pub error: String,
}

/// What the chassis keeps to itself when it speaks to the authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// Callhome messages carry no host name.
    pub callhome_hostname: bool,
    /// Licence requests carry no host name.
    pub licensing_hostname: bool,
    /// Licence requests carry no agent version.
    pub version: bool,
}
