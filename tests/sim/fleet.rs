//! Four chassis, the real authority, a wire between them that loses, delays and repeats, power cuts
//! on either side, and operators on both. Beside them a model that counts from scratch what the
//! authority has acknowledged: after every request its pools, totals and answers must be the
//! model's.

use std::collections::BTreeMap;
use std::time::Duration;

use vfxos::base::enforcement::Mode;
use vfxos::base::entitlement::CATALOGUE;
use vfxos::base::ident::{ExchangeId, IdToken, Tag, Udi};
use vfxos::base::platform::AgentVersion;
use vfxos::base::rng::Rng;
use vfxos::base::time::{Instant, Now, Utc, days};
use vfxos::proto::Next;
use vfxos::proto::agent::{
    Agent, Enforcement, Event, ExchangeError, Identity, Output, RegistrationReport, Reservation,
    Stored,
};
use vfxos::proto::authority::{
    self, AccountName, Authority, Pool, Record, SILENCE_MAX, Settings, TokenSpec,
};
use vfxos::wire::callhome::{Answer, Ask, Compliance, Request, SigningKey, Verdict};
use vfxos::wire::reservation::{Commitment, ReturnCode};

use super::{each_seed, seconds};

/// Seeds of one run, unless `SEEDS` says otherwise.
const SEEDS: u64 = 100;
/// Disturbances of one seed.
const ACTIONS: u32 = 40;
/// Chassis of one seed.
const FLEET: usize = 4;
/// Stock of universal licences: fewer than there are chassis.
const UNIVERSAL: u32 = 2;

const START: Utc = Utc::from_civil(2020, 8, 4, 12, 0, 0);

/// One chassis: its agent, its key, what its flash holds and what its blades are told.
struct Chassis {
    agent: Agent,
    key: SigningKey,
    serial: String,
    flash: Stored,
    enforced: Enforcement,
    demand: BTreeMap<Tag, u32>,
    /// Return codes that its operator has not typed at the authority yet.
    returns: Vec<String>,
}

/// Something on its way.
#[derive(Clone)]
enum Mail {
    Request { from: usize, exchange: ExchangeId, request: Request, signature: Vec<u8> },
    Event { to: usize, event: Event },
}

/// An instance as the model knows it.
#[derive(Clone, Debug)]
struct Known {
    id: String,
    account: usize,
    uses: BTreeMap<Tag, u32>,
    heard: Utc,
    ends: Utc,
}

/// What the authority has acknowledged, in the plainest form.
#[derive(Default)]
struct Model {
    /// By serial number.
    known: BTreeMap<String, Known>,
    pools: BTreeMap<(usize, Tag), u32>,
    /// Which account a token is of.
    tokens: BTreeMap<String, usize>,
    /// Nonces of the requests of an instance that were granted, oldest first.
    granted: BTreeMap<String, Vec<u64>>,
    /// Account whose universal licence a serial number has, and by which request.
    reserved: BTreeMap<String, (usize, Commitment)>,
}

impl Model {
    /// Units of a tag that an account has in use, counted from scratch.
    fn total(&self, account: usize, tag: &Tag, now: Utc) -> u64 {
        let heard = self.known.values().filter(|one| now < one.heard + SILENCE_MAX);
        let uses = heard.filter(|one| one.account == account).filter_map(|one| one.uses.get(tag));
        uses.map(|count| u64::from(*count)).sum()
    }

    /// Universal licences of an account that reservations have taken.
    fn universal(&self, account: usize) -> u64 {
        self.reserved.values().filter(|(of, _)| *of == account).count() as u64
    }

    fn bought(&self, account: usize, tag: &Tag) -> u64 {
        self.pools.get(&(account, tag.clone())).copied().map_or(0, u64::from)
    }

    /// Takes in what the authority answered and has on its disk.
    fn learn(&mut self, now: Utc, request: &Request, verdict: &Verdict, seed: u64) {
        let serial = &request.device.udi.serial;
        let refused = matches!(verdict, Verdict::Refused { .. });
        if !refused && !matches!(request.ask, Ask::Register { .. }) {
            let granted = self.granted.entry(serial.clone()).or_default();
            let last = granted.last() == Some(&request.nonce);
            assert!(last || !granted.contains(&request.nonce), "SEED={seed} grants a replay");
            granted.push(request.nonce);
        }
        match (&request.ask, verdict) {
            (Ask::Register { token, .. }, Verdict::Registered(grant)) => {
                assert!(
                    !self.reserved.contains_key(serial),
                    "SEED={seed} registers a reserved one"
                );
                let known = self.known.get(serial).filter(|one| one.id == grant.instance);
                if known.is_none() {
                    self.granted.remove(serial);
                    let known = Known {
                        id: grant.instance.clone(),
                        account: self.tokens[token],
                        uses: BTreeMap::new(),
                        heard: now,
                        ends: grant.not_after,
                    };
                    self.known.insert(serial.clone(), known);
                }
            }
            (Ask::Renew { instance }, Verdict::Renewed(grant)) => {
                let known = self.of_id(serial, instance, seed);
                (known.heard, known.ends) = (now, grant.not_after);
            }
            (Ask::Authorize { instance, in_use }, Verdict::Authorized(answers)) => {
                let known = self.of_id(serial, instance, seed);
                known.heard = now;
                known.uses = in_use.iter().map(|one| (one.tag.clone(), one.count)).collect();
                let account = known.account;
                for answer in answers {
                    let fits =
                        self.total(account, &answer.tag, now) <= self.bought(account, &answer.tag);
                    let told = answer.compliance == Compliance::InCompliance;
                    assert_eq!(told, fits, "SEED={seed} {serial} {:?}", answer.tag);
                }
            }
            (Ask::Deregister { instance }, Verdict::Deregistered) => {
                self.of_id(serial, instance, seed);
                self.known.remove(serial);
            }
            (_, Verdict::Refused { .. }) => {}
            (ask, verdict) => panic!("SEED={seed} {ask:?} is answered with {verdict:?}"),
        }
    }

    fn of_id(&mut self, serial: &str, id: &str, seed: u64) -> &mut Known {
        let known = self.known.get_mut(serial).filter(|one| one.id == id);
        known.unwrap_or_else(|| panic!("SEED={seed} {serial} {id} is no instance"))
    }
}

struct World {
    seed: u64,
    rng: Rng,
    now: Now,
    fleet: Vec<Chassis>,
    authority: Authority,
    /// The authority's flash.
    disk: BTreeMap<String, Vec<u8>>,
    root: SigningKey,
    model: Model,
    mail: Vec<(Instant, Mail)>,
    out_until: Instant,
    numbers: u64,
    calm: bool,
}

fn account(number: usize) -> AccountName {
    let virtual_account = format!("Virtual {number}");
    AccountName { smart_account: "vfxos Lab".into(), virtual_account }
}

fn tags() -> impl Iterator<Item = Tag> {
    CATALOGUE[..4].iter().map(|row| Tag::parse(row.tag).expect("a row of the catalogue"))
}

fn identity(serial: &str, key: &SigningKey) -> Identity {
    Identity {
        udi: Udi { pid: "FPR-4125-SUP".into(), serial: serial.into() },
        product: "FPR4125".into(),
        sudi_pid: "FPR-4125-SUP".into(),
        hostname: "FPR4125-1".into(),
        version: AgentVersion::V4_6_9,
        public_key: key.public_key().to_string(),
    }
}

impl World {
    fn new(seed: u64) -> World {
        let now = Now { mono: Instant::ZERO, wall: START };
        let authority = Authority::new([], Settings::default(), Rng::from_seed(seed ^ 1));
        let mut fleet = Vec::new();
        for number in 0..FLEET {
            let serial = format!("JAD0000000{number}");
            let key = SigningKey::from_seed(&[number as u8 + 1; 32]);
            let rng = Rng::from_seed(seed << 8 | number as u64);
            fleet.push(Chassis {
                agent: Agent::new(identity(&serial, &key), Stored::default(), rng, now),
                key,
                serial,
                flash: Stored::default(),
                enforced: Enforcement::default(),
                demand: BTreeMap::new(),
                returns: Vec::new(),
            });
        }
        let mut world = World {
            seed,
            rng: Rng::from_seed(seed),
            now,
            fleet,
            authority: authority.expect("no record is damaged"),
            disk: BTreeMap::new(),
            root: SigningKey::from_seed(&[42; 32]),
            model: Model::default(),
            mail: Vec::new(),
            out_until: now.mono,
            numbers: 0,
            calm: false,
        };
        // Two accounts, opened by the first token of each.
        for number in 0..2 {
            let spec = TokenSpec { account: Some(account(number)), ..TokenSpec::default() };
            world.authority.token_new(now.wall, &spec).expect("there is room");
            let universal = Pool { bought: UNIVERSAL, expires: None };
            let name = account(number);
            let set = world.authority.pool_set(now.wall, Some(&name), "FPR4K-ASA-BPU", universal);
            set.expect("it is sold");
            for tag in tags() {
                world.stock(number, &tag, 3);
            }
        }
        world
    }

    fn one_in(&mut self, n: u64) -> bool {
        !self.calm && self.rng.one_in(n)
    }

    fn below(&mut self, n: u64) -> usize {
        (self.rng.next_u64() % n) as usize
    }

    fn stock(&mut self, number: usize, tag: &Tag, bought: u32) {
        let (name, pool) = (account(number), Pool { bought, expires: None });
        let set = self.authority.pool_set(self.now.wall, Some(&name), tag.as_str(), pool);
        set.expect("it is sold");
        self.save();
        self.model.pools.insert((number, tag.clone()), bought);
    }

    /// Writes what an operator changed; nobody is told before it is done.
    fn save(&mut self) {
        while let Next::Do(output) = self.authority.poll(self.now) {
            match output {
                authority::Output::Persist(records) => self.write(records),
                authority::Output::Reply { .. } => panic!("SEED={} answers nobody", self.seed),
            }
        }
    }

    fn write(&mut self, records: Vec<Record>) {
        for Record { key, value } in records {
            match value {
                Some(value) => drop(self.disk.insert(key, value)),
                None => drop(self.disk.remove(&key)),
            }
        }
    }

    /// The authority loses power: what is not on its disk never was.
    fn restart_authority(&mut self) {
        let rng = Rng::from_seed(self.rng.next_u64());
        let authority = Authority::new(self.disk.clone(), Settings::default(), rng);
        self.authority = authority.unwrap_or_else(|error| panic!("SEED={} {error}", self.seed));
    }

    /// A chassis loses power; so does whatever is on its way to it.
    fn cut_power(&mut self, who: usize) {
        let rng = Rng::from_seed(self.rng.next_u64());
        let chassis = &mut self.fleet[who];
        let identity = identity(&chassis.serial, &chassis.key);
        chassis.agent = Agent::new(identity, chassis.flash.clone(), rng, self.now);
        chassis.agent.demand(self.now, chassis.demand.clone());
        self.mail.retain(|(_, mail)| !matches!(mail, Mail::Event { to, .. } if *to == who));
    }

    /// Does all that a chassis wants done; returns when it wants to be called.
    fn drain(&mut self, who: usize) -> Option<Instant> {
        loop {
            match self.fleet[who].agent.poll(self.now) {
                Next::Do(Output::Persist(stored)) => {
                    self.fleet[who].flash = *stored;
                    if self.one_in(40) {
                        self.cut_power(who);
                    }
                }
                Next::Do(Output::Enforce(enforcement)) => self.fleet[who].enforced = enforcement,
                Next::Do(Output::Log(_)) => {}
                Next::Do(Output::Ask { exchange, request }) => self.send(who, exchange, request),
                Next::Wait(until) => return until,
            }
        }
    }

    fn send(&mut self, from: usize, exchange: ExchangeId, request: Request) {
        let signature = self.fleet[from].key.sign(&request.to_json());
        let latency = Duration::from_millis(self.rng.next_u64() % 4_000);
        let at = self.now.mono + latency;
        let lost = self.out_until > self.now.mono || self.one_in(12);
        if lost {
            let event = Event::Lost { exchange, reason: ExchangeError::Transport };
            self.mail.push((at + seconds(30), Mail::Event { to: from, event }));
            return;
        }
        let mail = Mail::Request { from, exchange, request, signature };
        if self.one_in(10) {
            let again = self.rng.below(seconds(7_200));
            self.mail.push((at + again, mail.clone()));
        }
        self.mail.push((at, mail));
    }

    /// The authority takes a request. Power may fail before it has written, or before it answers.
    fn decide(&mut self, from: usize, exchange: ExchangeId, request: Request, signature: Vec<u8>) {
        self.numbers += 1;
        let (number, body) = (ExchangeId(self.numbers), request.to_json());
        let event = authority::Event::Request {
            exchange: number,
            request: Box::new(request.clone()),
            body,
            signature,
        };
        self.authority.handle(self.now, event);
        let mut records = Vec::new();
        let mut answer: Option<Answer> = None;
        while let Next::Do(output) = self.authority.poll(self.now) {
            match output {
                authority::Output::Persist(more) => {
                    assert!(answer.is_none(), "SEED={} answers before it writes", self.seed);
                    records.extend(more);
                }
                authority::Output::Reply { answer: made, .. } => answer = Some(made),
            }
        }
        let answer = answer.expect("every request is answered");
        let lost = Event::Lost { exchange, reason: ExchangeError::Transport };
        let lost = (self.now.mono + seconds(30), Mail::Event { to: from, event: lost });
        if self.one_in(20) {
            self.restart_authority();
            self.mail.push(lost);
            return;
        }
        self.write(records);
        self.model.learn(self.now.wall, &request, &answer.verdict, self.seed);
        if self.one_in(20) {
            self.restart_authority();
            self.mail.push(lost);
        } else if self.one_in(20) {
            self.mail.push(lost);
        } else {
            let at = self.now.mono + Duration::from_millis(self.rng.next_u64() % 2_000);
            self.mail
                .push((at, Mail::Event { to: from, event: Event::Answered { exchange, answer } }));
        }
        self.check();
    }

    /// Somebody sends what is not his to send; nothing may come of it.
    fn forge(&mut self) {
        let Some((_, Mail::Request { request, .. })) =
            self.mail.iter().find(|(_, mail)| matches!(mail, Mail::Request { .. }))
        else {
            return;
        };
        let (mut request, thief) = (request.clone(), self.below(FLEET as u64));
        request.nonce = !request.nonce;
        if request.device.udi.serial == self.fleet[thief].serial {
            return;
        }
        let body = request.to_json();
        let signature = self.fleet[thief].key.sign(&body);
        self.numbers += 1;
        let exchange = ExchangeId(self.numbers);
        let event =
            authority::Event::Request { exchange, request: Box::new(request), body, signature };
        self.authority.handle(self.now, event);
        while let Next::Do(output) = self.authority.poll(self.now) {
            match output {
                authority::Output::Persist(records) => self.write(records),
                authority::Output::Reply { answer, .. } => {
                    let refused = matches!(answer.verdict, Verdict::Refused { .. });
                    assert!(refused, "SEED={} believes {:?}", self.seed, answer.verdict);
                }
            }
        }
        self.check();
    }

    /// One thing that somebody does.
    fn disturb(&mut self) {
        let who = self.below(FLEET as u64);
        match self.rng.next_u64() % 24 {
            0..=4 => self.register(who),
            5 => drop(self.fleet[who].agent.deregister(self.now)),
            6 => self.fleet[who].agent.renew(self.now),
            7..=11 => self.demand(who),
            12 => {
                self.out_until = self.now.mono + self.rng.below(days(2));
                // Now and then so long that the authority gives up on whom it does not hear.
                if self.rng.one_in(4) {
                    self.out_until = self.now.mono + days(100);
                    self.live(self.out_until);
                }
            }
            13 => self.cut_power(who),
            14 => self.restart_authority(),
            15 => self.forge(),
            16 => {
                let serial = self.fleet[who].serial.clone();
                let removed = self.authority.instance_remove(self.now.wall, &serial).is_ok();
                self.save();
                let known = self.model.known.remove(&serial).is_some();
                assert_eq!(removed, known, "SEED={} {serial}", self.seed);
            }
            17 => {
                let (serial, to) = (self.fleet[who].serial.clone(), self.below(2));
                let moved = self.authority.instance_transfer(self.now.wall, &serial, &account(to));
                self.save();
                let known = self.model.known.get_mut(&serial);
                assert_eq!(moved.is_ok(), known.is_some(), "SEED={} {serial}", self.seed);
                known.into_iter().for_each(|known| known.account = to);
            }
            18 | 19 => {
                let (number, which) = (self.below(2), self.below(4));
                let tag = tags().nth(which).expect("there are four");
                let bought = self.below(8) as u32;
                self.stock(number, &tag, bought);
            }
            _ => (0..self.rng.next_u64() % 5).for_each(|_| self.reserve(who)),
        }
        self.authority.handle(self.now, authority::Event::Due);
        self.save();
        self.check();
    }

    fn register(&mut self, who: usize) {
        let number = self.below(2);
        let spec = TokenSpec { account: Some(account(number)), ..TokenSpec::default() };
        let token = self.authority.token_new(self.now.wall, &spec).expect("there is room").text;
        self.save();
        self.model.tokens.insert(token.clone(), number);
        let force = self.calm || self.rng.one_in(2);
        let token = IdToken::parse(&token).expect("the authority made it");
        // Refused while one is under way, and under a reservation.
        let _ = self.fleet[who].agent.register(self.now, token, force);
    }

    fn demand(&mut self, who: usize) {
        let mut totals = BTreeMap::new();
        for tag in tags() {
            totals.insert(tag, self.below(3) as u32);
        }
        totals.retain(|_, count| *count > 0);
        self.fleet[who].demand.clone_from(&totals);
        self.fleet[who].agent.demand(self.now, totals);
    }

    /// One step of a reservation, on the chassis or at the authority, whatever comes next there.
    fn reserve(&mut self, who: usize) {
        let (wall, serial) = (self.now.wall, self.fleet[who].serial.clone());
        let types = self.calm || self.rng.one_in(3);
        if let Some(code) = types.then(|| self.fleet[who].returns.pop()).flatten() {
            let taken = self.authority.reservation_return(wall, &code).is_ok();
            self.save();
            let back = ReturnCode::parse(&code).expect("the chassis wrote it").commitment();
            let known = self.model.reserved.get(&serial).is_some_and(|(_, held)| *held == back);
            assert_eq!(taken, known, "SEED={} {serial} gives {code} back", self.seed);
            self.model.reserved.retain(|_, (_, held)| *held != back);
            return;
        }
        let agent = &mut self.fleet[who].agent;
        match agent.stored().reservation.clone() {
            Reservation::Disabled => drop(agent.set_reservation(self.now, true)),
            Reservation::Enabled => drop(agent.request_reservation(self.now)),
            Reservation::Requested { request, .. } => {
                let number = self.below(2);
                let (code, name) = (request.to_string(), account(number));
                let left = UNIVERSAL as u64 > self.model.universal(number);
                let facts =
                    self.authority.reservation_authorize(wall, &code, Some(&name), &self.root);
                self.save();
                let registered = self.model.known.contains_key(&serial);
                let Ok(facts) = facts else {
                    let cause = registered || !left || self.model.reserved.contains_key(&serial);
                    assert!(cause, "SEED={} {serial} is refused: {facts:?}", self.seed);
                    return self.give_up(who);
                };
                assert!(!registered, "SEED={} {serial} is registered and reserved", self.seed);
                self.model.reserved.entry(serial).or_insert((number, request.commitment));
                let trusted = [self.root.public_key()];
                let agent = &mut self.fleet[who].agent;
                let done = agent.install_reservation(self.now, &facts.authorization_code, &trusted);
                assert_eq!(done, Ok(()), "SEED={}", self.seed);
            }
            Reservation::Authorized { .. } => drop(agent.return_reservation(self.now)),
            Reservation::Returned { .. } => drop(agent.set_reservation(self.now, false)),
        }
        self.look(who);
    }

    /// A request that the authority does not answer is cancelled.
    fn give_up(&mut self, who: usize) {
        let _ = self.fleet[who].agent.cancel_reservation(self.now);
        self.look(who);
    }

    /// Reads the return code that the chassis shows once it has written it.
    fn look(&mut self, who: usize) {
        self.drain(who);
        let chassis = &mut self.fleet[who];
        let shown = chassis.agent.report(self.now).reservation.return_code;
        chassis.returns.extend(shown.filter(|code| !chassis.returns.contains(code)));
    }

    /// Lives until `end`, going exactly to whatever is due first.
    fn live(&mut self, end: Instant) {
        let mut due: Vec<_> = (0..FLEET).map(|who| self.drain(who)).collect();
        loop {
            let mail = self.mail.iter().map(|(at, _)| at);
            let next = due.iter().flatten().chain(mail).min().copied();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.at(next);
            self.model.known.retain(|_, known| known.ends > self.now.wall);
            let touched = match self.mail.iter().position(|(at, _)| *at <= next) {
                Some(index) => match self.mail.swap_remove(index).1 {
                    Mail::Request { from, exchange, request, signature } => {
                        self.decide(from, exchange, request, signature);
                        continue;
                    }
                    Mail::Event { to, event } => {
                        self.fleet[to].agent.handle(self.now, event);
                        to
                    }
                },
                None => {
                    let first = due.iter().position(|at| at.is_some_and(|at| at <= next));
                    let first = first.expect("something is due");
                    self.fleet[first].agent.handle(self.now, Event::Due);
                    first
                }
            };
            due[touched] = self.drain(touched);
        }
        self.now = self.now.at(end);
        self.model.known.retain(|_, known| known.ends > self.now.wall);
    }

    /// The authority counts what the model counts.
    fn check(&self) {
        let (seed, wall) = (self.seed, self.now.wall);
        let known: BTreeMap<_, _> =
            self.model.known.iter().map(|(serial, one)| (serial.clone(), one.id.clone())).collect();
        let instances = self.authority.instances();
        let real: BTreeMap<_, _> =
            instances.iter().map(|one| (one.udi.serial.clone(), one.id.clone())).collect();
        assert_eq!(real, known, "SEED={seed} instances");
        for pool in self.authority.pools(wall) {
            let Some(number) = (0..2).find(|n| account(*n).virtual_account == pool.virtual_account)
            else {
                continue;
            };
            let want = match tags().find(|tag| tag.short_name() == pool.tag) {
                Some(tag) => self.model.total(number, &tag, wall),
                None if pool.tag == "FPR4K-ASA-BPU" => self.model.universal(number),
                None => 0,
            };
            assert_eq!(pool.in_use, want, "SEED={seed} account {number} {}", pool.tag);
        }
        for chassis in &self.fleet {
            let (stored, serial) = (chassis.agent.stored(), &chassis.serial);
            let report = chassis.agent.report(self.now).registration;
            let registered = matches!(report, RegistrationReport::Registered { .. });
            let reserved = stored.reservation.is_authorized();
            assert!(!(registered && stored.reservation.is_enabled()), "SEED={seed} {serial}");
            let counted = self.model.reserved.contains_key(serial);
            assert!(counted || !reserved, "SEED={seed} {serial} uses what nobody counts");
        }
    }

    /// Nobody does anything any more. All must come to be registered and told what the pools say.
    fn recover(&mut self) {
        let seed = self.seed;
        self.calm = true;
        self.out_until = self.now.mono;
        for who in 0..FLEET {
            self.demand(who);
            let agent = &mut self.fleet[who].agent;
            let _ = agent.cancel_reservation(self.now);
            let _ = agent.return_reservation(self.now);
            let disabled = agent.set_reservation(self.now, false);
            assert_eq!(disabled, Ok(()), "SEED={seed}");
            self.look(who);
            while !self.fleet[who].returns.is_empty() {
                self.reserve(who);
            }
        }
        assert!(self.model.reserved.is_empty(), "SEED={seed} {:?}", self.model.reserved);
        self.live(self.now.mono + days(1));
        for who in 0..FLEET {
            self.register(who);
        }
        self.live(self.now.mono + days(1));
        // All have reported; now each asks once more and hears how it stands.
        for chassis in &mut self.fleet {
            chassis.agent.renew(self.now);
        }
        self.live(self.now.mono + seconds(600));
        self.check();
        for chassis in &self.fleet {
            let serial = &chassis.serial;
            let known = self.model.known.get(serial);
            let known = known.unwrap_or_else(|| panic!("SEED={seed} {serial} is not registered"));
            assert_eq!(known.uses, chassis.demand, "SEED={seed} {serial}");
            for (tag, mode) in &chassis.enforced.modes {
                let total = self.model.total(known.account, tag, self.now.wall);
                let fits = total <= self.model.bought(known.account, tag);
                let want = if fits { Mode::Authorized } else { Mode::OutOfCompliance };
                assert_eq!(*mode, want, "SEED={seed} {serial} {tag:?}");
            }
        }
    }
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..ACTIONS {
        world.disturb();
        let most = match world.rng.next_u64() % 8 {
            0 => days(6),
            1..=3 => seconds(6 * 3_600),
            _ => seconds(120),
        };
        let time = world.rng.below(most);
        world.live(world.now.mono + time);
    }
    world.recover();
}

#[test]
fn pools_and_totals_are_what_a_count_from_scratch_says() {
    each_seed(SEEDS, run);
}
