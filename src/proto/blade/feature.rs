//! `feature` and `no feature`: what may be asked for, in which order, and what is refused.

use thiserror::Error;

use crate::base::enforcement::Mode;
use crate::base::entitlement::{Entitlement, Feature};
use crate::base::ident::{Handle, Tag};
use crate::base::time::Now;
use crate::wire::appag::Message;

use super::{Blade, Capabilities, Held, Link, Status};

/// Why a line under `license smart` is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FeatureError {
    #[error("the feature tier is not authorised yet")]
    TierFirst,
    #[error("other entitlements are held beside the feature tier")]
    TierLast,
    #[error("out of compliance: nothing may be added")]
    OutOfCompliance,
    #[error("{got} units asked for, expected 1 to {max}")]
    Count { got: u32, max: u32 },
    #[error("this platform has no such feature")]
    Unsupported,
}

impl FeatureError {
    /// Returns the line that the ASA prints.
    ///
    /// # Source
    /// Ours. The seed has both ordering rules and the rule for out of compliance, but no listing
    /// shows what the device says.
    pub const fn device_text(self) -> &'static str {
        match self {
            FeatureError::TierFirst => {
                "ERROR: A valid feature tier entitlement must be obtained before additional \
                 entitlements can be configured."
            }
            FeatureError::TierLast => {
                "ERROR: All additional entitlements must be released before the feature tier \
                 entitlement is released."
            }
            FeatureError::OutOfCompliance => {
                "ERROR: This device is out of compliance. Additional entitlements cannot be \
                 configured."
            }
            FeatureError::Count { .. } => "ERROR: The number of contexts is out of range.",
            FeatureError::Unsupported => "ERROR: The feature is not supported on this platform.",
        }
    }
}

impl Blade {
    /// Asks for `count` units of a feature; a count other than the present one replaces it.
    ///
    /// # Errors
    /// [`FeatureError`], with nothing changed.
    ///
    /// # Source
    /// Seed, "Speciale vereisten voor aanvullende rechten": a valid tier first. Seed, FAQ on out of
    /// compliance: what exists goes on and may be changed, nothing is added.
    pub fn feature(&mut self, now: Now, feature: Feature, count: u32) -> Result<(), FeatureError> {
        let family = self.facts.module.family;
        let row = Entitlement::find(family, feature).ok_or(FeatureError::Unsupported)?;
        if count == 0 || count > row.count_max {
            return Err(FeatureError::Count { got: count, max: row.count_max });
        }
        let before = self.features.get(&feature).copied().unwrap_or(0);
        if count == before {
            return Ok(());
        }
        if !self.asks_for(feature) {
            self.features.insert(feature, count);
            return Ok(());
        }
        if feature != Feature::Tier && !self.has_valid_tier() && !self.cluster.is_data() {
            return Err(FeatureError::TierFirst);
        }
        if feature != Feature::Tier && count > before && !self.is_compliant() {
            return Err(FeatureError::OutOfCompliance);
        }
        self.features.insert(feature, count);
        self.ask(now, feature, count);
        Ok(())
    }

    /// Gives a feature back; one that isn't held is given back in silence.
    ///
    /// # Errors
    /// [`FeatureError::TierLast`] for the tier while anything else is held.
    pub fn no_feature(&mut self, feature: Feature) -> Result<(), FeatureError> {
        if feature == Feature::Tier && self.features.keys().any(|other| *other != Feature::Tier) {
            return Err(FeatureError::TierLast);
        }
        self.features.remove(&feature);
        self.give_back(feature);
        Ok(())
    }

    /// Gives the entitlement of a feature back, whatever the configuration says.
    pub(super) fn give_back(&mut self, feature: Feature) {
        if let Some(held) = self.held.remove(&feature) {
            self.unwritten = true;
            self.debug(&format!("handle {} released", held.handle.0));
            if self.link == Link::Up {
                self.send(Message::Release { handle: held.handle });
            }
        }
    }

    /// Asks for what is configured and not held.
    pub(super) fn ask_missing(&mut self, now: Now) {
        for (feature, count) in self.features.clone() {
            let held = self.held.get(&feature).is_some_and(|held| held.count == count);
            if self.asks_for(feature) && !held {
                self.ask(now, feature, count);
            }
        }
    }

    /// Returns true while a feature tier may be used.
    pub fn has_valid_tier(&self) -> bool {
        self.held.get(&Feature::Tier).is_some_and(|tier| tier.mode.grants_use())
    }

    /// Returns false once the authority has said no to anything that this ASA holds.
    ///
    /// What has not been answered yet counts for compliance.
    pub fn is_compliant(&self) -> bool {
        self.held.values().all(|held| {
            held.mode.grants_more()
                || matches!(held.mode, Mode::Invalid | Mode::Init | Mode::Waiting)
        })
    }

    /// Returns what `Overall licensed status:` says: the tier's mode; without a tier, as on a data
    /// unit of a cluster, that of the first entitlement; `Invalid` without any.
    ///
    /// # Source
    /// Seed: `Invalid (0)` without entitlements, `Authorized (3)` with a tier alone and with strong
    /// encryption alone. Which one decides when they differ is ours.
    pub fn overall(&self) -> Mode {
        self.held.values().next().map_or(Mode::Invalid, |held| held.mode)
    }

    /// Returns what this unit may do by itself.
    ///
    /// # Source
    /// Seed, FAQ on strong encryption: allowed by the chassis's registration, or by an entitlement
    /// where an old satellite can't say so; an evaluation is not enough, see
    /// [`Mode::grants_encryption`]. Public transcripts: 2 + 16 contexts print 18.
    pub fn capabilities(&self) -> Capabilities {
        let granted = |feature| {
            let held = self.held.get(&feature).filter(|held| held.mode.grants_use());
            held.map_or(0, |held| held.granted)
        };
        let strong = self.held.get(&Feature::StrongEncryption);
        let strong = strong.is_some_and(|held| held.mode.grants_encryption() && held.granted > 0);
        let module = self.facts.module;
        let contexts = module.contexts_base.saturating_add(granted(Feature::Context));
        Capabilities {
            contexts: contexts.min(module.contexts_max),
            strong_encryption: self.policy.export_controlled || strong,
            carrier: granted(Feature::Carrier) > 0,
        }
    }

    /// Makes or changes a request, without asking whether it is allowed: startup-config comes here.
    pub(super) fn ask(&mut self, now: Now, feature: Feature, count: u32) {
        let Some(tag) = Entitlement::find(self.facts.module.family, feature)
            .and_then(|row| Tag::parse(row.tag).ok())
        else {
            return;
        };
        let next = self.next;
        let held = self.held.entry(feature).or_insert_with(|| Held {
            tag,
            count,
            granted: 0,
            handle: next,
            requested_at: now.wall,
            mode: Mode::Waiting,
            status: Status::Pending,
            asked: true,
        });
        // Fewer units are in force at once, more only when the answer is here.
        held.count = count;
        held.granted = held.granted.min(count);
        held.requested_at = now.wall;
        held.status = Status::Pending;
        let (request, handle, name) =
            (held.request(), held.handle, held.tag.short_name().to_owned());
        if handle == next {
            self.next = Handle(next.0.saturating_add(1));
        }
        self.unwritten = true;
        self.debug(&format!("handle {} tag {name} count {count} requested", handle.0));
        if self.link == Link::Up {
            self.send(request);
        }
    }
}
