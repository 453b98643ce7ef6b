//! Exchanges with the authority: what is asked when, one at a time, and which answer belongs to it.

use std::collections::BTreeMap;

use crate::base::ident::{ExchangeId, IdToken, Tag};
use crate::base::time::{Instant, Now, Utc};
use crate::wire::callhome::{self, Ask, Device, Use};

use super::failure::ExchangeError;
use super::stored::Registration;
use super::{Agent, timing};

/// The exchange under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) exchange: ExchangeId,
    pub(super) nonce: u64,
    pub(super) purpose: Purpose,
    /// When the edge is no longer waited for.
    pub(super) give_up_at: Instant,
    /// True when the token was given up while the exchange went on.
    pub(super) superseded: bool,
}

/// A kind of exchange that waits for its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Farewell,
    Register,
    Replace,
    Renew,
    Authorize,
}

/// What an exchange is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Gives back an instance that is forgotten here already.
    Farewell {
        instance: String,
    },
    Register {
        token: IdToken,
        force: bool,
    },
    /// Registers again while registered.
    Replace {
        token: IdToken,
    },
    Renew {
        instance: String,
    },
    /// `asked` is what blades used when the request left; `for_blades` says that they caused it.
    Authorize {
        instance: String,
        asked: BTreeMap<Tag, u32>,
        for_blades: bool,
    },
}

impl Purpose {
    /// Returns true when a success makes a new product instance.
    pub(super) const fn registers(&self) -> bool {
        match self {
            Purpose::Register { .. } | Purpose::Replace { .. } => true,
            Purpose::Farewell { .. } | Purpose::Renew { .. } | Purpose::Authorize { .. } => false,
        }
    }
}

impl Agent {
    /// Everything that waits to be asked and when, the most urgent kind first.
    fn wishes(&self) -> impl Iterator<Item = (Utc, Wish)> {
        let farewell = (!self.stored.farewells.is_empty()).then_some((Utc::MIN, Wish::Farewell));
        let replace = self.stored.replacement.as_ref().map(|wish| (wish.ask_at, Wish::Replace));
        let (register, renew, authorize) = match &self.stored.registration {
            Registration::Pending { ask_at: at, .. }
            | Registration::Waiting { retry_at: at, .. } => {
                (Some((*at, Wish::Register)), None, None)
            }
            Registration::Registered(held) => {
                let at = held.authorization.ask_at;
                let at = self.hold_off.map_or(at, |hold_off| at.min(hold_off));
                (None, Some((held.renew_at, Wish::Renew)), Some((at, Wish::Authorize)))
            }
            Registration::Unregistered | Registration::Failed { .. } => (None, None, None),
        };
        [farewell, register, replace, renew, authorize].into_iter().flatten()
    }

    /// Fills a wish in; `None` if there is nothing to fill it with.
    fn purpose(&self, wish: Wish) -> Option<Purpose> {
        let instance = || self.registered().map(|held| held.instance.clone());
        Some(match wish {
            Wish::Farewell => {
                Purpose::Farewell { instance: self.stored.farewells.first()?.clone() }
            }
            Wish::Register => match &self.stored.registration {
                Registration::Pending { token, force, .. }
                | Registration::Waiting { token, force, .. } => {
                    Purpose::Register { token: token.clone(), force: *force }
                }
                Registration::Unregistered
                | Registration::Failed { .. }
                | Registration::Registered(_) => return None,
            },
            Wish::Replace => {
                Purpose::Replace { token: self.stored.replacement.as_ref()?.token.clone() }
            }
            Wish::Renew => Purpose::Renew { instance: instance()? },
            Wish::Authorize => {
                let asked = self.stored.usage.iter().map(|(tag, usage)| (tag.clone(), usage.count));
                let for_blades = self.hold_off.is_some();
                Purpose::Authorize { instance: instance()?, asked: asked.collect(), for_blades }
            }
        })
    }

    /// Returns when something is to be asked next; `None` while an exchange is under way.
    pub(super) fn asks_at(&self) -> Option<Utc> {
        if self.flight.is_some() {
            return None;
        }
        self.wishes().map(|(at, _)| at).min()
    }

    /// Starts the most urgent exchange that is due, unless one is under way.
    pub(super) fn take_off(&mut self, now: Now) -> Option<(ExchangeId, callhome::Request)> {
        if self.flight.is_some() {
            return None;
        }
        let (_, wish) = self.wishes().find(|(at, _)| *at <= now.wall)?;
        let purpose = self.purpose(wish)?;
        self.exchanges += 1;
        let exchange = ExchangeId(self.exchanges);
        let nonce = self.rng.next_u64();
        let ask = match &purpose {
            Purpose::Farewell { instance } => Ask::Deregister { instance: instance.clone() },
            Purpose::Register { token, force } => self.registers(token, *force),
            Purpose::Replace { token } => self.registers(token, true),
            Purpose::Renew { instance } => Ask::Renew { instance: instance.clone() },
            Purpose::Authorize { instance, asked, for_blades: _ } => {
                self.hold_off = None;
                let uses = asked.iter().map(|(tag, count)| Use { tag: tag.clone(), count: *count });
                Ask::Authorize { instance: instance.clone(), in_use: uses.collect() }
            }
        };
        let give_up_at = now.mono + timing::EXCHANGE_DEADLINE;
        self.flight = Some(Flight { exchange, nonce, purpose, give_up_at, superseded: false });
        let device = self.device();
        Some((exchange, callhome::Request { sent_at: now.wall, nonce, device, ask }))
    }

    fn registers(&self, token: &IdToken, force: bool) -> Ask {
        let public_key = self.identity.public_key.clone();
        Ask::Register { token: token.as_str().to_owned(), force, public_key }
    }

    fn device(&self) -> Device {
        let identity = &self.identity;
        let unless = |private: bool, text: &str| if private { String::new() } else { text.into() };
        Device {
            udi: identity.udi.clone(),
            product: identity.product.clone(),
            sudi_pid: identity.sudi_pid.clone(),
            hostname: unless(self.stored.privacy.licensing_hostname, &identity.hostname),
            agent: unless(self.stored.privacy.version, identity.version.text()),
        }
    }

    /// Takes the flight that an event names. `None` for a late or repeated one.
    fn land(&mut self, exchange: ExchangeId, now: Now) -> Option<Flight> {
        let flight = self.flight.take_if(|flight| flight.exchange == exchange)?;
        self.last_ended = Some(now.wall);
        // What blades asked for meanwhile keeps its distance from the exchange that just ended.
        if matches!(flight.purpose, Purpose::Authorize { .. }) {
            let soonest = now.wall + timing::HOLD_OFF;
            self.hold_off = self.hold_off.map(|at| at.max(soonest));
        }
        Some(flight)
    }

    /// A signed answer came.
    pub(super) fn answered(&mut self, now: Now, exchange: ExchangeId, answer: callhome::Answer) {
        let Some(flight) = self.land(exchange, now) else { return };
        if answer.nonce == flight.nonce {
            self.conclude(now, flight, answer);
        } else {
            // Signed, but for another request: a replay.
            self.fail(now, &flight, ExchangeError::Signature);
        }
    }

    /// The edge brought no answer.
    pub(super) fn lost(&mut self, now: Now, exchange: ExchangeId, reason: ExchangeError) {
        if let Some(flight) = self.land(exchange, now) {
            self.fail(now, &flight, reason);
        }
    }

    /// The edge brought nothing at all.
    pub(super) fn give_up(&mut self, now: Now) {
        let overdue = self.flight.as_ref().filter(|flight| flight.give_up_at <= now.mono);
        if let Some(exchange) = overdue.map(|flight| flight.exchange) {
            self.lost(now, exchange, ExchangeError::Transport);
        }
    }
}
