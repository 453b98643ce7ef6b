//! One Smart Agent in a hostile world.
//!
//! The world loses, delays and repeats answers, takes the authority away, sets the clock, cuts the
//! power after any write, and has an operator and blades that change their minds. After every step
//! the invariants of `World::check` must hold, and once the world is calm again the chassis must
//! come to be registered and authorised.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vfxos::base::enforcement::Mode;
use vfxos::base::entitlement::CATALOGUE;
use vfxos::base::ident::{ExchangeId, IdToken, Tag, Udi};
use vfxos::base::platform::AgentVersion;
use vfxos::base::rng::Rng;
use vfxos::base::time::{Instant, Now, Utc, days};
use vfxos::proto::Next;
use vfxos::proto::agent::{
    Agent, Attempt, AuthorizationStatus, Enforcement, Event, ExchangeError, Identity, Output,
    Registered, Registration, RegistrationReport, Stored, timing,
};
use vfxos::wire::callhome::{Answer, Ask, Request};

use super::backend::Backend;
use super::desk::{Act, Desk};
use super::{each_seed, seconds};

/// Seeds of one run, unless `SEEDS` says otherwise.
const SEEDS: u64 = 2_000;
/// Disturbances of one seed.
const ACTIONS: u32 = 40;

const START: Utc = Utc::from_civil(2020, 8, 4, 12, 0, 0);

/// What an operator did since the last check, which excuses what would else be a fault.
#[derive(Default)]
struct Excuses {
    deregistered: bool,
    /// Kinds of request that may come at once: a clock was set, power was cut, or an operator
    /// wished it so.
    hastened: BTreeSet<&'static str>,
    /// Blades changed their minds, which is carried over within the hold-off.
    demanded: bool,
}

impl Excuses {
    fn hasten_all(&mut self) {
        self.hastened.extend(["register", "renew", "authorize"]);
    }
}

struct World {
    seed: u64,
    rng: Rng,
    agent: Agent,
    now: Now,
    flash: Stored,
    enforced: Enforcement,
    authority: Backend,
    /// Where reservations are made; it and the authority are one to a chassis.
    desk: Desk,
    /// What the edge will bring, in any order.
    coming: Vec<(Instant, Event)>,
    /// The exchange that the edge works on, since when.
    under_way: Option<(ExchangeId, Instant)>,
    /// Exchanges begun.
    exchanges: u64,
    /// When a kind of request failed last, by the wall clock, and how often in a row.
    failed: BTreeMap<&'static str, (Utc, u32)>,
    /// Since when something must be asked before long.
    idle_since: Instant,
    excuses: Excuses,
    /// Registered at the last check.
    before: Option<Registered>,
    /// Licensed by a reservation at the last check.
    was_reserved: bool,
    evaluation_left: Duration,
    /// True once the clock was set back: dates of the past may lie ahead.
    set_back: bool,
    calm: bool,
    power_cut: bool,
    /// True while somebody wants this chassis registered.
    wished: bool,
}

fn identity() -> Identity {
    Identity {
        udi: Udi { pid: "FPR-4125-SUP".into(), serial: "JAD12345678".into() },
        product: "FPR4125".into(),
        sudi_pid: "FPR-4125-SUP".into(),
        hostname: "FPR4125-1".into(),
        version: AgentVersion::V4_6_9,
        public_key: "key".into(),
    }
}

fn kind(ask: &Ask) -> &'static str {
    match ask {
        Ask::Register { .. } => "register",
        Ask::Renew { .. } => "renew",
        Ask::Authorize { .. } => "authorize",
        Ask::Deregister { .. } => "deregister",
    }
}

fn registered(stored: &Stored) -> Option<&Registered> {
    if let Registration::Registered(held) = &stored.registration { Some(held) } else { None }
}

impl World {
    fn new(seed: u64) -> World {
        let now = Now { mono: Instant::ZERO, wall: START.shifted_ms((seed % 1000) as i64) };
        World {
            seed,
            rng: Rng::from_seed(seed),
            agent: Agent::new(identity(), Stored::default(), Rng::from_seed(!seed), now),
            now,
            flash: Stored::default(),
            enforced: Enforcement::default(),
            authority: Backend {
                instance: None,
                token: String::new(),
                made: 0,
                reserved: false,
                out_until: now.mono,
            },
            desk: Desk::new(seed),
            coming: Vec::new(),
            under_way: None,
            exchanges: 0,
            failed: BTreeMap::new(),
            idle_since: now.mono,
            excuses: Excuses::default(),
            before: None,
            was_reserved: false,
            evaluation_left: timing::EVALUATION,
            set_back: false,
            calm: false,
            power_cut: false,
            wished: false,
        }
    }

    /// The authority's clock, which nobody sets.
    fn true_wall(&self) -> Utc {
        START + self.now.mono.since(Instant::ZERO)
    }

    fn one_in(&mut self, n: u64) -> bool {
        !self.calm && self.rng.one_in(n)
    }

    /// Does all there is to do; returns when the agent wants to be called, unless power failed.
    fn drain(&mut self) -> Instant {
        let seed = self.seed;
        loop {
            match self.agent.poll(self.now) {
                Next::Do(Output::Persist(stored)) => {
                    self.flash = *stored;
                    if self.one_in(24) {
                        self.cut_power();
                    }
                }
                Next::Do(Output::Enforce(enforcement)) => self.enforced = enforcement,
                Next::Do(Output::Log(_)) => {}
                Next::Do(Output::Ask { exchange, request }) => self.ask(exchange, &request),
                Next::Wait(until) => {
                    return until.unwrap_or_else(|| panic!("SEED={seed} waits for nothing"));
                }
            }
        }
    }

    /// Power fails: the agent, the edge and the broker are gone; flash and the authority stay.
    fn cut_power(&mut self) {
        let off = self.rng.below(seconds(3_600));
        self.now = self.now.advanced(off);
        let rng = Rng::from_seed(self.rng.next_u64());
        self.agent = Agent::new(identity(), self.flash.clone(), rng, self.now);
        self.coming.clear();
        self.under_way = None;
        self.excuses.hasten_all();
        self.idle_since = self.now.mono;
        self.power_cut = true;
        self.enforced = Enforcement::default();
    }

    fn ask(&mut self, exchange: ExchangeId, request: &Request) {
        let seed = self.seed;
        assert_eq!(self.flash, *self.agent.stored(), "SEED={seed} asks before it has written");
        if let Some((_, since)) = self.under_way {
            let given_up = self.now.mono.since(since) >= timing::EXCHANGE_DEADLINE;
            assert!(given_up, "SEED={seed} two exchanges under way");
        }
        self.exchanges += 1;
        self.check_pace(kind(&request.ask));
        self.under_way = Some((exchange, self.now.mono));
        self.idle_since = self.now.mono;

        let latency = match self.rng.next_u64() % 10 {
            0 => seconds(120),
            1 => Duration::from_millis(1),
            _ => Duration::from_millis(self.rng.next_u64() % 4_000),
        };
        let at = self.now.mono + latency;
        let out = self.authority.out_until > self.now.mono;
        let lost = [
            ExchangeError::Resolve,
            ExchangeError::Connect,
            ExchangeError::Authenticate,
            ExchangeError::Status { status: 503 },
            ExchangeError::Transport,
            ExchangeError::Parse,
            ExchangeError::Signature,
        ];
        let lost = lost[(self.rng.next_u64() % 7) as usize];
        if !self.calm && (out || self.one_in(6)) {
            self.coming.push((at, Event::Lost { exchange, reason: lost }));
            return;
        }
        let short = self.one_in(4);
        self.authority.reserved = self.desk.reserved();
        let clock = self.true_wall();
        let verdict = self.authority.decide(request, clock, short);
        let answer = Answer { nonce: request.nonce, issued_at: clock, verdict };
        match self.rng.next_u64() % 40 {
            // The authority did it, but its answer is lost, or the edge dies in silence.
            0 | 1 if !self.calm => {
                let reason = ExchangeError::Transport;
                self.coming.push((at, Event::Lost { exchange, reason }));
            }
            2 if !self.calm => {}
            // A repeated answer, and one that is another's.
            3 if !self.calm => {
                self.coming.push((at, Event::Answered { exchange, answer: answer.clone() }));
                self.coming.push((at + seconds(50), Event::Answered { exchange, answer }));
            }
            4 if !self.calm => {
                let answer = Answer { nonce: !answer.nonce, ..answer };
                self.coming.push((at, Event::Answered { exchange, answer }));
            }
            _ => self.coming.push((at, Event::Answered { exchange, answer })),
        }
    }

    /// A retry never comes sooner than its rule allows.
    fn check_pace(&mut self, kind: &'static str) {
        let (seed, wall) = (self.seed, self.now.wall);
        let demanded = kind == "authorize" && std::mem::take(&mut self.excuses.demanded);
        let hastened = self.excuses.hastened.remove(kind);
        let Some((failed_at, times)) = self.failed.get(kind).copied() else { return };
        if hastened {
            return;
        }
        // The rules in seconds, written out: the agent's own constants could be wrong.
        let least = seconds(match (kind, times) {
            ("register", _) | ("renew", 1) => 900,
            ("renew", _) => 3_600,
            ("authorize", times) if times == 1 || demanded => 30,
            ("authorize", _) => 3_599,
            _ => 0,
        });
        let gap = wall.since(failed_at);
        assert!(gap >= least, "SEED={seed} asks to {kind} after {gap:?} instead of {least:?}");
    }

    /// Brings one event to the agent, and notes what it says about failures.
    fn deliver(&mut self, event: Event) {
        let of_interest = match &event {
            Event::Answered { exchange, .. } | Event::Lost { exchange, .. } => {
                self.under_way.take_if(|(id, _)| id == exchange).is_some()
            }
            Event::Due | Event::ClockStepped => false,
        };
        self.agent.handle(self.now, event);
        if of_interest {
            self.idle_since = self.now.mono;
        }
        self.note_failures();
    }

    /// Learns from what the agent holds which tries failed, as an operator would.
    fn note_failures(&mut self) {
        let stored = self.agent.stored();
        let mut failures = BTreeMap::new();
        let mut failure = |kind, at, times| {
            failures.insert(kind, (at, times));
        };
        if let Registration::Waiting { failed_at, .. } = &stored.registration {
            failure("register", *failed_at, 1);
        }
        if let Some(held) = registered(stored) {
            if let Some(Attempt::Failed { at, .. }) = &held.last_renewal {
                failure("renew", *at, held.renewal_failures);
            }
            if let Some(Attempt::Failed { at, .. }) = &held.authorization.last {
                failure("authorize", *at, held.authorization.failures);
            }
        }
        self.failed = failures;
    }

    /// One thing that somebody does.
    fn disturb(&mut self) {
        match self.rng.next_u64() % 20 {
            // One step alone leads nowhere.
            16..=19 => (0..self.rng.next_u64() % 6).for_each(|_| self.reserve()),
            0..=3 => self.register(),
            4 => {
                self.excuses.deregistered = self.agent.deregister(self.now).is_ok();
                self.wished &= !self.excuses.deregistered;
                self.excuses.hasten_all();
            }
            5 => {
                self.agent.renew(self.now);
                self.excuses.hasten_all();
            }
            6..=9 => self.demand(),
            10 | 11 => {
                let outage = if self.rng.one_in(8) { days(120) } else { days(3) };
                self.authority.out_until = self.now.mono + self.rng.below(outage);
            }
            12 => {
                let most = if self.rng.one_in(4) { days(900) } else { seconds(3_000) };
                let by = self.rng.below(most);
                self.set_back |= self.rng.one_in(2);
                let to = if self.set_back { self.now.wall - by } else { self.now.wall + by };
                self.set_clock(to.clamp(Utc::MIN, Utc::MAX));
            }
            13 => self.set_clock(self.true_wall()),
            14 => self.cut_power(),
            _ => {
                self.agent.expire_auth(self.now);
                // An instance removed at the authority, now and then.
                if self.rng.one_in(4) {
                    self.authority.instance = None;
                }
            }
        }
        // Somebody's wish that could not be written before power failed was never acknowledged.
        self.note_failures();
    }

    /// An operator of the chassis or of the authority goes on with a reservation.
    fn reserve(&mut self) {
        let wall = self.true_wall();
        match self.rng.next_u64() % 4 {
            0 => {
                let registered = self.authority.instance.is_some();
                self.desk.authorize(wall, registered, &mut self.rng);
            }
            1 => self.desk.give_back(wall, &mut self.rng),
            _ => {
                let act = Desk::pick(&self.agent, &mut self.rng);
                let done = self.desk.act(&mut self.agent, self.now, act, &mut self.rng);
                self.wished &= !(done && act == Act::Enable);
                // What power cut off before it was written was not shown either.
                if self.one_in(8) {
                    self.cut_power();
                }
                self.drain();
                self.desk.look(&self.agent, self.now);
            }
        }
    }

    fn register(&mut self) {
        let typed = ["good", "better", "worse"][(self.rng.next_u64() % 3) as usize];
        let force = self.rng.one_in(3);
        let token = IdToken::parse(typed).expect("a token");
        if self.agent.register(self.now, token, force).is_ok() {
            self.excuses.hastened.insert("register");
            self.wished = true;
        }
        self.idle_since = self.now.mono;
    }

    fn demand(&mut self) {
        let mut totals = BTreeMap::new();
        for row in &CATALOGUE[..4] {
            let count = u32::try_from(self.rng.next_u64() % 3).expect("below three");
            totals.insert(Tag::parse(row.tag).expect("a tag"), count);
        }
        self.agent.demand(self.now, totals);
        self.excuses.demanded = true;
    }

    fn set_clock(&mut self, wall: Utc) {
        self.set_back |= wall < self.now.wall;
        self.now.wall = wall;
        self.excuses.hasten_all();
        self.idle_since = self.now.mono;
        self.deliver(Event::ClockStepped);
        self.excuses.hasten_all();
    }

    /// Lives until `end`, going exactly to whatever is due first.
    fn live(&mut self, end: Instant) {
        let (seed, mut at_once) = (self.seed, 0);
        loop {
            let due = self.drain();
            self.check();
            let coming = self.coming.iter().map(|(at, _)| *at).min();
            let next = coming.map_or(due, |at| at.min(due));
            if next > end {
                self.now = self.now.at(end);
                return;
            }
            at_once = if next > self.now.mono { 0 } else { at_once + 1 };
            assert!(at_once < 100, "SEED={seed} spins: a deadline that has passed stays due");
            self.now = self.now.at(next);
            let found = self.coming.iter().position(|(at, _)| *at <= next);
            let event = found.map_or(Event::Due, |index| self.coming.swap_remove(index).1);
            self.deliver(event);
        }
    }

    fn check(&mut self) {
        let (seed, wall) = (self.seed, self.now.wall);
        let stored = self.agent.stored();
        let held = registered(stored);

        // A registered chassis never forgets it.
        if let (Some(before), None) = (&self.before, held) {
            let ended =
                before.expires_at <= wall || before.grace_until.is_some_and(|until| until <= wall);
            assert!(ended || self.excuses.deregistered, "SEED={seed} forgot {before:?}");
        }
        self.excuses.deregistered = false;
        // Nor does it take what nobody wants any more.
        let fresh = self.before.is_none() && held.is_some();
        assert!(!fresh || self.wished, "SEED={seed} registered after it was given up");
        let both = self.before.is_some() && held.is_some();
        if self.before.as_ref() != held {
            self.before = held.cloned();
        }

        // Whatever waits is asked before long.
        let idle = self.now.mono.since(self.idle_since);
        let most = match &stored.registration {
            Registration::Pending { .. } => timing::FIRST_TRY_AFTER,
            Registration::Waiting { .. } => timing::REGISTRATION_RETRY + timing::RETRY_JITTER,
            Registration::Registered(_) => timing::AUTHORIZE_EVERY,
            Registration::Unregistered | Registration::Failed { .. } => Duration::MAX,
        };
        let most = most.saturating_add(timing::EXCHANGE_DEADLINE);
        assert!(idle <= most, "SEED={seed} idle for {idle:?} in {:?}", stored.registration);

        self.check_dates();

        // The broker knows what holds, and nobody has an entitlement that he has not.
        let reserved = stored.reservation.is_authorized();
        assert_eq!(self.enforced.registered, held.is_some() || reserved, "SEED={seed}");
        assert!(self.enforced.modes.keys().eq(stored.usage.keys()), "SEED={seed}");
        let evaluates = |mode: &Mode| matches!(mode, Mode::Evaluation | Mode::EvalExpired);
        for mode in self.enforced.modes.values() {
            assert_ne!(evaluates(mode), self.enforced.registered, "SEED={seed} {mode:?}");
            assert_eq!(*mode == Mode::ReservedAuthorized, reserved, "SEED={seed} {mode:?}");
        }

        // The evaluation is spent once; a power cut gives back a step at most.
        let left = stored.evaluation.left(wall);
        let given = left.saturating_sub(self.evaluation_left);
        let most =
            if self.power_cut || self.set_back { timing::EVALUATION_STEP } else { Duration::ZERO };
        assert!(given <= most, "SEED={seed} was given {given:?} of evaluation");
        let spent = self.evaluation_left.saturating_sub(left);
        let licensed = both || (self.was_reserved && reserved);
        assert!(!licensed || spent.is_zero(), "SEED={seed} spent {spent:?} while licensed");
        self.was_reserved = reserved;
        self.power_cut = false;
        self.evaluation_left = left;
        assert!(stored.farewells.len() <= Stored::FAREWELLS_MAX, "SEED={seed}");
        self.check_reservation();
    }

    /// Registered or reserved, on either side, and never both.
    fn check_reservation(&mut self) {
        let (seed, stored) = (self.seed, self.agent.stored());
        let enabled = stored.reservation.is_enabled();
        assert!(!enabled || registered(stored).is_none(), "SEED={seed} registered and reserved");
        let both = self.authority.instance.is_some() && self.desk.reserved();
        assert!(!both, "SEED={seed} registered and reserved at the authority");
        self.desk.check(&self.agent, &identity().udi, self.now.wall, seed);
    }

    /// No listing prints dates in the wrong order.
    fn check_dates(&self) {
        let (seed, report) = (self.seed, self.agent.report(self.now));
        let whole = |at: Utc| at.unix_s();
        let now = whole(self.now.wall);
        let past = |at: Utc| assert!(self.set_back || whole(at) <= now, "SEED={seed} {report:?}");
        let ahead = |at: Utc| assert!(whole(at) >= now, "SEED={seed} {report:?}");
        match &report.registration {
            RegistrationReport::Unregistered
            | RegistrationReport::Pending
            | RegistrationReport::Reserving => {}
            RegistrationReport::Reserved { at } => past(*at),
            RegistrationReport::Failed { at, .. } => past(*at),
            RegistrationReport::Retrying { at, next_at, .. } => {
                past(*at);
                next_at.iter().copied().for_each(ahead);
            }
            RegistrationReport::Registered { registered_at, last_renewal, renew_at, .. } => {
                past(*registered_at);
                ahead(*renew_at);
                if let Some(last) = last_renewal {
                    past(last.at());
                    let ordered = self.set_back || *registered_at <= last.at();
                    assert!(ordered, "SEED={seed} renewed before it was registered");
                }
            }
        }
        if let Some(communication) = &report.communication {
            communication.last.iter().for_each(|last| past(last.at()));
            ahead(communication.next_at);
            communication.deadline.iter().copied().for_each(ahead);
        }
    }

    /// The world calms down: clock right, authority there. A reservation must come to pass, and go.
    fn recover_by_reservation(&mut self) {
        let seed = self.seed;
        self.calm = true;
        self.set_clock(self.true_wall());
        self.demand();
        self.clear_reservation();
        self.excuses.deregistered = self.agent.deregister(self.now).is_ok();
        self.wished = false;
        self.excuses.hasten_all();
        self.live(self.now.mono + days(1));
        // An instance that the authority was never told to forget, an operator removes.
        self.authority.instance = None;
        self.agent.set_reservation(self.now, true).expect("nothing is registered");
        self.agent.request_reservation(self.now).expect("reservation is enabled");
        self.drain();
        self.desk.look(&self.agent, self.now);
        let code = self.desk.answer(self.true_wall());
        let trusted = self.desk.trusted();
        let installed = self.agent.install_reservation(self.now, &code, &trusted);
        assert_eq!(installed, Ok(()), "SEED={seed}");
        let asked = self.exchanges;
        self.live(self.now.mono + days(100));
        assert_eq!(self.exchanges, asked, "SEED={seed} a reserved chassis asks");
        let reserved = |mode: &Mode| *mode == Mode::ReservedAuthorized;
        assert!(self.enforced.modes.values().all(reserved), "SEED={seed}");
        assert!(self.enforced.export_controlled, "SEED={seed}");
        self.clear_reservation();
    }

    /// Gives back whatever is reserved, on both sides.
    fn clear_reservation(&mut self) {
        let seed = self.seed;
        // Each is refused in every state but its own.
        let _ = self.agent.cancel_reservation(self.now);
        let _ = self.agent.return_reservation(self.now);
        self.drain();
        self.desk.look(&self.agent, self.now);
        self.agent.set_reservation(self.now, false).expect("nothing is reserved");
        self.drain();
        self.desk.give_all_back(self.true_wall());
        assert!(!self.desk.reserved(), "SEED={seed} a reservation can't be given back");
    }

    /// Then a good token. All must come well.
    fn recover(&mut self) {
        let seed = self.seed;
        self.demand();
        self.live(self.now.mono + timing::EXCHANGE_DEADLINE);
        for _ in 0..3 {
            let token = IdToken::parse("good").expect("a token");
            let wanted = self.agent.register(self.now, token, true);
            self.excuses.hasten_all();
            self.idle_since = self.now.mono;
            self.wished = true;
            if wanted.is_ok() {
                break;
            }
            // A try with another token is under way; its end is near.
            self.live(self.now.mono + timing::EXCHANGE_DEADLINE);
        }
        self.live(self.now.mono + days(1));
        let report = self.agent.report(self.now);
        let well = matches!(report.registration, RegistrationReport::Registered { .. })
            && matches!(report.authorization, AuthorizationStatus::Authorized { .. })
            && self.enforced.modes.values().all(|mode| *mode == Mode::Authorized);
        assert!(well, "SEED={seed} does not recover: {report:?}");
        assert!(report.communication.is_some_and(|c| c.deadline.is_some()), "SEED={seed}");
    }
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..ACTIONS {
        world.disturb();
        // An evaluation counts every ten minutes, so unregistered time is the dear one.
        let most = match (world.rng.next_u64() % 8, &world.before) {
            (0, Some(_)) => days(80),
            (0, None) => days(2),
            (1..=3, _) => seconds(6 * 3_600),
            _ => seconds(120),
        };
        let time = world.rng.below(most);
        world.live(world.now.mono + time);
    }
    world.recover_by_reservation();
    world.recover();
}

#[test]
fn nothing_is_forgotten_and_nothing_waits_for_ever() {
    each_seed(SEEDS, run);
}

/// Ten years of one licensed chassis, deadline by deadline, with an authority that always answers.
/// How fast it goes is `make bench`'s to tell; here it must only be right.
#[test]
fn ten_years_of_one_chassis() {
    let mut world = World::new(1);
    world.calm = true;
    let token = IdToken::parse("good").expect("a token");
    world.agent.register(world.now, token, false).expect("nothing is in the way");
    world.demand();
    let mut asks = BTreeMap::new();
    let end = world.now.mono + days(3_652);
    loop {
        let due = loop {
            match world.agent.poll(world.now) {
                Next::Do(Output::Ask { exchange, request }) => {
                    *asks.entry(kind(&request.ask)).or_insert(0) += 1;
                    let issued_at = world.true_wall();
                    let verdict = world.authority.decide(&request, issued_at, false);
                    let answer = Answer { nonce: request.nonce, issued_at, verdict };
                    world.agent.handle(world.now, Event::Answered { exchange, answer });
                }
                Next::Do(Output::Enforce(enforcement)) => world.enforced = enforcement,
                Next::Do(Output::Persist(_) | Output::Log(_)) => {}
                Next::Wait(until) => break until.expect("something is always due"),
            }
        };
        if due > end {
            break;
        }
        world.now = world.now.at(due);
        world.agent.handle(world.now, Event::Due);
    }
    // One authorization after the registration, then one every thirty days.
    assert_eq!(asks, BTreeMap::from([("register", 1), ("renew", 20), ("authorize", 122)]));
    assert!(world.enforced.modes.values().all(|mode| *mode == Mode::Authorized));
    assert_eq!(world.agent.report(world.now).evaluation_left, timing::EVALUATION - seconds(1));
}
