//! What comes due by itself, and what a clock that is set does to it.

use std::time::Duration;

use crate::base::time::{Instant, Now, Utc};

use super::evaluation::{Evaluation, Mark};
use super::notice::Notice;
use super::stored::{Registration, Standing};
use super::{Agent, timing};

/// A deadline of which nobody is asked. Of two with one date the upper comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The registration's end is near.
    EndNears,
    /// The authorization ends.
    AuthorizationEnds,
    /// The registration ends with its certificate.
    RegistrationEnds,
    /// The clock has stood outside the certificate for too long.
    GraceEnds,
    /// The evaluation's count goes down a step.
    EvaluationSteps,
    /// The evaluation has ended and is still needed.
    EvaluationMissing,
    /// The daily job.
    Daily,
}

impl Agent {
    fn timers(&self) -> impl Iterator<Item = (Utc, Timer)> {
        let registered = self.registered();
        let near = registered
            .filter(|held| !held.warned)
            .map(|held| (held.expires_at - timing::EXPIRY_WARNING, Timer::EndNears));
        let authorization = registered
            .map(|held| &held.authorization)
            .filter(|authorization| authorization.standing != Standing::Expired)
            .map(|authorization| (authorization.deadline, Timer::AuthorizationEnds));
        let end = registered.map(|held| match held.grace_until {
            None => (held.expires_at, Timer::RegistrationEnds),
            Some(until) => (until, Timer::GraceEnds),
        });
        let evaluation = self.stored.evaluation.due().map(|at| (at, Timer::EvaluationSteps));
        let missing = matches!(self.stored.evaluation, Evaluation::Expired { .. })
            && registered.is_none()
            && !self.reserved()
            && !self.stored.usage.is_empty();
        let complaint = missing.then_some((self.complain_at, Timer::EvaluationMissing));
        let daily = Some((self.daily_at, Timer::Daily));
        [near, authorization, end, evaluation, complaint, daily].into_iter().flatten()
    }

    /// Returns when the agent wants to be called next.
    pub(super) fn deadline(&self, now: Now) -> Option<Instant> {
        let timers = self.timers().map(|(at, _)| at);
        let wall = timers.chain(self.asks_at()).min().map(|at| now.instant_of(at));
        let exchange = self.flight.as_ref().map(|flight| flight.give_up_at);
        wall.into_iter().chain(exchange).min()
    }

    /// Lets everything happen that is due, in the order of its own dates.
    pub(super) fn run_timers(&mut self, now: Now) {
        self.give_up(now);
        while let Some((at, timer)) = self.timers().min().filter(|(at, _)| *at <= now.wall) {
            self.fire(at, timer, now.wall);
        }
    }

    fn fire(&mut self, at: Utc, timer: Timer, now: Utc) {
        match timer {
            Timer::EndNears => {
                let Some(registered) = self.registered_mut() else { return };
                registered.warned = true;
                let days = registered.expires_at.since(at).as_secs() / 86_400;
                self.note(at, Notice::RegistrationEnding { days });
            }
            Timer::AuthorizationEnds => {
                let Some(registered) = self.registered_mut() else { return };
                registered.authorization.standing = Standing::Expired;
                self.note(at, Notice::AuthorizationExpired);
            }
            Timer::RegistrationEnds => self.end_registration(at),
            Timer::GraceEnds => {
                let Some(registered) = self.registered_mut() else { return };
                registered.grace_until = None;
                if at < registered.not_before || at >= registered.expires_at {
                    self.end_registration(at);
                }
            }
            Timer::EvaluationSteps => match self.stored.evaluation.step(at) {
                Mark::Quiet => {}
                Mark::Warning { left } => {
                    let left = super::report::spelled(left);
                    self.note(at, Notice::EvaluationEnding { left });
                }
                Mark::Expired => {
                    self.complain_at = at + timing::EVALUATION_EXPIRED_EVERY;
                    self.note(at, Notice::EvaluationExpired);
                }
            },
            Timer::EvaluationMissing => {
                self.complain_at = now + timing::EVALUATION_EXPIRED_EVERY;
                self.note(at, Notice::EvaluationStillExpired);
            }
            Timer::Daily => {
                self.daily_at = (at + timing::DAILY).max(now);
                if self.daily_at == now {
                    self.daily_at = now + timing::DAILY;
                }
                self.note(at, Notice::Daily);
            }
        }
    }

    fn end_registration(&mut self, at: Utc) {
        self.note(at, Notice::RegistrationEnded);
        self.unregister();
        // The evaluation resumes at the date of the end, however late we learn of it.
        self.settle(at);
    }

    /// The clock was set: dates that ran from the old clock must not lie further ahead than their
    /// rule allows, and the certificate must be valid by the new one.
    pub(super) fn clock_stepped(&mut self, now: Utc) {
        self.note(now, Notice::ClockChanged);
        self.clock_checked(now);
    }

    /// As [`Agent::clock_stepped`], without a word: after power-on the clock may be anything.
    pub(super) fn clock_checked(&mut self, now: Utc) {
        let cap = |date: &mut Utc, most: Duration| *date = (*date).min(now + most);
        let retry = timing::REGISTRATION_RETRY + timing::RETRY_JITTER;
        match &mut self.stored.registration {
            Registration::Pending { ask_at, .. } => cap(ask_at, timing::FIRST_TRY_AFTER),
            Registration::Waiting { retry_at, shows_at, .. } => {
                cap(retry_at, retry);
                cap(shows_at, timing::RETRY_SHOWS_AFTER);
            }
            Registration::Registered(registered) => {
                cap(&mut registered.renew_at, timing::RENEW_EVERY);
                cap(&mut registered.authorization.ask_at, timing::AUTHORIZE_EVERY);
            }
            Registration::Unregistered | Registration::Failed { .. } => {}
        }
        if let Some(replacement) = &mut self.stored.replacement {
            cap(&mut replacement.ask_at, timing::FIRST_TRY_AFTER);
        }
        if let Some(hold_off) = &mut self.hold_off {
            cap(hold_off, timing::HOLD_OFF_AFTER_EXCHANGE);
        }
        cap(&mut self.daily_at, timing::DAILY);
        cap(&mut self.complain_at, timing::EVALUATION_EXPIRED_EVERY);
        self.last_ended = self.last_ended.filter(|ended| *ended <= now);
        self.certificate_checked(now);
    }

    fn certificate_checked(&mut self, now: Utc) {
        let Some(registered) = self.registered_mut() else { return };
        let early = now < registered.not_before;
        let outside = early || now >= registered.expires_at;
        match registered.grace_until {
            None if outside => {
                registered.grace_until = Some(now + timing::CLOCK_GRACE);
                if early {
                    self.note(now, Notice::CertificateNotStarted);
                }
                self.note(now, Notice::ClockOutsideCertificate);
            }
            Some(until) if outside => {
                registered.grace_until = Some(until.min(now + timing::CLOCK_GRACE));
            }
            Some(_) => registered.grace_until = None,
            None => {}
        }
    }
}
