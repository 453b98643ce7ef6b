//! A product instance: one registered chassis as the authority knows it.

use serde::{Deserialize, Serialize};

use super::account::AccountId;
use super::{CERT_BACKDATED, CERT_VALID, SILENCE_MAX};
use crate::base::time::Utc;
use crate::wire::callhome::{Device, PublicKey, Use};

/// Requests of one instance that are remembered against replay.
pub const SEEN_MAX: usize = 8;

/// A registered chassis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Product instance identifier, a UUID.
    pub id: String,
    pub account: AccountId,
    /// As it described itself last.
    pub device: Device,
    /// Checks every request after the first.
    pub public_key: PublicKey,
    pub export_controlled: bool,
    pub registered_at: Utc,
    /// First moment of the identity certificate.
    pub not_before: Utc,
    /// Last moment of the identity certificate.
    pub not_after: Utc,
    pub last_contact: Utc,
    /// What it reported last, no tag twice.
    pub in_use: Vec<Use>,
    /// Token and nonce of the registration that made it.
    pub(super) registered_by: (String, u64),
    /// True once it has said anything after its registration: the grant arrived.
    pub(super) confirmed: bool,
    pub(super) seen: Seen,
    /// True while others may have its licences: it has been silent for [`SILENCE_MAX`].
    pub silent: bool,
}

impl Instance {
    /// Returns the serial number.
    pub fn serial(&self) -> &str {
        &self.device.udi.serial
    }

    /// Returns when something happens to it if it says nothing more.
    pub(super) fn deadline(&self) -> Utc {
        let silence = self.last_contact + SILENCE_MAX;
        if self.silent { self.not_after } else { silence.min(self.not_after) }
    }

    /// Begins a new certificate.
    pub(super) fn certify(&mut self, now: Utc) {
        self.not_before = now - CERT_BACKDATED;
        self.not_after = self.not_before + CERT_VALID;
    }
}

/// The last requests of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    /// Oldest first: when the device sent it, and its nonce.
    recent: Vec<(Utc, u64)>,
    /// The latest sending time of a request that was forgotten.
    forgotten: Option<Utc>,
}

/// What a request is, going by its nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    New,
    /// The last one again: its answer was lost.
    Repeat,
    /// One that was answered and followed by others.
    Replay,
}

impl Seen {
    /// Judges a request whose sending time lies between `from` and `to`, the dates that the
    /// authority takes at this moment.
    pub(super) fn judge(&self, sent_at: Utc, nonce: u64, from: Utc, to: Utc) -> Freshness {
        if self.recent.last().is_some_and(|last| *last == (sent_at, nonce)) {
            return Freshness::Repeat;
        }
        // Equal dates count as forgotten: a device has one exchange at a time, so it never sends
        // more than `SEEN_MAX` in a millisecond.
        let known = self.recent.iter().any(|(_, seen)| *seen == nonce);
        // A lab's clock can be set back; what was forgotten then lies ahead and proves nothing.
        let forgotten = self.forgotten.filter(|at| (from..=to).contains(at));
        if known || forgotten.is_some_and(|at| sent_at <= at) {
            Freshness::Replay
        } else {
            Freshness::New
        }
    }

    /// Remembers a request.
    pub(super) fn note(&mut self, sent_at: Utc, nonce: u64) {
        self.recent.push((sent_at, nonce));
        if self.recent.len() > SEEN_MAX {
            let (oldest, _) = self.recent.remove(0);
            self.forgotten = self.forgotten.max(Some(oldest));
        }
    }
}
