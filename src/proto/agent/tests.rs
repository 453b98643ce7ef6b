//! The agent held against its rules: a bench with a virtual clock, and one file a subject.

use std::time::Duration;

use super::*;
use crate::base::entitlement::{Entitlement, Feature};
use crate::base::ident::IdToken;
use crate::base::platform::Family;
use crate::base::time::{Instant, days};
use crate::wire::callhome::{Answer, Ask, Authorization as Word, Compliance, Grant, Verdict};

mod authorization;
mod dates;
mod hostile;
mod power;
mod reservation;
mod transitions;

pub(super) const NOON: Utc = Utc::from_civil(2020, 8, 4, 12, 0, 0);

pub(super) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) fn token(text: &str) -> IdToken {
    IdToken::parse(text).unwrap()
}

pub(super) fn tag(feature: Feature) -> Tag {
    Tag::parse(Entitlement::find(Family::Firepower4100, feature).unwrap().tag).unwrap()
}

pub(super) fn tier() -> BTreeMap<Tag, u32> {
    BTreeMap::from([(tag(Feature::Tier), 1)])
}

fn identity(version: AgentVersion) -> Identity {
    Identity {
        udi: Udi { pid: "FPR-4125-SUP".into(), serial: "JAD12345678".into() },
        product: "FPR4125".into(),
        sudi_pid: "FPR-4125-SUP".into(),
        hostname: "FPR4125-1".into(),
        version,
        public_key: "key".into(),
    }
}

/// An agent, the clock that it sees, and everything that it had done.
pub(super) struct Bench {
    pub(super) agent: Agent,
    pub(super) now: Now,
    pub(super) flash: Stored,
    pub(super) enforced: Enforcement,
    pub(super) log: Vec<LogLine>,
    /// Asked and not answered yet.
    pub(super) asked: Option<(ExchangeId, callhome::Request)>,
    asked_at: Instant,
    pub(super) persists: usize,
}

impl Bench {
    pub(super) fn new(wall: Utc, stored: Stored) -> Bench {
        Bench::of(AgentVersion::V4_6_9, wall, stored)
    }

    pub(super) fn of(version: AgentVersion, wall: Utc, stored: Stored) -> Bench {
        let now = Now { mono: Instant::ZERO, wall };
        let mut bench = Bench {
            agent: Agent::new(identity(version), stored.clone(), Rng::from_seed(7), now),
            now,
            flash: stored,
            enforced: Enforcement::default(),
            log: Vec::new(),
            asked: None,
            asked_at: Instant::ZERO,
            persists: 0,
        };
        bench.drain();
        bench
    }

    /// A chassis that registered at `wall`; the authority's clock is ahead by `skew_ms`.
    pub(super) fn registered(wall: Utc, skew_ms: i64) -> Bench {
        let mut bench = Bench::new(wall - timing::FIRST_TRY_AFTER, Stored::default());
        bench.register("good", false).unwrap();
        bench.pass(timing::FIRST_TRY_AFTER);
        bench.grant(skew_ms);
        bench
    }

    pub(super) fn register(&mut self, text: &str, force: bool) -> Result<(), ConfigError> {
        let verdict = self.agent.register(self.now, token(text), force);
        self.drain();
        verdict
    }

    pub(super) fn event(&mut self, event: Event) {
        self.agent.handle(self.now, event);
        self.drain();
    }

    /// Does all there is to do, and returns until when there is nothing.
    pub(super) fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.agent.poll(self.now) {
                Next::Do(Output::Persist(stored)) => {
                    self.flash = *stored;
                    self.persists += 1;
                }
                Next::Do(Output::Enforce(enforcement)) => self.enforced = enforcement,
                Next::Do(Output::Log(line)) => self.log.push(line),
                Next::Do(Output::Ask { exchange, request }) => {
                    let given_up = self.now.mono.since(self.asked_at) >= timing::EXCHANGE_DEADLINE;
                    assert!(self.asked.is_none() || given_up, "two exchanges under way");
                    assert_eq!(self.flash, *self.agent.stored(), "asked before it was written");
                    self.asked = Some((exchange, request));
                    self.asked_at = self.now.mono;
                }
                Next::Wait(until) => return until,
            }
        }
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.advanced(time);
        while let Some(due) = self.drain().filter(|due| *due <= end.mono) {
            self.now = self.now.at(due);
            self.event(Event::Due);
        }
        self.now = end;
    }

    /// Lets time pass to a wall date.
    pub(super) fn pass_to(&mut self, wall: Utc) {
        self.pass(wall.since(self.now.wall));
    }

    /// Lets time pass until something is asked, and returns what.
    pub(super) fn pass_to_ask(&mut self) -> Ask {
        for _ in 0..1_000_000 {
            let due = self.drain();
            if let Some((_, request)) = &self.asked {
                return request.ask.clone();
            }
            self.now = self.now.at(due.expect("something waits"));
            self.event(Event::Due);
        }
        panic!("nothing was ever asked");
    }

    /// Answers what is asked, by an authority whose clock is ahead by `skew_ms`.
    pub(super) fn answer(&mut self, verdict: Verdict, skew_ms: i64) {
        let (exchange, request) = self.asked.take().expect("nothing is asked");
        let issued_at = self.now.wall.shifted_ms(skew_ms);
        let answer = Answer { nonce: request.nonce, issued_at, verdict };
        self.event(Event::Answered { exchange, answer });
    }

    pub(super) fn grant(&mut self, skew_ms: i64) {
        let grant = grant_at(self.now.wall.shifted_ms(skew_ms), "inst-1");
        let renewal = matches!(&self.asked, Some((_, r)) if matches!(r.ask, Ask::Renew { .. }));
        let verdict = if renewal { Verdict::Renewed(grant) } else { Verdict::Registered(grant) };
        self.answer(verdict, skew_ms);
    }

    /// Answers an authorization with one compliance for all.
    pub(super) fn authorize(&mut self, compliance: Compliance, skew_ms: i64) {
        let Some((_, callhome::Request { ask: Ask::Authorize { in_use, .. }, .. })) = &self.asked
        else {
            panic!("no authorization is asked for: {:?}", self.asked);
        };
        let words = in_use.iter().map(|used| word(&used.tag, used.count, compliance)).collect();
        self.answer(Verdict::Authorized(words), skew_ms);
    }

    pub(super) fn lose(&mut self, reason: ExchangeError) {
        let (exchange, _) = self.asked.take().expect("nothing is asked");
        self.event(Event::Lost { exchange, reason });
    }

    pub(super) fn demand(&mut self, totals: BTreeMap<Tag, u32>) {
        self.agent.demand(self.now, totals);
        self.drain();
    }

    pub(super) fn report(&self) -> Report {
        self.agent.report(self.now)
    }

    /// Moves the wall clock only.
    pub(super) fn set_clock(&mut self, wall: Utc) {
        self.now.wall = wall;
        self.event(Event::ClockStepped);
    }

    /// Cuts the power; only flash stays. The broker is silent and the clock runs on.
    pub(super) fn power_cut(&mut self) {
        let now = self.now;
        let version = self.agent.identity.version;
        self.agent = Agent::new(identity(version), self.flash.clone(), Rng::from_seed(8), now);
        self.asked = None;
        self.drain();
    }

    /// Does one command of an operator, and all that follows at once.
    pub(super) fn operate(
        &mut self,
        command: impl FnOnce(&mut Agent, Now) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let verdict = command(&mut self.agent, self.now);
        self.drain();
        verdict
    }

    pub(super) fn logged(&self, mnemonic: &str) -> usize {
        self.log.iter().filter(|line| line.mnemonic == mnemonic).count()
    }
}

pub(super) fn grant_at(issued_at: Utc, instance: &str) -> Grant {
    let not_before = issued_at - seconds(300);
    Grant {
        instance: instance.into(),
        smart_account: "TAC Cisco Systems, Inc.".into(),
        virtual_account: "EU TAC".into(),
        export_controlled: true,
        not_before,
        not_after: not_before + days(365),
        certificate: String::new(),
    }
}

pub(super) fn word(tag: &Tag, count: u32, compliance: Compliance) -> Word {
    let name = Entitlement::of_tag(tag.as_str()).map_or("", |row| row.name).to_owned();
    Word { tag: tag.clone(), description: name.clone(), name, count, compliance }
}
