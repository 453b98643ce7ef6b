//! How an exchange ended, and what follows for the registration and its authorization.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::enforcement::Mode;
use crate::base::ident::Tag;
use crate::base::time::{Now, Utc};
use crate::wire::callhome::{self, Compliance, Grant, RefusalKind, Verdict};

use super::exchange::{Flight, Purpose};
use super::failure::{AfterFailure, ExchangeError, REFUSED_TEXT, SIGNATURE_TEXT};
use super::notice::Notice;
use super::stored::{Attempt, Authorization, Refusal, Registered, Registration, Standing, Stored};
use super::{Agent, timing};

/// Longest text of the authority that is kept and printed, in characters.
const TEXT_MAX: usize = 1_024;
/// Longest name of an account, a licence or an instance, in characters.
const NAME_MAX: usize = 128;
/// Longest identity certificate kept, in bytes.
const CERTIFICATE_MAX: usize = 16 * 1_024;

/// Returns a text of the authority fit for a terminal: one line, no control characters, bounded.
fn clean(text: &str, max: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max).collect()
}

/// Keeps a date of the authority inside what can be printed and added to.
fn bounded(at: Utc) -> Utc {
    at.clamp(Utc::MIN, Utc::MAX)
}

impl Agent {
    /// An answer to the exchange that was under way.
    pub(super) fn conclude(&mut self, now: Now, flight: Flight, answer: callhome::Answer) {
        let issued_at = bounded(answer.issued_at);
        match (&flight.purpose, answer.verdict) {
            (Purpose::Register { .. } | Purpose::Replace { .. }, Verdict::Registered(grant)) => {
                if flight.superseded {
                    // Nobody wants it any more, and only we know that it exists.
                    self.farewell(clean(&grant.instance, NAME_MAX));
                } else {
                    self.granted(now, grant, issued_at);
                }
            }
            (Purpose::Renew { instance }, Verdict::Renewed(grant)) => {
                if clean(&grant.instance, NAME_MAX) == *instance {
                    self.renewed(now, grant);
                } else {
                    self.fail(now, &flight, ExchangeError::Signature);
                }
            }
            (Purpose::Authorize { instance, asked, for_blades }, Verdict::Authorized(answers)) => {
                let notice = if *for_blades {
                    Notice::EntitlementsAuthorized
                } else {
                    Notice::AuthorizationRenewed
                };
                self.authorized(now, instance, asked, answers, issued_at, notice);
            }
            (Purpose::Farewell { instance }, Verdict::Deregistered) => {
                self.stored.farewells.retain(|waiting| waiting != instance);
                self.note(now.wall, Notice::Deregistered);
            }
            (_, Verdict::Refused { kind, text }) => self.refused(now, &flight, kind, &text),
            (Purpose::Register { .. } | Purpose::Replace { .. }, Verdict::Renewed(_))
            | (Purpose::Renew { .. }, Verdict::Registered(_))
            | (
                Purpose::Register { .. } | Purpose::Replace { .. } | Purpose::Renew { .. },
                Verdict::Authorized(_) | Verdict::Deregistered,
            )
            | (
                Purpose::Authorize { .. },
                Verdict::Registered(_) | Verdict::Renewed(_) | Verdict::Deregistered,
            )
            | (
                Purpose::Farewell { .. },
                Verdict::Registered(_) | Verdict::Renewed(_) | Verdict::Authorized(_),
            ) => self.fail(now, &flight, ExchangeError::Parse),
        }
    }

    /// The exchange broke.
    pub(super) fn fail(&mut self, now: Now, flight: &Flight, error: ExchangeError) {
        let version = self.identity.version;
        let reason = error.device_text_of(version).to_owned();
        self.note(now.wall, Notice::CommunicationFailed { reason: reason.clone() });
        if error.is_distrust() {
            let reason = error.to_string();
            self.note(now.wall, Notice::CertificateValidation { reason });
        }
        self.ended_badly(now, flight, error.after_registration(version), reason);
    }

    /// The authority said no. Its words are printed for a registration only; for the rest the
    /// printed reason sends the operator to the event log, so there they are.
    fn refused(&mut self, now: Now, flight: &Flight, kind: RefusalKind, text: &str) {
        self.note(now.wall, Notice::ResponseFailed { text: clean(text, TEXT_MAX) });
        let reason = match (flight.purpose.registers(), kind) {
            (true, _) => clean(text, TEXT_MAX),
            (false, RefusalKind::Signature) => SIGNATURE_TEXT.to_owned(),
            (
                false,
                RefusalKind::Timestamp
                | RefusalKind::Token
                | RefusalKind::AlreadyRegistered
                | RefusalKind::UnknownInstance
                | RefusalKind::Malformed,
            ) => REFUSED_TEXT.to_owned(),
        };
        self.ended_badly(now, flight, AfterFailure::GiveUp, reason);
    }

    fn ended_badly(&mut self, now: Now, flight: &Flight, after: AfterFailure, reason: String) {
        match &flight.purpose {
            Purpose::Register { .. } | Purpose::Replace { .. } if flight.superseded => {}
            Purpose::Register { token, force } => {
                self.note(now.wall, Notice::RegistrationFailed { reason: reason.clone() });
                let failed_at = now.wall;
                let (token, force) = (token.clone(), *force);
                self.stored.registration = match after {
                    AfterFailure::GiveUp => Registration::Failed { at: failed_at, reason },
                    AfterFailure::Retry | AfterFailure::RetryShownLater => {
                        let retry_at = now.wall + timing::REGISTRATION_RETRY + self.jitter();
                        let shows_at = match after {
                            AfterFailure::RetryShownLater => failed_at + timing::RETRY_SHOWS_AFTER,
                            AfterFailure::Retry | AfterFailure::GiveUp => failed_at,
                        };
                        Registration::Waiting {
                            token,
                            force,
                            failed_at,
                            reason,
                            retry_at,
                            shows_at,
                        }
                    }
                };
            }
            Purpose::Replace { token } => {
                // The registration in force stays; the operator learns why nothing came of it.
                self.note(now.wall, Notice::RegistrationFailed { reason: reason.clone() });
                let command = format!("register idtoken {} force", token.as_str());
                self.stored.replacement = None;
                self.stored.last_refusal = Some(Refusal { command, error: reason });
            }
            Purpose::Renew { instance } => self.renewal_failed(now, &instance.clone(), reason),
            Purpose::Authorize { instance, for_blades, asked: _ } => {
                let told = reason.clone();
                let notice = if *for_blades {
                    Notice::EntitlementsFailed { reason: told }
                } else {
                    Notice::AuthorizationFailed { reason: told }
                };
                self.authorization_failed(now, &instance.clone(), reason, notice);
            }
            Purpose::Farewell { instance } => {
                self.stored.farewells.retain(|waiting| waiting != instance);
                self.note(now.wall, Notice::DeregistrationFailed { reason });
            }
        }
    }

    /// The authority registered us.
    fn granted(&mut self, now: Now, grant: Grant, issued_at: Utc) {
        let first =
            timing::FIRST_AUTHORIZATION_AFTER + self.rng.below(timing::FIRST_AUTHORIZATION_JITTER);
        let registered = Registered {
            instance: clean(&grant.instance, NAME_MAX),
            smart_account: clean(&grant.smart_account, NAME_MAX),
            virtual_account: clean(&grant.virtual_account, NAME_MAX),
            export_controlled: grant.export_controlled,
            not_before: bounded(grant.not_before),
            expires_at: bounded(grant.not_after) - timing::EXPIRY_MARGIN,
            certificate: bounded_certificate(grant.certificate),
            registered_at: now.wall,
            last_renewal: None,
            renew_at: now.wall + timing::RENEW_EVERY,
            renewal_failures: 0,
            authorization: Authorization {
                standing: Standing::Unknown,
                last: None,
                ask_at: now.wall + first,
                failures: 0,
                deadline: issued_at + timing::AUTHORIZATION_LASTS,
            },
            warned: false,
            grace_until: None,
        };
        let allowed = registered.export_controlled;
        self.unregister();
        self.stored.registration = Registration::Registered(Box::new(registered));
        self.note(now.wall, Notice::Registered);
        self.note(now.wall, Notice::ExportControlled { allowed });
    }

    /// The authority extended the identity certificate.
    fn renewed(&mut self, now: Now, grant: Grant) {
        let Some(registered) = self.registered_mut() else { return };
        if registered.instance != clean(&grant.instance, NAME_MAX) {
            return;
        }
        registered.smart_account = clean(&grant.smart_account, NAME_MAX);
        registered.virtual_account = clean(&grant.virtual_account, NAME_MAX);
        registered.export_controlled = grant.export_controlled;
        registered.not_before = bounded(grant.not_before);
        registered.expires_at = bounded(grant.not_after) - timing::EXPIRY_MARGIN;
        registered.certificate = bounded_certificate(grant.certificate);
        registered.last_renewal = Some(Attempt::Succeeded { at: now.wall });
        registered.renew_at = now.wall + timing::RENEW_EVERY;
        registered.renewal_failures = 0;
        registered.warned = false;
        registered.grace_until = None;
        self.note(now.wall, Notice::Renewed);
        self.clock_checked(now.wall);
    }

    fn renewal_failed(&mut self, now: Now, instance: &str, reason: String) {
        let jitter = self.jitter();
        let Some(registered) = self.registered_mut().filter(|held| held.instance == instance)
        else {
            return;
        };
        let wait = match registered.renewal_failures {
            0 => timing::RENEWAL_RETRY_FIRST,
            _ => timing::RENEWAL_RETRY,
        };
        registered.renewal_failures = registered.renewal_failures.saturating_add(1);
        registered.renew_at = now.wall + wait + jitter;
        registered.last_renewal = Some(Attempt::Failed { at: now.wall, reason: reason.clone() });
        self.note(now.wall, Notice::RenewalFailed { reason });
    }

    /// The authority said how what is in use stands.
    fn authorized(
        &mut self,
        now: Now,
        instance: &str,
        asked: &BTreeMap<Tag, u32>,
        answers: Vec<callhome::Authorization>,
        issued_at: Utc,
        notice: Notice,
    ) {
        if self.registered().is_none_or(|held| held.instance != instance) {
            return;
        }
        let standing = self.take_answers(now.wall, asked, answers);
        let Some(registered) = self.registered_mut() else { return };
        let authorization = &mut registered.authorization;
        let before = authorization.standing;
        let silent = authorization.failures > 0;
        authorization.standing = standing;
        authorization.last = Some(Attempt::Succeeded { at: now.wall });
        authorization.failures = 0;
        authorization.deadline = issued_at + timing::AUTHORIZATION_LASTS;
        authorization.ask_at = now.wall
            + match standing {
                Standing::OutOfCompliance => timing::AUTHORIZE_EVERY_OUT_OF_COMPLIANCE,
                Standing::Unknown | Standing::InCompliance | Standing::Expired => {
                    timing::AUTHORIZE_EVERY
                }
            };
        if silent {
            self.note(now.wall, Notice::CommunicationRestored);
        }
        self.note(now.wall, notice);
        if standing != before {
            self.note(
                now.wall,
                match standing {
                    Standing::OutOfCompliance => Notice::OutOfCompliance,
                    Standing::Unknown | Standing::InCompliance | Standing::Expired => {
                        Notice::InCompliance
                    }
                },
            );
        }
    }

    /// Writes down the authority's word on each entitlement asked about, and returns the whole.
    fn take_answers(
        &mut self,
        now: Utc,
        asked: &BTreeMap<Tag, u32>,
        answers: Vec<callhome::Authorization>,
    ) -> Standing {
        let mut answers: BTreeMap<Tag, callhome::Authorization> =
            answers.into_iter().map(|answer| (answer.tag.clone(), answer)).collect();
        let mut standing = Standing::InCompliance;
        let mut invalid = Vec::new();
        for (tag, usage) in &mut self.stored.usage {
            // What blades asked for after the request left waits for the next answer.
            if !asked.contains_key(tag) {
                continue;
            }
            let mode = match answers.remove(tag) {
                None => Mode::NotAuthorized,
                Some(answer) => {
                    usage.name = clean(&answer.name, NAME_MAX);
                    usage.description = clean(&answer.description, NAME_MAX);
                    match answer.compliance {
                        Compliance::InCompliance => Mode::Authorized,
                        Compliance::OutOfCompliance => Mode::OutOfCompliance,
                        Compliance::UnknownTag => Mode::InvalidTag,
                    }
                }
            };
            if mode == Mode::OutOfCompliance {
                standing = Standing::OutOfCompliance;
            }
            if mode == Mode::InvalidTag {
                invalid.push(tag.clone());
            }
            if usage.answer != Some(mode) {
                usage.answer = Some(mode);
                usage.mode_at = now;
            }
        }
        for tag in invalid {
            self.note(now, Notice::InvalidTag { tag });
        }
        standing
    }

    fn authorization_failed(&mut self, now: Now, instance: &str, reason: String, notice: Notice) {
        let Some(registered) = self.registered_mut().filter(|held| held.instance == instance)
        else {
            return;
        };
        let authorization = &mut registered.authorization;
        let wait = match authorization.failures {
            0 => timing::AUTHORIZATION_RETRY_FIRST,
            _ => timing::AUTHORIZATION_RETRY,
        };
        authorization.failures = authorization.failures.saturating_add(1);
        authorization.ask_at = now.wall + wait;
        authorization.last = Some(Attempt::Failed { at: now.wall, reason });
        self.note(now.wall, notice);
    }

    /// Puts an instance on the list of those to be given back.
    pub(super) fn farewell(&mut self, instance: String) {
        if self.stored.farewells.len() == Stored::FAREWELLS_MAX {
            self.stored.farewells.remove(0);
        }
        self.stored.farewells.push(instance);
    }

    fn jitter(&mut self) -> Duration {
        self.rng.below(timing::RETRY_JITTER)
    }
}

fn bounded_certificate(pem: String) -> String {
    if pem.len() <= CERTIFICATE_MAX { pem } else { String::new() }
}
