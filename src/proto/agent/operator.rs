//! What an operator and the broker may ask of the agent.

use std::collections::BTreeMap;

use crate::base::ident::{IdToken, Tag};
use crate::base::time::{Now, Utc};

use super::exchange::Purpose;
use super::failure::ConfigError;
use super::notice::Notice;
use super::stored::{Privacy, Refusal, Registration, Replacement, Usage};
use super::{Agent, timing};

impl Agent {
    /// Registers with a token; the outcome shows in [`Agent::report`]. On a registered chassis
    /// `force` keeps the old registration until the new one has succeeded.
    ///
    /// # Errors
    /// [`ConfigError`], which is also kept as the last configuration error. The device prints
    /// nothing for it at the prompt.
    ///
    /// # Source
    /// Seed, "Verlopen autorisatie": a refused `register` shows as `Last Configuration Error` only.
    pub fn register(&mut self, now: Now, token: IdToken, force: bool) -> Result<(), ConfigError> {
        let ask_at = now.wall + timing::FIRST_TRY_AFTER;
        let verdict = self.may_register(force);
        let suffix = if force { " force" } else { "" };
        if verdict == Err(ConfigError::AlreadyRegistered) {
            self.note(now.wall, Notice::AlreadyRegistered);
        }
        self.remember(verdict, || format!("register idtoken {}{suffix}", token.as_str()))?;
        if self.registered().is_some() {
            self.stored.replacement = Some(Replacement { token, ask_at });
        } else {
            self.supersede();
            self.stored.registration = Registration::Pending { token, force, ask_at };
        }
        Ok(())
    }

    fn may_register(&self, force: bool) -> Result<(), ConfigError> {
        if self.stored.reservation.is_enabled() {
            return Err(ConfigError::Reserved);
        }
        match &self.stored.registration {
            Registration::Registered(_) if !force => Err(ConfigError::AlreadyRegistered),
            Registration::Registered(_) if self.stored.replacement.is_some() => {
                Err(ConfigError::InProgress)
            }
            Registration::Pending { .. } => Err(ConfigError::InProgress),
            Registration::Waiting { .. } if self.registering() => Err(ConfigError::InProgress),
            Registration::Unregistered
            | Registration::Waiting { .. }
            | Registration::Failed { .. }
            | Registration::Registered(_) => Ok(()),
        }
    }

    /// True while a try to register is with the authority and still wanted.
    pub(super) fn registering(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| {
            matches!(flight.purpose, Purpose::Register { .. }) && !flight.superseded
        })
    }

    /// Gives the registration, or the attempt at one, back. What is held here goes at once; the
    /// authority is told once, and keeps the instance if that fails.
    ///
    /// # Errors
    /// [`ConfigError::NotRegistered`] when there is nothing to give back, [`ConfigError::Reserved`]
    /// when it is a reservation, which `return` gives back; it is kept as the last configuration
    /// error.
    ///
    /// # Source
    /// Seed, "product al geregistreerd": an instance that the authority was not told about meets
    /// the next registration.
    pub fn deregister(&mut self, now: Now) -> Result<(), ConfigError> {
        let verdict = match &self.stored.registration {
            Registration::Unregistered if self.reserved() => Err(ConfigError::Reserved),
            Registration::Unregistered => Err(ConfigError::NotRegistered),
            Registration::Pending { .. }
            | Registration::Waiting { .. }
            | Registration::Failed { .. }
            | Registration::Registered(_) => Ok(()),
        };
        if verdict == Err(ConfigError::NotRegistered) {
            self.note(now.wall, Notice::NotRegistered);
        }
        self.remember(verdict, || "deregister".to_owned())?;
        if let Some(instance) = self.registered().map(|held| held.instance.clone()) {
            self.farewell(instance);
        }
        self.supersede();
        self.unregister();
        self.settle(now.wall);
        Ok(())
    }

    /// Keeps a refusal as the last configuration error, and forgets the one before.
    pub(super) fn remember<T>(
        &mut self,
        verdict: Result<T, ConfigError>,
        command: impl Fn() -> String,
    ) -> Result<T, ConfigError> {
        self.stored.last_refusal = verdict
            .as_ref()
            .err()
            .map(|error| Refusal { command: command(), error: error.device_text().to_owned() });
        verdict
    }

    /// `licdebug renew`: asks at once for whatever would be asked in time.
    ///
    /// # Source
    /// Seed, "Respons Backend Response Message": it hastens a registration's retry; and in the
    /// FAQ, it renews the authorization after licences were bought.
    pub fn renew(&mut self, now: Now) {
        match &mut self.stored.registration {
            Registration::Registered(registered) => {
                registered.renew_at = now.wall;
                registered.authorization.ask_at = now.wall;
            }
            Registration::Waiting { retry_at, .. } => *retry_at = (*retry_at).min(now.wall),
            Registration::Pending { ask_at, .. } => *ask_at = (*ask_at).min(now.wall),
            Registration::Unregistered | Registration::Failed { .. } => {}
        }
    }

    /// `licdebug expireauth`: the authorization ends now.
    pub fn expire_auth(&mut self, now: Now) {
        if let Some(registered) = self.registered_mut() {
            registered.authorization.deadline = now.wall;
        }
        self.run_timers(now);
    }

    /// `licdebug expireeval`: the evaluation is used up now.
    pub fn expire_eval(&mut self, now: Now) {
        self.stored.evaluation.expire(now.wall);
        self.complain_at = now.wall + timing::EVALUATION_EXPIRED_EVERY;
        self.note(now.wall, Notice::EvaluationExpired);
    }

    /// `licdebug expireresv`: an installed reservation ends now, as if it had been given back.
    pub fn expire_reservation(&mut self, now: Now) {
        self.end_reservation(now.wall);
    }

    /// `licdebug expireidcert`: the identity certificate ends now.
    pub fn expire_id_certificate(&mut self, now: Now) {
        if let Some(registered) = self.registered_mut() {
            registered.expires_at = now.wall;
            registered.grace_until = None;
        }
        self.run_timers(now);
    }

    /// The broker says what all blades ask for together. Zero counts are no demand; tags beyond
    /// [`Agent::TAGS_MAX`] are dropped. The first call after power-on asks the authority again even
    /// for what flash knows.
    pub fn demand(&mut self, now: Now, totals: BTreeMap<Tag, u32>) {
        let wanted: BTreeMap<Tag, u32> =
            totals.into_iter().filter(|(_, count)| *count > 0).take(Self::TAGS_MAX).collect();
        let same = wanted.len() == self.stored.usage.len()
            && self.stored.usage.iter().all(|(tag, usage)| wanted.get(tag) == Some(&usage.count));
        if same && (self.demanded || wanted.is_empty()) {
            return;
        }
        self.demanded = true;
        self.stored.usage.retain(|tag, _| wanted.contains_key(tag));
        let mut changed = Vec::new();
        for (tag, count) in wanted {
            let usage = self.stored.usage.entry(tag.clone()).or_insert_with(|| Usage {
                count: 0,
                name: String::new(),
                description: String::new(),
                answer: None,
                requested_at: now.wall,
                mode_at: now.wall,
            });
            if usage.count != count {
                usage.count = count;
                usage.requested_at = now.wall;
                changed.push((tag, count));
            }
        }
        for (tag, count) in changed {
            self.note(now.wall, Notice::Usage { tag, count });
        }
        if self.registered().is_some() {
            self.hold_off = Some(self.hold_off.unwrap_or(now.wall + self.hold_off_from(now.wall)));
        }
        self.settle(now.wall);
    }

    fn hold_off_from(&self, now: Utc) -> std::time::Duration {
        match self.last_ended {
            Some(ended) if now.since(ended) < timing::HOLD_OFF => timing::HOLD_OFF_AFTER_EXCHANGE,
            Some(_) | None => timing::HOLD_OFF,
        }
    }

    /// The chassis was renamed.
    pub fn set_hostname(&mut self, hostname: String) {
        self.identity.hostname = hostname;
    }

    /// Decides what the chassis keeps to itself.
    pub fn set_privacy(&mut self, privacy: Privacy) {
        self.stored.privacy = privacy;
    }
}
